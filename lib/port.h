/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port.h - what is known of a network's ports besides what the kernel shows: who asked for each. */
#ifndef KVN_PORT_H
#define KVN_PORT_H

#include "context.h"

/* Write, read and remove the record RUNTIME/networks/NETWORK/ports/IFNAME.  -ENOENT there is none */
int kvn_port_record(const struct kvn *kvn, const struct kvn_port *port, struct kvn_error *err);
int kvn_port_recall(const struct kvn *kvn, const char *network, const char *ifname, struct kvn_port *ret,
		    struct kvn_error *err);
int kvn_port_forget(const struct kvn *kvn, const char *network, const char *ifname, struct kvn_error *err);

/* The links that have a record, whether they still are or not; *ret is the caller's to free. */
int kvn_port_recorded(const struct kvn *kvn, const char *network, char (**ret)[IFNAMSIZ], size_t *ret_n,
		      struct kvn_error *err);

#endif
