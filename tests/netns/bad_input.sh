#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bad_input.sh - wrong commands, definitions and surroundings: one line that says why, the right exit status, nothing touched.
#
#   router with a network net0 10.9.0.1/24 and a bridge of the user's, hbr0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
hand_made_bridge hbr0 10.8.0.1/24
kvnet create net0 --subnet 10.9.0.1/24 >/dev/null
before=$(snapshot_host)

# bad STATUS PATTERN ARGS...: kvnet refuses, and the host is as before.
bad() {
	refuses "$1" "$2" kvnet "${@:3}"
	host_is "kvnet ${*:3}" "$before"
}

# definition NAME TEXT: what "create --file" is given.
definition() { printf '%s\n' "$2" >"$T/$1.yaml"; }

note "usage"
bad 2 "usage|verb|kvnet help" # no verb at all
bad 2 "crate.*|unknown" crate net1
bad 2 "colour|unknown|option" create net1 --colour red
bad 2 "NAME|argument|name" create
bad 2 "--subnet needs" create net1 --subnet
bad 2 "NAME|argument|name" delete
bad 2 "IFNAME|argument" attach net0
bad 2 "argument|KEY" set net0
bad 2 "KEY=VALUE|=" set net0 mtu
bad 2 "argument|unexpected|too many" list a b c d
bad 2 "crate|unknown" help crate
bad 1 "name" events "a b"
bad 2 "add|delete|unknown" port frob net0

note "names"
bad 1 "name" create abcdefghijklmnop
bad 1 "name" create a/b
bad 1 "name" create "a b"
bad 1 "name" create $'a\nb'
bad 1 "name" create ""
bad 1 "name" create ..
bad 1 "name" create ../../tmp/x
bad 1 "name" create .hidden
bad 1 "name" create "a:b"
bad 1 "name" create "a%d"
bad 1 "name" create $'\xff\xfe'
bad 1 "name" create -- -x
bad 1 "name" create net1 --bridge "br 0"
bad 1 "name" create net1 --bridge abcdefghijklmnop
bad 1 "net0.*(exists|already)" create net0
bad 1 "hbr0.*(exists|not kvnet)" create hbr0
bad 1 "hbr0.*(exists|not kvnet)" create net1 --bridge hbr0
bad 1 "lo.*(exists|not kvnet)|name" create lo
bad 1 "net0" create net1 --bridge net0

note "networks and links that are not there, or not to be had"
bad 1 "nowhere" delete nowhere
bad 1 "nowhere" start nowhere
bad 1 "nowhere" stop nowhere
bad 1 "nowhere" show nowhere
bad 1 "nowhere" set nowhere mtu=1400
bad 1 "nowhere" edit nowhere
bad 1 "nowhere" plan nowhere
bad 1 "nowhere" apply nowhere
bad 1 "nowhere" attach nowhere up0
bad 1 "nowhere" attach net0 nowhere
bad 1 "nowhere" port add nowhere
bad 1 "nowhere" port delete nowhere
bad 1 "nowhere" ports nowhere
bad 1 "nowhere" leases nowhere
bad 1 "up0" detach up0
bad 1 "port 'lo'.*no Ethernet link but the loopback" attach net0 lo
bad 1 "net0" attach net0 net0
bad 1 "hbr0|bridge" attach net0 hbr0
bad 1 "up0.*(exists)|exists.*up0" port add net0 up0
bad 1 "user|nobody-at-all" port add net0 tap1 --owner nobody-at-all
bad 1 "queues" port add net0 tap1 --queues 0
bad 1 "queues" port add net0 tap1 --queues 257
bad 1 "mac|MAC" port add net0 tap1 --mac 01:00:5e:00:00:01
bad 1 "name" port add net0 tap-with-a-long-name

