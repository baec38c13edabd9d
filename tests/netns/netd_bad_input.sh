#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_bad_input.sh - bad_input.sh, with a netd that does the work.
export KVT_NETD=1
# shellcheck source-path=SCRIPTDIR source=bad_input.sh
. "$(dirname "$0")/bad_input.sh"
