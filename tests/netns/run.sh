#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh - kvnet run: a command with a tap of its own, on the network while it lives and gone with it.
#
#   outside ---- router: nat0 10.9.0.1/24 ==tap==> the command ==> eth0 one, wide
#                        lan0 on bridge br7, 10.9.7.1/24; od0 10.9.8.1/24, on-demand
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
before=$(snapshot_host)
kvnet create nat0 --subnet 10.9.0.1/24 >/dev/null

# run NAME [ARGS] -- COMMAND...: "kvnet run ARGS -- COMMAND" in the background; what it prints is in $T/NAME.ran.
declare -A RUNNING=()
run() {
	local name=$1

	shift
	: >"$T/$name.ran"
	: >"$T/$name.err"
	ip netns exec "kvt-$$-router" "$KVNET_BUILD/kvnet" run "$@" >"$T/$name.ran" 2>"$T/$name.err" &
	RUNNING[$name]=$!
	disown $!
}

# wired NAME: wait until its tapwire is.
wired() {
	wait_for "the wire of $1 ($(cat "$T/$1.err"))" grep -q '^wired ' "$T/$1.ran"
	HOST_END[$1]=$(cut -d ' ' -f 2 "$T/$1.ran")
}

# run_guest NAME ARGS...: a guest in a namespace of its own, behind the tap.
run_guest() {
	local name=$1

	shift
	make_ns "$name"
	run "$name" "$@" -- "$TAPWIRE" -m '{mac}' "kvt-$$-$name" '{fd}'
	wired "$name"
}

# gone NAME: SIGKILL to the command, and its tap is no more.
gone() {
	kill -KILL "${RUNNING[$1]}"
	wait_for "the end of ${HOST_END[$1]}" has_no_link "${HOST_END[$1]}"
	unset "HOST_END[$1]" "RUNNING[$1]"
}

# port NAME FIELDS: of its port, as jq names them.
port() { kvnet ports --json | jq -r ".[] | select(.ifname == \"${HOST_END[$1]}\") | [$2] | map(tostring) | join(\" \")"; }

note "a tap on the network, the command's in the listing, with vnet_hdr and the MAC asked for"
run_guest one nat0 --mac 52:54:00:11:22:33
equal "wire" "wired ${HOST_END[one]} 1 1" "$(cat "$T/one.ran")"
equal "bridge" nat0 "$(master_of "${HOST_END[one]}")"
equal "port" "nat0 52:54:00:11:22:33 root ${RUNNING[one]}" "$(port one .network,.mac,.owner,.pid)"
equal "what the pid is" tapwire "$(cat "/proc/${RUNNING[one]}/comm")"

note "it gets a lease for that MAC, and reaches the world behind the host's address"
udhcpc one 10 || fail "no lease"
equal "MAC of the lease" "52:54:00:11:22:33 $(leased one ip)" "$(kvnet leases nat0 --json | jq -r '.[] | "\(.mac) \(.address)"')"
addr one eth0 "$(leased one ip)/24"
route one default via 10.9.0.1
SEEN=192.0.2.2 reaches one outside 198.51.100.1
talks one 198.51.100.1 192.0.2.2
talks router "$(leased one ip)"
equal "address of the port" "$(leased one ip)" "$(port one .ipv4)"

note "several queues: all of one tap, all carry frames"
run_guest wide nat0 --queues 4
equal "wire" "wired ${HOST_END[wide]} 1 4" "$(cat "$T/wide.ran")"
equal "queues of the tap" 4 "$(in_ns router find "/sys/class/net/${HOST_END[wide]}/queues" -name 'tx-*' | wc -l)"
addr wide eth0 10.9.0.40/24
route wide default via 10.9.0.1
for _ in 1 2 3 4 5 6 7 8; do # frames to the bridge take the queues in turn, answers the one of their flow
	talks wide 198.51.100.1 192.0.2.2
