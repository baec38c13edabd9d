/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch.c - the kernel's news about links, addresses, forwarding and nftables, and which network each is about.
 *
 * A link is a network's when its alias says "kvnet:NETWORK", or said so when it was last heard of: who takes the alias away
 * takes something that is ours.  Of the firewall's news only that about tables called "kvnet" counts, and only when what ends
 * its transaction (NFT_MSG_NEWGEN, which names the thread) is not one of our own workers.  When the kernel had more to say
 * than there was room for (ENOBUFS), every network is looked at again. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <search.h>
#include <string.h>
#include <sys/socket.h>

#include "array.h"
#include "cleanup.h"
#include "netd.h"

#define BUFFER_SIZE (1U << 16)
#define RECEIVE_BUFFER (8 << 20) /* bytes that may wait in a socket */
#define NEWCOMER_US 20000U /* who puts a link on a bridge for us says so within this */

/* A link of ours as it was last heard of. */
struct known {
	int ifindex;
	char network[IFNAMSIZ];
	bool is_up, has_carrier;
	int master;
	uint32_t mtu;
};

/* A link on a bridge of ours that nobody has said to be ours: libvirt's guests come so. */
struct newcomer {
	int ifindex;
	char network[IFNAMSIZ];
};

struct watch {
	struct netd *netd;
	int route_fd, nft_fd;
	sd_event_source *route_source, *nft_source;
	void *links; /* tree of struct known by ifindex, tsearch(3) */
	struct newcomer *newcomers;
	size_t n_newcomers, newcomers_size;
	sd_event_source *newcomers_timer;
	bool is_table_hurt; /* in the firewall's transaction whose end has not come yet */
	char *buffer; /* BUFFER_SIZE bytes */
};

static int compare_known(const void *a, const void *b)
{
	const struct known *left = a, *right = b;

	return (left->ifindex > right->ifindex) - (left->ifindex < right->ifindex);
}

static struct known *find(const struct watch *watch, int ifindex)
{
	const struct known key = {.ifindex = ifindex};
	void *const *node = tfind(&key, &watch->links, compare_known);

	return node ? *node : NULL;
}

static void remember(struct watch *watch, const struct known *link)
{
	struct known *known = find(watch, link->ifindex);

	if (!known) {
		known = malloc(sizeof(*known));
		if (!known)
			return; /* unknown again the next time */
		known->ifindex = link->ifindex;
		if (!tsearch(known, &watch->links, compare_known)) {
			free(known);
			return;
		}
	}
	*known = *link;
}

static void forget(struct watch *watch, struct known *known)
{
	(void)tdelete(known, &watch->links, compare_known);
	free(known);
}

/* ---- newcomers: a port that kvnet makes is for a moment on its bridge without its alias ---- */

static void leave_newcomers(struct watch *watch, int ifindex)
{
	for (size_t i = 0; i < watch->n_newcomers; i++)
		if (watch->newcomers[i].ifindex == ifindex) {
			watch->newcomers[i] = watch->newcomers[--watch->n_newcomers];
			return;
		}
}

static int take_newcomers(sd_event_source *source, uint64_t usec, void *arg)
{
	struct watch *watch = arg;

	(void)source;
	(void)usec;
	watch->newcomers_timer = sd_event_source_disable_unref(watch->newcomers_timer);
	for (size_t i = 0; i < watch->n_newcomers; i++)
		keeper_touch(watch->netd->keeper, watch->newcomers[i].network, false);
	watch->n_newcomers = 0;
	return 0;
}

/* No memory, no timer: the network's next mending takes it. */
static void join_newcomers(struct watch *watch, int ifindex, const char *network)
{
	leave_newcomers(watch, ifindex);
	if (!KVN_ARRAY_ROOM(watch->newcomers, watch->n_newcomers, watch->newcomers_size))
		return;
	watch->newcomers[watch->n_newcomers].ifindex = ifindex;
	(void)snprintf(watch->newcomers[watch->n_newcomers++].network, IFNAMSIZ, "%s", network);
	if (!watch->newcomers_timer)
		(void)sd_event_add_time_relative(watch->netd->event, &watch->newcomers_timer, CLOCK_MONOTONIC,
						 NEWCOMER_US, 0, take_newcomers, watch);
}

/* ---- rtnetlink ---- */

static void read_alias(const char *alias, char ret[static IFNAMSIZ])
{
	size_t prefix = strlen(KVN_LINK_ALIAS);

	ret[0] = '\0';
	if (strncmp(alias, KVN_LINK_ALIAS, prefix) == 0 && strlen(alias + prefix) < IFNAMSIZ)
		(void)snprintf(ret, IFNAMSIZ, "%s", alias + prefix);
}

