/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsmasq.c - see that one network's dnsmasq runs by its files, or does not.
 *
 * dnsmasq reads its configuration as root and drops to its own user; only then, and again at every SIGHUP, does it read the
 * reservations.  In a private folder it could not.  So where the reservations are is said on its standard input:
 *
 *   the user may read hosts and dhcp   addn-hosts=, dhcp-hostsfile=    a change is a SIGHUP
 *   it may not                         their lines as options          a change is a restart
 *
 * The mode of the two files, 0644 or 0600, remembers which way the running process was told.
 */
#include "dnsmasq.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cleanup.h"
#include "dnsmasq_events.h"
#include "dnsmasq_process.h"
#include "file.h"
#include "lease.h"

#define RENAME_TRIES 500 /* of a millisecond and more, until a restart is the answer */

/* ---- the user that dnsmasq runs as ---- */

struct user {
	char name[32], group[32]; /* group "": unknown */
	uid_t uid;
	gid_t gid;
};

/* By the files and not by getpwnam(3), which would load whatever nsswitch.conf names: system users are in them. */
static bool find_user(const char *name, struct user *ret)
{
	auto_file FILE *file = fopen("/etc/passwd", "re");
	struct passwd entry, *found;
	char buffer[4096];

	while (file && fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found) == 0)
		if (strcmp(entry.pw_name, name) == 0) {
			*ret = (struct user){.uid = entry.pw_uid, .gid = entry.pw_gid};
			(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
			return true;
		}
	return false;
}

static void find_group(struct user *user)
{
	auto_file FILE *file = fopen("/etc/group", "re");
	struct group entry, *found;
	char buffer[16384];

	while (file && !user->group[0]) {
		if (fgetgrent_r(file, &entry, buffer, sizeof(buffer), &found) != 0)
			return; /* dnsmasq has a default for it */
		if (entry.gr_gid == user->gid)
			(void)snprintf(user->group, sizeof(user->group), "%s", entry.gr_name);
	}
}

static struct user user_get(void)
{
	struct user user = {.name = "nobody", .uid = 65534, .gid = 65534};

	if (!find_user("dnsmasq", &user))
		(void)find_user("nobody", &user); /* else dnsmasq says that there is none */
	find_group(&user);
	return user;
}

static bool can_pass(const struct user *user, const char *folder)
{
	struct stat st;

	if (stat(folder, &st) < 0)
		return false;
	if (st.st_uid == user->uid)
		return st.st_mode & S_IXUSR;
	return st.st_mode & (st.st_gid == user->gid ? S_IXGRP : S_IXOTH);
}

/* May @user pass through every folder of @path? */
static bool can_reach(const struct user *user, const char *path)
{
	char folder[PATH_MAX], real[PATH_MAX];

	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (!realpath(folder, real))
		return false;
	for (char *slash = real; slash; slash = strchr(slash + 1, '/')) {
		(void)snprintf(folder, sizeof(folder), "%.*s", slash == real ? 1 : (int)(slash - real), real);
		if (!can_pass(user, folder))
			return false;
	}
	return can_pass(user, real);
}

static bool can_read(const struct user *user, const struct kvn_dnsmasq_paths *paths)
{
	return can_reach(user, paths->hosts) && can_reach(user, paths->dhcp);
}

/* ---- the files ---- */

struct file {
	const char *path;
	char *text; /* owned; NULL: there is none */
	mode_t mode;
};

/* What is on disk, to be put back when a start fails. */
struct files {
	struct file conf, hosts, dhcp;
	bool has_leases;
};

static int file_get(const char *path, struct file *ret, struct kvn_error *err)
{
	struct stat st = {0};
	int r = kvn_file_read(path, &ret->text, err);

	ret->path = path;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	ret->mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0;
	return 0;
}

static int file_put(const struct file *file, struct kvn_error *err)
{
	return file->text ? kvn_file_write(file->path, file->text, file->mode, false, err)
			  : kvn_file_remove(file->path, err);
}

static void files_clear(struct files *files)
{
	free(files->conf.text);
	free(files->hosts.text);
	free(files->dhcp.text);
}

