/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network_import_metadata.c - the element of <metadata> that holds what libvirt has no word for. */
#include <string.h>

#include "cleanup.h"
#include "definition_table.h"
#include "network_import.h"
#include "network_xml.h"

#define TEXT(name) ((const char *)(name))

static bool is_own(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns && strcmp(TEXT(node->ns->href), KVN_XML_NAMESPACE) == 0 &&
	       strcmp(TEXT(node->name), name) == 0;
}

/* Is it told in kvnet's own words? */
bool kvn_import_has_own_key(const struct import *in, const char *key)
{
	for (const xmlNode *metadata = kvn_xml_each(in->network, NULL, "metadata"),
			   *own = metadata ? metadata->children : NULL;
	     own; own = own->next)
		for (xmlNode *node = is_own(own, "network") ? own->children : NULL; node; node = node->next) {
			const char *name = is_own(node, "set") ? kvn_xml_get(node, "key") : NULL;

			if (name && strcmp(name, key) == 0)
				return true;
		}
	return false;
}

/* One key that libvirt has no word for; null: what was read instead is not so. */
static void read_own_key(struct import *in, xmlNode *node)
{
	const char *key = kvn_xml_need(&in->xml, node, "key"), *name;
	auto_free char *text = kvn_xml_text(&in->xml, node);
	auto_json json_t *value = text ? json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL) : NULL;
	char excerpt[KVN_EXCERPT];
	json_t *section;

	if (!key || !text)
		return;
	if (!value)
		kvn_xml_fail(&in->xml, node, "key '%s': no JSON value", kvn_text_excerpt(key, excerpt));
	else if (!kvn_fields_find(kvn_definition_table(), key) || strcmp(key, "name") == 0)
		kvn_xml_fail(&in->xml, node, "key '%s' is none that is kept here", kvn_text_excerpt(key, excerpt));
	if (in->xml.r < 0)
		return;
	if (!json_is_null(value)) {
		kvn_import_set(in, node, key, kvn_import_untype(value));
		return;
	}
	section = kvn_import_section(in, key, &name);
	(void)json_object_del(section, name); /* it need not be there */
}

void kvn_import_metadata(struct import *in)
{
	static const struct kvn_mark foreign = {false, "it belongs to another program"};
	xmlNode *metadata = kvn_xml_child(in->network, "metadata");

	for (xmlNode *own = metadata ? metadata->children : NULL; own; own = own->next) {
		if (!is_own(own, "network")) {
			kvn_xml_mark(own, own->type == XML_ELEMENT_NODE ? &foreign : NULL);
			continue;
		}
		kvn_xml_keep(own);
		for (xmlNode *node = own->children; node; node = node->next)
			if (is_own(node, "set")) {
				kvn_xml_keep(node);
				read_own_key(in, node);
			}
	}
}
