/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A runner in an sd-event loop: libgh-runner-sd-event.
 */
#ifndef GH_RUNNER_SD_EVENT_H
#define GH_RUNNER_SD_EVENT_H

#include <systemd/sd-event.h>

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gh_sd_event - one runner in one loop; the caller's memory
 * @runner: borrowed until gh_sd_event_remove()
 * @budget: for gh_runner_dispatch()
 * @io, @timer: owned; the priority of both follows that of @io
 * @ran, @stood_back: private
 *
 * When the ring fails both sources are switched off, as sd-event does it, and are still to
 * be removed.
 */
struct gh_sd_event {
	struct gh_runner *runner;
	unsigned int budget;
	sd_event_source *io;
	sd_event_source *timer;
	bool ran;
	bool stood_back;
};

int gh_sd_event_add(struct gh_sd_event *a, sd_event *event, struct gh_runner *runner,
		    unsigned int budget);
void gh_sd_event_remove(struct gh_sd_event *a);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_SD_EVENT_H */
