/* SPDX-License-Identifier: GPL-2.0-or-later */
/* observer.c - what happens to networks, ports and leases, from the files that say so.
 *
 * Whoever changes a network, a command or netd, writes it down: the definition, the record of what is up, a file a port;
 * dnsmasq writes its leases.  One inotify instance watches those folders.  Its news only says which network to look at:
 *
 *   inotify -> a network's name -> look at its files -> compare with what was seen last -> events
 *
 * so that news that was lost or came twice does no harm.  dnsmasq writes its lease file in place, from the beginning, and
 * cuts off the rest at the end: a file with a line that makes no sense is being written, and more news will follow. */
#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#include "array.h"
#include "cidr.h"
#include "cleanup.h"
#include "context.h"
#include "definition.h"
#include "file.h"
#include "port.h"
#include "public_json.h"
#include "record.h"
#include "store.h"

#define NEWS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_MODIFY | IN_ONLYDIR)

enum folder { FOLDER_DEFINITIONS, FOLDER_NETWORKS, FOLDER_NETWORK, FOLDER_PORTS, FOLDER_LEASES };

struct watched {
	int wd;
	enum folder folder;
	char network[KVN_NAME_MAX + 1]; /* of FOLDER_NETWORK and FOLDER_PORTS */
};

struct kvn_observer {
	struct kvn *kvn; /* the caller's */
	int fd;
	struct watched *watched;
	size_t n_watched, size_watched;
	json_t *seen; /* {NETWORK: {"text": S, "record": S, "ports": {IFNAME: PORT}, "leases": {KEY: LEASE}}} */
	json_t *dirty; /* {NETWORK: true}, or {NETWORK: {IFNAME: true}} when only these ports are */
	json_t *events; /* array, those not fetched yet */
	bool is_quiet; /* the first look tells nothing */
};

/* ---- watches ---- */

static const char *path_of(const struct kvn_observer *observer, enum folder folder, const char *network, kvn_path path)
{
	const struct kvn *kvn = observer->kvn;

	switch (folder) {
	case FOLDER_DEFINITIONS:
		return kvn_path_definitions(kvn, path);
	case FOLDER_NETWORKS:
		(void)snprintf(path, KVN_PATH_MAX, "%s/networks", kvn->runtime_dir);
		return path;
	case FOLDER_NETWORK:
		return kvn_path_runtime(kvn, network, path);
	case FOLDER_PORTS:
		return kvn_path_ports(kvn, network, path);
	case FOLDER_LEASES:
		(void)snprintf(path, KVN_PATH_MAX, "%s/leases", kvn->state_dir);
		return path;
	}
	return path;
}

/* A folder that is watched already has the same descriptor again.  -ENOENT there is none */
static int watch(struct kvn_observer *observer, enum folder folder, const char *network, struct kvn_error *err)
{
	struct watched *entry;
	kvn_path path;
	int wd = inotify_add_watch(observer->fd, path_of(observer, folder, network, path), NEWS);

	if (wd < 0)
		return kvn_fail_errno(err, errno, "cannot watch %s", path);
	for (size_t i = 0; i < observer->n_watched; i++)
		if (observer->watched[i].wd == wd)
			return 0;
	if (!KVN_ARRAY_ROOM(observer->watched, observer->n_watched, observer->size_watched))
		return kvn_fail_errno(err, ENOMEM, "observer");
	entry = &observer->watched[observer->n_watched++];
	*entry = (struct watched){.wd = wd, .folder = folder};
	(void)snprintf(entry->network, sizeof(entry->network), "%s", network);
	return 0;
}

