// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Commands that ask: what they make of each kind of answer, and of none.
 */
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"

TestSuite(cli_request, .init = cli_begin, .fini = cli_end, .timeout = 60);

#define CONTROL	"--control=control"

static int ps_answered(const char *answer)
{
	pid_t pid = cli_serve(&answer, 1);
	int status = cli_run(cmd_ps, "ps", CONTROL, NULL);

	cli_served(pid);
	return status;
}

Test(cli_request, whole_answer)
{
	cr_assert_eq(ps_answered(cli_answer("ok", "NAME\na\n")), CLI_OK);
	cr_assert_str_eq(cli_out, "NAME\na\n");
	cr_assert_str_empty(cli_err);
	cr_assert_eq(ps_answered("ok 0\n"), CLI_OK);
	cr_assert_str_empty(cli_out);
}

Test(cli_request, error)
{
	cr_assert_eq(ps_answered(cli_answer("error", "no guest has the name 'x'\n")), CLI_FAILED);
	cr_assert_str_empty(cli_out);
	cr_assert_str_eq(cli_err, "gh-runner: no guest has the name 'x'\n");
}

Test(cli_request, cut_off)
{
	static const char * const answers[] = {
		"ok 6\nNAME", "ok 6\n", "ok 6", "ok ", "o", "ok 6\nNAME\na\n", "ok x\nNAME\n",
		"error 90\nno guest", "ok\nNAME\n",
	};
	unsigned int i;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		cr_expect_eq(ps_answered(answers[i]), CLI_FAILED, "'%s'", answers[i]);
		cr_expect_str_empty(cli_out, "'%s' gave '%s'", answers[i], cli_out);
		cr_expect_neq(cli_err[0], '\0', "'%s'", answers[i]);
	}
	ps_answered("ok 6\nNAME");
	cr_assert_not_null(strstr(cli_err, "cut off"), "%s", cli_err);
}

Test(cli_request, somebody_else_answers)
{
	cr_assert_eq(ps_answered("220 smtp ready\n"), CLI_FAILED);
	cr_assert_not_null(strstr(cli_err, "no gh-runner"), "%s", cli_err);
}

Test(cli_request, nobody_listens)
{
	struct listener l;

	cr_assert_eq(cli_run(cmd_ps, "ps", CONTROL, NULL), CLI_FAILED);
	cr_assert_not_null(strstr(cli_err, "control: No such file"), "%s", cli_err);
	cr_assert_not_null(strstr(cli_err, "--control"), "%s", cli_err);
	/* Left behind. */
	cr_assert_eq(listener_open(&l, "control"), 0);
	close(l.fd);
	free(l.path);
	cr_assert_eq(cli_run(cmd_ps, "ps", CONTROL, NULL), CLI_FAILED);
	cr_assert_not_null(strstr(cli_err, "Connection refused"), "%s", cli_err);
}

Test(cli_request, no_answer)
{
	struct listener l;

	request_patience_ms = 200;
	cr_assert_eq(listener_open(&l, "control"), 0);
	cr_assert_eq(cli_run(cmd_ps, "ps", CONTROL, NULL), CLI_FAILED);
	cr_assert_not_null(strstr(cli_err, "no answer"), "%s", cli_err);
	listener_close(&l);
}

Test(cli_request, output_that_cannot_be_written)
{
	const char *answer = cli_answer("ok", "mmio_reads 1\n");
	pid_t pid = cli_serve(&answer, 1);

	cr_assert_eq(cli_run_to("/dev/full", cmd_stats, "stats", CONTROL, NULL), CLI_FAILED);
	cr_assert_not_null(strstr(cli_err, "No space left"), "%s", cli_err);
	cli_served(pid);
	cr_assert_eq(cli_run_to("/dev/full", cmd_stats, "stats", "--help", NULL), CLI_FAILED);
	pid = cli_serve(&answer, 1);
	cr_assert_eq(cli_run(cmd_stats, "stats", CONTROL, "--output=/dev/full", NULL), CLI_FAILED);
	cr_assert_not_null(strstr(cli_err, "output '/dev/full': No space left"), "%s", cli_err);
	cli_served(pid);
}

