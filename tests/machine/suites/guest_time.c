// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Guest time is counted as guest time, by whatever call the guest runs. One body for
 * both ways in which a kernel counts: at ticks, and on a CPU of nohz_full without
 * (GT_NOHZ, the suite guest_time_nohz, for which run-tests.sh boots another machine).
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "gt.h"

TestSuite(guest_time, .timeout = GT_TIMEOUT);

#ifdef GT_NOHZ
#define NOHZ_CPU	1

/* To the CPU that counts without ticks; asserts that it does. */
static void pin(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/nohz_full", "re");
	int cpu = -1;
	cpu_set_t set;

	if (!f)
		cr_skip_test("no nohz_full in this kernel");
	cr_assert_eq(fscanf(f, "%d", &cpu), 1, "no CPU is nohz_full");
	fclose(f);
	cr_assert_eq(cpu, NOHZ_CPU);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	cr_assert_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}
#else
static void pin(void)
{
}
#endif

#define PROC_STAT_UTIME	14
#define PROC_STAT_GTIME	43

/* A number of /proc/self/stat, counted from 1. */
static long proc_stat(int field)
{
	FILE *f = fopen("/proc/self/stat", "re");
	char text[1024], *at;
	int i;

	cr_assert_not_null(f);
	cr_assert_not_null(fgets(text, sizeof(text), f));
	fclose(f);
	/* The second field is a name in parentheses, with blanks perhaps. */
	at = strrchr(text, ')');
	cr_assert_not_null(at);
	for (i = 2; i < field; i++) {
		at = strchr(at + 1, ' ');
		cr_assert_not_null(at);
	}
	return strtol(at, NULL, 10);
}

/* Ticks of the machine's user time and of its guest time, as they were counted. */
static void machine_stat(long *user, long *guest)
{
	FILE *f = fopen("/proc/stat", "re");

	cr_assert_not_null(f);
	cr_assert_eq(fscanf(f, "cpu %ld %*d %*d %*d %*d %*d %*d %*d %ld", user, guest), 2);
	fclose(f);
}

/* CPU time of the process, in ns. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };

/*
 * Runs a guest that computes until the process has used 2 s more, and looks where the
 * kernel put them. Waking a worker for each slice can take longer than the slice, so an
 * eighth must do for all. Without accounting it is 0.
 */
static void check_guest_time(void (*run)(struct gt_vcpu *vcpu, uint64_t until))
{
	long hz = sysconf(_SC_CLK_TCK), guest = proc_stat(PROC_STAT_GTIME);
	long user = proc_stat(PROC_STAT_UTIME), all_user[2], all_guest[2];
	struct gt_vm vm;

	pin();
	GT_BOOT_SCRIPT(&vm, spinner);
	machine_stat(&all_user[0], &all_guest[0]);
	run(&vm.vcpus[0], cpu_ns() + 2000000000);
	machine_stat(&all_user[1], &all_guest[1]);
	guest = proc_stat(PROC_STAT_GTIME) - guest;
	user = proc_stat(PROC_STAT_UTIME) - user;
	cr_assert_gt(guest, 2 * hz / 8, "%ld of %ld ticks are the guest's", guest, 2 * hz);
	/*
	 * It is user time as well, as for every hypervisor. Of the machine that holds tick by
	 * tick, but for the one that rounding costs. Of the process the kernel fits user time to
	 * what the scheduler measured, but not guest time, so that the two differ.
	 */
	cr_assert_geq(all_user[1] - all_user[0] + 1, all_guest[1] - all_guest[0]);
	cr_assert_geq(user, guest / 2, "%ld ticks of user time, %ld of the guest", user, guest);
	gt_vm_close(&vm);
}

struct cancel_job {
	struct gt_vcpu *vcpu;
	uint64_t until;		/* CPU time of the process, in ns */
	atomic_bool over;
};

/* A CANCEL between two runs has no effect: it is repeated until the last run is over. */
static void *cancel_at(void *arg)
{
	struct cancel_job *job = arg;

	while (!job->over) {
		if (cpu_ns() >= job->until)
			gt_ioctl(job->vcpu->fd, GH_VCPU_CANCEL, 0);
		usleep(10000);
	}
	return NULL;
}

static void by_ioctl(struct gt_vcpu *vcpu, uint64_t until)
{
	struct cancel_job job = { .vcpu = vcpu, .until = until };
	pthread_t thread;
	int ret;

	cr_assert_eq(pthread_create(&thread, NULL, cancel_at, &job), 0);
	do {
		ret = gt_ioctl(vcpu->fd, GH_VCPU_RUN, 0);
	} while (ret == -EINTR);
	job.over = true;
	pthread_join(thread, NULL);
	cr_assert_eq(ret, -ECANCELED, "%d", ret);
}

