#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_heal.sh - what somebody takes from a network that is up comes back, is told once, and a guest's connection lives on.
#
#   outside ---- router: nat0 10.9.0.1/24 fd09::1/64 ---- a;  iso0 10.19.0.1/24 ---- b
# shellcheck disable=SC2034 # lib.sh reads it
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_netd.sh
. "$(dirname "$0")/lib_netd.sh"

topology
start_netd
kvnet create nat0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64 >/dev/null
kvnet create iso0 --model isolated --subnet 10.19.0.1/24 >/dev/null
guest a nat0 10.9.0.10/24 10.9.0.1 fd09::10/64 fd09::1
guest b iso0 10.19.0.10/24 10.19.0.1
R="kvt-$$-router"
# As any provider: answers to private addresses go nowhere.  What gets out unmasked for a moment is then lost, not reset.
route outside blackhole 10.9.0.0/24
# An answer that is on its way while the rules are gone is taken for the host's own, which knows no such connection.
in_ns outside nft -f - <<-END
	table ip deaf {
		chain input {
			type filter hook input priority 0
			ip saddr 192.0.2.2 tcp flags rst drop
		}
	}
END
follow all

# A stream of numbers from the guest to the outside, over one connection for the whole test.
mkfifo "$T/never" # a side of nc that has nothing to say must not be at its end, either
exec 8<>"$T/never"
ip netns exec "kvt-$$-outside" busybox nc -l -p 9 <&8 >"$T/stream" &
disown $!
wait_for "the listener" in_ns outside sh -c "ss -ltn | grep -q ':9 '"
# shellcheck disable=SC2016 # expanded by the inner shell
ip netns exec "kvt-$$-a" sh -c 'i=0; while i=$((i + 1)); do echo $i; sleep 0.01; done' 2>/dev/null |
	ip netns exec "kvt-$$-a" busybox nc 198.51.100.1 9 &
disown $!
wait_for "the stream" test -s "$T/stream"

grown_from() { [ "$(wc -l <"$T/stream")" -gt "$1" ]; }
flows() { wait_for "the stream after: $1" grown_from "$(wc -l <"$T/stream")"; }

repairs=0
# damage WHAT LOST NETWORK COMMAND...: COMMAND hurts NETWORK; it is mended, LOST is in the event that says so, and traffic goes.
damage() {
	local what=$1 lost=$2 network=$3

	shift 3
	note "$what"
	repairs=$((repairs + 1))
	ip netns exec "$R" "$@"
	wait_for "the repair of: $what" is_repaired "$network" "$lost"
	wait_for "rest after: $what" is_at_rest
	SEEN=192.0.2.2 reaches a outside 198.51.100.1
	SEEN=2001:db8:0:2::2 reaches a outside 2001:db8:100::1
	flows "$what"
}
is_repaired() { # NETWORK LOST: since the last time
	local n

	n=$(jq -c "select(.event == \"network-repaired\" and .network == \"$1\" and (.lost | any(contains(\"$2\"))))" \
		"$T/all.events" | wc -l)
	[ "$n" -gt "${SEEN_REPAIRS[$1 $2]:-0}" ] && SEEN_REPAIRS[$1 $2]=$n
}
declare -A SEEN_REPAIRS=()

damage "the whole ruleset flushed" firewall iso0 sh -c "nft flush ruleset; ip link set iso0 down"
damage "kvnet's table deleted" firewall nat0 sh -c "nft delete table inet kvnet; ip addr del 10.9.0.1/24 dev nat0"
damage "a link set down" "link nat0" nat0 ip link set nat0 down
damage "an address deleted" "address 10.9.0.1/24" nat0 ip addr del 10.9.0.1/24 dev nat0
damage "a port moved off" "port v-a" nat0 ip link set v-a nomaster
damage "forwarding switched off" "net.ipv4.ip_forward" nat0 sysctl -qw net.ipv4.ip_forward=0
damage "IPv6 forwarding switched off" "net.ipv6.conf.all.forwarding" nat0 sysctl -qw net.ipv6.conf.all.forwarding=0
damage "dnsmasq killed" dnsmasq nat0 kill -KILL "$(cat "$T/run/networks/nat0/dnsmasq.pid")"
damage "the bridge deleted" "link nat0" nat0 ip link del nat0

note "a map's elements deleted: nothing of either network gets out meanwhile, and all of it is back"
in_ns router nft flush set inet kvnet "$(in_ns router nft -j list sets | jq -r '[.nftables[].set | select(.table == "kvnet" and .family == "inet" and .elem) | .name][0]')"
wait_for "rest" is_at_rest
SEEN=192.0.2.2 reaches a outside 198.51.100.1

note "each repair is one line of the log"
equal "lines" "$(events all '.event == "network-repaired"' | wc -l)" "$(grep -c "repaired what was lost" "$T/netd.log")"
[ "$(grep -c "repaired what was lost" "$T/netd.log")" -ge "$repairs" ] || fail "$(cat "$T/netd.log")"

note "one who stops what is up is not undone; nor is what is not ours touched"
kvnet stop iso0 --force
in_ns router nft add table inet mine
in_ns router nft add chain inet mine c
ip -n "$R" link add mine0 type bridge
before=$(wc -l <"$T/all.events")
ip -n "$R" link set mine0 up
in_ns router nft flush ruleset inet
in_ns router nft add table inet mine
ip -n "$R" link del mine0
wait_for "rest" kvnet plan nat0 --check
equal "state of iso0" inactive "$(kvnet show iso0 --json | jq -r .state)"
equal "tables of mine" 1 "$(in_ns router nft list tables | grep -c mine)"
equal "repairs of iso0 since" 0 "$(tail -n "+$((before + 1))" "$T/all.events" | jq -r 'select(.event == "network-repaired" and .network == "iso0").event' | wc -l)"
flows "all"
equal "the stream, whole and in order" "" "$(awk '$1 != NR { print NR ": " $1; exit }' "$T/stream")"
stop_netd TERM
kvnet delete nat0 iso0 --force
