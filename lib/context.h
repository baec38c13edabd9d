/* SPDX-License-Identifier: GPL-2.0-or-later */
/* context.h - what every call shares: where files live, and the kernel's sockets. */
#ifndef KVN_CONTEXT_H
#define KVN_CONTEXT_H

#include <limits.h>

#include "kernel.h"
#include "remote.h"
#include "settings.h"

#define KVN_PATH_MAX 256 /* bytes of a path that kvnet makes, with the terminator */
#define KVN_DIR_MAX 160 /* bytes of one of the three directories, so that everything below fits */

struct kvn {
	char config_dir[KVN_DIR_MAX]; /* definitions, kvnet.yaml */
	char runtime_dir[KVN_DIR_MAX]; /* gone at boot: locks, journals, what is up */
	char state_dir[KVN_DIR_MAX]; /* leases, identities */
	struct kvn_kernel kernel;
	struct kvn_remote remote;
};

typedef char kvn_path[KVN_PATH_MAX];

/* Where things are.  Each fills @path and returns it; the directories exist only once something is in them. */
const char *kvn_path_definition(const struct kvn *kvn, const char *network, kvn_path path);
const char *kvn_path_definitions(const struct kvn *kvn, kvn_path path);
const char *kvn_path_settings(const struct kvn *kvn, kvn_path path);
const char *kvn_path_runtime(const struct kvn *kvn, const char *network, kvn_path path);
/* The definition, resolved, that the network is up with; it is up, or on its way, while this file is there. */
const char *kvn_path_record(const struct kvn *kvn, const char *network, kvn_path path);
const char *kvn_path_journal(const struct kvn *kvn, const char *network, kvn_path path);
const char *kvn_path_ports(const struct kvn *kvn, const char *network, kvn_path path);
const char *kvn_path_claim(const struct kvn *kvn, const char *key, kvn_path path);
/* What "auto" came out as for a network whose definition leaves it open. */
const char *kvn_path_identity(const struct kvn *kvn, const char *network, kvn_path path);
/* An empty file while libvirt knows the network, or may: kvnet-virt makes it before it tells libvirt, and it stays until libvirt
 * has surely forgotten.  "": the folder of all. */
const char *kvn_path_registration(const struct kvn *kvn, const char *network, kvn_path path);
/* What a take-over is putting in ours' place; there while it is under way, or was interrupted. */
const char *kvn_path_take_over(const struct kvn *kvn, const char *network, kvn_path path);
void kvn_path_dnsmasq(const struct kvn *kvn, const char *network, struct kvn_dnsmasq_paths *ret);

/* kvnet.yaml, or the defaults when there is none. */
int kvn_context_settings(const struct kvn *kvn, struct kvn_settings *ret, struct kvn_error *err);

/* ---- lock.c ---- */

/* Take a lock that lives as long as the returned descriptor; waits for its holder.  A network's guards everything about it;
 * the host's guards what networks share (the firewall's tables, host-wide sysctls) and is taken last and held shortly. */
int kvn_lock_network(const struct kvn *kvn, const char *network, struct kvn_error *err);
int kvn_lock_host(const struct kvn *kvn, struct kvn_error *err);
/* The choice of subnets: held from the choice until it is on disk.  Order: network, subnets, host. */
int kvn_lock_subnets(const struct kvn *kvn, struct kvn_error *err);
/* Let go of a network's lock; its file goes too when the network is down, so that nothing is left. */
void kvn_unlock_network(const struct kvn *kvn, const char *network, int *fd);

#endif
