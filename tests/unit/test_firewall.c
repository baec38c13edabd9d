/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_firewall.c - the ruleset's data holds together: what a rule names is there, and no chain ends without a verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ruleset.h"

static const struct kvn_nft_set *find_set(const struct kvn_nft_table *table, const char *name)
{
	for (size_t i = 0; i < table->n_sets; i++)
		if (strcmp(table->sets[i].name, name) == 0)
			return &table->sets[i];
	return NULL;
}

static const struct kvn_nft_chain *find_chain(const struct kvn_nft_table *table, const char *name)
{
	for (size_t i = 0; i < table->n_chains; i++)
		if (strcmp(table->chains[i].name, name) == 0)
			return &table->chains[i];
	return NULL;
}

static bool is_verdict(enum kvn_nft_op op)
{
	return op == KVN_NFT_ACCEPT || op == KVN_NFT_DROP || op == KVN_NFT_REJECT || op == KVN_NFT_GOTO ||
	       op == KVN_NFT_MASQUERADE;
}

/* The last step of @rule; each before it must not end the rule. */
static const struct kvn_nft_step *last_step(const struct kvn_nft_rule *rule)
{
	const struct kvn_nft_step *step = rule->steps;

	assert_int_not_equal(step->op, KVN_NFT_END);
	for (; step[1].op != KVN_NFT_END; step++) {
		assert_false(is_verdict(step->op));
		assert_in_range(step - rule->steps, 0, KVN_NFT_STEPS - 2);
	}
	return step;
}

static void check_steps(const struct kvn_nft_table *table, const struct kvn_nft_rule *rule)
{
	for (const struct kvn_nft_step *step = rule->steps; step->op != KVN_NFT_END; step++) {
		if (step->op == KVN_NFT_LOOKUP) {
			const struct kvn_nft_set *set = find_set(table, step->name);

			if (!set)
				fail_msg("chain %s looks into a set '%s' that is not there", rule->chain, step->name);
			if (set->is_pair != (step->keys[1] != 0))
				fail_msg("chain %s looks up the wrong number of names in '%s'", rule->chain,
					 step->name);
		}
		if (step->op == KVN_NFT_GOTO && (!find_chain(table, step->name) || find_chain(table, step->name)->type))
			fail_msg("chain %s goes to '%s', which is no chain to go to", rule->chain, step->name);
	}
}

static void check_table(const struct kvn_nft_table *table)
{
	for (size_t i = 0; i < table->n_rules; i++) {
		const struct kvn_nft_step *last = last_step(&table->rules[i]);

		assert_non_null(find_chain(table, table->rules[i].chain));
		check_steps(table, &table->rules[i]);
		assert_true(is_verdict(last->op) || last->op == KVN_NFT_MARK_SET);
	}
}

static void test_names(void **state)
{
	(void)state;
	check_table(kvn_ruleset_inet());
	check_table(kvn_ruleset_bridge());
}

/* A chain that rules go to does not come back: its last rule speaks for all that is left. */
static void test_ends(void **state)
{
	const struct kvn_nft_table *table = kvn_ruleset_inet();

	(void)state;
	for (size_t i = 0; i < table->n_chains; i++) {
		const struct kvn_nft_rule *last = NULL;

		if (table->chains[i].type)
			continue;
		for (size_t j = 0; j < table->n_rules; j++)
			if (strcmp(table->rules[j].chain, table->chains[i].name) == 0)
				last = &table->rules[j];
		assert_non_null(last);
		if (!is_verdict(last->steps[0].op))
			fail_msg("chain %s ends under a condition", table->chains[i].name);
	}
}

static void test_sets(void **state)
{
	(void)state;
	assert_int_equal(kvn_ruleset_inet()->n_sets, KVN_SET_COUNT);
	for (enum kvn_firewall_set set = 0; set < KVN_SET_COUNT; set++) {
		assert_non_null(kvn_ruleset_inet()->sets[set].name);
		assert_ptr_equal(find_set(kvn_ruleset_inet(), kvn_firewall_set_format(set)),
				 &kvn_ruleset_inet()->sets[set]);
	}
	assert_string_equal(kvn_firewall_set_format(KVN_SET_NETWORK), "network");
	assert_string_equal(kvn_firewall_set_format(KVN_SET_SERVICES), "services");
}

static void test_comment(void **state)
{
	char first[KVN_NFT_COMMENT_SIZE], second[KVN_NFT_COMMENT_SIZE];

	(void)state;
	kvn_ruleset_format_comment(first);
	kvn_ruleset_format_comment(second);
	assert_string_equal(first, second);
	assert_int_equal(strlen(first), strlen("kvnet rules 01234567"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_comment),
	};

	return cmocka_run_group_tests_name("firewall", tests, NULL, NULL);
}
