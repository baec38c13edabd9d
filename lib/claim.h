/* SPDX-License-Identifier: GPL-2.0-or-later */
/* claim.h - host-wide sysctls that are on while a network needs them, and as they were before when none does. */
#ifndef KVN_CLAIM_H
#define KVN_CLAIM_H

#include "context.h"

#define KVN_CLAIM_FORWARD4 "net.ipv4.ip_forward"
#define KVN_CLAIM_FORWARD6 "net.ipv6.conf.all.forwarding"

/* Does @network hold a claim on @key, and is the setting on now? */
int kvn_claim_get(const struct kvn *kvn, const char *key, const char *network, bool *ret_is_held, bool *ret_is_on,
		  struct kvn_error *err);

/* Switch @key on for @network, remembering how the host had it.  Switching on IPv6 forwarding makes the kernel ignore
 * router advertisements, and with them drop the host's default route: interfaces that took them keep taking them
 * (accept_ra 2).  Held already is no error. */
int kvn_claim_add(const struct kvn *kvn, const char *key, const char *network, struct kvn_error *err);

/* Give @key up; with the last network that needed it the host's own setting comes back.  Not held is no error. */
int kvn_claim_del(const struct kvn *kvn, const char *key, const char *network, struct kvn_error *err);

#endif
