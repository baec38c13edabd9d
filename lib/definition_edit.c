/* SPDX-License-Identifier: GPL-2.0-or-later */
/* definition_edit.c - KEY=VALUE, KEY+=VALUE, KEY-=VALUE on the tree of a definition; what else stands there stays. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "definition_table.h"

#define KEY_SIZE 64 /* bytes; ours are shorter */

enum operation { SET, APPEND, REMOVE };

/* One assignment, taken apart. */
struct edit {
	char path[KEY_SIZE];
	enum operation operation;
	json_t *value; /* owned */
};

static int no_memory(struct kvn_error *err)
{
	return kvn_fail_errno(err, ENOMEM, "definition");
}

/* ---- the assignment ---- */

static bool is_key(const char *path)
{
	return kvn_fields_find(kvn_definition_table(), path) || kvn_fields_has_section(kvn_definition_table(), path);
}

/* A key from a command line may be no text at all. */
static int check_path(const char *path, struct kvn_error *err)
{
	for (const char *c = path; *c; c++)
		if (*c <= ' ' || (unsigned char)*c >= 0x7f)
			return kvn_fail(err, EINVAL, "a key is made of letters, '_' and '.'");
	return is_key(path) ? 0 : kvn_fields_fail_unknown(kvn_definition_table(), path, err);
}

static int split(const char *assignment, struct edit *ret, struct kvn_error *err)
{
	const char *equals = strchr(assignment, '=');
	size_t length = equals ? (size_t)(equals - assignment) : 0;
	int r;

	if (!equals)
		return kvn_fail(err, EINVAL, "an assignment is KEY=VALUE, KEY+=VALUE, KEY-=VALUE or KEY=");
	ret->operation = SET;
	if (length > 0 && strchr("+-", equals[-1]))
		ret->operation = equals[-1] == '+' ? APPEND : REMOVE;
	length -= ret->operation != SET;
	if (length == 0 || length >= sizeof(ret->path))
		return kvn_fail(err, EINVAL, "%s before '='", length ? "too long a key" : "no key");
	memcpy(ret->path, assignment, length);
	ret->path[length] = '\0';
	r = check_path(ret->path, err);
	if (r < 0)
		return r;
	r = kvn_yaml_parse_value(equals + 1, &ret->value, err);
	if (r == -EINVAL)
		(void)kvn_wrap(err, "key '%s'", ret->path);
	return r;
}

/* ---- set ---- */

/* Where in the order of the table @key of @section ("" for the top) comes first. */
static size_t rank(const char *section, const char *key)
{
	const struct kvn_fields *table = kvn_definition_table();
	char path[KEY_SIZE * 2 + 1];
	size_t length;

	length = (size_t)snprintf(path, sizeof(path), "%s%s%.*s", section, *section ? "." : "", KEY_SIZE, key);
	for (size_t i = 0; i < table->n; i++)
		if (strncmp(table->fields[i].path, path, length) == 0 &&
		    (table->fields[i].path[length] == '\0' || table->fields[i].path[length] == '.'))
			return i;
	return table->n;
}

/* A new key goes where a reader expects it: behind those that the table has before it.  @object holds it at the end. */
static int place(json_t *object, const char *section, const char *key, struct kvn_error *err)
{
	auto_json json_t *old = json_copy(object);
	json_t *mine = json_object_get(old, key), *value;
	size_t before = 0, i = 0;
	const char *other;
	int r = old ? json_object_clear(object) : -1;

	json_object_foreach(old, other, value)
	{
		i++;
		if (value != mine && rank(section, other) < rank(section, key))
			before = i;
	}
	i = 0;
	if (r == 0 && before == 0)
		r = json_object_set(object, key, mine);
	json_object_foreach(old, other, value)
	{
		if (r == 0 && value != mine)
			r = json_object_set(object, other, value);
		if (r == 0 && ++i == before)
			r = json_object_set(object, key, mine);
	}
	return r < 0 ? no_memory(err) : 0;
}

static int set_key(json_t *object, const char *section, const char *key, json_t *value, struct kvn_error *err)
{
	bool is_new = !json_object_get(object, key);

	if (json_object_set(object, key, value) < 0)
		return no_memory(err);
	return is_new ? place(object, section, key, err) : 0;
}

/* The object that @section is, made if need be. */
static int open_section(struct kvn_document *doc, const char *section, json_t **ret, struct kvn_error *err)
{
	json_t *node = json_object_get(doc->root, section);
	auto_json json_t *made = NULL;
	int r = 0;

	if (kvn_tree_is_empty(node)) {
		made = json_object();
		r = made ? set_key(doc->root, "", section, made, err) : no_memory(err);
		node = json_object_get(doc->root, section);
	} else if (!json_is_object(node)) {
		r = kvn_document_blame(
			doc, node, kvn_fail(err, EINVAL, "key '%s': a mapping (KEY: VALUE lines) is wanted", section),
			err);
	}
	*ret = node;
	return r;
}

static int set_path(struct kvn_document *doc, const char *path, json_t *value, struct kvn_error *err)
{
	const char *dot = strchr(path, '.');
	char section[KEY_SIZE];
	json_t *object = NULL;
	int r;

	if (!dot)
		return set_key(doc->root, "", path, value, err);
	(void)snprintf(section, sizeof(section), "%.*s", (int)(dot - path), path);
	r = open_section(doc, section, &object, err);
	return r < 0 ? r : set_key(object, section, dot + 1, value, err);
}

