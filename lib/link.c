/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link.c - links, bridges and bridge ports over rtnetlink.
 *
 *   RTM_NEWLINK  struct ifinfomsg
 *     IFLA_IFNAME        string
 *     IFLA_ADDRESS       6 bytes
 *     IFLA_MTU           u32, bytes
 *     IFLA_MASTER        u32, ifindex; 0: none
 *     IFLA_IFALIAS       string, "" removes it
 *     IFLA_LINKINFO
 *       IFLA_INFO_KIND         "bridge"
 *       IFLA_INFO_DATA
 *         IFLA_BR_STP_STATE      u32
 *         IFLA_BR_FORWARD_DELAY  u32, 1/100 s
 *       IFLA_INFO_DATA         of a "tun" with IFF_MULTI_QUEUE
 *         IFLA_TUN_NUM_QUEUES            u32
 *         IFLA_TUN_NUM_DISABLED_QUEUES   u32, set aside with TUNSETQUEUE
 *       IFLA_INFO_SLAVE_KIND   "bridge"
 *       IFLA_INFO_SLAVE_DATA
 *         IFLA_BRPORT_ISOLATED   u8
 */
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <sys/ioctl.h>

#include "array.h"
#include "cleanup.h"
#include "kernel.h"

#define STP_DELAY_CS 200U /* 1/100 s: the shortest that 802.1D allows */

struct link_list {
	struct kvn_link_info *links;
	size_t n, size;
	int master; /* wanted ifindex; 0: any */
};

static void parse_linkinfo(struct nlattr *attr, struct kvn_link_info *ret)
{
	struct nlattr *info[IFLA_INFO_MAX + 1], *data[IFLA_BR_MAX + 1], *tap[IFLA_TUN_MAX + 1];
	struct nlattr *slave[IFLA_BRPORT_MAX + 1];
	const char *kind = "", *slave_kind = "";

	if (nla_parse_nested(info, IFLA_INFO_MAX, attr, NULL) < 0)
		return;
	if (info[IFLA_INFO_KIND])
		kind = nla_get_string(info[IFLA_INFO_KIND]);
	(void)snprintf(ret->kind, sizeof(ret->kind), "%s", kind);
	if (strcmp(kind, "bridge") == 0 && info[IFLA_INFO_DATA] &&
	    nla_parse_nested(data, IFLA_BR_MAX, info[IFLA_INFO_DATA], NULL) >= 0 && data[IFLA_BR_STP_STATE])
		ret->stp = nla_get_u32(data[IFLA_BR_STP_STATE]) != 0;
	if (strcmp(kind, "tun") == 0 && info[IFLA_INFO_DATA] &&
	    nla_parse_nested(tap, IFLA_TUN_MAX, info[IFLA_INFO_DATA], NULL) >= 0 && tap[IFLA_TUN_NUM_QUEUES] &&
	    tap[IFLA_TUN_NUM_DISABLED_QUEUES])
		ret->n_queues = nla_get_u32(tap[IFLA_TUN_NUM_QUEUES]) + nla_get_u32(tap[IFLA_TUN_NUM_DISABLED_QUEUES]);
	if (info[IFLA_INFO_SLAVE_KIND])
		slave_kind = nla_get_string(info[IFLA_INFO_SLAVE_KIND]);
	if (strcmp(slave_kind, "bridge") == 0 && info[IFLA_INFO_SLAVE_DATA] &&
	    nla_parse_nested(slave, IFLA_BRPORT_MAX, info[IFLA_INFO_SLAVE_DATA], NULL) >= 0 &&
	    slave[IFLA_BRPORT_ISOLATED])
		ret->is_isolated = nla_get_u8(slave[IFLA_BRPORT_ISOLATED]) != 0;
}

