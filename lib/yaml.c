/* SPDX-License-Identifier: GPL-2.0-or-later */
/* yaml.c - YAML text -> a jansson tree that remembers its lines, from libyaml's events. */
#include "document.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "cleanup.h"

#define DEPTH_MAX 16U
#define TEXT_MAX (1U << 20) /* bytes */
#define KEY_MAX 128U /* bytes; libyaml itself takes 1,024 before the colon */

/* One parse under way. */
struct reader {
	yaml_parser_t yaml;
	struct kvn_document *doc;
	const char *text;
	struct kvn_error *err;
};

static void cleanup_parser(struct reader *in)
{
	yaml_parser_delete(&in->yaml);
}

static void cleanup_event(yaml_event_t *event)
{
	yaml_event_delete(event);
}

#define auto_reader __attribute__((cleanup(cleanup_parser)))
#define auto_event __attribute__((cleanup(cleanup_event)))

/* ---- messages ---- */

const char *kvn_text_excerpt(const char *text, char ret[static KVN_EXCERPT])
{
	size_t length = strnlen(text, KVN_EXCERPT);

	if (length < KVN_EXCERPT) {
		memcpy(ret, text, length + 1);
		return ret;
	}
	length = KVN_EXCERPT - sizeof("...");
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--; /* in the middle of a character */
	memcpy(ret, text, length);
	memcpy(ret + length, "...", sizeof("..."));
	return ret;
}

/* Put "FILE:LINE: " before the message in err; a value that stands alone has neither. */
static int at(const struct reader *in, size_t line, int r)
{
	if (in->doc->file)
		(void)kvn_wrap(in->err, "%s:%zu", in->doc->file, line);
	return r;
}

static int at_event(const struct reader *in, const yaml_event_t *event, int r)
{
	return at(in, event->start_mark.line + 1, r);
}

static int no_memory(const struct reader *in)
{
	return kvn_fail_errno(in->err, ENOMEM, "%s", in->doc->file ? in->doc->file : "value");
}

/* libyaml tells a byte it cannot read by its offset, everything else by its line. */
static size_t problem_line(const struct reader *in)
{
	size_t line = 1;

	if (in->yaml.error != YAML_READER_ERROR)
		return in->yaml.problem_mark.line + 1;
	for (size_t i = 0; i < in->yaml.problem_offset && in->text[i]; i++)
		line += in->text[i] == '\n';
	return line;
}

static int fail_syntax(const struct reader *in)
{
	const char *problem = in->yaml.problem ? in->yaml.problem : "not YAML";
	const char *context = in->yaml.context;

	if (in->yaml.error == YAML_MEMORY_ERROR)
		return no_memory(in);
	return at(in, problem_line(in),
		  kvn_fail(in->err, EINVAL, "%s%s%s", problem, context ? ", " : "", context ? context : ""));
}

/* ---- the tree ---- */

static int add_line(const struct reader *in, json_t *node, size_t line)
{
	struct kvn_document *doc = in->doc;

	if ((doc->n_lines & (doc->n_lines - 1)) == 0) { /* full at each power of two */
		struct kvn_yaml_line *grown =
			realloc(doc->lines, (doc->n_lines ? 2 * doc->n_lines : 1) * sizeof(*grown));

		if (!grown)
			return no_memory(in);
		doc->lines = grown;
	}
	doc->lines[doc->n_lines++] = (struct kvn_yaml_line){json_incref(node), (int)line};
	return 0;
}

static int next(struct reader *in, yaml_event_t *ret)
{
	return yaml_parser_parse(&in->yaml, ret) ? 0 : fail_syntax(in);
}

/* What this subset of YAML leaves out; a tag or an anchor may stand before any kind of node. */
static int check_plainness(const struct reader *in, const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (event->type == YAML_ALIAS_EVENT) {
		return at_event(in, event, kvn_fail(in->err, EINVAL, "aliases (*name) are not taken here"));
	} else if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
	}
	if (anchor)
		return at_event(in, event, kvn_fail(in->err, EINVAL, "anchors (&name) are not taken here"));
	if (tag)
		return at_event(in, event, kvn_fail(in->err, EINVAL, "tags (!name) are not taken here"));
	return 0;
}

static int check_depth(const struct reader *in, const yaml_event_t *event, unsigned depth)
{
	if (depth < DEPTH_MAX)
		return 0;
	return at_event(in, event, kvn_fail(in->err, EINVAL, "nested more than %u deep", DEPTH_MAX));
}

/* A NUL can be written as "\0"; nothing of ours may hold one. */
static int check_text(const struct reader *in, const yaml_event_t *event)
{
	if (strlen((const char *)event->data.scalar.value) == event->data.scalar.length)
		return 0;
	return at_event(in, event, kvn_fail(in->err, EINVAL, "a NUL character stands in the text"));
}

static bool is_null(const yaml_event_t *event)
{
	static const char *const nulls[] = {"~", "null", "Null", "NULL"};

	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
		if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		    strcmp((const char *)event->data.scalar.value, nulls[i]) == 0)
			return true;
	return false;
}

