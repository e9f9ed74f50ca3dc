/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of a run that most exits take: enter the guest once, and it accesses a
 * device. Inline in the callers, the two ioctls, the command and the batch, for most
 * of what a call would cost is saving registers that the hypercall then loses. All
 * that is rare is in gunyah_vcpu_run.c, and so are further entries: what they need to
 * know has an address, and would be kept in memory by who runs just once.
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

/* gunyah_vcpu_run.c: what is rare, and writes */
int gh_vcpu_too_late(struct gunyah_vcpu *vcpu);
int gh_vcpu_run_watched(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice slice);
int gh_vcpu_run_on(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice slice, int ret);
int gh_vcpu_run_out(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice slice, u64 error,
		    struct gh_vcpu_run_resp resp);
int gh_vcpu_run_waits(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice slice);
int gh_vcpu_mmio_write(struct gunyah_vcpu *vcpu, u64 addr, u64 len, u64 data);

/* The value of an access of @len bytes: 1, 2, 4 or 8. */
static __always_inline u64 gh_mmio_mask(u64 len)
{
	return U64_MAX >> (-8 * len & 63);
}

/* What the result says of the access that is pending. */
static __always_inline int gh_vcpu_mmio_result(bool write, u64 len)
{
	return GH_URING_EXIT_MMIO | (write ? GH_URING_RES_WRITE : 0) |
	       (int)len << GH_URING_RES_LEN_SHIFT;
}

/* Whether a run ended with an access. */
static __always_inline bool gh_vcpu_is_access(int res)
{
	return res >= 0 && GH_URING_RES_EXIT(res) == GH_URING_EXIT_MMIO;
}

/*
 * Takes the answer to the pending access. Or -EINVAL, and it remains pending; or
 * the exit, if nobody has heard of it yet.
 */
static __always_inline int gh_vcpu_take_answer(struct gunyah_vcpu *vcpu,
					       const struct gh_vcpu_order *order)
{
	struct gh_vcpu_run *run = vcpu->run;
	u32 pending = vcpu->pending;
	u64 data = order->resume_data;

	if (!pending)
		return 0;
	if (unlikely(pending & GH_VCPU_PENDING_UNSAID)) {
		vcpu->pending = pending & ~GH_VCPU_PENDING_UNSAID;
		return vcpu->pending;
	}
	if (!(order->flags & GH_URING_RUN_RESUME)) {
		if (READ_ONCE(run->mmio.resume_action) != GH_VCPU_RESUME_HANDLED)
			return -EINVAL;
		data = le64_to_cpu(READ_ONCE(*(__le64 *)run->mmio.data));
	}
	if (!(pending & GH_URING_RES_WRITE))
		vcpu->resume = data & gh_mmio_mask(GH_URING_RES_LEN(pending));
	vcpu->pending = 0;
	run->exit_reason = GH_VM_EXIT_UNKNOWN;
	return 0;
}

/* Where tracing or the kernel's accounting want to see entries begin and end. */
static __always_inline bool gh_vcpu_is_watched(void)
{
	return trace_gh_vcpu_run_enabled() || trace_gh_vcpu_exit_enabled() ||
	       vtime_accounting_enabled_this_cpu();
}

/* Takes the CPU for a guest, or false if something wants attention first. */
static __always_inline bool gh_vcpu_may_enter(struct gunyah_vcpu *vcpu, bool in_time)
{
	if (unlikely(vcpu->cpu != smp_processor_id())) {
		WRITE_ONCE(vcpu->cpu, smp_processor_id());
		/* Pairs with the transition of a kick: it sees us here, or we its flag. */
		smp_mb();
	}
	return likely(in_time && !(atomic_read(&vcpu->state) & GH_VCPU_STOP_FLAGS) &&
		      !(read_thread_flags() & GH_WORK_FLAGS) &&
		      !READ_ONCE(vcpu->run->immediate_exit));
}

