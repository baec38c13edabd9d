/* SPDX-License-Identifier: GPL-2.0-or-later */
/* addr.c - addresses over rtnetlink.
 *
 *   RTM_NEWADDR  struct ifaddrmsg
 *     IFA_LOCAL          the address (IPv4; IPv6 only with a peer)
 *     IFA_ADDRESS        the address, or the peer's
 *     IFA_BROADCAST      IPv4
 *     IFA_LABEL          string, IPv4
 *     IFA_FLAGS          u32
 *     IFA_CACHEINFO      struct ifa_cacheinfo, lifetimes in seconds
 *     IFA_RT_PRIORITY    u32, metric of the prefix route
 *     IFA_PROTO          u8, who made it (Linux 5.18)
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <string.h>

#include "array.h"
#include "cidr.h"
#include "cleanup.h"
#include "kernel.h"

#ifndef IFA_PROTO
#define IFA_PROTO 11
#endif
#define IFA_LAST IFA_PROTO
/* What a user may ask for; the rest is the kernel's to say. */
#define FLAGS_OURS (IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN)

struct addr_list {
	struct kvn_addr *addrs;
	size_t n, size;
	int ifindex;
	struct kvn_netlink *nl;
};

static void get_ip(struct nlattr *attr, int family, struct kvn_ip *ret)
{
	if (!attr || nla_len(attr) != (int)kvn_ip_size(family))
		return;
	*ret = (struct kvn_ip){.family = family};
	memcpy(ret->bytes, nla_data(attr), kvn_ip_size(family));
}