#define auto_files __attribute__((cleanup(files_clear)))

static int files_get(const struct kvn_dnsmasq_paths *paths, struct files *ret, struct kvn_error *err)
{
	int r = file_get(paths->conf, &ret->conf, err);

	if (r == 0)
		r = file_get(paths->hosts, &ret->hosts, err);
	if (r == 0)
		r = file_get(paths->dhcp, &ret->dhcp, err);
	ret->has_leases = access(paths->leases, F_OK) == 0;
	return r;
}

static int files_put(const struct files *files, struct kvn_error *err)
{
	int r = file_put(&files->conf, err);

	if (r == 0)
		r = file_put(&files->hosts, err);
	return r < 0 ? r : file_put(&files->dhcp, err);
}

/* The error that led here is the one to tell. */
static void files_restore(const struct files *had, const struct kvn_dnsmasq_paths *paths)
{
	(void)file_put(&had->conf, NULL);
	(void)file_put(&had->hosts, NULL);
	(void)file_put(&had->dhcp, NULL);
	(void)kvn_file_remove(paths->pid, NULL);
	if (!had->has_leases)
		(void)kvn_file_remove(paths->leases, NULL);
}

static char *steal_text(struct file *file)
{
	return file->text ? steal_ptr(&file->text) : strdup("");
}

int kvn_dnsmasq_read(const struct kvn_dnsmasq_paths *paths, struct kvn_dnsmasq *ret, struct kvn_error *err)
{
	auto_files struct files files = {0};
	struct kvn_dnsmasq dns;
	int r = files_get(paths, &files, err);

	if (r < 0)
		return r;
	dns = (struct kvn_dnsmasq){steal_text(&files.conf), steal_text(&files.hosts), steal_text(&files.dhcp)};
	if (!dns.conf || !dns.hosts || !dns.dhcp) {
		kvn_dnsmasq_clear(&dns);
		return kvn_fail_errno(err, ENOMEM, "dnsmasq");
	}
	*ret = dns;
	return 0;
}

int kvn_dnsmasq_host_resolvers(struct kvn_ip ret[static KVN_UPSTREAM_MAX], size_t *ret_n, struct kvn_error *err)
{
	auto_free char *text = NULL;
	int r = kvn_file_read("/etc/resolv.conf", &text, err);

	if (r < 0 && r != -ENOENT)
		return r;
	kvn_dnsmasq_parse_resolvers(text ? text : "", ret, ret_n);
	return 0;
}

/* ---- what it is told on its standard input ---- */

/* "ADDRESS NAME NAME" lines, as kvn_dnsmasq_format() writes them, as options. */
static void put_hosts(FILE *out, const char *hosts)
{
	for (const char *at = hosts; *at; at += *at == '\n') {
		int address = (int)strcspn(at, " \n"), line = (int)strcspn(at, "\n");

		fputs("host-record=", out);
		for (int i = address + 1; i < line; i++)
			fputc(at[i] == ' ' ? ',' : at[i], out);
		fprintf(out, ",%.*s\n", address, at);
		at += line;
	}
}

static void put_dhcp(FILE *out, const char *dhcp)
{
	for (const char *at = dhcp; *at; at += *at == '\n') {
		int line = (int)strcspn(at, "\n");

		fprintf(out, "dhcp-host=%.*s\n", line, at);
		at += line;
	}
}

static int format_input(const struct user *user, bool is_readable, const struct kvn_dnsmasq_paths *paths,
			const struct kvn_dnsmasq *dns, char **ret, struct kvn_error *err)
{
	auto_free char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool is_whole;

	if (!out)
		return kvn_fail_errno(err, ENOMEM, "dnsmasq");
	fprintf(out, "user=%s\n", user->name);
	if (user->group[0])
		fprintf(out, "group=%s\n", user->group);
	if (is_readable) {
		fprintf(out, "addn-hosts=%s\ndhcp-hostsfile=%s\n", paths->hosts, paths->dhcp);
	} else {
		put_hosts(out, dns->hosts);
		put_dhcp(out, dns->dhcp);
	}
	is_whole = !ferror(out);
	if (fclose(out) != 0 || !is_whole)
		return kvn_fail_errno(err, ENOMEM, "dnsmasq");
	*ret = steal_ptr(&text);
	return 0;
}

