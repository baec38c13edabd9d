#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_nftables.sh - nftables.service beside netd: what its reload, restart and stop do to the rules is mended, and told once.
#
#   outside ---- router: nat0 10.9.0.1/24 fd09::1/64 ---- a;  iso0 10.19.0.1/24 ---- b
# shellcheck disable=SC2034 # lib.sh reads it
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_netd.sh
. "$(dirname "$0")/lib_netd.sh"

topology
start_netd
kvnet create nat0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64 >/dev/null
kvnet create iso0 --model isolated --subnet 10.19.0.1/24 >/dev/null
guest a nat0 10.9.0.10/24 10.9.0.1 fd09::10/64 fd09::1
guest b iso0 10.19.0.10/24 10.19.0.1
follow all

# Debian's /etc/nftables.conf, whose tables drop nothing.
cat >"$T/nftables.conf" <<'END'
flush ruleset

table inet filter {
	chain input {
		type filter hook input priority filter;
	}
	chain forward {
		type filter hook forward priority filter;
	}
	chain output {
		type filter hook output priority filter;
	}
}
END

# Repairs that were told since the last time, "NETWORK" each, once there is one of each network.
SEEN_REPAIRS=0
repairs() { events all '.event == "network-repaired"' | tail -n +$((SEEN_REPAIRS + 1)) | sort | sed 's/.* //'; }
has_both() { [ "$(repairs | uniq)" = "iso0
nat0" ]; }

# healed WHAT
healed() {
	wait_for "the repairs after: $1" has_both
	wait_for "rest after: $1" is_at_rest
	equal "tables of the file after: $1" "$2" "$(in_ns router nft list tables | grep -c filter || true)"
	SEEN=192.0.2.2 reaches a outside 198.51.100.1
	SEEN=2001:db8:0:2::2 reaches a outside 2001:db8:100::1
	try b outside 198.51.100.1
	try outside a 10.9.0.10
	try a b 10.19.0.10
	none_arrived
}

# once WHAT: each network is told once.
once() {
	equal "repairs told after: $1" "iso0
nat0" "$(repairs)"
	next
}
next() { SEEN_REPAIRS=$(events all '.event == "network-repaired"' | wc -l); }

note "reload"
in_ns router nft -f "$T/nftables.conf"
healed reload 1
once reload

note "restart: everything goes, then the file comes"
in_ns router nft flush ruleset
in_ns router nft -f "$T/nftables.conf"
healed restart 1
next # once or twice: as fast as it was

note "stop"
in_ns router nft flush ruleset
healed stop 0
once stop

equal "lines of the log" "$SEEN_REPAIRS" "$(grep -c "repaired what was lost" "$T/netd.log")"
equal "fights" "" "$(events all '.event == "network-contested"')"
stop_netd TERM
kvnet delete nat0 iso0 --force
