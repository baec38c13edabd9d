#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nat.sh - a guest on `kvnet create nat0` through -net tap,script=: lease, name service, NAT, and nothing left behind.
#
#   web ==tap== nat0 10.213.x.1/24 -- router: up0 192.0.2.2 ---- outside: 192.0.2.1, 198.51.100.1
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
MAC=52:54:00:11:22:33

quiet kvnet create nat0
subnet=$(kvnet show nat0 --json | jq -r .ipv4.address) # the bridge's own, 10.213.0.1/24
router=${subnet%/*}

KVNET_NETWORK=nat0 guest_boot web hold=1 -net "nic,model=virtio-net-pci,macaddr=$MAC" \
	-net "tap,script=$B/qemu-ifup,downscript=$B/qemu-ifdown"
guest_ready web

# What the guest got, and what kvnet says of it.
guest_ask web lease eth0
read -r address gateway dns <<<"$ANSWER"
expect "the guest's router" "$router" "$gateway"
expect "the guest's resolver" "$router" "$dns"
expect "the prefix length of the lease" "${subnet#*/}" "${address#*/}"
expect_like "the guest's address" "${router%.*}.*" "$address"
address=${address%/*}
expect "kvnet leases nat0 --json" "nat0 $MAC $address web" \
	"$(kvnet leases nat0 --json | jq -r '.[] | "\(.network) \(.mac) \(.address) \(.hostname)"')"
expect_like "kvnet leases nat0" "*$MAC*$address*web*" "$(kvnet leases nat0 | tr '\n' ' ')"
expect "kvnet ports nat0 --json" "nat0 $MAC $address ${GUEST_PID[web]}" \
	"$(kvnet ports nat0 --json | jq -r '.[] | "\(.network) \(.mac) \(.ipv4) \(.pid)"')"
expect "the port's owner, in type" true "$(kvnet ports nat0 --json | jq '.[0] | has("owner")')"
expect "the port's engine and guest" "qemu web" "$(kvnet ports nat0 --json | jq -r '.[0] | "\(.engine) \(.domain)"')"
tap=$(kvnet ports nat0 --json | jq -r '.[0].ifname')
expect "the tap's master" nat0 "$(ip -j link show "$tap" | jq -r '.[0].master')"

# Out, and how it looks from there.
guest_expect web ok ping "$router"
guest_expect web ok ping 198.51.100.1
guest_expect web 192.0.2.2 fetch 198.51.100.1:8080
guest_expect web 192.0.2.2 fetch udp:198.51.100.1:8080
guest_expect web 198.51.100.1 resolve outside.test
guest_expect web "$address" resolve web.nat0.internal

# In: the guest serves, the host reaches it, and the outside does not though it has a route.
guest_expect web ok serve 99
expect "the host at the guest's server" "$router" "$("$G/probe" tcp "$address" 99)"
outside ip route add "$address/32" via 192.0.2.2
if outside "$G/probe" tcp "$address" 99 3 >"$WORK/in.log"; then
	fail "expected that the outside cannot reach $address:99, but it was answered"
fi
if outside "$G/busybox" ping -c 2 -W 3 "$address" >"$WORK/in.log"; then
	fail "expected that the outside cannot ping $address, but it was answered"
fi

# A clean end.
guest_off web
expect "links of the taps' kind after the guest's end" "" "$(ip -o link show type tun)"
expect "kvnet ports nat0 --json after the guest's end" "[]" "$(kvnet ports nat0 --json | jq -c .)"
expect "the network's state after the guest's end" active "$(kvnet show nat0 --json | jq -r .state)"
quiet kvnet delete nat0
pass "$address left as 192.0.2.2 and was not reached from outside; nothing stayed behind"
