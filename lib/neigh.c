/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neigh.c - what a bridge, and the neighbour tables, have learnt about the guests behind its ports, over rtnetlink.
 *
 *   RTM_NEWNEIGH  struct ndmsg { ndm_family AF_BRIDGE, ndm_ifindex the port }
 *     NDA_LLADDR   6 bytes
 *     NDA_MASTER   u32, ifindex of the bridge
 *
 *   RTM_NEWNEIGH  struct ndmsg { ndm_family AF_INET or AF_INET6, ndm_ifindex the link }
 *     NDA_DST        4 or 16 bytes
 *     NDA_LLADDR     6 bytes
 *     NDA_CACHEINFO  struct nda_cacheinfo, times in 1/100 s
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <string.h>

#include "array.h"
#include "cleanup.h"
#include "kernel.h"

struct neigh_list {
	struct kvn_neigh *neighs;
	size_t n, size;
	int bridge;
};

static int parse_into_list(const struct nlmsghdr *hdr, void *arg)
{
	struct neigh_list *list = arg;
	struct nlattr *attrs[NDA_MAX + 1];
	const struct ndmsg *header = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWNEIGH ||
	    nlmsg_parse((struct nlmsghdr *)hdr, sizeof(*header), attrs, NDA_MAX, NULL) < 0)
		return -EBADMSG;
	/* Permanent entries are the ports' own addresses, not guests'. */
	if (header->ndm_family != AF_BRIDGE || header->ndm_state & NUD_PERMANENT || !attrs[NDA_LLADDR] ||
	    nla_len(attrs[NDA_LLADDR]) != 6 || !attrs[NDA_MASTER] ||
	    (int)nla_get_u32(attrs[NDA_MASTER]) != list->bridge)
		return 0;
	if (!KVN_ARRAY_ROOM(list->neighs, list->n, list->size))
		return -ENOMEM;
	list->neighs[list->n].port = header->ndm_ifindex;
	memcpy(list->neighs[list->n++].mac, nla_data(attrs[NDA_LLADDR]), 6);
	return 0;
}

int kvn_fdb_dump(struct kvn_kernel *kernel, int ifindex, struct kvn_neigh **ret, size_t *ret_n, struct kvn_error *err)
{
	struct ndmsg header = {.ndm_family = AF_BRIDGE};
	struct neigh_list list = {.bridge = ifindex};
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err);

	if (r < 0)
		return r;
	for (int i = 0; i < KVN_DUMP_TRIES; i++) {
		auto_msg struct nl_msg *msg = kvn_netlink_request(RTM_GETNEIGH, 0, &header, sizeof(header));

		list.n = 0;
		r = msg && nla_put_u32(msg, NDA_MASTER, (uint32_t)ifindex) == 0
			    ? kvn_netlink_dump(nl, msg, parse_into_list, &list, err)
			    : -ENOMEM;
		if (r != -EINTR)
			break;
	}
	if (r < 0) {
		free(list.neighs);
		return kvn_fail_errno(err, -r, "cannot list what bridge %d has learnt", ifindex);
	}
	*ret = list.neighs;
	*ret_n = list.n;
	return 0;
}

struct addr_list {
	struct kvn_neigh_addr *addrs;
	size_t n, size;
	int ifindex;
};

static bool is_link_local(const struct kvn_ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static int parse_addr_into_list(const struct nlmsghdr *hdr, void *arg)
{
	struct addr_list *list = arg;
	struct nlattr *attrs[NDA_MAX + 1];
	const struct ndmsg *header = nlmsg_data(hdr);
	struct kvn_neigh_addr addr = {0};
	struct nda_cacheinfo times = {0};

	if (hdr->nlmsg_type != RTM_NEWNEIGH ||
	    nlmsg_parse((struct nlmsghdr *)hdr, sizeof(*header), attrs, NDA_MAX, NULL) < 0)
		return -EBADMSG;
	addr.ip.family = header->ndm_family;
	/* NOARP are multicast groups and the like. */
	if (header->ndm_ifindex != list->ifindex || header->ndm_state & (NUD_FAILED | NUD_INCOMPLETE | NUD_NOARP) ||
	    !attrs[NDA_LLADDR] || nla_len(attrs[NDA_LLADDR]) != 6 || !attrs[NDA_DST] ||
	    nla_len(attrs[NDA_DST]) != (addr.ip.family == AF_INET ? 4 : 16))
		return 0;
	memcpy(addr.ip.bytes, nla_data(attrs[NDA_DST]), (size_t)nla_len(attrs[NDA_DST]));
	memcpy(addr.mac, nla_data(attrs[NDA_LLADDR]), 6);
	if (attrs[NDA_CACHEINFO] && nla_len(attrs[NDA_CACHEINFO]) >= (int)sizeof(times))
		memcpy(&times, nla_data(attrs[NDA_CACHEINFO]), sizeof(times));
	addr.age_cs = times.ndm_confirmed;
	if (is_link_local(&addr.ip))
		return 0;
	if (!KVN_ARRAY_ROOM(list->addrs, list->n, list->size))
		return -ENOMEM;
	list->addrs[list->n++] = addr;
	return 0;
}

int kvn_neigh_dump(struct kvn_kernel *kernel, int family, int ifindex, struct kvn_neigh_addr **ret, size_t *ret_n,
		   struct kvn_error *err)
{
	struct ndmsg header = {.ndm_family = (uint8_t)family};
	struct addr_list list = {.ifindex = ifindex};
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err);

	if (r < 0)
		return r;
	for (int i = 0; i < KVN_DUMP_TRIES; i++) {
		auto_msg struct nl_msg *msg = kvn_netlink_request(RTM_GETNEIGH, 0, &header, sizeof(header));

		list.n = 0;
		r = msg && nla_put_u32(msg, NDA_IFINDEX, (uint32_t)ifindex) == 0
			    ? kvn_netlink_dump(nl, msg, parse_addr_into_list, &list, err)
			    : -ENOMEM;
		if (r != -EINTR)
			break;
	}
	if (r < 0) {
		free(list.addrs);
		return kvn_fail_errno(err, -r, "cannot list the neighbours on link %d", ifindex);
	}
	*ret = list.addrs;
	*ret_n = list.n;
	return 0;
}

static int take_any(const struct nlmsghdr *hdr, void *arg)
{
	bool *ret = arg;

	*ret = hdr->nlmsg_type == RTM_NEWNEIGH;
	return 0;
}

int kvn_fdb_has(struct kvn_kernel *kernel, const char *bridge, const uint8_t mac[static 6], bool *ret,
		struct kvn_error *err)
{
	struct ndmsg header = {.ndm_family = AF_BRIDGE};
	auto_msg struct nl_msg *msg = kvn_netlink_request(RTM_GETNEIGH, 0, &header, sizeof(header));
	struct kvn_netlink *nl;
	int ifindex = 0, r = kvn_kernel_route(kernel, &nl, err);

	*ret = false;
	if (r == 0)
		r = kvn_link_index(nl, bridge, &ifindex, err);
	if (r < 0)
		return r == -ENODEV ? 0 : r;
	if (!msg || nla_put_u32(msg, NDA_MASTER, (uint32_t)ifindex) < 0 || nla_put(msg, NDA_LLADDR, 6, mac) < 0)
		return kvn_fail_errno(err, ENOMEM, "bridge '%s'", bridge);
	r = kvn_netlink_get(nl, msg, take_any, ret, err);
	if (r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP)
		return 0;
	return r < 0 ? kvn_wrap(err, "bridge '%s'", bridge) : 0;
}