/*
 * Enters the guest once, with interrupts on: any of them ends the hypercall.
 * False if something wants attention first; gh_vcpu_stopped() says what. @first: of
 * its run, which then enters whatever the time is. Nothing is called behind the
 * hypercall: what it returned can stay in its registers.
 */
static __always_inline bool gh_vcpu_enter(struct gunyah_vcpu *vcpu, u64 end, bool first,
					  u64 *error, struct gh_vcpu_run_resp *resp)
{
	struct gh_slice_clock *clock;
	unsigned int flags;
	bool may;

	preempt_disable();
	clock = this_cpu_ptr(&gh_slice_clock);
	may = gh_vcpu_may_enter(vcpu, gh_clock_start(clock, end, first));
	if (likely(may)) {
		/* Guest time, if the tick comes now. Nobody else changes these flags. */
		flags = current->flags;
		current->flags = flags | PF_VCPU;
		*error = gh_hypercall_vcpu_run(vcpu->capid, vcpu->resume, resp);
		current->flags = flags;
	}
	gh_clock_stop(clock);
	preempt_enable();
	return may;
}

/* Whether an access can be. */
static __always_inline bool gh_vcpu_mmio_is_valid(u64 addr, u64 len)
{
	/* The last: its end, where the next byte would be, is not beyond 2^64. */
	return len <= 8 && is_power_of_2(len) && addr <= -len;
}

/* The exit of an access that only somebody else can answer: the result of its run. */
static __always_inline int gh_vcpu_mmio(struct gunyah_vcpu *vcpu, bool write, u64 addr, u64 len,
					u64 data)
{
	struct gh_vcpu_run *run = vcpu->run;
	int res = gh_vcpu_mmio_result(write, len);

	/* The hypervisor has the answer to the last. */
	vcpu->resume = 0;
	vcpu->pending = res;

	run->exit_reason = GH_VM_EXIT_MMIO;
	run->mmio.phys_addr = addr;
	*(__le64 *)run->mmio.data = cpu_to_le64(data);
	run->mmio.len = len;
	/* And HANDLED in ->resume_action behind it. */
	*(__le16 *)&run->mmio.is_write = cpu_to_le16(write);
	return res;
}

/* How long a slice is that was asked for with @ns. */
static __always_inline u32 gh_vcpu_slice_ns(u32 ns)
{
	/* Most are between 16 us and almost the longest: that takes fewer instructions to see. */
	if (likely((ns >> 14) - 1 < (GH_SLICE_MAX_NS >> 14) - 1))
		return ns;
	return !ns ? GH_SLICE_DEFAULT_NS : clamp_t(u32, ns, GH_SLICE_MIN_NS, GH_SLICE_MAX_NS);
}

/*
 * Sets when the slice ends; false if its deadline has passed. The timer that is
 * armed already says when now is, so a slice can be longer by what is left of
 * the one before. A deadline is exact, yet the clock need not be read as long as the
 * timer, which fires before it or then, has not fired.
 */
static __always_inline bool gh_vcpu_begin_slice(const struct gh_vcpu_order *order, u64 *end)
{
	u64 latest = gh_clock_latest();

	*end = latest + gh_vcpu_slice_ns(order->slice_ns);
	if (unlikely(*end > order->deadline_ns)) {
		*end = order->deadline_ns;
		return latest <= order->deadline_ns || ktime_get_ns() <= order->deadline_ns;
	}
	return true;
}

/* How a run goes on that is more than one entry: the fields of struct gh_vcpu_slice. */
#define GH_RUN_MAY_SLEEP	BIT(0)
#define GH_RUN_IOCTL		BIT(1)

static __always_inline struct gh_vcpu_slice gh_vcpu_slice(const struct gh_vcpu_order *order,
							  u64 end, u64 begin, unsigned int how,
							  bool entered)
{
	return (struct gh_vcpu_slice){
		.end = end,
		.begin = begin,
		.asked_ns = order->slice_ns,
		.may_sleep = how & GH_RUN_MAY_SLEEP,
		.ioctl = how & GH_RUN_IOCTL,
		.entered = entered,
	};
}

