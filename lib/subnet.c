/* SPDX-License-Identifier: GPL-2.0-or-later */
/* subnet.c - gather every prefix that is taken, then look for one that none of them touches. */
#include "subnet.h"

#include <errno.h>
#include <string.h>

#include "array.h"
#include "cidr.h"
#include "cleanup.h"
#include "definition.h"
#include "file.h"
#include "identity.h"
#include "record.h"
#include "store.h"

#define AUTO4_PREFIXLEN 24
#define AUTO6_PREFIXLEN 64
/* Routes this short are a default route, whole or in the halves that a VPN lays over it. */
#define DEFAULT4_PREFIXLEN 1
#define DEFAULT6_PREFIXLEN 3

/* A prefix that is in use, and by what; the sentence about it is made when it is asked for. */
struct taken {
	struct kvn_prefix prefix;
	char network[KVN_NAME_MAX + 1]; /* whose definition it is from; "": from the kernel */
};

struct taken_list {
	struct taken *entries;
	size_t n, size;
	int own[2]; /* ifindex of the network's bridge, and of the one it is up with when that is about to be renamed */
};

static int add(struct taken_list *list, const struct kvn_prefix *prefix, const char *network)
{
	if (!KVN_ARRAY_ROOM(list->entries, list->n, list->size))
		return -ENOMEM;
	list->entries[list->n].prefix = *prefix;
	(void)snprintf(list->entries[list->n].network, sizeof(list->entries[0].network), "%s", network);
	list->n++;
	return 0;
}

static int find_own(struct kvn *kvn, const struct kvn_network *net, struct taken_list *list, struct kvn_error *err)
{
	struct kvn_network old = {0};
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(&kvn->kernel, &nl, err);

	if (r < 0)
		return r;
	(void)kvn_link_index(nl, net->bridge, &list->own[0], NULL); /* 0 when there is none */
	if (kvn_record_read(kvn, net->name, &old, NULL) == 0)
		(void)kvn_link_index(nl, old.bridge, &list->own[1], NULL);
	kvn_network_clear(&old);
	return 0;
}

static int take_prefix(const struct kvn_prefix *prefix, void *arg)
{
	struct taken_list *list = arg;
	unsigned shortest = prefix->cidr.ip.family == AF_INET ? DEFAULT4_PREFIXLEN : DEFAULT6_PREFIXLEN;

	if (prefix->ifindex && (prefix->ifindex == list->own[0] || prefix->ifindex == list->own[1]))
		return 0;
	if (prefix->table && prefix->cidr.prefixlen <= shortest)
		return 0;
	return add(list, prefix, "");
}

static int add_definition(const struct kvn *kvn, const char *name, struct taken_list *list)
{
	struct kvn_network other;
	struct kvn_prefix prefix = {0};
	int r = 0;

	if (kvn_store_read(kvn, name, NULL, &other, NULL) < 0)
		return 0; /* a broken definition holds no address; its own commands complain */
	if (other.ipv4.address_choice == KVN_CHOICE_GIVEN) {
		prefix.cidr = other.ipv4.address;
		r = add(list, &prefix, name);
	}
	if (r == 0 && other.ipv6.address_choice == KVN_CHOICE_GIVEN) {
		prefix.cidr = other.ipv6.address;
		r = add(list, &prefix, name);
	}
	kvn_network_clear(&other);
	return r;
}

