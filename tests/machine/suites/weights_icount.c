// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A slice is a weight: what guests that compute get of the CPU. It is asserted where time
 * is counted in instructions, so nothing but the runner and the driver shares it out.
 */
#include <stdio.h>

#include "gt_counted.h"
#include "rn.h"

#define MS_NS		1000000ULL
#define SECOND_NS	1000000000ULL
#define SHORT_NS	(MS_NS / 10)
#define WEIGHT		4
/*
 * What a guest does between two marks: many slices, for with a mark it leaves, and the next
 * one has the rest of its slice.
 */
#define WORK		8000000ULL

TestSuite(weights_icount, .init = gt_begin, .fini = gt_end, .timeout = GT_TIMEOUT);

static void weigh(enum gh_backend backend)
{
	static const struct gs_op work[] = {
		{ GS_SPIN, 0, WORK, 0 },
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_GOTO, 0, 0, UINT64_MAX },
	};
	const struct gh_runner_config config = { .backend = backend };
	struct gh_runner *runner;
	struct rn_vm v[2];
	unsigned int i;
	double ratio;

	gt_alone();
	cr_assert_eq(gh_runner_create(&config, &runner, NULL), 0);
	rn_image("script");
	RN_SCRIPT(0, work);
	for (i = 0; i < 2; i++) {
		rn_create(runner, &v[i], "weighed", 1);
		cr_assert_eq(gh_vm_set_slice(v[i].vm, i ? WEIGHT * SHORT_NS : SHORT_NS), 0);
		rn_start(&v[i]);
	}
	rn_run(runner, 3 * SECOND_NS, NULL);
	cr_assert_geq(v[0].writes, 20U);
	ratio = (double)v[1].writes / (double)v[0].writes;
	printf("weights: slices 1:%u, work %llu:%llu, 1:%.2f\n", WEIGHT,
	       (unsigned long long)v[0].writes, (unsigned long long)v[1].writes, ratio);
	fflush(stdout);
	cr_assert(ratio >= 0.9 * WEIGHT && ratio <= 1.1 * WEIGHT, "1:%.2f", ratio);
	for (i = 0; i < 2; i++)
		rn_destroy(runner, &v[i]);
	cr_assert_eq(gh_runner_destroy(runner), 0);
}

Test(weights_icount, on_a_ring)
{
	weigh(GH_BACKEND_URING);
}

Test(weights_icount, by_ioctl)
{
	weigh(GH_BACKEND_IOCTL);
}
