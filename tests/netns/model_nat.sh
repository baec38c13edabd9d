#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# model_nat.sh - nat: guests reach the world behind the host's address, nothing comes in but answers.
#
#   outside ---- router: nat0 10.9.0.1/24 fd09::1/64 ---- a 10.9.0.10 fd09::10
#                                                    `--- b 10.9.0.11 fd09::11
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
kvnet create nat0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64
guest a nat0 10.9.0.10/24 10.9.0.1 fd09::10/64 fd09::1
guest b nat0 10.9.0.11/24 10.9.0.1 fd09::11/64 fd09::1

note "guest to outside, behind the host's address"
SEEN=192.0.2.2 reaches a outside 198.51.100.1
SEEN=2001:db8:0:2::2 reaches a outside 2001:db8:100::1
talks a 198.51.100.1 192.0.2.2
talks b 2001:db8:100::1 2001:db8:0:2::2

note "host to guest and guest to host"
talks router 10.9.0.10 10.9.0.1
talks router fd09::10 fd09::1
talks a 10.9.0.1 10.9.0.10
talks a fd09::1 fd09::10
talks a 192.0.2.2 10.9.0.10

for on in 1 0; do
	note "guest to guest, bridge-nf-call-iptables=$on"
	br_nf $on
	SEEN=10.9.0.10 reaches a b 10.9.0.11
	SEEN=fd09::11 reaches b a fd09::10
	talks a 10.9.0.11 10.9.0.10
	talks b fd09::10 fd09::11
done
br_nf 1

note "outside to guest"
closed() {
	try outside a 10.9.0.10
	try outside a fd09::10
	try outside a 10.9.0.10 10.9.0.11
	try outside a fd09::10 fd09::11
	try outside b 10.9.0.11 203.0.113.5
	none_arrived
	mute outside 10.9.0.10
}
opened() {
	reaches outside a 10.9.0.10
	reaches outside a fd09::10
	reaches outside a 10.9.0.10 10.9.0.11
	reaches outside b 10.9.0.11 203.0.113.5
}
closed
without_firewall opened
closed
SEEN=192.0.2.2 reaches a outside 198.51.100.1
