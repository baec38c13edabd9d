#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ondemand.sh - start: on-demand: the first guest brings the network up, the last one to leave takes it away.
#
#   web ==tap==.
#               lab0 (on-demand) -- router
#   db  ==tap=='
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
export KVNET_NETWORK=lab0

# dnsmasq processes of the router's namespace.
resolvers() {
	local comm n=0
	for comm in /proc/[0-9]*/comm; do
		[ "$(cat "$comm" 2>/dev/null)" = dnsmasq ] || continue
		[ "$(readlink "${comm%comm}ns/net")" != "$(readlink /proc/self/ns/net)" ] || n=$((n + 1))
	done
	echo "$n"
}

# $1: what  $2: up or down.  The bridge, its dnsmasq and the table of the firewall come and go together.
expect_network() {
	local bridge=down dns=down rules=down
	[ -z "$(ip -o link show type bridge)" ] || bridge=up
	[ "$(resolvers)" -eq 0 ] || dns=up
	[ -z "$(nft list ruleset)" ] || rules=up
	expect "$1: bridge, dnsmasq, firewall" "$2 $2 $2" "$bridge $dns $rules"
}

boot() { # NAME LAST-BYTE-OF-MAC
	guest_boot "$1" hold=1 -net "nic,model=virtio-net-pci,macaddr=52:54:00:00:00:$2" \
		-net "tap,script=$B/qemu-ifup,downscript=$B/qemu-ifdown"
	guest_ready "$1"
	guest_expect "$1" ok ping 198.51.100.1
}

quiet kvnet create lab0 --start on-demand --no-start
expect_network "before any guest" down
boot web 0a
expect_network "with the first guest" up
boot db 0b
guest_expect db ok ping web
guest_off web
expect_network "with one guest gone, one there" up
guest_expect db ok ping 198.51.100.1
guest_off db
expect_network "after the last guest" down
expect "kvnet show lab0: state" inactive "$(kvnet show lab0 --json | jq -r .state)"
boot web 0a
expect_network "with a guest once more" up
guest_off web
expect_network "after that guest" down
pass "lab0 came with the first guest and went with the last, twice"
