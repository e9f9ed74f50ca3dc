// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A user's program for the installed libgh-runner-glib. */
#include <gh-runner/glib.h>

int main(void)
{
	struct gh_runner *runner;
	GSource *source;

	if (gh_runner_create(NULL, &runner, NULL))
		return 0;
	if (gh_glib_source_new(runner, 0, &source) || !g_source_attach(source, NULL))
		return 1;
	g_main_context_iteration(NULL, FALSE);
	g_source_destroy(source);
	g_source_unref(source);
	return gh_runner_destroy(runner) ? 1 : 0;
}
