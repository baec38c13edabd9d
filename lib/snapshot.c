/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot.c - from the kernel, the runtime directory and dnsmasq to a state. */
#include "snapshot.h"

#include <errno.h>
#include <string.h>

#include "claim.h"
#include "cleanup.h"
#include "file.h"
#include "port.h"

static int add_record(const struct kvn *kvn, const char *network, struct kvn_state *ret, struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_FILE};
	kvn_path path;
	int r = kvn_file_read(kvn_path_record(kvn, network, path), &item.file.text, err);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r;
	item.file.path = strdup(path);
	if (!item.file.path) {
		kvn_item_clear(&item);
		return kvn_fail_errno(err, ENOMEM, "record");
	}
	return kvn_state_add(ret, &item, err);
}

static int add_firewall(struct kvn *kvn, const struct kvn_network *net, bool is_close, struct kvn_state *ret,
			struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_FIREWALL};
	struct kvn_nft *nft;
	int r = kvn_kernel_nft(&kvn->kernel, &nft, err);

	if (r == 0)
		r = kvn_firewall_get(nft, is_close, net->bridge, net->uplink, &item.firewall.part,
				     &item.firewall.is_sound, err);
	if (r < 0)
		return kvn_wrap(err, "firewall");
	return item.firewall.part.sets ? kvn_state_add(ret, &item, err) : 0;
}

/* The network that an alias names, "" when it is nobody's or somebody else's. */
static void parse_alias(const char *alias, char network[static IFNAMSIZ], bool *ret_is_foreign)
{
	const char *name = alias + strlen(KVN_LINK_ALIAS);

	network[0] = '\0';
	*ret_is_foreign = false;
	if (strncmp(alias, KVN_LINK_ALIAS, strlen(KVN_LINK_ALIAS)) == 0 && strlen(name) < IFNAMSIZ)
		memcpy(network, name, strlen(name) + 1);
	else
		*ret_is_foreign = alias[0] != '\0';
}

/* A kernel without IPv6 has it off everywhere. */
static int read_ipv6(const char *ifname, enum kvn_link_ipv6 *ret, struct kvn_error *err)
{
	int disabled = 1, accept_ra = 1;
	int r = kvn_sysctl_get_link("ipv6", ifname, "disable_ipv6", &disabled, err);

	if (r == 0 && !disabled)
		r = kvn_sysctl_get_link("ipv6", ifname, "accept_ra", &accept_ra, err);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = disabled ? KVN_IPV6_OFF : accept_ra ? KVN_IPV6_HOST : KVN_IPV6_ROUTER;
	return 0;
}

static int add_link(const struct kvn_link_info *info, struct kvn_state *ret, struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_LINK,
				.link = {.mtu = info->mtu,
					 .is_up = info->flags & IFF_UP,
					 .is_arp_off = info->flags & IFF_NOARP,
					 .stp = info->stp}};
	bool is_foreign;
	int r = read_ipv6(info->ifname, &item.link.ipv6, err);

	if (r < 0)
		return r;

	memcpy(item.link.ifname, info->ifname, IFNAMSIZ);
	memcpy(item.link.mac, info->mac, 6);
	parse_alias(info->alias, item.link.network, &is_foreign);
	return kvn_state_add(ret, &item, err);
}

/* Addresses of link @ifindex: @is_all, or only those that carry our protocol number. */
static int add_addresses(struct kvn *kvn, int ifindex, bool is_all, struct kvn_state *ret, struct kvn_error *err)
{
	auto_free struct kvn_addr *addrs = NULL;
	size_t n = 0;
	int r = kvn_addr_dump(&kvn->kernel, ifindex, &addrs, &n, err);

	for (size_t i = 0; i < n && r == 0; i++) {
		struct kvn_item item = {.object = KVN_OBJECT_ADDR, .addr = addrs[i]};

		if (is_all || addrs[i].protocol == KVN_PROTOCOL)
			r = kvn_state_add(ret, &item, err);
	}
	return r;
}

int kvn_snapshot_link_port(struct kvn *kvn, const char *network, const struct kvn_link_info *info, struct kvn_port *ret,
			   struct kvn_error *err)
{
	struct kvn_port port = {.uid = UINT32_MAX, .gid = UINT32_MAX};
	int r = kvn_port_recall(kvn, network, info->ifname, &port, err);

