#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_users.sh - who is root may do nothing less, who is not only what "allow" says: see, open and close ports, so many of them.
#
#   outside ---- router: nat0 10.9.0.1/24 (user nobody, group daemon), other0 10.19.0.1/24 (nobody else)
# shellcheck disable=SC2034 # lib.sh reads it
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_netd.sh
. "$(dirname "$0")/lib_netd.sh"

topology
K=$KVNET_BUILD/kvnet
mkdir -p "$T/etc"
echo 'max_ports: 3' >"$T/etc/kvnet.yaml"
# For netd, group daemon has more members than fit into 16 KiB.
sed "/^daemon:/s/\$/$(seq -s , -f member-%g 8000)/" /etc/group >"$T/group"
# shellcheck disable=SC2016 # expanded by the inner shell
NETD_UNDER=(sh -ec 'mount --bind "$0" /etc/group; exec "$@"' "$T/group")
start_netd
kvnet create nat0 --subnet 10.9.0.1/24 --set 'allow=[user:nobody, group:daemon]' >/dev/null
kvnet create other0 --subnet 10.19.0.1/24 --set 'allow=[user:games]' >/dev/null

# run USER NAME [ARGS]: "kvnet run nat0 ARGS" that holds its port until $T/NAME.fifo is closed; what it was given is in $T/NAME.port.
declare -A RUNNING=()
run() {
	local user=$1 name=$2

	shift 2
	mkfifo -m 0666 "$T/$name.fifo"
	: >"$T/$name.err"
	: >"$T/$name.port"
	chmod 0666 "$T/$name.port"
	# shellcheck disable=SC2016 # expanded by the inner shell
	ip netns exec "kvt-$$-router" setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups --inh-caps=-all \
		--bounding-set=-all "$K" run nat0 "$@" -- sh -c 'echo {fd} {ifname} {mac} >"$0"; exec cat "$1"' \
		"$T/$name.port" "$T/$name.fifo" 2>"$T/$name.err" &
	RUNNING[$name]=$!
	disown $!
	wait_for "$name ($(cat "$T/$name.err"))" test -s "$T/$name.port"
}
port() { cut -d ' ' -f "$2" "$T/$1.port"; }
n_ports() { kvnet ports nat0 --json | jq length; }

note "an ordinary user gets a port: up, on the network, his in the listing, with the MAC that he asked for"
run nobody one --mac 52:54:00:11:22:33
equal "MAC" 52:54:00:11:22:33 "$(port one 3)"
equal "bridge" nat0 "$(master_of "$(port one 2)")"
kvnet ports nat0 --json >"$T/ports"
equal "port" "$(port one 2) nobody ${RUNNING[one]} 52:54:00:11:22:33" "$(jq -r '.[] | "\(.ifname) \(.owner) \(.pid) \(.mac)"' "$T/ports")"
equal "what the descriptor is" /dev/net/tun "$(readlink "/proc/${RUNNING[one]}/fd/$(port one 1)")"

note "several queues are several descriptors"
run nobody two --queues 3
matches "descriptors" '^[0-9]+:[0-9]+:[0-9]+$' "$(port two 1)"
for fd in $(port two 1 | tr : ' '); do
	grep -q "^iff:.$(port two 2)\$" "/proc/${RUNNING[two]}/fdinfo/$fd" || fail "descriptor $fd: $(cat "/proc/${RUNNING[two]}/fdinfo/$fd")"
done

note "so many and no more; another user has his own count; root has none"
run nobody three
refuses 1 "3 ports.*max_ports" as_user nobody "$K" run nat0 -- cat '{ifname}'
run daemon four
equal "ports" 4 "$(n_ports)"

note "one goes with its holder, also with SIGKILL, and makes room"
kill -KILL "${RUNNING[three]}"
wait_for "the end of its link" has_no_link "$(port three 2)"
has_ports() { [ "$(n_ports)" -eq "$1" ]; }
wait_for "the end of its record" has_ports 3
run nobody five

note "a tap does not outlive its port: not when that is closed while its descriptor is kept, nor as a persistent one"
# call_as USER METHOD PARAMETERS: by hand.
call_as() {
	printf '{"method":"io.kvnet.Network.%s","parameters":%s}\0' "$2" "$3" |
		as_user "$1" socat -t 5 - "UNIX-CONNECT:$KVNET_SOCKET" | tr -d '\0'
}
matches "another's port" EPERM "$(call_as daemon ClosePort "{\"ifname\":\"$(port five 2)\"}")"
equal "his own" '{"parameters":{}}' "$(call_as nobody ClosePort "{\"ifname\":\"$(port five 2)\"}" | jq -c .)"
has_no_link "$(port five 2)" || fail "its tap is still there"
wait_for "the end of its record" has_ports 3
kill -KILL "${RUNNING[five]}"
run nobody kept
"$TAPHOLDER" -p "${RUNNING[kept]}" "$(port kept 1)"
kill -KILL "${RUNNING[kept]}"
wait_for "the end of a persistent tap's guest" test ! -e "/proc/${RUNNING[kept]}"
kvnet apply nat0 >/dev/null
wait_for "the end of its tap" has_no_link "$(port kept 2)"
wait_for "the end of its record" has_ports 3
rm "$T/five.fifo"
run nobody five

