/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verbs_virt.c - import, export, register, unregister and vm, as far as they need no libvirt: the rest is kvnet-virt's, which
 * takes this process's place, so that nothing else of kvnet loads libvirt. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "cli.h"
#include "error.h"
#include "registration.h"

static int run_kvnet_virt(struct command *command, struct kvn_error *err)
{
	char path[4096];

	kvn_registration_find_program(path);
	(void)fflush(stdout);
	(void)execv(path, command->argv);
	if (errno == ENOENT)
		(void)kvn_fail(err, ENOENT, "%s: %s is not there: kvnet was built or installed without libvirt",
			       command->verb->name, path);
	else
		(void)kvn_fail_errno(err, errno, "%s", path);
	return 1;
}

/* It is a key of the definition: whoever does the change, netd or this process, has libvirt told. */
static int set_registered(struct command *command, const char *assignment, struct kvn_error *err)
{
	const struct kvn_input input = {.assignments = &assignment, .n_assignments = 1};
	auto_json json_t *plan = NULL;

	if (kvn_change(command->kvn, command->words[0], &input, 0, &plan, err) < 0)
		return 1;
	if (command->is_json)
		print_json(plan);
	return 0;
}

static int print_definition(struct command *command, struct kvn_error *err)
{
	auto_json json_t *definition = NULL;
	auto_free char *text = NULL;

	if (kvn_definition_text(command->kvn, command->words[0], &text, err) < 0 ||
	    (command->is_json && kvn_definition(command->kvn, command->words[0], &definition, err) < 0))
		return 1;
	if (command->is_json)
		print_json(definition);
	else
		(void)fputs(text, stdout);
	return 0;
}

int run_virt(struct command *command, struct kvn_error *err)
{
	if (strcmp(command->verb->name, "register") == 0)
		return set_registered(command, "register=true", err);
	if (strcmp(command->verb->name, "unregister") == 0)
		return set_registered(command, "register=false", err);
	if (strcmp(command->verb->name, "export") == 0 && !command->is_xml)
		return print_definition(command, err);
	return run_kvnet_virt(command, err);
}
