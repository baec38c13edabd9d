#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# model_bridged_uplink.sh - bridged with an uplink: guests stand on the NIC's segment, and the host keeps its place there.
#
#   outside 192.0.2.1 ---- up0 [br0 192.0.2.2 of the router] ---- a 192.0.2.10 2001:db8:0:2::10
#                                                            `--- b 192.0.2.11 2001:db8:0:2::11
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
addr router up0 192.0.2.200/25
route router 203.0.113.0/24 via 192.0.2.1 metric 77 src 192.0.2.2
ip -n "kvt-$$-router" route add 203.0.114.0/24 via 192.0.2.1 table 123
ip -n "kvt-$$-router" addr add 2001:db8:0:2::dead/64 dev up0 valid_lft 5000 preferred_lft 4000 nodad
uplink_mac=$(mac_of router up0)
talks router 198.51.100.1 192.0.2.2
before=$(snapshot_host)

kvnet create br0 --model bridged --uplink up0
guest a br0 192.0.2.10/24 192.0.2.1 2001:db8:0:2::10/64 2001:db8:0:2::1
guest b br0 192.0.2.11/24 192.0.2.1 2001:db8:0:2::11/64 2001:db8:0:2::1

note "the host is where it was: addresses, routes and MAC have moved to the bridge"
equal "master of the uplink" br0 "$(master_of up0)"
equal "MAC of the bridge" "$uplink_mac" "$(mac_of router br0)"
equal "addresses left on the uplink" 0 "$(ip -n "kvt-$$-router" -j addr show dev up0 scope global | jq '[.[].addr_info[]?] | length')"
equal "dnsmasq" "" "$(dnsmasq_pids)"
talks router 198.51.100.1 192.0.2.2
talks router 2001:db8:100::1
talks outside 192.0.2.2 192.0.2.1
talks outside 192.0.2.200
equal "route of the user's" "br0 77" \
	"$(ip -n "kvt-$$-router" -j route show 203.0.113.0/24 | jq -r '.[0] | "\(.dev) \(.metric)"')"
equal "route in a table of the user's" br0 "$(ip -n "kvt-$$-router" -j route show table 123 | jq -r '.[0].dev')"

note "guests on the segment"
for on in 1 0; do
	br_nf $on
	SEEN=192.0.2.10 reaches a outside 192.0.2.1
	SEEN=192.0.2.10 reaches a outside 198.51.100.1
	SEEN=2001:db8:0:2::10 reaches a outside 2001:db8:100::1
	SEEN=192.0.2.1 reaches outside a 192.0.2.10
	SEEN=2001:db8:0:2::1 reaches outside b 2001:db8:0:2::11
	SEEN=192.0.2.10 reaches a b 192.0.2.11
	SEEN=2001:db8:0:2::11 reaches b a 2001:db8:0:2::10
	talks a 192.0.2.11 192.0.2.10
done
br_nf 1
talks a 198.51.100.1 192.0.2.10
talks outside 192.0.2.10 192.0.2.1
talks a 192.0.2.2 192.0.2.10
talks router 192.0.2.11 192.0.2.2

note "a broadcast of the segment comes to the guests, and theirs to it"
in_ns outside "$PROBE" arp eth0 192.0.2.1 192.0.2.99
in_ns a "$PROBE" arp eth0 192.0.2.10 192.0.2.98
wait_for "the broadcast" grep -q "arp 192.0.2.1 192.0.2.99 request" "$T/a.watch"
wait_for "the broadcast" grep -q "arp 192.0.2.10 192.0.2.98 request" "$T/outside.watch"

note "and back"
refuses 1 "port|attached" kvnet delete br0
kvnet detach v-a
kvnet detach v-b
for name in a b; do
	ip -n "kvt-$$-router" link delete v-$name
	unset "HOST_END[$name]"
done
kvnet delete br0
talks router 198.51.100.1 192.0.2.2
host_is "after delete" "$before"
