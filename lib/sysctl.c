/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl.c - integer settings under /proc/sys, which shows the network namespace of whoever opens it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "kernel.h"

/* "net.ipv4.ip_forward" -> "/proc/sys/net/ipv4/ip_forward"; '/' and '.' swap roles, as in sysctl(8). */
static void path_of(const char *key, char path[static 160])
{
	size_t n = (size_t)snprintf(path, 160, "/proc/sys/%s", key);

	for (size_t i = strlen("/proc/sys/"); i < n && i < 159; i++)
		path[i] = path[i] == '.' ? '/' : path[i] == '/' ? '.' : path[i];
}

int kvn_sysctl_get(const char *key, int *ret, struct kvn_error *err)
{
	char path[160], text[32];
	auto_close int fd = -1;
	ssize_t n;

	path_of(key, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return kvn_fail_errno(err, errno, "sysctl %s", key);
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return kvn_fail_errno(err, errno, "sysctl %s", key);
	text[n] = '\0';
	*ret = (int)strtol(text, NULL, 10);
	return 0;
}

int kvn_sysctl_set(const char *key, int value, struct kvn_error *err)
{
	char path[160], text[16];
	auto_close int fd = -1;
	int n = snprintf(text, sizeof(text), "%d", value);

	path_of(key, path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)n) != n)
		return kvn_fail_errno(err, errno, "sysctl %s=%d", key, value);
	return 0;
}

static void link_key(char key[static 96], const char *family, const char *ifname, const char *name)
{
	char escaped[IFNAMSIZ];
	size_t i;

	for (i = 0; i < sizeof(escaped) - 1 && ifname[i]; i++)
		escaped[i] = ifname[i] == '.' ? '/' : ifname[i];
	escaped[i] = '\0';
	(void)snprintf(key, 96, "net.%s.conf.%s.%s", family, escaped, name);
}

int kvn_sysctl_get_link(const char *family, const char *ifname, const char *name, int *ret, struct kvn_error *err)
{
	char key[96];

	link_key(key, family, ifname, name);
	return kvn_sysctl_get(key, ret, err);
}

int kvn_sysctl_set_link(const char *family, const char *ifname, const char *name, int value, int absent,
			struct kvn_error *err)
{
	char key[96];
	int r;

	link_key(key, family, ifname, name);
	r = kvn_sysctl_set(key, value, err);
	return r == -ENOENT && value == absent ? 0 : r;
}
