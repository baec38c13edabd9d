#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pairs.sh - guests of different networks do not reach each other, whatever the models, but for routed to routed.
#
#   outside 192.0.2.1 ---- up0 router ---- iso iso2 rt rt2 nat nat2 op op2  10.9.N.1/24 fd09:N::1/64, a guest each: N.10
#                                     |--- isn                              no address
#   lan     192.0.3.1 ---- up3 -------|--- br                               bridged with uplink up3: guest 192.0.3.10
#                                     `--- ex on hbr0 10.9.11.1/24          bridged, the user's own bridge: guest 10.9.11.10
#
# Every guest has its gateway as default route, and routes to a second address (.11) of each guest by way of that guest's
# gateway: the host answers ARP for that, and of IPv6 the guest knows the bridge's MAC.  It also sends with sources of the other's network, of the lan and of the outside.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
segment lan up3 3
hand_made_bridge hbr0 10.9.11.1/24 fd09:11::1/64

declare -A NUMBER=([iso]=1 [iso2]=2 [isn]=3 [rt]=4 [rt2]=5 [nat]=6 [nat2]=7 [op]=8 [op2]=9 [br]=10 [ex]=11)
ALL=(iso iso2 isn rt rt2 nat nat2 op op2 br ex)

# base NAME 4|6: the network of NAME up to the host's part.
base() {
	case $1$2 in
	br4) echo 192.0.3. ;;
	br6) echo 2001:db8:0:3:: ;;
	*4) echo "10.9.${NUMBER[$1]}." ;;
	*6) echo "fd09:${NUMBER[$1]}::" ;;
	esac
}

gateway() {
	case $1 in
	br) echo "$(base br "$2")2" ;;
	*) echo "$(base "$1" "$2")1" ;;
	esac
}

# make NAME MODEL: with addresses.
make() { kvnet create "$1" --model "$2" --subnet "10.9.${NUMBER[$1]}.1/24" --subnet6 "fd09:${NUMBER[$1]}::1/64" >/dev/null; }

make iso isolated
make iso2 isolated
make rt routed
make rt2 routed
make nat nat
make nat2 nat
make op open
make op2 open
kvnet create isn --model isolated --subnet none >/dev/null
kvnet create br --model bridged --uplink up3 >/dev/null
kvnet create ex --model bridged --bridge hbr0 >/dev/null
in_ns router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
for name in "${ALL[@]}"; do
	plug "$name" "$name"
	addr "$name" eth0 "$(base "$name" 4)10/24" "$(base "$name" 4)11/24" "$(base "$name" 6)10/64" "$(base "$name" 6)11/64"
	route "$name" default via "$(gateway "$name" 4)"
	route "$name" default via "$(gateway "$name" 6)"
done
for from in "${ALL[@]}"; do
	bridge_mac=$(mac_of router "$(master_of "v-$from")")
	for to in "${ALL[@]}"; do
		if [ "$from" = "$to" ] || [ "$to" = isn ]; then
			continue
		fi
		route "$from" "$(base "$to" 4)11" via "$(gateway "$to" 4)" dev eth0 onlink
		route "$from" "$(base "$to" 6)11" via "$(gateway "$to" 6)" dev eth0 onlink
		ip -n "kvt-$$-$from" neigh replace "$(gateway "$to" 6)" lladdr "$bridge_mac" dev eth0 nud permanent
	done
done
isn_mac=$(mac_of router isn)
ip -n "kvt-$$-isn" neigh replace 10.9.3.1 lladdr "$isn_mac" dev eth0 nud permanent
ip -n "kvt-$$-isn" neigh replace fd09:3::1 lladdr "$isn_mac" dev eth0 nud permanent
plug isn-b isn
addr isn-b eth0 10.9.3.20/24 fd09:3::20/64

both_routed() { [[ "$1 $2" =~ ^rt2?\ rt2?$ ]]; }

note "the control: each guest is reached, from the host or from its neighbour"
for name in "${ALL[@]}"; do
	from=router
	[ "$name" != isn ] || from=isn-b
	for family in 4 6; do
		reaches $from "$name" "$(base "$name" $family)10"
		reaches $from "$name" "$(base "$name" $family)11"
	done
done

# All that must not pass, from every guest to every other.
closed() {
	local from to family

	for from in "${ALL[@]}"; do
		for to in "${ALL[@]}"; do
			[ "$from" != "$to" ] || continue
			for family in 4 6; do
				try "$from" "$to" "$(base "$to" $family)10" "$(base "$to" $family)99"
				both_routed "$from" "$to" && continue
				try "$from" "$to" "$(base "$to" $family)10"
				try "$from" "$to" "$(base "$to" $family)11"
			done
			try "$from" "$to" "$(base "$to" 4)10" 192.0.2.1
			try "$from" "$to" "$(base "$to" 4)11" 192.0.3.1
		done
	done
	none_arrived
}

# All that must pass.
opened() {
	reaches rt rt2 10.9.5.10
	reaches rt2 rt 10.9.4.10
	SEEN="fd09:4::1[01]" reaches rt rt2 fd09:5::10
	SEEN=10.9.5.10 reaches rt2 rt 10.9.4.11
	talks rt 10.9.5.10 10.9.4.10
	talks rt2 fd09:4::10
	SEEN=192.0.2.2 reaches nat outside 198.51.100.1
	SEEN=10.9.4.10 reaches rt outside 198.51.100.1
	SEEN=192.0.2.1 reaches outside rt 10.9.4.10
	SEEN=10.9.8.10 reaches op outside 198.51.100.1
}

# The segment outside the uplink is no guest: it reaches who is routed, and is reached.
segment_open() {
	SEEN=192.0.3.1 reaches lan rt 10.9.4.10
	SEEN=2001:db8:0:3::1 reaches lan rt2 fd09:5::10
	SEEN=10.9.4.10 reaches rt lan 192.0.3.1
	SEEN="fd09:5::1[01]" reaches rt2 lan 2001:db8:0:3::1
	SEEN=192.0.3.2 reaches nat lan 192.0.3.1
	SEEN=192.0.3.10 reaches br lan 192.0.3.1
	SEEN=192.0.3.1 reaches lan br 192.0.3.10
	talks br 192.0.3.2 192.0.3.10
	talks nat2 192.0.3.1 192.0.3.2
	try lan nat 10.9.6.10
	try lan iso 10.9.1.10
	try iso lan 192.0.3.1
	none_arrived
}

# Without kvnet's tables the host forwards everything: what closed() sends would arrive.
control() {
	local from to family

	for from in iso rt nat op br ex; do
		for to in iso2 rt2 nat2 op2 br ex; do
			[ "$from" != "$to" ] || continue
			for family in 4 6; do
				reaches "$from" "$to" "$(base "$to" $family)10"
				reaches "$from" "$to" "$(base "$to" $family)11"
			done
			reaches "$from" "$to" "$(base "$to" 4)10" 192.0.2.1
			reaches "$from" "$to" "$(base "$to" 4)10" "$(base "$to" 4)99"
		done
	done
}

for on in 1 0; do
	note "bridge-nf-call-iptables=$on"
	br_nf $on
	closed
	opened
	segment_open
done
br_nf 1
note "without the firewall"
without_firewall control
note "and mended"
closed
opened
segment_open