static int parse_link(const struct nlmsghdr *hdr, void *arg)
{
	struct kvn_link_info *ret = arg;
	struct nlattr *attrs[IFLA_MAX + 1];
	const struct ifinfomsg *header = nlmsg_data(hdr);

	if (hdr->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse((struct nlmsghdr *)hdr, sizeof(*header), attrs, IFLA_MAX, NULL) < 0 || !attrs[IFLA_IFNAME])
		return -EBADMSG;
	*ret = (struct kvn_link_info){
		.ifindex = header->ifi_index, .flags = header->ifi_flags, .type = header->ifi_type};
	(void)nla_strlcpy(ret->ifname, attrs[IFLA_IFNAME], sizeof(ret->ifname));
	if (attrs[IFLA_IFALIAS])
		(void)nla_strlcpy(ret->alias, attrs[IFLA_IFALIAS], sizeof(ret->alias));
	if (attrs[IFLA_ADDRESS] && nla_len(attrs[IFLA_ADDRESS]) == 6)
		memcpy(ret->mac, nla_data(attrs[IFLA_ADDRESS]), 6);
	if (attrs[IFLA_MTU])
		ret->mtu = nla_get_u32(attrs[IFLA_MTU]);
	if (attrs[IFLA_MASTER])
		ret->master = (int)nla_get_u32(attrs[IFLA_MASTER]);
	if (attrs[IFLA_CARRIER])
		ret->has_carrier = nla_get_u8(attrs[IFLA_CARRIER]) != 0;
	if (attrs[IFLA_LINKINFO])
		parse_linkinfo(attrs[IFLA_LINKINFO], ret);
	return 0;
}

static int parse_into_list(const struct nlmsghdr *hdr, void *arg)
{
	struct link_list *list = arg;
	struct kvn_link_info link;
	int r = parse_link(hdr, &link);

	if (r < 0 || (list->master && link.master != list->master))
		return r;
	if (!KVN_ARRAY_ROOM(list->links, list->n, list->size))
		return -ENOMEM;
	list->links[list->n++] = link;
	return 0;
}

static struct nl_msg *request(int type, int flags, const struct ifinfomsg *header, const char *ifname)
{
	struct nl_msg *msg = kvn_netlink_request(type, flags, header, sizeof(*header));

	if (msg && ifname)
		(void)nla_put_string(msg, IFLA_IFNAME, ifname); /* a fresh message has a page: a name fits */
	return msg;
}

/* By ioctl on the socket that is open: the C library would open one for each name of a dump. */
int kvn_link_index(struct kvn_netlink *nl, const char *ifname, int *ret, struct kvn_error *err)
{
	struct ifreq ifr = {0};

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(kvn_netlink_fd(nl), SIOCGIFINDEX, &ifr) < 0)
		return kvn_fail_errno(err, errno, "link '%s'", ifname);
	*ret = ifr.ifr_ifindex;
	return 0;
}

int kvn_link_name(struct kvn_netlink *nl, int ifindex, char ret[static IFNAMSIZ])
{
	struct ifreq ifr = {.ifr_ifindex = ifindex};

	if (ioctl(kvn_netlink_fd(nl), SIOCGIFNAME, &ifr) < 0)
		return -errno;
	memcpy(ret, ifr.ifr_name, IFNAMSIZ);
	return 0;
}

int kvn_link_get(struct kvn_kernel *kernel, const char *ifname, struct kvn_link_info *ret, struct kvn_error *err)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	auto_msg struct nl_msg *msg = request(RTM_GETLINK, 0, &header, ifname);
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err);

	if (r < 0)
		return r;
	if (!msg || nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		return kvn_fail_errno(err, ENOMEM, "link '%s'", ifname);
	r = kvn_netlink_get(nl, msg, parse_link, ret, err);
	if (r < 0)
		(void)kvn_wrap(err, "link '%s'", ifname); /* it does not know the code when @err is NULL */
	return r;
}

int kvn_link_dump(struct kvn_kernel *kernel, int master, struct kvn_link_info **ret, size_t *ret_n,
		  struct kvn_error *err)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	struct link_list list = {.master = master};
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err);

	if (r < 0)
		return r;
	for (int i = 0; i < KVN_DUMP_TRIES; i++) {
		auto_msg struct nl_msg *msg = request(RTM_GETLINK, 0, &header, NULL);

		list.n = 0;
		if (!msg || nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0 ||
		    (master && nla_put_u32(msg, IFLA_MASTER, (uint32_t)master) < 0))
			r = kvn_fail_errno(err, ENOMEM, "links");
		else
			r = kvn_netlink_dump(nl, msg, parse_into_list, &list, err);
		if (r != -EINTR)
			break;
	}
	if (r < 0) {
		free(list.links);
		return kvn_fail_errno(err, -r, "cannot list links");
	}
	*ret = list.links;
	*ret_n = list.n;
	return 0;
}

