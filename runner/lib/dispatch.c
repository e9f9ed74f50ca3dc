// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * One turn: submit what is ready, reap every completion, then handle exits.
 *
 * Reaping only decodes and queues, so the CQ is drained whatever the callbacks do,
 * and a callback never runs inside another one. A vCPU is in exactly one place:
 * the run queue, the driver, the reaped queue, or a device that owes an answer.
 */
#include <assert.h>
#include <poll.h>

#include "internal.h"

static void vcpu_check_vm_done(struct gh_vm *vm)
{
	if (vm->live)
		return;
	assert(vm->state != GH_VM_ENDED);
	vm->state = GH_VM_ENDED;
	vm->runner->running_vms--;
	vm->next_ended = vm->runner->ended;
	vm->runner->ended = vm;
}

void gh_vcpu_end(struct gh_vcpu *v)
{
	assert(v->state != GH_VCPU_ENDED && v->state != GH_VCPU_IN_FLIGHT);
	if (v->state == GH_VCPU_ANSWERING)
		v->vm->runner->stats.answering--;
	v->state = GH_VCPU_ENDED;
	v->vm->live--;
	vcpu_check_vm_done(v->vm);
}

void gh_vcpu_ready(struct gh_vcpu *v)
{
	v->state = GH_VCPU_READY;
	gh_queue_push(&v->vm->runner->sched.ready, v);
}

static void vcpu_want_cancel(struct gh_vcpu *v)
{
	if (v->cancel_wanted)
		return;
	v->cancel_wanted = true;
	v->vm->runner->cancels_wanted++;
}

/*
 * The VM is over: no vCPU is run again. Those in the driver are called back, those
 * in a queue end when they reach its head, those at a device end here.
 */
void gh_vm_end(struct gh_vm *vm, const struct gh_vm_result *result)
{
	unsigned int i;

	if (vm->state != GH_VM_RUNNING)
		return;
	vm->state = GH_VM_STOPPING;
	if (vm->result.end == GH_VM_END_NONE)
		vm->result = *result;
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct gh_vcpu *v = &vm->vcpus[i];

		if (v->state == GH_VCPU_IN_FLIGHT)
			vcpu_want_cancel(v);
		else if (v->state == GH_VCPU_ANSWERING)
			gh_vcpu_end(v);
	}
}

/* ---- submitting --------------------------------------------------------------- */

static void sqe_target(struct io_uring_sqe *sqe, const struct gh_vcpu *v, unsigned int op)
{
	if (v->fixed)
		sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = gh_uring_pack(op, v->slot, v->generation);
}

