/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state.c - lists of items; when two items are the same thing, and when one already says what another asks for. */
#include "state.h"

#include <errno.h>
#include <string.h>

#include "array.h"
#include "cidr.h"
#include "cleanup.h"

void kvn_item_clear(struct kvn_item *item)
{
	if (item->object == KVN_OBJECT_FILE) {
		free(item->file.path);
		free(item->file.text);
	} else if (item->object == KVN_OBJECT_DNSMASQ) {
		kvn_dnsmasq_clear(&item->dnsmasq.texts);
	}
	*item = (struct kvn_item){.object = item->object};
}

static char *copy_text(const char *text)
{
	return strdup(text ? text : "");
}

int kvn_item_copy(const struct kvn_item *item, struct kvn_item *ret, struct kvn_error *err)
{
	struct kvn_item copy = *item;
	bool is_whole = true;

	if (item->object == KVN_OBJECT_FILE) {
		copy.file.path = copy_text(item->file.path);
		copy.file.text = copy_text(item->file.text);
		is_whole = copy.file.path && copy.file.text;
	} else if (item->object == KVN_OBJECT_DNSMASQ) {
		copy.dnsmasq.texts.conf = copy_text(item->dnsmasq.texts.conf);
		copy.dnsmasq.texts.hosts = copy_text(item->dnsmasq.texts.hosts);
		copy.dnsmasq.texts.dhcp = copy_text(item->dnsmasq.texts.dhcp);
		is_whole = copy.dnsmasq.texts.conf && copy.dnsmasq.texts.hosts && copy.dnsmasq.texts.dhcp;
	}
	if (!is_whole) {
		kvn_item_clear(&copy);
		return kvn_fail_errno(err, ENOMEM, "state");
	}
	*ret = copy;
	return 0;
}

int kvn_state_add(struct kvn_state *state, struct kvn_item *item, struct kvn_error *err)
{
	if (!KVN_ARRAY_ROOM(state->items, state->n, state->size)) {
		kvn_item_clear(item);
		return kvn_fail_errno(err, ENOMEM, "state");
	}
	state->items[state->n++] = *item;
	return 0;
}

void kvn_state_clear(struct kvn_state *state)
{
	for (size_t i = 0; i < state->n; i++)
		kvn_item_clear(&state->items[i]);
	free(state->items);
	*state = (struct kvn_state){0};
}

static int compare_cidr(const struct kvn_cidr *a, const struct kvn_cidr *b)
{
	int r = a->ip.family - b->ip.family;

	if (r == 0)
		r = kvn_ip_compare(&a->ip, &b->ip);
	return r ? r : (int)a->prefixlen - (int)b->prefixlen;
}

static int compare_number(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

/* The link is no part of a route's key: the same route by another link is a change, not a second route. */
static int compare_route(const struct kvn_route *a, const struct kvn_route *b)
{
	int r = a->family - b->family;

	if (r == 0)
		r = compare_number(a->table, b->table);
	if (r == 0)
		r = compare_cidr(&a->dst, &b->dst);
	return r ? r : compare_number(a->metric, b->metric);
}

int kvn_item_compare(const struct kvn_item *a, const struct kvn_item *b)
{
	int r;

	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	switch (a->object) {
	case KVN_OBJECT_FILE:
		return strcmp(a->file.path, b->file.path);
	case KVN_OBJECT_FIREWALL:
		return strcmp(a->firewall.part.bridge, b->firewall.part.bridge);
	case KVN_OBJECT_LINK:
		return strcmp(a->link.ifname, b->link.ifname);
	case KVN_OBJECT_ADDR:
		r = strcmp(a->addr.ifname, b->addr.ifname);
		return r ? r : compare_cidr(&a->addr.cidr, &b->addr.cidr);
	case KVN_OBJECT_PORT:
		return strcmp(a->port.ifname, b->port.ifname);
	case KVN_OBJECT_ROUTE:
		return compare_route(&a->route, &b->route);
	case KVN_OBJECT_CLAIM:
		return strcmp(a->claim.key, b->claim.key);
	case KVN_OBJECT_DNSMASQ:
		return strcmp(a->dnsmasq.paths.conf, b->dnsmasq.paths.conf);
	case KVN_OBJECT_COUNT:
		break;
	}
	return 0;
}

static bool is_link_met(const struct kvn_link *want, const struct kvn_link *have)
{
	return (kvn_mac_is_zero(want->mac) || memcmp(want->mac, have->mac, 6) == 0) &&
	       (want->mtu == 0 || want->mtu == have->mtu) && want->is_up == have->is_up && want->stp == have->stp &&
	       want->is_arp_off == have->is_arp_off && (want->ipv6 == KVN_IPV6_HOST || want->ipv6 == have->ipv6) &&
	       strcmp(want->network, have->network) == 0;
}

static bool is_port_met(const struct kvn_port *want, const struct kvn_port *have)
{
	return strcmp(want->master, have->master) == 0 && (want->mtu == 0 || want->mtu == have->mtu) &&
	       want->is_up == have->is_up && want->is_isolated == have->is_isolated &&
	       want->is_fenced == have->is_fenced &&
	       (want->is_alias_foreign || strcmp(want->network, have->network) == 0);
}

static bool is_text_same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

bool kvn_item_is_met(const struct kvn_item *want, const struct kvn_item *have)
{
	switch (want->object) {
	case KVN_OBJECT_FILE:
		return is_text_same(want->file.text, have->file.text);
	case KVN_OBJECT_FIREWALL:
		return have->firewall.is_sound && want->firewall.part.sets == have->firewall.part.sets &&
		       strcmp(want->firewall.part.uplink, have->firewall.part.uplink) == 0;
	case KVN_OBJECT_LINK:
		return is_link_met(&want->link, &have->link);
	case KVN_OBJECT_ADDR:
		return true;
	case KVN_OBJECT_PORT:
		return is_port_met(&want->port, &have->port);
	case KVN_OBJECT_ROUTE:
		return strcmp(want->route.ifname, have->route.ifname) == 0;
	case KVN_OBJECT_CLAIM:
		return have->claim.is_on;
	case KVN_OBJECT_DNSMASQ:
		return have->dnsmasq.is_running && !have->dnsmasq.is_deaf &&
		       is_text_same(want->dnsmasq.texts.conf, have->dnsmasq.texts.conf) &&
		       is_text_same(want->dnsmasq.texts.hosts, have->dnsmasq.texts.hosts) &&
		       is_text_same(want->dnsmasq.texts.dhcp, have->dnsmasq.texts.dhcp);
	case KVN_OBJECT_COUNT:
		break;
	}
	return false;
}