	if (r < 0 && r != -ENOENT)
		return r;
	port.is_newcomer = r == -ENOENT;
	memcpy(port.ifname, info->ifname, IFNAMSIZ);
	parse_alias(info->alias, port.network, &port.is_alias_foreign);
	port.master[0] = '\0';
	r = info->master ? kvn_link_name(kvn->kernel.route, info->master, port.master) : 0;
	if (r < 0 && r != -ENODEV)
		return kvn_fail_errno(err, -r, "master of '%s'", info->ifname);
	port.mtu = info->mtu;
	memcpy(port.lladdr, info->mac, 6);
	port.is_up = info->flags & IFF_UP;
	port.is_isolated = info->is_isolated;
	port.is_fenced = false;
	*ret = port;
	return 0;
}

int kvn_snapshot_port(struct kvn *kvn, const char *network, const char *ifname, struct kvn_port *ret,
		      struct kvn_error *err)
{
	struct kvn_link_info info;
	int r = kvn_link_get(&kvn->kernel, ifname, &info, err);

	return r < 0 ? r : kvn_snapshot_link_port(kvn, network, &info, ret, err);
}

static int add_port(struct kvn *kvn, const struct kvn_network *net, const struct kvn_link_info *info,
		    struct kvn_state *ret, struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_PORT};
	struct kvn_nft *nft;
	int r = kvn_snapshot_link_port(kvn, net->name, info, &item.port, err);

	if (r == 0 && net->model == KVN_BRIDGED) {
		r = kvn_kernel_nft(&kvn->kernel, &nft, err);
		if (r == 0)
			r = kvn_firewall_is_fenced(nft, info->ifname, &item.port.is_fenced, err);
	}
	return r < 0 ? r : kvn_state_add(ret, &item, err);
}

static bool holds_port(const struct kvn_state *state, const char *ifname)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->items[i].object == KVN_OBJECT_PORT && strcmp(state->items[i].port.ifname, ifname) == 0)
			return true;
	return false;
}

/* Ports that have a record but are not on the bridge: parked by a stop, or thrown off by somebody. */
static int add_recorded(struct kvn *kvn, const struct kvn_network *net, struct kvn_state *ret, struct kvn_error *err)
{
	auto_free char(*names)[IFNAMSIZ] = NULL;
	size_t n;
	int r = kvn_port_recorded(kvn, net->name, &names, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct kvn_link_info info;

		if (holds_port(ret, names[i]))
			continue;
		r = kvn_link_get(&kvn->kernel, names[i], &info, err);
		if (r == 0)
			r = add_port(kvn, net, &info, ret, err);
		else if (r == -ENODEV)
			r = 0;
	}
	return r;
}

int kvn_snapshot_ports(struct kvn *kvn, const struct kvn_network *net, struct kvn_state *ret, struct kvn_error *err)
{
	bool is_foreign_bridge = net->model == KVN_BRIDGED && !net->uplink[0];
	auto_free struct kvn_link_info *links = NULL;
	struct kvn_link_info bridge;
	size_t n = 0;
	int r = kvn_link_get(&kvn->kernel, net->bridge, &bridge, err);

	if (r == 0)
		r = kvn_link_dump(&kvn->kernel, bridge.ifindex, &links, &n, err);
	else if (r == -ENODEV)
		r = 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		char network[IFNAMSIZ];
		bool is_foreign;

		parse_alias(links[i].alias, network, &is_foreign);
		if ((net->model == KVN_BRIDGED && strcmp(links[i].ifname, net->uplink) == 0) ||
		    (is_foreign_bridge && strcmp(network, net->name) != 0))
			continue; /* the uplink, or somebody else's port on somebody else's bridge */
		r = add_port(kvn, net, &links[i], ret, err);
	}
	return r < 0 ? r : add_recorded(kvn, net, ret, err);
}

