// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The same guest gives the same exits, in the same order and with the same
 * values, by ioctl and on a ring; and one vCPU may change between them at any
 * exit, because the pending access lives in the vCPU and in the shared page.
 */
#include <stdio.h>

#include "gt.h"

TestSuite(same, .timeout = GT_TIMEOUT);

#define DEV	GT_DEV_BASE
#define MAX_EXITS	256

struct record {
	unsigned int n;
	char lines[MAX_EXITS][GT_EXIT_TEXT];
};

/* Every kind of exit, and the answers come back as data of later writes. */
static const struct gs_op tour[] = {
	{ GS_READ, 4, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 1 },
	{ GS_ECHO, 1, DEV + 16, 1 }, { GS_READ, 2, DEV + 18, 0 },
	{ GS_ECHO, 8, DEV + 24, 0 }, { GS_CONTEXT }, { GS_ECHO, 8, DEV + 24, 0 },
	{ GS_SLEEP, 0, 1000000, 0 },
	{ GS_READ, 8, DEV, 0 }, { GS_ECHO, 8, DEV, 3 },
	{ GS_SPIN, 0, 2000000, 0 },
	{ GS_READ, 1, DEV + 1, 0 }, { GS_ECHO, 8, DEV, 0 },
	{ GS_LOAD, 8, 0x70000000, 0 }, { GS_ECHO, 8, DEV, 0 },
	{ GS_GOTO, 0, 8, 9 },
	{ GS_RESET2, 0, 0x80000011, 0x2222 },
};

/* The n-th answer depends on n and on nothing else. */
static uint64_t answer_of(unsigned int n)
{
	return 0x123456789abcdef1ULL * (n + 1);
}

/* Runs to the end; exit n is taken by paths[n % nr_paths]. */
static void record(struct record *r, const struct gt_path *const *paths, unsigned int nr_paths)
{
	struct gt_exit exit;
	struct gt_vm vm;

	r->n = 0;
	gt_vm_boot_script(&vm, tour, GT_ARRAY_SIZE(tour));
	do {
		cr_assert_lt(r->n, MAX_EXITS);
		gt_run(paths[r->n % nr_paths], &vm.vcpus[0], &exit);
		gt_exit_text(&exit, r->lines[r->n]);
		if (exit.kind == GT_EXIT_MMIO && !exit.write)
			gt_answer(&vm.vcpus[0], answer_of(r->n));
		r->n++;
	} while (exit.kind == GT_EXIT_MMIO);
	gt_vm_close(&vm);
}

static void compare(const struct record *a, const struct record *b)
{
	unsigned int i;

	for (i = 0; i < a->n && i < b->n; i++)
		cr_assert_str_eq(a->lines[i], b->lines[i], "exit %u: '%s' and '%s'", i,
				 a->lines[i], b->lines[i]);
	cr_assert_eq(a->n, b->n, "%u exits and %u", a->n, b->n);
}

static struct record by_ioctl, other;

static void compare_with(const struct gt_path *const *paths, unsigned int nr_paths)
{
	static const struct gt_path *const ioctl_only[] = { &gt_path_ioctl };

	record(&by_ioctl, ioctl_only, 1);
	/* 6 exits before the loop, 5 in each of its 10 turns, and the end. */
	cr_assert_eq(by_ioctl.n, 6 + 10 * 5 + 1, "%u exits, last: %s", by_ioctl.n,
		     by_ioctl.lines[by_ioctl.n - 1]);
	cr_assert_str_eq(by_ioctl.lines[by_ioctl.n - 1], "status 2 type 3");
	record(&other, paths, nr_paths);
	compare(&by_ioctl, &other);
}

GT_CASE(same, ioctl_twice)
{
	static const struct gt_path *const paths[] = { &gt_path_ioctl };

	compare_with(paths, 1);
}

GT_CASE(same, one_run_by_ioctl)
{
	static const struct gt_path *const paths[] = { &gt_path_once };

	compare_with(paths, 1);
}

GT_CASE(same, ring)
{
	static const struct gt_path *const paths[] = { &gt_path_ring };

	compare_with(paths, 1);
}

GT_CASE(same, ring_with_answers_in_the_sqe)
{
	static const struct gt_path *const paths[] = { &gt_path_ring_sqe };

	compare_with(paths, 1);
}

GT_CASE(same, ring_and_ioctls_by_turns)
{
	static const struct gt_path *const paths[] = {
		&gt_path_ioctl, &gt_path_ring, &gt_path_once, &gt_path_ring_sqe, &gt_path_ring,
		&gt_path_once, &gt_path_ioctl, &gt_path_ring_sqe, &gt_path_ioctl,
	};

	compare_with(paths, GT_ARRAY_SIZE(paths));
}
