#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# two.sh - two guests at once, their network told by the tap's name and by the hook's name: they find each other.
#
#   web ==nat0-web==.
#                    nat0 -- router
#   db  ==tapN======'
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

quiet kvnet create nat0
quiet kvnet create other --model isolated # so that "the only network there is" cannot be what finds nat0
for hook in qemu-ifup qemu-ifdown; do
	ln -s "$B/$hook" "$WORK/$hook-nat0"
done

guest_boot web hold=1 -netdev "tap,id=n0,ifname=nat0-web,script=$B/qemu-ifup,downscript=$B/qemu-ifdown" \
	-device virtio-net-pci,netdev=n0,mac=52:54:00:00:00:0a
guest_boot db hold=1 \
	-nic "tap,model=virtio-net-pci,mac=52:54:00:00:00:0b,script=$WORK/qemu-ifup-nat0,downscript=$WORK/qemu-ifdown-nat0"
guest_ready web
guest_ready db

expect "the MACs on nat0" "52:54:00:00:00:0a 52:54:00:00:00:0b" \
	"$(kvnet ports nat0 --json | jq -r '[.[].mac] | sort | join(" ")')"
expect "the ports of the other network" 0 "$(kvnet ports other --json | jq length)"
expect "the port that nat0-web is" nat0 "$(kvnet ports --json | jq -r '.[] | select(.ifname == "nat0-web").network')"
declare -A address
for guest in web db; do
	guest_ask "$guest" lease eth0
	address[$guest]=${ANSWER%%/*}
done
[ "${address[web]}" != "${address[db]}" ] || fail "expected two addresses, saw ${address[web]} twice"

# By the bare name (the search domain came with the lease) and by the whole one.
guest_expect web "${address[db]}" resolve db
guest_expect web "${address[db]}" resolve db.nat0.internal
guest_expect db "${address[web]}" resolve web
guest_expect db "${address[web]}" resolve web.nat0.internal
guest_expect web ok ping db
guest_expect db ok ping web.nat0.internal
# TCP too, from address to address: no NAT between them.
guest_expect db ok serve 99
guest_expect web "${address[web]}" fetch db:99

guest_off web
expect "the MACs on nat0 after web's end" 52:54:00:00:00:0b "$(kvnet ports nat0 --json | jq -r '.[].mac')"
guest_expect db ok ping 198.51.100.1
guest_off db
pass "web ${address[web]} and db ${address[db]} found each other by name"
