/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network_import_address.c - <ip>: addresses, DHCP and its reservations. */
#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "field.h"
#include "network_import.h"
#include "value.h"

#define TEXT(name) ((const char *)(name))

/* ---- addresses ---- */

/* One <ip>, understood. */
struct subnet {
	xmlNode *ip; /* NULL: none of this family */
	xmlNode *dhcp; /* it serves addresses */
	struct kvn_cidr address;
};

/* -1: no netmask */
static int count_netmask(const char *text)
{
	struct kvn_ip mask;

	if (kvn_ip_parse(text, AF_INET, &mask) < 0)
		return -1;
	for (uint8_t bits = 0; bits <= 32; bits++) {
		struct kvn_ip other = kvn_netmask(bits);

		if (kvn_ip_equal(&mask, &other))
			return bits;
	}
	return -1;
}

/* Without either, an IPv4 address has the prefix of its class, an IPv6 address 64. */
static int count_prefix(struct import *in, xmlNode *node, const struct kvn_ip *ip)
{
	const char *netmask = kvn_xml_get(node, "netmask"), *prefix = kvn_xml_get(node, "prefix");
	int most = ip->family == AF_INET6 ? 128 : 32, bits = -1;
	char *end = NULL, excerpt[KVN_EXCERPT];

	if (netmask && prefix) {
		kvn_xml_fail(&in->xml, node, "<%s> has both 'netmask' and 'prefix'", TEXT(node->name));
	} else if (netmask) {
		bits = ip->family == AF_INET ? count_netmask(netmask) : -1;
	} else if (prefix) {
		bits = *prefix >= '0' && *prefix <= '9' && strlen(prefix) <= 3 ? (int)strtol(prefix, &end, 10) : -1;
		if ((end && *end) || bits > most)
			bits = -1;
	} else if (ip->family == AF_INET6) {
		bits = 64;
	} else {
		bits = ip->bytes[0] < 128 ? 8 : ip->bytes[0] < 192 ? 16 : 24;
	}
	if (bits < 0)
		kvn_xml_fail(&in->xml, node, "'%s' is no %s of an %s address",
			     kvn_text_excerpt(netmask  ? netmask
					      : prefix ? prefix
						       : "",
					      excerpt),
			     netmask ? "netmask" : "prefix", ip->family == AF_INET6 ? "IPv6" : "IPv4");
	return bits;
}

/* The address @name of @node, of the family that attribute 'family' says.  False: failed. */
static bool read_family_address(struct import *in, xmlNode *node, const char *name, struct kvn_ip *ret)
{
	const char *text = kvn_xml_need(&in->xml, node, name), *family = kvn_xml_get(node, "family");
	char excerpt[KVN_EXCERPT];

	if (!text)
		return false;
	if (family && strcmp(family, "ipv4") != 0 && strcmp(family, "ipv6") != 0)
		kvn_xml_fail(&in->xml, node, "'%s' is no family: ipv4, ipv6", kvn_text_excerpt(family, excerpt));
	else if (kvn_ip_parse(text, family && strcmp(family, "ipv6") == 0 ? AF_INET6 : AF_INET, ret) < 0)
		kvn_xml_fail(&in->xml, node, "'%s' is no %s address%s", kvn_text_excerpt(text, excerpt),
			     family && strcmp(family, "ipv6") == 0 ? "IPv6" : "IPv4",
			     family ? "" : ", which it has to be without family='ipv6'");
	return in->xml.r == 0;
}

