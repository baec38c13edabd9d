#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# list_json.sh - what list, show, ports, plan and leases print: tables, JSON of the documented shape, YAML that reads back.
#
#   router: nat0 10.9.0.1/24 with guest a, rt0 fd09::1/64, ex0 on hbr0, off0 inactive
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
hand_made_bridge hbr0
equal "an empty list" "[]" "$(kvnet list --json | jq -c .)"
equal "no ports" "[]" "$(kvnet ports --json | jq -c .)"
equal "no leases" "[]" "$(kvnet leases --json | jq -c .)"
kvnet create nat0 --subnet 10.9.0.1/24 >/dev/null
kvnet create rt0 --model routed --subnet none --subnet6 fd09::1/64 --start manual >/dev/null
kvnet create ex0 --model bridged --bridge hbr0 >/dev/null
kvnet create off0 --model isolated --no-start >/dev/null
plug a nat0
kvnet port add nat0 kept0 --owner nobody --mac 52:54:00:00:00:07 >/dev/null
udhcpc a 10 -x hostname:alpha || fail "no lease"

# shape FILTER WHAT: the JSON in $T/json fulfils FILTER.
shape() { jq -e "$1" "$T/json" >/dev/null || fail "$2: not $1: $(jq -c . "$T/json")"; }

note "list"
kvnet list --json >"$T/json"
shape 'type == "array" and length == 4' list
shape 'all(.[]; (keys | sort) == ["bridge", "ipv4", "ipv6", "model", "name", "ports", "start", "state"])' list
shape 'all(.[]; (.ipv4 | keys) == ["address"] and (.ipv6 | keys) == ["address"] and (.ports | type) == "number")' list
shape '[.[].name] | . == sort' "list in order"
shape '.[] | select(.name == "nat0") | . == {name: "nat0", model: "nat", state: "active", bridge: "nat0",
	ipv4: {address: "10.9.0.1/24"}, ipv6: {address: null}, ports: 2, start: "boot"}' "nat0 in list"
shape '.[] | select(.name == "rt0") | .ipv4.address == null and .ipv6.address == "fd09::1/64" and .start == "manual"' rt0
shape '.[] | select(.name == "ex0") | .bridge == "hbr0" and .model == "bridged" and .ipv4.address == null' ex0
shape '.[] | select(.name == "off0") | .state == "inactive" and .ports == 0' off0
kvnet list >"$T/list"
equal "lines without a terminal" 4 "$(wc -l <"$T/list")"
equal "nat0" $'nat0\tnat\tactive\tnat0\t10.9.0.1/24\t-\t2\tboot' "$(grep '^nat0' "$T/list")"
! grep -q $'\033' "$T/list" || fail "colour without a terminal"
in_ns router script -qec "$KVNET_BUILD/kvnet list" /dev/null | sed 's/\x1b\[[0-9;]*m//g; s/\r$//' >"$T/list"
equal "head of the table" "NAME MODEL STATE BRIDGE IPV4 IPV6 PORTS START" "$(head -n 1 "$T/list" | tr -s ' ' | sed 's/ $//')"
equal "lines of the table" 5 "$(wc -l <"$T/list")"
grep -qE '^nat0 +nat +active +nat0 +10\.9\.0\.1/24 +- +2 +boot *$' "$T/list" || fail "$(cat "$T/list")"

note "show"
kvnet show nat0 --json >"$T/json"
shape '.name == "nat0" and .model == "nat" and .bridge == "nat0" and .state == "active"' show
shape '[.. | strings | select(. == "auto")] == []' "show has no auto left"
shape '.ipv4.address == "10.9.0.1/24" and (.ipv4.dhcp | test("^10\\.9\\.0\\.2-10\\.9\\.0\\.254$"))' show
shape '.mac | test("^[0-9a-f]{2}(:[0-9a-f]{2}){5}$")' show
shape '.stp == false and .isolate_ports == false and .host_access == "all"' "types in show"
shape '.dns.enabled == true and .dns.domain == "nat0.internal" and (.dns.upstream | type) == "array"' show
shape '(.hosts | type) == "array" and (.allow | type) == "array" and has("uplink")' show
shape '.problems == [] and (.ports | length) == 2 and (.leases | length) == 1' show
equal "MAC of the bridge" "$(jq -r .mac "$T/json")" "$(mac_of router nat0)"
shape 'all(.ports[]; (keys | sort) == ["domain", "engine", "ifname", "ipv4", "ipv6", "mac", "network", "owner", "pid"])' ports
shape 'all(.leases[]; (keys | sort) == ["address", "expires", "hostname", "mac", "network"])' leases
shape '.leases[0] | .network == "nat0" and .hostname == "alpha" and (.expires | type) == "number"' leases
kvnet show off0 --json >"$T/json"
shape '.state == "inactive" and .ports == [] and .host_access == "services"' "show of the inactive"

