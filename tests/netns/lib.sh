# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# lib.sh - what the packet tests share: namespaces, the programs under test, the host's state, traffic.
#
#   outside eth0 ------------- up0 router (kvnet runs here) v-NAME ------------- eth0 guest NAME
#   192.0.2.1/24               192.0.2.2/24                  a port of a bridge
#   2001:db8:0:2::1/64         2001:db8:0:2::2/64
#   lo 198.51.100.1            default by outside
#   lo 2001:db8:100::1
#
# Each namespace is named kvt-PID-NAME and runs "probe watch" and "probe serve 7", which log to $T/NAME.watch and
# $T/NAME.serve.  The outside routes everything to the router, so that what does not come back was not let back.
# Set before sourcing: KVT_DIR_MODE, the mode of the folder that holds kvnet's files (default 0700); KVT_NETD, for a netd in
# the router that the commands ask.
set -eEuo pipefail
shopt -s inherit_errexit

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export KVNET_BUILD=${KVNET_BUILD:-$HERE/../../build}
KVNET_BUILD=$(cd "$KVNET_BUILD" && pwd)
[ "$(id -u)" -eq 0 ] || { echo "needs root"; exit 77; }

T=$(mktemp -d "${TMPDIR:-/tmp}/kvt-$$-XXXXXX")
chmod "${KVT_DIR_MODE:-0700}" "$T"
export KVNET_CONFIG_DIR=$T/etc KVNET_RUNTIME_DIR=$T/run KVNET_STATE_DIR=$T/lib KVNET_SOCKET=
export LC_ALL=C
unset KVNET_NETWORK
PROBE=$KVNET_BUILD/tests/probe
export TAPHOLDER=$KVNET_BUILD/tests/tapholder
export TAPWIRE=$KVNET_BUILD/tests/tapwire

# ---- ends ----

