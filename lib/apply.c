/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply.c - the only file that changes the host.
 *
 * Each step leads from what an op had to what it wants, whichever of the two is missing; its undo is the same op with the
 * two swapped.  A step may have been half done when its undo runs, or not at all: so every step takes what it finds, and
 * removes nothing that is not ours. */
#include "apply.h"

#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "claim.h"
#include "cleanup.h"
#include "desired.h"
#include "file.h"
#include "journal.h"
#include "port.h"
#include "record.h"

static int apply_file(const struct kvn_op *op, struct kvn_error *err)
{
	char dir[KVN_PATH_MAX];
	int r;

	if (!op->has_want)
		return kvn_file_remove(op->had.file.path, err);
	(void)snprintf(dir, sizeof(dir), "%s", op->want.file.path);
	*strrchr(dir, '/') = '\0';
	r = kvn_file_mkdirs(dir, err);
	return r < 0 ? r : kvn_file_write(op->want.file.path, op->want.file.text, 0644, op->want.file.is_durable, err);
}

static int apply_firewall(struct kvn *kvn, const char *network, const struct kvn_op *op, struct kvn_error *err)
{
	const struct kvn_firewall *had = op->has_had ? &op->had.firewall.part : NULL;
	const struct kvn_firewall *want = op->has_want ? &op->want.firewall.part : NULL;
	auto_close int lock = kvn_lock_host(kvn, err);
	auto_free struct kvn_firewall *all = NULL;
	struct kvn_nft *nft = NULL;
	bool is_last = false;
	size_t n_all = 0;
	int r = lock < 0 ? lock : kvn_kernel_nft(&kvn->kernel, &nft, err);

	if (r == 0 && !want)
		r = kvn_record_others(kvn, network, &is_last, err);
	if (r == 0)
		r = kvn_firewall_commit(nft, had, want, NULL, 0, is_last, err);
	if (r == -ESTALE) { /* the others are read only now: that there is something to mend may be news to the plan */
		r = kvn_desired_firewalls(kvn, want ? NULL : network, &all, &n_all, err);
		if (r == 0)
			r = kvn_firewall_commit(nft, had, want, all, n_all, false, err);
	}
	return r < 0 ? kvn_wrap(err, "firewall") : 0;
}

/* Is the bridge one that kvnet made? Its MAC, which is given as it is made, marks it before its alias does. */
static bool is_ours(const struct kvn_link_info *info, const struct kvn_link *had)
{
	return strcmp(info->kind, "bridge") == 0 &&
	       (strncmp(info->alias, KVN_LINK_ALIAS, strlen(KVN_LINK_ALIAS)) == 0 ||
		(info->alias[0] == '\0' && memcmp(info->mac, had->mac, 6) == 0));
}

/* A bridge that is to be a router's is changed under the lock of the claims: who switches forwarding on looks through all
 * links for those that take router advertisements, and must not find one that has not been told yet that it does not. */
static int apply_link(struct kvn *kvn, const struct kvn_op *op, struct kvn_error *err)
{
	const char *ifname = op->has_want ? op->want.link.ifname : op->had.link.ifname;
	bool is_router = op->has_want && op->want.link.ipv6 == KVN_IPV6_ROUTER;
	auto_close int lock = is_router ? kvn_lock_host(kvn, err) : -1;
	struct kvn_link_info info;
	int r;

	if (is_router && lock < 0)
		return lock;
	r = kvn_link_get(&kvn->kernel, ifname, &info, err);
	if (r < 0 && r != -ENODEV)
		return r;
	if (!op->has_want)
		return r == -ENODEV || !is_ours(&info, &op->had.link) ? 0 : kvn_link_del(&kvn->kernel, ifname, err);
	if (r == -ENODEV)
		return kvn_link_add(&kvn->kernel, &op->want.link, err);
	if (!op->has_had && !is_ours(&info, &op->want.link))
		return kvn_fail_errno(err, EEXIST, "bridge '%s'", ifname);
	return kvn_link_set(&kvn->kernel, &op->had.link, &op->want.link, err);
}

