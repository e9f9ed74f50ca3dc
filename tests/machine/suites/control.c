// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A running gh-runner is asked, and told, by the others of its commands.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rn.h"

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

static const char *console = CONSOLE;

static void start(void)
{
	char guest[128];

	snprintf(guest, sizeof(guest), "--guest=image=/root/guests/echo.bin,name=e,console=unix:%s",
		 console);
	runner = fork();
	cr_assert_geq(runner, 0);
	if (!runner) {
		execl("/bin/gh-runner", "gh-runner", "run", "--quiet", rn_backend_option(),
		      "--control=" CONTROL, guest,
		      "--guest=image=/root/guests/demo.bin,name=d,vcpus=2", NULL);
		_exit(126);
	}
}

/* Until it can be asked: its guests have started. */
static void await_control(void)
{
	char out[4096];
	int tries = 200;

	while (sh("gh-runner ps" ASK, out, sizeof(out)) && tries--)
		usleep(100000);
	cr_assert_geq(tries, 0, "%s", out);
}

static void begin(void)
{
	gt_begin();
	/* What the runner creates is safe without a mask too. */
	umask(0);
	start();
	await_control();
}

/* For end() to end. */
static void nobody(void)
{
	runner = fork();
	if (!runner)
		_exit(0);
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
	cr_assert_not_null(strstr(out, "\"batch_ioctls\": "), "%s", out);
	cr_assert_eq(sh("gh-runner stats --openmetrics --output=" METRICS ASK, out, sizeof(out)),
		     0, "%s", out);
}

/* A row of a table of top's: exits a second, everything else looked at. */
static double row_of(const char *line, const char *out)
{
	unsigned int vcpus, member;
	double exits, mmio, parks, entries;
	char name[32];

	cr_assert_eq(sscanf(line, " %31s running %u %u - %lf %lf %lf %lf", name, &vcpus, &member,
			    &exits, &mmio, &parks, &entries), 7, "%s", out);
	cr_assert_eq(vcpus, name[0] == 'd' ? 2U : 1U);
	cr_assert(exits > 0 && mmio > 0 && parks > 0 && entries >= exits, "%s", out);
	cr_assert(exits >= mmio, "%s", out);
	return exits;
}

/* Guests have rates, and who has more of them comes first. */
Test(control, top)
{
	char out[8192], *line, *d, *e;
	unsigned int n = 0;
	double of_d, of_e;

	/* They are through with their own start. */
	sleep(2);
	cr_assert_eq(sh("gh-runner top -n2 -d2" ASK, out, sizeof(out)), 0, "%s", out);
	cr_assert_not_null(strstr(out, "2 guests, 2 running; 3 vCPUs"), "%s", out);
	for (line = out; (line = strstr(line, "\nNAME")); line++, n++) {
		d = strstr(line, "\nd  ");
		e = strstr(line, "\ne  ");
		cr_assert(d && e, "%s", out);
		of_d = row_of(d, out);
		of_e = row_of(e, out);
		/* They are shown as whole numbers. */
		if (of_d != of_e)
			cr_assert_eq(d < e, of_d > of_e, "%s", out);
	}
	cr_assert_eq(n, 2U, "%s", out);
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

/*
 * The guest 'e' answers who calls it from the directory @from. While it is not through with
 * its start nobody may be at the other end, so it is called again.
 */
static void call_guest(const char *from)
{
	int keys[2], screen[2];
	struct pollfd p = { .events = POLLIN };
	char out[4096] = "";
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	cr_assert(!pipe(keys) && !pipe(screen));
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		if (chdir(from) || dup2(keys[0], 0) || dup2(screen[1], 1) < 0)
			_exit(126);
		execl("/bin/gh-runner", "gh-runner", "console", "e", "--control=" CONTROL, NULL);
		_exit(126);
	}
	close(keys[0]);
	close(screen[1]);
	p.fd = screen[0];
	while (!strstr(out, "IBM") && len < sizeof(out) - 1) {
		cr_assert_eq(write(keys[1], "HAL\n", 4), 4);
		if (!poll(&p, 1, 1000))
			continue;
		n = read(screen[0], out + len, sizeof(out) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		out[len] = '\0';
	}
	/* Its end would be the guest's. */
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	close(keys[1]);
	close(screen[0]);
	cr_assert_not_null(strstr(out, "IBM"), "%s", out);
}

Test(control, talks_to_a_guest)
{
	char out[256];

	call_guest(".");
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
	cr_assert_eq(sh("gh-runner kick e" ASK, out, sizeof(out)), 1);
	cr_assert_not_null(strstr(out, "guest 'e' does not run any more: stopped"), "%s", out);
	cr_assert_eq(sh("gh-runner stop e" ASK, out, sizeof(out)), 0, "%s", out);
	cr_assert_eq(sh("gh-runner stop d" ASK, out, sizeof(out)), 0);
	cr_assert_eq(waitpid(runner, &status, 0), runner);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1, "stopped guests have not passed");
	cr_assert_eq(access(CONTROL, F_OK), -1, "the socket is left behind");
	cr_assert_eq(sh("gh-runner ps" ASK, out, sizeof(out)), 1);
	cr_assert_not_null(strstr(out, "no gh-runner listens there"), "%s", out);
	nobody();
}