done
talks one 10.9.0.40 "$(leased one ip)"
matches "MAC that was made up" '^52:54:00:' "$(port wide .mac)"
equal "MAC that the command was told" "$(port wide .mac)" "$(mac_of wide eth0)"

note "nobody else has a queue of it, where /dev/net/tun is everybody's as it mostly is; nor a tap of 'port add' without an owner"
# shellcheck disable=SC2016 # expanded by the inner shell
opens_as_nobody() { # ARGS...: of tapholder; exit 1 where the kernel lets it
	in_ns router unshare -m sh -ec 'mount -t tmpfs none /dev/net && mknod -m 0666 /dev/net/tun c 10 200
		chmod 0755 "$0" && exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"' \
		"$T" "$TAPHOLDER" "$@"
}
kvnet port add nat0 nat0-none >/dev/null
kvnet port add nat0 nat0-own --owner nobody >/dev/null
refuses 2 "not permitted" opens_as_nobody -q "${HOST_END[wide]}" /bin/false
refuses 2 "not permitted" opens_as_nobody nat0-none /bin/false
equal "the owner" "up 1" "$(opens_as_nobody nat0-own /bin/false || true)"
kvnet port delete nat0-none

note "a tap that was taken off its network is nobody's port: 'port delete' says what removes it"
kvnet detach nat0-own
refuses 1 "'nat0-own' is on no network.*'ip link delete nat0-own'" kvnet port delete nat0-own
ip -n "kvt-$$-router" link delete nat0-own
refuses 1 "'nat0-own' is on no network$" kvnet port delete nat0-own

note "nor does somebody get one between its making and its being closed to others"
for words in "port add nat0 nat0-race --queues 2" "run nat0 --queues 2 -- true {ifname}"; do
	ifname=nat0-race
	[ "${words%% *}" = port ] || ifname=$(kvnet port add nat0) # the next that run chooses
	[ "${words%% *}" = port ] || kvnet port delete "$ifname"
	# shellcheck disable=SC2016 # expanded by the inner shell
	ip netns exec "kvt-$$-router" unshare -m sh -ec 'mount -t tmpfs none /dev/net && mknod -m 0666 /dev/net/tun c 10 200
		exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all sh -c "$2" "$0" "$1"' \
		"$TAPHOLDER" "$ifname" 'until "$0" -q "$1" /bin/true; do :; done' >/dev/null 2>&1 &
	thief=$!
	disown "$thief"
	# shellcheck disable=SC2086 # words
	refuses 1 "$ifname.*another process opened it" in_ns router strace -f -qq -o /dev/null -e trace=ioctl \
		-e inject=ioctl:delay_exit=150000 "$KVNET_BUILD/kvnet" $words
	has_no_link "$ifname" || fail "$ifname is still there"
	kill -KILL "$thief"
done

note "the port goes with its holder, SIGKILL or not, and so does its record with the next command"
gone wide
kvnet apply nat0 >/dev/null
equal "ports" "${HOST_END[one]}" "$(kvnet ports --json | jq -r '.[].ifname')"
equal "records" "${HOST_END[one]}" "$(ls "$T/run/networks/nat0/ports")"
talks one 198.51.100.1 192.0.2.2
gone one

note "the command inherits the environment, standard input and the tap, and nothing else"
echo sky >"$T/sky"
# shellcheck disable=SC2016 # expanded by the inner shell
equal "environment and input" "green sky" "$(COLOUR=green in_ns router "$KVNET_BUILD/kvnet" run nat0 -- \
	bash -c 'read -r line; echo "$COLOUR $line" # {fd}' <"$T/sky")"
# opened COMMAND...: what ls, run by it, has open.
opened() {
	in_ns router "$@" ls -l /proc/self/fd '--hide={ifname}' <"$T/sky" | sed -n 's/.* -> //p' |
		sed -E 's/:.*//; s,^/proc/.*,its folder,' | sort
}
equal "what is open" "$(printf '%s\n' "$(opened env)" /dev/net/tun /dev/net/tun | sort)" \
	"$(opened "$KVNET_BUILD/kvnet" run nat0 --queues 2 --)"
