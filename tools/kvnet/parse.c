/* SPDX-License-Identifier: GPL-2.0-or-later */
/* parse.c - take a command line apart by the tables of verbs and options. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "cidr.h"
#include "cli.h"
#include "error.h"

#define USAGE 2 /* exit status */

/* Levenshtein's distance, for "did you mean"; words are short. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], n = strlen(b);

	if (n >= 32 || strlen(a) >= 32)
		return 32;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[n];
}

/* @word NULL: there was none. */
static int unknown_vm_verb(const char *word, struct kvn_error *err)
{
	const char *nearest = NULL;
	char list[160] = "";
	size_t best = 3, used = 0;

	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (strncmp(verb->name, "vm ", 3) != 0)
			continue;
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
						 verb->name + 3);
		if (word && distance(word, verb->name + 3) < best) {
			best = distance(word, verb->name + 3);
			nearest = verb->name + 3;
		}
	}
	if (nearest)
		(void)kvn_fail(err, EINVAL, "vm: unknown verb '%s' (did you mean '%s'?)", word, nearest);
	else
		(void)kvn_fail(err, EINVAL, "vm: what shall it do? %s", list);
	return USAGE;
}

/* @second: the word that follows it, or NULL. */
static int unknown_verb(const char *word, const char *second, struct kvn_error *err)
{
	const char *nearest = NULL;
	size_t best = 3;

	if (strcmp(word, "port") == 0) {
		(void)kvn_fail(err, EINVAL, "port: 'port add' or 'port delete'? See 'kvnet help port add'");
		return USAGE;
	}
	if (strcmp(word, "vm") == 0)
		return unknown_vm_verb(second, err);
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (distance(word, verb->name) < best) {
			best = distance(word, verb->name);
			nearest = verb->name;
		}
	if (nearest)
		(void)kvn_fail(err, EINVAL, "unknown verb '%s' (did you mean '%s'?); see 'kvnet help'", word, nearest);
	else
		(void)kvn_fail(err, EINVAL, "unknown verb '%s'; see 'kvnet help'", word);
	return USAGE;
}

static int unknown_option(const struct verb *verb, const char *word, struct kvn_error *err)
{
	const char *nearest = NULL;
	size_t best = 4;

	for (const struct option *option = verb->options; option && option->name; option++)
		if (distance(word, option->name) < best) {
			best = distance(word, option->name);
			nearest = option->name;
		}
	if (nearest)
		(void)kvn_fail(err, EINVAL, "%s: unknown option '%s' (did you mean '%s'?); see 'kvnet help %s'",
			       verb->name, word, nearest, verb->name);
	else
		(void)kvn_fail(err, EINVAL, "%s: unknown option '%s'; see 'kvnet help %s'", verb->name, word,
			       verb->name);
	return USAGE;
}

/* The verb that @argv begins with, of one word or two; *ret_used words belong to it. */
static const struct verb *find_verb(int argc, char **argv, int *ret_used)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		const char *space = strchr(verb->name, ' ');

		if (!space && strcmp(argv[0], verb->name) == 0) {
			*ret_used = 1;
			return verb;
		}
		if (space && argc > 1 && strlen(argv[0]) == (size_t)(space - verb->name) &&
		    strncmp(argv[0], verb->name, strlen(argv[0])) == 0 && strcmp(argv[1], space + 1) == 0) {
			*ret_used = 2;
			return verb;
		}
	}
	return NULL;
}

static const struct option *find_option(const struct verb *verb, const char *name, size_t length)
{
	const struct option *tables[] = {verb->options, common_options};

	for (size_t i = 0; i < 2; i++)
		for (const struct option *option = tables[i]; option && option->name; option++)
			if (strlen(option->name) == length && strncmp(option->name, name, length) == 0)
				return option;
	return NULL;
}

static int add_assignment(struct command *command, const char *key, const char *value, struct kvn_error *err)
{
	char *text = NULL;

	if (command->n_assignments == MAX_ASSIGNMENTS)
		return kvn_fail(err, E2BIG, "more than %d settings", MAX_ASSIGNMENTS);
	if (asprintf(&text, "%s%s%s", key, key[0] ? "=" : "", value) < 0)
		return kvn_fail(err, ENOMEM, "%s", strerror(ENOMEM));
	command->assignments[command->n_assignments++] = text;
	return 0;
}

