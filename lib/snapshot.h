/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot.h - what the host holds of a network now; reads, and changes nothing. */
#ifndef KVN_SNAPSHOT_H
#define KVN_SNAPSHOT_H

#include "context.h"

/* Everything of @net (resolved) that the host holds, appended to @ret: its record, its bridge if that is ours, addresses,
 * ports, firewall elements, claims, dnsmasq; for a bridged network the uplink's addresses and routes too.  Constant in the
 * number of other networks, but for a scan of all links for the bridge's ports.  @is_close: of the firewall see what the
 * rules say, too (kvn_firewall_get()). */
int kvn_snapshot(struct kvn *kvn, const struct kvn_network *net, bool is_close, struct kvn_state *ret,
		 struct kvn_error *err);

/* The links on the bridge @net as ports; appended to @ret. */
int kvn_snapshot_ports(struct kvn *kvn, const struct kvn_network *net, struct kvn_state *ret, struct kvn_error *err);

/* One link as a port of @network, with what its record says; the second where the link is known already.  -ENODEV */
int kvn_snapshot_port(struct kvn *kvn, const char *network, const char *ifname, struct kvn_port *ret,
		      struct kvn_error *err);
int kvn_snapshot_link_port(struct kvn *kvn, const char *network, const struct kvn_link_info *info, struct kvn_port *ret,
			   struct kvn_error *err);

#endif