/* What was killed leaves its sockets behind; the next one is not kept from them. */
Test(control, starts_again_after_it_was_killed)
{
	char out[4096];

	kill(runner, SIGKILL);
	cr_assert_eq(waitpid(runner, NULL, 0), runner);
	cr_assert_eq(access(CONTROL, F_OK) | access(CONSOLE, F_OK), 0, "they are gone by themselves");
	start();
	await_control();
	/* A third one is, for these are in use. */
	cr_assert_eq(sh("gh-runner run --quiet --guest=image=/root/guests/demo.bin --control="
			CONTROL " 2>&1", out, sizeof(out)), 2, "%s", out);
	cr_assert_not_null(strstr(out, "Address already in use; a program listens there"), "%s",
			   out);
	cr_assert_eq(sh("gh-runner ps" ASK, out, sizeof(out)), 0, "%s", out);
}

/* A terminal that is closed ends it in order. */
Test(control, hang_up)
{
	int status;

	kill(runner, SIGHUP);
	/* One guest looks whether it shall stop, and the other does not. */
	sleep(1);
	kill(runner, SIGHUP);
	cr_assert_eq(waitpid(runner, &status, 0), runner);
	cr_assert(WIFEXITED(status), "it was killed by signal %d", WTERMSIG(status));
	cr_assert_eq(access(CONTROL, F_OK), -1, "the socket is left behind");
	cr_assert_eq(access(CONSOLE, F_OK), -1, "the console is left behind");
	nobody();
}

/* The console's path is of the directory where the run was started. */
Test(control, console_of_another_directory)
{
	kill(runner, SIGKILL);
	waitpid(runner, NULL, 0);
	unlink(CONSOLE);
	cr_assert_eq(chdir("/tmp"), 0);
	console = "control.console";
	start();
	await_control();
	call_guest("/");
}

/*
 * Evenly, from the start on. Those whose console is a line of their own stay where they
 * were put, whatever they do until the look.
 */
Test(control, guests_are_spread)
{
	unsigned int on[2] = { 0 }, vcpus, member, cpu, n = 0;
	char out[4096], name[32], state[16], *line;

	kill(runner, SIGKILL);
	waitpid(runner, NULL, 0);
	runner = fork();
	if (!runner) {
		execl("/bin/gh-runner", "gh-runner", "run", "--quiet", rn_backend_option(),
		      "--control=" CONTROL,
		      "--cpus=2",
		      "--guest=image=/root/guests/demo.bin,name=a,count=4,vcpus=2,console=pty",
		      "--guest=image=/root/guests/echo.bin,name=e,console=unix:" CONSOLE,
		      "--guest=image=/root/guests/echo.bin,name=f,console=pty", NULL);
		_exit(126);
	}
	await_control();
	cr_assert_eq(sh("gh-runner ps" ASK, out, sizeof(out)), 0, "%s", out);
	for (line = strchr(out, '\n'); line && line[1]; line = strchr(line + 1, '\n'), n++) {
		cr_assert_eq(sscanf(line + 1, "%31s %u %15s %u %u", name, &vcpus, state,
				    &member, &cpu), 5, "%s", out);
		cr_assert_lt(member, 2U, "%s", out);
		cr_assert_eq(cpu, member, "each runner has a CPU of its own: %s", out);
		on[member] += vcpus;
	}
	cr_assert_eq(n, 6U, "%s", out);
	cr_assert_eq(on[0], 5U, "%s", out);
	cr_assert_eq(on[1], 5U, "%s", out);
	/* The consoles are where their guests are. */
	call_guest(".");
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
