// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Many vCPUs for long: more than a thousand on one ring, guests that come and go
 * without growth, and fair shares beside a guest that computes or floods.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "rn.h"

#define SECOND_NS	1000000000ULL
#define VMS		129
#define VCPUS		8
#define LIVES		500
#define LIVES_IN_THREADS	200
#define WARM_UP		20
#define SHARES		8
/* So many have fewer vCPUs than this machine has lines for them. */
#define VMS_OWN_LINE	90
/* Turns of the loop between two marks of a guest that computes: several slices. */
#define MARK_TURNS	8000000ULL
#define SPINNER_MARK	(4 * MARK_TURNS)

TestSuite(density, .init = gt_begin, .fini = gt_end, .timeout = 4 * GT_TIMEOUT);

static struct rn_vm vms[VMS];

static struct gh_runner *new_runner(void)
{
	struct gh_runner *runner;

	cr_assert_eq(gh_runner_create(NULL, &runner, NULL), 0);
	return runner;
}

/**
 * struct lines - interrupt lines of vCPUs, as the kernel lists them
 * @lines: that have a vCPU at all
 * @vcpus: of all lines
 * @most: of one line
 */
struct lines {
	unsigned int lines, vcpus, most;
};

static struct lines count_lines(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	struct lines l = { 0 };
	char line[4096];

	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned int n = 0;
		const char *p = line;

		while ((p = strstr(p, "gh_vcpu"))) {
			p += strlen("gh_vcpu");
			n++;
		}
		l.lines += n > 0;
		l.vcpus += n;
		if (n > l.most)
			l.most = n;
	}
	fclose(f);
	return l;
}

static unsigned int ended(unsigned int nr)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr; i++)
		n += vms[i].ended;
	return n;
}

static void start_all(void)
{
	struct lines l;
	unsigned int i;

	for (i = 0; i < VMS_OWN_LINE; i++)
		rn_start(&vms[i]);
	l = count_lines();
	printf("%u vCPUs on %u lines", l.vcpus, l.lines);
	cr_assert_eq(l.vcpus, VMS_OWN_LINE * VCPUS);
	cr_assert_eq(l.lines, l.vcpus, "a line is shared too early");
	for (; i < VMS; i++)
		rn_start(&vms[i]);
	l = count_lines();
	printf(", %u vCPUs on %u lines, at most %u on one\n", l.vcpus, l.lines, l.most);
	fflush(stdout);
	cr_assert_eq(l.vcpus, VMS * VCPUS);
	cr_assert_eq(l.most, 2U);
}

/*
 * Every vCPU comes up, sleeps so that all of them are parked at once, writes, and is
 * switched off. Each has an interrupt line as long as there are lines, then lines
 * have two.
 */
Test(density, thousand_vcpus_on_one_ring)
{
	const struct gh_runner_config config = { .max_vcpus = VMS * VCPUS };
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
	cr_assert_eq(gh_runner_create(&config, &runner, NULL), 0);
	for (i = 0; i < VMS; i++)
		rn_create(runner, &vms[i], "dense", VCPUS);
	gh_runner_stats(runner, &stats);
	cr_assert_eq(stats.vcpus, VMS * VCPUS);
	start = gh_now_ns();
	start_all();
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
	cr_assert_eq(count_lines().vcpus, 0U, "interrupts are left behind");
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

/*
 * Objects of the kernel's general caches, after what a CPU keeps in reserve was
 * given back; -1 without the files.
 */
static long kernel_objects(void)
{
	static const char *const sizes[] = {
		"64", "96", "128", "192", "256", "512", "1k", "2k", "4k", "8k",
	};
	long sum = 0, n;
	unsigned int i;
	char path[64];
	FILE *f;

	for (i = 0; i < GT_ARRAY_SIZE(sizes); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/slab/kmalloc-%s/shrink", sizes[i]);
		f = fopen(path, "w");
		if (f) {
			fputs("1", f);
			fclose(f);
		}
		snprintf(path, sizeof(path), "/sys/kernel/slab/kmalloc-%s/objects", sizes[i]);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%ld", &n) == 1)
			sum += n;
		fclose(f);
	}
	return sum ? sum : -1;
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

static void live_often(struct gh_runner *runner, unsigned int lives)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_SLEEP, 0, 1000000, 0 },
		{ GS_OFF },
	};
	const long slack = 8 * 1024;
	long rss, available, objects, less, pinned = gt_pinned();
	unsigned int i, fds;

	rn_image("script");
	RN_SCRIPT(0, ops);
	for (i = 0; i < WARM_UP; i++)
		live_once(runner);
	gt_settle();
	rss = gt_status_kb(0, "VmRSS");
	available = gt_meminfo("MemAvailable");
	fds = open_fds();
	objects = kernel_objects();
	for (i = 0; i < lives; i++)
		live_once(runner);
	less = gt_less_available(available, slack);
	objects = kernel_objects() - objects;
	printf("%u lives: resident memory %+ld kB, machine %+ld kB, %+ld kernel objects, "
	       "%+d descriptors, %+ld pinned pages\n", lives, gt_status_kb(0, "VmRSS") - rss,
	       less, objects, (int)(open_fds() - fds),
	       gt_pinned() - pinned);
	fflush(stdout);
	cr_assert_eq(open_fds(), fds);
	cr_assert_eq(gt_pinned(), pinned);
	cr_assert_eq(count_lines().vcpus, 0U, "interrupts are left behind");
	/* Other parts of the kernel use these caches too. */
	cr_assert_lt(objects, lives / 2, "one each life");
	cr_assert_lt(gt_status_kb(0, "VmRSS") - rss, lives, "a page each life would be four times that");
	cr_assert_lt(less, slack);
	cr_assert_eq(gh_runner_destroy(runner), 0);
}

