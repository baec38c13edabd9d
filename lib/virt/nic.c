/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nic.c - domains' NICs: what they are plugged into, and plugging. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cidr.h"
#include "connection.h"
#include "error.h"

/* ---- dump ---- */

static char *attribute(xmlNode *nic, const char *element, const char *name)
{
	for (xmlNode *child = nic->children; child; child = child->next)
		if (child->type == XML_ELEMENT_NODE && strcmp((const char *)child->name, element) == 0)
			return (char *)xmlGetNoNsProp(child, BAD_CAST name);
	return NULL;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *nic_to_json(xmlNode *nic)
{
	/* What a NIC's source is called depends on its type; a NIC has one of them. */
	static const char *const sources[] = {"network", "bridge", "dev", "path"};
	char *mac = attribute(nic, "mac", "address"), *model = attribute(nic, "model", "type"),
	     *ifname = attribute(nic, "target", "dev"), *type = (char *)xmlGetNoNsProp(nic, BAD_CAST "type"),
	     *source = NULL;
	json_t *row;

	for (size_t i = 0; !source && i < ARRAY_SIZE(sources); i++)
		source = attribute(nic, "source", sources[i]);
	row = json_pack("{s:o, s:o, s:o, s:o, s:o}", "mac", text_or_null(mac), "model", text_or_null(model), "type",
			text_or_null(type), "source", text_or_null(source), "ifname", text_or_null(ifname));
	xmlFree(mac);
	xmlFree(model);
	xmlFree(ifname);
	xmlFree(type);
	xmlFree(source);
	return row;
}

static int parse_nics(const char *xml, json_t *array)
{
	auto_doc xmlDoc *doc = kvn_virt_parse(xml);
	xmlXPathContext *context = doc ? xmlXPathNewContext(doc) : NULL;
	xmlXPathObject *found = context ? xmlXPathEvalExpression(BAD_CAST "/domain/devices/interface", context) : NULL;
	int r = found ? 0 : -ENOMEM;

	for (int i = 0; r == 0 && found->nodesetval && i < found->nodesetval->nodeNr; i++)
		r = json_array_append_new(array, nic_to_json(found->nodesetval->nodeTab[i])) < 0 ? -ENOMEM : 0;
	xmlXPathFreeObject(found);
	xmlXPathFreeContext(context);
	return r;
}

int kvn_virt_nic_dump(struct kvn_virt *virt, const char *domain, json_t **ret, struct kvn_error *err)
{
	auto_json json_t *array = json_array();
	auto_free char *xml = NULL;
	int r = kvn_virt_domain_xml(virt, domain, false, &xml, err);

	if (r < 0)
		return r;
	if (!array || parse_nics(xml, array) < 0)
		return kvn_fail_errno(err, ENOMEM, "domain");
	*ret = steal_ptr(&array);
	return 0;
}

/* ---- the guest agent ---- */

static json_t *addresses_to_json(const virDomainInterface *nic)
{
	json_t *array = json_array();

	for (unsigned i = 0; array && i < nic->naddrs; i++)
		(void)json_array_append_new(array, json_sprintf("%s/%u", nic->addrs[i].addr, nic->addrs[i].prefix));
	return array;
}

int kvn_virt_nic_ask(struct kvn_virt *virt, const char *domain, json_t **ret, struct kvn_error *err)
{
	auto_domain virDomainPtr found = NULL;
	auto_json json_t *array = json_array();
	virDomainInterfacePtr *nics = NULL;
	int n, r = kvn_virt_domain_find(virt, domain, &found, err);

	if (r < 0)
		return r;
	virt->limit(KVN_VIRT_ANSWER_S);
	n = virDomainInterfaceAddresses(found, &nics, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, 0);
	if (n < 0)
		return kvn_virt_fail(err);
	for (int i = 0; i < n; i++) {
		if (array && nics[i]->hwaddr)
			(void)json_array_append_new(array, json_pack("{s:s, s:o}", "mac", nics[i]->hwaddr, "addresses",
								     addresses_to_json(nics[i])));
		virDomainInterfaceFree(nics[i]);
	}
	free(nics);
	if (!array)
		return kvn_fail_errno(err, ENOMEM, "domain");
	*ret = steal_ptr(&array);
	return 0;
}

/* ---- attach, detach ---- */

/* The flags of libvirt's for @where; 0 of it is wherever the domain is. */
static int choose(struct kvn_virt *virt, virDomainPtr domain, unsigned where, unsigned *ret, struct kvn_error *err)
{
	int is_active, is_persistent;

	virt->limit(KVN_VIRT_ANSWER_S);
	is_active = virDomainIsActive(domain);
	is_persistent = virDomainIsPersistent(domain);
	if (is_active < 0 || is_persistent < 0)
		return kvn_virt_fail(err);
	*ret = 0;
	if (where ? where & KVN_VIRT_LIVE : (unsigned)is_active)
		*ret |= VIR_DOMAIN_AFFECT_LIVE;
	if (where ? where & KVN_VIRT_CONFIG : (unsigned)is_persistent)
		*ret |= VIR_DOMAIN_AFFECT_CONFIG;
	if (where & KVN_VIRT_LIVE && !is_active)
		return kvn_fail(err, EINVAL, "domain '%s' does not run: --live needs that, --config does not",
				virDomainGetName(domain));
	if (where & KVN_VIRT_CONFIG && !is_persistent)
		return kvn_fail(err, EINVAL, "domain '%s' has no definition: --config needs one, --live does not",
				virDomainGetName(domain));
	return 0;
}

static int format_nic(const struct kvn_virt_nic *nic, char **ret, struct kvn_error *err)
{
	char mac[KVN_MAC_TEXT];
	xmlChar *model = xmlEncodeSpecialChars(NULL, BAD_CAST nic->model),
		*source = xmlEncodeSpecialChars(NULL, BAD_CAST(nic->network ? nic->network : nic->bridge));
	int r = -1;

	if (model && source)
		r = asprintf(ret,
			     "<interface type='%s'><mac address='%s'/><source %s=\"%s\"/>"
			     "<model type=\"%s\"/></interface>",
			     nic->network ? "network" : "bridge", kvn_mac_format(nic->mac, mac),
			     nic->network ? "network" : "bridge", (const char *)source, (const char *)model);
	xmlFree(model);
	xmlFree(source);
	if (r < 0)
		*ret = NULL;
	return r < 0 ? kvn_fail_errno(err, ENOMEM, "domain") : 0;
}

int kvn_virt_nic_attach(struct kvn_virt *virt, const char *domain, const struct kvn_virt_nic *nic,
			struct kvn_error *err)
{
	auto_domain virDomainPtr found = NULL;
	auto_free char *xml = NULL;
	unsigned flags = 0;
	int r = kvn_virt_domain_find(virt, domain, &found, err);

	if (r == 0)
		r = choose(virt, found, nic->where, &flags, err);
	if (r == 0)
		r = format_nic(nic, &xml, err);
	if (r < 0)
		return r;
	virt->limit(KVN_VIRT_WORK_S);
	return virDomainAttachDeviceFlags(found, xml, flags) < 0 ? kvn_virt_fail(err) : 0;
}

/* The <interface> with that MAC in @xml, as text; NULL: there is none. */
static char *find_nic(const char *xml, const uint8_t mac[static 6])
{
	auto_doc xmlDoc *doc = kvn_virt_parse(xml);
	xmlXPathContext *context = doc ? xmlXPathNewContext(doc) : NULL;
	xmlXPathObject *found = context ? xmlXPathEvalExpression(BAD_CAST "/domain/devices/interface", context) : NULL;
	char *text = NULL;

	for (int i = 0; !text && found && found->nodesetval && i < found->nodesetval->nodeNr; i++) {
		xmlNode *nic = found->nodesetval->nodeTab[i];
		char *its = attribute(nic, "mac", "address");
		uint8_t bytes[6];
		xmlBuffer *buffer = xmlBufferCreate();

		if (its && kvn_mac_parse(its, bytes) == 0 && memcmp(bytes, mac, 6) == 0 && buffer &&
		    xmlNodeDump(buffer, doc, nic, 0, 0) > 0)
			text = strdup((const char *)xmlBufferContent(buffer));
		xmlBufferFree(buffer);
		xmlFree(its);
	}
	xmlXPathFreeObject(found);
	xmlXPathFreeContext(context);
	return text;
}

/* A NIC may be in one of the two places only: then it is taken out of that. */
int kvn_virt_nic_detach(struct kvn_virt *virt, const char *domain, const uint8_t mac[static 6], unsigned where,
			struct kvn_error *err)
{
	static const unsigned places[] = {VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_AFFECT_CONFIG};
	auto_domain virDomainPtr found = NULL;
	unsigned flags = 0, n = 0;
	char text[KVN_MAC_TEXT];
	int r = kvn_virt_domain_find(virt, domain, &found, err);

	if (r == 0)
		r = choose(virt, found, where, &flags, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++) {
		auto_free char *xml = NULL, *nic = NULL;

		if (!(flags & places[i]))
			continue;
		r = kvn_virt_domain_xml(virt, domain, places[i] == VIR_DOMAIN_AFFECT_CONFIG, &xml, err);
		nic = r == 0 ? find_nic(xml, mac) : NULL;
		if (!nic)
			continue;
		n++;
		virt->limit(KVN_VIRT_WORK_S);
		if (virDomainDetachDeviceFlags(found, nic, places[i]) < 0)
			r = kvn_virt_fail(err);
	}
	if (r == 0 && n == 0)
		return kvn_fail(err, ENOENT, "domain '%s' has no NIC with MAC %s ('kvnet vm interfaces %s' shows them)",
				domain, kvn_mac_format(mac, text), domain);
	return r;
}
