/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spawn.c - time whole processes (fork, exec, wait) beside each other: spawn [options] --name A --run CMD --name B ...
 *
 * Round by round every contender has its turn, A B C A B C ..., so that whatever else the machine does hits all of them
 * alike.  A turn is: open the tap, the setup command, an idle pause, the timed process, the teardown command, close the
 * tap.  Only the process is timed.
 * The pause is there because a hook is never called in a loop: it finds cold caches and a sleeping CPU, and a benchmark
 * without it flatters everybody, the small programs most.
 *
 * Setup and teardown are run by /bin/sh.  The timed command is split at blanks and executed directly; "{}" in it becomes
 * the round's number.  --tap NAME makes a tap for each turn and hands its descriptor down, as QEMU does to its hooks; it is
 * gone when the turn is over.  A command that fails ends its contender's part: the row says why, the others go on, and the
 * exit status is 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONTENDERS_MAX 8
#define ROUNDS_MAX 200
#define WORDS_MAX 64 /* of a timed command */
#define WORDS_SIZE 1024 /* bytes of it */

struct contender {
	const char *name;
	const char *tap; /* NULL: none */
	const char *setup, *run, *teardown; /* NULL: none; run is never NULL once the arguments are read */
	double wall_ms[ROUNDS_MAX], cpu_ms[ROUNDS_MAX]; /* sorted once all rounds are over */
	unsigned n; /* rounds measured */
	char failure[160]; /* "": none so far */
};

struct bench {
	struct contender contenders[CONTENDERS_MAX];
	unsigned n_contenders;
	unsigned rounds;
	unsigned warmups; /* rounds before these that are not recorded */
	unsigned first; /* number of the first round, warm-ups not counted */
	unsigned pause_ms;
	unsigned base; /* the contender that is 1.00 */
	const char *tsv; /* file to append to; NULL: none */
	bool is_bare; /* print rows only: no header, no ratio */
};

static double clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double timeval_ms(struct timeval tv)
{
	return (double)tv.tv_sec * 1e3 + (double)tv.tv_usec / 1e3;
}

static void idle(unsigned ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* Keep the first line of what the first command to fail wrote to @log, for the table. */
static void note_failure(struct contender *c, const char *what, int status, int log)
{
	char text[100] = "";
	ssize_t n = pread(log, text, sizeof(text) - 1, 0);

	if (c->failure[0])
		return;
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (status < 0)
		(void)snprintf(c->failure, sizeof(c->failure), "%s: not started: %s", what, strerror(errno));
	else if (WIFSIGNALED(status))
		(void)snprintf(c->failure, sizeof(c->failure), "%s: signal %d: %s", what, WTERMSIG(status), text);
	else
		(void)snprintf(c->failure, sizeof(c->failure), "%s: exit %d: %s", what, WEXITSTATUS(status), text);
}

/* Run @argv to its end with stdin and stdout on /dev/null and stderr in @log.  Returns the wait status, -1 when there is no
 * process to wait for. */
static int spawn(char *const argv[], int null, int log, double *ret_wall_ms, double *ret_cpu_ms)
{
	double start = clock_ms();
	struct rusage usage;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(log, STDERR_FILENO);
		execv(argv[0], argv);
		(void)dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	if (pid < 0)
		return -1;
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return -1;
	*ret_wall_ms = clock_ms() - start;
	*ret_cpu_ms = timeval_ms(usage.ru_utime) + timeval_ms(usage.ru_stime);
	return status;
}

/* Run an untimed command of @c.  False, and noted, when it fails. */
static bool run_untimed(struct contender *c, const char *what, const char *command, int null)
{
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)command, NULL};
	double wall_ms, cpu_ms;
	int log, status;

	if (!command)
		return true;
	log = memfd_create("log", MFD_CLOEXEC);
	status = spawn(argv, null, log, &wall_ms, &cpu_ms);
	if (status != 0)
		note_failure(c, what, status, log);
	(void)close(log);
	return status == 0;
}

