/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verbs.c - create, change, delete, start, stop, converge. */
#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "definition.h"
#include "file.h"
#include "host_check.h"
#include "network.h"
#include "record.h"
#include "registration.h"
#include "remote_verbs.h"
#include "snapshot.h"
#include "store.h"
#include "subnet.h"

/* Say which network a failure is about. */
static int about(const char *name, int r, struct kvn_error *err)
{
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : r;
}

/* The document that @input amounts to: its YAML, or @text, with the assignments on top. */
static int compose(const struct kvn_input *input, const char *text, const char *file, struct kvn_document *ret,
		   struct kvn_error *err)
{
	int r = kvn_document_parse(input->yaml ? input->yaml : text, input->yaml ? input->file : file, ret, err);

	for (size_t i = 0; r == 0 && i < input->n_assignments; i++)
		r = kvn_definition_edit(ret, input->assignments[i], err);
	return r;
}

/* Put the addresses that "auto" became into the document, so that the file says what the network is. */
static int write_settled(struct kvn_document *doc, const struct kvn_network *net, struct kvn_error *err)
{
	char assignment[32 + KVN_CIDR_TEXT], text[KVN_CIDR_TEXT];
	int r = 0;

	if (net->ipv4.address_choice == KVN_CHOICE_GIVEN) {
		(void)snprintf(assignment, sizeof(assignment), "ipv4.address=%s",
			       kvn_cidr_format(&net->ipv4.address, text));
		r = kvn_definition_edit(doc, assignment, err);
	}
	if (r == 0 && net->ipv6.address_choice == KVN_CHOICE_GIVEN) {
		(void)snprintf(assignment, sizeof(assignment), "ipv6.address=%s",
			       kvn_cidr_format(&net->ipv6.address, text));
		r = kvn_definition_edit(doc, assignment, err);
	}
	return r;
}

/* Name and model stand in every file, so that it can be read without the manual. */
static int write_head(struct kvn_document *doc, const struct kvn_network *net, struct kvn_error *err)
{
	char assignment[64];
	int r;

	(void)snprintf(assignment, sizeof(assignment), "name=%s", net->name);
	r = kvn_definition_edit(doc, assignment, err);
	(void)snprintf(assignment, sizeof(assignment), "model=%s", kvn_model_format(net->model));
	return r < 0 ? r : kvn_definition_edit(doc, assignment, err);
}

/* From a document to a network whose every field is known; the subnets' lock is handed over. */
static int settle(struct kvn *kvn, struct kvn_document *doc, const char *name, struct kvn_network *ret,
		  int *ret_subnets, char **ret_text, struct kvn_error *err)
{
	int r = kvn_store_resolve(kvn, doc, name, ret, err);

	if (r < 0)
		return r;
	*ret_subnets = kvn_network_settle(kvn, ret, false, err);
	r = *ret_subnets < 0 ? *ret_subnets : 0;
	if (r == 0)
		r = kvn_host_check_links(kvn, ret, err);
	if (r == 0)
		r = write_head(doc, ret, err);
	if (r == 0)
		r = write_settled(doc, ret, err);
	return r < 0 ? r : kvn_document_format(doc, ret_text, err);
}

static int remove_network(struct kvn *kvn, const char *name, unsigned flags, struct kvn_error *err);

static int create(struct kvn *kvn, const char *name, const struct kvn_input *input, unsigned flags, json_t **ret_plan,
		  struct kvn_error *err)
{
	struct kvn_document doc = {0};
	struct kvn_network net = {0}, old = {0};
	auto_free char *text = NULL;
	auto_close int subnets = -1;
	struct kvn_transition step = {.name = name,
				      .net = flags & KVN_NO_START ? NULL : &net,
				      .is_dry = flags & KVN_DRY_RUN,
				      .ret_plan = ret_plan};
	bool is_up = false;
	kvn_path path;
	int r;

	if (kvn_store_exists(kvn, name))
		return kvn_fail(err, EEXIST, "%s (%s; 'kvnet set' changes it)", strerror(EEXIST),
				kvn_path_definition(kvn, name, path));
	r = compose(input, "", "definition", &doc, err);
	if (r == 0)
		r = settle(kvn, &doc, name, &net, &subnets, &text, err);
	if (r == 0)
		r = kvn_record_find(kvn, name, &old, &is_up, err);
	if (is_up)
		step.old = &old; /* its definition was deleted by hand while it was up */
	step.text = text;
	if (r == 0)
		r = kvn_network_change(kvn, &step, err);
	kvn_document_clear(&doc);
	kvn_network_clear(&net);
	kvn_network_clear(&old);
	return r;
}

