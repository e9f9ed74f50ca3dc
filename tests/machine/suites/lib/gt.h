/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* All a suite needs. */
#ifndef GT_H
#define GT_H

#include <criterion/criterion.h>
#include <string.h>

#include "gt_host.h"
#include "gt_run.h"
#include "gt_vm.h"

#define GT_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * Around each test: the modules are loaded, and the kernel's log is clean behind
 * the mark that the test made at its start.
 */
static inline void gt_begin(void)
{
	int ret = gt_modules_load();

	cr_assert_eq(ret, 0, "modules: %s", strerror(-ret));
	gt_klog_mark("begin");
}

static inline void gt_end(void)
{
	char line[512] = "";

	cr_assert_not(gt_klog_dirty("begin", line, sizeof(line)), "kernel log: %s", line);
}

#define GT_TEST	.init = gt_begin, .fini = gt_end, .timeout = GT_TIMEOUT

#endif /* GT_H */
