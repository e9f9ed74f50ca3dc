// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <gh-runner/sd-event.h>
#include <sys/epoll.h>

#include "adapters.h"

static int on_tick(sd_event_source *source, uint64_t usec, void *opaque)
{
	tick(opaque, usec * 1000);
	sd_event_source_set_time(source, (gh_now_ns() + TICK_NS) / 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *opaque)
{
	(void)source;
	(void)fd;
	(void)revents;
	echo(opaque);
	return 0;
}

static void run_sd_event(struct world *w, struct gh_runner *runner, int socket, bool runner_first)
{
	sd_event_source *timer = NULL, *io = NULL;
	struct gh_sd_event adapter;
	sd_event *event = NULL;

	cr_assert_geq(sd_event_new(&event), 0);
	if (runner_first)
		cr_assert_eq(gh_sd_event_add(&adapter, event, runner, 64), 0);
	cr_assert_geq(sd_event_add_time(event, &timer, CLOCK_MONOTONIC,
					(gh_now_ns() + TICK_NS) / 1000, 1, on_tick, w), 0);
	cr_assert_geq(sd_event_add_io(event, &io, socket, EPOLLIN, on_readable, w), 0);
	if (!runner_first)
		cr_assert_eq(gh_sd_event_add(&adapter, event, runner, 64), 0);
	while (!done(w)) {
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
		cr_assert_eq(sd_event_source_get_enabled(adapter.io, NULL), 1, "the ring failed");
	}
	gh_sd_event_remove(&adapter);
	sd_event_source_unref(timer);
	sd_event_source_unref(io);
	sd_event_unref(event);
}

/* ---- a ring that fails ---------------------------------------------------------------- */

static unsigned int ticks, turns;

static int on_plain_tick(sd_event_source *source, uint64_t usec, void *opaque)
{
	(void)opaque;
	ticks++;
	sd_event_source_set_time(source, usec + TICK_NS / 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static unsigned int fail_sd_event(struct gh_runner *runner)
{
	struct gh_sd_event adapter;
	sd_event_source *timer = NULL;
	sd_event *event = NULL;
	bool failed = false;

	cr_assert_geq(sd_event_new(&event), 0);
	cr_assert_eq(gh_sd_event_add(&adapter, event, runner, 64), 0);
	cr_assert_geq(sd_event_add_time(event, &timer, CLOCK_MONOTONIC,
					(gh_now_ns() + TICK_NS) / 1000, 1, on_plain_tick, NULL), 0);
	while (ticks < 10) {
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
		turns += failed;
		failed = !sd_event_source_get_enabled(adapter.io, NULL);
	}
	cr_assert(failed);
	cr_assert_eq(sd_event_source_get_enabled(adapter.timer, NULL), 0);
	gh_sd_event_remove(&adapter);
	sd_event_source_unref(timer);
	sd_event_unref(event);
	return turns;
}

const struct loop loop_sd_event = {
	.name = "sd-event", .run = run_sd_event, .fail = fail_sd_event,
};
