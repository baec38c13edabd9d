/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewall.c - put a network into the sets, take it out, and see that the tables around them stand.
 *
 * Every change first looks: one send asks for the generation of the host's whole ruleset, for our tables and chains, and
 * for the elements in question.  The transaction that follows holds only what is missing or too many, and carries the
 * generation, so that the kernel refuses it when anybody changed anything in between; then it looks again.  What was seen
 * is therefore still true when the change is made, without a lock that strangers would not take.
 */
#include "firewall.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "cleanup.h"
#include "ruleset.h"

#define TRIES 32 /* looks before a ruleset that never holds still is called an error */

/* An element that is asked for, and to be there or not. */
struct element {
	const struct kvn_nft_table *table;
	const struct kvn_nft_set *set;
	struct kvn_nft_key key;
	bool is_wanted;
	bool is_there; /* filled in by look() */
};

#define ELEMENTS_MAX (2 * KVN_SET_COUNT) /* what a network had and what it wants */

struct table_state {
	const struct kvn_nft_table *table;
	bool is_there;
	bool is_same; /* comment, flags, number of chains and sets */
	unsigned n_chains; /* that are as they should be */
	unsigned n_rules; /* likewise, and in their order; all, unless they were looked at */
	bool has_other_rule; /* than ours, or in another place */
};

enum { INET, BRIDGE, TABLES };

struct view {
	uint32_t generation;
	struct table_state tables[TABLES];
	char comment[KVN_NFT_COMMENT_SIZE];
	bool is_known; /* the tables were not asked for */
	bool has_rules; /* what they say was looked at */
	struct element *elements;
	unsigned n;
};

static bool is_sound(const struct table_state *state)
{
	return state->is_there && state->is_same && state->n_chains == state->table->n_chains &&
	       state->n_rules == state->table->n_rules && !state->has_other_rule;
}

static void set_sound(struct table_state *state)
{
	state->is_there = state->is_same = true;
	state->n_chains = (unsigned)state->table->n_chains;
	state->n_rules = (unsigned)state->table->n_rules;
	state->has_other_rule = false;
}

/* ---- look ---- */

static int fail_restless(struct kvn_error *err)
{
	return kvn_fail(err, EAGAIN, "nftables: other programs change the rules without a pause; try again");
}

static uint32_t read_generation(const struct nlmsghdr *hdr)
{
	const struct nlattr *attrs[NFTA_GEN_ID + 1];
	uint32_t generation = 0;

	kvn_nft_sort_attrs(hdr, sizeof(struct nfgenmsg), attrs, ARRAY_SIZE(attrs));
	(void)kvn_nft_read_u32(attrs[NFTA_GEN_ID], &generation); /* 0: then changes are not held against it */
	return generation;
}

/* The questions' order is that in which look_at_all() puts them. */
static void read_answer(const struct nlmsghdr *hdr, unsigned index, void *arg)
{
	struct view *view = arg;

	if (index == 0) {
		view->generation = read_generation(hdr);
		return;
	}
	index--;
	for (unsigned i = 0; !view->is_known && i < TABLES; i++) {
		struct table_state *state = &view->tables[i];

		if (index == 0) {
			state->is_there = true;
			state->is_same = kvn_nft_is_table(hdr, state->table, view->comment);
			return;
		}
		index--;
		if (index < state->table->n_chains) {
			state->n_chains += kvn_nft_is_chain(hdr, state->table, &state->table->chains[index]);
			return;
		}
		index -= (unsigned)state->table->n_chains;
	}
	if (index < view->n)
		view->elements[index].is_there = true;
}

static void put_table_questions(struct kvn_nft *nft, const struct kvn_nft_table *table)
{
	kvn_nft_get_table(nft, table);
	for (size_t i = 0; i < table->n_chains; i++)
		kvn_nft_get_chain(nft, table, &table->chains[i]);
}