static void prep_run(struct gh_runner *r, struct gh_vcpu *v, struct io_uring_sqe *sqe)
{
	int fd = v->fixed ? (int)v->slot : v->fd;

	assert(v->state == GH_VCPU_READY);
	if (v->has_answer)
		gh_uring_prep_run_resume(sqe, fd, r->sched.slice_ns, r->sched.deadline_ns,
					 v->answer);
	else
		gh_uring_prep_run(sqe, fd, r->sched.slice_ns, r->sched.deadline_ns);
	sqe_target(sqe, v, GH_URING_OP_RUN);
	v->state = GH_VCPU_IN_FLIGHT;
	v->turn = r->turn;
	r->stats.in_flight++;
	r->stats.submitted++;
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

/*
 * Submits a batch. Commands of a batch are issued in order inside this call: this
 * is where the guests run. Waits for a completion only if nobody else could run.
 */
int gh_submit(struct gh_runner *r, unsigned int wait_nr, uint64_t timeout_ns)
{
	struct io_uring_sqe *sqe;
	struct gh_vcpu *v;
	int ret;

	if (r->cancels_wanted)
		submit_cancels(r);
	arm_wake(r);

	r->turn++;
	gh_sched_begin(&r->sched, gh_now_ns());
	while ((v = gh_sched_next(&r->sched))) {
		if (v->vm->state != GH_VM_RUNNING) {
			gh_vcpu_end(v);
			continue;
		}
		sqe = gh_get_sqe(r);
		if (!sqe) {
			gh_queue_push_front(&r->sched.ready, v);
			break;
		}
		prep_run(r, v, sqe);
	}
	if (r->sched.ready.nr || r->ended)
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

/* ---- reaping: decode and queue, nothing else ------------------------------------ */

static void reap_run(struct gh_runner *r, const struct io_uring_cqe *cqe)
{
	uint32_t slot = gh_uring_index(cqe->user_data);
	struct gh_vcpu *v = slot < r->max_vcpus ? r->vcpus[slot] : NULL;
	bool this_turn;

	if (!v || v->state != GH_VCPU_IN_FLIGHT ||
	    v->generation != gh_uring_generation(cqe->user_data)) {
		r->stats.stale++;
		return;
	}
	r->stats.in_flight--;
	this_turn = v->turn == r->turn;
	v->res = gh_uring_exit_decode(cqe, v->run, &v->exit);
	v->state = GH_VCPU_REAPED;

	/*
	 * PREEMPTED and INTR do not prove that the guest took the answer, and an
	 * answer that is not awaited is ignored: so it is sent again after them.
	 */
	if (!v->res && (v->exit.reason == GH_URING_EXIT_PREEMPTED ||
			v->exit.reason == GH_URING_EXIT_INTR)) {
		if (v->exit.not_entered) {
			r->stats.not_entered++;
			v->state = GH_VCPU_READY;
			gh_sched_missed(&r->sched, v);
			return;
		}
		if (v->exit.reason == GH_URING_EXIT_PREEMPTED)
			r->stats.preempted++;
		else
			r->stats.interrupted++;
		gh_vcpu_ready(v);
		return;
	}
	if (!v->res)
		v->has_answer = false;
	if (!this_turn || (!v->res && v->exit.reason == GH_URING_EXIT_RUNNABLE))
		r->stats.parks++;
	gh_queue_push(&r->reaped, v);
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
		/* What counts is the completion of the command they were aimed at. */
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

/* ---- handling exits --------------------------------------------------------------- */

static void access_answer(struct gh_vcpu *v)
{
	if (!v->access.is_write) {
		v->answer = v->access.data;
		if (v->access.len < sizeof(v->answer))
			v->answer &= (1ULL << (8 * v->access.len)) - 1;
		v->has_answer = true;
	}
	gh_vcpu_ready(v);
}

void gh_access_complete(struct gh_access *access)
{
	struct gh_vcpu *v = access->vcpu;

	/* The VM may have ended while the device was at work. */
	if (v->state != GH_VCPU_ANSWERING)
		return;
	v->vm->runner->stats.answering--;
	access_answer(v);
}

static int access_unclaimed(struct gh_runner *r, struct gh_vcpu *v)
{
	const struct gh_vm_events *events = v->vm->events;

	r->stats.unclaimed++;
	v->access.data = UINT64_MAX;
	if (events && events->unclaimed)
		events->unclaimed(v->vm->opaque, v, v->exit.addr, v->exit.len, v->exit.is_write);
	return GH_ACCESS_DONE;
}

static void handle_mmio(struct gh_runner *r, struct gh_vcpu *v)
{
	const struct gh_window *w = gh_bus_find(&v->vm->bus, v->exit.addr, v->exit.len);
	struct gh_access *a = &v->access;
	int ret;

	if (v->exit.is_write)
		r->stats.mmio_writes++;
	else
		r->stats.mmio_reads++;
	*a = (struct gh_access) {
		.vcpu = v,
		.offset = w ? v->exit.addr - w->base : 0,
		.data = v->exit.data,
		.len = v->exit.len,
		.is_write = v->exit.is_write,
	};
	/* Before the device knows it: it may complete the access inside the call. */
	v->state = GH_VCPU_ANSWERING;
	r->stats.answering++;
	if (!w)
		ret = access_unclaimed(r, v);
	else
		ret = a->is_write ? w->ops->write(w->device, a) : w->ops->read(w->device, a);
	if (ret == GH_ACCESS_DEFERRED) {
		r->stats.deferred++;
		return;
	}
	if (ret < 0) {
		r->stats.device_errors++;
		a->data = 0;
	}
	gh_access_complete(a);
}

static void handle_status(struct gh_runner *r, struct gh_vcpu *v)
{
	const struct gh_vcpu_run *run = v->run;
	struct gh_vm_result result = {
		.end = GH_VM_END_CRASHED,
		.exit_type = run->status.exit_info.type,
		.reason_size = run->status.exit_info.reason_size,
	};

	r->stats.status++;
	if (result.reason_size > sizeof(result.reason))
		result.reason_size = sizeof(result.reason);
	memcpy(result.reason, run->status.exit_info.reason, result.reason_size);
	if (run->status.status == GH_VM_STATUS_EXITED) {
		/* The resource manager's exit types: 1 off, 2 and 3 reset, 7 stopped. */
		if (result.exit_type <= 1)
			result.end = GH_VM_END_OFF;
		else if (result.exit_type <= 3)
			result.end = GH_VM_END_RESET;
		else if (result.exit_type == 7)
			result.end = GH_VM_END_STOPPED;
	}
	/*
	 * Of a VM that is over by itself every vCPU gets its own STATUS, and it needs
	 * CPU time for that. After a crash nobody can rely on it.
	 */
	if (result.end == GH_VM_END_CRASHED)
		gh_vm_end(v->vm, &result);
	else if (v->vm->result.end == GH_VM_END_NONE)
		v->vm->result = result;
	gh_vcpu_end(v);
}

static void handle_error(struct gh_runner *r, struct gh_vcpu *v)
{
	const struct gh_vm_result result = { .end = GH_VM_END_ERROR, .error = v->res };

	if (v->res == -ECANCELED) {
		r->stats.canceled++;
		/* Cancelled by somebody else: the vCPU is as runnable as before. */
		if (v->vm->state == GH_VM_RUNNING)
			gh_vcpu_ready(v);
		else
			gh_vcpu_end(v);
		return;
	}
	r->stats.errors++;
	if (v->vm->state == GH_VM_RUNNING)
		gh_fail_vm(v->vm, (int)v->index, v->res, "running a vCPU", NULL);
	gh_vm_end(v->vm, &result);
	gh_vcpu_end(v);
}

static void handle_exit(struct gh_runner *r, struct gh_vcpu *v)
{
	assert(v->state == GH_VCPU_REAPED);
	if (v->res) {
		handle_error(r, v);
		return;
	}
	if (v->exit.reason == GH_URING_EXIT_STATUS) {
		handle_status(r, v);
		return;
	}
	if (v->exit.reason == GH_URING_EXIT_RUNNABLE)
		r->stats.wakeups++;
	if (v->vm->state != GH_VM_RUNNING)
		gh_vcpu_end(v);
	else if (v->exit.reason == GH_URING_EXIT_MMIO)
		handle_mmio(r, v);
	else
		gh_vcpu_ready(v);
}

static void handle_ended(struct gh_runner *r)
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
	unsigned int done = 0;
	struct gh_vcpu *v;
	int ret;

	if (r->in_callback)
		return gh_fail(r, -EBUSY, "dispatching", "called from a callback");
	if (r->ring)
		gh_ring_drain_event(r->ring);
	ret = r->ops->reap(r->ctx, reap_one, r);
	if (ret < 0)
		return gh_fail(r, ret, "reading completions", NULL);
	if (r->batch_open) {
		r->stats.turns++;
		r->batch_open = false;
	}
	if (gh_sched_end(&r->sched))
		r->stats.late++;

	r->in_callback = true;
	handle_io(r);
	while ((!budget || done < budget) && (v = gh_queue_pop(&r->reaped))) {
		handle_exit(r, v);
		done++;
	}
	handle_ended(r);
	r->in_callback = false;
	gh_timers_run(r, gh_now_ns());
	return (int)done;
}
