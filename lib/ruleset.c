/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset.c - the rules, as data that reads like nft; above each the line that `nft list ruleset` shows for it.
 *
 * Theory of operation
 *
 * The number of chains and rules is constant.  A network is elements in the sets: adding one costs the same at the first
 * and at the thousandth, and so does each packet.  Both ends of a path are asked, first where it comes from, then where it
 * goes; neither opens it alone.
 *
 *   forward ---- inside one bridge (br_netfilter): accept
 *      |-------- from a network ---> from_network --- to another network ---> between
 *      '-------- to a network -----> to_network
 *   input ------ from a network that does not reach all of the host ---> guest_to_host
 *   postrouting  from a nat network to anywhere else: masquerade
 *
 * Chains are entered by goto, so each ends with a verdict for what no rule named.  "accept" only means that we have nothing
 * against a packet: the host's own tables are asked as well, whatever the priorities.
 *
 * The fence.  A guest of a bridged network stands on a segment outside and is not to reach, or be reached by, the other
 * networks of this host; the segment's own machines are.  IP sees only the bridge, a bridge's hooks see its ports.  So a
 * bit of the packet's mark carries what the one knows to the other: set in the bridge's input hook for a frame from a
 * guest's port and read in forward, set in forward and read in the bridge's output hook, where the frame is about to leave
 * through a guest's port.
 *
 * Reject answers a guest at once where drop would leave it waiting.  The kernel sends none for multicast, broadcast and
 * ICMP errors.  What comes under a foreign source address is dropped: its answer would go to somebody else.
 */
#include "ruleset.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

/* Bridge priorities are those of linux/netfilter_bridge.h, whose NF_BR_PRI_FILTER_BRIDGED nft calls "filter". */

#define LOOKUP(set, inverted, ...) \
	{ \
		.op = KVN_NFT_LOOKUP, .name = (set), .is_inverted = (inverted), .keys = { __VA_ARGS__ } \
	}
#define IIFNAME(set) LOOKUP(set, false, NFT_META_IIFNAME)
#define OIFNAME(set) LOOKUP(set, false, NFT_META_OIFNAME)
#define OIFNAME_NOT(set) LOOKUP(set, true, NFT_META_OIFNAME)
#define IIFNAME_OIFNAME(set) LOOKUP(set, false, NFT_META_IIFNAME, NFT_META_OIFNAME)
#define IIFNAME_OIFNAME_NOT(set) LOOKUP(set, true, NFT_META_IIFNAME, NFT_META_OIFNAME)
#define OIFNAME_IIFNAME_NOT(set) LOOKUP(set, true, NFT_META_OIFNAME, NFT_META_IIFNAME)
#define CT_ESTABLISHED_RELATED \
	{ \
		.op = KVN_NFT_CT_STATE, .value = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED) \
	}
#define CT_INVALID \
	{ \
		.op = KVN_NFT_CT_STATE, .value = NF_CT_STATE_INVALID_BIT \
	}
#define MARK_SET \
	{ \
		.op = KVN_NFT_MARK_SET, .value = KVN_RULESET_MARK \
	}
#define MARK_IS \
	{ \
		.op = KVN_NFT_MARK_IS, .value = KVN_RULESET_MARK \
	}
#define FIB_SADDR_MISSING \
	{ \
		.op = KVN_NFT_FIB_MISSING \
	}
#define FIB_DADDR_LOCAL \
	{ \
		.op = KVN_NFT_FIB_LOCAL \
	}
#define UDP_DPORT(port) \
	{ \
		.op = KVN_NFT_DPORT, .proto = IPPROTO_UDP, .value = (port) \
	}
#define TCP_DPORT(port) \
	{ \
		.op = KVN_NFT_DPORT, .proto = IPPROTO_TCP, .value = (port) \
	}
#define ICMP_TYPE(type) \
	{ \
		.op = KVN_NFT_ICMP_TYPE, .proto = IPPROTO_ICMP, .value = (type) \
	}
