/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_definition.c - libFuzzer: any bytes as a definition (YAML, JSON), as settings and as an assignment; what is accepted
 * must read back.
 *
 *   make fuzz
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "definition.h"
#include "file.h"
#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A failure is one line of text, with a code. */
static void check_error(int r, const struct kvn_error *err)
{
	json_t *text = json_string(err->message);

	assert(r == -EINVAL || r == -ENOENT);
	assert(err->code == -r);
	assert(err->message[0] && !strchr(err->message, '\n'));
	assert(text ||
	       strlen(err->message) == sizeof(err->message) - 1); /* only a cut one may end in half a character */
	json_decref(text);
}

static void check_document(const struct kvn_document *doc)
{
	auto_free char *text = NULL, *again_text = NULL;
	struct kvn_document again;

	assert(kvn_document_format(doc, &text, NULL) == 0);
	assert(kvn_document_parse(text, "again", &again, NULL) == 0);
	assert(json_equal(doc->root, again.root));
	assert(kvn_document_format(&again, &again_text, NULL) == 0);
	assert(strcmp(text, again_text) == 0);
	kvn_document_clear(&again);
}

/* Nothing that could end a line, or a field of one, in another program's file. */
static void check_strings(const struct kvn_network *net)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

	assert(strspn(net->dns.domain, allowed) == strlen(net->dns.domain));
	for (size_t i = 0; i < net->n_hosts; i++)
		assert(strspn(net->hosts[i].name, allowed) == strlen(net->hosts[i].name));
	for (size_t i = 0; i < net->dns.n_forwarders; i++)
		assert(strspn(net->dns.forwarders[i].domain, allowed) == strlen(net->dns.forwarders[i].domain));
	for (size_t i = 0; i < net->dns.n_hosts; i++)
		for (size_t j = 0; j < net->dns.hosts[i].n_names; j++)
			assert(strspn(net->dns.hosts[i].names[j], allowed) == strlen(net->dns.hosts[i].names[j]));
	for (size_t i = 0; i < net->dns.n_txt; i++) {
		assert(strspn(net->dns.txt[i].name, allowed) == strlen(net->dns.txt[i].name));
		for (const char *c = net->dns.txt[i].value; *c; c++)
			assert(*c >= ' ' && *c <= '~');
	}
	for (size_t i = 0; i < net->dns.n_srv; i++) {
		assert(strspn(net->dns.srv[i].service, allowed) == strlen(net->dns.srv[i].service));
		assert(strspn(net->dns.srv[i].domain, allowed) == strlen(net->dns.srv[i].domain));
		assert(strspn(net->dns.srv[i].target, allowed) == strlen(net->dns.srv[i].target));
	}
}

static void check_network(struct kvn_network *net)
{
	for (int round = 0; round < 2; round++) {
		auto_json json_t *tree = kvn_definition_write(net), *again_tree = NULL;
		struct kvn_document doc;
		struct kvn_network again;

		assert(kvn_document_from_json(tree, "record", &doc, NULL) == 0);
		assert(kvn_definition_read(&doc, net->name, &again, NULL) == 0);
		again_tree = kvn_definition_write(&again);
		assert(json_equal(tree, again_tree));
		kvn_document_clear(&doc);
		kvn_network_clear(&again);
		kvn_definition_resolve(net);
		assert(kvn_definition_check(net, NULL) == 0);
		check_strings(net);
	}
}

/* The same bytes as an API call has them. */
static void check_json(const uint8_t *data, size_t size)
{
	auto_json json_t *tree = json_loadb((const char *)data, size, 0, NULL);
	struct kvn_document doc;
	struct kvn_network net;
	struct kvn_error err = {0};
	int r;

	if (!json_is_object(tree))
		return;
	assert(kvn_document_from_json(tree, "api", &doc, NULL) == 0);
	r = kvn_definition_read(&doc, "net0", &net, &err);
	kvn_document_clear(&doc);
	if (r < 0) {
		check_error(r, &err);
		return;
	}
	check_network(&net);
	kvn_network_clear(&net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = strndup((const char *)data, size);
	const char *line = text + strcspn(text, "\n");
	struct kvn_document doc = {0};
	struct kvn_network net;
	struct kvn_settings settings;
	struct kvn_error err = {0};
	int r;

	check_json(data, size);
	r = kvn_document_parse(text, "fuzz.yaml", &doc, &err);
	if (r < 0) {
		check_error(r, &err);
		return 0;
	}
	check_document(&doc);
	r = kvn_definition_read(&doc, NULL, &net, &err);
	if (r < 0) {
		check_error(r, &err);
	} else {
		check_network(&net);
		kvn_network_clear(&net);
	}
	r = kvn_settings_parse(text, "fuzz.yaml", &settings, &err);
	if (r < 0)
		check_error(r, &err);
	/* The first line as "# ASSIGNMENT" on top of the rest. */
	if (text[0] == '#' && *line) {
		auto_free char *assignment = strndup(text + 1, (size_t)(line - text - 1));

		r = kvn_definition_edit(&doc, assignment + strspn(assignment, " "), &err);
		if (r < 0)
			check_error(r, &err);
		check_document(&doc);
	}
	kvn_document_clear(&doc);
	return 0;
}