static void on_link(struct watch *watch, const struct nlmsghdr *hdr)
{
	const struct ifinfomsg *header = NLMSG_DATA(hdr);
	struct nlattr *attrs[IFLA_MAX + 1];
	struct known now = {.ifindex = header->ifi_index,
			    .is_up = header->ifi_flags & IFF_UP,
			    .has_carrier = header->ifi_flags & KVN_LINK_CARRIER},
		     *known;

	if (header->ifi_family != AF_UNSPEC || /* a bridge's own news of its ports: it comes as the link's, too */
	    nlmsg_parse((struct nlmsghdr *)hdr, sizeof(*header), attrs, IFLA_MAX, NULL) < 0)
		return;
	if (attrs[IFLA_IFALIAS])
		read_alias(nla_get_string(attrs[IFLA_IFALIAS]), now.network);
	if (attrs[IFLA_MASTER])
		now.master = (int)nla_get_u32(attrs[IFLA_MASTER]);
	if (attrs[IFLA_MTU])
		now.mtu = nla_get_u32(attrs[IFLA_MTU]);
	known = find(watch, now.ifindex);
	leave_newcomers(watch, now.ifindex);
	if (hdr->nlmsg_type == RTM_DELLINK) {
		if (known || now.network[0])
			keeper_touch(watch->netd->keeper, now.network[0] ? now.network : known->network, false);
		if (known)
			forget(watch, known);
		return;
	}
	if (known && strcmp(known->network, now.network) != 0)
		keeper_touch(watch->netd->keeper, known->network, false);
	if (!now.network[0]) {
		const struct known *bridge = now.master ? find(watch, now.master) : NULL;

		if (bridge)
			join_newcomers(watch, now.ifindex, bridge->network);
		if (known)
			forget(watch, known);
		return;
	}
	/* One that is new came with its alias, as the last of what makes it a network's: nothing of it is lost yet. */
	if (known && (known->is_up != now.is_up || known->master != now.master || known->mtu != now.mtu))
		keeper_touch(watch->netd->keeper, now.network, false);
	else if (known && known->has_carrier && !now.has_carrier && now.master) /* a tap that nobody holds any more */
		keeper_touch(watch->netd->keeper, now.network, true);
	remember(watch, &now);
}

static void on_addr(struct watch *watch, const struct nlmsghdr *hdr)
{
	const struct ifaddrmsg *header = NLMSG_DATA(hdr);
	const struct known *known = find(watch, (int)header->ifa_index);

	if (known)
		keeper_touch(watch->netd->keeper, known->network, false);
}

/* Forwarding was switched off, for the host or for a link of ours. */
static void on_netconf(struct watch *watch, const struct nlmsghdr *hdr)
{
	struct nlattr *attrs[NETCONFA_MAX + 1];
	const struct known *known;
	int ifindex;

	if (nlmsg_parse((struct nlmsghdr *)hdr, sizeof(struct netconfmsg), attrs, NETCONFA_MAX, NULL) < 0 ||
	    !attrs[NETCONFA_IFINDEX] || !attrs[NETCONFA_FORWARDING] || nla_get_u32(attrs[NETCONFA_FORWARDING]) != 0)
		return;
	ifindex = (int)nla_get_u32(attrs[NETCONFA_IFINDEX]);
	known = find(watch, ifindex);
	if (ifindex == NETCONFA_IFINDEX_ALL)
		keeper_touch_all(watch->netd->keeper);
	else if (known)
		keeper_touch(watch->netd->keeper, known->network, false);
}

/* Is there room behind the header for what each handler reads? */
static bool has_header(const struct nlmsghdr *hdr, size_t size)
{
	return hdr->nlmsg_len >= NLMSG_LENGTH(size);
}

static void on_route_message(struct watch *watch, const struct nlmsghdr *hdr)
{
	switch (hdr->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (has_header(hdr, sizeof(struct ifinfomsg)))
			on_link(watch, hdr);
		break;
	case RTM_DELADDR:
		if (has_header(hdr, sizeof(struct ifaddrmsg)))
			on_addr(watch, hdr);
		break;
	case RTM_NEWNETCONF:
		if (has_header(hdr, sizeof(struct netconfmsg)))
			on_netconf(watch, hdr);
		break;
	default: /* another group's, or of a later kernel */
		break;
	}
}

/* ---- nftables ---- */

static bool is_tables_ours(const struct nlmsghdr *hdr)
{
	/* The first attribute of each object's message is its table's name, and of a table's its own. */
	const struct nlattr *attr = (const void *)((const char *)NLMSG_DATA(hdr) + sizeof(struct nfgenmsg));
	int left = (int)hdr->nlmsg_len - (int)NLMSG_LENGTH(sizeof(struct nfgenmsg));

	return left > (int)NLA_HDRLEN && nla_ok(attr, left) && nla_type(attr) == NFTA_TABLE_NAME &&
	       nla_len(attr) == (int)sizeof("kvnet") && memcmp(nla_data(attr), "kvnet", sizeof("kvnet")) == 0;
}

static bool is_generation_ours(const struct watch *watch, const struct nlmsghdr *hdr)
{
	struct nlattr *attrs[NFTA_GEN_MAX + 1];

	if (nlmsg_parse((struct nlmsghdr *)hdr, sizeof(struct nfgenmsg), attrs, NFTA_GEN_MAX, NULL) < 0 ||
	    !attrs[NFTA_GEN_PROC_PID])
		return false;
	return workers_have(watch->netd->workers, (pid_t)ntohl(nla_get_u32(attrs[NFTA_GEN_PROC_PID])));
}

