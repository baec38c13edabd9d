#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm.sh - the verbs for domains, on a real one; libvirt's own words for what goes wrong; NICs plugged in and out.
# shellcheck disable=SC2086 # $V is a command and its options
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
MAC=52:54:00:11:22:33

# says STATUS PATTERN COMMAND...: the command's exit status, and its one line on standard error.
says() {
	local status=$1 pattern=$2 seen=0

	shift 2
	"$@" >"$WORK/says.out" 2>"$WORK/says.err" || seen=$?
	expect "exit of '${*/#$B\//}'" "$status" "$seen"
	expect "lines of '${*/#$B\//}' on standard error" 1 "$(wc -l <"$WORK/says.err")"
	expect_like "what '${*/#$B\//}' says" "$pattern" "$(cat "$WORK/says.err")"
}
state() { kvnet vm info web --json | jq -r .state; }
is_shut_off() { [ "$(state)" = "shut off" ]; }

# Without a libvirtd, and with typos.
says 1 "kvnet: libvirt: Failed to connect socket to *: No such file or directory (qemu:///system)" kvnet vm list
kvnet vm list --json >"$WORK/vm.json" || true
expect "the failure as JSON" ECONNREFUSED "$(jq -r .error.code "$WORK/vm.json")"
says 2 "kvnet: vm: unknown verb 'strat' (did you mean 'start'?)" kvnet vm strat web
says 2 "kvnet: vm: what shall it do? list, define, start, *" kvnet vm
says 2 "kvnet: vm start: too few arguments: kvnet vm start DOMAIN" kvnet vm start
says 2 "*unknown option '--al' (did you mean '--all'?)*" kvnet vm list --al
KVNET_LIBVIRT_URI=test:///default kvnet vm list >"$WORK/list.out"
expect "the list of libvirt's test driver" "1 test running" "$(tr '\t' ' ' <"$WORK/list.out")"
says 1 "kvnet: libvirt: *nothere*" env KVNET_LIBVIRT_URI=nothere:///x "$B/kvnet" vm list

# Help, and what a shell completes: verbs of two words, domains' names, a network where one is wanted.
expect_like "help of vm" "usage: kvnet vm VERB*vm attach*DOMAIN NETWORK*" "$(kvnet vm --help)"
quiet kvnet create nat9 --no-start
# shellcheck disable=SC1090 # it is made from the verbs
. <(kvnet help completion)
completes() { # EXPECTED WORD...
	local expected=$1

	shift
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	_kvnet || true
	expect "completions of '$*'" "$expected" "${COMPREPLY[*]}"
}
export KVNET_LIBVIRT_URI="test://$WORK/test.xml"
cat >"$WORK/test.xml" <<END
<node>$(for name in web "two words" "it's"; do
	echo "<domain type='test'><name>$name</name><memory>1024</memory><os><type>hvm</type></os></domain>"
done)</node>
END
completes "vm" kvnet vm
completes "start shutdown suspend" kvnet vm s
completes "web" kvnet vm start w
completes "it\\'s two\\ words web" kvnet vm start ""
completes "two\\ words" kvnet vm destroy "two\\ w"
completes "nat9" kvnet vm attach web ""
completes "nat9" kvnet vm attach --live web ""
completes "--disable" kvnet vm autostart --d
completes "nat9" kvnet show n
completes "add delete" kvnet port ""
completes "" kvnet vm list ""
unset KVNET_LIBVIRT_URI
quiet kvnet delete nat9
KVNET_LIBVIRT_URI=test:///default kvnet vm start $'\xff' --json >"$WORK/utf8.json" || true
expect_like "JSON of words that are no UTF-8" "*not found*" "$(jq -r .error.message "$WORK/utf8.json")"
pass "without libvirtd"

libvirtd_start
quiet kvnet create nat0 --set register=true
quiet kvnet create iso0 --model isolated
expect "no domain" "[]" "$(kvnet vm list --all --json | jq -c .)"
says 1 "kvnet: libvirt: Domain not found: no domain with matching name 'web'" kvnet vm start web
echo "<domain><name>web</name></domain>" >"$WORK/bad.xml"
says 1 "kvnet: libvirt: *" kvnet vm define "$WORK/bad.xml"
says 1 "kvnet: $WORK/none.xml: No such file or directory" kvnet vm define "$WORK/none.xml"
domain_define web "$(nic nat0 $MAC)"
expect "the list" "-,web,shut off" "$(kvnet vm list --all | tr '\t' ',')"
expect "the list of those that run" "" "$(kvnet vm list)"
expect "the list as virsh has it" "$($V list --all --name | head -n 1)" "$(kvnet vm list --all --json | jq -r '.[].name')"
says 1 "kvnet: libvirt: Requested operation is not valid: domain is not running" kvnet vm destroy web

# Its life.
domain_start web
expect "state" running "$(state)"
expect "info" "web true false 1 131072 $($V domuuid web | head -n 1)" \
	"$(kvnet vm info web --json | jq -r '"\(.name) \(.persistent) \(.autostart) \(.vcpus) \(.max_memory_kib) \(.uuid)"')"
quiet kvnet vm suspend web
expect "state" paused "$(state)"
quiet kvnet vm resume web
expect "state" running "$(state)"
quiet kvnet vm autostart web
expect "autostart" enable "$($V dominfo web | sed -n 's/^Autostart: *//p')"
quiet kvnet vm autostart web --disable
expect "autostart" disable "$($V dominfo web | sed -n 's/^Autostart: *//p')"
expect "XML" "$($V dumpxml web)" "$(kvnet vm dumpxml web)"
expect "XML as JSON" "$($V dumpxml web)" "$(kvnet vm dumpxml web --json | jq -r .xml)"
says 1 "kvnet: domain 'web' has no VNC server, or does not run" kvnet vm vncdisplay web
expect "by its number" web "$(kvnet vm info "$(kvnet vm list --json | jq '.[0].id')" --json | jq -r .name)"
guest_ready web
quiet kvnet vm shutdown web
quiet kvnet vm reboot web
expect "the result as JSON" web "$(kvnet vm suspend web --json | jq -r .domain)"
quiet kvnet vm resume web