/* Ask for the generation, for the tables unless they @is_known, for the elements. */
static int look_once(struct kvn_nft *nft, bool is_known, struct element *elements, unsigned n, struct view *ret,
		     struct kvn_error *err)
{
	memset(ret, 0, sizeof(*ret));
	ret->tables[INET].table = kvn_ruleset_inet();
	ret->tables[BRIDGE].table = kvn_ruleset_bridge();
	for (unsigned i = 0; i < TABLES; i++)
		ret->tables[i].n_rules = (unsigned)ret->tables[i].table->n_rules;
	ret->is_known = is_known;
	ret->elements = elements;
	ret->n = n;
	kvn_ruleset_format_comment(ret->comment);
	kvn_nft_begin_questions(nft);
	kvn_nft_get_generation(nft);
	for (unsigned i = 0; !is_known && i < TABLES; i++)
		put_table_questions(nft, ret->tables[i].table);
	for (unsigned i = 0; i < n; i++) {
		elements[i].is_there = false;
		kvn_nft_get_element(nft, elements[i].table, elements[i].set, &elements[i].key);
	}
	return kvn_nft_ask(nft, read_answer, ret, err);
}

static void read_rule(const struct nlmsghdr *hdr, unsigned index, void *arg)
{
	struct table_state *state = arg;

	(void)index; /* a dump is one question */
	if (state->n_rules < state->table->n_rules &&
	    kvn_nft_is_rule(hdr, state->table, &state->table->rules[state->n_rules]))
		state->n_rules++;
	else
		state->has_other_rule = true;
}

/* See what the rules say, of the tables that hold the right number of them. */
static int look_at_rules(struct kvn_nft *nft, struct view *view, struct kvn_error *err)
{
	int r = 0;

	view->has_rules = true;
	for (unsigned i = 0; r == 0 && i < TABLES; i++) {
		struct table_state *state = &view->tables[i];

		r = is_sound(state) ? -EINTR : 0;
		for (unsigned j = 0; r == -EINTR && j < TRIES; j++) {
			state->n_rules = 0;
			state->has_other_rule = false;
			r = kvn_nft_dump_rules(nft, state->table, read_rule, state, err);
		}
	}
	return r == -EINTR ? fail_restless(err) : r;
}

/* Is all of it as we build it? Table bridge kvnet need not be there: it comes with the first fence. */
static bool is_all_sound(const struct view *view)
{
	return is_sound(&view->tables[INET]) && (!view->tables[BRIDGE].is_there || is_sound(&view->tables[BRIDGE]));
}

/* Keep in mind how the tables are, for as long as the ruleset's generation is @generation. */
static void note_tables(struct kvn_nft *nft, const struct view *view, uint32_t generation)
{
	bool is_whole = is_all_sound(view);

	*kvn_nft_note(nft) = (struct kvn_nft_note){.generation = is_whole ? generation : 0,
						   .has_bridge = view->tables[BRIDGE].is_there,
						   .has_rules = view->has_rules,
						   .other_rules = !is_whole && view->has_rules ? generation : 0};
}

/* See how our tables are, and which of @elements are there.  @is_close: what the rules say, too, which takes several times as
 * long; else they are counted, unless it is known that they say something else. */
static int look(struct kvn_nft *nft, bool is_close, struct element *elements, unsigned n, struct view *ret,
		struct kvn_error *err)
{
	const struct kvn_nft_note note = *kvn_nft_note(nft);
	int r;

	if (note.generation && (note.has_rules || !is_close)) {
		r = look_once(nft, true, elements, n, ret, err);
		if (r == 0 && ret->generation == note.generation) {
			ret->has_rules = note.has_rules;
			set_sound(&ret->tables[INET]);
			if (note.has_bridge)
				set_sound(&ret->tables[BRIDGE]);
			return 0;
		}
	}
	r = look_once(nft, false, elements, n, ret, err);
	if (r == 0 && (is_close || (note.other_rules && note.other_rules == ret->generation)))
		r = look_at_rules(nft, ret, err);
	if (r == 0)
		note_tables(nft, ret, ret->generation);
	return r;
}

/* ---- elements ---- */

