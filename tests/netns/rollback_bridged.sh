#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rollback_bridged.sh - each call of a command fails in turn: told in one line, and the host as it was.  Run as kill9_bridged.sh: the
# command is killed at each call, and the next one mends it.  Here: bridged.
#
#   outside ---- up0 [br0 of the router], with addresses and routes that move
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_inject.sh
. "$(dirname "$0")/lib_inject.sh"
command -v strace >/dev/null || skip "needs strace"

topology
KVNET=$KVNET_BUILD/kvnet
addr router up0 192.0.2.200/25
route router 203.0.113.0/24 via 192.0.2.1 metric 77
ip -n "kvt-$$-router" route add 203.0.114.0/24 via 192.0.2.1 table 123
create() { plain "$KVNET" create br0 --model bridged --uplink up0; }
delete() { plain "$KVNET" delete br0; }

every_call create delete "$KVNET" create br0 --model bridged --uplink up0
create
every_call delete create "$KVNET" delete br0
talks router 198.51.100.1 192.0.2.2
none_failed
