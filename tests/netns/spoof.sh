#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# spoof.sh - a guest whose source address is not of its network does not get out, and not into the host.
#
#   outside ---- router (no rp_filter): nat0 10.9.1.1/24 fd09:1::1/64 ---- n
#                                   `-- rt0  10.9.2.1/24 fd09:2::1/64 ---- r
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
kvnet create nat0 --subnet 10.9.1.1/24 --subnet6 fd09:1::1/64
kvnet create rt0 --model routed --subnet 10.9.2.1/24 --subnet6 fd09:2::1/64
guest n nat0 10.9.1.10/24 10.9.1.1 fd09:1::10/64 fd09:1::1
guest r rt0 10.9.2.10/24 10.9.2.1 fd09:2::10/64 fd09:2::1
FOREIGN4=(203.0.113.5 192.0.2.1 192.0.2.77 198.51.100.1)
FOREIGN6=(2001:db8:aaaa::1 2001:db8:0:2::1 2001:db8:0:2::77)

note "with its own source, and another of its network"
SEEN=192.0.2.2 reaches n outside 198.51.100.1
SEEN=192.0.2.2 reaches n outside 198.51.100.1 10.9.1.99
SEEN=10.9.2.10 reaches r outside 198.51.100.1
SEEN=10.9.2.99 reaches r outside 198.51.100.1 10.9.2.99
SEEN=fd09:2::10 reaches r outside 2001:db8:100::1

note "with a foreign one"
closed() {
	local src

	for src in "${FOREIGN4[@]}" 10.9.2.10; do
		try n outside 198.51.100.1 "$src"
	done
	for src in "${FOREIGN4[@]}" 10.9.1.10; do
		try r outside 198.51.100.1 "$src"
	done
	for src in "${FOREIGN6[@]}"; do
		try n outside 2001:db8:100::1 "$src"
		try r outside 2001:db8:100::1 "$src"
	done
	none_arrived
}
control() {
	reaches n outside 198.51.100.1 203.0.113.5
	reaches r outside 198.51.100.1 192.0.2.77
	reaches r outside 2001:db8:100::1 2001:db8:aaaa::1
}
closed
without_firewall control
closed
talks n 198.51.100.1 192.0.2.2
talks r 2001:db8:100::1 fd09:2::10
