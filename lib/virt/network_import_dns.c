/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network_import_dns.c - <dns> and <domain>. */
#include <string.h>

#include "cleanup.h"
#include "network_import.h"
#include "value.h"

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
		kvn_import_put(in, node, forwarder, "domain", domain);
		kvn_import_put(in, node, forwarder, "resolver", address);
		kvn_import_append(in, node, "dns.forwarders", forwarder);
	} else if (address) {
		kvn_import_append(in, node, "dns.upstream", json_string(address));
	}
}

static void read_dns_host(struct import *in, xmlNode *node)
{
	json_t *host = json_object(), *names = json_array();

	kvn_xml_keep(node);
	kvn_import_put(in, node, host, "ip", kvn_xml_need(&in->xml, node, "ip"));
	if (json_object_set_new(host, "names", names) < 0)
		kvn_import_no_memory(in);
	for (xmlNode *name = NULL; in->xml.r == 0 && (name = kvn_xml_each(node, name, "hostname"));) {
		auto_free char *text = kvn_xml_text(&in->xml, name);

		kvn_xml_keep(name);
		kvn_import_append_to(in, name, names, text ? json_string(text) : NULL);
	}
	kvn_import_append(in, node, "dns.hosts", host);
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
	kvn_import_put(in, node, txt, "name", kvn_xml_need(&in->xml, node, "name"));
	kvn_import_put(in, node, txt, "value", kvn_xml_need(&in->xml, node, "value"));
	kvn_import_append(in, node, "dns.txt", txt);
}

/* Without a target, or with the root as one, the service is not to be had. */
static void read_srv(struct import *in, xmlNode *node)
{
	static const struct kvn_mark useless = {false, "without a target there is nothing that it is about"};
	const char *target = kvn_xml_get(node, "target"), *port;
	bool has_target = target && *target && strcmp(target, ".") != 0;
	json_t *srv = json_object();

	kvn_xml_keep(node);
	kvn_import_put(in, node, srv, "service", kvn_xml_need(&in->xml, node, "service"));
	kvn_import_put(in, node, srv, "protocol", kvn_xml_need(&in->xml, node, "protocol"));
	kvn_import_put(in, node, srv, "domain", kvn_xml_get(node, "domain"));
	if (has_target) {
		port = kvn_xml_get(node, "port");
		kvn_import_put(in, node, srv, "target", target);
		kvn_import_put(in, node, srv, "port", port ? port : "1"); /* dnsmasq's default */
		kvn_import_put(in, node, srv, "priority", kvn_xml_get(node, "priority"));
		kvn_import_put(in, node, srv, "weight", kvn_xml_get(node, "weight"));
	} else {
		kvn_xml_mark_attribute(node, "port", &useless);
		kvn_xml_mark_attribute(node, "priority", &useless);
		kvn_xml_mark_attribute(node, "weight", &useless);
	}
	kvn_import_append(in, node, "dns.srv", srv);
}

/* Each @name of @dns by @read. */
static void read_records(struct import *in, const xmlNode *dns, const char *name,
			 void (*read)(struct import *in, xmlNode *node))
{
	for (xmlNode *node = NULL; dns && in->xml.r == 0 && (node = kvn_xml_each(dns, node, name));)
		read(in, node);
}

void kvn_import_dns(struct import *in)
{
	static const struct kvn_mark plain = {false, "kvnet never forwards a name without a dot"};
	xmlNode *dns = kvn_xml_child(in->network, "dns");
	bool is_enabled = kvn_xml_bool(&in->xml, dns, "enable", "yes", "no", true);
	xmlNode *domain = kvn_xml_child(in->network, "domain");

	if (kvn_xml_bool(&in->xml, dns, "forwardPlainNames", "yes", "no", false))
		kvn_xml_mark_attribute(dns, "forwardPlainNames", &plain);
	if (kvn_xml_get(dns, "enable") && (!is_enabled || in->has_address))
		kvn_import_set_bool(in, dns, "dns.enabled", is_enabled);
	if (!is_enabled && xmlFirstElementChild(dns))
		kvn_xml_fail(&in->xml, dns, "<dns enable='no'> has records or forwarders, which libvirt refuses too");
	if (domain) {
		kvn_import_set_text(in, domain, "dns.domain", kvn_xml_need(&in->xml, domain, "name"));
		kvn_import_set_bool(in, domain, "dns.local_only",
				    kvn_xml_bool(&in->xml, domain, "localOnly", "yes", "no", false));
	}
	read_records(in, dns, "forwarder", read_forwarder);
	read_records(in, dns, "host", read_dns_host);
	read_records(in, dns, "txt", read_txt);
	read_records(in, dns, "srv", read_srv);
}
