/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe.c - sends and counts the packets of the tests, one way.  Sources: packet(7), ip(7), ipv6(7).
 *
 *   probe watch FILE                     append a line for each frame that comes into any link of this namespace
 *   probe serve PORT FILE                answer TCP and UDP with the asker's address; append a line for each question
 *   probe send [-s SRC] [-n N] DST K     N datagrams to port 7, a TCP SYN to port 10000+K, an echo request: wait for nothing
 *   probe ask [-u] [-s SRC] [-w MS] DST PORT   put one question to serve, by TCP or (-u) UDP; print its answer
 *   probe arp IFNAME SENDER TARGET       broadcast one ARP request
 *
 * SRC may be an address that is not this host's.  A link-local DST is written fe80::1%eth0.  watch sees what the firewall
 * of its namespace would drop, so it counts arrivals at guests; for arrivals at the host count serve's lines.  Lines of watch:
 *   IFNAME SRCMAC udp|tcp|icmp SRC DST WHAT #K       WHAT: the port, "echo" or "reply"; K: the number given to send
 *   IFNAME SRCMAC arp SENDER TARGET request|reply    and others with "other" and the Ethernet type
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TAG "kvnprobe #"
#define SYN_PORT 10000 /* to this plus the number: each packet is a flow of its own, and of no earlier verdict */
#define UDP_PORT 20000 /* from this plus the number, likewise */

static void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(2);
}

static FILE *open_log(const char *path)
{
	FILE *log = fopen(path, "ae");

	if (!log)
		die(path);
	setvbuf(log, NULL, _IOLBF, 0);
	return log;
}

/* ---- watch ---- */

/* The number after the tag in @data, -1: none. */
static long tag_of(const uint8_t *data, size_t n)
{
	const uint8_t *found = memmem(data, n, TAG, strlen(TAG));
	char number[16] = "";

	if (!found)
		return -1;
	found += strlen(TAG);
	for (size_t i = 0; i < sizeof(number) - 1 && found + i < data + n && found[i] >= '0' && found[i] <= '9'; i++)
		number[i] = (char)found[i];
	return *number ? strtol(number, NULL, 10) : -1;
}

static void print_tcp(FILE *log, const char *head, const uint8_t *data, size_t n)
{
	struct tcphdr tcp;

	if (n < sizeof(tcp))
		return;
	memcpy(&tcp, data, sizeof(tcp));
	if (tcp.syn && !tcp.ack && ntohs(tcp.dest) >= SYN_PORT)
		fprintf(log, "%s %u #%d\n", head, ntohs(tcp.dest), ntohs(tcp.dest) - SYN_PORT);
	else
		fprintf(log, "%s %u\n", head, ntohs(tcp.dest));
}

static void print_icmp(FILE *log, const char *head, int family, const uint8_t *data, size_t n)
{
	bool is_echo = data[0] == (family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST);
	bool is_reply = data[0] == (family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY);

	if ((is_echo || is_reply) && tag_of(data, n) >= 0)
		fprintf(log, "%s %s #%ld\n", head, is_echo ? "echo" : "reply", tag_of(data, n));
	else
		fprintf(log, "%s type%u\n", head, data[0]);
}

/* One packet of @protocol whose payload is @data. */
static void print_packet(FILE *log, const char *link, int family, const void *src, const void *dst, int protocol,
			 const uint8_t *data, size_t n)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], head[160];
	const char *name = protocol == IPPROTO_UDP ? "udp" : protocol == IPPROTO_TCP ? "tcp" : "icmp";

	inet_ntop(family, src, from, sizeof(from));
	inet_ntop(family, dst, to, sizeof(to));
	(void)snprintf(head, sizeof(head), "%s %s %s %s", link, name, from, to);
	if (protocol == IPPROTO_TCP) {
		print_tcp(log, head, data, n);
	} else if (protocol == IPPROTO_UDP && n >= sizeof(struct udphdr)) {
		unsigned port = (unsigned)(data[2] << 8 | data[3]);

		if (tag_of(data, n) >= 0)
			fprintf(log, "%s %u #%ld\n", head, port, tag_of(data, n));
		else
			fprintf(log, "%s %u\n", head, port);
	} else if ((protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) && n > 0) {
		print_icmp(log, head, family, data, n);
	}
}

