/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gap.c - how long masquerading was away: the longest time between two datagrams that came from the right address.
 *
 *   gap send ADDRESS MS        a datagram to port 9 each millisecond, for MS milliseconds
 *   gap receive SOURCE MS      listen on port 9 for MS milliseconds; print the longest gap between two from SOURCE, in ms */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void send_all(const struct sockaddr_in *to, double end)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	while (now_ms() < end) {
		/* A connection of its own each time: conntrack would remember the address of an old one. */
		struct sockaddr_in from = {.sin_family = AF_INET};

		(void)close(fd);
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		(void)bind(fd, (const struct sockaddr *)&from, sizeof(from));
		(void)sendto(fd, "x", 1, 0, (const struct sockaddr *)to,
			     sizeof(*to)); /* lost ones are what is counted */
		(void)nanosleep(&pause, NULL);
	}
}

static int receive_all(const struct in_addr *source, double end)
{
	const struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	double last = 0, longest = 0;

	if (bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0) {
		perror("gap: port 9");
		return 1;
	}
	while (now_ms() < end) {
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		char byte;

		if (poll(&poll_fd, 1, 10) <= 0 || recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&from, &size) < 0 ||
		    from.sin_addr.s_addr != source->s_addr)
			continue;
		if (last > 0 && now_ms() - last > longest)
			longest = now_ms() - last;
		last = now_ms();
	}
	if (last == 0 || end - last > 500)
		(void)puts("never");
	else
		(void)printf("%.1f\n", longest);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};

	if (argc != 4 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
		(void)fputs("usage: gap send|receive ADDRESS MS\n", stderr);
		return 2;
	}
	if (strcmp(argv[1], "receive") == 0)
		return receive_all(&to.sin_addr, now_ms() + atof(argv[3]));
	send_all(&to, now_ms() + atof(argv[3]));
	return 0;
}
