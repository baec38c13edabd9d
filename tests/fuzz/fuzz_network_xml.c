/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_network_xml.c - libFuzzer: any bytes as libvirt's network XML; what is accepted is written as XML and reads the same.
 *
 *   make fuzz
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "definition.h"
#include "virt/network_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A failure is one line of text, with a code. */
static void check_error(int r, const struct kvn_error *err)
{
	json_t *text = json_string(err->message);

	assert(r == -EINVAL);
	assert(err->code == -r);
	assert(err->message[0] && !strchr(err->message, '\n'));
	assert(text ||
	       strlen(err->message) == sizeof(err->message) - 1); /* only a cut one may end in half a character */
	json_decref(text);
}

/* False: libvirt has networks of names that kvnet cannot have. */
static bool read_tree(json_t *tree, struct kvn_network *ret)
{
	auto_json json_t *copy = json_copy(tree);
	struct kvn_document doc;
	struct kvn_error err = {0};
	int r;

	assert(kvn_document_from_json(copy, "tree", &doc, NULL) == 0);
	r = kvn_definition_read(&doc, NULL, ret, &err);
	assert(r == 0 || strstr(err.message, "key 'name'") || strstr(err.message, "the network's name, '"));
	kvn_document_clear(&doc);
	return r == 0;
}

static void check_tree(json_t *tree)
{
	auto_json json_t *again = NULL, *warnings = NULL, *want = NULL, *have = NULL;
	auto_free char *xml = NULL;
	struct kvn_network net, other;

	if (!read_tree(tree, &net))
		return;
	if (net.ipv4.address_choice != KVN_CHOICE_AUTO && net.ipv6.address_choice != KVN_CHOICE_AUTO) {
		assert(kvn_virt_export(&net, &xml, NULL) == 0);
		assert(kvn_virt_import(xml, strlen(xml), "again", false, &again, &warnings, NULL) == 0);
		assert(json_array_size(warnings) == 0);
		assert(read_tree(again, &other));
		want = kvn_definition_write(&net);
		have = kvn_definition_write(&other);
		assert(json_equal(want, have));
		kvn_network_clear(&other);
	}
	kvn_network_clear(&net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int is_lossy = 0; is_lossy < 2; is_lossy++) {
		auto_json json_t *tree = NULL, *warnings = NULL;
		struct kvn_error err = {0};
		int r = kvn_virt_import((const char *)data, size, "fuzz.xml", is_lossy, &tree, &warnings, &err);

		if (r < 0) {
			check_error(r, &err);
			continue;
		}
		assert(is_lossy || json_array_size(warnings) == 0);
		check_tree(tree);
	}
	return 0;
}