static void unwatch(struct kvn_observer *observer, int wd)
{
	for (size_t i = 0; i < observer->n_watched; i++)
		if (observer->watched[i].wd == wd) {
			observer->watched[i] = observer->watched[--observer->n_watched];
			return;
		}
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

/* Tell what @now has and @was has not as @added, and the other way round as @removed. */
static int tell_difference(struct kvn_observer *observer, const char *network, const char *what, json_t *was,
			   json_t *now)
{
	char kind[32];
	const char *key;
	json_t *value;
	int r = 0;

	(void)snprintf(kind, sizeof(kind), "%s-removed", what);
	json_object_foreach(was, key, value) if (r == 0 && !json_object_get(now, key)) r =
		tell(observer, kind, network, what, value);
	(void)snprintf(kind, sizeof(kind), "%s-added", what);
	json_object_foreach(now, key, value) if (r == 0 && !json_object_get(was, key)) r =
		tell(observer, kind, network, what, value);
	return r;
}

/* ---- one network ---- */

static json_t *text_of(const char *path)
{
	auto_free char *text = NULL;

	return kvn_file_read(path, &text, NULL) == 0 ? json_string_nocheck(text) : json_null();
}

/* NULL: there is none. */
static json_t *port_of(const struct kvn *kvn, const char *name, const char *ifname)
{
	struct kvn_port port;

	if (kvn_port_recall(kvn, name, ifname, &port, NULL) < 0)
		return NULL;
	return kvn_port_to_json(name, &port, kvn_mac_is_zero(port.mac) ? NULL : port.mac, json_null(), json_null());
}

static json_t *ports_of(const struct kvn *kvn, const char *name)
{
	auto_free char(*names)[IFNAMSIZ] = NULL;
	json_t *ports = json_object();
	size_t n = 0;

	if (kvn_port_recorded(kvn, name, &names, &n, NULL) < 0)
		return ports;
	for (size_t i = 0; i < n; i++) {
		json_t *port = port_of(kvn, name, names[i]);

		if (port)
			(void)json_object_set_new(ports, names[i], port); /* no memory: seen the next time */
	}
	return ports;
}

static bool is_whole(const char *text, size_t n_leases)
{
	size_t lines = 0;

	for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
		if (!strchr(at, '\n'))
			return false;
		lines += strncmp(at, "duid ", 5) != 0; /* the server's own identity */
	}
	return lines == n_leases;
}

/* NULL: the file is being written. */
static json_t *leases_of(const struct kvn *kvn, const char *name)
{
	auto_free struct kvn_lease *leases = NULL;
	auto_free char *text = NULL;
	struct kvn_dnsmasq_paths paths;
	json_t *object;
	size_t n = 0;

	kvn_path_dnsmasq(kvn, name, &paths);
	if (kvn_file_read(paths.leases, &text, NULL) == 0 &&
	    (kvn_lease_parse(text, &leases, &n, NULL) < 0 || !is_whole(text, n)))
		return NULL;
	object = json_object();
	for (size_t i = 0; i < n; i++) {
		json_t *lease = kvn_lease_to_json(name, &leases[i]);
		char key[192];

		(void)snprintf(key, sizeof(key), "%s %s %s", json_string_value(json_object_get(lease, "address")),
			       json_string_value(json_object_get(lease, "mac")) ?: "-", leases[i].hostname);
		(void)json_object_set_new(object, key, lease);
	}
	return object;
}

static bool is_text(const json_t *seen, const char *key)
{
	return json_is_string(json_object_get(seen, key));
}

static int tell_network(struct kvn_observer *observer, const char *name, const json_t *was, const json_t *now)
{
	bool was_defined = is_text(was, "text"), is_defined = is_text(now, "text");
	bool was_up = is_text(was, "record"), is_up = is_text(now, "record");
	/* What is up has changed when its record has: what somebody writes into the definition waits for "apply". */
	const char *file = is_up ? "record" : "text";
	bool is_changed = !json_equal(json_object_get(was, file), json_object_get(now, file));
	int r = 0;

	if (!was_defined && is_defined)
		r = tell(observer, "network-defined", name, NULL, NULL);
	else if (was_defined && is_defined && was_up == is_up && is_changed)
		r = tell(observer, "network-changed", name, NULL, NULL);
	if (r == 0 && was_up != is_up)
		r = tell(observer, is_up ? "network-started" : "network-stopped", name, NULL, NULL);
	return r;
}

