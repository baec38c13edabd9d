/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network_import.h - what the parts of an import share: the XML, what is known of it, and the tree that is made of it. */
#ifndef KVN_NETWORK_IMPORT_H
#define KVN_NETWORK_IMPORT_H

#include "document.h"
#include "network_document.h"

struct import {
	struct kvn_xml xml;
	struct kvn_document tree; /* what is made of it, each value with its line */
	size_t lines_size;
	xmlNode *network, *forward;
	enum kvn_model model;
	bool has_address;
};

/* network_import_tree.c: values go into the tree as they are written.  @node is where one stands.  A failure is told by
 * xml.r; what is handed over is taken over then too. */
void kvn_import_no_memory(struct import *in);
/* The mapping that the key @path is in, and its name there. */
json_t *kvn_import_section(struct import *in, const char *path, const char **ret_name);
/* Set the key @path; takes @value over, NULL: no memory. */
void kvn_import_set(struct import *in, const xmlNode *node, const char *path, json_t *value);
/* @text NULL: nothing is set. */
void kvn_import_set_text(struct import *in, const xmlNode *node, const char *path, const char *text);
void kvn_import_set_bool(struct import *in, const xmlNode *node, const char *path, bool value);
/* Add to the sequence at @path, or to @array; takes @item over. */
void kvn_import_append(struct import *in, const xmlNode *node, const char *path, json_t *item);
void kvn_import_append_to(struct import *in, const xmlNode *node, json_t *array, json_t *item);
/* Set @key of an item; NULL: nothing is set. */
void kvn_import_put(struct import *in, const xmlNode *node, json_t *item, const char *key, const char *value);
/* Scalars as strings, as the YAML parser has them, and no null.  NULL: no memory. */
json_t *kvn_import_untype(json_t *value);
/* Read the tree as a definition, and write its values as a definition does. */
int kvn_import_finish(struct import *in);

/* network_import_metadata.c: is the key told in kvnet's own words? Then read those. */
bool kvn_import_has_own_key(const struct import *in, const char *key);
void kvn_import_metadata(struct import *in);

/* network_import_address.c, network_import_dns.c */
void kvn_import_addresses(struct import *in);
void kvn_import_dns(struct import *in);

#endif
