// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * top and console in a terminal: what is drawn, which keys go where, and that the
 * terminal is put back on each way out.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>
#include <unistd.h>

#include "fixture.h"

TestSuite(cli_terminal, .init = cli_begin, .fini = cli_end, .timeout = 60);

#define PATIENCE_MS	10000

static int tty;
static pid_t pid;
static struct termios before;
static char got[65536];
static size_t got_len;

/* The command has a terminal of its own of 10 lines with 60 columns. */
static void start(int (*command)(const char *name, int argc, char **argv), const char *name,
		  const char *arg)
{
	const struct winsize size = { .ws_row = 10, .ws_col = 60 };
	char *argv[] = { "gh-runner", "--control=control", (char *)arg, NULL };
	int slave;

	cr_assert_eq(openpty(&tty, &slave, NULL, NULL, &size), 0);
	cr_assert_eq(tcgetattr(slave, &before), 0);
	got_len = 0;
	memset(got, 0, sizeof(got));
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		close(tty);
		login_tty(slave);
		_exit(command(name, arg ? 3 : 2, argv));
	}
	/* Open, so that its settings can be looked at in the end. */
}

/* Reads until @text has come. */
static void expect(const char *text)
{
	struct pollfd p = { .fd = tty, .events = POLLIN };
	ssize_t n;

	while (!strstr(got, text)) {
		cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1, "no '%s' in '%s'", text, got);
		n = read(tty, got + got_len, sizeof(got) - 1 - got_len);
		cr_assert_gt(n, 0, "'%s' in '%s': %s", text, got, strerror(errno));
		got_len += (size_t)n;
		got[got_len] = '\0';
	}
}

static struct termios settings(void)
{
	struct termios now;

	cr_assert_eq(tcgetattr(tty, &now), 0);
	return now;
}

static bool is_put_back(void)
{
	struct termios now = settings();

	return now.c_lflag == before.c_lflag && now.c_iflag == before.c_iflag &&
	       now.c_oflag == before.c_oflag;
}

static int finish(void)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- console --------------------------------------------------------------------------- */

static int guest;
static pid_t control;

/* "g" has a console, and somebody is at it: @guest is the other end. */
static void at_console(void)
{
	const char *answer;
	struct listener l;
	char path[80];

	snprintf(path, sizeof(path), "%s/con\n", cli_dir);
	answer = cli_answer("ok", path);
	control = cli_serve(&answer, 1);
	cr_assert_eq(listener_open(&l, "con"), 0);
	fcntl(l.fd, F_SETFL, 0);
	start(cmd_console, "console", "g");
	guest = accept(l.fd, NULL, NULL);
	cr_assert_geq(guest, 0);
	cli_served(control);
	listener_close(&l);
	expect("Ctrl-] leaves it");
	cr_assert_eq(write(guest, "login: ", 7), 7);
	expect("login: ");
	cr_assert_not(settings().c_lflag & (ISIG | ICANON | ECHO), "keys do not go to the guest");
}

static void guest_gets(const char *keys)
{
	char buf[64] = "";
	size_t len = 0;
	ssize_t n;

	while (len < strlen(keys)) {
		n = read(guest, buf + len, sizeof(buf) - 1 - len);
		cr_assert_gt(n, 0, "'%s'", buf);
		len += (size_t)n;
	}
	cr_assert_str_eq(buf, keys);
}

Test(cli_terminal, console_keys)
{
	at_console();
	/* Ctrl-C, Ctrl-Z, Ctrl-D, return. */
	cr_assert_eq(write(tty, "a\003\032\004\r", 5), 5);
	guest_gets("a\003\032\004\r");
	cr_assert_eq(write(tty, "b\035c", 3), 3);
	guest_gets("b");
	expect("left the console");
	cr_assert_eq(finish(), CLI_OK);
	cr_assert(is_put_back());
	cr_assert_eq(read(guest, got, 1), 0, "a key behind Ctrl-] has come");
}

Test(cli_terminal, console_hang_up)
{
	at_console();
	close(guest);
	expect("the guest has hung up");
	cr_assert_eq(finish(), CLI_OK);
	cr_assert(is_put_back());
}

/* Also while nobody takes its keys. */
Test(cli_terminal, console_escape_from_a_guest_that_is_stuck)
{
	char keys[512];
	int i, none = 0;

	at_console();
	memset(keys, 'k', sizeof(keys));
	fcntl(tty, F_SETFL, O_NONBLOCK);
	/* Until the socket between is full. */
	for (i = 0; i < 4096 && none < 20; i++) {
		if (write(tty, keys, sizeof(keys)) > 0)
			none = 0;
		else
			none++;
		if (none)
			usleep(1000);
	}
	do {
		i = (int)write(tty, "\035", 1);
		usleep(1000);
	} while (i != 1);
	fcntl(tty, F_SETFL, 0);
	cr_assert_eq(finish(), CLI_OK);
	cr_assert(is_put_back());
}

