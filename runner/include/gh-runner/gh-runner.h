/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libgh-runner: many Gunyah vCPUs on one io_uring and one thread.
 *
 * A runner belongs to the thread that created it. "Own thread" means that one, of the
 * runner that is named or has the VM; "any thread" is any, while the object exists.
 * Functions that return int give 0 or -errno unless said otherwise; on its own thread
 * gh_runner_last_error() then tells more. The errors at a function are those of the
 * library; those of the system calls below it come through. Times are nanoseconds of
 * CLOCK_MONOTONIC. The library prints nothing, installs no signal handler, and starts
 * threads for GH_BACKEND_THREADS and groups only.
 *
 * Life of a VM: gh_vm_create(), gh_vm_add_device()..., gh_vm_start(); it runs while
 * the runner is driven; events->ended(); gh_vm_destroy(). From gh_vm_start() on the runner
 * allocates no memory, except in gh_vcpu_add() and for threads in gh_vm_move().
 */
#ifndef GH_RUNNER_H
#define GH_RUNNER_H

#include <gh-runner/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- runner ---------------------------------------------------------------- */

/*
 * @config may be NULL, and is read in the call only. *@runner is the caller's, and the
 * calling thread its own; NULL after an error, and then *@error (may be NULL) says more.
 * -EINVAL: @config; -EPERM, -ENOSYS, -EACCES: io_uring is not allowed, and @config does not
 * leave the choice; -ENOMEM; -EMFILE; -EAGAIN: no more threads.
 */
int gh_runner_create(const struct gh_runner_config *config, struct gh_runner **runner,
		     struct gh_error_info *error);
/* What was asked for, and what AUTO has become: URING or THREADS. Any thread. */
enum gh_backend gh_runner_backend(const struct gh_runner *runner);
/*
 * Frees it, and gives a ring of the caller back. NULL is fine. Own thread. -EBUSY: it has
 * VMs, or one comes; it is a member of a group; or a callback is running.
 */
int gh_runner_destroy(struct gh_runner *runner);

/*
 * Drives the runner until no VM runs, or gh_runner_quit(): 0. Own thread. -EINTR: a signal
 * ended the wait, call it again. While guests compute none does, so what a handler wants of
 * the loop it tells by gh_runner_quit(). -EBUSY: in a callback; else the ring's error.
 */
int gh_runner_run(struct gh_runner *runner);
/* Makes gh_runner_run() return, now or next time. Any thread, and signal handlers. */
void gh_runner_quit(struct gh_runner *runner);

/*
 * Embedding in another event loop. Each turn: wait for gh_runner_fd() readable, at
 * most gh_runner_timeout_ns(); gh_runner_dispatch(); gh_runner_prepare().
 */

/*
 * The descriptor to wait for; the runner's, as long as it exists. With a ring it is an
 * eventfd, registered with the ring by the first call. Own thread. -EBUSY: the caller's ring
 * has one registered; -EMFILE.
 */
int gh_runner_fd(struct gh_runner *runner);
/* How long to wait, in ns: 0: dispatch now; UINT64_MAX: for the descriptor. Own thread. */
uint64_t gh_runner_timeout_ns(const struct gh_runner *runner);
/*
 * Submits what can run; guests run inside this call, at most batch_ns long. Own thread.
 * -EBUSY: in a callback; else the ring's error, after which guests do not run any more.
 */
int gh_runner_prepare(struct gh_runner *runner);
/*
 * Reaps all completions, then handles at most @budget exits (0: all) and the due
 * timers. All callbacks are called from here, by gh_runner_run() too, and never recursively.
 * Returns the number of exits handled. Own thread. Errors: as gh_runner_prepare().
 */
int gh_runner_dispatch(struct gh_runner *runner, unsigned int budget);

/*
 * @timer is the runner's until it fired or was cancelled. Own thread. -EINVAL: no fire();
 * -EBUSY: it is armed.
 */
int gh_timer_arm(struct gh_runner *runner, struct gh_timer *timer);
/* fire() is not called any more; fine if it is not armed. Own thread. */
void gh_timer_cancel(struct gh_runner *runner, struct gh_timer *timer);
/* The time now, in ns. Any thread, and signal handlers. */
uint64_t gh_now_ns(void);

