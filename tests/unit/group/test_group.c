// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Groups without VMs: threads that come and go, calls, and timers. Without io_uring,
 * so that it runs everywhere.
 */
#include <criterion/criterion.h>
#include <gh-runner/group.h>
#include <pthread.h>
#include <unistd.h>

#include "../dispatch/fake.h"

static const struct gh_group_config config = {
	.runner = { .backend = GH_BACKEND_THREADS, .max_vcpus = 8 },
	.cpus = 3,
	.balance_ns = 1000000,
};

static int whose(struct gh_runner *runner, void *arg)
{
	*(pthread_t *)arg = pthread_self();
	return (int)(gh_runner_backend(runner) + 40);
}

Test(group, calls_are_made_on_the_members_threads, .timeout = 20)
{
	struct gh_group *group;
	struct gh_stats stats;
	pthread_t seen[3];
	unsigned int i;

	cr_assert_eq(gh_group_create(&config, &group, NULL), 0);
	cr_assert_eq(gh_group_size(group), 3);
	cr_assert_lt(gh_group_least(group), 3);
	for (i = 0; i < 3; i++) {
		cr_assert_eq(gh_group_call(group, i, whose, &seen[i]), GH_BACKEND_THREADS + 40);
		cr_assert_not(pthread_equal(seen[i], pthread_self()));
	}
	cr_assert_not(pthread_equal(seen[0], seen[1]));
	cr_assert_not(pthread_equal(seen[1], seen[2]));
	cr_assert_eq(gh_group_call(group, 3, whose, &seen[0]), -EINVAL);
	cr_assert_eq(gh_group_stats(group, &stats), 0);
	cr_assert_eq(stats.vms, 0);
	usleep(5000);
	cr_assert_eq(gh_group_destroy(group), 0);
	cr_assert_eq(gh_group_destroy(NULL), 0);
}

Test(group, own_runner_is_the_first_member, .timeout = 20)
{
	struct gh_group_config with = config;
	struct gh_group *group;
	pthread_t seen;

	cr_assert_eq(gh_runner_create(&with.runner, &with.own, NULL), 0);
	cr_assert_eq(gh_group_create(&with, &group, NULL), 0);
	cr_assert_eq(gh_group_call(group, 0, whose, &seen), GH_BACKEND_THREADS + 40);
	cr_assert(pthread_equal(seen, pthread_self()));
	cr_assert_eq(gh_runner_run(with.own), 0, "no VM runs anywhere");
	/* A VM that runs elsewhere keeps it, and its end lets it go. */
	gh_group_vm_started(group);
	gh_runner_quit(with.own);
	cr_assert_eq(gh_runner_run(with.own), 0);
	gh_group_vm_ended(group);
	cr_assert_eq(gh_runner_run(with.own), 0);
	cr_assert_eq(gh_group_destroy(group), 0);
	cr_assert_eq(gh_runner_destroy(with.own), 0);
}

Test(group, what_is_refused, .timeout = 20)
{
	struct gh_group_config bad = config;
	struct gh_error_info error;
	struct gh_group *group;

	bad.cpus = 257;
	cr_assert_eq(gh_group_create(&bad, &group, &error), -EINVAL);
	cr_assert_null(group);
	bad.cpus = 2;
	bad.runner.batch = 100000;
	cr_assert_eq(gh_group_create(&bad, &group, &error), -EINVAL);
	cr_assert_eq(error.error, -EINVAL);
	cr_assert_neq(error.hint[0], '\0');
	cr_assert_null(group);
	bad.runner.batch = 0;
	bad.runner.ring = (struct io_uring *)&error;
	cr_assert_eq(gh_group_create(&bad, &group, NULL), -EINVAL);
}

/* The runner is gone when the call returns, and nobody looks at it any more. */
Test(group, comes_and_goes, .timeout = 60)
{
	struct gh_group *group;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		cr_assert_eq(gh_group_create(&config, &group, NULL), 0);
		cr_assert_eq(gh_group_destroy(group), 0);
	}
}

static int quit(struct gh_runner *runner, void *arg)
{
	gh_runner_quit(runner);
	return 0;
}

Test(group, quit_is_not_the_end_of_a_member, .timeout = 20)
{
	struct gh_group *group;
	pthread_t seen;
	unsigned int i;

	cr_assert_eq(gh_group_create(&config, &group, NULL), 0);
	for (i = 0; i < 100; i++)
		cr_assert_eq(gh_group_call(group, 1, quit, NULL), 0);
	cr_assert_eq(gh_group_call(group, 1, whose, &seen), GH_BACKEND_THREADS + 40);
	cr_assert_eq(gh_group_destroy(group), 0);
}

