// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run of a vCPU, the same for the ioctl and for the io_uring command: enter
 * the guest, look at why it came back, tell user space or enter again.
 *
 * gunyah_vcpu_slice.h has the way that most exits take, and the rules; here is what
 * becomes of the others, and the ioctl.
 */

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/task_work.h>

#include "compat.h"
#include "gunyah_vcpu.h"

#define CREATE_TRACE_POINTS
#include "gunyah_vcpu_slice.h"

/* The last bits of POWERED_OFF: the vCPU will not run again. */
#define GH_POWERED_OFF_GONE	BIT_ULL(0)

/* Records STATUS. @info is NULL if the resource manager said nothing. */
static int gh_vcpu_record_status(struct gunyah_vcpu *vcpu, const struct gunyah_vm_exit_info *info)
{
	struct gh_vcpu_run *run = vcpu->run;
	u32 size = 0;

	run->exit_reason = GH_VM_EXIT_STATUS;
	run->status.status = GH_VM_STATUS_CRASHED;
	run->status.exit_info.type = GH_VM_EXIT_TYPE_NONE;
	run->status.exit_info.padding = 0;
	memset(run->status.exit_info.reason, 0, GH_VM_MAX_EXIT_REASON_SIZE);
	if (info) {
		/* VM_EXIT, the PSCI types, watchdog, and stopped by force. */
		if (info->type <= 4 || info->type == 7)
			run->status.status = GH_VM_STATUS_EXITED;
		size = min_t(u32, info->reason_size, GH_VM_MAX_EXIT_REASON_SIZE);
		run->status.exit_info.type = info->type;
		memcpy(run->status.exit_info.reason, info->reason, size);
	}
	run->status.exit_info.reason_size = size;
	/* Each exit writes it; in STATUS it lies behind the reason. */
	run->mmio.resume_action = GH_VCPU_RESUME_HANDLED;
	vcpu->stats.status++;
	return GH_URING_EXIT_STATUS;
}

/* The hypervisor said something impossible, or that it is over: never enter again. */
static int gh_vcpu_break(struct gunyah_vcpu *vcpu)
{
	vcpu->broken = true;
	return gh_vcpu_record_status(vcpu, NULL);
}

/* What a vCPU without hypervisor object has to say: STATUS or -ENODEV. */
static int gh_vcpu_last_words(struct gunyah_vcpu *vcpu)
{
	struct gunyah_vm_exit_info info;

	if (gunyah_vm_state(vcpu->ghvm, &info) != GUNYAH_VM_EXITED)
		return -ENODEV;
	return gh_vcpu_record_status(vcpu, &info);
}

/**
 * gh_vcpu_report() - the run of a vCPU without hypervisor object
 * @vcpu: owned since REPORT, and not any more after
 *
 * Return: GH_URING_EXIT_STATUS, or -ENODEV
 */
noinline int gh_vcpu_report(struct gunyah_vcpu *vcpu)
{
	int ret = gh_vcpu_last_words(vcpu);

	gh_vcpu_event(vcpu, GH_VCPU_EV_STOP);
	return ret;
}

/*
 * The VM is not known to run, or the vCPU must not, or not now. An exited VM's vCPU is still
 * entered, for it needs the CPU to unwind.
 */
static int gh_vcpu_may_run(struct gunyah_vcpu *vcpu)
{
	struct gunyah_vm_exit_info info;

	switch (gunyah_vm_state(vcpu->ghvm, &info)) {
	case GUNYAH_VM_RUNNING:
		break;
	case GUNYAH_VM_EXITED:
		if (vcpu->gone || vcpu->broken)
			return gh_vcpu_record_status(vcpu, &info);
		break;
	default:
		return -ENODEV;
	}
	if (vcpu->broken)
		return gh_vcpu_break(vcpu);
	if (READ_ONCE(vcpu->held))
		return GH_URING_EXIT_PREEMPTED;
	return GH_RUN_AGAIN;
}

/*
 * The vCPU will not run again: its VM has exited, or is about to. Waits for the
 * resource manager to say why, but not for ever.
 */
