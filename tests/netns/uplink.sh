#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uplink.sh - routed and nat with "uplink": forwarded through that link only, both ways.
#
#   outside 192.0.2.1 ---- up0 router ---- nat0 10.9.1.0/24 ---- n    (--uplink up0)
#   other   192.0.3.1 ---- up3        `--- rt0  10.9.2.0/24 ---- r    (--uplink up0)
#                                     `--- free 10.9.3.0/24 ---- f    (nat, no uplink)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
segment other up3 3
kvnet create nat0 --subnet 10.9.1.1/24 --subnet6 fd09:1::1/64 --uplink up0
kvnet create rt0 --model routed --subnet 10.9.2.1/24 --subnet6 fd09:2::1/64 --uplink up0
kvnet create free --subnet 10.9.3.1/24 --subnet6 fd09:3::1/64
guest n nat0 10.9.1.10/24 10.9.1.1 fd09:1::10/64 fd09:1::1
guest r rt0 10.9.2.10/24 10.9.2.1 fd09:2::10/64 fd09:2::1
guest f free 10.9.3.10/24 10.9.3.1 fd09:3::10/64 fd09:3::1

note "through the uplink, and without one everywhere"
SEEN=192.0.2.2 reaches n outside 198.51.100.1
SEEN=2001:db8:0:2::2 reaches n outside 2001:db8:100::1
SEEN=10.9.2.10 reaches r outside 198.51.100.1
SEEN=fd09:2::10 reaches r outside 2001:db8:100::1
SEEN=192.0.2.1 reaches outside r 10.9.2.10
talks outside fd09:2::10
talks n 198.51.100.1 192.0.2.2
SEEN=192.0.3.2 reaches f other 192.0.3.1
SEEN=2001:db8:0:3::2 reaches f other 2001:db8:0:3::1
SEEN=192.0.2.2 reaches f outside 198.51.100.1

note "not through another link"
closed() {
	try n other 192.0.3.1
	try n other 2001:db8:0:3::1
	try r other 192.0.3.1
	try r other 2001:db8:0:3::1
	try other r 10.9.2.10
	try other r fd09:2::10
	try other n 10.9.1.10
	none_arrived
}
opened() {
	reaches n other 192.0.3.1
	reaches r other 192.0.3.1
	reaches r other 2001:db8:0:3::1
	reaches other r 10.9.2.10
	reaches other n 10.9.1.10
}
closed
without_firewall opened
closed

note "another uplink, live"
kvnet set nat0 uplink=up3
SEEN=192.0.3.2 reaches n other 192.0.3.1
try n outside 198.51.100.1
try r other 192.0.3.1
none_arrived
kvnet set nat0 uplink=
SEEN=192.0.2.2 reaches n outside 198.51.100.1
SEEN=192.0.3.2 reaches n other 192.0.3.1
