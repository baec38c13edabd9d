/* SPDX-License-Identifier: GPL-2.0-or-later */
/* observer.c - what happens to networks, ports and leases, from the files that say so.
 *
 * Whoever changes a network, a command or netd, writes it down: the definition, the record of what is up, a file a port;
 * dnsmasq writes its leases.  News of those files (watches.h) only says which network to look at:
 *
 *   inotify -> a network's name -> look at its files -> compare with what was seen last -> events
 *
 * so that news that was lost or came twice does no harm, and what comes and goes again between two looks is not told.
 *
 * dnsmasq (2.90, lease.c) empties its lease file and fills it anew for each change, and says to nobody when it is done: a file
 * just emptied looks like one without leases, and half of one may end where a line does.  So a lease that is there is
 * believed at once, and one that is missing only when it has been for SETTLE_MS and the last line is whole.  The timer for
 * that runs only while a lease is missing: an observer to which nothing happens sleeps. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include "cidr.h"
#include "cleanup.h"
#include "file.h"
#include "port.h"
#include "public_json.h"
#include "record.h"
#include "store.h"
#include "watches.h"

#define SETTLE_MS 1000 /* dnsmasq needs less than one to write 150 leases; a removal that is told late hurts nobody */

struct kvn_observer {
	struct kvn *kvn; /* the caller's */
	struct kvn_watches watches;
	int fd, timer; /* epoll on the timer and the watches */
	/* {NETWORK: {"text": S, "record": S, "ports": {IFNAME: PORT}, "leases": {ADDRESS: LEASE}, "missing": {ADDRESS: MS}}}:
	 * "missing" are those of "leases" that are not in the file, and since when */
	json_t *seen;
	json_t *dirty; /* {NETWORK: true}, or {NETWORK: {IFNAME: true}} when only these ports are */
	json_t *due; /* {NETWORK: MS}: when to look again for what is missing */
	json_t *events; /* array, those not fetched yet */
	bool is_quiet; /* the first look tells nothing */
};

static json_int_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	return (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- events ---- */

static int tell(struct kvn_observer *observer, const char *kind, const char *network, const char *key, json_t *value)
{
	json_t *event;

	if (observer->is_quiet)
		return 0;
	event = kvn_event_new(kind, network);
	if (!event || (key && json_object_set(event, key, value) < 0) ||
	    json_array_append(observer->events, event) < 0) {
		json_decref(event);
		return -ENOMEM;
	}
	json_decref(event);
	return 0;
}

static bool is_equal_in(const char *key, const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, key), json_object_get(b, key));
}

/* Has port @was gone unseen, and is @now one that another process asked for under the same name? */
static bool is_of_another(const json_t *was, const json_t *now)
{
	return json_is_integer(json_object_get(was, "pid")) && json_is_integer(json_object_get(now, "pid")) &&
	       !is_equal_in("pid", was, now);
}

/* What @now has not.  A port goes with its name, a lease with its address or when that is another guest's; one whose guest
 * has another hostname is only told again. */
static int tell_removed(struct kvn_observer *observer, const char *network, const char *what, json_t *was,
			const json_t *now)
{
	char kind[32];
	const char *key;
	json_t *value;
	int r = 0;

	(void)snprintf(kind, sizeof(kind), "%s-removed", what);
	json_object_foreach(was, key, value)
	{
		const json_t *left = json_object_get(now, key);

		if (r == 0 && (!left || (strcmp(what, "lease") == 0 && !is_equal_in("mac", value, left)) ||
			       (strcmp(what, "port") == 0 && is_of_another(value, left))))
			r = tell(observer, kind, network, what, value);
	}
	return r;
}

/* What @was has not; a lease that is only renewed is no event. */
static int tell_added(struct kvn_observer *observer, const char *network, const char *what, const json_t *was,
		      json_t *now)
{
	char kind[32];
	const char *key;
	json_t *value;
	int r = 0;

	(void)snprintf(kind, sizeof(kind), "%s-added", what);
	json_object_foreach(now, key, value)
	{
		const json_t *old = json_object_get(was, key);
		bool is_lease = strcmp(what, "lease") == 0, is_port = strcmp(what, "port") == 0;

		if (r == 0 &&
		    (!old || (is_lease && !(is_equal_in("mac", value, old) && is_equal_in("hostname", value, old))) ||
		     (is_port && is_of_another(old, value))))
			r = tell(observer, kind, network, what, value);
	}
	return r;
}

static bool is_text(const json_t *view, const char *key)
{
	return json_is_string(json_object_get(view, key));
}

/* What is up has changed when its record has: what somebody writes into the definition waits for "apply", and what "set"
 * writes into both is told once. */
