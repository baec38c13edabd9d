/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network.c - lead a network from one definition to another: snapshot, desired, plan, apply. */
#include "network.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>

#include "apply.h"
#include "cidr.h"
#include "cleanup.h"
#include "definition.h"
#include "desired.h"
#include "file.h"
#include "host_check.h"
#include "port.h"
#include "port_verbs.h"
#include "record.h"
#include "snapshot.h"
#include "store.h"
#include "subnet.h"

#define END_MS 100 /* of a process that is killed */

/* Forget ports whose link went with the process that held it. */
static int collect_ports(struct kvn *kvn, const char *name, struct kvn_error *err)
{
	auto_free char(*names)[IFNAMSIZ] = NULL;
	size_t n;
	int r = kvn_port_recorded(kvn, name, &names, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct kvn_netlink *nl;
		struct kvn_nft *nft;
		int ifindex;

		r = kvn_kernel_route(&kvn->kernel, &nl, err);
		if (r == 0)
			r = kvn_link_index(nl, names[i], &ifindex, err);
		if (r != -ENODEV)
			continue; /* it is there; any other failure ends the loop */
		r = kvn_kernel_nft(&kvn->kernel, &nft, err);
		if (r == 0)
			r = kvn_firewall_fence(nft, names[i], false, err);
		if (r == 0)
			r = kvn_port_forget(kvn, name, names[i], err);
	}
	return r;
}

/* One that nobody has waited for has ended, too.  A killed process lets go of its tap a moment before it has. */
static bool has_ended(pid_t pid)
{
	auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0U);
	struct pollfd end = {.fd = fd, .events = POLLIN};

	return fd < 0 ? errno == ESRCH : poll(&end, 1, END_MS) > 0;
}

/* Is it somebody's tap that nobody holds open any more, and was whoever asked for the port a process that has ended? One that
 * has a holder may have been plugged by a wrapper, whose end says nothing. */
static bool is_abandoned(struct kvn *kvn, const char *name, const char *ifname)
{
	struct kvn_link_info link;
	struct kvn_port port;

	return kvn_port_recall(kvn, name, ifname, &port, NULL) == 0 && (!port.is_persistent || port.is_opened) &&
	       port.pid > 0 && kvn_link_get(&kvn->kernel, ifname, &link, NULL) == 0 && strcmp(link.kind, "tun") == 0 &&
	       !link.has_carrier && has_ended(port.pid);
}

int kvn_network_release_abandoned(struct kvn *kvn, const char *name, struct kvn_error *err)
{
	auto_free char(*names)[IFNAMSIZ] = NULL;
	size_t n;
	int r = kvn_port_recorded(kvn, name, &names, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (is_abandoned(kvn, name, names[i]))
			r = kvn_port_drop(kvn, name, names[i], err);
	return r;
}

int kvn_network_enter(struct kvn *kvn, const char *name, struct kvn_error *err)
{
	int r = kvn_name_check(name, err), lock;

	if (r == 0)
		r = kvn_host_check_privilege(err);
	if (r < 0)
		return r;
	lock = kvn_lock_network(kvn, name, err);
	if (lock < 0)
		return lock;
	r = kvn_apply_recover(kvn, name, err);
	if (r == 0)
		r = collect_ports(kvn, name, err);
	if (r == 0)
		return lock;
	kvn_network_leave(kvn, name, &lock);
	return r;
}

void kvn_network_leave(struct kvn *kvn, const char *name, int *lock)
{
	kvn_unlock_network(kvn, name, lock);
}

int kvn_network_resolvers(const struct kvn *kvn, struct kvn_ip ret[static KVN_UPSTREAM_MAX], size_t *ret_n,
			  struct kvn_error *err)
{
	struct kvn_settings settings;
	int r = kvn_context_settings(kvn, &settings, err);

	if (r < 0)
		return r;
	if (settings.n_upstream == 0)
		return kvn_dnsmasq_host_resolvers(ret, ret_n, err);
	memcpy(ret, settings.upstream, sizeof(settings.upstream));
	*ret_n = settings.n_upstream;
	return 0;
}

/* Takes @text over. */
static int add_file(const char *path, char *text, bool is_durable, struct kvn_state *ret, struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_FILE,
				.file = {.path = strdup(path), .text = text, .is_durable = is_durable}};

	if (!item.file.path || !item.file.text) {
		kvn_item_clear(&item);
		return kvn_fail_errno(err, ENOMEM, "%s", path);
	}
	return kvn_state_add(ret, &item, err);
}