note "values"
bad 1 "model" create net1 --model natted
bad 1 "subnet|address" create net1 --subnet 10.7.0.1
bad 1 "subnet|address" create net1 --subnet 10.7.0.1/33
bad 1 "subnet|address" create net1 --subnet 10.7.0/24
bad 1 "subnet|address" create net1 --subnet fd07::1/64
bad 1 "subnet|address" create net1 --subnet 224.0.0.1/24
bad 1 "subnet|address" create net1 --subnet 127.0.0.1/8
bad 1 "subnet|address" create net1 --subnet 0.0.0.0/0
bad 1 "subnet6|address" create net1 --subnet6 10.7.0.1/24
bad 1 "subnet6|address" create net1 --subnet6 fe80::1/64
bad 1 "dhcp" create net1 --subnet 10.7.0.1/24 --dhcp 10.7.1.2-10.7.1.9
bad 1 "dhcp" create net1 --subnet 10.7.0.1/24 --dhcp 10.7.0.1-10.7.0.9
bad 1 "dhcp" create net1 --subnet 10.7.0.1/24 --dhcp 10.7.0.9-10.7.0.2
bad 1 "dhcp" create net1 --subnet 10.7.0.1/24 --dhcp 10.7.0.250-10.7.0.255
bad 1 "dhcp" create net1 --subnet 10.7.0.1/24 --dhcp 10.7.0.2
bad 1 "dhcp" create net1 --subnet none --dhcp 10.7.0.2-10.7.0.9
bad 1 "10\.9\.0\.|net0" create net1 --subnet 10.9.0.1/25
bad 1 "mtu" create net1 --mtu 12
bad 1 "mtu" create net1 --mtu 70000
bad 1 "mtu" create net1 --mtu 1500x
bad 1 "start" create net1 --start never
bad 1 "domain" create net1 --domain "bad domain"
bad 1 "domain" create net1 --domain $'x\ndhcp-option=3,1.2.3.4'
bad 1 "nowhere0" create net1 --uplink nowhere0
bad 1 "nowhere0" create net1 --model bridged --uplink nowhere0
bad 1 "uplink|bridge" create net1 --model bridged
bad 1 "nowhere0|bridge" create net1 --model bridged --bridge nowhere0
bad 1 "up0.*bridge|bridge.*up0" create net1 --model bridged --bridge up0
bad 1 "hbr0" create net1 --model bridged --uplink hbr0
bad 1 "lo" create net1 --model bridged --uplink lo
bad 1 "colour" create net1 --set colour=red
bad 1 "host_access" create net1 --set host_access=some
bad 1 "allow" create net1 --set 'allow=[root]'
bad 1 "hosts" create net1 --subnet 10.7.0.1/24 --set 'hosts=[{name: web, mac: 52:54:00:00:00:01, ipv4: 10.8.0.3}]'
bad 1 "hosts" create net1 --subnet 10.7.0.1/24 --set 'hosts=[{name: "a b", mac: 52:54:00:00:00:01}]'
bad 1 "hosts" create net1 --subnet 10.7.0.1/24 \
	--set 'hosts=[{mac: 52:54:00:00:00:01, ipv4: 10.7.0.3}, {mac: 52:54:00:00:00:02, ipv4: 10.7.0.3}]'
bad 1 "mtu" set net0 mtu=none
bad 1 "hbr0.*(exists|not kvnet)" set net0 bridge=hbr0
bad 1 "name" set net0 name=other

note "definitions: file, line and key"
definition unknown $'name: unknown\nmodel: nat\ncolour: red'
bad 1 "unknown\.yaml:3:.*colour" create unknown --file "$T/unknown.yaml"
definition nested $'name: nested\nipv4:\n  address: 10.7.0.1/24\n  dcp: auto'
bad 1 "nested\.yaml:4:.*ipv4\.dcp" create nested --file "$T/nested.yaml"
definition type $'name: type\nipv4: yes'
bad 1 "type\.yaml:2:.*ipv4" create type --file "$T/type.yaml"
definition list $'name: list\nhosts: {name: web}'
bad 1 "list\.yaml:2:.*hosts" create list --file "$T/list.yaml"
definition value $'name: value\nmtu: big'
bad 1 "value\.yaml:2:.*mtu" create value --file "$T/value.yaml"
definition twice $'name: twice\nmtu: 1400\nmtu: 1500'
bad 1 "twice\.yaml:3:.*mtu" create twice --file "$T/twice.yaml"
definition syntax $'name: syntax\n  mtu: [1400'
bad 1 "syntax\.yaml:[0-9]+" create syntax --file "$T/syntax.yaml"
definition other $'name: another'
bad 1 "another" create other --file "$T/other.yaml"
definition alias $'name: &a alias\ndns: {domain: *a}'
bad 1 "alias\.yaml:[0-9]+" create alias --file "$T/alias.yaml"
printf 'name: nul\nmtu: 1\0400\n' >"$T/nul.yaml"
bad 1 "nul\.yaml" create nul --file "$T/nul.yaml"
head -c 3000000 /dev/zero | tr '\0' '#' >"$T/huge.yaml"
bad 1 "huge\.yaml" create huge --file "$T/huge.yaml"
bad 1 "absent\.yaml.*No such file" create absent --file "$T/absent.yaml"
bad 1 "$T" create folder --file "$T"
definition new $'name: net9\nmodel: nat\ncolour: red'
bad 1 "new\.yaml:3:.*colour" plan --file "$T/new.yaml"
bad 1 "new\.yaml:3:.*colour" apply --file "$T/new.yaml"

note "the same as JSON: an error object on stdout, exit 1"
# bad_json CODE ARGS...
bad_json() {
	local status=0

	kvnet "${@:2}" --json >"$T/json" 2>"$T/json.err" || status=$?
	equal "exit of kvnet ${*:2} --json" 1 "$status"
	jq -e --arg code "$1" 'keys == ["error"] and .error.code == $code and (.error.message | type == "string" and
		(contains("\n") | not))' "$T/json" >/dev/null || fail "kvnet ${*:2} --json: $(cat "$T/json")"
	equal "stderr of kvnet ${*:2} --json" "" "$(cat "$T/json.err")"
	host_is "kvnet ${*:2} --json" "$before"
}
bad_json ENOENT show nowhere
bad_json ENOENT leases nowhere
bad_json EEXIST create net0
bad_json EINVAL create net1 --mtu 12
bad_json EINVAL plan --file "$T/new.yaml"

