/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libgh-runner: many Gunyah vCPUs on one io_uring and one thread.
 *
 * A runner belongs to the thread that created it: every call is made there, with
 * the exceptions that say "any thread". Functions return 0 or -errno unless said
 * otherwise; gh_runner_last_error() then tells more. The library prints nothing,
 * installs no signal handler, and starts threads for GH_BACKEND_THREADS only. Times
 * are nanoseconds of CLOCK_MONOTONIC.
 *
 * Life of a VM: gh_vm_create(), gh_vm_add_device()..., gh_vm_start(); it runs while
 * the runner is driven; events->ended(); gh_vm_destroy().
 */
#ifndef GH_RUNNER_H
#define GH_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gh-runner/device.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gh_error_info;
struct gh_runner;
struct gh_vm;
struct gh_vcpu;
struct io_uring;
struct io_uring_cqe;
struct io_uring_sqe;

/* ---- runner ---------------------------------------------------------------- */

/* How vCPUs are run. */
enum gh_backend {
	GH_BACKEND_AUTO,	/* URING, but a lone vCPU as with IOCTL; without io_uring THREADS */
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
 * @backend: with @ring not SQPOLL or THREADS; IOCTL needs a driver with batches
 * @max_vcpus: vCPUs at one time, in all VMs (default 1024)
 * @slice_ns: the longest time a vCPU runs before others get their turn (2 ms)
 * @batch_ns: the longest time that one gh_runner_prepare() runs guests (10 ms)
 * @batch: the most vCPUs that one gh_runner_prepare() submits (256)
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

/* @config may be NULL. On error *@runner is NULL and *@error (may be NULL) says more. */
int gh_runner_create(const struct gh_runner_config *config, struct gh_runner **runner,
		     struct gh_error_info *error);
/* What was asked for, and what AUTO has become: URING or THREADS. */
enum gh_backend gh_runner_backend(const struct gh_runner *runner);
/* -EBUSY while VMs exist, or one is on its way to it, and in a callback. NULL is fine. */
int gh_runner_destroy(struct gh_runner *runner);

/*
 * Until no VM runs or gh_runner_quit(): 0; or the ring's error; or -EINTR: a signal ended
 * the wait, call it again. While guests compute none does: a handler calls gh_runner_quit().
 */
int gh_runner_run(struct gh_runner *runner);
/* Makes gh_runner_run() return. Any thread, and signal handlers. */
void gh_runner_quit(struct gh_runner *runner);

/*
 * Embedding in another event loop. Each turn: wait for gh_runner_fd() readable, at
 * most gh_runner_timeout_ns(); gh_runner_dispatch(); gh_runner_prepare().
 */

/* To wait for (owned by the runner; an eventfd registered with the ring), or -errno. */
int gh_runner_fd(struct gh_runner *runner);
/* 0: dispatch now; UINT64_MAX: only the descriptor counts. */
uint64_t gh_runner_timeout_ns(const struct gh_runner *runner);
/* Submits what can run; guests run inside this call, at most @batch_ns long. */
int gh_runner_prepare(struct gh_runner *runner);
/*
 * Reaps all completions, then handles at most @budget exits (0: all) and the due
 * timers. Callbacks are called from here only, and never recursively. Returns the
 * number of exits handled, or -errno.
 */
int gh_runner_dispatch(struct gh_runner *runner, unsigned int budget);

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
	bool armed;		/* the runner's */
};

int gh_timer_arm(struct gh_runner *runner, struct gh_timer *timer);
void gh_timer_cancel(struct gh_runner *runner, struct gh_timer *timer);
uint64_t gh_now_ns(void);

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

/* An SQE for a prep helper; NULL if the queue is full even after submitting. */
struct io_uring_sqe *gh_io_get_sqe(struct gh_runner *runner);
/*
 * After the prep helper; the next gh_runner_prepare() submits it. One CQE only. -EINVAL,
 * and the entry does nothing: no @done, or the address of @io has a tag in its top byte.
 */
int gh_io_attach(struct io_uring_sqe *sqe, struct gh_io *io);

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