static void put_name(char ret[static IFNAMSIZ], const char *name)
{
	memset(ret, 0, IFNAMSIZ);
	memcpy(ret, name, strnlen(name, IFNAMSIZ - 1));
}

/* The key of a network's element in @set; false when it has none there. */
static bool make_key(const struct kvn_firewall *part, enum kvn_firewall_set set, struct kvn_nft_key *ret)
{
	if (!part || part->bridge[0] == '\0' || !(part->sets & 1U << set) ||
	    (set == KVN_SET_UPLINK && part->uplink[0] == '\0'))
		return false;
	memset(ret, 0, sizeof(*ret));
	put_name(ret->names[0], part->bridge);
	if (kvn_ruleset_inet()->sets[set].is_pair)
		put_name(ret->names[1], set == KVN_SET_UPLINK ? part->uplink : part->bridge);
	return true;
}

/* The elements that differ, perhaps, between what a network @had and what it is to have; returns their number. */
static unsigned list_elements(const struct kvn_firewall *had, const struct kvn_firewall *want,
			      struct element ret[static ELEMENTS_MAX])
{
	const struct kvn_nft_table *table = kvn_ruleset_inet();
	unsigned n = 0;

	for (enum kvn_firewall_set set = 0; set < KVN_SET_COUNT; set++) {
		struct kvn_nft_key old, new;
		bool has_new = make_key(want, set, &new);
		bool has_old = make_key(had, set, &old) && !(has_new && memcmp(&old, &new, sizeof(old)) == 0);

		if (has_old)
			ret[n++] = (struct element){.table = table, .set = &table->sets[set], .key = old};
		if (has_new)
			ret[n++] = (struct element){
				.table = table, .set = &table->sets[set], .key = new, .is_wanted = true};
	}
	return n;
}

/* Put into the transaction what makes the elements of @table as wanted; returns the number of changes. */
static unsigned change_elements(struct kvn_nft *nft, const struct view *view)
{
	unsigned n = 0;

	for (unsigned i = 0; i < view->n; i++) {
		const struct element *element = &view->elements[i];

		if (element->is_wanted == element->is_there)
			continue;
		n++;
		if (element->is_wanted)
			kvn_nft_add_element(nft, element->table, element->set, &element->key);
		else
			kvn_nft_del_element(nft, element->table, element->set, &element->key);
	}
	return n;
}

/* ---- tables ---- */

static void remove_table(struct kvn_nft *nft, struct table_state *state)
{
	if (state->is_there)
		kvn_nft_del_table(nft, state->table);
	state->is_there = false;
}

/* Make the table anew, empty. */
static void renew_table(struct kvn_nft *nft, struct view *view, struct table_state *state)
{
	remove_table(nft, state);
	kvn_nft_add_table(nft, state->table, view->comment);
	set_sound(state);
}

static bool is_of(const struct kvn_firewall *part, const char *bridge)
{
	return part && strncmp(part->bridge, bridge, IFNAMSIZ) == 0;
}

/* Build table inet kvnet with every network in it: @want says how its own network is, @had that it is none. */
static void build_inet(struct kvn_nft *nft, struct view *view, const struct kvn_firewall *had,
		       const struct kvn_firewall *want, const struct kvn_firewall *all, size_t n_all)
{
	const struct kvn_nft_table *table = kvn_ruleset_inet();
	struct kvn_nft_key key;

	renew_table(nft, view, &view->tables[INET]);
	for (enum kvn_firewall_set set = 0; set < KVN_SET_COUNT; set++) {
		for (size_t i = 0; i < n_all; i++)
			if (!is_of(had, all[i].bridge) && !is_of(want, all[i].bridge) && make_key(&all[i], set, &key))
				kvn_nft_add_element(nft, table, &table->sets[set], &key);
		if (make_key(want, set, &key))
			kvn_nft_add_element(nft, table, &table->sets[set], &key);
	}
}