static int add_definition(const struct kvn *kvn, const char *name, const char *text, struct kvn_state *ret,
			  struct kvn_error *err)
{
	kvn_path path;

	return text ? add_file(kvn_path_definition(kvn, name, path), strdup(text), true, ret, err) : 0;
}

static int add_existing(const char *path, struct kvn_state *ret, struct kvn_error *err)
{
	char *text = NULL;
	int r = kvn_file_read(path, &text, err);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	return add_file(path, text, false, ret, err);
}

/* What outlives a network that is down: its leases and the subnets that it was given. */
static int add_memory(const struct kvn *kvn, const char *name, struct kvn_state *ret, struct kvn_error *err)
{
	struct kvn_dnsmasq_paths paths;
	kvn_path path;
	int r;

	kvn_path_dnsmasq(kvn, name, &paths);
	r = add_existing(paths.leases, ret, err);
	return r < 0 ? r : add_existing(kvn_path_identity(kvn, name, path), ret, err);
}

static int describe(const struct kvn_plan *plan, json_t **ret, struct kvn_error *err)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < plan->n; i++) {
		const struct kvn_op *op = &plan->ops[i];
		auto_free char *command = NULL;
		char object[128];
		int r;

		/* The record is how kvnet remembers, not something that a user plans. */
		if (op->object == KVN_OBJECT_FILE && !(op->has_want ? op->want : op->had).file.is_durable)
			continue;
		r = kvn_op_format(op, &command, err);
		if (r < 0)
			return r;
		if (json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:b}", "op", kvn_op_verb(op), "object",
							   kvn_op_object(op, object), "command", command, "reversible",
							   true)) < 0)
			return kvn_fail_errno(err, ENOMEM, "plan");
	}
	if (!*ret)
		*ret = json_array();
	return json_array_extend(*ret, array) < 0 ? kvn_fail_errno(err, ENOMEM, "plan") : 0;
}

static int want_state(struct kvn *kvn, const struct kvn_transition *step, const struct kvn_state *have,
		      struct kvn_state *want, struct kvn_error *err)
{
	struct kvn_ip resolvers[KVN_UPSTREAM_MAX];
	size_t n = 0;
	int r = add_definition(kvn, step->name, step->text, want, err);

	if (r == 0 && step->net) {
		r = kvn_network_resolvers(kvn, resolvers, &n, err);
		if (r == 0)
			r = kvn_desired_up(kvn, step->net, have, resolvers, n, want, err);
	} else if (r == 0 && step->old) {
		r = kvn_desired_down(step->old, have, step->is_parked, want, err);
	}
	return r;
}

/* One plan for the whole step, when both definitions speak of the same bridge and uplink. */
static int change_once(struct kvn *kvn, const struct kvn_transition *step, struct kvn_error *err)
{
	struct kvn_state have = {0}, want = {0};
	struct kvn_plan plan = {0};
	int r = add_definition(kvn, step->name, step->old_text, &have, err);

	if (r == 0 && step->is_forgotten)
		r = add_memory(kvn, step->name, &have, err);
	if (r == 0 && (step->old || step->net))
		r = kvn_snapshot(kvn, step->old ? step->old : step->net, step->old && step->net, &have, err);
	if (r == 0)
		r = want_state(kvn, step, &have, &want, err);
	if (r == 0)
		r = kvn_plan_make(&have, &want, &plan, err);
	if (r == 0 && step->ret_plan)
		r = describe(&plan, step->ret_plan, err);
	if (r == 0 && !step->is_dry)
		r = kvn_apply(kvn, step->name, &plan, err);
	kvn_plan_clear(&plan);
	kvn_state_clear(&have);
	kvn_state_clear(&want);
	return r;
}

/* Must the network go down on the way? Another bridge, or another NIC in it, is another network to the kernel. */
static bool is_rebuilt(const struct kvn_network *old, const struct kvn_network *net)
{
	if (strcmp(old->bridge, net->bridge) != 0 || (old->model == KVN_BRIDGED) != (net->model == KVN_BRIDGED))
		return true;
	return net->model == KVN_BRIDGED && strcmp(old->uplink, net->uplink) != 0;
}

