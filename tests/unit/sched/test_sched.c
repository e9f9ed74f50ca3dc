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
	gh_sched_begin(&s, 10);
	cr_assert_eq(s.deadline_ns, 1010);
	for (i = 0; i < 3; i++)
		cr_assert_eq(gh_sched_next(&s), &vcpus[i]);
	cr_assert_null(gh_sched_next(&s));
	expect(&s, "34");
}

/* Starts a batch of all; those in @preempted come back so, @others otherwise. */
static bool batch(struct gh_sched *s, unsigned int nr, unsigned int others, uint64_t took)
{
	struct gh_vcpu *v;
	unsigned int i;

	gh_sched_begin(s, 5000);
	for (i = 0; i < nr; i++) {
		v = gh_sched_next(s);
		cr_assert_not_null(v);
		if (i < others)
			s->others++;
		else
			gh_sched_preempted(s, v);
	}
	s->end_ns = 5000 + took;
	return gh_sched_end(s);
}

Test(sched, in_time_goes_to_the_back)
{
	struct gh_sched s;

	fill(&s, 4);
	gh_queue_push(&s.ready, &vcpus[7]);
	cr_assert_not(batch(&s, 4, 0, 999));
	expect(&s, "70123");
}

Test(sched, late_ones_go_first)
{
	struct gh_sched s;

	/* 1000 ns in slices of 100: ten ran, but there were only four. */
	fill(&s, 4);
	cr_assert(batch(&s, 4, 0, 1000));
	expect(&s, "0123");

	/* Long slices: two and a half ran, so at least two. */
	fill(&s, 4);
	s.slice_ns = 400;
	gh_queue_push(&s.ready, &vcpus[7]);
	cr_assert(batch(&s, 4, 0, 1000));
	expect(&s, "23701");

	/* One slice longer than the batch: the first ran, for sure. */
	fill(&s, 4);
	s.slice_ns = 5000;
	cr_assert(batch(&s, 4, 0, 1500));
	expect(&s, "1230");
}

/* What came back otherwise used time, too: one slice each at most. */
Test(sched, others_count_before_the_preempted)
{
	struct gh_sched s;

	fill(&s, 5);
	s.slice_ns = 400;
	cr_assert(batch(&s, 5, 1, 1000));
	expect(&s, "2341");

	fill(&s, 5);
	s.slice_ns = 1000;
	cr_assert(batch(&s, 5, 1, 1000));
	expect(&s, "1234");
}

/* Commands that meet the deadline are work for nothing: fewer the next time. */
Test(sched, batch_follows_what_runs)
{
	struct gh_sched s;

	/* Two exits, and two of the preempted ran: four, and a quarter, and one. */
	fill(&s, 8);
	s.slice_ns = 250;
	cr_assert(batch(&s, 8, 2, 1000));
	cr_assert_eq(s.limit, 6);

	/* In time: the double, but never more than the configuration says. */
	fill(&s, 6);
	s.limit = 3;
	cr_assert_not(batch(&s, 3, 0, 10));
	cr_assert_eq(s.limit, 6);
	cr_assert_not(batch(&s, 6, 0, 10));
	cr_assert_eq(s.limit, MAX);

	/* It was not full: that says nothing. */
	fill(&s, 2);
	s.limit = 4;
	cr_assert_not(batch(&s, 2, 0, 10));
	cr_assert_eq(s.limit, 4);

	/* A single one that fills the batch's time leaves room for one more. */
	fill(&s, 3);
	s.slice_ns = 4000;
	cr_assert(batch(&s, 3, 0, 2000));
	cr_assert_eq(s.limit, 2);

	/* Without a batch in between nothing changes. */
	cr_assert_not(gh_sched_end(&s));
	cr_assert_eq(s.limit, 2);
}

/* Six that always use their slice, four of which fit into a batch: equal turns. */
Test(sched, spinners_get_equal_turns)
{
	unsigned int turns[6] = { 0 }, round, i;
	struct gh_sched s;

	fill(&s, 6);
	s.slice_ns = 250;
	for (round = 0; round < 300; round++) {
		struct gh_vcpu *v;

		gh_sched_begin(&s, round * 10000);
		for (i = 0; (v = gh_sched_next(&s)); i++) {
			if (i < 4)
				turns[v - vcpus]++;
			gh_sched_preempted(&s, v);
		}
		cr_assert_geq(i, 4);
		s.end_ns = s.start_ns + 1000;
		cr_assert(gh_sched_end(&s));
	}
	for (i = 0; i < 6; i++)
		cr_assert_eq(turns[i], 200);
}

/* A short one in front of every batch must not keep the rest from running. */
Test(sched, nobody_starves)
{
	unsigned int turns[4] = { 0 }, round, i;
	struct gh_sched s;

	fill(&s, 4);
	s.slice_ns = 2000;
	for (round = 0; round < 400; round++) {
		struct gh_vcpu *other = NULL;
		bool over = false;

		struct gh_vcpu *v;

		gh_sched_begin(&s, round * 10000);
		while ((v = gh_sched_next(&s))) {
			/* vCPU 0 exits at once; another one uses the batch up. */
			if (!over)
				turns[v - vcpus]++;
			if (v == &vcpus[0] && !over) {
				s.others++;
				other = v;
				continue;
			}
			over = true;
			gh_sched_preempted(&s, v);
		}
		s.end_ns = s.start_ns + 1000;
		gh_sched_end(&s);
		if (other)
			gh_queue_push(&s.ready, other);
	}
	for (i = 0; i < 4; i++)
		cr_assert_geq(turns[i], 80, "vCPU %u had %u turns", i, turns[i]);
}

Test(sched, a_wait_does_not_make_it_late)
{
	struct gh_sched s;

	fill(&s, 0);
	gh_sched_begin(&s, 0);
	s.end_ns = 1000000;
	cr_assert_not(gh_sched_end(&s));
}
