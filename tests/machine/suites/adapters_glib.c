// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <gh-runner/glib.h>
#include <glib-unix.h>

#include "adapters.h"

/* The source has its next time when this returns, counted from when the loop looked. */
static gboolean on_tick(gpointer data)
{
	tick(data, (uint64_t)g_source_get_ready_time(g_main_current_source()) * 1000);
	return G_SOURCE_CONTINUE;
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data)
{
	(void)fd;
	(void)condition;
	echo(data);
	return G_SOURCE_CONTINUE;
}

static gboolean on_failed(int error, gpointer data)
{
	(void)data;
	cr_assert_fail("%s", strerror(-error));
	return G_SOURCE_REMOVE;
}

static void run_glib(struct world *w, struct gh_runner *runner, int socket, bool runner_first)
{
	GMainContext *context;
	GSource *sources[3];
	unsigned int i;

	context = g_main_context_new();
	sources[0] = g_timeout_source_new(TICK_NS / 1000000);
	g_source_set_callback(sources[0], on_tick, w, NULL);
	sources[1] = g_unix_fd_source_new(socket, G_IO_IN);
	g_source_set_callback(sources[1], G_SOURCE_FUNC(on_readable), w, NULL);
	cr_assert_eq(gh_glib_source_new(runner, 64, &sources[2]), 0);
	g_source_set_callback(sources[2], G_SOURCE_FUNC(on_failed), NULL, NULL);
	/* Each goes behind those that are there. */
	for (i = 0; i < 3; i++)
		g_source_attach(sources[runner_first ? 2 - i : i], context);
	while (!done(w))
		g_main_context_iteration(context, TRUE);
	for (i = 0; i < 3; i++) {
		g_source_destroy(sources[i]);
		g_source_unref(sources[i]);
	}
	g_main_context_unref(context);
}

/* ---- a ring that fails ---------------------------------------------------------------- */

static unsigned int ticks, turns;
static int code;

static gboolean on_plain_tick(gpointer data)
{
	(void)data;
	ticks++;
	return G_SOURCE_CONTINUE;
}

static gboolean on_ring_error(int error, gpointer data)
{
	(void)data;
	cr_assert_eq(code, 0, "told twice");
	code = error;
	return G_SOURCE_REMOVE;
}

static unsigned int fail_glib(struct gh_runner *runner)
{
	GMainContext *context = g_main_context_new();
	GSource *sources[2];
	unsigned int i;

	cr_assert_eq(gh_glib_source_new(runner, 64, &sources[0]), 0);
	g_source_set_callback(sources[0], G_SOURCE_FUNC(on_ring_error), NULL, NULL);
	sources[1] = g_timeout_source_new(TICK_NS / 1000000);
	g_source_set_callback(sources[1], on_plain_tick, NULL, NULL);
	for (i = 0; i < 2; i++)
		g_source_attach(sources[i], context);
	while (ticks < 10) {
		g_main_context_iteration(context, TRUE);
		turns += code < 0;
	}
	cr_assert_lt(code, 0);
	cr_assert(g_source_is_destroyed(sources[0]));
	g_source_destroy(sources[1]);
	for (i = 0; i < 2; i++)
		g_source_unref(sources[i]);
	g_main_context_unref(context);
	return turns;
}

const struct loop loop_glib = { .name = "GLib", .run = run_glib, .fail = fail_glib };
