/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_check.h - can this host carry the network? Asked before anything is touched. */
#ifndef KVN_HOST_CHECK_H
#define KVN_HOST_CHECK_H

#include "context.h"

/* -EPERM without CAP_NET_ADMIN in effect. */
int kvn_host_check_privilege(struct kvn_error *err);

/* Is the bridge's name free or ours, is the uplink there and fit to be one?  -EEXIST -ENODEV -EINVAL -EBUSY */
int kvn_host_check_links(struct kvn *kvn, const struct kvn_network *net, struct kvn_error *err);

#endif
