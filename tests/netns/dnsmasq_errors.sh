#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# dnsmasq_errors.sh - a dnsmasq that does not start: its own words reach the user, and the host is as before.
#
#   router: ports 53 and 67 taken by others; no dnsmasq; a dnsmasq that ends at once
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
kvnet list >/dev/null

# taken PORT: served by somebody else, on all addresses.
taken() {
	ip netns exec "kvt-$$-router" "$PROBE" serve "$1" "$T/port$1" &
	taken_pid=$!
	disown -a
	wait_for "the server on port $1" grep -q ready "$T/port$1"
}

free() {
	kill -KILL "$taken_pid"
	wait_for "the end of the server" sh -c "! kill -0 $taken_pid"
	rm "$T/port"*
}

for port in 53 67; do
	note "port $port is taken"
	taken $port
	before=$(snapshot_host)
	refuses 1 "dnsmasq.*(failed to|cannot) .*([Aa]ddress already in use)" kvnet create nat0 --subnet 10.9.0.1/24
	host_is "create" "$before"
	kvnet create nat0 --subnet 10.9.0.1/24 --no-start >/dev/null
	idle=$(snapshot_host)
	refuses 1 "nat0.*dnsmasq" kvnet start nat0
	host_is "start" "$idle"
	hold nat0-a "$KVNET_BUILD/qemu-ifup" "$KVNET_BUILD/qemu-ifdown"
	wait_for "the up script" grep -q '^up ' "$T/nat0-a.hold"
	equal "up script" "up 1" "$(cat "$T/nat0-a.hold")"
	equal "lines on stderr: $(cat "$T/nat0-a.hold.err")" 1 "$(wc -l <"$T/nat0-a.hold.err")"
	wait_for "the tap's end" has_no_link nat0-a
	host_is "qemu-ifup" "$idle"
	free
	kvnet start nat0
	kvnet delete nat0
done

note "another network's dnsmasq is in nobody's way"
kvnet create n1 >/dev/null
kvnet create n2 >/dev/null
equal "dnsmasq processes" 2 "$(dnsmasq_pids | wc -l)"
kvnet delete n1 n2

# without_dnsmasq COMMAND...: in a mount namespace where no folder of programs has one.
# shellcheck disable=SC2016 # expanded by the inner shell
without_dnsmasq() {
	in_ns router unshare -m sh -c 'mount -t tmpfs none /usr/sbin && exec "$@"' sh "$KVNET_BUILD/kvnet" "$@"
}
# shellcheck disable=SC2016 # expanded by the inner shell
with_dnsmasq() {
	in_ns router unshare -m sh -c 'mount --bind "$0" /usr/sbin/dnsmasq && exec "$@"' "$1" "$KVNET_BUILD/kvnet" "${@:2}"
}

note "no dnsmasq on this host"
before=$(snapshot_host)
refuses 1 "dnsmasq.*(No such file|not found|install)" without_dnsmasq create nat0
host_is "create" "$before"
without_dnsmasq create nat0 --dhcp none --set dns.enabled=false >/dev/null
without_dnsmasq delete nat0
host_is "a network that needs none" "$before"

note "one that ends at once, with and without a word; one that is killed"
printf '#!/bin/sh\necho "dnsmasq: cannot do this today" >&2\nexit 3\n' >"$T/dnsmasq.bad"
printf '#!/bin/sh\nexit 5\n' >"$T/dnsmasq.mute"
printf '#!/bin/sh\nkill -SEGV $$\n' >"$T/dnsmasq.crash"
chmod +x "$T"/dnsmasq.*
before=$(snapshot_host)
refuses 1 "cannot do this today" with_dnsmasq "$T/dnsmasq.bad" create nat0
host_is "a bad one" "$before"
refuses 1 "dnsmasq.*5" with_dnsmasq "$T/dnsmasq.mute" create nat0
host_is "a mute one" "$before"
refuses 1 "dnsmasq" with_dnsmasq "$T/dnsmasq.crash" create nat0
host_is "a crashing one" "$before"

note "a running network whose dnsmasq was killed is degraded, and mended"
kvnet create nat0 --subnet 10.9.0.1/24 >/dev/null
plug a nat0
kill -KILL "$(dnsmasq_pids)"
wait_for "dnsmasq's end" sh -c "! ip netns pids kvt-$$-router | xargs -I% cat /proc/%/comm | grep -q dnsmasq"
equal "state" degraded "$(kvnet show nat0 --json | jq -r .state)"
kvnet show nat0 --json | jq -e '.problems | length > 0' >/dev/null || fail "no problem is told"
! kvnet plan nat0 --check >/dev/null || fail "nothing to mend?"
kvnet apply nat0
equal "state" active "$(kvnet show nat0 --json | jq -r .state)"
udhcpc a 10 || fail "no lease"
