/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel.h - every verb that reaches the kernel's networking; nothing else in the library does. */
#ifndef KVN_KERNEL_H
#define KVN_KERNEL_H

#include "netlink.h"
#include "nft.h"
#include "state.h"

/* The sockets, opened at first use and kept: closing an nfnetlink socket after a delete waits for RCU. */
struct kvn_kernel {
	struct kvn_netlink *route;
	struct kvn_nft *nft;
};

int kvn_kernel_route(struct kvn_kernel *kernel, struct kvn_netlink **ret, struct kvn_error *err);
int kvn_kernel_nft(struct kvn_kernel *kernel, struct kvn_nft **ret, struct kvn_error *err);
void kvn_kernel_close(struct kvn_kernel *kernel);

/* ---- link.c: links, bridges, bridge ports.  Source: linux/if_link.h ---- */

#define KVN_LINK_ALIAS "kvnet:" /* what the alias of a link of ours begins with; the network's name follows */

#define KVN_LINK_CARRIER (1U << 16) /* IFF_LOWER_UP; its header cannot stand beside net/if.h */

struct kvn_link_info {
	int ifindex;
	char ifname[IFNAMSIZ];
	char kind[16]; /* "bridge", "tun", "veth", ...; "" for a physical NIC */
	char alias[256]; /* "" without */
	uint8_t mac[6];
	unsigned mtu;
	unsigned flags; /* IFF_*, KVN_LINK_CARRIER */
	int master; /* ifindex, 0: none */
	unsigned type; /* ARPHRD_* */
	bool has_carrier; /* a tap's: somebody holds it, also while the link is down (KVN_LINK_CARRIER is off then) */
	unsigned n_queues; /* of a multi-queue tap, those set aside by their holder too; 0: not known */
	bool stp; /* a bridge's */
	bool is_isolated; /* a bridge port's */
};

/* The index of link @ifname, and the name of @ifindex.  -ENODEV there is no such link; any other says nothing about it */
int kvn_link_index(struct kvn_netlink *nl, const char *ifname, int *ret, struct kvn_error *err);
int kvn_link_name(struct kvn_netlink *nl, int ifindex, char ret[static IFNAMSIZ]);

/* -ENODEV there is no such link */
int kvn_link_get(struct kvn_kernel *kernel, const char *ifname, struct kvn_link_info *ret, struct kvn_error *err);
/* All links, or those whose master is @master (ifindex) when it is not 0; *ret is the caller's to free. */
int kvn_link_dump(struct kvn_kernel *kernel, int master, struct kvn_link_info **ret, size_t *ret_n,
		  struct kvn_error *err);
/* Make the bridge @want; it comes up last, marked as ours.  -EEXIST -EOPNOTSUPP no bridge in this kernel */
int kvn_link_add(struct kvn_kernel *kernel, const struct kvn_link *want, struct kvn_error *err);
/* Make the bridge that is @had into @want: MAC, MTU, STP, flags, alias, IPv6. */
int kvn_link_set(struct kvn_kernel *kernel, const struct kvn_link *had, const struct kvn_link *want,
		 struct kvn_error *err);
/* Remove a link; gone already is no error.  Waits for RCU: a tap 18 ms, a bridge 36 ms. */
int kvn_link_del(struct kvn_kernel *kernel, const char *ifname, struct kvn_error *err);
/* Give @port its master, MTU, alias, flags; master "" takes it off its bridge.  One message while it is down, one after,
 * so that it never forwards before it is set up. */
int kvn_link_set_port(struct kvn_kernel *kernel, const struct kvn_port *port, struct kvn_error *err);

/* A prefix that the host uses, for who looks for one that is free; the name of its link is not looked up. */
struct kvn_prefix {
	struct kvn_cidr cidr; /* an address, with the prefix that is on its link, or a route's destination */
	int ifindex; /* 0: none */
	uint32_t table; /* a route's; 0: an address */
};

/* Takes one of them.  A negative errno ends the walk and is its result. */
typedef int kvn_prefix_each(const struct kvn_prefix *prefix, void *arg);

/* ---- addr.c: addresses.  Source: linux/if_addr.h ---- */

/* Addresses of both families but link-local IPv6 ones, in the kernel's order, of link @ifindex or of all when 0. */
int kvn_addr_dump(struct kvn_kernel *kernel, int ifindex, struct kvn_addr **ret, size_t *ret_n, struct kvn_error *err);
/* The same of all links as prefixes, a peer's on its own.  One may come twice when they change meanwhile. */
int kvn_addr_prefixes(struct kvn_kernel *kernel, kvn_prefix_each *take, void *arg, struct kvn_error *err);
/* There already is no error. */
int kvn_addr_add(struct kvn_kernel *kernel, const struct kvn_addr *addr, struct kvn_error *err);
/* Gone already, with its link or without, is no error. */
int kvn_addr_del(struct kvn_kernel *kernel, const struct kvn_addr *addr, struct kvn_error *err);

