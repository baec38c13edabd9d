/* SPDX-License-Identifier: GPL-2.0-or-later */
/* desired.c - from what was asked for to what the host should hold. */
#include "desired.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <string.h>

#include "cidr.h"
#include "claim.h"
#include "cleanup.h"
#include "record.h"

static void put_name(char ret[static IFNAMSIZ], const char *name)
{
	(void)snprintf(ret, IFNAMSIZ, "%s", name); /* names were checked to fit */
}

static bool has_own_bridge(const struct kvn_network *net)
{
	return net->model != KVN_BRIDGED || net->uplink[0];
}

bool kvn_desired_firewall(const struct kvn_network *net, struct kvn_firewall *ret)
{
	*ret = (struct kvn_firewall){0};
	put_name(ret->bridge, net->bridge);
	switch (net->model) {
	case KVN_ISOLATED:
		ret->sets = 1U << KVN_SET_ISOLATED;
		break;
	case KVN_ROUTED:
		ret->sets = 1U << KVN_SET_ROUTED;
		break;
	case KVN_NAT:
		ret->sets = 1U << KVN_SET_NAT;
		break;
	case KVN_OPEN:
		ret->sets = 1U << KVN_SET_OPEN;
		break;
	case KVN_BRIDGED:
		ret->sets = 1U << KVN_SET_BRIDGED;
		return true;
	}
	ret->sets |= 1U << KVN_SET_NETWORK;
	if (!net->isolate_ports)
		ret->sets |= 1U << KVN_SET_SAME;
	else if (net->model == KVN_ROUTED) /* nor by way of the gateway */
		ret->sets |= 1U << KVN_SET_APART;
	if (net->uplink[0]) {
		ret->sets |= 1U << KVN_SET_LIMITED | 1U << KVN_SET_UPLINK;
		put_name(ret->uplink, net->uplink);
	}
	if (net->host_access != KVN_HOST_ALL)
		ret->sets |= 1U << KVN_SET_GUARDED;
	if (net->host_access == KVN_HOST_SERVICES)
		ret->sets |= 1U << KVN_SET_SERVICES;
	return true;
}

int kvn_desired_firewalls(const struct kvn *kvn, const char *except, struct kvn_firewall **ret, size_t *ret_n,
			  struct kvn_error *err)
{
	auto_free char(*names)[KVN_NAME_MAX + 1] = NULL;
	auto_free struct kvn_firewall *parts = NULL;
	size_t n_names, n = 0;
	int r = kvn_record_dump(kvn, false, &names, &n_names, err);

	if (r < 0)
		return r;
	parts = calloc(n_names + 1, sizeof(*parts));
	if (!parts)
		return kvn_fail_errno(err, ENOMEM, "firewall");
	for (size_t i = 0; i < n_names; i++) {
		struct kvn_network net;

		if ((except && strcmp(names[i], except) == 0) || kvn_record_read(kvn, names[i], &net, NULL) < 0)
			continue; /* went down meanwhile, or is damaged: its own next command says so */
		if (kvn_desired_firewall(&net, &parts[n]))
			n++;
		kvn_network_clear(&net);
	}
	*ret = steal_ptr(&parts);
	*ret_n = n;
	return 0;
}

static bool has_address(const struct kvn_network *net)
{
	return net->ipv4.address_choice == KVN_CHOICE_GIVEN || net->ipv6.address_choice == KVN_CHOICE_GIVEN;
}

static const struct kvn_port *find_uplink(const struct kvn_state *have, const char *uplink)
{
	for (size_t i = 0; i < have->n; i++)
		if (have->items[i].object == KVN_OBJECT_PORT && have->items[i].port.is_uplink &&
		    strcmp(have->items[i].port.ifname, uplink) == 0)
			return &have->items[i].port;
	return NULL;
}

