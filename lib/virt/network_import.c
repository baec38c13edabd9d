/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network_import.c - libvirt's network XML -> the tree of a definition: what kind of network it is, and what comes to nothing.
 *
 * Each part reads its elements and marks them.  Values go into the tree as they are written: the definition's own code then
 * checks them, and names the line of the XML.  What nobody has marked by then is refused, or left out with a warning.
 */
#include <string.h>

#include "cleanup.h"
#include "network_import.h"
#include "network_xml.h"

#define TEXT(name) ((const char *)(name))
#define DNSMASQ_NAMESPACE "http://libvirt.org/schemas/network/dnsmasq/1.0"

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
	kvn_import_set_text(in, node, "name", name);
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
	kvn_import_set_text(in, node, "uuid", uuid);
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
	kvn_import_set_text(in, in->forward ? in->forward : in->network, "model", kvn_model_format(in->model));
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
		kvn_import_set_text(in, in->forward, "uplink", dev ? dev : name);
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

	kvn_import_set_bool(in, bridge ? bridge : in->network, "stp", stp);
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
		kvn_import_set_text(in, bridge, "bridge", name);
	if (!kvn_xml_bool(&in->xml, bridge, "macTableManager", "kernel", "libvirt", true))
		kvn_xml_mark_attribute(bridge, "macTableManager", &managed);
	if (in->model == KVN_BRIDGED)
		return;
	mac = kvn_xml_child(in->network, "mac");
	if (mac)
		kvn_import_set_text(in, mac, "mac", kvn_xml_need(&in->xml, mac, "address"));
}

static void read_mtu(struct import *in)
{
	xmlNode *mtu = kvn_xml_child(in->network, "mtu");

	if (mtu)
		kvn_import_set_text(in, mtu, "mtu", kvn_xml_need(&in->xml, mtu, "size"));
	read_stp(in, kvn_xml_child(in->network, "bridge"));
}

/* ---- the rest ---- */

static void read_ports(struct import *in)
{
	xmlNode *port = kvn_xml_child(in->network, "port");

	if (kvn_xml_bool(&in->xml, port, "isolated", "yes", "no", false))
		kvn_import_set_bool(in, port, "isolate_ports", true);
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
	{"dhcp", "bootp", "only IPv4 has a boot file"},
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
		kvn_import_addresses(in);
		kvn_import_dns(in);
	}
	kvn_import_metadata(in);
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
		kvn_import_no_memory(in);
	read_network(in);
	if (in->xml.r == 0)
		(void)kvn_xml_account(&in->xml, reasons, ARRAY_SIZE(reasons),
				      in->model == KVN_BRIDGED ? bridged : elsewhere, warnings);
	return kvn_import_finish(in);
}

int kvn_virt_import(const char *text, size_t len, const char *file, bool is_lossy, json_t **ret_tree,
		    json_t **ret_warnings, struct kvn_error *err)
{
	struct kvn_error unheard = {0};
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