static int add_definitions(const struct kvn *kvn, const struct kvn_network *net, struct taken_list *list,
			   struct kvn_error *err)
{
	auto_free char(*names)[KVN_NAME_MAX + 1] = NULL;
	size_t n = 0;
	int r = kvn_store_dump(kvn, &names, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (strcmp(names[i], net->name) != 0)
			r = add_definition(kvn, names[i], list);
	return r;
}

static const struct taken *find(const struct taken_list *list, const struct kvn_cidr *cidr)
{
	for (size_t i = 0; i < list->n; i++)
		if (kvn_cidr_overlaps(&list->entries[i].prefix.cidr, cidr))
			return &list->entries[i];
	return NULL;
}

/* "route 10.0.0.0/8 by 'eth0' in table 100" */
static void describe(struct kvn *kvn, const struct taken *taken, char ret[static 128])
{
	const struct kvn_prefix *prefix = &taken->prefix;
	char text[KVN_CIDR_TEXT], ifname[IFNAMSIZ] = "", by[IFNAMSIZ + 8] = "", table[32] = "";

	(void)kvn_cidr_format(&prefix->cidr, text);
	if (prefix->ifindex)
		(void)kvn_link_name(kvn->kernel.route, prefix->ifindex, ifname); /* "": it went meanwhile */
	if (ifname[0])
		(void)snprintf(by, sizeof(by), " by '%s'", ifname);
	if (prefix->table != RT_TABLE_MAIN)
		(void)snprintf(table, sizeof(table), " in table %u", prefix->table);
	if (taken->network[0])
		(void)snprintf(ret, 128, "network '%s' (%s)", taken->network, text);
	else if (prefix->table)
		(void)snprintf(ret, 128, "route %s%s%s", text, by, table);
	else
		(void)snprintf(ret, 128, "address %s on '%s'", text, ifname);
}

static int check(struct kvn *kvn, const struct taken_list *list, const char *key, enum kvn_choice choice,
		 const struct kvn_cidr *cidr, struct kvn_error *err)
{
	const struct taken *other = choice == KVN_CHOICE_GIVEN ? find(list, cidr) : NULL;
	struct kvn_cidr subnet = kvn_cidr_network(cidr);
	char text[KVN_CIDR_TEXT], by[128];

	if (!other)
		return 0;
	describe(kvn, other, by);
	return kvn_fail(err, EADDRINUSE, "%s: subnet %s overlaps %s", key, kvn_cidr_format(&subnet, text), by);
}

/* The first subnet of @prefixlen in @pool, from the @start-th on and round again, that nothing touches. */
static int pick(const struct taken_list *list, const struct kvn_cidr *pool, uint8_t prefixlen, uint64_t start,
		struct kvn_cidr *ret, struct kvn_error *err)
{
	unsigned bits = pool->prefixlen < prefixlen ? (unsigned)(prefixlen - pool->prefixlen) : 0U;
	uint64_t count = 1ULL << (bits > 16 ? 16 : bits); /* 65,536 tries are enough of a /48 or a /8 */
	char text[KVN_CIDR_TEXT];

	for (uint64_t i = 0; i < count; i++) {
		struct kvn_cidr subnet = kvn_cidr_network(pool);
		uint64_t number = (start + i) % count;
		unsigned shift = (unsigned)(8 * kvn_ip_size(pool->ip.family)) - prefixlen; /* a multiple of 8 */

		for (unsigned byte = (unsigned)kvn_ip_size(pool->ip.family) - shift / 8; number > 0; number >>= 8)
			subnet.ip.bytes[--byte] |= (uint8_t)number;
		subnet.prefixlen = pool->prefixlen > prefixlen ? pool->prefixlen : prefixlen;
		if (!find(list, &subnet)) {
			*ret = subnet;
			ret->ip = kvn_ip_add(&subnet.ip, 1);
			return 0;
		}
	}
	return kvn_fail(err, EADDRNOTAVAIL, "no free /%u is left in pool %s; set another in kvnet.yaml", prefixlen,
			kvn_cidr_format(pool, text));
}

static int pick4(const struct kvn *kvn, const struct taken_list *list, struct kvn_network *net, struct kvn_error *err)
{
	struct kvn_settings settings;
	int r = kvn_context_settings(kvn, &settings, err);

	if (r == 0)
		r = pick(list, &settings.pool, AUTO4_PREFIXLEN, 0, &net->ipv4.address, err);
	if (r == 0)
		net->ipv4.address_choice = KVN_CHOICE_GIVEN;
	return r;
}

static int pick6(const struct kvn *kvn, const struct taken_list *list, struct kvn_network *net, struct kvn_error *err)
{
	struct kvn_settings settings;
	uint64_t hash = 0;
	int r = kvn_context_settings(kvn, &settings, err);

	if (r == 0 && settings.pool6.ip.family == AF_UNSPEC)
		r = kvn_identity_ula(kvn, &settings.pool6, err);
	if (r == 0)
		r = kvn_identity_hash(kvn, net->name, &hash, err);
	if (r == 0)
		r = pick(list, &settings.pool6, AUTO6_PREFIXLEN, hash & 0xffff, &net->ipv6.address, err);
	if (r == 0)
		net->ipv6.address_choice = KVN_CHOICE_GIVEN;
	return r;
}

static int gather(struct kvn *kvn, const struct kvn_network *net, bool has_definitions, struct taken_list *list,
		  struct kvn_error *err)
{
	int r = find_own(kvn, net, list, err);

