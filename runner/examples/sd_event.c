// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A guest in an sd-event loop that also has a timer: example-sd-event IMAGE
 */
#include <gh-runner/sd-event.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest.h"

static int on_second(sd_event_source *source, uint64_t usec, void *opaque)
{
	puts("a second has passed");
	sd_event_source_set_time(source, usec + 1000000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int main(int argc, char **argv)
{
	struct gh_sd_event adapter;
	struct gh_runner *runner;
	struct gh_vm *vm;
	sd_event *event;
	int ret = 0;

	if (argc < 2 || gh_runner_create(NULL, &runner, NULL) || sd_event_default(&event) < 0)
		return EXIT_FAILURE;
	vm = example_start(runner, argv[1]);
	if (!vm || gh_sd_event_add(&adapter, event, runner, 0))
		return EXIT_FAILURE;
	sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, 1000000, 1000, on_second, NULL);
	while (example_running() && ret >= 0)
		ret = sd_event_run(event, UINT64_MAX);
	gh_sd_event_remove(&adapter);
	example_end(runner, vm);
	sd_event_unref(event);
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
