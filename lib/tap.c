/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tap.c - tap links for guests' NICs, by ioctl: the kernel refuses to make them over rtnetlink. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cleanup.h"
#include "kernel.h"

static int open_tun(struct kvn_error *err)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return kvn_fail(err, ENOENT, "/dev/net/tun: %s (this kernel has no tun driver: load module tun)",
				strerror(errno));
	return fd < 0 ? kvn_fail_errno(err, errno, "/dev/net/tun") : fd;
}

/* Make @fd a queue of tap @ifname, its first one with @is_new: TUNSETIFF would quietly take over a tap that is there. */
static int set_queue(int fd, const char *ifname, bool is_new, int flags, struct kvn_error *err)
{
	struct ifreq ifr = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | (is_new ? IFF_TUN_EXCL : 0) | flags)};

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return kvn_fail_errno(err, errno == EBUSY ? EEXIST : errno, "tap '%s'", ifname);
	return 0;
}

/* A tap without an owner is everybody's to open, as far as the kernel is concerned: /dev/net/tun has mode 0666 mostly. */
static int close_to_others(int fd, const char *ifname, struct kvn_error *err)
{
	return ioctl(fd, TUNSETOWNER, (unsigned long)geteuid()) < 0 ? kvn_fail_errno(err, errno, "tap '%s'", ifname)
								    : 0;
}

/* Is the one queue that we hold the only one of @ifname, now that nobody else may add any? */
static int check_alone(struct kvn_kernel *kernel, const char *ifname, struct kvn_error *err)
{
	struct kvn_link_info info;
	int r = kvn_link_get(kernel, ifname, &info, err);

	if (r < 0 || info.n_queues <= 1)
		return r;
	(void)kvn_link_del(kernel, ifname, NULL); /* or it would live as long as his descriptor does */
	return kvn_fail(err, EBUSY, "tap '%s': another process opened it as it was made", ifname);
}

int kvn_tap_add(struct kvn_kernel *kernel, const char ifname[static 1], unsigned queues, uint32_t uid, uint32_t gid,
		struct kvn_error *err)
{
	auto_close int fd = open_tun(err);
	int r = fd < 0 ? fd : set_queue(fd, ifname, true, IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0), err);

	if (r < 0)
		return r;
	if (uid == UINT32_MAX && gid == UINT32_MAX)
		r = close_to_others(fd, ifname, err);
	if (r < 0)
		return r;
	if (uid != UINT32_MAX)
		r = ioctl(fd, TUNSETOWNER, (unsigned long)uid);
	if (r == 0 && gid != UINT32_MAX)
		r = ioctl(fd, TUNSETGROUP, (unsigned long)gid);
	if (r < 0)
		return kvn_fail_errno(err, errno, "tap '%s'", ifname);
	r = queues > 1 ? check_alone(kernel, ifname, err) : 0;
	if (r < 0)
		return r;
	if (ioctl(fd, TUNSETPERSIST, 1UL) < 0) /* last: until then the tap goes with the descriptor */
		return kvn_fail_errno(err, errno, "tap '%s'", ifname);
	return 0;
}

int kvn_tap_open(struct kvn_kernel *kernel, const char ifname[static 1], unsigned queues, bool has_vnet_hdr, int *fds,
		 struct kvn_error *err)
{
	int flags = (has_vnet_hdr ? IFF_VNET_HDR : 0) | (queues > 1 ? IFF_MULTI_QUEUE : 0), r = 0;
	unsigned n = 0;

	for (; n < queues && r == 0; n++) {
		fds[n] = open_tun(err);
		r = fds[n] < 0 ? fds[n] : set_queue(fds[n], ifname, n == 0, flags, err);
		if (r == 0 && n == 0) /* or anybody might add a queue of his own to several */
			r = close_to_others(fds[n], ifname, err);
		if (r == 0 && n == 0 && queues > 1)
			r = check_alone(kernel, ifname, err);
	}
	while (r < 0 && n > 0)
		kvn_cleanup_close(&fds[--n]);
	return r;
}
