// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A guest in a GLib main loop that also has a timer: example-glib IMAGE
 */
#include <gh-runner/glib.h>
#include <stdlib.h>

#include "guest.h"

static gboolean on_second(gpointer data)
{
	g_print("a second has passed\n");
	return G_SOURCE_CONTINUE;
}

static gboolean on_failed(int error, gpointer data)
{
	g_printerr("the ring failed: %s\n", g_strerror(-error));
	return G_SOURCE_REMOVE;
}

int main(int argc, char **argv)
{
	struct gh_runner *runner;
	struct gh_vm *vm;
	GSource *source;

	if (argc < 2 || gh_runner_create(NULL, &runner, NULL))
		return EXIT_FAILURE;
	vm = example_start(runner, argv[1]);
	if (!vm || gh_glib_source_new(runner, 0, &source))
		return EXIT_FAILURE;
	g_source_set_callback(source, G_SOURCE_FUNC(on_failed), NULL, NULL);
	g_source_attach(source, NULL);
	g_timeout_add(1000, on_second, NULL);
	while (example_running() && !g_source_is_destroyed(source))
		g_main_context_iteration(NULL, TRUE);
	g_source_destroy(source);
	g_source_unref(source);
	example_end(runner, vm);
	return EXIT_SUCCESS;
}
