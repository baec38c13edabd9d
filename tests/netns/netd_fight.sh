#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_fight.sh - somebody undoes each repair at once: netd says so, tries less and less often, and neither spins nor gives up.
#
#   router: nat0 10.9.0.1/24, whose bridge somebody sets down whenever it is up
# shellcheck disable=SC2034 # lib.sh reads it
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_netd.sh
. "$(dirname "$0")/lib_netd.sh"

topology
start_netd
kvnet create nat0 --subnet 10.9.0.1/24 >/dev/null
kvnet create nat1 --subnet 10.19.0.1/24 >/dev/null
follow all
# shellcheck disable=SC2016 # expanded by the inner shell
ip netns exec "kvt-$$-router" sh -c '
	ip monitor link dev nat0 | while read -r line; do
		case $line in *,UP*) ip link set nat0 down ;; esac
	done' >/dev/null 2>&1 &
disown $!
is_told() { events all '.event == "network-contested"' | grep -q nat0; }
wait_for "the monitor" in_ns router sh -c 'ps -e -o args | grep -q "^ip monitor link dev nat0"'
ip -n "kvt-$$-router" link set nat0 down
wait_for "the fight to be told" is_told
repairs() { events all '.event == "network-repaired" and .network == "nat0"' | wc -l; }

note "after that it rests: a second, then two, then four"
n=$(repairs)
KVT_WAIT=30 wait_for "three more tries" eval "[ \"\$(repairs)\" -ge $((n + 3)) ]"
equal "times that it was told" 1 "$(events all '.event == "network-contested"' | wc -l)"
equal "warnings in the log" 1 "$(grep -c "keeps undoing" "$T/netd.log")"
[ "$(repairs)" -le $((n + 5)) ] || fail "it spins: $n repairs, then $(repairs)"

note "the others are served meanwhile"
ip -n "kvt-$$-router" link set nat1 down
is_mended() { events all '.event == "network-repaired"' | grep -q nat1; }
wait_for "nat1" is_mended

note "the other one gives up: the next try is the last"
for pid in $(ip netns pids "kvt-$$-router"); do
	case $(tr '\0' ' ' <"/proc/$pid/cmdline" || true) in "ip monitor"*) kill "$pid" ;; esac
done
KVT_WAIT=30 wait_for "rest" is_at_rest
stop_netd TERM
kvnet delete nat0 nat1
