/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsmasq_process.c - find, start, signal and end the process that runs by a conf file.
 *
 * dnsmasq puts itself into the background: the process that is started here ends with status 0 once its grandchild has its
 * sockets, or with its words on standard error.  The pid file is written by the grandchild and then given to the
 * unprivileged user, so it is a hint only.  A process is ours when its command line is "dnsmasq --conf-file=CONF" and, seen
 * from its root directory, CONF is our file: in a container the same name is another file.  That is looked at with a pidfd
 * open already; should the pid be given to another process meanwhile, the signal goes nowhere.
 *
 * Nothing but the pid file leads to the grandchild when its starter was killed before that was written.  CONF is there
 * before the process and goes after it, so a CONF without a process of the pid file is the sign to search /proc.
 */
#include "dnsmasq_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "cleanup.h"

#define START_MS 10000
#define END_MS 2000 /* until SIGKILL, and then once more */
#define WORDS_MAX 1024 /* bytes kept of what it says on standard error */

/* ---- pidfds; the C library has these two by name from glibc 2.36 on ---- */

static int open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0U);
}

int kvn_dnsmasq_process_signal(const struct kvn_process *process, int number, struct kvn_error *err)
{
	if (syscall(SYS_pidfd_send_signal, process->fd, number, NULL, 0U) < 0)
		return kvn_fail_errno(err, errno, "dnsmasq: cannot signal process %d", (int)process->pid);
	return 0;
}

/* ---- find ---- */

/* Read at most @size - 1 bytes of @path, and terminate them.  -1: cannot. */
static ssize_t read_some(const char *path, char *text, size_t size)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n < 0 ? 0 : n] = '\0';
	return n;
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat file_a, file_b;
	int r = stat(a, &file_a);

	if (r < 0 && errno == EACCES) /* looked at without privilege: the command line has to do */
		return true;
	if (stat(b, &file_b) < 0)
		return r < 0;
	return r == 0 && file_a.st_dev == file_b.st_dev && file_a.st_ino == file_b.st_ino;
}

/* Is its command line "dnsmasq --conf-file=CONF"? */
static bool is_run_by(pid_t pid, const char *conf)
{
	char path[64], line[512], option[300];
	const char *slash;
	ssize_t size;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	(void)snprintf(option, sizeof(option), "--conf-file=%s", conf);
	size = read_some(path, line, sizeof(line));
	slash = strrchr(line, '/');
	if (size <= 0 || strcmp(slash ? slash + 1 : line, "dnsmasq") != 0)
		return false;
	return (size_t)size == strlen(line) + strlen(option) + 2 && strcmp(line + strlen(line) + 1, option) == 0;
}

static bool is_ours(pid_t pid, const char *conf)
{
	char path[512];

	if (!is_run_by(pid, conf))
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/root%s", (int)pid, conf);
	return is_same_file(path, conf);
}

static struct kvn_process open_ours(pid_t pid, const char *conf)
{
	struct kvn_process process = {.fd = pid > 0 ? open_pidfd(pid) : -1};

	if (process.fd >= 0 && is_ours(pid, conf))
		process.pid = pid;
	else if (process.fd >= 0)
		(void)close(steal_fd(&process.fd)); /* nothing was written */
	return process;
}

static pid_t parse_pid(const char *text)
{
	char *rest;
	long pid = strtol(text, &rest, 10);

	return rest != text && (*rest == '\0' || *rest == '\n') && pid > 1 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static pid_t read_pid(const struct kvn_dnsmasq_paths *paths)
{
	char text[32];

	(void)read_some(paths->pid, text, sizeof(text)); /* "" is no pid */
	return parse_pid(text);
}

struct kvn_process kvn_dnsmasq_process_get(const struct kvn_dnsmasq_paths *paths)
{
	return open_ours(read_pid(paths), paths->conf);
}

pid_t kvn_dnsmasq_process_glance(const struct kvn_dnsmasq_paths *paths)
{
	pid_t pid = read_pid(paths);

	return pid > 0 && is_run_by(pid, paths->conf) && kvn_dnsmasq_process_is_here(pid) ? pid : 0;
}

bool kvn_dnsmasq_process_is_here(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return is_same_file(path, "/proc/thread-self/ns/net");
}

/* ---- end ---- */

static bool wait_end(int fd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&poll_fd, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static int end(const struct kvn_process *process, struct kvn_error *err)
{
	static const int signals[] = {SIGTERM, SIGKILL};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		int r = kvn_dnsmasq_process_signal(process, signals[i], err);

		if (r < 0 && r != -ESRCH)
			return r;
		if (wait_end(process->fd, END_MS))
			return 0;
	}
	return kvn_fail(err, ETIMEDOUT, "dnsmasq: process %d does not end", (int)process->pid);
}

/* End what a search of /proc finds; *ret_n is how many. */
static int end_found(const char *conf, unsigned *ret_n, struct kvn_error *err)
{
	auto_dir DIR *dir = opendir("/proc");
	unsigned n = 0;

	if (!dir)
		return kvn_fail_errno(err, errno, "/proc");
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		struct kvn_process process = {.fd = -1};
		int r = 0;

		if (is_ours(parse_pid(entry->d_name), conf))
			process = open_ours(parse_pid(entry->d_name), conf);
		if (process.pid > 0)
			r = end(&process, err);
		n += process.pid > 0;
		kvn_cleanup_close(&process.fd);
		if (r < 0)
			return r;
	}
	*ret_n = n;
	return 0;
}