#define ICMPV6_TYPE(type) \
	{ \
		.op = KVN_NFT_ICMP_TYPE, .proto = IPPROTO_ICMPV6, .value = (type) \
	}
#define ACCEPT \
	{ \
		.op = KVN_NFT_ACCEPT \
	}
#define DROP \
	{ \
		.op = KVN_NFT_DROP \
	}
#define REJECT \
	{ \
		.op = KVN_NFT_REJECT \
	}
#define MASQUERADE \
	{ \
		.op = KVN_NFT_MASQUERADE \
	}
#define GOTO(chain) \
	{ \
		.op = KVN_NFT_GOTO, .name = (chain) \
	}

enum {
	ICMP_ECHO_REQUEST = 8,
	ICMPV6_ECHO_REQUEST = 128,
	ROUTER_SOLICIT = 133,
	NEIGHBOR_SOLICIT = 135,
	NEIGHBOR_ADVERT
};
enum { PORT_DNS = 53, PORT_DHCP = 67, PORT_DHCPV6 = 547 };

/* ---- table inet kvnet ---- */

static const struct kvn_nft_set inet_sets[KVN_SET_COUNT] = {
	[KVN_SET_NETWORK] = {"network", false}, [KVN_SET_ISOLATED] = {"isolated", false},
	[KVN_SET_NAT] = {"nat", false},         [KVN_SET_ROUTED] = {"routed", false},
	[KVN_SET_OPEN] = {"open", false},       [KVN_SET_BRIDGED] = {"bridged", false},
	[KVN_SET_SAME] = {"same", true},        [KVN_SET_APART] = {"apart", true},
	[KVN_SET_LIMITED] = {"limited", false}, [KVN_SET_UPLINK] = {"uplink", true},
	[KVN_SET_GUARDED] = {"guarded", false}, [KVN_SET_SERVICES] = {"services", false},
};

