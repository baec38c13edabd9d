#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ondemand.sh - start: on-demand: the first guest brings the network up, the last takes all of it away.
#
#   outside ---- router: od0 10.9.0.1/24, up while a tap is on it
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
UP=$KVNET_BUILD/qemu-ifup
DOWN=$KVNET_BUILD/qemu-ifdown
before=$(snapshot_host)
kvnet create od0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64 --start on-demand --no-start >/dev/null
kvnet start od0 # for the leases' file, which stays
kvnet stop od0
idle=$(snapshot_host)
equal "the host of the idle network" "$(sed '/^== files/,$d' <<<"$before")" "$(sed '/^== files/,$d' <<<"$idle")"
state() { kvnet show od0 --json | jq -r .state; }
equal state inactive "$(state)"

for round in 1 2; do
	note "round $round: up with the first, still up with the second's end, down with the last's"
	hold od0-a "$UP" "$DOWN"
	held od0-a
	equal state active "$(state)"
	hold od0-b "$UP" "$DOWN"
	held od0-b
	release od0-a
	wait_for "the end of od0-a" has_no_link od0-a
	equal state active "$(state)"
	equal "ports" od0-b "$(kvnet ports od0 --json | jq -r '.[].ifname')"
	release od0-b
	wait_for "the end of od0-b" has_no_link od0-b
	equal state inactive "$(state)"
	host_is "after the last guest" "$idle"
done

note "a network that carries traffic, and is gone after it"
hold od0-a "$UP" "$DOWN"
held od0-a
guest g od0 10.9.0.10/24 10.9.0.1
SEEN=192.0.2.2 reaches g outside 198.51.100.1
release od0-a
wait_for "the end of od0-a" has_no_link od0-a
equal "state with another guest on it" active "$(state)"
SEEN=192.0.2.2 reaches g outside 198.51.100.1
kvnet detach v-g
ip -n "kvt-$$-router" link delete v-g
unset "HOST_END[g]"
equal "state after the last port" inactive "$(state)"
host_is "after the last port" "$idle"

note "a crash, then the next guest: its end takes the network away"
hold od0-a "$UP" "$DOWN"
held od0-a
kill -KILL "${HOLDER[od0-a]}"
wait_for "the end of the killed guest's tap" has_no_link od0-a
hold od0-b "$UP" "$DOWN"
held od0-b
release od0-b
wait_for "the end of od0-b" has_no_link od0-b
equal state inactive "$(state)"
host_is "after the crash" "$idle"

note "one that does not stop by itself: boot"
kvnet set od0 start=boot >/dev/null
hold od0-a "$UP" "$DOWN"
held od0-a
release od0-a
wait_for "the end of od0-a" has_no_link od0-a
equal state active "$(state)"
kvnet delete od0
host_is "after delete" "$before"
