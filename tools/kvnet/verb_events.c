/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verb_events.c - events: follow what happens, by netd where it runs, else by looking at kvnet's files. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "cli.h"
#include "definition.h"
#include "error.h"

static bool is_asked_for(const struct command *command, const json_t *event)
{
	const char *network = json_string_value(json_object_get(event, "network"));

	for (int i = 0; i < command->n_words; i++)
		if (network && strcmp(network, command->words[i]) == 0)
			return true;
	return command->n_words == 0;
}

#define KIND_WIDTH 17 /* "network-contested", the longest that there is */

/* What an event is about besides its network: the port, the lease, what was lost. */
static void print_subject(FILE *out, const json_t *event, int pad)
{
	const json_t *port = json_object_get(event, "port"), *lease = json_object_get(event, "lease"), *each;
	const char *message = json_string_value(json_object_get(event, "message"));
	const char *const lease_keys[] = {"address", "mac", "hostname"}, *const port_keys[] = {"ifname", "mac",
											       "owner"};
	size_t i;

	for (i = 0; i < 3; i++) {
		const char *text = json_string_value(lease ? json_object_get(lease, lease_keys[i])
							   : json_object_get(port, port_keys[i]));

		if (text)
			(void)fprintf(out, "%*s  %s", i == 0 ? pad : 0, "", text); /* the first is never unknown */
	}
	json_array_foreach(json_object_get(event, "lost"), i, each)(void)
		fprintf(out, "%*s%s %s", i ? 0 : pad, "", i ? "," : " ", json_string_value(each));
	if (message)
		(void)fprintf(out, "%*s  %s", pad, "", message);
}

static void print_event(FILE *out, bool is_json, const json_t *event)
{
	time_t seconds = (time_t)json_real_value(json_object_get(event, "time"));
	const char *kind = json_string_value(json_object_get(event, "event")) ?: "-";
	char clock[16] = "";
	struct tm local;

	if (is_json) {
		(void)json_dumpf(event, out, JSON_COMPACT | JSON_REAL_PRECISION(13));
	} else {
		if (localtime_r(&seconds, &local))
			(void)strftime(clock, sizeof(clock), "%H:%M:%S", &local);
		(void)fprintf(out, "%s  %-15s  %s", clock, json_string_value(json_object_get(event, "network")) ?: "-",
			      kind);
		print_subject(out, event, strlen(kind) < KIND_WIDTH ? KIND_WIDTH - (int)strlen(kind) : 0);
	}
	(void)fputc('\n', out);
}

#define GONE (POLLERR | POLLHUP | POLLNVAL) /* what poll() says of an output that nobody reads any more */

/* Write @text as its reader takes it.  A reader that takes nothing does not keep a signal from being seen: the output is
 * written to when poll() says so, and no more than a pipe then has room for; to make it non-blocking would make it so for
 * all who share it.  *ret_is_over: a signal came, or the reader is gone. */
static int write_text(int signals, const char *text, size_t size, bool *ret_is_over, struct kvn_error *err)
{
	while (size > 0) {
		struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = STDOUT_FILENO, .events = POLLOUT}};
		ssize_t n = 0;

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return kvn_fail_errno(err, errno, "events");
		*ret_is_over = fds[0].revents || fds[1].revents & GONE;
		if (*ret_is_over)
			return 0;
		if (fds[1].revents)
			n = write(STDOUT_FILENO, text, size < PIPE_BUF ? size : PIPE_BUF);
		if (n < 0 && errno == EPIPE) {
			*ret_is_over = true;
			return 0;
		}
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return kvn_fail_errno(err, errno, "cannot write");
		text += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int tell(const struct command *command, int signals, const json_t *event, bool *ret_is_over,
		struct kvn_error *err)
{
	auto_free char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (!is_asked_for(command, event))
		return 0;
	out = open_memstream(&text, &size);
	if (!out)
		return kvn_fail_errno(err, ENOMEM, "events");
	print_event(out, command->is_json, event);
	if (fclose(out) != 0)
		return kvn_fail_errno(err, ENOMEM, "events");
	return write_text(signals, text, size, ret_is_over, err);
}

/* SIGINT and SIGTERM as something to poll for, and a closed pipe as an error to see. */
static int open_signals(struct kvn_error *err)
{
	sigset_t signals;
	int fd;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	return fd < 0 ? kvn_fail_errno(err, errno, "signals") : fd;
}

static bool is_listed(const json_t *list, const char *name)
{
	const json_t *network;
	size_t i;

	json_array_foreach(list, i, network)
	{
		if (strcmp(json_string_value(json_object_get(network, "name")), name) == 0)
			return true;
	}
	return false;
}

/* A network may be followed before it is created; whoever mistyped its name should not wait without a word. */
static int check_words(const struct command *command, struct kvn_error *err)
{
	auto_json json_t *list = NULL;

	for (int i = 0; i < command->n_words; i++)
		if (kvn_name_check(command->words[i], err) < 0)
			return kvn_wrap(err, "network '%s'", command->words[i]);
	if (command->n_words == 0 || kvn_list(command->kvn, &list, NULL) < 0)
		return 0; /* what cannot be read is told by the follower */
	for (int i = 0; i < command->n_words; i++)
		if (!is_listed(list, command->words[i]))
			(void)fprintf(stderr,
				      "kvnet: events: there is no network '%s' to be seen: waiting for it"
				      " ('kvnet list' shows them)\n",
				      command->words[i]);
	return 0;
}

int run_events(struct command *command, struct kvn_error *err)
{
	struct kvn_follower *follower = NULL;
	auto_close int signals = -1;
	bool is_over = false;
	int r = check_words(command, err); /* first: a context that follows answers no more */

	if (r == 0)
		r = signals = open_signals(err);
	if (r >= 0)
		r = kvn_follow(command->kvn, &follower, err);

	while (r == 0 && !is_over) {
		struct pollfd fds[] = {{.fd = kvn_follower_fd(follower), .events = POLLIN},
				       {.fd = signals, .events = POLLIN},
				       {.fd = STDOUT_FILENO}}; /* POLLERR when its reader is gone */
		json_t *event = NULL;

		while (r == 0 && !is_over && (r = kvn_follower_next(follower, &event, err)) == 0) {
			r = tell(command, signals, event, &is_over, err);
			json_decref(event);
		}
		if (r == -EAGAIN)
			r = poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR ? kvn_fail_errno(err, errno, "events")
										 : 0;
		is_over = is_over || fds[1].revents || fds[2].revents & GONE;
	}
	kvn_follower_close(follower);
	return r < 0;
}