int kvn_dnsmasq_process_end_all(const struct kvn_dnsmasq_paths *paths, struct kvn_error *err)
{
	struct kvn_process process = kvn_dnsmasq_process_get(paths);
	unsigned n = 0;
	int r = 0;

	if (process.pid > 0) {
		r = end(&process, err);
		kvn_cleanup_close(&process.fd);
		return r;
	}
	if (access(paths->conf, F_OK) < 0)
		return 0;
	/* A list of processes is old when it is read: the one that puts itself into the background may be gone by then, and
	 * its child not yet in the list.  There are two such steps; so after three searches without a find there is none. */
	for (int misses = 0; misses < 3 && r == 0; misses = n > 0 ? 0 : misses + 1)
		r = end_found(paths->conf, &n, err);
	return r;
}

/* ---- start ---- */

int kvn_dnsmasq_program_get(char ret[static 256], struct kvn_error *err)
{
	static const char folders[] = "/usr/sbin:/sbin:/usr/local/sbin";
	const char *lists[] = {getenv("PATH"), folders};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (const char *at = lists[i]; at && *at; at += *at == ':') {
			int length = (int)strcspn(at, ":");
			struct stat file;
			char path[256];

			if (at[0] == '/' && length < 240) { /* a relative one means another program in each folder */
				(void)snprintf(path, sizeof(path), "%.*s/dnsmasq", length, at);
				if (stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0) {
					memcpy(ret, path, sizeof(path));
					return 0;
				}
			}
			at += length;
		}
	}
	return kvn_fail(err, ENOENT, "dnsmasq not found; install package dnsmasq-base");
}

/* A caller without standard descriptors may get 0, 1 or 2 from open(): those are about to be replaced. */
static int above_standard(int fd)
{
	int copy;

	if (fd < 0 || fd > 2)
		return fd;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	(void)close(fd);
	return copy;
}

/* A file in memory that holds @text, at its beginning. */
static int open_input(const char *text, struct kvn_error *err)
{
	auto_close int fd = above_standard(memfd_create("dnsmasq-input", MFD_CLOEXEC));
	size_t length = strlen(text), done = 0;

	while (fd >= 0 && done < length) {
		ssize_t n = pwrite(fd, text + done, length - done, (off_t)done);

		if (n < 0)
			return kvn_fail_errno(err, errno, "dnsmasq: cannot write its input");
		done += (size_t)n;
	}
	return fd < 0 ? kvn_fail_errno(err, errno, "dnsmasq: cannot open its input") : steal_fd(&fd);
}

/* After fork(): only what signal-safety(7) allows. */
static void __attribute__((noreturn))
become(const char *program, char *const argv[], int in, int out, pid_t parent, const sigset_t *none)
{
	static const char problem[] = "dnsmasq: cannot be run: ";
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *const environment[] = {path, locale, NULL};
	const char *reason;
	struct sigaction by_default = {.sa_handler = SIG_DFL};

	/* Whoever started it may be killed; then nobody would wait for it or clean up. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &by_default, NULL); /* fails for those that have no choice */
	(void)sigprocmask(SIG_SETMASK, none, NULL);
	(void)setsid();
	(void)umask(022);
	if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0) {
		closefrom(3); /* QEMU's tap among them: whoever holds it keeps it alive */
		(void)execve(program, argv, environment);
	}
	reason = strerrordesc_np(errno);
	/* If this cannot be said the status has to do. */
	(void)!write(2, problem, sizeof(problem) - 1);
	(void)!write(2, reason ? reason : "?", reason ? strlen(reason) : 1);
	_exit(127);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Take what there is to read.  False: there will be no more. */
