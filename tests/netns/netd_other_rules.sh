#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_other_rules.sh - somebody puts another rule in the place of one of kvnet's, so that their number is right, or a network
# into a set more: the next command that looks at the network sees it, and netd at once.
#
#   outside ---- router: nat0 10.9.0.1/24 ---- a;  iso0 10.19.0.1/24 ---- b
# shellcheck disable=SC2034 # lib.sh reads it
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_netd.sh
. "$(dirname "$0")/lib_netd.sh"

topology
kvnet create nat0 --subnet 10.9.0.1/24 >/dev/null
kvnet create iso0 --model isolated --subnet 10.19.0.1/24 >/dev/null
guest a nat0 10.9.0.10/24 10.9.0.1
guest b iso0 10.19.0.10/24 10.19.0.1

# handle CHAIN WORDS: of the last rule of table inet kvnet's CHAIN with WORDS in it.
handle() { in_ns router nft -a list chain inet kvnet "$1" | grep -F "$2" | sed -n '$s/.*handle //p'; }

# Four ways to let the outside in to nat0.
hole() {
	case $1 in
	replace) in_ns router nft replace rule inet kvnet to_network handle "$(handle to_network "@nat reject")" accept ;;
	swap) in_ns router nft "delete rule inet kvnet to_network handle $(handle to_network "@nat reject");
		insert rule inet kvnet to_network accept" ;;
	element) in_ns router nft add element inet kvnet open '{ "nat0" }' ;;
	edit) {
		echo "flush ruleset"
		in_ns router nft list ruleset | sed 's/@nat reject.*/@nat accept/'
	} | in_ns router nft -f - ;;
	esac
}

apart() {
	try outside a 10.9.0.10
	try b outside 198.51.100.1
	none_arrived
	SEEN=192.0.2.2 reaches a outside 198.51.100.1
}

apart
for how in replace swap edit element; do
	note "without netd: $how"
	hole "$how"
	reaches outside a 10.9.0.10 # the control
	refuses_check() { ! kvnet plan "$1" --check >/dev/null; }
	refuses_check nat0 || fail "plan sees nothing"
	[ "$how" = element ] || refuses_check iso0 || fail "plan of another network sees nothing"
	equal "state" degraded "$(kvnet show nat0 --json | jq -r .state)"
	kvnet apply nat0 >/dev/null
	kvnet plan --all --check
	apart
done

note "without netd: a command that changes the other network"
hole replace
kvnet set iso0 mtu=1400
kvnet plan --all --check
apart

start_netd
follow all
repairs() { events all '.event == "network-repaired"' | sort | uniq -c | sort -rn | sed -n '1s/^ *\([0-9]*\) .*/\1/p'; }
n=0
for how in replace swap edit element; do
	note "with netd: $how"
	hole "$how"
	n=$((n + 1))
	wait_for "the repair" eval "[ \"\$(events all '.event == \"network-repaired\"' | wc -l)\" -ge $n ]"
	wait_for "rest" is_at_rest
	apart
done
[ "$(repairs)" -le 4 ] || fail "a network was told more than once a damage: $(cat "$T/netd.log")"
equal "lines of the log" "$(events all '.event == "network-repaired"' | wc -l)" "$(grep -c "repaired what was lost: firewall" "$T/netd.log")"
stop_netd TERM
kvnet delete nat0 iso0 --force
