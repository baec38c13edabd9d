#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# before_after.sh - the host after "delete", "stop" and the last guest's end is the host before, for every model.
#
#   outside ---- up0 router ---- the network under test
#   other   ---- up3          with a bridge, rules, routes and a firewall that are the user's own
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
segment other up3 3
hand_made_bridge hbr0 10.8.0.1/24 fd08::1/64
make_ns u
cable u v-u # hbr0 has a port already: no carrier comes and goes with kvnet's
ip -n "kvt-$$-router" link set v-u master hbr0
make_ns g
cable g v-g
addr router up3 192.0.3.200/25 2001:db8:0:3::dead/64
route router 203.0.113.0/24 via 192.0.3.1 metric 77
ip -n "kvt-$$-router" route add 203.0.114.0/24 via 192.0.3.1 table 123
ip -n "kvt-$$-router" rule add from 10.77.0.0/16 lookup 123
in_ns router nft 'add table inet user; add set inet user links { type ifname; elements = { "up0", "up3" }; }
	add chain inet user forward { type filter hook forward priority 10; policy accept; }
	add rule inet user forward iifname @links counter accept'
kvnet list >/dev/null

declare -A ARGS=(
	[nat]="--model nat --subnet6 auto"
	[nat-plain]=""
	[nat-uplink]="--model nat --uplink up0"
	[routed]="--model routed --subnet 10.9.0.1/24 --subnet6 fd09::1/64"
	[isolated]="--model isolated --subnet6 auto"
	[isolated-none]="--model isolated --subnet none"
	[open]="--model open --subnet 10.9.0.1/24"
	[open-none]="--model open --subnet none"
	[bridged]="--model bridged --uplink up3"
	[bridged-default]="--model bridged --uplink up0"
	[existing]="--model bridged --bridge hbr0"
)

# forwarding N: of both families, before anything.
forwarding() { in_ns router sysctl -qw "net.ipv4.ip_forward=$1" "net.ipv6.conf.all.forwarding=$1"; }

forwarding_is() {
	equal "ip_forward $2" "$1" "$(in_ns router sysctl -n net.ipv4.ip_forward)"
}

for forward in 0 1; do
	forwarding $forward
	for what in "${!ARGS[@]}"; do
		case $forward$what in
		0* | 1nat | 1routed | 1isolated | 1bridged) ;;
		*) continue ;; # needs no forwarding, or as another does
		esac
		note "$what, ip_forward=$forward"
		before=$(rested_host)
		# shellcheck disable=SC2086 # words
		kvnet create t0 ${ARGS[$what]} --no-start >/dev/null
		defined=$(snapshot_host)
		equal "$what: the host after --no-start" "${before%%== files*}" "${defined%%== files*}"
		kvnet start t0
		kvnet stop t0
		defined=$(snapshot_host) # with the leases' file, which waits for the next start
		equal "$what: the host after start, stop" "${before%%== files*}" "${defined%%== files*}"
		kvnet start t0
		[ "$defined" != "$(snapshot_host)" ] || fail "$what: start changed nothing"
		kvnet stop t0
		host_is "$what: start, stop" "$defined"
		kvnet stop t0
		kvnet start t0
		kvnet start t0
		kvnet attach t0 v-g >/dev/null
		refuses 1 "v-g|port|attached" kvnet delete t0
		kvnet detach v-g
		kvnet delete t0
		host_is "$what: delete" "$before"

		# shellcheck disable=SC2086 # words
		kvnet create t0 ${ARGS[$what]} >/dev/null
		kvnet attach t0 v-g >/dev/null
		kvnet port add t0 kept0 >/dev/null
		kvnet delete t0 --force
		host_is "$what: delete --force" "$before"

		# shellcheck disable=SC2086 # words
		kvnet create t0 ${ARGS[$what]} --start on-demand --no-start >/dev/null
		kvnet start t0
		kvnet stop t0
		defined=$(snapshot_host)
		hold t0-a "$KVNET_BUILD/qemu-ifup" "$KVNET_BUILD/qemu-ifdown"
		held t0-a
		release t0-a
		wait_for "the tap's end" has_no_link t0-a
		host_is "$what: on demand" "$defined"
		kvnet delete t0
		host_is "$what: delete of the inactive" "$before"
	done
done

note "ip_forward: on with the first network that needs it, off with the last"
forwarding 0
before=$(snapshot_host)
kvnet create n1 >/dev/null
kvnet create n2 >/dev/null
kvnet create r1 --model routed --subnet 10.9.0.1/24 >/dev/null
forwarding_is 1 "with three networks"
kvnet stop n1
forwarding_is 1 "with two networks"
kvnet delete r1
forwarding_is 1 "with one network"
kvnet start n1
kvnet stop n2
forwarding_is 1 "with the other network"
kvnet stop n1
forwarding_is 0 "with none"
kvnet delete n1 n2
host_is "after all" "$before"

note "ip_forward that was on stays on"
forwarding 1
kvnet create n1 >/dev/null
kvnet delete n1
forwarding_is 1 "after delete"
