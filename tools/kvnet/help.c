/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help.c - help, the manual page and shell completion, from the tables of verbs, options and keys. */
#include <errno.h>
#include <string.h>

#include "cli.h"
#include "definition.h"
#include "error.h"

static void print_options(FILE *out, const struct option *option)
{
	for (; option && option->name; option++) {
		char left[64];

		(void)snprintf(left, sizeof(left), "%s %s", option->name, option->argument ? option->argument : "");
		(void)fprintf(out, "  %-32s %s\n", left, option->help);
	}
}

/* ---- as JSON ---- */

static void add_options(json_t *array, const struct option *option)
{
	for (; option && option->name; option++)
		(void)json_array_append_new(array, json_pack("{s:s, s:s?, s:s}", "option", option->name, "argument",
							     option->argument, "help", option->help)); /* as below */
}

static json_t *verb_to_json(const struct verb *verb)
{
	json_t *options = json_array();

	add_options(options, verb->options);
	add_options(options, common_options);
	return json_pack("{s:s, s:s, s:s, s:o}", "verb", verb->name, "arguments", verb->arguments, "help", verb->help,
			 "options", options);
}

static json_t *definition_to_json(void)
{
	json_t *array = json_array();

	for (const struct kvn_field_doc *field = kvn_definition_fields(); field->path; field++)
		(void)json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "key", field->path, "values",
							     field->values, "meaning", field->meaning));
	return array;
}

/* Is @verb one of the group @name, "port add" of "port"? All are of "". */
static bool is_of_group(const struct verb *verb, const char *name)
{
	size_t length = strlen(name);

	return length == 0 || (strncmp(verb->name, name, length) == 0 && verb->name[length] == ' ');
}

static json_t *group_to_json(const char *name)
{
	json_t *array = json_array();

	for (const struct verb *verb = verbs; verb->name; verb++)
		if (is_of_group(verb, name))
			(void)json_array_append_new(array, verb_to_json(verb));
	return array;
}

/* @value is taken over; NULL: no memory. */
static int print_value(json_t *value, struct kvn_error *err)
{
	if (!value) {
		(void)kvn_fail_errno(err, ENOMEM, "help");
		return 1;
	}
	print_json(value);
	json_decref(value);
	return 0;
}

/* ---- as text ---- */

static void print_verb_text(FILE *out, const struct verb *verb)
{
	(void)fprintf(out, "usage: kvnet %s %s%s\n\n%s\n\n", verb->name, verb->arguments,
		      verb->options && !strstr(verb->arguments, "[options]") ? " [options]" : "", verb->help);
	print_options(out, verb->options);
	print_options(out, common_options);
}

int print_verb_help(const struct verb *verb, bool is_json, struct kvn_error *err)
{
	if (is_json)
		return print_value(verb_to_json(verb), err);
	print_verb_text(stdout, verb);
	return 0;
}

static void print_verbs(const char *group)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (is_of_group(verb, group))
			(void)printf("  %-12s %-22s %.*s\n", verb->name, verb->arguments,
				     (int)strcspn(verb->help, "\n"), verb->help);
}

static void print_overview(void)
{
	(void)puts("usage: kvnet VERB [NAME] [options]\n\nNetworks for virtual machines on this host.\n");
	print_verbs("");
	(void)puts("\n'kvnet help VERB' says more, 'kvnet help definition' lists the keys of a definition.");
}

static void print_definition(void)
{
	(void)puts("A definition is a YAML file, networks/NAME.yaml in the configuration directory.\n");
	for (const struct kvn_field_doc *field = kvn_definition_fields(); field->path; field++)
		(void)printf("  %-14s %s\n  %-14s %s\n", field->path, field->values, "", field->meaning);
}

/* In roff a leading '.' or '\'' begins a request and '-' may be set as a hyphen. */
static void print_roff(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '-')
			(void)fputs("\\-", stdout);
		else if (*p == '\\')
			(void)fputs("\\e", stdout);
		else
			(void)putchar(*p);
	}
}

