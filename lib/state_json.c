/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_json.c - items as JSON, for the journal and the ports' records: one table of members an object. */
#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "state.h"

enum member_type { TEXT, HEAP, BOOL, UINT, INT, U8, U32, MAC, IP, CIDR, BYTES };

/* Where a member of struct kvn_item lies and how it is written. */
struct member {
	const char *name;
	enum member_type type;
	size_t offset, size; /* size: of a TEXT or BYTES array */
};

#define M(name, type, field) \
	{ \
		name, type, offsetof(struct kvn_item, field), sizeof(((struct kvn_item *)NULL)->field) \
	}
#define END \
	{ \
		NULL, TEXT, 0, 0 \
	}

static const struct member file_members[] = {M("path", HEAP, file.path), M("text", HEAP, file.text),
					     M("durable", BOOL, file.is_durable), END};
static const struct member firewall_members[] = {
	M("bridge", TEXT, firewall.part.bridge), M("uplink", TEXT, firewall.part.uplink),
	M("sets", UINT, firewall.part.sets), M("sound", BOOL, firewall.is_sound), END};
static const struct member link_members[] = {
	M("ifname", TEXT, link.ifname), M("network", TEXT, link.network), M("mac", MAC, link.mac),
	M("mtu", UINT, link.mtu),       M("up", BOOL, link.is_up),        M("noarp", BOOL, link.is_arp_off),
	M("stp", BOOL, link.stp),       M("ipv6", UINT, link.ipv6),       END};
static const struct member addr_members[] = {
	M("ifname", TEXT, addr.ifname),     M("cidr", CIDR, addr.cidr),       M("peer", IP, addr.peer),
	M("broadcast", IP, addr.broadcast), M("label", TEXT, addr.label),     M("scope", U8, addr.scope),
	M("flags", U32, addr.flags),        M("valid", U32, addr.valid_s),    M("preferred", U32, addr.preferred_s),
	M("metric", U32, addr.metric),      M("protocol", U8, addr.protocol), END};
static const struct member port_members[] = {M("ifname", TEXT, port.ifname),
					     M("master", TEXT, port.master),
					     M("network", TEXT, port.network),
					     M("foreign_alias", BOOL, port.is_alias_foreign),
					     M("mtu", UINT, port.mtu),
					     M("lladdr", MAC, port.lladdr),
					     M("up", BOOL, port.is_up),
					     M("isolated", BOOL, port.is_isolated),
					     M("fenced", BOOL, port.is_fenced),
					     M("uplink", BOOL, port.is_uplink),
					     M("persistent", BOOL, port.is_persistent),
					     M("opened", BOOL, port.is_opened),
					     M("queues", UINT, port.queues),
					     M("uid", U32, port.uid),
					     M("gid", U32, port.gid),
					     M("pid", INT, port.pid),
					     M("mac", MAC, port.mac),
					     END};
static const struct member route_members[] = {
	M("ifname", TEXT, route.ifname), M("family", INT, route.family), M("table", U32, route.table),
	M("metric", U32, route.metric),  M("dst", CIDR, route.dst),      M("gateway", IP, route.gateway),
	M("oif", INT, route.raw_oif),    M("raw", BYTES, route.raw),     END};
static const struct member claim_members[] = {M("key", TEXT, claim.key), M("network", TEXT, claim.network),
					      M("on", BOOL, claim.is_on), END};
static const struct member dnsmasq_members[] = {
	M("conf_file", TEXT, dnsmasq.paths.conf),    M("hosts_file", TEXT, dnsmasq.paths.hosts),
	M("dhcp_file", TEXT, dnsmasq.paths.dhcp),    M("pid_file", TEXT, dnsmasq.paths.pid),
	M("lease_file", TEXT, dnsmasq.paths.leases), M("conf", HEAP, dnsmasq.texts.conf),
	M("hosts", HEAP, dnsmasq.texts.hosts),       M("dhcp", HEAP, dnsmasq.texts.dhcp),
	M("running", BOOL, dnsmasq.is_running),      END};

static const struct {
	const char *name;
	const struct member *members;
} objects[KVN_OBJECT_COUNT] = {
	[KVN_OBJECT_FILE] = {"file", file_members},    [KVN_OBJECT_FIREWALL] = {"firewall", firewall_members},
	[KVN_OBJECT_LINK] = {"link", link_members},    [KVN_OBJECT_ADDR] = {"addr", addr_members},
	[KVN_OBJECT_PORT] = {"port", port_members},    [KVN_OBJECT_ROUTE] = {"route", route_members},
	[KVN_OBJECT_CLAIM] = {"claim", claim_members}, [KVN_OBJECT_DNSMASQ] = {"dnsmasq", dnsmasq_members},
};

