#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# concurrent_hooks.sh - twenty guests at once on a network that is down: one start, twenty ports; then one stop.
#
#   router: od0 10.9.0.1/24, on demand, with taps od0-1 ... od0-20
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
KVT_WAIT=60
UP=$KVNET_BUILD/qemu-ifup
DOWN=$KVNET_BUILD/qemu-ifdown
kvnet create od0 --subnet 10.9.0.1/24 --start on-demand --no-start >/dev/null
kvnet start od0 # for the leases' file, which stays
kvnet stop od0
idle=$(snapshot_host)

for round in 1 2; do
	note "round $round: twenty up"
	for i in {1..20}; do
		hold "od0-$i" "$UP" "$DOWN"
	done
	for i in {1..20}; do
		held "od0-$i"
		equal "bridge of od0-$i" od0 "$(master_of "od0-$i")"
	done
	equal "ports" 20 "$(kvnet ports od0 --json | jq length)"
	equal "state" active "$(kvnet show od0 --json | jq -r .state)"
	equal "dnsmasq processes" 1 "$(dnsmasq_pids | wc -l)"
	kvnet plan od0 --check >/dev/null || fail "the network needs mending: $(kvnet plan od0)"

	note "round $round: twenty down"
	for i in {1..20}; do
		kill -TERM "${HOLDER[od0-$i]}"
	done
	for i in {1..20}; do
		wait_for "the down script of od0-$i" grep -q '^down ' "$T/od0-$i.hold"
		equal "down script ($(cat "$T/od0-$i.hold.err"))" "down 0" "$(tail -n 1 "$T/od0-$i.hold")"
		wait_for "the end of od0-$i" has_no_link "od0-$i"
	done
	equal "state" inactive "$(kvnet show od0 --json | jq -r .state)"
	host_is "after the last" "$idle"
done

note "ups and downs at once"
for i in {1..10}; do
	hold "od0-$i" "$UP" "$DOWN"
done
for i in {1..10}; do
	held "od0-$i"
done
for i in {1..10}; do
	kill -TERM "${HOLDER[od0-$i]}"
	hold "od0-$((i + 10))" "$UP" "$DOWN"
done
for i in {1..10}; do
	wait_for "the down script of od0-$i" grep -q '^down 0' "$T/od0-$i.hold"
	held "od0-$((i + 10))"
done
equal "ports" 10 "$(kvnet ports od0 --json | jq length)"
equal "state" active "$(kvnet show od0 --json | jq -r .state)"
for i in {11..20}; do
	release "od0-$i"
	wait_for "the end of od0-$i" has_no_link "od0-$i"
done
host_is "after the last" "$idle"
