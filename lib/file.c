/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file.c - whole files, read and replaced whole. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"

#define READ_MAX (4U << 20) /* bytes; nothing that kvnet reads is near it */

int kvn_file_read(const char *path, char **ret, struct kvn_error *err)
{
	auto_free char *text = NULL;
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t size = 2048, used = 0;

	if (fd < 0)
		return kvn_fail_errno(err, errno, "%s", path);
	text = malloc(size);
	if (!text)
		return kvn_fail_errno(err, ENOMEM, "%s", path);
	for (;;) {
		ssize_t n = read(fd, text + used, size - used - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kvn_fail_errno(err, errno, "%s", path);
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > READ_MAX)
			return kvn_fail_errno(err, EFBIG, "%s", path);
		if (used + 1 == size) {
			char *grown = realloc(text, size *= 2);

			if (!grown)
				return kvn_fail_errno(err, ENOMEM, "%s", path);
			text = grown;
		}
	}
	text[used] = '\0';
	*ret = steal_ptr(&text);
	return 0;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

static int fill(int fd, const char *text, mode_t mode, bool is_durable)
{
	int r = write_all(fd, text);

	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0)
		return -errno;
	if (is_durable && fsync(fd) < 0)
		return -errno;
	return 0;
}

/* The name that a file has while it is written: one, so that what a killed writer leaves is overwritten by the next; its
 * callers hold a lock.  A dot before it keeps it out of listings. */
static int temporary_of(const char *path, char temporary[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash + 1 - path) : 0;

	return snprintf(temporary, PATH_MAX, "%.*s.%s.new", dir, path, path + dir) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int kvn_file_write(const char *path, const char *text, mode_t mode, bool is_durable, struct kvn_error *err)
{
	char temporary[PATH_MAX];
	auto_close int fd = -1;
	int r;

	if (temporary_of(path, temporary) < 0)
		return kvn_fail_errno(err, ENAMETOOLONG, "%s", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return kvn_fail_errno(err, errno, "cannot write %s", path);
	r = fill(fd, text, mode, is_durable);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(temporary); /* the first error is the one to tell */
		return kvn_fail_errno(err, -r, "cannot write %s", path);
	}
	return 0;
}

int kvn_file_remove(const char *path, struct kvn_error *err)
{
	char temporary[PATH_MAX];

	if (temporary_of(path, temporary) == 0)
		(void)unlink(temporary); /* there is one only where a writer was killed */
	if (unlink(path) < 0 && errno != ENOENT)
		return kvn_fail_errno(err, errno, "cannot remove %s", path);
	return 0;
}

int kvn_file_mkdirs(const char *path, struct kvn_error *err)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(part))
		return kvn_fail_errno(err, ENAMETOOLONG, "%s", path);
	if (mkdir(path, 0755) == 0 || errno == EEXIST) /* the usual case costs one call */
		return 0;
	if (errno != ENOENT)
		return kvn_fail_errno(err, errno, "cannot make directory %s", path);
	memcpy(part, path, length + 1);
	for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return kvn_fail_errno(err, errno, "cannot make directory %s", part);
		if (!slash)
			return 0;
		*slash = '/';
	}
}
