// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The run queue: order, batches, and who goes first after a late batch.
 */
#include <criterion/criterion.h>

#include "lib/internal.h"

#define MAX 8

static struct gh_vcpu vcpus[MAX];

static void fill(struct gh_sched *s, unsigned int nr)
{
	unsigned int i;

	memset(vcpus, 0, sizeof(vcpus));
	gh_sched_init(s, 100, 1000, MAX);
	for (i = 0; i < nr; i++)
		gh_queue_push(&s->ready, &vcpus[i]);
}

/* Takes everything out of the run queue and compares it with "0312". */
static void expect(struct gh_sched *s, const char *order)
{
	struct gh_vcpu *v;

	cr_assert_eq(s->ready.nr, strlen(order));
	for (; *order; order++) {
		v = gh_queue_pop(&s->ready);
		cr_assert_not_null(v);
		cr_assert_eq(v - vcpus, *order - '0', "%c expected, not %d", *order,
			     (int)(v - vcpus));
	}
	cr_assert_null(gh_queue_pop(&s->ready));
	cr_assert_null(s->ready.tail);
}

Test(queue, front_and_back)
{
	struct gh_sched s;

	fill(&s, 0);
	cr_assert_null(gh_queue_pop(&s.ready));
	gh_queue_push_front(&s.ready, &vcpus[1]);
	gh_queue_push_front(&s.ready, &vcpus[0]);
	gh_queue_push(&s.ready, &vcpus[2]);
	expect(&s, "012");
}

Test(sched, batch_is_bounded)
{
	struct gh_sched s;
	unsigned int i;

	fill(&s, 5);
	s.limit = 3;
	gh_sched_begin(&s, 1010, 0);
	cr_assert_eq(s.deadline_ns, 1010);
	for (i = 0; i < 3; i++)
		cr_assert_eq(gh_sched_next(&s), &vcpus[i]);
	cr_assert_null(gh_sched_next(&s));
	expect(&s, "34");
}

/* A batch of @nr: the first @ran do, and go to the back; the others are too late. */
static bool batch(struct gh_sched *s, unsigned int nr, unsigned int ran)
{
	struct gh_vcpu *v;
	unsigned int i;

	gh_sched_begin(s, 5000, 0);
	for (i = 0; i < nr; i++) {
		v = gh_sched_next(s);
		cr_assert_not_null(v);
		if (i < ran)
			gh_queue_push(&s->ready, v);
		else
			gh_sched_missed(s, v);
	}
	return gh_sched_end(s);
}

Test(sched, in_time_goes_to_the_back)
{
	struct gh_sched s;

	fill(&s, 4);
	gh_queue_push(&s.ready, &vcpus[7]);
	cr_assert_not(batch(&s, 4, 4));
	expect(&s, "70123");
}

Test(sched, late_ones_go_first)
{
	struct gh_sched s;

	fill(&s, 4);
	gh_queue_push(&s.ready, &vcpus[7]);
	cr_assert(batch(&s, 4, 2));
	expect(&s, "23701");

	/* Nobody is behind them. */
	fill(&s, 4);
	cr_assert(batch(&s, 4, 0));
	expect(&s, "0123");
}

/* Commands that meet the deadline are work for nothing: fewer the next time. */
Test(sched, batch_follows_what_runs)
{
	struct gh_sched s;

	/* Four ran: four, and a quarter, and one. */
	fill(&s, 8);
	cr_assert(batch(&s, 8, 4));
	cr_assert_eq(s.limit, 6);

	/* In time: the double, but never more than the configuration says. */
	fill(&s, 6);
	s.limit = 3;
	cr_assert_not(batch(&s, 3, 3));
	cr_assert_eq(s.limit, 6);
	cr_assert_not(batch(&s, 6, 6));
	cr_assert_eq(s.limit, MAX);

	/* It was not full: that says nothing. */
	fill(&s, 2);
	s.limit = 4;
	cr_assert_not(batch(&s, 2, 2));
	cr_assert_eq(s.limit, 4);

	/* Nobody ran: one must, the next time. */
	fill(&s, 3);
	cr_assert(batch(&s, 3, 0));
	cr_assert_eq(s.limit, 1);

	/* Without a batch in between nothing changes. */
	cr_assert_not(gh_sched_end(&s));
	cr_assert_eq(s.limit, 1);
}

/* Whoever slept goes first, but has only half of a batch while others wait. */
Test(sched, woken_go_first)
{
	struct gh_sched s;
	unsigned int i;

	fill(&s, 4);
	for (i = 4; i < 7; i++)
		gh_queue_push(&s.woken, &vcpus[i]);
	s.limit = 4;
	gh_sched_begin(&s, 5000, 0);
	cr_assert_eq(gh_sched_next(&s), &vcpus[4]);
	cr_assert_eq(gh_sched_next(&s), &vcpus[5]);
	cr_assert_eq(gh_sched_next(&s), &vcpus[0]);
	cr_assert_eq(gh_sched_next(&s), &vcpus[1]);
	cr_assert_null(gh_sched_next(&s));
	cr_assert_not(gh_sched_end(&s));
	/* Nobody else is there: it has more. */
	gh_queue_push(&s.woken, &vcpus[4]);
	gh_queue_push(&s.woken, &vcpus[5]);
	s.limit = 5;
	s.odd = false;
	gh_sched_begin(&s, 5000, 0);
	cr_assert_eq(gh_sched_next(&s), &vcpus[6]);
	cr_assert_eq(gh_sched_next(&s), &vcpus[4]);
	cr_assert_eq(gh_sched_next(&s), &vcpus[2]);
	cr_assert_eq(gh_sched_next(&s), &vcpus[3]);
	cr_assert_eq(gh_sched_next(&s), &vcpus[5]);
	cr_assert_null(gh_sched_next(&s));
	cr_assert_eq(gh_sched_nr(&s), 0);
}

/* Four wake up as soon as they have run, whatever fits into a batch. */
Test(sched, woken_do_not_starve_spinners)
{
	unsigned int turns[8], limit, round, i;
	struct gh_vcpu *v;
	struct gh_sched s;

	for (limit = 1; limit <= 4; limit++) {
		memset(turns, 0, sizeof(turns));
		fill(&s, 4);
		for (i = 4; i < 8; i++)
			gh_queue_push(&s.woken, &vcpus[i]);
		for (round = 0; round < 400; round++) {
			s.limit = limit;
			gh_sched_begin(&s, 5000, 0);
			while ((v = gh_sched_next(&s))) {
				turns[v - vcpus]++;
				gh_queue_push(v - vcpus < 4 ? &s.ready : &s.woken, v);
			}
			cr_assert_not(gh_sched_end(&s));
		}
		for (i = 0; i < 8; i++)
			cr_assert_eq(turns[i], limit * 400 / 8, "%u of %u", i, limit);
	}
}

/* Six that always use their slice, four of which fit into a batch: equal turns. */
Test(sched, spinners_get_equal_turns)
{
	unsigned int turns[6] = { 0 }, round, i;
	struct gh_sched s;

	fill(&s, 6);
	for (round = 0; round < 300; round++) {
		struct gh_vcpu *v;

		gh_sched_begin(&s, round * 10000, 0);
		for (i = 0; (v = gh_sched_next(&s)) && i < 4; i++) {
			turns[v - vcpus]++;
			gh_queue_push(&s.ready, v);
		}
		cr_assert_eq(i, 4);
		for (; v; v = gh_sched_next(&s))
			gh_sched_missed(&s, v);
		gh_sched_end(&s);
	}
	for (i = 0; i < 6; i++)
		cr_assert_eq(turns[i], 200);
}
