// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Submitting: which vCPUs run next, and in which way they are given to the driver.
 *
 *  - several: one batch, which never sleeps; so a guest that waits comes back;
 *  - a guest that waits, or probably will, where there is no wake board, or so few vCPUs
 *    that it does not pay: a command of its own, which parks;
 *  - a batch and nothing else to submit: by ioctl, as a ring would cost more than
 *    the system call it saves.
 */
#include <assert.h>
#include <poll.h>

#include "internal.h"

static void sqe_target(struct io_uring_sqe *sqe, const struct gh_vcpu *v, unsigned int op)
{
	if (v->fixed)
		sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = gh_uring_pack(op, v->slot, v->generation);
}

/*
 * Until when guests may run: @batch_ns, and no timer waits for them longer than for
 * one short turn.
 */
uint64_t gh_batch_deadline(const struct gh_runner *r)
{
	uint64_t now = gh_now_ns(), until = now + r->sched.batch_ns, least;

	if (until < now)
		until = UINT64_MAX;
	if (!r->timers || r->timers->deadline_ns >= until)
		return until;
	/* One that is always due must not keep the guests from running. */
	least = now + GH_MIN_BATCH_NS;
	return r->timers->deadline_ns > least ? r->timers->deadline_ns : least;
}

/* Returns false when the submission queue is full. */
static bool prep_run(struct gh_runner *r, struct gh_vcpu *v)
{
	struct io_uring_sqe *sqe = gh_get_sqe(r);
	int fd = v->fixed ? (int)v->slot : v->fd;
	uint32_t slice_ns;

	if (!sqe)
		return false;
	assert(v->state == GH_VCPU_READY || v->state == GH_VCPU_BATCHED);
	/* Each is bounded by its slice, several need more. */
	if (!r->sched.deadline_ns && r->sched.taken + gh_sched_nr(&r->sched) > 1)
		r->sched.deadline_ns = gh_batch_deadline(r);
	slice_ns = gh_vcpu_take_slice(&r->sched, v);
	if (v->has_answer)
		gh_uring_prep_run_resume(sqe, fd, slice_ns, r->sched.deadline_ns, v->answer);
	else
		gh_uring_prep_run(sqe, fd, slice_ns, r->sched.deadline_ns);
	sqe_target(sqe, v, GH_URING_OP_RUN);
	v->state = GH_VCPU_IN_FLIGHT;
	r->stats.in_flight++;
	r->stats.submitted++;
	return true;
}

static void submit_cancels(struct gh_runner *r)
{
	struct io_uring_sqe *sqe;
	unsigned int slot;

	for (slot = 0; r->cancels_wanted && slot < r->max_vcpus; slot++) {
		struct gh_vcpu *v = r->vcpus[slot];

		if (!v || !v->cancel_wanted)
			continue;
		if (v->state == GH_VCPU_IN_FLIGHT) {
			sqe = gh_get_sqe(r);
			if (!sqe)
				return;
			gh_uring_prep_cancel(sqe, v->fixed ? (int)v->slot : v->fd);
			sqe_target(sqe, v, GH_URING_OP_CANCEL);
		}
		v->cancel_wanted = false;
		r->cancels_wanted--;
	}
}

static void arm_wake(struct gh_runner *r)
{
	struct io_uring_sqe *sqe;

	if (r->wake_armed || !r->ring)
		return;
	sqe = gh_get_sqe(r);
	if (!sqe)
		return;
	io_uring_prep_poll_add(sqe, r->ring->wake_fd, POLLIN);
	sqe->user_data = gh_uring_pack(GH_OP_WAKE, 0, 0);
	r->wake_armed = true;
}

static bool by_ioctl(const struct gh_runner *r)
{
	if (r->ioctl != GH_IOCTL_LONE)
		return r->ioctl == GH_IOCTL_ALWAYS;
	return !r->sqes_pending && (!r->ring || gh_ring_is_idle(r->ring));
}

/* 0, without a look at the clock, where the driver's bound or that of a slice is enough. */
static uint64_t deadline(const struct gh_runner *r)
{
	if (r->timers)
		return gh_batch_deadline(r);
	if (r->has_batch && r->sched.batch_ns >= GH_DRIVER_BATCH_NS)
		return 0;
	if (gh_nr_ready(r) == 1 && r->ioctl != GH_IOCTL_NEVER)
		return 0;
	return gh_batch_deadline(r);
}

