#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# model_routed.sh - routed: guests reach the world under their own addresses, and are reached from it.
#
#   outside ---- router: rt0 10.9.0.1/24 fd09::1/64 ---- a 10.9.0.10 fd09::10
#                                                   `--- b 10.9.0.11 fd09::11
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
kvnet create rt0 --model routed --subnet 10.9.0.1/24 --subnet6 fd09::1/64
guest a rt0 10.9.0.10/24 10.9.0.1 fd09::10/64 fd09::1
guest b rt0 10.9.0.11/24 10.9.0.1 fd09::11/64 fd09::1

note "guest to outside, under its own address"
SEEN=10.9.0.10 reaches a outside 198.51.100.1
SEEN=fd09::10 reaches a outside 2001:db8:100::1
talks a 198.51.100.1 10.9.0.10
talks b 2001:db8:100::1 fd09::11

note "outside to guest"
SEEN=192.0.2.1 reaches outside a 10.9.0.10
SEEN=2001:db8:0:2::1 reaches outside a fd09::10
talks outside 10.9.0.11 192.0.2.1
talks outside fd09::11 2001:db8:0:2::1

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
done
