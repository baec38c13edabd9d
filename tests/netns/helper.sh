#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# helper.sh - kvnet-helper, as QEMU runs it: a descriptor over its socket, and what becomes of it.
#
#   outside ---- router: nat0 10.9.0.1/24 ==tap==> a guest that was passed its descriptor ==> eth0
#                        lan0 on bridge br7, 10.9.7.1/24; od0 10.9.8.1/24, on-demand
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
HELPER=$KVNET_BUILD/kvnet-helper
before=$(snapshot_host)
kvnet create nat0 --subnet 10.9.0.1/24 >/dev/null
kvnet stop nat0 # the helper starts it, and what it starts must not keep the tap

# ask NAME [OPTIONS] -h HELPER [BRIDGE]: a guest of namespace NAME asks a helper; what comes of it is in $T/NAME.asked.
declare -A ASKING=()
ask() {
	local name=$1 options=()

	shift
	while [ "$1" != -h ]; do
		options+=("$1")
		shift
	done
	: >"$T/$name.asked"
	: >"$T/$name.err"
	# shellcheck disable=SC2086 # no word when empty
	ip netns exec "kvt-$$-router" env ${NETWORK:+KVNET_NETWORK=$NETWORK} "$TAPWIRE" "${options[@]}" "kvt-$$-$name" "$@" \
		>"$T/$name.asked" 2>"$T/$name.err" &
	ASKING[$name]=$!
	disown $!
}

# guest_of NAME ...: as ask, and it gets a tap.
guest_of() {
	[ -e "/run/netns/kvt-$$-$1" ] || make_ns "$1"
	ask "$@"
	wait_for "the wire of $1 ($(cat "$T/$1.err"))" grep -q '^wired ' "$T/$1.asked"
	HOST_END[$1]=$(cut -d ' ' -f 2 "$T/$1.asked")
}

has_no_eth0() { ! ip -n "kvt-$$-$1" link show dev eth0; }

# gone NAME: SIGKILL to the guest, and its tap is no more.
gone() {
	kill -KILL "${ASKING[$1]}"
	wait_for "the end of eth0 of $1" has_no_eth0 "$1"
	wait_for "the end of ${HOST_END[$1]}" has_no_link "${HOST_END[$1]}"
	unset "HOST_END[$1]" "ASKING[$1]"
}

# not_helped STATUS PATTERN ...: as ask; the helper ends so, after one line that matches, and QEMU with it.
not_helped() {
	local want=$1 pattern=$2

	shift 2
	ask refused "$@"
	wait_for "the end of the helper ($(cat "$T/refused.err"))" grep -q '^helper ' "$T/refused.asked"
	equal "'$*' ($(cat "$T/refused.err"))" "helper $want" "$(cat "$T/refused.asked")"
	equal "lines of '$*'" 1 "$(wc -l <"$T/refused.err")"
	grep -qE -e "^kvnet-helper: .*$pattern" "$T/refused.err" || fail "'$*': $(cat "$T/refused.err") does not match /$pattern/"
}

port() { kvnet ports --json | jq -r ".[] | select(.ifname == \"${HOST_END[$1]}\") | [$2] | map(tostring) | join(\" \")"; }

note "-netdev bridge,br=nat0,helper=kvnet-helper: a tap on the network, QEMU's in the listing"
guest_of one -h "$HELPER" nat0
equal "wire" "wired ${HOST_END[one]} 1 1" "$(cat "$T/one.asked")"
ip -n "kvt-$$-one" link set eth0 address 52:54:00:11:22:33 # QEMU's choice, which the helper is not told
equal "bridge" nat0 "$(master_of "${HOST_END[one]}")"
equal "port" "nat0 root ${ASKING[one]}" "$(port one .network,.owner,.pid)"

note "it gets a lease, and reaches the world behind the host's address"
udhcpc one 10 || fail "no lease"
addr one eth0 "$(leased one ip)/24"
route one default via 10.9.0.1
SEEN=192.0.2.2 reaches one outside 198.51.100.1
talks one 198.51.100.1 192.0.2.2
equal "what is known of the guest" "52:54:00:11:22:33 $(leased one ip)" "$(port one .mac,.ipv4)"
talks router "$(leased one ip)"

