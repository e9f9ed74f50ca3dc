// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Handling exits: what a vCPU came back with, and the answer to it.
 */
#include <assert.h>

#include "internal.h"
#include "quick.h"

/* ---- accesses ------------------------------------------------------------------- */

/* The driver takes what belongs to the access, the low @len bytes. */
static void access_answer(struct gh_runner *r, struct gh_vcpu *v)
{
	v->has_answer = !v->access.is_write;
	v->answer = v->access.data;
	gh_vcpu_ready(r, v);
}

void gh_access_complete(struct gh_access *access)
{
	struct gh_vcpu *v = access->vcpu;
	struct gh_runner *r = v->vm->runner;

	/* The VM may have ended while the device was at work. */
	if (v->state != GH_VCPU_ANSWERING)
		return;
	if (v->deferred) {
		v->deferred = false;
		r->stats.answering--;
	}
	access_answer(r, v);
}

static int access_unclaimed(struct gh_runner *r, struct gh_vcpu *v)
{
	const struct gh_vm_events *events = v->vm->events;
	struct gh_access *a = &v->access;

	r->stats.unclaimed++;
	if (!a->is_write)
		a->data = UINT64_MAX;
	if (events && events->access)
		return events->access(v->vm->opaque, a);
	return GH_ACCESS_DONE;
}

/* After the device's, and unless it has done so itself: @ret is what it returned. */
void gh_access_done(struct gh_runner *r, struct gh_vcpu *v, int ret)
{
	if (ret == GH_ACCESS_DEFERRED)
		r->stats.deferred++;
	/* Completed inside the call, or the VM was stopped there. */
	if (v->state != GH_VCPU_ANSWERING)
		return;
	if (ret == GH_ACCESS_DEFERRED) {
		v->deferred = true;
		r->stats.answering++;
		return;
	}
	if (ret < 0) {
		r->stats.device_errors++;
		v->access.data = 0;
	}
	access_answer(r, v);
}

static const struct gh_window *find_window(struct gh_vcpu *v, const struct gh_uring_exit *x)
{
	if (!v->window || !gh_window_holds(v->window, x->addr, x->len))
		v->window = gh_bus_find(&v->vm->bus, x->addr, x->len);
	return v->window;
}

static void handle_mmio(struct gh_runner *r, struct gh_vcpu *v, const struct gh_uring_exit *x)
{
	const struct gh_window *w = find_window(v, x);
	struct gh_access *a = &v->access;
	int ret;

	a->vcpu = v;
	a->offset = w ? x->addr - w->base : x->addr;
	a->data = x->data;
	a->len = x->len;
	a->is_write = x->is_write;
	/* Before the device knows it: it may complete the access inside the call. */
	v->state = GH_VCPU_ANSWERING;
	if (a->is_write) {
		r->stats.mmio_writes++;
		ret = w ? w->ops->write(w->device, a) : access_unclaimed(r, v);
	} else {
		r->stats.mmio_reads++;
		ret = w ? w->ops->read(w->device, a) : access_unclaimed(r, v);
	}
	gh_access_done(r, v, ret);
}

/* ---- ends ------------------------------------------------------------------------ */

_Static_assert(GH_EXIT_TYPE_UNKNOWN == GH_VM_EXIT_TYPE_NONE, "passed on as it is");

