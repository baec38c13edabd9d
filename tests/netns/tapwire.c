/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tapwire.c - stands in for a guest that was given a tap's descriptors: wires them to an eth0 in another namespace.
 *
 *   tapwire [-m MAC] NETNS FD[:FD...]                            the descriptors that it inherits
 *   tapwire [-m MAC] [-n] [-c] NETNS -h HELPER [BRIDGE]          the one that a bridge helper passes
 *
 * HELPER is run as QEMU runs it (measured on 7.2): "HELPER --use-vnet --fd=N --br=BRIDGE", by a shell when it has a space in
 * it, with some signals blocked; it must pass a descriptor and exit 0.  -n: without --use-vnet.  -c: nobody reads what it
 * passes.  Prints "wired IFNAME VNET QUEUES" once frames flow, VNET 1 with vnet_hdr, or "helper STATUS", and then exits 1.
 * What comes from eth0 goes to the queues in turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_QUEUES 16

static int die(const char *what)
{
	fprintf(stderr, "tapwire: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void run_helper(const char *helper, const char *bridge, bool use_vnet, int fd)
{
	char fd_word[32], bridge_word[64] = "", line[1024];
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGIO);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	snprintf(fd_word, sizeof(fd_word), "--fd=%d", fd);
	if (bridge)
		snprintf(bridge_word, sizeof(bridge_word), "--br=%s", bridge);
	if (strchr(helper, ' ')) {
		snprintf(line, sizeof(line), "%s %s %s %s", helper, use_vnet ? "--use-vnet" : "", fd_word, bridge_word);
		execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	} else {
		char *argv[5] = {(char *)helper};
		int n = 1;

		if (use_vnet)
			argv[n++] = (char *)"--use-vnet";
		argv[n++] = fd_word;
		if (bridge)
			argv[n] = bridge_word;
		execv(helper, argv);
	}
	_exit(127);
}

static int receive_fd(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	const struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(socket, &msg, 0) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&msg);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static int ask_helper(const char *helper, const char *bridge, bool use_vnet, bool is_deaf)
{
	int pair[2], status = -1, fd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		die("socketpair");
	if (is_deaf)
		close(pair[0]);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		run_helper(helper, bridge, use_vnet, pair[1]);
	}
	close(pair[1]);
	if (!is_deaf)
		fd = receive_fd(pair[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 || fd < 0) {
		printf("helper %d%s\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128,
		       fd < 0 ? "" : " but passed a descriptor");
		exit(1);
	}
	close(pair[0]);
	return fd;
}

static void set_mac(int socket, struct ifreq *ifr, const char *mac)
{
	unsigned char *to = (unsigned char *)ifr->ifr_hwaddr.sa_data;

	ifr->ifr_hwaddr.sa_family = ARPHRD_ETHER;
	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &to[0], &to[1], &to[2], &to[3], &to[4], &to[5]) != 6 ||
	    ioctl(socket, SIOCSIFHWADDR, ifr) < 0)
		die("eth0's MAC");
}

static int make_eth0(const char *netns, const char *mac, bool has_vnet_hdr)
{
	struct ifreq ifr = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | (has_vnet_hdr ? IFF_VNET_HDR : 0))};
	char path[128];
	int ns, fd, control;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	strcpy(ifr.ifr_name, "eth0");
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die(path);
	close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		die("eth0");
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (mac)
		set_mac(control, &ifr, mac);
	ifr.ifr_flags = IFF_UP;
	if (ioctl(control, SIOCSIFFLAGS, &ifr) < 0)
		die("eth0");
	close(control);
	return fd;
}

static void copy(int from, int to)
{
	char frame[1 << 16];
	ssize_t n = read(from, frame, sizeof(frame));

	if (n < 0 && errno != EAGAIN && errno != EIO) /* EIO: the link is down */
		die("read");
	/* A full queue loses a frame, as a wire may. */
	if (n > 0 && write(to, frame, (size_t)n) < 0 && errno != EAGAIN && errno != EIO && errno != ENOBUFS)
		die("write");
}

int main(int argc, char **argv)
{
	struct pollfd fds[MAX_QUEUES + 1] = {0};
	const char *mac = NULL, *netns = NULL;
	bool use_vnet = true, is_deaf = false;
	char *helper = NULL, *word, *rest;
	unsigned n = 0, turn = 0;
	struct ifreq ifr;
	int opt;

	while ((opt = getopt(argc, argv, "+m:nc")) != -1) {
		if (opt == 'm')
			mac = optarg;
		else if (opt == 'n')
			use_vnet = false;
		else if (opt == 'c')
			is_deaf = true;
		else
			return 2;
	}
	argv += optind;
	if (argc - optind < 2)
		return 2;
	netns = argv[0];
	if (strcmp(argv[1], "-h") == 0 && argv[2]) {
		helper = argv[2];
		fds[n++].fd = ask_helper(helper, argv[3], use_vnet, is_deaf);
	}
	for (word = helper ? NULL : strtok_r(argv[1], ":", &rest); word && n < MAX_QUEUES;
	     word = strtok_r(NULL, ":", &rest))
		fds[n++].fd = atoi(word);
	for (unsigned i = 0; i < n; i++) {
		memset(&ifr, 0, sizeof(ifr));
		if (ioctl(fds[i].fd, TUNGETIFF, &ifr) < 0)
			die("a descriptor that is no tap's");
		fds[i].events = POLLIN;
		fcntl(fds[i].fd, F_SETFL, O_NONBLOCK);
	}
	printf("wired %s %d %u\n", ifr.ifr_name, !!(ifr.ifr_flags & IFF_VNET_HDR), n);
	fds[n].fd = make_eth0(netns, mac, ifr.ifr_flags & IFF_VNET_HDR);
	fds[n].events = POLLIN;
	fflush(stdout);
	while (poll(fds, n + 1, -1) > 0) {
		for (unsigned i = 0; i < n; i++)
			if (fds[i].revents)
				copy(fds[i].fd, fds[n].fd);
		if (fds[n].revents)
			copy(fds[n].fd, fds[turn++ % n].fd);
	}
	return die("poll");
}
