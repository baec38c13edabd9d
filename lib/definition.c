/* SPDX-License-Identifier: GPL-2.0-or-later */
/* definition.c - the one table of keys, and reading and writing by it.
 *
 * A tree of strings (YAML) or of typed values (JSON: an API call, the record of a network that is up) is read key by key
 * through the table, then examined as a whole, and only then handed out.  What is written reads back as the same network:
 * null stands for what was not given, so a network may be written before and after it is resolved.
 */
#include "definition.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "definition_table.h"
#include "value.h"

/* ---- the sequences' members ---- */

/* One more zeroed item of @size at the end of the array at @member. */
static int grow_array(void *member, size_t *n, size_t size, void **ret, struct kvn_error *err)
{
	char *items = *(char **)member;

	if ((*n & (*n - 1)) == 0) { /* full at each power of two */
		items = realloc(items, (*n ? 2 * *n : 1) * size);
		if (!items)
			return kvn_fail_errno(err, ENOMEM, "definition");
		*(char **)member = items;
	}
	*ret = memset(items + *n * size, 0, size);
	(*n)++;
	return 0;
}

static int grow_hosts(void *member, void *beside, void **ret, struct kvn_error *err)
{
	return grow_array(member, beside, sizeof(struct kvn_reservation), ret, err);
}

static int grow_allow(void *member, void *beside, void **ret, struct kvn_error *err)
{
	return grow_array(member, beside, sizeof(char *), ret, err);
}

static int grow_names(void *member, void *beside, void **ret, struct kvn_error *err)
{
	return grow_array(member, beside, sizeof(char *), ret, err);
}

static int grow_forwarders(void *member, void *beside, void **ret, struct kvn_error *err)
{
	return grow_array(member, beside, sizeof(struct kvn_forwarder), ret, err);
}

static int grow_dns_hosts(void *member, void *beside, void **ret, struct kvn_error *err)
{
	return grow_array(member, beside, sizeof(struct kvn_dns_host), ret, err);
}

static int grow_txt(void *member, void *beside, void **ret, struct kvn_error *err)
{
	return grow_array(member, beside, sizeof(struct kvn_dns_txt), ret, err);
}

static int grow_srv(void *member, void *beside, void **ret, struct kvn_error *err)
{
	return grow_array(member, beside, sizeof(struct kvn_dns_srv), ret, err);
}

static int grow_upstream(void *member, void *beside, void **ret, struct kvn_error *err)
{
	struct kvn_ip *upstream = member;
	size_t *n = beside;

	if (*n == KVN_UPSTREAM_MAX)
		return kvn_fail(err, EINVAL, "more than %d resolvers", KVN_UPSTREAM_MAX);
	*ret = &upstream[(*n)++];
	return 0;
}

/* An array of @n items of @size at @items, each by @format. */
static json_t *format_array(const void *items, size_t n, size_t size, json_t *(*format)(const void *item))
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; array && i < n; i++)
		if (json_array_append_new(array, format((const char *)items + i * size)) < 0)
			return NULL;
	return steal_ptr(&array);
}

/* One item of a sequence, by the last words of its keys. */
static json_t *format_item(const struct kvn_fields *table, const void *item)
{
	auto_json json_t *object = json_object();

	for (size_t i = 0; object && i < table->n; i++) {
		const struct kvn_field *field = &table->fields[i];
		const void *beside = field->beside ? (const char *)item + field->beside : NULL;

		if (json_object_set_new(object, strrchr(field->path, '.') + 1,
					field->format((const char *)item + field->member, beside)) < 0)
			return NULL;
	}
	return steal_ptr(&object);
}

static json_t *format_host(const void *item);
static json_t *format_forwarder(const void *item);
static json_t *format_dns_host(const void *item);
static json_t *format_txt(const void *item);
static json_t *format_srv(const void *item);

static json_t *format_name(const void *item)
{
	return kvn_dns_name_value_format(item, NULL);
}

static json_t *format_names(const void *member, const void *beside)
{
	return format_array(*(const void *const *)member, *(const size_t *)beside, sizeof(char *), format_name);
}