static bool is_changed(const json_t *was, const json_t *now)
{
	const char *file = is_text(now, "record") ? "record" : "text";

	return is_text(was, "text") && is_text(now, "text") && is_text(was, "record") == is_text(now, "record") &&
	       !json_equal(json_object_get(was, file), json_object_get(now, file));
}

/* Between @was and @now, in the order in which it must have happened: what goes from within, then what comes. */
static int tell_all(struct kvn_observer *observer, const char *name, json_t *was, json_t *now)
{
	json_t *had_ports = json_object_get(was, "ports"), *ports = json_object_get(now, "ports");
	json_t *had_leases = json_object_get(was, "leases"), *leases = json_object_get(now, "leases");
	bool was_defined = is_text(was, "text"), is_defined = is_text(now, "text");
	bool was_up = is_text(was, "record"), is_up = is_text(now, "record");
	int r = tell_removed(observer, name, "port", had_ports, ports);

	if (r == 0 && was_up && !is_up)
		r = tell(observer, "network-stopped", name, NULL, NULL);
	if (r == 0)
		r = tell_removed(observer, name, "lease", had_leases, leases);
	if (r == 0 && was_defined && !is_defined)
		r = tell(observer, "network-deleted", name, NULL, NULL);
	if (r == 0 && !was_defined && is_defined)
		r = tell(observer, "network-defined", name, NULL, NULL);
	if (r == 0 && is_changed(was, now))
		r = tell(observer, "network-changed", name, NULL, NULL);
	if (r == 0 && !was_up && is_up)
		r = tell(observer, "network-started", name, NULL, NULL);
	if (r == 0)
		r = tell_added(observer, name, "port", had_ports, ports);
	return r < 0 ? r : tell_added(observer, name, "lease", had_leases, leases);
}

/* ---- one network: each takes what was seen last for what it cannot read now ---- */

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

static json_t *text_of(const char *path, json_t *was)
{
	auto_free char *text = NULL;
	int r = kvn_file_read(path, &text, NULL);

	if (r == 0)
		return json_string_nocheck(text);
	return is_gone(r) || !was ? json_null() : json_incref(was);
}

/* NULL: there is none. */
static json_t *port_of(const struct kvn *kvn, const char *name, const char *ifname, json_t *was)
{
	struct kvn_port port;
	int r = kvn_port_recall(kvn, name, ifname, &port, NULL);

	if (r < 0)
		return is_gone(r) ? NULL : json_incref(was);
	return kvn_port_to_json(name, &port, NULL, kvn_mac_is_zero(port.mac) ? NULL : port.mac, json_null(),
				json_null());
}

static json_t *ports_of(const struct kvn *kvn, const char *name, json_t *was)
{
	auto_free char(*names)[IFNAMSIZ] = NULL;
	json_t *ports = json_object();
	size_t n = 0;
	int r = kvn_port_recorded(kvn, name, &names, &n, NULL);

	if (r < 0 && !is_gone(r))
		(void)json_object_update(ports, was);
	for (size_t i = 0; i < n; i++) {
		json_t *port = port_of(kvn, name, names[i], json_object_get(was, names[i]));

		if (port)
			(void)json_object_set_new(ports, names[i], port); /* no memory: seen the next time */
	}
	return ports;
}

/* What the lease file says for sure. */
struct lease_file {
	json_t *leases; /* {ADDRESS: LEASE}, those in its whole lines */
	bool is_there; /* false: nobody is writing it */
	bool is_whole; /* may be all there is */
};

static void read_leases(const struct kvn *kvn, const char *name, struct lease_file *ret)
{
	auto_free struct kvn_lease *leases = NULL;
	auto_free char *text = NULL;
	struct kvn_dnsmasq_paths paths;
	size_t n = 0;
	int r;

	kvn_path_dnsmasq(kvn, name, &paths);
	r = kvn_file_read(paths.leases, &text, NULL);
	*ret = (struct lease_file){.leases = json_object(), .is_there = !is_gone(r)};
	if (r == 0) {
		char *end = strrchr(text, '\n');

		ret->is_whole = end ? !end[1] : !text[0];
		text[end ? end + 1 - text : 0] = '\0';
		r = kvn_lease_parse(text, &leases, &n, NULL);
	}
	ret->is_whole = ret->is_whole && r == 0;
	for (size_t i = 0; i < n; i++) {
		char address[KVN_IP_TEXT];

		(void)json_object_set_new(ret->leases, kvn_ip_format(&leases[i].ip, address),
					  kvn_lease_to_json(name, &leases[i]));
	}
}

