// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Waiting for a descriptor on a runner's ring, one poll at a time.
 */
#include <liburing.h>

#include "cli.h"

#define RETRY_NS	100000000ULL

static void later(struct watch *w)
{
	gh_timer_cancel(w->runner, &w->retry);
	w->retry.deadline_ns = gh_now_ns() + RETRY_NS;
	gh_timer_arm(w->runner, &w->retry);
}

static void submit(struct watch *w)
{
	struct io_uring_sqe *sqe = gh_io_get_sqe(w->runner);

	if (!sqe) {
		later(w);
		return;
	}
	io_uring_prep_poll_add(sqe, w->fd, (unsigned int)w->events);
	gh_io_attach(sqe, &w->io);
}

static void on_retry(struct gh_timer *timer)
{
	submit((struct watch *)((char *)timer - offsetof(struct watch, retry)));
}

static void on_poll(struct gh_io *io, int res, uint32_t flags)
{
	struct watch *w = (struct watch *)((char *)io - offsetof(struct watch, io));

	if (res < 0)
		later(w);
	else
		w->ready(w);
}

void watch_init(struct watch *w, struct gh_runner *runner, void (*ready)(struct watch *w))
{
	*w = (struct watch) {
		.runner = runner,
		.ready = ready,
		.fd = -1,
		.io.done = on_poll,
		.retry.fire = on_retry,
	};
}

void watch_for(struct watch *w, int fd, short events)
{
	w->fd = fd;
	w->events = events;
	submit(w);
}

void watch_later(struct watch *w, int fd, short events)
{
	w->fd = fd;
	w->events = events;
	later(w);
}

void watch_stop(struct watch *w)
{
	gh_timer_cancel(w->runner, &w->retry);
}
