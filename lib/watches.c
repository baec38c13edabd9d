/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watches.c - inotify on the folders that say what networks do. */
#include "watches.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#include "array.h"
#include "cleanup.h"
#include "definition.h"

#define NEWS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_MODIFY)
#define ARRIVAL (IN_CREATE | IN_MOVED_TO)

enum folder { DEFINITIONS, NETWORKS, LEASES, NETWORK, PORTS };

static const enum folder roots[] = {DEFINITIONS, NETWORKS, LEASES};

/* Folders may be one, and then have one wd: /srv/etc and /srv/run that are not there yet are both waited for in /srv. */
struct kvn_watch {
	int wd;
	enum folder folder;
	bool is_above; /* on the nearest folder above, until it comes itself */
	char network[KVN_NAME_MAX + 1]; /* of NETWORK and PORTS */
};

static const char *path_of(const struct kvn *kvn, enum folder folder, const char *network, kvn_path path)
{
	switch (folder) {
	case DEFINITIONS:
		return kvn_path_definitions(kvn, path);
	case NETWORKS:
		(void)snprintf(path, KVN_PATH_MAX, "%s/networks", kvn->runtime_dir);
		return path;
	case LEASES:
		(void)snprintf(path, KVN_PATH_MAX, "%s/leases", kvn->state_dir);
		return path;
	case NETWORK:
		return kvn_path_runtime(kvn, network, path);
	case PORTS:
		return kvn_path_ports(kvn, network, path);
	}
	return path;
}

/* ---- one watch ---- */

static struct kvn_watch *find(const struct kvn_watches *watches, enum folder folder, bool is_above, const char *network)
{
	for (size_t i = 0; i < watches->n; i++) {
		struct kvn_watch *watch = &watches->items[i];

		if (watch->folder == folder && watch->is_above == is_above && strcmp(watch->network, network) == 0)
			return watch;
	}
	return NULL;
}

/* Say why @path cannot be watched. */
static int fail(int code, const char *path, struct kvn_error *err)
{
	if (code == ENOSPC)
		return kvn_fail(err, ENOSPC, "cannot watch %s: no watch is left (raise fs.inotify.max_user_watches)",
				path);
	if (code == EACCES)
		return kvn_fail(err, EACCES, "cannot watch %s: %s: needs root, or netd", path, strerror(EACCES));
	return kvn_fail_errno(err, code, "cannot watch %s", path);
}

/* A watch that is there already moves to what is at @path now. */
static int add(struct kvn_watches *watches, const struct kvn_watch *like, const char *path, struct kvn_error *err)
{
	struct kvn_watch *watch = find(watches, like->folder, like->is_above, like->network);
	int wd;

	if (!watch && !KVN_ARRAY_ROOM(watches->items, watches->n, watches->size))
		return kvn_fail_errno(err, ENOMEM, "watches");
	wd = inotify_add_watch(watches->fd, path, (like->is_above ? ARRIVAL : NEWS) | IN_ONLYDIR | IN_MASK_ADD);
	if (wd < 0)
		return fail(errno, path, err);
	if (!watch)
		watch = &watches->items[watches->n++];
	*watch = *like;
	watch->wd = wd;
	return 0;
}

static void drop(struct kvn_watches *watches, struct kvn_watch *watch)
{
	int wd = watch->wd;

	*watch = watches->items[--watches->n];
	for (size_t i = 0; i < watches->n; i++)
		if (watches->items[i].wd == wd)
			return;
	(void)inotify_rm_watch(watches->fd, wd); /* gone already when its folder is */
}

/* ---- the three at the top ---- */

/* Watch the nearest folder above @path.  *ret_below: the path in it that is missed. */
static int add_above(struct kvn_watches *watches, enum folder folder, const char *path, kvn_path ret_below,
		     struct kvn_error *err)
{
	const struct kvn_watch like = {.folder = folder, .is_above = true};
	int r = -ENOENT;
	kvn_path above;

	(void)snprintf(above, sizeof(above), "%s", path);
	while (r == -ENOENT && above[1]) {
		char *slash = strrchr(above, '/');

		memcpy(ret_below, above, sizeof(above));
		slash[slash == above] = '\0'; /* "/run" -> "/" */
		r = add(watches, &like, above, err);
	}
	return r;
}

/* -EACCES neither it nor what is above it may be read */
static int add_root(struct kvn_watches *watches, enum folder folder, struct kvn_error *err)
{
	const struct kvn_watch like = {.folder = folder};
	struct kvn_watch *above;
	kvn_path path, below;
	int r;

	(void)path_of(watches->kvn, folder, "", path);
	while ((r = add(watches, &like, path, err)) == -ENOENT) {
		r = add_above(watches, folder, path, below, err);
		if (r < 0 || access(below, F_OK) < 0) /* else it came before the watch above it was there */
			return r;
	}
	above = r == 0 ? find(watches, folder, true, "") : NULL;
	if (above)
		drop(watches, above);
	return r;
}

