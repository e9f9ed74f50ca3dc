// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Counters.
 */
#include "internal.h"

void gh_runner_stats(const struct gh_runner *r, struct gh_stats *stats)
{
	const struct gh_vm *vm;
	unsigned int i;

	*stats = r->stats;
	stats->runnable = gh_nr_ready(r) + r->reaped.nr;
	stats->vms = 0;
	stats->vcpus = 0;
	for (vm = r->vms; vm; vm = vm->next) {
		stats->vms++;
		for (i = 0; i < vm->nr_vcpus; i++)
			stats->vcpus += vm->vcpus[i].present;
	}
}

#define ADD(field)	(sum->field += s->field)

void gh_stats_add(struct gh_stats *sum, const struct gh_stats *s)
{
	ADD(mmio_reads), ADD(mmio_writes), ADD(unclaimed), ADD(device_errors), ADD(deferred);
	ADD(preempted), ADD(not_entered), ADD(interrupted), ADD(status), ADD(canceled);
	ADD(errors), ADD(parks), ADD(wakeups), ADD(syscalls), ADD(submitted), ADD(batches);
	ADD(batch_ioctls), ADD(lone_ioctls), ADD(turns), ADD(cq_overflows), ADD(sq_full);
	ADD(late), ADD(stale), ADD(vms), ADD(vcpus), ADD(runnable), ADD(in_flight), ADD(answering);
}

uint64_t gh_stats_exits(const struct gh_stats *s)
{
	return s->mmio_reads + s->mmio_writes + s->preempted + s->interrupted + s->status +
	       s->canceled + s->errors + s->wakeups;
}