cleanup() {
	local status=$? path pids

	trap - EXIT ERR
	set +e
	for path in "/run/netns/kvt-$$-"*; do
		[ -e "$path" ] || continue
		pids=$(ip netns pids "${path##*/}")
		# shellcheck disable=SC2086 # one word a pid
		[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
		ip netns delete "${path##*/}"
	done
	wait 2>/dev/null
	rm -rf "$T"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'trap - ERR; echo "FAILED: $BASH_COMMAND" >&2; callers' ERR

note() { echo "- $*"; }

# Where the failing function was called from, innermost first.
callers() {
	local i

	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		echo "  at ${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]} ${FUNCNAME[i]}" >&2
	done
}

fail() {
	trap - ERR
	echo "FAILED: $*" >&2
	callers
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# ---- small assertions ----

# wait_for WHAT COMMAND...: until COMMAND succeeds, at most KVT_WAIT seconds (10).
wait_for() {
	local what=$1 deadline=$((SECONDS + ${KVT_WAIT:-10}))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -le "$deadline" ] || fail "waited in vain for $what"
		sleep 0.02
	done
}

equal() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; }

matches() { [[ "$3" =~ $2 ]] || fail "$1: '$3' does not match /$2/"; }

# refuses STATUS PATTERN COMMAND...: exit STATUS, nothing on stdout, exactly one line on stderr, which matches PATTERN.
refuses() {
	local want=$1 pattern=$2 status=0

	shift 2
	"$@" >"$T/refuses.out" 2>"$T/refuses.err" || status=$?
	[ "$status" -eq "$want" ] || fail "'$*': exit $status instead of $want: $(cat "$T/refuses.out" "$T/refuses.err")"
	[ "$(wc -l <"$T/refuses.err")" -eq 1 ] || fail "'$*': not one line on stderr: $(cat "$T/refuses.err")"
	[ ! -s "$T/refuses.out" ] || fail "'$*': failed, but wrote to stdout: $(cat "$T/refuses.out")"
	grep -qE -e "$pattern" "$T/refuses.err" || fail "'$*': $(cat "$T/refuses.err") does not match /$pattern/"
}

# ---- programs ----

# Compile what is not up to date; tests run side by side, so one at a time.
build_helpers() {
	local name

	mkdir -p "$KVNET_BUILD/tests"
	exec 9>"$KVNET_BUILD/tests/.lock"
	flock 9
	for name in probe tapholder tapwire calls; do
		[ "$KVNET_BUILD/tests/$name" -nt "$HERE/$name.c" ] ||
			"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -o "$KVNET_BUILD/tests/$name" "$HERE/$name.c"
	done
	exec 9>&-
}

# in_ns NAME COMMAND...
in_ns() {
	local name=$1

	shift
	ip netns exec "kvt-$$-$name" "$@"
}

kvnet() { in_ns router "$KVNET_BUILD/kvnet" "$@"; }

# ---- topology ----

# make_ns NAME: a namespace with its watchers, nothing in the way of its packets.  Guests have the addresses that a test
# gives them, no others.
make_ns() {
	ip netns add "kvt-$$-$1"
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_ns "$1" sh -ec '
		ip link set lo up
		for key in ipv4.ip_forward ipv4.conf.all.rp_filter ipv4.conf.default.rp_filter ipv6.conf.all.accept_dad \
			ipv6.conf.default.accept_dad ipv6.conf.default.router_solicitations ipv6.conf.all.forwarding; do
			echo 0 >"/proc/sys/net/$(echo "$key" | tr . /)"
		done'
	[ "$1" = router ] || in_ns "$1" sysctl -qw net.ipv6.conf.default.accept_ra=0
	: >"$T/$1.watch"
	: >"$T/$1.serve"
	ip netns exec "kvt-$$-$1" "$PROBE" watch "$T/$1.watch" &
	disown $!
	ip netns exec "kvt-$$-$1" "$PROBE" serve 7 "$T/$1.serve" &
	disown $!
	wait_for "probes of $1" grep -q ready "$T/$1.watch"
	wait_for "probes of $1" grep -q ready "$T/$1.serve"
}

# The link of the router that leads to each namespace.
declare -A HOST_END=()

# cable NAME LINK [down]: eth0 of namespace NAME to LINK of the router, which is up or as said.
cable() {
	ip link add name "$2" netns "kvt-$$-router" type veth peer name eth0 netns "kvt-$$-$1"
	ip -n "kvt-$$-$1" link set eth0 up
	[ "${3:-up}" != up ] || ip -n "kvt-$$-router" link set dev "$2" up
	HOST_END[$1]=$2
}

# addr NAME LINK ADDRESS...
addr() {
	local name=$1 link=$2 address

	shift 2
	for address; do
		case $address in
		*:*) ip -n "kvt-$$-$name" addr add "$address" dev "$link" nodad ;;
		*) ip -n "kvt-$$-$name" addr add "$address" dev "$link" ;;
		esac
	done
}

# route NAME ARGS...: a route of either family.
route() {
	local name=$1

	shift
	case $* in
	*:*) ip -n "kvt-$$-$name" -6 route add "$@" ;;
	*) ip -n "kvt-$$-$name" route add "$@" ;;
	esac
}

topology() {
	build_helpers
	make_ns router
	make_ns outside
	cable outside up0
	addr router up0 192.0.2.2/24 2001:db8:0:2::2/64
	addr outside eth0 192.0.2.1/24 2001:db8:0:2::1/64
	addr outside lo 198.51.100.1/32 2001:db8:100::1/128
	route router default via 192.0.2.1
	route router default via 2001:db8:0:2::1
	route outside default via 192.0.2.2
	route outside default via 2001:db8:0:2::2
	[ -z "${KVT_NETD:-}" ] || with_netd
}

# Have a netd do all that the test asks for: the answers are the same.
with_netd() {
	chmod 0755 "$T"
	# shellcheck source-path=SCRIPTDIR source=lib_netd.sh
	. "$HERE/lib_netd.sh"
	start_netd
}

# segment NAME LINK N: another namespace outside, behind LINK of the router: 192.0.N.1 there, 192.0.N.2 here.
segment() {
	make_ns "$1"
	cable "$1" "$2"
	addr router "$2" "192.0.$3.2/24" "2001:db8:0:$3::2/64"
	addr "$1" eth0 "192.0.$3.1/24" "2001:db8:0:$3::1/64"
	route "$1" default via "192.0.$3.2"
	route "$1" default via "2001:db8:0:$3::2"
}