/* Split @text at blanks into @argv, with "{}" anywhere replaced by @round.  The words live in @words. */
static void split(const char *text, unsigned round, char words[static WORDS_SIZE], char *argv[static WORDS_MAX])
{
	unsigned n = 0, used = 0;

	while (*text && used < WORDS_SIZE - 16) {
		if (strncmp(text, "{}", 2) == 0) {
			used += (unsigned)snprintf(words + used, 16, "%u", round);
			text += 2;
		} else {
			words[used++] = *text++;
		}
	}
	words[used] = '\0';
	for (char *word = strtok(words, " "); word && n < WORDS_MAX - 1; word = strtok(NULL, " "))
		argv[n++] = word;
	argv[n] = NULL;
}

static bool run_timed(struct contender *c, unsigned round, unsigned pause_ms, bool is_recorded, int null)
{
	char *argv[WORDS_MAX], words[WORDS_SIZE];
	int log = memfd_create("log", MFD_CLOEXEC), status;
	double wall_ms, cpu_ms;

	split(c->run, round, words, argv);
	idle(pause_ms);
	status = spawn(argv, null, log, &wall_ms, &cpu_ms);
	if (status != 0) {
		note_failure(c, "run", status, log);
	} else if (is_recorded) {
		c->wall_ms[c->n] = wall_ms;
		c->cpu_ms[c->n++] = cpu_ms;
	}
	(void)close(log);
	return status == 0;
}