static int apply_addr(struct kvn *kvn, const struct kvn_op *op, struct kvn_error *err)
{
	return op->has_want ? kvn_addr_add(&kvn->kernel, &op->want.addr, err)
			    : kvn_addr_del(&kvn->kernel, &op->had.addr, err);
}

static int set_fence(struct kvn *kvn, const char *ifname, bool is_fenced, struct kvn_error *err)
{
	struct kvn_nft *nft;
	int r = kvn_kernel_nft(&kvn->kernel, &nft, err);

	return r < 0 ? r : kvn_firewall_fence(nft, ifname, is_fenced, err);
}

/* Take the link off its network: a tap that kvnet made goes, any other is let loose. */
static int release_port(struct kvn *kvn, const struct kvn_port *had, struct kvn_error *err)
{
	struct kvn_port loose = *had;
	struct kvn_link_info info;
	int r = kvn_link_get(&kvn->kernel, had->ifname, &info, err);

	if (r < 0 && r != -ENODEV)
		return r;
	if (r == 0 && had->is_persistent && strcmp(info.kind, "tun") == 0) {
		r = kvn_link_del(&kvn->kernel, had->ifname, err);
	} else if (r == 0) {
		loose.master[0] = loose.network[0] = '\0';
		loose.mtu = 0;
		r = kvn_link_set_port(&kvn->kernel, &loose, err);
	}
	if ((r == 0 || r == -ENODEV) && had->is_fenced)
		r = set_fence(kvn, had->ifname, false, err);
	return r == -ENODEV ? 0 : r;
}

static int apply_port(struct kvn *kvn, const char *network, const struct kvn_op *op, struct kvn_error *err)
{
	const struct kvn_port *want = &op->want.port;
	bool is_new = op->has_want && want->is_persistent && !want->is_opened && !op->has_had;
	int r = 0;

	if (!op->has_want) {
		r = release_port(kvn, &op->had.port, err);
		return r < 0 || op->had.port.is_uplink ? r : kvn_port_forget(kvn, network, op->had.port.ifname, err);
	}
	if (is_new)
		r = kvn_tap_add(&kvn->kernel, want->ifname, want->queues, want->uid, want->gid, err);
	/* The fence stands before the port does, and goes after it. */
	if (r == 0 && want->is_fenced && !(op->has_had && op->had.port.is_fenced))
		r = set_fence(kvn, want->ifname, true, err);
	if (r == 0)
		r = kvn_link_set_port(&kvn->kernel, want, err);
	if (r == 0 && !want->is_fenced && op->has_had && op->had.port.is_fenced)
		r = set_fence(kvn, want->ifname, false, err);
	if (r < 0 || want->is_uplink)
		return r;
	return want->network[0] ? kvn_port_record(kvn, want, err) : kvn_port_forget(kvn, network, want->ifname, err);
}

static int apply_route(struct kvn *kvn, const struct kvn_op *op, struct kvn_error *err)
{
	return op->has_want ? kvn_route_set(&kvn->kernel, &op->want.route, err)
			    : kvn_route_del(&kvn->kernel, &op->had.route, err);
}

static int apply_claim(struct kvn *kvn, const struct kvn_op *op, struct kvn_error *err)
{
	return op->has_want ? kvn_claim_add(kvn, op->want.claim.key, op->want.claim.network, err)
			    : kvn_claim_del(kvn, op->had.claim.key, op->had.claim.network, err);
}

static int apply_dnsmasq(struct kvn *kvn, const struct kvn_op *op, struct kvn_error *err)
{
	kvn_path dir;
	int r;

	if (!op->has_want || !op->want.dnsmasq.is_running)
		return kvn_dnsmasq_stop(op->has_had ? &op->had.dnsmasq.paths : &op->want.dnsmasq.paths, err);
	(void)snprintf(dir, sizeof(dir), "%s/leases", kvn->state_dir);
	r = kvn_file_mkdirs(dir, err);
	if (r == 0 && op->has_had && op->had.dnsmasq.is_deaf)
		r = kvn_dnsmasq_stop(&op->had.dnsmasq.paths, err);
	return r < 0 ? r : kvn_dnsmasq_start(&op->want.dnsmasq.paths, &op->want.dnsmasq.texts, err);
}

