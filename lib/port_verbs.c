/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port_verbs.c - attach, detach, port add, port delete. */
#include <errno.h>
#include <net/if_arp.h>
#include <string.h>

#include "apply.h"
#include "cidr.h"
#include "cleanup.h"
#include "definition.h"
#include "identity.h"
#include "network.h"
#include "port.h"
#include "port_verbs.h"
#include "record.h"
#include "remote_verbs.h"
#include "snapshot.h"

#define NAMES_MAX 100000U /* ports of one network that need no name */

static int run_one(struct kvn *kvn, const char *network, struct kvn_op *op, struct kvn_error *err)
{
	struct kvn_plan plan = {.ops = op, .n = 1};

	op->object = op->had.object = op->want.object = KVN_OBJECT_PORT;
	return kvn_apply(kvn, network, &plan, err);
}

/* The network's bridge as it is now; starts the network when it is down or has lost its bridge. */
static int ready(struct kvn *kvn, const char *name, struct kvn_network *ret, struct kvn_link_info *ret_bridge,
		 struct kvn_error *err)
{
	int r = kvn_record_read(kvn, name, ret, err);

	if (r == 0) {
		r = kvn_link_get(&kvn->kernel, ret->bridge, ret_bridge, err);
		if (r == 0 && ret_bridge->flags & IFF_UP)
			return 0;
		kvn_network_clear(ret);
	}
	r = kvn_network_start(kvn, name, ret, err);
	if (r < 0)
		return r;
	r = kvn_link_get(&kvn->kernel, ret->bridge, ret_bridge, err);
	if (r < 0)
		kvn_network_clear(ret);
	return r;
}

/* @kind is the link's.  A bridge that nobody gave a MAC takes the lowest of its ports': a tap's must be above any NIC's. */
static void place(const struct kvn_network *net, const struct kvn_link_info *bridge, const char *kind,
		  struct kvn_port *port)
{
	if (net->model == KVN_BRIDGED && strcmp(kind, "tun") == 0)
		port->lladdr[0] = 0xfe;
	memcpy(port->master, bridge->ifname, IFNAMSIZ);
	if (!port->is_alias_foreign)
		memcpy(port->network, net->name, sizeof(net->name));
	port->mtu = bridge->mtu;
	port->is_up = true;
	port->is_isolated = net->isolate_ports;
	port->is_fenced = net->model == KVN_BRIDGED;
}

void kvn_port_lladdr(const uint8_t mac[static 6], uint8_t ret[static 6])
{
	memcpy(ret, mac, 6);
	ret[0] = 0xfe;
}

int kvn_port_attach(struct kvn *kvn, const char *name, const char *ifname, const struct kvn_port_holder *holder,
		    struct kvn_error *err)
{
	struct kvn_network net;
	struct kvn_link_info bridge;
	struct kvn_link_info info;
	struct kvn_op op = {.has_had = true, .has_want = true};
	int r = kvn_link_get(&kvn->kernel, ifname, &info, err);

	if (r == 0 && strcmp(info.kind, "bridge") == 0)
		r = kvn_fail(err, EINVAL, "port '%s': it is a bridge, and a bridge cannot be a port", ifname);
	if (r == 0 && info.type != ARPHRD_ETHER)
		r = kvn_fail(err, EINVAL, "port '%s': it is no Ethernet link%s, and only those can be ports", ifname,
			     info.type == ARPHRD_LOOPBACK ? " but the loopback" : "");
	if (r == 0)
		r = kvn_snapshot_link_port(kvn, name, &info, &op.had.port, err);
	if (r < 0)
		return r;
	r = ready(kvn, name, &net, &bridge, err);
	if (r < 0)
		return r;
	if (op.had.port.master[0] && strcmp(op.had.port.master, bridge.ifname) != 0)
		r = kvn_fail(err, EBUSY, "port '%s': it is on '%s' already", ifname, op.had.port.master);
	op.want = op.had;
	place(&net, &bridge, info.kind, &op.want.port);
	if (holder) {
		op.want.port.pid = holder->pid;
		op.want.port.uid = holder->uid;
		op.want.port.is_opened = holder->is_opened;
		memcpy(op.want.port.mac, holder->mac, 6);
		if (!kvn_mac_is_zero(holder->mac))
			kvn_port_lladdr(holder->mac, op.want.port.lladdr);
	}
	if (r == 0)
		r = run_one(kvn, name, &op, err);
	kvn_network_clear(&net);
	return r;
}

