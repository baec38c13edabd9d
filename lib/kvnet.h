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
 *   firewall.c            which sets of which table a network is in; ruleset.c the fixed rules; nft.c nft_table.c
 *                         nft_set.c how they are sent and read back
 *   dnsmasq.c             one process a network: dnsmasq_conf.c what it is told, dnsmasq_process.c its life,
 *                         dnsmasq_events.c what wakes it, lease.c what it handed out
 *   port.c port_verbs.c   guests' NICs; port_open.c those that are descriptors; hook.c the network that a QEMU hook means,
 *                         engine.c the program behind a tap
 *   network.c verbs.c     one definition to another; the verbs below, query.c what they show
 *   observer.c watches.c  what happens, from the files that say so; follower.c the same from netd
 *   remote.c              ask netd, over varlink.c; remote_verbs.c the verbs as its calls
 *
 *   virt/network_xml.h    libvirt's network XML in and out; not in the library, so that nothing else needs libxml2
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
#pragma GCC visibility push(default)

/* ---- errors ---- */

/* What went wrong, on the caller's stack.  Every fallible call takes one last and returns 0 or a negative errno. */
struct kvn_error {
	int code; /* positive errno; 0: none */
	char message[256]; /* one line without a newline, outermost context first */
};

/* ---- context ---- */

/* Directories (KVNET_CONFIG_DIR, KVNET_RUNTIME_DIR, KVNET_STATE_DIR, or the system's) and sockets.  A context belongs to the
 * network namespace in which its first call was made, and to one thread at a time. */
struct kvn;

/* Nothing is opened or made yet.  -EINVAL a directory is not an absolute path   -ENOMEM */
int kvn_open(struct kvn **ret, struct kvn_error *err);
/* NULL is fine. */
void kvn_close(struct kvn *kvn);

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
#define KVN_BOOT_FILE_MAX 127 /* bytes, RFC 2131 section 2 */
#define KVN_DUID_MAX 130 /* bytes, RFC 8415 section 11.1 */
#define KVN_LEASE_DEFAULT 3600 /* seconds */
#define KVN_MTU_DEFAULT 1500U /* bytes; Ethernet's */

enum kvn_model { KVN_ISOLATED, KVN_ROUTED, KVN_NAT, KVN_BRIDGED, KVN_OPEN };
enum kvn_start { KVN_START_BOOT, KVN_START_ON_DEMAND, KVN_START_MANUAL };
enum kvn_host_access { KVN_HOST_ALL, KVN_HOST_SERVICES, KVN_HOST_NONE };
enum kvn_choice { KVN_CHOICE_UNSET, KVN_CHOICE_AUTO, KVN_CHOICE_NONE, KVN_CHOICE_GIVEN };
enum kvn_dhcp6 { KVN_DHCP6_UNSET, KVN_DHCP6_NONE, KVN_DHCP6_SLAAC, KVN_DHCP6_STATELESS, KVN_DHCP6_RANGE };

/* A DHCP reservation, and a DNS name where both name and address are known. */
struct kvn_reservation {
	char name[64]; /* one DNS label; "": none */
	uint8_t mac[6]; /* all zero: none (a name alone, for DNS) */
	uint8_t duid[KVN_DUID_MAX]; /* of a DHCPv6 client whose MAC is not known, or does not tell it */
	unsigned duid_size; /* 0: none */
	struct kvn_ip ipv4; /* AF_UNSPEC: from the pool */
	struct kvn_ip ipv6; /* AF_UNSPEC: none */
};

/* Names of an address that need not be a guest's. */
struct kvn_dns_host {
	struct kvn_ip ip;
	char **names; /* DNS names, those of one label in the network's domain; owned, each string too */
	size_t n_names;
};

/* A DNS TXT record. */
struct kvn_dns_txt {
	char name[KVN_DOMAIN_MAX + 1]; /* a whole one: no domain is added */
	char *value; /* printable ASCII, at most 255 bytes; owned */
};

enum kvn_protocol { KVN_TCP, KVN_UDP };

/* A DNS SRV record, RFC 2782: where a domain's service is. */
struct kvn_dns_srv {
	char service[64]; /* one DNS label, without the underscore */
	enum kvn_protocol protocol;
	char domain[KVN_DOMAIN_MAX + 1]; /* "": the network's */
	char target[KVN_DOMAIN_MAX + 1]; /* "": the service is not to be had */
	unsigned port; /* 0: without a target */
	unsigned priority, weight; /* 0..65535 */
};

/* Whom to ask about one domain. */
struct kvn_forwarder {
	char domain[KVN_DOMAIN_MAX + 1];
	struct kvn_ip resolver; /* AF_UNSPEC: those that are asked about everything else */
};