static void read_ip(struct import *in, xmlNode *node, struct subnet *v4, struct subnet *v6)
{
	static const struct kvn_mark another = {false, "a network has one IPv4 subnet and one IPv6 subnet"};
	struct subnet subnet = {.ip = node}, *ret;
	struct kvn_cidr network;
	int prefixlen;

	if (!read_family_address(in, node, "address", &subnet.address.ip))
		return;
	prefixlen = count_prefix(in, node, &subnet.address.ip);
	if (prefixlen < 0)
		return;
	subnet.address.prefixlen = (uint8_t)prefixlen;
	network = kvn_cidr_network(&subnet.address);
	if (kvn_ip_equal(&network.ip, &subnet.address.ip) && prefixlen < (int)(8 * kvn_ip_size(network.ip.family)) - 1)
		kvn_xml_fail(&in->xml, node, "<ip> has the address of the subnet itself, not of the bridge in it");
	ret = subnet.address.ip.family == AF_INET6 ? v6 : v4;
	if (ret->ip) {
		kvn_xml_mark(node, &another);
		return;
	}
	*ret = subnet;
}

/* A lease's time as a definition has it, the caller's; NULL: failed. */
static char *format_lease(struct import *in, xmlNode *lease)
{
	static const struct {
		const char *unit;
		char letter;
	} units[] = {{"seconds", 's'}, {"minutes", 'm'}, {"hours", 'h'}};
	const char *expiry = kvn_xml_need(&in->xml, lease, "expiry"), *unit = kvn_xml_get(lease, "unit");
	char excerpt[KVN_EXCERPT], *text = NULL;
	size_t i = 0;

	if (!unit)
		unit = "minutes";
	while (i < ARRAY_SIZE(units) && strcmp(units[i].unit, unit) != 0)
		i++;
	if (i == ARRAY_SIZE(units))
		kvn_xml_fail(&in->xml, lease, "'%s' is no unit of a lease: seconds, minutes, hours",
			     kvn_text_excerpt(unit, excerpt));
	else if (expiry && asprintf(&text, "%s%c", expiry[strspn(expiry, "0")] ? expiry : "", units[i].letter) < 0)
		kvn_import_no_memory(in);
	if (text && !text[1]) { /* 0 of any unit */
		free(text);
		text = strdup("infinite");
	}
	return text;
}

/* All addresses of a network have one lease time: @other is the range that has told it already, or NULL. */
static void read_lease(struct import *in, xmlNode *range, const xmlNode *other)
{
	static const struct kvn_mark differs = {false, "IPv4 and IPv6 leases of a network last the same time"};
	static const struct kvn_mark without = {true, "IPv4 and IPv6 leases of a network last the same time"};
	xmlNode *lease = kvn_xml_child(range, "lease");
	auto_free char *text = lease ? format_lease(in, lease) : NULL;
	const char *before = json_string_value(kvn_tree_get(in->tree.root, "ipv4.lease"));
	unsigned time = KVN_LEASE_DEFAULT, time_before = KVN_LEASE_DEFAULT;

	if (!other) {
		kvn_import_set_text(in, lease, "ipv4.lease", text);
		return;
	}
	/* A wrong one is the definition's to complain of. */
	if ((text && kvn_lease_value_parse(text, &time, NULL, NULL) < 0) ||
	    (before && kvn_lease_value_parse(before, &time_before, NULL, NULL) < 0) || time != time_before)
		kvn_xml_mark(lease ? lease : range, lease ? &differs : &without);
}

/* The pool, "FIRST-LAST"; NULL: none, or failed. */
static xmlNode *read_range(struct import *in, const struct subnet *subnet, const char *path)
{
	static const struct kvn_mark second = {false, "a subnet has one range"};
	xmlNode *range = kvn_xml_child(subnet->dhcp, "range");
	const char *first = range ? kvn_xml_need(&in->xml, range, "start") : NULL,
		   *last = range ? kvn_xml_need(&in->xml, range, "end") : NULL;

	for (xmlNode *more = range; more && (more = kvn_xml_each(subnet->dhcp, more, "range"));)
		kvn_xml_mark(more, &second);
	if (!first || !last)
		return NULL;
	kvn_import_set(in, range, path, json_sprintf("%s-%s", first, last));
	return range;
}

