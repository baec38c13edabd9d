/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remote_verbs.h - the verbs of kvnet.h as calls to netd, for contexts of which kvn_remote_has() is true. */
#ifndef KVN_REMOTE_VERBS_H
#define KVN_REMOTE_VERBS_H

#include "hook.h"
#include "remote.h"

/* "Create" or "Set". */
int kvn_remote_change(struct kvn *kvn, const char *method, const char *name, const struct kvn_input *input,
		      unsigned flags, json_t **ret_plan, struct kvn_error *err);
/* "Start", "Stop" or "Delete". */
int kvn_remote_name(struct kvn *kvn, const char *method, const char *name, unsigned flags, struct kvn_error *err);
int kvn_remote_converge(struct kvn *kvn, const char *name, bool is_all, unsigned flags, json_t **ret_plan,
			struct kvn_error *err);
/* "Detach" or "DeletePort". */
int kvn_remote_ifname(struct kvn *kvn, const char *method, const char *ifname, struct kvn_error *err);
int kvn_remote_port_add(struct kvn *kvn, const char *name, char ifname[static IFNAMSIZ],
			const struct kvn_port_options *options, struct kvn_error *err);
int kvn_remote_port_open(struct kvn *kvn, const char *name, const struct kvn_open_options *options,
			 struct kvn_open_port *ret, struct kvn_error *err);
/* "HookUp" or "HookDown". */
int kvn_remote_hook(struct kvn *kvn, const char *method, const struct kvn_hook *hook, struct kvn_error *err);
/* "Ports" or "Leases", of all networks when @name is NULL: the field of that name in small letters. */
int kvn_remote_list(struct kvn *kvn, const char *method, const char *field, const char *name, json_t **ret,
		    struct kvn_error *err);

#endif