static int add_link(const struct kvn_network *net, const struct kvn_port *uplink, struct kvn_state *ret,
		    struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_LINK};

	put_name(item.link.ifname, net->bridge);
	put_name(item.link.network, net->name);
	memcpy(item.link.mac, uplink ? uplink->mac : net->mac, 6);
	item.link.mtu = net->mtu ? net->mtu : uplink ? uplink->mtu : KVN_MTU_DEFAULT;
	item.link.is_up = true;
	item.link.is_arp_off = !uplink && !has_address(net);
	item.link.stp = net->stp;
	item.link.ipv6 = uplink                                         ? KVN_IPV6_HOST
			 : net->ipv6.address_choice == KVN_CHOICE_GIVEN ? KVN_IPV6_ROUTER
									: KVN_IPV6_OFF;
	return kvn_state_add(ret, &item, err);
}

static int add_address(const struct kvn_network *net, const struct kvn_cidr *cidr, struct kvn_state *ret,
		       struct kvn_error *err)
{
	struct kvn_item item = {
		.object = KVN_OBJECT_ADDR,
		.addr = {.cidr = *cidr, .valid_s = UINT32_MAX, .preferred_s = UINT32_MAX, .protocol = KVN_PROTOCOL}};

	put_name(item.addr.ifname, net->bridge);
	if (cidr->ip.family == AF_INET6)
		item.addr.flags = IFA_F_NODAD;
	else if (cidr->prefixlen < 31)
		item.addr.broadcast = kvn_cidr_last(cidr);
	return kvn_state_add(ret, &item, err);
}

static int add_addresses(const struct kvn_network *net, struct kvn_state *ret, struct kvn_error *err)
{
	int r = 0;

	if (net->ipv4.address_choice == KVN_CHOICE_GIVEN)
		r = add_address(net, &net->ipv4.address, ret, err);
	if (r == 0 && net->ipv6.address_choice == KVN_CHOICE_GIVEN)
		r = add_address(net, &net->ipv6.address, ret, err);
	return r;
}

static int add_port(const struct kvn_network *net, const struct kvn_port *port, struct kvn_state *ret,
		    struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_PORT, .port = *port};

	put_name(item.port.master, net->bridge);
	item.port.is_up = true;
	if (!port->is_uplink) {
		if (!port->is_alias_foreign)
			put_name(item.port.network, net->name);
		item.port.mtu = net->mtu ? net->mtu : net->model == KVN_BRIDGED ? 0 : KVN_MTU_DEFAULT;
		item.port.is_isolated = net->isolate_ports;
		item.port.is_fenced = net->model == KVN_BRIDGED;
	}
	return kvn_state_add(ret, &item, err);
}

static void rename_label(char label[static IFNAMSIZ], const char *from, const char *to)
{
	char renamed[2 * IFNAMSIZ];
	size_t length = strlen(from);

	if (strncmp(label, from, length) != 0 || label[length] != ':')
		return;
	(void)snprintf(renamed, sizeof(renamed), "%s%s", to, label + length);
	if (strlen(renamed) < IFNAMSIZ)
		put_name(label, renamed);
}

/* What of @have belongs to link @from or @to already: all of it on @to. */
static int move_link(const struct kvn_state *have, const char *from, const char *to, struct kvn_state *ret,
		     struct kvn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < have->n && r == 0; i++) {
		struct kvn_item item = have->items[i];

		if (item.object == KVN_OBJECT_ADDR &&
		    (strcmp(item.addr.ifname, from) == 0 || strcmp(item.addr.ifname, to) == 0)) {
			rename_label(item.addr.label, from, to);
			put_name(item.addr.ifname, to);
			r = kvn_state_add(ret, &item, err);
		} else if (item.object == KVN_OBJECT_ROUTE) {
			put_name(item.route.ifname, to);
			r = kvn_state_add(ret, &item, err);
		}
	}
	return r;
}