static json_t *bytes_to_json(const uint8_t *bytes, size_t size)
{
	char text[2 * sizeof(((struct kvn_route *)NULL)->raw) + 1] = "";

	for (size_t i = 0; i < size; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

static json_t *member_to_json(const struct kvn_item *item, const struct member *member)
{
	const void *field = (const char *)item + member->offset;
	char text[KVN_CIDR_TEXT];

	switch (member->type) {
	case TEXT:
		return json_string(field);
	case HEAP:
		return json_string(*(char *const *)field ? *(char *const *)field : "");
	case BOOL:
		return json_boolean(*(const bool *)field);
	case UINT:
		return json_integer(*(const unsigned *)field);
	case INT:
		return json_integer(*(const int *)field);
	case U8:
		return json_integer(*(const uint8_t *)field);
	case U32:
		return json_integer(*(const uint32_t *)field);
	case MAC:
		return json_string(kvn_mac_format(field, text));
	case IP:
		return ((const struct kvn_ip *)field)->family ? json_string(kvn_ip_format(field, text))
							      : json_string("");
	case CIDR:
		return json_string(kvn_cidr_format(field, text));
	case BYTES:
		return bytes_to_json(item->route.raw, item->route.raw_size);
	}
	return NULL;
}

json_t *kvn_item_to_json(const struct kvn_item *item)
{
	json_t *json = json_object();

	(void)json_object_set_new(json, "object", json_string(objects[item->object].name));
	for (const struct member *member = objects[item->object].members; member->name; member++)
		if (json_object_set_new(json, member->name, member_to_json(item, member)) < 0) {
			json_decref(json);
			return NULL;
		}
	return json;
}

static int bytes_from_json(const char *text, struct kvn_route *ret)
{
	size_t size = strlen(text) / 2;

	if (size > sizeof(ret->raw))
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		unsigned byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return -EINVAL;
		ret->raw[i] = (uint8_t)byte;
	}
	ret->raw_size = size;
	return 0;
}

static int text_from_json(const char *text, struct kvn_item *ret, const struct member *member)
{
	void *field = (char *)ret + member->offset;

	switch (member->type) {
	case TEXT:
		if (strlen(text) >= member->size)
			return -EINVAL;
		memcpy(field, text, strlen(text) + 1);
		return 0;
	case HEAP:
		*(char **)field = strdup(text);
		return *(char **)field ? 0 : -ENOMEM;
	case MAC:
		return kvn_mac_parse(text, field);
	case IP:
		return text[0] ? kvn_ip_parse(text, AF_UNSPEC, field) : 0;
	case CIDR:
		return kvn_cidr_parse(text, AF_UNSPEC, field);
	case BYTES:
		return bytes_from_json(text, &ret->route);
	case BOOL:
	case UINT:
	case INT:
	case U8:
	case U32:
		break;
	}
	return -EINVAL;
}

static int member_from_json(const json_t *value, struct kvn_item *ret, const struct member *member)
{
	void *field = (char *)ret + member->offset;
	json_int_t number = json_integer_value(value);

	if (member->type == BOOL) {
		*(bool *)field = json_is_true(value);
		return json_is_boolean(value) ? 0 : -EINVAL;
	}
	if (json_is_string(value))
		return text_from_json(json_string_value(value), ret, member);
	if (!json_is_integer(value))
		return -EINVAL;
	if (member->type == INT)
		*(int *)field = (int)number;
	else if (member->type == U8)
		*(uint8_t *)field = (uint8_t)number;
	else if (member->type == UINT || member->type == U32)
		*(uint32_t *)field = (uint32_t)number;
	else
		return -EINVAL;
	return 0;
}

int kvn_item_from_json(const json_t *json, struct kvn_item *ret, struct kvn_error *err)
{
	const char *name = json_string_value(json_object_get(json, "object"));
	struct kvn_item item = {.object = KVN_OBJECT_COUNT};

	for (int i = 0; name && i < KVN_OBJECT_COUNT; i++)
		if (strcmp(objects[i].name, name) == 0)
			item.object = (enum kvn_object)i;
	if (item.object == KVN_OBJECT_COUNT)
		return kvn_fail(err, EINVAL, "unknown object '%s'", name ? name : "");
	for (const struct member *member = objects[item.object].members; member->name; member++)
		if (member_from_json(json_object_get(json, member->name), &item, member) < 0) {
			kvn_item_clear(&item);
			return kvn_fail(err, EINVAL, "%s: bad or missing '%s'", name, member->name);
		}
	*ret = item;
	return 0;
}
