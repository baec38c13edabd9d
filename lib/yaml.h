/* SPDX-License-Identifier: GPL-2.0-or-later */
/* yaml.h - YAML text <-> a jansson tree that remembers its lines.  Source: YAML 1.1 as libyaml reads it. */
#ifndef KVN_YAML_H
#define KVN_YAML_H

#include "error.h"

/* A file of settings as its user wrote it.  Mappings are objects, sequences arrays, every scalar a string ("" for an
 * empty one, so that types are the field table's business), in the order of the file. */
struct kvn_document {
	json_t *root; /* object; owned */
	char *file; /* name for messages, "nat0.yaml"; owned */
	char *head_comment; /* the comment lines before the first key, newlines and all, or NULL; owned; written back */
	struct kvn_yaml_line {
		const json_t *node; /* a value inside root */
		int line; /* of its key, or of the item in a sequence; from 1 */
	} * lines; /* owned */
	size_t n_lines;
};

/* Parse @text; @file is for messages.  An empty text is an empty object.  Anchors, aliases, tags, several documents and
 * the same key twice are refused.  Nesting is at most 16 deep and @text at most 1 MiB.
 * -EINVAL "FILE:LINE: what is wrong"   -ENOMEM */
int kvn_document_parse(const char *text, const char *file, struct kvn_document *ret, struct kvn_error *err);

/* Wrap a tree that came from elsewhere (an API call, a record); takes a reference of @root.  Lines are unknown.  -ENOMEM */
int kvn_document_from_json(json_t *root, const char *file, struct kvn_document *ret, struct kvn_error *err);

/* Write the document as YAML: head comment, block style, sequences of plain scalars and of flat mappings in flow style;
 * strings are quoted where YAML needs it.  *ret is the caller's to free.  -ENOMEM */
int kvn_document_format(const struct kvn_document *doc, char **ret, struct kvn_error *err);

/* Write any JSON value of objects, arrays, strings, integers, booleans and null in the same form. */
int kvn_yaml_format(const json_t *value, char **ret, struct kvn_error *err);

/* Parse one value as it stands after a key, in flow style too: "[a, b]", "{name: web}", "10.0.0.1/24".  -EINVAL -ENOMEM */
int kvn_yaml_parse_value(const char *text, json_t **ret, struct kvn_error *err);

/* Line of @node, 0: unknown. */
int kvn_document_line(const struct kvn_document *doc, const json_t *node);

/* Release what @doc owns and zero it.  NULL is fine. */
void kvn_document_clear(struct kvn_document *doc);

#endif