static int gh_vcpu_dying(struct gunyah_vcpu *vcpu, u64 limit, int wait)
{
	struct gunyah_vm_exit_info info;
	u64 now = ktime_get_ns();
	bool exited = gunyah_vm_state(vcpu->ghvm, &info) == GUNYAH_VM_EXITED;

	if (exited && wait == GH_RUN_WAIT)
		return gh_vcpu_record_status(vcpu, &info);
	if (!vcpu->dying_since)
		vcpu->dying_since = now;
	if (now - vcpu->dying_since >= limit)
		return exited ? gh_vcpu_record_status(vcpu, &info) : gh_vcpu_break(vcpu);
	if (wait == GH_RUN_WAIT)
		mod_timer(&vcpu->timer,
			  jiffies + nsecs_to_jiffies(limit - (now - vcpu->dying_since)) + 1);
	return wait;
}

/* Waits for its wake-up. In an exited VM none will come. */
static int gh_vcpu_wait(struct gunyah_vcpu *vcpu)
{
	struct gunyah_vm_exit_info info;

	if (unlikely(!READ_ONCE(vcpu->live)) &&
	    gunyah_vm_state(vcpu->ghvm, &info) == GUNYAH_VM_EXITED)
		return gh_vcpu_record_status(vcpu, &info);
	if (atomic_read(&vcpu->state) & GH_VCPU_F_WAKE) {
		gh_vcpu_event(vcpu, GH_VCPU_EV_AGAIN);
		return GH_RUN_AGAIN;
	}
	return GH_RUN_WAIT;
}

/*
 * POWERED_OFF: until another vCPU switches it on. When none is left the VM is off, and the
 * resource manager will say so; or the hypervisor did not tell it.
 */
static int gh_vcpu_off(struct gunyah_vcpu *vcpu)
{
	u32 turn;

	if (!vcpu->off) {
		vcpu->off = true;
		gunyah_vm_vcpu_off(vcpu->ghvm);
	}
	if (!gunyah_vm_is_off(vcpu->ghvm, &turn)) {
		vcpu->dying_since = 0;
		return gh_vcpu_wait(vcpu);
	}
	if (turn != vcpu->off_turn) {
		vcpu->off_turn = turn;
		vcpu->dying_since = 0;
	}
	return gh_vcpu_dying(vcpu, GH_OFF_LIMIT_NS, GH_RUN_WAIT);
}

/* It was off: unless the hypervisor says so once more, or nothing, it is on. */
static void gh_vcpu_look_on(struct gunyah_vcpu *vcpu, u64 error, u64 state)
{
	if (error != GH_ERROR_OK || state == GH_VCPU_STATE_POWERED_OFF ||
	    state == GH_VCPU_STATE_BLOCKED)
		return;
	vcpu->off = false;
	vcpu->dying_since = 0;
	gunyah_vm_vcpu_on(vcpu->ghvm);
}

/* Whether the slice is over; an ioctl has as many as it likes. */
static int gh_vcpu_check_slice(struct gh_vcpu_slice *slice, u64 now)
{
	if (now < slice->end)
		return GH_RUN_AGAIN;
	gh_clock_forget();
	if (!slice->ioctl)
		return GH_URING_EXIT_PREEMPTED;
	slice->end = now + GH_SLICE_MAX_NS;
	return GH_RUN_AGAIN;
}

/* Why the guest was not entered. */
static int gh_vcpu_stopped(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice *slice)
{
	u32 state = atomic_read(&vcpu->state);
	unsigned long work = read_thread_flags() & GH_WORK_FLAGS;

	if (state & GH_VCPU_F_DOWN)
		return gh_vcpu_last_words(vcpu);
	if (state & GH_VCPU_F_CANCEL)
		return -ECANCELED;
	if (state & GH_VCPU_F_KICK)
		return GH_URING_EXIT_PREEMPTED;
	if (READ_ONCE(vcpu->run->immediate_exit))
		return GH_URING_EXIT_INTR;
	if (work & _TIF_SIGPENDING)
		return GH_URING_EXIT_INTR;
	if (!work)
		return gh_vcpu_check_slice(slice, ktime_get_ns());
	if (!slice->ioctl || work & _TIF_NOTIFY_SIGNAL)
		return GH_URING_EXIT_PREEMPTED;
	schedule();
	return GH_RUN_AGAIN;
}