static const struct kvn_nft_chain inet_chains[] = {
	{"from_network", NULL, 0, 0},
	{"between", NULL, 0, 0},
	{"to_network", NULL, 0, 0},
	{"guest_to_host", NULL, 0, 0},
	{"forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER},
	{"input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER},
	{"postrouting", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC},
};

static const struct kvn_nft_rule inet_rules[] = {
	/* From a guest, who forwards. */

	/* oifname @network goto between */
	{"from_network", {OIFNAME("network"), GOTO("between")}},
	/* oifname @bridged meta mark set meta mark | 0x10000000 */
	{"from_network", {OIFNAME("bridged"), MARK_SET}},
	/* iifname @open accept */
	{"from_network", {IIFNAME("open"), ACCEPT}},
	/* iifname @isolated reject with icmpx admin-prohibited */
	{"from_network", {IIFNAME("isolated"), REJECT}},
	/* iifname @limited iifname . oifname != @uplink reject with icmpx admin-prohibited */
	{"from_network", {IIFNAME("limited"), IIFNAME_OIFNAME_NOT("uplink"), REJECT}},
	/* iifname @nat ct state invalid drop     (it would leave untranslated) */
	{"from_network", {IIFNAME("nat"), CT_INVALID, DROP}},
	/* fib saddr . iif oif missing drop     (a guest sends under addresses of its own network) */
	{"from_network", {FIB_SADDR_MISSING, DROP}},
	/* accept */
	{"from_network", {ACCEPT}},

	/* From one network to another, or from guest to guest of a network that keeps them apart. */

	/* iifname @limited reject with icmpx admin-prohibited */
	{"between", {IIFNAME("limited"), REJECT}},
	/* oifname @limited reject with icmpx admin-prohibited */
	{"between", {OIFNAME("limited"), REJECT}},
	/* iifname . oifname @apart reject with icmpx admin-prohibited */
	{"between", {IIFNAME_OIFNAME("apart"), REJECT}},
	/* fib saddr . iif oif missing drop */
	{"between", {FIB_SADDR_MISSING, DROP}},
	/* iifname @routed oifname @routed accept */
	{"between", {IIFNAME("routed"), OIFNAME("routed"), ACCEPT}},
	/* reject with icmpx admin-prohibited */
	{"between", {REJECT}},

	/* To a guest, from outside. */

	/* meta mark & 0x10000000 == 0x10000000 reject with icmpx admin-prohibited */
	{"to_network", {MARK_IS, REJECT}},
	/* oifname @open accept */
	{"to_network", {OIFNAME("open"), ACCEPT}},
	/* oifname @isolated reject with icmpx admin-prohibited */
	{"to_network", {OIFNAME("isolated"), REJECT}},
	/* ct state established,related accept */
	{"to_network", {CT_ESTABLISHED_RELATED, ACCEPT}},
	/* oifname @nat reject with icmpx admin-prohibited */
	{"to_network", {OIFNAME("nat"), REJECT}},
	/* oifname @limited oifname . iifname != @uplink reject with icmpx admin-prohibited */
	{"to_network", {OIFNAME("limited"), OIFNAME_IIFNAME_NOT("uplink"), REJECT}},
	/* accept */
	{"to_network", {ACCEPT}},

	/* From a guest to the host itself. */

	/* ct state established,related accept */
	{"guest_to_host", {CT_ESTABLISHED_RELATED, ACCEPT}},
	/* icmpv6 type nd-neighbor-solicit accept */
	{"guest_to_host", {ICMPV6_TYPE(NEIGHBOR_SOLICIT), ACCEPT}},
	/* icmpv6 type nd-neighbor-advert accept */
	{"guest_to_host", {ICMPV6_TYPE(NEIGHBOR_ADVERT), ACCEPT}},
	/* iifname @services icmpv6 type nd-router-solicit accept */
	{"guest_to_host", {IIFNAME("services"), ICMPV6_TYPE(ROUTER_SOLICIT), ACCEPT}},
	/* iifname @services udp dport 67 accept */
	{"guest_to_host", {IIFNAME("services"), UDP_DPORT(PORT_DHCP), ACCEPT}},
	/* iifname @services udp dport 547 accept */
	{"guest_to_host", {IIFNAME("services"), UDP_DPORT(PORT_DHCPV6), ACCEPT}},
	/* fib saddr . iif oif missing drop */
	{"guest_to_host", {FIB_SADDR_MISSING, DROP}},
	/* iifname @services fib daddr . iif type local udp dport 53 accept */
	{"guest_to_host", {IIFNAME("services"), FIB_DADDR_LOCAL, UDP_DPORT(PORT_DNS), ACCEPT}},
	/* iifname @services fib daddr . iif type local tcp dport 53 accept */
	{"guest_to_host", {IIFNAME("services"), FIB_DADDR_LOCAL, TCP_DPORT(PORT_DNS), ACCEPT}},
	/* iifname @services fib daddr . iif type local icmp type echo-request accept */
	{"guest_to_host", {IIFNAME("services"), FIB_DADDR_LOCAL, ICMP_TYPE(ICMP_ECHO_REQUEST), ACCEPT}},
	/* iifname @services fib daddr . iif type local icmpv6 type echo-request accept */
	{"guest_to_host", {IIFNAME("services"), FIB_DADDR_LOCAL, ICMPV6_TYPE(ICMPV6_ECHO_REQUEST), ACCEPT}},
	/* reject with icmpx admin-prohibited */
	{"guest_to_host", {REJECT}},

	/* The hooks. */

	/* iifname . oifname @same accept     (frames inside one bridge, which br_netfilter shows us) */
	{"forward", {IIFNAME_OIFNAME("same"), ACCEPT}},
	/* iifname @network goto from_network */
	{"forward", {IIFNAME("network"), GOTO("from_network")}},
	/* oifname @network goto to_network */
	{"forward", {OIFNAME("network"), GOTO("to_network")}},
	/* iifname @guarded goto guest_to_host */
	{"input", {IIFNAME("guarded"), GOTO("guest_to_host")}},
	/* iifname @nat oifname != @network masquerade     (a frame inside one bridge has no iifname here) */
	{"postrouting", {IIFNAME("nat"), OIFNAME_NOT("network"), MASQUERADE}},
};

const struct kvn_nft_table *kvn_ruleset_inet(void)
{
	static const struct kvn_nft_table table = {
		.family = NFPROTO_INET,
		.name = "kvnet",
		.sets = inet_sets,
		.n_sets = ARRAY_SIZE(inet_sets),
		.chains = inet_chains,
		.n_chains = ARRAY_SIZE(inet_chains),
		.rules = inet_rules,
		.n_rules = ARRAY_SIZE(inet_rules),
	};

	return &table;
}

/* ---- table bridge kvnet ---- */

static const struct kvn_nft_set bridge_sets[] = {
	[KVN_RULESET_PORT] = {"port", false},
};

static const struct kvn_nft_chain bridge_chains[] = {
	{"input", "filter", NF_BR_LOCAL_IN, NF_BR_PRI_FILTER_BRIDGED},
	{"output", "filter", NF_BR_LOCAL_OUT, NF_BR_PRI_FILTER_BRIDGED},
};

static const struct kvn_nft_rule bridge_rules[] = {
	/* iifname @port meta mark set meta mark | 0x10000000 */
	{"input", {IIFNAME("port"), MARK_SET}},
	/* oifname @port meta mark & 0x10000000 == 0x10000000 drop */
	{"output", {OIFNAME("port"), MARK_IS, DROP}},
};

const struct kvn_nft_table *kvn_ruleset_bridge(void)
{
	static const struct kvn_nft_table table = {
		.family = NFPROTO_BRIDGE,
		.name = "kvnet",
		.sets = bridge_sets,
		.n_sets = ARRAY_SIZE(bridge_sets),
		.chains = bridge_chains,
		.n_chains = ARRAY_SIZE(bridge_chains),
		.rules = bridge_rules,
		.n_rules = ARRAY_SIZE(bridge_rules),
	};

	return &table;
}

/* ---- the digest: FNV-1a over every field ---- */

static uint32_t digest_number(uint32_t digest, uint32_t value)
{
	return (digest ^ value) * 16777619U;
}

static uint32_t digest_text(uint32_t digest, const char *text)
{
	for (; text && *text; text++)
		digest = digest_number(digest, (unsigned char)*text);
	return digest_number(digest, 0);
}

static uint32_t digest_rule(uint32_t digest, const struct kvn_nft_rule *rule)
{
	digest = digest_text(digest, rule->chain);
	for (const struct kvn_nft_step *step = rule->steps; step->op != KVN_NFT_END; step++) {
		digest = digest_number(digest,
				       (uint32_t)step->op << 16 | (uint32_t)step->is_inverted << 8 | step->proto);
		digest = digest_number(digest, (uint32_t)step->keys[0] << 16 | (uint32_t)step->keys[1]);
		digest = digest_number(digest, step->value);
		digest = digest_text(digest, step->name);
	}
	return digest_number(digest, 0);
}

static uint32_t digest_table(uint32_t digest, const struct kvn_nft_table *table)
{
	for (size_t i = 0; i < table->n_sets; i++)
		digest = digest_number(digest_text(digest, table->sets[i].name), table->sets[i].is_pair);
	for (size_t i = 0; i < table->n_chains; i++) {
		const struct kvn_nft_chain *chain = &table->chains[i];

		digest = digest_text(digest_text(digest, chain->name), chain->type);
		digest = digest_number(digest_number(digest, chain->hook), (uint32_t)chain->priority);
	}
	for (size_t i = 0; i < table->n_rules; i++)
		digest = digest_rule(digest, &table->rules[i]);
	return digest;
}

void kvn_ruleset_format_comment(char ret[static KVN_NFT_COMMENT_SIZE])
{
	uint32_t digest = digest_table(digest_table(2166136261U, kvn_ruleset_inet()), kvn_ruleset_bridge());

	(void)snprintf(ret, KVN_NFT_COMMENT_SIZE, "kvnet rules %08x", digest); /* fits */
}
