/* SPDX-License-Identifier: GPL-2.0-or-later */
/* varlink.c - frame, queue, send and receive varlink's messages. */
#include "varlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"

#define READ_SIZE 4096U

struct kvn_varlink_message {
	struct kvn_varlink_message *next;
	char *text; /* owned; its NUL is part of it */
	size_t n, n_sent;
	int fds[KVN_VARLINK_FDS];
	size_t n_fds;
};

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]); /* nothing was written to them here */
}

static void message_free(struct kvn_varlink_message *message)
{
	close_all(message->fds, message->n_fds);
	free(message->text);
	free(message);
}

void kvn_varlink_init(struct kvn_varlink *link, int fd)
{
	*link = (struct kvn_varlink){.fd = fd, .max = KVN_VARLINK_MAX};
}

void kvn_varlink_clear(struct kvn_varlink *link)
{
	struct kvn_varlink_message *message;

	while ((message = link->out)) {
		link->out = message->next;
		message_free(message);
	}
	close_all(link->in_fds, link->n_in_fds);
	free(link->in);
	kvn_cleanup_close(&link->fd);
	kvn_varlink_init(link, -1);
}

/* ---- out ---- */

int kvn_varlink_put(struct kvn_varlink *link, const json_t *message, const int *fds, size_t n_fds,
		    struct kvn_error *err)
{
	struct kvn_varlink_message *out = n_fds <= KVN_VARLINK_FDS ? calloc(1, sizeof(*out)) : NULL;

	if (!out || !(out->text = json_dumps(message, JSON_COMPACT | JSON_REAL_PRECISION(13)))) {
		close_all(fds, n_fds);
		free(out);
		return kvn_fail_errno(err, n_fds > KVN_VARLINK_FDS ? E2BIG : ENOMEM, "message");
	}
	if (n_fds)
		memcpy(out->fds, fds, n_fds * sizeof(*fds));
	out->n_fds = n_fds;
	out->n = strlen(out->text) + 1;
	if (link->out)
		link->out_last->next = out;
	else
		link->out = out;
	link->out_last = out;
	link->n_out += out->n;
	return 0;
}

static ssize_t send_some(int fd, struct kvn_varlink_message *message)
{
	struct iovec iov = {message->text + message->n_sent, message->n - message->n_sent};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(message->fds))];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (message->n_fds) {
		control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(message->n_fds * sizeof(int)),
						  .cmsg_level = SOL_SOCKET,
						  .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.header), message->fds, message->n_fds * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(message->n_fds * sizeof(int));
	}
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	close_all(message->fds, message->n_fds); /* the peer has them */
	message->n_fds = 0;
	return n;
}

int kvn_varlink_flush(struct kvn_varlink *link, struct kvn_error *err)
{
	struct kvn_varlink_message *message;

	while ((message = link->out)) {
		ssize_t n = send_some(link->fd, message);

		if (n == -EAGAIN)
			return -EAGAIN;
		if (n < 0)
			return kvn_fail_errno(err, n == -ECONNRESET ? EPIPE : (int)-n, "cannot send");
		message->n_sent += (size_t)n;
		link->n_out -= (size_t)n;
		if (message->n_sent < message->n)
			continue;
		link->out = message->next;
		message_free(message);
	}
	return 0;
}

/* ---- in ---- */

/* Descriptors past what there is room for are closed. */
static void take_control(struct kvn_varlink *link, struct msghdr *msg)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(msg); header; header = CMSG_NXTHDR(msg, header)) {
		size_t n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
			if (link->n_in_fds < KVN_VARLINK_FDS)
				link->in_fds[link->n_in_fds++] = fd;
			else
				(void)close(fd);
		}
	}
}

static int receive_some(struct kvn_varlink *link, struct kvn_error *err)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(link->in_fds))];
	} control;
	struct iovec iov;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n;

	if (link->size_in - link->n_in < READ_SIZE) {
		size_t size = link->size_in ? 2 * link->size_in : 2 * READ_SIZE;
		char *grown = link->n_in < link->max ? realloc(link->in, size) : NULL;

		if (!grown)
			return kvn_fail_errno(err, link->n_in < link->max ? ENOMEM : EMSGSIZE, "message");
		link->in = grown;
		link->size_in = size;
	}
	iov = (struct iovec){link->in + link->n_in, link->size_in - link->n_in};
	do
		n = recvmsg(link->fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return -EAGAIN;
	if (n < 0)
		return kvn_fail_errno(err, errno == ECONNRESET ? EPIPE : errno, "cannot receive");
	take_control(link, &msg);
	link->n_in += (size_t)n;
	return n == 0 ? kvn_fail_errno(err, EPIPE, "connection") : 0;
}

/* Cut the first message, of @n bytes and a NUL, out of what has come. */
static int cut(struct kvn_varlink *link, size_t n, json_t **ret, struct kvn_error *err)
{
	json_t *json = json_loadb(link->in, n, JSON_REJECT_DUPLICATES, NULL);

	link->n_in -= n + 1;
	memmove(link->in, link->in + n + 1, link->n_in);
	link->n_scanned = 0;
	if (!json_is_object(json)) {
		json_decref(json);
		return kvn_fail(err, EBADMSG, "not a JSON object");
	}
	*ret = json;
	return 0;
}

int kvn_varlink_get(struct kvn_varlink *link, json_t **ret, struct kvn_error *err)
{
	for (;;) {
		const char *end = link->n_in > link->n_scanned
					  ? memchr(link->in + link->n_scanned, '\0', link->n_in - link->n_scanned)
					  : NULL;
		int r;

		if (end)
			return cut(link, (size_t)(end - link->in), ret, err);
		link->n_scanned = link->n_in;
		r = receive_some(link, err);
		if (r < 0)
			return r;
	}
}

size_t kvn_varlink_take_fds(struct kvn_varlink *link, int *fds, size_t size)
{
	size_t n = link->n_in_fds < size ? link->n_in_fds : size;

	if (n)
		memcpy(fds, link->in_fds, n * sizeof(*fds));
	close_all(link->in_fds + n, link->n_in_fds - n);
	link->n_in_fds = 0;
	return n;
}
