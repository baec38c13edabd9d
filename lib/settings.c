/* SPDX-License-Identifier: GPL-2.0-or-later */
/* settings.c - read kvnet.yaml by a table of its keys. */
#include "settings.h"

#include <errno.h>

#include "cidr.h"
#include "cleanup.h"
#include "field.h"
#include "value.h"

#define MAX_PORTS_DEFAULT 64U

static int grow_upstream(void *member, void *beside, void **ret, struct kvn_error *err)
{
	struct kvn_ip *upstream = member;
	size_t *n = beside;

	if (*n == KVN_UPSTREAM_MAX)
		return kvn_fail(err, EINVAL, "more than %d resolvers", KVN_UPSTREAM_MAX);
	*ret = &upstream[(*n)++];
	return 0;
}

#define SCALAR(name, kind) \
	.parse = kvn_##kind##_value_parse, .format = kvn_##kind##_value_format, \
	.member = offsetof(struct kvn_settings, name)

static const struct kvn_field fields[] = {
	{.path = "pool", .values = "ADDRESS/PREFIXLEN", SCALAR(pool, pool4)},
	{.path = "pool6", .values = "auto | ADDRESS/PREFIXLEN", SCALAR(pool6, pool6)},
	{.path = "default_network", .values = "NAME", SCALAR(default_network, name)},
	{.path = "upstream",
	 .values = "[ADDRESS, ...]",
	 .parse = kvn_resolver_value_parse,
	 .member = offsetof(struct kvn_settings, upstream),
	 .beside = offsetof(struct kvn_settings, n_upstream),
	 .grow = grow_upstream},
	{.path = "max_ports", .values = "0..100000", SCALAR(max_ports, count)},
};
static const struct kvn_fields table = {fields, ARRAY_SIZE(fields)};

int kvn_settings_parse(const char *text, const char *file, struct kvn_settings *ret, struct kvn_error *err)
{
	struct kvn_settings settings = {.pool = {{AF_INET, {10, 213}}, 16}, .max_ports = MAX_PORTS_DEFAULT};
	struct kvn_document doc = {0};
	int r = text ? kvn_document_parse(text, file, &doc, err) : 0;

	if (r == 0 && text)
		r = kvn_fields_read(&table, &doc, &settings, err);
	kvn_document_clear(&doc);
	if (r == 0)
		*ret = settings;
	return r;
}