static int run(struct kvn *kvn, const char *network, const struct kvn_op *op, struct kvn_error *err)
{
	switch (op->object) {
	case KVN_OBJECT_FILE:
		return apply_file(op, err);
	case KVN_OBJECT_FIREWALL:
		return apply_firewall(kvn, network, op, err);
	case KVN_OBJECT_LINK:
		return apply_link(kvn, op, err);
	case KVN_OBJECT_ADDR:
		return apply_addr(kvn, op, err);
	case KVN_OBJECT_PORT:
		return apply_port(kvn, network, op, err);
	case KVN_OBJECT_ROUTE:
		return apply_route(kvn, op, err);
	case KVN_OBJECT_CLAIM:
		return apply_claim(kvn, op, err);
	case KVN_OBJECT_DNSMASQ:
		return apply_dnsmasq(kvn, op, err);
	case KVN_OBJECT_COUNT:
		break;
	}
	return kvn_fail(err, EINVAL, "unknown step");
}

/* The same op the other way round; shares what @op owns. */
static struct kvn_op inverse(const struct kvn_op *op)
{
	return (struct kvn_op){.object = op->object,
			       .has_had = op->has_want,
			       .has_want = op->has_had,
			       .had = op->want,
			       .want = op->had};
}

/* Undo the first @n ops of @plan, last first.  All are tried; the first failure is told. */
static int undo(struct kvn *kvn, const char *network, const struct kvn_plan *plan, size_t n, struct kvn_error *err)
{
	int first = 0;

	for (size_t i = n; i > 0; i--) {
		struct kvn_op op = inverse(&plan->ops[i - 1]);
		struct kvn_error again = {0};
		int r = run(kvn, network, &op, &again);

		if (r == -ENODEV) /* what the undo was about went by itself */
			r = 0;
		if (r < 0 && first == 0) {
			first = r;
			if (err)
				*err = again;
		}
	}
	return first;
}

int kvn_apply(struct kvn *kvn, const char *network, const struct kvn_plan *plan, struct kvn_error *err)
{
	auto_close int journal = -1;
	struct kvn_error failure = {0};
	size_t begun = 0;
	int r;

	if (plan->n == 0)
		return 0;
	r = kvn_journal_open(kvn, network, &journal, err);
	if (r < 0) {
		(void)kvn_journal_close(kvn, network, NULL); /* the directory that it may have made */
		return r;
	}
	for (; begun < plan->n && r == 0; begun++) {
		r = kvn_journal_add(journal, &plan->ops[begun], err);
		if (r < 0)
			break;
		r = run(kvn, network, &plan->ops[begun], err);
	}
	if (r == 0)
		r = kvn_journal_close(kvn, network,
				      err); /* a journal that stays would be replayed: better undo it now */
	if (r == 0)
		return 0;
	if (undo(kvn, network, plan, begun, &failure) < 0)
		return kvn_fail(err, err ? err->code : EIO, "%s; and taking it back: %s", err ? err->message : "",
				failure.message); /* the journal stays: the next command tries again */
	(void)kvn_journal_close(kvn, network, NULL); /* replaying it once more would do no harm */
	return r;
}

int kvn_apply_recover(struct kvn *kvn, const char *network, struct kvn_error *err)
{
	struct kvn_plan plan;
	int r = kvn_journal_read(kvn, network, &plan, err);

	if (r < 0 || plan.n == 0) {
		kvn_path path;

		if (r == 0 && access(kvn_path_journal(kvn, network, path), F_OK) == 0)
			return kvn_journal_close(kvn, network, err);
		return r;
	}
	r = undo(kvn, network, &plan, plan.n, err);
	kvn_plan_clear(&plan);
	if (r == 0)
		return kvn_journal_close(kvn, network, err);
	return kvn_wrap(err, "undoing what a killed command began");
}
