/* SPDX-License-Identifier: GPL-2.0-or-later */
/* document.h - YAML text <-> a jansson tree that remembers its lines.  Source: YAML 1.1 as libyaml reads it.
 * Not called yaml.h: with -Ilib that would hide the header of libyaml. */
#ifndef KVN_DOCUMENT_H
#define KVN_DOCUMENT_H

#include "error.h"

/* A file of settings as its user wrote it.  Mappings are objects, sequences arrays, every scalar a string ("" for an
 * empty one and for a plain ~ or null, so that types are the field table's business), in the order of the file. */
struct kvn_document {
	json_t *root; /* object; owned */
	char *file; /* name for messages, "nat0.yaml"; owned */
	char *head_comment; /* the comment lines before the first key, newlines and all, or NULL; owned; written back */
	struct kvn_yaml_line {
		json_t *node; /* a value inside root, or once there: a reference, so that no other node gets its address */
		int line; /* of its key, or of the item in a sequence; from 1 */
	} * lines; /* owned */
	size_t n_lines;
};

/* Parse @text; @file is for messages.  An empty text is an empty object.  Anchors, aliases, tags, several documents and
 * the same key twice are refused.  Nesting is at most 16 deep, a key at most 128 bytes and @text at most 1 MiB.
 * -EINVAL "FILE:LINE: what is wrong"   -ENOMEM */
int kvn_document_parse(const char *text, const char *file, struct kvn_document *ret, struct kvn_error *err);

/* Wrap a tree that came from elsewhere (an API call, a record); takes a reference of @root.  Lines are unknown.
 * -EINVAL it is no object   -ENOMEM */
int kvn_document_from_json(json_t *root, const char *file, struct kvn_document *ret, struct kvn_error *err);

/* Write the document as YAML: head comment, block style, sequences of plain scalars and of flat mappings in flow style;
 * strings are quoted where YAML needs it.  *ret is the caller's to free.  -ENOMEM */
int kvn_document_format(const struct kvn_document *doc, char **ret, struct kvn_error *err);

/* Write any JSON value of objects, arrays, strings, integers, booleans and null in the same form.  Here values have types,
 * so that a string which YAML 1.1 would take for something else ("yes", "12:30") is quoted too.  -EINVAL a real number   -ENOMEM */
int kvn_yaml_format(const json_t *value, char **ret, struct kvn_error *err);

/* Parse one value as it stands after a key, in flow style too: "[a, b]", "{name: web}", "10.0.0.1/24".  -EINVAL -ENOMEM */
int kvn_yaml_parse_value(const char *text, json_t **ret, struct kvn_error *err);

/* Line of @node, 0: unknown. */
int kvn_document_line(const struct kvn_document *doc, const json_t *node);

/* Put "FILE:LINE: " of @node (NULL or unknown: "FILE: ") before the message in @err.  Returns @r. */
int kvn_document_blame(const struct kvn_document *doc, const json_t *node, int r, struct kvn_error *err);

#define KVN_EXCERPT 64

/* The beginning of @text for a message: whole UTF-8 characters, "..." when there is more.  Returns @ret. */
const char *kvn_text_excerpt(const char *text, char ret[static KVN_EXCERPT]);

/* Release what @doc owns and zero it.  NULL is fine. */
void kvn_document_clear(struct kvn_document *doc);

#endif
