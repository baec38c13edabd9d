#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# dhcp.sh - what a guest is given by DHCP, RA and DNS, and how reservations change while it runs.
#
#   outside (answers DNS for example.test) ---- router: nat0 10.9.0.1/24 fd09::1/64 ---- a, b
# KVT_DIR_MODE: dnsmasq's user must be able to read the reservations for them to change without a restart.
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
ip netns exec "kvt-$$-outside" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --pid-file= \
	--user=root --address=/example.test/203.0.113.80 2>"$T/outside.dnsmasq" &
disown -a
kvnet create nat0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64 --set 'dns.upstream=[198.51.100.1]'
plug a nat0
plug b nat0
mac_a=$(mac_of a eth0)
mac_b=$(mac_of b eth0)
pid=$(dnsmasq_pids)
equal "dnsmasq processes" 1 "$(wc -l <<<"$pid")"

note "a lease: an address of the range, gateway, DNS, domain"
udhcpc a 10 -x hostname:alpha || fail "no lease"
matches "address" '^10\.9\.0\.[0-9]+$' "$(leased a ip)"
[ "$(leased a ip)" != 10.9.0.1 ] || fail "the gateway's own address was given"
equal "mask" 24 "$(leased a mask)"
equal "router" 10.9.0.1 "$(leased a router)"
equal "DNS server" 10.9.0.1 "$(leased a dns)"
equal "domain" nat0.internal "$(leased a domain)"
equal "lease time" 3600 "$(leased a lease)"
given=$(leased a ip)
udhcpc a 10 || fail "no lease"
equal "the same address the second time" "$given" "$(leased a ip)"

note "leases"
kvnet leases nat0 --json >"$T/leases"
equal "lease" "nat0 $mac_a $given alpha" \
	"$(jq -r '.[] | "\(.network) \(.mac) \(.address) \(.hostname)"' "$T/leases")"
jq -e --argjson now "$(date +%s)" '.[0].expires > $now and .[0].expires <= $now + 3600' "$T/leases" >/dev/null ||
	fail "expires: $(cat "$T/leases")"
kvnet leases | grep -qE "^${mac_a}[[:space:]]+${given}[[:space:]]+alpha[[:space:]]" || fail "kvnet leases: $(kvnet leases)"
equal "leases in show" "$given" "$(kvnet show nat0 --json | jq -r '.leases[].address')"

note "DNS: guests by name, the world by the upstream"
addr a eth0 "$given/24"
route a default via 10.9.0.1
equal "alpha.nat0.internal" "$given" "$(lookup a 10.9.0.1 alpha.nat0.internal)"
wait_for "the upstream" lookup a 198.51.100.1 example.test
equal "www.example.test" 203.0.113.80 "$(lookup a 10.9.0.1 www.example.test)"

note "a reservation, made while dnsmasq runs"
kvnet set nat0 "hosts=[{name: web, mac: $mac_b, ipv4: 10.9.0.50}]"
udhcpc b 10 || fail "no lease"
equal "reserved address" 10.9.0.50 "$(leased b ip)"
equal "web.nat0.internal" 10.9.0.50 "$(lookup a 10.9.0.1 web.nat0.internal)"
equal "pid of dnsmasq" "$pid" "$(dnsmasq_pids)"

note "changed"
kvnet set nat0 "hosts=[{name: www, mac: $mac_b, ipv4: 10.9.0.51}]"
udhcpc b 10 || fail "no lease"
equal "reserved address" 10.9.0.51 "$(leased b ip)"
equal "www.nat0.internal" 10.9.0.51 "$(lookup a 10.9.0.1 www.nat0.internal)"
equal "web.nat0.internal" "" "$(lookup a 10.9.0.1 web.nat0.internal)"
equal "pid of dnsmasq" "$pid" "$(dnsmasq_pids)"

note "moved to another guest, once the first has released it"
addr b eth0 10.9.0.51/24
rm "$T/b.lease"
ip netns exec "kvt-$$-b" env LEASE_FILE="$T/b.lease" busybox udhcpc -i eth0 -f -R -s "$T/udhcpc.script" 2>/dev/null &
wait_for "the lease" test -s "$T/b.lease"
kill -TERM $!
wait $! || true
ip -n "kvt-$$-b" addr del 10.9.0.51/24 dev eth0
wait_for "the release" sh -c "! grep -q 10.9.0.51 '$KVNET_STATE_DIR'/leases/*"
kvnet set nat0 "hosts=[{name: www, mac: $mac_a, ipv4: 10.9.0.51}]"
udhcpc a 10 || fail "no lease"
equal "reserved address" 10.9.0.51 "$(leased a ip)"
equal "pid of dnsmasq" "$pid" "$(dnsmasq_pids)"

