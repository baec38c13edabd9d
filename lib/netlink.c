/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netlink.c - requests and dumps over one rtnetlink socket.
 *
 * libnl builds and parses the messages; the receive loop is ours because libnl's error codes lose the kernel's errno and
 * its extended ack.  An answer is
 *
 *   nlmsghdr NLMSG_ERROR        struct nlmsgerr { int error; struct nlmsghdr request; }
 *     NLMSGERR_ATTR_MSG         string, the kernel's own words (NETLINK_EXT_ACK)
 *   nlmsghdr NLMSG_DONE         int error
 *   nlmsghdr RTM_*              an object
 */
#include "netlink.h"

#include <errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"

#define BUFFER_SIZE (64U * 1024) /* a dump's answers come in pieces of at most 32 KiB */

struct kvn_netlink {
	struct nl_sock *sock;
	uint32_t seq;
	_Alignas(NLMSG_ALIGNTO) char buffer[BUFFER_SIZE];
};

static void set_option(int fd, int option)
{
	int one = 1;

	/* An older kernel without it only says less, or filters less: callers filter again. */
	(void)setsockopt(fd, SOL_NETLINK, option, &one, sizeof(one));
}

int kvn_netlink_open(struct kvn_netlink **ret, struct kvn_error *err)
{
	struct kvn_netlink *nl = malloc(sizeof(*nl));
	int r;

	if (!nl)
		return kvn_fail_errno(err, ENOMEM, "rtnetlink");
	nl->seq = 0;
	nl->sock = nl_socket_alloc();
	errno = 0;
	r = nl->sock ? nl_connect(nl->sock, NETLINK_ROUTE) : -NLE_NOMEM;
	if (r < 0) {
		int code = errno ? errno : ENOMEM;

		kvn_netlink_close(nl);
		return kvn_fail_errno(err, code, "cannot open an rtnetlink socket");
	}
	set_option(nl_socket_get_fd(nl->sock), NETLINK_EXT_ACK);
	set_option(nl_socket_get_fd(nl->sock), NETLINK_CAP_ACK);
	set_option(nl_socket_get_fd(nl->sock), NETLINK_GET_STRICT_CHK);
	*ret = nl;
	return 0;
}

void kvn_netlink_close(struct kvn_netlink *nl)
{
	if (!nl)
		return;
	nl_socket_free(nl->sock);
	free(nl);
}

int kvn_netlink_fd(const struct kvn_netlink *nl)
{
	return nl_socket_get_fd(nl->sock);
}

struct nl_msg *kvn_netlink_request(int type, int flags, const void *header, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (msg && nlmsg_append(msg, (void *)header, size, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* The kernel's words in an error answer, NULL without. */
static const char *extended_ack(const struct nlmsghdr *hdr)
{
	const struct nlmsgerr *answer = NLMSG_DATA(hdr);
	size_t skip = sizeof(*answer);
	struct nlattr *attr;

	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		skip += answer->msg.nlmsg_len - sizeof(answer->msg);
	if (hdr->nlmsg_len < NLMSG_HDRLEN + NLMSG_ALIGN(skip))
		return NULL;
	attr = nla_find((struct nlattr *)((char *)NLMSG_DATA(hdr) + NLMSG_ALIGN(skip)),
			(int)(hdr->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(skip)), NLMSGERR_ATTR_MSG);
	if (!attr || nla_len(attr) < 2 || memchr(nla_data(attr), '\0', (size_t)nla_len(attr)) == NULL)
		return NULL;
	return nla_get_string(attr);
}

static int refuse(const struct nlmsghdr *hdr, int code, struct kvn_error *err)
{
	const char *words = hdr->nlmsg_type == NLMSG_ERROR ? extended_ack(hdr) : NULL;

	if (code == EPERM)
		return kvn_fail(err, code, "%s: needs root (CAP_NET_ADMIN)", strerror(code));
	if (words)
		return kvn_fail(err, code, "%s (kernel: %s)", strerror(code), words);
	return kvn_fail(err, code, "%s", strerror(code));
}

static int send_request(struct kvn_netlink *nl, struct nl_msg *msg, int flags, struct kvn_error *err)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct iovec iov = {.iov_base = hdr, .iov_len = hdr->nlmsg_len};
	struct msghdr packet = {.msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = &iov, .msg_iovlen = 1};

	hdr->nlmsg_flags |= (uint16_t)flags;
	hdr->nlmsg_seq = ++nl->seq;
	while (sendmsg(nl_socket_get_fd(nl->sock), &packet, 0) < 0)
		if (errno != EINTR)
			return kvn_fail_errno(err, errno, "rtnetlink");
	return 0;
}

/* One datagram into the buffer; the length, or a negative errno. */
static ssize_t receive(struct kvn_netlink *nl, struct kvn_error *err)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {.iov_base = nl->buffer, .iov_len = sizeof(nl->buffer)};
		struct msghdr packet = {
			.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
		ssize_t n = recvmsg(nl_socket_get_fd(nl->sock), &packet, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kvn_fail_errno(err, errno, "rtnetlink");
		if (packet.msg_flags & MSG_TRUNC)
			return kvn_fail(err, EMSGSIZE, "rtnetlink: an answer of more than %u bytes", BUFFER_SIZE);
		if (from.nl_pid == 0) /* from the kernel, nobody else */
			return n;
	}
}

/* Read answers to the last request until it is acked, done, or one object came when @is_one. */
static int collect(struct kvn_netlink *nl, bool is_one, kvn_netlink_each *each, void *arg, struct kvn_error *err)
{
	bool is_interrupted = false;
	int failed = 0;

	for (;;) {
		ssize_t n = receive(nl, err);
		struct nlmsghdr *hdr = (struct nlmsghdr *)nl->buffer;
		int left = (int)n;

		if (n < 0)
			return (int)n;
		for (; nlmsg_ok(hdr, left); hdr = nlmsg_next(hdr, &left)) {
			if (hdr->nlmsg_seq != nl->seq)
				continue; /* a leftover of a request that was given up */
			if (hdr->nlmsg_flags & NLM_F_DUMP_INTR)
				is_interrupted = true;
			if (hdr->nlmsg_type == NLMSG_ERROR || hdr->nlmsg_type == NLMSG_DONE) {
				int code = 0;

				if (nlmsg_datalen(hdr) >= (int)sizeof(code))
					memcpy(&code, nlmsg_data(hdr), sizeof(code));
				if (code < 0)
					return refuse(hdr, -code, err);
				if (failed < 0)
					return failed;
				return is_interrupted ? -EINTR : 0;
			}
			if (each && failed == 0)
				failed = each(hdr, arg);
			if (is_one)
				return failed;
		}
	}
}

int kvn_netlink_call(struct kvn_netlink *nl, struct nl_msg *msg, struct kvn_error *err)
{
	int r = send_request(nl, msg, NLM_F_ACK, err);

	return r < 0 ? r : collect(nl, false, NULL, NULL, err);
}

int kvn_netlink_get(struct kvn_netlink *nl, struct nl_msg *msg, kvn_netlink_each *each, void *arg,
		    struct kvn_error *err)
{
	int r = send_request(nl, msg, 0, err);

	return r < 0 ? r : collect(nl, true, each, arg, err);
}

int kvn_netlink_dump(struct kvn_netlink *nl, struct nl_msg *msg, kvn_netlink_each *each, void *arg,
		     struct kvn_error *err)
{
	int r = send_request(nl, msg, NLM_F_DUMP, err);

	return r < 0 ? r : collect(nl, false, each, arg, err);
}