/* ---- a ring that fails ---------------------------------------------------------------- */

static struct fake *f;
static struct gh_port_ops port;
static atomic_bool broken;
static atomic_uint nr_ended;
static struct gh_vm_result last_end;
static struct gh_vm *vms[2];

/* The members' threads must not use the fake at one time: only one of them does. */
static int enter(void *ctx, unsigned int wait_nr, uint64_t timeout_ns)
{
	if (atomic_load(&broken))
		return -EIO;
	usleep(1000);
	return fake_port.enter(ctx, 0, 0);
}

static void on_ended(void *opaque, struct gh_vm *vm, const struct gh_vm_result *result)
{
	last_end = *result;
	nr_ended++;
}

static int use_fake(struct gh_runner *runner, void *arg)
{
	port = fake_port;
	port.enter = enter;
	runner->ops = &port;
	runner->ctx = f;
	return 0;
}

static int start_vm(struct gh_runner *runner, void *arg)
{
	static const struct fake_step steps[] = { { FAKE_PREEMPTED }, { FAKE_END } };
	static const struct gh_vm_events events = { .ended = on_ended };
	const struct gh_vm_config vm_config = {
		.name = "vm", .memory_size = 2 << 20, .vcpus = 2, .image = "code",
		.image_size = 4, .events = &events,
	};
	unsigned int first = f->nr_vcpus;
	struct gh_vm **vm = arg;
	int ret;

	ret = gh_vm_create(runner, &vm_config, vm);
	if (ret)
		return ret;
	f->vcpus[first].steps = steps;
	f->vcpus[first + 1].steps = steps;
	return gh_vm_start(*vm);
}

static int forget_parked(struct gh_runner *runner, void *arg)
{
	unsigned int i;

	/* What the end of a ring does for its commands. */
	for (i = 0; i < f->nr_vcpus; i++)
		f->vcpus[i].parked = false;
	return gh_vm_destroy(vms[0]) ?: gh_vm_destroy(vms[1]);
}

static int stop_vm(struct gh_runner *runner, void *arg)
{
	return gh_vm_stop(arg);
}

Test(group, member_whose_ring_fails, .timeout = 20)
{
	struct gh_group_config quiet = config;
	struct gh_group *group;
	pthread_t seen;

	f = calloc(1, sizeof(*f));
	fake_init(f);
	f->no_batch = true;
	quiet.balance_ns = UINT64_MAX;
	cr_assert_eq(gh_group_create(&quiet, &group, NULL), 0);
	cr_assert_eq(gh_group_least(group), 0);
	cr_assert_eq(gh_group_call(group, 0, use_fake, NULL), 0);
	cr_assert_eq(gh_group_call(group, 0, start_vm, &vms[0]), 0);
	usleep(20000);
	cr_assert_eq(gh_group_error(group, 0), 0);
	atomic_store(&broken, true);
	while (!gh_group_error(group, 0))
		usleep(1000);
	cr_assert_eq(gh_group_error(group, 0), -EIO);
	cr_assert_eq(gh_group_error(group, 1), 0);
	cr_assert_eq(gh_group_error(group, 3), -EINVAL);
	cr_assert_eq(gh_group_least(group), 1, "not there");
	/* It is answered still, and its VMs have ended. */
	cr_assert_eq(gh_group_call(group, 0, whose, &seen), GH_BACKEND_THREADS + 40);
	while (!nr_ended)
		usleep(1000);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(last_end.end, GH_VM_END_ERROR);
	cr_assert_eq(last_end.error, -EIO);
	cr_assert_eq(gh_group_destroy(group), -EBUSY);
	/* One that starts there ends like the others. */
	cr_assert_eq(gh_group_call(group, 0, start_vm, &vms[1]), 0);
	cr_assert_eq(gh_group_call(group, 0, stop_vm, vms[1]), 0);
	cr_assert_eq(gh_group_call(group, 0, whose, &seen), GH_BACKEND_THREADS + 40);
	while (nr_ended < 2)
		usleep(1000);
	cr_assert_eq(gh_group_call(group, 0, forget_parked, NULL), 0);
	cr_assert_eq(f->open_fds, 0);
	cr_assert_eq(gh_group_destroy(group), 0);
	free(f);
}