static int parse_owner(const char *value, uint32_t *ret, struct kvn_error *err)
{
	const struct passwd *user = getpwnam(value);
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	if (!user && (*end || end == value || number >= UINT32_MAX))
		return kvn_fail(err, ENOENT, "--owner: there is no user '%s'", value);
	*ret = user ? user->pw_uid : (uint32_t)number;
	return 0;
}

static int parse_group(const char *value, uint32_t *ret, struct kvn_error *err)
{
	const struct group *group = getgrnam(value);
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	if (!group && (*end || end == value || number >= UINT32_MAX))
		return kvn_fail(err, ENOENT, "--group: there is no group '%s'", value);
	*ret = group ? group->gr_gid : (uint32_t)number;
	return 0;
}

static int parse_queues(const char *value, unsigned *ret, struct kvn_error *err)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	if (*end || end == value || number < 1 || number > 256)
		return kvn_fail(err, EINVAL, "--queues: '%s' is no number from 1 to 256", value);
	*ret = (unsigned)number;
	return 0;
}

/* Act on one option; a negative errno when its value makes no sense. */
static int take_option(struct command *command, const struct option *option, const char *value, struct kvn_error *err)
{
	switch (option->id) {
	case OPT_JSON:
		command->is_json = true;
		return 0;
	case OPT_KEY:
		return add_assignment(command, option->key, value, err);
	case OPT_SET:
		return strchr(value, '=') ? add_assignment(command, "", value, err)
					  : kvn_fail(err, EINVAL, "--set: '%s' is no KEY=VALUE", value);
	case OPT_FILE:
		command->file = value;
		return 0;
	case OPT_NO_START:
		command->flags |= KVN_NO_START;
		return 0;
	case OPT_DRY_RUN:
		command->flags |= KVN_DRY_RUN;
		return 0;
	case OPT_FORCE:
		command->flags |= KVN_FORCE;
		return 0;
	case OPT_ALL:
		command->is_all = true;
		return 0;
	case OPT_YAML:
		command->is_yaml = true;
		return 0;
	case OPT_CHECK:
		command->is_check = true;
		return 0;
	case OPT_OWNER:
		return parse_owner(value, &command->port.uid, err);
	case OPT_GROUP:
		return parse_group(value, &command->port.gid, err);
	case OPT_QUEUES:
		return parse_queues(value, &command->port.queues, err);
	case OPT_MAC:
		return kvn_mac_parse(value, command->port.mac) < 0 || command->port.mac[0] & 1 ||
				       kvn_mac_is_zero(command->port.mac)
			       ? kvn_fail(err, EINVAL, "--mac: '%s' is no guest's MAC address", value)
			       : 0;
	case OPT_LIBVIRT:
		command->libvirt = value;
		return 0;
	case OPT_AS:
		command->as = value;
		return 0;
	case OPT_LOSSY:
		command->is_lossy = true;
		return 0;
	case OPT_TAKE_OVER:
		command->is_take_over = true;
		return 0;
	case OPT_XML:
		command->is_xml = true;
		return 0;
	case OPT_DISABLE:
		command->is_disable = true;
		return 0;
	case OPT_NIC_MODEL:
		command->nic_model = value;
		return 0;
	case OPT_LIVE:
		command->is_live = true;
		return 0;
	case OPT_CONFIG:
		command->is_config = true;
		return 0;
	case OPT_HELP:
	case OPT_END:
		break;
	}
	return 0;
}

/* Parse the option at @argv[@i]; the words that it took, or the negative exit status. */
static int parse_option(struct command *command, int argc, char **argv, int i, struct kvn_error *err)
{
	const char *word = argv[i], *equals = strchr(word, '='), *value = "";
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct option *option = find_option(command->verb, word, length);
	int used = 1, r;

	if (!option)
		return -unknown_option(command->verb, word, err);
	if (option->id == OPT_HELP) {
		if (print_verb_help(command->verb, command->is_json, err) != 0)
			return -1;
		command->verb = NULL;
		return 1;
	}
	if (option->argument) {
		used = equals ? 1 : 2;
		value = equals ? equals + 1 : i + 1 < argc ? argv[i + 1] : "";
		if (!equals && i + 1 >= argc) {
			(void)kvn_fail(err, EINVAL, "%s: %s needs a value: %s", command->verb->name, option->name,
				       option->argument);
			return -USAGE;
		}
	} else if (equals) {
		(void)kvn_fail(err, EINVAL, "%s: %s takes no value", command->verb->name, option->name);
		return -USAGE;
	}
	r = take_option(command, option, value, err);
	if (r == 0)
		return used;
	return option->id == OPT_SET ? -USAGE : -1; /* a value that makes no sense is no wrong usage */
}

