/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft.h - one nfnetlink socket, and tables described as data.  Source: linux/netfilter/nf_tables.h, nfnetlink.h. */
#ifndef KVN_NFT_H
#define KVN_NFT_H

#include "error.h"

/* After <netinet/in.h>, which defines the same names. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

struct kvn_nft; /* opened once per process: closing one right after a delete waits for RCU, 8-15 ms */

/* Sends nothing: what the kernel lacks is told by the first request.  -EPROTONOSUPPORT no nfnetlink   -EMFILE -ENOMEM */
int kvn_nft_open(struct kvn_nft **ret, struct kvn_error *err);
void kvn_nft_close(struct kvn_nft *nft);

/* ---- a table, as data ---- */

/* One step of a rule, left to right as nft writes them. */
enum kvn_nft_op {
	KVN_NFT_END, /* no more steps */
	KVN_NFT_LOOKUP, /* iifname @name, iifname . oifname != @name */
	KVN_NFT_CT_STATE, /* ct state value (NF_CT_STATE_BIT) */
	KVN_NFT_MARK_SET, /* meta mark set meta mark | value */
	KVN_NFT_MARK_IS, /* meta mark & value == value */
	KVN_NFT_FIB_MISSING, /* fib saddr . iif oif missing */
	KVN_NFT_FIB_LOCAL, /* fib daddr . iif type local */
	KVN_NFT_DPORT, /* udp dport value; proto is IPPROTO_UDP or IPPROTO_TCP */
	KVN_NFT_ICMP_TYPE, /* icmp type value; proto is IPPROTO_ICMP or IPPROTO_ICMPV6 */
	KVN_NFT_ACCEPT,
	KVN_NFT_DROP,
	KVN_NFT_GOTO, /* goto name */
	KVN_NFT_REJECT, /* reject with icmpx admin-prohibited */
	KVN_NFT_MASQUERADE,
};

struct kvn_nft_step {
	enum kvn_nft_op op;
	const char *name; /* of a set or chain */
	enum nft_meta_keys keys[2]; /* LOOKUP: what is looked up; 0: none */
	bool is_inverted; /* LOOKUP: != */
	uint8_t proto;
	uint32_t value; /* host byte order */
};

#define KVN_NFT_STEPS 6

struct kvn_nft_rule {
	const char *chain;
	struct kvn_nft_step steps[KVN_NFT_STEPS + 1]; /* ends with KVN_NFT_END */
};

struct kvn_nft_chain {
	const char *name;
	const char *type; /* "filter", "nat"; NULL: a chain that rules go to, without a hook */
	uint32_t hook; /* NF_INET_*, NF_BR_* */
	int32_t priority;
};

/* A hash set of names of links, or of pairs of them. */
struct kvn_nft_set {
	const char *name;
	bool is_pair;
};

struct kvn_nft_table {
	uint8_t family; /* NFPROTO_* */
	const char *name;
	const struct kvn_nft_set *sets;
	size_t n_sets;
	const struct kvn_nft_chain *chains;
	size_t n_chains;
	const struct kvn_nft_rule *rules; /* in the order in which they run, chain by chain */
	size_t n_rules;
};

/* A member of a set; the second name is empty in a set of single names. */
struct kvn_nft_key {
	char names[2][IFNAMSIZ]; /* padded with zeros to the end */
};

/* ---- a list of messages: filled, then sent in one sendto ----
 * The list belongs to the socket: there is one at a time.  Running out of memory while it is filled is told when it is
 * sent. */

/* Begin a list of questions.  kvn_nft_ask() sends it. */
void kvn_nft_begin_questions(struct kvn_nft *nft);
/* Begin a transaction.  It fails with -ERESTART when any table of this namespace was changed since @generation, 0: is
 * never too late.  kvn_nft_commit() sends it. */
void kvn_nft_begin_transaction(struct kvn_nft *nft, uint32_t generation);

/* Questions, about one object each. */
void kvn_nft_get_generation(struct kvn_nft *nft);
void kvn_nft_get_table(struct kvn_nft *nft, const struct kvn_nft_table *table);
void kvn_nft_get_chain(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_chain *chain);
void kvn_nft_get_element(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_set *set,
			 const struct kvn_nft_key *key);

/* Changes.  kvn_nft_add_table() makes the whole table, chains, sets and rules, with @comment on it; the sets are empty.
 * Adding an element that is there is no error, deleting one that is not there is -ENOENT. */
