// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <gh-runner/uv.h>

#include "adapters.h"

struct state {
	struct world *w;
	uint64_t due_ns;
	unsigned int closed;
	struct gh_uv adapter;
	uv_timer_t timer;
	uv_poll_t poll;
};

static void on_tick(uv_timer_t *timer)
{
	struct state *s = timer->data;

	tick(s->w, s->due_ns);
	s->due_ns = gh_now_ns() + TICK_NS;
	uv_update_time(timer->loop);
	uv_timer_start(timer, on_tick, TICK_NS / 1000000, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct state *s = poll->data;

	cr_assert_eq(status, 0);
	(void)events;
	echo(s->w);
}

static void on_closed(struct gh_uv *u)
{
	((struct state *)u->opaque)->closed++;
}

static void on_failed(struct gh_uv *u, int error)
{
	(void)u;
	cr_assert_fail("%s", strerror(-error));
}

static void run_uv(struct world *w, struct gh_runner *runner, int socket, bool runner_first)
{
	struct state s = { .w = w };
	uv_loop_t loop;

	(void)runner_first;
	s.adapter.runner = runner;
	s.adapter.budget = 64;
	s.adapter.failed = on_failed;
	s.adapter.opaque = &s;
	cr_assert_eq(uv_loop_init(&loop), 0);
	cr_assert_eq(gh_uv_open(&s.adapter, &loop), 0);
	uv_timer_init(&loop, &s.timer);
	s.timer.data = &s;
	s.due_ns = gh_now_ns() + TICK_NS;
	uv_timer_start(&s.timer, on_tick, TICK_NS / 1000000, 0);
	cr_assert_eq(uv_poll_init(&loop, &s.poll, socket), 0);
	s.poll.data = &s;
	uv_poll_start(&s.poll, UV_READABLE, on_readable);
	while (!done(w))
		uv_run(&loop, UV_RUN_ONCE);
	gh_uv_close(&s.adapter, on_closed);
	uv_close((uv_handle_t *)&s.timer, NULL);
	uv_close((uv_handle_t *)&s.poll, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert_eq(s.closed, 1U);
	cr_assert_eq(uv_loop_close(&loop), 0, "a handle of the adapter is open");
}

/* ---- a ring that fails ---------------------------------------------------------------- */

static unsigned int ticks, turns;
static int error;

static void on_plain_tick(uv_timer_t *timer)
{
	(void)timer;
	ticks++;
}

static void on_ring_error(struct gh_uv *u, int code)
{
	(void)u;
	cr_assert_eq(error, 0, "told twice");
	error = code;
}

static unsigned int fail_uv(struct gh_runner *runner)
{
	struct gh_uv adapter = { .runner = runner, .budget = 64, .failed = on_ring_error };
	uv_timer_t timer;
	uv_loop_t loop;

	cr_assert_eq(uv_loop_init(&loop), 0);
	cr_assert_eq(gh_uv_open(&adapter, &loop), 0);
	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, on_plain_tick, TICK_NS / 1000000, TICK_NS / 1000000);
	while (ticks < 10) {
		uv_run(&loop, UV_RUN_ONCE);
		turns += error < 0;
	}
	cr_assert_lt(error, 0);
	/* It is closed as ever. */
	gh_uv_close(&adapter, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&loop), 0, "a handle of the adapter is open");
	return turns;
}

const struct loop loop_uv = { .name = "libuv", .run = run_uv, .fail = fail_uv };
