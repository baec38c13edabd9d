#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_firewalld.sh - the real firewalld beside kvnet: its start, both reloads and its end leave kvnet's tables alone.  It
# rejects what guests forward and ask of the host until their bridges are in a zone that lets them: what README tells to do.
#
#   outside ---- router: nat0 10.9.0.1/24 fd09::1/64 ---- a, d;  r0 (routed) 10.19.0.1/24 ---- b;  iso0 (isolated)
#   10.29.0.1/24 ---- c.  firewalld and dbus-daemon run in the router, with a /run and an /etc/firewalld of their own.
# shellcheck disable=SC2034 # lib.sh reads it
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_netd.sh
. "$(dirname "$0")/lib_netd.sh"

for program in firewalld firewall-cmd dbus-daemon; do
	command -v "$program" >/dev/null || skip "needs $program: 'scripts/deps firewalld' installs it"
done

# MOUNTS is the pid of a process whose mounts are firewalld's.
begin_mounts() {
	cp -a /etc/firewalld "$T/firewalld"
	rm -rf "$T"/firewalld/zones/* "$T"/firewalld/policies/* # this host's own
	# shellcheck disable=SC2016 # expanded by the inner shell
	ip netns exec "kvt-$$-router" unshare -m --propagation private sh -ec '
		mount -t tmpfs run /run
		mount -t tmpfs log /var/log
		mkdir -p /run/dbus /run/lock
		mount --bind "$1" /etc/firewalld
		dbus-daemon --system --fork --nopidfile
		echo ready
		exec sleep infinity' sh "$T/firewalld" >"$T/mounts.log" 2>&1 &
	MOUNTS=$!
	disown $!
	wait_for "the message bus" grep -q ready "$T/mounts.log"
}

in_mounts() { nsenter -t "$MOUNTS" -m -n "$@"; }

start_firewalld() {
	nsenter -t "$MOUNTS" -m -n firewalld --nofork --nopid >>"$T/firewalld.log" 2>&1 &
	FIREWALLD=$!
	wait_for "firewalld" in_mounts firewall-cmd --state
}

stop_firewalld() {
	kill -TERM "$FIREWALLD"
	wait "$FIREWALLD" || true # its status says nothing
	equal "tables of firewalld" "" "$(in_ns router nft list tables | grep firewalld || true)"
}

firewall() { in_mounts firewall-cmd "$@" >/dev/null; }

# has_access WHAT: guests get out, and what they need of the host; nobody gets in to where nobody may.
has_access() {
	note "$1"
	wait_for "rest" is_at_rest
	SEEN=192.0.2.2 reaches a outside 198.51.100.1
	SEEN=2001:db8:0:2::2 reaches a outside 2001:db8:100::1
	SEEN=10.19.0.10 reaches b outside 198.51.100.1
	talks a 198.51.100.1 192.0.2.2
	talks b 198.51.100.1 10.19.0.10
	udhcpc d 10 || fail "no lease"
	[ -n "$(lookup a 10.9.0.1 web.nat0.internal)" ] || fail "no DNS"
	try outside a 10.9.0.10
	try b a 10.9.0.10
	try c outside 198.51.100.1
	try c a 10.9.0.10
	try c router 192.0.2.2
	none_arrived
}

topology
start_netd
kvnet create nat0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64 --set 'hosts+={name: web, mac: 52:54:00:00:00:01, ipv4: 10.9.0.77}' >/dev/null
kvnet create r0 --model routed --subnet 10.19.0.1/24 >/dev/null
kvnet create iso0 --model isolated --subnet 10.29.0.1/24 >/dev/null
guest a nat0 10.9.0.10/24 10.9.0.1 fd09::10/64 fd09::1
plug d nat0
guest b r0 10.19.0.10/24 10.19.0.1
guest c iso0 10.29.0.10/24 10.29.0.1
follow all
has_access "without firewalld"
reaches outside b 10.19.0.10

begin_mounts
note "firewalld starts: kvnet's tables are whole, and firewalld rejects what no zone of its own lets through"
start_firewalld
wait_for "rest" is_at_rest
mute a 198.51.100.1
mute b 198.51.100.1
! udhcpc d 2 || fail "firewalld has let DHCP through: the README need not tell of it"

note "the bridges in zone trusted, for good"
firewall --permanent --zone=trusted --add-interface=nat0
firewall --permanent --zone=trusted --add-interface=r0
firewall --permanent --zone=trusted --add-interface=iso0
firewall --reload
has_access "after --reload"
firewall --complete-reload
has_access "after --complete-reload"

note "into a routed network firewalld lets nobody without a policy"
mute outside 10.19.0.10
firewall --permanent --new-policy guests
firewall --permanent --policy guests --add-ingress-zone ANY
firewall --permanent --policy guests --add-egress-zone trusted
firewall --permanent --policy guests --set-target ACCEPT
firewall --reload
has_access "with a policy"
reaches outside b 10.19.0.10

note "the network goes and comes, and is another link then"
kvnet stop nat0 --force
kvnet start nat0
has_access "after stop and start of the network"

stop_firewalld
has_access "after firewalld's end"
reaches outside b 10.19.0.10
start_firewalld
has_access "after firewalld's start"
reaches outside b 10.19.0.10
equal "repairs" "" "$(events all '.event == "network-repaired"')"
stop_firewalld
stop_netd TERM
kvnet delete nat0 r0 iso0 --force
