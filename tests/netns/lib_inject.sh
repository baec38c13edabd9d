# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# lib_inject.sh - each system call of a command that reaches the kernel's networking, a process or a file, failing once or
# being the command's last.  Sourced after lib.sh.  Source: strace(1), "Syscall tampering".
#
#   every_call WHAT RESET COMMAND...
#
# COMMAND (a path and its arguments) runs in the router; RESET is a function that takes back what COMMAND does.
# In a script named rollback_*: a call fails with EPERM.  COMMAND says so in one line and the host is as before, or it
# succeeds as if nothing had been (what failed did not matter); done again, it succeeds.
# With ONWARD=1 the command gives something up for good and does not take it back (a guest's end): what failed may be half
# done, but done again, the command does the rest.
# In one named kill9_*: the process is killed at the call.  The same command again, or "apply --all", leaves the host as
# before COMMAND or as after it, nothing half done and nothing twice; RESET then leaves it as before.

INJECTED=sendmsg,sendmmsg,sendto,ioctl,openat,write,pwrite64,writev,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir
INJECTED=$INJECTED,link,linkat,symlinkat,ftruncate,fsync,fchmod,fchmodat,fchown,fork,vfork,clone,clone3,flock,bind,socket,pipe2

traced() { in_ns router strace -qq -y -s 4096 -e "trace=$INJECTED" -e signal=none "$@"; }

# calls LOG: "NAME N TEXT" for each call of the log that matters, N counting the calls of that name.  Left out: what the loader
# and the C library open for themselves, and what is said to the user.
calls() {
	awk -v ours="$T/" '
		match($0, /^[a-z0-9_]+\(/) {
			name = substr($0, 1, RLENGTH - 1)
			n[name]++
			if (name == "openat" && index($0, ours) == 0 && $0 !~ /\/proc\/sys\/|\/dev\/net\/tun/)
				next
			if (name ~ /^(write|writev)$/ && $0 ~ /^[a-z]+\([12]</)
				next
			if (name == "ioctl" && $0 ~ /TCGETS|TIOCGWINSZ/)
				next
			print name, n[name], substr($0, 1, 160)
		}' "$1"
}

# inject HOW NAME N COMMAND...: HOW befalls the Nth call of that name; status in $status, what it said in $T/inject.err
inject() {
	status=0
	in_ns router strace -qq -o /dev/null -e "trace=$2" -e signal=none -e "inject=$2:$1:when=$3" "${@:4}" \
		>"$T/inject.out" 2>"$T/inject.err" || status=$?
}

said() { tr '\n' '|' <"$T/inject.err"; }

plain() { in_ns router "$@" >"$T/plain.out" 2>&1 || fail "'$*' failed: $(cat "$T/plain.out")"; }

# What is up is as it should be.
at_rest() {
	local name

	for name in $(kvnet list --json | jq -r '.[] | select(.state != "inactive").name'); do
		kvnet plan "$name" --check >/dev/null || return 1
	done
}

one_failing() { # WHAT BEFORE AFTER RESET NAME N COMMAND...
	local what="$1 fails" before=$2 after=$3 reset=$4

	inject error=EPERM "${@:5}"
	if [ "$status" -eq 0 ]; then
		host_is "$what, the command succeeds" "$after"
	else
		[ "$status" -eq 1 ] || fail "$what: exit $status: $(said)"
		[ "$(wc -l <"$T/inject.err")" -eq 1 ] || fail "$what: not one line: $(said)"
		[ "${ONWARD:-0}" -eq 1 ] || host_is "$what ($(said))" "$before"
		plain "${@:7}"
		host_is "$what ($(said)), then the command again" "$after"
	fi
	$reset
	host_is "$what, then taken back" "$before"
}

one_killed() { # WHAT BEFORE AFTER RESET NAME N COMMAND...
	local what="$1: killed" before=$2 after=$3 reset=$4 now

	inject signal=KILL "${@:5}"
	[ "$status" -eq 137 ] || fail "$what: exit $status: $(said)"
	# Even and odd calls in turn: a command that says that it is done already is not the one to mend what is half done.
	if [ $(($6 % 2)) -eq 0 ] || ! in_ns router "${@:7}" >"$T/again" 2>&1; then
		kvnet apply --all >"$T/again" 2>&1 || fail "$what: apply: $(cat "$T/again")"
	fi
	now=$(rested_host)
	if [ "$now" != "$after" ]; then
		host_is "$what, then mended, and not as after the command either" "$before"
		plain "${@:7}"
		host_is "$what, mended, then the command" "$after"
	fi
	at_rest || fail "$what: something is left to do: $(kvnet plan --all)"
	$reset
	host_is "$what, then taken back" "$before"
}

# After a failure, so that the next call can be tried: mend, take back, and see whether the host is what it was.
begin_again() { # BEFORE RESET COMMAND...
	kvnet apply --all >"$T/again" 2>&1 || true
	in_ns router "${@:3}" >>"$T/again" 2>&1 || true
	($2) >>"$T/again" 2>&1 || true
	[ "$(rested_host)" = "$1" ] || fail "the host cannot be mended: $(cat "$T/again")
$(diff_states "$1" "$(rested_host)")"
}

every_call() {
	local what=$1 reset=$2 before after name n text one=one_failing count=0 bad=0 status

	shift 2
	[[ ${0##*/} != kill9_* ]] || one=one_killed
	plain "$@" # once for what is made for good: folders, the host's identity
	$reset
	before=$(rested_host)
	plain "$@"
	after=$(rested_host)
	$reset
	host_is "$what, then taken back" "$before"
	# A call that the kernel had restarted, for somebody else held its lock, would be counted twice.
	until traced -o "$T/trace" "$@" >/dev/null || fail "'$*' failed under strace"; ! grep -q ERESTART "$T/trace"; do
		$reset
	done
	$reset
	calls "$T/trace" >"$T/calls"
	while read -r name n text <&3; do
		count=$((count + 1))
		status=0
		# In the background, since a shell whose failure is waited for does not stop at its first failing command.
		($one "$what: $name #$n, $text" "$before" "$after" "$reset" "$name" "$n" "$@") &
		wait $! || status=$?
		[ "$status" -eq 0 ] || begin_again "$before" "$reset" "$@"
		bad=$((bad + (status != 0)))
		[ "$bad" -lt 10 ] || fail "$what: that is enough"
	done 3<"$T/calls"
	note "$what: $count calls, $bad failed"
	[ "$count" -gt 5 ] || fail "$what: only $count calls"
	BAD=$((${BAD:-0} + bad))
}

# At the end of the script.
none_failed() { [ "${BAD:-0}" -eq 0 ] || fail "$BAD calls"; }