int kvn_network_change(struct kvn *kvn, const struct kvn_transition *step, struct kvn_error *err)
{
	struct kvn_transition down = *step, up = *step;
	int r;

	if (!step->is_dry)
		kvn_record_set_problem(kvn, step->name, NULL); /* what comes of it now counts */
	if (!step->old || !step->net || !is_rebuilt(step->old, step->net))
		return change_once(kvn, step, err);
	down.net = NULL;
	down.text = step->old_text;
	down.is_parked = true; /* guests' ports wait beside the old bridge for the new one */
	up.old = NULL;
	r = change_once(kvn, &down, err);
	if (r < 0)
		return r;
	r = change_once(kvn, &up, err);
	if (r < 0 && !step->is_dry) { /* back to where it was */
		up.net = step->old;
		up.text = step->old_text;
		up.ret_plan = NULL;
		(void)change_once(kvn, &up, NULL); /* the first error is the one to tell */
	}
	return r;
}

int kvn_network_settle(struct kvn *kvn, struct kvn_network *net, bool is_kept, struct kvn_error *err)
{
	bool was_auto = net->ipv4.address_choice == KVN_CHOICE_AUTO || net->ipv6.address_choice == KVN_CHOICE_AUTO;
	auto_close int lock = kvn_lock_subnets(kvn, err);
	int r = lock < 0 ? lock : kvn_subnet_settle(kvn, net, err);

	if (r < 0)
		return r;
	kvn_definition_resolve(net);
	r = kvn_definition_check(net, err);
	if (r == 0 && was_auto && is_kept)
		r = kvn_subnet_remember(kvn, net, err);
	return r < 0 ? r : steal_fd(&lock);
}

static bool is_unsettled(const struct kvn_network *net)
{
	return net->ipv4.address_choice == KVN_CHOICE_AUTO || net->ipv6.address_choice == KVN_CHOICE_AUTO;
}

int kvn_network_start(struct kvn *kvn, const char *name, struct kvn_network *ret, struct kvn_error *err)
{
	struct kvn_network net = {0}, old = {0};
	struct kvn_transition step = {.name = name, .net = &net};
	auto_close int subnets = -1;
	bool is_up = false;
	int r = kvn_store_read(kvn, name, NULL, &net, err);

	if (r < 0)
		return r;
	r = kvn_record_find(kvn, name, &old, &is_up, err);
	if (is_up)
		step.old = &old;
	if (r < 0) {
		kvn_network_clear(&net);
		return r;
	}
	if (is_unsettled(&net)) {
		subnets = kvn_network_settle(kvn, &net, true, err);
		r = subnets < 0 ? subnets : 0;
	} else if (!step.old) {
		r = kvn_subnet_check(kvn, &net, err);
	}
	if (r == 0)
		r = kvn_host_check_links(kvn, &net, err);
	if (r == 0)
		r = kvn_network_change(kvn, &step, err);
	kvn_network_clear(&old);
	if (r == 0 && ret)
		*ret = net;
	else
		kvn_network_clear(&net);
	return r;
}

int kvn_network_count_ports(struct kvn *kvn, const struct kvn_network *net, size_t *ret,
			    char ret_first[static IFNAMSIZ], struct kvn_error *err)
{
	struct kvn_state ports = {0};
	int r = kvn_snapshot_ports(kvn, net, &ports, err);

	if (r == 0) {
		*ret = ports.n;
		if (ports.n)
			memcpy(ret_first, ports.items[0].port.ifname, IFNAMSIZ);
	}
	kvn_state_clear(&ports);
	return r;
}

int kvn_network_idle(struct kvn *kvn, const char *name, struct kvn_error *err)
{
	struct kvn_network net = {0};
	struct kvn_transition step = {.name = name, .old = &net};
	char first[IFNAMSIZ];
	size_t n = 0;
	int r = kvn_record_read(kvn, name, &net, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (net.start == KVN_START_ON_DEMAND)
		r = kvn_network_count_ports(kvn, &net, &n, first, err);
	if (r == 0 && net.start == KVN_START_ON_DEMAND && n == 0)
		r = kvn_network_change(kvn, &step, err);
	kvn_network_clear(&net);
	return r;
}

int kvn_network_damage(struct kvn *kvn, const struct kvn_network *net, struct kvn_plan *ret, struct kvn_error *err)
{
	struct kvn_transition step = {.name = net->name, .old = net, .net = net};
	struct kvn_state have = {0}, want = {0};
	int r = kvn_snapshot(kvn, net, true, &have, err);

	if (r == 0)
		r = want_state(kvn, &step, &have, &want, err);
	if (r == 0)
		r = kvn_plan_make(&have, &want, ret, err);
	kvn_state_clear(&have);
	kvn_state_clear(&want);
	return r;
}
