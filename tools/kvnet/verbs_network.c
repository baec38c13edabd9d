/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verbs_network.c - create, delete, start, stop, list, show, set, version. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "cleanup.h"
#include "cli.h"
#include "error.h"
#include "file.h"

int read_input(const char *path, char **ret, struct kvn_error *err)
{
	return kvn_file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, ret, err);
}

static int input_of(struct command *command, char **ret_yaml, struct kvn_input *ret, struct kvn_error *err)
{
	int r = command->file ? read_input(command->file, ret_yaml, err) : 0;

	*ret = (struct kvn_input){.yaml = *ret_yaml,
				  .file = command->file,
				  .assignments = (const char *const *)command->assignments,
				  .n_assignments = command->n_assignments};
	return r;
}

/* The hooks beside this program, when it runs from where it was built, else where they are installed. */
static void hook_path(const char *hook, char path[static PATH_MAX])
{
	char self[PATH_MAX - 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		*(strrchr(self, '/') + 1) = '\0';
		(void)snprintf(path, PATH_MAX, "%s%s", self, hook);
		if (access(path, X_OK) == 0)
			return;
	}
	(void)snprintf(path, PATH_MAX, KVN_LIBEXECDIR "/%s", hook);
}

static const char *text_at(const json_t *object, const char *outer, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(object, outer), key));

	return text ? text : "none";
}

static void print_created(const json_t *network, const char *state)
{
	const char *name = json_string_value(json_object_get(network, "name"));
	const char *model = json_string_value(json_object_get(network, "model"));
	char up[PATH_MAX], down[PATH_MAX];

	hook_path("qemu-ifup", up);
	hook_path("qemu-ifdown", down);
	(void)printf("%s: %s%s%s", name, model ? model : "", model ? ", " : "", state);
	if (strcmp(text_at(network, "ipv4", "address"), "none") != 0)
		(void)printf(", %s, DHCP %s", text_at(network, "ipv4", "address"), text_at(network, "ipv4", "dhcp"));
	if (strcmp(text_at(network, "ipv6", "address"), "none") != 0)
		(void)printf(", %s", text_at(network, "ipv6", "address"));
	(void)printf("\nattach a guest: KVNET_NETWORK=%s qemu-system-x86_64 ... \\\n"
		     "  -nic tap,model=virtio-net-pci,script=%s,downscript=%s\n",
		     name, up, down);
}

int run_create(struct command *command, struct kvn_error *err)
{
	auto_json json_t *plan = NULL, *shown = NULL;
	bool is_dry = command->flags & KVN_DRY_RUN;
	auto_free char *yaml = NULL;
	struct kvn_input input;
	int r = input_of(command, &yaml, &input, err);

	if (r == 0)
		r = kvn_create(command->kvn, command->words[0], &input, command->flags, is_dry ? &plan : NULL, err);
	if (r < 0)
		return 1;
	/* It stands: that it cannot be shown is no failure. */
	if (!is_dry &&
	    (command->is_json ? kvn_show : kvn_definition)(command->kvn, command->words[0], &shown, NULL) < 0)
		shown = json_pack("{s:s}", "name", command->words[0]);
	if (command->is_json)
		print_json(is_dry ? plan : shown);
	else if (is_dry)
		print_plan(plan);
	else
		print_created(shown, command->flags & KVN_NO_START ? "inactive" : "active");
	return 0;
}

/* Run @act on each network named, or on every one; all are tried.  What was done is a JSON array of names. */
static int for_each(struct command *command, int (*act)(struct command *, const char *, struct kvn_error *),
		    struct kvn_error *err)
{
	auto_json json_t *names = NULL, *done = json_array();
	const json_t *name;
	int status = 0;
	size_t i;

	if (command->is_all && kvn_names(command->kvn, &names, err) < 0)
		return 1;
	if (!names)
		names = json_array();
	for (int word = 0; word < command->n_words; word++)
		(void)json_array_append_new(names, json_string(command->words[word]));
	json_array_foreach(names, i, name)
	{
		struct kvn_error failure = {0};

		if (act(command, json_string_value(name), &failure) == 0) {
			(void)json_array_append(done, (json_t *)name);
			continue;
		}
		if (status != 0 && !command->is_json) /* the last is main's to tell; in JSON the first is */
			(void)fprintf(stderr, "kvnet: %s\n", err->message);
		if (status == 0 || !command->is_json)
			*err = failure;
		status = 1;
	}
	if (status == 0 && command->is_json)
		print_json(done);
	return status;
}

static int delete_one(struct command *command, const char *name, struct kvn_error *err)
{
	return kvn_delete(command->kvn, name, command->flags, err);
}

int run_delete(struct command *command, struct kvn_error *err)
{
	return for_each(command, delete_one, err);
}

static int start_one(struct command *command, const char *name, struct kvn_error *err)
{
	return kvn_start(command->kvn, name, err);
}

int run_start(struct command *command, struct kvn_error *err)
{
	return for_each(command, start_one, err);
}

static int stop_one(struct command *command, const char *name, struct kvn_error *err)
{
	return kvn_stop(command->kvn, name, command->flags, err);
}

int run_stop(struct command *command, struct kvn_error *err)
{
	return for_each(command, stop_one, err);
}

int run_list(struct command *command, struct kvn_error *err)
{
	static const char *const headers[] = {"NAME", "MODEL", "STATE", "BRIDGE", "IPV4", "IPV6", "PORTS", "START"};
	static const char *const keys[] = {"name",         "model",        "state", "bridge",
					   "ipv4.address", "ipv6.address", "ports", "start"};
	auto_json json_t *list = NULL;

	if (kvn_list(command->kvn, &list, err) < 0)
		return 1;
	if (command->is_json)
		print_json(list);
	else
		print_table(list, headers, keys, ARRAY_SIZE(keys));
	return 0;
}

int run_show(struct command *command, struct kvn_error *err)
{
	auto_json json_t *shown = NULL;
	auto_free char *text = NULL;

	if (command->is_yaml && command->is_json) {
		(void)kvn_fail(err, EINVAL, "show: --yaml and --json exclude each other");
		return 2;
	}
	if (command->is_yaml) {
		if (kvn_definition_text(command->kvn, command->words[0], &text, err) < 0)
			return 1;
		(void)fputs(text, stdout);
		return 0;
	}
	if (kvn_show(command->kvn, command->words[0], &shown, err) < 0)
		return 1;
	if (command->is_json)
		print_json(shown);
	else
		print_network(shown);
	return 0;
}

int run_set(struct command *command, struct kvn_error *err)
{
	struct kvn_input input = {.assignments = command->words + 1, .n_assignments = (size_t)command->n_words - 1};
	auto_json json_t *plan = json_array();

	for (int i = 1; i < command->n_words; i++)
		if (!strchr(command->words[i], '=')) {
			(void)kvn_fail(err, EINVAL, "set: '%s' is no KEY=VALUE", command->words[i]);
			return 2;
		}
	if (kvn_change(command->kvn, command->words[0], &input, 0, &plan, err) < 0)
		return 1;
	if (command->is_json)
		print_json(plan);
	return 0;
}

int run_version(struct command *command, struct kvn_error *err)
{
	(void)err; /* nothing here can fail */
	if (command->is_json)
		(void)puts("{\"version\": \"" KVN_VERSION "\"}");
	else
		(void)puts("kvnet " KVN_VERSION);
	return 0;
}
