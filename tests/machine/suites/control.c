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
	/* What the runner creates is safe without a mask too. */
	umask(0);
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
	cr_assert_eq(sh("gh-runner top" ASK " | head -n 4", out, sizeof(out)), 0);
	cr_assert_not_null(strstr(out, "mmio_reads"), "%s", out);
}

static unsigned int mode_of(const char *path)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0, "%s", path);
	return st.st_mode & 0777;
}

Test(control, only_the_owner_may_write)
{
	char out[256];

	cr_assert_eq(mode_of(CONTROL), 0600U, "%o", mode_of(CONTROL));
	cr_assert_eq(mode_of(CONSOLE), 0600U, "%o", mode_of(CONSOLE));
	cr_assert_eq(sh("gh-runner stats --output=" METRICS ASK, out, sizeof(out)), 0, "%s", out);
	cr_assert_eq(mode_of(METRICS), 0644U, "%o", mode_of(METRICS));
	unlink(METRICS);
}

/*
 * The text format of OpenMetrics, as far as these families need it: a TYPE line, then
 * the family's one sample, with _total if it is a counter; EOF is the last line.
 */
static unsigned int check_openmetrics(char *text)
{
	char family[64], type[16], name[80], want[80], *line, *rest = text;
	unsigned long long value;
	unsigned int n = 0;
	int end;

	while ((line = strsep(&rest, "\n"))) {
		if (!strcmp(line, "# EOF"))
			break;
		cr_assert_eq(sscanf(line, "# TYPE %63[a-zA-Z0-9_:] %15s%n", family, type, &end), 2,
			     "%s", line);
		cr_assert_eq(line[end], '\0', "%s", line);
		cr_assert(!strcmp(type, "counter") || !strcmp(type, "gauge"), "%s", line);
		snprintf(want, sizeof(want), "# TYPE %s ", family);
		cr_assert_null(strstr(rest, want), "%s comes twice", family);
		snprintf(want, sizeof(want), "%s%s", family,
			 strcmp(type, "counter") ? "" : "_total");
		line = strsep(&rest, "\n");
		cr_assert_not_null(line);
		cr_assert_eq(sscanf(line, "%79[a-zA-Z0-9_:] %llu%n", name, &value, &end), 2, "%s",
			     line);
		cr_assert_eq(line[end], '\0', "%s", line);
		cr_assert_str_eq(name, want);
		n++;
	}
	cr_assert(line && rest, "no EOF");
	cr_assert_str_empty(rest);
	return n;
}

Test(control, openmetrics)
{
	char out[8192];

	cr_assert_eq(sh("gh-runner stats --openmetrics" ASK, out, sizeof(out)), 0, "%s", out);
	cr_assert_not_null(strstr(out, "# TYPE gh_runner_mmio_reads counter\n"));
	cr_assert_not_null(strstr(out, "\ngh_runner_vcpus 3\n"));
	cr_assert_gt(check_openmetrics(out), 20U);
	/* The file is replaced in one step: nothing is beside it. */
	cr_assert_eq(sh("gh-runner stats --openmetrics --output=" METRICS ASK " && cat " METRICS
			" && ! ls " METRICS ".*", out, sizeof(out)), 0, "%s", out);
	unlink(METRICS);
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
