/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of a run that most exits take: enter the guest, and it accesses a device.
 * Inline in the callers, the two ioctls, the command and the batch, for most of
 * what a call would cost is saving registers that the hypercall then loses. All that
 * is rare is in gunyah_vcpu_run.c.
 *
 * The functions here belong to the runner (gunyah_vcpu.h says who that is). What
 * the hypervisor returns and what user space wrote are checked before use. An exit
 * that was recorded is always delivered: nothing between recording it and
 * returning to the caller can fail. An answer that was taken stays in ->resume
 * until a hypercall has returned OK.
 */
#ifndef GUNYAH_VCPU_SLICE_H
#define GUNYAH_VCPU_SLICE_H

#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/vtime.h>

#include "compat.h"
#include "gunyah_vcpu.h"
#include "gunyah_vcpu_clock.h"
#include "gunyah_vcpu_trace.h"

/* gunyah_vcpu_run.c: what is rare */
int gh_vcpu_may_run(struct gunyah_vcpu *vcpu);
int gh_vcpu_stopped(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice *slice);
int gh_vcpu_handle(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice *slice, enum gh_error error,
		   struct gh_vcpu_run_resp resp);
int gh_vcpu_break(struct gunyah_vcpu *vcpu);
void gh_vcpu_unstall(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice *slice);
void gh_vcpu_trace_exit(struct gunyah_vcpu *vcpu, enum gh_error error,
			struct gh_vcpu_run_resp resp);

/* The value of an access of @len bytes: 1, 2, 4 or 8. */
static __always_inline u64 gh_mmio_mask(u64 len)
{
	return U64_MAX >> (64 - 8 * len);
}

/* What the result says of the access that is pending. */
static __always_inline int gh_vcpu_mmio_result(bool write, u64 len)
{
	return GH_URING_EXIT_MMIO | (write ? GH_URING_RES_WRITE : 0) |
	       (int)len << GH_URING_RES_LEN_SHIFT;
}

/*
 * Takes the answer to the pending access. Or -EINVAL, and it remains pending; or
 * the exit, if nobody has heard of it yet.
 */
static __always_inline int gh_vcpu_take_answer(struct gunyah_vcpu *vcpu,
					       const struct gh_vcpu_order *order)
{
	struct gh_vcpu_run *run = vcpu->run;
	u8 pending = vcpu->pending;
	u64 data = order->resume_data;

	if (pending == GH_VCPU_PENDING_NONE)
		return 0;
	if (unlikely(pending & GH_VCPU_PENDING_UNSAID)) {
		vcpu->pending = pending & ~GH_VCPU_PENDING_UNSAID;
		return gh_vcpu_mmio_result(vcpu->pending == GH_VCPU_PENDING_WRITE,
					   vcpu->pending_len);
	}
	if (!(order->flags & GH_URING_RUN_RESUME)) {
		if (READ_ONCE(run->mmio.resume_action) != GH_VCPU_RESUME_HANDLED)
			return -EINVAL;
		data = le64_to_cpu(READ_ONCE(*(__le64 *)run->mmio.data));
	}
	if (pending == GH_VCPU_PENDING_READ)
		vcpu->resume[0] = data & gh_mmio_mask(vcpu->pending_len);
	vcpu->pending = GH_VCPU_PENDING_NONE;
	run->exit_reason = GH_VM_EXIT_UNKNOWN;
	return 0;
}

/* Counts the guest's time as guest time, in what the tick and user space see. */
static __always_inline void gh_guest_time_begin(void)
{
	if (unlikely(vtime_accounting_enabled_this_cpu())) {
		unsigned long flags;

		local_irq_save(flags);
		vtime_account_guest_enter();
		local_irq_restore(flags);
	} else {
		current->flags |= PF_VCPU;
	}
}

static __always_inline void gh_guest_time_end(void)
{
	if (unlikely(vtime_accounting_enabled_this_cpu())) {
		unsigned long flags;

		local_irq_save(flags);
		vtime_account_guest_exit();
		local_irq_restore(flags);
	} else {
		current->flags &= ~PF_VCPU;
	}
}

