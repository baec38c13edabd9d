/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virt.h - kvnet beside libvirt: our networks known to it, its domains driven.  Linked by kvnet-virt alone, since libvirt's
 * libraries take 8-16 ms to load.
 *
 * Errors are libvirt's own words after "libvirt: ".  Common ones: -ECONNREFUSED no connection   -ENOENT there is no such domain
 * or network   -EACCES not allowed   -EEXIST   -EINVAL libvirt refuses it; any other failure of libvirt is -EIO.
 * Source: libvirt's reference manual, libvirt-domain and libvirt-network.
 */
#ifndef KVN_VIRT_H
#define KVN_VIRT_H

#include "kvnet.h"

struct kvn_virt;

/* Called before each call that libvirtd has to answer, with the seconds that it may take: arms whatever ends the wait. */
typedef void kvn_virt_limit(unsigned seconds);

/* Connect to KVNET_LIBVIRT_URI, or qemu:///system. */
int kvn_virt_open(kvn_virt_limit *limit, struct kvn_virt **ret, struct kvn_error *err);
/* NULL is fine. */
void kvn_virt_close(struct kvn_virt *virt);

/* ---- network.c: networks ---- */

/* Make libvirt know the network @name, whose definition is @network (as kvn_definition() gives it), as one of the same name over
 * its bridge: defined, autostarted, and active if @is_up.  One that is known already is made so; a failure leaves libvirt as
 * it was.  -EEXIST libvirt has a network of that name that is not ours */
int kvn_virt_register(struct kvn_virt *virt, const char *name, const json_t *network, bool is_up,
		      struct kvn_error *err);
/* Take it from libvirt again; one that is not there, or not ours, is left alone. */
int kvn_virt_unregister(struct kvn_virt *virt, const char *name, struct kvn_error *err);
/* A network of libvirt's, whole. */
struct kvn_virt_network {
	char *name, *xml; /* owned */
	bool is_active, is_autostarted;
	bool is_persistent; /* false: it is gone when it stops */
	bool is_ours; /* one that kvn_virt_register() made */
};

int kvn_virt_network_get(struct kvn_virt *virt, const char *name, struct kvn_virt_network *ret, struct kvn_error *err);
/* Stop it and remove its definition. */
int kvn_virt_network_del(struct kvn_virt *virt, const char *name, struct kvn_error *err);
/* Define it again, and start it if it was active; one that was not persistent is only started. */
int kvn_virt_network_add(struct kvn_virt *virt, const struct kvn_virt_network *network, struct kvn_error *err);
void kvn_virt_network_clear(struct kvn_virt_network *network);
/* The XML of libvirt's network @name as it is defined, and whether it is active; *ret is the caller's to free. */
int kvn_virt_network_xml(struct kvn_virt *virt, const char *name, char **ret, bool *ret_is_active,
			 struct kvn_error *err);

/* ---- domain.c: domains ---- */

enum kvn_virt_action {
	KVN_VIRT_START,
	KVN_VIRT_SHUTDOWN,
	KVN_VIRT_REBOOT,
	KVN_VIRT_DESTROY,
	KVN_VIRT_SUSPEND,
	KVN_VIRT_RESUME,
	KVN_VIRT_UNDEFINE,
	KVN_VIRT_AUTOSTART,
	KVN_VIRT_NO_AUTOSTART
};

/* Do it to the domain @name (a name, a UUID, or a running one's number). */
int kvn_virt_domain_act(struct kvn_virt *virt, const char *name, enum kvn_virt_action action, struct kvn_error *err);
/* Define the domain that @xml describes; @ret_name is its name, the caller's to free. */
int kvn_virt_domain_define(struct kvn_virt *virt, const char *xml, char **ret_name, struct kvn_error *err);
/* An array of {id, name, state}; id null and state "shut off" when it does not run, which only @is_all lists. */
int kvn_virt_domain_list(struct kvn_virt *virt, bool is_all, json_t **ret, struct kvn_error *err);
/* {name, uuid, id, state, vcpus, memory_kib, max_memory_kib, persistent, autostart}. */
int kvn_virt_domain_info(struct kvn_virt *virt, const char *name, json_t **ret, struct kvn_error *err);
/* Its XML: as it runs, or with @is_inactive as it is defined, with its secrets, as an editor needs it. */
int kvn_virt_domain_xml(struct kvn_virt *virt, const char *name, bool is_inactive, char **ret, struct kvn_error *err);
/* {display}: "HOST:NUMBER" of its VNC server, or null. */
int kvn_virt_domain_vnc(struct kvn_virt *virt, const char *name, json_t **ret, struct kvn_error *err);

/* ---- nic.c: domains' NICs ---- */

enum kvn_virt_where {
	KVN_VIRT_LIVE = 1, /* the domain that runs */
	KVN_VIRT_CONFIG = 1 << 1 /* its definition */
};

/* An array of {mac, model, type, source, ifname}: each NIC's; ifname is the tap, null while the domain does not run. */
int kvn_virt_nic_dump(struct kvn_virt *virt, const char *domain, json_t **ret, struct kvn_error *err);
/* Ask the domain's guest agent: an array of {mac, addresses: ["10.9.0.7/24", ...]}.  -EIO there is none. */
int kvn_virt_nic_ask(struct kvn_virt *virt, const char *domain, json_t **ret, struct kvn_error *err);

struct kvn_virt_nic {
	const char *bridge; /* the network's */
	const char *network; /* libvirt's network of that bridge; NULL: it is not registered */
	uint8_t mac[6];
	const char *model; /* "virtio" */
	unsigned where; /* enum kvn_virt_where; 0: where the domain is, running or defined or both */
};

/* Is the network @name one that is registered? */
int kvn_virt_is_registered(struct kvn_virt *virt, const char *name, bool *ret, struct kvn_error *err);
/* Plug a NIC into the domain, and take the one with that MAC out; when a second place refuses, the first is taken back. */
int kvn_virt_nic_attach(struct kvn_virt *virt, const char *domain, const struct kvn_virt_nic *nic,
			struct kvn_error *err);
int kvn_virt_nic_detach(struct kvn_virt *virt, const char *domain, const uint8_t mac[static 6], unsigned where,
			struct kvn_error *err);

#endif
