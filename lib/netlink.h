/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netlink.h - requests and dumps over one rtnetlink socket, on libnl-3.  Source: rtnetlink(7), Documentation/userspace-api/netlink. */
#ifndef KVN_NETLINK_H
#define KVN_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "error.h"

struct kvn_netlink;

static inline void kvn_cleanup_msg(struct nl_msg **msg)
{
	nlmsg_free(*msg);
}
#define auto_msg __attribute__((cleanup(kvn_cleanup_msg)))

/* Called for each message of an answer; a negative errno ends the dump with it. */
typedef int kvn_netlink_each(const struct nlmsghdr *hdr, void *arg);

/* Open a NETLINK_ROUTE socket with extended acks and strict dump checking.  -EPROTONOSUPPORT -EMFILE -ENOMEM */
int kvn_netlink_open(struct kvn_netlink **ret, struct kvn_error *err);
void kvn_netlink_close(struct kvn_netlink *nl);
/* Its descriptor, for ioctls that take any socket; stays @nl's. */
int kvn_netlink_fd(const struct kvn_netlink *nl);

/* A request of @type whose fixed header is @header; attributes are the caller's to put.  NULL: no memory. */
struct nl_msg *kvn_netlink_request(int type, int flags, const void *header, size_t size);

/* Send @msg and wait for its ack.  A refusal is its errno, and "STRERROR (kernel: EXTENDED ACK)" in @err. */
int kvn_netlink_call(struct kvn_netlink *nl, struct nl_msg *msg, struct kvn_error *err);

/* Send @msg, which asks for one object, and hand the answer to @each. */
int kvn_netlink_get(struct kvn_netlink *nl, struct nl_msg *msg, kvn_netlink_each *each, void *arg,
		    struct kvn_error *err);

/* Send @msg as a dump and hand every answer to @each.  -EINTR when the kernel's list changed meanwhile: what was handed
 * out may be incomplete, so the caller throws it away and asks again (kvn_netlink_retry). */
int kvn_netlink_dump(struct kvn_netlink *nl, struct nl_msg *msg, kvn_netlink_each *each, void *arg,
		     struct kvn_error *err);

#define KVN_DUMP_TRIES 16 /* restarts of an interrupted dump before it is called an error */

#endif
