#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_soak.sh - random damage and random calls at once, for KVT_SOAK_S seconds (60); then everything is as it should be.
#
#   outside ---- router: n0 (nat), n1 (nat, IPv6), n2 (routed), n3 (isolated), with guests a, b and ports of nobody's;  x0 ... x3 come and go
# shellcheck disable=SC2034 # lib.sh reads it
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_netd.sh
. "$(dirname "$0")/lib_netd.sh"

topology
K=$KVNET_BUILD/kvnet
R="kvt-$$-router"
RANDOM=${KVT_SEED:=$RANDOM}
note "KVT_SEED=$KVT_SEED"
mkdir -p "$T/etc"
echo 'max_ports: 1000' >"$T/etc/kvnet.yaml"
start_netd
kvnet create n0 --subnet 10.9.0.1/24 --set 'allow=[user:nobody]' >/dev/null
kvnet create n1 --subnet 10.19.0.1/24 --subnet6 fd19::1/64 --set 'allow=[user:nobody]' >/dev/null
kvnet create n2 --model routed --subnet 10.29.0.1/24 >/dev/null
kvnet create n3 --model isolated --subnet 10.39.0.1/24 >/dev/null
guest a n0 10.9.0.10/24 10.9.0.1
guest b n1 10.19.0.10/24 10.19.0.1 fd19::10/64 fd19::1

# Do COMMAND to a rule of ours: HANDLE is that of any.
nft_rule() {
	ip netns exec "$R" nft "${1/HANDLE/$(ip netns exec "$R" nft -a list chain inet kvnet from_network | sed -n 's/.*# handle //p' | shuf -n 1)}"
}

# One thing that somebody does to the host.  What it is about may be gone just then.
damage() {
	local n=n$((RANDOM % 4))

	case $((RANDOM % 13)) in
	0) ip netns exec "$R" nft flush ruleset ;;
	1) ip netns exec "$R" nft delete table inet kvnet ;;
	2) ip -n "$R" link del "$n" ;;
	3) ip -n "$R" link set "$n" down ;;
	4) ip -n "$R" addr flush dev "$n" ;;
	5) ip netns exec "$R" sysctl -qw net.ipv4.ip_forward=0 ;;
	6) ip netns exec "$R" sysctl -qw net.ipv6.conf.all.forwarding=0 ;;
	7) kill -KILL "$(cat "$T/run/networks/$n/dnsmasq.pid")" ;;
	8) ip -n "$R" link set v-a nomaster ;;
	9) ip -n "$R" link set dev "$n" alias "" ;;
	10) ip -n "$R" link set dev "$n" mtu 1280 ;;
	11) nft_rule "replace rule inet kvnet from_network handle HANDLE accept" ;;
	12) nft_rule "delete rule inet kvnet from_network handle HANDLE; insert rule inet kvnet from_network drop" ;;
	esac >/dev/null 2>&1 || true
}

# One call.  It may fail, since the network may just be gone or hurt, but then in one line.
call() {
	local n=n$((RANDOM % 4)) x=x$((RANDOM % 4)) status=0

	case $((RANDOM % 10)) in
	0) kvnet create "$x" ;;
	1) kvnet delete "$x" --force ;;
	2) kvnet stop "$n" --force && kvnet start "$n" ;;
	3) kvnet set "$n" "mtu=$((1300 + RANDOM % 200))" ;;
	4) kvnet list ;;
	5) kvnet show "$n" ;;
	6) as_user nobody "$K" run "n$((RANDOM % 2))" -- true '{fd}' ;;
	7) as_user nobody "$K" run "n$((RANDOM % 2))" --queues 2 -- sh -c 'kill -KILL $$ # {fd}' ;;
	8) kvnet ports ;;
	9) head -c $((RANDOM % 3000)) /dev/urandom | socat -u - "UNIX-CONNECT:$KVNET_SOCKET" ;;
	esac >"$T/call.$1" 2>"$T/call.$1.err" || status=$?
	[ "$status" -lt 2 ] || [ "$status" -ge 128 ] || fail "exit $status: $(cat "$T/call.$1.err")"
	[ "$(wc -l <"$T/call.$1.err")" -le 1 ] || fail "not one line: $(cat "$T/call.$1.err")"
}

end=$((SECONDS + ${KVT_SOAK_S:-60}))
callers=()
for i in 1 2 3; do
	# shellcheck disable=SC2030,SC2031 # each its own
	(RANDOM=$((KVT_SEED + i)); while [ "$SECONDS" -lt "$end" ]; do call "$i"; done) &
	callers+=($!)
done
rounds=0
# shellcheck disable=SC2031 # its own, too
while [ "$SECONDS" -lt "$end" ]; do
	damage
	rounds=$((rounds + 1))
	read -rt "0.$((RANDOM % 9))" <> <(:) || true # somebody who is not in a hurry
done
for pid in "${callers[@]}"; do
	wait "$pid" || fail "a caller failed"
done
note "$rounds times damage; $(grep -c 'repaired what' "$T/netd.log" || true) repairs"
kill -0 "$NETD" || fail "netd has ended: $(tail -n 5 "$T/netd.log")"

# Fights that were lost to chance rest for a minute at most.
KVT_WAIT=150 wait_for "rest ($(kvnet plan --all))" is_at_rest
kvnet list --json >"$T/list"
equal "states" active "$(jq -r '[.[].state] | unique | join(" ")' "$T/list")"
equal "ports" "v-a v-b" "$(kvnet ports --json | jq -r '[.[].ifname] | sort | join(" ")')"
equal "taps" "" "$(ip -n "$R" -o link show type tun)"
equal "dnsmasq processes" "$(jq length "$T/list")" "$(dnsmasq_pids | wc -l)"
SEEN=192.0.2.2 reaches a outside 198.51.100.1
SEEN=2001:db8:0:2::2 reaches b outside 2001:db8:100::1
stop_netd TERM
! grep -iE 'sanitizer|assert|runtime error' "$T/netd.log" || fail "netd's log"
# shellcheck disable=SC2046 # names
kvnet delete $(jq -r '.[].name' "$T/list") --force
equal "tables of kvnet" "" "$(in_ns router nft list tables | grep kvnet || true)"