static void print_roff_item(const char *tag, const char *argument, const char *text)
{
	(void)fputs(".TP\n\\fB", stdout);
	print_roff(tag);
	(void)fputs("\\fR ", stdout);
	print_roff(argument);
	(void)putchar('\n');
	print_roff(text);
	(void)putchar('\n');
}

static void print_manual(void)
{
	(void)puts(".TH KVNET 8 \"\" \"kvnet " KVN_VERSION "\" \"System administration\"\n.SH NAME\n"
		   "kvnet \\- networks for virtual machines on this host\n.SH SYNOPSIS\n"
		   ".B kvnet\n.I VERB\n[\\fINAME\\fR] [\\fIoptions\\fR]\n.SH VERBS");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		print_roff_item(verb->name, verb->arguments, verb->help);
		if (!verb->options)
			continue;
		(void)puts(".RS");
		for (const struct option *option = verb->options; option->name; option++)
			print_roff_item(option->name, option->argument ? option->argument : "", option->help);
		(void)puts(".RE");
	}
	(void)puts(".SH COMMON OPTIONS");
	for (const struct option *option = common_options; option->name; option++)
		print_roff_item(option->name, "", option->help);
	(void)puts(".SH DEFINITION\nThe keys of \\fInetworks/NAME.yaml\\fR:");
	for (const struct kvn_field_doc *field = kvn_definition_fields(); field->path; field++)
		print_roff_item(field->path, field->values, field->meaning);
	(void)puts(".SH FILES\n.TP\n\\fI/etc/kvnet/networks/NAME.yaml\\fR\na definition (KVNET_CONFIG_DIR)\n.TP\n"
		   "\\fI/etc/kvnet/kvnet.yaml\\fR\npool, pool6, default_network and upstream for the whole host\n.TP\n"
		   "\\fI/run/kvnet\\fR\nwhat is up (KVNET_RUNTIME_DIR)\n.TP\n"
		   "\\fI/var/lib/kvnet\\fR\nleases and identities (KVNET_STATE_DIR)\n.SH EXIT STATUS\n"
		   "0 done, or nothing to do; 1 failed, with one line on standard error; 2 wrong usage.");
}

/* "vm" of "vm start": is it the first verb of several that begin so? */
static bool is_first_of_group(const struct verb *verb)
{
	size_t length = strcspn(verb->name, " ");

	return verb == verbs || strncmp(verb[-1].name, verb->name, length) != 0 ||
	       (verb[-1].name[length] != ' ' && verb[-1].name[length] != '\0');
}

/* A case of the shell's: what may follow "vm" or "port". */
static void print_group_completion(const struct verb *first)
{
	size_t length = strcspn(first->name, " ");

	(void)printf("\t\t%.*s) words='", (int)length, first->name);
	for (const struct verb *verb = first; verb->name && strncmp(verb->name, first->name, length + 1) == 0; verb++)
		(void)printf("%s ", verb->name + length + 1);
	(void)puts("' ;;");
}

static void print_option_completion(const struct verb *verb)
{
	(void)printf("\t\t'%s') words='--json --help", verb->name);
	for (const struct option *option = verb->options; option && option->name; option++)
		(void)printf(" %s", option->name);
	(void)puts("' ;;");
}

