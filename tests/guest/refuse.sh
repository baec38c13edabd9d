#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# refuse.sh - a hook that cannot tell which network is meant: QEMU does not start, and one line says why.
#
#   QEMU -- qemu-ifup -- (no network | one broken | lan0 and nat0)
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# refused WHAT PATTERN...: QEMU must exit 1, with one line of qemu-ifup's on stderr that holds each PATTERN.
refused() {
	local what=$1 line
	shift
	guest_boot web hold=1 -net nic,model=virtio-net-pci -net "tap,script=$B/qemu-ifup,downscript=$B/qemu-ifdown"
	guest_wait web
	expect "$what: QEMU's exit status" 1 "$STATUS"
	line=$(grep -v '^qemu-system' "$WORK/web.err" || true)
	expect "$what: lines from qemu-ifup" 1 "$(grep -c . <<<"$line")"
	expect_like "$what: who speaks" "qemu-ifup: *" "$line"
	local pattern
	for pattern in "$@"; do
		expect_like "$what: the line" "*$pattern*" "$line"
	done
	expect "$what: taps left" "" "$(ip -o link show type tun)"
	guest_forget web
}

refused "without any network" "no network"
KVNET_NETWORK=nat0 refused "with a network that does not exist" nat0

quiet kvnet create nat0
quiet kvnet create lan0 --model isolated
refused "with two networks and no default" lan0 nat0
KVNET_NETWORK=nat1 refused "with a name that is none of the two" nat1
expect "the ports after the refusals" "[]" "$(kvnet ports --json | jq -c .)"

# A broken definition: the file, the line and the key are named, and the others still work.
printf 'name: bad0\nmodel: nat\nipv4:\n  adress: auto\n' >"$KVNET_CONFIG_DIR/networks/bad0.yaml"
KVNET_NETWORK=bad0 refused "with a broken definition" bad0.yaml:4 adress

# The default network settles it.
echo 'default_network: nat0' >"$KVNET_CONFIG_DIR/kvnet.yaml"
guest_boot web hold=1 -net nic,model=virtio-net-pci -net "tap,script=$B/qemu-ifup,downscript=$B/qemu-ifdown"
guest_ready web
guest_expect web ok ping 198.51.100.1
expect "the network of the guest's port" nat0 "$(kvnet ports --json | jq -r '.[0].network')"
guest_off web
pass "five guests that had no network were not started, each with a reason; a default let one start"