/* ---- start and stop ---- */

pid_t kvn_dnsmasq_get(const struct kvn_dnsmasq_paths *paths)
{
	return kvn_dnsmasq_process_glance(paths);
}

static bool is_text_same(const struct file *had, const char *want)
{
	return had->text && strcmp(had->text, want) == 0;
}

/* What the change from reservations @before to @after asks of the leases. */
static int settle(const struct kvn_dnsmasq_paths *paths, const char *before, const char *after,
		  struct kvn_lease_change *ret, struct kvn_error *err)
{
	auto_free char *text = NULL;
	int r = kvn_file_read(paths->leases, &text, err);

	if (r < 0 && r != -ENOENT)
		return r;
	return kvn_lease_settle(text ? text : "", before ? before : "", after, ret, err);
}

/* The same for a dnsmasq that is not running: write the leases down. */
static int settle_file(const struct kvn_dnsmasq_paths *paths, const char *before, const char *after,
		       struct kvn_error *err)
{
	struct kvn_lease_change change = {0};
	int r = settle(paths, before, after, &change, err);

	if (r == 0 && change.text)
		r = kvn_file_write(paths->leases, change.text, 0644, false, err);
	kvn_lease_change_clear(&change);
	return r;
}

/* Have the names that are reserved no more taken from the leases.  -EAGAIN: it takes too long. */
static int take_names_back(const struct kvn_process *process, const struct kvn_dnsmasq_paths *paths,
			   const struct files *want, const struct files *had, const char *renames,
			   struct kvn_error *err)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int r = kvn_file_write(paths->dhcp, renames, want->dhcp.mode, false, err);

	if (r == 0)
		r = kvn_dnsmasq_process_signal(process, SIGHUP, err);
	for (int tries = 0; r == 0 && tries < RENAME_TRIES; tries++) {
		struct kvn_lease_change change = {0};
		bool is_done;

		(void)nanosleep(&pause, NULL); /* about what reading a few files takes */
		r = settle(paths, had->dhcp.text, want->dhcp.text, &change, err);
		is_done = !change.renames;
		kvn_lease_change_clear(&change);
		if (r == 0 && is_done)
			return 0;
	}
	return r < 0 ? r : kvn_fail(err, EAGAIN, "dnsmasq: process %d does not answer", (int)process->pid);
}

/* Have the running one read the reservations again. */
static int reload(const struct kvn_process *process, const struct kvn_dnsmasq_paths *paths, const struct files *want,
		  const struct files *had, const char *renames, struct kvn_error *err)
{
	int r = file_put(&want->hosts, err);

	if (r == 0 && renames)
		r = take_names_back(process, paths, want, had, renames, err);
	if (r == 0)
		r = file_put(&want->dhcp, err);
	if (r == 0)
		r = kvn_dnsmasq_process_signal(process, SIGHUP, err);
	if (r < 0) {
		(void)file_put(&had->hosts, NULL); /* the first error is the one to tell */
		(void)file_put(&had->dhcp, NULL);
	}
	return r;
}

/* Of the process that was just started, as its configuration says. */
static int limit_events(const struct kvn_dnsmasq_paths *paths, const char *conf, struct kvn_error *err)
{
	static const char key[] = "\ninterface=";
	struct kvn_process process = kvn_dnsmasq_process_get(paths);
	auto_close int fd = process.fd;
	const char *interface = strstr(conf, key);
	char ifname[IFNAMSIZ] = "";

	if (fd < 0 || !kvn_dnsmasq_process_is_here(process.pid))
		return kvn_fail(err, EIO, "dnsmasq: ended as soon as it was started");
	if (interface && sscanf(interface + strlen(key), "%15[^\n]", ifname) == 1)
		kvn_dnsmasq_events_limit(&process, ifname);
	return 0;
}