void kvn_nft_add_table(struct kvn_nft *nft, const struct kvn_nft_table *table, const char *comment);
void kvn_nft_del_table(struct kvn_nft *nft, const struct kvn_nft_table *table);
void kvn_nft_add_element(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_set *set,
			 const struct kvn_nft_key *key);
void kvn_nft_del_element(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_set *set,
			 const struct kvn_nft_key *key);

#define KVN_NFT_COMMENT_SIZE 64 /* of a table's comment, with its terminator */

/* Is the answer @hdr to kvn_nft_get_table() the table that kvn_nft_add_table() makes: the comment, no flags (dormant), as
 * many sets and chains? */
bool kvn_nft_is_table(const struct nlmsghdr *hdr, const struct kvn_nft_table *table, const char *comment);
/* Is the answer @hdr to kvn_nft_get_chain() the chain, in its hook, with as many rules, and as many that go to it? This
 * counts: that a rule was replaced by another is for kvn_nft_is_rule() to see. */
bool kvn_nft_is_chain(const struct nlmsghdr *hdr, const struct kvn_nft_table *table, const struct kvn_nft_chain *chain);
/* Does the answer @hdr to kvn_nft_dump_rules() say the same as @rule of @table? */
bool kvn_nft_is_rule(const struct nlmsghdr *hdr, const struct kvn_nft_table *table, const struct kvn_nft_rule *rule);

/* Called with the answer to question number @index, from 0 as they were put.  What does not exist has no answer. */
typedef void kvn_nft_answer(const struct nlmsghdr *hdr, unsigned index, void *arg);

/* -EPROTONOSUPPORT this kernel has no nf_tables   -EPERM no CAP_NET_ADMIN   -ENOMEM */
int kvn_nft_ask(struct kvn_nft *nft, kvn_nft_answer *answer, void *arg, struct kvn_error *err);

/* All of the changes or none.  -ERESTART others were faster: look again and build anew
 * -EPROTONOSUPPORT this kernel lacks nf_tables, or what a rule needs   -EPERM no CAP_NET_ADMIN   -ENOMEM */
int kvn_nft_commit(struct kvn_nft *nft, struct kvn_error *err);

/* All members of @set, sorted bytewise; *ret is the caller's to free.  A missing table or set gives none. */
int kvn_nft_dump_set(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_set *set,
		     struct kvn_nft_key **ret, size_t *ret_n, struct kvn_error *err);

/* Every rule of @table, chain by chain as the chains were made, in the order in which they run.  -EINTR (with no message):
 * they changed meanwhile, and what was handed out is thrown away. */
int kvn_nft_dump_rules(struct kvn_nft *nft, const struct kvn_nft_table *table, kvn_nft_answer *answer, void *arg,
		       struct kvn_error *err);

/* What the caller has seen at a generation of the ruleset, kept with the socket: it holds until that number changes. */
struct kvn_nft_note {
	uint32_t generation; /* at which all tables are whole; 0: none is known */
	bool has_bridge; /* table bridge kvnet is among them */
	bool has_rules; /* what the rules say was looked at, not only their number */
	uint32_t other_rules; /* the generation at which they did not say what ours do; 0: none is known */
};
struct kvn_nft_note *kvn_nft_note(struct kvn_nft *nft);

/* ---- between those who read and write messages ---- */

#define KVN_NFT_ROOM 4096 /* bytes of attributes that a message may hold */

/* Sort the attributes after the first @skip bytes of @hdr's payload into @ret by type, the last of a type; those of @n and
 * beyond are newer than we are. */
void kvn_nft_sort_attrs(const struct nlmsghdr *hdr, size_t skip, const struct nlattr **ret, size_t n);
/* The attribute after @attr inside @nest (NULL: the first), NULL: none. */
const struct nlattr *kvn_nft_next_attr(const struct nlattr *nest, const struct nlattr *attr);
/* Is @attr there and a number in network byte order? */
bool kvn_nft_read_u32(const struct nlattr *attr, uint32_t *ret);
/* Append a message of NFT_MSG_@type; its attributes are put before the next one is appended. */
struct nlmsghdr *kvn_nft_message(struct kvn_nft *nft, uint16_t type, uint8_t family, uint16_t flags);
/* Say that the list cannot be sent for want of memory. */
void kvn_nft_no_memory(struct kvn_nft *nft);
/* Send the list, which is one question with NLM_F_DUMP; @answer sees every answer.  -EINTR (with no message): the objects
 * changed meanwhile, so that what was handed out is thrown away and asked for again. */
int kvn_nft_dump(struct kvn_nft *nft, kvn_nft_answer *answer, void *arg, struct kvn_error *err);

#endif
