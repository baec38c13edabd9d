/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watches.h - inotify on the folders that say what networks do; news only says which networks to look at. */
#ifndef KVN_WATCHES_H
#define KVN_WATCHES_H

#include "context.h"

struct kvn_watch;

struct kvn_watches {
	const struct kvn *kvn; /* the caller's */
	int fd; /* inotify's; readable when there is news.  -1: none */
	struct kvn_watch *items; /* owned */
	size_t n, size;
};

/* Watch CONFIG/networks, RUNTIME/networks and STATE/leases; for what is not there, the nearest folder above, so that its
 * coming is news.  @ret is the caller's to close, even after a failure.  -EMFILE   -EACCES none of them may be read */
int kvn_watches_open(struct kvn_watches *ret, const struct kvn *kvn, struct kvn_error *err);
/* Watch RUNTIME/networks/NETWORK and its ports/, where they are and may be read; watched already is fine.
 * -ENOSPC the host's limit on watches */
int kvn_watches_add(struct kvn_watches *watches, const char *network, struct kvn_error *err);
/* Take the news that there is, without waiting, into @touched: {NETWORK: true}, or {NETWORK: {IFNAME: true}} when it is only
 * of these ports' records.  *ret_is_all: look at every network, since a folder came or went, or news was lost. */
int kvn_watches_read(struct kvn_watches *watches, json_t *touched, bool *ret_is_all, struct kvn_error *err);
/* What open gave, or zeroed with fd -1. */
void kvn_watches_close(struct kvn_watches *watches);

#endif