static int set_ipv6(const struct kvn_link *want, struct kvn_error *err)
{
	int r;

	switch (want->ipv6) {
	case KVN_IPV6_OFF:
		return kvn_sysctl_set_link("ipv6", want->ifname, "disable_ipv6", 1, 1, err);
	case KVN_IPV6_ROUTER:
		r = kvn_sysctl_set_link("ipv6", want->ifname, "accept_ra", 0, -1, err);
		if (r == 0)
			r = kvn_sysctl_set_link("ipv6", want->ifname, "accept_dad", 0, -1, err);
		return r < 0 ? r : kvn_sysctl_set_link("ipv6", want->ifname, "disable_ipv6", 0, -1, err);
	case KVN_IPV6_HOST:
		return 0;
	}
	return 0;
}

static int put_bridge_data(struct nl_msg *msg, bool stp)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO), *data;

	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "bridge") < 0)
		return -ENOMEM;
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	/* Without STP there is nothing to wait for before a port forwards. */
	if (!data || nla_put_u32(msg, IFLA_BR_STP_STATE, stp) < 0 ||
	    nla_put_u32(msg, IFLA_BR_FORWARD_DELAY, stp ? STP_DELAY_CS : 0) < 0)
		return -ENOMEM;
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return 0;
}

/* The second half of add and set: everything that takes a link that is there.  The MTU too: one that a bridge is made with
 * follows its ports' from then on, and is 1500 again when the last of them goes. */
static int set_flags(struct kvn_kernel *kernel, const struct kvn_link *want, struct kvn_error *err)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC,
				   .ifi_change = IFF_UP | IFF_NOARP,
				   .ifi_flags = (want->is_up ? IFF_UP : 0U) | (want->is_arp_off ? IFF_NOARP : 0U)};
	auto_msg struct nl_msg *msg = request(RTM_NEWLINK, 0, &header, want->ifname);
	char alias[sizeof(KVN_LINK_ALIAS) + IFNAMSIZ] = "";

	if (want->network[0])
		(void)snprintf(alias, sizeof(alias), KVN_LINK_ALIAS "%s", want->network);
	if (!msg || nla_put(msg, IFLA_IFALIAS, (int)strlen(alias), alias) < 0 ||
	    (want->mtu && nla_put_u32(msg, IFLA_MTU, want->mtu) < 0))
		return kvn_fail_errno(err, ENOMEM, "link '%s'", want->ifname);
	return kvn_netlink_call(kernel->route, msg, err);
}

int kvn_link_add(struct kvn_kernel *kernel, const struct kvn_link *want, struct kvn_error *err)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	auto_msg struct nl_msg *msg = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, want->ifname);
	static const uint8_t any[6];
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err);

	if (r < 0)
		return r;
	if (!msg || put_bridge_data(msg, want->stp) < 0 ||
	    (memcmp(want->mac, any, 6) != 0 && nla_put(msg, IFLA_ADDRESS, 6, want->mac) < 0))
		return kvn_fail_errno(err, ENOMEM, "bridge '%s'", want->ifname);
	r = kvn_netlink_call(nl, msg, err);
	if (r == -EOPNOTSUPP)
		(void)kvn_fail(err, EOPNOTSUPP, "%s (this kernel has no bridges: load module bridge)",
			       strerror(EOPNOTSUPP));
	if (r == 0)
		r = set_ipv6(want, err);
	if (r == 0)
		r = set_flags(kernel, want, err);
	return r < 0 ? kvn_wrap(err, "bridge '%s'", want->ifname) : 0;
}

int kvn_link_set(struct kvn_kernel *kernel, const struct kvn_link *had, const struct kvn_link *want,
		 struct kvn_error *err)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	auto_msg struct nl_msg *msg = request(RTM_NEWLINK, 0, &header, want->ifname);
	static const uint8_t any[6];
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err);

	if (r < 0)
		return r;
	if (!msg || (want->mtu && want->mtu != had->mtu && nla_put_u32(msg, IFLA_MTU, want->mtu) < 0) ||
	    (want->stp != had->stp && put_bridge_data(msg, want->stp) < 0) ||
	    (memcmp(want->mac, any, 6) != 0 && memcmp(want->mac, had->mac, 6) != 0 &&
	     nla_put(msg, IFLA_ADDRESS, 6, want->mac) < 0))
		return kvn_fail_errno(err, ENOMEM, "bridge '%s'", want->ifname);
	r = kvn_netlink_call(nl, msg, err);
	if (r == 0 && want->ipv6 != had->ipv6)
		r = set_ipv6(want, err);
	if (r == 0)
		r = set_flags(kernel, want, err);
	return r < 0 ? kvn_wrap(err, "bridge '%s'", want->ifname) : 0;
}

