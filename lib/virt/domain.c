/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domain.c - libvirt's domains: a thin wrapper, which adds no rules of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "error.h"

/* By what virsh takes: a running domain's number, a name, a UUID. */
int kvn_virt_domain_find(struct kvn_virt *virt, const char *name, virDomainPtr *ret, struct kvn_error *err)
{
	char *end;
	unsigned long id = strtoul(name, &end, 10);

	*ret = NULL;
	virt->limit(KVN_VIRT_ANSWER_S);
	if (end != name && *end == '\0' && id <= INT32_MAX)
		*ret = virDomainLookupByID(virt->connection, (int)id);
	if (!*ret && strlen(name) == VIR_UUID_STRING_BUFLEN - 1)
		*ret = virDomainLookupByUUIDString(virt->connection, name);
	if (!*ret)
		*ret = virDomainLookupByName(virt->connection, name);
	return *ret ? 0 : kvn_virt_fail(err);
}

static int act(struct kvn_virt *virt, virDomainPtr domain, enum kvn_virt_action action)
{
	switch (action) {
	case KVN_VIRT_START:
		virt->limit(KVN_VIRT_WORK_S);
		return virDomainCreate(domain);
	case KVN_VIRT_SHUTDOWN:
		return virDomainShutdown(domain);
	case KVN_VIRT_REBOOT:
		return virDomainReboot(domain, 0);
	case KVN_VIRT_DESTROY:
		virt->limit(KVN_VIRT_WORK_S);
		return virDomainDestroy(domain);
	case KVN_VIRT_SUSPEND:
		return virDomainSuspend(domain);
	case KVN_VIRT_RESUME:
		return virDomainResume(domain);
	case KVN_VIRT_UNDEFINE:
		return virDomainUndefine(domain);
	case KVN_VIRT_AUTOSTART:
		return virDomainSetAutostart(domain, 1);
	case KVN_VIRT_NO_AUTOSTART:
		return virDomainSetAutostart(domain, 0);
	}
	return -1;
}

int kvn_virt_domain_act(struct kvn_virt *virt, const char *name, enum kvn_virt_action action, struct kvn_error *err)
{
	auto_domain virDomainPtr domain = NULL;
	int r = kvn_virt_domain_find(virt, name, &domain, err);

	if (r < 0)
		return r;
	virt->limit(KVN_VIRT_ANSWER_S);
	return act(virt, domain, action) < 0 ? kvn_virt_fail(err) : 0;
}

int kvn_virt_domain_define(struct kvn_virt *virt, const char *xml, char **ret_name, struct kvn_error *err)
{
	auto_domain virDomainPtr domain = NULL;
	const char *name;

	virt->limit(KVN_VIRT_ANSWER_S);
	domain = virDomainDefineXMLFlags(virt->connection, xml, VIR_DOMAIN_DEFINE_VALIDATE);
	name = domain ? virDomainGetName(domain) : NULL;
	if (!name)
		return kvn_virt_fail(err);
	*ret_name = strdup(name);
	return *ret_name ? 0 : kvn_fail_errno(err, ENOMEM, "domain");
}

/* virsh's words for them. */
static const char *state_text(int state)
{
	switch ((virDomainState)state) {
	case VIR_DOMAIN_NOSTATE:
		return "no state";
	case VIR_DOMAIN_RUNNING:
		return "running";
	case VIR_DOMAIN_BLOCKED:
		return "idle";
	case VIR_DOMAIN_PAUSED:
		return "paused";
	case VIR_DOMAIN_SHUTDOWN:
		return "in shutdown";
	case VIR_DOMAIN_SHUTOFF:
		return "shut off";
	case VIR_DOMAIN_CRASHED:
		return "crashed";
	case VIR_DOMAIN_PMSUSPENDED:
		return "pmsuspended";
#ifdef VIR_ENUM_SENTINELS
	case VIR_DOMAIN_LAST:
		break;
#endif
	}
	return "no state"; /* of a later libvirt */
}

static json_t *id_to_json(virDomainPtr domain)
{
	unsigned id = virDomainGetID(domain);

	return id == (unsigned)-1 ? json_null() : json_integer(id);
}

static int compare_rows(const void *a, const void *b)
{
	const json_t *left = *(const json_t *const *)a, *right = *(const json_t *const *)b;

	return strcmp(json_string_value(json_object_get(left, "name")),
		      json_string_value(json_object_get(right, "name")));
}

