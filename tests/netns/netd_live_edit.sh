#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_live_edit.sh - live_edit.sh, with a netd that does the work.
export KVT_NETD=1
# shellcheck source-path=SCRIPTDIR source=live_edit.sh
. "$(dirname "$0")/live_edit.sh"