# plug NAME NETWORK: a guest without addresses.  Its link is down until it is on the bridge, as a tap is.
plug() {
	make_ns "$1"
	cable "$1" "v-$1" down
	kvnet attach "$2" "v-$1" >/dev/null
}

# guest NAME NETWORK ADDRESS GATEWAY [ADDRESS GATEWAY]: "-" for no gateway.
guest() {
	local name=$1

	plug "$1" "$2"
	shift 2
	while [ $# -gt 0 ]; do
		addr "$name" eth0 "$1"
		[ "$2" = - ] || route "$name" default via "$2"
		shift 2
	done
}

# hand_made_bridge NAME ADDRESS...: what a user has made himself, in the router.  Without a MAC of its own it would take that
# of whatever port comes first.
hand_made_bridge() {
	ip -n "kvt-$$-router" link add name "$1" address 52:54:00:00:88:01 type bridge
	ip -n "kvt-$$-router" link set dev "$1" up
	[ $# -lt 2 ] || addr router "$@"
}

mac_of() { ip -n "kvt-$$-$1" -j link show dev "$2" | jq -r '.[0].address'; }

# master_of LINK: of the router; empty without.
master_of() { ip -n "kvt-$$-router" -j link show dev "$1" | jq -r '.[0].master // ""'; }

has_link() { ip -n "kvt-$$-router" link show dev "$1" >/dev/null 2>&1; }

has_no_link() { ! has_link "$1"; }

# Pids of the dnsmasq processes of the router.
dnsmasq_pids() {
	local pid

	for pid in $(ip netns pids "kvt-$$-router"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != dnsmasq ] || echo "$pid"
	done
}

# udhcpc NAME TRIES [ARGS...]: ask for a lease on eth0; what was given is in $T/NAME.lease as KEY=VALUE lines.
udhcpc() {
	local name=$1 tries=$2

	shift 2
	# shellcheck disable=SC2016 # expanded by the script
	printf '#!/bin/sh\n[ "$1" != bound ] || env >"$LEASE_FILE"\n' >"$T/udhcpc.script"
	chmod +x "$T/udhcpc.script"
	rm -f "$T/$name.lease"
	in_ns "$name" env LEASE_FILE="$T/$name.lease" busybox udhcpc -i eth0 -n -q -f -t "$tries" -T 1 \
		-s "$T/udhcpc.script" "$@" >/dev/null 2>&1
}

# leased NAME KEY: of the last lease: ip, mask, router, dns, domain, lease, mtu, hostname.
leased() { sed -n "s/^$2=//p" "$T/$1.lease"; }

# lookup NAME SERVER QUESTION: the addresses that the server answers with.
lookup() {
	{ in_ns "$1" busybox nslookup -type=a "$3" "$2" 2>/dev/null || true; } | sed -n '/^Name:/,$s/^Address: //p'
}

# br_nf 0|1: whether frames between the guests of one bridge pass the forward hooks.
br_nf() {
	in_ns router sysctl -qw "net.bridge.bridge-nf-call-iptables=$1" "net.bridge.bridge-nf-call-ip6tables=$1" \
		"net.bridge.bridge-nf-call-arptables=$1"
}

# without_firewall COMMAND...: the control of everything that must not pass: without kvnet's tables it would.  Mends them.
without_firewall() {
	in_ns router nft flush ruleset
	"$@"
	kvnet apply --all >/dev/null
}

# hold IFNAME UP [DOWN]: what QEMU does with a tap, in the background; up's status is in $T/IFNAME.hold.
declare -A HOLDER=()
hold() {
	: >"$T/$1.hold"
	# shellcheck disable=SC2086 # no word when empty
	ip netns exec "kvt-$$-router" "$TAPHOLDER" ${HOLD_FLAGS:-} "$@" >"$T/$1.hold" 2>"$T/$1.hold.err" &
	HOLDER[$1]=$!
	disown $!
}

# held IFNAME: wait until its up script has succeeded.
held() {
	wait_for "the up script of $1" grep -q '^up ' "$T/$1.hold"
	equal "up script of $1 ($(cat "$T/$1.hold.err"))" "up 0" "$(grep "^up " "$T/$1.hold")"
}

# release IFNAME: the guest ends; wait until its down script has succeeded.
release() {
	kill -TERM "${HOLDER[$1]}"
	wait_for "the down script of $1" grep -q '^down ' "$T/$1.hold"
	equal "down script of $1 ($(cat "$T/$1.hold.err"))" "down 0" "$(tail -n 1 "$T/$1.hold")"
	unset "HOLDER[$1]"
}

# ---- the host's state ----

# Everything of the router that a network may touch, without what changes by itself.
snapshot_host() {
	in_ns router bash -c '
		echo "== links, addresses, routes, rules, neighbours"
		{
			ip -d -j addr show
			ip -d -j -4 route show table all
			ip -d -j -6 route show table all
			ip -j -4 rule show
			ip -j -6 rule show
			ip -j neigh show nud permanent
			ip -j neigh show proxy
		} | jq -c ".[] | {ifname, dev, dst} + . | del(.ifindex, .link_index, .operstate, .expires, .tso_max_size, .tso_max_segs) |
			if .flags then .flags -= [\"NO-CARRIER\", \"LOWER_UP\", \"linkdown\"] else . end |
			if .linkinfo then .linkinfo |= walk(if type == \"object\"
				then with_entries(select(.key | test(\"_timer$\") | not)) else . end) else . end |
			if .linkinfo.info_slave_data then del(.linkinfo.info_slave_data.state) else . end |
			if .linkinfo.info_kind == \"tun\" then del(.address) else . end |
			if .addr_info then .addr_info |= map(if .valid_life_time == 4294967295 then .
				else del(.valid_life_time, .preferred_life_time) end) else . end" | sort
		echo "== firewall"
		nft -j list ruleset | jq -cS ".nftables[] | select(has(\"metainfo\") | not) | walk(if type == \"object\" then
			del(.handle, .packets, .bytes) else . end)"
		echo "== settings"
		grep -rs . /proc/sys/net/ipv4 /proc/sys/net/ipv6 /proc/sys/net/bridge /proc/sys/net/netfilter |
			grep -vE "/(nf_conntrack_count|stable_secret|flush|tcp_fastopen_key):" | sort'
	echo "== processes"
	processes_of router
	echo "== files"
	files_of_kvnet
}

# Command lines of what runs in namespace $1, but for the tests' own.
processes_of() {
	local pid

	for pid in $(ip netns pids "kvt-$$-$1"); do
		{ tr '\0' ' ' <"/proc/$pid/cmdline" && echo; } 2>/dev/null
	done | sed "\\|^$KVNET_BUILD/tests/|d" | sort
}

# Files of kvnet, but for the runtime ones with their contents (a pid is another each time).  No traces are empty folders,
# locks (an empty file that nobody holds; the next command takes it, or takes it away) and the identity of the host, which
# outlives its networks.
files_of_kvnet() {
	(cd "$T" && find etc run lib ! -type d ! -path "lib/identity*" ! -path lib/host-id ! -path "run/locks/*" -printf '%p %m %u:%g %y %l\n' -type f \
		! -path 'run/*' -exec sha256sum {} \; 2>/dev/null | sort) || true
}

# The host's state once it is at rest: addresses of links that have just come up appear a little later.
rested_host() {
	local last now

	last=$(snapshot_host)
	until now=$(snapshot_host) && [ "$now" = "$last" ]; do
		last=$now
	done
	echo "$now"
}

# Field by field, each group under the object that it is of.
diff_states() {
	diff -U0 -F '^[{=]' <(echo "${1//,\"/$',\n "'}") <(echo "${2//,\"/$',\n "'}") | sed '1,2d; s/^@@ [^@]* @@/in:/' |
		head -n 60 || true
}

# host_is WHAT BEFORE: the host's state is, or comes to, that text of snapshot_host.
host_is() {
	local now deadline=$((SECONDS + 5))

	until now=$(snapshot_host) && [ "$now" = "$2" ]; do
		[ "$SECONDS" -le "$deadline" ] || fail "$1: the host is not as it was:
$(diff_states "$2" "$now")"
	done
}

# ---- traffic ----

K=0
TRIED=()

# has_arrived NAME K WHAT: a packet that bears number K has, and matches "PROTOCOL [SRC]".
has_arrived() { grep -E "^[^ ]+ [^ ]+ $3.* #$2\$" "$T/$1.watch" | grep -qv " reply #"; }

# send FROM ADDRESS [SRC]: one way, with the next number K.
send() {
	K=$((K + 1))
	in_ns "$1" "$PROBE" send -n 3 ${3:+-s "$3"} "$2" "$K"
}

# reaches FROM TO ADDRESS [SRC]: datagrams, a SYN and an echo request arrive in namespace TO.  With SEEN set, from there.
reaches() {
	local kind

	send "$1" "$3" "${4:-}"
	for kind in udp tcp icmp; do
		wait_for "$kind from $1 to $2 ($3)${SEEN:+, from $SEEN}" has_arrived "$2" "$K" "$kind ${SEEN:-}"
	done
}

# try FROM TO ADDRESS [SRC]: send, and remember that it must not arrive in namespace TO; none_arrived says so.
try() {
	send "$1" "$3" "${4:-}"
	TRIED+=("$K $1 $2 $3 ${4:-}")
}

# A token on the last link to namespace $1, past every bridge and firewall: what was sent before it has come or will not.
settle() {
	K=$((K + 1))
	if [ "$1" = router ]; then
		in_ns router "$PROBE" send 127.0.0.1 "$K"
		wait_for "the token to the host" grep -q " #$K\$" "$T/router.serve"
		return
	fi
	in_ns router "$PROBE" arp "${HOST_END[$1]}" "127.$((K >> 16)).$((K >> 8 & 255)).$((K & 255))" 127.0.0.1
	wait_for "the token to $1" grep -q " arp 127.$((K >> 16)).$((K >> 8 & 255)).$((K & 255)) " "$T/$1.watch"
}

# log_of NAME: what has come to the guests' links, or to the host's server.
log_of() { if [ "$1" = router ]; then echo "$T/router.serve"; else echo "$T/$1.watch"; fi; }

# Nothing of what try() has sent has come to where it was sent.
none_arrived() {
	local entry k from to rest name bad=()

	for _ in 1 2; do
		for name in "${!HOST_END[@]}" router; do
			settle "$name"
		done
	done
	for entry in "${TRIED[@]}"; do
		read -r k from to rest <<<"$entry"
		name=$(grep " #$k\$" "$(log_of "$to")" | grep -v " reply #" | grep -oE "udp|tcp|icmp" | sort -u | tr '\n' ' ' || true)
		[ -z "$name" ] || bad+=("  $from reached $to at $rest: $name")
	done
	TRIED=()
	[ "${#bad[@]}" -eq 0 ] || fail "${#bad[@]} of what must not arrive has arrived:
$(printf '%s\n' "${bad[@]}" | head -n 30)"
}

# talks FROM ADDRESS [SEEN]: TCP and UDP exchanges with the server there, which sees SEEN as the asker's address.
talks() {
	local answer how

	for how in "" -u; do
		# shellcheck disable=SC2086 # no word when empty
		answer=$(in_ns "$1" "$PROBE" ask $how "$2" 7) || fail "$1 got no answer from $2"
		[ -z "${3:-}" ] || equal "address of $1 as $2 sees it" "$3" "$answer"
	done
}

# mute FROM ADDRESS: neither TCP nor UDP gets an answer.
mute() {
	local how

	for how in "" -u; do
		# shellcheck disable=SC2086 # no word when empty
		! in_ns "$1" "$PROBE" ask $how -w 300 "$2" 7 >/dev/null 2>&1 || fail "$1 got an answer from $2"
	done
}

# pings FROM ADDRESS
pings() { in_ns "$1" busybox ping -c 1 -W 3 "$2" >/dev/null || fail "$1 cannot ping $2"; }

# pings_not FROM ADDRESS
pings_not() { ! in_ns "$1" busybox ping -c 1 -W 1 "$2" >/dev/null 2>&1 || fail "$1 can ping $2"; }