/*
 * An SQE for a prep helper, of the runner's ring; it takes gh_io_attach() at once. NULL: the
 * queue is full even after submitting. Own thread.
 */
struct io_uring_sqe *gh_io_get_sqe(struct gh_runner *runner);
/*
 * After the prep helper: the next gh_runner_prepare() submits it, and io->done() hears of the
 * one CQE that it gives. @io is the runner's until then, also after its VM is gone. Own
 * thread. -EINVAL, and the SQE does nothing: no done(), or a tag in @io's top byte.
 */
int gh_io_attach(struct io_uring_sqe *sqe, struct gh_io *io);

/* ---- virtual machines -------------------------------------------------------- */

/*
 * *@vm is @runner's, until gh_vm_destroy(); NULL after an error. @config is read in the call,
 * and what it points to, except events and opaque. Own thread. -EINVAL, -E2BIG: @config;
 * -ENOEXEC: the image; -ENOSPC: @runner is full; -ENOENT, -ENODEV: no driver; -EACCES, -EPERM:
 * not for this user; -EOPNOTSUPP: IOCTL, and the driver has no batches; -ENOMEM; -EMFILE;
 * -EAGAIN: no more threads.
 */
int gh_vm_create(struct gh_runner *runner, const struct gh_vm_config *config,
		 struct gh_vm **vm);
/*
 * Puts a window of @size bytes at guest physical @base. @ops and @device are borrowed until
 * ops->release(); after an error they are the caller's as before, and it is not called. Own
 * thread. -EBUSY: started; -EINVAL: no name, read or write, @size 0, or not below 1 GiB;
 * -EEXIST: it overlaps a window or the interrupt controller; -ENOSPC: there are 16.
 */
int gh_vm_add_device(struct gh_vm *vm, uint64_t base, uint64_t size,
		     const struct gh_device_ops *ops, void *device);
/*
 * Lends the memory, starts the VM and queues its vCPUs. Own thread. -EBUSY: a VM starts once,
 * and after an error it can be destroyed only; -ENOSPC: the device tree is too large; -ENOMEM,
 * -EPERM: RLIMIT_MEMLOCK; -ENODEV: the resource manager refused it.
 */
int gh_vm_start(struct gh_vm *vm);
/*
 * Takes all vCPUs out of the guest, then events->ended(). Any thread, also while it moves;
 * then it ends where it arrives. Fine if it has ended. -EINVAL: it was never started.
 */
int gh_vm_stop(struct gh_vm *vm);
/*
 * Frees it, and calls release() of its devices. Own thread. -EBUSY: it has not ended, or it
 * moves, or a callback is running.
 */
int gh_vm_destroy(struct gh_vm *vm);
/*
 * From their next runs on @vm's vCPUs run @slice_ns at a time: guests that compute share the
 * CPU in proportion to their slices. Own thread. -EINVAL: not 10 us to 4 ms; -EOPNOTSUPP:
 * with THREADS the kernel shares out the CPU; -EBUSY: it moves.
 */
int gh_vm_set_slice(struct gh_vm *vm, uint32_t slice_ns);
/*
 * Takes a running VM with its devices to @to, another runner of the same backend, whose
 * thread may be any; events->moved() follows there. Its vCPUs come out of the guest
 * first, and accesses that a device owes are awaited. Meanwhile only gh_vcpu_kick() and
 * gh_vm_stop() may be called. An end of the VM cancels the move. Own thread. -EINVAL: not
 * running, or no such way; -EBUSY: a vCPU is being removed; -ENOSPC: @to is full; -EAGAIN: no
 * more threads.
 */
int gh_vm_move(struct gh_vm *vm, struct gh_runner *to);

