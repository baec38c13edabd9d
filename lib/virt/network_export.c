/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network_export.c - a network -> libvirt's network XML.
 *
 * First what libvirt has elements for.  That is read back, and each key that came out otherwise goes into <metadata> as it is:
 * so the metadata holds what libvirt has no word for and nothing else, and reading the whole gives the same network.
 */
#include <errno.h>
#include <libxml/xmlwriter.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "definition_table.h"
#include "network_import.h"
#include "network_xml.h"

/* ---- writing ---- */

struct export
{
	xmlTextWriter *writer;
	const struct kvn_network *net;
	bool has_failed; /* no memory: what else */
};

#define XML(text) ((const xmlChar *)(text))

static void begin(struct export *out, const char *element)
{
	if (xmlTextWriterStartElement(out->writer, XML(element)) < 0)
		out->has_failed = true;
}

static void end(struct export *out)
{
	if (xmlTextWriterEndElement(out->writer) < 0)
		out->has_failed = true;
}

static void put(struct export *out, const char *attribute, const char *value)
{
	if (xmlTextWriterWriteAttribute(out->writer, XML(attribute), XML(value)) < 0)
		out->has_failed = true;
}

static void put_number(struct export *out, const char *attribute, unsigned value)
{
	if (xmlTextWriterWriteFormatAttribute(out->writer, XML(attribute), "%u", value) < 0)
		out->has_failed = true;
}

static void put_ip(struct export *out, const char *attribute, const struct kvn_ip *ip)
{
	char text[KVN_IP_TEXT];

	put(out, attribute, kvn_ip_format(ip, text));
}

static void put_element(struct export *out, const char *element, const char *text)
{
	if (xmlTextWriterWriteElement(out->writer, XML(element), XML(text)) < 0)
		out->has_failed = true;
}

/* ---- what libvirt has elements for ---- */

static bool has6(const struct kvn_network *net)
{
	return net->ipv6.address_choice == KVN_CHOICE_GIVEN;
}

static void put_uuid(struct export *out, json_t *tree)
{
	const char *uuid = json_string_value(json_object_get(tree, "uuid"));

	if (uuid)
		put_element(out, "uuid", uuid);
}

static void put_forward(struct export *out)
{
	static const char *const modes[] = {
		[KVN_ROUTED] = "route", [KVN_NAT] = "nat", [KVN_BRIDGED] = "bridge", [KVN_OPEN] = "open"};
	const struct kvn_network *net = out->net;

	if (net->model == KVN_ISOLATED)
		return;
	begin(out, "forward");
	put(out, "mode", modes[net->model]);
	if (net->uplink[0] && (net->model == KVN_ROUTED || net->model == KVN_NAT))
		put(out, "dev", net->uplink);
	if (net->model == KVN_NAT && has6(net)) {
		begin(out, "nat");
		put(out, "ipv6", "yes");
		end(out);
	}
	end(out);
}

static void put_bridge(struct export *out)
{
	const struct kvn_network *net = out->net;
	bool is_own = net->model != KVN_BRIDGED;
	char mac[KVN_MAC_TEXT];

	begin(out, "bridge");
	if (net->bridge[0] || !is_own)
		put(out, "name", net->bridge[0] ? net->bridge : net->name);
	if (is_own) {
		put(out, "stp", net->stp ? "on" : "off");
		put(out, "delay", "0");
	}
	end(out);
	if (is_own && net->mtu) {
		begin(out, "mtu");
		put_number(out, "size", net->mtu);
		end(out);
	}
	if (is_own && !kvn_mac_is_zero(net->mac)) {
		begin(out, "mac");
		put(out, "address", kvn_mac_format(net->mac, mac));
		end(out);
	}
}

