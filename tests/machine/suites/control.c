// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A running gh-runner is asked, and told, by the others of its commands.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"

#define CONTROL	"/tmp/control.sock"
#define CONSOLE	"/tmp/control.console"
#define METRICS	"/tmp/control.metrics"
#define ASK	" --control=" CONTROL " 2>&1"

static pid_t runner;

/* Output and exit status of a command line. */
static int sh(const char *line, char *out, size_t size)
{
	FILE *f = popen(line, "r");
	size_t n;
	int status;

	cr_assert_not_null(f);
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void begin(void)
{
	int tries = 200;

	gt_begin();
	runner = fork();
	cr_assert_geq(runner, 0);
	if (!runner) {
		execl("/bin/gh-runner", "gh-runner", "run", "--quiet", "--control=" CONTROL,
		      "--guest=image=/root/guests/echo.bin,name=e,console=unix:" CONSOLE,
		      "--guest=image=/root/guests/demo.bin,name=d,vcpus=2", NULL);
		_exit(126);
	}
	/* The console is the first thing of a guest, its start the last. */
	while (access(CONTROL, F_OK) || access(CONSOLE, F_OK)) {
		cr_assert_gt(tries--, 0, "it does not start");
		usleep(100000);
	}
	sleep(2);
}

static void end(void)
{
	kill(runner, SIGKILL);
	waitpid(runner, NULL, 0);
	unlink(CONTROL);
	unlink(CONSOLE);
	gt_end();
}

TestSuite(control, .init = begin, .fini = end, .timeout = GT_TIMEOUT);

Test(control, lists_and_counts)
{
	char out[8192];
	struct stat st;

	cr_assert_eq(stat(CONTROL, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600U, "%o", st.st_mode);
	cr_assert_eq(sh("gh-runner ps" ASK, out, sizeof(out)), 0, "%s", out);
	cr_assert_not_null(strstr(out, "NAME"));
	cr_assert_not_null(strstr(out, "\ne  "), "%s", out);
	cr_assert_not_null(strstr(out, "\nd  "), "%s", out);
	cr_assert_not_null(strstr(out, "running"));
	cr_assert_eq(sh("gh-runner stats" ASK, out, sizeof(out)), 0, "%s", out);
	cr_assert_not_null(strstr(out, "vcpus            3\n"), "%s", out);
	cr_assert_eq(sh("gh-runner stats --json" ASK, out, sizeof(out)), 0);
	cr_assert_not_null(strstr(out, "\"vcpus\": 3,"), "%s", out);
	cr_assert_eq(sh("gh-runner stats --openmetrics --output=" METRICS ASK, out, sizeof(out)),
		     0, "%s", out);
	cr_assert_eq(sh("cat " METRICS, out, sizeof(out)), 0);
	cr_assert_not_null(strstr(out, "# TYPE gh_runner_mmio_reads counter\n"));
	cr_assert_not_null(strstr(out, "\ngh_runner_vcpus 3\n"));
	cr_assert_str_eq(out + strlen(out) - 6, "# EOF\n");
	unlink(METRICS);
	cr_assert_eq(sh("gh-runner top" ASK " | head -n 4", out, sizeof(out)), 0);
	cr_assert_not_null(strstr(out, "mmio_reads"), "%s", out);
}

Test(control, talks_to_a_guest)
{
	char out[256];

	/* The console's end is the runner's, so what is read is bounded by time. */
	sh("(echo HAL; sleep 3) | timeout 4 gh-runner console e" ASK, out, sizeof(out));
	cr_assert_not_null(strstr(out, "IBM"), "%s", out);
	cr_assert_eq(sh("gh-runner console d" ASK, out, sizeof(out)), 1);
	cr_assert_not_null(strstr(out, "console=unix"), "%s", out);
}

Test(control, kicks_and_stops)
{
	char out[4096];
	int status;

	cr_assert_eq(sh("gh-runner kick d" ASK, out, sizeof(out)), 0, "%s", out);
	cr_assert_eq(sh("gh-runner stop nobody" ASK, out, sizeof(out)), 1);
	cr_assert_not_null(strstr(out, "'nobody'"), "%s", out);
	cr_assert_eq(sh("gh-runner stop e" ASK, out, sizeof(out)), 0, "%s", out);
	cr_assert_eq(sh("gh-runner ps" ASK, out, sizeof(out)), 0);
	cr_assert_not_null(strstr(out, "stopped"), "%s", out);
	cr_assert_eq(sh("gh-runner stop d" ASK, out, sizeof(out)), 0);
	cr_assert_eq(waitpid(runner, &status, 0), runner);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1, "stopped guests have not passed");
	cr_assert_eq(access(CONTROL, F_OK), -1, "the socket is left behind");
	cr_assert_eq(sh("gh-runner ps" ASK, out, sizeof(out)), 1);
	cr_assert_not_null(strstr(out, "running?"), "%s", out);
	/* Nobody is there for end() to end. */
	runner = fork();
	if (!runner)
		_exit(0);
}

Test(control, hangs_up_on_who_says_nothing)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = CONTROL };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char out[4096];

	/* The silent one is served first, and the list comes all the same. */
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(sh("gh-runner ps" ASK, out, sizeof(out)), 0, "%s", out);
	cr_assert_not_null(strstr(out, "running"), "%s", out);
	cr_assert_eq(read(fd, out, sizeof(out)), 0);
	close(fd);
}

Test(control, wrong_usage)
{
	char out[1024];

	cr_assert_eq(sh("gh-runner stop" ASK, out, sizeof(out)), 2);
	cr_assert_eq(sh("gh-runner ps more" ASK, out, sizeof(out)), 2);
	cr_assert_eq(sh("gh-runner stats --xml" ASK, out, sizeof(out)), 2);
	cr_assert_eq(sh("gh-runner ps --help", out, sizeof(out)), 0);
}
