/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keeper.c - every network that is up stays as it came up.
 *
 *   idle --touch--> queued, running --done--> idle        nothing was amiss, or it was mended
 *                   |  touched meanwhile: once more
 *                   `--failed, or mended too often--> resting --timer--> queued
 *
 * A network that loses the same again and again has somebody who undoes the repair: after FIGHT_REPAIRS, each within
 * FIGHT_GAP_US of the one before, the next repair waits, twice as long each time, until it has held for that long.  The
 * fight is told once.
 *
 * dnsmasq's end is heard of by a pidfd.  Its other half, restarting it, is a repair like any other, and so is its backoff. */
#include <errno.h>
#include <search.h>
#include <string.h>
#include <sys/syscall.h>

#include "cleanup.h"
#include "dnsmasq.h"
#include "netd.h"
#include "public_json.h"
#include "record.h"

#define SECOND_US 1000000ULL
#define FIGHT_GAP_US (10 * SECOND_US)
#define LOST_MAX 512 /* bytes of what was lost, in words */
#define FIGHT_REPAIRS 5U
#define REST_FIRST_US SECOND_US
#define REST_LONGEST_US (60 * SECOND_US)

struct network {
	char name[KVN_NAME_MAX + 1];
	bool is_busy; /* a job is queued or running */
	bool is_touched; /* since that job began */
	bool has_lost_port;
	bool is_failing; /* the last repair could not be made */
	char lost[LOST_MAX]; /* by the last repair */
	unsigned n_repairs; /* of the same, one after the other */
	uint64_t repaired_us; /* CLOCK_MONOTONIC, the last */
	uint64_t rest_us; /* how long the last rest was; 0: no fight */
	sd_event_source *timer; /* runs while it rests */
	pid_t dnsmasq; /* whose end is waited for, 0: none */
	int dnsmasq_fd;
	sd_event_source *dnsmasq_source;
	struct keeper *keeper;
};

struct keeper {
	struct netd *netd;
	void *networks; /* tree of struct network by name, tsearch(3) */
};

struct mending {
	struct job job;
	char name[KVN_NAME_MAX + 1];
	bool has_lost_port;
	bool is_up; /* afterwards */
	pid_t dnsmasq; /* afterwards; 0: none */
	int dnsmasq_fd; /* of it; -1: none */
	json_t *plan; /* what was lost; owned, may be NULL */
	int result;
	struct kvn_error error; /* when that is negative */
};

static int compare_networks(const void *a, const void *b)
{
	const struct network *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static struct network *find(struct keeper *keeper, const char *name)
{
	struct network key = {0};
	void *const *node;

	(void)snprintf(key.name, sizeof(key.name), "%s", name);
	node = tfind(&key, &keeper->networks, compare_networks);
	return node ? *node : NULL;
}

static struct network *get(struct keeper *keeper, const char *name)
{
	struct network *network = find(keeper, name);

	if (network)
		return network;
	network = calloc(1, sizeof(*network));
	if (!network)
		return NULL;
	(void)snprintf(network->name, sizeof(network->name), "%s", name);
	network->keeper = keeper;
	network->dnsmasq_fd = -1;
	if (tsearch(network, &keeper->networks, compare_networks))
		return network;
	free(network);
	return NULL;
}

static void leave_dnsmasq(struct network *network)
{
	network->dnsmasq_source = sd_event_source_unref(network->dnsmasq_source);
	kvn_cleanup_close(&network->dnsmasq_fd);
	network->dnsmasq_fd = -1;
	network->dnsmasq = 0;
}

static void network_free(void *arg)
{
	struct network *network = arg;

	leave_dnsmasq(network);
	sd_event_source_unref(network->timer);
	free(network);
}

/* ---- dnsmasq's end ---- */

static int on_dnsmasq_end(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct network *network = arg;

	(void)source;
	(void)fd;
	(void)revents;
	leave_dnsmasq(network);
	keeper_touch(network->keeper, network->name, false);
	return 0;
}

/* @fd is taken over. */
static void follow_dnsmasq(struct network *network, pid_t pid, int fd)
{
	if (network->dnsmasq_fd >= 0 && network->dnsmasq == pid) {
		kvn_cleanup_close(&fd);
		return;
	}
	leave_dnsmasq(network);
	network->dnsmasq_fd = fd;
	network->dnsmasq = pid;
	if (fd >= 0 && sd_event_add_io(network->keeper->netd->event, &network->dnsmasq_source, fd, EPOLLIN,
				       on_dnsmasq_end, network) < 0)
		leave_dnsmasq(network);
}

/* ---- the job ---- */

static void find_dnsmasq(struct kvn *kvn, struct mending *mending)
{
	struct kvn_dnsmasq_paths paths;

	kvn_path_dnsmasq(kvn, mending->name, &paths);
	mending->dnsmasq = kvn_dnsmasq_get(&paths);
	if (mending->dnsmasq <= 0)
		return;
	mending->dnsmasq_fd = (int)syscall(SYS_pidfd_open, mending->dnsmasq, 0U);
	if (kvn_dnsmasq_get(&paths) != mending->dnsmasq) /* it ended in between, and its pid may be another's */
		kvn_cleanup_close(&mending->dnsmasq_fd);
}

static void run(struct kvn *kvn, struct job *job)
{
	struct mending *mending = (struct mending *)job;

	mending->dnsmasq_fd = -1;
	mending->result = kvn_mend(kvn, mending->name, mending->has_lost_port, &mending->plan, &mending->error);
	mending->is_up = kvn_record_exists(kvn, mending->name);
	if (mending->is_up)
		find_dnsmasq(kvn, mending);
}

static void done(struct netd *netd, struct job *job);

static void begin(struct network *network)
{
	struct mending *mending = calloc(1, sizeof(*mending));

	if (!mending)
		return; /* touched still: the next touch tries again */
	mending->job = (struct job){.run = run, .done = done};
	memcpy(mending->name, network->name, sizeof(mending->name));
	mending->has_lost_port = network->has_lost_port;
	network->is_busy = true;
	network->is_touched = network->has_lost_port = false;
	workers_add(network->keeper->netd->workers, &mending->job);
}

/* ---- rest ---- */

static int on_rested(sd_event_source *source, uint64_t usec, void *arg)
{
	struct network *network = arg;

	(void)source;
	(void)usec;
	network->timer = sd_event_source_unref(network->timer);
	if (!network->is_busy)
		begin(network);
	return 0;
}

static void rest(struct network *network)
{
	struct netd *netd = network->keeper->netd;

	network->rest_us = network->rest_us ? 2 * network->rest_us : REST_FIRST_US;
	if (network->rest_us > REST_LONGEST_US)
		network->rest_us = REST_LONGEST_US;
	network->timer = sd_event_source_unref(network->timer);
	if (sd_event_add_time_relative(netd->event, &network->timer, CLOCK_MONOTONIC, network->rest_us, 1000, on_rested,
				       network) < 0)
		network->rest_us = 0; /* no timer: the next touch mends at once */
}

/* @value is taken over. */
static void publish(struct netd *netd, const char *kind, const char *name, const char *key, json_t *value)
{
	json_t *event = kvn_event_new(kind, name);

	if (event && json_object_set_new(event, key, value) == 0)
		server_publish(netd->server, event);
	else
		json_decref(event);
}

/* A port that somebody put on the bridge was taken in: nothing was lost. */
static void leave_out_adopted(json_t *plan)
{
	for (size_t i = json_array_size(plan); i > 0; i--) {
		const char *verb = json_string_value(json_object_get(json_array_get(plan, i - 1), "op"));

		if (verb && strcmp(verb, "adopt") == 0)
			(void)json_array_remove(plan, i - 1);
	}
}

/* "link nat0, address 10.9.0.1/24 on nat0": each object of the plan once. */
static void describe(const json_t *plan, char *ret, size_t size)
{
	const json_t *op;
	size_t i, used = 0;

	ret[0] = '\0';
	json_array_foreach(plan, i, op)
	{
		const char *object = json_string_value(json_object_get(op, "object"));

		if (object && used < size)
			used += (size_t)snprintf(ret + used, size - used, "%s%s", used ? ", " : "", object);
	}
}

static json_t *objects_of(const json_t *plan)
{
	json_t *objects = json_array(), *object;
	const json_t *op;
	size_t i;

	json_array_foreach(plan, i, op)
	{
		object = json_object_get(op, "object");
		if (object)
			(void)json_array_append(objects, object); /* at worst one is not told */
	}
	return objects;
}

static void count_repair(struct network *network, const struct mending *mending)
{
	struct netd *netd = network->keeper->netd;
	char lost[LOST_MAX];
	uint64_t now = 0;

	describe(mending->plan, lost, sizeof(lost));
	say(SD_NOTICE, "network '%s': repaired what was lost: %s", network->name, lost);
	publish(netd, "network-repaired", network->name, "lost", objects_of(mending->plan));
	(void)sd_event_now(netd->event, CLOCK_MONOTONIC, &now);
	if (strcmp(lost, network->lost) != 0 || now - network->repaired_us > FIGHT_GAP_US + network->rest_us) {
		network->n_repairs = 0;
		network->rest_us = 0;
	}
	memcpy(network->lost, lost, sizeof(lost));
	network->repaired_us = now;
	if (++network->n_repairs < FIGHT_REPAIRS)
		return;
	if (network->rest_us == 0) {
		say(SD_WARNING,
		    "network '%s': something keeps undoing the repair of: %s; trying less often from now on",
		    network->name, lost);
		publish(netd, "network-contested", network->name, "lost", objects_of(mending->plan));
	}
	rest(network);
}

static void done(struct netd *netd, struct job *job)
{
	struct mending *mending = (struct mending *)job;
	struct network *network = find(netd->keeper, mending->name);

	if (network) {
		network->is_busy = false;
		follow_dnsmasq(network, mending->dnsmasq, mending->dnsmasq_fd);
		if (mending->result < 0) {
			if (!network->is_failing)
				say(SD_ERR, "%s", mending->error.message);
			publish(netd, "repair-failed", network->name, "message", json_string(mending->error.message));
			network->is_failing = true;
			rest(network);
		} else {
			if (network->is_failing) /* the rest was for that */
				network->rest_us = 0;
			network->is_failing = false;
			leave_out_adopted(mending->plan);
			if (json_array_size(mending->plan) > 0)
				count_repair(network, mending);
		}
		if (!mending->is_up && mending->result == 0 && !network->is_touched) {
			(void)tdelete(network, &netd->keeper->networks, compare_networks);
			network_free(network);
		} else if (network->is_touched && !network->timer) {
			begin(network);
		}
	} else {
		kvn_cleanup_close(&mending->dnsmasq_fd);
	}
	json_decref(mending->plan);
	free(mending);
}

/* ---- touch ---- */

void keeper_touch(struct keeper *keeper, const char *name, bool has_lost_port)
{
	struct network *network = get(keeper, name);

	if (!network)
		return;
	network->has_lost_port = network->has_lost_port || has_lost_port;
	network->is_touched = true;
	if (!network->is_busy && !network->timer)
		begin(network);
}

void keeper_touch_all(struct keeper *keeper)
{
	auto_free char(*names)[KVN_NAME_MAX + 1] = NULL;
	struct kvn *kvn;
	size_t n = 0;

	if (kvn_open(&kvn, NULL) < 0)
		return;
	if (kvn_record_dump(kvn, true, &names, &n, NULL) == 0)
		for (size_t i = 0; i < n; i++)
			keeper_touch(keeper, names[i], false);
	kvn_close(kvn);
}

int keeper_open(struct netd *netd, struct keeper **ret, struct kvn_error *err)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));

	if (!keeper)
		return kvn_fail_errno(err, ENOMEM, "keeper");
	keeper->netd = netd;
	*ret = keeper;
	return 0;
}

void keeper_close(struct keeper *keeper)
{
	if (!keeper)
		return;
	tdestroy(keeper->networks, network_free);
	free(keeper);
}
