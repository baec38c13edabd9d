#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# concurrent_create.sh - twenty networks made at once each get a subnet of their own; deleted at once, nothing is left.
#
#   router: c1 ... c20, nat, subnets from the pool
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
kvnet list >/dev/null
before=$(snapshot_host)

# at_once VERB ARGS: kvnet VERB cN ARGS for twenty N at once; none fails.
at_once() {
	local verb=$1 i pids=()

	shift
	for i in {1..20}; do
		ip netns exec "kvt-$$-router" "$KVNET_BUILD/kvnet" "$verb" "c$i" "$@" >"$T/c$i.out" 2>&1 &
		pids[i]=$!
	done
	for i in {1..20}; do
		wait "${pids[i]}" || fail "$verb c$i: $(cat "$T/c$i.out")"
	done
}

for round in 1 2; do
	note "round $round: twenty created"
	at_once create --subnet6 auto
	kvnet list --json >"$T/list"
	equal "networks" 20 "$(jq length "$T/list")"
	equal "active ones" 20 "$(jq '[.[] | select(.state == "active")] | length' "$T/list")"
	equal "different IPv4 subnets" 20 "$(jq '[.[].ipv4.address] | unique | length' "$T/list")"
	equal "different IPv6 subnets" 20 "$(jq '[.[].ipv6.address] | unique | length' "$T/list")"
	equal "dnsmasq processes" 20 "$(dnsmasq_pids | wc -l)"
	kvnet plan --all --check >/dev/null || fail "the host needs mending: $(kvnet plan --all)"

	note "round $round: twenty stopped, started, changed and deleted"
	at_once stop
	equal "active ones" 0 "$(kvnet list --json | jq '[.[] | select(.state == "active")] | length')"
	at_once start
	kvnet plan --all --check >/dev/null || fail "the host needs mending: $(kvnet plan --all)"
	at_once delete
	equal "networks" "[]" "$(kvnet list --json | jq -c .)"
	host_is "after delete" "$before"
done

note "one network, created by ten at once: one wins, the others say that it is there"
pids=()
for i in {1..10}; do
	ip netns exec "kvt-$$-router" "$KVNET_BUILD/kvnet" create same >"$T/same$i.out" 2>"$T/same$i.err" &
	pids[i]=$!
done
won=0
for i in {1..10}; do
	if wait "${pids[i]}"; then
		won=$((won + 1))
	else
		grep -qE "same.*(exists|already)" "$T/same$i.err" || fail "$(cat "$T/same$i.err")"
	fi
done
equal "winners" 1 "$won"
kvnet plan same --check >/dev/null
kvnet delete same
host_is "after delete" "$before"
