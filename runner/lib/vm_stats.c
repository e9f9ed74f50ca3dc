// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The driver's counters of a VM.
 */
#include "internal.h"

static void add(struct gh_vm_stats *sum, const struct gh_vcpu_stats *s)
{
	sum->entries += s->entries;
	sum->mmio_reads += s->mmio_reads;
	sum->mmio_writes += s->mmio_writes;
	sum->mmio_kernel += s->mmio_kernel;
	sum->status += s->status;
	sum->preempts += s->preempts;
	sum->interrupts += s->intrs;
	sum->parks += s->parks;
	sum->wakes += s->wakes;
	sum->kicks += s->kicks;
}

int gh_vm_stats(const struct gh_vm *vm, struct gh_vm_stats *stats)
{
	struct gh_vcpu_stats one;
	struct gh_vcpu_stats_arg arg = { .stats = (uintptr_t)&one };
	unsigned int i;
	int ret;

	*stats = (struct gh_vm_stats) { 0 };
	for (i = 0; i < vm->nr_vcpus; i++) {
		if (!vm->vcpus[i].present)
			continue;
		arg.size = sizeof(one);
		ret = vm->ops->ioctl(vm->ctx, vm->vcpus[i].fd, GH_VCPU_STATS, &arg);
		if (ret < 0) {
			*stats = (struct gh_vm_stats) { 0 };
			return ret;
		}
		add(stats, &one);
	}
	return 0;
}