/* Make tap @name, which lasts as long as the descriptor.  It is inherited, as QEMU's hooks inherit QEMU's. */
static int open_tap(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR);

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &ifr) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void run_turn(struct contender *c, unsigned round, unsigned pause_ms, bool is_recorded, int null)
{
	int tap = -1;

	if (c->failure[0])
		return;
	if (c->tap) {
		tap = open_tap(c->tap);
		if (tap < 0) {
			(void)snprintf(c->failure, sizeof(c->failure), "tap %s: %s", c->tap, strerror(errno));
			return;
		}
	}
	if (run_untimed(c, "setup", c->setup, null))
		(void)run_timed(c, round, pause_ms, is_recorded, null); /* a failure is noted in the contender */
	(void)run_untimed(c, "teardown", c->teardown, null); /* after a failure too: the others want a clean table */
	if (tap >= 0)
		(void)close(tap);
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Of a sorted, not empty array. */
static double median(const double *sorted, unsigned n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Number of the contender called @name; n_contenders when there is none. */
static unsigned find(const struct bench *bench, const char *name)
{
	unsigned i = 0;

	while (i < bench->n_contenders && strcmp(bench->contenders[i].name, name) != 0)
		i++;
	return i;
}

static void print_table(const struct bench *bench)
{
	const struct contender *base = &bench->contenders[bench->base];

	if (!bench->is_bare)
		printf("  %-34s %9s %9s %9s %9s  ratio to %s\n", "ms", "median", "min", "max", "CPU", base->name);
	for (unsigned i = 0; i < bench->n_contenders; i++) {
		const struct contender *c = &bench->contenders[i];

		if (c->failure[0]) {
			printf("  %-34s not measured: %s\n", c->name, c->failure);
			continue;
		}
		printf("  %-34s %9.2f %9.2f %9.2f %9.2f", c->name, median(c->wall_ms, c->n), c->wall_ms[0],
		       c->wall_ms[c->n - 1], median(c->cpu_ms, c->n));
		if (!bench->is_bare && !base->failure[0])
			printf("  %.2f", median(c->wall_ms, c->n) / median(base->wall_ms, base->n));
		printf("\n");
	}
}

/* NAME MEDIAN MIN MAX CPU ROUNDS, tab-separated; contenders that failed are left out. */
static int append_tsv(const struct bench *bench)
{
	FILE *out = bench->tsv ? fopen(bench->tsv, "a") : NULL;

	if (!bench->tsv)
		return 0;
	if (!out)
		return -errno;
	for (unsigned i = 0; i < bench->n_contenders; i++) {
		const struct contender *c = &bench->contenders[i];

		if (!c->failure[0])
			(void)fprintf(out, "%s\t%.4f\t%.4f\t%.4f\t%.4f\t%u\n", c->name, median(c->wall_ms, c->n),
				      c->wall_ms[0], c->wall_ms[c->n - 1], median(c->cpu_ms, c->n), c->n);
	}
	return fclose(out) == 0 ? 0 : -errno;
}

static int usage(void)
{
	(void)fprintf(
		stderr,
		"usage: spawn [--rounds N] [--warmups N] [--first N] [--pause MS] [--base NAME] [--tsv FILE] [--bare]\n"
		"             {--name NAME [--tap IFNAME] [--setup SHELL] --run COMMAND [--teardown SHELL]}...\n");
	return 2;
}

/* Fill @bench from the command line; false when it makes no sense. */
static bool parse(int argc, char *argv[], struct bench *bench)
{
	static const struct option options[] = {
		{"rounds", required_argument, NULL, 'n'},
		{"warmups", required_argument, NULL, 'w'},
		{"first", required_argument, NULL, 'f'},
		{"pause", required_argument, NULL, 'p'},
		{"base", required_argument, NULL, 'b'},
		{"tsv", required_argument, NULL, 'o'},
		{"bare", no_argument, NULL, 'B'},
		{"name", required_argument, NULL, 'N'},
		{"tap", required_argument, NULL, 't'},
		{"setup", required_argument, NULL, 'S'},
		{"run", required_argument, NULL, 'R'},
		{"teardown", required_argument, NULL, 'T'},
		{NULL, 0, NULL, 0},
	};
	const char *base = NULL; /* NULL: the first */
	struct contender *c = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?' || (strchr("tSRT", option) && !c))
			return false;
		if (option == 'N' && bench->n_contenders == CONTENDERS_MAX)
			return false;
		switch (option) {
		case 'n':
			bench->rounds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			bench->warmups = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			bench->first = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			bench->pause_ms = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'b':
			base = optarg;
			break;
		case 'o':
			bench->tsv = optarg;
			break;
		case 'B':
			bench->is_bare = true;
			break;
		case 'N':
			c = &bench->contenders[bench->n_contenders++];
			c->name = optarg;
			break;
		case 't':
			c->tap = optarg;
			break;
		case 'S':
			c->setup = optarg;
			break;
		case 'R':
			c->run = optarg;
			break;
		case 'T':
			c->teardown = optarg;
			break;
		}
	}
	for (unsigned i = 0; i < bench->n_contenders; i++)
		if (!bench->contenders[i].run)
			return false;
	bench->base = base ? find(bench, base) : 0;
	return optind == argc && bench->n_contenders > 0 && bench->rounds >= 1 && bench->rounds <= ROUNDS_MAX &&
	       bench->base < bench->n_contenders;
}

int main(int argc, char *argv[])
{
	struct bench *bench = calloc(1, sizeof(*bench)); /* lives until the end of the process */
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int failed = 0;

	if (!bench || null < 0) {
		(void)fprintf(stderr, "spawn: %s\n", strerror(errno));
		return 1;
	}
	*bench = (struct bench){.rounds = 15, .warmups = 1, .first = 1, .pause_ms = 8};
	if (!parse(argc, argv, bench))
		return usage();
	for (unsigned i = 0; i < bench->warmups + bench->rounds; i++)
		for (unsigned j = 0; j < bench->n_contenders; j++)
			run_turn(&bench->contenders[j], bench->first + i - bench->warmups, bench->pause_ms,
				 i >= bench->warmups, null);
	for (unsigned j = 0; j < bench->n_contenders; j++) {
		struct contender *c = &bench->contenders[j];

		qsort(c->wall_ms, c->n, sizeof(c->wall_ms[0]), compare);
		qsort(c->cpu_ms, c->n, sizeof(c->cpu_ms[0]), compare);
		failed |= c->failure[0] != '\0';
	}
	print_table(bench);
	if (append_tsv(bench) < 0) {
		(void)fprintf(stderr, "spawn: %s: %s\n", bench->tsv, strerror(errno));
		return 1;
	}
	return failed;
}
