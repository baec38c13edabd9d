# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# lib.sh - the laboratory of the guest tests: a router and an outside in namespaces, real QEMU guests, and waiting.
#
#   guest ==tap== bridge (kvnet) -- router: up0 192.0.2.2/24 ---veth--- outside: out0 192.0.2.1/24
#                                           2001:db8:2::2/64                     2001:db8:2::1/64
#                                                                       lo 198.51.100.1/32, 2001:db8:51::1/128
#
# Sourcing it re-executes the script inside new network, mount and PID namespaces: the script itself is in the router's,
# nothing of the host changes, and whatever runs dies with the script.  Outside, `probe serve 8080` tells each client
# the address that it came from, and a DNS server knows outside.test.  The outside has no route back to the guests,
# unless a test adds one.
set -eEuo pipefail

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
B=$(realpath -m "${KVNET_BUILD:-$LAB_DIR/../../build}")
SELF=$(basename "$0" .sh)
LIMIT=120 # seconds that any one wait may take: machines are slow and shared

# ---- saying how it went ----

# Print what went wrong and everything that helps to see why, then end.  $1: one line.
fail() {
	trap - ERR
	echo "$SELF: FAILED: $1" >&2
	local file
	for file in "$WORK"/*.log "$WORK"/*.err "$WORK"/*.console; do
		[ -s "$file" ] || continue
		echo "--- ${file##*/}" >&2
		tail -n 60 "$file" | tr -d '\r' >&2
	done
	exit 1
}

# $1: what it is  $2: expected  $3: seen.
expect() {
	[ "$2" = "$3" ] || fail "$1: expected '$2', saw '$3'"
}

# As expect, but $2 is a pattern of [[ == ]].
expect_like() {
	# shellcheck disable=SC2053 # A pattern is what is wanted.
	[[ $3 == $2 ]] || fail "$1: expected something like '$2', saw '$3'"
}

pass() {
	echo "$SELF: ok: $*"
}

skip() {
	echo "$SELF: skipped: $*"
	exit 77
}

# ---- waiting and running ----

# wait_until WHAT COMMAND...: until COMMAND succeeds.
wait_until() {
	local what=$1 end=$((SECONDS + LIMIT))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || fail "waited $LIMIT s for: $what"
		sleep 0.05
	done
}

# Run a command whose output matters only when it fails.
quiet() {
	local status=0
	echo "\$ $*" >>"$WORK/commands.log"
	"$@" >>"$WORK/commands.log" 2>&1 || status=$?
	[ "$status" -eq 0 ] || fail "expected '${*/#$B\//}' to succeed, saw exit status $status"
}

kvnet() {
	"$B/kvnet" "$@"
}

# Run a command in the outside's network namespace.
outside() {
	nsenter -t "$OUTSIDE" -n -- "$@"
}

# ---- the namespaces ----

refuse() {
	echo "$SELF: $1" >&2
	exit 1
}

need() { # COMMAND PACKAGE
	command -v "$1" >/dev/null || refuse "needs $1: apt-get install $2 (scripts/deps guest installs all)"
}

lab_requirements() {
	[ "$(id -u)" -eq 0 ] || refuse "needs root, for namespaces and taps of its own; nothing of the host is changed"
	need ip iproute2
	need qemu-system-x86_64 qemu-system-x86
	need dnsmasq dnsmasq-base
	need nft nftables
	need jq jq
	need unshare util-linux
	grep -qs ' tun$' /proc/misc || modprobe tun 2>/dev/null || skip "this kernel has no tun (CONFIG_TUN)"
	[ -c /dev/net/tun ] || refuse "no /dev/net/tun: mkdir -p /dev/net && mknod /dev/net/tun c 10 200"
	local program
	for program in kvnet netd qemu-ifup qemu-ifdown kvnet-helper; do
		[ -x "$B/$program" ] || refuse "no $B/$program: run make first"
	done
}

# needs_kernel FEATURE COMMAND...: skip when the kernel says that it has no such thing; anything else is a failure.
needs_kernel() {
	local what=$1
	shift
	"$@" >"$WORK/lab.log" 2>&1 && return
	! grep -qi -e 'not supported' -e 'unknown device type' "$WORK/lab.log" || skip "this kernel has no $what"
	fail "expected '$*' to succeed"
}

