// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Groups without VMs: threads that come and go, calls, and timers. Without io_uring,
 * so that it runs everywhere.
 */
#include <criterion/criterion.h>
#include <gh-runner/group.h>
#include <pthread.h>
#include <unistd.h>

#include "lib/internal.h"

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
