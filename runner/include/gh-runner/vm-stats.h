/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the driver has counted of a virtual machine.
 */
#ifndef GH_RUNNER_VM_STATS_H
#define GH_RUNNER_VM_STATS_H

#include <stdint.h>

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gh_vm_stats - sums over the vCPUs that are there, since each was added
 * @entries: of the guest; of them some end in the driver and are no exits to user space
 * @mmio_reads, @mmio_writes: accesses that came to user space
 * @mmio_kernel: those that the kernel answered: ioeventfds and posted writes
 * @status: ends of a vCPU
 * @preempts: slices that were over
 * @interrupts: runs that a signal ended
 * @parks, @wakes: sleeps of the guest, and those of them that ended
 * @kicks: by gh_vcpu_kick()
 */
struct gh_vm_stats {
	uint64_t entries;
	uint64_t mmio_reads, mmio_writes, mmio_kernel;
	uint64_t status, preempts, interrupts;
	uint64_t parks, wakes, kicks;
};

/*
 * Asks the driver; nothing waits for a run. Any thread, while the VM exists and none of its
 * vCPUs is added or removed. 0, or the driver's -errno: @stats is 0 then.
 */
int gh_vm_stats(const struct gh_vm *vm, struct gh_vm_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_VM_STATS_H */
