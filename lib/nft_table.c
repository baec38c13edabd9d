/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft_table.c - a table described as data -> the messages that make it, as nft(8) itself would write them.
 *
 * Registers: a rule's steps follow each other and none needs what another loaded, so all use NFT_REG_1; a pair's second
 * name follows in NFT_REG_2, 16 bytes on.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "cleanup.h"
#include "nft.h"

#define TYPE_IFNAME 41U /* nft's number for the type "ifname" (its include/datatype.h) */
#define TYPE_PAIR (TYPE_IFNAME << 6 | TYPE_IFNAME) /* "ifname . ifname" */
#define BYTEORDER_HOST 1U /* nft's; else it would list the names reversed, as "" */

/* ---- expressions ---- */

struct value {
	uint16_t attr;
	uint32_t u32;
};

/* Append the expression @name with its numeric attributes to @rule.  NULL: no memory. */
static struct nftnl_expr *add_expr(struct nftnl_rule *rule, const char *name, const struct value *values, size_t n)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	if (!expr)
		return NULL;
	for (size_t i = 0; i < n; i++)
		nftnl_expr_set_u32(expr, values[i].attr, values[i].u32);
	nftnl_rule_add_expr(rule, expr);
	return expr;
}

#define EXPR(rule, name, ...) \
	add_expr(rule, name, (const struct value[]){__VA_ARGS__}, ARRAY_SIZE(((const struct value[]){__VA_ARGS__})))

/* An expression's attribute of any size; a @expr that there was no memory for is told by the caller's last one. */
static bool put_data(struct nftnl_expr *expr, uint16_t attr, const void *data, uint32_t len)
{
	return expr && nftnl_expr_set(expr, attr, data, len) == 0;
}

static bool put_name(struct nftnl_expr *expr, uint16_t attr, const char *name)
{
	return expr && nftnl_expr_set_str(expr, attr, name) == 0;
}

static bool meta_load(struct nftnl_rule *rule, enum nft_meta_keys key, uint32_t reg)
{
	return EXPR(rule, "meta", {NFTNL_EXPR_META_KEY, key}, {NFTNL_EXPR_META_DREG, reg});
}

/* reg 1 == or != @data */
static bool compare(struct nftnl_rule *rule, uint32_t op, const void *data, uint32_t len)
{
	return put_data(EXPR(rule, "cmp", {NFTNL_EXPR_CMP_SREG, NFT_REG_1}, {NFTNL_EXPR_CMP_OP, op}),
			NFTNL_EXPR_CMP_DATA, data, len);
}

/* reg 1 = (reg 1 & mask) ^ xor */
static bool bitwise(struct nftnl_rule *rule, uint32_t mask, uint32_t xor)
{
	struct nftnl_expr *expr = EXPR(rule, "bitwise", {NFTNL_EXPR_BITWISE_SREG, NFT_REG_1},
				       {NFTNL_EXPR_BITWISE_DREG, NFT_REG_1}, {NFTNL_EXPR_BITWISE_LEN, sizeof(mask)});

	return put_data(expr, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask)) &&
	       put_data(expr, NFTNL_EXPR_BITWISE_XOR, &xor, sizeof(xor));
}

/* iifname . oifname != @same */
static bool lookup(struct nftnl_rule *rule, const struct kvn_nft_step *step)
{
	struct nftnl_expr *expr;

	if (!meta_load(rule, step->keys[0], NFT_REG_1) || (step->keys[1] && !meta_load(rule, step->keys[1], NFT_REG_2)))
		return false;
	expr = EXPR(rule, "lookup", {NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1});
	if (expr && step->is_inverted)
		nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	return put_name(expr, NFTNL_EXPR_LOOKUP_SET, step->name);
}

/* ct state established,related */
static bool ct_state(struct nftnl_rule *rule, uint32_t states)
{
	const uint32_t zero = 0;

	return EXPR(rule, "ct", {NFTNL_EXPR_CT_KEY, NFT_CT_STATE}, {NFTNL_EXPR_CT_DREG, NFT_REG_1}) &&
	       bitwise(rule, states, 0) && compare(rule, NFT_CMP_NEQ, &zero, sizeof(zero));
}

/* meta mark set meta mark | 0x10000000 */
static bool mark_set(struct nftnl_rule *rule, uint32_t bits)
{
	return meta_load(rule, NFT_META_MARK, NFT_REG_1) && bitwise(rule, ~bits, bits) &&
	       EXPR(rule, "meta", {NFTNL_EXPR_META_KEY, NFT_META_MARK}, {NFTNL_EXPR_META_SREG, NFT_REG_1});
}

