#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# host_access.sh - what of the host guests reach: all, services (DHCP, DNS, ping of the gateway), none.
#
#   outside ---- up0 192.0.2.2 router: nat0 10.9.0.1/24 fd09::1/64 ---- a 10.9.0.10 fd09::10
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
kvnet create nat0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64
guest a nat0 10.9.0.10/24 10.9.0.1 fd09::10/64 fd09::1

resolves() { [ "$(lookup a "$1" localhost)" = 127.0.0.1 ]; }

# Whatever it is set to: the world, and the host to the guest.
always() {
	SEEN=192.0.2.2 reaches a outside 198.51.100.1
	SEEN=2001:db8:0:2::2 reaches a outside 2001:db8:100::1
	talks router 10.9.0.10 10.9.0.1
	talks router fd09::10 fd09::1
}

open() {
	talks a 10.9.0.1 10.9.0.10
	talks a fd09::1 fd09::10
	talks a 192.0.2.2 10.9.0.10
	talks a 2001:db8:0:2::2 fd09::10
}

shut() {
	try a router 10.9.0.1
	try a router fd09::1
	try a router 192.0.2.2
	try a router 2001:db8:0:2::2
	try a router 10.9.0.1 10.9.0.77
	none_arrived
	mute a 10.9.0.1
	mute a fd09::1
	mute a 192.0.2.2
	mute a 2001:db8:0:2::2
}

serves() {
	udhcpc a 5 || fail "no lease"
	resolves 10.9.0.1 || fail "no DNS over IPv4"
	resolves fd09::1 || fail "no DNS over IPv6"
	pings a 10.9.0.1
	pings a fd09::1
}

note "all"
always
open
serves

note "services"
kvnet set nat0 host_access=services
always
shut
serves
! resolves 192.0.2.2 || fail "DNS at an address of the host that is not the gateway"
without_firewall open

note "none"
kvnet set nat0 host_access=none
ip -n "kvt-$$-a" neigh flush all
always
shut
! udhcpc a 2 || fail "a lease with host_access none"
! resolves 10.9.0.1 || fail "DNS with host_access none"
pings_not a 10.9.0.1
pings_not a fd09::1
without_firewall open

note "all again"
kvnet set nat0 host_access=all
always
open
serves
