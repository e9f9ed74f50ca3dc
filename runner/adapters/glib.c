// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * GLib: a source that is ready when the runner is, but whose guests do not run in two turns
 * of the loop one after the other. Of sources that are ready together GLib calls the one
 * first that was attached first: a timer that is due would wait for a second batch.
 */
#include <gh-runner/glib.h>
#include <glib-unix.h>

/* @ran: guests, in the last turn; @rest: they do not in this one, whatever the fd says */
struct source {
	GSource base;
	struct gh_runner *runner;
	unsigned int budget;
	gboolean ran, rest;
	gpointer tag;
};

static gboolean source_prepare(GSource *base, gint *timeout)
{
	struct source *s = (struct source *)base;
	uint64_t ns = gh_runner_timeout_ns(s->runner), ms = ns / 1000000 + !!(ns % 1000000);

	s->rest = s->ran;
	s->ran = FALSE;
	*timeout = ns == UINT64_MAX ? -1 : (gint)MIN(s->rest ? 0 : ms, G_MAXINT);
	return !ns && !s->rest;
}

static gboolean source_check(GSource *base)
{
	struct source *s = (struct source *)base;

	return !s->rest &&
	       (g_source_query_unix_fd(base, s->tag) || !gh_runner_timeout_ns(s->runner));
}

static gboolean source_dispatch(GSource *base, GSourceFunc callback, gpointer data)
{
	gboolean (*failed)(int error, gpointer data);
	struct source *s = (struct source *)base;
	int ret = gh_runner_dispatch(s->runner, s->budget);

	if (ret >= 0 && !s->rest) {
		s->ran = !gh_runner_timeout_ns(s->runner);
		ret = gh_runner_prepare(s->runner);
	}
	if (ret >= 0)
		return G_SOURCE_CONTINUE;
	failed = (gboolean (*)(int, gpointer))(void *)callback;
	return failed ? failed(ret, data) : G_SOURCE_REMOVE;
}

static GSourceFuncs functions = {
	.prepare = source_prepare,
	.check = source_check,
	.dispatch = source_dispatch,
};

int gh_glib_source_new(struct gh_runner *runner, unsigned int budget, GSource **source)
{
	int fd = gh_runner_fd(runner);
	struct source *s;

	*source = NULL;
	if (fd < 0)
		return fd;
	*source = g_source_new(&functions, sizeof(*s));
	g_source_set_name(*source, "gh-runner");
	s = (struct source *)*source;
	s->runner = runner;
	s->budget = budget;
	s->tag = g_source_add_unix_fd(*source, fd, G_IO_IN);
	return 0;
}