/* End what runs, settle the leases, put the files, start anew. */
static int restart(const struct kvn_dnsmasq_paths *paths, const struct files *want, const struct files *had,
		   const char *input, struct kvn_error *err)
{
	char program[256];
	int r = kvn_dnsmasq_program_get(program, err);

	if (r == 0)
		r = kvn_dnsmasq_process_end_all(paths, err);
	if (r < 0)
		return r;
	/* In this order, so that a caller killed in between leaves no process that runs by other files than those there are. */
	r = settle_file(paths, had->dhcp.text, want->dhcp.text, err);
	if (r == 0)
		r = files_put(want, err);
	if (r == 0)
		r = kvn_dnsmasq_process_start(program, paths->conf, input, err);
	if (r == 0)
		r = limit_events(paths, want->conf.text, err);
	if (r < 0) {
		(void)kvn_dnsmasq_process_end_all(paths, NULL); /* the first error is the one to tell */
		files_restore(had, paths);
	}
	return r;
}

/* Change the reservations of a running one.  -EAGAIN: only by a restart. */
static int change_live(const struct kvn_process *process, const struct kvn_dnsmasq_paths *paths,
		       const struct files *want, const struct files *had, struct kvn_error *err)
{
	struct kvn_lease_change change = {0};
	int r = settle(paths, had->dhcp.text, want->dhcp.text, &change, err);

	if (r == 0)
		r = change.needs_restart ? -EAGAIN : reload(process, paths, want, had, change.renames, err);
	kvn_lease_change_clear(&change);
	return r;
}

int kvn_dnsmasq_start(const struct kvn_dnsmasq_paths *paths, const struct kvn_dnsmasq *dns, struct kvn_error *err)
{
	struct kvn_process process = kvn_dnsmasq_process_get(paths);
	auto_close int fd = process.fd;
	auto_files struct files had = {0};
	auto_free char *input = NULL;
	struct user user = user_get();
	bool is_readable = can_read(&user, paths), is_same;
	mode_t mode = is_readable ? 0644 : 0600;
	struct files want = {.conf = {paths->conf, dns->conf, 0644},
			     .hosts = {paths->hosts, dns->hosts, mode},
			     .dhcp = {paths->dhcp, dns->dhcp, mode}};
	int r = files_get(paths, &had, err);

	if (r < 0)
		return r;
	is_same = fd >= 0 && kvn_dnsmasq_process_is_here(process.pid) && is_text_same(&had.conf, dns->conf);
	if (is_same && is_text_same(&had.hosts, dns->hosts) && is_text_same(&had.dhcp, dns->dhcp))
		return 0;
	if (is_same && is_readable && had.hosts.mode == mode && had.dhcp.mode == mode) {
		r = change_live(&process, paths, &want, &had, err);
		if (r != -EAGAIN)
			return r;
	}
	r = format_input(&user, is_readable, paths, dns, &input, err);
	return r < 0 ? r : restart(paths, &want, &had, input, err);
}

/* dnsmasq makes the file before there is anything to write. */
static int remove_empty_leases(const struct kvn_dnsmasq_paths *paths, struct kvn_error *err)
{
	struct stat st;

	return stat(paths->leases, &st) == 0 && st.st_size == 0 ? kvn_file_remove(paths->leases, err) : 0;
}

int kvn_dnsmasq_stop(const struct kvn_dnsmasq_paths *paths, struct kvn_error *err)
{
	const char *files[] = {paths->pid, paths->hosts, paths->dhcp,
			       paths->conf}; /* conf last: see dnsmasq_process.c */
	auto_free char *reservations = NULL;
	int r = kvn_dnsmasq_process_end_all(paths, err);

	if (r < 0)
		return r;
	/* Reserved names are given again at the next start, if they still are: that start will not know what they were. */
	if (kvn_file_read(paths->dhcp, &reservations, NULL) == 0)
		(void)settle_file(paths, reservations, "", NULL); /* at worst a name stays with its guest */
	for (size_t i = 0; i < ARRAY_SIZE(files) && r == 0; i++)
		r = kvn_file_remove(files[i], err);
	return r < 0 ? r : remove_empty_leases(paths, err);
}