/* An option that means nothing to a command is refused, and so is a name that none has. */
Test(cli_request, usage)
{
	static const char * const of_stats[] = { "--json", "--openmetrics", "--output=f" };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		cr_expect_eq(cli_run(cmd_ps, "ps", of_stats[i], NULL), CLI_USAGE);
		cr_expect_eq(cli_run(cmd_guest, "kick", "a", of_stats[i], NULL), CLI_USAGE);
		cr_expect_eq(cli_run(cmd_guest, "stop", "a", of_stats[i], NULL), CLI_USAGE);
		cr_expect_eq(cli_run(cmd_top, "top", of_stats[i], NULL), CLI_USAGE);
		cr_expect_eq(cli_run(cmd_console, "console", "a", of_stats[i], NULL), CLI_USAGE);
	}
	cr_expect_eq(cli_run(cmd_guest, "kick", "a b", NULL), CLI_USAGE);
	cr_expect_eq(cli_run(cmd_guest, "kick", "a\nps", NULL), CLI_USAGE);
	cr_expect_eq(cli_run(cmd_guest, "kick", NULL), CLI_USAGE);
	cr_expect_not_null(strstr(cli_err, "the name of a guest is missing"), "%s", cli_err);
	cr_expect_eq(cli_run(cmd_guest, "kick", "a", "b", NULL), CLI_USAGE);
	cr_expect_not_null(strstr(cli_err, "unexpected argument 'b'"), "%s", cli_err);
	cr_expect_eq(cli_run(cmd_ps, "ps", "a", NULL), CLI_USAGE);
	cr_expect_eq(cli_run(cmd_top, "top", "-d", "soon", NULL), CLI_USAGE);
	cr_expect_eq(cli_run(cmd_top, "top", "-n", "0", NULL), CLI_USAGE);
	cr_expect_eq(cli_run(cmd_top, "top", "--sort=size", NULL), CLI_USAGE);
	/* What follows -- is no option. */
	cr_expect_eq(cli_run(cmd_guest, "kick", "--", "--json", NULL), CLI_USAGE);
	cr_expect_not_null(strstr(cli_err, "no guest can have the name '--json'"), "%s", cli_err);
}

/* ---- top ------------------------------------------------------------------------------- */

#define ALL(now, exits)	\
	"now=" now " cpu=" now " up=3725000000000 exits=" exits " enters=100 vcpus=3 " \
	"runnable=1 parked=2 runners=2\n"

static const char *const looks[] = {
	ALL("1000000000", "1000")
	"slow running 1 0 0 10 100 50 10 0\nfast running 2 1 1 20 1000 400 20 0\n",
	ALL("3000000000", "3000")
	"slow running 1 0 0 30 120 60 12 0\nfast off 2 1 1 40 3000 800 20 0\n",
};

Test(cli_request, top_makes_rates)
{
	const char *answers[] = { cli_answer("ok", looks[0]), cli_answer("ok", looks[1]) };
	pid_t pid = cli_serve(answers, 2);
	char *fast, *slow;

	cr_assert_eq(cli_run(cmd_top, "top", CONTROL, "-n1", "-d", "0.1", NULL), CLI_OK, "%s",
		     cli_err);
	cli_served(pid);
	cr_assert_not_null(strstr(cli_out, "up 1:02:05, 2 guests, 1 running; 3 vCPUs, 1 runnable"),
			   "%s", cli_out);
	cr_assert_not_null(strstr(cli_out, "CPU 100.0% in 2 runners; 1000 exits/s"), "%s", cli_out);
	fast = strstr(cli_out, "fast         off          2      1    1      1000       200"
		      "         0        10\n");
	slow = strstr(cli_out, "slow         running      1      0    0        10         5"
		      "         1        10\n");
	cr_assert(fast && slow, "%s", cli_out);
	cr_assert_lt(fast, slow, "the busiest comes first");
	cr_assert_null(strchr(cli_out, '\033'), "no terminal is there");
}

Test(cli_request, top_sorts)
{
	const char *answers[] = { cli_answer("ok", looks[0]), cli_answer("ok", looks[1]) };
	pid_t pid = cli_serve(answers, 2);

	cr_assert_eq(cli_run(cmd_top, "top", CONTROL, "-n1", "-d0.1", "--sort=parks", NULL), 0);
	cli_served(pid);
	cr_assert_lt(strstr(cli_out, "slow"), strstr(cli_out, "fast"), "%s", cli_out);
}

Test(cli_request, top_tells_that_the_runner_is_gone)
{
	const char *answer = cli_answer("ok", looks[0]);
	pid_t pid = cli_serve(&answer, 1);

	cr_assert_eq(cli_run(cmd_top, "top", CONTROL, "-d0.1", NULL), CLI_FAILED);
	cr_assert_not_null(strstr(cli_err, "no gh-runner listens"), "%s", cli_err);
	cli_served(pid);
	answer = cli_answer("ok", "something else\n");
	pid = cli_serve(&answer, 1);
	cr_assert_eq(cli_run(cmd_top, "top", CONTROL, "-d0.1", NULL), CLI_FAILED);
	cr_assert_not_null(strstr(cli_err, "cannot be read"), "%s", cli_err);
	cli_served(pid);
}
