/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine.h - which program runs the guest behind a tap.  Source: Documentation/filesystems/proc.rst (cmdline, fdinfo of tun) */
#ifndef KVN_ENGINE_H
#define KVN_ENGINE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct kvn_error;

enum kvn_engine_kind {
	KVN_ENGINE_QEMU,
	KVN_ENGINE_LIBVIRT,
	KVN_ENGINE_FIRECRACKER,
	KVN_ENGINE_CLOUD_HYPERVISOR,
	KVN_ENGINE_OTHER
};

struct kvn_engine {
	enum kvn_engine_kind kind;
	pid_t pid; /* of the guest's process; libvirt's guests are QEMU processes */
	uint32_t uid; /* whose it is */
	char domain[256]; /* UTF-8; the guest's name as its engine has it; "": it has none */
};

/* "qemu", "libvirt", "firecracker", "cloud-hypervisor", "other". */
const char *kvn_engine_format(enum kvn_engine_kind kind);

/* Tell what process @pid is.  -ESRCH there is no such process   -ENOMEM */
int kvn_engine_get(pid_t pid, struct kvn_engine *ret, struct kvn_error *err);

/* Who holds which tap, as one look at /proc saw it. */
struct kvn_holders;

/* Look at every process of this network namespace.  Those whose descriptors we may not see (another user's, without
 * CAP_SYS_PTRACE) are known by the MAC addresses on their command lines instead, in so far as these are there.  -ENOMEM */
int kvn_holders_open(struct kvn_holders **ret, struct kvn_error *err);
/* The process that holds tap @ifname, whose own address @lladdr is the guest's but for the first byte (as QEMU's bridge
 * helper, libvirt and kvnet give it); 0: nobody is known. */
pid_t kvn_holders_find(const struct kvn_holders *holders, const char *ifname, const uint8_t lladdr[static 6]);
/* NULL is fine. */
void kvn_holders_close(struct kvn_holders *holders);

/* The MAC address of the guest's NIC behind a tap with address @lladdr, from the command line of @pid; false: not there. */
bool kvn_engine_find_mac(pid_t pid, const uint8_t lladdr[static 6], uint8_t ret[static 6]);

#endif