/* meta mark & 0x10000000 == 0x10000000 */
static bool mark_is(struct nftnl_rule *rule, uint32_t bits)
{
	return meta_load(rule, NFT_META_MARK, NFT_REG_1) && bitwise(rule, bits, 0) &&
	       compare(rule, NFT_CMP_EQ, &bits, sizeof(bits));
}

/* fib saddr . iif oif missing */
static bool fib_missing(struct nftnl_rule *rule)
{
	const uint32_t missing = 0;

	return EXPR(rule, "fib", {NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_OIF},
		    {NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT},
		    {NFTNL_EXPR_FIB_DREG, NFT_REG_1}) &&
	       compare(rule, NFT_CMP_EQ, &missing, sizeof(missing));
}

/* fib daddr . iif type local */
static bool fib_local(struct nftnl_rule *rule)
{
	const uint32_t local = RTN_LOCAL;

	return EXPR(rule, "fib", {NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE},
		    {NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR | NFTA_FIB_F_IIF}, {NFTNL_EXPR_FIB_DREG, NFT_REG_1}) &&
	       compare(rule, NFT_CMP_EQ, &local, sizeof(local));
}

/* @len bytes at @offset of the transport header are @data */
static bool transport(struct nftnl_rule *rule, uint8_t proto, uint32_t offset, const void *data, uint32_t len)
{
	return meta_load(rule, NFT_META_L4PROTO, NFT_REG_1) && compare(rule, NFT_CMP_EQ, &proto, sizeof(proto)) &&
	       EXPR(rule, "payload", {NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER},
		    {NFTNL_EXPR_PAYLOAD_OFFSET, offset}, {NFTNL_EXPR_PAYLOAD_LEN, len},
		    {NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1}) &&
	       compare(rule, NFT_CMP_EQ, data, len);
}

/* udp dport 67 */
static bool dport(struct nftnl_rule *rule, const struct kvn_nft_step *step)
{
	const uint16_t port = htons((uint16_t)step->value);

	return transport(rule, step->proto, 2, &port, sizeof(port));
}

/* icmpv6 type nd-neighbor-solicit */
static bool icmp_type(struct nftnl_rule *rule, const struct kvn_nft_step *step)
{
	const uint8_t type = (uint8_t)step->value;
	const uint8_t family = step->proto == IPPROTO_ICMP ? NFPROTO_IPV4 : NFPROTO_IPV6;

	return meta_load(rule, NFT_META_NFPROTO, NFT_REG_1) && compare(rule, NFT_CMP_EQ, &family, sizeof(family)) &&
	       transport(rule, step->proto, 0, &type, sizeof(type));
}

static struct nftnl_expr *verdict(struct nftnl_rule *rule, int code)
{
	return EXPR(rule, "immediate", {NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT},
		    {NFTNL_EXPR_IMM_VERDICT, (uint32_t)code});
}