/* @at_once runs in a submission, so that waiting for work is little beside them. */
static void by_ring(struct gt_vcpu *vcpu, uint64_t until, unsigned int ring_flags,
		    unsigned int sqe_flags, unsigned int at_once)
{
	/* An SQPOLL ring's thread is to run the guest, and not to wait for work for long. */
	struct io_uring_params params = { .flags = ring_flags, .sq_thread_idle = 1 };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	unsigned int i;

	cr_assert_eq(io_uring_queue_init_params(16, &ring, &params), 0);
	while (cpu_ns() < until) {
		for (i = 0; i < at_once; i++) {
			sqe = gt_ring_sqe(&ring);
			gh_uring_prep_run(sqe, vcpu->fd, 4000000, 0);
			sqe->flags |= sqe_flags;
			sqe->user_data = i;
		}
		/* An SQPOLL ring may not have counted those before. */
		cr_assert_geq(io_uring_submit(&ring), (int)at_once);
		for (i = 0; i < at_once; i++)
			cr_assert_eq(gt_ring_take(&ring, i), GH_URING_EXIT_PREEMPTED);
	}
	io_uring_queue_exit(&ring);
}

static void inline_ring(struct gt_vcpu *vcpu, uint64_t until)
{
	by_ring(vcpu, until, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0, 1);
}

static void workers(struct gt_vcpu *vcpu, uint64_t until)
{
	by_ring(vcpu, until, 0, IOSQE_ASYNC, 1);
}

/* In the ring's thread, which is one of this process. */
static void sqpoll(struct gt_vcpu *vcpu, uint64_t until)
{
	by_ring(vcpu, until, IORING_SETUP_SQPOLL, 0, 8);
}

static void once(struct gt_vcpu *vcpu, uint64_t until)
{
	int ret;

	while (cpu_ns() < until) {
		ret = gh_run_once(vcpu->fd, 0);
		cr_assert_eq(gt_res(ret), GH_URING_EXIT_PREEMPTED, "%d", ret);
	}
}

static void check_batch(const struct gh_run_entry *entries, int n)
{
	int i;

	cr_assert_geq(n, 1, "batch: %d", n);
	for (i = 0; i < n; i++)
		cr_assert_eq(gt_res(entries[i].res), GH_URING_EXIT_PREEMPTED, "entry %d: %d", i,
			     entries[i].res);
}

static void init_batch(struct gt_vcpu *vcpu, struct gh_run_entry *entries, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		gh_run_entry_init(&entries[i], vcpu->fd, 4000000);
}

static void batches_by_ioctl(struct gt_vcpu *vcpu, uint64_t until)
{
	struct gh_run_entry entries[2];

	while (cpu_ns() < until) {
		init_batch(vcpu, entries, GT_ARRAY_SIZE(entries));
		check_batch(entries,
			    gh_run_batch(vcpu->fd, entries, GT_ARRAY_SIZE(entries), 0));
	}
}

static void batches_by_ring(struct gt_vcpu *vcpu, uint64_t until)
{
	struct gh_run_entry entries[2];
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	gt_ring_init(&ring, 8, 0);
	while (cpu_ns() < until) {
		init_batch(vcpu, entries, GT_ARRAY_SIZE(entries));
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run_batch(sqe, vcpu->fd, entries, GT_ARRAY_SIZE(entries), 0);
		sqe->user_data = 0;
		gt_ring_submit(&ring, 1);
		check_batch(entries, gt_ring_take(&ring, 0));
	}
	io_uring_queue_exit(&ring);
}

GT_CASE(guest_time, by_ioctl)
{
	check_guest_time(by_ioctl);
}

GT_CASE(guest_time, by_ring)
{
	check_guest_time(inline_ring);
}

GT_CASE(guest_time, of_workers)
{
	check_guest_time(workers);
}

GT_CASE(guest_time, by_sqpoll)
{
	check_guest_time(sqpoll);
}

GT_CASE(guest_time, of_batches_by_ioctl)
{
	check_guest_time(batches_by_ioctl);
}

GT_CASE(guest_time, of_single_runs)
{
	check_guest_time(once);
}

GT_CASE(guest_time, of_batches_by_ring)
{
	check_guest_time(batches_by_ring);
}

/* A process whose guest sleeps has none, and one without a guest neither. */
GT_CASE(guest_time, none_without_a_guest)
{
	volatile uint64_t sum = 0;
	uint64_t until;

	pin();
	until = cpu_ns() + 500000000;
	while (cpu_ns() < until)
		sum += until;
	cr_assert_eq(proc_stat(PROC_STAT_GTIME), 0);
}
