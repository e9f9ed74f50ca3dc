/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* All a suite needs. */
#ifndef GT_H
#define GT_H

#include <criterion/criterion.h>
#include <string.h>

#include "gt_errno.h"
#include "gt_host.h"
#include "gt_run.h"
#include "gt_vm.h"

#define GT_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * A test: Criterion's Test() with the modules loaded before, and the kernel's log
 * looked at behind. That is done in the test itself, because Criterion does not
 * count what fails in .fini.
 */
#define GT_CASE(suite, name, ...)				\
	static void suite##_##name##_case(void);		\
	Test(suite, name, ##__VA_ARGS__)			\
	{							\
		gt_begin();					\
		suite##_##name##_case();			\
		gt_end();					\
	}							\
	static void suite##_##name##_case(void)

static inline void gt_begin(void)
{
	int ret = gt_modules_load();

	cr_assert_eq(ret, 0, "modules: %s", strerror(-ret));
	cr_assert_eq(gt_klog_mark("begin"), 0, "cannot write to the kernel's log");
}

static inline void gt_end(void)
{
	char line[512] = "";

	cr_assert_not(gt_klog_dirty("begin", line, sizeof(line)), "kernel log: %s", line);
}

#endif /* GT_H */
