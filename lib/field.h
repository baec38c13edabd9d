/* SPDX-License-Identifier: GPL-2.0-or-later */
/* field.h - a table of keys between a tree and a struct: the one way in and out for every file of settings. */
#ifndef KVN_FIELD_H
#define KVN_FIELD_H

#include "document.h"

struct kvn_fields;

/* One key and the member that it fills. */
struct kvn_field {
	const char *path; /* "ipv4.address" */
	const char *values; /* what it takes: "auto | none | ADDRESS/PREFIXLEN" */
	/* Parse a scalar, never "", into @member; a failure says what is wrong with it, not where. */
	int (*parse)(const char *text, void *member, void *beside, struct kvn_error *err);
	/* NULL: no memory. */
	json_t *(*format)(const void *member, const void *beside);
	size_t member; /* offset */
	size_t beside; /* offset of the member that says how it was given, or how many there are; 0: none */
	/* A sequence: make room for one more item; *ret is the item, or the place for parse() to put it. */
	int (*grow)(void *member, void *beside, void **ret, struct kvn_error *err);
	const struct kvn_fields *items; /* each item is a mapping of these; NULL: a scalar for parse() */
};

struct kvn_fields {
	const struct kvn_field *fields;
	size_t n;
};

/* Read @doc into the struct at @base; keys that are absent, null or empty leave their member alone.  Unknown keys, values of
 * the wrong type and values that do not parse fail.  -EINVAL "FILE:LINE: key 'ipv4.dhcp': ..."   -ENOMEM */
int kvn_fields_read(const struct kvn_fields *table, const struct kvn_document *doc, void *base, struct kvn_error *err);

/* The struct at @base as a tree, every key in the table's order.  NULL: no memory. */
json_t *kvn_fields_write(const struct kvn_fields *table, const void *base);

/* NULL: no such key. */
const struct kvn_field *kvn_fields_find(const struct kvn_fields *table, const char *path);
/* Do keys begin with "@path."? */
bool kvn_fields_has_section(const struct kvn_fields *table, const char *path);
/* Fail about @path, which is unknown, and name what is near to it.  -EINVAL */
int kvn_fields_fail_unknown(const struct kvn_fields *table, const char *path, struct kvn_error *err);

/* The node at @path, "ipv4.address", below @root; NULL: none. */
json_t *kvn_tree_get(const json_t *root, const char *path);
/* Is @node nothing: absent, null, ""? */
bool kvn_tree_is_empty(const json_t *node);
/* The text of a scalar, numbers and booleans as YAML writes them; NULL: no scalar, or a number with a fraction. */
const char *kvn_tree_text(const json_t *node, char buffer[static 32]);

#endif