/* Returns true if guests have run already. */
static bool run_ready(struct gh_runner *r)
{
	struct gh_batch *b = &r->batches[r->fill];
	struct gh_vcpu *v;
	bool ioctl;

	while ((v = gh_sched_next(&r->sched))) {
		if (v->held) {
			gh_vcpu_out(v);
		} else if (r->has_batch && (!v->alone || gh_vcpu_uses_board(r, v))) {
			gh_batch_add(b, v);
		} else if (!prep_run(r, v)) {
			gh_queue_push_front(&r->sched.ready, v);
			break;
		}
	}
	if (!r->has_batch || !b->nr)
		return false;
	ioctl = by_ioctl(r);
	/* On a ring a command of its own costs no more than a batch of one, and parks. */
	if (b->nr == 1 && !ioctl) {
		gh_vcpu_unadd(b->vcpus[0], &b->entries[0]);
		if (prep_run(r, b->vcpus[0])) {
			b->nr = 0;
			return false;
		}
	}
	gh_batch_submit(r, b, ioctl);
	return ioctl;
}

/* Nobody but the vCPUs that have kept their places wants anything of the runner. */
static bool is_undisturbed(const struct gh_runner *r)
{
	return !gh_sched_nr(&r->sched) && !r->sqes_pending && !r->cancels_wanted && !r->ended &&
	       !r->leaving && !r->recheck && !gh_board_told(r) && !atomic_load(&r->quit) &&
	       (!r->ring || (gh_ring_is_quiet(r->ring) && gh_ring_is_idle(r->ring)));
}

/*
 * For vCPUs that do one access after the other: their batch goes to the driver again, as
 * it is. Only where the runner has the thread to itself, as callbacks are called; and not
 * without end, for the caller may want to look at something, too.
 */
void gh_run_again(struct gh_runner *r)
{
	unsigned int runs = 0;

	if (r->ioctl == GH_IOCTL_NEVER || !r->has_batch)
		return;
	r->in_callback = true;
	while (runs < GH_AGAIN_RUNS) {
		struct gh_batch *b = &r->batches[r->fill];

		if (b->state != GH_BATCH_FREE || b->nr < 2 || !is_undisturbed(r))
			break;
		if (!runs)
			r->sched.deadline_ns = deadline(r);
		gh_sched_begin(&r->sched, r->sched.deadline_ns, b->nr);
		gh_batch_submit(r, b, true);
		if (gh_sched_end(&r->sched))
			r->stats.late++;
		runs += gh_batches_handle(r, 0);
	}
	r->in_callback = false;
}

/*
 * Gives what is ready to the driver; this is where the guests run. Waits for a
 * completion only if nobody else could run.
 */
int gh_submit(struct gh_runner *r, unsigned int wait_nr, uint64_t timeout_ns)
{
	int ret;

	if (r->cancels_wanted)
		submit_cancels(r);
	arm_wake(r);
	if (gh_can_run(r)) {
		if (r->recheck && r->batches[r->fill].state == GH_BATCH_FREE)
			gh_batch_recheck(r, &r->batches[r->fill]);
		gh_sched_begin(&r->sched, deadline(r), gh_nr_ready(r) - gh_sched_nr(&r->sched));
		if (run_ready(r))
			wait_nr = 0;
	}
	if (gh_can_run(r) || r->ended || r->leaving || r->batches[r->handle].state == GH_BATCH_DONE)
		wait_nr = 0;
	else if (r->board.map && !gh_board_arm(r))
		wait_nr = 0;

	if (!wait_nr && !r->sqes_pending)
		return 0;
	r->batch_open = true;
	r->sqes_pending = false;
	ret = r->ops->enter(r->ctx, wait_nr, timeout_ns);
	if (ret < 0 && ret != -ETIME && ret != -EINTR)
		return gh_fail(r, ret, "entering the ring",
			       ret == -EBUSY ? "the completion queue overflowed" : NULL);
	return ret;
}
