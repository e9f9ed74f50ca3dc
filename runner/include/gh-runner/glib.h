/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A runner as a GSource of a GLib main context: libgh-runner-glib.
 */
#ifndef GH_RUNNER_GLIB_H
#define GH_RUNNER_GLIB_H

#include <glib.h>

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The source's callback is optional: gboolean (*)(int error, gpointer data), called
 * when the ring failed with -errno. The source is removed unless it returns
 * G_SOURCE_CONTINUE.
 *
 * A source to attach to the context of the runner's thread. The runner is borrowed
 * until the source is destroyed. While guests compute the source is ready in every
 * second turn of the loop; in the others it is the turn of all other sources, also of
 * those with a lower priority.
 */
int gh_glib_source_new(struct gh_runner *runner, unsigned int budget, GSource **source);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_GLIB_H */
