/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply.h - run a plan; take it back when a step fails; finish what a killed process began to. */
#ifndef KVN_APPLY_H
#define KVN_APPLY_H

#include "context.h"
#include "plan.h"

/* Run @plan for @network, whose lock the caller holds.  When a step fails, it and those before it are undone in reverse
 * order, and the first error is the one that is told; should an undo fail too, its words are appended. */
int kvn_apply(struct kvn *kvn, const char *network, const struct kvn_plan *plan, struct kvn_error *err);

/* Undo what the journal of @network says was begun, if there is one: whoever wrote it was killed.  The caller holds the
 * network's lock. */
int kvn_apply_recover(struct kvn *kvn, const char *network, struct kvn_error *err);

#endif
