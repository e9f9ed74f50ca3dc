/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What ends runs all the time: signals, and cancels from another thread.
 */
#ifndef GT_DISTURB_H
#define GT_DISTURB_H

#include <pthread.h>
#include <signal.h>

/* SIGALRM each millisecond (times gt_slow()), which restarts system calls; counted in gt_alarms. */
void gt_alarms_begin(void);
void gt_alarms_end(void);
extern volatile sig_atomic_t gt_alarms;

/**
 * struct gt_canceller - a thread that gives CANCEL every half millisecond
 * @fd: of the vCPU
 */
struct gt_canceller {
	pthread_t thread;
	int fd;
	volatile bool enough;
};

void gt_cancels_begin(struct gt_canceller *c, int vcpu_fd);
void gt_cancels_end(struct gt_canceller *c);

#endif /* GT_DISTURB_H */
