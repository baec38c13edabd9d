/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe.c - both ends of the guest tests: a server that tells each client the address it came from, and its clients.
 *
 *   probe serve PORT                 answer every TCP connection and UDP datagram with the peer's address
 *   probe tcp|udp HOST PORT [SECS]   print what such a server says; retried for SECS seconds (60)
 *   probe resolve NAME [SECS]        print the addresses of NAME in one line
 *   probe exit CODE                  in a guest: end QEMU through its isa-debug-exit device at port 0x501
 *
 * Linked statically, so that one binary serves the host and the initramfs.  Exit status: 0, 1 failed, 2 wrong usage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEBUG_EXIT_PORT 0x501 /* what tests/guest/lib.sh gives -device isa-debug-exit,iobase= */
#define RETRY_MS 200

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000L + ts.tv_nsec / 1000000;
}

/* Write @peer into @text as a plain address: "192.0.2.1", never "::ffff:192.0.2.1". */
static void peer_format(const struct sockaddr_storage *peer, socklen_t len, char text[static NI_MAXHOST])
{
	if (getnameinfo((const struct sockaddr *)peer, len, text, NI_MAXHOST, NULL, 0, NI_NUMERICHOST))
		strcpy(text, "unknown");
	if (!strncmp(text, "::ffff:", 7) && strchr(text, '.'))
		memmove(text, text + 7, strlen(text + 7) + 1);
}

/* Open a dual-stack socket bound to @port; -1 with errno set. */
static int bind_any(int type, unsigned port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	int one = 1, zero = 0, fd = socket(AF_INET6, type, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) || (type == SOCK_STREAM && listen(fd, 16)))
		return -1;
	return fd;
}

static void answer_tcp(int listener)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	char text[NI_MAXHOST + 1];
	int fd = accept(listener, (struct sockaddr *)&peer, &len);

	if (fd < 0)
		return;
	peer_format(&peer, len, text);
	strcat(text, "\n");
	/* A client that is gone already is its own loss. */
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
	close(fd);
}

static void answer_udp(int fd)
{
	struct sockaddr_storage peer;
	char text[NI_MAXHOST + 1], control[256];
	struct iovec iov = {.iov_base = text, .iov_len = sizeof(text)};
	struct msghdr msg = {.msg_name = &peer, .msg_namelen = sizeof(peer), .msg_iov = &iov, .msg_iovlen = 1};

	msg.msg_control = control;
	msg.msg_controllen = sizeof(control);
	if (recvmsg(fd, &msg, 0) < 0)
		return;
	peer_format(&peer, msg.msg_namelen, text);
	strcat(text, "\n");
	iov.iov_len = strlen(text);
	/* The control message received, the address that was asked, is the one to answer from. */
	(void)!sendmsg(fd, &msg, 0);
}

static int serve(unsigned port)
{
	struct pollfd fds[2] = {{.fd = bind_any(SOCK_STREAM, port), .events = POLLIN},
				{.fd = bind_any(SOCK_DGRAM, port), .events = POLLIN}};

	if (fds[0].fd < 0 || fds[1].fd < 0) {
		fprintf(stderr, "probe: port %u: %s\n", port, strerror(errno));
		return 1;
	}
	printf("serving %u\n", port);
	fflush(stdout);
	while (poll(fds, 2, -1) >= 0) {
		if (fds[0].revents)
			answer_tcp(fds[0].fd);
		if (fds[1].revents)
			answer_udp(fds[1].fd);
	}
	return 1;
}

/* Ask @address once, waiting at most @wait_ms for each step; the length of the answer in @answer, or -1. */
static ssize_t ask_once(const struct addrinfo *address, int wait_ms, char *answer, size_t size)
{
	struct pollfd pfd = {.fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK, 0)};
	ssize_t n = -1;

	if (pfd.fd < 0)
		return -1;
	if (connect(pfd.fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS) {
		pfd.events = POLLOUT;
		if (poll(&pfd, 1, wait_ms) > 0 &&
		    (address->ai_socktype == SOCK_STREAM || send(pfd.fd, "?", 1, MSG_NOSIGNAL) == 1)) {
			pfd.events = POLLIN;
			if (poll(&pfd, 1, wait_ms) > 0)
				n = recv(pfd.fd, answer, size, 0);
		}
	}
	close(pfd.fd);
	return n > 0 ? n : -1;
}

static struct addrinfo *lookup(const char *host, const char *port, int type)
{
	struct addrinfo hints = {.ai_socktype = type}, *found = NULL;

	/* Each getaddrinfo() has a short timeout of its own (resolv.conf's options); the caller repeats it. */
	return getaddrinfo(host, port, &hints, &found) ? NULL : found;
}

static int ask(int type, const char *host, const char *port, long seconds)
{
	long end = now_ms() + seconds * 1000;
	char answer[512];

	do {
		struct addrinfo *found = lookup(host, port, type);
		ssize_t n =
			found ? ask_once(found, (int)(seconds < 3 ? seconds : 3) * 1000, answer, sizeof(answer)) : -1;

		if (found)
			freeaddrinfo(found);
		if (n > 0) {
			fwrite(answer, 1, (size_t)n, stdout);
			return 0;
		}
		poll(NULL, 0, RETRY_MS);
	} while (now_ms() < end);
	return 1;
}

static int resolve(const char *name, long seconds)
{
	long end = now_ms() + seconds * 1000;

	do {
		struct addrinfo *found = lookup(name, NULL, SOCK_STREAM);

		for (struct addrinfo *at = found; at; at = at->ai_next) {
			char text[NI_MAXHOST] = "?";

			getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
			printf("%s%s", at == found ? "" : " ", text);
		}
		if (found) {
			freeaddrinfo(found);
			putchar('\n');
			return 0;
		}
		poll(NULL, 0, RETRY_MS);
	} while (now_ms() < end);
	return 1;
}

/* QEMU ends with status (@code << 1) | 1. */
static int leave(int code)
{
	if (ioperm(DEBUG_EXIT_PORT, 1, 1)) {
		fprintf(stderr, "probe: port 0x%x: %s\n", DEBUG_EXIT_PORT, strerror(errno));
		return 1;
	}
	outb((unsigned char)code, DEBUG_EXIT_PORT);
	return 0;
}

int main(int argc, char *argv[])
{
	const char *verb = argc > 2 ? argv[1] : "";

	if (!strcmp(verb, "serve") && argc == 3)
		return serve((unsigned)atoi(argv[2]));
	if ((!strcmp(verb, "tcp") || !strcmp(verb, "udp")) && (argc == 4 || argc == 5))
		return ask(verb[0] == 't' ? SOCK_STREAM : SOCK_DGRAM, argv[2], argv[3], argc == 5 ? atol(argv[4]) : 60);
	if (!strcmp(verb, "resolve") && argc <= 4)
		return resolve(argv[2], argc == 4 ? atol(argv[3]) : 60);
	if (!strcmp(verb, "exit") && argc == 3)
		return leave(atoi(argv[2]));
	fputs("usage: probe serve PORT | tcp|udp HOST PORT [SECS] | resolve NAME [SECS] | exit CODE\n", stderr);
	return 2;
}
