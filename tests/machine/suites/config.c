// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-runner run FILE: what a file starts, and what is said of a wrong one.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"

#define CONFIG_FILE	"/tmp/guests.conf"

TestSuite(config, .init = gt_begin, .fini = gt_end, .timeout = GT_TIMEOUT);

static char out[8192];

/* Exit status of a run of this file; its output is in @out. */
static int run(const char *text)
{
	FILE *f = fopen(CONFIG_FILE, "w");
	size_t n;
	int status;

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
	f = popen("gh-runner run " CONFIG_FILE " 2>&1", "r");
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	status = pclose(f);
	unlink(CONFIG_FILE);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool said(const char *text)
{
	return strstr(out, text);
}

#define DEMO	"image = \"/root/guests/demo.bin\"; "

Test(config, starts_what_it_says)
{
	cr_assert_eq(run("seconds = 1; # short\n"
			 "backend = \"threads\";\n"
			 "guests = (\n"
			 "  { name = \"one\"; " DEMO "memory = \"4M\"; param0 = 2; },\n"
			 "  { name = \"many\"; " DEMO "count = 3; vcpus = 2; }\n"
			 ");\n"), 0, "%s", out);
	cr_assert(said("4 guests: 4 ok, 0 failed"), "%s", out);
	cr_assert(said("[one] hello"), "%s", out);
	cr_assert(said("[many2] hello"), "%s", out);
}

Test(config, names_the_line_of_what_is_wrong)
{
	cr_assert_eq(run("seconds = 1;\nguests = ( {\n"), 2);
	cr_assert(said(CONFIG_FILE ":"), "%s", out);
	cr_assert(said("syntax error"), "%s", out);
	cr_assert_eq(run("seconds = 1;\n\nspeed = 4;\n"), 2);
	cr_assert(said(CONFIG_FILE ":3: setting 'speed'"), "%s", out);
	cr_assert_eq(run("guests = (\n  { name = \"a\"; " DEMO "\n    vcpus = true; }\n);\n"), 2);
	cr_assert(said(CONFIG_FILE ":3: setting 'vcpus' of guest 'a'"), "%s", out);
	cr_assert_eq(run("guests = (\n  { name = \"a\"; " DEMO
			 "\n    memory = \"4X\"; }\n);\n"), 2);
	cr_assert(said("'4X' is not a number"), "%s", out);
	cr_assert(said(CONFIG_FILE ":3: setting 'memory' of guest 'a'"), "%s", out);
	cr_assert_eq(run("guests = (\n  { name = \"a\"; }\n);\n"), 2);
	cr_assert(said(CONFIG_FILE ":2: "), "%s", out);
	cr_assert_eq(run("guests = 5;\n"), 2);
	cr_assert(said(CONFIG_FILE ":1: setting 'guests'"), "%s", out);
	cr_assert_eq(run("seconds = 1;\n"), 2);
	cr_assert(said("neither"), "%s", out);
}

Test(config, file_that_is_not_there)
{
	int status = system("gh-runner run /nowhere.conf > " CONFIG_FILE " 2>&1");
	FILE *f = fopen(CONFIG_FILE, "r");

	cr_assert_eq(WEXITSTATUS(status), 2);
	cr_assert_not_null(fgets(out, sizeof(out), f));
	fclose(f);
	cr_assert(said("/nowhere.conf: No such file"), "%s", out);
	unlink(CONFIG_FILE);
}
