/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli.h - the command line's shape: verbs and options as tables, from which parsing, help, the manual page and shell
 * completion all come. */
#ifndef KVNET_CLI_H
#define KVNET_CLI_H

#include <stdio.h>

#include "kvnet.h"

#ifndef KVN_VERSION /* both come from the Makefile; these are for analysers */
#define KVN_VERSION "0"
#endif
#ifndef KVN_LIBEXECDIR
#define KVN_LIBEXECDIR "/usr/local/libexec/kvnet"
#endif
#define MAX_ASSIGNMENTS 128

enum option_id {
	OPT_END,
	OPT_JSON,
	OPT_HELP,
	OPT_KEY, /* sets one key of the definition: the row says which */
	OPT_SET,
	OPT_FILE,
	OPT_NO_START,
	OPT_DRY_RUN,
	OPT_FORCE,
	OPT_ALL,
	OPT_YAML,
	OPT_CHECK,
	OPT_OWNER,
	OPT_GROUP,
	OPT_QUEUES,
	OPT_MAC,
	OPT_LIBVIRT,
	OPT_AS,
	OPT_LOSSY,
	OPT_TAKE_OVER,
	OPT_XML,
	OPT_DISABLE,
	OPT_NIC_MODEL,
	OPT_LIVE,
	OPT_CONFIG
};

struct option {
	const char *name; /* "--model" */
	const char *argument; /* "M"; NULL: takes none */
	const char *help;
	enum option_id id;
	const char *key; /* of the definition, for OPT_KEY */
};

/* One command line, taken apart. */
struct command {
	struct kvn *kvn;
	const struct verb *verb;
	const char **words; /* what is no option, in order; "port add" counts as the verb */
	int n_words;
	char **argv; /* as main() got it */
	char **rest; /* what stood after "--", ends with NULL; NULL: there was none */
	bool is_json, is_all, is_yaml, is_check, is_xml, is_lossy, is_take_over, is_disable, is_live, is_config;
	unsigned flags; /* enum kvn_flags */
	const char *file; /* "-": standard input */
	const char *libvirt; /* a network of libvirt's, to import */
	const char *as; /* the name to import it by */
	const char *nic_model; /* of a NIC that libvirt is to plug in */
	char *assignments[MAX_ASSIGNMENTS]; /* owned */
	size_t n_assignments;
	struct kvn_port_options port;
};

struct verb {
	const char *name; /* "port add" */
	const char *arguments; /* "NAME [IFNAME]" */
	int min, max; /* words; max -1: any number */
	const char *help; /* one line */
	const struct option *options; /* ends with OPT_END; NULL: none of its own */
	/* Returns an exit status; a failure is in @err, and told by main. */
	int (*run)(struct command *command, struct kvn_error *err);
};

/* Every verb, in the order of help; ends with a NULL name. */
extern const struct verb verbs[];
/* Options that every verb takes. */
extern const struct option common_options[];

/* parse.c: fill @ret from @argv; 0, or the exit status 2 with the reason in @err.  @ret->is_json is right in any case. */
int parse_command(int argc, char **argv, struct command *ret, struct kvn_error *err);
void command_clear(struct command *command);

/* output.c */
void print_json(const json_t *value);
/* Rows of text under @headers (on a terminal only), each row one object of @array, its columns by @keys ("ipv4.address"). */
void print_table(const json_t *array, const char *const *headers, const char *const *keys, size_t n);
void print_plan(const json_t *plan);
void print_network(const json_t *network);

/* help.c */
int run_help(struct command *command, struct kvn_error *err);
/* Returns an exit status. */
int print_verb_help(const struct verb *verb, bool is_json, struct kvn_error *err);

/* verbs_network.c */
int run_create(struct command *command, struct kvn_error *err);
int run_delete(struct command *command, struct kvn_error *err);
int run_start(struct command *command, struct kvn_error *err);
int run_stop(struct command *command, struct kvn_error *err);
int run_list(struct command *command, struct kvn_error *err);
int run_show(struct command *command, struct kvn_error *err);
int run_set(struct command *command, struct kvn_error *err);
int run_version(struct command *command, struct kvn_error *err);
/* verbs_plan.c */
int run_plan(struct command *command, struct kvn_error *err);
int run_apply(struct command *command, struct kvn_error *err);
/* verb_edit.c */
int run_edit(struct command *command, struct kvn_error *err);
/* verbs_port.c */
int run_attach(struct command *command, struct kvn_error *err);
int run_detach(struct command *command, struct kvn_error *err);
int run_port_add(struct command *command, struct kvn_error *err);
int run_port_delete(struct command *command, struct kvn_error *err);
int run_ports(struct command *command, struct kvn_error *err);
int run_leases(struct command *command, struct kvn_error *err);

/* verbs_virt.c: the verbs that need libvirt.  In kvnet it runs kvnet-virt with the same words; in kvnet-virt, where the file is
 * another, it does the work. */
int run_virt(struct command *command, struct kvn_error *err);

/* verb_run.c */
int run_run(struct command *command, struct kvn_error *err);
/* verb_events.c */
int run_events(struct command *command, struct kvn_error *err);

/* The whole of the file @path, "-" standard input; *ret is the caller's to free. */
int read_input(const char *path, char **ret, struct kvn_error *err);

/* verb_edit.c: run the user's editor on the file @path.  -ECANCELED it failed */
int run_editor(const char *path, struct kvn_error *err);

#endif
