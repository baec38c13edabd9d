#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# abandoned.sh - persistent taps of users' own: one whose guest is gone and that nobody holds is let loose, no other is.
#
#   router: nat0 10.9.0.1/24, od0 10.9.8.1/24 on-demand; taps that a user has made, held as QEMU holds them
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
UP=$KVNET_BUILD/qemu-ifup
DOWN=$KVNET_BUILD/qemu-ifdown
before=$(snapshot_host)
kvnet create nat0 --subnet 10.9.0.1/24 >/dev/null
kvnet create od0 --subnet 10.9.8.1/24 --start on-demand --no-start >/dev/null

tap_of_user() { ip -n "kvt-$$-router" tuntap add dev "$1" mode tap vnet_hdr; }
ports() { kvnet ports --json | jq -r '[.[].ifname] | sort | join(" ")'; }

# Any command on the network collects; the kernel may tell a moment later that nobody holds a tap any more.
is_loose() { kvnet apply nat0 && [ -z "$(master_of "$1")" ]; }
stays() {
	kvnet apply nat0 >/dev/null
	equal "master of $1, $2" nat0 "$(master_of "$1")"
	matches "ports, $2" "(^| )$1( |\$)" "$(ports)"
}

# wait_for_no_carrier IFNAME: until the kernel says so in every way.
has_no_carrier() { [ "$(in_ns router cat "/sys/class/net/$1/operstate")" = down ]; }

note "a guest that was killed: its tap is the user's again"
tap_of_user nat0-own
as_made=$(in_ns router ip -j link show nat0-own | jq -c '.[0] | {address, mtu}')
hold nat0-own "$UP" "$DOWN"
held nat0-own
stays nat0-own "with its guest"
kill -KILL "${HOLDER[nat0-own]}"
wait_for "the guest's end to be seen" is_loose nat0-own
equal "ports" "" "$(ports)"
equal "the tap" "$as_made" "$(in_ns router ip -j link show nat0-own | jq -c '.[0] | {address, mtu}')"
equal "its alias" null "$(in_ns router ip -j link show nat0-own | jq -r '.[0].ifalias')"

note "and is taken again by the next guest"
hold nat0-own "$UP" "$DOWN"
held nat0-own
stays nat0-own "with the next guest"
release nat0-own
equal "ports" "" "$(ports)"

note "a wrapper that has run the hook and is gone, while the guest holds its tap"
# shellcheck disable=SC2016 # expanded by the script
printf '#!/bin/sh\n%s "$1"\nexit $?\n' "$UP" >"$T/wrapper"
chmod +x "$T/wrapper"
hold nat0-own "$T/wrapper"
held nat0-own
is_guests() { [ "$(kvnet ports --json | jq '.[0].pid')" = "${HOLDER[nat0-own]}" ]; }
wait_for "the wrapper's end" is_guests # until then the port is the wrapper's, who asked for it
stays nat0-own "with a guest whose wrapper is gone"
kvnet stop nat0 --force
stays nat0-own "that waited for its network"
ip -n "kvt-$$-router" link set dev nat0-own down
stays nat0-own "whose guest's tap somebody has set down"
kill -KILL "${HOLDER[nat0-own]}"
wait_for "the guest's end to be seen" is_loose nat0-own

note "a guest that was killed, and that its parent does not wait for"
: >"$T/nat0-own.hold"
# shellcheck disable=SC2016 # expanded by the inner shell
ip netns exec "kvt-$$-router" sh -c '"$@" >"$0" & exec sleep 1000' "$T/nat0-own.hold" "$TAPHOLDER" nat0-own "$UP" "$DOWN" &
parent=$!
disown "$parent"
held nat0-own
pid=$(kvnet ports --json | jq '.[0].pid')
kill -KILL "$pid"
wait_for "the guest's end to be seen" is_loose nat0-own
grep -q '^State:.Z' "/proc/$pid/status" || fail "somebody has waited for the guest"
kill -KILL "$parent"

note "one that nobody holds yet, while the process that asked for it lives"
mkfifo "$T/fifo"
# shellcheck disable=SC2016 # expanded by the inner shell
ip netns exec "kvt-$$-router" bash -c '"$0" nat0-own && echo up >"$1" && read -r _ <"$2"' "$UP" "$T/starter" "$T/fifo" &
starter=$!
disown "$starter"
wait_for "the hook" grep -q up "$T/starter"
wait_for "no carrier" has_no_carrier nat0-own
equal "pid" "$starter" "$(kvnet ports --json | jq '.[0].pid')"
stays nat0-own "before its guest"
echo >"$T/fifo"
wait_for "the starter's end to be seen" is_loose nat0-own

note "what 'port add' and 'attach' have put there stays, held or not, and so does a link of another kind"
kvnet port add nat0 nat0-add >/dev/null
hold nat0-add "$UP" # a guest by the hook, which is killed
held nat0-add
equal "pid" "${HOLDER[nat0-add]}" "$(kvnet ports --json | jq '.[0].pid')"
kill -KILL "${HOLDER[nat0-add]}"
wait_for "the guest's end" test ! -e "/proc/${HOLDER[nat0-add]}"
kvnet attach nat0 nat0-own
ip -n "kvt-$$-router" link add nat0-v type veth peer name v0 # its other end is down
# shellcheck disable=SC2016 # expanded by the inner shell
in_ns router bash -c '"$0" nat0-v; exit $?' "$UP"
for ifname in nat0-add nat0-own nat0-v; do
	wait_for "no carrier" eval "has_no_carrier $ifname || [ \"\$(in_ns router cat /sys/class/net/$ifname/operstate)\" = lowerlayerdown ]"
	stays "$ifname" "without a holder"
done
kvnet detach nat0-own
kvnet detach nat0-v
kvnet port delete nat0-add
ip -n "kvt-$$-router" link delete nat0-v

note "it keeps no network from being stopped or deleted"
hold nat0-own "$UP" "$DOWN"
held nat0-own
refuses 1 "nat0-own" kvnet stop nat0
kill -KILL "${HOLDER[nat0-own]}"
wait_for "a stop" kvnet stop nat0
equal "ports" "" "$(ports)"
kvnet create nat1 --subnet 10.9.1.1/24 >/dev/null
tap_of_user nat1-own
hold nat1-own "$UP" "$DOWN"
held nat1-own
refuses 1 "nat1-own" kvnet delete nat1
kill -KILL "${HOLDER[nat1-own]}"
wait_for "a deletion" kvnet delete nat1
ip -n "kvt-$$-router" link delete nat1-own

note "the last of an on-demand network, which goes down then"
tap_of_user od0-own
hold od0-own "$UP" "$DOWN"
held od0-own
equal "master" od0 "$(master_of od0-own)"
kill -KILL "${HOLDER[od0-own]}"
is_down() { kvnet apply od0 && [ "$(kvnet show od0 --json | jq -r .state)" = inactive ]; }
wait_for "the network's end" is_down
equal "records" "" "$(ls "$T/run/networks/od0/ports" 2>/dev/null || true)"

note "nothing is left"
kvnet delete nat0 od0
ip -n "kvt-$$-router" link delete nat0-own
ip -n "kvt-$$-router" link delete od0-own
host_is "after delete" "$before"
