/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef GH_SCHED_H
#define GH_SCHED_H

#include <stdbool.h>
#include <stdint.h>

struct gh_vcpu;

/* Linked through gh_vcpu::next. */
struct gh_queue {
	struct gh_vcpu *head;
	struct gh_vcpu *tail;
	unsigned int nr;
};

void gh_queue_push_front(struct gh_queue *q, struct gh_vcpu *v);

/**
 * struct gh_sched - who runs next
 * @ready: FIFO
 * @woken: FIFO too: slept until now, or will. It has half of a batch's places, so that who
 *	sleeps all the time does not keep the others from running
 * @missed: met the deadline of the batch in progress, not entered, in CQE order
 * @slice_ns, @batch_ns, @batch: limits, from the configuration
 * @deadline_ns: of the batch in progress
 * @limit: size of the next batch, 1 to @batch: as many as run in @batch_ns. A
 *	run that meets the deadline is work for nothing
 * @taken: vCPUs in the batch in progress
 * @favours: places in it that @woken still has; all that @ready leaves over besides
 * @odd: half of an odd number is once the smaller, once the larger half
 */
struct gh_sched {
	struct gh_queue ready;
	struct gh_queue woken;
	struct gh_queue missed;
	uint32_t slice_ns;
	uint64_t batch_ns;
	unsigned int batch;
	uint64_t deadline_ns;
	unsigned int limit;
	unsigned int taken;
	unsigned int favours;
	bool odd;
};

void gh_sched_init(struct gh_sched *s, uint32_t slice_ns, uint64_t batch_ns, unsigned int batch);
void gh_sched_begin(struct gh_sched *s, uint64_t deadline_ns, unsigned int taken);
void gh_sched_missed(struct gh_sched *s, struct gh_vcpu *v);
bool gh_sched_end(struct gh_sched *s);

#endif /* GH_SCHED_H */
