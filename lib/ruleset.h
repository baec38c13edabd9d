/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset.h - the tables that kvnet keeps: fixed chains and rules, in whose sets a network is a few elements. */
#ifndef KVN_RULESET_H
#define KVN_RULESET_H

#include "firewall.h"
#include "nft.h"

/* The bit of a packet's mark that says: from or to a guest of a bridged network, across another network of kvnet's.  It
 * lives inside this host only, between the bridge's hooks and the forward hook.  Chosen because none of those who are
 * known to use marks uses it: Kubernetes 0x4000 and 0x8000, netavark and CNI 0x2000, Tailscale 0xff0000, wg-quick its
 * port number, Mullvad 0x6d6f6c65. */
#define KVN_RULESET_MARK 0x10000000U

/* Table inet kvnet, its sets in the order of enum kvn_firewall_set. */
const struct kvn_nft_table *kvn_ruleset_inet(void);

enum { KVN_RULESET_PORT }; /* sets of table bridge kvnet */

/* Table bridge kvnet: the fence at guests' ports of bridged networks.  It is made with the first such port, not with the
 * other table: its two hooks would cost every frame between any bridge and the host a lookup. */
const struct kvn_nft_table *kvn_ruleset_bridge(void);

/* The comment on both tables, "kvnet rules 89abcdef": a digest of all that they hold, so that a version of kvnet with
 * other rules knows them for foreign. */
void kvn_ruleset_format_comment(char ret[static KVN_NFT_COMMENT_SIZE]);

#endif
