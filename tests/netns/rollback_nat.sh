#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rollback_nat.sh - each call of a command fails in turn: told in one line, and the host as it was.  Run as kill9_nat.sh: the
# command is killed at each call, and the next one mends it.  Here: nat.
#
#   outside ---- router: net0 10.9.0.1/24 fd09::1/64
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_inject.sh
. "$(dirname "$0")/lib_inject.sh"
command -v strace >/dev/null || skip "needs strace"

topology
KVNET=$KVNET_BUILD/kvnet
create() { plain "$KVNET" create net0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64; }
delete() { plain "$KVNET" delete net0; }

every_call create delete "$KVNET" create net0 --subnet 10.9.0.1/24 --subnet6 fd09::1/64
create
every_call delete create "$KVNET" delete net0
none_failed
