#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# takeover.sh - libvirt's own NAT network, with a guest on it, becomes ours: import --libvirt, with --take-over and without.
#
#   web (libvirt's) ==vnet== virbr7 192.168.77.1/24 -- router: up0 192.0.2.2 ---- outside: 192.0.2.1, 198.51.100.1
# shellcheck disable=SC2086 # $V is a command and its options
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need iptables iptables
MAC=52:54:00:11:22:33

libvirtd_start
cat >"$WORK/lab.xml" <<'END'
<network>
  <name>lab</name>
  <forward mode='nat'/>
  <bridge name='virbr7' stp='on' delay='0'/>
  <mac address='52:54:00:77:77:77'/>
  <domain name='lab.example'/>
  <ip address='192.168.77.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.77.100' end='192.168.77.200'/>
      <host mac='52:54:00:11:22:44' name='db' ip='192.168.77.10'/></dhcp>
  </ip>
</network>
END
quiet $V net-define "$WORK/lab.xml"
quiet $V net-autostart lab
quiet $V net-start lab
uuid=$($V net-uuid lab)
domain_define web "$(nic lab $MAC)"
domain_start web
guest_ready web
guest_ask web lease eth0
lease=$ANSWER
guest_expect web ok ping 198.51.100.1
tap=$($V domiflist web | awk '{ print $1 }')

# Without --take-over: a dry run prints the definition; the bridge that is there is in the way, and nothing has changed.
kvnet import --libvirt lab --dry-run --lossy >"$WORK/lab.yaml" 2>"$WORK/lab.warnings"
expect_like "the definition" "*name: lab*model: nat*bridge: virbr7*192.168.77.1/24*192.168.77.100-192.168.77.200*" \
	"$(tr '\n' ' ' <"$WORK/lab.yaml")"
expect "the definition in JSON" "virbr7 nat 192.168.77.1/24 192.168.77.100-192.168.77.200 lab.example db $uuid" \
	"$(kvnet import --libvirt lab --dry-run --lossy --json |
		jq -r '"\(.bridge) \(.model) \(.ipv4.address) \(.ipv4.dhcp) \(.dns.domain) \(.hosts[0].name) \(.uuid)"')"
if kvnet import --libvirt lab --lossy 2>"$WORK/import.err"; then fail "imported over libvirt's bridge"; fi
expect_like "the refusal" "*virbr7*" "$(cat "$WORK/import.err")"
expect "networks" "" "$(kvnet list)"
guest_expect web ok ping 198.51.100.1
if kvnet import --libvirt nothere 2>"$WORK/import.err"; then fail "imported what is not there"; fi
expect_like "the refusal" "kvnet: libvirt: *no network with matching name 'nothere'*" "$(cat "$WORK/import.err")"

# A take-over that fails half-way puts libvirt's network back, with the guest on it: here dnsmasq cannot be run by us.
before=$($V net-dumpxml lab --inactive)
mkdir "$WORK/bin"
printf '#!/bin/sh\necho "dnsmasq: broken for the test" >&2\nexit 3\n' >"$WORK/bin/dnsmasq"
chmod +x "$WORK/bin/dnsmasq"
mount --bind "$WORK/bin/dnsmasq" "$(command -v dnsmasq)"
# libvirtd needs the real one to put its network back: it comes back when ours has been refused.
( while [ ! -e "$WORK/refused" ] && ! grep -qs "broken" "$WORK/broken.err"; do sleep 0.02; done ) &
status=0
kvnet import --libvirt lab --take-over --lossy 2>"$WORK/broken.err" || status=$?
touch "$WORK/refused"
umount "$(command -v dnsmasq)"
expect "exit of a take-over that failed" 1 "$status"
expect_like "its reason" "*dnsmasq*broken for the test*" "$(cat "$WORK/broken.err")"
expect "libvirt's definition after it" "$before" "$($V net-dumpxml lab --inactive)"
expect "our networks after it" "" "$(kvnet list)"
$V net-start lab >/dev/null 2>&1 || true # with the broken dnsmasq it could be defined, not started
expect "libvirt's network after it" "yes" "$($V net-info lab | sed -n 's/^Active: *//p')"
ip link set "$tap" master virbr7
guest_expect web ok ping 198.51.100.1
pass "refused and failed imports leave libvirt's network as it was"

# The take-over, while the guest is pinged.
"$G/busybox" ping "${lease%%/*}" >"$WORK/ping.out" 2>&1 &
replies() { grep -c "seq=" "$WORK/ping.out"; }
more_replies() { [ "$(replies)" -gt "$1" ]; }
wait_until "a reply" more_replies 0
kvnet import --libvirt lab --take-over --lossy >"$WORK/take.log" 2>&1 || fail "take-over: $(cat "$WORK/take.log")"
wait_until "replies after it" more_replies "$(($(replies) + 1))"
expect "our network" "lab nat active virbr7 192.168.77.1/24" \
	"$(kvnet list --json | jq -r '.[] | "\(.name) \(.model) \(.state) \(.bridge) \(.ipv4.address)"')"
expect "the guest's port" "$tap $MAC ${lease%%/*} web libvirt" \
	"$(kvnet ports lab --json | jq -r '.[] | "\(.ifname) \(.mac) \(.ipv4) \(.domain) \(.engine)"')"
expect "libvirt's network" "$uuid virbr7" "$($V net-uuid lab) $($V net-info lab | sed -n 's/^Bridge: *//p')"
is_network lab active || fail "$($V net-info lab)"
guest_expect web ok ping 198.51.100.1
guest_expect web 192.0.2.2 fetch 198.51.100.1:8080
guest_ask web lease eth0
expect "the guest's lease, asked for again" "$lease" "$ANSWER"
expect "libvirt's rules" "" "$(nft list ruleset | grep -i libvirt | grep virbr7 || true)"
pass "a running guest keeps its lease and its network"

# The guest starts again as if nothing had happened; libvirtd too.
libvirtd_stop TERM
libvirtd_start
wait_until "libvirtd has its guest again" is_running web
quiet kvnet vm destroy web
domain_start web
guest_ready web
guest_ask web lease eth0
expect "the lease after a new start" "$lease" "$ANSWER"
quiet kvnet vm destroy web
if kvnet import --libvirt lab --take-over --as other 2>"$WORK/again.err"; then fail "taken over twice"; fi
quiet kvnet delete lab
if $V net-info lab >/dev/null 2>&1; then fail "libvirt still knows lab"; fi
libvirtd_stop TERM
pass "restarts after the take-over"