static json_t *format_forwarders(const void *member, const void *beside)
{
	return format_array(*(const void *const *)member, *(const size_t *)beside, sizeof(struct kvn_forwarder),
			    format_forwarder);
}

static json_t *format_dns_hosts(const void *member, const void *beside)
{
	return format_array(*(const void *const *)member, *(const size_t *)beside, sizeof(struct kvn_dns_host),
			    format_dns_host);
}

static json_t *format_txts(const void *member, const void *beside)
{
	return format_array(*(const void *const *)member, *(const size_t *)beside, sizeof(struct kvn_dns_txt),
			    format_txt);
}

static json_t *format_srvs(const void *member, const void *beside)
{
	return format_array(*(const void *const *)member, *(const size_t *)beside, sizeof(struct kvn_dns_srv),
			    format_srv);
}

static json_t *format_hosts(const void *member, const void *beside)
{
	return format_array(*(const void *const *)member, *(const size_t *)beside, sizeof(struct kvn_reservation),
			    format_host);
}

static json_t *format_grant(const void *item)
{
	return kvn_grant_value_format(item, NULL);
}

static json_t *format_allow(const void *member, const void *beside)
{
	return format_array(*(const void *const *)member, *(const size_t *)beside, sizeof(char *), format_grant);
}

static json_t *format_resolver(const void *item)
{
	return kvn_resolver_value_format(item, NULL);
}

static json_t *format_upstream(const void *member, const void *beside)
{
	return format_array(member, *(const size_t *)beside, sizeof(struct kvn_ip), format_resolver);
}

/* ---- the table ---- */

/* A key of an item: @of is the item's type. */
#define ITEM(key, wanted, of, name, kind) \
	{ \
		.path = key, .values = wanted, .parse = kvn_##kind##_value_parse, .format = kvn_##kind##_value_format, \
		.member = offsetof(struct of, name) \
	}

static const struct kvn_field host_fields[] = {
	ITEM("hosts.name", "a name", kvn_reservation, name, label),
	ITEM("hosts.mac", "a MAC address", kvn_reservation, mac, mac),
	{.path = "hosts.duid",
	 .values = "a DUID",
	 .parse = kvn_duid_value_parse,
	 .format = kvn_duid_value_format,
	 .member = offsetof(struct kvn_reservation, duid),
	 .beside = offsetof(struct kvn_reservation, duid_size)},
	ITEM("hosts.ipv4", "an IPv4 address", kvn_reservation, ipv4, ip4),
	ITEM("hosts.ipv6", "an IPv6 address", kvn_reservation, ipv6, ip6),
};
static const struct kvn_fields host_table = {host_fields, ARRAY_SIZE(host_fields)};

static const struct kvn_field forwarder_fields[] = {
	ITEM("dns.forwarders.domain", "a DNS domain", kvn_forwarder, domain, domain),
	ITEM("dns.forwarders.resolver", "an address", kvn_forwarder, resolver, resolver),
};
static const struct kvn_fields forwarder_table = {forwarder_fields, ARRAY_SIZE(forwarder_fields)};

static const struct kvn_field dns_host_fields[] = {
	ITEM("dns.hosts.ip", "an address", kvn_dns_host, ip, ip),
	{.path = "dns.hosts.names",
	 .values = "DNS names",
	 .parse = kvn_dns_name_value_parse,
	 .format = format_names,
	 .member = offsetof(struct kvn_dns_host, names),
	 .beside = offsetof(struct kvn_dns_host, n_names),
	 .grow = grow_names},
};
static const struct kvn_fields dns_host_table = {dns_host_fields, ARRAY_SIZE(dns_host_fields)};

static const struct kvn_field txt_fields[] = {
	ITEM("dns.txt.name", "a DNS name", kvn_dns_txt, name, domain),
	ITEM("dns.txt.value", "a text", kvn_dns_txt, value, dns_text),
};
static const struct kvn_fields txt_table = {txt_fields, ARRAY_SIZE(txt_fields)};

