#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# register.sh - our networks as libvirt's: a domain plugs into one by its name, gets its lease from us and reaches the outside.
#
#   web (libvirt's) ==vnet== nat0 -- router: up0 192.0.2.2 ---- outside: 192.0.2.1, 198.51.100.1
# shellcheck disable=SC2086 # $V is a command and its options
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
MAC=52:54:00:11:22:33

libvirtd_start
quiet kvnet create nat0 --set register=true
is_network nat0 active || fail "libvirt does not know nat0: $($V net-info nat0 2>&1)"
expect "its bridge" nat0 "$($V net-info nat0 | sed -n 's/^Bridge: *//p')"
$V net-dumpxml nat0 >"$WORK/nat0.xml"
expect "the definition's key" true "$(kvnet show nat0 --json | jq .register)"

# A domain that names it as its source.
domain_define web "$(nic nat0 $MAC)"
domain_start web
guest_ready web
guest_ask web lease eth0
read -r address _ <<<"$ANSWER"
address=${address%/*}
guest_expect web ok ping 198.51.100.1
guest_expect web 192.0.2.2 fetch 198.51.100.1:8080
tap=$($V domiflist web | awk '{ print $1 }')
expect "the port" "nat0 $tap $MAC $address libvirt web ${GUEST_PID[web]} root" \
	"$(kvnet ports nat0 --json | jq -r '.[] | "\(.network) \(.ifname) \(.mac) \(.ipv4) \(.engine) \(.domain) \(.pid) \(.owner)"')"
expect "the port in show" web "$(kvnet show nat0 --json | jq -r '.ports[0].domain')"
expect "the network's state" active "$(kvnet show nat0 --json | jq -r .state)"
expect_like "the port for people" "*$tap*$MAC*$address*web*" "$(kvnet ports | tr '\n' ' ')"
pass "a domain of libvirt's has its lease and the world through nat0"

# Settings that act on ports reach libvirt's: at the next command without netd, and at plug time by libvirt itself.
quiet kvnet set nat0 isolate_ports=true mtu=1400
expect "isolation of the running guest's tap" true "$(bridge -d -j link show dev "$tap" | jq -r '.[0].isolated')"
expect "its MTU" 1400 "$(cat "/sys/class/net/$tap/mtu")"
expect_like "isolation as libvirt has it" "*<port isolated='yes'/>*" "$($V net-dumpxml nat0 | tr '\n' ' ')"
is_network nat0 active || fail "nat0 is not active any more"
guest_expect web ok ping 198.51.100.1
quiet kvnet set nat0 isolate_ports=false mtu=1500

# NICs come and go while it runs.
mac2=$(kvnet vm attach web nat0 --live)
expect "ports" "web web" "$(kvnet ports nat0 --json | jq -r '[.[].domain] | join(" ")')"
expect "the new one's MAC" "$mac2" "$(kvnet ports nat0 --json | jq -r --arg tap "$tap" '.[] | select(.ifname != $tap) | .mac')"
expect "NICs" 2 "$(kvnet vm interfaces web --json | jq length)"
expect "addresses and networks of the NICs" "nat0 virtio $address nat0 virtio " \
	"$(kvnet vm interfaces web --json | jq -r '[.[] | "\(.network) \(.model) \(.addresses | join(","))"] | join(" ")')"
quiet kvnet vm detach web "$mac2" --live
expect "ports" web "$(kvnet ports nat0 --json | jq -r '[.[].domain] | join(" ")')"

# It cannot be taken from under the guest; libvirt still knows it afterwards.
uuid=$($V net-uuid nat0)
if kvnet delete nat0 2>"$WORK/delete.err"; then fail "nat0 was deleted under its guest"; fi
expect_like "the refusal" "*nat0*attached*" "$(cat "$WORK/delete.err")"
expect "the UUID after a refused delete" "$uuid" "$($V net-uuid nat0)"
is_network nat0 active || fail "a refused delete has unregistered nat0"
quiet kvnet vm destroy web
expect "ports after the guest's end" "[]" "$(kvnet ports nat0 --json | jq -c .)"
pass "ports of domains"

# Stops and restarts of either side.
quiet kvnet stop nat0
is_network nat0 inactive || fail "nat0 is stopped, and libvirt says: $($V net-info nat0)"
if $V start web 2>"$WORK/start.err"; then fail "a domain has started on a network that is down"; fi
expect_like "what libvirt says" "*'nat0' is not active*" "$(cat "$WORK/start.err")"
quiet kvnet start nat0
is_network nat0 active || fail "nat0 is started, and libvirt says: $($V net-info nat0)"
libvirtd_stop TERM
quiet kvnet stop nat0
quiet kvnet start nat0
libvirtd_start
is_network nat0 active || fail "libvirtd has restarted, and says: $($V net-info nat0)"
quiet $V net-destroy nat0
quiet $V net-undefine nat0
quiet kvnet apply nat0
is_network nat0 active || fail "'apply' has not brought it back: $($V net-info nat0 2>&1)"
quiet $V net-undefine nat0
quiet kvnet apply nat0
is_network nat0 active || fail "'apply' has not made it persistent again: $($V net-info nat0 2>&1)"
uuid=$($V net-uuid nat0)
quiet kvnet set nat0 bridge=br7
expect "the bridge after its change" br7 "$($V net-info nat0 | sed -n 's/^Bridge: *//p')"
expect "the UUID after the change" "$uuid" "$($V net-uuid nat0)"
quiet kvnet set nat0 bridge=nat0
pass "stops, restarts and changes converge"

# A stranger's network of that name.
quiet kvnet create net1
printf "<network><name>net1</name><bridge name='virbr9'/></network>" >"$WORK/net1.xml"
quiet $V net-define "$WORK/net1.xml"
before=$(kvnet export net1)
if kvnet register net1 2>"$WORK/register.err"; then fail "a stranger's network was taken"; fi
expect_like "the refusal" "kvnet: network 'net1': libvirt has a network 'net1' that is not kvnet's*" "$(cat "$WORK/register.err")"
expect "lines of the refusal" 1 "$(wc -l <"$WORK/register.err")"
expect "the definition after it" "$before" "$(kvnet export net1)"
expect_like "the stranger's after it" "*virbr9*" "$($V net-dumpxml net1 | tr '\n' ' ')"
quiet $V net-undefine net1
if kvnet create net2 --start on-demand --set register=true 2>"$WORK/register.err"; then fail "on-demand was registered"; fi
expect_like "the refusal" "*register*on-demand*" "$(cat "$WORK/register.err")"
# A user's copy of one of ours is the user's.
$V net-dumpxml nat0 | sed 's|<name>nat0|<name>net1|; /<uuid>/d' >"$WORK/copy.xml"
quiet $V net-define "$WORK/copy.xml"
if kvnet register net1 2>"$WORK/register.err"; then fail "a user's copy was taken"; fi
expect_like "the refusal" "*that is not kvnet's*" "$(cat "$WORK/register.err")"
quiet kvnet unregister net1
quiet $V net-undefine net1
# What a command that was killed has left in libvirt goes with the next one.
quiet "$B/kvnet-virt" register net1
is_network net1 active || fail "net1 is not registered"
quiet kvnet apply net1
if $V net-info net1 >/dev/null 2>&1; then fail "'apply' has left net1 in libvirt"; fi
quiet "$B/kvnet-virt" register net1
quiet kvnet delete net1
if $V net-info net1 >/dev/null 2>&1; then fail "'delete' has left net1 in libvirt"; fi
quiet kvnet create net1
quiet kvnet register net1
is_network net1 active || fail "net1 is not registered"
quiet kvnet unregister net1
if $V net-info net1 >/dev/null 2>&1; then fail "net1 is still registered"; fi
quiet kvnet delete net1
pass "strangers' networks, unregister"

# libvirtd absent, and one that hangs: one line, and nothing half done.
libvirtd_stop TERM
if kvnet create net3 --set register=true 2>"$WORK/absent.err"; then fail "registered without libvirtd"; fi
expect_like "without libvirtd" "kvnet: network 'net3': libvirt: Failed to connect socket*" "$(cat "$WORK/absent.err")"
expect "lines" 1 "$(wc -l <"$WORK/absent.err")"
[ ! -e "$KVNET_CONFIG_DIR/networks/net3.yaml" ] || fail "net3 was made all the same"
[ ! -e /sys/class/net/net3 ] || fail "net3 is up all the same"
if kvnet delete nat0 2>"$WORK/absent.err"; then fail "deleted without libvirtd"; fi
expect_like "without libvirtd" "*--force*libvirt: Failed to connect*" "$(cat "$WORK/absent.err")"
expect "lines" 1 "$(wc -l <"$WORK/absent.err")"
libvirtd_start
kill -STOP "$(cat "$WORK/libvirtd.pid")"
if kvnet vm list 2>"$WORK/hangs.err"; then fail "a libvirtd that hangs has answered"; fi
kill -CONT "$(cat "$WORK/libvirtd.pid")"
expect "with a libvirtd that hangs" "kvnet: libvirt: no answer in time: does libvirtd hang?" "$(cat "$WORK/hangs.err")"

# The end.
quiet kvnet delete nat0
if $V net-info nat0 >/dev/null 2>&1; then fail "libvirt still knows nat0"; fi
expect "networks" "" "$(kvnet list)"
libvirtd_stop TERM
pass "delete unregisters; without libvirtd, and with one that hangs, one line"
