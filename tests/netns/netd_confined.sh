#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_confined.sh - netd started by root has no more privilege than its unit grants, nor has its dnsmasq, and all works.
#
#   outside ---- router: nat0 10.9.0.1/24 (user nobody) ---- g, h
# shellcheck disable=SC2034 # lib.sh reads it
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_netd.sh
. "$(dirname "$0")/lib_netd.sh"

UNIT=$HERE/../../netd/kvnet-netd.service.in

# dnsmasq as netd finds it, which says first what it may not do.
mkdir "$T/bin"
dnsmasq=$(PATH=$PATH:/usr/sbin:/sbin command -v dnsmasq)
cat >"$T/bin/dnsmasq" <<END
#!/bin/bash
"$KVNET_BUILD/tests/calls" >"$T/calls"
exec -a dnsmasq $dnsmasq "\$@"
END
chmod +x "$T/bin/dnsmasq"

# status PID KEY: of /proc/PID/status.
status() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }

# mask NAME...: the capabilities as /proc writes them.
mask() {
	local name bits=0

	for name; do
		bits=$((bits | 1 << $(sed -n "s/^#define ${name}[[:space:]]\+\([0-9]\+\)$/\1/p" /usr/include/linux/capability.h)))
	done
	printf '%016x\n' "$bits"
}

# is_confined WHAT PID: it has at most the unit's capabilities, and the rest.
is_confined() {
	local set

	for set in CapBnd CapPrm CapEff CapInh CapAmb; do
		equal "$set of $1 beyond the unit's" 0 "$((0x$(status "$2" "$set") & ~0x$granted))"
	done
	equal "bounding set of $1" "$granted" "$(status "$2" CapBnd)"
	equal "NoNewPrivs of $1" 1 "$(status "$2" NoNewPrivs)"
	equal "Seccomp of $1" 2 "$(status "$2" Seccomp)"
}

# all_works GUEST: networks, hooks, users' ports, repairs.
all_works() {
	kvnet create nat0 --subnet 10.9.0.1/24 --set 'allow=[user:nobody]' >/dev/null
	is_confined dnsmasq "$(cat "$T/run/networks/nat0/dnsmasq.pid")"
	plug "$1" nat0
	udhcpc "$1" 10 || fail "no lease"
	matches "lease" '^10\.9\.0\.' "$(leased "$1" ip)"
	addr "$1" eth0 10.9.0.250/24
	route "$1" default via 10.9.0.1
	talks "$1" 198.51.100.1 192.0.2.2
	export KVNET_NETWORK=nat0
	hold nat0-q "$KVNET_BUILD/qemu-ifup" "$KVNET_BUILD/qemu-ifdown"
	unset KVNET_NETWORK
	held nat0-q
	equal "master of the hook's port" nat0 "$(master_of nat0-q)"
	equal "pid of the hook's port" "${HOLDER[nat0-q]}" "$(kvnet ports nat0 --json | jq '.[] | select(.ifname == "nat0-q") | .pid')"
	release nat0-q
	matches "a user's port" '^[0-9]+ nat0-' "$(as_user nobody "$KVNET_BUILD/kvnet" run nat0 -- echo '{fd} {ifname}')"
	in_ns router nft flush ruleset
	kill -KILL "$(cat "$T/run/networks/nat0/dnsmasq.pid")"
	ip -n "kvt-$$-router" addr del 10.9.0.1/24 dev nat0
	wait_for "the repair" is_at_rest
	talks "$1" 198.51.100.1 192.0.2.2
	is_confined "the next dnsmasq" "$(cat "$T/run/networks/nat0/dnsmasq.pid")"
	kvnet delete nat0 --force
}

topology
# shellcheck disable=SC2046 # one word a capability
granted=$(mask $(sed -n 's/^CapabilityBoundingSet=//p' "$UNIT"))

note "started by root, without a service manager"
NETD_UNDER=(env "PATH=$T/bin:$PATH")
NETD_WORDS=(--foreground)
start_netd
NETD_WORDS=()
is_confined netd "$NETD"
equal "effective set" "$granted" "$(status "$NETD" CapEff)"
for task in "/proc/$NETD/task/"*; do
	is_confined "thread ${task##*/}" "$NETD/task/${task##*/}"
done
all_works g

note "what it has no use for is refused, and what it uses is not"
for call in keyctl ptrace mount umount2 chroot unshare setns io_uring_setup open_by_handle_at process_vm_readv personality \
	perf_event_open; do
	grep -qx "$call EPERM" "$T/calls" || fail "$call is not refused"
done
! grep -E '^(x32|int80) ' "$T/calls" | grep -v ' EPERM$' || fail "a call of another ABI is not refused"
! grep -E '^(pidfd_getfd|getppid) EPERM' "$T/calls" || fail "refused"
stop_netd TERM

note "confined before, as by its unit or a container, and without the right to change its bounding set: nothing fails"
capabilities=$(sed -n 's/^CapabilityBoundingSet=CAP_//p' "$UNIT" | tr '[:upper:]' '[:lower:]' | sed 's/ cap_/,+/g')
NETD_UNDER=(setpriv "--bounding-set=-all,+$capabilities" --no-new-privs env "PATH=$T/bin:$PATH")
start_netd
is_confined netd "$NETD"
all_works h
stop_netd TERM
NETD_UNDER=(setpriv --bounding-set=-setpcap)
start_netd
equal "effective set" "$(printf '%016x' $((0x$granted & ~(1 << 8))))" "$(status "$NETD" CapEff)"
kvnet create a0 --subnet 10.1.0.1/24 >/dev/null
kvnet delete a0
stop_netd TERM

if command -v systemd-analyze >/dev/null; then
	note "its unit, as systemd's own judgement has it"
	sed 's|@SBINDIR@|/usr/sbin|' "$UNIT" >"$T/kvnet-netd.service"
	systemd-analyze security --offline=true "$T/kvnet-netd.service" >"$T/judgement" 2>&1 || true
	# An older one has no --offline.
	matches "exposure" 'Overall exposure level.* (OK|SAFE|PERFECT)|unrecognized option' "$(tail -n 1 "$T/judgement")"
fi