/* Find <dhcp> of @subnet, when there is something in it that kvnet serves. */
static void find_dhcp(struct subnet *subnet)
{
	static const struct kvn_mark rangeless = {false,
						  "without a <range> kvnet serves no DHCP, reservations neither"};
	xmlNode *dhcp = kvn_xml_child(subnet->ip, "dhcp");

	if (kvn_xml_each(dhcp, NULL, "range"))
		subnet->dhcp = dhcp;
	else if (kvn_xml_each(dhcp, NULL, "host") || kvn_xml_each(dhcp, NULL, "bootp"))
		kvn_xml_mark(dhcp, &rangeless);
}

/* ---- reservations ---- */

/* The name of a reservation, where a definition can have it. */
static const char *read_host_name(xmlNode *node)
{
	static const struct kvn_mark no_label = {false,
						 "a reservation's name is one word of letters, digits and hyphens"};
	const char *name = kvn_xml_get(node, "name");
	char label[64];

	if (!name || kvn_label_value_parse(name, label, NULL, NULL) == 0)
		return name;
	kvn_xml_mark_attribute(node, "name", &no_label);
	return NULL;
}

static void read_host4(struct import *in, xmlNode *node)
{
	static const struct kvn_mark by_name = {false, "an IPv4 reservation is for a MAC address"};
	const char *mac = kvn_xml_get(node, "mac");
	json_t *host;

	if (!mac) {
		kvn_xml_mark(node, &by_name);
		return;
	}
	kvn_xml_keep(node);
	host = json_object();
	kvn_import_put(in, node, host, "name", read_host_name(node));
	kvn_import_put(in, node, host, "mac", mac);
	kvn_import_put(in, node, host, "ipv4", kvn_xml_need(&in->xml, node, "ip"));
	kvn_import_append(in, node, "hosts", host);
}

/* The reservation of that name so far, when it has no IPv6 address; NULL: none. */
static json_t *find_host(const struct import *in, const char *name)
{
	json_t *hosts = json_object_get(in->tree.root, "hosts"), *host;
	size_t i;

	json_array_foreach(hosts, i, host)
	{
		const char *other = json_string_value(json_object_get(host, "name"));

		if (name && other && strcasecmp(name, other) == 0 && !json_object_get(host, "ipv6"))
			return host;
	}
	return NULL;
}

/* One machine has one reservation: what IPv4 and IPv6 say under the same name is put together. */
static void read_host6(struct import *in, xmlNode *node)
{
	static const struct kvn_mark by_name = {false, "an IPv6 reservation is for a DUID"};
	const char *duid = kvn_xml_get(node, "id"), *name;
	json_t *host;

	if (!duid) {
		kvn_xml_mark(node, &by_name);
		return;
	}
	kvn_xml_keep(node);
	name = read_host_name(node);
	host = find_host(in, name);
	if (!host) {
		host = json_object();
		kvn_import_put(in, node, host, "name", name);
		kvn_import_append(in, node, "hosts", host);
	}
	if (in->xml.r < 0)
		return;
	kvn_import_put(in, node, host, "duid", duid);
	kvn_import_put(in, node, host, "ipv6", kvn_xml_need(&in->xml, node, "ip"));
}

static void read_hosts(struct import *in, const struct subnet *subnet, void (*read)(struct import *in, xmlNode *node))
{
	for (xmlNode *node = NULL; in->xml.r == 0 && subnet->dhcp && (node = kvn_xml_each(subnet->dhcp, node, "host"));)
		read(in, node);
}

/* What guests boot from the network; whoever serves the file is not kvnet. */
static void read_boot(struct import *in, const struct subnet *subnet)
{
	static const struct kvn_mark file_text = {false,
						  "a boot file is a path or URL of letters, digits and /._-+@=~:?&%"};
	static const struct kvn_mark named = {false, "a boot server is an address"};
	xmlNode *boot = kvn_xml_child(subnet->dhcp, "bootp");
	const char *file = boot ? kvn_xml_need(&in->xml, boot, "file") : NULL, *server = kvn_xml_get(boot, "server");
	char text[KVN_BOOT_FILE_MAX + 1];
	struct kvn_ip ip;

	if (!file)
		return;
	if (kvn_boot_file_value_parse(file, text, NULL, NULL) < 0) {
		kvn_xml_mark(boot, &file_text);
	} else if (server && kvn_ip_parse(server, AF_INET, &ip) < 0) {
		kvn_xml_mark(boot, &named);
	} else {
		kvn_import_set_text(in, boot, "ipv4.boot_file", file);
		kvn_import_set_text(in, boot, "ipv4.boot_server", server);
	}
}

