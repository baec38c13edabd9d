/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network.h - what the verbs of a network share: enter it, look at it, lead it from one definition to another. */
#ifndef KVN_NETWORK_H
#define KVN_NETWORK_H

#include "context.h"
#include "plan.h"

/* Begin a change of @name: check the name and the privilege, take its lock, finish what a killed command began, forget
 * ports whose link is gone.  Returns the lock, for kvn_network_leave(), or a negative errno. */
int kvn_network_enter(struct kvn *kvn, const char *name, struct kvn_error *err);
void kvn_network_leave(struct kvn *kvn, const char *name, int *lock);

/* A step from one definition to another, either of which may be missing: down. */
struct kvn_transition {
	const char *name;
	const struct kvn_network *old; /* it is up with this (from its record); NULL: down */
	const struct kvn_network *net; /* it shall be up with this; NULL: down */
	const char *old_text; /* the definition's file before and after; NULL: none.  Both NULL: leave it */
	const char *text;
	bool is_parked; /* going down: guests' ports wait for the next start */
	bool is_forgotten; /* its leases and the subnets that it was given go with it */
	bool is_dry; /* plan only */
	json_t **ret_plan; /* NULL: not asked for */
};

/* Plan the step and, unless it is dry, make it.  The caller holds the network's lock. */
int kvn_network_change(struct kvn *kvn, const struct kvn_transition *step, struct kvn_error *err);

/* Fill in what is still "auto" in @net, or check what was given, and keep the choice for a definition that leaves it open.
 * Returns the subnets' lock, to be held until the definition or record is on disk. */
int kvn_network_settle(struct kvn *kvn, struct kvn_network *net, bool is_kept, struct kvn_error *err);

/* Bring @name up by its definition, or as it should be when it is up; the caller holds its lock.  @ret, if not NULL, is
 * the definition that it is up with, to be cleared by the caller. */
int kvn_network_start(struct kvn *kvn, const char *name, struct kvn_network *ret, struct kvn_error *err);

/* Take it down if it is on-demand and its last port has left; the caller holds its lock. */
int kvn_network_idle(struct kvn *kvn, const char *name, struct kvn_error *err);

/* Take ports off @name whose guest was killed and whose tap, somebody's persistent one, stays; the caller holds its lock. */
int kvn_network_release_abandoned(struct kvn *kvn, const char *name, struct kvn_error *err);

/* How many guests' ports are on @net, whether parked or not. */
int kvn_network_count_ports(struct kvn *kvn, const struct kvn_network *net, size_t *ret,
			    char ret_first[static IFNAMSIZ], struct kvn_error *err);

/* What keeps @net, which is up, from being as it should be: an op each. */
int kvn_network_damage(struct kvn *kvn, const struct kvn_network *net, struct kvn_plan *ret, struct kvn_error *err);

/* The resolvers that networks which name none forward to. */
int kvn_network_resolvers(const struct kvn *kvn, struct kvn_ip ret[static KVN_UPSTREAM_MAX], size_t *ret_n,
			  struct kvn_error *err);

#endif
