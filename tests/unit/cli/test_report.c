// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What is said of guests at the end, and of a runner that could not be made.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fixture.h"

TestSuite(cli_report, .init = cli_begin, .fini = cli_end);

static struct guest guest;
static struct fleet fleet;
static char text[16384];

static void begin(void)
{
	const struct gh_testdev_config config = { 0 };

	guest = (struct guest) { .fleet = &fleet, .name = "g", .vcpu = -1 };
	fleet = (struct fleet) { .guests = &guest, .nr_guests = 1 };
	cr_assert_eq(gh_testdev_create(&config, &guest.testdev), 0);
}

/* The report of one guest; how many have failed. */
static unsigned int report(void)
{
	char *all;
	size_t size;
	FILE *f = open_memstream(&all, &size);
	unsigned int failed = report_print(&fleet, f);

	fclose(f);
	snprintf(text, sizeof(text), "%s", all);
	free(all);
	gh_testdev_destroy(guest.testdev);
	return failed;
}

static bool said(const char *what)
{
	return strstr(text, what);
}

Test(cli_report, vcpu_and_cause_of_an_error)
{
	begin();
	guest.result = (struct gh_vm_result) { .end = GH_VM_END_ERROR, .error = -EIO };
	guest.vcpu = 3;
	cr_assert_eq(report(), 1U);
	cr_assert(said("FAILED [g] vCPU 3 could not be run: Input/output error; the hypercall"),
		  "%s", text);
	/* What the library knows goes before what the number means. */
	begin();
	guest.result = (struct gh_vm_result) { .end = GH_VM_END_ERROR, .error = -EIO };
	guest.hint = "look at the moon";
	cr_assert_eq(report(), 1U);
	cr_assert(said("vCPU could not be run: Input/output error; look at the moon\n"), "%s",
		  text);
}

Test(cli_report, ends)
{
	begin();
	guest.result.end = GH_VM_END_OFF;
	cr_assert_eq(report(), 0U);
	cr_assert(said("1 guests: 1 ok, 0 failed"), "%s", text);
	begin();
	guest.result.end = GH_VM_END_STOPPED;
	cr_assert_eq(report(), 1U);
	cr_assert(said("did not power off and was stopped"), "%s", text);
	begin();
	guest.result.end = GH_VM_END_CRASHED;
	guest.result.exit_type = 5;
	cr_assert_eq(report(), 1U);
	cr_assert(said("did not power off: crashed (exit type 5)"), "%s", text);
	begin();
	guest.result.end = GH_VM_END_CRASHED;
	guest.result.exit_type = GH_EXIT_TYPE_UNKNOWN;
	cr_assert_eq(report(), 1U);
	cr_assert(said("crashed, or powered off: the resource manager did not say"), "%s", text);
	begin();
	guest.result.end = GH_VM_END_CRASHED;
	guest.asked = GH_POWER_FAIL;
	cr_assert_eq(report(), 1U);
	cr_assert(said("told its power device that it failed"), "%s", text);
}

/* Whatever a name has, JSON is UTF-8. */
Test(cli_report, json_is_clean)
{
	FILE *f;
	size_t n, i;

	begin();
	snprintf(guest.name, sizeof(guest.name), "a\"\\\xc3\x28\x7f\n");
	cr_assert_eq(report_json(&fleet, "j"), 0);
	f = fopen("j", "r");
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	cr_assert(said("\"name\": \"a\\\"\\\\\\u00c3(\\u007f\\u000a\""), "%s", text);
	for (i = 0; i < n; i++)
		cr_assert_lt((unsigned char)text[i], 0x7f);
	gh_testdev_destroy(guest.testdev);
}

Test(cli_report, names)
{
	static const char * const fine[] = { "a", "a0", "_a", ".a", "0", "a-b_c.d+e:f@g" };
	static const char * const wrong[] = { "", "-a", "+a", "a b", "a\n", "a,b", "a/b", "\xc3\xa4",
					      "a\t", "a'b" };
	unsigned int i;

	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		cr_expect(cli_name_is_fine(fine[i]), "'%s'", fine[i]);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(cli_name_is_fine(wrong[i]), "'%s'", wrong[i]);
}

/* No descriptor is left. */
static int run_with_few(const char *name, int argc, char **argv)
{
	rlim_t next = (rlim_t)dup(STDIN_FILENO);
	const struct rlimit few = { .rlim_cur = next, .rlim_max = next };

	close((int)next);
	return setrlimit(RLIMIT_NOFILE, &few) ? 99 : cmd_run(name, argc, argv);
}

/* What fails is called by its name. */
Test(cli_report, threads_that_cannot_be_set_up)
{
	cr_assert_eq(cli_run(run_with_few, "run", "--backend=threads", "--guest=image=/bin/true",
			     NULL), CLI_USAGE, "%s", cli_err);
	cr_assert_not_null(strstr(cli_err, "setting up threads: Too many open files"), "%s",
			   cli_err);
	cr_assert_eq(cli_run(run_with_few, "run", "--backend=uring", "--guest=image=/bin/true",
			     NULL), CLI_USAGE, "%s", cli_err);
	cr_assert_not_null(strstr(cli_err, "setting up the ring: Too many open files"), "%s",
			   cli_err);
}
