# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# lib_netd.sh - a netd in the router.  Sourced after lib.sh, by a script that has set KVT_DIR_MODE=0755, so that users without
# privilege reach its socket.

export KVNET_SOCKET=$T/run/netd.sock
NETD=

# What it says goes to $T/netd.log, one run after the other.  NETD_UNDER: a command that becomes netd; NETD_WORDS: its options.
NETD_UNDER=() NETD_WORDS=()
start_netd() {
	ip netns exec "kvt-$$-router" "${NETD_UNDER[@]}" "$KVNET_BUILD/netd" "${NETD_WORDS[@]}" 2>>"$T/netd.log" &
	NETD=$!
	wait_for "netd" socat -u OPEN:/dev/null "UNIX-CONNECT:$KVNET_SOCKET"
	wait_for "netd's boot" test -e "$T/run/booted"
}

# stop_netd [SIGNAL]
stop_netd() {
	kill "-${1:-TERM}" "$NETD"
	wait "$NETD" || [ "${1:-TERM}" = KILL ] || fail "netd: exit $?: $(tail -n 20 "$T/netd.log")"
}

# follow NAME [WORDS...]: "kvnet events --json WORDS" in the background, into $T/NAME.events.
declare -A FOLLOWER=()
follow() {
	local name=$1

	shift
	ip netns exec "kvt-$$-router" "$KVNET_BUILD/kvnet" events --json "$@" >"$T/$name.events" 2>"$T/$name.events.err" &
	FOLLOWER[$name]=$!
	disown $!
	wait_for "the follower" grep -q poll "/proc/${FOLLOWER[$name]}/wchan"
}

# events NAME [FILTER]: "EVENT NETWORK" of each that passes jq's FILTER, one a line.
events() { jq -r "select(${2:-true}) | \"\(.event) \(.network)\"" "$T/$1.events"; }

# as_user USER COMMAND...: in the router, without any privilege.
as_user() {
	local user=$1

	shift
	in_ns router setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups --inh-caps=-all \
		--bounding-set=-all "$@"
}

is_at_rest() { kvnet plan --all --check; }
