#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# model_open.sh - open: what the host's own firewall allows; kvnet adds no rules.
#
#   outside ---- router: op0 10.9.0.1/24 fd09::1/64 ---- a 10.9.0.10 fd09::10
#                (forwards already)                 `--- b 10.9.0.11 fd09::11
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
in_ns router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
kvnet create op0 --model open --subnet 10.9.0.1/24 --subnet6 fd09::1/64
guest a op0 10.9.0.10/24 10.9.0.1 fd09::10/64 fd09::1
guest b op0 10.9.0.11/24 10.9.0.1 fd09::11/64 fd09::1

for on in 1 0; do
	note "guest to guest, bridge-nf-call-iptables=$on"
	br_nf $on
	SEEN=10.9.0.10 reaches a b 10.9.0.11
	SEEN=fd09::11 reaches b a fd09::10
done
br_nf 1

note "guest to host and host to guest"
talks a 10.9.0.1 10.9.0.10
talks a 192.0.2.2 10.9.0.10
talks router fd09::10 fd09::1

note "a host without rules: both ways, under their own addresses"
SEEN=10.9.0.10 reaches a outside 198.51.100.1
SEEN=fd09::10 reaches a outside 2001:db8:100::1
SEEN=192.0.2.1 reaches outside a 10.9.0.10
SEEN=2001:db8:0:2::1 reaches outside a fd09::10
talks a 198.51.100.1 10.9.0.10

note "a foreign source is the host's business too"
SEEN=203.0.113.5 reaches a outside 198.51.100.1 203.0.113.5

note "a host that masquerades"
in_ns router nft 'add table ip own; add chain ip own post { type nat hook postrouting priority 100; }
	add rule ip own post oifname "up0" masquerade'
talks a 198.51.100.1 192.0.2.2

note "a host that forbids"
in_ns router nft 'flush table ip own; add table inet own2
	add chain inet own2 forward { type filter hook forward priority 0; policy drop; }'
try a outside 198.51.100.1
try a outside 2001:db8:100::1
try outside a 10.9.0.10
try outside a fd09::10
none_arrived