/*
 * Enters the guest once, with interrupts on: any of them ends the hypercall.
 * False if something wants attention first; gh_vcpu_stopped() says what.
 */
static __always_inline bool gh_vcpu_enter(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice *slice,
					  struct gh_vcpu_run_resp *resp, enum gh_error *error)
{
	struct gh_slice_clock *clock;
	bool entered = false, in_time;

	preempt_disable();
	clock = this_cpu_ptr(&gh_slice_clock);
	in_time = gh_clock_start(clock, slice->end, !slice->entered);
	if (unlikely(vcpu->cpu != smp_processor_id())) {
		WRITE_ONCE(vcpu->cpu, smp_processor_id());
		/* Pairs with the transition of a kick: it sees us here, or we its flag. */
		smp_mb();
	}
	if (likely(in_time && !(atomic_read(&vcpu->state) & GH_VCPU_STOP_FLAGS) &&
		   !(read_thread_flags() & GH_WORK_FLAGS) &&
		   !READ_ONCE(vcpu->run->immediate_exit))) {
		gh_guest_time_begin();
		*error = gh_hypercall_vcpu_run(vcpu->capid, vcpu->resume, resp);
		gh_guest_time_end();
		entered = true;
		slice->entered = true;
	}
	gh_clock_stop(clock);
	preempt_enable();
	return entered;
}

/* The guest accesses what only somebody else can answer. */
static __always_inline int gh_vcpu_mmio(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice *slice,
					struct gh_vcpu_run_resp resp)
{
	bool write = resp.state == GH_VCPU_STATE_VMMIO_WRITE;
	struct gh_vcpu_run *run = vcpu->run;
	u64 addr = resp.data[0];
	u64 len = resp.data[1];
	u64 data = 0;

	/* The hypervisor has the answer to the last. */
	vcpu->resume[0] = 0;
	if (unlikely(vcpu->stall_since))
		gh_vcpu_unstall(vcpu, slice);
	if (unlikely(len > 8 || !is_power_of_2(len) || addr + (len - 1) < addr))
		return gh_vcpu_break(vcpu);

	if (write) {
		/* The hypervisor passes the whole register. */
		data = resp.data[2] & gh_mmio_mask(len);
		if (!gunyah_vm_mmio_write(vcpu->ghvm, vcpu->id, addr, len, data)) {
			vcpu->stats.mmio_kernel++;
			return GH_RUN_AGAIN;
		}
		vcpu->stats.mmio_writes++;
		vcpu->pending = GH_VCPU_PENDING_WRITE;
	} else {
		vcpu->stats.mmio_reads++;
		vcpu->pending = GH_VCPU_PENDING_READ;
	}
	vcpu->pending_len = len;

	run->exit_reason = GH_VM_EXIT_MMIO;
	run->mmio.phys_addr = addr;
	*(__le64 *)run->mmio.data = cpu_to_le64(data);
	run->mmio.len = len;
	run->mmio.is_write = write;
	run->mmio.resume_action = GH_VCPU_RESUME_HANDLED;
	return gh_vcpu_mmio_result(write, len);
}

/*
 * Sets when the slice ends; false if its deadline has passed. The timer that is
 * armed already says when now is, so a slice can be longer by what is left of
 * the one before; a deadline is exact.
 */
static __always_inline bool gh_vcpu_begin_slice(const struct gh_vcpu_order *order,
						struct gh_vcpu_slice *slice)
{
	u64 length = order->slice_ns;

	if (!length)
		length = GH_SLICE_DEFAULT_NS;
	else
		length = clamp_t(u64, length, GH_SLICE_MIN_NS, GH_SLICE_MAX_NS);
	slice->end = gh_clock_latest() + length;
	if (order->deadline_ns && unlikely(slice->end > order->deadline_ns)) {
		slice->end = order->deadline_ns;
		return ktime_get_ns() < order->deadline_ns;
	}
	return true;
}

/**
 * gh_vcpu_run_slice() - run the guest until user space must know something
 * @vcpu: owned
 * @order: what was asked for
 * @slice: how; see there what must be set
 *
 * Return: what a command's CQE says, -errno, or GH_RUN_WAIT
 */