static int read_scalar(const struct reader *in, const yaml_event_t *event, json_t **ret)
{
	int r = check_text(in, event);

	if (r < 0)
		return r;
	*ret = json_string(is_null(event) ? "" : (const char *)event->data.scalar.value);
	return *ret ? 0 : no_memory(in);
}

static int read_node(struct reader *in, const yaml_event_t *event, unsigned depth, json_t **ret);

static int read_sequence(struct reader *in, const yaml_event_t *start, unsigned depth, json_t **ret)
{
	auto_json json_t *array = json_array();
	int r = check_depth(in, start, depth);

	if (!array)
		return no_memory(in);
	while (r == 0) {
		auto_event yaml_event_t event = {0};
		json_t *item = NULL;

		r = next(in, &event);
		if (r == 0 && event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (r == 0)
			r = read_node(in, &event, depth + 1, &item);
		if (r == 0 && json_array_append_new(array, item) < 0)
			r = no_memory(in);
		if (r == 0)
			r = add_line(in, item, event.start_mark.line + 1);
	}
	if (r == 0)
		*ret = steal_ptr(&array);
	return r;
}

static int check_key(struct reader *in, const yaml_event_t *event, const json_t *object)
{
	char excerpt[KVN_EXCERPT];
	const char *key;
	int r = check_plainness(in, event);

	if (r < 0)
		return r;
	if (event->type != YAML_SCALAR_EVENT)
		return at_event(in, event, kvn_fail(in->err, EINVAL, "a key must be a word, not a list or a mapping"));
	r = check_text(in, event);
	if (r < 0)
		return r;
	key = (const char *)event->data.scalar.value;
	if (event->data.scalar.length > KEY_MAX)
		return at_event(in, event,
				kvn_fail(in->err, EINVAL, "key '%s' is longer than %u bytes",
					 kvn_text_excerpt(key, excerpt), KEY_MAX));
	if (json_object_get(object, key))
		return at_event(in, event,
				kvn_fail(in->err, EINVAL, "key '%s' stands here for the second time",
					 kvn_text_excerpt(key, excerpt)));
	return 0;
}

static int read_pair(struct reader *in, const yaml_event_t *key, unsigned depth, json_t *object)
{
	auto_event yaml_event_t event = {0};
	json_t *value = NULL;
	int r = check_key(in, key, object);

	if (r == 0)
		r = next(in, &event);
	if (r == 0)
		r = read_node(in, &event, depth + 1, &value);
	if (r == 0 && json_object_set_new(object, (const char *)key->data.scalar.value, value) < 0)
		r = no_memory(in);
	return r < 0 ? r : add_line(in, value, key->start_mark.line + 1);
}

static int read_mapping(struct reader *in, const yaml_event_t *start, unsigned depth, json_t **ret)
{
	auto_json json_t *object = json_object();
	int r = check_depth(in, start, depth);

	if (!object)
		return no_memory(in);
	while (r == 0) {
		auto_event yaml_event_t event = {0};

		r = next(in, &event);
		if (r == 0 && event.type == YAML_MAPPING_END_EVENT)
			break;
		if (r == 0)
			r = read_pair(in, &event, depth, object);
	}
	if (r == 0)
		*ret = steal_ptr(&object);
	return r;
}

static int read_node(struct reader *in, const yaml_event_t *event, unsigned depth, json_t **ret)
{
	int r = check_plainness(in, event);

	if (r < 0)
		return r;
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return read_sequence(in, event, depth, ret);
	if (event->type == YAML_MAPPING_START_EVENT)
		return read_mapping(in, event, depth, ret);
	return read_scalar(in, event, ret);
}

/* The one node of the one document; NULL where there is none. */
static int read_stream(struct reader *in, json_t **ret)
{
	auto_event yaml_event_t stream = {0}, document = {0}, node = {0}, document_end = {0}, after = {0};
	auto_json json_t *root = NULL;
	int r = next(in, &stream);

	if (r == 0)
		r = next(in, &document);
	if (r < 0 || document.type == YAML_STREAM_END_EVENT)
		return r;
	r = next(in, &node);
	if (r == 0)
		r = read_node(in, &node, 0, &root);
	if (r == 0)
		r = next(in, &document_end);
	if (r == 0)
		r = next(in, &after);
	if (r == 0 && after.type != YAML_STREAM_END_EVENT)
		r = at_event(in, &after, kvn_fail(in->err, EINVAL, "a second document begins here; one is taken"));
	if (r == 0)
		r = add_line(in, root, node.start_mark.line + 1);
	if (r == 0)
		*ret = steal_ptr(&root);
	return r;
}

static int read_text(const char *text, struct kvn_document *doc, struct kvn_error *err)
{
	auto_reader struct reader in = {.doc = doc, .text = text, .err = err};
	size_t length = strlen(text);

	if (length > TEXT_MAX)
		return at(&in, 1, kvn_fail(err, EINVAL, "more than %u bytes of text", TEXT_MAX));
	if (!yaml_parser_initialize(&in.yaml))
		return no_memory(&in);
	yaml_parser_set_encoding(&in.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&in.yaml, (const unsigned char *)text, length);
	return read_stream(&in, &doc->root);
}

/* ---- the comment on top ---- */

/* Length of the line break at @text as YAML 1.1 has them, 0: none here.  CR, LF, NEL, LS, PS */
static size_t line_break(const char *text)
{
	static const char *const breaks[] = {"\r\n", "\r", "\n", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};

	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++)
		if (strncmp(text, breaks[i], strlen(breaks[i])) == 0)
			return strlen(breaks[i]);
	return 0;
}

