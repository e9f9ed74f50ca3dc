/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The frame of suites that are built once for each backend: RN_SUITE is the name of
 * the program's suite, defined before this is included or by the compiler.
 */
#ifndef RN_SUITE_H
#define RN_SUITE_H

#include "rn.h"

#define SECOND_NS	1000000000ULL
#define MS_NS		1000000ULL

static struct gh_runner *runner;

static void begin(void)
{
	gt_begin();
	runner = rn_runner();
	rn_image("script");
}

static void end(void)
{
	cr_assert_eq(gh_runner_destroy(runner), 0);
	gt_end();
}

TestSuite(RN_SUITE, .init = begin, .fini = end, .timeout = GT_TIMEOUT);

/* Expands the name before Criterion pastes it. */
#define RN_TEST(suite, name)	Test(suite, name)

#endif /* RN_SUITE_H */
