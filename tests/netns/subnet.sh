#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# subnet.sh - which subnet "auto" takes, and what an explicit one collides with.
#
#   router: addresses, routes of every table and definitions that lie in the pool
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
# The router's default route, as on any host, is no overlap.
address_of() { kvnet show "$1" --json | jq -r ".ipv$2.address"; }

# auto_is ADDRESS WHY: the next automatic subnet.
auto_is() {
	kvnet create t0 --no-start >/dev/null
	equal "automatic subnet, $2" "$1" "$(address_of t0 4)"
	kvnet delete t0
}

rt() { ip -n "kvt-$$-router" "$@"; }

note "the first of the pool, then the next"
auto_is 10.213.0.1/24 "an empty host"
kvnet create a >/dev/null
equal "first" 10.213.0.1/24 "$(address_of a 4)"
auto_is 10.213.1.1/24 "one network is up"
kvnet stop a
auto_is 10.213.1.1/24 "one definition, inactive"
kvnet delete a

note "not what a host uses already"
rt addr add 10.213.0.77/32 dev lo
auto_is 10.213.1.1/24 "an address"
rt route add 10.213.1.0/25 via 192.0.2.1
auto_is 10.213.2.1/24 "a route in the main table"
rt route add 10.213.2.128/30 via 192.0.2.1 table 100
auto_is 10.213.3.1/24 "a route in another table"
rt route add blackhole 10.213.3.0/24
auto_is 10.213.4.1/24 "a blackhole"
rt route add unreachable 10.213.4.0/30 table 4000
auto_is 10.213.5.1/24 "an unreachable route in another table"
rt link add far type veth peer name farther
rt addr add 10.213.5.5 peer 10.213.6.6/32 dev far
rt link set far up
auto_is 10.213.7.1/24 "both ends of a point to point link"
printf 'name: idle\nmodel: isolated\nstart: manual\nipv4: {address: 10.213.7.129/25}\n' | kvnet create idle --file - --no-start >/dev/null
auto_is 10.213.8.1/24 "an inactive definition"
kvnet delete idle
auto_is 10.213.7.1/24 "and without it"
rt route add 10.213.0.0/17 via 192.0.2.1
auto_is 10.213.128.1/24 "a route to half of the pool"
rt route add 10.213.0.0/16 via 192.0.2.1 table 100
refuses 1 "10.213.0.0/16.*" kvnet create t0
rt route del 10.213.0.0/16 table 100
rt route flush table 100
rt route del 10.213.0.0/17
rt route del 10.213.1.0/25
rt route del blackhole 10.213.3.0/24
rt route del unreachable 10.213.4.0/30 table 4000
rt addr del 10.213.0.77/32 dev lo
rt link delete far
auto_is 10.213.0.1/24 "an empty host again"
before=$(snapshot_host)

note "a pool of the user's"
echo "pool: 172.20.8.0/23" >"$KVNET_CONFIG_DIR/kvnet.yaml"
kvnet create a >/dev/null
kvnet create b >/dev/null
equal "first" 172.20.8.1/24 "$(address_of a 4)"
equal "second" 172.20.9.1/24 "$(address_of b 4)"
refuses 1 "172.20.8.0/23" kvnet create c
equal "networks" "a b" "$(kvnet list --json | jq -r '[.[].name] | join(" ")')"
kvnet delete a b
echo "pool: 10.213.0.0/99" >"$KVNET_CONFIG_DIR/kvnet.yaml"
refuses 1 "kvnet.yaml.*pool" kvnet create c
rm "$KVNET_CONFIG_DIR/kvnet.yaml"
host_is "after all that" "$before"

note "a given subnet: host bits or none"
kvnet create a --subnet 10.9.0.0/24 >/dev/null
equal "the first address is the bridge's" 10.9.0.1/24 "$(address_of a 4)"
kvnet delete a
kvnet create a --subnet 10.9.0.77/26 >/dev/null
equal "the address given is the bridge's" 10.9.0.77/26 "$(address_of a 4)"
kvnet delete a

note "what a given one collides with is named"
rt addr add 10.50.0.5/24 dev up0
rt route add 10.51.0.0/16 via 192.0.2.1
rt route add 10.52.0.0/24 via 192.0.2.1 table 77
refuses 1 "10\.50\.0\.[05].*up0|up0.*10\.50\.0\.[05]" kvnet create t0 --subnet 10.50.0.1/25
refuses 1 "10\.51\.0\.0/16" kvnet create t0 --subnet 10.51.3.1/24
refuses 1 "10\.5[012]\.0\." kvnet create t0 --subnet 10.0.0.1/8
refuses 1 "10\.52\.0\.0/24" kvnet create t0 --subnet 10.52.0.1/24
kvnet create other --subnet 10.9.0.1/24 --subnet6 fd09::1/64 >/dev/null
refuses 1 "other" kvnet create t0 --subnet 10.9.0.129/25
refuses 1 "other" kvnet create t0 --subnet 10.9.0.1/16
refuses 1 "other" kvnet create t0 --subnet 10.10.0.1/24 --subnet6 fd09::5/112
kvnet stop other
refuses 1 "other" kvnet create t0 --subnet 10.9.0.129/25
refuses 1 "other" kvnet create t0 --subnet 10.10.0.1/24 --subnet6 fd09::/32
kvnet start other
kvnet create next --subnet 10.10.0.1/24 >/dev/null
refuses 1 "other" kvnet set next ipv4.address=10.9.0.200/25
equal "the network after a refused change" 10.10.0.1/24 "$(address_of next 4)"
kvnet delete other next
rt addr del 10.50.0.5/24 dev up0
rt route del 10.51.0.0/16
rt route flush table 77

note "IPv6: a ULA /64, another for each, the same again after delete and create"
kvnet create a --subnet6 auto >/dev/null
kvnet create b --subnet6 auto >/dev/null
a6=$(address_of a 6)
b6=$(address_of b 6)
matches "ULA" '^fd[0-9a-f]{2}:[0-9a-f:]+/64$' "$a6"
[ "$a6" != "$b6" ] || fail "two networks with one prefix: $a6"
equal "the host's /48" "$(cut -d: -f1-3 <<<"$a6")" "$(cut -d: -f1-3 <<<"$b6")"
kvnet delete a b
kvnet create a --subnet6 auto >/dev/null
equal "the prefix of the second life" "$a6" "$(address_of a 6)"
kvnet delete a
rt -6 route add "${a6%::*}::/64" via 2001:db8:0:2::1 table 88
kvnet create a --subnet6 auto >/dev/null
[ "$(address_of a 6)" != "$a6" ] || fail "took $a6, which a route of the host leads to"
kvnet delete a
rt -6 route flush table 88
rt -6 route add fd66::/32 via 2001:db8:0:2::1
refuses 1 "fd66::/32" kvnet create t0 --subnet6 fd66:0:1::1/64
echo "pool6: fd77:1:2::/48" >"$KVNET_CONFIG_DIR/kvnet.yaml"
kvnet create a --subnet6 auto >/dev/null
matches "prefix of the user's pool" '^fd77:1:2:' "$(address_of a 6)"
kvnet delete a