# NICs: live, in the definition, both; by a MAC of one's own or a fresh one; a network that libvirt does not know by name.
expect "NICs" "nat0 $MAC" "$(kvnet vm interfaces web --json | jq -r '.[] | "\(.network) \(.mac)"')"
live=$(kvnet vm attach web iso0 --live)
config=$(kvnet vm attach web nat0 --config --model e1000)
both=$(kvnet vm attach web iso0 --mac 52:54:00:aa:bb:cc)
expect "the MAC that was asked for" 52:54:00:aa:bb:cc "$both"
macs() { # [--inactive]
	$V dumpxml web "$@" | sed -nE "s/.*<mac address='(.*)'.*/\1/p" | sort | tr '\n' ' '
}
sorted() { printf '%s\n' "$@" | sort | tr '\n' ' '; }
expect "NICs of the running domain" "$(sorted $MAC "$live" "$both")" "$(macs)"
expect "NICs of the definition" "$(sorted $MAC "$config" "$both")" "$(macs --inactive)"
expect "the model" e1000 "$($V dumpxml web --inactive | grep -A4 "$config" | sed -nE "s/.*<model type='(.*)'.*/\1/p")"
expect "iso0's ports" "$(sorted "$live" "$both")" "$(kvnet ports iso0 --json | jq -r '.[].mac' | sort | tr '\n' ' ')"
expect "NICs' networks" "iso0 iso0 nat0" "$(kvnet vm interfaces web --json | jq -r '[.[].network] | sort | join(" ")')"
expect_like "NICs for people" "*$live*virtio*iso0*" "$(kvnet vm interfaces web | grep "$live")"
says 1 "kvnet: network 'nothere': no such network*" kvnet vm attach web nothere
says 1 "kvnet: domain 'web' has a NIC with MAC $both already" kvnet vm attach web nat0 --mac "$both" --live
says 1 "*'x' is no guest's MAC address*" kvnet vm attach web nat0 --mac x
says 1 "kvnet: domain 'web' has no NIC with MAC 52:54:00:99:99:99 *" kvnet vm detach web 52:54:00:99:99:99
says 1 "kvnet: 'nonsense' is no MAC address*" kvnet vm detach web nonsense
for mac in "$live" "$config" "$both"; do
	quiet kvnet vm detach web "$mac"
done
expect "NICs of the running domain" "$MAC " "$(macs)"
expect "NICs of the definition" "$MAC " "$(macs --inactive)"
expect "iso0's ports" "[]" "$(kvnet ports iso0 --json | jq -c .)"
pass "NICs"

# Its definition in an editor: changed, unchanged, wrong.
# shellcheck disable=SC2016 # expanded by the script
printf '#!/bin/sh\nsed -i "s|<vcpu[^>]*>1<|<vcpu>2<|" "$1"\n' >"$WORK/editor"
# shellcheck disable=SC2016 # expanded by the script
printf '#!/bin/sh\nsed -i "s|<vcpu|<vcpus|" "$1"\n' >"$WORK/editor.wrong"
chmod +x "$WORK"/editor*
EDITOR=$WORK/editor quiet kvnet vm edit web
expect "vcpus of the definition" 2 "$($V dumpxml web --inactive | sed -nE 's|.*<vcpu[^>]*>([0-9]+)<.*|\1|p')"
before=$($V dumpxml web --inactive)
EDITOR=/bin/true quiet kvnet vm edit web
says 1 "kvnet: libvirt: *" env EDITOR="$WORK/editor.wrong" "$B/kvnet" vm edit web </dev/null
expect "the definition" "$before" "$($V dumpxml web --inactive)"

# A running domain without a definition has no --config; one that does not run has no --live.
quiet kvnet vm undefine web
says 1 "kvnet: domain 'web' has no definition: *" kvnet vm attach web nat0 --config
quiet kvnet vm destroy web
expect "domains" "[]" "$(kvnet vm list --all --json | jq -c .)"
quiet kvnet vm define "$WORK/web.xml"
says 1 "kvnet: domain 'web' does not run: *" kvnet vm attach web nat0 --live
quiet kvnet vm undefine web
pass "definitions"

# libvirtd is killed and comes back under load: each call has an answer or one line, and then all is well.
domain_define two "$(nic nat0 52:54:00:00:00:02)"
domain_start two
(
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		kvnet vm list --all >>"$WORK/load.out" 2>>"$WORK/load.err" || true
		kvnet vm info two >>"$WORK/load.out" 2>>"$WORK/load.err" || true
		kvnet set nat0 "dns.domain=d$RANDOM.example" >>"$WORK/load.out" 2>>"$WORK/load.err" || true
	done
) &
load=$!
libvirtd_stop KILL
libvirtd_start
wait "$load"
expect "lines that are no sentence of ours" "" "$(grep -v '^kvnet: ' "$WORK/load.err" || true)"
wait_until "libvirtd has its guest again" is_running two
quiet kvnet apply nat0
is_network nat0 active || fail "nat0 has not come back: $($V net-info nat0 2>&1)"
guest_ready two
expect "the port" two "$(kvnet ports nat0 --json | jq -r '.[].domain')"
quiet kvnet vm destroy two
quiet kvnet vm undefine two
quiet kvnet delete nat0 iso0
libvirtd_stop TERM
pass "libvirtd killed under load"
