/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network_document.c - parse XML without looking at anything else, and account for each of its nodes. */
#include "network_document.h"

#include <errno.h>
#include <libxml/parser.h>
#include <stdarg.h>
#include <string.h>

#include "cleanup.h"
#include "document.h"

/* libxml2's names are unsigned. */
#define TEXT(name) ((const char *)(name))

static const struct kvn_mark taken = {.is_kept = true};

/* ---- failures ---- */

int kvn_xml_line(const xmlNode *node)
{
	long line = xmlGetLineNo(node);

	return line > 0 && line < INT32_MAX ? (int)line : 0;
}

void kvn_xml_fail(struct kvn_xml *in, const xmlNode *node, const char *fmt, ...)
{
	char text[sizeof(in->err->message)];
	va_list ap;

	if (in->r < 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	in->r = kvn_fail(in->err, EINVAL, "%s:%d: %s", in->file, kvn_xml_line(node), text);
}

/* ---- parsing ---- */

/* As strictly as JSON, which messages and values go into; libxml2 lets surrogates and more through. */
static bool is_utf8(const char *text)
{
	auto_json json_t *string = json_string(text);

	return string != NULL;
}

static void refuse_doctype(void *ctx, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	xmlParserCtxt *parser = ctx;

	(void)name;
	(void)external;
	(void)system;
	*(int *)parser->_private = parser->input ? parser->input->line : 0;
	xmlStopParser(parser); /* before an entity is declared */
}

static int fail_syntax(struct kvn_xml *in, const xmlParserCtxt *parser, int doctype_line)
{
	const xmlError *error = xmlCtxtGetLastError((void *)(uintptr_t)parser);
	char excerpt[KVN_EXCERPT], reason[160] = "no document";

	if (doctype_line)
		return kvn_fail(in->err, EINVAL, "%s:%d: a <!DOCTYPE> is refused: libvirt's XML has none", in->file,
				doctype_line);
	if (!error)
		return kvn_fail(in->err, EINVAL, "%s: not well-formed: %s", in->file, reason);
	if (error->code == XML_ERR_NO_MEMORY)
		return kvn_fail_errno(in->err, ENOMEM, "%s", in->file);
	if (error->message && is_utf8(error->message))
		(void)snprintf(reason, sizeof(reason), "%s", kvn_text_excerpt(error->message, excerpt));
	reason[strcspn(reason, "\n")] = '\0';
	return kvn_fail(in->err, EINVAL, "%s:%d: not well-formed: %s", in->file, error->line, reason);
}

int kvn_xml_parse(struct kvn_xml *ret, const char *text, size_t len)
{
	auto_free char *copy = NULL;
	xmlParserCtxt *parser;
	int doctype_line = 0;

	if (len == 0)
		return kvn_fail(ret->err, EINVAL, "%s: the document is empty", ret->file);
	if (len > KVN_XML_MAX)
		return kvn_fail(ret->err, EINVAL, "%s: more than %lu bytes", ret->file, KVN_XML_MAX);
	copy = strndup(text, len);
	if (!copy)
		return kvn_fail_errno(ret->err, ENOMEM, "%s", ret->file);
	if (strlen(copy) != len || !is_utf8(copy))
		return kvn_fail(ret->err, EINVAL, "%s: not UTF-8 text", ret->file);
	parser = xmlNewParserCtxt();
	if (!parser)
		return kvn_fail_errno(ret->err, ENOMEM, "%s", ret->file);
	parser->_private = &doctype_line;
	parser->sax->internalSubset = refuse_doctype;
	/* The options that are not here count: no entity is substituted, no DTD loaded, no limit lifted. */
	ret->doc = xmlCtxtReadMemory(parser, copy, (int)len, NULL, "UTF-8",
				     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |
					     XML_PARSE_BIG_LINES);
	if (doctype_line || !ret->doc || !xmlDocGetRootElement(ret->doc))
		ret->r = fail_syntax(ret, parser, doctype_line);
	xmlFreeParserCtxt(parser);
	return ret->r;
}

void kvn_xml_clear(struct kvn_xml *in)
{
	xmlFreeDoc(in->doc);
	in->doc = NULL;
}

/* ---- marks ---- */

/* Both kinds of node have a pointer for their user; it is never written through. */
static void set_mark(void **private, const struct kvn_mark *mark)
{
	*private = (void *)(uintptr_t)mark;
}

static xmlAttr *find_attribute(const xmlNode *node, const char *name)
{
	for (xmlAttr *attr = node ? node->properties : NULL; attr; attr = attr->next)
		if (!attr->ns && strcmp(TEXT(attr->name), name) == 0)
			return attr;
	return NULL;
}

void kvn_xml_mark(xmlNode *node, const struct kvn_mark *mark)
{
	if (node)
		set_mark(&node->_private, mark);
}

void kvn_xml_mark_attribute(xmlNode *node, const char *name, const struct kvn_mark *mark)
{
	xmlAttr *attr = find_attribute(node, name);

	if (attr)
		set_mark(&attr->_private, mark);
}

void kvn_xml_keep(xmlNode *node)
{
	kvn_xml_mark(node, &taken);
}

/* ---- reading ---- */

xmlNode *kvn_xml_each(const xmlNode *parent, const xmlNode *node, const char *name)
{
	xmlNode *next = node ? node->next : parent ? parent->children : NULL;

	for (; next; next = next->next)
		if (next->type == XML_ELEMENT_NODE && !next->ns && strcmp(TEXT(next->name), name) == 0)
			return next;
	return NULL;
}

xmlNode *kvn_xml_child(xmlNode *parent, const char *name)
{
	xmlNode *child = kvn_xml_each(parent, NULL, name);

	kvn_xml_keep(child);
	return child;
}

static const char *attribute_value(const xmlAttr *attr)
{
	return attr->children && attr->children->content ? TEXT(attr->children->content) : "";
}

const char *kvn_xml_get(xmlNode *node, const char *name)
{
	xmlAttr *attr = find_attribute(node, name);

	if (!attr)
		return NULL;
	set_mark(&attr->_private, &taken);
	return attribute_value(attr);
}

const char *kvn_xml_need(struct kvn_xml *in, xmlNode *node, const char *name)
{
	const char *value = kvn_xml_get(node, name);

	if (!value || !*value)
		kvn_xml_fail(in, node, "<%s> has no attribute '%s'", TEXT(node->name), name);
	return value && *value ? value : NULL;
}

char *kvn_xml_text(struct kvn_xml *in, xmlNode *node)
{
	xmlBuffer *content = xmlBufferCreate();
	char *copy = NULL;
	bool is_whole = true;

	for (xmlNode *child = node->children; content && is_whole && child; child = child->next)
		if (child->type == XML_TEXT_NODE) {
			kvn_xml_keep(child);
			is_whole = xmlBufferCat(content, child->content) == 0;
		}
	if (content && is_whole)
		copy = strdup(xmlBufferLength(content) ? TEXT(xmlBufferContent(content)) : "");
	xmlBufferFree(content);
	if (!copy && in->r == 0)
		in->r = kvn_fail_errno(in->err, ENOMEM, "%s", in->file);
	return copy;
}

bool kvn_xml_bool(struct kvn_xml *in, xmlNode *node, const char *name, const char *yes, const char *no, bool fallback)
{
	const char *value = kvn_xml_get(node, name);
	char excerpt[KVN_EXCERPT];

	if (!value)
		return fallback;
	if (strcmp(value, yes) != 0 && strcmp(value, no) != 0)
		kvn_xml_fail(in, node, "attribute '%s' of <%s>: '%s' is neither %s nor %s", name, TEXT(node->name),
			     kvn_text_excerpt(value, excerpt), yes, no);
	return strcmp(value, yes) == 0;
}

/* ---- accounting ---- */

#define WARNINGS_MAX 1000 /* it bounds the time too: each looks through the elements before its own */

struct account {
	struct kvn_xml *in;
	const struct kvn_xml_reason *reasons;
	size_t n_reasons;
	const char *fallback;
	json_t *warnings;
};

static const char *find_reason(const struct account *a, const char *parent, const char *name, bool is_attribute)
{
	for (size_t i = 0; i < a->n_reasons; i++) {
		const struct kvn_xml_reason *reason = &a->reasons[i];

		if ((reason->name[0] == '@') == is_attribute && strcmp(reason->name + is_attribute, name) == 0 &&
		    strcmp(reason->parent, parent) == 0)
			return reason->reason;
	}
	return NULL;
}

/* Tell of @what, which @mark (NULL: it was not read) is about. */
static void tell(const struct account *a, const xmlNode *place, const char *what, const struct kvn_mark *mark,
		 const char *reason)
{
	struct kvn_xml *in = a->in;

	if (in->r < 0)
		return;
	if (a->warnings && json_array_size(a->warnings) == WARNINGS_MAX) {
		kvn_xml_fail(in, place, "more than %d elements and attributes cannot be expressed", WARNINGS_MAX);
	} else if (!a->warnings) {
		kvn_xml_fail(in, place, "%s cannot be expressed: %s; --lossy %s", what, reason,
			     mark && mark->is_kept ? "takes it so" : "leaves it out");
	} else if (json_array_append_new(a->warnings,
					 json_sprintf("%s:%d: %s is %s: %s", in->file, kvn_xml_line(place), what,
						      mark && mark->is_kept ? "not the same" : "left out", reason)) <
		   0) {
		in->r = kvn_fail_errno(in->err, ENOMEM, "%s", in->file);
	}
}

static void account_attribute(const struct account *a, const xmlAttr *attr)
{
	const struct kvn_mark *mark = attr->_private;
	const xmlNode *node = attr->parent;
	char what[2 * KVN_EXCERPT + 32], name[KVN_EXCERPT], parent[KVN_EXCERPT];
	const char *reason = mark ? mark->reason : NULL;

	if (mark && !reason)
		return;
	if (!reason && !attr->ns)
		reason = find_reason(a, TEXT(node->name), TEXT(attr->name), true);
	(void)snprintf(what, sizeof(what), "attribute '%s' of <%s>", kvn_text_excerpt(TEXT(attr->name), name),
		       kvn_text_excerpt(TEXT(node->name), parent));
	tell(a, node, what, mark, reason ? reason : a->fallback);
}

static bool is_second(const xmlNode *node)
{
	for (const xmlNode *other = node->prev; other; other = other->prev)
		if (other->type == XML_ELEMENT_NODE && other->_private && !other->ns &&
		    strcmp(TEXT(other->name), TEXT(node->name)) == 0)
			return true;
	return false;
}

static void account_node(const struct account *a, const xmlNode *node);

static void account_element(const struct account *a, const xmlNode *node)
{
	const struct kvn_mark *mark = node->_private;
	const char *reason = mark ? mark->reason : NULL;
	const char *prefix = node->ns && node->ns->prefix ? TEXT(node->ns->prefix) : "";
	char what[2 * KVN_EXCERPT + 4], name[KVN_EXCERPT], excerpt[KVN_EXCERPT];

	if (!mark && !node->ns)
		reason = find_reason(a, TEXT(node->parent->name), TEXT(node->name), false);
	if (!mark && !reason)
		reason = is_second(node) ? "it stands here for the second time" : a->fallback;
	if (reason) {
		(void)snprintf(what, sizeof(what), "<%s%s%s>", kvn_text_excerpt(prefix, excerpt), *prefix ? ":" : "",
			       kvn_text_excerpt(TEXT(node->name), name));
		tell(a, node, what, mark, reason);
	}
	if (!mark || !mark->is_kept)
		return;
	for (const xmlAttr *attr = node->properties; attr; attr = attr->next)
		account_attribute(a, attr);
	for (const xmlNode *child = node->children; child && a->in->r == 0; child = child->next)
		account_node(a, child);
}

static void account_node(const struct account *a, const xmlNode *node)
{
	char what[KVN_EXCERPT + 32], name[KVN_EXCERPT];

	if (node->type == XML_ELEMENT_NODE) {
		account_element(a, node);
	} else if (node->type == XML_PI_NODE) {
		(void)snprintf(what, sizeof(what), "instruction <?%s?>", kvn_text_excerpt(TEXT(node->name), name));
		tell(a, node, what, NULL, "it is for another program");
	} else if (node->type != XML_COMMENT_NODE && !node->_private && !xmlIsBlankNode(node)) {
		(void)snprintf(what, sizeof(what), "text in <%s>",
			       node->parent->name ? kvn_text_excerpt(TEXT(node->parent->name), name) : "");
		tell(a, node->parent, what, NULL, "no text belongs there");
	}
}

int kvn_xml_account(struct kvn_xml *in, const struct kvn_xml_reason *reasons, size_t n_reasons, const char *fallback,
		    json_t *warnings)
{
	const struct account a = {in, reasons, n_reasons, fallback, warnings};

	for (const xmlNode *node = in->doc->children; node && in->r == 0; node = node->next)
		account_node(&a, node);
	return in->r;
}