int kvn_create(struct kvn *kvn, const char *name, const struct kvn_input *input, unsigned flags, json_t **ret_plan,
	       struct kvn_error *err)
{
	int lock, r;

	if (kvn_remote_has(kvn))
		return kvn_remote_change(kvn, "Create", name, input, flags, ret_plan, err);
	lock = kvn_network_enter(kvn, name, err);
	r = lock < 0 ? lock : create(kvn, name, input, flags, ret_plan, err);

	kvn_network_leave(kvn, name, &lock);
	if (r == 0 && !(flags & KVN_DRY_RUN) && kvn_registration_is_wanted(kvn, name)) {
		r = kvn_registration_add(name, err);
		if (r < 0)
			(void)remove_network(kvn, name, KVN_FORCE, NULL); /* what failed is told */
	} else if (r == 0 && !(flags & KVN_DRY_RUN) && kvn_registration_is_left(kvn, name)) {
		(void)kvn_registration_del(name, NULL); /* of one of that name before; not this network's concern */
	}
	return about(name, r, err);
}

static int change(struct kvn *kvn, const char *name, const struct kvn_input *input, unsigned flags, json_t **ret_plan,
		  struct kvn_error *err)
{
	struct kvn_document doc = {0};
	struct kvn_network net = {0}, old = {0};
	auto_free char *old_text = NULL, *text = NULL;
	auto_close int subnets = -1;
	struct kvn_transition step = {.name = name, .is_dry = flags & KVN_DRY_RUN, .ret_plan = ret_plan};
	bool is_up = false;
	kvn_path path;
	int r = kvn_file_read(kvn_path_definition(kvn, name, path), &old_text, err);

	if (r == -ENOENT)
		return kvn_fail(err, ENOENT, "no such network ('kvnet list' shows them)");
	if (r == 0)
		r = compose(input, old_text, path, &doc, err);
	if (r == 0)
		r = settle(kvn, &doc, name, &net, &subnets, &text, err);
	if (r == 0)
		r = kvn_record_find(kvn, name, &old, &is_up, err);
	if (is_up) {
		step.old = &old;
		step.net = &net;
	}
	step.old_text = old_text;
	/* An edited file is kept to the letter, comments and all; only what "auto" became would be new in it. */
	step.text = input->yaml && input->n_assignments == 0 ? input->yaml : text;
	if (r == 0)
		r = kvn_network_change(kvn, &step, err);
	kvn_document_clear(&doc);
	kvn_network_clear(&net);
	kvn_network_clear(&old);
	return r;
}

static int change_locked(struct kvn *kvn, const char *name, const struct kvn_input *input, unsigned flags,
			 json_t **ret_plan, struct kvn_error *err)
{
	int lock = kvn_network_enter(kvn, name, err);
	int r = lock < 0 ? lock : change(kvn, name, input, flags, ret_plan, err);

	kvn_network_leave(kvn, name, &lock);
	return r;
}

/* Have libvirt know of the network what its definition says by now. */
static int converge_registration(struct kvn *kvn, const char *name, bool was_registered, struct kvn_error *err)
{
	if (kvn_registration_is_wanted(kvn, name))
		return kvn_registration_add(name, err);
	if (was_registered)
		return kvn_registration_del(name, err);
	if (kvn_registration_is_left(kvn, name))
		(void)kvn_registration_del(name, NULL); /* what an interrupted command has left may wait */
	return 0;
}

int kvn_change(struct kvn *kvn, const char *name, const struct kvn_input *input, unsigned flags, json_t **ret_plan,
	       struct kvn_error *err)
{
	auto_free char *before = NULL;
	struct kvn_error failure = {0};
	struct kvn_input back = {.file = name};
	bool was_registered;
	kvn_path path;
	int r;

	if (kvn_remote_has(kvn))
		return kvn_remote_change(kvn, "Set", name, input, flags, ret_plan, err);
	was_registered = kvn_name_check(name, NULL) == 0 && kvn_registration_is_wanted(kvn, name);
	(void)kvn_file_read(kvn_path_definition(kvn, name, path), &before, NULL); /* none: the change says so */
	r = change_locked(kvn, name, input, flags, ret_plan, err);
	if (r == 0 && !(flags & KVN_DRY_RUN)) {
		r = converge_registration(kvn, name, was_registered, err);
		back.yaml = before;
		if (r < 0 && before && change_locked(kvn, name, &back, 0, NULL, &failure) < 0)
			r = kvn_fail(err, -r, "%s; and taking it back: %s", err ? err->message : "", failure.message);
	}
	return about(name, r, err);
}

