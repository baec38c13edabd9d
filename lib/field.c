/* SPDX-License-Identifier: GPL-2.0-or-later */
/* field.c - walk a tree by a table of keys: read, write, and say which key was meant. */
#include "field.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"

#define PATH_SIZE 192 /* a section, a dot and the longest key that a document may hold */

/* ---- the tree ---- */

bool kvn_tree_is_empty(const json_t *node)
{
	const char *text = json_string_value(node);

	return !node || json_is_null(node) || (text && text[0] == '\0');
}

const char *kvn_tree_text(const json_t *node, char buffer[static 32])
{
	if (json_is_integer(node)) {
		(void)snprintf(buffer, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(node));
		return buffer;
	}
	if (json_is_boolean(node))
		return json_is_true(node) ? "true" : "false";
	return json_string_value(node);
}

json_t *kvn_tree_get(const json_t *root, const char *path)
{
	char section[PATH_SIZE];
	const char *dot = strchr(path, '.');

	if (!dot)
		return json_object_get(root, path);
	if ((size_t)(dot - path) >= sizeof(section))
		return NULL;
	memcpy(section, path, (size_t)(dot - path));
	section[dot - path] = '\0';
	return kvn_tree_get(json_object_get(root, section), dot + 1);
}

/* What a wrong node is, for a message. */
static const char *found(const json_t *node, char ret[static KVN_EXCERPT + 2])
{
	char excerpt[KVN_EXCERPT], buffer[32];
	const char *text = kvn_tree_text(node, buffer);

	if (json_is_object(node))
		return "a mapping";
	if (json_is_array(node))
		return "a list";
	if (!text)
		return "a number with a fraction";
	(void)snprintf(ret, KVN_EXCERPT + 2, "'%s'", kvn_text_excerpt(text, excerpt));
	return ret;
}

/* ---- the table ---- */

const struct kvn_field *kvn_fields_find(const struct kvn_fields *table, const char *path)
{
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->fields[i].path, path) == 0)
			return &table->fields[i];
	return NULL;
}

bool kvn_fields_has_section(const struct kvn_fields *table, const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < table->n; i++)
		if (strncmp(table->fields[i].path, path, length) == 0 && table->fields[i].path[length] == '.')
			return true;
	return false;
}

#define WORD_MAX 32 /* bytes; longer keys are near to none of ours */

/* How many letters to change, add, drop or swap with their neighbour from @a to @b.
 * Optimal string alignment: Damerau, "A technique for computer detection and correction of spelling errors", 1964 */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];

	if (a_length > WORD_MAX || b_length > WORD_MAX)
		return WORD_MAX;
	for (unsigned i = 0; i <= a_length; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= b_length; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= a_length; i++)
		for (size_t j = 1; j <= b_length; j++) {
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[a_length][b_length];
}

/* The keys nearest to an unknown one. */
struct near {
	const char *paths[2];
	size_t lengths[2];
	size_t n;
	unsigned distance;
};

static void consider(struct near *near, unsigned d, const char *path, size_t length)
{
	if (d > near->distance || (d == near->distance && near->n == ARRAY_SIZE(near->paths)))
		return;
	if (d < near->distance)
		near->n = 0;
	for (size_t i = 0; i < near->n; i++)
		if (near->lengths[i] == length && strncmp(near->paths[i], path, length) == 0)
			return;
	near->distance = d;
	near->paths[near->n] = path;
	near->lengths[near->n++] = length;
}

static struct near find_near(const struct kvn_fields *table, const char *path)
{
	size_t length = strlen(path);
	struct near near = {.distance = length < 4 ? 1 : length < 8 ? 2 : 3};

	for (size_t i = 0; i < table->n; i++) {
		const char *other = table->fields[i].path, *dot = strchr(other, '.');
		size_t other_length = strlen(other);

		consider(&near, distance(path, length, other, other_length), other, other_length);
		if (!dot)
			continue;
		consider(&near, distance(path, length, other, (size_t)(dot - other)), other, (size_t)(dot - other));
		/* Written without its section: one step further than a slip of the pen. */
		consider(&near, 1 + distance(path, length, dot + 1, strlen(dot + 1)), other, other_length);
	}
	return near;
}

int kvn_fields_fail_unknown(const struct kvn_fields *table, const char *path, struct kvn_error *err)
{
	struct near near = find_near(table, path);
	char excerpt[KVN_EXCERPT];

	kvn_text_excerpt(path, excerpt);
	if (near.n == 0)
		return kvn_fail(err, EINVAL, "unknown key '%s'", excerpt);
	if (near.n == 1)
		return kvn_fail(err, EINVAL, "unknown key '%s' (did you mean '%.*s'?)", excerpt, (int)near.lengths[0],
				near.paths[0]);
	return kvn_fail(err, EINVAL, "unknown key '%s' (did you mean '%.*s' or '%.*s'?)", excerpt, (int)near.lengths[0],
			near.paths[0], (int)near.lengths[1], near.paths[1]);
}

/* ---- read ---- */

struct reading {
	const struct kvn_document *doc;
	struct kvn_error *err;
};

