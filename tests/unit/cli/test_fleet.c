// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The runners of a run: where guests are put, and one whose ring fails.
 */
#include <errno.h>
#include <gh-runner/group.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/internal.h"

static struct fleet fleet;
static struct member members[3];
static struct gh_port_ops port;

static void begin(void)
{
	cli_begin();
	fleet = (struct fleet) { .nr_members = 2, .members = members };
}

TestSuite(cli_fleet, .init = begin, .fini = cli_end, .timeout = 60);

/* Each goes where fewest vCPUs are, the first of those if there are several. */
Test(cli_fleet, guests_are_spread)
{
	static const struct {
		unsigned int vcpus, member;
	} guests[] = {
		{ 2, 0 }, { 2, 1 }, { 2, 2 }, { 1, 0 }, { 8, 1 }, { 1, 2 }, { 1, 0 }, { 1, 2 },
		{ 1, 0 }, { 7, 2 }, { 4, 0 }, { 1, 0 },
	};
	unsigned int i;

	fleet.nr_members = 3;
	for (i = 0; i < sizeof(guests) / sizeof(guests[0]); i++)
		cr_assert_eq(fleet_place(&fleet, guests[i].vcpus), guests[i].member, "guest %u", i);
	cr_assert_eq(members[0].placed, 10U);
	cr_assert_eq(members[1].placed, 10U);
	cr_assert_eq(members[2].placed, 11U);
}

static int enter(void *ctx, unsigned int wait_nr, uint64_t timeout_ns)
{
	return -EIO;
}

static int break_ring(struct gh_runner *runner, void *arg)
{
	port = *runner->ops;
	port.enter = enter;
	runner->ops = &port;
	return 0;
}

/* The run says which, goes on with the others, and has failed in the end. */
Test(cli_fleet, member_whose_ring_fails)
{
	struct gh_group_config config = {
		.runner = { .backend = GH_BACKEND_THREADS, .max_vcpus = 1 }, .cpus = 2,
	};
	char text[128] = "";
	FILE *f;

	cr_assert_eq(gh_runner_create(&config.runner, &fleet.runner, NULL), 0);
	config.own = fleet.runner;
	cr_assert_eq(gh_group_create(&config, &fleet.group, NULL), 0);
	cr_assert_eq(fleet_error(&fleet), 0);
	cr_assert_eq(gh_group_call(fleet.group, 1, break_ring, NULL), 0);
	while (!gh_group_error(fleet.group, 1))
		usleep(1000);
	cr_assert_not_null(freopen("err", "w", stderr));
	cr_assert_eq(fleet_error(&fleet), -EIO);
	fflush(stderr);
	f = fopen("err", "r");
	cr_assert_not_null(fgets(text, sizeof(text), f));
	fclose(f);
	cr_assert_str_eq(text, "gh-runner: runner 1: its ring failed: Input/output error; its guests "
			 "have ended with it\n");
	cr_assert_eq(gh_group_destroy(fleet.group), 0);
	cr_assert_eq(gh_runner_destroy(fleet.runner), 0);
}
