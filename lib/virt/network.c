/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network.c - our networks as libvirt's: a network of forward mode bridge over our bridge, for which libvirt neither makes rules
 * nor runs a dnsmasq.  An element of ours in its metadata says whose it is; one without is a stranger's, whatever its name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "error.h"

static int fail_foreign(const char *name, struct kvn_error *err)
{
	return kvn_fail(err, EEXIST,
			"libvirt has a network '%s' that is not kvnet's ('kvnet import --libvirt %s --take-over' takes "
			"it over, "
			"'virsh net-undefine %s' removes it)",
			name, name, name);
}

/* -ENOENT there is none */
static int find(struct kvn_virt *virt, const char *name, virNetworkPtr *ret, struct kvn_error *err)
{
	virt->limit(KVN_VIRT_ANSWER_S);
	*ret = virNetworkLookupByName(virt->connection, name);
	return *ret ? 0 : kvn_virt_fail(err);
}

/* The definition of a network of libvirt's; NULL: an error of libvirt's. */
static char *read_xml(struct kvn_virt *virt, virNetworkPtr network)
{
	char *xml;

	virt->limit(KVN_VIRT_ANSWER_S);
	xml = virNetworkGetXMLDesc(network, VIR_NETWORK_XML_INACTIVE);
	if (!xml) { /* a transient one has no other */
		virt->limit(KVN_VIRT_ANSWER_S);
		xml = virNetworkGetXMLDesc(network, 0);
	}
	return xml;
}

/* The element names the network that it was written for: a user's copy of one of ours, under another name, is the user's. */
static bool is_ours(const char *xml)
{
	auto_doc xmlDoc *doc = kvn_virt_parse(xml);
	auto_free char *mark = doc ? kvn_virt_xpath(doc, "/network/metadata/kvnet:network/@name") : NULL;
	auto_free char *name = doc ? kvn_virt_xpath(doc, "/network/name") : NULL;

	return mark && name && strcmp(mark, name) == 0;
}

/* The network's name was checked to need no escape; an existing bridge may have any name that the kernel takes. */
static int format_xml(const char *name, const json_t *network, const char *uuid, char **ret, struct kvn_error *err)
{
	const char *bridge = json_string_value(json_object_get(network, "bridge"));
	const char *wanted = json_string_value(json_object_get(network, "uuid"));
	bool is_isolated = json_is_true(json_object_get(network, "isolate_ports"));
	char uuid_line[VIR_UUID_STRING_BUFLEN + 32] = "";
	xmlChar *escaped;
	int r = -1;

	if (!bridge)
		return kvn_fail(err, EINVAL, "it has no bridge");
	escaped = xmlEncodeSpecialChars(NULL, BAD_CAST bridge);
	if (!uuid)
		uuid = wanted;
	if (uuid)
		(void)snprintf(uuid_line, sizeof(uuid_line), "  <uuid>%s</uuid>\n", uuid);
	if (escaped)
		r = asprintf(ret,
			     "<network>\n  <name>%s</name>\n%s  <metadata>\n"
			     "    <kvnet:network xmlns:kvnet='" KVN_VIRT_NAMESPACE "' name='%s'/>\n  </metadata>\n"
			     "  <forward mode='bridge'/>\n  <bridge name=\"%s\"/>\n%s</network>\n",
			     name, uuid_line, name, (const char *)escaped,
			     is_isolated ? "  <port isolated='yes'/>\n" : "");
	xmlFree(escaped);
	if (r < 0)
		*ret = NULL;
	return r < 0 ? kvn_fail_errno(err, ENOMEM, "libvirt") : 0;
}

static bool is_same(const char *xml, const char *wanted)
{
	static const char *const parts[] = {"/network/bridge/@name", "/network/forward/@mode",
					    "/network/port/@isolated"};
	auto_doc xmlDoc *doc = kvn_virt_parse(xml), *other = kvn_virt_parse(wanted);
	bool is = doc && other;

	for (size_t i = 0; is && i < ARRAY_SIZE(parts); i++) {
		auto_free char *a = kvn_virt_xpath(doc, parts[i]), *b = kvn_virt_xpath(other, parts[i]);

		is = strcmp(a ? a : "no", b ? b : "no") == 0;
	}
	return is;
}

