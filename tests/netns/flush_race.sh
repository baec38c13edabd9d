#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# flush_race.sh - somebody flushes the rules while a command is at work, at any moment of it: the tables are then gone, or hold
# every network, never the command's alone.
#
#   router: nat0 10.9.0.1/24, x0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
kvnet create nat0 --subnet 10.9.0.1/24 >/dev/null
kvnet create x0 --model isolated --subnet none >/dev/null

# ROUNDS times: stop or start x0 and flush at once, the flush each time a little later; prints what the tables lack.
# shellcheck disable=SC2016 # expanded by the inner shell
in_ns router env K="$KVNET_BUILD/kvnet" bash -ec '
	flushed=0 rebuilt=0
	for ((i = 0; i < 300; i++)); do
		verb=$([ $((i % 2)) = 0 ] && echo stop || echo start)
		{ for ((j = 0; j < i % 100 * 40; j++)); do :; done; nft flush ruleset; } &
		"$K" "$verb" x0
		wait $!
		if nft list table inet kvnet >/dev/null 2>&1; then
			rebuilt=$((rebuilt + 1))
			nft get element inet kvnet nat "{ nat0 }" >/dev/null 2>&1 || echo "round $i, $verb: nat0 is left out"
		else
			flushed=$((flushed + 1))
		fi
		"$K" apply nat0 >/dev/null
	done
	echo "$flushed times the flush came last, $rebuilt times first" >&2' >"$T/lack" 2>"$T/count"
note "$(cat "$T/count")"
equal "what is missing" "" "$(cat "$T/lack")"
kvnet plan nat0 --check
kvnet delete nat0 x0