note "no privilege"
bad_user() {
	refuses 1 "$1" in_ns router setpriv --reuid 65534 --regid 65534 --clear-groups "${@:2}"
	host_is "${*:2} as nobody" "$before"
}
chmod 0755 "$T"
before=$(snapshot_host)
bad_user "ermission|ermitted|root" "$KVNET_BUILD/kvnet" create net1
bad_user "ermission|ermitted|root" "$KVNET_BUILD/kvnet" delete net0
bad_user "ermission|ermitted|root" "$KVNET_BUILD/kvnet" stop net0
bad_user "ermission|ermitted|root" "$KVNET_BUILD/kvnet" attach net0 up0
bad_user "ermission|ermitted|root" "$KVNET_BUILD/kvnet" port add net0 tap1
bad_user "ermission|ermitted|root" env KVNET_NETWORK=net0 "$KVNET_BUILD/qemu-ifup" up0
# Folders that are nobody's own, but no CAP_NET_ADMIN.
mkdir "$T/nobody"
chown 65534:65534 "$T/nobody"
refuses 1 "ermission|ermitted|root" in_ns router setpriv --reuid 65534 --regid 65534 --clear-groups \
	env KVNET_CONFIG_DIR="$T/nobody/etc" KVNET_RUNTIME_DIR="$T/nobody/run" KVNET_STATE_DIR="$T/nobody/lib" \
	"$KVNET_BUILD/kvnet" create net1
equal "definitions left" "" "$(find "$T/nobody" -name '*.yaml')"
host_is "create as nobody" "$before"

[ -z "${KVT_NETD:-}" ] || exit 0 # what is hidden from a command now is not from netd

note "surroundings: no tun driver, a full disk, folders that cannot be written or are files"
# bad_mounted PATTERN SCRIPT ARGS...: kvnet, in a mount namespace that SCRIPT has prepared.
bad_mounted() {
	refuses 1 "$1" in_ns router unshare -m sh -ec "$2"' && exec "$@"' sh "$KVNET_BUILD/kvnet" "${@:3}"
	host_is "kvnet ${*:3}" "$before"
}
mkdir "$T/empty"
bad_mounted "/dev/net/tun.*tun" "mount --bind $T/empty /dev/net" port add net0 tap1
# shellcheck disable=SC2016 # expanded by the inner shell
for folder in KVNET_RUNTIME_DIR KVNET_CONFIG_DIR; do
	bad_mounted "No space left" \
		'mkdir -p "$'$folder'"; mount -t tmpfs -o size=4k none "$'$folder'"
		cat /dev/zero >"$'$folder'/fill" 2>/dev/null || true' create full1 --subnet 10.7.0.1/24
done
# shellcheck disable=SC2016 # expanded by the inner shell
for folder in KVNET_RUNTIME_DIR KVNET_CONFIG_DIR KVNET_STATE_DIR; do
	bad_mounted "Read-only file system" 'mkdir -p "$'$folder'"; mount -t tmpfs -o ro none "$'$folder'"' \
		create readonly1 --subnet 10.7.0.1/24
done
for folder in KVNET_RUNTIME_DIR KVNET_CONFIG_DIR KVNET_STATE_DIR; do
	refuses 1 "Not a directory" in_ns router env $folder=/dev/null "$KVNET_BUILD/kvnet" create net1
	refuses 1 "." in_ns router env $folder=relative/path "$KVNET_BUILD/kvnet" create net1
	host_is "$folder" "$before"
done
[ ! -e relative ] || fail "a relative folder was made"

note "settings of the host"
for text in 'pool: ten' 'pool: 10.0.0.0/8 # wide is fine'$'\n''colour: red' 'default_network: a/b' 'upstream: [x]' '- list'; do
	echo "$text" >"$KVNET_CONFIG_DIR/kvnet.yaml"
	refuses 1 "kvnet\.yaml:[0-9]+" kvnet create net1
done
rm "$KVNET_CONFIG_DIR/kvnet.yaml"
host_is "wrong settings" "$before"

note "a broken definition is in the way of its own network only"
echo 'colour: red' >"$KVNET_CONFIG_DIR/networks/broken.yaml"
broken=$(snapshot_host)
refuses 1 "broken.yaml:1:.*colour" kvnet start broken
kvnet set net0 mtu=1400
kvnet set net0 mtu=1500
kvnet stop net0
kvnet start net0
kvnet list >/dev/null
equal "the host beside a broken one" "$(sed '/^== files/,$d' <<<"$broken")" "$(rested_host | sed '/^== files/,$d')"
kvnet delete broken
kvnet delete net0
