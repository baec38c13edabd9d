#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# live_edit.sh - a network changes while a guest is plugged in, by "set", "edit", and by hand with "plan" and "apply".
#
#   outside ---- router: net0 10.9.0.1/24 ---- a 10.9.0.10
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
kvnet create net0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64 >/dev/null
guest a net0 10.9.0.10/24 10.9.0.1 fd09::10/64 fd09::1
guest b net0 10.9.0.11/24 10.9.0.1
link_mtu() { in_ns router cat "/sys/class/net/$1/mtu"; }

note "a network's MTU stays when its last port goes"
kvnet create big0 --model isolated --subnet 10.9.3.1/24 --mtu 9000 >/dev/null
equal "MTU" 9000 "$(link_mtu big0)"
for _ in 1 2; do
	tap=$(kvnet port add big0)
	equal "MTU of a port" 9000 "$(link_mtu "$tap")"
	kvnet port delete "$tap"
	equal "MTU without ports" 9000 "$(link_mtu big0)"
done
kvnet delete big0

FILE=$KVNET_CONFIG_DIR/networks/net0.yaml
ifindex_before=$(in_ns router cat /sys/class/net/net0/ifindex)

# After each change: nothing else is left to do, the guests are still plugged in, and the bridge is still the same link.
steady() {
	equal "master of the guest's link" net0 "$(master_of v-a)"
	equal "ports" "v-a v-b" "$(kvnet ports net0 --json | jq -r '[.[].ifname] | sort | join(" ")')"
	equal "ifindex of the bridge" "$ifindex_before" "$(in_ns router cat /sys/class/net/net0/ifindex)"
	kvnet plan net0 --check >/dev/null || fail "not at rest: $(kvnet plan net0)"
	equal "state" active "$(kvnet show net0 --json | jq -r .state)"
}

as_nat() {
	SEEN=192.0.2.2 reaches a outside 198.51.100.1
	try outside a 10.9.0.10
	none_arrived
}

as_routed() {
	SEEN=10.9.0.10 reaches a outside 198.51.100.1
	SEEN=192.0.2.1 reaches outside a 10.9.0.10
}

as_isolated() {
	try a outside 198.51.100.1
	try outside a 10.9.0.10
	none_arrived
	reaches a b 10.9.0.11
}

steady
as_nat

note "the model"
kvnet set net0 model=routed
steady
as_routed
kvnet set net0 model=isolated
steady
as_isolated
kvnet set net0 model=nat
steady
as_nat

note "the MTU"
kvnet set net0 mtu=1400
steady
equal "MTU of the bridge" 1400 "$(link_mtu net0)"
equal "MTU of the guest's link" 1400 "$(link_mtu v-a)"
kvnet set net0 mtu=1500
steady
equal "MTU of the bridge" 1500 "$(link_mtu net0)"

note "the DHCP range"
kvnet set net0 ipv4.dhcp=10.9.0.100-10.9.0.101
steady
udhcpc b 10 || fail "no lease"
matches "address" '^10\.9\.0\.10[01]$' "$(leased b ip)"

note "the subnet"
kvnet set net0 ipv4.address=10.19.0.1/24 ipv4.dhcp=auto ipv6.address=none
steady
equal "addresses of the bridge" 10.19.0.1/24 \
	"$(ip -n "kvt-$$-router" -j addr show dev net0 | jq -r '.[0].addr_info[] | select(.scope == "global") | "\(.local)/\(.prefixlen)"')"
udhcpc b 10 || fail "no lease"
matches "address" '^10\.19\.0\.[0-9]+$' "$(leased b ip)"
kvnet set net0 ipv4.address=10.9.0.1/24 ipv6.address=fd09::1/64
steady
as_nat

note "the bridge: the guests move to the other"
kvnet set net0 bridge=other0
equal "master of the guest's link" other0 "$(master_of v-a)"
has_no_link net0 || fail "the old bridge is still there"
kvnet plan net0 --check >/dev/null || fail "not at rest: $(kvnet plan net0)"
as_nat
kvnet set net0 bridge=net0
has_no_link other0 || fail "the old bridge is still there"
ifindex_before=$(in_ns router cat /sys/class/net/net0/ifindex)
steady
as_nat

note "several at once; a wrong one among them changes nothing"
kvnet set net0 model=routed mtu=1450 isolate_ports=true
steady
text=$(cat "$FILE")
before=$(snapshot_host)
refuses 1 "mtu" kvnet set net0 model=nat mtu=huge
refuses 1 "modle|unknown" kvnet set net0 modle=nat
refuses 1 "dhcp" kvnet set net0 ipv4.dhcp=10.8.0.1-10.8.0.9
equal "definition" "$text" "$(cat "$FILE")"
host_is "after refused changes" "$before"
try a b 10.9.0.11
none_arrived
kvnet set net0 isolate_ports=false model=nat mtu=1500
steady
reaches a b 10.9.0.11

