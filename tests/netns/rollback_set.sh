#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rollback_set.sh - each call of a command fails in turn: told in one line, and the host as it was.  Run as kill9_set.sh: the
# command is killed at each call, and the next one mends it.  Here: set.
#
#   outside ---- router: net0 10.9.0.1/24 ---- g
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_inject.sh
. "$(dirname "$0")/lib_inject.sh"
command -v strace >/dev/null || skip "needs strace"

topology
KVNET=$KVNET_BUILD/kvnet
make_ns g
cable g v-g
plain "$KVNET" create net0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64
plain "$KVNET" attach net0 v-g
back() { plain "$KVNET" set net0 model=nat mtu=1500 ipv4.address=10.9.0.1/24 ipv4.dhcp=auto isolate_ports=false; }
back

every_call "set model" back "$KVNET" set net0 model=isolated
every_call "set all" back "$KVNET" set net0 model=routed mtu=1400 ipv4.address=10.19.0.1/24 ipv4.dhcp=10.19.0.5-10.19.0.9 isolate_ports=true
none_failed