/* Take the key out, and its section when nothing is left in it.  Gone already is no error. */
static void remove_path(struct kvn_document *doc, const char *path)
{
	const char *dot = strchr(path, '.');
	char section[KEY_SIZE];
	json_t *object = NULL;

	if (!dot) {
		(void)json_object_del(doc->root, path);
		return;
	}
	(void)snprintf(section, sizeof(section), "%.*s", (int)(dot - path), path);
	object = json_object_get(doc->root, section);
	(void)json_object_del(object, dot + 1);
	if (json_is_object(object) && json_object_size(object) == 0)
		(void)json_object_del(doc->root, section);
}

/* ---- sequences ---- */

/* The sequence at @path, NULL where there is none yet. */
static int get_sequence(const struct kvn_document *doc, const char *path, json_t **ret, struct kvn_error *err)
{
	const struct kvn_field *field = kvn_fields_find(kvn_definition_table(), path);
	json_t *node = kvn_tree_get(doc->root, path);

	if (!field || !field->grow)
		return kvn_fail(err, EINVAL, "key '%s' is no list: set it by '%s=VALUE'", path, path);
	if (!kvn_tree_is_empty(node) && !json_is_array(node))
		return kvn_document_blame(doc, node, kvn_fail(err, EINVAL, "key '%s': a list ([...]) is wanted", path),
					  err);
	*ret = json_is_array(node) ? node : NULL;
	return 0;
}

static int append(struct kvn_document *doc, const struct edit *edit, struct kvn_error *err)
{
	auto_json json_t *made = NULL;
	json_t *sequence = NULL;
	int r = get_sequence(doc, edit->path, &sequence, err);

	if (r < 0)
		return r;
	if (kvn_tree_is_empty(edit->value))
		return kvn_fail(err, EINVAL, "key '%s': nothing to append", edit->path);
	if (!sequence) {
		sequence = made = json_array();
		r = made ? set_path(doc, edit->path, made, err) : no_memory(err);
		if (r < 0)
			return r;
	}
	r = json_is_array(edit->value) ? json_array_extend(sequence, edit->value)
				       : json_array_append(sequence, edit->value);
	return r < 0 ? no_memory(err) : 0;
}

static bool is_same_scalar(const json_t *a, const json_t *b, int (*compare)(const char *a, const char *b))
{
	char a_buffer[32], b_buffer[32];
	const char *a_text = kvn_tree_text(a, a_buffer), *b_text = kvn_tree_text(b, b_buffer);

	return a_text && b_text && compare(a_text, b_text) == 0;
}

/* Does @wanted, a scalar or some keys of a mapping, name @item? Names of hosts, MACs and addresses are case-blind, those of
 * users are not. */
static bool is_named(json_t *item, json_t *wanted)
{
	const char *key;
	json_t *value;

	if (!json_is_object(item))
		return is_same_scalar(item, wanted, strcmp);
	if (!json_is_object(wanted))
		return is_same_scalar(json_object_get(item, "name"), wanted, strcasecmp);
	json_object_foreach(wanted, key,
			    value) if (!is_same_scalar(json_object_get(item, key), value, strcasecmp)) return false;
	return true;
}

/* An empty mapping would name all, a misspelt key none. */
static int check_wanted(const struct edit *edit, json_t *wanted, struct kvn_error *err)
{
	const struct kvn_field *field = kvn_fields_find(kvn_definition_table(), edit->path);
	const char *key;
	json_t *value;

	if (kvn_tree_is_empty(wanted) || (json_is_object(wanted) && json_object_size(wanted) == 0))
		return kvn_fail(err, EINVAL, "key '%s': say what to remove", edit->path);
	if (json_is_array(wanted) || (json_is_object(wanted) && !field->items))
		return kvn_fail(err, EINVAL, "key '%s': remove one item at a time, as %s", edit->path, field->values);
	json_object_foreach(wanted, key, value)
	{
		char path[2 * KEY_SIZE];

		(void)snprintf(path, sizeof(path), "%s.%.60s", edit->path, key);
		if (!kvn_fields_find(field->items, path))
			return kvn_fields_fail_unknown(field->items, path, err);
	}
	return 0;
}

static int remove_items(struct kvn_document *doc, const struct edit *edit, struct kvn_error *err)
{
	json_t *sequence = NULL;
	size_t n_before;
	int r = get_sequence(doc, edit->path, &sequence, err);

	if (r == 0)
		r = check_wanted(edit, edit->value, err);
	if (r < 0)
		return r;
	n_before = json_array_size(sequence);
	for (size_t i = n_before; i-- > 0;)
		if (is_named(json_array_get(sequence, i), edit->value))
			(void)json_array_remove(sequence, i); /* in range */
	if (json_array_size(sequence) == n_before)
		return kvn_fail(err, ENOENT, "key '%s': no such item", edit->path);
	return 0;
}

int kvn_definition_edit(struct kvn_document *doc, const char *assignment, struct kvn_error *err)
{
	struct edit edit = {0};
	int r = split(assignment, &edit, err);

	if (r == 0) {
		switch (edit.operation) {
		case SET:
			if (kvn_tree_is_empty(edit.value))
				remove_path(doc, edit.path);
			else
				r = set_path(doc, edit.path, edit.value, err);
			break;
		case APPEND:
			r = append(doc, &edit, err);
			break;
		case REMOVE:
			r = remove_items(doc, &edit, err);
			break;
		}
	}
	json_decref(edit.value);
	return r;
}
