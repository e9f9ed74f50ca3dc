// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The side of a run: the control socket and consoles, on a runner without guests.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static struct fleet fleet;
static struct member member;

static void begin(void)
{
	cli_begin();
	fleet = (struct fleet) { .nr_members = 1, .members = &member };
	pthread_mutex_init(&fleet.lock, NULL);
	cr_assert_eq(gh_runner_create(NULL, &fleet.runner, NULL), 0);
	member = (struct member) { .runner = fleet.runner, .cpu = -1 };
	signal(SIGPIPE, SIG_IGN);
}

static void end(void)
{
	cr_assert_eq(gh_runner_destroy(fleet.runner), 0);
	cli_end();
}

TestSuite(cli_control, .init = begin, .fini = end, .timeout = 60);

/* One turn of the runner; waits @ms at most. */
static void turn(int ms)
{
	struct pollfd p = { .fd = gh_runner_fd(fleet.runner), .events = POLLIN };
	uint64_t left = gh_runner_timeout_ns(fleet.runner);

	/* Up, so as not to turn until it is due. */
	left = left ? left / 1000000 + 1 : 0;

	cr_assert_eq(gh_runner_prepare(fleet.runner), 0);
	poll(&p, 1, left < (uint64_t)ms ? (int)left : ms);
	cr_assert_geq(gh_runner_dispatch(fleet.runner, 0), 0);
}

