/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the functions of <gh-runner/gh-runner.h> take and give: included by it.
 */
#ifndef GH_RUNNER_TYPES_H
#define GH_RUNNER_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gh-runner/device.h>

struct gh_runner;
struct gh_vm;
struct io_uring;
struct io_uring_cqe;

/* ---- runner ---------------------------------------------------------------- */

/* How vCPUs are run. */
enum gh_backend {
	/* URING, but as IOCTL when the ring has nothing else to do; without io_uring THREADS */
	GH_BACKEND_AUTO,
	GH_BACKEND_URING,	/* by commands on a ring, in the runner's thread */
	GH_BACKEND_SQPOLL,	/* in the kernel thread of a ring with SQPOLL */
	GH_BACKEND_THREADS,	/* by ioctl, a thread for each; devices' I/O likewise */
	GH_BACKEND_IOCTL,	/* by ioctl, many in one; sleeping vCPUs and I/O on a ring */
};

/**
 * struct gh_runner_config - zero means the default of each field
 * @ring: borrowed until gh_runner_destroy(), a ring of the caller, with a CQ of at
 *	least twice @max_vcpus; of user_data 0xd0 to 0xdf in the top byte are the runner's,
 *	and what the caller prepared is submitted with it; NULL: the runner makes its own
 * @foreign_cqe: required with @ring: gets @opaque and the completions that are not
 *	the runner's while it reaps, so it must not call the runner
 * @backend: with @ring not SQPOLL or THREADS; IOCTL needs a driver with batches. AUTO falls
 *	back to THREADS where io_uring is not allowed, which is known here; not where the
 *	driver has no commands for a ring, which its VMs would tell: they end with -EOPNOTSUPP
 * @max_vcpus: vCPUs at one time, in all VMs (default 1024)
 * @slice_ns: the longest time a vCPU runs before others get their turn (2 ms), 10 us to
 *	4 ms; not of THREADS. An eighth of it for who slept, and while such a one waits
 * @batch_ns: the longest time that one gh_runner_prepare() runs guests (10 ms)
 * @batch: the most vCPUs that one gh_runner_prepare() submits (1024, which is the most)
 */
struct gh_runner_config {
	struct io_uring *ring;
	void (*foreign_cqe)(void *opaque, const struct io_uring_cqe *cqe);
	void *opaque;
	enum gh_backend backend;
	unsigned int max_vcpus;
	uint32_t slice_ns;
	uint64_t batch_ns;
	unsigned int batch;
};

/**
 * struct gh_timer - calls @fire once, at or after @deadline_ns
 *
 * The caller owns the memory until the timer fired or was cancelled; @fire may
 * arm it again.
 */
struct gh_timer {
	uint64_t deadline_ns;
	void (*fire)(struct gh_timer *timer);
	struct gh_timer *next;	/* the runner's */
	bool armed;		/* the runner's, the caller may look */
};

/**
 * struct gh_io - a request of a device on the runner's ring
 * @done: called from dispatch with the CQE's res and flags; the memory is the
 *	caller's again at that moment
 */
struct gh_io {
	void (*done)(struct gh_io *io, int res, uint32_t flags);
	int res;		/* the runner's, as are the next two */
	uint32_t flags;
	struct gh_io *next;
};

/* ---- virtual machines -------------------------------------------------------- */

/* Why a VM ended. */
enum gh_vm_end {
	GH_VM_END_NONE,		/* it has not */
	GH_VM_END_OFF,		/* powered off by itself */
	GH_VM_END_RESET,	/* asked for a reset */
	GH_VM_END_CRASHED,	/* the hypervisor or a watchdog ended it */
	GH_VM_END_STOPPED,	/* gh_vm_stop() */
	GH_VM_END_ERROR,	/* the driver refused to run a vCPU: @error */
};

#define GH_EXIT_TYPE_UNKNOWN	0xffff

/**
 * struct gh_vm_result - how a VM ended
 * @end: the cause
 * @exit_type: the resource manager's exit type; GH_EXIT_TYPE_UNKNOWN, with CRASHED, when it did
 *	not say why the VM ended
 * @reason_size: valid bytes in @reason
 * @reason: the resource manager's reason words
 * @error: -errno for GH_VM_END_ERROR
 */
struct gh_vm_result {
	enum gh_vm_end end;
	uint16_t exit_type;
	uint32_t reason_size;
	uint8_t reason[8];
	int error;
};

