#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rollback_models.sh - each call of a command fails in turn: told in one line, and the host as it was.  Run as kill9_models.sh: the
# command is killed at each call, and the next one mends it.  Here: the other models.
#
#   outside ---- router: net0, and hbr0 of the user's
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_inject.sh
. "$(dirname "$0")/lib_inject.sh"
command -v strace >/dev/null || skip "needs strace"

topology
KVNET=$KVNET_BUILD/kvnet
hand_made_bridge hbr0
delete() { plain "$KVNET" delete net0; }

every_call "create routed" delete "$KVNET" create net0 --model routed --subnet 10.9.0.1/24 --uplink up0
every_call "create isolated without address" delete "$KVNET" create net0 --model isolated --subnet none
every_call "create bridged on an existing bridge" delete "$KVNET" create net0 --model bridged --bridge hbr0
none_failed
