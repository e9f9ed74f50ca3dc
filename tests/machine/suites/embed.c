// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The runner's functions for embedders: kicks from anywhere, a ring that is shared,
 * vCPUs and VMs that come and go, weights, and a group of runners.
 */
#include <errno.h>
#include <gh-runner/group.h>
#include <liburing-ext/gunyah.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* This body becomes a program for each backend. */
#ifndef RN_SUITE
#define RN_SUITE embed
#endif

#include "rn_suite.h"

static struct gh_stats stats(void)
{
	struct gh_stats s;

	gh_runner_stats(runner, &s);
	return s;
}

/* ---- kicks ------------------------------------------------------------------------- */

static struct gh_vcpu *kicked;
static volatile sig_atomic_t kicks;

static void on_alarm(int sig)
{
	(void)sig;
	if (!gh_vcpu_kick(kicked))
		kicks++;
}

static void *kick_often(void *arg)
{
	unsigned int i;

	for (i = 0; i < 50; i++) {
		cr_assert_eq(gh_vcpu_kick(arg), 0);
		usleep(10000);
	}
	return NULL;
}

/* A sleeper comes back each time, and sleeps on. */
RN_TEST(RN_SUITE, kick_from_a_signal_handler_and_a_thread)
{
	static const struct gs_op sleep_on[] = { { GS_WFI }, { GS_GOTO, 0, 0, UINT64_MAX } };
	static const struct gs_op spin[] = { { GS_SPIN } };
	const struct itimerspec often = {
		.it_interval.tv_nsec = 20 * MS_NS, .it_value.tv_nsec = 20 * MS_NS,
	};
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct itimerspec never = { 0 };
	pthread_t thread;
	struct rn_vm v, w;
	uint64_t wakeups;
	timer_t timer;

	RN_SCRIPT(0, sleep_on);
	rn_create(runner, &v, "sleeper", 1);
	RN_SCRIPT(0, spin);
	rn_create(runner, &w, "spinner", 1);
	rn_start(&v);
	rn_start(&w);
	rn_run(runner, 300 * MS_NS, NULL);
	kicked = gh_vm_vcpu(v.vm, 0);
	signal(SIGALRM, on_alarm);
	cr_assert_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	wakeups = stats().wakeups + stats().interrupted;
	cr_assert_eq(timer_settime(timer, 0, &often, NULL), 0);
	rn_run_through_signals(runner, SECOND_NS);
	cr_assert_eq(timer_settime(timer, 0, &never, NULL), 0);
	timer_delete(timer);
	printf("%d kicks from a signal handler, %llu wake-ups\n", (int)kicks,
	       (unsigned long long)(stats().wakeups + stats().interrupted - wakeups));
	cr_assert_gt(kicks, 5);
	cr_assert_gt(stats().wakeups + stats().interrupted, wakeups);

	wakeups = stats().wakeups + stats().interrupted;
	cr_assert_eq(pthread_create(&thread, NULL, kick_often, kicked), 0);
	rn_run(runner, SECOND_NS, NULL);
	pthread_join(thread, NULL);
	printf("50 kicks from a thread, %llu wake-ups\n",
	       (unsigned long long)(stats().wakeups + stats().interrupted - wakeups));
	fflush(stdout);
	cr_assert_gt(stats().wakeups + stats().interrupted, wakeups);
	rn_destroy(runner, &v);
	rn_destroy(runner, &w);
}

/* ---- vCPUs that come and go ----------------------------------------------------------- */

/* The guest's second vCPU is switched off, taken out, put back, and switched on. */
RN_TEST(RN_SUITE, vcpu_is_removed_and_added_while_its_vm_runs)
{
	static const struct gs_op first[] = {
		{ GS_CPU_ON, 0, 1, 0 },
		{ GS_SLEEP, 0, 2 * SECOND_NS, 0 },
		{ GS_CPU_ON, 0, 1, 0 },
		{ GS_ECHO, 8, RN_LOG_BASE, 100 },
		{ GS_SLEEP, 0, SECOND_NS, 0 },
		{ GS_OFF },
	};
	static const struct gs_op second[] = { { GS_WRITE, 8, RN_LOG_BASE, 7 }, { GS_CPU_OFF } };
	struct gh_vcpu *vcpu;
	struct rn_vm v;
	unsigned int i;
	int ret;

	RN_SCRIPT(0, first);
	RN_SCRIPT(1, second);
	rn_create(runner, &v, "hotplug", 2);
	vcpu = gh_vm_vcpu(v.vm, 1);
	rn_start(&v);
	for (i = 0; i < 100 && !v.writes; i++)
		rn_run(runner, 20 * MS_NS, NULL);
	rn_run(runner, 200 * MS_NS, NULL);
	ret = gh_vcpu_remove(vcpu);
	cr_assert(!ret || ret == -EINPROGRESS, "%d", ret);
	for (i = 0; i < 100 && gh_vcpu_present(vcpu); i++)
		rn_run(runner, 10 * MS_NS, NULL);
	cr_assert_not(gh_vcpu_present(vcpu));
	cr_assert_eq(stats().vcpus, 1U);
	cr_assert_eq(gh_vcpu_add(v.vm, 1), 0, "%s", gh_runner_last_error(runner)->what);
	cr_assert_eq(stats().vcpus, 2U);
	rn_run(runner, 20 * SECOND_NS, &v.ended);
	cr_assert_eq(v.result.end, GH_VM_END_OFF);
	cr_assert_eq(v.writes, 3U);
	cr_assert_eq(v.log[0], 7U);
	cr_assert_eq(v.log[1] + v.log[2], 107U, "it was switched on once more");
	rn_destroy(runner, &v);
}

