/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels we build for, told by features only:
 * distributions backport, so a version says nothing.
 */
#ifndef GUNYAH_COMPAT_H
#define GUNYAH_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/io_uring/cmd.h>
#include <linux/sched.h>
#include <linux/thread_info.h>

#ifdef CONFIG_VIRT_XFER_TO_GUEST_WORK
#include <linux/entry-virt.h>
#elif defined(CONFIG_KVM_XFER_TO_GUEST_WORK)
#include <linux/entry-kvm.h>
#endif

/*
 * Thread flags that want a guest to be left, the lazy reschedule included. Without
 * NOTIFY_RESUME: rseq sets it at each context switch, for a return to user mode
 * that need not be soon, and a thread of io_uring never clears it there. What
 * really waits then is task work, and that can be asked for.
 */
#ifdef XFER_TO_GUEST_MODE_WORK
#define GH_WORK_FLAGS	((unsigned long)(XFER_TO_GUEST_MODE_WORK) & ~_TIF_NOTIFY_RESUME)
#elif defined(_TIF_NEED_RESCHED_LAZY)
#define GH_WORK_FLAGS	((unsigned long)(_TIF_NEED_RESCHED | _TIF_NEED_RESCHED_LAZY | \
					 _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL))
#else
#define GH_WORK_FLAGS	((unsigned long)(_TIF_NEED_RESCHED | _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL))
#endif

/*
 * A function that io_uring calls as task work: GH_URING_TASK_WORK(name) declares
 * name(), to which gh_uring_complete_in_task() can be pointed, and opens the
 * body of a function of (cmd, issue_flags).
 */
#ifdef IO_URING_CMD_TASK_WORK_ISSUE_FLAGS
#define GH_URING_TASK_WORK(name)						\
	static void name##_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags); \
	static void name(struct io_tw_req tw_req, io_tw_token_t tw)		\
	{									\
		name##_cmd(io_uring_cmd_from_tw(tw_req),			\
			   IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);			\
	}									\
	static void name##_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
#else
#define GH_URING_TASK_WORK(name)						\
	static void name(struct io_uring_cmd *cmd, unsigned int issue_flags)
#endif

/* Completes a command; @extra is big_cqe[0] on a ring with 32-byte CQEs. */
static inline void gh_uring_done(struct io_uring_cmd *cmd, s32 res, u64 extra,
				 unsigned int issue_flags)
{
#ifdef IORING_SETUP_CQE_MIXED
	if (issue_flags & IO_URING_F_CQE32)
		io_uring_cmd_done32(cmd, res, extra, issue_flags);
	else
		io_uring_cmd_done(cmd, res, issue_flags);
#else
	io_uring_cmd_done(cmd, res, extra, issue_flags);
#endif
}

/*
 * Whether the ring looks for its completions by polling. A park has no end that could be
 * polled for. Older kernels refuse such a ring before they call the driver.
 */
static __always_inline bool gh_uring_polls(struct io_uring_cmd *cmd)
{
#ifdef IO_URING_CMD_TASK_WORK_ISSUE_FLAGS
	const struct io_ring_ctx *ctx = io_uring_cmd_ctx_handle(cmd);

	return ctx->flags & IORING_SETUP_IOPOLL;
#else
	return false;
#endif
}

#ifdef io_uring_sqe128_cmd
#define gh_uring_sqe_cmd(sqe, type)	io_uring_sqe_cmd(sqe, type)
#else
#define gh_uring_sqe_cmd(sqe, type)	((const type *)io_uring_sqe_cmd(sqe))
#endif

static inline void gh_hrtimer_setup(struct hrtimer *timer,
				    enum hrtimer_restart (*function)(struct hrtimer *),
				    clockid_t clock, enum hrtimer_mode mode)
{
#ifdef GH_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

#endif /* GUNYAH_COMPAT_H */
