#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# model_isolated.sh - isolated: guests reach each other and the host's DHCP, DNS and ping, nothing else.
#
#   outside ---- router: iso0 10.9.0.1/24 fd09::1/64 ---- a 10.9.0.10 fd09::10
#                (forwards already)                  `--- b 10.9.0.11 fd09::11
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
in_ns router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
kvnet create iso0 --model isolated --subnet 10.9.0.1/24 --subnet6 fd09::1/64
guest a iso0 10.9.0.10/24 10.9.0.1 fd09::10/64 fd09::1
guest b iso0 10.9.0.11/24 10.9.0.1 fd09::11/64 fd09::1

for on in 1 0; do
	note "guest to guest, bridge-nf-call-iptables=$on"
	br_nf $on
	SEEN=10.9.0.10 reaches a b 10.9.0.11
	SEEN=fd09::11 reaches b a fd09::10
	talks a 10.9.0.11 10.9.0.10
	talks b fd09::10 fd09::11
done
br_nf 1

note "host to guest"
talks router 10.9.0.10 10.9.0.1
talks router fd09::10 fd09::1

note "guest to host: ping of the gateway, no more"
pings a 10.9.0.1
pings a fd09::1
closed_host() {
	try a router 10.9.0.1
	try a router fd09::1
	try a router 192.0.2.2
	try a router 2001:db8:0:2::2
	none_arrived
	mute a 10.9.0.1
	mute a fd09::1
	mute a 192.0.2.2
}
closed_host

note "guest to outside and outside to guest"
closed() {
	try a outside 198.51.100.1
	try a outside 192.0.2.1
	try a outside 2001:db8:100::1
	try outside a 10.9.0.10
	try outside a fd09::10
	none_arrived
}
opened() {
	reaches a outside 198.51.100.1
	reaches a outside 2001:db8:100::1
	reaches outside a 10.9.0.10
	reaches outside a fd09::10
	talks a 10.9.0.1
	talks a 192.0.2.2
}
closed
without_firewall opened
closed
closed_host
