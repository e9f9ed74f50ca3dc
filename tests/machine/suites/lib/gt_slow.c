// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Timeouts on a slow machine, such as one whose kernel is full of detectors. No test
 * asserts how long something takes, so all that changes is how long one may hang.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/internal/ordered-set.h>
#include <stdlib.h>

#include "gt_host.h"

int gt_slow(void)
{
	const char *text = getenv("GT_SLOW");
	int slow = text ? atoi(text) : 1;

	return slow > 0 ? slow : 1;
}

/* In the process that runs the tests, before the first. */
ReportHook(PRE_ALL)(struct criterion_test_set *all)
{
	int slow = gt_slow();

	FOREACH_SET(struct criterion_suite_set *set, all->suites) {
		if (set->suite.data)
			set->suite.data->timeout *= slow;
		FOREACH_SET(struct criterion_test *test, set->tests)
			test->data->timeout *= slow;
	}
}
