/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A runner on the fake, a device that keeps what it saw, and short ways to use them.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "fake.h"

/* The tests become programs for several ways of running vCPUs. */
#ifndef FIXTURE_BACKEND
#define FIXTURE_BACKEND GH_BACKEND_URING
#define FIXTURE_NO_BATCH true
#endif
#ifndef FIXTURE_BOARD
#define FIXTURE_BOARD false
#endif

/**
 * struct device - answers as told
 * @answer: what read and write return
 * @value: what a read gives
 * @last: the access that came last, for a deferred answer
 * @seen: copies of the accesses
 * @runner, @moves, @refuses: told by, calls of, and answer to move()
 */
struct device {
	int answer;
	uint64_t value;
	struct gh_access *last;
	struct gh_access seen[8];
	unsigned int reads, writes, released, moves;
	struct gh_runner *runner;
	bool refuses;
};

extern struct fake *f;
extern struct gh_runner *r;
extern struct device dev;
extern const struct gh_device_ops dev_ops;
/* What the callbacks were told, and the runner's last error when a VM ended. */
extern struct gh_vm_result ended[FAKE_VCPUS];
extern struct gh_error_info error_at_end;
extern enum gh_vm_end status_ends[FAKE_VCPUS];
extern struct gh_access unclaimed;
extern unsigned int nr_ended, nr_unclaimed, nr_status, nr_moved, idle_count;
extern struct gh_runner *moved_to;

void fixture_setup(void);
void fixture_teardown(void);
struct gh_vm_config vm_config(unsigned int vcpus);
/* Not started; the device is at 0x1000. */
struct gh_vm *create(unsigned int vcpus);
/* All vCPUs follow the same script. */
struct gh_vm *start(unsigned int vcpus, const struct fake_step *steps);
/* Who waits parks, also where there is a wake board. */
void without_board(void);
struct gh_stats stats(void);
void turn(void);
/* For fake::on_idle. */
bool wake_all(struct fake *fake);

#endif /* FIXTURE_H */
