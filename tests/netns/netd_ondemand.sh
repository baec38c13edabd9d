#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_ondemand.sh - ondemand.sh, with a netd that does the work.
export KVT_NETD=1
# shellcheck source-path=SCRIPTDIR source=ondemand.sh
. "$(dirname "$0")/ondemand.sh"