static const struct kvn_field srv_fields[] = {
	ITEM("dns.srv.service", "a service's name", kvn_dns_srv, service, label),
	ITEM("dns.srv.protocol", "tcp | udp", kvn_dns_srv, protocol, protocol),
	ITEM("dns.srv.domain", "a DNS domain", kvn_dns_srv, domain, domain),
	ITEM("dns.srv.target", "a DNS name", kvn_dns_srv, target, domain),
	ITEM("dns.srv.port", "0..65535", kvn_dns_srv, port, number16),
	ITEM("dns.srv.priority", "0..65535", kvn_dns_srv, priority, number16),
	ITEM("dns.srv.weight", "0..65535", kvn_dns_srv, weight, number16),
};
static const struct kvn_fields srv_table = {srv_fields, ARRAY_SIZE(srv_fields)};

static json_t *format_host(const void *item)
{
	return format_item(&host_table, item);
}

static json_t *format_forwarder(const void *item)
{
	return format_item(&forwarder_table, item);
}

static json_t *format_dns_host(const void *item)
{
	return format_item(&dns_host_table, item);
}

static json_t *format_txt(const void *item)
{
	return format_item(&txt_table, item);
}

static json_t *format_srv(const void *item)
{
	return format_item(&srv_table, item);
}

/* clang-format off */
/*  DOC(path, values, meaning)
 *  then how it is read and written: SCALAR(member, kind), CHOICE(member, beside, kind), LIST(member, count, ...) */
