/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network_import.c - libvirt's network XML -> the tree of a definition.
 *
 * The document's elements are visited in the order of the definition's keys, so that the tree is in that order.  Values go
 * into the tree as they are written: the definition's own code then checks them, and names the line of the XML.
 */
#include <errno.h>
#include <string.h>

#include "array.h"
#include "cidr.h"
#include "cleanup.h"
#include "definition_table.h"
#include "network_document.h"
#include "network_xml.h"
#include "value.h"

#define TEXT(name) ((const char *)(name))
#define DNSMASQ_NAMESPACE "http://libvirt.org/schemas/network/dnsmasq/1.0"
#define PATH_SIZE 64 /* the longest key of a definition, and to spare */

struct import {
	struct kvn_xml xml;
	struct kvn_document tree; /* what is made of it, each value with its line */
	size_t lines_size;
	xmlNode *network, *forward;
	enum kvn_model model;
	bool has_address;
};

/* ---- the tree ---- */

static void no_memory(struct import *in)
{
	if (in->xml.r == 0)
		in->xml.r = kvn_fail_errno(in->xml.err, ENOMEM, "%s", in->xml.file);
}

static void remember_line(struct import *in, json_t *value, const xmlNode *node)
{
	struct kvn_document *tree = &in->tree;

	if (in->xml.r < 0)
		return;
	if (!KVN_ARRAY_ROOM(tree->lines, tree->n_lines, in->lines_size)) {
		no_memory(in);
		return;
	}
	tree->lines[tree->n_lines++] = (struct kvn_yaml_line){json_incref(value), kvn_xml_line(node)};
}

/* The mapping that the key @path is in, and its name there. */
static json_t *section_of(struct import *in, const char *path, const char **ret_name)
{
	const char *dot = strchr(path, '.');
	char name[PATH_SIZE] = "";
	json_t *section;

	*ret_name = dot ? dot + 1 : path;
	if (!dot)
		return in->tree.root;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
	section = json_object_get(in->tree.root, name);
	if (!section) {
		section = json_object();
		if (json_object_set_new(in->tree.root, name, section) < 0)
			no_memory(in);
	}
	return section;
}

/* Takes @value over; @node is where it stands. */
static void set(struct import *in, const xmlNode *node, const char *path, json_t *value)
{
	const char *name;
	json_t *section;

	if (in->xml.r < 0 || !value) {
		if (!value)
			no_memory(in);
		json_decref(value);
		return;
	}
	section = section_of(in, path, &name);
	if (json_object_set_new(section, name, value) < 0)
		no_memory(in);
	else
		remember_line(in, value, node);
}

static void set_text(struct import *in, const xmlNode *node, const char *path, const char *text)
{
	if (text)
		set(in, node, path, json_string(text));
}

static void set_bool(struct import *in, const xmlNode *node, const char *path, bool value)
{
	set(in, node, path, json_string(value ? "true" : "false"));
}

/* Takes @item over. */
static void append_to(struct import *in, const xmlNode *node, json_t *array, json_t *item)
{
	if (json_array_append_new(array, item) < 0)
		no_memory(in);
	else
		remember_line(in, item, node);
}

/* Add to the sequence at @path; takes @item over. */
static void append(struct import *in, const xmlNode *node, const char *path, json_t *item)
{
	if (!kvn_tree_get(in->tree.root, path))
		set(in, node, path, json_array());
	if (in->xml.r < 0)
		json_decref(item);
	else
		append_to(in, node, kvn_tree_get(in->tree.root, path), item);
}

/* ---- what libvirt has no word for ---- */

static bool is_own(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns && strcmp(TEXT(node->ns->href), KVN_XML_NAMESPACE) == 0 &&
	       strcmp(TEXT(node->name), name) == 0;
}

/* Is it told in kvnet's own words? */
static bool has_own_key(const struct import *in, const char *key)
{
	for (const xmlNode *metadata = kvn_xml_each(in->network, NULL, "metadata"),
			   *own = metadata ? metadata->children : NULL;
	     own; own = own->next)
		for (xmlNode *node = is_own(own, "network") ? own->children : NULL; node; node = node->next) {
			const char *name = is_own(node, "set") ? kvn_xml_get(node, "key") : NULL;

			if (name && strcmp(name, key) == 0)
				return true;
		}
	return false;
}