static void print_ipv4(FILE *log, const char *link, const uint8_t *data, size_t n)
{
	struct iphdr ip;

	if (n < sizeof(ip))
		return;
	memcpy(&ip, data, sizeof(ip));
	if (ip.ihl * 4u > n || ntohs(ip.frag_off) & IP_OFFMASK)
		return;
	print_packet(log, link, AF_INET, &ip.saddr, &ip.daddr, ip.protocol, data + ip.ihl * 4u, n - ip.ihl * 4u);
}

static void print_ipv6(FILE *log, const char *link, const uint8_t *data, size_t n)
{
	struct ip6_hdr ip;
	uint8_t protocol;
	size_t skip = sizeof(ip);

	if (n < sizeof(ip))
		return;
	memcpy(&ip, data, sizeof(ip));
	protocol = ip.ip6_nxt;
	if (protocol == IPPROTO_HOPOPTS && n > skip + 8) { /* MLD */
		protocol = data[skip];
		skip += (data[skip + 1] + 1u) * 8;
	}
	if (skip < n)
		print_packet(log, link, AF_INET6, &ip.ip6_src, &ip.ip6_dst, protocol, data + skip, n - skip);
}

static void print_frame(FILE *log, const struct sockaddr_ll *from, const uint8_t *data, size_t n)
{
	char ifname[IFNAMSIZ] = "?", link[64], sender[INET_ADDRSTRLEN], target[INET_ADDRSTRLEN];
	const uint8_t *mac = data + ETH_ALEN;
	const uint8_t *body = data + ETH_HLEN;

	if (n < ETH_HLEN)
		return;
	(void)if_indextoname((unsigned)from->sll_ifindex, ifname);
	(void)snprintf(link, sizeof(link), "%s %02x:%02x:%02x:%02x:%02x:%02x", ifname, mac[0], mac[1], mac[2], mac[3],
		       mac[4], mac[5]);
	n -= ETH_HLEN;
	if (ntohs(from->sll_protocol) == ETH_P_IP) {
		print_ipv4(log, link, body, n);
	} else if (ntohs(from->sll_protocol) == ETH_P_IPV6) {
		print_ipv6(log, link, body, n);
	} else if (ntohs(from->sll_protocol) == ETH_P_ARP && n >= 28) {
		inet_ntop(AF_INET, body + 14, sender, sizeof(sender));
		inet_ntop(AF_INET, body + 24, target, sizeof(target));
		fprintf(log, "%s arp %s %s %s\n", link, sender, target, body[7] == ARPOP_REPLY ? "reply" : "request");
	} else {
		fprintf(log, "%s other %04x\n", link, ntohs(from->sll_protocol));
	}
}

static _Noreturn void watch(const char *path)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)), size = 8 << 20;
	FILE *log = open_log(path);
	uint8_t data[65536];

	if (fd < 0)
		die("packet socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)); /* the default serves too */
	fprintf(log, "ready\n");
	for (;;) {
		struct sockaddr_ll from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &len);

		if (n < 0 && errno != EINTR && errno != ENETDOWN)
			die("packet socket");
		if (n > 0 && from.sll_pkttype != PACKET_OUTGOING && from.sll_hatype != ARPHRD_LOOPBACK)
			print_frame(log, &from, data, (size_t)n);
	}
}

/* ---- addresses ---- */

static void parse_address(const char *text, const char *port, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *found;
	int r = getaddrinfo(text, port, &hints, &found);

	if (r != 0) {
		fprintf(stderr, "probe: address '%s': %s\n", text, gai_strerror(r));
		exit(2);
	}
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_len = found->ai_addrlen;
	freeaddrinfo(found);
}

static void set_port(struct sockaddr_storage *addr, int port)
{
	if (addr->ss_family == AF_INET)
		((struct sockaddr_in *)addr)->sin_port = htons((uint16_t)port);
	else
		((struct sockaddr_in6 *)addr)->sin6_port = htons((uint16_t)port);
}

/* A socket that is bound to @src (NULL: any), which need not be an address of ours, and to @port (0: any). */
static int open_from(int family, int type, int protocol, const char *src, int port)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol), on = 1;
	struct sockaddr_storage addr;
	socklen_t len;

	if (fd < 0)
		die("socket");
	if (!src && port == 0)
		return fd;
	parse_address(src ? src : family == AF_INET ? "0.0.0.0" : "::", "0", &addr, &len);
	set_port(&addr, port);
	if (src && setsockopt(fd, family == AF_INET ? SOL_IP : SOL_IPV6,
			      family == AF_INET ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on, sizeof(on)) < 0)
		die("IP_TRANSPARENT");
	if (bind(fd, (struct sockaddr *)&addr, len) < 0)
		die(src ? src : "bind");
	return fd;
}

