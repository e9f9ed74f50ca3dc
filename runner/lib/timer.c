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

static bool unlink_timer(struct gh_timer **at, const struct gh_timer *timer)
{
	while (*at && *at != timer)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = timer->next;
	return true;
}

void gh_timer_cancel(struct gh_runner *r, struct gh_timer *timer)
{
	if (!timer->armed)
		return;
	if (!unlink_timer(&r->timers, timer))
		unlink_timer(&r->due, timer);
	timer->next = NULL;
	timer->armed = false;
}

/*
 * The due ones are set apart first: a timer that arms itself for a time that is
 * past waits for the next turn, behind those that are due now.
 */
void gh_timers_run(struct gh_runner *r, uint64_t now_ns)
{
	struct gh_timer **at = &r->timers, *timer;

	while (*at && (*at)->deadline_ns <= now_ns)
		at = &(*at)->next;
	if (at == &r->timers)
		return;
	r->due = r->timers;
	r->timers = *at;
	*at = NULL;
	while ((timer = r->due)) {
		gh_timer_cancel(r, timer);
		r->in_callback = true;
		timer->fire(timer);
		r->in_callback = false;
	}
}
