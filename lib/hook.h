/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hook.h - what QEMU's hooks ask for, with all that they know: for who does it in another process. */
#ifndef KVN_HOOK_H
#define KVN_HOOK_H

#include "context.h"

struct kvn_hook {
	const char *program; /* the name that the hook was run under */
	const char *ifname;
	const char *network; /* KVNET_NETWORK; NULL or "": not set */
	pid_t pid; /* QEMU's */
};

int kvn_hook_attach(struct kvn *kvn, const struct kvn_hook *hook, struct kvn_error *err);
/* Gone already, with its network or without, is no error. */
int kvn_hook_detach(struct kvn *kvn, const struct kvn_hook *hook, struct kvn_error *err);

#endif