/* A network as asked for.  kvn_network_resolve() leaves no UNSET and no AUTO behind. */
struct kvn_network {
	char name[KVN_NAME_MAX + 1];
	uint8_t uuid[16]; /* by which libvirt knows it; all zero: none */
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
		char boot_file[KVN_BOOT_FILE_MAX +
			       1]; /* what DHCP tells guests to boot from the network; "": nothing */
		struct kvn_ip boot_server; /* that has it; AF_UNSPEC: the bridge's own address */
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
		bool is_local; /* no resolver outside is asked about the domain */
		struct kvn_ip upstream[KVN_UPSTREAM_MAX];
		size_t n_upstream; /* 0: the host's resolvers */
		struct kvn_forwarder *forwarders; /* owned, as what follows */
		size_t n_forwarders;
		struct kvn_dns_host *hosts;
		size_t n_hosts;
		struct kvn_dns_txt *txt;
		size_t n_txt;
		struct kvn_dns_srv *srv;
		size_t n_srv;
	} dns;
	struct kvn_reservation *hosts; /* owned */
	size_t n_hosts;
	enum kvn_host_access host_access;
	bool is_host_access_given;
	bool is_dns_enabled_given;
	bool is_registered; /* libvirt knows it */
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

/* ---- verbs ----
 *
 * Each takes the network's lock, first undoes what a killed command left half done on it, and changes all or nothing.  They
 * need CAP_NET_ADMIN, but for the queries.  Errors common to them: -EPERM no privilege   -ENOENT no such network
 * -EINVAL a definition or argument that makes no sense, with file and line   -ENOSPC a directory is full. */

enum kvn_flags {
	KVN_NO_START = 1, /* create: write the definition only */
	KVN_FORCE = 1 << 1, /* stop, delete: although ports are attached */
	KVN_DRY_RUN = 1 << 2 /* change nothing; *ret_plan says what would be done */
};

/* A definition on its way in: YAML text (NULL: as it is on disk, or empty), then assignments "KEY=VALUE" on top of it. */
struct kvn_input {
	const char *yaml;
	const char *file; /* where yaml came from, for messages */
	const char *const *assignments;
	size_t n_assignments;
};

/* *ret_plan, where it is not NULL, is an array of {op, object, command, reversible}: what was done, or would be. */

/* Write the definition and bring the network up.  -EEXIST it is defined already, or its bridge is somebody else's
 * -EADDRINUSE its subnet overlaps another, or port 53 or 67 is taken   -EADDRNOTAVAIL the pool of subnets is used up */
int kvn_create(struct kvn *kvn, const char *name, const struct kvn_input *input, unsigned flags, json_t **ret_plan,
	       struct kvn_error *err);
/* Change the definition, and the network where it is up; guests stay plugged in. */
int kvn_change(struct kvn *kvn, const char *name, const struct kvn_input *input, unsigned flags, json_t **ret_plan,
	       struct kvn_error *err);
/* Take the network down and remove its definition.  -EBUSY ports are attached */
int kvn_delete(struct kvn *kvn, const char *name, unsigned flags, struct kvn_error *err);
/* Up and down; so already is no error.  A forced stop leaves guests' ports waiting for the next start.  -EBUSY */
int kvn_start(struct kvn *kvn, const char *name, struct kvn_error *err);
int kvn_stop(struct kvn *kvn, const char *name, unsigned flags, struct kvn_error *err);
/* Make the host what the definition says: a network named is brought up (on-demand only while it has ports), one without a
 * definition is taken down.  With @is_all as "--all" means it: one that is down and not "start: boot" stays down. */
int kvn_converge(struct kvn *kvn, const char *name, bool is_all, unsigned flags, json_t **ret_plan,
		 struct kvn_error *err);

/* Give a network that is up back what it lost, as it came up: one that is down stays down, and what was written into the
 * definition since waits for kvn_converge().  *ret_plan says what was lost.  @has_lost_port: a port may have been its last,
 * and an on-demand network goes down then. */
int kvn_mend(struct kvn *kvn, const char *name, bool has_lost_port, json_t **ret_plan, struct kvn_error *err);

/* Put link @ifname on the network (bringing that up), take it off.  -ENODEV no such link   -EBUSY it has another master
 * kvn_detach(): -ENOENT it is on no network */
int kvn_attach(struct kvn *kvn, const char *name, const char *ifname, struct kvn_error *err);
int kvn_detach(struct kvn *kvn, const char *ifname, struct kvn_error *err);

struct kvn_port_options {
	uint32_t uid, gid; /* may open the tap; UINT32_MAX: root only */
	unsigned queues; /* 1..256 */
	uint8_t mac[6]; /* the guest's, for listings; all zero: unknown */
};

/* Make a persistent tap with vnet_hdr, up and on the network; @ifname "" chooses NAME-0, NAME-1, ... and is filled in.
 * -EEXIST   -ENOENT no /dev/net/tun */
int kvn_port_add(struct kvn *kvn, const char *name, char ifname[static IFNAMSIZ],
		 const struct kvn_port_options *options, struct kvn_error *err);
/* Remove a tap that kvn_port_add() made.  -ENOENT it is no port   -EINVAL somebody else made it */
int kvn_port_delete(struct kvn *kvn, const char *ifname, struct kvn_error *err);

#define KVN_QUEUES_MAX 16U /* of a port whose descriptors are handed over */