lab_features() {
	needs_kernel bridge ip link add lab0 type bridge
	ip link del lab0
	needs_kernel nftables nft list tables
	needs_kernel veth ip link add up0 type veth peer name out0
}

is_apart() { # PID: it is in a network namespace of its own by now
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

lab_outside() {
	unshare -n -- "$G/probe" serve 8080 >"$WORK/outside.log" 2>&1 &
	OUTSIDE=$!
	wait_until "the outside's namespace" is_apart "$OUTSIDE"
	ip link set out0 netns "$OUTSIDE"
	outside ip link set lo up
	# Duplicate address detection would only cost a second.
	outside sh -c 'echo 0 >/proc/sys/net/ipv6/conf/out0/accept_dad'
	outside ip addr add 192.0.2.1/24 dev out0
	outside ip addr add 198.51.100.1/32 dev lo
	outside ip addr add 2001:db8:2::1/64 dev out0
	outside ip addr add 2001:db8:51::1/128 dev lo
	outside ip link set out0 up
	wait_until "the outside's server" grep -q serving "$WORK/outside.log"
	outside dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= \
		--address=/outside.test/198.51.100.1 --log-facility="$WORK/outside-dns.log" >>"$WORK/outside.log" 2>&1 &
}

lab_router() {
	ip link set lo up
	# What a host has before kvnet comes, whatever the machine's own namespace says.
	echo 0 >/proc/sys/net/ipv4/ip_forward
	echo 0 >/proc/sys/net/ipv6/conf/up0/accept_dad
	ip addr add 192.0.2.2/24 dev up0
	ip addr add 2001:db8:2::2/64 dev up0
	ip link set up0 up
	ip route add default via 192.0.2.1
	ip -6 route add default via 2001:db8:2::1
	echo 'nameserver 192.0.2.1' >"$WORK/resolv.conf"
	mount --bind "$WORK/resolv.conf" "$(realpath /etc/resolv.conf)" || fail "cannot mount over /etc/resolv.conf"
	wait_until "an answer from the outside" "$G/probe" tcp 198.51.100.1 8080 1 >"$WORK/lab.log"
	wait_until "a name from the outside" "$G/probe" resolve outside.test 1 >"$WORK/lab.log"
}

# Enter the namespaces (first call), then build the topology (inside).
lab_enter() {
	if [ -z "${LAB_INSIDE:-}" ]; then
		lab_requirements
		G=$("$LAB_DIR/image")
		WORK=$(mktemp -d "${TMPDIR:-/tmp}/kvnet-$SELF.XXXXXX")
		export G WORK LAB_INSIDE=1
		exec unshare --net --mount --pid --fork --kill-child --mount-proc -- "$0" "$@"
	fi
	# Files too vanish with the namespace, all but the empty folder.
	mount -t tmpfs -o mode=755 lab "$WORK"
	trap 'umount -l "$WORK" && rmdir "$WORK"' EXIT
	mount -t sysfs lab /sys
	trap 'echo "$SELF: FAILED: line $LINENO: $BASH_COMMAND: exit status $?" >&2' ERR
	trap 'exit 130' INT TERM
	export KVNET_BUILD=$B KVNET_SOCKET='' KVNET_CONFIG_DIR=$WORK/etc KVNET_RUNTIME_DIR=$WORK/run KVNET_STATE_DIR=$WORK/lib
	unset KVNET_NETWORK
	mkdir "$KVNET_CONFIG_DIR" "$KVNET_RUNTIME_DIR" "$KVNET_STATE_DIR"
	lab_features
	lab_outside
	lab_router
}

# ---- guests ----

declare -A GUEST_PID=() GUEST_FD=()

# guest_boot NAME "KEY=VALUE..." QEMU-ARGUMENT...: start QEMU, by the command GUEST_BY if that is set; the keys are those of
# tests/guest/init.
GUEST_BY=()
guest_boot() {
	local name=$1 keys=$2 fd
	# Under load the emulated timer ticks too late for the kernel's check of it, and the kernel panics.
	keys="console=ttyS0 quiet panic=-1 no_timer_check name=$name $keys"
	shift 2
	mkfifo "$WORK/$name.in"
	: >"$WORK/$name.console"
	exec {fd}<>"$WORK/$name.in"
	GUEST_FD[$name]=$fd
	"${GUEST_BY[@]}" qemu-system-x86_64 -name "guest=$name" -accel tcg -M pc -cpu max -m 128 -nodefaults -no-user-config -display none -serial stdio \
		-no-reboot -kernel "$G/vmlinuz" -initrd "$G/initramfs.gz" -append "$keys" \
		-device isa-debug-exit,iobase=0x501 -global virtio-net-pci.romfile= "$@" \
		<"$WORK/$name.in" >"$WORK/$name.console" 2>"$WORK/$name.err" {fd}>&- &
	GUEST_PID[$name]=$!
}

is_gone() { # PID, a child of this shell or not
	! kill -0 "$1" 2>/dev/null
}

# Succeed when a line "KVN $2 RESULT" stands in the console of guest $1 after byte $3; RESULT is then in ANSWER.
guest_said() {
	local line
	while IFS= read -r line; do
		case $line in
		"KVN $2 "*)
			ANSWER=${line#"KVN $2 "}
			return
			;;
		esac
	done < <(tail -c "+$(($3 + 1))" "$WORK/$1.console" | tr -d '\r')
	! is_gone "${GUEST_PID[$1]}" || fail "guest $1 ended while it was expected to say '$2'"
	return 1
}

# guest_line NAME "VERB ARGUMENT": wait for that line; the rest of it is then in ANSWER.
guest_line() {
	wait_until "guest $1 to say '$2'" guest_said "$1" "$2" "${3:-0}"
}

guest_ready() {
	guest_line "$1" ready
}

# guest_ask NAME VERB ARGUMENT [MORE...]: type a line at its console; the answer's result is then in ANSWER.
guest_ask() {
	local name=$1 from
	shift
	from=$(stat -c %s "$WORK/$name.console")
	echo "$*" >&"${GUEST_FD[$name]}"
	guest_line "$name" "$1 $2" "$from"
}

# guest_expect NAME RESULT VERB ARGUMENT [MORE...]
guest_expect() {
	local name=$1 want=$2
	shift 2
	guest_ask "$name" "$@"
	expect "guest $name: $*" "$want" "$ANSWER"
}

# guest_run NAME COMMAND [ARGUMENT...]: run it in the guest's shell, print what it prints.
guest_run() {
	local from
	from=$(stat -c %s "$WORK/$1.console")
	guest_ask "$1" run "${@:2}"
	tail -c "+$((from + 1))" "$WORK/$1.console" | tr -d '\r' | sed -n 's/^| //p'
}

# Wait for the end of QEMU; its exit status is then in STATUS.
guest_wait() {
	wait_until "the end of guest $1" is_gone "${GUEST_PID[$1]}"
	STATUS=0
	wait "${GUEST_PID[$1]}" 2>/dev/null || STATUS=$?
}

# SIGKILL to QEMU, which leaves it no time for qemu-ifdown.
guest_kill() {
	STATUS=0
	# The shell's own word on it ("Killed") is no news.
	{ kill -KILL "${GUEST_PID[$1]}" && wait "${GUEST_PID[$1]}"; } 2>/dev/null || STATUS=$?
	expect "guest $1: QEMU's exit status" 137 "$STATUS"
	guest_forget "$1"
}

# Power guest $1 off in good order.
guest_off() {
	echo "exit 0" >&"${GUEST_FD[$1]}"
	guest_wait "$1"
	expect "guest $1: QEMU's exit status" 0 "$STATUS"
	guest_forget "$1"
}

# Let the name $1 be used by another guest.
guest_forget() {
	local fd=${GUEST_FD[$1]}
	exec {fd}>&-
	rm "$WORK/$1.in"
	mv "$WORK/$1.console" "$WORK/$1-${GUEST_PID[$1]}.console"
	mv "$WORK/$1.err" "$WORK/$1-${GUEST_PID[$1]}.err"
}

lab_enter "$@"