static bool take_words(int fd, char words[static WORDS_MAX])
{
	char rest[256];

	for (;;) {
		size_t used = strlen(words), room = WORDS_MAX - 1 - used;
		ssize_t n = room > 0 ? read(fd, words + used, room) : read(fd, rest, sizeof(rest));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0;
		if (room > 0)
			words[used + (size_t)n] = '\0';
	}
}

/* Wait until process @pid has ended and take its words meanwhile.  Returns false when it takes too long. */
static bool listen_to(pid_t pid, int fd, char words[static WORDS_MAX])
{
	auto_close int pidfd = open_pidfd(pid);
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
	int64_t deadline = now_ms() + START_MS;

	for (;;) {
		int64_t left = deadline - now_ms();

		if (left <= 0)
			return false;
		if (poll(fds, ARRAY_SIZE(fds), (int)left) < 0 && errno != EINTR)
			return false;
		if (fds[0].revents && !take_words(fd, words))
			fds[0].fd = -1;
		if (fds[1].revents) {
			(void)take_words(fd, words); /* what was said between the two */
			return true;
		}
		if (pidfd < 0 && fds[0].fd < 0) /* it was reaped for us, by a caller that ignores SIGCHLD */
			return true;
	}
}

/* dnsmasq's own sentence: its last line that begins with its name, else the last line. */
static const char *sentence(char words[static WORDS_MAX])
{
	static const char prefix[] = "dnsmasq: ";
	const char *found = "";
	bool is_named = false;

	for (char *line = words, *next; line; line = next) {
		bool has_name = strncmp(line, prefix, sizeof(prefix) - 1) == 0;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (*line && (has_name || !is_named))
			found = has_name ? line + sizeof(prefix) - 1 : line;
		is_named = is_named || has_name;
	}
	return found;
}

static int fail_with_words(int status, char words[static WORDS_MAX], struct kvn_error *err)
{
	const char *said = sentence(words);

	if (strstr(said, "Address already in use") && strstr(said, "DHCP"))
		return kvn_fail(err, EADDRINUSE,
				"dnsmasq: %.120s (another DHCP server has the port; 'ss -ulpn' shows which)", said);
	if (strstr(said, "Address already in use"))
		return kvn_fail(err, EADDRINUSE,
				"dnsmasq: %.120s (another DNS server has port 53; 'ss -tulpn' shows which)", said);
	if (*said)
		return kvn_fail(err, EIO, "dnsmasq: %s", said);
	if (WIFSIGNALED(status))
		return kvn_fail(err, EIO, "dnsmasq: killed by signal %d (%s)", WTERMSIG(status),
				strsignal(WTERMSIG(status)));
	return kvn_fail(err, EIO, "dnsmasq: ended with status %d and without a word", WEXITSTATUS(status));
}

static pid_t fork_child(const char *program, const char *conf, int in, int out)
{
	char name[] = "dnsmasq", option[300];
	char *const argv[] = {name, option, NULL};
	sigset_t all, none, before;
	pid_t parent = getpid(), pid;

	(void)snprintf(option, sizeof(option), "--conf-file=%s", conf);
	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before); /* no handler of the caller's runs in the child */
	pid = fork();
	if (pid == 0)
		become(program, argv, in, out, parent, &none);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int kvn_dnsmasq_process_start(const char *program, const char *conf, const char *input, struct kvn_error *err)
{
	auto_close int in = open_input(input, err), words_in = -1, words_out = -1;
	char words[WORDS_MAX] = "";
	int pipe_fds[2], status = 0;
	bool is_over;
	pid_t pid, waited;

	if (in < 0)
		return in;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return kvn_fail_errno(err, errno, "dnsmasq: cannot open a pipe");
	words_out = above_standard(pipe_fds[0]);
	words_in = above_standard(pipe_fds[1]);
	if (words_in < 0 || words_out < 0 || fcntl(words_out, F_SETFL, O_NONBLOCK) < 0)
		return kvn_fail_errno(err, errno, "dnsmasq: cannot open a pipe");
	pid = fork_child(program, conf, in, words_in);
	if (pid < 0)
		return kvn_fail_errno(err, errno, "dnsmasq: cannot fork");
	(void)close(steal_fd(&words_in));
	is_over = listen_to(pid, words_out, words);
	if (!is_over)
		(void)kill(-pid, SIGKILL); /* its session; a child not yet waited for keeps its pid */
	do
		waited = waitpid(pid, &status, 0);
	while (waited < 0 && errno == EINTR);
	if (!is_over)
		return kvn_fail(err, ETIMEDOUT, "dnsmasq: not ready after %d s", START_MS / 1000);
	/* Reaped by the caller's own handler: the status is lost, and what it said decides. */
	if ((waited < 0 && !*words) || (waited == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return 0;
	return fail_with_words(status, words, err);
}
