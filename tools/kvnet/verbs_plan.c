/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verbs_plan.c - plan and apply. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "cli.h"
#include "document.h"
#include "error.h"

/* The name that a definition gives itself, for "--file F" without a name on the command line. */
static int name_in(const char *yaml, const char *file, char ret[static KVN_NAME_MAX + 1], struct kvn_error *err)
{
	struct kvn_document doc;
	const char *name;
	int r = kvn_document_parse(yaml, file, &doc, err);

	if (r < 0)
		return r;
	name = json_string_value(json_object_get(doc.root, "name"));
	if (!name || !name[0] || strlen(name) > KVN_NAME_MAX)
		r = kvn_fail(err, EINVAL, "%s: no valid 'name' in it, and none on the command line", file);
	else
		memcpy(ret, name, strlen(name) + 1);
	kvn_document_clear(&doc);
	return r;
}

/* Lead the network to the definition in --file, which becomes its own unless @flags say KVN_DRY_RUN. */
static int converge_file(struct command *command, unsigned flags, json_t **plan, struct kvn_error *err)
{
	char name[KVN_NAME_MAX + 1] = "";
	auto_json json_t *names = NULL;
	auto_free char *yaml = NULL;
	struct kvn_input input = {.file = command->file};
	bool is_known = false;
	const json_t *each;
	size_t i;
	int r = read_input(command->file, &yaml, err);

	input.yaml = yaml;
	if (r == 0 && command->n_words == 0)
		r = name_in(yaml, command->file, name, err);
	else if (r == 0)
		(void)snprintf(name, sizeof(name), "%.*s", KVN_NAME_MAX, command->words[0]);
	if (r == 0)
		r = kvn_names(command->kvn, &names, err);
	json_array_foreach(names, i, each) is_known |= strcmp(json_string_value(each), name) == 0;
	if (r < 0)
		return r;
	if (!is_known)
		return kvn_create(command->kvn, name, &input, flags, plan, err);
	r = kvn_change(command->kvn, name, &input, flags, plan, err);
	if (r == 0 && !(flags & KVN_DRY_RUN)) /* it may have been down */
		r = kvn_converge(command->kvn, name, false, flags, plan, err);
	return r;
}

/* Every network named, or all; one that fails does not keep the others from it. */
static int converge(struct command *command, unsigned flags, json_t **plan, struct kvn_error *err)
{
	bool is_all = command->n_words == 0;
	auto_json json_t *names = NULL;
	const json_t *name;
	int first = 0;
	size_t i;

	if (is_all && kvn_names(command->kvn, &names, err) < 0)
		return -err->code;
	if (!names)
		names = json_array();
	for (int word = 0; word < command->n_words; word++)
		(void)json_array_append_new(names, json_string(command->words[word]));
	json_array_foreach(names, i, name)
	{
		struct kvn_error failure = {0};
		int r = kvn_converge(command->kvn, json_string_value(name), is_all, flags, plan, &failure);

		if (r == 0)
			continue;
		if (first < 0 && !command->is_json)
			(void)fprintf(stderr, "kvnet: %s\n", failure.message);
		if (first == 0) {
			first = r;
			*err = failure;
		}
	}
	return first;
}

static int run(struct command *command, unsigned flags, struct kvn_error *err)
{
	auto_json json_t *plan = json_array();
	int r;

	if (command->file && (command->is_all || command->n_words > 1)) {
		(void)kvn_fail(err, EINVAL, "%s: --file is about one network", command->verb->name);
		return 2;
	}
	r = command->file ? converge_file(command, flags, &plan, err) : converge(command, flags, &plan, err);
	if (command->is_json && r == 0)
		print_json(plan);
	else if (!command->is_json)
		print_plan(plan);
	if (r < 0)
		return 1;
	*err = (struct kvn_error){0}; /* what stood in nobody's way on the way here */
	return command->is_check && json_array_size(plan) > 0;
}

int run_plan(struct command *command, struct kvn_error *err)
{
	return run(command, KVN_DRY_RUN, err);
}

int run_apply(struct command *command, struct kvn_error *err)
{
	return run(command, 0, err);
}
