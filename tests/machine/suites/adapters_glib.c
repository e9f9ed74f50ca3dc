// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <gh-runner/glib.h>
#include <glib-unix.h>

#include "adapters.h"

struct state {
	struct world *w;
	uint64_t due_ns;
};

static gboolean on_tick(gpointer data)
{
	struct state *s = data;

	tick(s->w, s->due_ns);
	s->due_ns = gh_now_ns() + TICK_NS;
	return G_SOURCE_CONTINUE;
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data)
{
	struct state *s = data;

	(void)fd;
	(void)condition;
	echo(s->w);
	return G_SOURCE_CONTINUE;
}

static gboolean on_failed(int error, gpointer data)
{
	(void)data;
	cr_assert_fail("%s", strerror(-error));
	return G_SOURCE_REMOVE;
}

static void run_glib(struct world *w, struct gh_runner *runner, int socket)
{
	struct state s = { .w = w, .due_ns = gh_now_ns() + TICK_NS };
	GMainContext *context;
	GSource *sources[3];
	unsigned int i;

	context = g_main_context_new();
	sources[0] = g_timeout_source_new(TICK_NS / 1000000);
	g_source_set_callback(sources[0], on_tick, &s, NULL);
	sources[1] = g_unix_fd_source_new(socket, G_IO_IN);
	g_source_set_callback(sources[1], G_SOURCE_FUNC(on_readable), &s, NULL);
	cr_assert_eq(gh_glib_source_new(runner, 64, &sources[2]), 0);
	g_source_set_callback(sources[2], G_SOURCE_FUNC(on_failed), NULL, NULL);
	for (i = 0; i < 3; i++)
		g_source_attach(sources[i], context);
	while (!done(w))
		g_main_context_iteration(context, TRUE);
	for (i = 0; i < 3; i++) {
		g_source_destroy(sources[i]);
		g_source_unref(sources[i]);
	}
	g_main_context_unref(context);
}

const struct loop loop_glib = { .name = "GLib", .run = run_glib };
