/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kvnet-helper.c - QEMU's helper=: a tap on a network, as a descriptor over the socket that QEMU passes.
 *
 * It takes what qemu-bridge-helper takes (--use-vnet, --br=BRIDGE, --fd=N) and --net NAME besides.  Not setuid: root does
 * the work himself, anybody else has netd do it. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvnet.h"

struct arguments {
	const char *network; /* or the bridge of one; NULL: neither was said */
	bool is_br0; /* QEMU's --br when it was told no bridge */
	int fd;
	bool has_vnet_hdr;
};

static int usage(void)
{
	(void)fputs(
		"kvnet-helper: usage: kvnet-helper [--net NAME] [--use-vnet] [--br=BRIDGE] --fd=N, as QEMU runs it: "
		"-netdev tap,id=n0,helper='kvnet-helper --net nat0'\n",
		stderr);
	return 2;
}

/* The value of "--name=VALUE" or "--name VALUE"; NULL: @argv[*i] is another option. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
	const char *word = argv[*i];
	size_t length = strlen(name);

	if (!word || strncmp(word, name, length) != 0)
		return NULL;
	if (word[length] == '=')
		return word + length + 1;
	if (word[length] != '\0' || *i + 1 >= argc)
		return NULL;
	return argv[++*i];
}

static int parse(int argc, char **argv, struct arguments *ret)
{
	const char *bridge = NULL, *value;
	long number;
	char *end;

	*ret = (struct arguments){.fd = -1};
	for (int i = 1; i < argc && argv[i]; i++) {
		if (strcmp(argv[i], "--use-vnet") == 0) {
			ret->has_vnet_hdr = true;
		} else if ((value = value_of("--net", argc, argv, &i))) {
			ret->network = value;
		} else if ((value = value_of("--br", argc, argv, &i))) {
			bridge = value;
		} else if ((value = value_of("--fd", argc, argv, &i))) {
			errno = 0;
			number = strtol(value, &end, 10);
			if (*end || end == value || errno || number < 0 || number > INT_MAX)
				return -1;
			ret->fd = (int)number;
		} else {
			return -1;
		}
	}
	ret->is_br0 = !ret->network && bridge && strcmp(bridge, "br0") == 0;
	if (!ret->network)
		ret->network = bridge;
	return ret->fd >= 0 ? 0 : -1;
}

/* One byte, and the descriptor beside it. */
static int send_fd(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(fd))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(fd)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	char byte = 0;
	struct iovec iov = {&byte, sizeof(byte)};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.space)};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* QEMU: who made the socket.  The parent may be a shell, when QEMU was given a helper with arguments. */
static pid_t holder(int socket)
{
	struct ucred peer = {0};
	socklen_t length = sizeof(peer);

	return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid > 0 ? peer.pid : getppid();
}

static void explain_br0(struct kvn_error *err)
{
	size_t length = strlen(err->message);

	(void)snprintf(err->message + length, sizeof(err->message) - length,
		       " (QEMU's choice without br=: write br=NAME, or helper='kvnet-helper --net NAME')");
}

static int serve(struct kvn *kvn, const struct arguments *arguments, struct kvn_error *err)
{
	struct kvn_open_options options = {.queues = 1,
					   .has_own_mac = true,
					   .has_no_vnet_hdr = !arguments->has_vnet_hdr,
					   .pid = holder(arguments->fd),
					   .uid = UINT32_MAX};
	char name[KVN_NAME_MAX + 1] = "";
	struct kvn_open_port port = {0};
	struct stat st;
	int r;

	if (fstat(arguments->fd, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		(void)snprintf(err->message, sizeof(err->message), "--fd=%d: not a socket: QEMU passes one",
			       arguments->fd);
		return -ENOTSOCK;
	}
	r = arguments->network ? 0 : kvn_network_find(kvn, "", "", name, err);
	if (r == 0)
		r = kvn_port_open(kvn, arguments->network ? arguments->network : name, &options, &port, err);
	if (r == -ENOENT && arguments->is_br0)
		explain_br0(err);
	if (r < 0)
		return r;
	r = send_fd(arguments->fd, port.taps[0]);
	if (r < 0) {
		(void)snprintf(err->message, sizeof(err->message), "--fd=%d: %s", arguments->fd, strerror(-r));
		(void)kvn_port_close(kvn, port.ifname, NULL); /* the first error is the one to tell */
	}
	kvn_open_port_clear(&port);
	return r;
}

int main(int argc, char **argv)
{
	struct kvn_error err = {0};
	struct arguments arguments;
	struct kvn *kvn = NULL;
	sigset_t none;
	int r;

	/* QEMU hands its blocked signals down: the helper must stay killable. */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (parse(argc, argv, &arguments) < 0)
		return usage();
	r = kvn_open(&kvn, &err);
	if (r == 0)
		r = serve(kvn, &arguments, &err);
	if (r < 0)
		(void)fprintf(stderr, "kvnet-helper: %s\n", err.message);
	kvn_close(kvn);
	return r < 0 ? 1 : 0;
}