/* Refuse to pull the network from under its guests. */
static int check_ports(struct kvn *kvn, const struct kvn_network *net, struct kvn_error *err)
{
	char first[IFNAMSIZ];
	size_t n = 0;
	int r = kvn_network_count_ports(kvn, net, &n, first, err);

	if (r < 0 || n == 0)
		return r;
	return kvn_fail(err, EBUSY, "%zu port%s attached (%s%s): detach %s, or use --force", n, n == 1 ? "" : "s",
			first, n == 1 ? "" : ", ...", n == 1 ? "it" : "them");
}

static int take_down(struct kvn *kvn, struct kvn_transition step, unsigned flags, struct kvn_error *err)
{
	struct kvn_network old = {0};
	bool is_up = false;
	int r = kvn_network_release_abandoned(kvn, step.name, err); /* a dead guest's port holds nothing up */

	if (r == 0)
		r = kvn_record_find(kvn, step.name, &old, &is_up, err);
	/* Down already, it may still have ports that wait for the next start; a broken definition has none. */
	if (r == 0 && (is_up || kvn_store_read(kvn, step.name, NULL, &old, NULL) == 0)) {
		step.old = &old;
		r = flags & KVN_FORCE ? 0 : check_ports(kvn, &old, err);
	}
	if (r == 0)
		r = kvn_network_change(kvn, &step, err);
	kvn_network_clear(&old);
	return r;
}

int kvn_stop(struct kvn *kvn, const char *name, unsigned flags, struct kvn_error *err)
{
	struct kvn_transition step = {.name = name, .is_parked = true};
	int lock, r;

	if (kvn_remote_has(kvn))
		return kvn_remote_name(kvn, "Stop", name, flags, err);
	lock = kvn_network_enter(kvn, name, err);
	r = lock < 0 ? lock : 0;
	if (r == 0 && !kvn_store_exists(kvn, name) && !kvn_record_exists(kvn, name))
		r = kvn_fail(err, ENOENT, "no such network ('kvnet list' shows them)");
	if (r == 0)
		r = take_down(kvn, step, flags, err);
	kvn_network_leave(kvn, name, &lock);
	if (r == 0 && kvn_registration_is_wanted(kvn, name))
		(void)kvn_registration_add(name, NULL); /* not active any more there; at worst it says so when asked */
	return about(name, r, err);
}

static int remove_network(struct kvn *kvn, const char *name, unsigned flags, struct kvn_error *err)
{
	struct kvn_transition step = {.name = name, .is_forgotten = true};
	auto_free char *text = NULL;
	kvn_path path;
	int lock = kvn_network_enter(kvn, name, err), r;

	r = lock < 0 ? lock : kvn_file_read(kvn_path_definition(kvn, name, path), &text, err);
	if (r == -ENOENT && lock >= 0)
		r = kvn_record_exists(kvn, name) ? 0
						 : kvn_fail(err, ENOENT, "no such network ('kvnet list' shows them)");
	step.old_text = text;
	if (r == 0)
		r = take_down(kvn, step, flags, err);
	kvn_network_leave(kvn, name, &lock);
	return r;
}

/* Would its ports hold it up? libvirt need not forget what stays: it would come back by another UUID. */
static int check_removal(struct kvn *kvn, const char *name, struct kvn_error *err)
{
	struct kvn_network net = {0};
	int lock = kvn_network_enter(kvn, name, err);
	int r = lock < 0 ? lock : kvn_network_release_abandoned(kvn, name, err);

	if (r == 0 && (kvn_record_read(kvn, name, &net, NULL) == 0 || kvn_store_read(kvn, name, NULL, &net, NULL) == 0))
		r = check_ports(kvn, &net, err);
	kvn_network_leave(kvn, name, &lock);
	kvn_network_clear(&net);
	return r;
}

int kvn_delete(struct kvn *kvn, const char *name, unsigned flags, struct kvn_error *err)
{
	bool is_registered;
	int r = 0;

	if (kvn_remote_has(kvn))
		return kvn_remote_name(kvn, "Delete", name, flags, err);
	is_registered = kvn_name_check(name, NULL) == 0 && kvn_registration_is_wanted(kvn, name);
	if (is_registered && !(flags & KVN_FORCE))
		r = check_removal(kvn, name, err);
	if (r < 0)
		return about(name, r, err);
	if (is_registered)
		r = kvn_registration_del(name, err);
	else if (kvn_name_check(name, NULL) == 0 && kvn_registration_is_left(kvn, name))
		(void)kvn_registration_del(name, NULL); /* what an interrupted command has left */
	if (r < 0 && !(flags & KVN_FORCE)) /* with it, libvirt keeps a network that leads nowhere */
		return about(name, kvn_wrap(err, "libvirt knows it (--force deletes it all the same)"), err);
	r = remove_network(kvn, name, flags, err);
	if (r < 0 && is_registered)
		(void)kvn_registration_add(name, NULL); /* what failed is told */
	return about(name, r, err);
}

