/* SPDX-License-Identifier: GPL-2.0-or-later */
/* desired.h - the state that a host should be in for a network to be up, or down. */
#ifndef KVN_DESIRED_H
#define KVN_DESIRED_H

#include "context.h"

/* A network's elements in the firewall's sets; pure.  False: it has none. */
bool kvn_desired_firewall(const struct kvn_network *net, struct kvn_firewall *ret);

/* The same for every network that is up but @except (NULL: none), from their records; *ret is the caller's to free. */
int kvn_desired_firewalls(const struct kvn *kvn, const char *except, struct kvn_firewall **ret, size_t *ret_n,
			  struct kvn_error *err);

/* What the host should hold with @net (resolved) up.  Pure but for paths: guests' ports, and what a bridged network takes
 * over from its uplink, follow @have; @resolvers are the host's. */
int kvn_desired_up(const struct kvn *kvn, const struct kvn_network *net, const struct kvn_state *have,
		   const struct kvn_ip *resolvers, size_t n_resolvers, struct kvn_state *ret, struct kvn_error *err);

/* What it should hold with @net down: nothing, but for a bridged network's uplink, which has again what the bridge had, and
 * with @is_parked for guests' ports, which wait beside the bridge for the next start. */
int kvn_desired_down(const struct kvn_network *net, const struct kvn_state *have, bool is_parked, struct kvn_state *ret,
		     struct kvn_error *err);

#endif
