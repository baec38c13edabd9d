#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh - root's guests without netd: two by `kvnet run`, one of them with two queues, one by kvnet-helper; each gets a lease.
#
#   ran, wide, helped ==taps== nat0 10.213.x.1/24 -- router: up0 192.0.2.2 ---- outside: 198.51.100.1
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

quiet kvnet create nat0
router=$(kvnet show nat0 --json | jq -r .ipv4.address)
router=${router%/*}

GUEST_BY=("$B/kvnet" run nat0 --mac 52:54:00:11:22:01 --)
guest_boot ran hold=1
GUEST_BY=("$B/kvnet" run --mac 52:54:00:11:22:02 --queues 2 --)
KVNET_NETWORK=nat0 guest_boot wide hold=1 -smp 2
GUEST_BY=()
guest_boot helped hold=1 -netdev "bridge,id=n,helper=$B/kvnet-helper,br=nat0" \
	-device virtio-net-pci,netdev=n,mac=52:54:00:11:22:03

number=0
for name in ran wide helped; do
	mac=52:54:00:11:22:0$((number += 1))
	guest_ready "$name"
	guest_ask "$name" lease eth0
	read -r address gateway _ <<<"$ANSWER"
	expect "the router of $name" "$router" "$gateway"
	expect "kvnet leases nat0, of $name" "${address%/*} $name" \
		"$(kvnet leases nat0 --json | jq -r ".[] | select(.mac == \"$mac\") | \"\\(.address) \\(.hostname)\"")"
	# What the helper is not told, the bridge has learnt.
	expect "kvnet ports nat0, of $name" "$mac ${address%/*} root" \
		"$(kvnet ports nat0 --json | jq -r ".[] | select(.pid == ${GUEST_PID[$name]}) | \"\\(.mac) \\(.ipv4) \\(.owner)\"")"
	guest_expect "$name" ok ping 198.51.100.1
	guest_expect "$name" 192.0.2.2 fetch 198.51.100.1:8080
done

# The device that was appended has the queues.
expect "queues of wide's eth0" 2 "$(guest_run wide sh -c "'ls -d /sys/class/net/eth0/queues/rx-* | wc -l'")"

# Ends, good and bad: the taps go with QEMU, and nothing but the network is left.
guest_kill ran
guest_off wide
guest_off helped
no_tap() { [ -z "$(ip -o link show type tun)" ]; }
wait_until "the taps to be gone" no_tap
quiet kvnet apply nat0
expect "ports after the guests" "[]" "$(kvnet ports nat0 --json | jq -c .)"
expect "records after the guests" "" "$(find "$KVNET_RUNTIME_DIR" -path '*/ports/*')"

# No such network: QEMU is not started, or says why it does not go on.
GUEST_BY=("$B/kvnet" run absent --)
guest_boot ran hold=1
guest_wait ran
expect "exit status of a run without a network" 1 "$STATUS"
expect_like "what it says" "kvnet: *absent*" "$(cat "$WORK/ran.err")"
guest_forget ran
GUEST_BY=()
guest_boot helped hold=1 -netdev "tap,id=n,helper=$B/kvnet-helper" -device virtio-net-pci,netdev=n
guest_wait helped
expect "exit status of QEMU without a helper's tap" 1 "$STATUS"
expect_like "what the helper says of QEMU's br0" "kvnet-helper: *br0*--net NAME*" "$(grep kvnet-helper: "$WORK/helped.err")"
expect "taps left" "" "$(ip -o link show type tun)"
quiet kvnet delete nat0
pass "three guests, one with two queues, got their leases and went without a trace"
