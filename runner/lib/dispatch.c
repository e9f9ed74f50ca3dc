// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The second half of a turn: reap every completion, then handle exits.
 *
 * Reaping only decodes and queues, so the CQ is drained whatever the callbacks do,
 * and a callback never runs inside another one. A vCPU is in exactly one place:
 * the run queue, the driver, a batch or the queue of what came back, or a device
 * that owes an answer.
 */
#include "internal.h"

/* ---- reaping: decode and queue, nothing else ------------------------------------ */

static void reap_run(struct gh_runner *r, const struct io_uring_cqe *cqe)
{
	uint32_t slot = gh_uring_index(cqe->user_data);
	struct gh_vcpu *v = slot < r->max_vcpus ? r->vcpus[slot] : NULL;

	if (!v || v->state != GH_VCPU_IN_FLIGHT ||
	    v->generation != gh_uring_generation(cqe->user_data)) {
		r->stats.stale++;
		return;
	}
	r->stats.in_flight--;
	v->res = gh_uring_exit_decode(cqe, v->run, &v->exit);
	if (!v->res && v->exit.not_entered) {
		r->stats.not_entered++;
		v->state = GH_VCPU_READY;
		gh_sched_missed(&r->sched, v);
		return;
	}
	v->state = GH_VCPU_REAPED;
	gh_queue_push(&r->reaped, v);
}

static void reap_batch(struct gh_runner *r, const struct io_uring_cqe *cqe)
{
	uint32_t index = gh_uring_index(cqe->user_data);

	if (index < 2 && r->batches[index].state == GH_BATCH_IN_FLIGHT)
		gh_batch_done(r, &r->batches[index], cqe->res);
	else
		r->stats.stale++;
}

static void reap_io(struct gh_runner *r, const struct io_uring_cqe *cqe)
{
	struct gh_io *io = (struct gh_io *)(uintptr_t)(cqe->user_data & ((1ULL << 56) - 1));

	io->res = cqe->res;
	io->flags = cqe->flags;
	io->next = NULL;
	if (r->io_tail)
		r->io_tail->next = io;
	else
		r->io_head = io;
	r->io_tail = io;
}

static void reap_one(void *arg, const struct io_uring_cqe *cqe)
{
	struct gh_runner *r = arg;

	if (!gh_uring_is_packed(cqe->user_data)) {
		if (r->foreign_cqe)
			r->foreign_cqe(r->foreign_opaque, cqe);
		else
			r->stats.stale++;
		return;
	}
	switch (gh_uring_op(cqe->user_data)) {
	case GH_URING_OP_RUN:
		reap_run(r, cqe);
		break;
	case GH_URING_OP_KICK:
	case GH_URING_OP_CANCEL:
	case GH_OP_NOTHING:
		/* What counts is the completion of the command they were aimed at. */
		break;
	case GH_OP_BATCH:
		reap_batch(r, cqe);
		break;
	case GH_OP_IO:
		reap_io(r, cqe);
		break;
	case GH_OP_WAKE:
		r->wake_armed = false;
		gh_ring_drain_wake(r->ring);
		break;
	default:
		r->stats.stale++;
	}
}

int gh_reap(struct gh_runner *r)
{
	return r->ops->reap(r->ctx, reap_one, r);
}

/* ---- what waits for a callback ---------------------------------------------------- */

void gh_ended_handle(struct gh_runner *r)
{
	struct gh_vm *vm;

	while ((vm = r->ended)) {
		r->ended = vm->next_ended;
		vm->next_ended = NULL;
		if (vm->events && vm->events->ended)
			vm->events->ended(vm->opaque, vm, &vm->result);
	}
}

static void handle_io(struct gh_runner *r)
{
	struct gh_io *io = r->io_head, *next;

	r->io_head = NULL;
	r->io_tail = NULL;
	for (; io; io = next) {
		next = io->next;
		io->done(io, io->res, io->flags);
	}
}

int gh_runner_dispatch(struct gh_runner *r, unsigned int budget)
{
	unsigned int done;
	struct gh_vcpu *v;
	int ret;

	if (r->in_callback)
		return gh_fail(r, -EBUSY, "dispatching", "called from a callback");
	if (r->ring)
		gh_ring_drain_event(r->ring);
	ret = gh_reap(r);
	if (ret < 0)
		return gh_fail(r, ret, "reading completions", NULL);
	if (r->batch_open) {
		r->stats.turns++;
		r->batch_open = false;
	}
	if (gh_sched_end(&r->sched))
		r->stats.late++;

	r->in_callback = true;
	if (r->io_head)
		handle_io(r);
	done = gh_batches_handle(r, budget);
	while ((!budget || done < budget) && (v = gh_queue_pop(&r->reaped))) {
		gh_exit_handle(r, v, v->res, &v->exit);
		done++;
	}
	if (r->board.armed || gh_board_told(r))
		gh_board_handle(r);
	if (atomic_load_explicit(&r->stops_wanted, memory_order_relaxed))
		gh_stops_handle(r);
	if (r->ended)
		gh_ended_handle(r);
	if (r->leaving)
		gh_vms_leave(r);
	r->in_callback = false;
	if (atomic_load_explicit(&r->inbox, memory_order_relaxed))
		gh_inbox_handle(r);
	if (r->timers)
		gh_timers_run(r, gh_now_ns());
	return (int)done;
}