static void put_srv(struct export *out, const struct kvn_dns_srv *srv)
{
	begin(out, "srv");
	put(out, "service", srv->service);
	put(out, "protocol", srv->protocol == KVN_UDP ? "udp" : "tcp");
	if (srv->domain[0])
		put(out, "domain", srv->domain);
	if (srv->target[0]) {
		put(out, "target", srv->target);
		put_number(out, "port", srv->port);
		put_number(out, "priority", srv->priority);
		put_number(out, "weight", srv->weight);
	}
	end(out);
}

static void put_records(struct export *out)
{
	const struct kvn_network *net = out->net;

	for (size_t i = 0; i < net->dns.n_txt; i++) {
		begin(out, "txt");
		put(out, "name", net->dns.txt[i].name);
		put(out, "value", net->dns.txt[i].value);
		end(out);
	}
	for (size_t i = 0; i < net->dns.n_srv; i++)
		put_srv(out, &net->dns.srv[i]);
	for (size_t i = 0; i < net->dns.n_hosts; i++) {
		begin(out, "host");
		put_ip(out, "ip", &net->dns.hosts[i].ip);
		for (size_t j = 0; j < net->dns.hosts[i].n_names; j++)
			put_element(out, "hostname", net->dns.hosts[i].names[j]);
		end(out);
	}
}

static void put_forwarders(struct export *out)
{
	const struct kvn_network *net = out->net;

	for (size_t i = 0; i < net->dns.n_upstream; i++) {
		begin(out, "forwarder");
		put_ip(out, "addr", &net->dns.upstream[i]);
		end(out);
	}
	for (size_t i = 0; i < net->dns.n_forwarders; i++) {
		begin(out, "forwarder");
		put(out, "domain", net->dns.forwarders[i].domain);
		if (net->dns.forwarders[i].resolver.family != AF_UNSPEC)
			put_ip(out, "addr", &net->dns.forwarders[i].resolver);
		end(out);
	}
}

static void put_dns(struct export *out)
{
	const struct kvn_network *net = out->net;
	bool is_off = net->is_dns_enabled_given && !net->dns.is_enabled;

	if (net->dns.domain[0]) {
		begin(out, "domain");
		put(out, "name", net->dns.domain);
		put(out, "localOnly", net->dns.is_local ? "yes" : "no");
		end(out);
	}
	begin(out, "dns");
	if (net->is_dns_enabled_given)
		put(out, "enable", is_off ? "no" : "yes");
	put(out, "forwardPlainNames", "no");
	if (!is_off && net->model != KVN_ISOLATED)
		put_forwarders(out);
	if (!is_off)
		put_records(out);
	end(out);
}

static void put_range(struct export *out, const struct kvn_range *range)
{
	unsigned lease = out->net->ipv4.lease_s, unit = lease % 3600 == 0 ? 3600 : lease % 60 == 0 ? 60 : 1;

	begin(out, "range");
	put_ip(out, "start", &range->first);
	put_ip(out, "end", &range->last);
	if (lease != KVN_LEASE_DEFAULT) {
		begin(out, "lease");
		put_number(out, "expiry", lease / unit);
		put(out, "unit", unit == 3600 ? "hours" : unit == 60 ? "minutes" : "seconds");
		end(out);
	}
	end(out);
}

/* A reservation of libvirt's has a MAC address and an IPv4 address. */
static void put_hosts4(struct export *out)
{
	char mac[KVN_MAC_TEXT];

	for (size_t i = 0; i < out->net->n_hosts; i++) {
		const struct kvn_reservation *host = &out->net->hosts[i];

		if (kvn_mac_is_zero(host->mac) || host->ipv4.family == AF_UNSPEC)
			continue;
		begin(out, "host");
		put(out, "mac", kvn_mac_format(host->mac, mac));
		if (host->name[0])
			put(out, "name", host->name);
		put_ip(out, "ip", &host->ipv4);
		end(out);
	}
}

