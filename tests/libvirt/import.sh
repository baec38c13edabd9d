#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# import.sh - network XML from files and from libvirtd, and ours as XML that libvirt's own parser takes.  What each element
# becomes is in tests/unit/data/network_xml.
# shellcheck disable=SC2086 # $V is a command and its options
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

refused() { # STATUS PATTERN ARGUMENTS...
	local status=$1 pattern=$2 seen=0

	shift 2
	kvnet "$@" >"$WORK/refused.out" 2>"$WORK/refused.err" || seen=$?
	expect "exit of 'kvnet $*'" "$status" "$seen"
	expect_like "what 'kvnet $*' says" "$pattern" "$(cat "$WORK/refused.err")"
	expect "lines of it" 1 "$(wc -l <"$WORK/refused.err")"
}

cat >"$WORK/office.xml" <<'END'
<network>
  <name>office</name>
  <forward mode='nat'/>
  <bridge name='office' stp='off'/>
  <ip address='10.77.0.1' prefix='24'>
    <dhcp><range start='10.77.0.50' end='10.77.0.99'/></dhcp>
  </ip>
</network>
END
quiet kvnet import "$WORK/office.xml"
expect "the network" "office nat active office 10.77.0.1/24" \
	"$(kvnet list --json | jq -r '.[] | "\(.name) \(.model) \(.state) \(.bridge) \(.ipv4.address)"')"
refused 1 "*office*exists*" import "$WORK/office.xml"
quiet kvnet export office --xml
kvnet export office --xml >"$WORK/out.xml"
xmllint --noout --relaxng /usr/share/libvirt/schemas/network.rng "$WORK/out.xml" 2>"$WORK/xmllint.err" ||
	fail "libvirt's schema refuses it: $(cat "$WORK/xmllint.err")"
kvnet export office >"$WORK/office.yaml"
quiet kvnet delete office

# The same from standard input, under another name, only written.
quiet kvnet import --as second --no-start - <"$WORK/out.xml"
expect "state" inactive "$(kvnet list --json | jq -r '.[] | select(.name == "second") | .state')"
quiet kvnet delete second

# What is said without being done.
kvnet import "$WORK/office.xml" --dry-run >"$WORK/dry.yaml"
expect "networks after a dry run" "" "$(kvnet list)"
quiet kvnet create office --file "$WORK/dry.yaml"
quiet kvnet delete office

# What cannot be: by name and line, and with --lossy a warning each.
sed 's|<bridge |<bandwidth><inbound average="1000"/></bandwidth>\n  &|' "$WORK/office.xml" >"$WORK/shaped.xml"
refused 1 "kvnet: $WORK/shaped.xml:4: *bandwidth*--lossy*" import "$WORK/shaped.xml"
expect "networks" "" "$(kvnet list)"
kvnet import "$WORK/shaped.xml" --lossy >"$WORK/lossy.out" 2>"$WORK/lossy.err" || fail "$(cat "$WORK/lossy.err")"
expect_like "the warning" "kvnet: warning: $WORK/shaped.xml:4: *bandwidth*" "$(cat "$WORK/lossy.err")"
quiet kvnet delete office
expect_like "the warnings in JSON" "*bandwidth*" "$(kvnet import "$WORK/shaped.xml" --lossy --json | jq -r '.warnings[0]')"
quiet kvnet delete office
echo "<network><name>m</name><forward dev='eth9' mode='passthrough'><interface dev='eth9'/></forward></network>" >"$WORK/m.xml"
refused 1 "*libvirt*" import "$WORK/m.xml"
refused 1 "*libvirt*" import "$WORK/m.xml" --lossy
echo "<network><name>a name too long for us</name></network>" >"$WORK/long.xml"
refused 1 "*--as*" import "$WORK/long.xml"
quiet kvnet import "$WORK/long.xml" --as short --lossy
quiet kvnet delete short
refused 1 "*nothere.xml: No such file or directory" import "$WORK/nothere.xml"
echo "no xml at all" >"$WORK/none.xml"
refused 1 "kvnet: $WORK/none.xml:1: *" import "$WORK/none.xml"
refused 2 "*give a FILE.xml, or a network of libvirt's by --libvirt" import
refused 2 "*give a FILE.xml, or a network of libvirt's by --libvirt" import "$WORK/office.xml" --libvirt office
refused 1 "*--libvirt says which" import "$WORK/office.xml" --take-over
refused 1 "kvnet: network 'nothere': no such network*" export nothere --xml
pass "files"

# From libvirtd, and back into it: what we export it defines, and we read the same again.
libvirtd_start
quiet $V net-define "$WORK/office.xml"
quiet kvnet import --libvirt office --lossy
quiet kvnet export office --xml
kvnet export office --xml >"$WORK/out.xml"
kvnet show office --json | jq 'del(.state, .ports, .leases, .problems)' >"$WORK/first.json"
quiet kvnet delete office
quiet $V net-undefine office
quiet $V net-define "$WORK/out.xml"
quiet kvnet import --libvirt office
kvnet show office --json | jq 'del(.state, .ports, .leases, .problems)' >"$WORK/second.json"
diff "$WORK/first.json" "$WORK/second.json" >"$WORK/diff.log" || fail "not the same after export and import"
quiet kvnet delete office
libvirtd_stop TERM
pass "libvirtd reads what we write"