static u64 gh_vcpu_nr_runs(const struct gunyah_vcpu *vcpu)
{
	return vcpu->reads + vcpu->writes + vcpu->stats.runs;
}

/* The guest used up its last slice, or the one before: this run may be counted or not yet. */
static bool gh_vcpu_computes(const struct gunyah_vcpu *vcpu)
{
	return gh_vcpu_nr_runs(vcpu) - vcpu->used_up <= 1;
}

/*
 * What a guest still gets when others need not wait any more. With less, who wakes often
 * would keep it from running; and a part, for slices are weights.
 */
static u64 gh_vcpu_rest_ns(const struct gh_vcpu_slice *slice)
{
	return gh_vcpu_slice_ns(slice->asked_ns) / 8;
}

/*
 * READY: interrupted. The only place that reads the clock between entries. vCPUs that were
 * left and need not wait any more do not wait for a guest that computes.
 */
static int gh_vcpu_ready(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice *slice)
{
	u64 now = ktime_get_ns();

	if (!slice->ioctl && gh_vcpu_computes(vcpu) && gh_vcpu_board_has_told(vcpu))
		slice->end = min(slice->end, now + gh_vcpu_rest_ns(slice));
	trace_gh_vcpu_slice(vcpu, slice->end - now);
	if (unlikely(!READ_ONCE(vcpu->live))) {
		int ret = GH_RUN_AGAIN;

		if (gunyah_vm_state(vcpu->ghvm, NULL) == GUNYAH_VM_EXITED)
			ret = gh_vcpu_dying(vcpu, GH_UNWIND_LIMIT_NS, GH_RUN_AGAIN);
		if (ret)
			return ret;
	}
	/* Work for the next return to user mode: it can wait, but not for ever. */
	if (task_work_pending(current) &&
	    (!slice->ioctl || (s64)(now - slice->begin) >= (s64)GH_WORK_LIMIT_NS))
		return GH_URING_EXIT_PREEMPTED;
	return gh_vcpu_check_slice(slice, now);
}

/*
 * BUSY, RETRY or BLOCKED: somebody else has the vCPU, or the hypervisor cannot run
 * it yet. Nothing was consumed. Passes soon as a rule.
 */
static int gh_vcpu_stalled(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice *slice)
{
	struct gunyah_vm_exit_info info;
	u64 now = ktime_get_ns();
	unsigned int tries = slice->tries++;

	vcpu->stats.stalls++;
	/* Time in which nobody ran it says nothing. */
	if (!vcpu->stalled || now - vcpu->stall_last >= GH_STALL_GAP_NS)
		vcpu->stall_since = now;
	vcpu->stall_last = now;
	vcpu->stalled = true;
	if (now - vcpu->stall_since >= GH_STALL_LIMIT_NS) {
		vcpu->stalled = false;
		if (gunyah_vm_state(vcpu->ghvm, &info) == GUNYAH_VM_EXITED)
			return gh_vcpu_record_status(vcpu, &info);
		return -ETIMEDOUT;
	}
	if (tries < GH_STALL_TRIES) {
		cpu_relax();
		return GH_RUN_AGAIN;
	}
	if (!slice->may_sleep)
		return GH_URING_EXIT_PREEMPTED;
	if (now >= slice->end && !slice->ioctl)
		return GH_URING_EXIT_PREEMPTED;
	/* 50 us, doubled up to 1.6 ms. */
	fsleep(50UL << min(tries - GH_STALL_TRIES, 5U));
	return GH_RUN_AGAIN;
}

/* Any other error of the hypercall. */
static int gh_vcpu_failed(struct gunyah_vcpu *vcpu)
{
	struct gunyah_vm_exit_info info;

	if (gunyah_vm_state(vcpu->ghvm, &info) == GUNYAH_VM_EXITED)
		return gh_vcpu_record_status(vcpu, &info);
	return -EIO;
}

/* The hypervisor took a step, perhaps after it could not for a while. */
static void gh_vcpu_unstall(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice *slice)
{
	if (unlikely(vcpu->stalled)) {
		vcpu->stalled = false;
		slice->tries = 0;
	}
}

static noinline void gh_vcpu_trace_exit(struct gunyah_vcpu *vcpu, u64 error,
					struct gh_vcpu_run_resp resp)
{
	trace_gh_vcpu_exit(vcpu, gh_error_from_reg(error), &resp);
}