int kvn_attach(struct kvn *kvn, const char *name, const char *ifname, struct kvn_error *err)
{
	int lock = kvn_ifname_check(ifname, err), r;

	if (lock == 0 && kvn_remote_has(kvn))
		return kvn_remote_call(kvn, "Attach", json_pack("{s:s, s:s}", "network", name, "ifname", ifname), NULL,
				       err);
	if (lock == 0)
		lock = kvn_network_enter(kvn, name, err);
	r = lock < 0 ? lock : kvn_port_attach(kvn, name, ifname, NULL, err);
	if (r < 0 && lock >= 0) /* a network that was started for this port alone */
		(void)kvn_network_idle(kvn, name, NULL);
	kvn_network_leave(kvn, name, &lock);
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}

int kvn_port_network(struct kvn *kvn, const char *ifname, char ret[static KVN_NAME_MAX + 1], struct kvn_error *err)
{
	auto_free char(*names)[KVN_NAME_MAX + 1] = NULL;
	struct kvn_link_info info;
	const char *name = info.alias + strlen(KVN_LINK_ALIAS);
	size_t n = 0;
	int r = kvn_ifname_check(ifname, err);

	if (r < 0)
		return r;
	if (kvn_link_get(&kvn->kernel, ifname, &info, NULL) == 0 && strcmp(info.kind, "bridge") != 0 &&
	    strncmp(info.alias, KVN_LINK_ALIAS, strlen(KVN_LINK_ALIAS)) == 0 && strlen(name) <= KVN_NAME_MAX) {
		memcpy(ret, name, strlen(name) + 1);
		return 0;
	}
	r = kvn_record_dump(kvn, false, &names, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct kvn_port port;

		if (kvn_port_recall(kvn, names[i], ifname, &port, NULL) == 0) {
			memcpy(ret, names[i], sizeof(names[i]));
			return 0;
		}
	}
	return r < 0 ? r : kvn_fail(err, ENOENT, "'%s' is on no network", ifname);
}

int kvn_port_release(struct kvn *kvn, const char *name, const char *ifname, struct kvn_error *err)
{
	struct kvn_op op = {.has_had = true, .has_want = true};
	bool is_fenced = false;
	struct kvn_nft *nft;
	int r = kvn_snapshot_port(kvn, name, ifname, &op.had.port, err);

	if (r == -ENODEV) {
		r = kvn_port_forget(kvn, name, ifname, err);
	} else if (r == 0) {
		r = kvn_kernel_nft(&kvn->kernel, &nft, err);
		if (r == 0)
			r = kvn_firewall_is_fenced(nft, ifname, &is_fenced, err);
		op.had.port.is_fenced = is_fenced;
		op.want = op.had;
		op.want.port.master[0] = op.want.port.network[0] = '\0';
		op.want.port.is_fenced = op.want.port.is_isolated = false;
		if (r == 0)
			r = run_one(kvn, name, &op, err);
	}
	return r < 0 ? r : kvn_network_idle(kvn, name, err);
}

int kvn_detach(struct kvn *kvn, const char *ifname, struct kvn_error *err)
{
	char name[KVN_NAME_MAX + 1] = "";
	int r, lock;

	if (kvn_remote_has(kvn))
		return kvn_remote_ifname(kvn, "Detach", ifname, err);
	r = kvn_port_network(kvn, ifname, name, err);
	if (r < 0)
		return r;
	lock = kvn_network_enter(kvn, name, err);
	r = lock < 0 ? lock : kvn_port_release(kvn, name, ifname, err);
	kvn_network_leave(kvn, name, &lock);
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}

int kvn_port_choose_name(struct kvn *kvn, const char *network, char ifname[static IFNAMSIZ], struct kvn_error *err)
{
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(&kvn->kernel, &nl, err), ifindex;

	for (unsigned i = 0; r == 0 && i < NAMES_MAX; i++) {
		char name[2 * IFNAMSIZ];

		if (snprintf(name, sizeof(name), "%s-%u", network, i) >= IFNAMSIZ)
			(void)snprintf(name, sizeof(name), "kvn-%u", i); /* a name too long to begin a tap's */
		memcpy(ifname, name, IFNAMSIZ - 1);
		ifname[IFNAMSIZ - 1] = '\0';
		if (kvn_link_index(nl, ifname, &ifindex, NULL) == -ENODEV)
			return 0;
	}
	return r < 0 ? r : kvn_fail(err, EADDRNOTAVAIL, "no name is left for another port: give one");
}

static int add(struct kvn *kvn, const char *name, const char *ifname, const struct kvn_port_options *options,
	       struct kvn_error *err)
{
	struct kvn_network net;
	struct kvn_link_info bridge;
	struct kvn_op op = {.has_want = true};
	struct kvn_port *port = &op.want.port;
	int r;

