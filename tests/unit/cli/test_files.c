// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Files that are replaced, and standard output.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

TestSuite(cli_files, .init = cli_begin, .fini = cli_end);

static int replace(const char *path, const char *text)
{
	struct replacement r;
	int ret = replace_begin(&r, path);

	if (ret)
		return ret;
	fputs(text, r.file);
	return replace_end(&r);
}

static void is(const char *path, const char *text)
{
	char got[64] = "";
	FILE *f = fopen(path, "r");

	cr_assert_not_null(f);
	if (!fgets(got, sizeof(got), f))
		got[0] = '\0';
	fclose(f);
	cr_assert_str_eq(got, text);
}

static unsigned int count_files(void)
{
	char text[16] = "";
	FILE *f = popen("ls | wc -l", "r");

	cr_assert_not_null(fgets(text, sizeof(text), f));
	pclose(f);
	return (unsigned int)atoi(text);
}

Test(cli_files, replaced_in_one_step)
{
	struct replacement r;
	struct stat st;

	umask(0);
	cr_assert_eq(replace("f", "old"), 0);
	cr_assert_eq(replace_begin(&r, "f"), 0);
	fputs("new", r.file);
	fflush(r.file);
	is("f", "old");
	cr_assert_eq(replace_end(&r), 0);
	is("f", "new");
	cr_assert_eq(stat("f", &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0644U, "%o", st.st_mode);
	cr_assert_eq(count_files(), 1U);
}

/* What cannot be written leaves the old file, and nothing beside it. */
Test(cli_files, failure_leaves_the_old)
{
	const struct rlimit small = { .rlim_cur = 100, .rlim_max = 100 };
	struct replacement r;
	int i;

	cr_assert_eq(replace("f", "old"), 0);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	cr_assert_eq(replace_begin(&r, "f"), 0);
	for (i = 0; i < 10000; i++)
		fputs("line after line\n", r.file);
	cr_assert_lt(replace_end(&r), 0);
	is("f", "old");
	cr_assert_eq(count_files(), 1U);
	cr_assert_eq(replace("nowhere/f", "x"), -ENOENT);
}

/* Names that somebody else has laid out are neither followed nor used. */
Test(cli_files, no_link_is_followed)
{
	char name[64];

	cr_assert_eq(replace("victim", "safe"), 0);
	snprintf(name, sizeof(name), "f.%ld.0", (long)getpid());
	cr_assert_eq(symlink("victim", name), 0);
	snprintf(name, sizeof(name), "f.new");
	cr_assert_eq(symlink("victim", name), 0);
	cr_assert_eq(replace("f", "new"), 0);
	is("f", "new");
	is("victim", "safe");
}

Test(cli_files, device_is_written_to)
{
	struct stat st;

	cr_assert_eq(replace("/dev/full", "x"), -ENOSPC);
	cr_assert_eq(replace("/dev/null", "x"), 0);
	cr_assert_eq(stat("/dev/null", &st), 0);
	cr_assert(S_ISCHR(st.st_mode));
}

static int say(const char *name, int argc, char **argv)
{
	puts("hello");
	return CLI_OK;
}

Test(cli_files, standard_output)
{
	cr_assert_eq(cli_run(say, "say", NULL), CLI_OK);
	cr_assert_str_eq(cli_out, "hello\n");
	cr_assert_eq(cli_run_to("/dev/full", say, "say", NULL), CLI_FAILED);
	cr_assert_str_eq(cli_err, "gh-runner: standard output: No space left on device\n");
}