/**
 * struct gh_vm_result - how a VM ended
 * @end: the cause
 * @exit_type: the resource manager's exit type
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

int gh_vm_create(struct gh_runner *runner, const struct gh_vm_config *config,
		 struct gh_vm **vm);
/* Lends the memory, starts the VM and queues its vCPUs. A VM starts once. */
int gh_vm_start(struct gh_vm *vm);
/* Takes all vCPUs out of the guest, then events->ended(). Any thread, also while it moves. */
int gh_vm_stop(struct gh_vm *vm);
/* Calls release() of its devices. -EBUSY until it has ended, and in a callback. */
int gh_vm_destroy(struct gh_vm *vm);

/*
 * From their next runs on @vm's vCPUs run @slice_ns (10 us to 4 ms, else -EINVAL) at a
 * time: guests that compute share the CPU in proportion to their slices.
 */
int gh_vm_set_slice(struct gh_vm *vm, uint32_t slice_ns);
/*
 * Takes a running VM with its devices to @to, another runner of the same backend, whose
 * thread may be any; events->moved() follows there. Its vCPUs come out of the guest
 * first, and accesses that a device owes are awaited. Meanwhile only gh_vcpu_kick() and
 * gh_vm_stop() may be called. An end of the VM cancels the move.
 * -EINVAL: not running, or no such way; -ENOSPC: @to is full.
 */
int gh_vm_move(struct gh_vm *vm, struct gh_runner *to);

const char *gh_vm_name(const struct gh_vm *vm);
void *gh_vm_opaque(const struct gh_vm *vm);
struct gh_runner *gh_vm_runner(const struct gh_vm *vm);	/* any thread */
unsigned int gh_vm_vcpus(const struct gh_vm *vm);
struct gh_vcpu *gh_vm_vcpu(struct gh_vm *vm, unsigned int index);
/* GH_VM_END_NONE while it runs. */
const struct gh_vm_result *gh_vm_result(const struct gh_vm *vm);

/*
 * Takes a vCPU out of a new or running VM, and its descriptor and slot with it. The
 * guest should have switched it off. 0: it is out; -EINPROGRESS: once the runner was
 * driven, see gh_vcpu_present(); -EBUSY: a device owes it an answer. Then
 * gh_vcpu_add() can put it back: -EEXIST if it is there, -EBUSY if it goes, -ENOSPC.
 */
int gh_vcpu_remove(struct gh_vcpu *vcpu);
int gh_vcpu_add(struct gh_vm *vm, unsigned int index);
bool gh_vcpu_present(const struct gh_vcpu *vcpu);

struct gh_vm *gh_vcpu_vm(const struct gh_vcpu *vcpu);
unsigned int gh_vcpu_index(const struct gh_vcpu *vcpu);
/* Ends its slice or park once. Any thread, and signal handlers, while it is present. */
int gh_vcpu_kick(struct gh_vcpu *vcpu);

/* ---- devices: device.h ------------------------------------------------------------ */

/*
 * Puts a window at guest physical @base. Before gh_vm_start() only. -EINVAL for
 * zero length or wrap-around, -EEXIST when it overlaps another window or RAM,
 * -ENOSPC when the VM has no room for one more.
 */
int gh_vm_add_device(struct gh_vm *vm, uint64_t base, uint64_t size,
		     const struct gh_device_ops *ops, void *device);

/* ---- statistics and errors ------------------------------------------------------ */

struct gh_stats {
	uint64_t mmio_reads, mmio_writes, unclaimed, device_errors, deferred;
	uint64_t preempted, not_entered, interrupted, status, canceled, errors;
	uint64_t parks, wakeups;	/* parks that ended by themselves or by a kick */
	uint64_t syscalls;		/* io_uring_enter */
	uint64_t submitted;		/* runs that were asked for, one by one or in batches */
	uint64_t batches, batch_ioctls;	/* GH_VCPU_RUN_BATCH: all, and those by ioctl */
	uint64_t turns, cq_overflows, sq_full, late, stale;
	uint32_t vms, vcpus;		/* now */
	uint32_t runnable, in_flight, answering;
};

void gh_runner_stats(const struct gh_runner *runner, struct gh_stats *stats);
/* Exits that user space handled: the sum of the kinds above. */
uint64_t gh_stats_exits(const struct gh_stats *stats);

/**
 * struct gh_error_info - the last failure on a runner, valid until the next call
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

const struct gh_error_info *gh_runner_last_error(const struct gh_runner *runner);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_H */
