/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_network_xml.c - libvirt's network XML against data/network_xml: NAME.xml becomes NAME.yaml, or is refused in the words of
 * NAME.error; then NAME.lossy.yaml, if there is one, is what is left of it, after a "# " line a warning.  What comes out is
 * written as XML again that libvirt's schema accepts and that reads as the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <libxml/relaxng.h>
#include <string.h>

#include "cleanup.h"
#include "definition.h"
#include "definition_table.h"
#include "file.h"
#include "virt/network_xml.h"

#define SCHEMA "/usr/share/libvirt/schemas/network.rng"

/* ---- the data ---- */

static const char *data_path(char ret[static 512], const char *folder, const char *name, const char *extension)
{
	(void)snprintf(ret, 512, "%.*s/data/%s/%s%s", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__, folder, name,
		       extension);
	return ret;
}

/* NULL: no such file. */
static char *data_read(const char *folder, const char *name, const char *extension)
{
	struct kvn_error err = {0};
	char path[512], *text = NULL;
	int r = kvn_file_read(data_path(path, folder, name, extension), &text, &err);

	if (r < 0 && r != -ENOENT)
		fail_msg("%s", err.message);
	return text;
}

/* Call @visit for each FOLDER/NAME.EXTENSION; returns how many there were. */
static size_t each_file(const char *folder, const char *extension, void (*visit)(const char *name))
{
	const struct dirent *entry;
	auto_dir DIR *dir = NULL;
	char path[512];
	size_t n = 0;

	dir = opendir(data_path(path, folder, "", ""));
	if (!dir)
		fail_msg("%s: %s", path, strerror(errno));
	while (dir && (entry = readdir(dir))) {
		const char *dot = strchr(entry->d_name, '.');

		if (dot && strcmp(dot, extension) == 0) {
			char name[256];

			(void)snprintf(name, sizeof(name), "%.*s", (int)(dot - entry->d_name), entry->d_name);
			visit(name);
			n++;
		}
	}
	return n;
}

/* ---- there and back ---- */

static char *format(json_t *tree)
{
	struct kvn_document doc;
	char *text = NULL;

	assert_int_equal(kvn_document_from_json(tree, "tree", &doc, NULL), 0);
	assert_int_equal(kvn_document_format(&doc, &text, NULL), 0);
	kvn_document_clear(&doc);
	return text;
}

/* A name that kvnet cannot have is not what these tests are about. */
static struct kvn_network must_read(json_t *tree)
{
	auto_json json_t *copy = json_copy(tree);
	const char *name = json_string_value(json_object_get(copy, "name"));
	struct kvn_document doc;
	struct kvn_network net;
	struct kvn_error err = {0};

	if (kvn_name_check(name, NULL) < 0)
		json_object_set_new(copy, "name", json_string("net0"));
	assert_int_equal(kvn_document_from_json(copy, "tree", &doc, NULL), 0);
	if (kvn_definition_read(&doc, NULL, &net, &err) < 0)
		fail_msg("%s", err.message);
	kvn_document_clear(&doc);
	return net;
}

static char *must_export(const struct kvn_network *net)
{
	struct kvn_error err = {0};
	char *xml = NULL;

	if (kvn_virt_export(net, &xml, &err) < 0)
		fail_msg("%s: %s", net->name, err.message);
	return xml;
}

static json_t *must_import(const char *xml, const char *file)
{
	auto_json json_t *warnings = NULL;
	struct kvn_error err = {0};
	json_t *tree = NULL;

	if (kvn_virt_import(xml, strlen(xml), file, false, &tree, &warnings, &err) < 0)
		fail_msg("%s\n%s", err.message, xml);
	assert_int_equal(json_array_size(warnings), 0);
	return tree;
}

/* What the exported XML of @net reads as is @net. */
static void assert_comes_back(const struct kvn_network *net)
{
	auto_free char *xml = must_export(net), *again_xml = NULL;
	auto_json json_t *tree = must_import(xml, net->name), *wanted = kvn_definition_write(net), *got = NULL;
	auto_free char *wanted_text = NULL, *got_text = NULL;
	struct kvn_network again = must_read(tree);

	got = kvn_definition_write(&again);
	wanted_text = json_dumps(wanted, JSON_INDENT(1));
	got_text = json_dumps(got, JSON_INDENT(1));
	assert_string_equal(wanted_text, got_text);
	again_xml = must_export(&again);
	assert_string_equal(xml, again_xml);
	kvn_network_clear(&again);
}

/* The tree that was imported, exported and imported again is the same tree. */
static void assert_tree_comes_back(json_t *tree)
{
	struct kvn_network net = must_read(tree);
	auto_free char *xml = must_export(&net), *wanted = format(tree), *got = NULL;
	auto_json json_t *again = must_import(xml, "again.xml");

	(void)json_object_set(again, "name", json_object_get(tree, "name"));
	got = format(again);
	assert_string_equal(wanted, got);
	assert_comes_back(&net);
	kvn_network_clear(&net);
}

