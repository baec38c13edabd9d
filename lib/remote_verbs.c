/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remote_verbs.c - what the verbs are given as netd's parameters, and its answers as theirs. */
#include "remote_verbs.h"

#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "context.h"
#include "definition.h"

/* Here, since a name that is none may not even be a JSON string. */
static int check_name(const char *name, struct kvn_error *err)
{
	return kvn_name_check(name, err) < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}

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
	struct kvn_document doc = {0};
	json_t *assignments;
	int r = check_name(name, err);

	/* What is no definition, and may be no text, is told here. */
	if (r == 0 && input->yaml && kvn_document_parse(input->yaml, input->file, &doc, err) < 0)
		r = kvn_wrap(err, "network '%s'", name);
	kvn_document_clear(&doc);
	if (r < 0)
		return r;
	assignments = json_array();
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
	int r = check_name(name, err);

	return r < 0 ? r
		     : kvn_remote_call(kvn, method, json_pack("{s:s, s:b}", "name", name, "force", flags & KVN_FORCE),
				       NULL, err);
}

int kvn_remote_converge(struct kvn *kvn, const char *name, bool is_all, unsigned flags, json_t **ret_plan,
			struct kvn_error *err)
{
	int r = check_name(name, err);

	if (r < 0)
		return r;
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

int kvn_remote_hook(struct kvn *kvn, const char *method, const struct kvn_hook *hook, struct kvn_error *err)
{
	return kvn_remote_call(kvn, method,
			       json_pack("{s:s, s:s, s:s?, s:i}", "program", hook->program, "ifname", hook->ifname,
					 "network", hook->network, "pid", (int)hook->pid),
			       NULL, err);
}

/* Taps first, then what there is of vhost-net. */
static int take_port(const json_t *reply, const int *fds, size_t n, struct kvn_open_port *ret)
{
	const char *ifname = json_string_value(json_object_get(reply, "ifname"));
	const char *network = json_string_value(json_object_get(reply, "network"));
	const char *mac = json_string_value(json_object_get(reply, "mac"));
	json_int_t queues = json_integer_value(json_object_get(reply, "queues"));
	json_int_t vhosts = json_integer_value(json_object_get(reply, "vhosts"));

	if (!ifname || !network || (mac && kvn_mac_parse(mac, ret->mac) < 0) || queues < 1 || queues > KVN_QUEUES_MAX ||
	    vhosts < 0 || vhosts > queues || n != (size_t)(queues + vhosts) || strlen(ifname) >= IFNAMSIZ ||
	    strlen(network) > KVN_NAME_MAX)
		return -EBADMSG;
	memcpy(ret->ifname, ifname, strlen(ifname) + 1);
	memcpy(ret->network, network, strlen(network) + 1);
	ret->mtu = (unsigned)json_integer_value(json_object_get(reply, "mtu"));
	ret->queues = (unsigned)queues;
	ret->n_vhosts = (unsigned)vhosts;
	memcpy(ret->taps, fds, ret->queues * sizeof(*fds));
	memcpy(ret->vhosts, fds + queues, ret->n_vhosts * sizeof(*fds));
	return 0;
}

int kvn_remote_port_open(struct kvn *kvn, const char *name, const struct kvn_open_options *options,
			 struct kvn_open_port *ret, struct kvn_error *err)
{
	auto_json json_t *reply = NULL;
	char mac[KVN_MAC_TEXT];
	int fds[2 * KVN_QUEUES_MAX];
	size_t n = 0;
	json_t *parameters = json_pack("{s:s, s:i, s:b, s:b, s:b, s:i}", "network", name, "queues",
				       (int)options->queues, "vnet_hdr", !options->has_no_vnet_hdr, "vhost",
				       options->is_vhost, "own_mac", options->has_own_mac, "pid", (int)options->pid);
	int r;

	if (parameters && options->ifname[0])
		(void)json_object_set_new(parameters, "ifname", json_string(options->ifname));
	if (parameters && !kvn_mac_is_zero(options->mac))
		(void)json_object_set_new(parameters, "mac", json_string(kvn_mac_format(options->mac, mac)));
	r = kvn_remote_call_fds(kvn, "OpenPort", parameters, &reply, fds, ARRAY_SIZE(fds), &n, err);
	if (r < 0)
		return r;
	r = take_port(json_object_get(reply, "port"), fds, n, ret);
	for (size_t i = 0; r < 0 && i < n; i++)
		(void)close(fds[i]);
	return r < 0 ? kvn_fail(err, EBADMSG, "netd: its answer makes no sense") : 0;
}
