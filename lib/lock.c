/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lock.c - one lock a network and one for the host, by flock(2): the kernel lets go when the holder dies. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "context.h"
#include "file.h"

static const char *path_of(const struct kvn *kvn, const char *network, kvn_path path)
{
	(void)snprintf(path, KVN_PATH_MAX, "%s/locks/%s", kvn->runtime_dir, network);
	return path;
}

/* Whoever unlinks a lock file holds it, so a waiter may find itself with a lock on a file that is gone. */
static bool is_current(int fd, const char *path)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
	       held.st_dev == named.st_dev;
}

static int take(const struct kvn *kvn, const char *path, struct kvn_error *err)
{
	kvn_path dir;

	for (;;) {
		auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0 && errno == ENOENT) {
			int r;

			(void)snprintf(dir, sizeof(dir), "%s/locks", kvn->runtime_dir);
			r = kvn_file_mkdirs(dir, err);
			if (r < 0)
				return r;
			continue;
		}
		if (fd < 0 && errno == EACCES)
			return kvn_fail(err, EACCES, "%s: %s: needs root", path, strerror(EACCES));
		if (fd < 0)
			return kvn_fail_errno(err, errno, "cannot lock %s", path);
		while (flock(fd, LOCK_EX) < 0)
			if (errno != EINTR)
				return kvn_fail_errno(err, errno, "cannot lock %s", path);
		if (is_current(fd, path))
			return steal_fd(&fd);
	}
}

int kvn_lock_network(const struct kvn *kvn, const char *network, struct kvn_error *err)
{
	kvn_path path;

	return take(kvn, path_of(kvn, network, path), err);
}

/* No network is called ".host" or ".subnets". */
int kvn_lock_host(const struct kvn *kvn, struct kvn_error *err)
{
	return kvn_lock_network(kvn, ".host", err);
}

int kvn_lock_subnets(const struct kvn *kvn, struct kvn_error *err)
{
	return kvn_lock_network(kvn, ".subnets", err);
}

void kvn_unlock_network(const struct kvn *kvn, const char *network, int *fd)
{
	kvn_path path;

	if (*fd < 0)
		return;
	if (access(kvn_path_record(kvn, network, path), F_OK) < 0)
		(void)unlink(path_of(kvn, network, path)); /* a lock file that stays does no harm */
	(void)close(*fd);
	*fd = -1;
}
