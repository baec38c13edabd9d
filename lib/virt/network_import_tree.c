/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network_import_tree.c - what an import makes: the tree of a definition, and where each value of it stands in the XML. */
#include <errno.h>
#include <string.h>

#include "array.h"
#include "cleanup.h"
#include "definition.h"
#include "field.h"
#include "network_import.h"

#define PATH_SIZE 64 /* the longest key of a definition, and to spare */

/* ---- building it ---- */

void kvn_import_no_memory(struct import *in)
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
		kvn_import_no_memory(in);
		return;
	}
	tree->lines[tree->n_lines++] = (struct kvn_yaml_line){json_incref(value), kvn_xml_line(node)};
}

/* The mapping that the key @path is in, and its name there. */
json_t *kvn_import_section(struct import *in, const char *path, const char **ret_name)
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
			kvn_import_no_memory(in);
	}
	return section;
}

/* Takes @value over; @node is where it stands. */
void kvn_import_set(struct import *in, const xmlNode *node, const char *path, json_t *value)
{
	const char *name;
	json_t *section;

	if (in->xml.r < 0 || !value) {
		if (!value)
			kvn_import_no_memory(in);
		json_decref(value);
		return;
	}
	section = kvn_import_section(in, path, &name);
	if (json_object_set_new(section, name, value) < 0)
		kvn_import_no_memory(in);
	else
		remember_line(in, value, node);
}

void kvn_import_set_text(struct import *in, const xmlNode *node, const char *path, const char *text)
{
	if (text)
		kvn_import_set(in, node, path, json_string(text));
}

void kvn_import_set_bool(struct import *in, const xmlNode *node, const char *path, bool value)
{
	kvn_import_set(in, node, path, json_string(value ? "true" : "false"));
}

/* Takes @item over. */
void kvn_import_append_to(struct import *in, const xmlNode *node, json_t *array, json_t *item)
{
	if (json_array_append_new(array, item) < 0)
		kvn_import_no_memory(in);
	else
		remember_line(in, item, node);
}

/* Add to the sequence at @path; takes @item over. */
void kvn_import_append(struct import *in, const xmlNode *node, const char *path, json_t *item)
{
	if (!kvn_tree_get(in->tree.root, path))
		kvn_import_set(in, node, path, json_array());
	if (in->xml.r < 0)
		json_decref(item);
	else
		kvn_import_append_to(in, node, kvn_tree_get(in->tree.root, path), item);
}

/* Set @key of an item to what stands at @node; NULL: nothing does. */
void kvn_import_put(struct import *in, const xmlNode *node, json_t *item, const char *key, const char *value)
{
	json_t *text = value ? json_string(value) : NULL;

	if (!value)
		return;
	if (json_object_set_new(item, key, text) < 0)
		kvn_import_no_memory(in);
	else
		remember_line(in, text, node);
}

/* ---- finishing it ---- */

/* Scalars as strings, as the YAML parser has them. */
json_t *kvn_import_untype(json_t *value)
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
		if (!json_is_null(child) && json_object_set_new(copy, key, kvn_import_untype(child)) < 0)
			is_whole = false;
	}
	json_array_foreach(value, i, child)
	{
		if (json_array_append_new(copy, kvn_import_untype(child)) < 0)
			is_whole = false;
	}
	return is_whole ? steal_ptr(&copy) : NULL;
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
		kvn_import_no_memory(in);
	for (const struct kvn_field_doc *doc = kvn_definition_fields(); doc->path && in->xml.r == 0; doc++) {
		json_t *value = kvn_tree_get(written, doc->path), *section, *given = kvn_tree_get(tree, doc->path);
		const char *name;

		if (!given || (json_equal(value, kvn_tree_get(nothing, doc->path)) && strcmp(doc->path, "model") != 0))
			continue;
		section = kvn_import_section(in, doc->path, &name);
		if (json_object_set_new(section, name,
					strcmp(doc->path, "name") == 0 ? json_incref(given)
								       : kvn_import_untype(value)) < 0)
			kvn_import_no_memory(in);
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
int kvn_import_finish(struct import *in)
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
