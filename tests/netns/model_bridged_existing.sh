#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# model_bridged_existing.sh - bridged without an uplink: guests on a bridge that the user has made, left as it is.
#
#   router: hbr0 10.8.0.1/24 fd08::1/64 ---- a 10.8.0.10 fd08::10   (kvnet's)
#                                       `--- b 10.8.0.11 fd08::11   (kvnet's)
#                                       `--- c 10.8.0.12 fd08::12   (put there by the user)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
hand_made_bridge hbr0 10.8.0.1/24 fd08::1/64
make_ns c
cable c v-c
ip -n "kvt-$$-router" link set v-c master hbr0
addr c eth0 10.8.0.12/24 fd08::12/64
bridge_of_user() {
	ip -n "kvt-$$-router" -d -j addr show dev hbr0 | jq -cS '.[0] | {address, mtu, ifalias, group, flags: (.flags -
		["LOWER_UP"]), stp: .linkinfo.info_data.stp_state, delay: .linkinfo.info_data.forward_delay,
		addresses: [.addr_info[] | select(.scope == "global") | .local]}'
}
before=$(snapshot_host)
bridge_before=$(bridge_of_user)

kvnet create ex0 --model bridged --bridge hbr0
guest a ex0 10.8.0.10/24 10.8.0.1 fd08::10/64 fd08::1
guest b ex0 10.8.0.11/24 10.8.0.1 fd08::11/64 fd08::1
equal "master of the guest's link" hbr0 "$(master_of v-a)"
equal "the user's bridge" "$bridge_before" "$(bridge_of_user)"
equal "dnsmasq" "" "$(dnsmasq_pids)"

for on in 1 0; do
	note "guests, the host and the user's own port, bridge-nf-call-iptables=$on"
	br_nf $on
	SEEN=10.8.0.10 reaches a b 10.8.0.11
	SEEN=fd08::11 reaches b a fd08::10
	SEEN=10.8.0.10 reaches a c 10.8.0.12
	SEEN=fd08::12 reaches c a fd08::10
	talks a 10.8.0.1 10.8.0.10
	talks c 10.8.0.10 10.8.0.12
	talks router fd08::10 fd08::1
done
br_nf 1

note "stop and start leave the user's bridge and port alone"
refuses 1 "port|attached" kvnet stop ex0
kvnet stop ex0 --force
equal "the user's bridge" "$bridge_before" "$(bridge_of_user)"
talks c 10.8.0.1 10.8.0.12
kvnet start ex0
kvnet attach ex0 v-a # again does no harm
SEEN=10.8.0.10 reaches a c 10.8.0.12

note "and back"
kvnet delete ex0 --force
for name in a b; do
	ip -n "kvt-$$-router" link delete v-$name
	unset "HOST_END[$name]"
done
host_is "after delete" "$before"
equal "master of the user's port" hbr0 "$(master_of v-c)"

note "a bridge without a MAC of its own does not get that of a guest's tap: the host would be another to its segment"
ip -n "kvt-$$-router" link add name hbr1 type bridge
ip -n "kvt-$$-router" link set hbr1 up
ip -n "kvt-$$-router" link set v-c master hbr1
bridge_mac=$(mac_of router hbr1)
kvnet create ex1 --model bridged --bridge hbr1 >/dev/null
ip -n "kvt-$$-router" tuntap add dev low0 mode tap vnet_hdr
ip -n "kvt-$$-router" link set low0 address 02:00:00:00:00:01
in_ns router env KVNET_NETWORK=ex1 "$KVNET_BUILD/qemu-ifup" low0
equal "master of the tap" hbr1 "$(master_of low0)"
equal "MAC of the user's bridge" "$bridge_mac" "$(mac_of router hbr1)"
