/* SPDX-License-Identifier: GPL-2.0-or-later */
/* floor_ifup.c - the least a qemu-ifup can do: one socket, one RTM_NEWLINK that enslaves the tap and sets it up.
 *
 * floor_ifup TAP BRIDGE attaches, floor_ifup TAP - detaches and sets down.  No library, no checks, no records: the floor
 * that the real hooks are measured against.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what, int code)
{
	(void)fprintf(stderr, "floor_ifup: %s: %s\n", what, strerror(code));
	return 1;
}

/* The index of @ifname, by the netlink socket itself: any socket takes the old ioctl.  0: there is none. */
static int find_ifindex(int fd, const char *ifname)
{
	struct ifreq ifr = {0};

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	return ioctl(fd, SIOCGIFINDEX, &ifr) < 0 ? 0 : ifr.ifr_ifindex;
}

int main(int argc, char *argv[])
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
		struct rtattr attr;
		int master;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_NEWLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.info = {.ifi_change = IFF_UP},
		.attr = {.rta_len = RTA_LENGTH(sizeof(int)), .rta_type = IFLA_MASTER},
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256]; /* the kernel sends the request back with an error */
	} reply;
	int fd;

	if (argc != 3)
		return fail("usage: floor_ifup TAP BRIDGE|-", EINVAL);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return fail("socket", errno);
	request.info.ifi_index = find_ifindex(fd, argv[1]);
	if (request.info.ifi_index == 0)
		return fail(argv[1], errno);
	if (strcmp(argv[2], "-") != 0) {
		request.info.ifi_flags = IFF_UP;
		request.master = find_ifindex(fd, argv[2]);
		if (request.master == 0)
			return fail(argv[2], errno);
	}
	if (send(fd, &request, sizeof(request), 0) < 0)
		return fail("send", errno);
	if (recv(fd, &reply, sizeof(reply), 0) < (ssize_t)sizeof(reply.header) + (ssize_t)sizeof(int))
		return fail("recv", EIO);
	return reply.error.error ? fail(argv[1], -reply.error.error) : 0;
}
