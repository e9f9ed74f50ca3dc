// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A submission queue that takes nothing at all for a while. What was to be submitted is
 * not lost, keeps its order, and goes as soon as there is room.
 */
#include <criterion/criterion.h>

#include "fixture.h"

TestSuite(full, .init = fixture_setup, .fini = fixture_teardown);

static void turns(unsigned int n)
{
	while (n--)
		turn();
}

Test(full, guests_wait_in_their_order)
{
	static const struct fake_step steps[] = {
		{ FAKE_PREEMPTED }, { FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_OFF },
	};
	unsigned int i;

	f->sq_size = 0;
	for (i = 0; i < 3; i++)
		start(1, steps);
	/* Not so often that they would have changed places all round. */
	turns(4);
	/* An ioctl needs no entry. */
	if (r->ioctl == GH_IOCTL_NEVER) {
		cr_assert_eq(f->nr_order, 0U, "nothing can be submitted");
		cr_assert_gt(stats().sq_full, 0U);
	}
	cr_assert_eq(stats().in_flight, 0U);
	f->sq_size = FAKE_SQES;
	while (f->nr_order < 3)
		turns(1);
	for (i = 0; i < 3; i++)
		cr_assert_eq(f->order[i], i, "%u %u %u", f->order[0], f->order[1], f->order[2]);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(nr_ended, 3U);
	for (i = 0; i < 3; i++)
		cr_assert_eq(f->vcpus[i].runs, 3U);
	cr_assert_eq(dev.writes, 3U);
}

Test(full, answer_is_kept)
{
	static const struct fake_step steps[] = { { FAKE_READ, 0x1000, 4, 0 }, { FAKE_END } };

	dev.value = 0x77;
	start(2, steps);
	turns(1);
	cr_assert_eq(dev.reads, 2U);
	f->sq_size = 0;
	turns(2);
	f->sq_size = FAKE_SQES;
	turns(3);
	cr_assert_eq(f->vcpus[0].nr_answers, 1U);
	cr_assert_eq(f->vcpus[0].answers[0], 0x77U);
	cr_assert_eq(f->vcpus[1].answers[0], 0x77U);
}

Test(full, stop_is_submitted_later)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *vm = start(2, forever);

	without_board();
	turns(4);
	cr_assert_eq(stats().in_flight, 2U);
	f->sq_size = 0;
	cr_assert_eq(gh_vm_stop(vm), 0);
	turns(3);
	cr_assert_eq(f->cancels, 0U);
	cr_assert_eq(nr_ended, 0U);
	cr_assert_eq(gh_runner_timeout_ns(r), 0U, "it is to be tried again");
	f->sq_size = FAKE_SQES;
	turns(2);
	cr_assert_eq(f->cancels, 2U);
	cr_assert_eq(nr_ended, 1U);
	cr_assert_eq(ended[0].end, GH_VM_END_STOPPED);
}

Test(full, io_is_refused)
{
	f->sq_size = 0;
	cr_assert_null(gh_io_get_sqe(r));
	cr_assert_eq(stats().sq_full, 1U);
	f->sq_size = 1;
	cr_assert_not_null(gh_io_get_sqe(r));
	/* A full queue is submitted to make room. */
	cr_assert_not_null(gh_io_get_sqe(r));
	cr_assert_eq(stats().sq_full, 2U);
}
