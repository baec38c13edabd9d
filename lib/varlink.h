/* SPDX-License-Identifier: GPL-2.0-or-later */
/* varlink.h - one end of a varlink connection: JSON objects, each ended by a NUL, over a stream socket, with file
 * descriptors beside them.  Source: varlink.org "Protocol", unix(7) SCM_RIGHTS. */
#ifndef KVN_VARLINK_H
#define KVN_VARLINK_H

#include "error.h"

#define KVN_VARLINK_MAX (8U << 20) /* bytes of one message: a definition's text of a megabyte, however it is escaped */
#define KVN_VARLINK_FDS 64U /* descriptors beside one message */

struct kvn_varlink_message; /* one on its way out */

struct kvn_varlink {
	int fd; /* -1: none */
	char *in; /* what has come and is not taken yet */
	size_t n_in, size_in, n_scanned; /* the first n_scanned hold no end of a message */
	size_t max; /* bytes of a message that is taken: KVN_VARLINK_MAX, or less */
	int in_fds[KVN_VARLINK_FDS];
	size_t n_in_fds;
	struct kvn_varlink_message *out, *out_last;
	size_t n_out; /* bytes queued */
};

/* @fd is the connection's from now on. */
void kvn_varlink_init(struct kvn_varlink *link, int fd);
/* Close it and release what is queued either way. */
void kvn_varlink_clear(struct kvn_varlink *link);

/* Queue @message, and @fds to be received with its first byte; they are the connection's, also on failure.  -ENOMEM -E2BIG */
int kvn_varlink_put(struct kvn_varlink *link, const json_t *message, const int *fds, size_t n_fds,
		    struct kvn_error *err);
/* Send what is queued.  -EAGAIN the peer does not read: some is left   -EPIPE it is gone */
int kvn_varlink_flush(struct kvn_varlink *link, struct kvn_error *err);

/* The next whole message, the caller's.  -EAGAIN it has not come yet (a socket that does not block)   -EPIPE the peer has
 * closed   -EBADMSG not a JSON object   -EMSGSIZE longer than link->max */
int kvn_varlink_get(struct kvn_varlink *link, json_t **ret, struct kvn_error *err);
/* Descriptors that have come so far, at most @size; they are the caller's.  Returns how many. */
size_t kvn_varlink_take_fds(struct kvn_varlink *link, int *fds, size_t size);

#endif