#define DEFINITION_KEYS(KEY) \
	KEY("name", "NAME", \
	    "The network's name: at most 15 letters, digits, '.', '_' and '-'. It must be that of the file.", \
	    SCALAR(name, name)) \
	KEY("uuid", "UUID", \
	    "The network's UUID, by which libvirt knows it. Default: none.", \
	    SCALAR(uuid, uuid)) \
	KEY("model", "isolated | routed | nat | bridged | open", \
	    "What guests reach: each other, the world under their own addresses, the world behind the host's address, " \
	    "the uplink's segment, or what the host's own firewall lets through. Default: nat.", \
	    SCALAR(model, model)) \
	KEY("bridge", "IFNAME", \
	    "The bridge's name; bridged without an uplink: the existing bridge to use. Default: the network's name.", \
	    SCALAR(bridge, ifname)) \
	KEY("mac", "MAC", \
	    "The bridge's MAC address. Default: made from the machine's id and the name, so that it is stable.", \
	    SCALAR(mac, mac)) \
	KEY("mtu", "68..65535", \
	    "Largest packet in bytes, at least 1280 with IPv6. Default: 1500, and the uplink's for bridged.", \
	    SCALAR(mtu, mtu)) \
	KEY("stp", "true | false", \
	    "Does the bridge speak the spanning tree protocol? Default: false.", \
	    SCALAR(stp, bool)) \
	KEY("start", "boot | on-demand | manual", \
	    "When the network comes up by itself: at boot, with its first guest until its last, or never. Default: boot.", \
	    SCALAR(start, start)) \
	KEY("uplink", "IFNAME", \
	    "bridged: the NIC to put on the bridge. routed, nat: forward through this link only. Default: none.", \
	    SCALAR(uplink, ifname)) \
	KEY("ipv4.address", "auto | none | ADDRESS/PREFIXLEN", \
	    "The bridge's own IPv4 address; of a subnet, the first. Default: auto, a free /24 of the pool; none for open " \
	    "and bridged.", \
	    CHOICE(ipv4.address, ipv4.address_choice, address4)) \
	KEY("ipv4.dhcp", "auto | none | FIRST-LAST", \
	    "What DHCP hands out. Default: auto, the whole subnet but the bridge's own address.", \
	    CHOICE(ipv4.dhcp, ipv4.dhcp_choice, dhcp4)) \
	KEY("ipv4.lease", "SECONDS | 90m | 12h | 2d | infinite", \
	    "How long a lease lasts, at least 120 seconds. Default: 1h.", \
	    SCALAR(ipv4.lease_s, lease)) \
	KEY("ipv4.boot_file", "PATH | URL", \
	    "What DHCP tells guests to boot from the network. Default: nothing.", \
	    SCALAR(ipv4.boot_file, boot_file)) \
	KEY("ipv4.boot_server", "ADDRESS", \
	    "The TFTP server that has the boot file; kvnet runs none. Default: the bridge's own address.", \
	    SCALAR(ipv4.boot_server, ip4)) \
	KEY("ipv6.address", "auto | none | ADDRESS/PREFIXLEN", \
	    "The bridge's own IPv6 address; auto is a /64 of the host's own ULA prefix. Default: none.", \
	    CHOICE(ipv6.address, ipv6.address_choice, address6)) \
	KEY("ipv6.dhcp", "none | slaac | stateless | FIRST-LAST", \
	    "How guests come by IPv6 addresses. Default: slaac with a /64, none otherwise.", \
	    CHOICE(ipv6.range, ipv6.dhcp, dhcp6)) \
	KEY("dns.enabled", "true | false", \
	    "Does the bridge's address answer DNS? Default: true where guests can reach it.", \
	    CHOICE(dns.is_enabled, is_dns_enabled_given, given_bool)) \
	KEY("dns.domain", "DOMAIN", \
	    "The DNS domain of the guests. Default: NAME.internal.", \
	    SCALAR(dns.domain, domain)) \
	KEY("dns.local_only", "true | false", \
	    "Is the domain known here alone, so that no resolver outside is asked about it? Default: true.", \
	    SCALAR(dns.is_local, bool)) \
	KEY("dns.upstream", "[ADDRESS, ...]", \
	    "The resolvers to forward to, at most 8. Default: the host's.", \
	    LIST(dns.upstream, dns.n_upstream, grow_upstream, format_upstream, kvn_resolver_value_parse, NULL)) \
	KEY("dns.forwarders", "[{domain: DOMAIN, resolver: ADDRESS}, ...]", \
	    "Whom to ask about a domain; without a resolver, those that are asked about everything else. Default: none.", \
	    LIST(dns.forwarders, dns.n_forwarders, grow_forwarders, format_forwarders, NULL, &forwarder_table)) \
	KEY("dns.hosts", "[{ip: ADDRESS, names: [NAME, ...]}, ...]", \
	    "Names of addresses, a guest's or not; one of one word is also known in the domain. Default: none.", \
	    LIST(dns.hosts, dns.n_hosts, grow_dns_hosts, format_dns_hosts, NULL, &dns_host_table)) \
	KEY("dns.txt", "[{name: NAME, value: TEXT}, ...]", \
	    "TXT records; the name is a whole one. Default: none.", \
	    LIST(dns.txt, dns.n_txt, grow_txt, format_txts, NULL, &txt_table)) \
	KEY("dns.srv", \
	    "[{service: NAME, protocol: tcp | udp, domain: DOMAIN, target: NAME, port: N, priority: N, weight: N}, ...]", \
	    "SRV records: where a domain (default: the network's) has a service; without a target, that it has none. " \
	    "Default: none.", \
	    LIST(dns.srv, dns.n_srv, grow_srv, format_srvs, NULL, &srv_table)) \
	KEY("hosts", "[{name: LABEL, mac: MAC, duid: DUID, ipv4: ADDRESS, ipv6: ADDRESS}, ...]", \
	    "Reservations: a MAC address, for DHCPv6 also a DUID, and what it gets; or a name and its address. Default: " \
	    "none.", \
	    LIST(hosts, n_hosts, grow_hosts, format_hosts, NULL, &host_table)) \
	KEY("host_access", "all | services | none", \
	    "What of the host guests reach; services are DHCP, DNS and ping of the gateway. Default: services for isolated, " \
	    "all for the others.", \
	    CHOICE(host_access, is_host_access_given, host_access)) \
	KEY("isolate_ports", "true | false", \
	    "Are guests of this network kept from each other? Default: false.", \
	    SCALAR(isolate_ports, bool)) \
	KEY("register", "true | false", \
	    "Does libvirt know the network, so that its domains can name it as their source? Not with start: on-demand. Default: false.", \
	    SCALAR(is_registered, bool)) \
	KEY("allow", "[user:NAME | group:NAME, ...]", \
	    "Who may plug guests in through netd without being root. Default: nobody.", \
	    LIST(allow, n_allow, grow_allow, format_allow, kvn_grant_value_parse, NULL))
/* clang-format on */

