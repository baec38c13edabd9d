/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan.c - the difference between two states: sort references to both into one list, walk it once.
 *
 * Items that both hold meet as neighbours in the sorted list; one that stands alone comes or goes.  The walk only marks
 * each item's counterpart, so that the ops can then be written in the order in which the items were given: of two
 * addresses in one subnet the first stays the primary one. */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"

struct reference {
	const struct kvn_item *item;
	bool is_want;
	size_t index;
};

static int compare_references(const void *a, const void *b)
{
	const struct reference *left = a, *right = b;
	int r = kvn_item_compare(left->item, right->item);

	return r ? r : (int)left->is_want - (int)right->is_want;
}

/* For each item of @want its counterpart in @have, and the other way round; NULL: none. */
static int pair_up(const struct kvn_state *have, const struct kvn_state *want, const struct kvn_item **had,
		   const struct kvn_item **wanted)
{
	size_t n = have->n + want->n;
	auto_free struct reference *references = calloc(n + 1, sizeof(*references));

	if (!references)
		return -ENOMEM;
	for (size_t i = 0; i < have->n; i++)
		references[i] = (struct reference){&have->items[i], false, i};
	for (size_t i = 0; i < want->n; i++)
		references[have->n + i] = (struct reference){&want->items[i], true, i};
	qsort(references, n, sizeof(*references), compare_references);
	for (size_t i = 1; i < n; i++) {
		const struct reference *a = &references[i - 1], *b = &references[i];

		if (a->is_want || !b->is_want || kvn_item_compare(a->item, b->item) != 0)
			continue;
		had[b->index] = a->item;
		wanted[a->index] = b->item;
	}
	return 0;
}

static int append(struct kvn_plan *plan, const struct kvn_item *had, const struct kvn_item *want, struct kvn_error *err)
{
	struct kvn_op *op = &plan->ops[plan->n];
	int r = 0;

	op->has_had = had;
	op->has_want = want;
	if (want)
		op->object = want->object;
	if (had)
		op->object = had->object;
	op->had.object = op->want.object = op->object;
	if (had)
		r = kvn_item_copy(had, &op->had, err);
	if (r == 0 && want)
		r = kvn_item_copy(want, &op->want, err);
	plan->n++; /* a half-filled op is cleared with the plan */
	return r;
}

static int fill(struct kvn_plan *plan, const struct kvn_state *have, const struct kvn_state *want,
		const struct kvn_item **had, const struct kvn_item **wanted, struct kvn_error *err)
{
	int r = 0;

	for (int object = 0; object < KVN_OBJECT_COUNT; object++)
		for (size_t i = 0; i < want->n && r == 0; i++)
			if ((int)want->items[i].object == object &&
			    (!had[i] || !kvn_item_is_met(&want->items[i], had[i])))
				r = append(plan, had[i], &want->items[i], err);
	for (int object = KVN_OBJECT_COUNT - 1; object >= 0; object--)
		for (size_t i = have->n; i > 0 && r == 0; i--)
			if ((int)have->items[i - 1].object == object && !wanted[i - 1])
				r = append(plan, &have->items[i - 1], NULL, err);
	return r;
}

int kvn_plan_make(const struct kvn_state *have, const struct kvn_state *want, struct kvn_plan *ret,
		  struct kvn_error *err)
{
	auto_free const struct kvn_item **had = calloc(want->n + 1, sizeof(*had));
	auto_free const struct kvn_item **wanted = calloc(have->n + 1, sizeof(*wanted));
	struct kvn_plan plan = {.ops = calloc(have->n + want->n + 1, sizeof(*plan.ops))};
	int r = had && wanted && plan.ops ? pair_up(have, want, had, wanted) : -ENOMEM;

	if (r < 0)
		(void)kvn_fail_errno(err, -r, "plan");
	else
		r = fill(&plan, have, want, had, wanted, err);
	if (r < 0) {
		kvn_plan_clear(&plan);
		return r;
	}
	*ret = plan;
	return 0;
}

void kvn_plan_clear(struct kvn_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		kvn_item_clear(&plan->ops[i].had);
		kvn_item_clear(&plan->ops[i].want);
	}
	free(plan->ops);
	*plan = (struct kvn_plan){0};
}
