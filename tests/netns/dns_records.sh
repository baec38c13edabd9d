#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# dns_records.sh - names, texts and services that a definition adds to DNS, and domains that others answer for.
#
#   outside (answers for example.test and corp.test) ---- router: nat0 10.9.0.1/24 ---- a
# KVT_DIR_MODE: dnsmasq's user must be able to read the names for them to change without a restart.
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
ip netns exec "kvt-$$-outside" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --pid-file= \
	--user=root --address=/example.test/203.0.113.80 --address=/lab.test/203.0.113.81 2>"$T/outside.dnsmasq" &
disown -a
# Nobody answers at 198.51.100.99: what is asked of others does not get through.
kvnet create nat0 --subnet 10.9.0.1/24 --set 'dns.upstream=[198.51.100.99]' --set dns.domain=lab.test \
	--set 'dns.forwarders=[{domain: example.test, resolver: 198.51.100.1}]' \
	--set 'dns.hosts=[{ip: 10.9.0.9, names: [printer, lpd.example]}]' \
	--set 'dns.txt=[{name: note.example, value: "by hand, \"with\" care \\o/"}]' \
	--set 'dns.srv=[{service: ldap, protocol: tcp, target: dir.example, port: 389, priority: 1, weight: 10}, {service: ntp, protocol: udp}]'
plug a nat0
addr a eth0 10.9.0.5/24
route a default via 10.9.0.1
pid=$(dnsmasq_pids)

# ask TYPE NAME: what nslookup makes of the answer.
ask() { in_ns a busybox nslookup -type="$1" "$2" 10.9.0.1 2>&1; }

note "names: as they are, and in the domain"
equal "printer.lab.test" 10.9.0.9 "$(lookup a 10.9.0.1 printer.lab.test)"
equal "lpd.example" 10.9.0.9 "$(lookup a 10.9.0.1 lpd.example)"

note "changed while dnsmasq runs"
kvnet set nat0 'dns.hosts+={ip: 10.9.0.8, names: [scanner]}'
wait_for "scanner.lab.test" lookup a 10.9.0.1 scanner.lab.test
equal "scanner.lab.test" 10.9.0.8 "$(lookup a 10.9.0.1 scanner.lab.test)"
equal "pid of dnsmasq" "$pid" "$(dnsmasq_pids)"

note "texts: every character as it was written"
ask txt note.example >"$T/txt"
grep -qF 'text = "by hand, "with" care \o/"' "$T/txt" || fail "TXT: $(cat "$T/txt")"

note "services: one that is there, one that is not"
ask srv _ldap._tcp.lab.test >"$T/srv"
grep -qE 'service = 1 10 389 dir\.example$' "$T/srv" || fail "SRV: $(cat "$T/srv")"
ask srv _ntp._udp.lab.test >"$T/srv"
grep -qE 'service = 0 0 1 \.$' "$T/srv" || fail "SRV: $(cat "$T/srv")"

note "a domain that another resolver is asked about"
wait_for "the forwarder" lookup a 198.51.100.1 example.test
equal "www.example.test" 203.0.113.80 "$(lookup a 10.9.0.1 www.example.test)"

note "the domain is the network's own, until it is not"
kvnet set nat0 'dns.upstream=[198.51.100.1]'
! lookup a 10.9.0.1 www.lab.test | grep -q 203.0.113.81 || fail "www.lab.test was asked of others"
kvnet set nat0 dns.local_only=false
wait_for "www.lab.test" lookup a 10.9.0.1 www.lab.test
equal "www.lab.test" 203.0.113.81 "$(lookup a 10.9.0.1 www.lab.test)"
equal "printer.lab.test" 10.9.0.9 "$(lookup a 10.9.0.1 printer.lab.test)"
kvnet delete nat0 --force
