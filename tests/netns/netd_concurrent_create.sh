#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_concurrent_create.sh - concurrent_create.sh, with a netd that does the work.
export KVT_NETD=1
# shellcheck source-path=SCRIPTDIR source=concurrent_create.sh
. "$(dirname "$0")/concurrent_create.sh"