/* Those that are not watched themselves.  What may not be read is left out, unless it is all. */
static int add_roots(struct kvn_watches *watches, struct kvn_error *err)
{
	size_t n_denied = 0;

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		int r = find(watches, roots[i], false, "") ? 0 : add_root(watches, roots[i], err);

		if (r < 0 && (r != -EACCES || ++n_denied == ARRAY_SIZE(roots)))
			return r;
	}
	return 0;
}

int kvn_watches_add(struct kvn_watches *watches, const char *network, struct kvn_error *err)
{
	static const enum folder folders[] = {NETWORK, PORTS};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		struct kvn_watch like = {.folder = folders[i]};
		kvn_path path;
		int r;

		(void)snprintf(like.network, sizeof(like.network), "%s", network);
		r = add(watches, &like, path_of(watches->kvn, folders[i], network, path), err);
		if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -EACCES)
			return r;
	}
	return 0;
}

/* ---- news ---- */

static void touch(json_t *touched, const char *name)
{
	if (kvn_name_check(name, NULL) == 0) /* temporary files begin with a dot */
		(void)json_object_set_new(touched, name, json_true()); /* no memory: its next news */
}

/* "nat0.yaml" -> "nat0" */
static void touch_defined(json_t *touched, const char *file)
{
	const char *suffix = strrchr(file, '.');
	char name[KVN_NAME_MAX + 1];

	if (!suffix || strcmp(suffix, ".yaml") != 0 || suffix - file > KVN_NAME_MAX)
		return;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(suffix - file), file);
	touch(touched, name);
}

static void touch_port(json_t *touched, const char *network, const char *ifname)
{
	json_t *ports = json_object_get(touched, network);

	if (ifname[0] == '.' || json_is_true(ports))
		return; /* on its way to its name; or all of the network is looked at anyway */
	if (!ports && json_object_set_new(touched, network, ports = json_object()) < 0)
		return; /* no memory: its next news */
	(void)json_object_set_new(ports, ifname, json_true());
}

static void take(const struct kvn_watch *watch, const char *file, json_t *touched)
{
	switch (watch->folder) {
	case DEFINITIONS:
		touch_defined(touched, file);
		break;
	case NETWORKS:
	case LEASES:
		touch(touched, file);
		break;
	case NETWORK:
		if (strcmp(file, "network.json") == 0 || strcmp(file, "ports") == 0)
			touch(touched, watch->network);
		break;
	case PORTS:
		touch_port(touched, watch->network, file);
		break;
	}
}

/* True: one of the three came or went, or may have. */
static bool take_all(struct kvn_watches *watches, const struct inotify_event *news, json_t *touched)
{
	bool is_root = false;

	for (size_t i = watches->n; i-- > 0;) { /* drop() fills the gap with the last */
		struct kvn_watch *watch = &watches->items[i];

		if (watch->wd != news->wd)
			continue;
		is_root = is_root || watch->is_above || (news->mask & IN_IGNORED && !watch->network[0]);
		if (news->mask & IN_IGNORED && watch->network[0])
			touch(touched, watch->network);
		if (news->mask & IN_IGNORED)
			drop(watches, watch);
		else if (!watch->is_above && news->len)
			take(watch, news->name, touched);
	}
	return is_root;
}

/* Begin anew: it is not known any more which of the watched folders still are.  That of a network comes back with the look
 * at it. */
static void drop_all(struct kvn_watches *watches)
{
	while (watches->n > 0)
		drop(watches, &watches->items[watches->n - 1]);
}

int kvn_watches_read(struct kvn_watches *watches, json_t *touched, bool *ret_is_all, struct kvn_error *err)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool is_all = false;
	ssize_t n;
	int r = 0;

	while ((n = read(watches->fd, buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR))
		for (const char *at = buffer; at < buffer + n;) {
			const struct inotify_event *news = (const void *)at;

			if (news->mask & IN_Q_OVERFLOW)
				drop_all(watches);
			is_all = take_all(watches, news, touched) || news->mask & IN_Q_OVERFLOW || is_all;
			at += sizeof(*news) + news->len;
		}
	if (n < 0 && errno != EAGAIN)
		r = kvn_fail_errno(err, errno, "inotify");
	if (r == 0 && is_all)
		r = add_roots(watches, err);
	*ret_is_all = is_all;
	return r;
}

/* ---- life ---- */

int kvn_watches_open(struct kvn_watches *ret, const struct kvn *kvn, struct kvn_error *err)
{
	*ret = (struct kvn_watches){.kvn = kvn, .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
	if (ret->fd < 0 && errno == EMFILE)
		return kvn_fail(err, EMFILE,
				"inotify: too many instances, or open files (raise fs.inotify.max_user_instances)");
	if (ret->fd < 0)
		return kvn_fail_errno(err, errno, "inotify");
	return add_roots(ret, err);
}

void kvn_watches_close(struct kvn_watches *watches)
{
	kvn_cleanup_close(&watches->fd);
	free(watches->items);
	*watches = (struct kvn_watches){.fd = -1};
}