/* libvirt takes DUIDs of the types that RFC 8415 section 11 tells of, in their lengths. */
static bool is_typed(const struct kvn_reservation *host)
{
	const uint8_t *duid = host->duid;
	unsigned size = host->duid_size;
	bool has_hardware = duid[2] == 0 && duid[3] >= 1 && duid[3] <= 15;

	return duid[0] == 0 &&
	       ((duid[1] == 1 && has_hardware && size >= 14 && size <= 16) || (duid[1] == 2 && size >= 7) ||
		(duid[1] == 3 && has_hardware && size >= 10 && size <= 12) || (duid[1] == 4 && size == 18));
}

/* For IPv6 it has a DUID and an address. */
static void put_hosts6(struct export *out)
{
	char duid[KVN_DUID_TEXT];

	for (size_t i = 0; i < out->net->n_hosts; i++) {
		const struct kvn_reservation *host = &out->net->hosts[i];

		if (!is_typed(host) || host->ipv6.family == AF_UNSPEC)
			continue;
		begin(out, "host");
		put(out, "id", kvn_duid_format(host->duid, host->duid_size, duid));
		if (host->name[0])
			put(out, "name", host->name);
		put_ip(out, "ip", &host->ipv6);
		end(out);
	}
}

static void put_boot(struct export *out)
{
	const struct kvn_network *net = out->net;

	if (!net->ipv4.boot_file[0])
		return;
	begin(out, "bootp");
	put(out, "file", net->ipv4.boot_file);
	if (net->ipv4.boot_server.family != AF_UNSPEC)
		put_ip(out, "server", &net->ipv4.boot_server);
	end(out);
}

static void begin_ip(struct export *out, const struct kvn_cidr *address)
{
	begin(out, "ip");
	put(out, "family", address->ip.family == AF_INET6 ? "ipv6" : "ipv4");
	put_ip(out, "address", &address->ip);
	put_number(out, "prefix", address->prefixlen);
}

static void put_addresses(struct export *out)
{
	const struct kvn_network *net = out->net;

	if (net->ipv4.address_choice == KVN_CHOICE_GIVEN) {
		begin_ip(out, &net->ipv4.address);
		if (net->ipv4.dhcp_choice == KVN_CHOICE_GIVEN) {
			begin(out, "dhcp");
			put_range(out, &net->ipv4.dhcp);
			put_hosts4(out);
			put_boot(out);
			end(out);
		}
		end(out);
	}
	if (has6(net)) {
		begin_ip(out, &net->ipv6.address);
		if (net->ipv6.dhcp == KVN_DHCP6_RANGE) {
			begin(out, "dhcp");
			put_range(out, &net->ipv6.range);
			put_hosts6(out);
			end(out);
		}
		end(out);
	}
}

/* ---- what it has no word for ---- */

static void put_metadata(struct export *out, json_t *keys)
{
	const char *key;
	json_t *value;

	if (json_object_size(keys) == 0)
		return;
	begin(out, "metadata");
	if (xmlTextWriterStartElementNS(out->writer, XML("kvnet"), XML("network"), XML(KVN_XML_NAMESPACE)) < 0)
		out->has_failed = true;
	json_object_foreach(keys, key, value)
	{
		auto_json json_t *plain = kvn_import_untype(value); /* without the keys that items do not have */
		auto_free char *text = json_dumps(plain, JSON_COMPACT | JSON_ENCODE_ANY);

		begin(out, "kvnet:set");
		put(out, "key", key);
		if (!text || xmlTextWriterWriteString(out->writer, XML(text)) < 0)
			out->has_failed = true;
		end(out);
	}
	end(out);
	end(out);
}

/* ---- the whole ---- */

static void put_network(struct export *out, json_t *tree, json_t *keys)
{
	if (xmlTextWriterSetIndent(out->writer, 1) < 0 || xmlTextWriterSetIndentString(out->writer, XML("  ")) < 0)
		out->has_failed = true;
	begin(out, "network");
	put_element(out, "name", out->net->name);
	put_uuid(out, tree);
	put_metadata(out, keys);
	put_forward(out);
	put_bridge(out);
	if (out->net->model != KVN_BRIDGED) {
		put_dns(out);
		put_addresses(out);
	}
	end(out);
	if (xmlTextWriterEndDocument(out->writer) < 0)
		out->has_failed = true;
}

