/* SPDX-License-Identifier: GPL-2.0-or-later */
/* import.c - from libvirt's network XML to a network of ours, and back. */
#include "import.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "document.h"
#include "error.h"
#include "store.h"
#include "virt/network_xml.h"

static void print_warnings(const json_t *warnings)
{
	const json_t *warning;
	size_t i;

	json_array_foreach(warnings, i, warning)(void)
		fprintf(stderr, "kvnet: warning: %s\n", json_string_value(warning));
}

/* XML -> YAML, under the name that it is to have; *ret_name is the tree's. */
static int convert(const struct command *command, const char *xml, const char *file, json_t **ret_tree,
		   json_t **ret_warnings, struct kvn_error *err)
{
	int r = kvn_virt_import(xml, strlen(xml), file, command->is_lossy, ret_tree, ret_warnings, err);
	const char *name;

	if (r < 0)
		return r;
	if (command->as && json_object_set_new(*ret_tree, "name", json_string(command->as)) < 0)
		return kvn_fail_errno(err, ENOMEM, "import");
	if (command->is_take_over && json_object_set_new(*ret_tree, "register", json_true()) < 0)
		return kvn_fail_errno(err, ENOMEM, "import");
	name = json_string_value(json_object_get(*ret_tree, "name"));
	r = kvn_name_check(name ? name : "", err);
	return r < 0 && !command->as ? kvn_wrap(err, "%s: --as gives it another name", file) : r;
}

static int format_yaml(json_t *tree, char **ret, struct kvn_error *err)
{
	struct kvn_document doc = {0};
	int r = kvn_document_from_json(tree, "import", &doc, err);

	if (r == 0)
		r = kvn_document_format(&doc, ret, err);
	kvn_document_clear(&doc);
	return r;
}

static int bring_in(struct command *command, struct kvn_virt *virt, const char *yaml, const char *name,
		    struct kvn_error *err)
{
	const struct kvn_input input = {.yaml = yaml, .file = command->libvirt ? command->libvirt : command->words[0]};

	if (command->is_take_over)
		return take_over(command, virt, command->libvirt, yaml, err);
	return kvn_create(command->kvn, name, &input, command->flags, NULL, err);
}

static int print_imported(const struct command *command, const char *name, const json_t *warnings)
{
	auto_json json_t *network = NULL, *value = NULL;

	if (!command->is_json) {
		(void)printf("%s: imported%s\n", name, command->flags & KVN_NO_START ? ", not started" : "");
		return 0;
	}
	if (kvn_show(command->kvn, name, &network, NULL) < 0)
		network = json_pack("{s:s}", "name", name);
	value = json_pack("{s:O, s:O}", "network", network, "warnings", warnings);
	print_json(value);
	return 0;
}

int run_import(struct command *command, kvn_virt_limit *limit, struct kvn_error *err)
{
	auto_json json_t *tree = NULL, *warnings = NULL;
	auto_free char *xml = NULL, *yaml = NULL;
	struct kvn_virt *virt = NULL;
	bool is_active;
	int r;

	if (command->is_take_over && !command->libvirt)
		return kvn_fail(err, EINVAL,
				"import: --take-over takes over a network of libvirt's: --libvirt says which");
	if (command->libvirt) {
		r = kvn_virt_open(limit, &virt, err);
		if (r == 0)
			r = kvn_virt_network_xml(virt, command->libvirt, &xml, &is_active, err);
	} else {
		r = read_input(command->words[0], &xml, err);
	}
	if (r == 0)
		r = convert(command, xml, command->libvirt ? command->libvirt : command->words[0], &tree, &warnings,
			    err);
	if (r == 0)
		r = format_yaml(tree, &yaml, err);
	if (r == 0 && !command->is_json)
		print_warnings(warnings);
	if (r == 0 && command->flags & KVN_DRY_RUN) {
		if (command->is_json)
			print_json(tree);
		else
			(void)fputs(yaml, stdout);
	} else if (r == 0) {
		const char *name = json_string_value(json_object_get(tree, "name"));

		r = bring_in(command, virt, yaml, name, err);
		if (r == 0)
			r = print_imported(command, name, warnings);
	}
	kvn_virt_close(virt);
	return r;
}

/* The definition that it is up with, or else the one on disk. */
static int read_network(struct command *command, struct kvn_network *ret, struct kvn_error *err)
{
	auto_json json_t *tree = NULL;
	struct kvn_document doc = {0};
	int r = kvn_definition(command->kvn, command->words[0], &tree, err);

	if (r == 0)
		r = kvn_document_from_json(tree, command->words[0], &doc, err);
	if (r == 0)
		r = kvn_definition_read(&doc, command->words[0], ret, err);
	kvn_document_clear(&doc);
	return r;
}

int run_export(struct command *command, struct kvn_error *err)
{
	struct kvn_network net = {0};
	auto_free char *xml = NULL;
	auto_json json_t *value = NULL;
	int r = read_network(command, &net, err);

	if (r == 0) {
		r = kvn_virt_export(&net, &xml, err);
		if (r < 0)
			r = kvn_wrap(err, "network '%s'", command->words[0]);
	}
	kvn_network_clear(&net);
	if (r < 0)
		return r;
	if (command->is_json) {
		value = json_pack("{s:s}", "xml", xml);
		print_json(value);
	} else {
		(void)fputs(xml, stdout);
	}
	return 0;
}