static int check_words(const struct command *command, struct kvn_error *err)
{
	const struct verb *verb = command->verb;
	bool is_named = command->n_words > 0;

	if (command->n_words < verb->min)
		(void)kvn_fail(err, EINVAL, "%s: too few arguments: kvnet %s %s", verb->name, verb->name,
			       verb->arguments);
	else if (verb->run == run_run && (!command->rest || !command->rest[0]))
		(void)kvn_fail(err, EINVAL, "%s: which command? Its words come after '--': kvnet %s %s", verb->name,
			       verb->name, verb->arguments);
	else if (verb->max >= 0 && command->n_words > verb->max)
		(void)kvn_fail(err, EINVAL, "%s: '%s' is one argument too many: kvnet %s %s", verb->name,
			       command->words[verb->max], verb->name, verb->arguments);
	else if (strstr(verb->arguments, "--all") && verb->arguments[0] != '[' && is_named == command->is_all)
		(void)kvn_fail(err, EINVAL, "%s: give names of networks, or --all", verb->name);
	else if (strcmp(verb->name, "import") == 0 && (command->n_words == 1) == (command->libvirt != NULL))
		(void)kvn_fail(err, EINVAL, "%s: give a FILE.xml, or a network of libvirt's by --libvirt", verb->name);
	else if (command->is_all && is_named)
		(void)kvn_fail(err, EINVAL, "%s: names of networks and --all exclude each other", verb->name);
	else
		return 0;
	return USAGE;
}

int parse_command(int argc, char **argv, struct command *ret, struct kvn_error *err)
{
	static char help[] = "help", version[] = "version";
	int used = 0;

	ret->argv = argv;
	ret->port = (struct kvn_port_options){.uid = UINT32_MAX, .gid = UINT32_MAX, .queues = 1};
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		ret->is_json |= strcmp(argv[i], "--json") == 0; /* so that a wrong usage is told in JSON too */
	if (argc < 2) {
		(void)kvn_fail(err, EINVAL, "what shall it do? 'kvnet help' lists the verbs");
		return USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		argv[1] = help;
	if (strcmp(argv[1], "--version") == 0)
		argv[1] = version;
	ret->verb = find_verb(argc - 1, argv + 1, &used);
	if (!ret->verb && argc == 3 && strcmp(argv[2], "--help") == 0) { /* "vm --help" is "help vm" */
		argv[2] = argv[1];
		argv[1] = help;
		ret->verb = find_verb(argc - 1, argv + 1, &used);
	}
	if (!ret->verb)
		return unknown_verb(argv[1], argc > 2 ? argv[2] : NULL, err);
	ret->words = calloc((size_t)argc, sizeof(*ret->words));
	if (!ret->words)
		return -kvn_fail(err, ENOMEM, "%s", strerror(ENOMEM));
	for (int i = 1 + used; i < argc;) {
		if (strcmp(argv[i], "--") == 0) { /* what follows is no option */
			ret->rest = argv + i + 1;
			break;
		}
		if (strncmp(argv[i], "--", 2) != 0) {
			ret->words[ret->n_words++] = argv[i++];
			continue;
		}
		used = parse_option(ret, argc, argv, i, err);
		if (used < 0)
			return -used;
		if (!ret->verb)
			return 0; /* --help has been given */
		i += used;
	}
	if (ret->verb->run != run_run)
		for (; ret->rest && *ret->rest; ret->rest++)
			ret->words[ret->n_words++] = *ret->rest;
	return check_words(ret, err);
}

void command_clear(struct command *command)
{
	for (size_t i = 0; i < command->n_assignments; i++)
		free(command->assignments[i]);
	free(command->words);
}
