/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remote.h - have netd, where it runs, do what a call asks for. */
#ifndef KVN_REMOTE_H
#define KVN_REMOTE_H

#include "varlink.h"

#define KVN_REMOTE_INTERFACE "io.kvnet.Network"

/* A context's way to netd; found out about at first use. */
struct kvn_remote {
	enum { KVN_REMOTE_UNTRIED, KVN_REMOTE_NONE, KVN_REMOTE_OPEN } state;
	struct kvn_varlink link;
};

/* Where netd listens: KVNET_SOCKET, or netd.sock in the runtime directory.  False: KVNET_SOCKET says never to ask it. */
bool kvn_remote_path(const struct kvn *kvn, char ret[static 108]);

/* Is there a netd that keeps the networks of this context: same network namespace and, for root, same directories? */
bool kvn_remote_has(struct kvn *kvn);
/* Never ask one: for netd itself. */
void kvn_remote_forgo(struct kvn *kvn);

/* Call "io.kvnet.Network.@method".  @parameters is taken over, also on failure; NULL is no memory.  @ret, if not NULL, is
 * the reply's parameters, the caller's.  Errors are netd's, in its words.  -EPIPE it went away in between */
int kvn_remote_call(struct kvn *kvn, const char *method, json_t *parameters, json_t **ret, struct kvn_error *err);
/* The same for a reply that brings descriptors, the caller's: *ret_n of at most @size. */
int kvn_remote_call_fds(struct kvn *kvn, const char *method, json_t *parameters, json_t **ret, int *fds, size_t size,
			size_t *ret_n, struct kvn_error *err);
/* The same for one field of the reply, the caller's. */
int kvn_remote_ask(struct kvn *kvn, const char *method, json_t *parameters, const char *field, json_t **ret,
		   struct kvn_error *err);

/* For a stream (io.kvnet.Network.Monitor): begin it, then wait for each reply's parameters. */
int kvn_remote_begin(struct kvn *kvn, const char *method, json_t *parameters, struct kvn_error *err);
int kvn_remote_next(struct kvn *kvn, json_t **ret, struct kvn_error *err);

/* This thread's network namespace: "DEVICE:INODE". */
void kvn_remote_netns(char ret[static 48]);

void kvn_remote_close(struct kvn_remote *remote);

#endif