/* reject with icmpx admin-prohibited */
static bool reject(struct nftnl_rule *rule)
{
	struct nftnl_expr *expr = EXPR(rule, "reject", {NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH});

	if (expr)
		nftnl_expr_set_u8(expr, NFTNL_EXPR_REJECT_CODE, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
	return expr;
}

/* False: no memory. */
static bool add_step(struct nftnl_rule *rule, const struct kvn_nft_step *step)
{
	switch (step->op) {
	case KVN_NFT_END:
		return true;
	case KVN_NFT_LOOKUP:
		return lookup(rule, step);
	case KVN_NFT_CT_STATE:
		return ct_state(rule, step->value);
	case KVN_NFT_MARK_SET:
		return mark_set(rule, step->value);
	case KVN_NFT_MARK_IS:
		return mark_is(rule, step->value);
	case KVN_NFT_FIB_MISSING:
		return fib_missing(rule);
	case KVN_NFT_FIB_LOCAL:
		return fib_local(rule);
	case KVN_NFT_DPORT:
		return dport(rule, step);
	case KVN_NFT_ICMP_TYPE:
		return icmp_type(rule, step);
	case KVN_NFT_ACCEPT:
		return verdict(rule, NF_ACCEPT);
	case KVN_NFT_DROP:
		return verdict(rule, NF_DROP);
	case KVN_NFT_GOTO:
		return put_name(verdict(rule, NFT_GOTO), NFTNL_EXPR_IMM_CHAIN, step->name);
	case KVN_NFT_REJECT:
		return reject(rule);
	case KVN_NFT_MASQUERADE:
		return add_expr(rule, "masq", NULL, 0);
	}
	return false;
}

/* ---- the parts of a table ---- */

/* NULL: no memory. */
static struct nftnl_rule *make_rule(const struct kvn_nft_table *table, const struct kvn_nft_rule *rule)
{
	struct nftnl_rule *nl = nftnl_rule_alloc();
	bool is_whole = nl && nftnl_rule_set_str(nl, NFTNL_RULE_TABLE, table->name) == 0 &&
			nftnl_rule_set_str(nl, NFTNL_RULE_CHAIN, rule->chain) == 0;

	for (size_t i = 0; is_whole && rule->steps[i].op != KVN_NFT_END; i++)
		is_whole = add_step(nl, &rule->steps[i]);
	if (is_whole)
		return nl;
	if (nl)
		nftnl_rule_free(nl);
	return NULL;
}

static bool add_rule(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_rule *rule)
{
	struct nftnl_rule *nl = make_rule(table, rule);

	if (!nl)
		return false;
	nftnl_rule_nlmsg_build_payload(
		kvn_nft_message(nft, NFT_MSG_NEWRULE, table->family, NLM_F_CREATE | NLM_F_APPEND), nl);
	nftnl_rule_free(nl);
	return true;
}

static bool add_chain(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_chain *chain)
{
	struct nftnl_chain *nl = nftnl_chain_alloc();
	bool is_whole = nl && nftnl_chain_set_str(nl, NFTNL_CHAIN_TABLE, table->name) == 0 &&
			nftnl_chain_set_str(nl, NFTNL_CHAIN_NAME, chain->name) == 0;

	if (is_whole && chain->type) {
		is_whole = nftnl_chain_set_str(nl, NFTNL_CHAIN_TYPE, chain->type) == 0;
		nftnl_chain_set_u32(nl, NFTNL_CHAIN_HOOKNUM, chain->hook);
		nftnl_chain_set_s32(nl, NFTNL_CHAIN_PRIO, chain->priority);
		nftnl_chain_set_u32(nl, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	if (is_whole)
		nftnl_chain_nlmsg_build_payload(
			kvn_nft_message(nft, NFT_MSG_NEWCHAIN, table->family, NLM_F_CREATE | NLM_F_EXCL), nl);
	if (nl)
		nftnl_chain_free(nl);
	return is_whole;
}

static bool add_set(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_set *set, uint32_t id)
{
	struct nftnl_set *nl = nftnl_set_alloc();
	struct nftnl_udata_buf *userdata = nftnl_udata_buf_alloc(64);
	bool is_whole = nl && userdata && nftnl_set_set_str(nl, NFTNL_SET_TABLE, table->name) == 0 &&
			nftnl_set_set_str(nl, NFTNL_SET_NAME, set->name) == 0 &&
			nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_KEYBYTEORDER, set->is_pair ? 0 : BYTEORDER_HOST);

	if (is_whole) {
		nftnl_set_set_u32(nl, NFTNL_SET_ID, id);
		nftnl_set_set_u32(nl, NFTNL_SET_FLAGS, 0);
		nftnl_set_set_u32(nl, NFTNL_SET_KEY_TYPE, set->is_pair ? TYPE_PAIR : TYPE_IFNAME);
		nftnl_set_set_u32(nl, NFTNL_SET_KEY_LEN, (set->is_pair ? 2 : 1) * IFNAMSIZ);
		is_whole = nftnl_set_set_data(nl, NFTNL_SET_USERDATA, nftnl_udata_buf_data(userdata),
					      nftnl_udata_buf_len(userdata)) == 0;
	}
	if (is_whole)
		nftnl_set_nlmsg_build_payload(
			kvn_nft_message(nft, NFT_MSG_NEWSET, table->family, NLM_F_CREATE | NLM_F_EXCL), nl);
	if (userdata)
		nftnl_udata_buf_free(userdata);
	if (nl)
		nftnl_set_free(nl);
	return is_whole;
}

/* nft's "comment": a type, a length and the text with its terminator, a byte each for the first two. */
static uint32_t format_comment(const char *comment, uint8_t ret[static KVN_NFT_COMMENT_SIZE + 2])
{
	size_t len = strnlen(comment, KVN_NFT_COMMENT_SIZE - 1);

	ret[0] = NFTNL_UDATA_TABLE_COMMENT;
	ret[1] = (uint8_t)(len + 1);
	memcpy(ret + 2, comment, len);
	ret[2 + len] = '\0';
	return (uint32_t)len + 3;
}

void kvn_nft_add_table(struct kvn_nft *nft, const struct kvn_nft_table *table, const char *comment)
{
	struct nlmsghdr *hdr = kvn_nft_message(nft, NFT_MSG_NEWTABLE, table->family, NLM_F_CREATE | NLM_F_EXCL);
	uint8_t userdata[KVN_NFT_COMMENT_SIZE + 2];
	bool is_whole = true;

	mnl_attr_put_strz(hdr, NFTA_TABLE_NAME, table->name);
	mnl_attr_put_u32(hdr, NFTA_TABLE_FLAGS, 0);
	mnl_attr_put(hdr, NFTA_TABLE_USERDATA, format_comment(comment, userdata), userdata);
	for (size_t i = 0; is_whole && i < table->n_sets; i++)
		is_whole = add_set(nft, table, &table->sets[i], (uint32_t)i + 1);
	for (size_t i = 0; is_whole && i < table->n_chains; i++)
		is_whole = add_chain(nft, table, &table->chains[i]);
	for (size_t i = 0; is_whole && i < table->n_rules; i++)
		is_whole = add_rule(nft, table, &table->rules[i]);
	if (!is_whole)
		kvn_nft_no_memory(nft);
}

void kvn_nft_del_table(struct kvn_nft *nft, const struct kvn_nft_table *table)
{
	mnl_attr_put_strz(kvn_nft_message(nft, NFT_MSG_DELTABLE, table->family, 0), NFTA_TABLE_NAME, table->name);
}

/* ---- is it as it was built? ---- */

static bool is_u32(const struct nlattr *attr, uint32_t value)
{
	uint32_t found;

	return kvn_nft_read_u32(attr, &found) && found == value;
}

bool kvn_nft_is_table(const struct nlmsghdr *hdr, const struct kvn_nft_table *table, const char *comment)
{
	const struct nlattr *attrs[NFTA_TABLE_MAX + 1];
	uint8_t userdata[KVN_NFT_COMMENT_SIZE + 2];
	uint32_t len = format_comment(comment, userdata);

	kvn_nft_sort_attrs(hdr, sizeof(struct nfgenmsg), attrs, ARRAY_SIZE(attrs));
	return is_u32(attrs[NFTA_TABLE_USE], (uint32_t)(table->n_sets + table->n_chains)) &&
	       is_u32(attrs[NFTA_TABLE_FLAGS], 0) && attrs[NFTA_TABLE_USERDATA] &&
	       mnl_attr_get_payload_len(attrs[NFTA_TABLE_USERDATA]) == len &&
	       memcmp(mnl_attr_get_payload(attrs[NFTA_TABLE_USERDATA]), userdata, len) == 0;
}

/* How often the kernel counts @chain as used: once a rule in it, once a rule that goes to it. */
static uint32_t count_uses(const struct kvn_nft_table *table, const struct kvn_nft_chain *chain)
{
	uint32_t n = 0;

	for (size_t i = 0; i < table->n_rules; i++) {
		const struct kvn_nft_rule *rule = &table->rules[i];

		n += strcmp(rule->chain, chain->name) == 0;
		for (size_t j = 0; rule->steps[j].op != KVN_NFT_END; j++)
			n += rule->steps[j].op == KVN_NFT_GOTO && strcmp(rule->steps[j].name, chain->name) == 0;
	}
	return n;
}

static const struct nlattr *find_attr(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr = kvn_nft_next_attr(nest, NULL);

	while (attr && mnl_attr_get_type(attr) != type)
		attr = kvn_nft_next_attr(nest, attr);
	return attr;
}

/* Does the chain hang where it should, @hook being what the kernel says of that, NULL: nowhere? */
static bool is_hook(const struct nlattr *hook, const struct kvn_nft_chain *chain)
{
	if (!chain->type || !hook)
		return !chain->type && !hook;
	return is_u32(find_attr(hook, NFTA_HOOK_HOOKNUM), chain->hook) &&
	       is_u32(find_attr(hook, NFTA_HOOK_PRIORITY), (uint32_t)chain->priority);
}

bool kvn_nft_is_chain(const struct nlmsghdr *hdr, const struct kvn_nft_table *table, const struct kvn_nft_chain *chain)
{
	const struct nlattr *attrs[NFTA_CHAIN_MAX + 1];

	kvn_nft_sort_attrs(hdr, sizeof(struct nfgenmsg), attrs, ARRAY_SIZE(attrs));
	return is_u32(attrs[NFTA_CHAIN_USE], count_uses(table, chain)) && is_hook(attrs[NFTA_CHAIN_HOOK], chain) &&
	       (!chain->type || is_u32(attrs[NFTA_CHAIN_POLICY], NF_ACCEPT));
}

static bool is_zero(const struct nlattr *attr)
{
	const char *data = mnl_attr_get_payload(attr);

	for (size_t i = 0; i < mnl_attr_get_payload_len(attr); i++)
		if (data[i] != 0)
			return false;
	return true;
}

static bool is_same_attr(const struct nlattr *asked, const struct nlattr *told)
{
	return mnl_attr_get_payload_len(asked) == mnl_attr_get_payload_len(told) &&
	       memcmp(mnl_attr_get_payload(asked), mnl_attr_get_payload(told), mnl_attr_get_payload_len(asked)) == 0;
}

/* Is what the kernel has @told of an expression what it was @asked for? It tells in another order, and adds what stands at its
 * default, which is 0 everywhere (the operation of a bitwise, the flags of a lookup). */
static bool is_same_expression(const struct nlattr *asked, const struct nlattr *told)
{
	if (!(asked->nla_type & NLA_F_NESTED))
		return is_same_attr(asked, told);
	for (const struct nlattr *attr = kvn_nft_next_attr(asked, NULL); attr; attr = kvn_nft_next_attr(asked, attr)) {
		const struct nlattr *found = find_attr(told, mnl_attr_get_type(attr));

		if (!found || !is_same_expression(attr, found))
			return false;
	}
	for (const struct nlattr *attr = kvn_nft_next_attr(told, NULL); attr; attr = kvn_nft_next_attr(told, attr))
		if (!find_attr(asked, mnl_attr_get_type(attr)) && !is_zero(attr))
			return false;
	return true;
}

static bool is_same_rule(const struct nlmsghdr *asked, const struct nlmsghdr *told)
{
	const struct nlattr *left[NFTA_RULE_EXPRESSIONS + 1], *right[NFTA_RULE_EXPRESSIONS + 1], *a, *b;

	kvn_nft_sort_attrs(asked, sizeof(struct nfgenmsg), left, ARRAY_SIZE(left));
	kvn_nft_sort_attrs(told, sizeof(struct nfgenmsg), right, ARRAY_SIZE(right));
	if (!right[NFTA_RULE_CHAIN] || !is_same_attr(left[NFTA_RULE_CHAIN], right[NFTA_RULE_CHAIN]) ||
	    !right[NFTA_RULE_EXPRESSIONS])
		return false;
	a = kvn_nft_next_attr(left[NFTA_RULE_EXPRESSIONS], NULL);
	b = kvn_nft_next_attr(right[NFTA_RULE_EXPRESSIONS], NULL);
	while (a && b && is_same_expression(a, b)) {
		a = kvn_nft_next_attr(left[NFTA_RULE_EXPRESSIONS], a);
		b = kvn_nft_next_attr(right[NFTA_RULE_EXPRESSIONS], b);
	}
	return !a && !b;
}

bool kvn_nft_is_rule(const struct nlmsghdr *hdr, const struct kvn_nft_table *table, const struct kvn_nft_rule *rule)
{
	_Alignas(NLMSG_ALIGNTO) char buffer[KVN_NFT_ROOM] = {0};
	struct nlmsghdr *asked = mnl_nlmsg_put_header(buffer);
	struct nftnl_rule *nl = make_rule(table, rule);

	if (!nl)
		return false;
	(void)mnl_nlmsg_put_extra_header(asked, sizeof(struct nfgenmsg)); /* of no interest */
	nftnl_rule_nlmsg_build_payload(asked, nl);
	nftnl_rule_free(nl);
	return is_same_rule(asked, hdr);
}

int kvn_nft_dump_rules(struct kvn_nft *nft, const struct kvn_nft_table *table, kvn_nft_answer *answer, void *arg,
		       struct kvn_error *err)
{
	kvn_nft_begin_questions(nft);
	mnl_attr_put_strz(kvn_nft_message(nft, NFT_MSG_GETRULE, table->family, NLM_F_DUMP), NFTA_RULE_TABLE,
			  table->name);
	return kvn_nft_dump(nft, answer, arg, err);
}
