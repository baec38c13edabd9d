#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_hooks.sh - hooks.sh, with a netd that does the work.
export KVT_NETD=1
# shellcheck source-path=SCRIPTDIR source=hooks.sh
. "$(dirname "$0")/hooks.sh"