static __always_inline int gh_vcpu_run_slice(struct gunyah_vcpu *vcpu,
					     const struct gh_vcpu_order *order,
					     struct gh_vcpu_slice *slice)
{
	struct gh_vcpu_run_resp resp;
	enum gh_error error;
	int ret;

	ret = gh_vcpu_take_answer(vcpu, order);
	if (unlikely(ret))
		return ret;
	vcpu->stats.runs++;
	if (unlikely(!gh_vcpu_begin_slice(order, slice))) {
		vcpu->stats.preempts++;
		return GH_URING_EXIT_PREEMPTED;
	}
	if (unlikely(!gh_vcpu_is_well(vcpu))) {
		ret = gh_vcpu_may_run(vcpu);
		if (ret)
			return ret;
	}
	trace_gh_vcpu_run(vcpu, slice->end);
	do {
		if (unlikely(!gh_vcpu_enter(vcpu, slice, &resp, &error))) {
			ret = gh_vcpu_stopped(vcpu, slice);
			continue;
		}
		vcpu->stats.entries++;
		if (trace_gh_vcpu_exit_enabled())
			gh_vcpu_trace_exit(vcpu, error, resp);
		if (likely(error == GH_ERROR_OK && (resp.state == GH_VCPU_STATE_VMMIO_READ ||
						    resp.state == GH_VCPU_STATE_VMMIO_WRITE)))
			ret = gh_vcpu_mmio(vcpu, slice, resp);
		else
			ret = gh_vcpu_handle(vcpu, slice, error, resp);
	} while (ret == GH_RUN_AGAIN);

	if (ret == GH_URING_EXIT_PREEMPTED)
		vcpu->stats.preempts++;
	else if (ret == GH_URING_EXIT_INTR)
		vcpu->stats.intrs++;
	return ret;
}

/*
 * Whether a guest that was left waiting need not be entered to know that it still
 * waits. Whatever else a run has to look at, it looks at before it enters.
 */
static __always_inline bool gh_vcpu_stays(const struct gunyah_vcpu *vcpu)
{
	return gh_vcpu_is_well(vcpu) && vcpu->pending == GH_VCPU_PENDING_NONE &&
	       !READ_ONCE(vcpu->run->immediate_exit);
}

/**
 * gh_vcpu_try_run() - one run that does not wait: what is taken is run, left or refused
 * @vcpu: not owned
 * @order: what was asked for
 * @owned: out: the vCPU is the caller's, who ends that with gh_vcpu_stop()
 *
 * Return: what an entry of a batch says, or -errno
 */
static __always_inline int gh_vcpu_try_run(struct gunyah_vcpu *vcpu,
					   const struct gh_vcpu_order *order, bool *owned)
{
	struct gh_vcpu_slice slice;
	int ret;

	*owned = false;
	/* Another process's vCPU, or one from before exec. */
	if (unlikely(current->mm != vcpu->mm))
		return -EPERM;
	switch (gh_vcpu_take(vcpu)) {
	case GH_VCPU_ACT_ENTER:
		break;
	case GH_VCPU_ACT_STAY:
		if (gh_vcpu_stays(vcpu))
			return gh_vcpu_leave(vcpu);
		break;
	case GH_VCPU_ACT_REPORT:
		return gh_vcpu_report(vcpu);
	default:
		return -EBUSY;
	}

	/* One by one: an initialiser becomes a call of memset(). */
	slice.tries = 0;
	slice.may_sleep = false;
	slice.ioctl = false;
	slice.entered = false;
	ret = gh_vcpu_run_slice(vcpu, order, &slice);
	if (unlikely(ret == GH_RUN_WAIT))
		return gh_vcpu_leave(vcpu);
	if (unlikely(ret == GH_URING_EXIT_PREEMPTED && !slice.entered))
		ret |= GH_URING_RES_NOT_ENTERED;
	*owned = true;
	return ret;
}

#endif /* GUNYAH_VCPU_SLICE_H */
