/* SPDX-License-Identifier: GPL-2.0-or-later */
/* registration.c - run "kvnet-virt register NAME", and take its one line on standard error as the reason of a failure.
 *
 * libvirt's client takes 8-16 ms to load, starts threads and may wait for its daemon for ever: all of that is a process of its
 * own, which ends itself when libvirtd does not answer. */
#include "registration.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "cleanup.h"
#include "definition.h"
#include "store.h"

#ifndef KVN_LIBEXECDIR /* it comes from the Makefile; this is for analysers */
#define KVN_LIBEXECDIR "/usr/local/libexec/kvnet"
#endif

bool kvn_registration_is_wanted(const struct kvn *kvn, const char *name)
{
	struct kvn_network net = {0};
	bool is_wanted = kvn_store_read(kvn, name, NULL, &net, NULL) == 0 && net.is_registered;

	kvn_network_clear(&net);
	return is_wanted;
}

bool kvn_registration_is_left(const struct kvn *kvn, const char *name)
{
	kvn_path path;

	return access(kvn_path_registration(kvn, name, path), F_OK) == 0 && !kvn_registration_is_wanted(kvn, name);
}

void kvn_registration_find_program(char path[static 4096])
{
	ssize_t n = readlink("/proc/self/exe", path, 4096 - sizeof("/kvnet-virt"));
	char *slash = NULL;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
	}
	if (slash)
		memcpy(slash, "/kvnet-virt", sizeof("/kvnet-virt"));
	if (!slash || access(path, X_OK) < 0)
		(void)snprintf(path, 4096, "%s/kvnet-virt", KVN_LIBEXECDIR);
}

/* The caller may have blocked and ignored signals. */
static int spawn(const char *path, char *const argv[], int output, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
		if (r == 0)
			r = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
		if (r == 0)
			r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
		if (r == 0)
			r = posix_spawnattr_setsigmask(&attr, &none);
		if (r == 0)
			r = posix_spawnattr_setsigdefault(&attr, &all);
		if (r == 0)
			r = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
		if (r == 0)
			r = posix_spawn(ret, path, &actions, &attr, argv, environ);
		(void)posix_spawnattr_destroy(&attr);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return r;
}

/* The first line that comes from @fd, up to its end. */
static void read_line(int fd, char *line, size_t size)
{
	size_t used = 0;
	char rest[256];

	for (;;) {
		bool is_full = used + 1 >= size;
		ssize_t n = is_full ? read(fd, rest, sizeof(rest)) : read(fd, line + used, size - 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += is_full ? 0 : (size_t)n;
	}
	line[used] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

static int run(const char *verb, const char *name, struct kvn_error *err)
{
	static const char prefix[] = "kvnet: ";
	char path[4096], line[sizeof(err->message)] = "", program[] = "kvnet-virt", verb_copy[16],
			 name_copy[KVN_NAME_MAX + 1];
	char *const argv[] = {program, verb_copy, name_copy, NULL};
	auto_close int in = -1, out = -1;
	int pipes[2], status = 0, r;
	pid_t pid;

	(void)snprintf(verb_copy, sizeof(verb_copy), "%s", verb);
	(void)snprintf(name_copy, sizeof(name_copy), "%s", name);
	kvn_registration_find_program(path);
	if (access(path, X_OK) < 0)
		return kvn_fail(err, ENOENT, "libvirt: %s is not there: kvnet was built or installed without libvirt",
				path);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return kvn_fail_errno(err, errno, "pipe");
	in = pipes[0];
	out = pipes[1];
	r = spawn(path, argv, out, &pid);
	if (r != 0)
		return kvn_fail_errno(err, r, "%s", path);
	kvn_cleanup_close(&out);
	out = -1;
	read_line(in, line, sizeof(line));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return kvn_fail_errno(err, errno, "%s", path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (!line[0])
		return kvn_fail(err, EIO, "%s: ended by status %d", path, status);
	return kvn_fail(err, EIO, "%s", line + (strncmp(line, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0));
}

int kvn_registration_add(const char *name, struct kvn_error *err)
{
	return run("register", name, err);
}

int kvn_registration_del(const char *name, struct kvn_error *err)
{
	return run("unregister", name, err);
}
