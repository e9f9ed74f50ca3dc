// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU's io_uring commands: RUN, RUN_BATCH, KICK and CANCEL.
 *
 * A run whose guest has something to say completes by returning a value. One whose
 * guest waits is parked: the command stays with us and costs no thread, until the
 * wake-up interrupt queues its task work. gunyah_vcpu.h says who completes what.
 */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched.h>

#include "compat.h"
#include "gunyah_vcpu.h"
#include "gunyah_vcpu_slice.h"
#include "gunyah_vcpu_trace.h"

/* In the context of the submitter, or of a kernel thread if that is dead. */
GH_URING_TASK_WORK(gh_vcpu_uring_wake)
{
	struct gunyah_vcpu *vcpu = cmd->file->private_data;
	s32 res = GH_URING_EXIT_RUNNABLE;

	vcpu->stats.wakes++;
	trace_gh_vcpu_wake(vcpu, GH_WAIT_COMMAND);
	if (gh_vcpu_event(vcpu, GH_VCPU_EV_DONE) == GH_VCPU_ACT_CANCELED)
		res = -ECANCELED;
	gh_uring_done(cmd, res, 0, issue_flags);
}

/* Any context. The caller won the command; ->cmd is not ours any more after. */
void gh_vcpu_complete(struct gunyah_vcpu *vcpu)
{
	io_uring_cmd_complete_in_task(vcpu->cmd, gh_vcpu_uring_wake);
}

/**
 * gh_vcpu_uring_orphaned() - whether the descriptor that a command came by was closed
 * @vcpu: the vCPU
 * @cmd: being issued, by a thread that has the submitter's descriptors
 *
 * Such a command could be ended by its ring only, if it waited. close() finds those
 * that run or wait; a worker can begin with one later, and looks here. A command by
 * the ring's own table of files can still be reached by that.
 */
bool gh_vcpu_uring_orphaned(const struct gunyah_vcpu *vcpu, struct io_uring_cmd *cmd)
{
	const struct io_kiocb *req = cmd_to_io_kiocb(cmd);
	struct file *file;
	bool closed;

	if (likely(!READ_ONCE(vcpu->closed)) || req->flags & REQ_F_FIXED_FILE)
		return false;
	file = fget(req->cqe.fd);
	closed = file != cmd->file;
	if (file)
		fput(file);
	return closed;
}

static int gh_vcpu_uring_park(struct gunyah_vcpu *vcpu, struct io_uring_cmd *cmd,
			      unsigned int issue_flags)
{
	vcpu->stats.parks++;
	trace_gh_vcpu_park(vcpu, GH_WAIT_COMMAND);
	vcpu->cmd = cmd;
	gh_vcpu_pdu(cmd)->start = false;
	io_uring_cmd_mark_cancelable(cmd, issue_flags);
	if (unlikely(gh_vcpu_uring_orphaned(vcpu, cmd)))
		gh_vcpu_event(vcpu, GH_VCPU_EV_CLOSE);
	/* After this the command, and with it the vCPU, may be gone. */
	if (gh_vcpu_event(vcpu, GH_VCPU_EV_PARK) == GH_VCPU_ACT_COMPLETE) {
		wake_up_var(&vcpu->state);
		gh_vcpu_complete(vcpu);
	}
	return -EIOCBQUEUED;
}

/* The ring is closed, its task executes or dies. Under the ring's lock. */
static int gh_vcpu_uring_cancel(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct gunyah_vcpu *vcpu = cmd->file->private_data;

	trace_gh_vcpu_cancel(vcpu, atomic_read(&vcpu->state));
	if (gh_vcpu_pdu(cmd)->start) {
		gh_vcpu_start_cancel(vcpu, cmd, issue_flags);
		return 0;
	}
	if (gh_vcpu_event(vcpu, GH_VCPU_EV_RING_CANCEL) == GH_VCPU_ACT_CANCELED)
		gh_uring_done(cmd, -ECANCELED, 0, issue_flags);
	return 0;
}

/*
 * What a 32-byte CQE says of an MMIO exit. The page is user space's, and so is the
 * answer: reading back what it may have changed harms nobody else.
 */
static bool gh_vcpu_uring_inline(const struct gunyah_vcpu *vcpu, s32 res, u64 *extra)
{
	u64 addr = READ_ONCE(vcpu->run->mmio.phys_addr);
	u64 data = 0;

	if (GH_URING_RES_EXIT(res) != GH_URING_EXIT_MMIO)
		return false;
	if (res & GH_URING_RES_WRITE)
		data = le64_to_cpu(READ_ONCE(*(__le64 *)vcpu->run->mmio.data));
	if (upper_32_bits(addr) || upper_32_bits(data))
		return false;
	*extra = data << 32 | addr;
	return true;
}

/* What no command of ours has. */
static __always_inline bool gh_vcpu_uring_extras(const struct io_uring_cmd *cmd)
{
	return READ_ONCE(cmd->sqe->buf_index) || READ_ONCE(cmd->sqe->file_index) ||
	       cmd->flags & IORING_URING_CMD_MASK;
}