/* ---- networks that are libvirt's alone ---- */

static void refuse_virtualport(struct import *in, const xmlNode *parent)
{
	xmlNode *port = kvn_xml_each(parent, NULL, "virtualport");
	const char *type = kvn_xml_get(port, "type");
	char excerpt[KVN_EXCERPT];

	if (port && type && strcmp(type, "openvswitch") == 0)
		kvn_xml_fail(&in->xml, port,
			     "<virtualport type='openvswitch'>: the bridge is Open vSwitch's, which kvnet does not "
			     "speak to: "
			     "leave this network to libvirt");
	else if (port)
		kvn_xml_fail(&in->xml, port,
			     "<virtualport type='%s'> is about a switch outside that libvirt talks to: leave this "
			     "network to "
			     "libvirt",
			     kvn_text_excerpt(type ? type : "", excerpt));
}

static void refuse_foreign(struct import *in)
{
	static const char *const macvtap[] = {"private", "vepa", "passthrough"};
	const char *mode = kvn_xml_get(in->forward, "mode");

	for (size_t i = 0; mode && i < ARRAY_SIZE(macvtap); i++)
		if (strcmp(mode, macvtap[i]) == 0)
			kvn_xml_fail(
				&in->xml, in->forward,
				"forward mode '%s' gives guests macvtap links, which libvirt makes for each of them: "
				"leave this network to libvirt",
				mode);
	if (mode && strcmp(mode, "hostdev") == 0)
		kvn_xml_fail(&in->xml, in->forward,
			     "forward mode 'hostdev' gives guests whole devices of the host, which libvirt assigns: "
			     "leave this "
			     "network to libvirt");
	if (mode && strcmp(mode, "bridge") == 0 &&
	    (kvn_xml_each(in->forward, NULL, "interface") || kvn_xml_each(in->forward, NULL, "pf") ||
	     kvn_xml_get(in->forward, "dev")))
		kvn_xml_fail(&in->xml, in->forward,
			     "forward mode 'bridge' over a NIC instead of a bridge gives guests macvtap links, which "
			     "libvirt "
			     "makes for each of them: leave this network to libvirt");
	refuse_virtualport(in, in->network);
	for (xmlNode *group = NULL; (group = kvn_xml_each(in->network, group, "portgroup"));)
		refuse_virtualport(in, group);
}

/* ---- what the network is ---- */

static void read_name(struct import *in)
{
	xmlNode *node = kvn_xml_child(in->network, "name");
	auto_free char *name = NULL;

	if (!node) {
		kvn_xml_fail(&in->xml, in->network, "<network> has no <name>");
		return;
	}
	name = kvn_xml_text(&in->xml, node);
	if (name && !*name)
		kvn_xml_fail(&in->xml, node, "<name> is empty");
	set_text(in, node, "name", name);
}

static void read_uuid(struct import *in)
{
	xmlNode *node = kvn_xml_child(in->network, "uuid");
	auto_free char *text = node ? kvn_xml_text(&in->xml, node) : NULL;
	char *uuid = text;

	if (!uuid)
		return;
	uuid += strspn(uuid, " \t\r\n");
	uuid[strcspn(uuid, " \t\r\n")] = '\0';
	if (!*uuid)
		kvn_xml_fail(&in->xml, node, "<uuid> is empty");
	set_text(in, node, "uuid", uuid);
}

static void read_model(struct import *in)
{
	static const struct {
		const char *mode;
		enum kvn_model model;
	} modes[] = {{"nat", KVN_NAT}, {"route", KVN_ROUTED}, {"open", KVN_OPEN}, {"bridge", KVN_BRIDGED}};
	const char *mode = kvn_xml_get(in->forward, "mode");
	char excerpt[KVN_EXCERPT];
	size_t i = 0;

	if (!mode)
		mode = "nat";
	while (i < ARRAY_SIZE(modes) && strcmp(modes[i].mode, mode) != 0)
		i++;
	if (i == ARRAY_SIZE(modes))
		kvn_xml_fail(&in->xml, in->forward, "'%s' is no forward mode", kvn_text_excerpt(mode, excerpt));
	else
		in->model = in->forward ? modes[i].model : KVN_ISOLATED;
	set_text(in, in->forward ? in->forward : in->network, "model", kvn_model_format(in->model));
}

