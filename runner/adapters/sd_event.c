// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * sd-event: an I/O source, and a timer that is set before the loop sleeps. A turn is one
 * source, any of those that wait longest. Guests run in one of the two only, and stand
 * back after a batch: no source of the caller's waits for two.
 */
#include <gh-runner/sd-event.h>
#include <sys/epoll.h>

static int turn(struct gh_sd_event *a, bool run_guests)
{
	int ret = gh_runner_dispatch(a->runner, a->budget);

	a->ran |= run_guests;
	if (ret >= 0 && run_guests)
		ret = gh_runner_prepare(a->runner);
	if (ret >= 0)
		return 0;
	sd_event_source_set_enabled(a->io, SD_EVENT_OFF);
	sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
	return ret;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *opaque)
{
	return turn(opaque, false);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *opaque)
{
	return turn(opaque, true);
}

static int on_prepare(sd_event_source *io, void *opaque)
{
	struct gh_sd_event *a = opaque;
	uint64_t ns = gh_runner_timeout_ns(a->runner);
	bool others_first = a->ran;
	int64_t priority;
	int ret;

	/* Setting the time of a pending source puts it behind all others: once, after a batch. */
	if (!a->stood_back && sd_event_source_get_pending(a->timer) > 0)
		return 0;
	ret = sd_event_source_get_priority(io, &priority);
	if (ret >= 0)
		ret = sd_event_source_set_priority(a->timer, priority + others_first);
	a->stood_back = others_first;
	a->ran = false;
	if (ret < 0 || ns == UINT64_MAX)
		return ret < 0 ? ret : sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
	ret = sd_event_source_set_time(a->timer, ns ? (gh_now_ns() + ns + 999) / 1000 : 0);
	return ret < 0 ? ret : sd_event_source_set_enabled(a->timer, SD_EVENT_ONESHOT);
}

int gh_sd_event_add(struct gh_sd_event *a, sd_event *event, struct gh_runner *runner,
		    unsigned int budget)
{
	int fd = gh_runner_fd(runner), ret;

	*a = (struct gh_sd_event) { .runner = runner, .budget = budget };
	if (fd < 0)
		return fd;
	/* An accuracy of 1 us: 0 would mean a quarter of a second. */
	ret = sd_event_add_time(event, &a->timer, CLOCK_MONOTONIC, 0, 1, on_timer, a);
	if (ret >= 0)
		ret = sd_event_add_io(event, &a->io, fd, EPOLLIN, on_io, a);
	if (ret >= 0)
		ret = sd_event_source_set_prepare(a->io, on_prepare);
	if (ret < 0)
		gh_sd_event_remove(a);
	return ret < 0 ? ret : 0;
}

void gh_sd_event_remove(struct gh_sd_event *a)
{
	a->io = sd_event_source_disable_unref(a->io);
	a->timer = sd_event_source_disable_unref(a->timer);
}
