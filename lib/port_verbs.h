/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port_verbs.h - what the port verbs and the hooks share.  The caller of attach and release holds the network's lock. */
#ifndef KVN_PORT_VERBS_H
#define KVN_PORT_VERBS_H

#include "context.h"

/* Whose port it is. */
struct kvn_port_holder {
	pid_t pid;
	uint32_t uid;
	uint8_t mac[6]; /* the guest's; all zero: unknown */
	bool is_opened; /* the tap was made for him by kvn_port_open() */
};

/* Put link @ifname on @name, which is started when it is down; @holder NULL: unknown. */
int kvn_port_attach(struct kvn *kvn, const char *name, const char *ifname, const struct kvn_port_holder *holder,
		    struct kvn_error *err);
/* The network @name itself, or the one with a bridge of that name; else @name again, for whoever goes on to fail. */
int kvn_port_find_network(struct kvn *kvn, const char *name, char ret[static KVN_NAME_MAX + 1], struct kvn_error *err);
/* What the tap of guest @mac is called on the wire: as libvirt has it, above any NIC's, and not the guest's own. */
void kvn_port_lladdr(const uint8_t mac[static 6], uint8_t ret[static 6]);
/* A MAC of the kind that QEMU and libvirt give (52:54:00, locally administered) that nobody on the network is known to have. */
int kvn_port_choose_mac(struct kvn *kvn, const char *network, uint8_t mac[static 6], struct kvn_error *err);
/* A name that no link has: NETWORK-0, NETWORK-1, ... */
int kvn_port_choose_name(struct kvn *kvn, const char *network, char ifname[static IFNAMSIZ], struct kvn_error *err);
/* Take it off, gone already or not, and stop an on-demand network that it was the last port of. */
int kvn_port_release(struct kvn *kvn, const char *name, const char *ifname, struct kvn_error *err);
/* The same, and with it goes a tap that kvn_port_open() has made. */
int kvn_port_drop(struct kvn *kvn, const char *name, const char *ifname, struct kvn_error *err);
/* The network that @ifname is a port of: by its alias, or by its record when it is gone.  -ENOENT none */
int kvn_port_network(struct kvn *kvn, const char *ifname, char ret[static KVN_NAME_MAX + 1], struct kvn_error *err);

#endif