note "edit: by an editor, refused when wrong, untouched when unchanged"
# shellcheck disable=SC2016 # expanded by the script
printf '#!/bin/sh\nsed -i "s/^model: .*/model: routed/" "$1"\n' >"$T/editor"
# shellcheck disable=SC2016 # expanded by the script
printf '#!/bin/sh\nsed -i "s/^model: .*/model: rooted/" "$1"\n' >"$T/editor.wrong"
printf '#!/bin/sh\n:\n' >"$T/editor.none"
printf '#!/bin/sh\nexit 7\n' >"$T/editor.fails"
chmod +x "$T"/editor*
grep -q '^model: ' "$FILE" || fail "no 'model:' line in $FILE"
in_ns router env EDITOR="$T/editor" "$KVNET_BUILD/kvnet" edit net0
steady
as_routed
text=$(cat "$FILE")
in_ns router env EDITOR="$T/editor.none" "$KVNET_BUILD/kvnet" edit net0
equal "definition" "$text" "$(cat "$FILE")"
refuses 1 "rooted.*what you wrote is in /tmp/kvnet-edit-" in_ns router env EDITOR="$T/editor.wrong" "$KVNET_BUILD/kvnet" edit net0 </dev/null
kept=$(grep -o '/tmp/kvnet-edit-[A-Za-z0-9]*\.yaml' "$T/refuses.err")
equal "what was written" "${text/model: routed/model: rooted}" "$(cat "$kept")"
rm "$kept"
refuses 1 "editor" in_ns router env EDITOR="$T/editor.fails" "$KVNET_BUILD/kvnet" edit net0 </dev/null
equal "definition" "$text" "$(cat "$FILE")"
steady

note "by hand: plan shows just that change, apply makes it"
sed -i 's/^model: .*/model: nat/' "$FILE"
before=$(snapshot_host)
plan=$(kvnet plan net0) || fail "plan is no failure"
host_is "plan" "$before"
[ -n "$plan" ] || fail "an empty plan"
! grep -qE "ip (link|addr|address|route) |sysctl|dnsmasq" <<<"$plan" || fail "the plan has more than the model: $plan"
grep -q "nft" <<<"$plan" || fail "no firewall in the plan: $plan"
status=0
kvnet plan net0 --check >/dev/null || status=$?
equal "exit of plan --check" 1 "$status"
kvnet plan net0 --json | jq -e 'length > 0 and all(.[]; (.op | type) == "string" and (.object | type) == "string" and
	(.command | type) == "string" and (.reversible | type) == "boolean")' >/dev/null || fail "$(kvnet plan net0 --json)"
kvnet apply net0
equal "second plan" "" "$(kvnet plan net0)"
equal "second plan as JSON" "[]" "$(kvnet plan net0 --json | jq -c .)"
steady
as_nat
sed -i 's/^mtu: .*//; $a mtu: 1300' "$FILE"
grep -q 1300 <<<"$(kvnet plan --all)" || fail "the plan does not name the MTU: $(kvnet plan --all)"
kvnet apply --all
steady
equal "MTU of the bridge" 1300 "$(link_mtu net0)"

[ -z "${KVT_NETD:-}" ] || exit 0 # it would have mended what comes now before anybody looks

note "what others did to it is mended: address, link, rules, sysctl"
ip -n "kvt-$$-router" addr del 10.9.0.1/24 dev net0
ip -n "kvt-$$-router" link set net0 down
in_ns router nft flush ruleset
in_ns router sysctl -qw net.ipv4.ip_forward=0
equal "state" degraded "$(kvnet show net0 --json | jq -r .state)"
kvnet apply net0
steady
as_nat

note "the bridge deleted under it: made anew"
ip -n "kvt-$$-router" link delete net0
kvnet apply net0
kvnet attach net0 v-a
kvnet attach net0 v-b
ifindex_before=$(in_ns router cat /sys/class/net/net0/ifindex)
steady
as_nat

note "apply --file, and a definition that is wrong is refused whole"
sed 's/^model: .*/model: routed/' "$FILE" >"$T/new.yaml"
kvnet plan --file "$T/new.yaml" >/dev/null
as_nat
kvnet apply --file "$T/new.yaml"
as_routed
before=$(snapshot_host)
echo "colour: red" >>"$FILE"
broken=$(snapshot_host)
refuses 1 "net0.yaml:[0-9]+:.*colour" kvnet apply net0
host_is "a wrong definition" "$broken"
sed -i '/^colour/d' "$FILE"
host_is "put right" "$before"