note "-netdev tap,helper='kvnet-helper --net nat0': --net is stronger than the br0 that QEMU adds; a shell between is no holder"
guest_of two -h "$HELPER --net nat0" br0
equal "port" "nat0 ${ASKING[two]}" "$(port two .network,.pid)"
addr two eth0 10.9.0.40/24
talks two "$(leased one ip)"
printf '#!/bin/sh\n%s --net=nat0 "$@"\nexit $?\n' "$HELPER" >"$T/wrapper"
chmod +x "$T/wrapper"
guest_of three -h "$T/wrapper" br0
equal "port by a script" "nat0 ${ASKING[three]}" "$(port three .network,.pid)"

note "without --use-vnet no vnet_hdr, and frames all the same"
guest_of bare -n -h "$HELPER" nat0
equal "wire" "wired ${HOST_END[bare]} 0 1" "$(cat "$T/bare.asked")"
addr bare eth0 10.9.0.50/24
talks bare 10.9.0.40

note "a guest's end takes its tap, and the next command the record; the others stay"
gone two
gone three
kvnet apply nat0 >/dev/null
equal "ports" "$(printf '%s\n' "${HOST_END[one]}" "${HOST_END[bare]}" | sort)" "$(kvnet ports --json | jq -r '.[].ifname' | sort)"
equal "records" "$(printf '%s\n' "${HOST_END[one]}" "${HOST_END[bare]}" | sort)" "$(ls "$T/run/networks/nat0/ports")"
talks one 10.9.0.50

note "which network: --net, --br as a network or a bridge, KVNET_NETWORK, the only one"
lands() {
	local want=$1

	shift
	guest_of place "$@"
	equal "network of '$*'" "$want" "$(port place .network)"
	gone place
}
lands nat0 -h "$HELPER"
kvnet create lan0 --subnet 10.9.7.1/24 --bridge br7 >/dev/null
lands lan0 -h "$HELPER" lan0
lands lan0 -h "$HELPER" br7
lands lan0 -h "$HELPER --br=br7"
lands lan0 -h "$HELPER --net br7" nat0
NETWORK=lan0 lands lan0 -h "$HELPER"
NETWORK=nat0 lands lan0 -h "$HELPER" br7
gone one
gone bare

note "on-demand: up with the guest; down after it when somebody looks"
kvnet create od0 --subnet 10.9.8.1/24 --start on-demand --no-start >/dev/null
kvnet start od0 # for the leases' file, which stays
kvnet stop od0
state() { kvnet show od0 --json | jq -r .state; }
idle=$(rested_host)
guest_of late -h "$HELPER" od0
addr late eth0 10.9.8.9/24
route late default via 10.9.8.1
talks late 198.51.100.1 192.0.2.2
gone late
kvnet apply od0 >/dev/null
equal "state after it" inactive "$(state)"

note "what is refused: one line, no tap, and nothing is left"
host_is "before" "$idle"
not_helped 1 "lan0.*nat0.*od0" -h "$HELPER"
not_helped 1 "br0.*br=NAME.*--net NAME" -h "$HELPER" br0
not_helped 1 "absent" -h "$HELPER" absent
not_helped 1 "absent" -h "$HELPER --net absent" nat0
NETWORK=absent not_helped 1 "absent" -h "$HELPER"
not_helped 1 "name" -h "$HELPER" a-name-of-17-byte
not_helped 1 "name" -h "$HELPER" ""
not_helped 1 "name" -h "$HELPER --net ../etc" nat0
not_helped 1 "--fd=[0-9]+: Broken pipe" -c -h "$HELPER" od0 # QEMU is gone before it reads
not_helped 2 "usage" -h "$HELPER --frobnicate" nat0
refuses 1 "--fd=77: not a socket" in_ns router "$HELPER" --br=od0 --fd=77
refuses 1 "--fd=0: not a socket" in_ns router "$HELPER" --br=od0 --fd=0 </dev/null
refuses 2 "usage" in_ns router "$HELPER" --br=od0
for fd in -1 x "" 99999999999999999999 4294967299; do
	refuses 2 "usage" in_ns router "$HELPER" --br=od0 "--fd=$fd"
done
cp "$HELPER" "$T/kvnet-helper"
chmod 0755 "$T"
not_helped 1 "root" -h "setpriv --reuid 65534 --regid 65534 --clear-groups $T/kvnet-helper" od0
host_is "after the refusals" "$idle"

note "nothing is left"
kvnet delete nat0 lan0 od0
host_is "after delete" "$before"
