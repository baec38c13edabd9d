/* SPDX-License-Identifier: GPL-2.0-or-later */
/* feed.c - what networks, ports and leases do, for whoever follows events, for the keeper and for the count of ports. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "netd.h"
#include "port.h"
#include "record.h"

struct feed {
	struct netd *netd;
	struct kvn *kvn;
	struct kvn_observer *observer;
	sd_event_source *source;
};

static void take(struct feed *feed, json_t *event)
{
	struct netd *netd = feed->netd;
	const char *kind = json_string_value(json_object_get(event, "event"));
	const char *network = json_string_value(json_object_get(event, "network"));
	const json_t *port = json_object_get(event, "port");
	const char *ifname = json_string_value(json_object_get(port, "ifname"));
	bool is_there;

	if (strcmp(kind, "port-removed") == 0) {
		policy_forget(netd->policy, ifname, (pid_t)json_integer_value(json_object_get(port, "pid")));
		keeper_touch(netd->keeper, network, true);
	} else if (strcmp(kind, "network-started") == 0 || strcmp(kind, "network-changed") == 0) {
		keeper_touch(netd->keeper, network, false); /* dnsmasq is another one now */
	}
	is_there = strncmp(kind, "network-", strlen("network-")) != 0 || policy_learn(netd->policy, feed->kvn, network);
	server_publish(netd->server, json_incref(event));
	if (!is_there && strcmp(kind, "network-deleted") == 0) /* its last event */
		policy_unlearn(netd->policy, network);
	json_decref(event);
}

static int on_news(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct feed *feed = arg;
	json_t *event;

	(void)source;
	(void)fd;
	(void)revents;
	while (kvn_observer_next(feed->observer, &event, NULL) == 0)
		take(feed, event);
	return 0;
}

/* What there is to be gone one day. */
static void learn_all(struct feed *feed)
{
	auto_json json_t *names = NULL;
	const json_t *name;
	size_t i;

	if (kvn_names(feed->kvn, &names, NULL) < 0)
		return; /* each is learnt at its first event */
	json_array_foreach(names, i, name)(void) policy_learn(feed->netd->policy, feed->kvn, json_string_value(name));
}

/* Ports that users opened through a netd before this one. */
static void adopt(struct feed *feed)
{
	auto_free char(*names)[KVN_NAME_MAX + 1] = NULL;
	size_t n_names = 0;

	if (kvn_record_dump(feed->kvn, false, &names, &n_names, NULL) < 0)
		return;
	for (size_t i = 0; i < n_names; i++) {
		auto_free char(*ports)[IFNAMSIZ] = NULL;
		size_t n = 0;

		if (kvn_port_recorded(feed->kvn, names[i], &ports, &n, NULL) < 0)
			continue;
		for (size_t j = 0; j < n; j++) {
			struct kvn_port port;

			if (kvn_port_recall(feed->kvn, names[i], ports[j], &port, NULL) == 0 &&
			    (!port.is_persistent || port.is_opened) && port.uid != UINT32_MAX &&
			    policy_take(feed->netd->policy, port.uid, UINT32_MAX))
				policy_name(feed->netd->policy, port.uid, ports[j], port.pid);
		}
	}
}

int feed_open(struct netd *netd, struct feed **ret, struct kvn_error *err)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	int r;

	if (!feed)
		return kvn_fail_errno(err, ENOMEM, "feed");
	feed->netd = netd;
	r = kvn_open(&feed->kvn, err);
	if (r == 0) {
		kvn_remote_forgo(feed->kvn);
		r = kvn_observer_open(feed->kvn, &feed->observer, err);
	}
	if (r == 0)
		r = sd_event_add_io(netd->event, &feed->source, kvn_observer_fd(feed->observer), EPOLLIN, on_news,
				    feed);
	if (r < 0) {
		feed_close(feed);
		return r;
	}
	learn_all(feed);
	adopt(feed);
	*ret = feed;
	return 0;
}

void feed_close(struct feed *feed)
{
	if (!feed)
		return;
	sd_event_source_unref(feed->source);
	kvn_observer_close(feed->observer);
	kvn_close(feed->kvn);
	free(feed);
}