/* Build table bridge kvnet with the @ports that it has. */
static void build_bridge(struct kvn_nft *nft, struct view *view, const struct kvn_nft_key *ports, size_t n_ports)
{
	const struct kvn_nft_table *table = kvn_ruleset_bridge();

	renew_table(nft, view, &view->tables[BRIDGE]);
	for (size_t i = 0; i < n_ports; i++)
		kvn_nft_add_element(nft, table, &table->sets[KVN_RULESET_PORT], &ports[i]);
}

/* The fenced ports, when the table that holds them is there but has to be built anew; else none. */
static int save_ports(struct kvn_nft *nft, const struct view *view, struct kvn_nft_key **ret, size_t *ret_n,
		      struct kvn_error *err)
{
	const struct kvn_nft_table *table = kvn_ruleset_bridge();

	if (!view->tables[BRIDGE].is_there || is_sound(&view->tables[BRIDGE]))
		return 0;
	return kvn_nft_dump_set(nft, table, &table->sets[KVN_RULESET_PORT], ret, ret_n, err);
}

/* ---- what others call ---- */

const char *kvn_firewall_set_format(enum kvn_firewall_set set)
{
	return set < KVN_SET_COUNT ? kvn_ruleset_inet()->sets[set].name : "unknown";
}

int kvn_firewall_get(struct kvn_nft *nft, bool is_close, const char *bridge, const char *uplink,
		     struct kvn_firewall *ret, bool *ret_is_sound, struct kvn_error *err)
{
	struct element elements[ELEMENTS_MAX];
	struct kvn_firewall found = {.sets = (1U << KVN_SET_COUNT) - 1};
	struct view view;
	unsigned n;
	int r;

	put_name(found.bridge, bridge);
	put_name(found.uplink, uplink ? uplink : "");
	n = list_elements(NULL, &found, elements);
	r = look(nft, is_close, elements, n, &view, err);
	if (r < 0)
		return r;
	found.sets = 0;
	for (unsigned i = 0; i < n; i++)
		if (elements[i].is_there)
			found.sets |= 1U << (elements[i].set - kvn_ruleset_inet()->sets);
	if (!(found.sets & 1U << KVN_SET_UPLINK))
		found.uplink[0] = '\0';
	*ret = found;
	*ret_is_sound = is_all_sound(&view);
	return 0;
}

int kvn_firewall_dump(struct kvn_nft *nft, enum kvn_firewall_set set, char (**ret)[IFNAMSIZ], size_t *ret_n,
		      struct kvn_error *err)
{
	const struct kvn_nft_table *table = kvn_ruleset_inet();
	auto_free struct kvn_nft_key *keys = NULL;
	char(*names)[IFNAMSIZ];
	size_t n_keys = 0, n = 0;
	int r = kvn_nft_dump_set(nft, table, &table->sets[set], &keys, &n_keys, err);

	if (r < 0)
		return r;
	names = calloc(n_keys + 1, sizeof(*names));
	if (!names)
		return kvn_fail_errno(err, ENOMEM, "set '%s'", table->sets[set].name);
	for (size_t i = 0; i < n_keys; i++)
		if (n == 0 || strncmp(keys[i].names[0], names[n - 1], IFNAMSIZ) != 0)
			put_name(names[n++], keys[i].names[0]);
	*ret = names;
	*ret_n = n;
	return 0;
}

/* Send the transaction that @view led to; the ruleset's generation then is the next one, unless others are at it. */
static int commit(struct kvn_nft *nft, const struct view *view, struct kvn_error *err)
{
	int r = kvn_nft_commit(nft, err);

	if (r == 0)
		note_tables(nft, view, view->generation ? view->generation + 1 : 0);
	return r;
}

/* One look and one transaction.  -ERESTART: between the two, others changed the ruleset.  The look is a close one unless a
 * network is only added or taken out, which is done in a hurry. */
