#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# isolated.sh - a guest on an isolated network: a lease without a router, no way out, no way to the host's servers.
#
#   web ==tap==.
#               lan0 -- X -- router: up0 192.0.2.2 ---- outside: 198.51.100.1
#   db  ==tap=='
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
export KVNET_NETWORK=lan0

boot() { # NAME LAST-BYTE-OF-MAC
	guest_boot "$1" hold=1 -net "nic,model=virtio-net-pci,macaddr=52:54:00:00:00:$2" \
		-net "tap,script=$B/qemu-ifup,downscript=$B/qemu-ifdown"
}

# A NAT network beside it switches forwarding on: that isolated guests stay in is not for want of it.
quiet kvnet create nat0
quiet kvnet create lan0 --model isolated
own=$(kvnet show lan0 --json | jq -r .ipv4.address)
own=${own%/*}
boot web 0a
boot db 0b
guest_ready web
guest_ready db
expect "IPv4 forwarding of the router" 1 "$(cat /proc/sys/net/ipv4/ip_forward)"

guest_ask web lease eth0
read -r address gateway dns <<<"$ANSWER"
expect_like "the guest's address" "${own%.*}.*/*" "$address"
expect "the router in the lease" none "$gateway"
expect "the resolver in the lease" none "$dns"
guest_expect web none route default
guest_ask db lease eth0
guest_expect web ok ping "${ANSWER%%/*}"
guest_expect web ok ping "$own"

# Its way out, even where the guest helps itself to a router.
"$G/probe" serve 8081 >"$WORK/server.log" 2>&1 &
wait_until "the host's server" grep -q serving "$WORK/server.log"
expect "the host's server, from the host" "$own" "$("$G/probe" tcp "$own" 8081)"
guest_expect web fail fetch "$own:8081" 3
outside ip route add "${address%.*}.0/24" via 192.0.2.2 # so that a packet that slips out is answered
guest_expect web ok gateway "$own"
guest_expect web "$own" route default
guest_expect web fail ping 198.51.100.1 3
guest_expect web fail fetch 198.51.100.1:8080 3
guest_expect web fail fetch udp:198.51.100.1:8080 3
guest_expect web ok ping "$own"

guest_off web
guest_off db
pass "a guest on lan0 had ${address%/*} and its neighbour, no router, no resolver, no way out"
