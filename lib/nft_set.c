/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft_set.c - the elements of sets: ask for one, add, delete, dump all.
 *
 *   nlmsghdr NFT_MSG_*SETELEM
 *     NFTA_SET_ELEM_LIST_TABLE      string
 *     NFTA_SET_ELEM_LIST_SET        string
 *     NFTA_SET_ELEM_LIST_ELEMENTS
 *       NFTA_LIST_ELEM
 *         NFTA_SET_ELEM_KEY
 *           NFTA_DATA_VALUE         16 bytes for a name, 32 for a pair
 *
 * Written with libmnl alone: this is the path that every start and stop of a network takes, and libnftnl would allocate
 * four objects for each of these messages.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cleanup.h"
#include "nft.h"

#define DUMP_TRIES 64 /* restarts of an interrupted dump before it is called an error */

static struct nlmsghdr *put_set(struct kvn_nft *nft, uint16_t type, uint16_t flags, const struct kvn_nft_table *table,
				const struct kvn_nft_set *set)
{
	struct nlmsghdr *hdr = kvn_nft_message(nft, type, table->family, flags);

	mnl_attr_put_strz(hdr, NFTA_SET_ELEM_LIST_TABLE, table->name);
	mnl_attr_put_strz(hdr, NFTA_SET_ELEM_LIST_SET, set->name);
	return hdr;
}

static void put_element(struct kvn_nft *nft, uint16_t type, uint16_t flags, const struct kvn_nft_table *table,
			const struct kvn_nft_set *set, const struct kvn_nft_key *key)
{
	struct nlmsghdr *hdr = put_set(nft, type, flags, table, set);
	struct nlattr *elements = mnl_attr_nest_start(hdr, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *element = mnl_attr_nest_start(hdr, NFTA_LIST_ELEM);
	struct nlattr *value = mnl_attr_nest_start(hdr, NFTA_SET_ELEM_KEY);

	mnl_attr_put(hdr, NFTA_DATA_VALUE, set->is_pair ? sizeof(key->names) : sizeof(key->names[0]), key->names);
	mnl_attr_nest_end(hdr, value);
	mnl_attr_nest_end(hdr, element);
	mnl_attr_nest_end(hdr, elements);
}

void kvn_nft_get_element(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_set *set,
			 const struct kvn_nft_key *key)
{
	put_element(nft, NFT_MSG_GETSETELEM, 0, table, set, key);
}

void kvn_nft_add_element(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_set *set,
			 const struct kvn_nft_key *key)
{
	put_element(nft, NFT_MSG_NEWSETELEM, NLM_F_CREATE, table, set, key);
}

void kvn_nft_del_element(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_set *set,
			 const struct kvn_nft_key *key)
{
	put_element(nft, NFT_MSG_DELSETELEM, 0, table, set, key);
}

/* ---- dumps ---- */

struct keys {
	struct kvn_nft_key *keys;
	size_t n, size;
	bool is_short; /* of memory */
};

static void add_key(struct keys *list, const struct nlattr *value)
{
	size_t len = mnl_attr_get_payload_len(value);

	if (mnl_attr_get_type(value) != NFTA_DATA_VALUE || len > sizeof(struct kvn_nft_key))
		return;
	if (!KVN_ARRAY_ROOM(list->keys, list->n, list->size)) {
		list->is_short = true;
		return;
	}
	memset(&list->keys[list->n], 0, sizeof(list->keys[0]));
	memcpy(&list->keys[list->n++], mnl_attr_get_payload(value), len);
}

/* The keys in one answer of a dump. */
static void add_keys(const struct nlmsghdr *hdr, unsigned index, void *arg)
{
	const struct nlattr *attrs[NFTA_SET_ELEM_LIST_ELEMENTS + 1], *list;

	(void)index; /* a dump is one question */
	kvn_nft_sort_attrs(hdr, sizeof(struct nfgenmsg), attrs, ARRAY_SIZE(attrs));
	list = attrs[NFTA_SET_ELEM_LIST_ELEMENTS];
	for (const struct nlattr *element = list ? kvn_nft_next_attr(list, NULL) : NULL; element;
	     element = kvn_nft_next_attr(list, element)) {
		const struct nlattr *key = kvn_nft_next_attr(element, NULL);

		while (key && mnl_attr_get_type(key) != NFTA_SET_ELEM_KEY)
			key = kvn_nft_next_attr(element, key);
		if (key && kvn_nft_next_attr(key, NULL))
			add_key(arg, kvn_nft_next_attr(key, NULL));
	}
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct kvn_nft_key));
}

/* A set's hash table grows behind the back of a dump, which then goes on in another order: some elements come twice and as
 * many not at all, and no flag tells.  Sorts @list. */
static bool has_doubles(struct keys *list)
{
	qsort(list->keys, list->n, sizeof(list->keys[0]), compare_keys);
	for (size_t i = 1; i < list->n; i++)
		if (compare_keys(&list->keys[i - 1], &list->keys[i]) == 0)
			return true;
	return false;
}

int kvn_nft_dump_set(struct kvn_nft *nft, const struct kvn_nft_table *table, const struct kvn_nft_set *set,
		     struct kvn_nft_key **ret, size_t *ret_n, struct kvn_error *err)
{
	struct keys list = {0};
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < DUMP_TRIES; i++) {
		list.n = 0;
		kvn_nft_begin_questions(nft);
		(void)put_set(nft, NFT_MSG_GETSETELEM, NLM_F_DUMP, table, set); /* the message is whole */
		r = kvn_nft_dump(nft, add_keys, &list, err);
		if (r == 0 && list.is_short)
			r = kvn_fail_errno(err, ENOMEM, "nftables");
		if (r == 0 && list.n > 0 && has_doubles(&list))
			r = -EINTR;
	}
	if (r == -EINTR)
		r = kvn_fail(err, EAGAIN, "nftables: set '%s' changes faster than it can be read", set->name);
	if (r < 0) {
		free(list.keys);
		return r;
	}
	*ret = list.keys;
	*ret_n = list.n;
	return 0;
}