/* ---- send ---- */

static uint16_t checksum(const uint8_t *data, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)(data[i] << 8 | (i + 1 < n ? data[i + 1] : 0));
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* @k is the echo's identifier too: a connection of its own to whoever tracks them, as the ports of the others are. */
static void send_echo(const struct sockaddr_storage *dst, socklen_t len, const char *src, const char *text, int k)
{
	bool is_v4 = dst->ss_family == AF_INET;
	int fd = open_from(dst->ss_family, SOCK_RAW, is_v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, src, 0);
	uint8_t packet[8 + 32] = {is_v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST, 0, 0, 0, (uint8_t)(k >> 8), (uint8_t)k};
	struct sockaddr_storage to = *dst;
	uint16_t sum;

	set_port(&to, 0);
	(void)snprintf((char *)packet + 8, sizeof(packet) - 8, "%s", text);
	sum = checksum(packet, sizeof(packet));
	if (is_v4) /* the kernel fills in ICMPv6's */
		memcpy(packet + 2, &sum, sizeof(sum));
	(void)sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to,
		     len); /* refused here is not arrived there */
	close(fd);
}

static int send_all(const char *src, int n, const char *dst_text, int k)
{
	struct sockaddr_storage dst;
	socklen_t len;
	char text[32];
	int fd;

	(void)snprintf(text, sizeof(text), TAG "%d.", k);
	parse_address(dst_text, "7", &dst, &len);
	fd = open_from(dst.ss_family, SOCK_DGRAM, 0, src, UDP_PORT + k);
	for (int i = 0; i < n; i++)
		(void)sendto(fd, text, strlen(text), 0, (struct sockaddr *)&dst, len); /* as above */
	close(fd);
	send_echo(&dst, len, src, text, k);
	set_port(&dst, SYN_PORT + k);
	fd = open_from(dst.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0, src, 0);
	(void)connect(fd, (struct sockaddr *)&dst, len); /* as above */
	close(fd);
	return 0;
}

static int arp(const char *ifname, const char *sender, const char *target)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP));
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_halen = ETH_ALEN};
	uint8_t packet[28] = {0, 1, 8, 0, ETH_ALEN, 4, 0, ARPOP_REQUEST};
	struct ifreq ifr = {0};

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		die(ifname);
	memcpy(packet + 8, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	if (inet_pton(AF_INET, sender, packet + 14) != 1 || inet_pton(AF_INET, target, packet + 24) != 1)
		die("address");
	to.sll_ifindex = (int)if_nametoindex(ifname);
	memset(to.sll_addr, 0xff, ETH_ALEN);
	if (sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("arp");
	return 0;
}

/* ---- serve and ask ---- */

/* "10.0.0.1" also of ::ffff:10.0.0.1 */
static void format_peer(const struct sockaddr_in6 *addr, char text[static INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED(&addr->sin6_addr))
		inet_ntop(AF_INET, addr->sin6_addr.s6_addr + 12, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &addr->sin6_addr, text, INET6_ADDRSTRLEN);
}

/* Reusing the address is for TCP's TIME_WAIT; with it, UDP would share its port with another server. */
static int open_server(int type, int port)
{
	struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), on = 1, off = 0, reuse = type == SOCK_STREAM;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)) < 0 ||
	    setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, SOL_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || (type == SOCK_STREAM && listen(fd, 64) < 0))
		die("server");
	return fd;
}

/* Answer one datagram from the address that it was sent to: the control message goes back as it came. */
static void answer_udp(int fd, FILE *log)
{
	struct sockaddr_in6 from;
	char text[64] = "", peer[INET6_ADDRSTRLEN], control[64];
	struct iovec iov = {text, sizeof(text) - 1};
	struct msghdr msg = {.msg_name = &from,
			     .msg_namelen = sizeof(from),
			     .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0)
		return;
	format_peer(&from, peer);
	if (tag_of((uint8_t *)text, (size_t)n) >= 0)
		fprintf(log, "udp %s #%ld\n", peer, tag_of((uint8_t *)text, (size_t)n));
	else
		fprintf(log, "udp %s %.*s\n", peer, (int)n, text);
	iov = (struct iovec){peer, strlen(peer)};
	(void)sendmsg(fd, &msg, 0); /* the asker's wait shows it */
}