/* ---- IPv4 and IPv6 ---- */

/* Is the whole subnet one whose names dnsmasq's bogus-priv answers for? RFC 6303 */
static bool is_private(const struct kvn_cidr *subnet)
{
	static const struct kvn_cidr blocks[] = {
		{{AF_INET, {10}}, 8}, {{AF_INET, {172, 16}}, 12}, {{AF_INET, {192, 168}}, 16}, {{AF_INET6, {0xfd}}, 8}};

	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		if (subnet->prefixlen >= blocks[i].prefixlen && kvn_cidr_contains(&blocks[i], &subnet->ip))
			return true;
	return false;
}

/* What holds for a subnet of either family. */
static void read_subnet(struct import *in, struct subnet *subnet, const char *path)
{
	static const struct kvn_mark foreign = {false, "reverse names of public addresses are forwarded"};
	char text[KVN_CIDR_TEXT];

	if (!subnet->ip) {
		kvn_import_set_text(in, in->network, path, "none");
		return;
	}
	kvn_xml_keep(subnet->ip);
	kvn_import_set_text(in, subnet->ip, path, kvn_cidr_format(&subnet->address, text));
	if (kvn_xml_bool(&in->xml, subnet->ip, "localPtr", "yes", "no", false) && !is_private(&subnet->address))
		kvn_xml_mark_attribute(subnet->ip, "localPtr", &foreign);
	find_dhcp(subnet);
}

static void read_dhcp6(struct import *in, const struct subnet *v6, const xmlNode *range4)
{
	static const struct kvn_mark routed = {
		true, "without <nat ipv6='yes'/> libvirt routes IPv6 in and out; kvnet's nat hides it as it does IPv4"};
	static const struct kvn_mark wide = {true,
					     "kvnet advertises itself as a router for a /64 alone, or with a range"};
	const char *nat = kvn_xml_get(kvn_xml_each(in->forward, NULL, "nat"), "ipv6");
	xmlNode *range = read_range(in, v6, "ipv6.dhcp");

	if (range)
		read_lease(in, range, range4);
	else
		kvn_import_set_text(in, v6->ip, "ipv6.dhcp", v6->address.prefixlen == 64 ? "slaac" : "none");
	if (in->model == KVN_NAT && !(nat && strcmp(nat, "yes") == 0))
		kvn_xml_mark(v6->ip, &routed);
	else if (!range && v6->address.prefixlen != 64 && !kvn_import_has_own_key(in, "ipv6.dhcp"))
		kvn_xml_mark(v6->ip, &wide);
}

void kvn_import_addresses(struct import *in)
{
	struct subnet v4 = {0}, v6 = {0};
	xmlNode *range = NULL;

	for (xmlNode *node = NULL; (node = kvn_xml_each(in->network, node, "ip"));)
		read_ip(in, node, &v4, &v6);
	if (in->xml.r < 0)
		return;
	read_subnet(in, &v4, "ipv4.address");
	if (v4.ip) {
		range = read_range(in, &v4, "ipv4.dhcp");
		if (range)
			read_lease(in, range, NULL);
		else
			kvn_import_set_text(in, v4.ip, "ipv4.dhcp", "none");
	}
	read_subnet(in, &v6, "ipv6.address");
	if (v6.ip)
		read_dhcp6(in, &v6, range);
	in->has_address = v4.ip || v6.ip;
	if (in->has_address && in->model == KVN_ISOLATED)
		kvn_import_set_text(in, in->network, "host_access", kvn_host_access_format(KVN_HOST_ALL));
	read_boot(in, &v4);
	read_hosts(in, &v4, read_host4);
	read_hosts(in, &v6, read_host6);
}