/* Forwarding through one link only; libvirt writes its name twice. */
static void read_uplink(struct import *in)
{
	const char *dev = kvn_xml_get(in->forward, "dev");
	xmlNode *interface = kvn_xml_child(in->forward, "interface");
	const char *name = kvn_xml_get(interface, "dev");

	(void)kvn_xml_get(interface, "connections");
	if (interface && !name)
		kvn_xml_fail(&in->xml, interface, "<interface> has no attribute 'dev'");
	if (dev && name && strcmp(dev, name) != 0)
		kvn_xml_fail(&in->xml, interface, "<interface> and attribute 'dev' of <forward> are not the same link");
	if (dev || name)
		set_text(in, in->forward, "uplink", dev ? dev : name);
}

/* What libvirt does without these is what kvnet does. */
static void read_nat(struct import *in)
{
	xmlNode *nat = in->model == KVN_NAT ? kvn_xml_child(in->forward, "nat") : NULL;
	xmlNode *port = kvn_xml_each(nat, NULL, "port");
	const char *first = kvn_xml_get(port, "start"), *last = kvn_xml_get(port, "end");

	(void)kvn_xml_bool(&in->xml, nat, "ipv6", "yes", "no", false);
	if (first && last && strcmp(first, "1024") == 0 && strcmp(last, "65535") == 0)
		(void)kvn_xml_child(nat, "port"); /* masquerading's own */
}

static void read_stp(struct import *in, xmlNode *bridge)
{
	/* Either shortest delay comes to two seconds, the kernel's least with STP, and kvnet's. */
	static const struct kvn_mark longer = {false, "kvnet's bridges wait two seconds, the shortest there is"};
	bool stp = kvn_xml_bool(&in->xml, bridge, "stp", "on", "off", true);
	const char *delay = kvn_xml_get(bridge, "delay");

	set_bool(in, bridge ? bridge : in->network, "stp", stp);
	if (delay && stp && (delay[0] < '0' || delay[0] > '2' || delay[1]))
		kvn_xml_mark_attribute(bridge, "delay", &longer);
}

static void read_bridge(struct import *in)
{
	static const struct kvn_mark template = {false, "a name is wanted, not a pattern of names"};
	static const struct kvn_mark managed = {false, "the kernel learns where guests are"};
	xmlNode *bridge = kvn_xml_child(in->network, "bridge"), *mac;
	const char *name = kvn_xml_get(bridge, "name");

	if (name && strchr(name, '%'))
		kvn_xml_mark_attribute(bridge, "name", &template);
	else if (name && *name)
		set_text(in, bridge, "bridge", name);
	if (!kvn_xml_bool(&in->xml, bridge, "macTableManager", "kernel", "libvirt", true))
		kvn_xml_mark_attribute(bridge, "macTableManager", &managed);
	if (in->model == KVN_BRIDGED)
		return;
	mac = kvn_xml_child(in->network, "mac");
	if (mac)
		set_text(in, mac, "mac", kvn_xml_need(&in->xml, mac, "address"));
}

static void read_mtu(struct import *in)
{
	xmlNode *mtu = kvn_xml_child(in->network, "mtu");

	if (mtu)
		set_text(in, mtu, "mtu", kvn_xml_need(&in->xml, mtu, "size"));
	read_stp(in, kvn_xml_child(in->network, "bridge"));
}

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
		no_memory(in);
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
		set_text(in, lease, "ipv4.lease", text);
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
	set(in, range, path, json_sprintf("%s-%s", first, last));
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

/* Set @key of an item to what stands at @node; NULL: nothing does. */
static void put(struct import *in, const xmlNode *node, json_t *item, const char *key, const char *value)
{
	json_t *text = value ? json_string(value) : NULL;

	if (!value)
		return;
	if (json_object_set_new(item, key, text) < 0)
		no_memory(in);
	else
		remember_line(in, text, node);
}

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
	put(in, node, host, "name", read_host_name(node));
	put(in, node, host, "mac", mac);
	put(in, node, host, "ipv4", kvn_xml_need(&in->xml, node, "ip"));
	append(in, node, "hosts", host);
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
		put(in, node, host, "name", name);
		append(in, node, "hosts", host);
	}
	if (in->xml.r < 0)
		return;
	put(in, node, host, "duid", duid);
	put(in, node, host, "ipv6", kvn_xml_need(&in->xml, node, "ip"));
}

