/* SPDX-License-Identifier: GPL-2.0-or-later */
/* floor_natup.c - the least that makes a NAT network: floor_natup BRIDGE ADDRESS/LEN.
 *
 * A bridge that is up, its address, ip_forward, and `table ip BRIDGE` with the one rule
 *     ip saddr NETWORK/LEN oifname != BRIDGE masquerade
 * on libmnl and libnftnl.  No DHCP, no checks, no undo: the floor that `kvnet create` is measured against.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BRIDGE_IFINDEX 4242 /* chosen by us, so that one send makes the bridge and gives it its address */

/* Sizes of the fixed parts of an IPv4 header, RFC 791 section 3.1. */
#define IPV4_SADDR_OFFSET 12
#define IPV4_ADDR_SIZE 4

static int fail(const char *what, int code)
{
	(void)fprintf(stderr, "floor_natup: %s: %s\n", what, strerror(code));
	return 1;
}

/* Send @size bytes and take the replies to the messages up to number @last.  0 or a negative errno. */
static int talk(struct mnl_socket *socket, const void *buffer, size_t size, unsigned last, bool is_acked)
{
	char reply[8192]; /* what libmnl recommends; each answer here is an nlmsgerr */
	int n;

	if (mnl_socket_sendto(socket, buffer, size) < 0)
		return -errno;
	/* nftables answers a batch whose messages ask for no ack with errors only, and before sendto() returns. */
	for (;;) {
		n = (int)recv(mnl_socket_get_fd(socket), reply, sizeof(reply), is_acked ? 0 : MSG_DONTWAIT);
		if (n < 0)
			return !is_acked && errno == EAGAIN ? 0 : -errno;
		for (const struct nlmsghdr *nlh = (const void *)reply; mnl_nlmsg_ok(nlh, n);
		     nlh = mnl_nlmsg_next(nlh, &n)) {
			const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type == NLMSG_ERROR && error->error)
				return error->error;
			if (is_acked && nlh->nlmsg_seq == last)
				return 0;
		}
	}
}

/* RTM_NEWLINK { IFLA_IFNAME, IFLA_LINKINFO { IFLA_INFO_KIND bridge, IFLA_INFO_DATA { IFLA_BR_FORWARD_DELAY 0 } } } */
static struct nlmsghdr *put_bridge(char *at, const char *ifname)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	struct nlattr *linkinfo, *data;

	nlh->nlmsg_type = RTM_NEWLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	info->ifi_index = BRIDGE_IFINDEX;
	info->ifi_flags = info->ifi_change = IFF_UP;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	linkinfo = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_BR_FORWARD_DELAY, 0);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, linkinfo);
	return nlh;
}

/* RTM_NEWADDR { IFA_LOCAL, IFA_ADDRESS } */
static struct nlmsghdr *put_addr(char *at, in_addr_t addr, uint8_t prefixlen)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	nlh->nlmsg_type = RTM_NEWADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	nlh->nlmsg_seq = 2;
	info->ifa_family = AF_INET;
	info->ifa_prefixlen = prefixlen;
	info->ifa_index = BRIDGE_IFINDEX;
	mnl_attr_put_u32(nlh, IFA_LOCAL, addr);
	mnl_attr_put_u32(nlh, IFA_ADDRESS, addr);
	return nlh;
}

static int add_bridge(const char *ifname, in_addr_t addr, uint8_t prefixlen)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char buffer[1024];
	size_t size;

	if (!socket)
		return -errno;
	size = put_bridge(buffer, ifname)->nlmsg_len;
	size += put_addr(buffer + size, addr, prefixlen)->nlmsg_len;
	return talk(socket, buffer, size, 2, true);
}

static int enable_forwarding(void)
{
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "1", 1) != 1 ? -errno : 0;
}

static struct nftnl_table *build_table(const char *name)
{
	struct nftnl_table *table = nftnl_table_alloc();

	nftnl_table_set_str(table, NFTNL_TABLE_NAME, name);
	return table;
}

/* chain postrouting { type nat hook postrouting priority srcnat; } */
static struct nftnl_chain *build_chain(const char *table)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, "postrouting");
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "nat");
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, NF_INET_POST_ROUTING);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, NF_IP_PRI_NAT_SRC);
	return chain;
}