static int set_active(struct kvn_virt *virt, virNetworkPtr network, bool is_wanted, struct kvn_error *err)
{
	int is_active;

	virt->limit(KVN_VIRT_ANSWER_S);
	is_active = virNetworkIsActive(network);
	virt->limit(KVN_VIRT_ANSWER_S);
	if (is_active < 0 || (is_wanted && !is_active && virNetworkCreate(network) < 0) ||
	    (!is_wanted && is_active && virNetworkDestroy(network) < 0))
		return kvn_virt_fail(err);
	return 0;
}

static int set_autostart(struct kvn_virt *virt, virNetworkPtr network, struct kvn_error *err)
{
	virt->limit(KVN_VIRT_ANSWER_S);
	return virNetworkSetAutostart(network, 1) < 0 ? kvn_virt_fail(err) : 0;
}

/* Define it, new or over what it was. */
static int define(struct kvn_virt *virt, const char *xml, virNetworkPtr *ret, struct kvn_error *err)
{
	virt->limit(KVN_VIRT_ANSWER_S);
	*ret = virNetworkDefineXML(virt->connection, xml);
	return *ret ? 0 : kvn_virt_fail(err);
}

static int add(struct kvn_virt *virt, const char *name, const json_t *definition, bool is_up, struct kvn_error *err)
{
	auto_network virNetworkPtr network = NULL;
	auto_free char *xml = NULL;
	int r = format_xml(name, definition, NULL, &xml, err);

	if (r == 0)
		r = define(virt, xml, &network, err);
	if (r < 0)
		return r;
	r = set_autostart(virt, network, err);
	if (r == 0)
		r = set_active(virt, network, is_up, err);
	if (r < 0) { /* nothing half registered stays */
		(void)set_active(virt, network, false, NULL);
		virt->limit(KVN_VIRT_ANSWER_S);
		(void)virNetworkUndefine(network);
	}
	return r;
}

/* How libvirt has a network now. */
struct known {
	char *live; /* owned; NULL: it is not active */
	bool is_persistent;
};

static int get_known(struct kvn_virt *virt, virNetworkPtr network, struct known *ret, struct kvn_error *err)
{
	int is_active, is_persistent;

	virt->limit(KVN_VIRT_ANSWER_S);
	is_active = virNetworkIsActive(network);
	is_persistent = virNetworkIsPersistent(network);
	if (is_active < 0 || is_persistent < 0)
		return kvn_virt_fail(err);
	ret->is_persistent = is_persistent;
	ret->live = is_active ? virNetworkGetXMLDesc(network, 0) : NULL;
	return is_active && !ret->live ? kvn_virt_fail(err) : 0;
}

/* libvirt takes a new definition of an active network only when that is next started.  One that was undefined while it is
 * active has no definition; one that was interrupted between the two has the new one and is active by the old one. */
static int change(struct kvn_virt *virt, const char *name, virNetworkPtr network, const char *old,
		  const json_t *definition, bool is_up, struct kvn_error *err)
{
	auto_network virNetworkPtr changed = NULL;
	auto_free char *xml = NULL;
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct known was = {0};
	int r = get_known(virt, network, &was, err);

	if (r == 0 && virNetworkGetUUIDString(network, uuid) < 0)
		r = kvn_virt_fail(err);
	if (r == 0)
		r = format_xml(name, definition, uuid, &xml, err);
	if (r == 0 && (!was.is_persistent || !is_same(old, xml)))
		r = define(virt, xml, &changed, err);
	if (r == 0 && was.live && !is_same(was.live, xml))
		r = set_active(virt, network, false, err);
	if (r == 0)
		r = set_autostart(virt, network, err);
	if (r == 0)
		r = set_active(virt, network, is_up, err);
	if (r < 0 && changed) {
		auto_network virNetworkPtr again = NULL;

		(void)define(virt, old, &again, NULL);
		(void)set_active(virt, network, was.live != NULL, NULL);
	}
	free(was.live);
	return r;
}

int kvn_virt_register(struct kvn_virt *virt, const char *name, const json_t *network, bool is_up, struct kvn_error *err)
{
	auto_network virNetworkPtr found = NULL;
	auto_free char *xml = NULL;
	int r = find(virt, name, &found, err);

	if (r == -ENOENT)
		return add(virt, name, network, is_up, err);
	if (r < 0)
		return r;
	xml = read_xml(virt, found);
	if (!xml)
		return kvn_virt_fail(err);
	return is_ours(xml) ? change(virt, name, found, xml, network, is_up, err) : fail_foreign(name, err);
}