/* @net with the metadata @keys; the caller's to free.  NULL: no memory. */
static char *write_xml(const struct kvn_network *net, json_t *tree, json_t *keys)
{
	xmlBuffer *buffer = xmlBufferCreate();
	struct export out = {.writer = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL, .net = net};
	char *text = NULL;

	if (out.writer)
		put_network(&out, tree, keys);
	xmlFreeTextWriter(out.writer);
	if (out.writer && !out.has_failed)
		text = strdup((const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	return text;
}

/* What a reader makes of @xml, as a tree of all keys. */
static int read_back(const char *xml, const char *name, json_t **ret, struct kvn_error *err)
{
	auto_json json_t *tree = NULL, *warnings = NULL;
	struct kvn_document doc = {0};
	struct kvn_network net;
	int r = kvn_virt_import(xml, strlen(xml), name, true, &tree, &warnings, err);

	if (r == 0)
		r = kvn_document_from_json(tree, name, &doc, err);
	if (r == 0)
		(void)json_object_del(doc.root, "name");
	if (r == 0)
		r = kvn_definition_read(&doc, name, &net, err);
	kvn_document_clear(&doc);
	if (r < 0)
		return r;
	*ret = kvn_definition_write(&net);
	kvn_network_clear(&net);
	return *ret ? 0 : kvn_fail_errno(err, ENOMEM, "%s", name);
}

/* libvirt advertises any IPv6 subnet: that kvnet does not has to be said, though nothing else can be meant. */
static bool is_to_say(const struct kvn_network *net, const char *key)
{
	return strcmp(key, "ipv6.dhcp") == 0 && has6(net) && net->ipv6.address.prefixlen != 64 &&
	       net->ipv6.dhcp != KVN_DHCP6_RANGE;
}

/* The keys of @want that @have has otherwise. */
static json_t *differing(const struct kvn_network *net, json_t *want, json_t *have)
{
	auto_json json_t *keys = json_object();

	for (const struct kvn_field_doc *doc = kvn_definition_fields(); doc->path; doc++) {
		json_t *value = kvn_tree_get(want, doc->path);

		if ((is_to_say(net, doc->path) || !json_equal(value, kvn_tree_get(have, doc->path))) &&
		    json_object_set(keys, doc->path, value) < 0)
			return NULL;
	}
	return steal_ptr(&keys);
}

int kvn_virt_export(const struct kvn_network *net, char **ret_xml, struct kvn_error *err)
{
	auto_json json_t *want = kvn_definition_write(net), *have = NULL, *keys = NULL;
	auto_free char *plain = want ? write_xml(net, want, NULL) : NULL, *xml = NULL;
	int r;

	if (net->ipv4.address_choice == KVN_CHOICE_AUTO || net->ipv6.address_choice == KVN_CHOICE_AUTO)
		return kvn_fail(err, EINVAL, "network '%s': its subnet is not chosen yet: an address is 'auto'",
				net->name);
	if (!plain)
		return kvn_fail_errno(err, ENOMEM, "network '%s'", net->name);
	r = read_back(plain, net->name, &have, err);
	if (r < 0)
		return r;
	keys = differing(net, want, have);
	if (keys)
		xml = write_xml(net, want, keys);
	if (!xml)
		return kvn_fail_errno(err, ENOMEM, "network '%s'", net->name);
	if (strlen(xml) > KVN_XML_MAX)
		return kvn_fail(err, EFBIG, "network '%s': more than %lu bytes of XML", net->name, KVN_XML_MAX);
	*ret_xml = steal_ptr(&xml);
	return 0;
}
