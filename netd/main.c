/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - netd: networks that are kept as they came up, and served to users without privilege. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "file.h"
#include "host_check.h"
#include "netd.h"
#include "record.h"
#include "store.h"

#define WORKERS 4U

static const char usage[] =
	"usage: netd [--foreground | --help | --version]\n"
	"Keep kvnet's networks up and as they should be, and serve them on a socket: see netd(8).\n"
	"Runs in the foreground in any case, for a service manager or without one; SIGTERM ends it and leaves the\n"
	"networks as they are.\n";

/* The journal takes "<4>" as a priority; a terminal need not see it. */
void say(const char *level, const char *fmt, ...)
{
	va_list args;
	char line[1024];

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	(void)fprintf(stderr, "%s%s\n", getenv("JOURNAL_STREAM") ? level : "netd: ", line);
}

/* ---- boot ---- */

struct boot {
	struct job job;
	unsigned n_started, n_failed;
};

static void boot_one(struct kvn *kvn, const char *name, struct boot *boot)
{
	struct kvn_network net = {0};
	struct kvn_error err = {0};
	int r = kvn_store_read(kvn, name, NULL, &net, &err);
	bool is_wanted = r < 0 || net.start == KVN_START_BOOT;

	kvn_network_clear(&net);
	if (!is_wanted || kvn_record_exists(kvn, name))
		return;
	if (r == 0)
		r = kvn_start(kvn, name, &err);
	else
		(void)kvn_wrap(&err, "network '%s'", name);
	if (r < 0) {
		say(SD_ERR, "%s", err.message);
		kvn_record_set_problem(kvn, name, err.message);
		boot->n_failed++;
	} else {
		boot->n_started++;
	}
}

/* Once a boot: who restarts netd does not start what root has stopped. */
static void run_boot(struct kvn *kvn, struct job *job)
{
	struct boot *boot = (struct boot *)job;
	auto_free char(*names)[KVN_NAME_MAX + 1] = NULL;
	kvn_path marker;
	size_t n = 0;

	(void)snprintf(marker, sizeof(marker), "%s/booted", kvn->runtime_dir);
	if (access(marker, F_OK) == 0 || kvn_store_dump(kvn, &names, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		boot_one(kvn, names[i], boot);
	(void)kvn_file_write(marker, "", 0644, false, NULL); /* at worst it is done again */
}

static void done_boot(struct netd *netd, struct job *job)
{
	struct boot *boot = (struct boot *)job;

	if (boot->n_started || boot->n_failed)
		say(SD_INFO, "%u networks started, %u failed", boot->n_started, boot->n_failed);
	keeper_touch_all(netd->keeper); /* those that were up before, too */
	(void)sd_notify(0, "READY=1\nSTATUS=Keeping networks"); /* nobody may be waiting */
	free(boot);
}

static int start_boot(struct netd *netd, struct kvn_error *err)
{
	struct boot *boot = calloc(1, sizeof(*boot));

	if (!boot)
		return kvn_fail_errno(err, ENOMEM, "netd");
	boot->job = (struct job){.run = run_boot, .done = done_boot};
	workers_add(netd->workers, &boot->job);
	return 0;
}

/* ---- life ---- */

static int open_event(struct netd *netd, struct kvn_error *err)
{
	sigset_t signals;
	int r = sd_event_default(&netd->event);

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN); /* a client that went is told by errno */
	if (r >= 0)
		r = sd_event_add_signal(netd->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(netd->event, NULL, SIGINT, NULL, NULL);
	return r < 0 ? kvn_fail_errno(err, -r, "event loop") : 0;
}

static int listening_fd(struct kvn_error *err)
{
	int n = sd_listen_fds(1);

	if (n > 1)
		return kvn_fail(err, EINVAL, "%d sockets were passed: one is wanted", n);
	if (n == 1 && sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0)
		return kvn_fail(err, EINVAL, "the socket that was passed is no listening unix stream socket");
	return n == 1 ? SD_LISTEN_FDS_START : -1;
}

static int open_all(struct netd *netd, struct kvn_error *err)
{
	struct kvn *kvn = NULL;
	int r = kvn_host_check_privilege(err), fd = -1;

	if (r == 0)
		r = confine(err);
	if (r == 0)
		r = kvn_open(&kvn, err);
	if (r == 0)
		r = kvn_file_mkdirs(kvn->runtime_dir, err);
	kvn_close(kvn);
	if (r == 0)
		r = open_event(netd, err);
	if (r == 0) {
		fd = listening_fd(err);
		r = fd < -1 ? fd : 0;
	}
	if (r == 0)
		r = workers_open(netd, WORKERS, &netd->workers, err);
	if (r == 0)
		r = policy_open(netd, &netd->policy, err);
	if (r == 0)
		r = keeper_open(netd, &netd->keeper, err);
	if (r == 0)
		r = watch_open(netd, &netd->watch, err);
	if (r == 0)
		r = feed_open(netd, &netd->feed, err);
	if (r == 0)
		r = server_open(netd, fd, &netd->server, err);
	return r == 0 ? start_boot(netd, err) : r;
}

static void close_all(struct netd *netd)
{
	server_close(netd->server);
	feed_close(netd->feed);
	watch_close(netd->watch);
	workers_close(netd->workers);
	keeper_close(netd->keeper);
	policy_close(netd->policy);
	sd_event_unref(netd->event);
}

int main(int argc, char **argv)
{
	struct netd netd = {0};
	struct kvn_error err = {0};
	int r;

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("netd " KVN_VERSION) < 0;
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--foreground") != 0)) {
		bool is_help = argc == 2 && strcmp(argv[1], "--help") == 0;

		(void)fputs(usage, is_help ? stdout : stderr);
		return is_help ? 0 : 2;
	}
	(void)mallopt(M_ARENA_MAX, 1); /* five threads that seldom run at once need no memory each */
	r = open_all(&netd, &err);
	if (r < 0)
		say(SD_ERR, "%s", err.message[0] ? err.message : strerror(-r));
	else
		r = sd_event_loop(netd.event);
	(void)sd_notify(0, "STOPPING=1");
	close_all(&netd);
	return r < 0 ? 1 : 0;
}