/* Until @pid has ended; its exit status. */
static int serve_until(pid_t pid)
{
	int status;

	while (!waitpid(pid, &status, WNOHANG))
		turn(10);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int asked(int (*command)(const char *name, int argc, char **argv), const char *name,
		 const char *arg)
{
	pid_t pid = fork();

	if (!pid) {
		int status = arg ? cli_run(command, name, "--control=control", arg, NULL) :
				   cli_run(command, name, "--control=control", NULL);
		int out = open("kept.out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
		int err = open("kept.err", O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (write(out, cli_out, strlen(cli_out)) < 0 ||
		    write(err, cli_err, strlen(cli_err)) < 0)
			_exit(99);
		_exit(status);
	}
	return serve_until(pid);
}

/* What is in the file of this name. */
static const char *kept(const char *name)
{
	static char text[65536];
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return text;
}

Test(cli_control, requests)
{
	struct control *c;

	cr_assert_eq(control_open(&fleet, "control", &c), 0);
	cr_assert_eq(asked(cmd_ps, "ps", NULL), CLI_OK);
	cr_assert_not_null(strstr(kept("kept.out"), "NAME"));
	cr_assert_eq(asked(cmd_stats, "stats", NULL), CLI_OK);
	cr_assert_not_null(strstr(kept("kept.out"), "\nbatch_ioctls "));
	cr_assert_eq(asked(cmd_stats, "stats", "--json"), CLI_OK);
	cr_assert_not_null(strstr(kept("kept.out"), "\"batches\": 0,"));
	cr_assert_eq(asked(cmd_guest, "kick", "nobody"), CLI_FAILED);
	cr_assert_not_null(strstr(kept("kept.err"), "no guest has the name 'nobody'"));
	cr_assert_eq(asked(cmd_top, "top", "-n1"), CLI_OK);
	cr_assert_not_null(strstr(kept("kept.out"), "0 guests"));
	control_stop(c);
	cr_assert_eq(gh_runner_destroy(fleet.runner), 0);
	control_close(c);
	cr_assert_eq(access("control", F_OK), -1);
	cr_assert_eq(gh_runner_create(NULL, &fleet.runner, NULL), 0);
}

/* A request that is too long, or of another program, ends nothing. */
Test(cli_control, nonsense)
{
	char text[2 * REQUEST_LINE], answer[256];
	struct control *c;
	int fd, i;

	cr_assert_eq(control_open(&fleet, "control", &c), 0);
	memset(text, 'x', sizeof(text));
	fd = socket_dial("control");
	cr_assert_eq(write(fd, text, sizeof(text)), (ssize_t)sizeof(text));
	for (i = 0; i < 20; i++)
		turn(10);
	cr_assert_leq(read(fd, answer, sizeof(answer)), 0);
	close(fd);
	fd = socket_dial("control");
	cr_assert_eq(write(fd, "reboot now\n", 11), 11);
	for (i = 0; i < 20; i++)
		turn(10);
	i = (int)read(fd, answer, sizeof(answer) - 1);
	cr_assert_gt(i, 0);
	answer[i] = '\0';
	cr_assert_not_null(strstr(answer, "there is no request 'reboot'"), "%s", answer);
	close(fd);
	cr_assert_eq(asked(cmd_ps, "ps", NULL), CLI_OK);
	control_stop(c);
	control_close(c);
}

/* Without a descriptor for a client the runner sleeps, and serves it later. */
Test(cli_control, descriptors_run_out)
{
	struct rlimit all, few;
	struct control *c;
	uint64_t until;
	int fd, turns = 0;

	cr_assert_eq(control_open(&fleet, "control", &c), 0);
	turn(10);
	fd = socket_dial("control");
	cr_assert_geq(fd, 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = (struct rlimit) { .rlim_cur = (rlim_t)fd + 1, .rlim_max = all.rlim_max };
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	until = gh_now_ns() + 500000000;
	while (gh_now_ns() < until) {
		turn(100);
		turns++;
	}
	cr_assert_lt(turns, 100, "it turned %d times", turns);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	close(fd);
	cr_assert_eq(asked(cmd_ps, "ps", NULL), CLI_OK);
	control_stop(c);
	control_close(c);
}

/* ---- consoles -------------------------------------------------------------------------- */

static const struct origin at = { .guest = "g" };

static void finish(struct serial *s)
{
	int i;

	for (i = 0; i < 1000 && !serial_finish(s); i++)
		turn(5);
	cr_assert_lt(i, 1000, "it is not written");
}

static void print(struct serial *s, const char *text)
{
	while (*text)
		serial_output(s, (uint8_t)*text++);
}

Test(cli_control, console_file)
{
	char line[64], *text;
	struct serial *s;
	unsigned int i;

	cr_assert_eq(serial_open(fleet.runner, "file:log", &at, &s), 0);
	for (i = 0; i < 2000; i++) {
		snprintf(line, sizeof(line), "line %u of the guest\n", i);
		print(s, line);
		/* Nothing is written in the guest's turn. */
		if (!i)
			cr_assert_str_empty(kept("log"));
		if (i % 50 == 0)
			turn(5);
	}
	print(s, "no end");
	finish(s);
	serial_close(s);
	text = strdup(kept("log"));
	cr_assert(!strncmp(text, "line 0 of the guest\nline 1 of", 29), "%.40s", text);
	cr_assert_not_null(strstr(text, "line 1999 of the guest\nno end"));
	free(text);
}

/* Standard error from here on; it is in the file "err". */
static void keep_errors(void)
{
	int fd = open("err", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

Test(cli_control, console_file_is_full)
{
	struct serial *s;
	int i;

	keep_errors();
	cr_assert_eq(serial_open(fleet.runner, "file:/dev/full", &at, &s), 0);
	for (i = 0; i < 3; i++) {
		print(s, "12345678\n");
		finish(s);
	}
	serial_close(s);
	cr_assert_str_eq(kept("err"), "gh-runner: guest 'g': console 'file:/dev/full': No space left "
			 "on device; what the guest prints is lost meanwhile\n"
			 "gh-runner: guest 'g': console 'file:/dev/full': 27 bytes were lost\n");
}

/* Its reader may come and go. */
Test(cli_control, console_pipe)
{
	char buf[64] = "";
	struct serial *s;
	int fd;

	keep_errors();
	cr_assert_eq(mkfifo("pipe", 0600), 0);
	fd = open("pipe", O_RDONLY | O_NONBLOCK);
	cr_assert_eq(serial_open(fleet.runner, "file:pipe", &at, &s), 0);
	print(s, "one\n");
	finish(s);
	cr_assert_eq(read(fd, buf, sizeof(buf)), 4);
	close(fd);
	print(s, "two\n");
	finish(s);
	fd = open("pipe", O_RDONLY | O_NONBLOCK);
	print(s, "three\n");
	finish(s);
	cr_assert_eq(read(fd, buf, sizeof(buf)), 6);
	cr_assert(!strncmp(buf, "three\n", 6));
	close(fd);
	serial_close(s);
	cr_assert_not_null(strstr(kept("err"), "Broken pipe; what"), "%s", kept("err"));
	cr_assert_not_null(strstr(kept("err"), "4 bytes were lost"), "%s", kept("err"));
}

/* Nobody reads it yet: it does not wait. */
Test(cli_control, console_pipe_without_reader)
{
	char buf[64];
	struct serial *s;
	int fd;

	cr_assert_eq(mkfifo("pipe", 0600), 0);
	cr_assert_eq(serial_open(fleet.runner, "file:pipe", &at, &s), 0);
	print(s, "one\n");
	finish(s);
	fd = open("pipe", O_RDONLY | O_NONBLOCK);
	cr_assert_eq(read(fd, buf, sizeof(buf)), 4);
	close(fd);
	serial_close(s);
}

Test(cli_control, console_socket_is_absolute)
{
	struct serial *s;
	char want[80];

	snprintf(want, sizeof(want), "%s/con", cli_dir);
	cr_assert_eq(serial_open(fleet.runner, "unix:con", &at, &s), 0);
	cr_assert_str_eq(serial_path(s), want);
	serial_close(s);
	cr_assert_eq(access("con", F_OK), -1);
}