static void read_hosts(struct import *in, const struct subnet *subnet, void (*read)(struct import *in, xmlNode *node))
{
	for (xmlNode *node = NULL; in->xml.r == 0 && subnet->dhcp && (node = kvn_xml_each(subnet->dhcp, node, "host"));)
		read(in, node);
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
		set_text(in, in->network, path, "none");
		return;
	}
	kvn_xml_keep(subnet->ip);
	set_text(in, subnet->ip, path, kvn_cidr_format(&subnet->address, text));
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
		set_text(in, v6->ip, "ipv6.dhcp", v6->address.prefixlen == 64 ? "slaac" : "none");
	if (in->model == KVN_NAT && !(nat && strcmp(nat, "yes") == 0))
		kvn_xml_mark(v6->ip, &routed);
	else if (!range && v6->address.prefixlen != 64 && !has_own_key(in, "ipv6.dhcp"))
		kvn_xml_mark(v6->ip, &wide);
}

static void read_addresses(struct import *in)
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
			set_text(in, v4.ip, "ipv4.dhcp", "none");
	}
	read_subnet(in, &v6, "ipv6.address");
	if (v6.ip)
		read_dhcp6(in, &v6, range);
	in->has_address = v4.ip || v6.ip;
	if (in->has_address && in->model == KVN_ISOLATED)
		set_text(in, in->network, "host_access", kvn_host_access_format(KVN_HOST_ALL));
	read_hosts(in, &v4, read_host4);
	read_hosts(in, &v6, read_host6);
}

/* ---- DNS ---- */

static void read_forwarder(struct import *in, xmlNode *node)
{
	static const struct kvn_mark isolated = {false, "guests of an isolated network ask nobody outside"};
	const char *address = kvn_xml_get(node, "addr"), *domain = kvn_xml_get(node, "domain");
	json_t *forwarder;

	kvn_xml_keep(node);
	if (!address && !domain)
		kvn_xml_fail(&in->xml, node, "<forwarder> has neither attribute 'addr' nor 'domain'");
	if (in->model == KVN_ISOLATED) {
		kvn_xml_mark(node, &isolated);
	} else if (domain) {
		forwarder = json_object();
		put(in, node, forwarder, "domain", domain);
		put(in, node, forwarder, "resolver", address);
		append(in, node, "dns.forwarders", forwarder);
	} else if (address) {
		append(in, node, "dns.upstream", json_string(address));
	}
}

static void read_dns_host(struct import *in, xmlNode *node)
{
	json_t *host = json_object(), *names = json_array();

	kvn_xml_keep(node);
	put(in, node, host, "ip", kvn_xml_need(&in->xml, node, "ip"));
	if (json_object_set_new(host, "names", names) < 0)
		no_memory(in);
	for (xmlNode *name = NULL; in->xml.r == 0 && (name = kvn_xml_each(node, name, "hostname"));) {
		auto_free char *text = kvn_xml_text(&in->xml, name);

		kvn_xml_keep(name);
		append_to(in, name, names, text ? json_string(text) : NULL);
	}
	append(in, node, "dns.hosts", host);
}

static void read_txt(struct import *in, xmlNode *node)
{
	static const struct kvn_mark no_text = {false, "kvnet's TXT records hold up to 255 printable ASCII characters"};
	const char *value = kvn_xml_get(node, "value");
	auto_free char *text = NULL;
	json_t *txt;

	if (value && (!*value || kvn_dns_text_value_parse(value, &text, NULL, NULL) < 0)) {
		kvn_xml_mark(node, &no_text);
		return;
	}
	kvn_xml_keep(node);
	txt = json_object();
	put(in, node, txt, "name", kvn_xml_need(&in->xml, node, "name"));
	put(in, node, txt, "value", kvn_xml_need(&in->xml, node, "value"));
	append(in, node, "dns.txt", txt);
}

