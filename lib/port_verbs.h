/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port_verbs.h - what the port verbs and the hooks share.  The caller of attach and release holds the network's lock. */
#ifndef KVN_PORT_VERBS_H
#define KVN_PORT_VERBS_H

#include "context.h"

/* Put link @ifname on @name, which is started when it is down; @pid and @uid, when @pid is not 0, are who asked for it. */
int kvn_port_attach(struct kvn *kvn, const char *name, const char *ifname, pid_t pid, uint32_t uid,
		    struct kvn_error *err);
/* Take it off, gone already or not, and stop an on-demand network that it was the last port of. */
int kvn_port_release(struct kvn *kvn, const char *name, const char *ifname, struct kvn_error *err);
/* The network that @ifname is a port of: by its alias, or by its record when it is gone.  -ENOENT none */
int kvn_port_network(struct kvn *kvn, const char *ifname, char ret[static KVN_NAME_MAX + 1], struct kvn_error *err);

#endif