/* ---- the corpus ---- */

static void check_lossy(const char *name, const char *xml, const char *file, const char *wanted)
{
	auto_json json_t *tree = NULL, *warnings = NULL;
	auto_free char *text = NULL, *yaml = NULL;
	struct kvn_error err = {0};
	json_t *warning;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	if (kvn_virt_import(xml, strlen(xml), file, true, &tree, &warnings, &err) < 0)
		fail_msg("%s: %s", name, err.message);
	assert_true(json_array_size(warnings) > 0);
	json_array_foreach(warnings, i, warning) fprintf(out, "# %s\n", json_string_value(warning));
	yaml = format(tree);
	fputs(yaml, out);
	(void)fclose(out);
	assert_string_equal(text, wanted);
	assert_tree_comes_back(tree);
}

static void check_file(const char *name)
{
	auto_free char *xml = data_read("network_xml", name, ".xml"), *yaml = data_read("network_xml", name, ".yaml"),
		       *error = data_read("network_xml", name, ".error"),
		       *lossy = data_read("network_xml", name, ".lossy.yaml"), *text = NULL;
	auto_json json_t *tree = NULL, *warnings = NULL;
	struct kvn_error err = {0};
	char file[300];

	(void)snprintf(file, sizeof(file), "%s.xml", name);
	if (!yaml == !error || (lossy && !error))
		fail_msg("%s: one of .yaml and .error is wanted, and .lossy.yaml with .error alone", file);
	if (yaml) {
		tree = must_import(xml, file);
		text = format(tree);
		assert_string_equal(text, yaml);
		assert_tree_comes_back(tree);
		return;
	}
	error[strcspn(error, "\n")] = '\0';
	for (int is_lossy = 0; is_lossy <= !lossy; is_lossy++) {
		assert_int_equal(kvn_virt_import(xml, strlen(xml), file, is_lossy, &tree, &warnings, &err), -EINVAL);
		assert_string_equal(err.message, error);
		assert_null(tree);
		assert_null(warnings);
	}
	assert_int_equal(strstr(error, "; --lossy ") != NULL, lossy != NULL);
	if (lossy)
		check_lossy(name, xml, file, lossy);
}

static void test_corpus(void **state)
{
	(void)state;
	assert_true(each_file("network_xml", ".xml", check_file) >= 140);
}

/* ---- libvirt's schema ---- */

static xmlRelaxNGValidCtxt *validator;

static void assert_valid(const char *xml)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "export.xml", NULL, XML_PARSE_NONET);

	if (xmlRelaxNGValidateDoc(validator, doc) != 0)
		fail_msg("libvirt's schema refuses\n%s", xml);
	xmlFreeDoc(doc);
}

static void check_schema(const char *name)
{
	auto_free char *yaml = data_read("network_xml", name, ".yaml"), *xml = NULL;
	struct kvn_document doc;
	struct kvn_network net;

	assert_int_equal(kvn_document_parse(yaml, name, &doc, NULL), 0);
	net = must_read(doc.root);
	xml = must_export(&net);
	assert_valid(xml);
	kvn_network_clear(&net);
	kvn_document_clear(&doc);
}

static void each_definition(void (*check)(const struct kvn_network *net));

static void check_definition_schema(const struct kvn_network *net)
{
	auto_free char *xml = must_export(net);

	assert_valid(xml);
}

static void test_schema(void **state)
{
	xmlRelaxNGParserCtxt *parser;
	xmlRelaxNG *schema;

	(void)state;
	if (access(SCHEMA, R_OK) < 0) {
		print_message("%s is not here: libvirt's schema is not asked\n", SCHEMA);
		skip();
	}
	parser = xmlRelaxNGNewParserCtxt(SCHEMA);
	schema = xmlRelaxNGParse(parser);
	xmlRelaxNGFreeParserCtxt(parser);
	assert_non_null(schema);
	validator = xmlRelaxNGNewValidCtxt(schema);
	assert_true(each_file("network_xml", ".yaml", check_schema) >= 40);
	each_definition(check_definition_schema);
	xmlRelaxNGFreeValidCtxt(validator);
	xmlRelaxNGFree(schema);
}

/* ---- definitions that did not come from XML ---- */

static void (*definition_check)(const struct kvn_network *net);

static void visit_definition(const char *name)
{
	auto_free char *text = data_read("definition/good", name, ".yaml");
	struct kvn_document doc;
	struct kvn_network net;
	struct kvn_error err = {0};
	char *xml = NULL;

	assert_int_equal(kvn_document_parse(text, name, &doc, NULL), 0);
	assert_int_equal(kvn_definition_read(&doc, NULL, &net, NULL), 0);
	if (net.ipv4.address_choice == KVN_CHOICE_AUTO || net.ipv6.address_choice == KVN_CHOICE_AUTO) {
		assert_int_equal(kvn_virt_export(&net, &xml, &err), -EINVAL);
		assert_non_null(strstr(err.message, "an address is 'auto'"));
	} else {
		definition_check(&net);
		kvn_definition_resolve(&net);
		definition_check(&net);
	}
	kvn_network_clear(&net);
	kvn_document_clear(&doc);
}

