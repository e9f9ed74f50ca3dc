// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Ways to run vCPUs: each runs the same guests to the same result, and where
 * io_uring is not allowed the runner goes on without.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rn.h"

#define DISABLED	"/proc/sys/kernel/io_uring_disabled"
#define OUTPUT		"/tmp/backends.out"

static void allow_rings(char c)
{
	int fd = open(DISABLED, O_WRONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0, "%s: %s", DISABLED, strerror(errno));
	cr_assert_eq(write(fd, &c, 1), 1);
	close(fd);
}

static void end(void)
{
	allow_rings('0');
	gt_end();
}

TestSuite(backends, .init = gt_begin, .fini = end, .timeout = 2 * GT_TIMEOUT);

/* The command with 16 guests and one of 4 vCPUs; its errors are counted. */
static int command(const char *option, const char *message, unsigned int *times)
{
	char line[256];
	int status, fd;
	pid_t pid;
	FILE *f;

	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		fd = open("/dev/null", O_WRONLY);
		dup2(fd, STDOUT_FILENO);
		fd = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, STDERR_FILENO);
		execl("/bin/gh-runner", "gh-runner", "run", "--quiet", "--seconds=2",
		      "--guest=image=/root/guests/demo.bin,name=g,count=16",
		      "--guest=image=/root/guests/demo.bin,name=smp,vcpus=4", option, NULL);
		_exit(126);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "status %#x", status);
	*times = 0;
	f = fopen(OUTPUT, "r");
	while (f && fgets(line, sizeof(line), f))
		*times += !!strstr(line, message);
	if (f)
		fclose(f);
	return WEXITSTATUS(status);
}

#define MESSAGE	"io_uring is not allowed"

Test(backends, command_with_each)
{
	unsigned int n;

	cr_assert_eq(command("--backend=threads", MESSAGE, &n), 0);
	cr_assert_eq(n, 0U);
	cr_assert_eq(command("--backend=sqpoll", MESSAGE, &n), 0);
	cr_assert_eq(command("--backend=uring", MESSAGE, &n), 0);
	cr_assert_eq(command("--backend=ioctl", MESSAGE, &n), 0);
	cr_assert_eq(command("--cpus=2", MESSAGE, &n), 0);
	cr_assert_eq(command("--cpus=0x", "--cpus", &n), 2);
	cr_assert_eq(command("--backend=wood", "none of", &n), 2);
	cr_assert_eq(n, 1U);
}

Test(backends, command_where_io_uring_is_not_allowed)
{
	unsigned int n;

	allow_rings('2');
	cr_assert_eq(command("--backend=auto", MESSAGE, &n), 0);
	cr_assert_eq(n, 1U, "said %u times", n);
	cr_assert_eq(command("--backend=uring", "io_uring_disabled", &n), 2);
	cr_assert_eq(n, 1U);
}

Test(backends, library_where_io_uring_is_not_allowed)
{
	static const struct gs_op ops[] = { { GS_WRITE, 8, RN_LOG_BASE, 1 }, { GS_OFF } };
	const struct gh_runner_config ring = { .backend = GH_BACKEND_URING };
	struct gh_runner *runner;
	struct rn_vm v;

	allow_rings('2');
	cr_assert_eq(gh_runner_create(&ring, &runner, NULL), -EPERM);
	cr_assert_null(runner);
	cr_assert_eq(gh_runner_create(NULL, &runner, NULL), 0);
	cr_assert_eq(gh_runner_backend(runner), GH_BACKEND_THREADS);
	rn_image("script");
	RN_SCRIPT(0, ops);
	rn_create(runner, &v, "ringless", 1);
	rn_start(&v);
	cr_assert_eq(gh_runner_run(runner), 0);
	cr_assert_eq(v.result.end, GH_VM_END_OFF);
	cr_assert_eq(v.writes, 1U);
	rn_destroy(runner, &v);
	cr_assert_eq(gh_runner_destroy(runner), 0);
}