int kvn_start(struct kvn *kvn, const char *name, struct kvn_error *err)
{
	int lock, r;

	if (kvn_remote_has(kvn))
		return kvn_remote_name(kvn, "Start", name, 0, err);
	lock = kvn_network_enter(kvn, name, err);
	r = lock < 0 ? lock : kvn_network_start(kvn, name, NULL, err);

	kvn_network_leave(kvn, name, &lock);
	if (r == 0 && kvn_registration_is_wanted(kvn, name))
		(void)kvn_registration_add(name, NULL); /* libvirtd may come up later, and starts it then */
	return about(name, r, err);
}

/* Should "apply" have the network up? One that is down comes up for itself at boot, with guests when on-demand. */
static bool is_wanted_up(struct kvn *kvn, const struct kvn_network *net, bool is_up, bool is_all)
{
	char first[IFNAMSIZ];
	size_t n = 0;

	if (net->start == KVN_START_ON_DEMAND)
		return kvn_network_count_ports(kvn, net, &n, first, NULL) == 0 && n > 0;
	return is_up || !is_all || net->start == KVN_START_BOOT;
}

static int converge(struct kvn *kvn, const char *name, bool is_all, struct kvn_transition step, struct kvn_error *err)
{
	struct kvn_network net = {0}, old = {0};
	auto_close int subnets = -1;
	bool is_up = false;
	int r = kvn_record_find(kvn, name, &old, &is_up, err);

	if (r < 0)
		return r;
	if (is_up)
		step.old = &old;
	if (kvn_store_exists(kvn, name)) {
		r = kvn_store_read(kvn, name, NULL, &net, err);
		if (r == 0 && is_wanted_up(kvn, &net, step.old, is_all))
			step.net = &net;
	} else if (!step.old && !is_all) { /* with --all it may have been a half-made one that is taken back by now */
		r = kvn_fail(err, ENOENT, "no such network ('kvnet list' shows them)");
	}
	if (r == 0 && step.net) {
		subnets = kvn_network_settle(kvn, &net, !step.is_dry, err);
		r = subnets < 0 ? subnets : kvn_host_check_links(kvn, &net, err);
	} else if (r == 0 && step.old) {
		r = check_ports(kvn, &old, err);
	}
	if (r == 0)
		r = kvn_network_change(kvn, &step, err);
	kvn_network_clear(&net);
	kvn_network_clear(&old);
	return r;
}

int kvn_converge(struct kvn *kvn, const char *name, bool is_all, unsigned flags, json_t **ret_plan,
		 struct kvn_error *err)
{
	struct kvn_transition step = {
		.name = name, .is_parked = true, .is_dry = flags & KVN_DRY_RUN, .ret_plan = ret_plan};
	int lock, r;

	if (kvn_remote_has(kvn))
		return kvn_remote_converge(kvn, name, is_all, flags, ret_plan, err);
	lock = kvn_network_enter(kvn, name, err);
	r = lock < 0 ? lock : 0;
	if (r == 0 && !step.is_dry)
		r = kvn_network_release_abandoned(kvn, name, err);
	if (r == 0)
		r = converge(kvn, name, is_all, step, err);

	kvn_network_leave(kvn, name, &lock);
	if (r == 0 && !step.is_dry)
		r = converge_registration(kvn, name, false, err);
	return about(name, r, err);
}

/* As converge() of a network that is up, but by its record: what somebody writes into the definition waits for "apply". */
static int mend(struct kvn *kvn, const char *name, bool has_lost_port, json_t **ret_plan, struct kvn_error *err)
{
	struct kvn_network net = {0};
	struct kvn_transition step = {.name = name, .old = &net, .net = &net, .is_parked = true, .ret_plan = ret_plan};
	int r = has_lost_port ? kvn_network_release_abandoned(kvn, name, err) : 0;

	if (r == 0 && has_lost_port)
		r = kvn_network_idle(kvn, name, err);
	if (r == 0)
		r = kvn_record_read(kvn, name, &net, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = kvn_network_change(kvn, &step, err);
	kvn_network_clear(&net);
	return r;
}

int kvn_mend(struct kvn *kvn, const char *name, bool has_lost_port, json_t **ret_plan, struct kvn_error *err)
{
	int lock = kvn_network_enter(kvn, name, err);
	int r = lock < 0 ? lock : mend(kvn, name, has_lost_port, ret_plan, err);

	kvn_network_leave(kvn, name, &lock);
	return about(name, r, err);
}
