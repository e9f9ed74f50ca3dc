// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libuv: before the loop polls it learns how long it may; guests run after that.
 */
#include <gh-runner/uv.h>

static void on_timer(uv_timer_t *timer)
{
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct gh_uv *u = prepare->data;
	uint64_t ns = gh_runner_timeout_ns(u->runner);

	uv_update_time(prepare->loop);
	uv_timer_start(&u->timer, on_timer, ns / 1000000 + !!(ns % 1000000), 0);
}

static void on_check(uv_check_t *check)
{
	struct gh_uv *u = check->data;
	int ret = gh_runner_dispatch(u->runner, u->budget);

	if (ret >= 0)
		ret = gh_runner_prepare(u->runner);
	if (ret >= 0)
		return;
	uv_prepare_stop(&u->prepare);
	uv_check_stop(check);
	uv_timer_stop(&u->timer);
	uv_poll_stop(&u->poll);
	if (u->failed)
		u->failed(u, ret);
}

int gh_uv_open(struct gh_uv *u, uv_loop_t *loop)
{
	int ret = gh_runner_fd(u->runner);

	if (ret >= 0)
		ret = uv_poll_init(loop, &u->poll, ret);
	if (ret)
		return ret;
	u->open = 4;
	u->prepare.data = u;
	u->check.data = u;
	u->timer.data = u;
	u->poll.data = u;
	/* These do not fail on handles that were just initialised. */
	uv_prepare_init(loop, &u->prepare);
	uv_check_init(loop, &u->check);
	uv_timer_init(loop, &u->timer);
	uv_prepare_start(&u->prepare, on_prepare);
	uv_check_start(&u->check, on_check);
	return uv_poll_start(&u->poll, UV_READABLE, on_poll);
}

static void on_close(uv_handle_t *handle)
{
	struct gh_uv *u = handle->data;

	if (!--u->open && u->closed)
		u->closed(u);
}

void gh_uv_close(struct gh_uv *u, void (*closed)(struct gh_uv *u))
{
	u->closed = closed;
	uv_close((uv_handle_t *)&u->poll, on_close);
	uv_close((uv_handle_t *)&u->timer, on_close);
	uv_close((uv_handle_t *)&u->check, on_close);
	uv_close((uv_handle_t *)&u->prepare, on_close);
}