static int at(const struct reading *in, const json_t *node, const char *path, int r)
{
	char excerpt[KVN_EXCERPT];

	(void)kvn_wrap(in->err, "key '%s'", kvn_text_excerpt(path, excerpt));
	return kvn_document_blame(in->doc, node, r, in->err);
}

static int fail_type(const struct reading *in, const json_t *node, const char *path, const char *wanted)
{
	char text[KVN_EXCERPT + 2];

	return at(in, node, path, kvn_fail(in->err, EINVAL, "%s is wanted, found %s", wanted, found(node, text)));
}

static void *member_of(const void *base, size_t offset)
{
	return offset ? (char *)(uintptr_t)base + offset : NULL;
}

static int read_object(const struct reading *in, const struct kvn_fields *table, json_t *object, const char *section,
		       void *base);

static int read_scalar(const struct reading *in, const struct kvn_field *field, json_t *node, void *member,
		       void *beside)
{
	char buffer[32];
	const char *text = kvn_tree_text(node, buffer);
	int r;

	if (!text)
		return fail_type(in, node, field->path, field->values);
	r = field->parse(text, member, beside, in->err);
	return r < 0 ? at(in, node, field->path, r) : 0;
}

static int read_item(const struct reading *in, const struct kvn_field *field, json_t *node, void *member, void *beside)
{
	void *item;
	int r;

	if (field->items && !json_is_object(node))
		return fail_type(in, node, field->path, "a list of {KEY: VALUE, ...}");
	if (kvn_tree_is_empty(node))
		return at(in, node, field->path, kvn_fail(in->err, EINVAL, "an empty item"));
	r = field->grow(member, beside, &item, in->err);
	if (r < 0)
		return at(in, node, field->path, r);
	return field->items ? read_object(in, field->items, node, field->path, item)
			    : read_scalar(in, field, node, item, NULL);
}

static int read_field(const struct reading *in, const struct kvn_field *field, json_t *node, void *base)
{
	void *member = (char *)base + field->member, *beside = member_of(base, field->beside);
	json_t *item;
	size_t i;

	if (kvn_tree_is_empty(node))
		return 0;
	if (!field->grow)
		return read_scalar(in, field, node, member, beside);
	if (!json_is_array(node))
		return fail_type(in, node, field->path, "a list ([...])");
	json_array_foreach(node, i, item)
	{
		int r = read_item(in, field, item, member, beside);

		if (r < 0)
			return r;
	}
	return 0;
}

static int read_key(const struct reading *in, const struct kvn_fields *table, const char *path, json_t *node,
		    void *base)
{
	const struct kvn_field *field = kvn_fields_find(table, path);

	if (field)
		return read_field(in, field, node, base);
	if (!kvn_fields_has_section(table, path))
		return kvn_document_blame(in->doc, node, kvn_fields_fail_unknown(table, path, in->err), in->err);
	if (kvn_tree_is_empty(node))
		return 0;
	if (!json_is_object(node))
		return fail_type(in, node, path, "a mapping (KEY: VALUE lines)");
	return read_object(in, table, node, path, base);
}

static int read_object(const struct reading *in, const struct kvn_fields *table, json_t *object, const char *section,
		       void *base)
{
	const char *key;
	json_t *node;

	json_object_foreach(object, key, node)
	{
		char path[PATH_SIZE], excerpt[KVN_EXCERPT];
		int r;

		(void)snprintf(path, sizeof(path), "%s%s%s", section, *section ? "." : "",
			       key); /* a cut one is still unknown */
		if (strchr(key, '.'))
			return kvn_document_blame(in->doc, node,
						  kvn_fail(in->err, EINVAL,
							   "unknown key '%s' (a dot is written as nesting: "
							   "'ipv4: {address: ...}')",
							   kvn_text_excerpt(path, excerpt)),
						  in->err);
		r = read_key(in, table, path, node, base);
		if (r < 0)
			return r;
	}
	return 0;
}

int kvn_fields_read(const struct kvn_fields *table, const struct kvn_document *doc, void *base, struct kvn_error *err)
{
	const struct reading in = {doc, err};

	return read_object(&in, table, doc->root, "", base);
}

/* ---- write ---- */

static int write_field(const struct kvn_field *field, const void *base, json_t *root)
{
	json_t *value = field->format((const char *)base + field->member, member_of(base, field->beside));
	const char *dot = strchr(field->path, '.');
	char section[PATH_SIZE];
	json_t *object;

	if (!value)
		return -ENOMEM;
	if (!dot)
		return json_object_set_new(root, field->path, value);
	(void)snprintf(section, sizeof(section), "%.*s", (int)(dot - field->path), field->path);
	object = json_object_get(root, section);
	if (!object) {
		object = json_object();
		if (json_object_set_new(root, section, object) < 0) {
			json_decref(value);
			return -ENOMEM;
		}
	}
	return json_object_set_new(object, dot + 1, value);
}

json_t *kvn_fields_write(const struct kvn_fields *table, const void *base)
{
	auto_json json_t *root = json_object();

	if (!root)
		return NULL;
	for (size_t i = 0; i < table->n; i++)
		if (write_field(&table->fields[i], base, root) < 0)
			return NULL;
	return steal_ptr(&root);
}