note "a name that another has by now is no longer whose it was"
ifname=$(port five 2)
kill -STOP "$NETD"
kill -KILL "${RUNNING[five]}"
wait_for "the end of its link" has_no_link "$ifname"
# shellcheck disable=SC2016 # expanded by the inner shell
KVNET_SOCKET='' ip netns exec "kvt-$$-router" "$K" run nat0 -- sh -c 'echo "{ifname}" >"$0"; exec sleep 1000' "$T/roots" &
roots=$!
disown "$roots"
wait_for "root's port" test -s "$T/roots"
equal "its name" "$ifname" "$(cat "$T/roots")"
kill -CONT "$NETD"
wait_for "netd's news" has_ports 4
matches "root's port" EPERM "$(call_as nobody ClosePort "{\"ifname\":\"$ifname\"}")"
kill -KILL "$roots"
wait_for "the end of root's" has_ports 3
rm "$T/five.fifo"
run nobody five

note "what is not granted is not done, and not shown"
refuses 1 "other0.*may not" as_user nobody "$K" run other0 -- cat '{ifname}'
refuses 1 "absent.*may not.*you may use: nat0$" as_user nobody env KVNET_NETWORK=absent "$K" run -- cat '{ifname}'
refuses 1 "nat0.*may not.*root lets you in" as_user bin "$K" show nat0
refuses 1 "absent.*may not" as_user nobody "$K" run absent -- cat '{ifname}'
refuses 1 "nat0.*may not" as_user bin "$K" run nat0 -- cat '{ifname}'
for verb in "stop nat0" "delete nat0 --force" "set nat0 allow=[]" "attach nat0 up0" "create mine0" "start nat0" "apply nat0" \
	"port delete $(port one 2)" "detach $(port one 2)" "port add nat0"; do
	# shellcheck disable=SC2086 # words
	refuses 1 "root" as_user nobody "$K" $verb
done
refuses 1 "network 'nat0': Stop: only root" as_user nobody "$K" stop nat0
refuses 1 "network 'nat0': Attach: only root" as_user nobody "$K" attach nat0 up0
printf '#!/bin/sh\necho ran >"%s"\n' "$T/editor.ran" >"$T/editor"
chmod 0777 "$T/editor"
: >"$T/editor.ran"
chmod 0666 "$T/editor.ran"
refuses 1 "network 'nat0': .*needs root" as_user nobody env EDITOR="$T/editor" "$K" edit nat0
equal "an editor that ran in vain" "" "$(cat "$T/editor.ran")"
equal "networks that nobody sees" nat0 "$(as_user nobody "$K" list --json | jq -r '.[].name')"
equal "networks that bin sees" "" "$(as_user bin "$K" list --json | jq -r '.[].name')"
equal "networks that root sees" "nat0 other0" "$(kvnet list --json | jq -r '[.[].name] | join(" ")')"
equal "show" active "$(as_user nobody "$K" show nat0 --json | jq -r .state)"
refuses 1 "other0.*may not" as_user nobody "$K" show other0
equal "ports" "$(kvnet ports nat0 --json | jq -S .)" "$(as_user nobody "$K" ports --json | jq -S .)"
equal "ports of the other" "" "$(as_user bin "$K" ports --json | jq -r '.[].ifname')"
equal "leases" "[]" "$(as_user nobody "$K" leases --json | jq -c .)"

note "events: of the networks that one may see"
ip netns exec "kvt-$$-router" setpriv --reuid nobody --regid nogroup --clear-groups "$K" events --json >"$T/nobody.events" &
FOLLOWER[nobody]=$!
disown $!
wait_for "the follower" grep -q poll "/proc/${FOLLOWER[nobody]}/wchan"
kvnet stop other0
kvnet start other0
kvnet set nat0 mtu=1400
has_event() { events nobody | grep -q "$1"; }
wait_for "the event" has_event "network-changed nat0"
kvnet create gone0 --subnet 10.29.0.1/24 --set 'allow=[user:nobody]' >/dev/null
kvnet delete gone0
wait_for "what was his" has_event "network-deleted gone0"
equal "events of gone0" "network-defined network-started network-stopped network-deleted" \
	"$(events nobody | sed -n 's/ gone0$//p' | tr '\n' ' ' | sed 's/ $//')"
equal "events of other0" 0 "$(events nobody | grep -c other0 || true)"

note "netd killed: ports live on, the next one knows whose they are"
stop_netd KILL
[ -S "$KVNET_SOCKET" ] || fail "the socket is gone already: nothing to take over"
equal "bridge" nat0 "$(master_of "$(port one 2)")"
refuses 1 "needs root" as_user nobody "$K" run nat0 -- cat '{ifname}'
start_netd
refuses 1 "3 ports" as_user nobody "$K" run nat0 -- cat '{ifname}'
kill -KILL "${RUNNING[five]}"
wait_for "room" has_no_link "$(port five 2)"
run nobody six

note "no second netd"
refuses 1 "another netd" in_ns router "$KVNET_BUILD/netd"
refuses 1 "another netd" in_ns router "$KVNET_BUILD/netd" --foreground
for words in --background "--foreground --foreground"; do
	status=0
	# shellcheck disable=SC2086 # words
	in_ns router "$KVNET_BUILD/netd" $words 2>/dev/null || status=$?
	equal "netd $words" 2 "$status"
done

note "a command that cannot be run leaves no port"
before=$(n_ports)
refuses 1 "No such file" kvnet run nat0 -- /no/such/command '{ifname}'
refuses 1 "write \{fd\}" kvnet run nat0 -- cat
refuses 2 "which command" kvnet run nat0
refuses 1 "queues" kvnet run nat0 --queues 17 -- cat '{fd}'
wait_for "no port more" has_ports "$before"
stop_netd TERM
kvnet delete nat0 other0 --force