/* A bridged network's uplink: the port itself, its addresses, and the routes by it or by the bridge. */
static int add_uplink(struct kvn *kvn, const struct kvn_network *net, int bridge, struct kvn_state *ret,
		      struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_PORT};
	auto_free struct kvn_route *routes = NULL;
	struct kvn_link_info info;
	size_t n = 0;
	int r = kvn_link_get(&kvn->kernel, net->uplink, &info, err);

	if (r == 0)
		r = kvn_snapshot_link_port(kvn, net->name, &info, &item.port, err);
	if (r < 0)
		return r == -ENODEV ? 0 : r;
	item.port.is_uplink = item.port.is_alias_foreign = true;
	item.port.network[0] = '\0';
	memcpy(item.port.mac, info.mac, 6);
	if (strcmp(item.port.master, net->bridge) != 0)
		item.port.master[0] = '\0';
	r = kvn_state_add(ret, &item, err);
	if (r == 0)
		r = add_addresses(kvn, info.ifindex, true, ret, err);
	if (r == 0 && bridge)
		r = add_addresses(kvn, bridge, true, ret, err);
	if (r == 0)
		r = kvn_route_dump(&kvn->kernel, &routes, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct kvn_item moving = {.object = KVN_OBJECT_ROUTE, .route = routes[i]};

		if (!kvn_route_is_kernels(&routes[i]) &&
		    (routes[i].raw_oif == info.ifindex || (bridge && routes[i].raw_oif == bridge)))
			r = kvn_state_add(ret, &moving, err);
	}
	return r;
}

static int add_claim(const struct kvn *kvn, const char *network, const char *key, struct kvn_state *ret,
		     struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_CLAIM};
	bool is_held = false;
	int r = kvn_claim_get(kvn, key, network, &is_held, &item.claim.is_on, err);

	(void)snprintf(item.claim.key, sizeof(item.claim.key), "%s", key);
	(void)snprintf(item.claim.network, sizeof(item.claim.network), "%s", network);
	return r < 0 || !is_held ? r : kvn_state_add(ret, &item, err);
}

static bool has_link(const struct kvn_state *state)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->items[i].object == KVN_OBJECT_LINK)
			return true;
	return false;
}

/* After the bridge. */
static int add_dnsmasq(const struct kvn *kvn, const char *network, struct kvn_state *ret, struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_DNSMASQ};
	int r;

	kvn_path_dnsmasq(kvn, network, &item.dnsmasq.paths);
	r = kvn_dnsmasq_read(&item.dnsmasq.paths, &item.dnsmasq.texts, err);
	if (r < 0)
		return r;
	item.dnsmasq.is_running = kvn_dnsmasq_get(&item.dnsmasq.paths) > 0;
	item.dnsmasq.is_deaf = item.dnsmasq.is_running && !has_link(ret);
	if (!item.dnsmasq.is_running && !item.dnsmasq.texts.conf[0]) {
		kvn_item_clear(&item);
		return 0;
	}
	return kvn_state_add(ret, &item, err);
}

static int add_bridge(struct kvn *kvn, const struct kvn_network *net, struct kvn_state *ret, struct kvn_error *err)
{
	bool is_bridged = net->model == KVN_BRIDGED, is_foreign;
	char owner[IFNAMSIZ] = "";
	struct kvn_link_info info;
	int r = kvn_link_get(&kvn->kernel, net->bridge, &info, err), bridge = 0;

	if (r < 0 && r != -ENODEV)
		return r;
	if (r == 0)
		parse_alias(info.alias, owner, &is_foreign);
	r = 0;
	if (strcmp(owner, net->name) == 0) {
		bridge = info.ifindex;
		r = add_link(&info, ret, err);
	}
	if (r == 0 && is_bridged && net->uplink[0])
		return add_uplink(kvn, net, bridge, ret, err);
	if (r == 0 && bridge)
		r = add_addresses(kvn, bridge, false, ret, err);
	return r;
}

int kvn_snapshot(struct kvn *kvn, const struct kvn_network *net, bool is_close, struct kvn_state *ret,
		 struct kvn_error *err)
{
	int r = add_record(kvn, net->name, ret, err);

	if (r == 0)
		r = add_firewall(kvn, net, is_close, ret, err);
	if (r == 0)
		r = add_bridge(kvn, net, ret, err);
	if (r == 0)
		r = kvn_snapshot_ports(kvn, net, ret, err);
	if (r == 0)
		r = add_claim(kvn, net->name, KVN_CLAIM_FORWARD4, ret, err);
	if (r == 0)
		r = add_claim(kvn, net->name, KVN_CLAIM_FORWARD6, ret, err);
	if (r == 0)
		r = add_dnsmasq(kvn, net->name, ret, err);
	return r;
}
