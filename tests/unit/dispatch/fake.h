/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A driver and a ring that do what a test says: each vCPU has a script, and every
 * run of it takes the next step.
 */
#ifndef FAKE_H
#define FAKE_H

#include "lib/internal.h"

#define FAKE_VCPUS	64
#define FAKE_STEPS	32
#define FAKE_SQES	512
#define FAKE_CQES	1024

enum fake_kind {
	FAKE_END,	/* of the script: parks for ever */
	FAKE_READ,
	FAKE_WRITE,
	FAKE_PARK,
	FAKE_PREEMPTED,
	FAKE_INTR,
	FAKE_OFF,	/* STATUS: the VM powered off */
	FAKE_CRASH,
	FAKE_ERROR,	/* completes with -errno in data, nothing was taken */
};

struct fake_step {
	enum fake_kind kind;
	uint64_t addr;
	uint32_t len;
	uint64_t data;
};

struct fake_vcpu {
	struct gh_vcpu_run run;
	const struct fake_step *steps;
	unsigned int pos;
	unsigned int runs;		/* commands that entered the guest */
	unsigned int skipped;		/* met the deadline */
	unsigned int waits;		/* found it asleep in a batch */
	bool open;
	bool mapped;
	bool parked;
	bool left;			/* waits, on the board */
	int bit;			/* on it, or -1 */
	uint64_t user_data;		/* of the parked command */
	bool read_pending;
	uint64_t answers[FAKE_STEPS];
	unsigned int nr_answers;
};

struct fake_cqe {
	uint64_t user_data;
	int res;
};

/**
 * struct fake - the whole kernel
 * @sq_size: SQEs before the queue is full
 * @no_files: there are no registered files
 * @no_batch: the driver has no GH_VCPU_RUN_BATCH
 * @no_board: the driver has no GH_VCPU_NEW_BOARD
 * @two_runners: share it, and one of them has the board
 * @no_once: the driver has no GH_VCPU_RUN_ONCE
 * @fail_batch: -errno that batches end with
 * @fail_ioctl, @fail_error: this request fails
 * @skip_after: so many RUNs enter a guest in one enter(), 0: all
 * @on_idle: the runner waits and nothing completes: make something happen
 */
struct fake {
	struct fake_vcpu vcpus[FAKE_VCPUS];
	unsigned int nr_vcpus;
	unsigned int nr_vms;
	unsigned int open_fds;
	struct io_uring_sqe sqes[FAKE_SQES];
	unsigned int nr_sqes, sq_size;
	struct fake_cqe cqes[FAKE_CQES];
	unsigned int nr_cqes;
	int files[FAKE_VCPUS];
	bool no_files;
	bool no_batch;
	bool no_board;
	bool two_runners;
	bool no_once;
	int fail_batch;
	unsigned long fail_ioctl;
	int fail_error;
	struct gh_wake_board *board;	/* with its bits behind it, NULL: not made */
	unsigned int signals;		/* of it */
	unsigned int skip_after;
	unsigned int order[FAKE_CQES];	/* vCPUs as they were run */
	unsigned int nr_order;
	unsigned int enters;
	unsigned int batches, batch_ioctls;	/* commands; and ioctls */
	unsigned int onces;		/* RUN_ONCE that entered a guest or said why not */
	uint64_t deadline_ns;		/* of the last batch or command */
	uint32_t slices[FAKE_VCPUS];	/* of the last run of each vCPU */
	unsigned int cancels, kicks, removed, irqfds;
	bool (*on_idle)(struct fake *f);
};

extern const struct gh_port_ops fake_port;

/* It waits, by a parked command or on the board. */
static inline bool fake_sleeps(const struct fake_vcpu *v)
{
	return v->parked || v->left;
}

void fake_init(struct fake *f);
/* The wake-up interrupt of a vCPU that is parked or was left on the board. */
void fake_wake(struct fake *f, unsigned int vcpu);
void fake_complete(struct fake *f, uint64_t user_data, int res);

#endif /* FAKE_H */