/* Keep among the leases of @now those of @was that may come back in a moment. */
static void keep_missing(struct kvn_observer *observer, const char *name, const json_t *was, json_t *now,
			 const struct lease_file *file)
{
	json_t *had = json_object_get(was, "leases"), *leases = json_object_get(now, "leases"), *lease;
	json_int_t time = now_ms(), due = 0;
	const char *key;

	(void)json_object_del(observer->due, name); /* there is seldom one */
	json_object_foreach(had, key, lease)
	{
		const json_t *known = json_object_get(json_object_get(was, "missing"), key);
		json_int_t until = (known ? json_integer_value(known) : time) + SETTLE_MS;

		if (!file->is_there || json_object_get(leases, key) || (file->is_whole && until <= time))
			continue;
		(void)json_object_set(leases, key, lease);
		if (!file->is_whole)
			continue; /* its writer stopped or was ended half-way: the time counts from the next news */
		(void)json_object_set_new(json_object_get(now, "missing"), key, json_integer(until - SETTLE_MS));
		due = due && due < until ? due : until;
	}
	if (due)
		(void)json_object_set_new(observer->due, name, json_integer(due));
}

static json_t *view_of(struct kvn_observer *observer, const char *name, const json_t *was)
{
	const struct kvn *kvn = observer->kvn;
	kvn_path definition, record;
	struct lease_file file;
	json_t *now =
		json_pack("{s:o, s:o, s:{}}", "text",
			  text_of(kvn_path_definition(kvn, name, definition), json_object_get(was, "text")), "record",
			  text_of(kvn_path_record(kvn, name, record), json_object_get(was, "record")), "missing");

	if (!now || (!is_text(now, "text") && !is_text(now, "record"))) {
		(void)json_object_del(observer->due, name); /* there is seldom one */
		return now; /* no network: what is left of its ports and leases is nobody's */
	}
	read_leases(kvn, name, &file);
	if (json_object_set_new(now, "ports", ports_of(kvn, name, json_object_get(was, "ports"))) < 0 ||
	    json_object_set_new(now, "leases", file.leases) < 0) {
		json_decref(now);
		return NULL;
	}
	keep_missing(observer, name, was, now, &file);
	return now;
}

static int look(struct kvn_observer *observer, const char *name, struct kvn_error *err)
{
	auto_json json_t *was = json_incref(json_object_get(observer->seen, name)), *now = NULL;
	int r = kvn_watches_add(&observer->watches, name, err);

	if (r < 0)
		return r;
	now = view_of(observer, name, was);
	r = now ? tell_all(observer, name, was, now) : -ENOMEM;
	if (r == 0 && (is_text(now, "text") || is_text(now, "record")))
		r = json_object_set(observer->seen, name, now) < 0 ? -ENOMEM : 0;
	else if (r == 0)
		(void)json_object_del(observer->seen, name); /* perhaps never seen */
	return r < 0 ? kvn_fail_errno(err, -r, "observer") : 0;
}

/* One port of a network that has been looked at: with a thousand of them, one more costs what the first did. */
static int look_at_port(struct kvn_observer *observer, const char *name, const char *ifname)
{
	json_t *ports = json_object_get(json_object_get(observer->seen, name), "ports");
	auto_json json_t *was = json_incref(json_object_get(ports, ifname)),
			 *now = port_of(observer->kvn, name, ifname, was);
	bool is_other = was && now && is_of_another(was, now);
	int r = 0;

	if (was && (!now || is_other))
		r = tell(observer, "port-removed", name, "port", was);
	if (was && !now) {
		(void)json_object_del(ports, ifname); /* it is there */
	} else if (now) {
		if (r == 0 && (!was || is_other))
			r = tell(observer, "port-added", name, "port", now);
		r = json_object_set(ports, ifname, now) < 0 ? -ENOMEM : r;
	}
	return r;
}

static int look_at(struct kvn_observer *observer, const char *name, json_t *dirty, struct kvn_error *err)
{
	const char *ifname;
	json_t *value;
	int r = 0;

	if (json_is_true(dirty) || !json_object_get(observer->seen, name))
		return look(observer, name, err);
	json_object_foreach(dirty, ifname, value)
	{
		if (r == 0)
			r = look_at_port(observer, name, ifname);
	}
	return r < 0 ? kvn_fail_errno(err, -r, "observer") : 0;
}

/* ---- which networks ---- */

static int mark(struct kvn_observer *observer, const char *name)
{
	return json_object_set_new(observer->dirty, name, json_true());
}

static int mark_all(struct kvn_observer *observer, struct kvn_error *err)
{
	auto_free char(*defined)[KVN_NAME_MAX + 1] = NULL, (*up)[KVN_NAME_MAX + 1] = NULL;
	size_t n_defined = 0, n_up = 0;
	const char *name;
	json_t *value;
	int r = kvn_store_dump(observer->kvn, &defined, &n_defined, err);

	if (r == 0 || r == -EACCES)
		r = kvn_record_dump(observer->kvn, false, &up, &n_up, err);
	if (r == -EACCES)
		r = 0; /* what may be read is followed */
	for (size_t i = 0; i < n_defined; i++)
		(void)mark(observer, defined[i]); /* no memory: its next news */
	for (size_t i = 0; i < n_up; i++)
		(void)mark(observer, up[i]);
	json_object_foreach(observer->seen, name, value)
	{
		(void)mark(observer, name);
	}
	return r;
}

