// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Timers: a sorted list in the callers' memory.
 */
#include <time.h>

#include "internal.h"

uint64_t gh_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int gh_timer_arm(struct gh_runner *r, struct gh_timer *timer)
{
	struct gh_timer **at = &r->timers;

	if (!timer->fire)
		return gh_fail(r, -EINVAL, "arming a timer", "fire is NULL");
	if (timer->armed)
		return gh_fail(r, -EBUSY, "arming a timer", "it is armed already");
	while (*at && (*at)->deadline_ns <= timer->deadline_ns)
		at = &(*at)->next;
	timer->next = *at;
	timer->armed = true;
	*at = timer;
	return 0;
}

void gh_timer_cancel(struct gh_runner *r, struct gh_timer *timer)
{
	struct gh_timer **at = &r->timers;

	if (!timer->armed)
		return;
	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	timer->next = NULL;
	timer->armed = false;
}

/*
 * At most as many as are due now: a timer that arms itself for a time that is
 * past waits for the next turn.
 */
void gh_timers_run(struct gh_runner *r, uint64_t now_ns)
{
	struct gh_timer *timer;
	unsigned int due = 0;

	for (timer = r->timers; timer && timer->deadline_ns <= now_ns; timer = timer->next)
		due++;
	while (due-- && (timer = r->timers) && timer->deadline_ns <= now_ns) {
		gh_timer_cancel(r, timer);
		r->in_callback = true;
		timer->fire(timer);
		r->in_callback = false;
	}
}
