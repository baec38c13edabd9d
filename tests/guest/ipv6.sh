#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ipv6.sh - --subnet6 auto: a guest configures itself from router advertisements and reaches the outside by IPv6,
# under its own address when routed, behind the router's when NATed.
#
#   web ==tap== routed0 fd..::1/64 --.
#                                     router: up0 2001:db8:2::2 ---- outside: 2001:db8:51::1
#   db  ==tap== nat0    fd..::1/64 --'
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

boot() { # NAME LAST-DIGIT-OF-MAC
	guest_boot "$1" "hold=1 slaac=yes" -net "nic,model=virtio-net-pci,macaddr=52:54:00:00:00:0$2" \
		-net "tap,script=$B/qemu-ifup,downscript=$B/qemu-ifdown"
}

# Set PREFIX to the first four groups of the address that network $1 has by its definition.
prefix_of() {
	local address groups
	address=$(kvnet show "$1" --json | jq -r .ipv6.address)
	expect_like "the address of $1" "fd*::1/64" "$address"
	PREFIX=${address%::1/64}
	groups=${PREFIX//[^:]/}
	# A fourth group of zero is inside the "::".
	[ "${#groups}" -eq 3 ] || PREFIX=$PREFIX:0
}

# Set SLAAC to guest $1's own address, which must be of $PREFIX and of its MAC, that ends in the digit $2.
slaac_of() {
	guest_line "$1" "slaac eth0"
	expect "guest $1's SLAAC address" "$PREFIX:5054:ff:fe00:$2/64" "$ANSWER"
	SLAAC=${ANSWER%/64}
	guest_ask "$1" route default
	expect_like "guest $1's routers" "*fe80::*" "$ANSWER"
}

quiet kvnet create routed0 --model routed --subnet6 auto
quiet kvnet create nat0 --model nat --subnet6 auto
KVNET_NETWORK=routed0 boot web a
KVNET_NETWORK=nat0 boot db b
guest_ready web
guest_ready db

# Routed: the outside needs a route, sees the guest itself, and reaches it.
prefix_of routed0
slaac_of web a
outside ip -6 route add "$PREFIX::/64" via 2001:db8:2::2
guest_expect web ok ping 2001:db8:51::1
guest_expect web "$SLAAC" fetch "[2001:db8:51::1]:8080"
guest_expect web ok serve 99
expect "the outside at the routed guest's server" 2001:db8:2::1 "$(outside "$G/probe" tcp "$SLAAC" 99)"

# NAT: the outside sees the router, and reaches nothing even with a route.
prefix_of nat0
slaac_of db b
guest_expect db ok ping 2001:db8:51::1
guest_expect db 2001:db8:2::2 fetch "[2001:db8:51::1]:8080"
guest_expect db 2001:db8:2::2 fetch "udp:[2001:db8:51::1]:8080"
guest_expect db ok serve 99
expect_like "the host at the NATed guest's server" "fd*" "$("$G/probe" tcp "$SLAAC" 99)"
outside ip -6 route add "$PREFIX::/64" via 2001:db8:2::2
if outside "$G/probe" tcp "$SLAAC" 99 3 >"$WORK/in.log"; then
	fail "expected that the outside cannot reach [$SLAAC]:99, but it was answered"
fi

guest_off web
guest_off db
pass "a routed guest was seen as itself and reached, a NATed one as 2001:db8:2::2 and not reached"