static void mark_due(struct kvn_observer *observer)
{
	json_int_t time = now_ms();
	const char *name;
	json_t *due;

	json_object_foreach(observer->due, name, due)
	{
		if (json_integer_value(due) <= time)
			(void)mark(observer, name);
	}
}

static int look_at_dirty(struct kvn_observer *observer, struct kvn_error *err)
{
	auto_json json_t *dirty = observer->dirty;
	struct kvn_error other;
	const char *name;
	json_t *value;
	int r = 0;

	observer->dirty = json_object();
	json_object_foreach(dirty, name, value)
	{
		int next = look_at(observer, name, value, r < 0 ? &other : err);

		r = r < 0 ? r : next; /* one that fails does not hide the others */
	}
	return r;
}

/* Wake up when the first of the missing leases is due; never when there is none. */
static int set_timer(struct kvn_observer *observer, struct kvn_error *err)
{
	struct itimerspec at = {0};
	json_int_t first = 0;
	const char *name;
	json_t *due;

	json_object_foreach(observer->due, name, due)
	{
		if (!first || json_integer_value(due) < first)
			first = json_integer_value(due);
	}
	at.it_value.tv_sec = first / 1000;
	at.it_value.tv_nsec = first % 1000 * 1000000;
	/* Setting it also takes away that it has gone off. */
	return timerfd_settime(observer->timer, TFD_TIMER_ABSTIME, &at, NULL) < 0 ? kvn_fail_errno(err, errno, "timer")
										  : 0;
}

static int refresh(struct kvn_observer *observer, struct kvn_error *err)
{
	bool is_all = false;
	int r = kvn_watches_read(&observer->watches, observer->dirty, &is_all, err);

	if (r == 0 && is_all)
		r = mark_all(observer, err);
	mark_due(observer);
	if (r < 0 || json_object_size(observer->dirty) == 0)
		return r;
	r = look_at_dirty(observer, err);
	return r < 0 ? r : set_timer(observer, err);
}

int kvn_observer_next(struct kvn_observer *observer, json_t **ret, struct kvn_error *err)
{
	if (json_array_size(observer->events) == 0) {
		int r = refresh(observer, err);

		if (r < 0)
			return r;
	}
	if (json_array_size(observer->events) == 0)
		return -EAGAIN;
	*ret = json_incref(json_array_get(observer->events, 0));
	(void)json_array_remove(observer->events, 0);
	return 0;
}

/* ---- life ---- */

static int begin(struct kvn_observer *observer, struct kvn_error *err)
{
	struct epoll_event readable = {.events = EPOLLIN};
	int r = kvn_watches_open(&observer->watches, observer->kvn, err);

	observer->seen = json_object();
	observer->dirty = json_object();
	observer->due = json_object();
	observer->events = json_array();
	if (r < 0)
		return r;
	observer->fd = epoll_create1(EPOLL_CLOEXEC);
	observer->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (observer->fd < 0 || observer->timer < 0 ||
	    epoll_ctl(observer->fd, EPOLL_CTL_ADD, observer->timer, &readable) < 0 ||
	    epoll_ctl(observer->fd, EPOLL_CTL_ADD, observer->watches.fd, &readable) < 0)
		return kvn_fail_errno(err, errno, "observer");
	observer->is_quiet = true;
	r = mark_all(observer, err);
	if (r == 0)
		r = look_at_dirty(observer, err);
	observer->is_quiet = false;
	return r;
}

int kvn_observer_open(struct kvn *kvn, struct kvn_observer **ret, struct kvn_error *err)
{
	struct kvn_observer *observer = calloc(1, sizeof(*observer));
	int r;

	if (!observer)
		return kvn_fail_errno(err, ENOMEM, "observer");
	*observer = (struct kvn_observer){.kvn = kvn, .watches = {.fd = -1}, .fd = -1, .timer = -1};
	r = begin(observer, err);
	if (r < 0)
		kvn_observer_close(observer);
	else
		*ret = observer;
	return r;
}

int kvn_observer_fd(const struct kvn_observer *observer)
{
	return observer->fd;
}

void kvn_observer_close(struct kvn_observer *observer)
{
	if (!observer)
		return;
	kvn_watches_close(&observer->watches);
	kvn_cleanup_close(&observer->timer);
	kvn_cleanup_close(&observer->fd);
	json_decref(observer->seen);
	json_decref(observer->dirty);
	json_decref(observer->due);
	json_decref(observer->events);
	free(observer);
}