#define OFFSET(name) offsetof(struct kvn_network, name)
#define SCALAR(name, kind) \
	.parse = kvn_##kind##_value_parse, .format = kvn_##kind##_value_format, .member = OFFSET(name)
#define CHOICE(name, how, kind) SCALAR(name, kind), .beside = OFFSET(how)
#define LIST(name, count, grower, formatter, parser, table) \
	.parse = (parser), .format = (formatter), .member = OFFSET(name), .beside = OFFSET(count), .grow = (grower), \
	.items = (table)
#define AS_FIELD(key, wanted, meant, ...) {.path = (key), .values = (wanted), __VA_ARGS__},
#define AS_DOC(key, wanted, meant, ...) {.path = (key), .values = (wanted), .meaning = (meant)},

const struct kvn_fields *kvn_definition_table(void)
{
	static const struct kvn_field fields[] = {DEFINITION_KEYS(AS_FIELD)};
	static const struct kvn_fields table = {fields, ARRAY_SIZE(fields)};

	return &table;
}

const struct kvn_field_doc *kvn_definition_fields(void)
{
	static const struct kvn_field_doc docs[] = {DEFINITION_KEYS(AS_DOC){.path = NULL}};

	return docs;
}

/* ---- read ---- */

static void clear_dns_host(struct kvn_dns_host *host)
{
	for (size_t i = 0; i < host->n_names; i++)
		free(host->names[i]);
	free(host->names);
}

void kvn_network_clear(struct kvn_network *net)
{
	if (!net)
		return;
	free(net->hosts);
	for (size_t i = 0; i < net->dns.n_hosts; i++)
		clear_dns_host(&net->dns.hosts[i]);
	free(net->dns.hosts);
	for (size_t i = 0; i < net->dns.n_txt; i++)
		free(net->dns.txt[i].value);
	free(net->dns.txt);
	free(net->dns.forwarders);
	free(net->dns.srv);
	for (size_t i = 0; i < net->n_allow; i++)
		free(net->allow[i]);
	free(net->allow);
	*net = (struct kvn_network){0};
}

/* The node that a check is about; NULL: the key does not stand there. */
static json_t *blamed(const struct kvn_document *doc, const struct kvn_blame *blame)
{
	json_t *node = kvn_tree_get(doc->root, blame->path);

	return blame->is_item ? json_array_get(node, blame->item) : node;
}

static int read_name(const struct kvn_document *doc, const char *name, struct kvn_network *net, struct kvn_error *err)
{
	int r = name ? kvn_name_check(name, err) : 0;

	if (r < 0)
		return r;
	if (name && net->name[0] && strcmp(name, net->name) != 0)
		return kvn_document_blame(
			doc, kvn_tree_get(doc->root, "name"),
			kvn_fail(err, EINVAL, "key 'name': '%s' is not this network's name, '%s'", net->name, name),
			err);
	if (name)
		(void)snprintf(net->name, sizeof(net->name), "%s", name); /* checked to fit */
	if (!net->name[0])
		return kvn_document_blame(doc, NULL, kvn_fail(err, EINVAL, "key 'name' is missing"), err);
	return 0;
}

int kvn_definition_read(const struct kvn_document *doc, const char *name, struct kvn_network *ret,
			struct kvn_error *err)
{
	struct kvn_network net = {.model = KVN_NAT, .ipv4 = {.lease_s = KVN_LEASE_DEFAULT}, .dns = {.is_local = true}};
	struct kvn_blame blame = {0};
	int r = kvn_fields_read(kvn_definition_table(), doc, &net, err);

	if (r == 0)
		r = read_name(doc, name, &net, err);
	if (r == 0) {
		kvn_definition_default_addresses(&net);
		r = kvn_definition_examine(&net, &blame, err);
		if (r == -EINVAL) {
			(void)kvn_wrap(err, "key '%s'", blame.path);
			r = kvn_document_blame(doc, blamed(doc, &blame), r, err);
		}
	}
	if (r < 0)
		kvn_network_clear(&net);
	else
		*ret = net;
	return r;
}

json_t *kvn_definition_write(const struct kvn_network *net)
{
	return kvn_fields_write(kvn_definition_table(), net);
}