/* The VM's own copy. Any thread. */
const char *gh_vm_name(const struct gh_vm *vm);
/* As configured. Any thread. */
void *gh_vm_opaque(const struct gh_vm *vm);
/* Which has it, or to which it is on its way. Any thread. */
struct gh_runner *gh_vm_runner(const struct gh_vm *vm);
/* How many were configured, present or not. Any thread. */
unsigned int gh_vm_vcpus(const struct gh_vm *vm);
/* The VM's, for its life; NULL if there is no vCPU @index. Any thread. */
struct gh_vcpu *gh_vm_vcpu(struct gh_vm *vm, unsigned int index);
/* The VM's; end is GH_VM_END_NONE while it runs. Own thread. */
const struct gh_vm_result *gh_vm_result(const struct gh_vm *vm);

/* ---- virtual CPUs ------------------------------------------------------------- */

/*
 * Takes a vCPU out of a new or running VM, and its descriptor and slot with it. The
 * guest should have switched it off. 0: it is out; -EINPROGRESS: once the runner was
 * driven, see gh_vcpu_present(). Own thread. -ENOENT: it is out; -EINVAL: it or its VM ends,
 * or moves; -EBUSY: a device owes it an answer.
 */
int gh_vcpu_remove(struct gh_vcpu *vcpu);
/*
 * Puts it back, as it was at the start. Own thread. -EINVAL: there is no vCPU @index, or the
 * VM ends or moves; -EEXIST: it is there; -EBUSY: it is going; others as gh_vm_create().
 */
int gh_vcpu_add(struct gh_vm *vm, unsigned int index);
/* Whether it is in its VM. Own thread. */
bool gh_vcpu_present(const struct gh_vcpu *vcpu);
/* Its VM. Any thread. */
struct gh_vm *gh_vcpu_vm(const struct gh_vcpu *vcpu);
/* In its VM, from 0. Any thread. */
unsigned int gh_vcpu_index(const struct gh_vcpu *vcpu);
/*
 * Ends its slice or park once, or its next one. Any thread, and signal handlers, while it is
 * present. Returns 0 or what the driver says.
 */
int gh_vcpu_kick(struct gh_vcpu *vcpu);

/* ---- devices ------------------------------------------------------------------- */

/*
 * Answers a deferred access, with access->data if it was a read; no use of @access
 * afterwards. Own thread, in the device's calls too.
 */
void gh_access_complete(struct gh_access *access);
/*
 * *@irq is a line of @vm, gone with it; NULL after an error. Own thread. -EBUSY: started;
 * -ENOSPC: there are 16; -EMFILE; others: the module gunyah_irqfd is not there.
 *
 * What reaches the guest is an edge: a doorbell is rung and drops by itself, and the
 * hypervisor does not tell when the guest has ended the interrupt. So a device with a
 * condition that lasts raises again when the guest acknowledges and it still holds.
 */
int gh_irq_create(struct gh_vm *vm, struct gh_irq **irq);
/* Interrupts the guest. Any thread, and signal handlers. */
void gh_irq_raise(struct gh_irq *irq);
/* Raises when @level becomes true. Any thread, one at a time. */
void gh_irq_set(struct gh_irq *irq, bool level);
/* Its number in the guest's interrupt controller. Any thread. */
unsigned int gh_irq_intid(const struct gh_irq *irq);
/* For gh_device_ops.dt_node: the property "interrupts" into @fdt. 0 or libfdt's error. */
int gh_irq_dt(const struct gh_irq *irq, void *fdt);

/* ---- statistics and errors ------------------------------------------------------ */

/* *@stats is the caller's. Own thread; of a group: gh_group_stats(). */
void gh_runner_stats(const struct gh_runner *runner, struct gh_stats *stats);
/*
 * Asks the driver; nothing waits for a run. *@stats is the caller's, and 0 on an error of the
 * driver. Any thread, while @vm exists and none of its vCPUs is added or removed.
 */
int gh_vm_stats(const struct gh_vm *vm, struct gh_vm_stats *stats);
/* Exits that user space handled: the sum of their kinds. Any thread. */
uint64_t gh_stats_exits(const struct gh_stats *stats);
/* The runner's, overwritten by the next call that fails. Own thread. */
const struct gh_error_info *gh_runner_last_error(const struct gh_runner *runner);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_H */