static void handle_status(struct gh_runner *r, struct gh_vcpu *v)
{
	const struct gh_vm_events *events = v->vm->events;
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
	if (events && events->status)
		events->status(v->vm->opaque, v, &result);
	if (v->vm->state == GH_VM_MOVING)
		gh_vm_stay(v->vm);
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

static void handle_error(struct gh_runner *r, struct gh_vcpu *v, int error)
{
	const struct gh_vm_result result = { .end = GH_VM_END_ERROR, .error = error };

	if (error == -ECANCELED) {
		r->stats.canceled++;
		/* Cancelled by somebody else: the vCPU is as runnable as before. */
		if (v->held)
			gh_vcpu_out(v);
		else
			gh_vcpu_ready(r, v);
		return;
	}
	r->stats.errors++;
	if (!v->held)
		gh_fail_vm(v->vm, (int)v->index, error, "running a vCPU",
			   error == -EOPNOTSUPP ? "the driver has no commands for a ring: use "
			   "GH_BACKEND_THREADS (--backend=threads)" : NULL);
	gh_vm_end(v->vm, &result);
	gh_vcpu_end(v);
}

/* The guest ran, and did not sleep at once although it had @alone for that. */
static inline void set_after(struct gh_vcpu *v, enum gh_vcpu_after after)
{
	if (v->alone && after != GH_AFTER_START)
		v->sleeps &= (uint8_t)~v->after;
	v->after = (uint8_t)after;
	v->alone = v->sleeps & after;
}

/* It is asleep, and shall not be any more. */
void gh_vcpu_rouse(struct gh_runner *r, struct gh_vcpu *v)
{
	r->stats.in_flight--;
	set_after(v, GH_AFTER_START);
	gh_vcpu_woken(r, v);
}

/* The board will tell. Nothing that a run carries is left: the guest has the answer. */
static void sleep_on_board(struct gh_runner *r, struct gh_vcpu *v)
{
	v->sleeps |= v->after;
	v->has_answer = false;
	v->ran = true;
	if (v->marked) {
		v->marked = false;
		gh_vcpu_woken(r, v);
		return;
	}
	v->state = GH_VCPU_ASLEEP;
	r->stats.in_flight++;
}

/*
 * The guest is asleep. The board will tell of its wake-up; or it gets a command of its own,
 * which parks. The runner remembers what it had done before: many guests sleep each time
 * after the same.
 */
static void handle_waiting(struct gh_runner *r, struct gh_vcpu *v)
{
	if (gh_vcpu_uses_board(r, v)) {
		sleep_on_board(r, v);
		return;
	}
	v->sleeps |= v->after;
	v->alone = true;
	gh_vcpu_ready(r, v);
}

/* PREEMPTED and INTR do not prove that the guest took the answer; it is sent again. */
static void handle_slice(struct gh_runner *r, struct gh_vcpu *v, const struct gh_uring_exit *x)
{
	if (x->reason == GH_URING_EXIT_INTR)
		r->stats.interrupted++;
	else if (x->not_entered)
		r->stats.not_entered++;
	else
		r->stats.preempted++;
	gh_vcpu_ready(r, v);
}

static void other_exit(struct gh_runner *r, struct gh_vcpu *v, const struct gh_uring_exit *x)
{
	v->has_answer = v->has_answer && x->reason != GH_URING_EXIT_RUNNABLE &&
			x->reason != GH_URING_EXIT_WAITING;
	if (x->reason == GH_URING_EXIT_RUNNABLE) {
		r->stats.parks++;
		r->stats.wakeups++;
	}
	if (v->held)
		gh_vcpu_out(v);
	else if (x->reason == GH_URING_EXIT_WAITING)
		handle_waiting(r, v);
	else if (x->reason == GH_URING_EXIT_RUNNABLE)
		gh_vcpu_woken(r, v);
	else
		handle_slice(r, v, x);
}

/*
 * Of the command or entry of @v that came back with @res. @exit is its decoded form
 * when @res is 0.
 */
void gh_exit_handle(struct gh_runner *r, struct gh_vcpu *v, int res,
		    const struct gh_uring_exit *exit)
{
	v->state = GH_VCPU_REAPED;
	v->ran = true;
	if (res) {
		handle_error(r, v, res);
		return;
	}
	/* Before the others: it is what happens most. */
	if (exit->reason == GH_URING_EXIT_MMIO) {
		v->has_answer = false;
		set_after(v, GH_AFTER_MMIO);
		/* Of a VM that moves the access is answered here, and taken there. */
		if (v->held && v->vm->state == GH_VM_STOPPING)
			gh_vcpu_out(v);
		else
			handle_mmio(r, v, exit);
		return;
	}
	switch (exit->reason) {
	case GH_URING_EXIT_STATUS:
		handle_status(r, v);
		return;
	case GH_URING_EXIT_RUNNABLE:
		set_after(v, GH_AFTER_START);
		break;
	case GH_URING_EXIT_PREEMPTED:
	case GH_URING_EXIT_INTR:
		set_after(v, GH_AFTER_SLICE);
		break;
	}
	other_exit(r, v, exit);
}

/* ---- batches ---------------------------------------------------------------------- */

static __attribute__((noinline)) void handle_entry(struct gh_runner *r, struct gh_vcpu *v,
						   struct gh_run_entry *e)
{
	struct gh_uring_exit exit;
	int res = gh_run_entry_decode(e, v->run, &exit);

	gh_vcpu_unbatch(v, e);
	gh_exit_handle(r, v, res, &exit);
}

/*
 * @nr entries of a batch, all of it when @keep: then whoever can go on at once keeps its
 * place, and is the first of the next batch, which is the same one. Otherwise others were
 * in the run queue before.
 */
static void handle_entries(struct gh_runner *r, struct gh_batch *b, unsigned int nr, bool keep)
{
	struct gh_run_entry *e = &b->entries[b->pos], *end = e + nr;
	/* Where the next one goes that keeps its place, if it may. */
	struct gh_run_entry *place = keep ? b->entries : end;
	struct gh_vcpu **at = &b->vcpus[b->pos], *v;
	const bool boarded = gh_board_is_used(r);
	unsigned int writes = 0, others = 0;
	bool done;

	for (; e != end; e++) {
		v = *at++;
		if (!gh_quick_take(v, e->res, boarded)) {
			others++;
			if (boarded && e->res == GH_URING_EXIT_WAITING && !v->held && v->boarded)
				sleep_on_board(r, v);
			else
				handle_entry(r, v, e);
			continue;
		}
		if (e->res & GH_URING_RES_WRITE) {
			writes++;
			e->flags = 0;
			e->resume_data = 0;
			done = gh_quick_write(r, v);
		} else {
			e->flags = GH_URING_RUN_RESUME;
			done = gh_quick_read(r, v);
			e->resume_data = v->access.data;
		}
		if (!done)
			continue;
		v->state = GH_VCPU_BATCHED;
		if (place == e) {
			place++;
			continue;
		}
		if (!keep) {
			gh_vcpu_unbatch(v, e);
			v->ran = true;
			v->alone = v->sleeps & GH_AFTER_MMIO;
			gh_vcpu_ready(r, v);
			continue;
		}
		*place = *e;
		b->vcpus[place++ - b->entries] = v;
	}
	r->stats.mmio_writes += writes;
	r->stats.mmio_reads += nr - writes - others;
	b->pos += nr;
	b->nr = keep ? (unsigned int)(place - b->entries) : 0;
}

/* A batch of one is left to gh_run_alone(). */
static bool can_keep_places(const struct gh_runner *r, const struct gh_batch *b)
{
	return b->done > 1 && !gh_sched_nr(&r->sched) && &r->batches[r->fill] != b &&
	       !r->batches[r->fill].nr;
}

/* Handles at most @budget entries (0: all) and returns how many. */
unsigned int gh_batches_handle(struct gh_runner *r, unsigned int budget)
{
	struct gh_batch *b;
	unsigned int n = 0, nr;

	for (b = &r->batches[r->handle]; b->state == GH_BATCH_DONE; b = &r->batches[r->handle]) {
		nr = b->done - b->pos;
		if (budget && nr > budget - n)
			nr = budget - n;
		handle_entries(r, b, nr, nr == b->done && can_keep_places(r, b));
		n += nr;
		if (b->pos < b->done)
			break;
		b->state = GH_BATCH_FREE;
		/* The next to be filled is this one, then to be handled again. */
		if (b->nr) {
			r->fill ^= 1;
			break;
		}
		r->handle ^= 1;
	}
	return n;
}