struct kvn_open_options {
	char ifname[IFNAMSIZ]; /* "": chosen */
	uint8_t mac[6]; /* the guest's; all zero: one is made up that nobody on the network has */
	bool has_own_mac; /* the guest chooses one that we are not told: none is made up */
	unsigned queues; /* 1..KVN_QUEUES_MAX */
	bool has_no_vnet_hdr; /* for a holder that does not know it */
	bool is_vhost; /* a /dev/vhost-net descriptor a queue besides, where the host has that */
	pid_t pid; /* whose port it is, for listings; 0: the caller */
	uint32_t uid; /* likewise; UINT32_MAX: the caller */
};

struct kvn_open_port {
	char network[KVN_NAME_MAX + 1];
	char ifname[IFNAMSIZ];
	uint8_t mac[6]; /* for the guest to use; all zero: its own */
	unsigned mtu; /* bytes */
	unsigned queues, n_vhosts;
	int taps[KVN_QUEUES_MAX], vhosts[KVN_QUEUES_MAX]; /* the caller's, closed by exec; -1 beyond the number */
};

/* Make a tap that lives as long as its descriptors, up and on the network @name, or on the one whose bridge that is; it is
 * started when it is down.  -EINVAL queues   -EEXIST the link's name is taken   -ENOENT no /dev/net/tun
 * -EPERM neither root, nor let by netd   -EDQUOT the user has as many ports as he may */
int kvn_port_open(struct kvn *kvn, const char *name, const struct kvn_open_options *options, struct kvn_open_port *ret,
		  struct kvn_error *err);
/* Close the descriptors. */
void kvn_open_port_clear(struct kvn_open_port *port);
/* Remove such a port and its tap, whoever still holds its descriptors.  -ENOENT it is on no network */
int kvn_port_close(struct kvn *kvn, const char *ifname, struct kvn_error *err);

/* The network that a hook or helper means which was run as @program for link @ifname, either of them "": KVNET_NETWORK,
 * the name in the program's or the link's, kvnet.yaml's default_network, the only network there is. */
int kvn_network_find(struct kvn *kvn, const char *program, const char *ifname, char ret[static KVN_NAME_MAX + 1],
		     struct kvn_error *err);

/* What QEMU's script= and downscript= ask for.  @program is the name that the hook was run under. */
int kvn_hook_up(struct kvn *kvn, const char *program, const char *ifname, struct kvn_error *err);
int kvn_hook_down(struct kvn *kvn, const char *program, const char *ifname, struct kvn_error *err);

/* ---- queries: JSON in the shapes that the manual gives; *ret is the caller's ---- */

/* Names of all networks, defined or up, sorted. */
int kvn_names(struct kvn *kvn, json_t **ret, struct kvn_error *err);
int kvn_list(struct kvn *kvn, json_t **ret, struct kvn_error *err);
int kvn_show(struct kvn *kvn, const char *name, json_t **ret, struct kvn_error *err);
/* The definition part of kvn_show() alone, no "auto" left: asks neither the kernel nor dnsmasq. */
int kvn_definition(struct kvn *kvn, const char *name, json_t **ret, struct kvn_error *err);
/* The definition's text as it is on disk; *ret is the caller's to free. */
int kvn_definition_text(struct kvn *kvn, const char *name, char **ret, struct kvn_error *err);
/* @name NULL: of every network. */
int kvn_ports(struct kvn *kvn, const char *name, json_t **ret, struct kvn_error *err);
int kvn_leases(struct kvn *kvn, const char *name, json_t **ret, struct kvn_error *err);

/* ---- following what happens ---- */

struct kvn_observer;

/* Follow networks, ports and leases from now on; @kvn stays the caller's and must outlive it.  An event is {"time": seconds
 * since the epoch, "event": KIND, "network": NAME} and "port" or "lease" where it is about one.  KIND: network-defined,
 * -changed (the definition while it is down, what is in force while it is up), -started, -stopped, -deleted, port-added,
 * -removed, lease-added (another hostname: again), -removed (a second late).  It makes no folder and needs no privilege beyond
 * reading; what may not be read is left out.  Takes one of the 128 inotify instances that a user has.
 * -EMFILE none is left   -EACCES nothing may be read */
int kvn_observer_open(struct kvn *kvn, struct kvn_observer **ret, struct kvn_error *err);
/* Readable when there may be an event; stays the observer's. */
int kvn_observer_fd(const struct kvn_observer *observer);
/* The next event, the caller's.  Never waits.  -EAGAIN there is none */
int kvn_observer_next(struct kvn_observer *observer, json_t **ret, struct kvn_error *err);
/* NULL is fine. */
void kvn_observer_close(struct kvn_observer *observer);

/* The same from netd where one runs, with "network-repaired" and "network-contested" ("lost": what), "repair-failed"
 * ("message"); else an observer's.  netd's stream takes the context's connection: it serves no other call any more.
 * kvn_follower_next(): -EAGAIN there is none now   -EPIPE netd has ended */
struct kvn_follower;
int kvn_follow(struct kvn *kvn, struct kvn_follower **ret, struct kvn_error *err);
int kvn_follower_fd(const struct kvn_follower *follower);
int kvn_follower_next(struct kvn_follower *follower, json_t **ret, struct kvn_error *err);
void kvn_follower_close(struct kvn_follower *follower);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