/* What two guests get done while one has a slice four times as long as the other's. */
static double weigh(struct rn_vm *v)
{
	uint64_t before[2] = { v[0].writes, v[1].writes };
	unsigned int i;
	double ratio;

	for (i = 0; i < 10U * gt_slow() && v[0].writes - before[0] < 40; i++)
		rn_run(runner, SECOND_NS, NULL);
	cr_assert_geq(v[0].writes - before[0], 40U);
	ratio = (double)(v[1].writes - before[1]) / (double)(v[0].writes - before[0]);
	printf("slices 1:4, work %llu:%llu, 1:%.2f\n",
	       (unsigned long long)(v[0].writes - before[0]),
	       (unsigned long long)(v[1].writes - before[1]), ratio);
	fflush(stdout);
	return ratio;
}

/*
 * Guests that compute mark their work rarely: with a mark they leave, and give away what is
 * left of the slice. What a slice is worth beside the way in and out of the guest depends on
 * the machine, and a busy one loses its CPU inside of long slices more often than of short
 * ones. So here the longer slice is worth at least twice as much, in one of five weighings;
 * without weights it would be 1:1 each time. The suite weights_icount asserts 1:4. With a
 * thread for each vCPU the kernel shares out the CPU, and the runner says so.
 */
RN_TEST(RN_SUITE, slices_are_weights)
{
	static const struct gs_op work[] = {
		{ GS_SPIN, 0, 2000000, 0 },
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_GOTO, 0, 0, UINT64_MAX },
	};
	const enum gh_backend backend = RN_BACKEND;
	int want = backend == GH_BACKEND_THREADS ? -EOPNOTSUPP : 0;
	unsigned int i, as_wanted = 0;
	struct rn_vm v[2];

	RN_SCRIPT(0, work);
	for (i = 0; i < 2; i++) {
		rn_create(runner, &v[i], "weighed", 1);
		cr_assert_eq(gh_vm_set_slice(v[i].vm, i ? 4 * MS_NS / 5 : MS_NS / 5), want);
		rn_start(&v[i]);
	}
	cr_assert_eq(gh_vm_set_slice(v[0].vm, 1), -EINVAL);
	for (i = 0; i < 5 && !want && !as_wanted; i++) {
		double ratio = weigh(v);

		as_wanted += ratio >= 2;
	}
	cr_assert(want || as_wanted);
	for (i = 0; i < 2; i++)
		rn_destroy(runner, &v[i]);
}

/* ---- a ring of the caller --------------------------------------------------------------- */

static unsigned int foreign;

static void on_foreign(void *opaque, const struct io_uring_cqe *cqe)
{
	cr_assert_eq(opaque, &foreign);
	cr_assert_eq(cqe->user_data, (uintptr_t)&foreign);
	foreign++;
}