note "gone"
kvnet set nat0 hosts=[]
udhcpc b 10 || fail "no lease"
[ "$(leased b ip)" != 10.9.0.51 ] || fail "the address is still reserved"
equal "www.nat0.internal" "" "$(lookup b 10.9.0.1 www.nat0.internal)"
equal "pid of dnsmasq" "$pid" "$(dnsmasq_pids)"

note "IPv6 by router advertisement"
in_ns b sysctl -qw net.ipv6.conf.eth0.router_solicitations=3 net.ipv6.conf.eth0.accept_ra=1
ip -n "kvt-$$-b" link set eth0 down
ip -n "kvt-$$-b" link set eth0 up
wait_for "an address of fd09::/64" sh -c "ip -n kvt-$$-b -6 addr show dev eth0 | grep -q 'inet6 fd09::'"
wait_for "a default route" sh -c "ip -n kvt-$$-b -6 route show default | grep -q 'via fe80::'"
SEEN=2001:db8:0:2::2 reaches b outside 2001:db8:100::1

note "a restart keeps the leases; another range is another dnsmasq"
kvnet leases --json | jq -S . >"$T/leases"
kvnet stop nat0 --force
kvnet start nat0
equal "leases" "$(cat "$T/leases")" "$(kvnet leases --json | jq -S .)"
kvnet attach nat0 v-a
kvnet set nat0 ipv4.dhcp=10.9.0.200-10.9.0.210 ipv4.lease=10m
udhcpc a 10 || fail "no lease"
matches "address" '^10\.9\.0\.2(0[0-9]|10)$' "$(leased a ip)"
equal "lease time" 600 "$(leased a lease)"

note "a guest that chooses its IPv6 address itself: the listing has the one that it was heard with"
plug c nat0
in_ns c sysctl -qw net.ipv6.conf.eth0.accept_ra=1 net.ipv6.conf.eth0.router_solicitations=5
ip -n "kvt-$$-c" link set eth0 down
ip -n "kvt-$$-c" link set eth0 up
own_address() { ip -n "kvt-$$-c" -j -6 addr show dev eth0 scope global | jq -re '.[].addr_info[]? | select(.dynamic and (.tentative | not)).local'; }
wait_for "an address of its own" own_address
own_address=$(own_address)
pings c fd09::1
is_listed() { [ "$(kvnet ports nat0 --json | jq -r '.[] | select(.ifname == "v-c").ipv6')" = "$own_address" ]; }
wait_for "it to be listed" is_listed
equal "in show" "$own_address" "$(kvnet show nat0 --json | jq -r '.ports[] | select(.ifname == "v-c").ipv6')"
equal "of one that was not heard" null "$(kvnet ports nat0 --json | jq -r '.[] | select(.ifname == "v-b").ipv6')"

note "an isolated network: DHCPv6 has no empty option for DNS servers"
kvnet create iso0 --model isolated --subnet none --subnet6 fd0a::1/64 --set ipv6.dhcp=stateless >/dev/null
plug i iso0
# An INFORMATION-REQUEST with a client id, for option 23: RFC 8415 sections 18.2.6 and 21.7.
ask_dns() {
	in_ns i sh -c 'echo 0b0102030001000a00030001525400112233000600020017 | xxd -r -p |
		socat -t 1 - "UDP6-DATAGRAM:[ff02::1:2%eth0]:547,bind=[::]:546"' | xxd -p | tr -d '\n'
}
has_answer() { [ -n "$(ask_dns)" ]; }
wait_for "an answer to DHCPv6" has_answer
matches "DNS servers" '^07010203.*00170010fd0a0000000000000000000000000001' "$(ask_dns)"
kvnet delete iso0 --force

note "no DHCP at all, DNS stays; then neither"
kvnet set nat0 ipv4.dhcp=none
! udhcpc a 2 || fail "a lease although DHCP is off"
equal "www.example.test" 203.0.113.80 "$(lookup a 10.9.0.1 www.example.test)"
kvnet set nat0 dns.enabled=false ipv6.dhcp=none
equal "dnsmasq" "" "$(dnsmasq_pids)"
kvnet set nat0 ipv4.dhcp=auto
udhcpc a 10 || fail "no lease after DHCP is back"