/*
 * A command's own fields, each read once from memory that user space can change.
 */
static __always_inline int gh_vcpu_uring_args(const struct io_uring_cmd *cmd,
					      struct gh_vcpu_order *order)
{
	const struct io_uring_sqe *sqe = cmd->sqe;
	const struct gh_uring_run *run = gh_uring_sqe_cmd(sqe, struct gh_uring_run);

	order->flags = READ_ONCE(sqe->addr);
	order->slice_ns = READ_ONCE(sqe->len);
	order->resume_data = READ_ONCE(run->resume_data);
	order->deadline_ns = READ_ONCE(run->deadline_ns);

	if (order->flags & ~GH_URING_RUN_FLAGS)
		return -EINVAL;
	if (order->resume_data && !(order->flags & GH_URING_RUN_RESUME))
		return -EINVAL;
	return gh_vcpu_uring_extras(cmd) ? -EINVAL : 0;
}

static int gh_vcpu_uring_run(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct gunyah_vcpu *vcpu = cmd->file->private_data;
	struct gh_vcpu_order order;
	u64 extra;
	int ret;

	ret = gh_vcpu_uring_args(cmd, &order);
	if (unlikely(ret))
		return ret;
	/* A ring's own threads have the mm of the ring's creator. */
	if (unlikely(current->mm != vcpu->mm))
		return -EPERM;
	if (!order.deadline_ns)
		order.deadline_ns = U64_MAX;
	if (unlikely(order.flags & GH_URING_RUN_WAIT_START)) {
		ret = gh_vcpu_start_wait(vcpu, cmd, issue_flags);
		if (ret)
			return ret;
	}

	switch (gh_vcpu_take(vcpu)) {
	case GH_VCPU_ACT_ENTER:
		break;
	case GH_VCPU_ACT_STAY:
		gh_vcpu_unleave(vcpu);
		if (gh_vcpu_stays(vcpu))
			return gh_vcpu_uring_park(vcpu, cmd, issue_flags);
		break;
	case GH_VCPU_ACT_REPORT:
		return gh_vcpu_report(vcpu);
	default:
		return -EBUSY;
	}

	ret = gh_vcpu_run_slice(vcpu, &order,
				issue_flags & IO_URING_F_NONBLOCK ? 0 : GH_RUN_MAY_SLEEP, 0);
	if (ret == GH_RUN_WAIT)
		return gh_vcpu_uring_park(vcpu, cmd, issue_flags);

	if (issue_flags & IO_URING_F_CQE32 && ret > 0 &&
	    gh_vcpu_uring_inline(vcpu, ret, &extra)) {
		/* Only done() can carry it; the page was read while it was ours. */
		gh_vcpu_stop(vcpu);
		gh_uring_done(cmd, ret | GH_URING_RES_INLINE, extra, issue_flags);
		return -EIOCBQUEUED;
	}
	gh_vcpu_stop(vcpu);
	return ret;
}

/* The vCPU that it is sent to only carries it. */
static int gh_vcpu_uring_batch(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	const struct io_uring_sqe *sqe = cmd->sqe;
	const struct gh_uring_run_batch *batch = gh_uring_sqe_cmd(sqe, struct gh_uring_run_batch);

	if (READ_ONCE(batch->flags) || gh_vcpu_uring_extras(cmd))
		return -EINVAL;
	return gh_vcpu_run_batch(READ_ONCE(sqe->addr), READ_ONCE(sqe->len),
				 READ_ONCE(batch->deadline_ns));
}

/* KICK and CANCEL have no fields. */
static int gh_vcpu_uring_end(struct io_uring_cmd *cmd)
{
	struct gunyah_vcpu *vcpu = cmd->file->private_data;
	struct gh_vcpu_order order;

	if (gh_vcpu_uring_args(cmd, &order) || order.flags || order.slice_ns || order.deadline_ns)
		return -EINVAL;
	if (cmd->cmd_op == GH_VCPU_KICK)
		gh_vcpu_kick(vcpu);
	else
		gh_vcpu_cancel(vcpu);
	return 0;
}

int gh_vcpu_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	if (unlikely(issue_flags & IO_URING_F_CANCEL))
		return gh_vcpu_uring_cancel(cmd, issue_flags);
	if (unlikely(gh_uring_polls(cmd)))
		return -EOPNOTSUPP;

	switch (cmd->cmd_op) {
	case GH_VCPU_RUN:
		return gh_vcpu_uring_run(cmd, issue_flags);
	case GH_VCPU_RUN_BATCH:
		return gh_vcpu_uring_batch(cmd, issue_flags);
	case GH_VCPU_KICK:
	case GH_VCPU_CANCEL:
		return gh_vcpu_uring_end(cmd);
	default:
		return -EOPNOTSUPP;
	}
}