Test(cli_terminal, console_signals)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		at_console();
		kill(pid, signals[i]);
		cr_expect_eq(finish(), CLI_OK, "signal %d", signals[i]);
		cr_expect(is_put_back(), "signal %d", signals[i]);
		close(tty);
		close(guest);
	}
}

/* ---- top ------------------------------------------------------------------------------- */

/* Thirty guests; @looks says how many answers. */
static void serve_many(unsigned int looks)
{
	static char text[8][4096];
	const char *answers[8];
	unsigned int i, j;
	size_t n;

	for (i = 0; i < looks; i++) {
		n = (size_t)sprintf(text[i], "now=%u000000000 cpu=1 up=5000000000 exits=%u enters=1 "
				    "vcpus=30 runnable=0 parked=30 runners=1\n", i + 1, i);
		for (j = 0; j < 30; j++)
			n += (size_t)sprintf(text[i] + n, "guest%u running 1 0 - %u %u 0 0 0\n", j,
					     i * j, i * j);
		answers[i] = cli_answer("ok", text[i]);
	}
	control = cli_serve(answers, looks);
}

/* A frame begins with "go home" and ends with "clear below"; the next may have begun. */
static unsigned int lines_of_a_frame(void)
{
	char *frame = strstr(got, "\033[H"), *end = frame ? strstr(frame, "\033[J") : NULL;
	unsigned int n = 1;

	cr_assert_not_null(end, "%s", got);
	while ((frame = strchr(frame, '\n')) && frame < end) {
		frame++;
		n++;
	}
	return n;
}

static void ends_by(const char *key, int sig)
{
	serve_many(2);
	start(cmd_top, "top", "-d0.2");
	expect("\033[?1049h");
	expect("... and 25 more");
	expect("guest29");
	expect("\033[J");
	/* Ten lines, no more, and none wider than the screen. */
	cr_expect_eq(lines_of_a_frame(), 10U, "'%s'", got);
	cr_expect_null(strstr(got, "ENTRIES"), "%s", got);
	cr_expect_not(settings().c_lflag & (ICANON | ECHO));
	if (key)
		cr_assert_eq(write(tty, key, 1), 1);
	else
		kill(pid, sig);
	/* Whatever comes first: the runner is gone after the second look, or it ended. */
	expect("\033[?1049l");
	finish();
	cr_expect(is_put_back());
	kill(control, SIGKILL);
	waitpid(control, NULL, 0);
	unlink("control");
	close(tty);
	memset(got, 0, sizeof(got));
}

Test(cli_terminal, top_draws_and_puts_back)
{
	ends_by("q", 0);
	ends_by("\003", 0);
	ends_by(NULL, SIGTERM);
	ends_by(NULL, SIGHUP);
}

Test(cli_terminal, top_ends_by_itself)
{
	char *end;

	serve_many(3);
	start(cmd_top, "top", "-n2");
	expect("\033[?1049l");
	/* The last table stays: all of it. Some may have come by now. */
	end = strstr(got, "\033[?1049l");
	got_len -= (size_t)(end - got);
	memmove(got, end, got_len + 1);
	expect("guest0 ");
	cr_assert_eq(finish(), CLI_OK);
	cr_assert(is_put_back());
	cli_served(control);
}

/* The error is to be seen on the screen that is put back. */
Test(cli_terminal, top_tells_that_the_runner_is_gone)
{
	char *end, *error;

	serve_many(1);
	start(cmd_top, "top", "-d0.1");
	expect("no gh-runner listens there");
	end = strstr(got, "\033[?1049l");
	error = strstr(got, "no gh-runner listens there");
	cr_assert(end && end < error, "%s", got);
	cr_assert_eq(finish(), CLI_FAILED);
	cr_assert(is_put_back());
	cli_served(control);
}

Test(cli_terminal, top_is_drawn_anew)
{
	const struct winsize size = { .ws_row = 20, .ws_col = 100 };

	serve_many(1);
	start(cmd_top, "top", "-d60");
	expect("rates follow");
	expect("... and 25 more");
	cr_assert_eq(ioctl(tty, TIOCSWINSZ, &size), 0);
	expect("... and 15 more");
	expect("ENTRIES/s");
	cr_assert_eq(write(tty, "q", 1), 1);
	cr_assert_eq(finish(), CLI_OK);
	cli_served(control);
}