Test(density, five_hundred_lives_without_growth)
{
	live_often(new_runner(), LIVES);
}

Test(density, lives_with_threads_without_growth)
{
	const struct gh_runner_config config = { .backend = GH_BACKEND_THREADS };
	struct gh_runner *runner;

	cr_assert_eq(gh_runner_create(&config, &runner, NULL), 0);
	live_often(runner, LIVES_IN_THREADS);
}

/* ---- fair shares ------------------------------------------------------------------- */

/* Jain's index: 1 when all shares are the same, 1/nr when one has all. */
static double fairness(const double *shares, unsigned int nr)
{
	double sum = 0, squares = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		sum += shares[i];
		squares += shares[i] * shares[i];
	}
	return squares > 0 ? sum * sum / (nr * squares) : 0;
}

static const struct gs_op worker[] = {
	{ GS_SPIN, 0, MARK_TURNS, 0 },
	{ GS_WRITE, 8, RN_LOG_BASE, 1 },
	{ GS_GOTO, 0, 0, UINT64_MAX },
};

/* Guest 0 has a script of its own, the others compute; for five seconds. */
static void share_with(struct gh_runner *runner, const struct gs_op *ops, size_t n,
		       const char *what)
{
	unsigned int i;

	rn_image("script");
	rn_script(0, ops, n);
	rn_create(runner, &vms[0], what, 1);
	RN_SCRIPT(0, worker);
	for (i = 1; i <= SHARES; i++)
		rn_create(runner, &vms[i], "worker", 1);
	for (i = 0; i <= SHARES; i++)
		rn_start(&vms[i]);
	rn_run(runner, 5 * SECOND_NS, NULL);
}

static void end_all(struct gh_runner *runner)
{
	unsigned int i;

	for (i = 0; i <= SHARES; i++)
		rn_destroy(runner, &vms[i]);
	cr_assert_eq(gh_runner_destroy(runner), 0);
}

/*
 * A share is the work that a guest got done, in turns of the same loop, and stands
 * for its CPU time. All of them compute and are taken out at the end of a slice; the
 * spinner leaves by itself four times more rarely than the others. (Turns of the run
 * queue are equal: a guest that leaves early gives the rest of its turn away.)
 */
Test(density, fair_beside_a_spinner)
{
	static const struct gs_op ops[] = {
		{ GS_SPIN, 0, SPINNER_MARK, 0 },
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_GOTO, 0, 0, UINT64_MAX },
	};
	struct gh_runner *runner = new_runner();
	double shares[SHARES + 1], index, low;
	unsigned int i;

	share_with(runner, ops, GT_ARRAY_SIZE(ops), "spinner");
	/* The turns since the last mark are not seen: half a mark on average. */
	shares[0] = ((double)vms[0].writes + 0.5) * SPINNER_MARK;
	low = shares[0];
	for (i = 1; i <= SHARES; i++) {
		shares[i] = ((double)vms[i].writes + 0.5) * MARK_TURNS;
		low = shares[i] < low ? shares[i] : low;
	}
	index = fairness(shares, SHARES + 1);
	printf("a spinner and %u others: Jain's index %.4f of turns of the loop; spinner %.0f, "
	       "another %.0f, least %.0f\n", SHARES, index, shares[0], shares[1], low);
	fflush(stdout);
	cr_assert_geq(index, 0.95);
	end_all(runner);
}

/*
 * A share of the guests that compute is the same. The flooder leaves with each write and
 * does next to no work, so beside it shares are counted in turns of the run queue: its
 * turns are its writes; theirs, the slices and marks of all, are as many for each as it
 * did work, for they have slices of one length. In CPU time it has less than any of them.
 */
Test(density, fair_beside_a_flooder)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_GOTO, 0, 0, UINT64_MAX },
	};
	struct gh_runner *runner = new_runner();
	double shares[SHARES + 1], index, all, work = 0, turns = 0;
	struct gh_stats stats;
	unsigned int i;

	share_with(runner, ops, GT_ARRAY_SIZE(ops), "flooder");
	gh_runner_stats(runner, &stats);
	turns = (double)stats.preempted;
	for (i = 0; i < SHARES; i++) {
		shares[i] = (double)vms[i + 1].writes;
		work += shares[i];
		turns += shares[i];
	}
	index = fairness(shares, SHARES);
	for (i = 0; i < SHARES; i++)
		shares[i] *= turns / work;
	shares[SHARES] = (double)vms[0].writes;
	all = fairness(shares, SHARES + 1);
	printf("a flooder and %u others: Jain's index %.4f of work among the others, %.4f of turns "
	       "of the run queue among all; flooder %.0f, another %.0f\n", SHARES, index, all,
	       shares[SHARES], turns / SHARES);
	fflush(stdout);
	cr_assert_geq(index, 0.95);
	cr_assert_geq(all, 0.95);
	end_all(runner);
}
