/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewall.h - a network's part in the firewall: the sets that its bridge is in.  Source: nft(8), ruleset.c. */
#ifndef KVN_FIREWALL_H
#define KVN_FIREWALL_H

#include "error.h"
#include "nft.h"

/* The sets of table inet kvnet, a bit each.  Elements are the bridge's name, or the pair that the comment says. */
enum kvn_firewall_set {
	KVN_SET_NETWORK, /* bridges that kvnet routes for: isolated, routed, nat, open */
	KVN_SET_ISOLATED, /* nothing leaves, nothing enters */
	KVN_SET_NAT, /* leaves behind the host's address; answers enter */
	KVN_SET_ROUTED, /* leaves and is entered */
	KVN_SET_OPEN, /* left to the host's own firewall */
	KVN_SET_BRIDGED, /* bridges whose guests stand on a segment outside: bridged */
	KVN_SET_SAME, /* bridge . bridge: frames inside one network, which br_netfilter shows to the forward hook.  Not for a
		       * network that keeps its guests apart: they would meet through the host's routing */
	KVN_SET_APART, /* bridge . bridge: a routed network that keeps its guests apart (isolate_ports) */
	KVN_SET_LIMITED, /* forwards through one link only */
	KVN_SET_UPLINK, /* bridge . uplink: the link that a limited one may use */
	KVN_SET_GUARDED, /* guests do not reach all of the host */
	KVN_SET_SERVICES, /* guarded, but DHCP, DNS and ping of the gateway are answered */
	KVN_SET_COUNT
};

/* What one network asks of the firewall. */
struct kvn_firewall {
	char bridge[IFNAMSIZ];
	char uplink[IFNAMSIZ]; /* for KVN_SET_UPLINK; "" without */
	unsigned sets; /* 1 << enum kvn_firewall_set */
};

/* The name that a set has in the table: "network", "nat", ... */
const char *kvn_firewall_set_format(enum kvn_firewall_set set);

/* What the kernel holds for @bridge: which sets it is in (the uplink is asked for as @uplink).  *ret_is_sound is false when
 * a table of ours is missing or not as this version builds it (a rule or chain was deleted, another version made it).  That
 * a rule says something else than it should is seen only when @is_close, which costs 0.1-0.3 ms, once a generation of the
 * ruleset.  A missing table is no error: no sets.  Constant time in the number of networks.
 * -EPROTONOSUPPORT this kernel has no nf_tables   -EPERM no CAP_NET_ADMIN */
int kvn_firewall_get(struct kvn_nft *nft, bool is_close, const char *bridge, const char *uplink,
		     struct kvn_firewall *ret, bool *ret_is_sound, struct kvn_error *err);

/* All bridges that are in set @set, for a listing of every network at once; sorted, *ret is the caller's to free.  A
 * missing table gives none. */
int kvn_firewall_dump(struct kvn_nft *nft, enum kvn_firewall_set set, char (**ret)[IFNAMSIZ], size_t *ret_n,
		      struct kvn_error *err);

/* One transaction: take out what @had says (NULL: nothing) and put in what @want says (NULL: nothing).  Elements that are
 * there already, or gone already, are no error.  Where the tables are missing or unsound they are built anew in the same
 * transaction, with the elements of @all (every network that is up, @want among them or not), so that nobody is left out;
 * the fences of table bridge kvnet stay as long as its set can be read.  When @is_last, both tables go instead.
 * Nothing to change sends nothing.  Strangers' changes at the same time are waited out, -EAGAIN: without end.
 * What the rules say is looked at unless only one of @had and @want is given.
 * -ESTALE table inet kvnet has to be built anew and @all is NULL: nothing was done; gather them and call again
 * -EPROTONOSUPPORT this kernel lacks nf_tables or a part of it, which the message names   -EPERM */
int kvn_firewall_commit(struct kvn_nft *nft, const struct kvn_firewall *had, const struct kvn_firewall *want,
			const struct kvn_firewall *all, size_t n_all, bool is_last, struct kvn_error *err);

/* Fence the guest port @ifname of a bridged network off from the networks that kvnet routes for, or take the fence away:
 * set "port" of table bridge kvnet, which is made with the first.  A no-op when it is so already. */
int kvn_firewall_fence(struct kvn_nft *nft, const char *ifname, bool is_fenced, struct kvn_error *err);
/* Is there a fence at @ifname, and do the rules stand that make it one? */
int kvn_firewall_is_fenced(struct kvn_nft *nft, const char *ifname, bool *ret, struct kvn_error *err);

#endif
