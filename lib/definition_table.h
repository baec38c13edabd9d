/* SPDX-License-Identifier: GPL-2.0-or-later */
/* definition_table.h - what the parts of definition.h share: the table of keys, and checks that name the key they are about. */
#ifndef KVN_DEFINITION_TABLE_H
#define KVN_DEFINITION_TABLE_H

#include "definition.h"
#include "field.h"

/* The definition's keys, and those of one item of "hosts". */
const struct kvn_fields *kvn_definition_table(void);

/* Which key a check found wanting. */
struct kvn_blame {
	const char *path; /* "ipv4.dhcp" */
	size_t item; /* of a sequence, from 0 */
	bool is_item;
};

/* kvn_definition_check() with the key told apart from the message, which does not name it.  -EINVAL -ENOMEM */
int kvn_definition_examine(const struct kvn_network *net, struct kvn_blame *ret, struct kvn_error *err);

/* What the model says of addresses that the definition does not mention: UNSET becomes AUTO or NONE. */
void kvn_definition_default_addresses(struct kvn_network *net);

/* Who of the host guests reach when the definition does not say. */
enum kvn_host_access kvn_definition_host_access(const struct kvn_network *net);

/* The domain of a network whose definition names none: "NAME.internal". */
void kvn_definition_default_domain(const char *name, char ret[static KVN_DOMAIN_MAX + 1]);

#endif
