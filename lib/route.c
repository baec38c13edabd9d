/* SPDX-License-Identifier: GPL-2.0-or-later */
/* route.c - routes over rtnetlink: who uses which prefix, and routes that move from a NIC to its bridge and back.
 *
 * A route that moves is kept as the bytes that the kernel dumped (struct rtmsg and its attributes), so that metrics,
 * source, onlink, encapsulation and what later kernels add come along; only the ifindex in it changes:
 *
 *   RTM_NEWROUTE  struct rtmsg
 *     RTA_OIF              u32, ifindex
 *     RTA_MULTIPATH        struct rtnexthop[], rtnh_ifindex in each
 */
#include <errno.h>
#include <string.h>

#include "array.h"
#include "cidr.h"
#include "cleanup.h"
#include "kernel.h"

struct route_list {
	struct kvn_route *routes;
	size_t n, size;
	struct kvn_netlink *nl;
};

static void get_ip(struct nlattr *attr, int family, struct kvn_ip *ret)
{
	*ret = (struct kvn_ip){.family = family};
	if (attr && nla_len(attr) <= (int)kvn_ip_size(family))
		memcpy(ret->bytes, nla_data(attr), (size_t)nla_len(attr));
}

static int first_hop_oif(struct nlattr *multipath)
{
	const struct rtnexthop *hop = nla_data(multipath);

	return nla_len(multipath) >= (int)sizeof(*hop) ? hop->rtnh_ifindex : 0;
}

/* Is the route one that stands in the way of an address, or moves with a NIC? */
static bool is_of_interest(const struct rtmsg *header, uint32_t table)
{
	if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6)
		return false;
	return !(header->rtm_flags & RTM_F_CLONED) && table != RT_TABLE_LOCAL && header->rtm_type != RTN_LOCAL &&
	       header->rtm_type != RTN_BROADCAST && header->rtm_type != RTN_ANYCAST &&
	       header->rtm_type != RTN_MULTICAST;
}

/* What all uses of a route have in common.  -EAGAIN: it is of no interest. */
static int parse_prefix(const struct nlmsghdr *hdr, struct nlattr *attrs[static RTA_MAX + 1], struct kvn_prefix *ret)
{
	const struct rtmsg *header = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse((struct nlmsghdr *)hdr, sizeof(*header), attrs, RTA_MAX, NULL) < 0)
		return -EBADMSG;
	*ret = (struct kvn_prefix){.table = attrs[RTA_TABLE] ? nla_get_u32(attrs[RTA_TABLE]) : header->rtm_table};
	if (!is_of_interest(header, ret->table))
		return -EAGAIN;
	get_ip(attrs[RTA_DST], header->rtm_family, &ret->cidr.ip);
	ret->cidr.prefixlen = header->rtm_dst_len;
	if (attrs[RTA_OIF])
		ret->ifindex = (int)nla_get_u32(attrs[RTA_OIF]);
	else if (attrs[RTA_MULTIPATH])
		ret->ifindex = first_hop_oif(attrs[RTA_MULTIPATH]);
	return 0;
}

static int parse_route(const struct nlmsghdr *hdr, struct kvn_netlink *nl, struct kvn_route *ret)
{
	struct nlattr *attrs[RTA_MAX + 1];
	const struct rtmsg *header = nlmsg_data(hdr);
	struct kvn_prefix prefix;
	int r = parse_prefix(hdr, attrs, &prefix);

	if (r < 0)
		return r;
	*ret = (struct kvn_route){
		.family = header->rtm_family, .table = prefix.table, .dst = prefix.cidr, .raw_oif = prefix.ifindex};
	if (attrs[RTA_PRIORITY])
		ret->metric = nla_get_u32(attrs[RTA_PRIORITY]);
	if (attrs[RTA_GATEWAY])
		get_ip(attrs[RTA_GATEWAY], header->rtm_family, &ret->gateway);
	r = ret->raw_oif ? kvn_link_name(nl, ret->raw_oif, ret->ifname) : 0;
	if (r < 0)
		return r == -ENODEV ? -EAGAIN : r; /* its link went meanwhile */
	ret->raw_size = (size_t)nlmsg_datalen(hdr);
	if (ret->raw_size > sizeof(ret->raw))
		ret->raw_size = 0; /* too long to move; its prefix is still known */
	memcpy(ret->raw, header, ret->raw_size);
	return 0;
}

static int parse_into_list(const struct nlmsghdr *hdr, void *arg)
{
	struct route_list *list = arg;
	struct kvn_route route;
	int r = parse_route(hdr, list->nl, &route);

	if (r == -EAGAIN)
		return 0;
	if (r < 0)
		return r;
	if (!KVN_ARRAY_ROOM(list->routes, list->n, list->size))
		return -ENOMEM;
	list->routes[list->n++] = route;
	return 0;
}

struct prefix_walk {
	kvn_prefix_each *take;
	void *arg;
};

static int take_prefix(const struct nlmsghdr *hdr, void *arg)
{
	const struct prefix_walk *walk = arg;
	struct nlattr *attrs[RTA_MAX + 1];
	struct kvn_prefix prefix;
	int r = parse_prefix(hdr, attrs, &prefix);

	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	return walk->take(&prefix, walk->arg);
}