/* Its own requests complete beside those of guests, alone and many. */
RN_TEST(RN_SUITE, ring_is_shared_with_other_io)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 8, RN_LOG_BASE, 1 }, { GS_SLEEP, 0, MS_NS, 0 }, { GS_GOTO, 0, 0, 200 },
		{ GS_OFF },
	};
	struct gh_runner_config config = {
		.foreign_cqe = on_foreign, .opaque = &foreign,
	};
	struct io_uring_sqe *sqe;
	struct gh_runner *shared;
	struct io_uring ring;
	struct rn_vm v[3];
	unsigned int i, n;

	cr_assert_eq(gh_uring_queue_init(128, 4096, 0, &ring, NULL), 0);
	config.ring = &ring;
	if (RN_BACKEND != GH_BACKEND_SQPOLL && RN_BACKEND != GH_BACKEND_THREADS)
		config.backend = RN_BACKEND;
	cr_assert_eq(gh_runner_create(&config, &shared, NULL), 0);
	RN_SCRIPT(0, ops);
	for (n = 1; n <= 3; n += 2) {
		foreign = 0;
		for (i = 0; i < n; i++) {
			rn_create(shared, &v[i], "shared", 1);
			rn_start(&v[i]);
		}
		for (i = 0; i < 100; i++) {
			sqe = io_uring_get_sqe(&ring);
			cr_assert_not_null(sqe);
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data(sqe, &foreign);
			rn_run(shared, MS_NS, NULL);
		}
		for (i = 0; i < n; i++)
			rn_run(shared, 30 * SECOND_NS, &v[i].ended);
		cr_assert_eq(foreign, 100U);
		for (i = 0; i < n; i++) {
			cr_assert_eq(v[i].writes, 201U);
			rn_destroy(shared, &v[i]);
		}
	}
	cr_assert_eq(gh_runner_destroy(shared), 0);
	io_uring_queue_exit(&ring);
}

/* ---- groups ------------------------------------------------------------------------------ */

#define MEMBERS	2
#define GUESTS	6

static struct rn_vm guests[GUESTS];

static int make_guests(struct gh_runner *r, void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < GUESTS; i++) {
		rn_create(r, &guests[i], "grouped", 1);
		rn_start(&guests[i]);
	}
	return 0;
}

static int count_vms(struct gh_runner *r, void *arg)
{
	struct gh_stats s;

	(void)arg;
	gh_runner_stats(r, &s);
	return (int)s.vms;
}

static int destroy_mine(struct gh_runner *r, void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < GUESTS; i++) {
		if (!guests[i].vm || gh_vm_runner(guests[i].vm) != r)
			continue;
		if (!gh_vm_destroy(guests[i].vm))
			guests[i].vm = NULL;
	}
	return 0;
}

/* All begin on one member and share out; those that sleep go as well as those that run. */
RN_TEST(RN_SUITE, group_shares_out_its_guests)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 8, RN_LOG_BASE, 1 }, { GS_SLEEP, 0, 5 * MS_NS, 0 },
		{ GS_SPIN, 0, 10000, 0 }, { GS_GOTO, 0, 0, UINT64_MAX },
	};
	const struct gh_group_config config = {
		.runner.backend = RN_BACKEND, .cpus = MEMBERS, .balance_ns = 50 * MS_NS,
	};
	struct gh_stats sum;
	struct gh_group *group;
	uint64_t before[GUESTS];
	unsigned int i, n, left;
	int on[MEMBERS];

	cr_assert_eq(gh_group_create(&config, &group, NULL), 0);
	cr_assert_eq(gh_group_size(group), MEMBERS);
	RN_SCRIPT(0, ops);
	cr_assert_eq(gh_group_call(group, 0, make_guests, NULL), 0);
	cr_assert_eq(gh_group_destroy(group), -EBUSY);
	for (n = 0; n < 200; n++) {
		for (i = 0; i < MEMBERS; i++)
			on[i] = gh_group_call(group, i, count_vms, NULL);
		if (on[0] == GUESTS / 2 && on[1] == GUESTS / 2)
			break;
		usleep(50000);
	}
	printf("after %u looks: %d and %d of %d VMs\n", n, on[0], on[1], GUESTS);
	fflush(stdout);
	cr_assert_eq(on[1], GUESTS / 2);
	for (i = 0; i < GUESTS; i++)
		before[i] = guests[i].writes;
	usleep(1000000);
	for (i = 0; i < GUESTS; i++)
		cr_assert_gt(guests[i].writes, before[i], "guest %u goes on", i);
	gh_group_stats(group, &sum);
	cr_assert_eq(sum.errors, 0U);
	cr_assert_leq(sum.vms, GUESTS);
	/* Wherever they are, and be it on the way: once is enough. */
	for (i = 0; i < GUESTS; i++)
		cr_assert_eq(gh_vm_stop(guests[i].vm), 0);
	for (n = 0, left = GUESTS; left && n < 200; n++) {
		usleep(20000);
		for (i = 0; i < MEMBERS; i++)
			gh_group_call(group, i, destroy_mine, NULL);
		for (i = 0, left = 0; i < GUESTS; i++)
			left += !!guests[i].vm;
	}
	cr_assert_eq(left, 0U);
	cr_assert_eq(gh_group_destroy(group), 0);
}