	if (if_nametoindex(ifname))
		return kvn_fail_errno(err, EEXIST, "tap '%s'", ifname);
	r = ready(kvn, name, &net, &bridge, err);
	if (r < 0)
		return r;
	*port = (struct kvn_port){
		.is_persistent = true, .queues = options->queues, .uid = options->uid, .gid = options->gid};
	memcpy(port->ifname, ifname, strlen(ifname) + 1);
	memcpy(port->mac, options->mac, 6);
	if (!kvn_mac_is_zero(options->mac))
		kvn_port_lladdr(options->mac, port->lladdr);
	else if (net.model == KVN_BRIDGED)
		r = kvn_identity_mac(kvn, ifname, port->lladdr, err);
	place(&net, &bridge, "tun", port);
	if (r == 0)
		r = run_one(kvn, name, &op, err);
	kvn_network_clear(&net);
	return r;
}

int kvn_port_add(struct kvn *kvn, const char *name, char ifname[static IFNAMSIZ],
		 const struct kvn_port_options *options, struct kvn_error *err)
{
	int lock = ifname[0] ? kvn_ifname_check(ifname, err) : 0, r;

	if (lock == 0 && (options->queues < 1 || options->queues > 256))
		lock = kvn_fail(err, EINVAL, "%u queues: 1 to 256", options->queues);
	if (lock == 0 && kvn_remote_has(kvn))
		return kvn_remote_port_add(kvn, name, ifname, options, err);
	if (lock == 0)
		lock = kvn_network_enter(kvn, name, err);
	r = lock < 0 ? lock : 0;
	if (r == 0 && !ifname[0])
		r = kvn_port_choose_name(kvn, name, ifname, err);
	if (r == 0)
		r = add(kvn, name, ifname, options, err);
	if (r < 0 && lock >= 0)
		(void)kvn_network_idle(kvn, name, NULL); /* started for this port alone */
	kvn_network_leave(kvn, name, &lock);
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}

/* A descriptor may be kept, and its holder may make the tap persistent: it must not stay on the host for either. */
int kvn_port_drop(struct kvn *kvn, const char *name, const char *ifname, struct kvn_error *err)
{
	struct kvn_op op = {.has_had = true};
	struct kvn_port port;
	int r;

	if (kvn_port_recall(kvn, name, ifname, &port, NULL) < 0 || !port.is_opened)
		return kvn_port_release(kvn, name, ifname, err);
	r = kvn_snapshot_port(kvn, name, ifname, &op.had.port, err);
	if (r == -ENODEV)
		return kvn_port_release(kvn, name, ifname, err);
	op.had.port.is_persistent = true; /* to be removed */
	op.had.port.is_fenced = true; /* taking away a fence that is not there is no error */
	if (r == 0)
		r = run_one(kvn, name, &op, err);
	return r < 0 ? r : kvn_network_idle(kvn, name, err);
}

static int remove_tap(struct kvn *kvn, const char *name, const char *ifname, struct kvn_error *err)
{
	struct kvn_op op = {.has_had = true};
	int r = kvn_snapshot_port(kvn, name, ifname, &op.had.port, err);

	if (r < 0)
		return r;
	if (!op.had.port.is_persistent)
		return kvn_fail(err, EINVAL, "port '%s' was not made by 'port add': use 'kvnet detach %s'", ifname,
				ifname);
	op.had.port.is_fenced = true; /* taking away a fence that is not there is no error */
	r = run_one(kvn, name, &op, err);
	return r < 0 ? r : kvn_network_idle(kvn, name, err);
}

int kvn_port_delete(struct kvn *kvn, const char *ifname, struct kvn_error *err)
{
	char name[KVN_NAME_MAX + 1] = "";
	struct kvn_link_info info;
	int r, lock;

	if (kvn_remote_has(kvn))
		return kvn_remote_ifname(kvn, "DeletePort", ifname, err);
	r = kvn_port_network(kvn, ifname, name, err);
	if (r == -ENOENT && kvn_link_get(&kvn->kernel, ifname, &info, NULL) == 0 && strcmp(info.kind, "tun") == 0)
		return kvn_fail(err, ENOENT,
				"'%s' is on no network; if nobody needs the tap, 'ip link delete %s' removes it",
				ifname, ifname);
	if (r < 0)
		return r;
	lock = kvn_network_enter(kvn, name, err);
	r = lock < 0 ? lock : remove_tap(kvn, name, ifname, err);
	kvn_network_leave(kvn, name, &lock);
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}
