/* SPDX-License-Identifier: GPL-2.0-or-later */
/* subnet.h - addresses that collide with nothing: what "auto" becomes, and why a given subnet will not do. */
#ifndef KVN_SUBNET_H
#define KVN_SUBNET_H

#include "context.h"

/* Turn AUTO addresses of @net into given ones, and refuse given ones that share an address with something else: any
 * address or route (of any table) in this network namespace that is not the network's own, any other network's definition,
 * up or down.  A default route, or the halves that VPNs make of one, collides with nothing.  The caller holds the
 * subnets' lock until the choice is on disk.  -EADDRINUSE names the other   -EADDRNOTAVAIL the pool is used up */
int kvn_subnet_settle(struct kvn *kvn, struct kvn_network *net, struct kvn_error *err);

/* The same for given addresses against the namespace alone, for a network about to start whose definition stands.  */
int kvn_subnet_check(struct kvn *kvn, const struct kvn_network *net, struct kvn_error *err);

/* Keep, and find again, what "auto" became for a network whose definition says just that. */
int kvn_subnet_remember(const struct kvn *kvn, const struct kvn_network *net, struct kvn_error *err);
int kvn_subnet_recall(const struct kvn *kvn, struct kvn_network *net, struct kvn_error *err);

#endif