static void add_cmp(struct nftnl_rule *rule, uint32_t op, const void *data, uint32_t size)
{
	struct nftnl_expr *expr = nftnl_expr_alloc("cmp");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, data, size);
	nftnl_rule_add_expr(rule, expr);
}

/* ip saddr ADDR/PREFIXLEN */
static void match_saddr(struct nftnl_rule *rule, in_addr_t addr, in_addr_t mask)
{
	struct nftnl_expr *payload = nftnl_expr_alloc("payload"), *bitwise = nftnl_expr_alloc("bitwise");
	in_addr_t none = 0;

	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, IPV4_SADDR_OFFSET);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, IPV4_ADDR_SIZE);
	nftnl_rule_add_expr(rule, payload);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, sizeof(mask));
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask));
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, &none, sizeof(none));
	nftnl_rule_add_expr(rule, bitwise);
	addr &= mask;
	add_cmp(rule, NFT_CMP_EQ, &addr, sizeof(addr));
}

/* ip saddr ADDR/PREFIXLEN oifname != BRIDGE masquerade */
static struct nftnl_rule *build_rule(const char *bridge, in_addr_t addr, in_addr_t mask)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nftnl_expr *meta = nftnl_expr_alloc("meta");
	char ifname[IFNAMSIZ] = "";

	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_IPV4);
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, bridge);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, "postrouting");
	match_saddr(rule, addr, mask);
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, NFT_META_OIFNAME);
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
	nftnl_rule_add_expr(rule, meta);
	(void)snprintf(ifname, sizeof(ifname), "%s", bridge);
	add_cmp(rule, NFT_CMP_NEQ, ifname, sizeof(ifname));
	nftnl_rule_add_expr(rule, nftnl_expr_alloc("masq"));
	return rule;
}

static int add_masquerade(const char *bridge, in_addr_t addr, in_addr_t mask)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	char buffer[4096];
	struct mnl_nlmsg_batch *batch = mnl_nlmsg_batch_start(buffer, sizeof(buffer));
	struct nlmsghdr *nlh;

	if (!socket || !batch)
		return -errno;
	nftnl_batch_begin(mnl_nlmsg_batch_current(batch), 1);
	mnl_nlmsg_batch_next(batch);
	nlh = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), NFT_MSG_NEWTABLE, NFPROTO_IPV4, NLM_F_CREATE, 2);
	nftnl_table_nlmsg_build_payload(nlh, build_table(bridge));
	mnl_nlmsg_batch_next(batch);
	nlh = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), NFT_MSG_NEWCHAIN, NFPROTO_IPV4, NLM_F_CREATE, 3);
	nftnl_chain_nlmsg_build_payload(nlh, build_chain(bridge));
	mnl_nlmsg_batch_next(batch);
	nlh = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), NFT_MSG_NEWRULE, NFPROTO_IPV4,
				    NLM_F_CREATE | NLM_F_APPEND, 4);
	nftnl_rule_nlmsg_build_payload(nlh, build_rule(bridge, addr, mask));
	mnl_nlmsg_batch_next(batch);
	nftnl_batch_end(mnl_nlmsg_batch_current(batch), 5);
	mnl_nlmsg_batch_next(batch);
	return talk(socket, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch), 5, false);
}

int main(int argc, char *argv[])
{
	char *slash = argc == 3 ? strchr(argv[2], '/') : NULL;
	unsigned prefixlen = slash ? (unsigned)strtoul(slash + 1, NULL, 10) : 0;
	struct in_addr addr;
	int r;

	if (slash)
		*slash = '\0';
	if (!slash || prefixlen < 1 || prefixlen > 32 || inet_pton(AF_INET, argv[2], &addr) != 1)
		return fail("usage: floor_natup BRIDGE ADDRESS/LEN", EINVAL);
	r = add_bridge(argv[1], addr.s_addr, (uint8_t)prefixlen);
	if (r < 0)
		return fail(argv[1], -r);
	r = enable_forwarding();
	if (r < 0)
		return fail("ip_forward", -r);
	r = add_masquerade(argv[1], addr.s_addr, htonl(UINT32_MAX << (32 - prefixlen)));
	return r < 0 ? fail("masquerade", -r) : 0;
}