# shellcheck disable=SC2016 # expanded by the inner shell
equal "another user's command" "65534 /dev/net/tun" "$(kvnet run nat0 -- setpriv --reuid 65534 --regid 65534 --clear-groups \
	sh -c 'echo $(id -u) $(readlink /proc/$$/fd/{fd})')"
status=0
kvnet run nat0 -- sh -c 'exit 7 # {ifname}' || status=$?
equal "the command's exit status" 7 "$status"

note "what QEMU is told"
# What depends on the host is tested for and taken out.
qemu_words() {
	local name=$1 words

	shift
	printf '#!/bin/sh\necho "$@"\n' >"$T/$name"
	chmod +x "$T/$name"
	words=$(kvnet run nat0 --mac 52:54:00:11:22:33 "$@")
	if [ -c /dev/vhost-net ] && (: 3</dev/vhost-net) 2>/dev/null; then
		matches "vhost" ',vhost=on,vhostfds?=[0-9:]+' "$words"
	fi
	sed -E 's/,vhost=on,vhostfds?=[0-9:]+//; s/fds=[0-9]+:[0-9]+:[0-9]+/fds=A:B:C/; s/fd=[0-9]+/fd=A/' <<<"$words"
}
for name in qemu-system-x86_64 qemu-kvm kvm; do
	equal "$name" "-m 64 -netdev tap,id=kvnet0,fd=A -device virtio-net-pci,netdev=kvnet0,mac=52:54:00:11:22:33" \
		"$(qemu_words "$name" -- "$T/$name" -m 64)"
done
equal "three queues" \
	"-netdev tap,id=kvnet0,fds=A:B:C -device virtio-net-pci,netdev=kvnet0,mac=52:54:00:11:22:33,mq=on,vectors=8" \
	"$(qemu_words kvm --queues 3 -- "$T/kvm")"
equal "one that says where the tap goes" "x=52:54:00:11:22:33,52:54:00:11:22:33 nat0-0" \
	"$(kvnet run nat0 --mac 52:54:00:11:22:33 -- "$T/kvm" 'x={mac},{mac}' '{ifname}')"

note "a MAC that is made up is nobody's: what the kernel's dice say first is a reservation's"
mkfifo "$T/fifo"
# dice NETWORK: the MAC given there when each throw of three bytes up to the first is 11:22:33.
dice() {
	local upto

	in_ns router strace -f -qq -e trace=getrandom -o "$T/dice" "$KVNET_BUILD/kvnet" run "$1" -- true '{mac}'
	upto=$(grep -n ', 3, ' "$T/dice" | head -n 1 | cut -d : -f 1)
	in_ns router strace -f -qq -e trace=getrandom -e "inject=getrandom:poke_exit=@arg1=112233:when=1..$upto" \
		-o "$T/dice" "$KVNET_BUILD/kvnet" run "$1" -- echo '{mac}'
}
equal "loaded dice" 52:54:00:11:22:33 "$(dice nat0)"
kvnet set nat0 'hosts+={name: web, mac: 52:54:00:11:22:33, ipv4: 10.9.0.10}' >/dev/null
mac=$(dice nat0)
matches "another throw" '^52:54:00:' "$mac"
[ "$mac" != 52:54:00:11:22:33 ] || fail "a reservation's MAC was given away"
equal "throws" 2 "$(grep -c ', 3, ' "$T/dice")"
kvnet set nat0 hosts= >/dev/null
# Neither one that has not spoken yet, nor one that a hook's guest chose itself and speaks with.
# shellcheck disable=SC2016 # expanded by the inner shell
run silent nat0 --mac 52:54:00:11:22:33 -- bash -c 'echo wired {ifname}; exec cat "$0"' "$T/fifo"
wired silent
[ "$(dice nat0)" != 52:54:00:11:22:33 ] || fail "a silent port's MAC was given away"
gone silent
equal "loaded dice" 52:54:00:11:22:33 "$(dice nat0)"
run_guest again nat0 --mac 52:54:00:11:22:44
ip -n "kvt-$$-again" link set eth0 address 52:54:00:11:22:33
addr again eth0 10.9.0.60/24
talks again 10.9.0.1
[ "$(dice nat0)" != 52:54:00:11:22:33 ] || fail "another port's MAC was given away"
gone again

