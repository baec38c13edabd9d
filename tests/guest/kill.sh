#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kill.sh - SIGKILL of QEMU, which skips qemu-ifdown: the port goes, the network stays; delete leaves no trace.
#
#   web ==nat0-web== nat0 -- router: up0 192.0.2.2 ---- outside: 198.51.100.1
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# Everything of the namespace that kvnet could have changed, as text.
snapshot() {
	ip -d -j link | jq -S .
	ip -j addr | jq -S .
	ip route show table all | sort
	ip -6 route show table all | sort
	ip rule
	ip -6 rule
	nft list ruleset
	# The kernel makes the fastopen key at the first listen(), whoever calls it.
	# Some files are for writing only: grep's status says nothing.
	{ find /proc/sys/net -type f ! -name nf_conntrack_count ! -name tcp_fastopen_key -exec grep -s '' {} + || true; } | sort
	# Processes of this PID namespace, by name.  The outside has a dnsmasq of its own.
	awk '/^(dnsmasq|kvnet|netd|qemu)/ { print "process " $0 }' /proc/[0-9]*/comm
	find "$KVNET_CONFIG_DIR" -type f
}

port_names() {
	kvnet ports --json | jq -r '[.[].ifname] | join(" ")'
}

has_no_ports() {
	[ -z "$(port_names)" ]
}

boot_web() {
	guest_boot web hold=1 -netdev "tap,id=n0,ifname=nat0-web,script=$B/qemu-ifup,downscript=$B/qemu-ifdown" \
		-device virtio-net-pci,netdev=n0,mac=52:54:00:00:00:0a
	guest_ready web
	guest_expect web ok ping 198.51.100.1
}

snapshot >"$WORK/before"
quiet kvnet create nat0
boot_web
expect "the ports while the guest runs" nat0-web "$(port_names)"

guest_kill web
wait_until "the killed guest's port to leave kvnet ports" has_no_ports
expect "the network's state after the kill" active "$(kvnet show nat0 --json | jq -r .state)"
expect "its plan after the kill" "[]" "$(kvnet plan nat0 --json | jq -c .)"

# The same name again, by the same hook.
boot_web
expect "the ports of the second run" nat0-web "$(port_names)"
expect "the pid of the second run" "${GUEST_PID[web]}" "$(kvnet ports --json | jq -r '.[0].pid')"
if kvnet delete nat0 2>"$WORK/refused"; then
	fail "expected that delete is refused while a guest is attached, but it was done"
fi
expect_like "why delete is refused" "kvnet: *nat0*" "$(cat "$WORK/refused")"
guest_expect web ok ping 198.51.100.1
guest_kill web

# Straight after a kill, with nobody having looked in between.
quiet kvnet delete nat0
snapshot >"$WORK/after"
if ! diff "$WORK/before" "$WORK/after" >"$WORK/difference.log"; then
	fail "expected delete to leave the namespace as it was before create; the difference follows"
fi
pass "a killed guest's port was collected, its name used again, and delete left no trace"
