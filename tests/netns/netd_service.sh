#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_service.sh - netd as a service: what comes up at boot, what a restart leaves alone, and its protocol on the wire.
#
#   router: a0, b0 (broken), c0 (its port 53 is taken), d0 (manual), e0 (on demand), nat0 10.9.0.1/24 ---- g
# shellcheck disable=SC2034 # lib.sh reads it
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_netd.sh
. "$(dirname "$0")/lib_netd.sh"

topology
note "boot: what is to come up does, in order; what cannot says why and stops nothing else"
kvnet create a0 --subnet 10.1.0.1/24 --no-start >/dev/null
kvnet create b0 --subnet 10.2.0.1/24 --no-start >/dev/null
echo 'mtu: many' >>"$T/etc/networks/b0.yaml"
kvnet create c0 --subnet 10.3.0.1/24 --no-start >/dev/null
ip -n "kvt-$$-router" link add c0 type bridge # somebody else's
kvnet create d0 --subnet 10.4.0.1/24 --start manual --no-start >/dev/null
kvnet create e0 --subnet 10.5.0.1/24 --start on-demand --no-start >/dev/null
kvnet create nat0 --subnet 10.9.0.1/24 --no-start >/dev/null
start_netd
equal "states" "a0 active b0 degraded c0 degraded d0 inactive e0 inactive nat0 active" \
	"$(kvnet list --json | jq -r '[.[] | "\(.name) \(.state)"] | join(" ")')"
{ kvnet show b0 --json || true; } >"$T/b0"
grep -q 'b0.yaml.*mtu' "$T/b0" || fail "the reason of b0: $(cat "$T/b0")"
equal "the reason of c0" 1 "$(kvnet show c0 --json | jq -r '.problems[]' | grep -c "bridge 'c0'.*not kvnet's")"
equal "lines about them" 2 "$(grep -c "network 'b0'\|network 'c0'" "$T/netd.log")"
ip -n "kvt-$$-router" link del c0
kvnet start c0
equal "state of c0" active "$(kvnet show c0 --json | jq -r .state)"

note "a restart: nothing that root has stopped comes up, dnsmasq and guests do not notice"
guest g nat0 10.9.0.10/24 10.9.0.1
kvnet stop a0
pid=$(cat "$T/run/networks/nat0/dnsmasq.pid")
before=$(snapshot_host)
stop_netd TERM
[ ! -e "$KVNET_SOCKET" ] || fail "the socket is still there"
ip -n "kvt-$$-router" addr del 10.9.0.1/24 dev nat0
start_netd
equal "state of a0" inactive "$(kvnet show a0 --json | jq -r .state)"
equal "pid of dnsmasq" "$pid" "$(cat "$T/run/networks/nat0/dnsmasq.pid")"
wait_for "what went while netd was away" kvnet plan nat0 --check
host_is "after the restart" "$before"

note "on demand: the network goes when its last guest was killed"
mkfifo "$T/fifo"
# shellcheck disable=SC2016 # expanded by the inner shell
ip netns exec "kvt-$$-router" "$KVNET_BUILD/kvnet" run e0 -- sh -c 'exec cat "$0" {ifname}' "$T/fifo" &
holder=$!
disown $!
is_state() { [ "$(kvnet show "$1" --json | jq -r .state)" = "$2" ]; }
wait_for "e0" is_state e0 active
kill -KILL "$holder"
wait_for "the end of e0" is_state e0 inactive
kvnet start e0
is_state e0 active || fail "one that is started by hand does not wait for guests"

note "a persistent tap of the user's, plugged by the hook: killed QEMU is forgotten, and the tap let loose"
ip -n "kvt-$$-router" tuntap add dev nat0-p mode tap vnet_hdr
export KVNET_NETWORK=nat0
hold nat0-p "$KVNET_BUILD/qemu-ifup" "$KVNET_BUILD/qemu-ifdown"
unset KVNET_NETWORK
held nat0-p
equal "its master" nat0 "$(master_of nat0-p)"
kill -KILL "${HOLDER[nat0-p]}"
is_loose() { [ -z "$(master_of nat0-p)" ] && [ "$(kvnet ports nat0 --json | jq 'map(select(.ifname == "nat0-p")) | length')" -eq 0 ]; }
wait_for "it to be let loose" is_loose
ip -n "kvt-$$-router" link del nat0-p

note "the protocol: varlink"
call() { printf '%s\0' "$@" | in_ns router socat -t 5 - "UNIX-CONNECT:$KVNET_SOCKET" | tr '\0' '\n'; }
equal "GetInfo" "netd org.varlink.service io.kvnet.Network" "$(call '{"method":"org.varlink.service.GetInfo"}' |
	jq -r '.parameters | "\(.product) \(.interfaces | join(" "))"')"
call '{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.kvnet.Network"}}' |
	jq -r .parameters.description >"$T/description"