/* Without a target, or with the root as one, the service is not to be had. */
static void read_srv(struct import *in, xmlNode *node)
{
	static const struct kvn_mark useless = {false, "without a target there is nothing that it is about"};
	const char *target = kvn_xml_get(node, "target"), *port;
	bool has_target = target && *target && strcmp(target, ".") != 0;
	json_t *srv = json_object();

	kvn_xml_keep(node);
	put(in, node, srv, "service", kvn_xml_need(&in->xml, node, "service"));
	put(in, node, srv, "protocol", kvn_xml_need(&in->xml, node, "protocol"));
	put(in, node, srv, "domain", kvn_xml_get(node, "domain"));
	if (has_target) {
		port = kvn_xml_get(node, "port");
		put(in, node, srv, "target", target);
		put(in, node, srv, "port", port ? port : "1"); /* dnsmasq's default */
		put(in, node, srv, "priority", kvn_xml_get(node, "priority"));
		put(in, node, srv, "weight", kvn_xml_get(node, "weight"));
	} else {
		kvn_xml_mark_attribute(node, "port", &useless);
		kvn_xml_mark_attribute(node, "priority", &useless);
		kvn_xml_mark_attribute(node, "weight", &useless);
	}
	append(in, node, "dns.srv", srv);
}

/* Each @name of @dns by @read. */
static void read_records(struct import *in, const xmlNode *dns, const char *name,
			 void (*read)(struct import *in, xmlNode *node))
{
	for (xmlNode *node = NULL; dns && in->xml.r == 0 && (node = kvn_xml_each(dns, node, name));)
		read(in, node);
}

static void read_dns(struct import *in)
{
	static const struct kvn_mark plain = {false, "kvnet never forwards a name without a dot"};
	xmlNode *dns = kvn_xml_child(in->network, "dns");
	bool is_enabled = kvn_xml_bool(&in->xml, dns, "enable", "yes", "no", true);
	xmlNode *domain = kvn_xml_child(in->network, "domain");

	if (kvn_xml_bool(&in->xml, dns, "forwardPlainNames", "yes", "no", false))
		kvn_xml_mark_attribute(dns, "forwardPlainNames", &plain);
	if (kvn_xml_get(dns, "enable") && (!is_enabled || in->has_address))
		set_bool(in, dns, "dns.enabled", is_enabled);
	if (!is_enabled && xmlFirstElementChild(dns))
		kvn_xml_fail(&in->xml, dns, "<dns enable='no'> has records or forwarders, which libvirt refuses too");
	if (domain) {
		set_text(in, domain, "dns.domain", kvn_xml_need(&in->xml, domain, "name"));
		set_bool(in, domain, "dns.local_only", kvn_xml_bool(&in->xml, domain, "localOnly", "yes", "no", false));
	}
	read_records(in, dns, "forwarder", read_forwarder);
	read_records(in, dns, "host", read_dns_host);
	read_records(in, dns, "txt", read_txt);
	read_records(in, dns, "srv", read_srv);
}

/* ---- the rest ---- */

static void read_ports(struct import *in)
{
	xmlNode *port = kvn_xml_child(in->network, "port");

	if (kvn_xml_bool(&in->xml, port, "isolated", "yes", "no", false))
		set_bool(in, port, "isolate_ports", true);
}

/* Lines of dnsmasq's configuration. */
static void read_options(struct import *in)
{
	static const struct kvn_mark options = {false, "kvnet writes all of dnsmasq's configuration itself"};

	for (xmlNode *node = in->network->children; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE && node->ns && strcmp(TEXT(node->ns->href), DNSMASQ_NAMESPACE) == 0)
			kvn_xml_mark(node, &options);
}

/* Live counters, and what kvnet's networks are anyway. */
static void read_attributes(struct import *in)
{
	static const struct kvn_mark filters = {false, "what a guest wants to receive is not looked at"};

	(void)kvn_xml_get(in->network, "connections");
	(void)kvn_xml_bool(&in->xml, in->network, "ipv6", "yes", "no", false); /* guests reach each other by IPv6 */
	if (kvn_xml_bool(&in->xml, in->network, "trustGuestRxFilters", "yes", "no", false))
		kvn_xml_mark_attribute(in->network, "trustGuestRxFilters", &filters);
}

