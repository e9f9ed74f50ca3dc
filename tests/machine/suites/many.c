// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The purpose of it all: many guests on one ring in one thread, through the
 * runner's library, judged by what they computed.
 */
#include <errno.h>
#include <fcntl.h>
#include <gh-runner/gh-runner.h>
#include <gh-runner/testdev-regs.h>
#include <gh-runner/testdev.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"

#define MAX_GUESTS	64
#define SECOND_NS	1000000000ULL

TestSuite(many, .timeout = 4 * GT_TIMEOUT);

struct guest {
	struct gh_vm *vm;
	struct gh_testdev *testdev;
	struct gh_vm_result result;
	bool ended;
};

struct crowd {
	struct gh_runner *runner;
	struct gh_timer stop;
	unsigned int nr, ended;
	struct guest guests[MAX_GUESTS + 1];
};

static struct crowd crowd;
static uint8_t image[0x100000];
static size_t image_size;

static void on_end(void *opaque, struct gh_vm *vm, const struct gh_vm_result *result)
{
	struct guest *g = opaque;

	cr_assert_eq(g->vm, vm);
	cr_assert_not(g->ended, "ended twice");
	g->result = *result;
	g->ended = true;
	crowd.ended++;
}

static const struct gh_vm_events events = { .ended = on_end };

static void ask_all(struct gh_timer *timer)
{
	unsigned int i;

	(void)timer;
	for (i = 0; i < crowd.nr; i++)
		gh_testdev_stop(crowd.guests[i].testdev);
}

static void add_guest(unsigned int vcpus, uint64_t duration_ms)
{
	struct guest *g = &crowd.guests[crowd.nr];
	const struct gh_testdev_config dev = {
		.vm = crowd.nr, .param1 = 10, .duration_ms = duration_ms,
	};
	char name[16];
	const struct gh_vm_config config = {
		.name = name,
		.memory_size = 2 << 20,
		.vcpus = vcpus,
		.image = image,
		.image_size = image_size,
		.events = &events,
		.opaque = g,
	};
	int ret;

	snprintf(name, sizeof(name), "g%u", crowd.nr);
	cr_assert_eq(gh_testdev_create(&dev, &g->testdev), 0);
	ret = gh_vm_create(crowd.runner, &config, &g->vm);
	cr_assert_eq(ret, 0, "%s: %s", name, strerror(-ret));
	ret = gh_vm_add_device(g->vm, GH_BOARD_TESTDEV_BASE, GH_BOARD_TESTDEV_SIZE,
			       &gh_testdev_ops, g->testdev);
	cr_assert_eq(ret, 0);
	ret = gh_vm_start(g->vm);
	cr_assert_eq(ret, 0, "%s: %s: %s", name, gh_runner_last_error(crowd.runner)->what,
		     strerror(-ret));
	crowd.nr++;
}

static void check_guest(unsigned int i)
{
	struct guest *g = &crowd.guests[i];
	struct gh_testdev_report report;

	cr_assert(g->ended, "guest %u has not ended", i);
	cr_assert_eq(g->result.end, GH_VM_END_OFF, "guest %u ended with %d, type %u, %s", i,
		     g->result.end, g->result.exit_type, strerror(-g->result.error));
	gh_testdev_report(g->testdev, &report);
	cr_assert_eq(report.fails, 0U, "guest %u: line %u", i, report.fail_line);
	cr_assert_eq(report.bad, 0U);
	cr_assert_gt(report.puts, 0U);
	cr_assert_eq(report.result, GH_TESTDEV_MATCH, "guest %u: %llx instead of %llx", i,
		     (unsigned long long)report.reported, (unsigned long long)report.expected);
	cr_assert_eq(gh_vm_destroy(g->vm), 0);
	gh_testdev_destroy(g->testdev);
}

static long threads(void)
{
	return gt_status_kb(0, "Threads");
}

static void run_crowd(unsigned int guests, unsigned int vcpus, bool smp_guest)
{
	struct gh_stats stats;
	unsigned int i;
	long before;

	image_size = gt_load(image, sizeof(image), "demo");
	before = threads();
	cr_assert_eq(gh_runner_create(NULL, &crowd.runner, NULL), 0);
	for (i = 0; i < guests; i++)
		add_guest(vcpus, 1500);
	if (smp_guest)
		add_guest(4, 1500);
	crowd.stop.fire = ask_all;
	crowd.stop.deadline_ns = gh_now_ns() + 20 * SECOND_NS;
	cr_assert_eq(gh_timer_arm(crowd.runner, &crowd.stop), 0);
	while (crowd.ended < crowd.nr)
		cr_assert_eq(gh_runner_run(crowd.runner), 0);
	gh_timer_cancel(crowd.runner, &crowd.stop);
	cr_assert_eq(threads(), before, "the runner started threads");
	gh_runner_stats(crowd.runner, &stats);
	cr_assert_eq(stats.errors, 0U);
	cr_assert_eq(stats.device_errors, 0U);
	cr_assert_gt(stats.parks, 0U);
	for (i = 0; i < crowd.nr; i++)
		check_guest(i);
	cr_assert_eq(gh_runner_destroy(crowd.runner), 0);
}

GT_CASE(many, one_guest)
{
	run_crowd(1, 1, false);
}

GT_CASE(many, guest_of_four_vcpus)
{
	run_crowd(0, 1, true);
}

GT_CASE(many, sixty_four_guests_and_one_of_four_vcpus)
{
	long pinned = gt_pinned();

	run_crowd(64, 1, true);
	cr_assert_eq(gt_pinned(), pinned);
}

/* ---- the command line ------------------------------------------------------------ */

static int gh_runner(char *const argv[])
{
	int status, null;
	pid_t pid;

	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, STDOUT_FILENO);
		execv("/bin/gh-runner", argv);
		_exit(126);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "status %#x", status);
	return WEXITSTATUS(status);
}

static const char *guest_option(const char *name, const char *more)
{
	static char option[256];
	const char *dir = getenv("GT_GUESTS");

	snprintf(option, sizeof(option), "--guest=image=%s/%s.bin,%s",
		 dir ? dir : "/root/guests", name, more);
	return option;
}

GT_CASE(many, command_line)
{
	char *argv[] = {
		"gh-runner", "run", "--quiet", (char *)guest_option("demo", "name=g,count=16"),
		"--seconds=2", NULL,
	};

	cr_assert_eq(gh_runner(argv), 0);
}

/* A guest that reports a wrong sum, or none, is a failure that shows. */
GT_CASE(many, command_line_of_a_guest_that_resets)
{
	char *argv[] = {
		"gh-runner", "run", "--quiet", (char *)guest_option("reset", "name=r"),
		"--seconds=2", NULL,
	};

	cr_assert_eq(gh_runner(argv), 1);
}

GT_CASE(many, command_line_without_a_guest)
{
	char *no_image[] = {
		"gh-runner", "run", "--quiet", (char *)guest_option("none", "name=r"), NULL,
	};
	char *no_guest[] = { "gh-runner", "run", NULL };

	cr_assert_eq(gh_runner(no_image), 2);
	cr_assert_eq(gh_runner(no_guest), 2);
}
