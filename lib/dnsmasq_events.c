/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsmasq_events.c - a dnsmasq that is woken for its own bridge only.
 *
 * With bind-dynamic dnsmasq is told of every address and route that comes or goes on the host, and looks through all
 * addresses each time.  On a host of N networks the start of one would wake N processes that look through N addresses
 * each, and dnsmasq has no option against it.  So its rtnetlink socket is given a filter (socket(7), SO_ATTACH_FILTER):
 *
 *   struct nlmsghdr     0 u32 len   4 u16 type   6 u16 flags   8 u32 seq   12 u32 pid
 *   struct ifaddrmsg   16 u8 family   17 u8 prefixlen   18 u8 flags   19 u8 scope   20 u32 index
 *   struct rtmsg       16 u8 family   17 u8 dst_len ...
 *
 * An answer to dnsmasq's own question has NLM_F_MULTI set; news never has.  A bridge that is made anew has another index:
 * dnsmasq is then started anew, too (snapshot.c). */
#include "dnsmasq_events.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "cleanup.h"

#define PASS UINT32_MAX /* bytes: the whole message */
#define DROP 0U

static bool is_rtnetlink(int fd)
{
	int domain = 0, protocol = -1;
	socklen_t size = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_NETLINK &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == NETLINK_ROUTE;
}

/* The filter's loads turn what they read to the host's byte order from the network's, and netlink is in the host's. */
static void attach(int fd, unsigned ifindex)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_flags)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, htons(NLM_F_MULTI), 9, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWADDR), 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELADDR), 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 2, 4),
		/* 7: an address */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NLMSG_HDRLEN + offsetof(struct ifaddrmsg, ifa_index)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(ifindex), 2, 3),
		/* 9: a route */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_dst_len)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PASS),
		BPF_STMT(BPF_RET | BPF_K, DROP),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

void kvn_dnsmasq_events_limit(const struct kvn_process *process, const char *ifname)
{
	unsigned ifindex = if_nametoindex(ifname);
	auto_dir DIR *dir = NULL;
	const struct dirent *entry;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)process->pid);
	dir = ifindex ? opendir(path) : NULL;
	while (dir && (entry = readdir(dir))) {
		auto_close int fd = -1;
		char target[16] = "";

		if (readlinkat(dirfd(dir), entry->d_name, target, sizeof(target)) < 0 ||
		    strncmp(target, "socket:", strlen("socket:")) != 0)
			continue;
		fd = (int)syscall(SYS_pidfd_getfd, process->fd, atoi(entry->d_name), 0U);
		if (fd >= 0 && is_rtnetlink(fd))
			attach(fd, ifindex);
	}
}
