/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store.h - the definitions on disk. */
#ifndef KVN_STORE_H
#define KVN_STORE_H

#include "context.h"
#include "definition.h"

/* Read the definition of @network, resolved but for an "auto" that was never settled; kvn_network_clear() *ret.  @ret_text,
 * if not NULL, is the file as it stands, the caller's to free.
 * -ENOENT no such network   -EINVAL what is wrong with it, file and line */
int kvn_store_read(const struct kvn *kvn, const char *network, char **ret_text, struct kvn_network *ret,
		   struct kvn_error *err);

/* The same from a document that is not on disk yet. */
int kvn_store_resolve(const struct kvn *kvn, const struct kvn_document *doc, const char *network,
		      struct kvn_network *ret, struct kvn_error *err);

bool kvn_store_exists(const struct kvn *kvn, const char *network);

/* Names of all definitions, sorted; *ret is the caller's to free. */
int kvn_store_dump(const struct kvn *kvn, char (**ret)[KVN_NAME_MAX + 1], size_t *ret_n, struct kvn_error *err);

#endif
