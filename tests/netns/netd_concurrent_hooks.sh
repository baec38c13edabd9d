#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# netd_concurrent_hooks.sh - concurrent_hooks.sh, with a netd that does the work.
export KVT_NETD=1
# shellcheck source-path=SCRIPTDIR source=concurrent_hooks.sh
. "$(dirname "$0")/concurrent_hooks.sh"