/**
 * struct gh_vm_events - what the embedder wants to hear; each may be NULL
 * @ended: all vCPUs are out of the VM; gh_vm_destroy() is allowed after the
 *	callback returned
 * @access: no window claims it; @access->offset is its guest physical address. Answers
 *	as a device does. Without it reads give all-ones and writes are dropped
 * @status: a vCPU came back for good, before the runner draws its conclusions
 * @moved: gh_vm_move() has brought it to @runner, whose thread this is; if that is
 *	where it was, a device refused
 *
 * They are called on the own thread of the runner that has the VM, from
 * gh_runner_dispatch() or gh_runner_run().
 */
struct gh_vm_events {
	void (*ended)(void *opaque, struct gh_vm *vm, const struct gh_vm_result *result);
	int (*access)(void *opaque, struct gh_access *access);
	void (*status)(void *opaque, struct gh_vcpu *vcpu, const struct gh_vm_result *result);
	void (*moved)(void *opaque, struct gh_vm *vm, struct gh_runner *runner);
};

/**
 * struct gh_vm_config - everything is read during gh_vm_create() only, except @opaque
 * @name: 1 to 31 bytes, for errors and for the guest's device tree
 * @memory_size: bytes at 0x80000000, a multiple of 2 MiB
 * @vcpus: 1 to 8, of which some may be removed before the start
 * @image: the guest: ELF, arm64 Image or flat binary (told apart by content)
 * @image_size: in bytes
 * @bootargs: /chosen/bootargs, NULL: none
 * @pinned: a group leaves it where it was made: see group.h
 * @events, @opaque: callbacks, borrowed until the VM is destroyed
 */
struct gh_vm_config {
	const char *name;
	uint64_t memory_size;
	unsigned int vcpus;
	const void *image;
	size_t image_size;
	const char *bootargs;
	bool pinned;
	const struct gh_vm_events *events;
	void *opaque;
};

/* ---- statistics and errors ------------------------------------------------------ */

/**
 * struct gh_stats - counters of a runner, from its creation on; those of 32 bits are of now
 * @mmio_reads, @mmio_writes: accesses of guests
 * @unclaimed, @device_errors, @deferred: of these: no window had them; a device returned an
 *	error; were answered later
 * @preempted: exits with the slice over
 * @not_entered: runs that met the deadline of their batch, and did not happen
 * @interrupted: exits by a signal or a kick
 * @status: vCPUs that came back for good
 * @canceled, @errors: runs that were cancelled, or failed
 * @parks, @wakeups: sleeps of guests that ended by themselves or by a kick
 * @syscalls: io_uring_enter
 * @submitted: runs that were asked for, one by one or in batches
 * @batches, @batch_ioctls: GH_VCPU_RUN_BATCH: all, and those by ioctl
 * @lone_ioctls: GH_VCPU_RUN_ONCE
 * @turns: in which guests ran
 * @cq_overflows: times that completions did not fit into the queue, and waited in the kernel
 * @sq_full: times that the submission queue was full, and submitted early
 * @late: turns that ended before all had run
 * @stale: completions that belong to nothing
 * @vms, @vcpus: that exist
 * @runnable: vCPUs in the run queue, or whose exit waits to be handled
 * @in_flight: vCPUs that are asleep, or have a command of their own in the driver
 * @answering: vCPUs that wait for a device
 */
struct gh_stats {
	uint64_t mmio_reads, mmio_writes, unclaimed, device_errors, deferred;
	uint64_t preempted, not_entered, interrupted, status, canceled, errors;
	uint64_t parks, wakeups;
	uint64_t syscalls;
	uint64_t submitted;
	uint64_t batches, batch_ioctls;
	uint64_t lone_ioctls;
	uint64_t turns, cq_overflows, sq_full, late, stale;
	uint32_t vms, vcpus;
	uint32_t runnable, in_flight, answering;
};

/**
 * struct gh_vm_stats - the driver's counters of a VM: sums over the vCPUs that are there now
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

/**
 * struct gh_error_info - the last failure on a runner
 * @error: -errno
 * @vm: name of the VM, "" if none is concerned
 * @vcpu: index in the VM, -1 if none is concerned
 * @what: what was tried
 * @hint: a likely cause and cure, "" if none is known
 */
struct gh_error_info {
	int error;
	char vm[32];
	int vcpu;
	const char *what;
	const char *hint;
};

#endif /* GH_RUNNER_TYPES_H */
