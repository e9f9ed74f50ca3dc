/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* All a suite needs. */
#ifndef GT_H
#define GT_H

#include <criterion/criterion.h>

#include "gt_host.h"
#include "gt_run.h"
#include "gt_vm.h"

#define GT_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * The kernel's log is clean behind the mark a test made at its start; used as
 * .init and .fini of a suite's tests.
 */
static inline void gt_log_begin(void)
{
	gt_klog_mark("test");
}

static inline void gt_log_end(void)
{
	char line[512] = "";

	cr_assert_not(gt_klog_dirty("test", line, sizeof(line)), "kernel log: %s", line);
}

#define GT_LOG	.init = gt_log_begin, .fini = gt_log_end, .timeout = GT_TIMEOUT

#endif /* GT_H */