/* One return of the hypercall that is no access, or one that cannot be. */
static noinline int gh_vcpu_handle(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice *slice,
				   u64 error_reg, struct gh_vcpu_run_resp resp)
{
	if (unlikely(error_reg != GH_ERROR_OK)) {
		enum gh_error error = gh_error_from_reg(error_reg);

		if (error == GH_ERROR_RETRY || error == GH_ERROR_BUSY)
			return gh_vcpu_stalled(vcpu, slice);
		return gh_vcpu_failed(vcpu);
	}
	/* The hypervisor has the answer. */
	vcpu->resume = 0;
	if (resp.state == GH_VCPU_STATE_BLOCKED)
		return gh_vcpu_stalled(vcpu, slice);
	gh_vcpu_unstall(vcpu, slice);

	switch (resp.state) {
	case GH_VCPU_STATE_READY:
		return gh_vcpu_ready(vcpu, slice);
	case GH_VCPU_STATE_EXPECTS_WAKEUP:
		return gh_vcpu_wait(vcpu);
	case GH_VCPU_STATE_POWERED_OFF:
		if (!(resp.data0 & GH_POWERED_OFF_GONE))
			return gh_vcpu_off(vcpu);
		vcpu->gone = true;
		fallthrough;
	case GH_VCPU_STATE_FAULT:
	case GH_VCPU_STATE_SYSTEM_RESET:
		return gh_vcpu_dying(vcpu, GH_REPORT_LIMIT_NS, GH_RUN_WAIT);
	default:
		return gh_vcpu_break(vcpu);
	}
}

/* See gh_vcpu_mmio_write(). */
static __always_inline int gh_vcpu_write(struct gunyah_vcpu *vcpu, u64 addr, u64 len, u64 data)
{
	data &= gh_mmio_mask(len);
	if (gunyah_vm_mmio_write(vcpu->ghvm, &vcpu->io_last, vcpu->id, addr, len, data))
		return gh_vcpu_mmio(vcpu, true, addr, len, data);
	vcpu->resume = 0;
	vcpu->stats.mmio_kernel++;
	return GH_RUN_AGAIN;
}

/**
 * gh_vcpu_mmio_write() - the guest writes
 * @vcpu: owned
 * @addr: where, valid
 * @len: how many bytes, valid
 * @data: the hypervisor passes the whole register
 *
 * Return: the result of the run, or GH_RUN_AGAIN if somebody in the kernel took it
 */
noinline int gh_vcpu_mmio_write(struct gunyah_vcpu *vcpu, u64 addr, u64 len, u64 data)
{
	return gh_vcpu_write(vcpu, addr, len, data);
}

/* One return of the hypercall. */
static __always_inline int gh_vcpu_out(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice *slice,
				       u64 error, struct gh_vcpu_run_resp resp)
{
	bool write = resp.state == GH_VCPU_STATE_VMMIO_WRITE;
	int ret;

	if (unlikely(error != GH_ERROR_OK || (resp.state != GH_VCPU_STATE_VMMIO_READ && !write) ||
		     !gh_vcpu_mmio_is_valid(resp.data0, resp.data1)))
		return gh_vcpu_handle(vcpu, slice, error, resp);
	gh_vcpu_unstall(vcpu, slice);
	if (!write) {
		vcpu->stats.mmio_reads++;
		return gh_vcpu_mmio(vcpu, false, resp.data0, resp.data1, 0);
	}
	ret = gh_vcpu_write(vcpu, resp.data0, resp.data1, resp.data2);
	if (unlikely(ret != GH_RUN_AGAIN))
		vcpu->stats.mmio_writes++;
	return ret;
}

/* Where the kernel measures the guest's time instead of looking at the tick. */
static void gh_vcpu_count_time(bool begin)
{
	unsigned long flags;

	local_irq_save(flags);
	if (begin)
		vtime_account_guest_enter();
	else
		vtime_account_guest_exit();
	local_irq_restore(flags);
}

/* As gh_vcpu_enter(), for whoever wants to see it. */
static __always_inline bool gh_vcpu_enter_watched(struct gunyah_vcpu *vcpu,
						  const struct gh_vcpu_slice *slice, u64 *error,
						  struct gh_vcpu_run_resp *resp)
{
	bool timed = vtime_accounting_enabled_this_cpu(), entered;

