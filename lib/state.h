/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state.h - what a host holds for a network, as plain items: the one type of "want", "have" and every op between them. */
#ifndef KVN_STATE_H
#define KVN_STATE_H

#include "dnsmasq.h"
#include "error.h"
#include "firewall.h"

/* The kinds of item, in the order in which additions and changes run; deletions run in the reverse order, after them.  The
 * firewall stands before the bridge that it guards exists, and goes after it. */
enum kvn_object {
	KVN_OBJECT_FILE, /* the definition, and the record of what is up */
	KVN_OBJECT_FIREWALL, /* a bridge's elements in the sets of table inet kvnet */
	KVN_OBJECT_LINK, /* the bridge */
	KVN_OBJECT_ADDR, /* an address of the bridge, or of the uplink that it takes over */
	KVN_OBJECT_PORT, /* a link on the bridge: a guest's NIC or the uplink */
	KVN_OBJECT_ROUTE, /* a route that follows its NIC onto the bridge and back */
	KVN_OBJECT_CLAIM, /* a host-wide sysctl that is on while a network needs it */
	KVN_OBJECT_DNSMASQ, /* DHCP, DNS, RA */
	KVN_OBJECT_COUNT
};

enum kvn_link_ipv6 {
	KVN_IPV6_OFF, /* the host does not speak IPv6 on the link: disable_ipv6 */
	KVN_IPV6_ROUTER, /* the host is the router: no RA taken, no DAD (the address is ours by construction) */
	KVN_IPV6_HOST /* as the namespace has it for any NIC: a bridge that stands in for the uplink */
};

struct kvn_link {
	char ifname[IFNAMSIZ];
	char network[IFNAMSIZ]; /* from the alias "kvnet:NETWORK"; "": not ours */
	uint8_t mac[6]; /* all zero in a want: any */
	unsigned mtu; /* bytes; 0 in a want: any */
	bool is_up;
	bool is_arp_off; /* IFF_NOARP: a bridge without addresses does not answer for the host's */
	bool stp;
	enum kvn_link_ipv6 ipv6;
};

struct kvn_addr {
	char ifname[IFNAMSIZ];
	struct kvn_cidr cidr;
	struct kvn_ip peer; /* AF_UNSPEC: none */
	struct kvn_ip broadcast; /* AF_UNSPEC: none */
	char label[IFNAMSIZ]; /* IPv4; "": the link's name */
	uint8_t scope; /* RT_SCOPE_*: 0 universe */
	uint32_t flags; /* IFA_F_*, those a user may set */
	uint32_t valid_s, preferred_s; /* seconds; UINT32_MAX: for ever */
	uint32_t metric; /* of the prefix route; 0: the kernel's default */
	uint8_t protocol; /* IFA_PROTO: KVN_PROTOCOL for those we made; 0: unknown */
};

/* Route and address protocol number of ours: what others put on our bridge is told apart by it.  Source: linux/rtnetlink.h
 * RTPROT_*, of which 0x6b ('k') is unassigned. */
#define KVN_PROTOCOL 0x6b

/* A link on a bridge. */
struct kvn_port {
	char ifname[IFNAMSIZ];
	char master[IFNAMSIZ]; /* the bridge; "": none */
	char network[IFNAMSIZ]; /* for the alias "kvnet:NETWORK"; "": none */
	bool is_alias_foreign; /* somebody else's alias stands there: leave it */
	bool is_newcomer; /* in a have: it is on the bridge, and no record says that it is a port */
	unsigned mtu; /* bytes; 0 in a want: any */
	uint8_t lladdr[6]; /* the link's own, not the guest's; all zero in a want: any */
	bool is_up;
	bool is_isolated; /* bridge port flag: sees no other isolated port */
	bool is_fenced; /* a guest of a bridged network: kept off the networks that kvnet routes for */
	bool is_uplink;
	bool is_persistent; /* a tap made by "port add": kvnet removes it */
	bool is_opened; /* a tap made by kvn_port_open(), whose holder cannot be given it back once it is gone */
	unsigned queues; /* of a tap made by "port add" */
	uint32_t uid, gid; /* its owner; UINT32_MAX: unknown, or nobody's */
	pid_t pid; /* of the process that asked for the port; 0: unknown */
	uint8_t mac[6]; /* the guest's; all zero: unknown */
};

struct kvn_route {
	char ifname[IFNAMSIZ]; /* the link that it leaves by now */
	int family;
	uint32_t table, metric;
	struct kvn_cidr dst;
	struct kvn_ip gateway; /* for messages; AF_UNSPEC: none or several */
	int raw_oif; /* the ifindex inside raw */
	size_t raw_size;
	uint8_t raw[512]; /* struct rtmsg and its attributes as dumped, so that nothing of the route is lost */
};

struct kvn_claim {
	char key[64]; /* as sysctl(8) writes it: "net.ipv4.ip_forward" */
	char network[IFNAMSIZ]; /* that needs it */
	bool is_on; /* the kernel's value now */
};

struct kvn_file {
	char *path; /* owned */
	char *text; /* owned */
	bool is_durable;
};

struct kvn_dnsmasq_item {
	struct kvn_dnsmasq_paths paths;
	struct kvn_dnsmasq texts; /* owned */
	bool is_running;
	bool is_deaf; /* it runs, but on a bridge that is gone: it would not notice another */
};

struct kvn_firewall_item {
	struct kvn_firewall part;
	bool is_sound; /* the tables are as this version builds them */
};

struct kvn_item {
	enum kvn_object object;
	union {
		struct kvn_file file;
		struct kvn_firewall_item firewall;
		struct kvn_link link;
		struct kvn_addr addr;
		struct kvn_port port;
		struct kvn_route route;
		struct kvn_claim claim;
		struct kvn_dnsmasq_item dnsmasq;
	};
};

struct kvn_state {
	struct kvn_item *items; /* owned, in the order in which they were found or are wanted */
	size_t n, size;
};

/* Append @item; what it owns is @state's from now on, also on failure.  -ENOMEM */
int kvn_state_add(struct kvn_state *state, struct kvn_item *item, struct kvn_error *err);
void kvn_state_clear(struct kvn_state *state);

void kvn_item_clear(struct kvn_item *item);
int kvn_item_copy(const struct kvn_item *item, struct kvn_item *ret, struct kvn_error *err);

/* What makes two items the same thing, by object: <0, 0, >0. */
int kvn_item_compare(const struct kvn_item *a, const struct kvn_item *b);
/* Does @have already say all that @want asks for? */
bool kvn_item_is_met(const struct kvn_item *want, const struct kvn_item *have);

/* state_json.c: for the journal and the ports' records.  kvn_item_to_json(): NULL: no memory.  kvn_item_from_json(): -EINVAL */
json_t *kvn_item_to_json(const struct kvn_item *item);
int kvn_item_from_json(const json_t *json, struct kvn_item *ret, struct kvn_error *err);

#endif