/* Routes of @type (RTN_*), 0: of all.  @list, if not NULL, is cut back to what it was before each attempt. */
static int dump_family(struct kvn_netlink *nl, uint8_t family, uint8_t type, kvn_netlink_each *take, void *arg,
		       struct route_list *list, struct kvn_error *err)
{
	struct rtmsg header = {.rtm_family = family, .rtm_type = type};
	size_t before = list ? list->n : 0;
	int r = -EINTR;

	for (int i = 0; i < KVN_DUMP_TRIES && r == -EINTR; i++) {
		auto_msg struct nl_msg *msg = kvn_netlink_request(RTM_GETROUTE, 0, &header, sizeof(header));

		if (list)
			list->n = before;
		r = msg ? kvn_netlink_dump(nl, msg, take, arg, err) : -ENOMEM;
	}
	/* A kernel without the family has no routes of it. */
	return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
}

static int dump(struct kvn_netlink *nl, uint8_t type, kvn_netlink_each *take, void *arg, struct route_list *list,
		struct kvn_error *err)
{
	int r = dump_family(nl, AF_INET, type, take, arg, list, err);

	if (r == 0)
		r = dump_family(nl, AF_INET6, type, take, arg, list, err);
	return r < 0 ? kvn_fail_errno(err, -r, "cannot list routes") : 0;
}

int kvn_route_dump(struct kvn_kernel *kernel, struct kvn_route **ret, size_t *ret_n, struct kvn_error *err)
{
	struct route_list list = {0};
	int r = kvn_kernel_route(kernel, &list.nl, err);

	if (r == 0)
		r = dump(list.nl, 0, parse_into_list, &list, &list, err);
	if (r < 0) {
		free(list.routes);
		return r;
	}
	*ret = list.routes;
	*ret_n = list.n;
	return 0;
}

int kvn_route_prefixes(struct kvn_kernel *kernel, kvn_prefix_each *take, void *arg, struct kvn_error *err)
{
	/* Type by type: each address of the host brings three routes of types that are of no interest, and having the kernel
	 * leave them out is most of the time that this takes with 500 networks.  Kernels before 4.20 send all each time. */
	static const uint8_t types[] = {RTN_UNICAST, RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT, RTN_THROW};
	struct prefix_walk walk = {take, arg};
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err);

	for (size_t i = 0; i < ARRAY_SIZE(types) && r == 0; i++)
		r = dump(nl, types[i], take_prefix, &walk, NULL, err);
	return r;
}

bool kvn_route_is_kernels(const struct kvn_route *route)
{
	struct rtmsg header;

	if (route->raw_size < sizeof(header))
		return false;
	memcpy(&header, route->raw, sizeof(header));
	return header.rtm_protocol == RTPROT_KERNEL;
}

/* Put @to for @from wherever an attribute of the route names a link, multipath hops too. */
static void rewrite_oif(struct nl_msg *msg, int from, int to)
{
	struct nlattr *attr;
	int left;

	nlmsg_for_each_attr(attr, nlmsg_hdr(msg), sizeof(struct rtmsg), left)
	{
		uint32_t oif;

		if (nla_type(attr) == RTA_OIF) {
			memcpy(&oif, nla_data(attr), sizeof(oif));
			if ((int)oif == from) {
				oif = (uint32_t)to;
				memcpy(nla_data(attr), &oif, sizeof(oif));
			}
		} else if (nla_type(attr) == RTA_MULTIPATH) {
			struct rtnexthop *hop = nla_data(attr);

			for (int rest = nla_len(attr); RTNH_OK(hop, rest);
			     rest -= NLMSG_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
				if (hop->rtnh_ifindex == from)
					hop->rtnh_ifindex = to;
		}
	}
}

static struct nl_msg *request(int type, int flags, const struct kvn_route *route, int oif)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);
	struct rtmsg *header;

	if (!msg || nlmsg_append(msg, (void *)route->raw, route->raw_size, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	header = nlmsg_data(nlmsg_hdr(msg));
	header->rtm_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE; /* the rest is the kernel's to say */
	rewrite_oif(msg, route->raw_oif, oif);
	return msg;
}

static int call(struct kvn_kernel *kernel, int type, int flags, const struct kvn_route *route, struct kvn_error *err)
{
	auto_msg struct nl_msg *msg = NULL;
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err), oif = 0;

	if (r == 0)
		r = kvn_link_index(nl, route->ifname, &oif, err);
	if (r < 0)
		return r;
	if (route->raw_size < sizeof(struct rtmsg))
		return kvn_fail(err, EMSGSIZE, "it is too long to be moved");
	msg = request(type, flags, route, oif);
	if (!msg)
		return kvn_fail_errno(err, ENOMEM, "route");
	return kvn_netlink_call(nl, msg, err);
}

static int wrap(const struct kvn_route *route, struct kvn_error *err)
{
	char text[KVN_CIDR_TEXT];

	return kvn_wrap(err, "route %s by '%s'", kvn_cidr_format(&route->dst, text), route->ifname);
}

int kvn_route_set(struct kvn_kernel *kernel, const struct kvn_route *route, struct kvn_error *err)
{
	int r = call(kernel, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route, err);

	return r < 0 ? wrap(route, err) : 0;
}

int kvn_route_del(struct kvn_kernel *kernel, const struct kvn_route *route, struct kvn_error *err)
{
	int r = call(kernel, RTM_DELROUTE, 0, route, err);

	return r < 0 && r != -ESRCH && r != -ENODEV ? wrap(route, err) : 0;
}