	if (r == 0)
		r = kvn_addr_prefixes(&kvn->kernel, take_prefix, list, err);
	if (r == 0)
		r = kvn_route_prefixes(&kvn->kernel, take_prefix, list, err);
	if (r == 0 && has_definitions)
		r = add_definitions(kvn, net, list, err);
	return r;
}

static int check_both(struct kvn *kvn, const struct taken_list *list, const struct kvn_network *net,
		      struct kvn_error *err)
{
	int r = check(kvn, list, "ipv4.address", net->ipv4.address_choice, &net->ipv4.address, err);

	return r < 0 ? r : check(kvn, list, "ipv6.address", net->ipv6.address_choice, &net->ipv6.address, err);
}

int kvn_subnet_settle(struct kvn *kvn, struct kvn_network *net, struct kvn_error *err)
{
	struct taken_list list = {0};
	int r = gather(kvn, net, true, &list, err);

	if (r == 0)
		r = check_both(kvn, &list, net, err);
	if (r == 0 && net->ipv4.address_choice == KVN_CHOICE_AUTO)
		r = pick4(kvn, &list, net, err);
	if (r == 0 && net->ipv6.address_choice == KVN_CHOICE_AUTO)
		r = pick6(kvn, &list, net, err);
	free(list.entries);
	return r;
}

int kvn_subnet_check(struct kvn *kvn, const struct kvn_network *net, struct kvn_error *err)
{
	struct taken_list list = {0};
	int r = gather(kvn, net, false, &list, err);

	if (r == 0)
		r = check_both(kvn, &list, net, err);
	free(list.entries);
	return r;
}

int kvn_subnet_remember(const struct kvn *kvn, const struct kvn_network *net, struct kvn_error *err)
{
	char text4[KVN_CIDR_TEXT] = "", text6[KVN_CIDR_TEXT] = "";
	auto_json json_t *json = NULL;
	auto_free char *text = NULL;
	kvn_path path;
	int r;

	if (net->ipv4.address_choice == KVN_CHOICE_GIVEN)
		(void)kvn_cidr_format(&net->ipv4.address, text4);
	if (net->ipv6.address_choice == KVN_CHOICE_GIVEN)
		(void)kvn_cidr_format(&net->ipv6.address, text6);
	json = json_pack("{s:s, s:s}", "ipv4", text4, "ipv6", text6);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text)
		return kvn_fail_errno(err, ENOMEM, "identity");
	(void)snprintf(path, sizeof(path), "%s/identities", kvn->state_dir);
	r = kvn_file_mkdirs(path, err);
	return r < 0 ? r : kvn_file_write(kvn_path_identity(kvn, net->name, path), text, 0644, true, err);
}

static void recall(const json_t *json, const char *key, int family, enum kvn_choice *choice, struct kvn_cidr *ret)
{
	const char *text = json_string_value(json_object_get(json, key));

	if (*choice == KVN_CHOICE_AUTO && text && kvn_cidr_parse(text, family, ret) == 0)
		*choice = KVN_CHOICE_GIVEN;
}

int kvn_subnet_recall(const struct kvn *kvn, struct kvn_network *net, struct kvn_error *err)
{
	auto_free char *text = NULL;
	auto_json json_t *json = NULL;
	kvn_path path;
	int r = kvn_file_read(kvn_path_identity(kvn, net->name, path), &text, err);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	json = json_loads(text, 0, NULL);
	recall(json, "ipv4", AF_INET, &net->ipv4.address_choice, &net->ipv4.address);
	recall(json, "ipv6", AF_INET6, &net->ipv6.address_choice, &net->ipv6.address);
	return 0;
}
