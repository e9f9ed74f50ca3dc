// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <sys/time.h>
#include <unistd.h>

#include "gt.h"
#include "gt_disturb.h"

volatile sig_atomic_t gt_alarms;

static void on_alarm(int sig)
{
	(void)sig;
	gt_alarms++;
}

/* The way back to the guest has to be shorter, or it gets nowhere. */
void gt_alarms_begin(void)
{
	const long us = 1000L * gt_slow();
	const struct itimerval often = { .it_interval.tv_usec = us, .it_value.tv_usec = us };
	const struct sigaction act = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	cr_assert_eq(sigaction(SIGALRM, &act, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
}

void gt_alarms_end(void)
{
	cr_assert_eq(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL), 0);
}

static void *cancel_often(void *arg)
{
	struct gt_canceller *c = arg;

	while (!c->enough) {
		gt_ioctl(c->fd, GH_VCPU_CANCEL, 0);
		usleep(500);
	}
	return NULL;
}

void gt_cancels_begin(struct gt_canceller *c, int vcpu_fd)
{
	*c = (struct gt_canceller) { .fd = vcpu_fd };
	cr_assert_eq(pthread_create(&c->thread, NULL, cancel_often, c), 0);
}

void gt_cancels_end(struct gt_canceller *c)
{
	c->enough = true;
	cr_assert_eq(pthread_join(c->thread, NULL), 0);
}
