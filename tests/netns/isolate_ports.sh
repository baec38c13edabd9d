#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# isolate_ports.sh - isolate_ports: the guests of one network do not see each other, the gateway and the world they do.
#
#   outside ---- router: nat0 10.9.0.1/24 fd09::1/64 ---- a 10.9.0.10 fd09::10
#                                                    `--- b 10.9.0.11 fd09::11
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
kvnet create nat0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64
guest a nat0 10.9.0.10/24 10.9.0.1 fd09::10/64 fd09::1
guest b nat0 10.9.0.11/24 10.9.0.1 fd09::11/64 fd09::1
mac_b=$(mac_of b eth0)

together() {
	SEEN=10.9.0.10 reaches a b 10.9.0.11
	SEEN=fd09::11 reaches b a fd09::10
}

apart() {
	try a b 10.9.0.11
	try a b fd09::11
	try b a 10.9.0.10
	try b a fd09::10
	try a b 10.9.0.11 203.0.113.5
	in_ns a "$PROBE" arp eth0 10.9.0.10 "10.9.0.$1"
	in_ns a "$PROBE" send ff02::1%eth0 $((++K))
	TRIED+=("$K a b all-nodes")
	none_arrived
	! grep -q "arp 10.9.0.10 10.9.0.$1 " "$T/b.watch" || fail "a broadcast of a came to b"
}

with_host() {
	talks a 10.9.0.1 10.9.0.10
	talks b fd09::1 fd09::11
	talks router 10.9.0.11 10.9.0.1
	SEEN=192.0.2.2 reaches a outside 198.51.100.1
	SEEN=2001:db8:0:2::2 reaches b outside 2001:db8:100::1
}

note "off"
together
with_host

note "on, with the guests plugged in"
kvnet set nat0 isolate_ports=true
apart 91
with_host

note "not by way of the host either"
ip -n "kvt-$$-a" route add 10.9.0.11 via 10.9.0.1
ip -n "kvt-$$-a" -6 route add fd09::11 via fd09::1
ip -n "kvt-$$-b" route add 10.9.0.10 via 10.9.0.1
in_ns router sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.nat0.send_redirects=0
apart 92
ip -n "kvt-$$-a" route del 10.9.0.11
ip -n "kvt-$$-a" -6 route del fd09::11
ip -n "kvt-$$-b" route del 10.9.0.10
ip -n "kvt-$$-a" neigh replace 10.9.0.11 lladdr "$mac_b" dev eth0 nud permanent
apart 93
ip -n "kvt-$$-a" neigh del 10.9.0.11 dev eth0

note "a guest that comes later"
guest c nat0 10.9.0.12/24 10.9.0.1
try c a 10.9.0.10
try a c 10.9.0.12
none_arrived
talks c 10.9.0.1 10.9.0.12

note "after stop and start"
kvnet stop nat0 --force
kvnet start nat0
for name in a b; do
	kvnet attach nat0 v-$name
done
with_host
apart 94

note "off again"
kvnet set nat0 isolate_ports=false
together
with_host