/**
 * gh_vcpu_run_slice() - run the guest until user space must know something
 * @vcpu: owned
 * @order: what was asked for
 * @how: GH_RUN_MAY_SLEEP and GH_RUN_IOCTL, constants of the caller
 * @begin: of an ioctl: when it began, ns of CLOCK_MONOTONIC
 *
 * Return: what a command's CQE says, -errno, or GH_RUN_WAIT
 */
static __always_inline int gh_vcpu_run_slice(struct gunyah_vcpu *vcpu,
					     const struct gh_vcpu_order *order,
					     unsigned int how, u64 begin)
{
	struct gh_vcpu_run_resp resp;
	u64 error, end;
	int ret;

	ret = gh_vcpu_take_answer(vcpu, order);
	if (unlikely(ret))
		return ret;
	if (unlikely(!gh_vcpu_begin_slice(order, &end)))
		return gh_vcpu_too_late(vcpu);
	if (unlikely(!gh_vcpu_is_well(vcpu) || gh_vcpu_is_watched()))
		return gh_vcpu_run_watched(vcpu, gh_vcpu_slice(order, end, begin, how, false));
	if (unlikely(!gh_vcpu_enter(vcpu, end, true, &error, &resp)))
		return gh_vcpu_run_on(vcpu, gh_vcpu_slice(order, end, begin, how, false),
				      GH_RUN_STOPPED);

	if (unlikely(error != GH_ERROR_OK || !gh_vcpu_mmio_is_valid(resp.data0, resp.data1)))
		goto out;
	if (likely(resp.state == GH_VCPU_STATE_VMMIO_READ)) {
		vcpu->reads++;
		return gh_vcpu_mmio(vcpu, false, resp.data0, resp.data1, 0);
	}
	if (unlikely(resp.state != GH_VCPU_STATE_VMMIO_WRITE))
		goto out;
	ret = gh_vcpu_mmio_write(vcpu, resp.data0, resp.data1, resp.data2);
	if (unlikely(ret == GH_RUN_AGAIN))
		return gh_vcpu_run_on(vcpu, gh_vcpu_slice(order, end, begin, how, true), ret);
	vcpu->writes++;
	return ret;

out:
	if (error == GH_ERROR_OK && resp.state == GH_VCPU_STATE_EXPECTS_WAKEUP)
		return gh_vcpu_run_waits(vcpu, gh_vcpu_slice(order, end, begin, how, true));
	return gh_vcpu_run_out(vcpu, gh_vcpu_slice(order, end, begin, how, true), error, resp);
}

/*
 * Whether a guest that was left waiting need not be entered to know that it still
 * waits. Whatever else a run has to look at, it looks at before it enters.
 */
static __always_inline bool gh_vcpu_stays(const struct gunyah_vcpu *vcpu)
{
	return gh_vcpu_is_well(vcpu) && !vcpu->pending &&
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
	int ret;

	*owned = false;
	/* Another process's vCPU, or one from before exec. */
	if (unlikely(current->mm != vcpu->mm))
		return -EPERM;
	switch (gh_vcpu_take(vcpu)) {
	case GH_VCPU_ACT_ENTER:
		break;
	case GH_VCPU_ACT_STAY:
		gh_vcpu_unleave(vcpu);
		if (gh_vcpu_stays(vcpu))
			return gh_vcpu_leave(vcpu);
		break;
	case GH_VCPU_ACT_REPORT:
		return gh_vcpu_report(vcpu);
	default:
		return -EBUSY;
	}

	ret = gh_vcpu_run_slice(vcpu, order, 0, 0);
	if (unlikely(ret == GH_RUN_WAIT))
		return gh_vcpu_leave(vcpu);
	*owned = true;
	return ret;
}

#endif /* GUNYAH_VCPU_SLICE_H */