/* ---- route.c: routes.  Source: linux/rtnetlink.h ---- */

/* Every route of every table of both families, but cached ones and the local table's. */
int kvn_route_dump(struct kvn_kernel *kernel, struct kvn_route **ret, size_t *ret_n, struct kvn_error *err);
/* Their destinations.  One may come twice when they change meanwhile. */
int kvn_route_prefixes(struct kvn_kernel *kernel, kvn_prefix_each *take, void *arg, struct kvn_error *err);
/* Would the kernel have made this route itself, with an address? */
bool kvn_route_is_kernels(const struct kvn_route *route);
/* Make the route leave by link route->ifname, replacing one of the same key whatever link that left by. */
int kvn_route_set(struct kvn_kernel *kernel, const struct kvn_route *route, struct kvn_error *err);
int kvn_route_del(struct kvn_kernel *kernel, const struct kvn_route *route, struct kvn_error *err);

/* ---- neigh.c: what bridges and the neighbour tables have learnt.  Source: linux/neighbour.h ---- */

struct kvn_neigh {
	int port; /* ifindex of the bridge port */
	uint8_t mac[6]; /* seen behind it */
};

/* Guests' MACs that the bridge @ifindex has learnt, port by port. */
int kvn_fdb_dump(struct kvn_kernel *kernel, int ifindex, struct kvn_neigh **ret, size_t *ret_n, struct kvn_error *err);

struct kvn_neigh_addr {
	uint8_t mac[6];
	struct kvn_ip ip;
	unsigned age_cs; /* 1/100 s since it was last heard of for sure */
};

/* What the neighbour table of @family knows on link @ifindex: not link-local IPv6 addresses, nor what does not answer. */
int kvn_neigh_dump(struct kvn_kernel *kernel, int family, int ifindex, struct kvn_neigh_addr **ret, size_t *ret_n,
		   struct kvn_error *err);

/* Does the bridge @bridge know @mac, learnt or a port's own? A bridge that is not there knows none, and before Linux 5.0 it
 * cannot be asked: false then. */
int kvn_fdb_has(struct kvn_kernel *kernel, const char *bridge, const uint8_t mac[static 6], bool *ret,
		struct kvn_error *err);

/* ---- tap.c: tap links for guests' NICs.  Source: Documentation/networking/tuntap.rst, linux/if_tun.h ---- */

/* The kernel makes a tap that is everybody's to open, until it is told whose it is.  Nobody adds a queue to one that has a single
 * queue; of one with several both functions look afterwards, and remove it if somebody was faster.  -EBUSY he was */

/* Make the persistent tap @ifname with vnet_hdr, multi-queue if @queues > 1, owned by @uid and @gid (UINT32_MAX: not
 * given; neither of them: only the caller may open it).  It is left down and without a master; no descriptor stays open.
 * -EEXIST name taken   -EPERM no CAP_NET_ADMIN   -ENOENT no /dev/net/tun */
int kvn_tap_add(struct kvn_kernel *kernel, const char ifname[static 1], unsigned queues /* 1..256 */, uint32_t uid,
		uint32_t gid, struct kvn_error *err);

/* The same of a tap that lives as long as one of its @queues descriptors, which are put into @fds for the caller to close.
 * Nobody but the caller may add another. */
int kvn_tap_open(struct kvn_kernel *kernel, const char ifname[static 1], unsigned queues, bool has_vnet_hdr, int *fds,
		 struct kvn_error *err);

/* ---- sysctl.c: host-wide and per-link settings.  Source: Documentation/networking/ip-sysctl.rst ---- */

/* @key as sysctl(8) writes it, a link's name in it with '/' for '.'.  -ENOENT this kernel has no such setting */
int kvn_sysctl_get(const char *key, int *ret, struct kvn_error *err);
int kvn_sysctl_set(const char *key, int value, struct kvn_error *err);
/* The setting @name of link @ifname: "ipv6", "disable_ipv6".  Absent is no error when @value is @absent. */
int kvn_sysctl_set_link(const char *family, const char *ifname, const char *name, int value, int absent,
			struct kvn_error *err);
int kvn_sysctl_get_link(const char *family, const char *ifname, const char *name, int *ret, struct kvn_error *err);

#endif