	if (unlikely(timed))
		gh_vcpu_count_time(true);
	entered = gh_vcpu_enter(vcpu, slice->end, !slice->entered, error, resp);
	if (unlikely(timed))
		gh_vcpu_count_time(false);
	if (trace_gh_vcpu_exit_enabled() && entered)
		gh_vcpu_trace_exit(vcpu, *error, *resp);
	return entered;
}

/* What a run that did not end with its first access has come to. */
static int gh_vcpu_ended(struct gunyah_vcpu *vcpu, const struct gh_vcpu_slice *slice, int ret)
{
	if (ret == GH_URING_EXIT_PREEMPTED) {
		vcpu->stats.preempts++;
		if (slice->entered)
			vcpu->used_up = gh_vcpu_nr_runs(vcpu);
		else
			ret |= GH_URING_RES_NOT_ENTERED;
	} else if (ret == GH_URING_EXIT_INTR) {
		vcpu->stats.intrs++;
	}
	return ret;
}

/**
 * gh_vcpu_run_on() - the rest of a run, from its first entry on
 * @vcpu: owned
 * @slice: the run, so far
 * @ret: GH_RUN_AGAIN, GH_RUN_STOPPED, or the result already
 *
 * Return: as gh_vcpu_run_slice()
 */
noinline int gh_vcpu_run_on(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice slice, int ret)
{
	struct gh_vcpu_run_resp resp;
	u64 error;

	vcpu->stats.runs++;
	if (slice.entered)
		vcpu->stats.entries++;
	if (ret == GH_RUN_STOPPED)
		ret = gh_vcpu_stopped(vcpu, &slice);
	while (ret == GH_RUN_AGAIN) {
		if (unlikely(!gh_vcpu_enter_watched(vcpu, &slice, &error, &resp))) {
			ret = gh_vcpu_stopped(vcpu, &slice);
			continue;
		}
		slice.entered = true;
		vcpu->stats.entries++;
		if (unlikely(vcpu->off))
			gh_vcpu_look_on(vcpu, error, resp.state);
		ret = gh_vcpu_out(vcpu, &slice, error, resp);
	}
	return gh_vcpu_ended(vcpu, &slice, ret);
}

/* The first entry came back with @error and @resp, which is no access as most are. */
noinline int gh_vcpu_run_out(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice slice, u64 error,
		    struct gh_vcpu_run_resp resp)
{
	int ret = gh_vcpu_out(vcpu, &slice, error, resp);

	return gh_vcpu_run_on(vcpu, slice, ret);
}

/*
 * The first entry of a vCPU that was well came back with a guest that waits, which many
 * do all the time.
 */
noinline int gh_vcpu_run_waits(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice slice)
{
	vcpu->resume = 0;
	if (unlikely(!READ_ONCE(vcpu->live) || atomic_read(&vcpu->state) & GH_VCPU_F_WAKE))
		return gh_vcpu_run_on(vcpu, slice, gh_vcpu_wait(vcpu));
	vcpu->stats.runs++;
	vcpu->stats.entries++;
	return GH_RUN_WAIT;
}

/* Something is to be looked at before the first entry, or somebody looks at it. */
noinline int gh_vcpu_run_watched(struct gunyah_vcpu *vcpu, struct gh_vcpu_slice slice)
{
	int ret = GH_RUN_AGAIN;

	if (unlikely(!gh_vcpu_is_well(vcpu)))
		ret = gh_vcpu_may_run(vcpu);
	if (ret == GH_RUN_AGAIN)
		trace_gh_vcpu_run(vcpu, slice.end);
	return gh_vcpu_run_on(vcpu, slice, ret);
}

/* The deadline has passed. */
noinline int gh_vcpu_too_late(struct gunyah_vcpu *vcpu)
{
	vcpu->stats.runs++;
	vcpu->stats.preempts++;
	return GH_URING_EXIT_PREEMPTED | GH_URING_RES_NOT_ENTERED;
}