static void on_nft_message(struct watch *watch, const struct nlmsghdr *hdr)
{
	if (NFNL_SUBSYS_ID(hdr->nlmsg_type) != NFNL_SUBSYS_NFTABLES || !has_header(hdr, sizeof(struct nfgenmsg)))
		return;
	switch (NFNL_MSG_TYPE(hdr->nlmsg_type)) {
	case NFT_MSG_NEWGEN:
		if (watch->is_table_hurt && !is_generation_ours(watch, hdr))
			keeper_touch_all(watch->netd->keeper);
		watch->is_table_hurt = false;
		break;
	default:
		watch->is_table_hurt = watch->is_table_hurt || is_tables_ours(hdr);
		break;
	}
}

/* ---- both sockets ---- */

static int receive(struct watch *watch, int fd, void (*take)(struct watch *, const struct nlmsghdr *))
{
	for (;;) {
		ssize_t n = recv(fd, watch->buffer, BUFFER_SIZE, MSG_DONTWAIT);
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			say(SD_WARNING, "the kernel had more news than could be heard: looking at every network");
			keeper_touch_all(watch->netd->keeper);
			continue;
		}
		if (n < 0)
			return 0; /* nothing more */
		for (const struct nlmsghdr *hdr = (const void *)watch->buffer; NLMSG_OK(hdr, (unsigned)left);
		     hdr = NLMSG_NEXT(hdr, left))
			take(watch, hdr);
	}
}

static int on_route(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	(void)source;
	(void)revents;
	return receive(arg, fd, on_route_message);
}

static int on_nft(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	(void)source;
	(void)revents;
	return receive(arg, fd, on_nft_message);
}

static int open_socket(int protocol, const int *groups, size_t n, struct kvn_error *err)
{
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	const int size = RECEIVE_BUFFER;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return kvn_fail_errno(err, errno, "netlink");
	/* A kernel without IPv6 has no such groups; the rest must be. */
	for (size_t i = 0; i < n; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) < 0 &&
		    errno != EINVAL)
			return kvn_fail_errno(err, errno, "netlink");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)); /* without, ENOBUFS comes sooner */
	return steal_fd(&fd);
}

/* What is there already, once the news is listened to. */
static int look(struct watch *watch, struct kvn_error *err)
{
	auto_free struct kvn_link_info *links = NULL;
	struct kvn *kvn;
	size_t n = 0;
	int r = kvn_open(&kvn, err);

	if (r < 0)
		return r;
	r = kvn_link_dump(&kvn->kernel, 0, &links, &n, err);
	kvn_close(kvn);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct known link = {.ifindex = links[i].ifindex,
				     .is_up = links[i].flags & IFF_UP,
				     .has_carrier = links[i].flags & KVN_LINK_CARRIER,
				     .master = links[i].master,
				     .mtu = links[i].mtu};

		read_alias(links[i].alias, link.network);
		if (link.network[0])
			remember(watch, &link);
	}
	return r;
}

int watch_open(struct netd *netd, struct watch **ret, struct kvn_error *err)
{
	static const int route_groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_NETCONF,
					   RTNLGRP_IPV6_NETCONF};
	static const int nft_groups[] = {NFNLGRP_NFTABLES};
	struct watch *watch = calloc(1, sizeof(*watch));
	int r = 0;

	if (!watch)
		return kvn_fail_errno(err, ENOMEM, "watch");
	watch->netd = netd;
	watch->route_fd = watch->nft_fd = -1;
	watch->buffer = malloc(BUFFER_SIZE);
	if (!watch->buffer)
		r = kvn_fail_errno(err, ENOMEM, "watch");
	if (r == 0)
		r = watch->route_fd = open_socket(NETLINK_ROUTE, route_groups, ARRAY_SIZE(route_groups), err);
	if (r >= 0)
		r = watch->nft_fd = open_socket(NETLINK_NETFILTER, nft_groups, ARRAY_SIZE(nft_groups), err);
	if (r >= 0)
		r = look(watch, err);
	if (r == 0)
		r = sd_event_add_io(netd->event, &watch->route_source, watch->route_fd, EPOLLIN, on_route, watch);
	if (r >= 0)
		r = sd_event_add_io(netd->event, &watch->nft_source, watch->nft_fd, EPOLLIN, on_nft, watch);
	if (r < 0) {
		watch_close(watch);
		return r;
	}
	*ret = watch;
	return 0;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	sd_event_source_unref(watch->route_source);
	sd_event_source_unref(watch->nft_source);
	sd_event_source_disable_unref(watch->newcomers_timer);
	kvn_cleanup_close(&watch->route_fd);
	kvn_cleanup_close(&watch->nft_fd);
	tdestroy(watch->links, free);
	free(watch->newcomers);
	free(watch->buffer);
	free(watch);
}
