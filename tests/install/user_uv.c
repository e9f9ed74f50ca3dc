// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A user's program for the installed libgh-runner-uv. */
#include <gh-runner/uv.h>

static int closed;

static void on_closed(struct gh_uv *u)
{
	closed++;
}

int main(void)
{
	static struct gh_uv adapter;
	uv_loop_t loop;

	if (gh_runner_create(NULL, &adapter.runner, NULL))
		return 0;
	if (uv_loop_init(&loop) || gh_uv_open(&adapter, &loop))
		return 1;
	uv_run(&loop, UV_RUN_NOWAIT);
	gh_uv_close(&adapter, on_closed);
	uv_run(&loop, UV_RUN_DEFAULT);
	return closed != 1 || uv_loop_close(&loop) || gh_runner_destroy(adapter.runner) ? 1 : 0;
}
