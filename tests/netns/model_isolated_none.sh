#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# model_isolated_none.sh - isolated without an address: guests reach each other only; to them there is no host.
#
#   outside ---- router: iso0, no address ---- a 10.9.0.10 fd09::10
#                (forwards already)        `-- b 10.9.0.11 fd09::11
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
in_ns router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
kvnet create iso0 --model isolated --subnet none
guest a iso0 10.9.0.10/24 - fd09::10/64 -
guest b iso0 10.9.0.11/24 - fd09::11/64 -
bridge_mac=$(mac_of router iso0)
equal "addresses of the bridge" 0 "$(ip -n "kvt-$$-router" -j addr show dev iso0 | jq '.[0].addr_info | length')"
equal "dnsmasq" "" "$(dnsmasq_pids)"

for on in 1 0; do
	note "guest to guest, bridge-nf-call-iptables=$on"
	br_nf $on
	SEEN=10.9.0.10 reaches a b 10.9.0.11
	SEEN=fd09::11 reaches b a fd09::10
	talks a 10.9.0.11 10.9.0.10
	talks b fd09::10 fd09::11
done
br_nf 1

note "ARP: the other guest answers, the host does not, for none of its addresses"
in_ns a "$PROBE" arp eth0 10.9.0.10 192.0.2.2
in_ns a "$PROBE" arp eth0 10.9.0.10 127.0.0.1
in_ns a "$PROBE" arp eth0 192.0.2.7 192.0.2.2
in_ns a "$PROBE" arp eth0 10.9.0.10 10.9.0.11
wait_for "the answer of the other guest" grep -q "arp 10.9.0.11 10.9.0.10 reply" "$T/a.watch"
settle a
! grep "arp .* reply" "$T/a.watch" | grep -v "arp 10.9.0.11 " || fail "the host answered ARP"

note "IPv6: all nodes of the link are the other guest"
send a ff02::1%eth0
k=$K
wait_for "the answer of the other guest" grep -q "icmp .* reply #$k\$" "$T/a.watch"
settle a
equal "answers of all nodes" 1 "$(grep -c "reply #$k\$" "$T/a.watch")"

note "with route and neighbour set by hand: neither the host nor what is behind it"
for name in a b; do
	route $name 192.0.2.0/24 dev eth0
	route $name 2001:db8::/32 dev eth0
	route $name 198.51.100.1 via 192.0.2.2
	ip -n "kvt-$$-$name" neigh add 192.0.2.2 lladdr "$bridge_mac" dev eth0 nud permanent
	ip -n "kvt-$$-$name" neigh add 2001:db8:0:2::2 lladdr "$bridge_mac" dev eth0 nud permanent
	ip -n "kvt-$$-$name" neigh add 2001:db8:100::1 lladdr "$bridge_mac" dev eth0 nud permanent
done
closed() {
	try a router 192.0.2.2
	try a router 2001:db8:0:2::2
	try a outside 198.51.100.1
	try a outside 2001:db8:100::1
	try a router 192.0.2.2 192.0.2.77
	none_arrived
	pings_not a 192.0.2.2
	pings_not a 2001:db8:0:2::2
}
closed
# Whoever it is from, but for the guests and the tests' own tokens.
strangers() {
	cat "$T/a.watch" "$T/b.watch" | grep -vE "^ready|^eth0 ($(mac_of a eth0)|$(mac_of b eth0)) | arp 127\." | sort | uniq -c
}
equal "what the host said on the link" "" "$(strangers)"

note "the control: with an address of its own on the bridge, the host hears all that"
kvnet set iso0 ipv4.address=10.9.0.1/24 ipv6.address=fd09::1/64 host_access=all >/dev/null
reaches a b 10.9.0.11
try a router 192.0.2.2
settle router
wait_for "datagrams to the host" grep -q "udp 10.9.0.10 #" "$T/router.serve"
TRIED=()
kvnet set iso0 ipv4.address=none ipv6.address=none host_access= >/dev/null
closed
