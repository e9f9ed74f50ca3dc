// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A user's program for the installed libgh-runner-sd-event. */
#include <gh-runner/sd-event.h>

int main(void)
{
	struct gh_sd_event adapter;
	struct gh_runner *runner;
	sd_event *event;
	int ret;

	if (gh_runner_create(NULL, &runner, NULL))
		return 0;
	if (sd_event_new(&event) < 0 || gh_sd_event_add(&adapter, event, runner, 0))
		return 1;
	ret = sd_event_run(event, 0);
	gh_sd_event_remove(&adapter);
	sd_event_unref(event);
	return ret < 0 || gh_runner_destroy(runner) ? 1 : 0;
}