int kvn_virt_unregister(struct kvn_virt *virt, const char *name, struct kvn_error *err)
{
	auto_network virNetworkPtr found = NULL;
	auto_free char *xml = NULL;
	int r = find(virt, name, &found, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	xml = read_xml(virt, found);
	if (!xml)
		return kvn_virt_fail(err);
	if (!is_ours(xml))
		return 0;
	r = set_active(virt, found, false, err);
	if (r < 0)
		return r;
	virt->limit(KVN_VIRT_ANSWER_S);
	return virNetworkUndefine(found) < 0 && virGetLastErrorCode() != VIR_ERR_NO_NETWORK ? kvn_virt_fail(err) : 0;
}

int kvn_virt_network_get(struct kvn_virt *virt, const char *name, struct kvn_virt_network *ret, struct kvn_error *err)
{
	auto_network virNetworkPtr found = NULL;
	struct kvn_virt_network network = {0};
	int autostart = 0, r = find(virt, name, &found, err);

	if (r < 0)
		return r;
	virt->limit(KVN_VIRT_ANSWER_S);
	network.is_active = virNetworkIsActive(found) == 1;
	network.is_persistent = virNetworkIsPersistent(found) == 1;
	(void)virNetworkGetAutostart(found, &autostart); /* a transient network has none */
	network.is_autostarted = autostart;
	network.xml = read_xml(virt, found);
	network.name = strdup(name);
	if (!network.xml || !network.name) {
		kvn_virt_network_clear(&network);
		return kvn_virt_fail(err);
	}
	network.is_ours = is_ours(network.xml);
	*ret = network;
	return 0;
}

int kvn_virt_network_del(struct kvn_virt *virt, const char *name, struct kvn_error *err)
{
	auto_network virNetworkPtr found = NULL;
	int r = find(virt, name, &found, err);

	if (r < 0)
		return r;
	/* First what takes no time: the guests' gap begins with the second. */
	virt->limit(KVN_VIRT_ANSWER_S);
	if (virNetworkIsPersistent(found) == 1 && virNetworkUndefine(found) < 0)
		return kvn_virt_fail(err);
	virt->limit(KVN_VIRT_WORK_S);
	if (virNetworkDestroy(found) < 0 && virGetLastErrorCode() != VIR_ERR_NO_NETWORK &&
	    virGetLastErrorCode() != VIR_ERR_OPERATION_INVALID) /* it was not active */
		return kvn_virt_fail(err);
	return 0;
}

int kvn_virt_network_add(struct kvn_virt *virt, const struct kvn_virt_network *network, struct kvn_error *err)
{
	auto_network virNetworkPtr made = NULL;
	int r;

	if (!network->is_persistent) {
		virt->limit(KVN_VIRT_WORK_S);
		made = virNetworkCreateXML(virt->connection, network->xml);
		return made ? 0 : kvn_virt_fail(err);
	}
	r = define(virt, network->xml, &made, err);
	if (r < 0)
		return r;
	virt->limit(KVN_VIRT_WORK_S);
	if (virNetworkSetAutostart(made, network->is_autostarted) < 0)
		return kvn_virt_fail(err);
	return set_active(virt, made, network->is_active, err);
}

void kvn_virt_network_clear(struct kvn_virt_network *network)
{
	free(network->name);
	free(network->xml);
	*network = (struct kvn_virt_network){0};
}

int kvn_virt_network_xml(struct kvn_virt *virt, const char *name, char **ret, bool *ret_is_active,
			 struct kvn_error *err)
{
	auto_network virNetworkPtr found = NULL;
	int r = find(virt, name, &found, err);

	if (r < 0)
		return r;
	virt->limit(KVN_VIRT_ANSWER_S);
	*ret_is_active = virNetworkIsActive(found) == 1;
	*ret = read_xml(virt, found);
	return *ret ? 0 : kvn_virt_fail(err);
}

int kvn_virt_is_registered(struct kvn_virt *virt, const char *name, bool *ret, struct kvn_error *err)
{
	auto_network virNetworkPtr found = NULL;
	auto_free char *xml = NULL;
	int r = find(virt, name, &found, err);

	*ret = false;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	xml = read_xml(virt, found);
	if (!xml)
		return kvn_virt_fail(err);
	*ret = is_ours(xml);
	return 0;
}
