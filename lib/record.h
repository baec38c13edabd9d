/* SPDX-License-Identifier: GPL-2.0-or-later */
/* record.h - which networks are up, and with which definition: taking down undoes what was done, not what a file says now. */
#ifndef KVN_RECORD_H
#define KVN_RECORD_H

#include "context.h"

/* The text of the record of @net (resolved); *ret is the caller's to free. */
int kvn_record_format(const struct kvn_network *net, char **ret, struct kvn_error *err);
/* The definition that @network is up with; kvn_network_clear() it.  -ENOENT it is down */
int kvn_record_read(const struct kvn *kvn, const char *network, struct kvn_network *ret, struct kvn_error *err);
/* The same where down is no error: *ret_is_up says which.  A damaged record counts as none: the kernel is the truth. */
int kvn_record_find(const struct kvn *kvn, const char *network, struct kvn_network *ret, bool *ret_is_up,
		    struct kvn_error *err);
bool kvn_record_exists(const struct kvn *kvn, const char *network);

/* Names of the networks that are up, sorted, with @is_begun those too that a killed command left a journal of; *ret is the
 * caller's to free. */
int kvn_record_dump(const struct kvn *kvn, bool is_begun, char (**ret)[KVN_NAME_MAX + 1], size_t *ret_n,
		    struct kvn_error *err);
/* Is no network but @network up? Stops at the first other. */
int kvn_record_others(const struct kvn *kvn, const char *network, bool *ret_is_last, struct kvn_error *err);

/* Why a network could not be brought up when nobody was there to be told; "" or NULL: it could, or was not to be.
 * kvn_record_problem(): NULL when there is none, else the caller's to free. */
void kvn_record_set_problem(const struct kvn *kvn, const char *network, const char *message);
char *kvn_record_problem(const struct kvn *kvn, const char *network);

#endif
