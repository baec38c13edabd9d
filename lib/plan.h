/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan.h - the ordered difference between two states; pure. */
#ifndef KVN_PLAN_H
#define KVN_PLAN_H

#include "state.h"

/* One step.  had alone: it goes.  want alone: it comes.  Both: it changes.  Swapped, it is its own undo. */
struct kvn_op {
	enum kvn_object object;
	bool has_had, has_want;
	struct kvn_item had, want; /* owned */
};

struct kvn_plan {
	struct kvn_op *ops; /* owned, in the order in which they run */
	size_t n;
};

/* What leads from @have to @want: additions and changes by object, in the order of @want; then deletions, in the reverse
 * order of @have.  -ENOMEM */
int kvn_plan_make(const struct kvn_state *have, const struct kvn_state *want, struct kvn_plan *ret,
		  struct kvn_error *err);
void kvn_plan_clear(struct kvn_plan *plan);

/* ---- plan_text.c ---- */

/* The step as the command that a person would type: "ip link add nat0 type bridge ..."; several lines where it takes
 * several commands, each ended by a newline.  *ret is the caller's to free.  -ENOMEM */
int kvn_op_format(const struct kvn_op *op, char **ret, struct kvn_error *err);
/* "add", "set", "delete", and "adopt" for a port that others put on the bridge; and what it is about: "link nat0". */
const char *kvn_op_verb(const struct kvn_op *op);
const char *kvn_op_object(const struct kvn_op *op, char text[static 128]);

#endif
