#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# engine.sh - links that others put on our bridge become ports of ours, set up as the network asks, and each tap's engine is
# told.  Engines are stood in for by a program of that name and command line that holds a tap; the real QEMU and libvirt are in
# tests/guest and tests/libvirt.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

topology
kvnet create net0 --subnet 10.9.0.1/24 --set isolate_ports=true --mtu 1400 >/dev/null
R="kvt-$$-router"

# hold PROGRAM TAP WORDS...: PROGRAM holds TAP in the router, as a program would that its own down script outlives.
declare -A PID=()
hold() {
	local program=$1 tap=$2

	shift 2
	cp "$TAPHOLDER" "$T/$program"
	in_ns router sh -c 'exec "$@"' sh "$T/$program" "$tap" /bin/true /bin/true "$@" >"$T/$tap.out" 2>&1 &
	wait_for "$tap" grep -q '^up 0' "$T/$tap.out"
	PID[$tap]=$(pid_of "$T/$program" "$tap")
}
pid_of() {
	local pid

	for pid in $(ip netns pids "$R"); do
		tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q "^$1 $2 " && echo "$pid" && return
	done
	return 1
}
field() { kvnet ports net0 --json | jq -r ".[] | select(.ifname == \"$1\") | .$2"; }

# As libvirt does: the tap is the guest's MAC with fe in front, set up by whoever made it, and put on the bridge.
plug_in() { # TAP LLADDR
	ip -n "$R" link set "$1" address "$2"
	ip -n "$R" link set "$1" mtu 1400 up
	ip -n "$R" link set "$1" master net0
}

note "QEMU: the guest's name and MAC from its command line"
hold qemu-system-x86_64 vnet0 -name 'guest=web,,1,debug-threads=on' -device virtio-net-pci,netdev=n,mac=52:54:00:00:00:01
hold qemu-kvm vnet1 -name db -netdev tap,id=n,fd=3 -device '{"driver":"virtio-net-pci","mac":"52:54:00:00:00:02"}'
hold kvm vnet2 -object '{"file":"/var/lib/libvirt/qemu/domain-1-x/master-key.aes"}' -name guest=x,debug-threads=on
hold firecracker fc0 --id box7 --api-sock /run/fc.sock
hold cloud-hypervisor ch0 --net tap=ch0
hold passt-like pa0 --name nothing
plug_in vnet0 fe:54:00:00:00:01
plug_in vnet1 fe:54:00:00:00:02
plug_in vnet2 fe:54:00:00:00:03
plug_in fc0 fe:54:00:00:00:04
plug_in ch0 fe:54:00:00:00:05
plug_in pa0 fe:54:00:00:00:06
equal "ports" "ch0 fc0 pa0 vnet0 vnet1 vnet2" "$(kvnet ports net0 --json | jq -r '[.[].ifname] | sort | join(" ")')"
while read -r tap engine domain mac; do
	equal "engine of $tap" "$engine" "$(field "$tap" engine)"
	equal "domain of $tap" "$domain" "$(field "$tap" domain)"
	equal "pid of $tap" "${PID[$tap]}" "$(field "$tap" pid)"
	equal "MAC of $tap" "$mac" "$(field "$tap" mac)"
	equal "owner of $tap" root "$(field "$tap" owner)"
done <<-END
	vnet0 qemu web,1 52:54:00:00:00:01
	vnet1 qemu db 52:54:00:00:00:02
	vnet2 libvirt x 52:54:00:00:00:03
	fc0 firecracker box7 null
	ch0 cloud-hypervisor null null
	pa0 other null null
END

note "they lack the network's isolation: told, and given by the next command; afterwards nothing is left to do"
isolated() { in_ns router bridge -d -j link show dev "$1" | jq -r '.[0].isolated'; }
equal "isolation before" false "$(isolated vnet0)"
equal "state" degraded "$(kvnet show net0 --json | jq -r .state)"
kvnet plan net0 --json | jq -e 'all(.[]; .op == "adopt")' >/dev/null || fail "$(kvnet plan net0 --json)"
kvnet apply net0
equal "isolation" true "$(isolated vnet0)"
equal "plan" "" "$(kvnet plan net0)"
equal "state" active "$(kvnet show net0 --json | jq -r .state)"

note "one that lacks nothing is no problem, adopted or not"
kvnet set net0 isolate_ports=false
hold qemu-system-aarch64 vnet7 -name late
plug_in vnet7 fe:54:00:00:00:07
equal "state" active "$(kvnet show net0 --json | jq -r .state)"
equal "domain" late "$(field vnet7 domain)"

note "what is unplugged is forgotten"
kill "${PID[vnet7]}" "${PID[vnet0]}"
wait_for "the end of vnet7" has_no_link vnet7
wait_for "the end of vnet0" has_no_link vnet0
kvnet apply net0
equal "ports" "ch0 fc0 pa0 vnet1 vnet2" "$(kvnet ports net0 --json | jq -r '[.[].ifname] | sort | join(" ")')"
[ ! -e "$T/run/networks/net0/ports/vnet0" ] || fail "vnet0 still has a record"

note "a tap of the same name in another namespace is somebody else's"
make_ns elsewhere
cp "$TAPHOLDER" "$T/qemu-system-ppc"
in_ns elsewhere "$T/qemu-system-ppc" vnet9 /bin/true /bin/true -name stranger >"$T/vnet9.out" 2>&1 &
wait_for "vnet9" grep -q '^up 0' "$T/vnet9.out"
ip -n "$R" tuntap add vnet9 mode tap
ip -n "$R" link set vnet9 master net0 up
equal "domain" null "$(field vnet9 domain)"
equal "pid" null "$(field vnet9 pid)"

note "netd takes newcomers in by itself, and tells no repair"
# shellcheck source-path=SCRIPTDIR source=lib_netd.sh
. "$(dirname "$0")/lib_netd.sh"
kvnet set net0 isolate_ports=true
start_netd
follow all
hold qemu-system-riscv64 vnet3 -name newest
plug_in vnet3 fe:54:00:00:00:08
is_isolated() { [ "$(isolated "$1")" = true ]; }
wait_for "vnet3's isolation" is_isolated vnet3
is_told() { events all '.event == "port-added" and .port.ifname == "vnet3"' | grep -q .; }
wait_for "the news of vnet3" is_told
equal "domain" newest "$(field vnet3 domain)"
kill "${PID[vnet3]}"
is_told_gone() { events all '.event == "port-removed" and .port.ifname == "vnet3"' | grep -q .; }
wait_for "the news of its end" is_told_gone
! events all '.event == "network-repaired"' | grep -q . || fail "told as a repair: $(cat "$T/all.events")"
stop_netd TERM