grep -q '^method OpenPort(network: string, ' "$T/description" || fail "$(cat "$T/description")"
grep -q '^error Failed (' "$T/description" || fail "$(cat "$T/description")"
error() { call "$1" | jq -r .error; }
equal "no such interface" org.varlink.service.InterfaceNotFound \
	"$(error '{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"a.b"}}')"
equal "no such method" org.varlink.service.MethodNotFound "$(error '{"method":"io.kvnet.Network.Fly"}')"
equal "no such network" io.kvnet.Network.Failed "$(error '{"method":"io.kvnet.Network.Get","parameters":{"name":"no"}}')"
for parameters in '{}' '{"name":1}' '{"name":"nat0","more":1}' '[]'; do
	equal "$parameters" org.varlink.service.InvalidParameter \
		"$(error "{\"method\":\"io.kvnet.Network.Get\",\"parameters\":$parameters}")"
done
equal "Monitor without more" org.varlink.service.ExpectedMore "$(error '{"method":"io.kvnet.Network.Monitor"}')"
equal "several in one go, answered in order" "4 nat0 netd" "$(call '{"method":"io.kvnet.Network.List"}' \
	'{"method":"io.kvnet.Network.Start","parameters":{"name":"d0"},"oneway":true}' \
	'{"method":"io.kvnet.Network.Get","parameters":{"name":"nat0"}}' '{"method":"org.varlink.service.GetInfo"}' |
	jq -rs '"\(.[0].parameters.networks | map(select(.state != "inactive")) | length) \(.[1].parameters.network.name) \(.[2].parameters.product)"')"

note "who does not read his answers is heard no further, and all that he has asked is answered when he does"
# many N CALL: CALL N times.
many() { for ((i = 0; i < $1; i++)); do printf '%s\0' "$2"; done; }
describe='{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.kvnet.Network"}}'
open='{"method":"io.kvnet.Network.OpenPort","parameters":{"network":"nat0"}}'
n_ports() { kvnet ports nat0 --json | jq length; }
has_ports() { [ "$(n_ports)" -eq "$1" ]; }
before=$(n_ports)
mkfifo "$T/calls"
in_ns router socat -u - "UNIX-CONNECT:$KVNET_SOCKET" <"$T/calls" &
exec 8>"$T/calls"
many 400 "$describe" >&8
many 10 "$open" >&8
ticks() { awk '{ print $14 + $15 }' "/proc/$NETD/stat"; }
is_idle() { local n; n=$(ticks) && sleep 0.2 && [ "$n" -eq "$(ticks)" ]; }
wait_for "netd to rest" is_idle
equal "ports" "$before" "$(n_ports)"
exec 8>&-
equal "answers" "400 10" "$({ many 400 "$describe" && many 10 "$open"; } | in_ns router socat -t 5 - "UNIX-CONNECT:$KVNET_SOCKET" |
	tr '\0' '\n' | jq -rs '[map(select(.parameters.description)), map(select(.parameters.port))] | map(length) | join(" ")')"
wait_for "the end of the ports" has_ports "$before"

note "without descriptors for those who connect it does not spin, and goes on when it has some"
limit=$(prlimit --pid "$NETD" --nofile --noheadings --output SOFT | tr -d ' ')
prlimit --pid "$NETD" --nofile="$(find "/proc/$NETD/fd" -mindepth 1 -printf x | wc -c):"
in_ns router socat -u "UNIX-CONNECT:$KVNET_SOCKET" - &
waiting=$!
was=$(ticks)
sleep 1 # what it does in a second is what is measured
[ $(($(ticks) - was)) -lt 20 ] || fail "netd ran for $(($(ticks) - was)) ticks of a second"
prlimit --pid "$NETD" --nofile="$limit:"
equal "netd" netd "$(call '{"method":"org.varlink.service.GetInfo"}' | jq -r .parameters.product)"
kill "$waiting"
wait "$waiting" || true

note "what is no message ends the connection, and nothing else"
for junk in 'not json' '[1]' '{"method":' ''; do
	equal "an answer to '$junk'" "" "$(call "$junk")"
done
head -c 100000 /dev/urandom | in_ns router socat -t 5 -u - "UNIX-CONNECT:$KVNET_SOCKET" 2>/dev/null || true
equal "netd" netd "$(call '{"method":"org.varlink.service.GetInfo"}' | jq -r .parameters.product)"

note "with nothing to do it sleeps"
sleeps() { awk '/ctxt_switches/ { n += $2 } END { print n }' /proc/"$NETD"/task/*/status; }
is_asleep() { local n; n=$(sleeps) && sleep 1 && [ "$n" -eq "$(sleeps)" ]; }
wait_for "a second in which it does not wake" is_asleep
stop_netd TERM
kvnet delete a0 b0 c0 d0 e0 nat0 --force