note "ports"
kvnet ports --json >"$T/json"
shape 'length == 2 and all(.[]; .network == "nat0")' ports
shape '.[] | select(.ifname == "kept0") | .owner == "nobody" and .mac == "52:54:00:00:00:07" and .domain == null' ports
jq -e --arg mac "$(mac_of a eth0)" '.[] | select(.ifname == "v-a") | .mac == $mac' "$T/json" >/dev/null ||
	fail "MAC of the guest behind v-a: $(cat "$T/json")"
equal "ports of another network" "[]" "$(kvnet ports rt0 --json | jq -c .)"

[ -z "${KVT_NETD:-}" ] || exit 0 # it would have mended what comes now before anybody looks

note "what is not active is degraded when something is missing, and says what"
ip -n "kvt-$$-router" addr del 10.9.0.1/24 dev nat0
kvnet show nat0 --json >"$T/json"
shape '.state == "degraded" and (.problems | length > 0 and all(type == "string"))' degraded
kvnet list --json >"$T/json"
shape '.[] | select(.name == "nat0").state == "degraded"' "degraded in list"
kvnet plan nat0 --json >"$T/json"
shape 'length == 1 and (.[0] | keys | sort) == ["command", "object", "op", "reversible"]' plan
shape '.[0].command | test("^ip addr(ess)? add 10\\.9\\.0\\.1/24 .*dev nat0")' plan
kvnet apply nat0

note "show --yaml reads back as the same network"
for name in nat0 rt0 ex0 off0; do
	kvnet show $name --yaml >"$T/$name.yaml"
	kvnet show $name --json | jq -S 'del(.state, .ports, .leases, .problems)' >"$T/$name.json"
done
kvnet delete nat0 rt0 ex0 off0 --force
for name in nat0 rt0 ex0 off0; do
	kvnet create $name --file "$T/$name.yaml" >/dev/null
	kvnet show $name --json | jq -S 'del(.state, .ports, .leases, .problems)' >"$T/again.json"
	diff -u "$T/$name.json" "$T/again.json" || fail "$name is another network after create --file"
	equal "show --yaml of $name" "$(cat "$T/$name.yaml")" "$(kvnet show $name --yaml)"
	kvnet plan $name --check >/dev/null || fail "something is left to do: $(kvnet plan $name)"
done
kvnet delete nat0
kvnet create nat0 --file - <"$T/nat0.yaml" >/dev/null
equal "state" active "$(kvnet show nat0 --json | jq -r .state)"

note "--dry-run prints and changes nothing"
before=$(snapshot_host)
[ -n "$(kvnet create dry0 --dry-run)" ] || fail "nothing printed"
host_is "create --dry-run" "$before"

note "the plan's commands, typed by hand, make the same links"
make_ns typed
kvnet create dry0 --subnet 10.99.0.1/24 --mtu 9000 --dry-run | grep -E '^(ip|bridge) ' >"$T/commands"
in_ns typed sh -e "$T/commands"
kvnet create dry0 --subnet 10.99.0.1/24 --mtu 9000 >/dev/null
# made NAME: what the link is there, before and after its last port has gone.
made() {
	ip -n "kvt-$$-$1" link add p0 mtu 9000 type dummy
	ip -n "kvt-$$-$1" link set p0 master dry0
	ip -n "kvt-$$-$1" link delete p0
	ip -n "kvt-$$-$1" -d -j addr show dev dry0 | jq -c '.[] | [.address, .mtu, .ifalias, (.flags | index("UP") != null),
		.linkinfo.info_data.stp_state, .linkinfo.info_data.forward_delay, [.addr_info[] | select(.family == "inet") | .local]]'
}
equal "the bridge" "$(made router)" "$(made typed)"
kvnet delete dry0

note "help: one JSON value, of all verbs, of a group, of one, of the definition"
kvnet help --json >"$T/json"
shape '[.[].verb] | index("create") and index("port add") and index("vm list")' "help"
kvnet help port --json >"$T/json"
shape '[.[].verb] == ["port add", "port delete"]' "help port"
for words in "help port add" "port add --help"; do
	# shellcheck disable=SC2086 # words
	kvnet $words --json >"$T/json"
	shape '.verb == "port add" and (.options | map(.option) | index("--owner") and index("--json"))' "$words"
done
kvnet help definition --json >"$T/json"
shape 'map(.key) | index("ipv4.address")' "help definition"
equal "verbs of port" "port add port delete" "$(kvnet help port | sed -n 's/^  \([a-z]* [a-z]*\) .*/\1/p' | paste -sd ' ')"

note "no key is left open where the live network has a value: the MTU"
kvnet show nat0 --json >"$T/json"
shape '.mtu == 1500' "MTU in show"