static int look(struct kvn_observer *observer, const char *name)
{
	json_t *was = json_object_get(observer->seen, name), *leases = leases_of(observer->kvn, name);
	auto_json json_t *now = NULL, *empty = json_object();
	kvn_path definition, record;
	int r;

	(void)watch(observer, FOLDER_NETWORK, name, NULL); /* not there: it is down */
	(void)watch(observer, FOLDER_PORTS, name, NULL);
	if (!was)
		was = empty;
	if (!leases)
		leases = json_incref(json_object_get(was, "leases") ?: empty);
	now = json_pack("{s:o, s:o, s:o, s:o}", "text", text_of(kvn_path_definition(observer->kvn, name, definition)),
			"record", text_of(kvn_path_record(observer->kvn, name, record)), "ports",
			ports_of(observer->kvn, name), "leases", leases);
	if (!now)
		return -ENOMEM;
	r = tell_network(observer, name, was, now);
	if (r == 0)
		r = tell_difference(observer, name, "port", json_object_get(was, "ports"),
				    json_object_get(now, "ports"));
	if (r == 0)
		r = tell_difference(observer, name, "lease", json_object_get(was, "leases"),
				    json_object_get(now, "leases"));
	if (r == 0 && is_text(was, "text") && !is_text(now, "text"))
		r = tell(observer, "network-deleted", name, NULL, NULL);
	if (r < 0)
		return r;
	if (!is_text(now, "text") && !is_text(now, "record"))
		return (void)json_object_del(observer->seen, name), 0; /* never seen: nothing to forget */
	return json_object_set(observer->seen, name, now);
}

/* One port of a network that has been looked at. */
static int look_at_port(struct kvn_observer *observer, const char *name, const char *ifname)
{
	json_t *ports = json_object_get(json_object_get(observer->seen, name), "ports");
	auto_json json_t *was = json_incref(json_object_get(ports, ifname)),
			 *now = port_of(observer->kvn, name, ifname);
	int r = 0;

	if (was && !now) {
		r = tell(observer, "port-removed", name, "port", was);
		(void)json_object_del(ports, ifname);
	} else if (now) {
		if (!was)
			r = tell(observer, "port-added", name, "port", now);
		r = json_object_set(ports, ifname, now) < 0 ? -ENOMEM : r;
	}
	return r;
}

/* ---- news ---- */

static void mark(struct kvn_observer *observer, const char *name)
{
	if (kvn_name_check(name, NULL) == 0)
		(void)json_object_set_new(observer->dirty, name, json_true()); /* no memory: the next news */
}

static void mark_port(struct kvn_observer *observer, const char *name, const char *ifname)
{
	json_t *dirty = json_object_get(observer->dirty, name);

	if (ifname[0] == '.' || json_is_true(dirty))
		return; /* on its way to its name; or all of the network is looked at anyway */
	if (!json_object_get(observer->seen, name)) {
		mark(observer, name);
		return;
	}
	if (!dirty)
		(void)json_object_set_new(observer->dirty, name, dirty = json_object());
	(void)json_object_set_new(dirty, ifname, json_true()); /* no memory: the next news */
}

static int mark_all(struct kvn_observer *observer, struct kvn_error *err)
{
	auto_free char(*defined)[KVN_NAME_MAX + 1] = NULL, (*up)[KVN_NAME_MAX + 1] = NULL;
	size_t n_defined = 0, n_up = 0;
	const char *name;
	json_t *value;
	int r = kvn_store_dump(observer->kvn, &defined, &n_defined, err);

	if (r == 0)
		r = kvn_record_dump(observer->kvn, false, &up, &n_up, err);
	for (size_t i = 0; i < n_defined; i++)
		mark(observer, defined[i]);
	for (size_t i = 0; i < n_up; i++)
		mark(observer, up[i]);
	json_object_foreach(observer->seen, name, value)
	{
		mark(observer, name);
	}
	return r;
}

