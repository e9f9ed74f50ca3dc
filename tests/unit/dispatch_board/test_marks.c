// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Marks on the wake board that only a driver with one can make.
 */
#include <criterion/criterion.h>

#include "tests/unit/dispatch/fixture.h"

TestSuite(marks, .init = fixture_setup, .fini = fixture_teardown);

/* It woke before dispatch, which looks at a batch bit by bit, came to its result. */
Test(marks, one_in_a_batch_is_kept)
{
	static const struct fake_step steps[] = { { FAKE_PARK }, { FAKE_OFF } };
	unsigned int i;

	for (i = 0; i < 4; i++)
		start(1, steps);
	cr_assert_eq(gh_runner_prepare(r), 0);
	for (i = 0; i < 4; i++)
		fake_wake(f, i);
	/* Takes all marks, and looks at one result. */
	cr_assert_eq(gh_runner_dispatch(r, 1), 1);
	cr_assert_eq(f->board->state, GH_BOARD_QUIET);
	for (i = 0; i < 5; i++)
		turn();
	cr_assert_eq(nr_ended, 4);
}

/* The eventfd is not signalled while nobody waits for it. */
Test(marks, busy_runner_is_not_signalled)
{
	static const struct fake_step spin[] = {
		{ FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED },
		{ FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_OFF },
	};
	static const struct fake_step steps[] = { { FAKE_PARK }, { FAKE_PARK }, { FAKE_OFF } };

	start(1, steps);
	start(1, spin);
	start(1, spin);
	while (!nr_ended) {
		cr_assert_eq(gh_runner_prepare(r), 0);
		/* The batch has run, and dispatch has something to look at. */
		if (f->vcpus[0].left)
			fake_wake(f, 0);
		cr_assert_geq(gh_runner_dispatch(r, 0), 0);
	}
	cr_assert_eq(f->signals, 0);
	cr_assert_eq(gh_runner_run(r), 0);
}