note "which network: the word before --, a bridge's name, KVNET_NETWORK, the only one"
# shellcheck disable=SC2016 # likewise
network_of() { in_ns router env KVNET_NETWORK="$1" "$KVNET_BUILD/kvnet" run "${@:2}" -- bash -c 'basename "$(readlink "/sys/class/net/{ifname}/master")"'; }
equal "the only one" nat0 "$(network_of "")"
kvnet create lan0 --subnet 10.9.7.1/24 --bridge br7 >/dev/null
equal "by name" br7 "$(network_of "" lan0)"
equal "by its bridge" br7 "$(network_of "" br7)"
equal "by KVNET_NETWORK" br7 "$(network_of lan0)"
equal "the word is stronger" nat0 "$(network_of lan0 nat0)"

note "on-demand: up with the command; down after it when somebody looks"
kvnet create od0 --subnet 10.9.8.1/24 --start on-demand --no-start >/dev/null
kvnet start od0 # for the leases' file, which stays
kvnet stop od0
state() { kvnet show od0 --json | jq -r .state; }
idle=$(rested_host)
run_guest late od0
addr late eth0 10.9.8.9/24
route late default via 10.9.8.1
talks late 198.51.100.1 192.0.2.2
kvnet apply od0 >/dev/null
equal "state while it runs" active "$(state)"
gone late
kvnet apply od0 >/dev/null
equal "state after it" inactive "$(state)"

note "what is refused: one line, and nothing is left"
host_is "before" "$idle"
refuses 2 "'--'" kvnet run nat0
refuses 2 "'--'" kvnet run nat0 --
refuses 2 "'--'" kvnet run nat0 sh
refuses 2 "'lan0' is one argument too many" kvnet run nat0 lan0 -- cat '{fd}'
refuses 2 "unknown option '--user'" kvnet run nat0 --user nobody -- cat '{fd}'
refuses 1 "lan0.*nat0.*od0" kvnet run -- cat '{fd}'
refuses 1 "absent" kvnet run absent -- cat '{fd}'
refuses 1 "absent" env KVNET_NETWORK=absent ip netns exec "kvt-$$-router" "$KVNET_BUILD/kvnet" run -- cat '{fd}'
refuses 1 "name" kvnet run a-name-of-17-byte -- cat '{fd}'
refuses 1 "'cat' is no QEMU: write \{fd\}" kvnet run nat0 -- cat
refuses 1 "/no/such: No such file" kvnet run od0 -- /no/such '{fd}'
refuses 1 "no-such-command: No such file" kvnet run od0 --queues 3 -- no-such-command '{fd}'
refuses 1 "etc: Permission denied" kvnet run od0 -- "$T/etc" '{fd}'
refuses 1 "17 queues: 1 to 16" kvnet run od0 --queues 17 -- cat '{fd}'
refuses 1 "'0' is no number" kvnet run od0 --queues 0 -- cat '{fd}'
refuses 1 "MAC" kvnet run od0 --mac 01:00:5e:00:00:01 -- cat '{fd}'
cp "$KVNET_BUILD/kvnet" "$T/kvnet"
chmod 0755 "$T"
refuses 1 "root" in_ns router setpriv --reuid 65534 --regid 65534 --clear-groups "$T/kvnet" run nat0 -- cat '{fd}'
host_is "after the refusals" "$idle"

note "nothing is left"
kvnet delete nat0 lan0 od0
host_is "after delete" "$before"