static int try_commit(struct kvn_nft *nft, const struct kvn_firewall *had, const struct kvn_firewall *want,
		      const struct kvn_firewall *all, size_t n_all, struct kvn_error *err)
{
	struct element elements[ELEMENTS_MAX];
	auto_free struct kvn_nft_key *ports = NULL;
	size_t n_ports = 0;
	unsigned n_changes = 0;
	struct view view;
	int r = look(nft, !had == !want, elements, list_elements(had, want, elements), &view, err);

	if (r == 0 && !all && !is_sound(&view.tables[INET]))
		return kvn_fail(err, ESTALE, "nftables: table inet kvnet is not as it should be");
	if (r == 0)
		r = save_ports(nft, &view, &ports, &n_ports, err);
	if (r < 0)
		return r;
	kvn_nft_begin_transaction(nft, view.generation);
	if (is_sound(&view.tables[INET])) {
		n_changes += change_elements(nft, &view);
	} else {
		build_inet(nft, &view, had, want, all, n_all);
		n_changes++;
	}
	if (view.tables[BRIDGE].is_there && !is_sound(&view.tables[BRIDGE])) {
		build_bridge(nft, &view, ports, n_ports);
		n_changes++;
	}
	return n_changes ? commit(nft, &view, err) : 0;
}

static int try_remove(struct kvn_nft *nft, struct kvn_error *err)
{
	struct view view;
	int r = look(nft, false, NULL, 0, &view, err);

	if (r < 0 || (!view.tables[INET].is_there && !view.tables[BRIDGE].is_there))
		return r;
	kvn_nft_begin_transaction(nft, view.generation);
	for (unsigned i = 0; i < TABLES; i++)
		remove_table(nft, &view.tables[i]);
	return commit(nft, &view, err);
}

int kvn_firewall_commit(struct kvn_nft *nft, const struct kvn_firewall *had, const struct kvn_firewall *want,
			const struct kvn_firewall *all, size_t n_all, bool is_last, struct kvn_error *err)
{
	int r = -ERESTART;

	for (int i = 0; r == -ERESTART && i < TRIES; i++)
		r = is_last ? try_remove(nft, err) : try_commit(nft, had, want, all, n_all, err);
	return r == -ERESTART ? fail_restless(err) : r;
}

static int try_fence(struct kvn_nft *nft, const char *ifname, bool is_fenced, struct kvn_error *err)
{
	const struct kvn_nft_table *table = kvn_ruleset_bridge();
	struct element port = {.table = table, .set = &table->sets[KVN_RULESET_PORT], .is_wanted = is_fenced};
	auto_free struct kvn_nft_key *ports = NULL;
	bool is_whole;
	size_t n_ports = 0;
	struct view view;
	int r;

	put_name(port.key.names[0], ifname);
	r = look(nft, false, &port, 1, &view, err);
	if (r == 0 && is_fenced)
		r = save_ports(nft, &view, &ports, &n_ports, err);
	is_whole = is_sound(&view.tables[BRIDGE]);
	if (r < 0 || (port.is_there == is_fenced && (is_whole || !is_fenced)))
		return r;
	kvn_nft_begin_transaction(nft, view.generation);
	if (is_fenced && !is_whole) {
		build_bridge(nft, &view, ports, n_ports);
		port.is_there = false; /* once more does no harm */
	}
	(void)change_elements(nft, &view); /* there is one: else we had returned */
	return commit(nft, &view, err);
}

int kvn_firewall_fence(struct kvn_nft *nft, const char *ifname, bool is_fenced, struct kvn_error *err)
{
	int r = -ERESTART;

	for (int i = 0; r == -ERESTART && i < TRIES; i++)
		r = try_fence(nft, ifname, is_fenced, err);
	return r == -ERESTART ? fail_restless(err) : r;
}

int kvn_firewall_is_fenced(struct kvn_nft *nft, const char *ifname, bool *ret, struct kvn_error *err)
{
	const struct kvn_nft_table *table = kvn_ruleset_bridge();
	struct element port = {.table = table, .set = &table->sets[KVN_RULESET_PORT]};
	struct view view;
	int r;

	put_name(port.key.names[0], ifname);
	r = look(nft, false, &port, 1, &view, err);
	if (r == 0)
		*ret = port.is_there && is_sound(&view.tables[BRIDGE]);
	return r;
}