static int add_claims(const struct kvn_network *net, struct kvn_state *ret, struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_CLAIM, .claim = {.is_on = true}};
	int r = 0;

	if (net->model == KVN_ISOLATED || net->model == KVN_BRIDGED)
		return 0;
	put_name(item.claim.network, net->name);
	if (net->ipv4.address_choice == KVN_CHOICE_GIVEN) {
		(void)snprintf(item.claim.key, sizeof(item.claim.key), "%s", KVN_CLAIM_FORWARD4);
		r = kvn_state_add(ret, &item, err);
	}
	if (r == 0 && net->ipv6.address_choice == KVN_CHOICE_GIVEN) {
		(void)snprintf(item.claim.key, sizeof(item.claim.key), "%s", KVN_CLAIM_FORWARD6);
		r = kvn_state_add(ret, &item, err);
	}
	return r;
}

static int add_dnsmasq(const struct kvn *kvn, const struct kvn_network *net, const struct kvn_ip *resolvers,
		       size_t n_resolvers, struct kvn_state *ret, struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_DNSMASQ, .dnsmasq = {.is_running = true}};
	int r;

	if (!kvn_dnsmasq_is_wanted(net))
		return 0;
	kvn_path_dnsmasq(kvn, net->name, &item.dnsmasq.paths);
	r = kvn_dnsmasq_format(net, &item.dnsmasq.paths, resolvers, n_resolvers, &item.dnsmasq.texts, err);
	return r < 0 ? r : kvn_state_add(ret, &item, err);
}

static int add_record(const struct kvn *kvn, const struct kvn_network *net, struct kvn_state *ret,
		      struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_FILE};
	kvn_path path;
	int r = kvn_record_format(net, &item.file.text, err);

	if (r < 0)
		return r;
	item.file.path = strdup(kvn_path_record(kvn, net->name, path));
	if (!item.file.path) {
		kvn_item_clear(&item);
		return kvn_fail_errno(err, ENOMEM, "record");
	}
	return kvn_state_add(ret, &item, err);
}

static int add_firewall(const struct kvn_network *net, struct kvn_state *ret, struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_FIREWALL, .firewall = {.is_sound = true}};

	return kvn_desired_firewall(net, &item.firewall.part) ? kvn_state_add(ret, &item, err) : 0;
}

static int add_ports(const struct kvn_network *net, const struct kvn_state *have, struct kvn_state *ret,
		     struct kvn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < have->n && r == 0; i++)
		if (have->items[i].object == KVN_OBJECT_PORT &&
		    (!have->items[i].port.is_uplink || strcmp(have->items[i].port.ifname, net->uplink) == 0))
			r = add_port(net, &have->items[i].port, ret, err);
	return r;
}

int kvn_desired_up(const struct kvn *kvn, const struct kvn_network *net, const struct kvn_state *have,
		   const struct kvn_ip *resolvers, size_t n_resolvers, struct kvn_state *ret, struct kvn_error *err)
{
	const struct kvn_port *uplink = net->model == KVN_BRIDGED ? find_uplink(have, net->uplink) : NULL;
	int r = add_record(kvn, net, ret, err);

	if (r == 0)
		r = add_firewall(net, ret, err);
	if (r == 0 && has_own_bridge(net))
		r = add_link(net, uplink, ret, err);
	if (r == 0)
		r = add_addresses(net, ret, err);
	if (r == 0)
		r = add_ports(net, have, ret, err);
	if (r == 0 && uplink)
		r = move_link(have, net->uplink, net->bridge, ret, err);
	if (r == 0)
		r = add_claims(net, ret, err);
	if (r == 0)
		r = add_dnsmasq(kvn, net, resolvers, n_resolvers, ret, err);
	return r;
}

int kvn_desired_down(const struct kvn_network *net, const struct kvn_state *have, bool is_parked, struct kvn_state *ret,
		     struct kvn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < have->n && r == 0; i++) {
		struct kvn_item item = have->items[i];

		if (item.object != KVN_OBJECT_PORT || (!item.port.is_uplink && !is_parked))
			continue;
		item.port.master[0] = '\0';
		item.port.is_isolated = item.port.is_fenced = false;
		r = kvn_state_add(ret, &item, err);
	}
	if (r == 0 && net->model == KVN_BRIDGED && net->uplink[0])
		r = move_link(have, net->bridge, net->uplink, ret, err);
	return r;
}