static bool is_link_local6(const struct kvn_ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static int parse_addr(const struct nlmsghdr *hdr, const struct addr_list *list, struct kvn_addr *ret)
{
	struct nlattr *attrs[IFA_LAST + 1];
	const struct ifaddrmsg *header = nlmsg_data(hdr);
	struct kvn_ip local = {0}, address = {0};
	int r;

	if (hdr->nlmsg_type != RTM_NEWADDR ||
	    nlmsg_parse((struct nlmsghdr *)hdr, sizeof(*header), attrs, IFA_LAST, NULL) < 0)
		return -EBADMSG;
	if ((list->ifindex && (int)header->ifa_index != list->ifindex) ||
	    (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
		return -EAGAIN;
	get_ip(attrs[IFA_LOCAL], header->ifa_family, &local);
	get_ip(attrs[IFA_ADDRESS], header->ifa_family, &address);
	*ret = (struct kvn_addr){.scope = header->ifa_scope, .valid_s = UINT32_MAX, .preferred_s = UINT32_MAX};
	ret->cidr = (struct kvn_cidr){.ip = local.family ? local : address, .prefixlen = header->ifa_prefixlen};
	if (local.family && address.family && !kvn_ip_equal(&local, &address))
		ret->peer = address;
	if (!ret->cidr.ip.family || is_link_local6(&ret->cidr.ip))
		return -EAGAIN;
	get_ip(attrs[IFA_BROADCAST], header->ifa_family, &ret->broadcast);
	if (attrs[IFA_LABEL])
		(void)nla_strlcpy(ret->label, attrs[IFA_LABEL], sizeof(ret->label));
	ret->flags = (attrs[IFA_FLAGS] ? nla_get_u32(attrs[IFA_FLAGS]) : header->ifa_flags) & FLAGS_OURS;
	if (attrs[IFA_CACHEINFO] && nla_len(attrs[IFA_CACHEINFO]) >= (int)sizeof(struct ifa_cacheinfo)) {
		const struct ifa_cacheinfo *life = nla_data(attrs[IFA_CACHEINFO]);

		ret->valid_s = life->ifa_valid;
		ret->preferred_s = life->ifa_prefered;
	}
	if (attrs[IFA_RT_PRIORITY])
		ret->metric = nla_get_u32(attrs[IFA_RT_PRIORITY]);
	if (attrs[IFA_PROTO])
		ret->protocol = nla_get_u8(attrs[IFA_PROTO]);
	r = kvn_link_name(list->nl, (int)header->ifa_index, ret->ifname);
	if (r < 0)
		return r == -ENODEV ? -EAGAIN : r; /* the link went meanwhile */
	if (strcmp(ret->label, ret->ifname) == 0)
		ret->label[0] = '\0';
	return 0;
}

struct prefix_walk {
	kvn_prefix_each *take;
	void *arg;
};

static int take_prefixes(const struct nlmsghdr *hdr, void *arg)
{
	const struct prefix_walk *walk = arg;
	struct nlattr *attrs[IFA_LAST + 1];
	const struct ifaddrmsg *header = nlmsg_data(hdr);
	struct kvn_ip local = {0}, address = {0};
	struct kvn_prefix prefix = {.ifindex = (int)header->ifa_index};
	int r = 0;

	if (hdr->nlmsg_type != RTM_NEWADDR ||
	    nlmsg_parse((struct nlmsghdr *)hdr, sizeof(*header), attrs, IFA_LAST, NULL) < 0)
		return -EBADMSG;
	if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6)
		return 0;
	get_ip(attrs[IFA_LOCAL], header->ifa_family, &local);
	get_ip(attrs[IFA_ADDRESS], header->ifa_family, &address);
	if (local.family && !is_link_local6(&local)) {
		prefix.cidr = (struct kvn_cidr){local, header->ifa_prefixlen};
		r = walk->take(&prefix, walk->arg);
	}
	if (r < 0 || !address.family || is_link_local6(&address) || (local.family && kvn_ip_equal(&local, &address)))
		return r;
	prefix.cidr = (struct kvn_cidr){address, header->ifa_prefixlen};
	return walk->take(&prefix, walk->arg);
}

static int parse_into_list(const struct nlmsghdr *hdr, void *arg)
{
	struct addr_list *list = arg;
	struct kvn_addr addr;
	int r = parse_addr(hdr, list, &addr);

	if (r == -EAGAIN)
		return 0;
	if (r < 0)
		return r;
	if (!KVN_ARRAY_ROOM(list->addrs, list->n, list->size))
		return -ENOMEM;
	list->addrs[list->n++] = addr;
	return 0;
}

/* @list, if not NULL, is emptied before each attempt. */
static int dump(struct kvn_netlink *nl, int ifindex, kvn_netlink_each *take, void *arg, struct addr_list *list,
		struct kvn_error *err)
{
	struct ifaddrmsg header = {.ifa_family = AF_UNSPEC, .ifa_index = (uint32_t)ifindex};
	int r = -EINTR;

	for (int i = 0; i < KVN_DUMP_TRIES && r == -EINTR; i++) {
		auto_msg struct nl_msg *msg = kvn_netlink_request(RTM_GETADDR, 0, &header, sizeof(header));

		if (list)
			list->n = 0;
		r = msg ? kvn_netlink_dump(nl, msg, take, arg, err) : -ENOMEM;
	}
	return r < 0 ? kvn_fail_errno(err, -r, "cannot list addresses") : 0;
}

int kvn_addr_dump(struct kvn_kernel *kernel, int ifindex, struct kvn_addr **ret, size_t *ret_n, struct kvn_error *err)
{
	struct addr_list list = {.ifindex = ifindex};
	int r = kvn_kernel_route(kernel, &list.nl, err);

	if (r == 0)
		r = dump(list.nl, ifindex, parse_into_list, &list, &list, err);
	if (r < 0) {
		free(list.addrs);
		return r;
	}
	*ret = list.addrs;
	*ret_n = list.n;
	return 0;
}

int kvn_addr_prefixes(struct kvn_kernel *kernel, kvn_prefix_each *take, void *arg, struct kvn_error *err)
{
	struct prefix_walk walk = {take, arg};
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err);

	return r < 0 ? r : dump(nl, 0, take_prefixes, &walk, NULL, err);
}

static int put_ip(struct nl_msg *msg, int type, const struct kvn_ip *ip)
{
	return ip->family ? nla_put(msg, type, (int)kvn_ip_size(ip->family), ip->bytes) : 0;
}

static int call(struct kvn_kernel *kernel, int type, int flags, const struct kvn_addr *addr, struct kvn_error *err)
{
	struct ifaddrmsg header = {.ifa_family = (uint8_t)addr->cidr.ip.family,
				   .ifa_prefixlen = addr->cidr.prefixlen,
				   .ifa_scope = addr->scope};
	struct ifa_cacheinfo life = {.ifa_valid = addr->valid_s, .ifa_prefered = addr->preferred_s};
	auto_msg struct nl_msg *msg = NULL;
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err), ifindex = 0;

	if (r == 0)
		r = kvn_link_index(nl, addr->ifname, &ifindex, err);
	if (r < 0)
		return r;
	header.ifa_index = (uint32_t)ifindex;
	msg = kvn_netlink_request(type, flags, &header, sizeof(header));
	if (!msg || put_ip(msg, IFA_LOCAL, &addr->cidr.ip) < 0 ||
	    put_ip(msg, IFA_ADDRESS, addr->peer.family ? &addr->peer : &addr->cidr.ip) < 0)
		return kvn_fail_errno(err, ENOMEM, "address");
	if (type == RTM_NEWADDR &&
	    (put_ip(msg, IFA_BROADCAST, &addr->broadcast) < 0 || nla_put_u32(msg, IFA_FLAGS, addr->flags) < 0 ||
	     (addr->label[0] && nla_put_string(msg, IFA_LABEL, addr->label) < 0) ||
	     (addr->valid_s != UINT32_MAX && nla_put(msg, IFA_CACHEINFO, sizeof(life), &life) < 0) ||
	     (addr->metric && nla_put_u32(msg, IFA_RT_PRIORITY, addr->metric) < 0) ||
	     (addr->protocol && nla_put_u8(msg, IFA_PROTO, addr->protocol) < 0)))
		return kvn_fail_errno(err, ENOMEM, "address");
	return kvn_netlink_call(nl, msg, err);
}

static int wrap(const struct kvn_addr *addr, struct kvn_error *err)
{
	char text[KVN_CIDR_TEXT];

	return kvn_wrap(err, "address %s on '%s'", kvn_cidr_format(&addr->cidr, text), addr->ifname);
}

int kvn_addr_add(struct kvn_kernel *kernel, const struct kvn_addr *addr, struct kvn_error *err)
{
	int r = call(kernel, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, addr, err);

	return r < 0 && r != -EEXIST ? wrap(addr, err) : 0;
}

int kvn_addr_del(struct kvn_kernel *kernel, const struct kvn_addr *addr, struct kvn_error *err)
{
	int r = call(kernel, RTM_DELADDR, 0, addr, err);

	return r < 0 && r != -EADDRNOTAVAIL && r != -ENODEV ? wrap(addr, err) : 0;
}
