/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remote_verbs.c - what the verbs are given as netd's parameters, and its answers as theirs. */
#include "remote_verbs.h"

#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "context.h"

/* As the verbs do, add to an array that there may be. */
static int take_plan(json_t *plan, json_t **ret_plan, struct kvn_error *err)
{
	if (!*ret_plan)
		*ret_plan = json_array();
	return json_array_extend(*ret_plan, plan) < 0 ? kvn_fail_errno(err, ENOMEM, "plan") : 0;
}

static int ask_plan(struct kvn *kvn, const char *method, json_t *parameters, json_t **ret_plan, struct kvn_error *err)
{
	auto_json json_t *plan = NULL;
	int r = kvn_remote_ask(kvn, method, parameters, "plan", &plan, err);

	return r < 0 || !ret_plan ? r : take_plan(plan, ret_plan, err);
}

int kvn_remote_change(struct kvn *kvn, const char *method, const char *name, const struct kvn_input *input,
		      unsigned flags, json_t **ret_plan, struct kvn_error *err)
{
	json_t *assignments = json_array();

	for (size_t i = 0; i < input->n_assignments; i++)
		(void)json_array_append_new(assignments, json_string(input->assignments[i])); /* missed below */
	if (json_array_size(assignments) != input->n_assignments) {
		json_decref(assignments);
		return kvn_fail(err, EINVAL, "an assignment is not UTF-8");
	}
	return ask_plan(kvn, method,
			json_pack("{s:s, s:s?, s:s?, s:o, s:b, s:b}", "name", name, "yaml", input->yaml, "file",
				  input->file, "assignments", assignments, "no_start", flags & KVN_NO_START, "dry_run",
				  flags & KVN_DRY_RUN),
			ret_plan, err);
}

int kvn_remote_name(struct kvn *kvn, const char *method, const char *name, unsigned flags, struct kvn_error *err)
{
	return kvn_remote_call(kvn, method, json_pack("{s:s, s:b}", "name", name, "force", flags & KVN_FORCE), NULL,
			       err);
}

int kvn_remote_converge(struct kvn *kvn, const char *name, bool is_all, unsigned flags, json_t **ret_plan,
			struct kvn_error *err)
{
	return ask_plan(kvn, flags & KVN_DRY_RUN ? "Plan" : "Apply",
			json_pack("{s:s, s:b}", "name", name, "all", is_all), ret_plan, err);
}

int kvn_remote_ifname(struct kvn *kvn, const char *method, const char *ifname, struct kvn_error *err)
{
	return kvn_remote_call(kvn, method, json_pack("{s:s}", "ifname", ifname), NULL, err);
}

int kvn_remote_port_add(struct kvn *kvn, const char *name, char ifname[static IFNAMSIZ],
			const struct kvn_port_options *options, struct kvn_error *err)
{
	auto_json json_t *made = NULL;
	char mac[KVN_MAC_TEXT];
	json_t *parameters = json_pack("{s:s, s:s, s:I, s:I, s:i, s:s}", "network", name, "ifname", ifname, "uid",
				       options->uid == UINT32_MAX ? (json_int_t)-1 : (json_int_t)options->uid, "gid",
				       options->gid == UINT32_MAX ? (json_int_t)-1 : (json_int_t)options->gid, "queues",
				       (int)options->queues, "mac", kvn_mac_format(options->mac, mac));
	int r = kvn_remote_ask(kvn, "AddPort", parameters, "ifname", &made, err);

	if (r == 0)
		(void)snprintf(ifname, IFNAMSIZ, "%s", json_string_value(made) ? json_string_value(made) : "");
	return r;
}

int kvn_remote_list(struct kvn *kvn, const char *method, const char *field, const char *name, json_t **ret,
		    struct kvn_error *err)
{
	return kvn_remote_ask(kvn, method, json_pack("{s:s?}", "network", name), field, ret, err);
}
