// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The example programs of the runner, each with a real guest: what they print, and
 * that they end well.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "gt.h"

#define EXAMPLE	"/root/examples/example-"

TestSuite(examples, .init = gt_begin, .fini = gt_end, .timeout = GT_TIMEOUT);

static char out[16384];

/* Exit status; the output is in @out. */
static int run(const char *name, const char *image)
{
	char line[256];
	int status;
	size_t n;
	FILE *f;

	snprintf(line, sizeof(line), EXAMPLE "%s %s 2>&1", name, image);
	f = popen(line, "r");
	cr_assert_not_null(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The guest works for three seconds, in which the loop's own timer fires. */
static void in_loop(const char *name)
{
	const char *tick = "a second has passed\n";
	const char *hello, *ended;

	cr_assert_eq(run(name, "/root/guests/demo.bin"), 0, "%s", out);
	hello = strstr(out, "hello from EL1");
	ended = strstr(out, "guest ended: 1\n");
	cr_assert_not_null(hello, "%s", out);
	cr_assert_not_null(strstr(hello, "done: "), "%s", out);
	cr_assert_not_null(ended, "%s", out);
	cr_assert_not_null(strstr(out, tick), "%s", out);
}

/* An image that is none is refused with its name, and nothing is started. */
static void without_image(const char *name)
{
	cr_assert_neq(run(name, "/nowhere"), 0);
	cr_assert_not_null(strstr(out, "/nowhere"), "%s", out);
	cr_assert_null(strstr(out, "ended"), "%s", out);
	cr_assert_neq(run(name, ""), 0, "%s", out);
}

static void example(const char *name)
{
	in_loop(name);
	without_image(name);
}

Test(examples, minimal)
{
	unsigned long long numbers = 0;

	cr_assert_eq(run("minimal", "/root/guests/demo.bin"), 0, "%s", out);
	cr_assert_eq(sscanf(out, "guest ended: 1, it used %llu numbers", &numbers), 1, "%s", out);
	cr_assert_gt(numbers, 0U);
	cr_assert_neq(run("minimal", "/nowhere"), 0);
}

Test(examples, epoll)
{
	example("epoll");
}

Test(examples, libuv)
{
	example("uv");
}

Test(examples, glib)
{
	example("glib");
}

Test(examples, sd_event)
{
	example("sd-event");
}
