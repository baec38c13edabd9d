#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# events.sh - "kvnet events" without netd: each thing that happens is told once and in order, from nothing to nothing.
#
#   router: nat0 10.9.0.1/24, iso0 ---- a, b
# shellcheck disable=SC2034 # lib.sh reads it
KVT_DIR_MODE=0755
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# listen NAME COMMAND...: in the router in the background, into $T/NAME.events; LISTENER is its pid.
listen() {
	local name=$1

	shift
	ip netns exec "kvt-$$-router" "$@" >"$T/$name.events" 2>"$T/$name.err" &
	LISTENER=$!
	disown $!
	wait_for "follower $name" grep -q poll "/proc/$LISTENER/wchan"
}

# told NAME: "EVENT NETWORK[ IFNAME][ ADDRESS MAC HOSTNAME]" of each event so far, one a line.
told() {
	jq -r '[.event, .network, .port.ifname // empty] + (.lease // {} | [.address // empty, .mac // empty, .hostname // empty])
		| join(" ")' "$T/$1.events"
}

# What has been told since the last time is, or comes to be, exactly LINES.
SEEN_EVENTS=0
happened() {
	local want now

	want=$(printf '%s\n' "$@")
	wait_for "$# events: $want; told: $(tail -n 5 "$T/all.events")" has_told $((SEEN_EVENTS + $#))
	now=$(told all | tail -n +$((SEEN_EVENTS + 1)))
	equal "events" "$want" "$now"
	SEEN_EVENTS=$((SEEN_EVENTS + $#))
}
has_told() { [ "$(wc -l <"$T/all.events")" -ge "$1" ]; }

# ended PID: wait for the end of a follower that is not a child that may be waited for.
ended() { wait_for "the end of $1" sh -c "! test -e /proc/$1"; }

topology
listen all "$KVNET_BUILD/kvnet" events --json
ALL=$LISTENER
listen iso "$KVNET_BUILD/kvnet" events --json iso0
listen human env TZ=UTC "$KVNET_BUILD/kvnet" events
HUMAN=$LISTENER
matches "what is said of a network that is not there yet" "^kvnet: events: there is no network 'iso0'.*waiting" "$(cat "$T/iso.err")"
equal "what else is said" "" "$(cat "$T/all.err" "$T/human.err")"
for dir in etc run lib; do
	[ ! -e "$T/$dir" ] || fail "looking on made $dir"
done
equal "inotify instances of a follower" 1 "$(find "/proc/$ALL/fd" -lname '*inotify' | wc -l)"

note "create, change, a second network"
kvnet create nat0 --subnet 10.9.0.1/24 >/dev/null
happened "network-defined nat0" "network-started nat0"
kvnet set nat0 ipv4.lease=2h
happened "network-changed nat0"
kvnet set nat0 ipv4.lease=2h # as it is
kvnet start nat0
kvnet create iso0 --model isolated --subnet none --no-start >/dev/null
happened "network-defined iso0"
kvnet start iso0
happened "network-started iso0"

note "ports"
plug a nat0
plug b nat0
happened "port-added nat0 v-a" "port-added nat0 v-b"
kvnet port add iso0 t0 --mac 52:54:00:00:00:99 >/dev/null
happened "port-added iso0 t0"
equal "port" '{"network":"iso0","ifname":"t0","mac":"52:54:00:00:00:99","ipv4":null,"ipv6":null,"owner":null,"pid":null,"domain":null,"engine":null}' \
	"$(jq -c 'select(.network == "iso0" and .port) | .port' "$T/all.events")"

note "leases: one, renewed, another, released"
mac_a=$(mac_of a eth0)
mac_b=$(mac_of b eth0)
udhcpc a 10 -x hostname:alpha || fail "no lease"
a=$(leased a ip)
happened "lease-added nat0 $a $mac_a alpha"
kvnet leases nat0 --json | jq -c '.[0]' >"$T/lease"
equal "lease" "$(cat "$T/lease")" "$(jq -c 'select(.lease) | .lease' "$T/all.events")"
udhcpc a 10 -x hostname:alpha || fail "no lease"
udhcpc b 10 -x hostname:beta || fail "no lease"
b=$(leased b ip)
happened "lease-added nat0 $b $mac_b beta" # and nothing of the renewed one
udhcpc a 10 -x hostname:omega || fail "no lease"
happened "lease-added nat0 $a $mac_a omega"
addr b eth0 "$b/24"
rm "$T/b.lease"
ip netns exec "kvt-$$-b" env LEASE_FILE="$T/b.lease" busybox udhcpc -i eth0 -f -R -x hostname:beta -s "$T/udhcpc.script" 2>/dev/null &
wait_for "the lease" test -s "$T/b.lease"
kill -TERM $!
wait $! || true
happened "lease-removed nat0 $b $mac_b beta"

note "many leases in a file that dnsmasq empties and fills anew for each change: none of them is told to be gone"
kvnet stop nat0 --force
happened "network-stopped nat0"
for i in $(seq 1 180); do
	printf '%d 52:54:00:00:01:%02x 10.9.0.%d guest%d *\n' $(($(date +%s) + 7000)) "$i" $((i + 20)) "$i"
done | grep -v " $a " >"$T/many"
cat "$T/many" >>"$KVNET_STATE_DIR/leases/nat0"
n=$(wc -l <"$T/many")
wait_for "the leases" has_told $((SEEN_EVENTS + n))
equal "leases told" "$(cut -d' ' -f3 "$T/many" | sort)" "$(told all | tail -n +$((SEEN_EVENTS + 1)) | awk '/^lease-added/ {print $3}' | sort)"
SEEN_EVENTS=$((SEEN_EVENTS + n))
kvnet start nat0
happened "network-started nat0"
for _ in 1 2 3 4 5 6 7 8; do
	udhcpc a 10 -x hostname:omega || fail "no lease"
done
equal "leases in the file" $((n + 1)) "$(wc -l <"$KVNET_STATE_DIR/leases/nat0")"
# The end of it, by something that comes later than a removal would be believed.
udhcpc b 10 -x hostname:beta || fail "no lease"
b=$(leased b ip)
happened "lease-added nat0 $b $mac_b beta"
kill -KILL "$(dnsmasq_pids)"
sed -i "/ $mac_b /d" "$KVNET_STATE_DIR/leases/nat0"
happened "lease-removed nat0 $b $mac_b beta"
kvnet apply nat0 >/dev/null

note "nothing happens: nobody wakes up"
switches_of() { awk '/ctxt_switches/ {n += $2} END {print n}' "/proc/$1/status"; }
before=$(switches_of "$ALL")
kvnet list >/dev/null
kvnet show nat0 >/dev/null
kvnet plan --all >/dev/null
equal "wake-ups of the follower" "$before" "$(switches_of "$ALL")"

note "detach, stop, delete"
kvnet detach v-b
happened "port-removed nat0 v-b"
kvnet stop iso0 --force
happened "network-stopped iso0"
kvnet delete iso0 --force
happened "port-removed iso0 t0" "network-deleted iso0"
kvnet delete nat0 --force
wait_for "the end of nat0" sh -c "grep -q network-deleted.*nat0 '$T/all.events'"
told all | tail -n +$((SEEN_EVENTS + 1)) >"$T/end"
equal "the last" "network-deleted nat0" "$(tail -n 1 "$T/end")"
equal "what went before" "1 port-removed nat0 v-a
1 network-stopped nat0
$((n + 1)) lease-removed" "$(sed '$d; s/^\(lease-removed\) .*/\1/' "$T/end" | uniq -c | sed 's/^ *//')"

note "one network alone; for people; ends"
equal "events of iso0" "network-defined network-started port-added network-stopped port-removed network-deleted" \
	"$(jq -r .event "$T/iso.events" | paste -sd' ')"
matches "time" '^[0-9]{10}\.[0-9]{1,3}$' "$(head -n 1 "$T/all.events" | grep -oE '"time":[0-9.]+' | cut -d: -f2)"
wait_for "the last for people" grep -qE '^[0-9:]{8} +nat0 +network-deleted$' "$T/human.events"
equal "lines for people" "$(wc -l <"$T/all.events")" "$(wc -l <"$T/human.events")"
grep -qE "^[0-9:]{8} +nat0 +lease-added +$a +$mac_a +alpha\$" "$T/human.events" || fail "no lease: $(head "$T/human.events")"
grep -qE '^[0-9:]{8} +iso0 +port-added +t0 +52:54:00:00:00:99' "$T/human.events" || fail "no port: $(head "$T/human.events")"
kill -TERM "$ALL"
kill -INT "$HUMAN"
ended "$ALL"
ended "$HUMAN"
for how in TERM INT; do
	ip netns exec "kvt-$$-router" "$KVNET_BUILD/kvnet" events >/dev/null &
	wait_for "the follower" grep -q poll "/proc/$!/wchan"
	kill "-$how" $!
	wait $! || fail "exit $? after SIG$how"
done
mkfifo "$T/pipe"
ip netns exec "kvt-$$-router" "$KVNET_BUILD/kvnet" events >"$T/pipe" &
exec 8<"$T/pipe"
wait_for "the follower" grep -q poll "/proc/$!/wchan"
exec 8<&-
wait $! || fail "exit $? when its reader has gone"

note "a reader that takes nothing: the follower waits, loses nothing, and still ends by a signal or with its reader"
# stuck: start follower PID that writes into a full pipe, whose only reader is fd 7 of this shell, and have it told something.
stuck() {
	local before

	rm -f "$T/pipe"
	mkfifo "$T/pipe"
	exec 7<>"$T/pipe"
	head -c 65536 /dev/zero >&7
	ip netns exec "kvt-$$-router" "$KVNET_BUILD/kvnet" events >"$T/pipe" 2>"$T/stuck.err" 7>&- &
	PID=$!
	wait_for "the follower" grep -q poll "/proc/$PID/wchan"
	before=$(switches_of "$PID")
	kvnet create late --model isolated --subnet none --no-start >/dev/null
	wait_for "the follower's write" eval "[ \"\$(switches_of $PID)\" -gt $before ]"
	kvnet delete late
}
stuck
head -c 65536 <&7 >"$T/zeros"
for what in network-defined network-deleted; do
	read -rt 10 line <&7
	matches "line after the rush" "^[0-9:]{8}  late  +$what\$" "$line"
done
for how in TERM INT; do
	exec 7>&-
	wait "$PID" || fail "exit $? when its reader has gone"
	stuck
	kill "-$how" "$PID"
	KVT_WAIT=5 wait_for "the end after SIG$how" sh -c "! test -e /proc/$PID/wchan || grep -q Z /proc/$PID/stat"
	wait "$PID" || fail "exit $? after SIG$how"
done
exec 7>&-
stuck
exec 7>&-
wait "$PID" || fail "exit $? when its reader has gone"
equal "errors" "" "$(cat "$T/stuck.err")"
for name in all human; do
	equal "errors of $name" "" "$(cat "$T/$name.err")"
done
