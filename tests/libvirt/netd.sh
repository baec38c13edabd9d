#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd.sh - netd beside libvirtd: it registers, and takes libvirt's guests in as they come and go, with what the network asks of
# its ports; none of its processes loads libvirt.
# shellcheck disable=SC2086 # $V is a command and its options
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
MAC=52:54:00:11:22:33
export KVNET_SOCKET=$WORK/netd.sock

libvirtd_start
"$B/netd" 2>"$WORK/netd.log" &
netd=$!
wait_until "netd's boot" test -e "$KVNET_RUNTIME_DIR/booted"
quiet kvnet create nat0 --set register=true --mtu 1400
is_network nat0 active || fail "libvirt does not know nat0: $($V net-info nat0 2>&1)"
"$B/kvnet" events --json >"$WORK/events" 2>"$WORK/events.err" &
wait_until "the follower" grep -q poll "/proc/$!/wchan"

# told EVENT: of a port whose domain is on nat0.
told() { jq -e --arg event "$1" 'select(.event == $event and .network == "nat0")' "$WORK/events" >/dev/null; }
isolated() { [ "$(bridge -d -j link show dev "$1" | jq -r '.[0].isolated')" = "$2" ]; }

domain_define web "$(nic nat0 $MAC)"
domain_start web
wait_until "the news of web's port" told port-added
tap=$($V domiflist web | awk '{ print $1 }')
expect "the port" "$tap web libvirt $MAC" "$(kvnet ports nat0 --json | jq -r '.[] | "\(.ifname) \(.domain) \(.engine) \(.mac)"')"
expect "the alias of its tap" "kvnet:nat0" "$(cat "/sys/class/net/$tap/ifalias")"
expect "IPv6 of the host on it" 1 "$(cat "/proc/sys/net/ipv6/conf/$tap/disable_ipv6")"
guest_ready web
guest_expect web ok ping 198.51.100.1

# What acts on ports acts on this one; and on one that a stranger plugs in without isolation.
quiet kvnet set nat0 isolate_ports=true
isolated "$tap" true || fail "$tap is not isolated"
ip tuntap add stray0 mode tap
ip link set stray0 master nat0 up
wait_until "isolation of a stray tap" isolated stray0 true
ip link del stray0
if grep -q "repaired" "$WORK/netd.log"; then fail "taking ports in was told as a repair"; fi

# The bridge goes under a running guest of libvirt's: it and the guest's tap come back.
ip link del nat0
wait_until "the repair" told network-repaired
guest_expect web ok ping 198.51.100.1

quiet kvnet vm destroy web
wait_until "the news of its end" told port-removed
expect "ports" "[]" "$(kvnet ports nat0 --json | jq -c .)"

# No libvirt in netd, nor in kvnet, the hooks and the helper.
if grep -E "libvirt|libxml2" "/proc/$netd/maps"; then fail "netd has loaded libvirt"; fi
for program in kvnet netd qemu-ifup qemu-ifdown kvnet-helper; do
	if ldd "$B/$program" | grep -E "libvirt|libxml2"; then fail "$program links libvirt"; fi
done

# libvirtd's end is no concern of netd's; a change that libvirt is to know of then fails whole.
libvirtd_stop KILL
before=$(kvnet export nat0)
if kvnet set nat0 bridge=br7 2>"$WORK/set.err"; then fail "set without libvirtd"; fi
expect_like "the refusal" "kvnet: network 'nat0': libvirt: Failed to connect socket*" "$(cat "$WORK/set.err")"
expect "the definition after it" "$before" "$(kvnet export nat0)"
expect "the bridge after it" nat0 "$(kvnet show nat0 --json | jq -r .bridge)"
expect "state" active "$(kvnet show nat0 --json | jq -r .state)"
libvirtd_start
quiet kvnet delete nat0
if $V net-info nat0 >/dev/null 2>&1; then fail "libvirt still knows nat0"; fi
libvirtd_stop TERM
kill "$netd"
wait "$netd" || fail "netd: exit $?"
pass "netd beside libvirtd"
