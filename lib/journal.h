/* SPDX-License-Identifier: GPL-2.0-or-later */
/* journal.h - the undo of every step that was begun, on disk before the step: what a killed process leaves to the next. */
#ifndef KVN_JOURNAL_H
#define KVN_JOURNAL_H

#include "context.h"
#include "plan.h"

/* Open the journal of @network, making its runtime directory; *ret_fd is the caller's to close.  The caller holds the
 * network's lock and has replayed an older journal. */
int kvn_journal_open(const struct kvn *kvn, const char *network, int *ret_fd, struct kvn_error *err);
/* Note that @op is about to run. */
int kvn_journal_add(int fd, const struct kvn_op *op, struct kvn_error *err);
/* The plan ran to its end, or was taken back: nothing is left to undo.  Removes the runtime directory too when nothing
 * else is in it. */
int kvn_journal_close(const struct kvn *kvn, const char *network, struct kvn_error *err);
/* The ops that were begun, in the order in which they ran; none when there is no journal.  A last line that was cut short
 * belongs to a step that never began. */
int kvn_journal_read(const struct kvn *kvn, const char *network, struct kvn_plan *ret, struct kvn_error *err);

#endif