static void each_definition(void (*check)(const struct kvn_network *net))
{
	definition_check = check;
	assert_true(each_file("definition/good", ".yaml", visit_definition) >= 15);
}

static void test_definitions(void **state)
{
	(void)state;
	each_definition(assert_comes_back);
}

/* What libvirt has a word for is nowhere else: a network that it runs as kvnet does needs no metadata. */
static void test_no_metadata(void **state)
{
	auto_free char *yaml = data_read("network_xml", "nat", ".yaml"), *xml = NULL;
	struct kvn_document doc;
	struct kvn_network net;

	(void)state;
	assert_int_equal(kvn_document_parse(yaml, "nat", &doc, NULL), 0);
	net = must_read(doc.root);
	xml = must_export(&net);
	assert_null(strstr(xml, "metadata"));
	net.host_access = KVN_HOST_SERVICES;
	net.is_host_access_given = true;
	free(xml);
	xml = must_export(&net);
	assert_non_null(strstr(xml, "<kvnet:set key=\"host_access\">&quot;services&quot;</kvnet:set>"));
	kvn_network_clear(&net);
	kvn_document_clear(&doc);
}

/* ---- bytes ---- */

static void test_bytes(void **state)
{
	static const char good[] = "<network><name>lab</name></network>";
	static const struct {
		const char *text;
		size_t len;
		const char *message;
	} cases[] = {
		{"", 0, "net.xml: the document is empty"},
		{"<network>\0</network>", 20, "net.xml: not UTF-8 text"},
		{"<network><name>\xff\xfe</name></network>", 36, "net.xml: not UTF-8 text"},
		{"<?xml version='1.0' encoding='UTF-16'?><network/>", 49, "net.xml:1: <network> has no <name>"},
		{"\xef\xbb\xbf<network/>", 13, "net.xml:1: <network> has no <name>"},
		{"   ", 3, "net.xml:1: not well-formed: Start tag expected, '<' not found"},
	};
	const size_t many = 1024 * 1024 + 1;
	auto_free char *text = malloc(many);
	auto_json json_t *tree = NULL, *warnings = NULL;
	struct kvn_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(kvn_virt_import(cases[i].text, cases[i].len, "net.xml", true, &tree, &warnings, &err),
				 -EINVAL);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(kvn_virt_import(cases[i].text, cases[i].len, "net.xml", false, &tree, &warnings, NULL),
				 -EINVAL);
	}
	assert_int_equal(kvn_virt_import(good, strlen(good) - 1, "net.xml", false, &tree, &warnings, &err), -EINVAL);
	assert_non_null(text);
	memset(text, ' ', many);
	assert_int_equal(kvn_virt_import(text, many, "net.xml", false, &tree, &warnings, &err), -EINVAL);
	assert_string_equal(err.message, "net.xml: more than 1048576 bytes");
	for (size_t i = 0; i + 3 <= many; i += 3) /* nested without end */
		memcpy(text + i, "<a>", 3);
	assert_int_equal(kvn_virt_import(text, many - 1, "net.xml", false, &tree, &warnings, &err), -EINVAL);
	assert_null(tree);
}

/* An element that is known, and then more others than anybody would look at. */
static void test_many(void **state)
{
	const size_t size = 1024UL * 1024;
	auto_free char *text = malloc(size);
	auto_json json_t *tree = NULL, *warnings = NULL;
	struct kvn_error err = {0};
	size_t used;

	(void)state;
	assert_non_null(text);
	used = (size_t)snprintf(text, size, "<network><name>lab</name>\n");
	for (unsigned i = 0; used + 64 < size; i++)
		used += (size_t)snprintf(text + used, size - used, "<a%x/>", i);
	used += (size_t)snprintf(text + used, size - used, "</network>");
	assert_int_equal(kvn_virt_import(text, used, "net.xml", true, &tree, &warnings, &err), -EINVAL);
	assert_string_equal(err.message, "net.xml:2: more than 1000 elements and attributes cannot be expressed");
	assert_int_equal(kvn_virt_import(text, used, "net.xml", false, &tree, &warnings, &err), -EINVAL);
	assert_string_equal(err.message,
			    "net.xml:2: <a0> cannot be expressed: kvnet does not know it; --lossy leaves it out");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),      cmocka_unit_test(test_schema), cmocka_unit_test(test_definitions),
		cmocka_unit_test(test_no_metadata), cmocka_unit_test(test_bytes),  cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