/* "nat0.yaml" -> "nat0"; no definition: false. */
static bool name_of_definition(const char *file, char ret[static KVN_NAME_MAX + 1])
{
	const char *suffix = strrchr(file, '.');

	if (!suffix || strcmp(suffix, ".yaml") != 0 || suffix - file > KVN_NAME_MAX)
		return false;
	(void)snprintf(ret, KVN_NAME_MAX + 1, "%.*s", (int)(suffix - file), file);
	return true;
}

static void take(struct kvn_observer *observer, const struct inotify_event *news)
{
	const struct watched *entry = NULL;
	char name[KVN_NAME_MAX + 1];

	if (news->mask & IN_Q_OVERFLOW)
		(void)mark_all(observer, NULL);
	for (size_t i = 0; i < observer->n_watched && !entry; i++)
		if (observer->watched[i].wd == news->wd)
			entry = &observer->watched[i];
	if (!entry)
		return;
	if (news->mask & IN_IGNORED) {
		if (entry->network[0])
			mark(observer, entry->network);
		unwatch(observer, news->wd);
		return;
	}
	switch (entry->folder) {
	case FOLDER_DEFINITIONS:
		if (news->len && name_of_definition(news->name, name))
			mark(observer, name);
		break;
	case FOLDER_NETWORKS:
	case FOLDER_LEASES:
		if (news->len)
			mark(observer, news->name);
		break;
	case FOLDER_NETWORK:
		if (news->len && (strcmp(news->name, "network.json") == 0 || strcmp(news->name, "ports") == 0))
			mark(observer, entry->network);
		break;
	case FOLDER_PORTS:
		if (news->len)
			mark_port(observer, entry->network, news->name);
		break;
	}
}

static int read_news(struct kvn_observer *observer, struct kvn_error *err)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	for (;;) {
		ssize_t n = read(observer->fd, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : kvn_fail_errno(err, errno, "inotify");
		for (const char *at = buffer; at < buffer + n;) {
			const struct inotify_event *news = (const void *)at;

			take(observer, news);
			at += sizeof(*news) + news->len;
		}
	}
}

static int look_at_dirty(struct kvn_observer *observer, struct kvn_error *err)
{
	auto_json json_t *dirty = observer->dirty;
	const char *name, *ifname;
	json_t *value, *each;
	int r = 0;

	observer->dirty = json_object();
	json_object_foreach(dirty, name, value)
	{
		if (r == 0 && json_is_true(value))
			r = look(observer, name);
		json_object_foreach(value, ifname, each)
		{
			if (r == 0)
				r = look_at_port(observer, name, ifname);
		}
	}
	return r < 0 ? kvn_fail_errno(err, -r, "observer") : 0;
}

int kvn_observer_next(struct kvn_observer *observer, json_t **ret, struct kvn_error *err)
{
	int r = 0;

	if (json_array_size(observer->events) == 0) {
		r = read_news(observer, err);
		if (r == 0)
			r = look_at_dirty(observer, err);
	}
	if (r < 0)
		return r;
	if (json_array_size(observer->events) == 0)
		return -EAGAIN;
	*ret = json_incref(json_array_get(observer->events, 0));
	(void)json_array_remove(observer->events, 0);
	return 0;
}

/* ---- life ---- */

static int begin(struct kvn_observer *observer, struct kvn_error *err)
{
	static const enum folder folders[] = {FOLDER_DEFINITIONS, FOLDER_NETWORKS, FOLDER_LEASES};
	int r = 0;

	observer->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	observer->seen = json_object();
	observer->dirty = json_object();
	observer->events = json_array();
	if (observer->fd < 0)
		return kvn_fail_errno(err, errno, "inotify");
	for (size_t i = 0; i < ARRAY_SIZE(folders) && r == 0; i++) {
		kvn_path path;

		(void)kvn_file_mkdirs(path_of(observer, folders[i], "", path), NULL); /* for whoever may; else below */
		r = watch(observer, folders[i], "", err);
	}
	observer->is_quiet = true;
	if (r == 0)
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
	observer->kvn = kvn;
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
	kvn_cleanup_close(&observer->fd);
	json_decref(observer->seen);
	json_decref(observer->dirty);
	json_decref(observer->events);
	free(observer->watched);
	free(observer);
}
