/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network_document.h - an XML document of which each element and attribute is accounted for.
 *
 * Whoever reads a node marks it.  In the end kvn_xml_account() goes through the document in its order: what was not read, or
 * was marked as something that cannot be kept, is an error or a warning.  So a node that nobody knows cannot get lost.
 */
#ifndef KVN_NETWORK_DOCUMENT_H
#define KVN_NETWORK_DOCUMENT_H

#include <libxml/tree.h>

#include "error.h"

#define KVN_XML_MAX (1024UL * 1024) /* bytes of a document */

struct kvn_xml {
	xmlDoc *doc; /* owned */
	const char *file; /* for messages */
	struct kvn_error *err;
	int r; /* the first failure; from then on nothing more is read */
};

/* Parse @text: UTF-8, well-formed, without a document type; nothing outside of it is looked at.  -EINVAL "FILE:LINE: ..." */
int kvn_xml_parse(struct kvn_xml *ret, const char *text, size_t len);
void kvn_xml_clear(struct kvn_xml *in);

/* The first child of @parent (NULL: none) that is called @name and in no namespace, marked read; NULL: none. */
xmlNode *kvn_xml_child(xmlNode *parent, const char *name);
/* The next element of that kind, and in no namespace, after @node (NULL: from the first child on), not marked. */
xmlNode *kvn_xml_each(const xmlNode *parent, const xmlNode *node, const char *name);
/* The value of an attribute, marked read; NULL: not there.  @node NULL: none.  Belongs to the document. */
const char *kvn_xml_get(xmlNode *node, const char *name);
/* The same, and a failure when it is not there. */
const char *kvn_xml_need(struct kvn_xml *in, xmlNode *node, const char *name);
/* The text of an element that holds nothing else; the caller's to free.  NULL: failed. */
char *kvn_xml_text(struct kvn_xml *in, xmlNode *node);
/* A word for yes and a word for no; @fallback where the attribute is not there. */
bool kvn_xml_bool(struct kvn_xml *in, xmlNode *node, const char *name, const char *yes, const char *no, bool fallback);

int kvn_xml_line(const xmlNode *node);
/* Fail about @node: "FILE:LINE: ...".  The first failure is the one that counts. */
void kvn_xml_fail(struct kvn_xml *in, const xmlNode *node, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A node is ... */
struct kvn_mark {
	bool is_kept; /* read, but means something else here; false: cannot be expressed at all */
	const char *reason; /* NULL: read, and there is nothing to say */
};

void kvn_xml_mark(xmlNode *node, const struct kvn_mark *mark);
void kvn_xml_mark_attribute(xmlNode *node, const char *name, const struct kvn_mark *mark);
/* Mark @node read; NULL is fine. */
void kvn_xml_keep(xmlNode *node);

/* Why what was not read cannot be kept, by its own and its parent's name; attributes have an '@' before theirs. */
struct kvn_xml_reason {
	const char *parent, *name;
	const char *reason;
};

/* Account for every node.  @warnings NULL: the first one that would get lost is an error; else an array that each adds a
 * sentence to.  -EINVAL -ENOMEM */
int kvn_xml_account(struct kvn_xml *in, const struct kvn_xml_reason *reasons, size_t n_reasons, const char *fallback,
		    json_t *warnings);

#endif
