// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Many vCPUs for long: a thousand on one ring, guests that come and go without
 * growth, and fair shares beside a guest that computes or floods.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "rn.h"

#define SECOND_NS	1000000000ULL
#define VMS		125
#define VCPUS		8
#define LIVES		500
#define WARM_UP		20
#define SHARES		8

TestSuite(density, .init = gt_begin, .fini = gt_end, .timeout = 4 * GT_TIMEOUT);

static struct rn_vm vms[VMS];

static struct gh_runner *new_runner(void)
{
	struct gh_runner *runner;

	cr_assert_eq(gh_runner_create(NULL, &runner, NULL), 0);
	return runner;
}

static unsigned int ended(unsigned int nr)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr; i++)
		n += vms[i].ended;
	return n;
}

/*
 * Every vCPU comes up, sleeps so that all of them are parked at once, writes its
 * number, and is switched off.
 */
Test(density, thousand_vcpus_on_one_ring)
{
	const struct gs_op others[] = {
		{ GS_SLEEP, 0, SECOND_NS, 0 },
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_CPU_OFF },
	};
	struct gs_op first[VCPUS + 6];
	struct gh_runner *runner;
	struct gh_stats stats;
	unsigned int i, n = 0, most = 0;
	uint64_t writes = 0, start;

	for (i = 1; i < VCPUS; i++)
		first[n++] = (struct gs_op) { GS_CPU_ON, 0, i, 0 };
	first[n++] = (struct gs_op) { GS_SLEEP, 0, 30 * SECOND_NS, 0 };
	first[n++] = (struct gs_op) { GS_WRITE, 8, RN_LOG_BASE, 1 };
	first[n++] = (struct gs_op) { GS_OFF };
	rn_image("script");
	rn_script(0, first, n);
	for (i = 1; i < VCPUS; i++)
		RN_SCRIPT(i, others);
	runner = new_runner();
	for (i = 0; i < VMS; i++)
		rn_create(runner, &vms[i], "dense", VCPUS);
	gh_runner_stats(runner, &stats);
	cr_assert_eq(stats.vcpus, VMS * VCPUS);
	start = gh_now_ns();
	for (i = 0; i < VMS; i++)
		rn_start(&vms[i]);
	while (ended(VMS) < VMS && gh_now_ns() - start < 120 * SECOND_NS) {
		rn_run(runner, SECOND_NS / 5, NULL);
		gh_runner_stats(runner, &stats);
		if (stats.in_flight > most)
			most = stats.in_flight;
	}
	for (i = 0; i < VMS; i++) {
		cr_assert_eq(vms[i].result.end, GH_VM_END_OFF, "VM %u", i);
		writes += vms[i].writes;
	}
	printf("%u vCPUs: %u parked at once, %llu wake-ups, %llu io_uring_enter\n", VMS * VCPUS,
	       most, (unsigned long long)stats.wakeups, (unsigned long long)stats.syscalls);
	fflush(stdout);
	cr_assert_eq(writes, VMS * VCPUS);
	cr_assert_geq(most, VMS * VCPUS * 9 / 10);
	cr_assert_eq(stats.errors, 0U);
	cr_assert_eq(stats.cq_overflows, 0U);
	for (i = 0; i < VMS; i++)
		rn_destroy(runner, &vms[i]);
	cr_assert_eq(gh_runner_destroy(runner), 0);
}

/* ---- no growth -------------------------------------------------------------------- */

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void live_once(struct gh_runner *runner)
{
	rn_create(runner, &vms[0], "brief", 1);
	rn_start(&vms[0]);
	cr_assert_eq(gh_runner_run(runner), 0);
	cr_assert_eq(vms[0].result.end, GH_VM_END_OFF);
	cr_assert_eq(vms[0].writes, 1U);
	rn_destroy(runner, &vms[0]);
}

Test(density, five_hundred_lives_without_growth)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_SLEEP, 0, 1000000, 0 },
		{ GS_OFF },
	};
	struct gh_runner *runner = new_runner();
	long rss, available, pinned = gt_pinned();
	unsigned int i, fds;

	rn_image("script");
	RN_SCRIPT(0, ops);
	for (i = 0; i < WARM_UP; i++)
		live_once(runner);
	gt_settle();
	rss = gt_status_kb(0, "VmRSS");
	available = gt_meminfo("MemAvailable");
	fds = open_fds();
	for (i = 0; i < LIVES; i++)
		live_once(runner);
	gt_settle();
	printf("%u lives: resident memory %+ld kB, machine %+ld kB, %+d descriptors\n", LIVES,
	       gt_status_kb(0, "VmRSS") - rss, available - gt_meminfo("MemAvailable"),
	       (int)(open_fds() - fds));
	fflush(stdout);
	cr_assert_eq(open_fds(), fds);
	cr_assert_eq(gt_pinned(), pinned);
	/* A page a life would be 2000 kB. */
	cr_assert_lt(gt_status_kb(0, "VmRSS") - rss, 512);
	cr_assert_lt(available - gt_meminfo("MemAvailable"), 8 * 1024);
	cr_assert_eq(gh_runner_destroy(runner), 0);
}

/* ---- fair shares ------------------------------------------------------------------- */

/* Jain's index of what the guests got done: 1 when all got the same. */
static double fairness(unsigned int first, unsigned int nr)
{
	double sum = 0, squares = 0;
	unsigned int i;

	for (i = first; i < first + nr; i++) {
		sum += (double)vms[i].writes;
		squares += (double)vms[i].writes * (double)vms[i].writes;
	}
	return squares > 0 ? sum * sum / (nr * squares) : 0;
}

/* SHARES equal guests compute, beside one with a script of its own. */
static void share_with(const struct gs_op *ops, size_t n, const char *what)
{
	static const struct gs_op worker[] = {
		{ GS_SPIN, 0, 20000, 0 },
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_GOTO, 0, 0, UINT64_MAX },
	};
	struct gh_runner *runner = new_runner();
	unsigned int i;
	double index;

	rn_image("script");
	rn_script(0, ops, n);
	rn_create(runner, &vms[0], what, 1);
	RN_SCRIPT(0, worker);
	for (i = 1; i <= SHARES; i++)
		rn_create(runner, &vms[i], "worker", 1);
	for (i = 0; i <= SHARES; i++)
		rn_start(&vms[i]);
	rn_run(runner, 5 * SECOND_NS, NULL);
	index = fairness(1, SHARES);
	printf("beside a %s: Jain's index %.4f, %llu to %llu turns of a guest, %llu writes of the %s\n",
	       what, index, (unsigned long long)vms[1].writes,
	       (unsigned long long)vms[SHARES].writes, (unsigned long long)vms[0].writes, what);
	fflush(stdout);
	for (i = 1; i <= SHARES; i++)
		cr_assert_gt(vms[i].writes, 10U, "guest %u is starved", i);
	cr_assert_geq(index, 0.95);
	for (i = 0; i <= SHARES; i++)
		rn_destroy(runner, &vms[i]);
	cr_assert_eq(gh_runner_destroy(runner), 0);
}

Test(density, fair_beside_a_spinner)
{
	static const struct gs_op ops[] = { { GS_SPIN } };

	share_with(ops, GT_ARRAY_SIZE(ops), "spinner");
}

Test(density, fair_beside_a_flooder)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_GOTO, 0, 0, UINT64_MAX },
	};

	share_with(ops, GT_ARRAY_SIZE(ops), "flooder");
}
