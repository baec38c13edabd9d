#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# dnsmasq_events.sh - a dnsmasq sleeps through what happens to other networks, and follows what happens to its own.
#
#   router: nat0 10.9.0.1/24 fd09::1/64 ---- a;  nat1, nat2
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
kvnet create nat0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64
kvnet create nat1 --subnet 10.19.0.1/24 --subnet6 fd19::1/64
pid_of() { cat "$KVNET_RUNTIME_DIR/networks/$1/dnsmasq.pid"; }
wakes() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$(pid_of nat0)/status"; }
serves() { # GUEST
	udhcpc "$1" 10 -x hostname:alpha || fail "no lease"
	addr "$1" eth0 "$(leased "$1" ip)/24"
	equal "alpha.nat0.internal" "$(leased "$1" ip)" "$(lookup "$1" 10.9.0.1 alpha.nat0.internal)"
	ip -n "kvt-$$-$1" addr flush dev eth0 scope global
}

note "other networks come and go"
pid=$(pid_of nat0)
# A router advertisement that is due wakes it, too, and a busy machine interrupts it: it sleeps through one round of several.
slept=false
for _ in 1 2 3 4 5; do
	before=$(wakes)
	kvnet stop nat1
	kvnet start nat1
	kvnet create nat2 --subnet6 auto
	kvnet delete nat2
	[ "$before" != "$(wakes)" ] || { slept=true && break; }
done
equal "dnsmasq has slept through a round" true "$slept"

note "the host gets another default route: it may ask its resolvers again"
route router default via 192.0.2.9 metric 99
[ "$(wakes)" -gt "$before" ] || fail "it was not told"

note "its address goes and comes back"
plug a nat0
ip -n "kvt-$$-router" addr del 10.9.0.1/24 dev nat0
ip -n "kvt-$$-router" addr del fd09::1/64 dev nat0
kvnet apply nat0
serves a
equal "pid of dnsmasq" "$pid" "$(pid_of nat0)"

note "its bridge goes and comes back"
ip -n "kvt-$$-router" link del nat0
kvnet plan nat0 >"$T/plan"
grep -q "^kill .*; dnsmasq" "$T/plan" || fail "the plan leaves dnsmasq where it is: $(cat "$T/plan")"
kvnet apply nat0
kvnet plan nat0 --check >/dev/null || fail "left to do: $(kvnet plan nat0)"
serves a
in_ns a sysctl -qw net.ipv6.conf.eth0.router_solicitations=3 net.ipv6.conf.eth0.accept_ra=1
ip -n "kvt-$$-a" link set eth0 down
ip -n "kvt-$$-a" link set eth0 up
wait_for "an address of fd09::/64" sh -c "ip -n kvt-$$-a -6 addr show dev eth0 | grep -q 'inet6 fd09::'"
[ "$pid" != "$(pid_of nat0)" ] || fail "the first dnsmasq is still there"
equal "dnsmasq processes" 2 "$(dnsmasq_pids | wc -l)"