/* Sorted by name; a domain that goes away meanwhile is left out. */
static int list_to_json(struct kvn_virt *virt, virDomainPtr *domains, int n, json_t *array)
{
	auto_free json_t **rows = calloc((size_t)n + 1, sizeof(*rows));
	size_t n_rows = 0;
	int r = rows ? 0 : -ENOMEM, state = 0;

	for (int i = 0; rows && i < n; i++) {
		virt->limit(KVN_VIRT_ANSWER_S);
		if (virDomainGetState(domains[i], &state, NULL, 0) < 0)
			continue;
		rows[n_rows] = json_pack("{s:o, s:s, s:s}", "id", id_to_json(domains[i]), "name",
					 virDomainGetName(domains[i]), "state", state_text(state));
		if (rows[n_rows])
			n_rows++;
	}
	if (rows)
		qsort(rows, n_rows, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < n_rows; i++)
		if (json_array_append_new(array, rows[i]) < 0)
			r = -ENOMEM;
	return r;
}

int kvn_virt_domain_list(struct kvn_virt *virt, bool is_all, json_t **ret, struct kvn_error *err)
{
	auto_json json_t *array = json_array();
	virDomainPtr *domains = NULL;
	int n, r;

	virt->limit(KVN_VIRT_ANSWER_S);
	n = virConnectListAllDomains(virt->connection, &domains, is_all ? 0 : VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	if (n < 0)
		return kvn_virt_fail(err);
	r = array ? list_to_json(virt, domains, n, array) : -ENOMEM;
	for (int i = 0; i < n; i++)
		(void)virDomainFree(domains[i]);
	free(domains);
	if (r < 0)
		return kvn_fail_errno(err, ENOMEM, "domains");
	*ret = steal_ptr(&array);
	return 0;
}

int kvn_virt_domain_info(struct kvn_virt *virt, const char *name, json_t **ret, struct kvn_error *err)
{
	auto_domain virDomainPtr domain = NULL;
	char uuid[VIR_UUID_STRING_BUFLEN];
	virDomainInfo info;
	int autostart = 0, persistent, r = kvn_virt_domain_find(virt, name, &domain, err);

	if (r < 0)
		return r;
	virt->limit(KVN_VIRT_ANSWER_S);
	persistent = virDomainIsPersistent(domain);
	if (persistent < 0 || virDomainGetInfo(domain, &info) < 0 || virDomainGetUUIDString(domain, uuid) < 0 ||
	    (persistent && virDomainGetAutostart(domain, &autostart) < 0))
		return kvn_virt_fail(err);
	*ret = json_pack("{s:s, s:s, s:o, s:s, s:i, s:I, s:I, s:b, s:b}", "name", virDomainGetName(domain), "uuid",
			 uuid, "id", id_to_json(domain), "state", state_text(info.state), "vcpus", (int)info.nrVirtCpu,
			 "memory_kib", (json_int_t)info.memory, "max_memory_kib", (json_int_t)info.maxMem, "persistent",
			 persistent, "autostart", autostart);
	return *ret ? 0 : kvn_fail_errno(err, ENOMEM, "domain");
}

int kvn_virt_domain_xml(struct kvn_virt *virt, const char *name, bool is_inactive, char **ret, struct kvn_error *err)
{
	auto_domain virDomainPtr domain = NULL;
	int r = kvn_virt_domain_find(virt, name, &domain, err);

	if (r < 0)
		return r;
	virt->limit(KVN_VIRT_ANSWER_S);
	*ret = virDomainGetXMLDesc(domain, is_inactive ? VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE : 0);
	return *ret ? 0 : kvn_virt_fail(err);
}

int kvn_virt_domain_vnc(struct kvn_virt *virt, const char *name, json_t **ret, struct kvn_error *err)
{
	auto_free char *xml = NULL, *port = NULL, *listen = NULL;
	auto_doc xmlDoc *doc = NULL;
	int r = kvn_virt_domain_xml(virt, name, false, &xml, err);
	long number;

	if (r < 0)
		return r;
	doc = kvn_virt_parse(xml);
	port = doc ? kvn_virt_xpath(doc, "/domain/devices/graphics[@type='vnc']/@port") : NULL;
	listen = doc ? kvn_virt_xpath(doc, "/domain/devices/graphics[@type='vnc']/@listen") : NULL;
	number = port ? strtol(port, NULL, 10) : -1;
	if (number < 5900) /* -1: not running, or none at all */
		*ret = json_pack("{s:n}", "display");
	else
		*ret = json_pack("{s:o}", "display",
				 json_sprintf("%s:%ld", listen && listen[0] ? listen : "localhost", number - 5900));
	return *ret ? 0 : kvn_fail_errno(err, ENOMEM, "domain");
}