static int keep_head_comment(const char *text, char **ret)
{
	const char *line = text, *mark = "\xef\xbb\xbf";
	bool has_comment = false;

	if (strncmp(text, mark, strlen(mark)) == 0)
		line = text += strlen(mark);
	for (;;) {
		const char *end = line + strspn(line, " \t");

		if (*end == '#') {
			has_comment = true;
			while (*end && line_break(end) == 0)
				end++;
		}
		if (*end && line_break(end) == 0)
			break; /* the first key */
		line = end + line_break(end);
		if (*end == '\0')
			break;
	}
	*ret = has_comment ? strndup(text, (size_t)(line - text)) : NULL;
	return has_comment && !*ret ? -ENOMEM : 0;
}

/* ---- the document ---- */

void kvn_document_clear(struct kvn_document *doc)
{
	if (!doc)
		return;
	json_decref(doc->root);
	free(doc->file);
	free(doc->head_comment);
	for (size_t i = 0; i < doc->n_lines; i++)
		json_decref(doc->lines[i].node);
	free(doc->lines);
	*doc = (struct kvn_document){0};
}

/* The tree of a file is a mapping; an empty file is an empty one. */
static int settle_root(struct kvn_document *doc, struct kvn_error *err)
{
	const char *text = json_string_value(doc->root);

	if (doc->root && !json_is_object(doc->root) && !(text && text[0] == '\0'))
		return kvn_document_blame(doc, doc->root,
					  kvn_fail(err, EINVAL, "a mapping (KEY: VALUE lines) is wanted, found a %s",
						   text ? "single value" : "list"),
					  err);
	if (json_is_object(doc->root))
		return 0;
	json_decref(doc->root);
	doc->root = json_object();
	return doc->root ? 0 : kvn_fail_errno(err, ENOMEM, "%s", doc->file);
}

int kvn_document_parse(const char *text, const char *file, struct kvn_document *ret, struct kvn_error *err)
{
	struct kvn_document doc = {.file = strdup(file)};
	int r = doc.file ? read_text(text, &doc, err) : kvn_fail_errno(err, ENOMEM, "%s", file);

	if (r == 0)
		r = settle_root(&doc, err);
	if (r == 0 && keep_head_comment(text, &doc.head_comment) < 0)
		r = kvn_fail_errno(err, ENOMEM, "%s", file);
	if (r < 0)
		kvn_document_clear(&doc);
	else
		*ret = doc;
	return r;
}

int kvn_document_from_json(json_t *root, const char *file, struct kvn_document *ret, struct kvn_error *err)
{
	struct kvn_document doc = {0};

	if (!json_is_object(root))
		return kvn_fail(err, EINVAL, "%s: an object is wanted", file);
	doc.file = strdup(file);
	if (!doc.file)
		return kvn_fail_errno(err, ENOMEM, "%s", file);
	doc.root = json_incref(root);
	*ret = doc;
	return 0;
}

int kvn_yaml_parse_value(const char *text, json_t **ret, struct kvn_error *err)
{
	struct kvn_document doc = {0};
	char excerpt[KVN_EXCERPT];
	int r = read_text(text, &doc, err);

	if (r == -EINVAL)
		(void)kvn_wrap(err, "'%s' is no YAML value", kvn_text_excerpt(text, excerpt));
	if (r == 0 && !doc.root) {
		doc.root = json_string("");
		r = doc.root ? 0 : kvn_fail_errno(err, ENOMEM, "value");
	}
	if (r == 0)
		*ret = steal_ptr(&doc.root);
	kvn_document_clear(&doc);
	return r;
}

int kvn_document_line(const struct kvn_document *doc, const json_t *node)
{
	for (size_t i = 0; node && i < doc->n_lines; i++)
		if (doc->lines[i].node == node)
			return doc->lines[i].line;
	return 0;
}

int kvn_document_blame(const struct kvn_document *doc, const json_t *node, int r, struct kvn_error *err)
{
	int line = kvn_document_line(doc, node);

	if (line > 0)
		(void)kvn_wrap(err, "%s:%d", doc->file, line);
	else
		(void)kvn_wrap(err, "%s", doc->file);
	return r;
}