/* Scalars as strings, as the YAML parser has them. */
static json_t *untype(json_t *value)
{
	char buffer[32];
	const char *key, *text = kvn_tree_text(value, buffer);
	auto_json json_t *copy = NULL;
	bool is_whole = true;
	json_t *child;
	size_t i;

	if (text)
		return json_string(text);
	if (!json_is_object(value) && !json_is_array(value))
		return json_incref(value);
	copy = json_is_object(value) ? json_object() : json_array();
	json_object_foreach(value, key, child)
	{
		if (!json_is_null(child) && json_object_set_new(copy, key, untype(child)) < 0)
			is_whole = false;
	}
	json_array_foreach(value, i, child)
	{
		if (json_array_append_new(copy, untype(child)) < 0)
			is_whole = false;
	}
	return is_whole ? steal_ptr(&copy) : NULL;
}

/* One key that libvirt has no word for; null: what was read instead is not so. */
static void read_own_key(struct import *in, xmlNode *node)
{
	const char *key = kvn_xml_need(&in->xml, node, "key"), *name;
	auto_free char *text = kvn_xml_text(&in->xml, node);
	auto_json json_t *value = text ? json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL) : NULL;
	char excerpt[KVN_EXCERPT];
	json_t *section;

	if (!key || !text)
		return;
	if (!value)
		kvn_xml_fail(&in->xml, node, "key '%s': no JSON value", kvn_text_excerpt(key, excerpt));
	else if (!kvn_fields_find(kvn_definition_table(), key) || strcmp(key, "name") == 0)
		kvn_xml_fail(&in->xml, node, "key '%s' is none that is kept here", kvn_text_excerpt(key, excerpt));
	if (in->xml.r < 0)
		return;
	if (!json_is_null(value)) {
		set(in, node, key, untype(value));
		return;
	}
	section = section_of(in, key, &name);
	(void)json_object_del(section, name); /* it need not be there */
}

static void read_metadata(struct import *in)
{
	static const struct kvn_mark foreign = {false, "it belongs to another program"};
	xmlNode *metadata = kvn_xml_child(in->network, "metadata");

	for (xmlNode *own = metadata ? metadata->children : NULL; own; own = own->next) {
		if (!is_own(own, "network")) {
			kvn_xml_mark(own, own->type == XML_ELEMENT_NODE ? &foreign : NULL);
			continue;
		}
		kvn_xml_keep(own);
		for (xmlNode *node = own->children; node; node = node->next)
			if (is_own(node, "set")) {
				kvn_xml_keep(node);
				read_own_key(in, node);
			}
	}
}

/* ---- the whole ---- */

/* Why what was not read is not: "kvnet does not know it" goes for the others. */
static const struct kvn_xml_reason reasons[] = {
	{"network", "title", "a definition has no such text"},
	{"network", "description", "a definition has no such text"},
	{"network", "bandwidth", "kvnet does not shape traffic"},
	{"network", "vlan", "kvnet sets no VLANs of ports"},
	{"network", "portgroup", "all ports of a network are alike"},
	{"network", "route", "kvnet sets no routes behind guests"},
	{"bridge", "@zone", "kvnet has a firewall of its own and no zones"},
	{"domain", "@register", "the host's resolver is not told of networks"},
	{"nat", "address", "kvnet hides guests behind the address that the host sends from"},
	{"nat", "port", "kvnet leaves the choice of ports to the kernel"},
	{"forward", "@dev", "the host's own firewall and routes decide"},
	{"forward", "interface", "a network forwards through one link or all"},
	{"forward", "pf", "it is for networks of host devices"},
	{"forward", "address", "it is for networks of host devices"},
	{"forward", "driver", "it is for networks of host devices"},
	{"forward", "@managed", "it is for networks of host devices"},
	{"forwarder", "@port", "kvnet asks resolvers at port 53"},
	{"ip", "tftp", "kvnet serves no TFTP"},
	{"dhcp", "bootp", "kvnet names no boot file"},
	{"host", "lease", "all leases of a network last the same time"},
};

static void read_network(struct import *in)
{
	refuse_foreign(in);
	read_name(in);
	read_uuid(in);
	read_model(in);
	if (in->xml.r < 0)
		return;
	read_attributes(in);
	read_bridge(in);
	read_ports(in);
	read_options(in);
	if (in->model != KVN_BRIDGED) {
		read_nat(in);
		read_uplink(in);
		read_mtu(in);
		read_addresses(in);
		read_dns(in);
	}
	read_metadata(in);
}

