// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-runner run FILE: what a file starts, and what is said of a wrong one.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gh-runner/filedev.h>
#include <gh-runner/power.h>
#include <gh-runner/testdev-regs.h>

#include "../guests/script.h"
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

/* Names are words: of requests, of tables, of what a shell completes. */
Test(config, names_that_cannot_be)
{
	static const char *const names[] = { "a b", "a,b", "-a", "a\\n", "\\xc3\\x28", "" };
	char text[256];
	unsigned int i;

	for (i = 0; i < GT_ARRAY_SIZE(names); i++) {
		snprintf(text, sizeof(text), "guests = (\n  { name = \"%s\"; " DEMO "}\n);\n",
			 names[i]);
		cr_expect_eq(run(text), 2, "%s", names[i]);
		cr_expect(said_of_line(2, "name"), "%s", out);
		cr_expect(said("it may have letters, digits and"), "%s", out);
	}
	cr_assert_eq(run("guests = (\n  { name = \"a.b_c-d+e:f@1\"; " DEMO
			 "memory = 1; }\n);\n"), 2);
	cr_assert(said_of_line(2, "guest 'a.b_c-d+e:f@1': "), "%s", out);
}

/* ---- devices ------------------------------------------------------------------------- */

#define IMAGE	"/tmp/devices.bin"
#define DISK	"/tmp/devices.disk"
#define UART	((uint64_t)GH_BOARD_UART_BASE)

/* The guest that carries out a list, with its list. */
static void write_image(const struct gs_op *ops, size_t size)
{
	char line[128];
	FILE *f;

	snprintf(line, sizeof(line), "cp /root/guests/script.bin " IMAGE);
	cr_assert_eq(system(line), 0);
	f = fopen(IMAGE, "r+");
	cr_assert_not_null(f);
	cr_assert_eq(fseek(f, GS_OFFSET, SEEK_SET), 0);
	cr_assert_eq(fwrite(ops, size, 1, f), 1U);
	fclose(f);
}

/* It prints what it finds in the clock and in the file, and asks for @request. */
static void write_devices_image(uint32_t request)
{
	const struct gs_op ops[] = {
		/* The first byte of PL031's identification is "1". */
		{ GS_READ, 4, (uint64_t)GH_BOARD_RTC_BASE + 0xfe0 },
		{ GS_ECHO, 4, UART },
		{ GS_READ, 1, (uint64_t)GH_BOARD_FILE_BASE + GH_FILEDEV_DATA },
		{ GS_ECHO, 4, UART },
		{ GS_READ, 1, (uint64_t)GH_BOARD_FILE_BASE + GH_FILEDEV_DATA + 1 },
		{ GS_ECHO, 4, UART },
		{ GS_WRITE, 4, UART, '\n' },
		{ GS_WRITE, 4, GH_BOARD_POWER_BASE, request },
		{ GS_WRITE, 4, UART, 'x' },
	};
	FILE *f = fopen(DISK, "w");

	cr_assert_not_null(f);
	fputs("ok, that is all", f);
	fclose(f);
	write_image(ops, sizeof(ops));
}

#define DEVICES	"image = \"" IMAGE "\"; rtc = true; power = \"yes\"; file = \"" DISK "\"; "

Test(config, devices)
{
	write_devices_image(GH_POWER_OFF);
	cr_assert_eq(run("guests = ( { name = \"d\"; " DEVICES "} );\n"), 0, "%s", out);
	cr_assert(said("[d] 1ok\n"), "%s", out);
	cr_assert(said("1 guests: 1 ok"), "%s", out);
	/* The same on the command line, and on members of a group. */
	cr_assert_eq(run_with("--cpus=2 --guest=image=" IMAGE ",name=c,count=3,rtc=yes,power=yes,"
			      "file=" DISK, "slice-us = 1000;\n"), 0, "%s", out);
	cr_assert(said("[c0] 1ok\n") && said("[c1] 1ok\n") && said("[c2] 1ok\n"), "%s", out);
	cr_assert(said("3 guests: 3 ok"), "%s", out);
}

Test(config, power_device_tells_how_it_ended)
{
	write_devices_image(GH_POWER_FAIL);
	cr_assert_eq(run("guests = ( { name = \"d\"; " DEVICES "} );\n"), 1, "%s", out);
	cr_assert(said("FAILED [d] told its power device that it failed"), "%s", out);
	write_devices_image(GH_POWER_RESET);
	cr_assert_eq(run("guests = ( { name = \"d\"; " DEVICES "} );\n"), 1, "%s", out);
	cr_assert(said("FAILED [d] did not power off: reset"), "%s", out);
}

/* A guest has those only that it was given. */
Test(config, devices_that_are_not_asked_for)
{
	write_devices_image(GH_POWER_OFF);
	cr_assert_eq(run("guests = ( { name = \"d\"; image = \"" IMAGE "\"; rtc = false; "
			 "} );\n"), 0, "%s", out);
	cr_assert(said("[d] ???\n[d] x\n"), "%s", out);
}

Test(config, devices_that_cannot_be)
{
	cr_assert_eq(run("guests = (\n  { " DEMO "\n  rtc = \"maybe\"; }\n);\n"), 2);
	cr_assert(said_of_line(3, "rtc: 'maybe' is neither yes nor no"), "%s", out);
	cr_assert_eq(run("guests = (\n  { " DEMO "\n  file = \"/nowhere\"; }\n);\n"), 2);
	cr_assert(said_of_line(2, "guest 'guest': file '/nowhere': No such file"), "%s", out);
	cr_assert_eq(run("guests = (\n  { " DEMO "\n  file = \"/dev/zero\"; }\n);\n"), 2);
	cr_assert(said_of_line(2, "guest 'guest': file '/dev/zero': it is no regular file"), "%s",
		  out);
}

/* Said once, with the cure; the guests poll and go on. */
Test(config, no_module_for_interrupts)
{
	char *first;

	cr_assert_eq(gt_module_unload("gunyah_irqfd"), 0);
	cr_assert_eq(run_with("--seconds=1", "guests = (\n  { name = \"d\"; " DEMO
			      "count = 2; }\n);\n"), 0, "%s", out);
	first = strstr(out, ":2: guest 'd0': adding an interrupt: ");
	cr_assert_not_null(first, "%s", out);
	first = strstr(first, "; load the module gunyah_irqfd\n");
	cr_assert_not_null(first, "%s", out);
	cr_assert_null(strstr(first, "adding an interrupt"), "%s", out);
	cr_assert_eq(gt_modules_load(), 0);
}

/* Counters and results that cannot be written are a failure; the old file stays. */
Test(config, json_that_cannot_be_written)
{
	cr_assert_eq(run_with("--seconds=1 --json=/dev/full", "guests = ( { " DEMO "} );\n"), 1, "%s",
		     out);
	cr_assert(said("json '/dev/full': No space left on device"), "%s", out);
	cr_assert_eq(run_with("--seconds=1 > /dev/full", "guests = ( { " DEMO "} );\n"), 1);
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