int kvn_link_del(struct kvn_kernel *kernel, const char *ifname, struct kvn_error *err)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	auto_msg struct nl_msg *msg = request(RTM_DELLINK, 0, &header, ifname);
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err);

	if (r < 0)
		return r;
	if (!msg)
		return kvn_fail_errno(err, ENOMEM, "link '%s'", ifname);
	r = kvn_netlink_call(nl, msg, err);
	return r < 0 && r != -ENODEV ? kvn_wrap(err, "link '%s'", ifname) : 0;
}

static int set_master(struct kvn_kernel *kernel, const struct kvn_port *port, struct kvn_error *err)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	auto_msg struct nl_msg *msg = request(RTM_NEWLINK, 0, &header, port->ifname);
	static const uint8_t any[6];
	int master = 0;
	int r = port->master[0] ? kvn_link_index(kernel->route, port->master, &master, err) : 0;

	if (r < 0)
		return r;
	if (!msg || nla_put_u32(msg, IFLA_MASTER, (uint32_t)master) < 0 ||
	    (port->mtu && nla_put_u32(msg, IFLA_MTU, port->mtu) < 0) ||
	    (memcmp(port->lladdr, any, 6) != 0 && nla_put(msg, IFLA_ADDRESS, 6, port->lladdr) < 0))
		return kvn_fail_errno(err, ENOMEM, "port '%s'", port->ifname);
	return kvn_netlink_call(kernel->route, msg, err);
}

/* The host has nothing to say on a guest's wire: without this it would announce a link-local address of the port's own
 * there.  Off its bridge the link is as any other of the namespace. */
static int set_port_ipv6(const struct kvn_port *port, struct kvn_error *err)
{
	int off = 1, r;

	if (port->is_uplink)
		return 0;
	r = port->master[0] ? 0 : kvn_sysctl_get("net.ipv6.conf.default.disable_ipv6", &off, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r; /* no IPv6 at all */
	return kvn_sysctl_set_link("ipv6", port->ifname, "disable_ipv6", off, off, err);
}

int kvn_link_set_port(struct kvn_kernel *kernel, const struct kvn_port *port, struct kvn_error *err)
{
	struct ifinfomsg header = {
		.ifi_family = AF_UNSPEC, .ifi_change = IFF_UP, .ifi_flags = port->is_up ? IFF_UP : 0U};
	auto_msg struct nl_msg *msg = request(RTM_NEWLINK, 0, &header, port->ifname);
	char alias[sizeof(KVN_LINK_ALIAS) + IFNAMSIZ] = "";
	struct kvn_netlink *nl;
	int r = kvn_kernel_route(kernel, &nl, err);

	if (r < 0)
		return r;
	r = port->master[0] ? set_port_ipv6(port, err) : 0;
	if (r == 0)
		r = set_master(kernel, port, err);
	if (r == 0 && !port->master[0])
		r = set_port_ipv6(port, err);
	if (r < 0)
		return kvn_wrap(err, "port '%s'", port->ifname);
	if (!msg)
		return kvn_fail_errno(err, ENOMEM, "port '%s'", port->ifname);
	if (port->master[0]) {
		struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO), *data;

		(void)nla_put_string(msg, IFLA_INFO_SLAVE_KIND, "bridge"); /* a fresh message has a page */
		data = nla_nest_start(msg, IFLA_INFO_SLAVE_DATA);
		(void)nla_put_u8(msg, IFLA_BRPORT_ISOLATED, port->is_isolated);
		nla_nest_end(msg, data);
		nla_nest_end(msg, info);
	}
	if (port->network[0])
		(void)snprintf(alias, sizeof(alias), KVN_LINK_ALIAS "%s", port->network);
	if (!port->is_alias_foreign)
		(void)nla_put(msg, IFLA_IFALIAS, (int)strlen(alias), alias);
	r = kvn_netlink_call(nl, msg, err);
	return r < 0 ? kvn_wrap(err, "port '%s'", port->ifname) : 0;
}
