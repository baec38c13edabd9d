#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd.sh - guests of an ordinary user: one by `kvnet run`, two by kvnet-helper; netd is restarted and the rules are flushed
# under them, one of them is killed, and nothing stays behind.
#
#   ran, helped, named ==taps== nat0 10.213.x.1/24 -- router: up0 192.0.2.2, netd ---- outside: 198.51.100.1
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

export KVNET_SOCKET=$WORK/run/netd.sock
start_netd() {
	"$B/netd" 2>>"$WORK/netd.log" &
	NETD=$!
	wait_until "netd" test -S "$KVNET_SOCKET"
	wait_until "netd's answer" quietly kvnet list
}
quietly() { "$@" >/dev/null 2>&1; }

start_netd
quiet kvnet create nat0 --set 'allow=[user:nobody]'
router=$(kvnet show nat0 --json | jq -r .ipv4.address)
router=${router%/*}
cp "$G/vmlinuz" "$G/initramfs.gz" "$WORK" # where nobody may read them
chmod 0644 "$WORK/vmlinuz" "$WORK/initramfs.gz"
user=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups --inh-caps=-all --bounding-set=-all)

KEEP=$G
G=$WORK
GUEST_BY=("${user[@]}" "$B/kvnet" run nat0 --mac 52:54:00:11:22:01 --)
guest_boot ran hold=1
GUEST_BY=("${user[@]}")
guest_boot helped hold=1 -netdev "bridge,id=n,helper=$B/kvnet-helper,br=nat0" \
	-device virtio-net-pci,netdev=n,mac=52:54:00:11:22:02
guest_boot named hold=1 -netdev "tap,id=n,helper=$B/kvnet-helper --net nat0" \
	-device virtio-net-pci,netdev=n,mac=52:54:00:11:22:03
G=$KEEP

for name in ran helped named; do
	guest_ready "$name"
	guest_expect "$name" ok ping 198.51.100.1
	guest_expect "$name" 192.0.2.2 fetch 198.51.100.1:8080
done
expect "owners of the ports" "nobody nobody nobody" "$(kvnet ports nat0 --json | jq -r '[.[].owner] | join(" ")')"
expect "the port of the one that was run" "52:54:00:11:22:01 ${GUEST_PID[ran]}" \
	"$(kvnet ports nat0 --json | jq -r ".[] | select(.pid == ${GUEST_PID[ran]}) | \"\\(.mac) \\(.pid)\"")"
guest_ask ran lease eth0
read -r address _ <<<"$ANSWER"
expect "its address" "${address%/*}" "$(kvnet ports nat0 --json | jq -r ".[] | select(.mac == \"52:54:00:11:22:01\").ipv4")"

# Whoever is not let in does not start.
if "${user[@]}" "$B/kvnet" run other0 -- qemu-system-x86_64 >"$WORK/other.log" 2>&1; then
	fail "expected that nobody may not use other0"
fi

# netd goes, somebody flushes the rules, netd comes back: the guests' network is whole, on the same ports and leases.
ports=$(kvnet ports nat0 --json | jq -S .)
leases=$(kvnet leases nat0 --json | jq -S 'map(del(.expires))')
kill -TERM "$NETD"
wait "$NETD" || fail "netd: exit $?"
guest_expect named ok ping 198.51.100.1
nft flush ruleset
start_netd
wait_until "the repair" quietly kvnet plan nat0 --check
for name in ran helped named; do
	guest_expect "$name" 192.0.2.2 fetch 198.51.100.1:8080
done
expect "ports after the restart" "$ports" "$(kvnet ports nat0 --json | jq -S .)"
expect "leases after the restart" "$leases" "$(kvnet leases nat0 --json | jq -S 'map(del(.expires))')"

# Ends, good and bad.
n_ports() { [ "$(kvnet ports nat0 --json | jq length)" -eq "$1" ]; }
guest_kill ran
wait_until "the killed guest's port to be forgotten" n_ports 2
guest_off helped
guest_off named
wait_until "the last port to be forgotten" n_ports 0
expect "links of the taps' kind" "" "$(ip -o link show type tun)"
quiet kvnet delete nat0
kill -TERM "$NETD"
wait "$NETD" || fail "netd: exit $?"
pass "three guests of nobody's, through a restart of netd and a flush"