/* A lone vCPU is run by an ioctl of its own, several in one batch. */
Test(backends, one_by_ioctl_and_several_by_batch)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 8, RN_LOG_BASE, 1 }, { GS_GOTO, 0, 0, 199 }, { GS_OFF },
	};
	struct gh_stats one, all;
	struct gh_runner *runner;
	struct rn_vm v[3];
	unsigned int i;

	cr_assert_eq(gh_runner_create(NULL, &runner, NULL), 0);
	cr_assert_eq(gh_runner_backend(runner), GH_BACKEND_URING);
	rn_image("script");
	RN_SCRIPT(0, ops);
	rn_create(runner, &v[0], "lone", 1);
	rn_start(&v[0]);
	cr_assert_eq(gh_runner_run(runner), 0);
	gh_runner_stats(runner, &one);
	cr_assert_eq(v[0].writes, 200U);
	for (i = 1; i < 3; i++) {
		rn_create(runner, &v[i], "several", 1);
		rn_start(&v[i]);
	}
	cr_assert_eq(gh_runner_run(runner), 0);
	gh_runner_stats(runner, &all);
	cr_assert_eq(v[1].writes + v[2].writes, 400U);
	printf("one: %llu runs, %llu by ioctl, %llu io_uring_enter; two: %llu runs, %llu batches, "
	       "%llu by ioctl\n", (unsigned long long)one.submitted,
	       (unsigned long long)one.lone_ioctls, (unsigned long long)one.syscalls,
	       (unsigned long long)(all.submitted - one.submitted),
	       (unsigned long long)(all.batches - one.batches),
	       (unsigned long long)(all.batch_ioctls - one.batch_ioctls));
	fflush(stdout);
	/* All but the turns in which the ring had something to do as well. */
	cr_assert_geq(one.lone_ioctls, 180U);
	cr_assert_geq(all.batches - one.batches, 180U);
	/* Both in nearly each of them, by ring or, where that has nothing to do, by ioctl. */
	cr_assert_leq(all.lone_ioctls - one.lone_ioctls, 20U);
	cr_assert_leq(10 * (all.batches - one.batches), 6 * (all.submitted - one.submitted));
	for (i = 0; i < 3; i++)
		rn_destroy(runner, &v[i]);
	cr_assert_eq(gh_runner_destroy(runner), 0);
}

/* Guests that compute for ever or sleep for ever are taken out of the kernel. */
static void stop_in_threads(const struct gs_op *ops, unsigned int nr)
{
	const struct gh_runner_config config = { .backend = GH_BACKEND_THREADS };
	struct gh_runner *runner;
	struct rn_vm v[3];
	unsigned int i, round;

	cr_assert_eq(gh_runner_create(&config, &runner, NULL), 0);
	rn_image("script");
	rn_script(0, ops, nr);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < GT_ARRAY_SIZE(v); i++) {
			rn_create(runner, &v[i], "endless", 1);
			rn_start(&v[i]);
		}
		/* Without a turn between: the runs are queued, starting or on. */
		rn_run(runner, round * 50000000ULL, NULL);
		for (i = 0; i < GT_ARRAY_SIZE(v); i++) {
			rn_destroy(runner, &v[i]);
			cr_assert_eq(v[i].result.end, GH_VM_END_STOPPED);
		}
	}
	cr_assert_eq(gh_runner_destroy(runner), 0);
}

Test(backends, spinner_in_a_thread_is_stopped)
{
	static const struct gs_op spin = { GS_SPIN };

	stop_in_threads(&spin, 1);
}

Test(backends, sleeper_in_a_thread_is_stopped)
{
	static const struct gs_op sleep_on[] = { { GS_WFI }, { GS_GOTO, 0, 0, UINT64_MAX } };

	stop_in_threads(sleep_on, GT_ARRAY_SIZE(sleep_on));
}