static void answer_tcp(int fd, FILE *log)
{
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	char peer[INET6_ADDRSTRLEN];
	int client = accept4(fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);

	if (client < 0)
		return;
	format_peer(&from, peer);
	fprintf(log, "tcp %s\n", peer);
	(void)send(client, peer, strlen(peer), MSG_NOSIGNAL); /* as above */
	close(client);
}

static _Noreturn void serve(int port, const char *path)
{
	struct pollfd fds[] = {{open_server(SOCK_DGRAM, port), POLLIN, 0}, {open_server(SOCK_STREAM, port), POLLIN, 0}};
	FILE *log = open_log(path);

	fprintf(log, "ready\n");
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			die("poll");
		if (fds[0].revents)
			answer_udp(fds[0].fd, log);
		if (fds[1].revents)
			answer_tcp(fds[1].fd, log);
	}
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* The answer, or the errno of why there is none. */
static int exchange(int fd, bool is_udp, int64_t deadline_ms, char answer[static 64])
{
	struct pollfd pfd = {fd, is_udp ? POLLIN : POLLOUT, 0};
	int code = 0;
	socklen_t len = sizeof(code);
	ssize_t n = -1;

	while (now_ms() < deadline_ms) {
		int64_t left = deadline_ms - now_ms();

		if (is_udp && send(fd, "ask", 3, 0) < 0 && errno != ECONNREFUSED)
			return errno;
		if (poll(&pfd, 1, (int)(is_udp && left > 100 ? 100 : left)) == 0)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0 || code != 0)
			return code;
		if (pfd.events == POLLOUT) {
			pfd.events = POLLIN;
			continue;
		}
		n = recv(fd, answer, 63, 0);
		if (n < 0)
			return errno;
		answer[n] = '\0';
		return n == 0 ? ECONNRESET : 0;
	}
	return ETIMEDOUT;
}

static int ask(const char *src, bool is_udp, int wait_ms, const char *dst_text, const char *port)
{
	struct sockaddr_storage dst;
	char answer[64] = "";
	socklen_t len;
	int fd, r = 0;

	parse_address(dst_text, port, &dst, &len);
	fd = open_from(dst.ss_family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0, src, 0);
	if (connect(fd, (struct sockaddr *)&dst, len) < 0 && errno != EINPROGRESS)
		r = errno;
	if (r == 0)
		r = exchange(fd, is_udp, now_ms() + wait_ms, answer);
	if (r != 0) {
		fprintf(stderr, "probe: %s %s: %s\n", is_udp ? "udp" : "tcp", dst_text, strerror(r));
		return 1;
	}
	puts(answer);
	return 0;
}

int main(int argc, char **argv)
{
	const char *src = NULL, *verb = argc > 1 ? argv[1] : "";
	int opt, n = 1, wait_ms = 3000;
	bool is_udp = false;

	optind = 2;
	while ((opt = getopt(argc, argv, "s:n:w:u")) != -1) {
		if (opt == 's')
			src = optarg;
		else if (opt == 'n')
			n = atoi(optarg);
		else if (opt == 'w')
			wait_ms = atoi(optarg);
		else if (opt == 'u')
			is_udp = true;
		else
			return 2;
	}
	argv += optind;
	argc -= optind;
	if (strcmp(verb, "watch") == 0 && argc == 1)
		watch(argv[0]);
	if (strcmp(verb, "serve") == 0 && argc == 2)
		serve(atoi(argv[0]), argv[1]);
	if (strcmp(verb, "send") == 0 && argc == 2)
		return send_all(src, n, argv[0], atoi(argv[1]));
	if (strcmp(verb, "ask") == 0 && argc == 2)
		return ask(src, is_udp, wait_ms, argv[0], argv[1]);
	if (strcmp(verb, "arp") == 0 && argc == 3)
		return arp(argv[0], argv[1], argv[2]);
	fprintf(stderr, "probe: watch | serve | send | ask | arp: see the head of probe.c\n");
	return 2;
}
