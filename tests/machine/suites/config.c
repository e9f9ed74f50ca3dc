// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-runner run FILE: what a file starts, and what is said of a wrong one.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"

#define CONFIG_FILE	"/tmp/guests.conf"
#define OPTION_JSON	"/tmp/option.json"
#define FILE_JSON	"/tmp/file.json"

TestSuite(config, .init = gt_begin, .fini = gt_end, .timeout = GT_TIMEOUT);

static char out[8192];

/* Exit status of a run of this file with options; its output is in @out. */
static int run_with(const char *options, const char *text)
{
	FILE *f = fopen(CONFIG_FILE, "w");
	char line[256];
	size_t n;
	int status;

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
	snprintf(line, sizeof(line), "gh-runner run %s " CONFIG_FILE " 2>&1", options);
	f = popen(line, "r");
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	status = pclose(f);
	unlink(CONFIG_FILE);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run(const char *text)
{
	return run_with("", text);
}

static bool said(const char *text)
{
	return strstr(out, text);
}

/* Of an error: it begins with file and line, and goes on like this. */
static bool said_of_line(unsigned int line, const char *text)
{
	char begin[256];

	snprintf(begin, sizeof(begin), CONFIG_FILE ":%u: %s", line, text);
	return !strncmp(out, begin, strlen(begin));
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
	cr_assert(said_of_line(3, "syntax error"), "%s", out);
	cr_assert_eq(run("seconds = 1;\n\nspeed = 4;\n"), 2);
	cr_assert(said_of_line(3, "speed: there is no such setting; there are seconds"), "%s", out);
	cr_assert_eq(run("guests = 5;\n"), 2);
	cr_assert(said_of_line(1, "guests: a list in parentheses is needed"), "%s", out);
	cr_assert_eq(run("seconds = 1;\n"), 2);
	cr_assert(said("neither"), "%s", out);
}

Test(config, names_the_guest_of_what_is_wrong)
{
	cr_assert_eq(run("guests = (\n  { name = \"a\"; " DEMO "\n    vcpus = true; }\n);\n"), 2);
	cr_assert(said_of_line(3, "guest 'a': vcpus: a number"), "%s", out);
	cr_assert_eq(run("guests = (\n  { name = \"a\"; " DEMO
			 "\n    memory = \"4X\"; }\n);\n"), 2);
	cr_assert(said_of_line(3, "guest 'a': memory: '4X' is not a number (with K, M or G)"),
		  "%s", out);
	cr_assert_eq(run("guests = (\n  { name = \"a\"; }\n);\n"), 2);
	cr_assert(said_of_line(2, "guest 'a': there is no image; add image"), "%s", out);
	cr_assert_eq(run("guests = (\n  { name = \"a\"; colour = 1; }\n);\n"), 2);
	cr_assert(said_of_line(2, "guest 'a': colour: there is no such setting; a guest has"),
		  "%s", out);
}

/* What only the start finds out is of a line too; nothing goes on running. */
Test(config, names_the_line_of_what_cannot_start)
{
	cr_assert_eq(run("guests = (\n  { name = \"a\"; image = \"/nowhere\"; }\n);\n"), 2);
	cr_assert(said_of_line(2, "guest 'a': image '/nowhere': No such file"), "%s", out);
	cr_assert_eq(run("guests = (\n\n  { name = \"a\"; " DEMO "memory = \"3M\"; }\n);\n"), 2);
	cr_assert(said_of_line(3, "guest 'a': "), "%s", out);
	cr_assert(said("Invalid argument; "), "%s", out);
	cr_assert_eq(run("guests = (\n  { name = \"a\"; " DEMO "},\n  { name = \"a\"; " DEMO
			 "}\n);\n"), 2);
	cr_assert(said_of_line(3, "guest 'a': name 'a': another guest has it"), "%s", out);
	cr_assert_eq(run("guests = (\n  { name = \"a\"; " DEMO
			 "console = \"file:/nowhere/x\"; }\n);\n"), 2);
	cr_assert(said_of_line(2, "guest 'a': console 'file:/nowhere/x': No such file"), "%s", out);
}

Test(config, option_wins_over_the_file)
{
	cr_assert_eq(run_with("--seconds=1 --backend=uring --json=" OPTION_JSON
			      " --guest=image=/root/guests/demo.bin,name=more",
			      "seconds = 100000; backend = \"threads\"; json = \"" FILE_JSON "\";\n"
			      "guests = ( { name = \"one\"; " DEMO "} );\n"), 0, "%s", out);
	cr_assert(said("2 guests: 2 ok, 0 failed"), "%s", out);
	cr_assert(said("  threads                               1\n"), "%s", out);
	cr_assert_eq(access(OPTION_JSON, F_OK), 0);
	cr_assert_eq(access(FILE_JSON, F_OK), -1, "the file's setting was used");
	unlink(OPTION_JSON);
	/* A setting that cannot be is said also where it would not be used. */
	cr_assert_eq(run_with("--seconds=1", "seconds = \"soon\";\n"), 2);
	cr_assert(said_of_line(1, "seconds: 'soon' is not a number"), "%s", out);
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
