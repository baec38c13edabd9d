/* SPDX-License-Identifier: GPL-2.0-or-later */
/* settings.h - kvnet.yaml: what holds for the whole host. */
#ifndef KVN_SETTINGS_H
#define KVN_SETTINGS_H

#include "document.h"

struct kvn_settings {
	struct kvn_cidr pool; /* where "auto" looks for a /24; default 10.213.0.0/16 */
	struct kvn_cidr pool6; /* where "auto" looks for a /64; AF_UNSPEC: the host's own ULA /48 */
	char default_network[KVN_NAME_MAX + 1]; /* for the hooks; "": none */
	struct kvn_ip upstream[KVN_UPSTREAM_MAX]; /* resolvers for networks that name none */
	size_t n_upstream; /* 0: the host's */
	unsigned max_ports; /* that a user without privilege may have open through netd */
};

/* Read @text (NULL: the defaults).  -EINVAL "FILE:LINE: key 'pool': ..." */
int kvn_settings_parse(const char *text, const char *file, struct kvn_settings *ret, struct kvn_error *err);

#endif
