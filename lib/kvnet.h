/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kvnet.h - virtual networks for guests on this host: the public calls of libkvnet.
 *
 * The one way through the library:
 *
 *   YAML, --set, JSON     yaml.c definition.c           text -> struct kvn_network, whole or not at all
 *                         identity.c subnet.c           what is left "auto" -> concrete
 *   struct kvn_network    desired.c                     -> struct kvn_state "want"
 *   the kernel, dnsmasq   snapshot.c                    -> struct kvn_state "have"; changes nothing
 *   want, have            plan.c                        -> struct kvn_plan: ordered ops, each with want and had
 *   struct kvn_plan       apply.c journal.c             -> the host; takes back what it began when a step fails
 *
 *   kernel.h              every verb that reaches the kernel: link.c addr.c route.c neigh.c tap.c sysctl.c over netlink.c
 *   firewall.c            which sets of which table a network is in; ruleset.c the fixed rules; nft.c how they are sent
 *   dnsmasq.c             one process a network; dnsmasq_conf.c what it is told; lease.c what it handed out
 *   port.c hook.c         guests' NICs; the network that a QEMU hook means
 *   network.c             the verbs below
 */
#ifndef KVNET_H
#define KVNET_H

#include <jansson.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ---- */

/* What went wrong, on the caller's stack.  Every fallible call takes one last and returns 0 or a negative errno. */
struct kvn_error {
	int code; /* positive errno; 0: none */
	char message[256]; /* one line without a newline, outermost context first */
};

/* ---- addresses ---- */

struct kvn_ip {
	int family; /* AF_INET, AF_INET6; AF_UNSPEC: none */
	uint8_t bytes[16]; /* network byte order; the first 4 for AF_INET, the rest zero */
};

struct kvn_cidr {
	struct kvn_ip ip; /* the address as given, host bits and all */
	uint8_t prefixlen; /* 0..32 or 0..128 */
};

struct kvn_range {
	struct kvn_ip first, last; /* both inclusive, one family */
};

/* ---- the definition ---- */

#define KVN_NAME_MAX 15 /* bytes of a network's or a link's name, without the terminator */
#define KVN_DOMAIN_MAX 253 /* bytes of a DNS name, RFC 1035 section 2.3.4 in text form */
#define KVN_UPSTREAM_MAX 8 /* resolvers a network forwards to */
#define KVN_LEASE_DEFAULT 3600 /* seconds */

enum kvn_model { KVN_ISOLATED, KVN_ROUTED, KVN_NAT, KVN_BRIDGED, KVN_OPEN };
enum kvn_start { KVN_START_BOOT, KVN_START_ON_DEMAND, KVN_START_MANUAL };
enum kvn_host_access { KVN_HOST_ALL, KVN_HOST_SERVICES, KVN_HOST_NONE };
enum kvn_choice { KVN_CHOICE_UNSET, KVN_CHOICE_AUTO, KVN_CHOICE_NONE, KVN_CHOICE_GIVEN };
enum kvn_dhcp6 { KVN_DHCP6_UNSET, KVN_DHCP6_NONE, KVN_DHCP6_SLAAC, KVN_DHCP6_STATELESS, KVN_DHCP6_RANGE };

/* A DHCP reservation, and a DNS name where both name and address are known. */
struct kvn_reservation {
	char name[64]; /* one DNS label; "": none */
	uint8_t mac[6]; /* all zero: none (a name alone, for DNS) */
	struct kvn_ip ipv4; /* AF_UNSPEC: from the pool */
	struct kvn_ip ipv6; /* AF_UNSPEC: none */
};

/* A network as asked for.  kvn_network_resolve() leaves no UNSET and no AUTO behind. */
struct kvn_network {
	char name[KVN_NAME_MAX + 1];
	enum kvn_model model;
	char bridge[KVN_NAME_MAX + 1]; /* resolved: never "" */
	uint8_t mac[6]; /* of the bridge; all zero until resolved, and for bridged (the uplink's is taken) */
	unsigned mtu; /* bytes, 68..65535; 0: the kernel's default, or for bridged the uplink's */
	bool stp;
	enum kvn_start start;
	char uplink[KVN_NAME_MAX + 1]; /* "": none */
	struct {
		enum kvn_choice address_choice;
		struct kvn_cidr address; /* the bridge's own, when GIVEN */
		enum kvn_choice dhcp_choice;
		struct kvn_range dhcp; /* the pool, when GIVEN */
		unsigned lease_s; /* seconds; 0: infinite */
	} ipv4;
	struct {
		enum kvn_choice address_choice;
		struct kvn_cidr address;
		enum kvn_dhcp6 dhcp;
		struct kvn_range range; /* when KVN_DHCP6_RANGE */
	} ipv6;
	struct {
		bool is_enabled;
		char domain[KVN_DOMAIN_MAX + 1];
		struct kvn_ip upstream[KVN_UPSTREAM_MAX];
		size_t n_upstream; /* 0: the host's resolvers */
	} dns;
	struct kvn_reservation *hosts; /* owned */
	size_t n_hosts;
	enum kvn_host_access host_access;
	bool is_host_access_given;
	bool is_dns_enabled_given;
	bool isolate_ports;
	char **allow; /* "user:NAME" or "group:NAME"; owned, each string too */
	size_t n_allow;
};

/* Release what @net owns and zero it.  NULL is fine. */
void kvn_network_clear(struct kvn_network *net);

/* Names as they stand in files: "nat", "on-demand", "services".  Never NULL. */
const char *kvn_model_format(enum kvn_model model);
const char *kvn_start_format(enum kvn_start start);
const char *kvn_host_access_format(enum kvn_host_access access);

#ifdef __cplusplus
}
#endif
#endif
