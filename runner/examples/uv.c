// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A guest in a libuv loop that also has a timer: example-uv IMAGE
 */
#include <gh-runner/uv.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest.h"

static struct gh_uv adapter;

static void on_second(uv_timer_t *timer)
{
	puts("a second has passed");
}

/* After the guest the adapter is all that keeps the loop going. */
static void on_turn(uv_check_t *check)
{
	if (example_running())
		return;
	gh_uv_close(&adapter, NULL);
	uv_close((uv_handle_t *)check, NULL);
}

int main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	uv_timer_t timer;
	uv_check_t check;
	struct gh_vm *vm;

	if (argc < 2 || gh_runner_create(NULL, &adapter.runner, NULL))
		return EXIT_FAILURE;
	vm = example_start(adapter.runner, argv[1]);
	if (!vm || gh_uv_open(&adapter, loop))
		return EXIT_FAILURE;
	uv_timer_init(loop, &timer);
	uv_timer_start(&timer, on_second, 1000, 1000);
	uv_unref((uv_handle_t *)&timer);
	uv_check_init(loop, &check);
	uv_check_start(&check, on_turn);
	uv_run(loop, UV_RUN_DEFAULT);
	example_end(adapter.runner, vm);
	return EXIT_SUCCESS;
}
