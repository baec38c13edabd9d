#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_list_json.sh - list_json.sh, with a netd that does the work.
export KVT_NETD=1
# shellcheck source-path=SCRIPTDIR source=list_json.sh
. "$(dirname "$0")/list_json.sh"
