/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tap.c - tap links for guests' NICs, by ioctl: the kernel refuses to make them over rtnetlink. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cleanup.h"
#include "kernel.h"

int kvn_tap_add(const char ifname[static 1], unsigned queues, uint32_t uid, uint32_t gid, struct kvn_error *err)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	auto_close int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int r = 0;

	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return kvn_fail(err, ENOENT, "/dev/net/tun: %s (this kernel has no tun driver: load module tun)",
				strerror(errno));
	if (fd < 0)
		return kvn_fail_errno(err, errno, "/dev/net/tun");
	if (queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	/* TUNSETIFF would quietly take over a persistent tap of that name. */
	ifr.ifr_flags |= (short)IFF_TUN_EXCL;
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int code = errno == EBUSY ? EEXIST : errno;

		return kvn_fail_errno(err, code, "tap '%s'", ifname);
	}
	if (uid != UINT32_MAX)
		r = ioctl(fd, TUNSETOWNER, (unsigned long)uid);
	if (r == 0 && gid != UINT32_MAX)
		r = ioctl(fd, TUNSETGROUP, (unsigned long)gid);
	if (r == 0) /* last: until then the tap goes with the descriptor */
		r = ioctl(fd, TUNSETPERSIST, 1UL);
	if (r < 0)
		return kvn_fail_errno(err, errno, "tap '%s'", ifname);
	return 0;
}
