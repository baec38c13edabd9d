/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tapholder.c - stands in for QEMU: opens a tap, runs the up script, waits, runs the down script.
 *
 *   tapholder [-d] [-q] IFNAME UP [DOWN [WORDS...]]
 *   tapholder -p PID FD: make the tap that process PID holds as FD persistent, as whoever holds it can
 *
 * As QEMU does it (measured on 7.2, "-net tap,script=,downscript="): the scripts get the tap's name as the only argument,
 * inherit the tap's descriptor, and run with signals blocked (here: all of them, its worst case) and SIGPIPE ignored.  A
 * failing up script ends the guest, without the down script.  Prints "up STATUS" and, after SIGTERM, "down STATUS".
 * -d: the tap is gone before the down script runs, as with libvirt.  -q: two queues.  SIGKILL is a crash of QEMU.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit status of @script, 128 + signal when it was killed, 127 when it does not run. */
static int run_script(const char *script, const char *ifname)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl(script, script, ifname, (char *)NULL);
		fprintf(stderr, "tapholder: %s: %s\n", script, strerror(errno));
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int open_tap(const char *ifname, bool is_multi_queue)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR); /* inherited by the scripts, as QEMU's is */

	if (is_multi_queue)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0) {
		fprintf(stderr, "tapholder: tap '%s': %s\n", ifname, strerror(errno));
		return -1;
	}
	return fd;
}

static int persist(pid_t pid, int number)
{
	int fd = (int)syscall(SYS_pidfd_getfd, (int)syscall(SYS_pidfd_open, pid, 0U), number, 0U);

	if (fd < 0 || ioctl(fd, TUNSETPERSIST, 1UL) < 0) {
		fprintf(stderr, "tapholder: descriptor %d of %d: %s\n", number, (int)pid, strerror(errno));
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	bool is_gone_at_down = false, is_multi_queue = false;
	sigset_t all, term;
	int opt, fd, status;

	if (argc == 4 && strcmp(argv[1], "-p") == 0)
		return persist(atoi(argv[2]), atoi(argv[3]));
	while ((opt = getopt(argc, argv, "+dq")) != -1) {
		if (opt == 'd')
			is_gone_at_down = true;
		else if (opt == 'q')
			is_multi_queue = true;
		else
			return 2;
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: tapholder [-d] [-q] IFNAME UP [DOWN]\n");
		return 2;
	}
	argv += optind;
	fd = open_tap(argv[0], is_multi_queue);
	if (fd < 0)
		return 2;
	sigfillset(&all);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &all, NULL);
	status = run_script(argv[1], argv[0]);
	printf("up %d\n", status);
	fflush(stdout);
	if (status != 0)
		return 1;
	sigwait(&term, &opt);
	if (is_gone_at_down)
		close(fd);
	status = argv[2] ? run_script(argv[2], argv[0]) : 0;
	printf("down %d\n", status);
	return status != 0;
}
