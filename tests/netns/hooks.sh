#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hooks.sh - qemu-ifup and qemu-ifdown: which network they take, what they refuse, what they leave behind.
#
#   router: n1 10.9.1.1/24  n2 10.9.2.1/24  n3 10.9.3.1/24  n4 10.9.4.1/24, taps held as QEMU holds them
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
UP=$KVNET_BUILD/qemu-ifup
DOWN=$KVNET_BUILD/qemu-ifdown
mkdir "$T/hooks"
for name in n1 n2 n3 n4 gone; do
	for mark in - .; do
		ln -s "$UP" "$T/hooks/qemu-ifup$mark$name"
		ln -s "$DOWN" "$T/hooks/qemu-ifdown$mark$name"
	done
done
before=$(snapshot_host)

# lands NETWORK IFNAME UP DOWN: the tap comes onto that network, and leaves it.
lands() {
	hold "$2" "$3" "$4"
	held "$2"
	equal "bridge of $2 by ${3##*/}" "$1" "$(master_of "$2")"
	equal "network of $2" "$1" "$(kvnet ports --json | jq -r ".[] | select(.ifname == \"$2\").network")"
	release "$2"
	wait_for "the end of $2" has_no_link "$2"
	equal "ports left" "[]" "$(kvnet ports --json | jq -c .)"
}

# refused PATTERN IFNAME UP: the guest does not start, for one reason in one line.
refused() {
	hold "$2" "$3" "$DOWN"
	wait_for "the up script of $2" grep -q '^up ' "$T/$2.hold"
	equal "exit of ${3##*/}" "up 1" "$(cat "$T/$2.hold")"
	equal "lines on stderr: $(cat "$T/$2.hold.err")" 1 "$(wc -l <"$T/$2.hold.err")"
	grep -qE "$1" "$T/$2.hold.err" || fail "$(cat "$T/$2.hold.err") does not match /$1/"
	wait_for "the end of $2" has_no_link "$2"
}

note "no network at all"
refused "no network|none|create" tap0 "$UP"

note "the only one there is"
kvnet create n1 --subnet 10.9.1.1/24 >/dev/null
lands n1 tap0 "$UP" "$DOWN"

note "two: which one is not for the hook to guess"
kvnet create n2 --subnet 10.9.2.1/24 >/dev/null
refused "n1.*n2" tap0 "$UP"

note "the default network"
kvnet create n3 --subnet 10.9.3.1/24 >/dev/null
kvnet create n4 --subnet 10.9.4.1/24 >/dev/null
echo "default_network: n4" >"$KVNET_CONFIG_DIR/kvnet.yaml"
lands n4 tap0 "$UP" "$DOWN"

note "the tap's name, before the default"
lands n3 n3-web "$UP" "$DOWN"
lands n1 n1-0 "$UP" "$DOWN"
lands n4 n9-web "$UP" "$DOWN"

note "the name they were run under, before the tap's"
lands n2 tap0 "$T/hooks/qemu-ifup-n2" "$T/hooks/qemu-ifdown-n2"
lands n2 n3-web "$T/hooks/qemu-ifup-n2" "$T/hooks/qemu-ifdown-n2"
lands n2 n3-web "$T/hooks/qemu-ifup.n2" "$T/hooks/qemu-ifdown.n2"
lands n2 n3-web "$T/hooks/qemu-ifup.n2" "$DOWN"
refused "gone" n3-web "$T/hooks/qemu-ifup-gone"

note "KVNET_NETWORK, before all"
export KVNET_NETWORK=n1
lands n1 n3-web "$T/hooks/qemu-ifup-n2" "$T/hooks/qemu-ifdown-n2"
export KVNET_NETWORK=gone
refused "network 'gone': no such network; there are: n1, n2, n3, n4$" n3-web "$T/hooks/qemu-ifup-n2"
export KVNET_NETWORK='../etc'
refused "network|name" n3-web "$UP"
unset KVNET_NETWORK

note "a default that is not there"
echo "default_network: gone" >"$KVNET_CONFIG_DIR/kvnet.yaml"
refused "gone" tap0 "$UP"
rm "$KVNET_CONFIG_DIR/kvnet.yaml"

note "two queues; a tap that is gone at the end; an end without a beginning"
HOLD_FLAGS=-q lands n1 n1-mq "$UP" "$DOWN"
HOLD_FLAGS=-d hold n1-gone "$UP" "$DOWN"
held n1-gone
release n1-gone
for ifname in n1-gone never-there n2-x tap99; do
	in_ns router "$DOWN" $ifname || fail "qemu-ifdown $ifname failed"
done
equal "ports left" "[]" "$(kvnet ports --json | jq -c .)"

note "wrong arguments"
for hook in "$UP" "$DOWN"; do
	refuses 2 "usage|argument|IFNAME" in_ns router "$hook"
	refuses 2 "usage|argument|IFNAME" in_ns router "$hook" n1-a n1-b
	refuses 1 "name" in_ns router "$hook" ""
	refuses 1 "name" in_ns router "$hook" n1-abcdefghijklmn
	refuses 1 "name" in_ns router "$hook" n1-a/b
	refuses 1 "name" in_ns router "$hook" "n1-a b"
done
refuses 1 "n1-a.*(No such device|no such)" in_ns router "$UP" n1-a

note "a link that is not there to be taken: another's port"
hand_made_bridge hbr0
ip -n "kvt-$$-router" link add n1-v type veth peer name n1-p
ip -n "kvt-$$-router" link set n1-v master hbr0
refuses 1 "n1-v.*hbr0" in_ns router "$UP" n1-v
equal "master" hbr0 "$(master_of n1-v)"
ip -n "kvt-$$-router" link delete n1-v
ip -n "kvt-$$-router" link delete hbr0

note "a crash: nothing that kvnet has started holds the tap, and the port is collected"
kvnet stop n2
hold n2-crash "$UP" "$DOWN"
held n2-crash
equal "state of a network that was down" active "$(kvnet show n2 --json | jq -r .state)"
kill -KILL "${HOLDER[n2-crash]}"
wait_for "the end of the tap of a killed guest" has_no_link n2-crash
equal "ports" "[]" "$(kvnet ports n2 --json | jq -c .)"

note "nor a network's own bridge; and nothing is left of the attempt"
up=$(rested_host)
refuses 1 "n2" in_ns router env KVNET_NETWORK=n1 "$UP" n2
host_is "after the refusal" "$up"
equal "ports" "[]" "$(kvnet ports --json | jq -c .)"

note "nothing left"
kvnet delete n1 n2 n3 n4
host_is "after delete" "$before"