/* The ioctl's wait. Whatever ends it, the vCPU is RUNNING and ours after. */
static void gh_vcpu_sleep(struct gunyah_vcpu *vcpu)
{
	if (gh_vcpu_event(vcpu, GH_VCPU_EV_SLEEP) != GH_VCPU_ACT_WAIT)
		return;
	vcpu->stats.parks++;
	trace_gh_vcpu_park(vcpu, GH_WAIT_IOCTL);
	rcuwait_wait_event(&vcpu->sleeper,
			   gh_vcpu_phase(atomic_read(&vcpu->state)) != GH_VCPU_ASLEEP,
			   TASK_INTERRUPTIBLE);
	/* A signal leaves it asleep; a wake-up has moved it already. */
	gh_vcpu_event(vcpu, GH_VCPU_EV_SIGNAL);
	vcpu->stats.wakes++;
	trace_gh_vcpu_wake(vcpu, GH_WAIT_IOCTL);
}

static long gh_vcpu_ioctl_result(int ret)
{
	if (ret < 0)
		return ret;
	switch (GH_URING_RES_EXIT(ret)) {
	case GH_URING_EXIT_PREEMPTED:
	case GH_URING_EXIT_INTR:
		return -EINTR;
	default:
		return 0;
	}
}

/* GH_VCPU_RUN as ioctl: until an exit, a signal or a kick, waiting included. */
long gh_vcpu_run_ioctl(struct gunyah_vcpu *vcpu)
{
	const struct gh_vcpu_order order = {
		.deadline_ns = U64_MAX,
		.slice_ns = GH_SLICE_MAX_NS,
	};
	u64 begin = gh_clock_latest();
	int ret;

	if (current->mm != vcpu->mm)
		return -EPERM;
	switch (gh_vcpu_take(vcpu)) {
	case GH_VCPU_ACT_ENTER:
		break;
	case GH_VCPU_ACT_STAY:
		gh_vcpu_unleave(vcpu);
		if (gh_vcpu_stays(vcpu))
			gh_vcpu_sleep(vcpu);
		break;
	case GH_VCPU_ACT_REPORT:
		return gh_vcpu_ioctl_result(gh_vcpu_report(vcpu));
	default:
		return -EBUSY;
	}

	for (;;) {
		ret = gh_vcpu_run_slice(vcpu, &order, GH_RUN_MAY_SLEEP | GH_RUN_IOCTL, begin);
		if (ret != GH_RUN_WAIT)
			break;
		gh_vcpu_sleep(vcpu);
	}
	gh_vcpu_stop(vcpu);
	return gh_vcpu_ioctl_result(ret);
}

/* A wait that the board is not told the end of. */
static void gh_vcpu_board_untold(struct gunyah_vcpu *vcpu)
{
	vcpu->stats.wakes++;
	trace_gh_vcpu_wake(vcpu, GH_WAIT_BOARD);
}

/**
 * gh_vcpu_unleave() - a run takes over the wait of a vCPU that was left
 * @vcpu: owned since STAY
 */
void gh_vcpu_unleave(struct gunyah_vcpu *vcpu)
{
	if (rcu_access_pointer(vcpu->board))
		gh_vcpu_board_untold(vcpu);
}

/**
 * gh_vcpu_leave() - the guest waits, and nobody waits for it
 * @vcpu: owned; not any more after
 *
 * Return: GH_URING_EXIT_WAITING; or the guest does not wait any more, or somebody
 * wants the run to end
 */
int gh_vcpu_leave(struct gunyah_vcpu *vcpu)
{
	bool boarded = rcu_access_pointer(vcpu->board), canceled;

	/* Without a board its next run waits, and counts that. */
	if (boarded) {
		vcpu->stats.parks++;
		trace_gh_vcpu_park(vcpu, GH_WAIT_BOARD);
	}
	if (gh_vcpu_event_from(vcpu, GH_VCPU_RUNNING, GH_VCPU_EV_LEAVE) == GH_VCPU_ACT_WAIT)
		return GH_URING_EXIT_WAITING;
	if (boarded)
		gh_vcpu_board_untold(vcpu);
	canceled = atomic_read(&vcpu->state) & GH_VCPU_F_CANCEL;
	gh_vcpu_stop(vcpu);
	return canceled ? -ECANCELED : GH_URING_EXIT_RUNNABLE;
}