/* What a definition says that says nothing. */
static json_t *write_nothing(void)
{
	const struct kvn_network nothing = {
		.model = KVN_NAT, .ipv4 = {.lease_s = KVN_LEASE_DEFAULT}, .dns = {.is_local = true}};

	return kvn_definition_write(&nothing);
}

/* Each value as the definition writes it, and none that goes without saying, so that what is the same reads the same. */
static void normalize(struct import *in, const struct kvn_network *net)
{
	auto_json json_t *written = kvn_definition_write(net), *nothing = write_nothing(), *tree = in->tree.root;

	in->tree.root = json_object();
	if (!written || !nothing || !in->tree.root)
		no_memory(in);
	for (const struct kvn_field_doc *doc = kvn_definition_fields(); doc->path && in->xml.r == 0; doc++) {
		json_t *value = kvn_tree_get(written, doc->path), *section, *given = kvn_tree_get(tree, doc->path);
		const char *name;

		if (!given || (json_equal(value, kvn_tree_get(nothing, doc->path)) && strcmp(doc->path, "model") != 0))
			continue;
		section = section_of(in, doc->path, &name);
		if (json_object_set_new(section, name,
					strcmp(doc->path, "name") == 0 ? json_incref(given) : untype(value)) < 0)
			no_memory(in);
	}
}

/* The name, or another one where kvnet cannot have it: whoever asked may still choose. */
static const char *name_to_check(const struct import *in)
{
	const char *name = json_string_value(json_object_get(in->tree.root, "name"));

	if (kvn_name_check(name, NULL) < 0)
		return "imported";
	return json_object_get(in->tree.root, "bridge") || kvn_ifname_check(name, NULL) == 0 ? name : "imported";
}

/* Is it a definition? */
static int check_tree(struct import *in)
{
	auto_json json_t *root = in->tree.root, *unnamed = json_copy(root);
	struct kvn_network net = {0};

	if (in->xml.r == 0) {
		const char *name = name_to_check(in);

		in->tree.root = unnamed;
		(void)json_object_del(unnamed, "name");
		in->xml.r = kvn_definition_read(&in->tree, name, &net, in->xml.err);
	}
	in->tree.root = steal_ptr(&root);
	if (in->xml.r == 0)
		normalize(in, &net);
	kvn_network_clear(&net);
	return in->xml.r;
}

static int import(struct import *in, json_t *warnings)
{
	static const char elsewhere[] = "kvnet does not know it";
	static const char bridged[] = "the bridge is somebody else's, and stays as it is";

	in->network = xmlDocGetRootElement(in->xml.doc);
	if (in->network->ns || strcmp(TEXT(in->network->name), "network") != 0) {
		kvn_xml_fail(&in->xml, in->network, "not a <network>");
		return in->xml.r;
	}
	kvn_xml_keep(in->network);
	in->forward = kvn_xml_child(in->network, "forward");
	in->tree.root = json_object();
	in->tree.file = strdup(in->xml.file);
	if (!in->tree.root || !in->tree.file)
		no_memory(in);
	read_network(in);
	if (in->xml.r == 0)
		(void)kvn_xml_account(&in->xml, reasons, ARRAY_SIZE(reasons),
				      in->model == KVN_BRIDGED ? bridged : elsewhere, warnings);
	return check_tree(in);
}

int kvn_virt_import(const char *text, size_t len, const char *file, bool is_lossy, json_t **ret_tree,
		    json_t **ret_warnings, struct kvn_error *err)
{
	struct kvn_error unheard;
	struct import in = {.xml = {.file = file, .err = err ? err : &unheard}};
	auto_json json_t *warnings = json_array();
	int r = kvn_xml_parse(&in.xml, text, len);

	if (r == 0)
		r = import(&in, is_lossy ? warnings : NULL);
	if (r == 0) {
		*ret_tree = json_incref(in.tree.root);
		*ret_warnings = steal_ptr(&warnings);
	}
	kvn_document_clear(&in.tree);
	kvn_xml_clear(&in.xml);
	return r;
}
