/* SPDX-License-Identifier: GPL-2.0-or-later */
/* openport.c - what opening ports through netd takes.
 *
 *   openport NETWORK N          open N ports one after the other, an idle pause before each, closing each: times of the calls
 *   openport NETWORK N CLIENTS  CLIENTS processes at once open N ports in all and hold them: the time until all are open
 *   openport NETWORK N hold     open N ports, say "held", and hold them until standard input ends
 *
 * Prints "median MS min MS max MS", or "all MS". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kvnet.h"

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void fail(const char *what, const struct kvn_error *err)
{
	(void)fprintf(stderr, "openport: %s: %s\n", what, err->message);
	exit(1);
}

static void open_one(struct kvn *kvn, const char *network, struct kvn_open_port *port)
{
	const struct kvn_open_options options = {.queues = 1, .uid = UINT32_MAX};
	struct kvn_error err = {0};

	if (kvn_port_open(kvn, network, &options, port, &err) < 0)
		fail("open", &err);
}

static struct kvn *context(void)
{
	struct kvn_error err = {0};
	struct kvn *kvn = NULL;

	if (kvn_open(&kvn, &err) < 0)
		fail("context", &err);
	return kvn;
}

static int compare(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void one_by_one(const char *network, unsigned n)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	double *times = calloc(n, sizeof(*times));
	struct kvn *kvn = context();
	struct kvn_open_port port;

	open_one(kvn, network, &port); /* connects */
	kvn_open_port_clear(&port);
	for (unsigned i = 0; times && i < n; i++) {
		double start;

		(void)nanosleep(&pause, NULL);
		start = now_ms();
		open_one(kvn, network, &port);
		times[i] = now_ms() - start;
		kvn_open_port_clear(&port);
	}
	qsort(times, n, sizeof(*times), compare);
	(void)printf("median %.2f min %.2f max %.2f\n", times[n / 2], times[0], times[n - 1]);
	kvn_close(kvn);
}

/* Hold @n ports until @fd ends. */
static void hold(const char *network, unsigned n, int told, int fd)
{
	const struct rlimit limit = {65536, 65536};
	struct kvn_open_port *ports = calloc(n, sizeof(*ports));
	struct kvn *kvn = context();
	char byte = 0;

	(void)setrlimit(RLIMIT_NOFILE, &limit);
	for (unsigned i = 0; ports && i < n; i++)
		open_one(kvn, network, &ports[i]);
	if (write(told, "held\n", 5) != 5 || read(fd, &byte, 1) < 0)
		exit(1);
	exit(0); /* the descriptors go with the process */
}

static void at_once(const char *network, unsigned n, unsigned clients)
{
	int told[2], ends[2];
	double start = now_ms();
	char text[5];

	if (pipe(told) < 0 || pipe(ends) < 0)
		exit(1);
	for (unsigned i = 0; i < clients; i++)
		if (fork() == 0) {
			(void)close(ends[1]);
			hold(network, n / clients, told[1], ends[0]);
		}
	(void)close(told[1]);
	for (unsigned i = 0; i < clients; i++)
		if (read(told[0], text, sizeof(text)) != (ssize_t)sizeof(text))
			exit(1); /* its words are on standard error */
	(void)printf("all %.0f\n", now_ms() - start);
	(void)close(ends[1]);
	while (wait(NULL) > 0)
		;
}

int main(int argc, char **argv)
{
	unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

	if (n == 0 || argc > 4) {
		(void)fputs("usage: openport NETWORK N [CLIENTS | hold]\n", stderr);
		return 2;
	}
	if (argc == 3)
		one_by_one(argv[1], n);
	else if (strcmp(argv[3], "hold") == 0)
		hold(argv[1], n, STDOUT_FILENO, STDIN_FILENO);
	else
		at_once(argv[1], n, (unsigned)atoi(argv[3]));
	return 0;
}