/* Verbs in two words count as one; names, which may have spaces and quotes, are one a line. */
static void print_completion(void)
{
	(void)puts("# bash completion for kvnet, made by 'kvnet help completion'\n"
		   "_kvnet_networks() { kvnet list 2>/dev/null | cut -f1; }\n"
		   "_kvnet_domains() { kvnet vm list --all 2>/dev/null | cut -f2; }\n"
		   "_kvnet()\n{\n"
		   "\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} n=$((COMP_CWORD - 1)) words= names= "
		   "name i\n"
		   "\tlocal IFS=$'\\n'\n\tCOMPREPLY=()");
	(void)fputs("\tif [ \"$n\" -eq 0 ]; then words='", stdout);
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (is_first_of_group(verb))
			(void)printf("%.*s ", (int)strcspn(verb->name, " "), verb->name);
	(void)puts("'\n\telif [ \"$n\" -eq 1 ] && [[ $cur != -* ]]; then\n\t\tcase $verb in");
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (strchr(verb->name, ' ') && is_first_of_group(verb))
			print_group_completion(verb);
	(void)puts("\t\tesac\n\tfi\n\tif [ \"$n\" -gt 1 ] && [[ $verb == vm || $verb == port ]]; then\n"
		   "\t\tverb+=\" ${COMP_WORDS[2]}\" n=$((n - 1))\n\tfi\n"
		   "\tif [ -z \"$words\" ] && [[ $cur == -* ]]; then\n\t\tcase $verb in");
	for (const struct verb *verb = verbs; verb->name; verb++)
		print_option_completion(verb);
	(void)puts("\t\t*) words='--json --help' ;;\n\t\tesac\n"
		   "\telif [ -z \"$words\" ]; then\n"
		   "\t\tfor ((i = COMP_CWORD - 1; i > 0; i--)); do # options are no names\n"
		   "\t\t\t[[ ${COMP_WORDS[i]} != --* ]] || n=$((n - 1))\n\t\tdone\n"
		   "\t\tcase $verb:$n in\n"
		   "\t\t'vm list:'* | help:* | version:*) ;;\n"
		   "\t\t'vm define:'* | import:*) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
		   "\t\t'vm attach:2') names=$(_kvnet_networks) ;;\n"
		   "\t\t'vm '*:1) names=$(_kvnet_domains) ;;\n"
		   "\t\t'vm '*) ;;\n"
		   "\t\t*) names=$(_kvnet_networks) ;;\n"
		   "\t\tesac\n\tfi\n"
		   "\tIFS=$' \\t\\n' read -r -a words <<<\"$words\"\n"
		   "\tfor name in \"${words[@]}\"; do\n"
		   "\t\t[[ -z $name || $name != \"$cur\"* ]] || COMPREPLY+=(\"$name\")\n\tdone\n"
		   "\tfor name in $names; do\n"
		   "\t\t[[ $name != \"${cur//\\\\/}\"* ]] || COMPREPLY+=(\"$(printf %q \"$name\")\")\n\tdone\n"
		   "}\ncomplete -F _kvnet kvnet");
}

static bool is_group(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (is_of_group(verb, name))
			return true;
	return false;
}

static void print_group(const char *name)
{
	(void)printf("usage: kvnet %s VERB ...\n\n", name);
	print_verbs(name);
	(void)printf("\n'kvnet help %s VERB' says more.\n", name);
}

/* What 'make' asks for. */
static int print_document(const char *name, bool is_json, struct kvn_error *err)
{
	if (is_json) {
		(void)kvn_fail(err, EINVAL, "help: '%s' is no JSON", name);
		return 2;
	}
	(strcmp(name, "manual") == 0 ? print_manual : print_completion)();
	return 0;
}

int run_help(struct command *command, struct kvn_error *err)
{
	bool is_json = command->is_json;
	char name[64] = "";

	for (int i = 0; i < command->n_words; i++)
		(void)snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s%s", i ? " " : "",
			       command->words[i]);
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (strcmp(verb->name, name) == 0)
			return print_verb_help(verb, is_json, err);
	if (strcmp(name, "manual") == 0 || strcmp(name, "completion") == 0)
		return print_document(name, is_json, err);
	if (strcmp(name, "definition") == 0 && is_json)
		return print_value(definition_to_json(), err);
	if (is_json && is_group(name))
		return print_value(group_to_json(name), err);
	if (!name[0])
		print_overview();
	else if (strcmp(name, "definition") == 0)
		print_definition();
	else if (is_group(name))
		print_group(name);
	else
		(void)kvn_fail(err, EINVAL, "help: there is no verb '%s'; see 'kvnet help'", name);
	return err->code ? 2 : 0;
}
