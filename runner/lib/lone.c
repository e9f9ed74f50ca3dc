// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A lone vCPU that does one access after the other: a turn is many of them, until somebody
 * else has something to do, the vCPU does something else, or a batch's time is over. Only
 * where the runner has the thread to itself, as callbacks are called.
 */
#include "internal.h"
#include "quick.h"

/* Nobody wants anything of the runner, but for vCPUs in the run queue. */
static inline bool is_calm(const struct gh_runner *r)
{
	return !r->sqes_pending && !r->cancels_wanted && !r->ended && !gh_board_told(r) &&
	       (!r->ring || gh_ring_is_quiet(r->ring)) && !atomic_load(&r->quit);
}

/* Nothing but one vCPU wants anything. */
static bool is_alone(const struct gh_runner *r)
{
	const struct gh_sched *s = &r->sched;

	return s->ready.nr == 1 && !s->woken.nr && !s->ready.head->held && !s->ready.head->alone &&
	       is_calm(r);
}

/* Whether the call will do that has no batch, and no slice but the driver's own. */
static inline bool can_run_once(const struct gh_runner *r, const struct gh_vcpu *v)
{
	return r->ops->run_once && !r->no_once && v->slice_ns >= GH_LONE_SLICE_NS;
}

/* What came back with @res; true if it was an access. */
static bool handle(struct gh_runner *r, struct gh_vcpu *v, int res,
		   const struct gh_uring_exit *exit)
{
	gh_exit_handle(r, v, res, exit);
	return !res && exit->reason == GH_URING_EXIT_MMIO;
}

/* False if it did not run, or did something else than an access. */
static bool run_in_batch(struct gh_runner *r, struct gh_vcpu *v)
{
	struct gh_batch *b = &r->batches[r->fill];
	struct gh_uring_exit exit;

	gh_batch_add(b, v);
	b->nr = 0;
	if (r->ops->run_batch(r->ctx, v->fd, b->entries, 1, r->sched.deadline_ns) != 1) {
		gh_vcpu_ready(r, v);
		return false;
	}
	r->stats.batches++;
	r->stats.batch_ioctls++;
	r->stats.submitted++;
	return handle(r, v, gh_run_entry_decode(b->entries, v->run, &exit), &exit);
}

/*
 * An access that came back with @res and that gh_quick_take() took. True if it is answered
 * and the vCPU can go on.
 */
static inline bool answer_quickly(struct gh_runner *r, struct gh_vcpu *v, int res)
{
	if (res & GH_URING_RES_WRITE) {
		v->has_answer = false;
		return gh_quick_write(r, v);
	}
	if (!gh_quick_read(r, v))
		return false;
	v->has_answer = true;
	v->answer = v->access.data;
	gh_run_answer(v->run, v->answer);
	return true;
}

/*
 * Runs @v up to @max times, as long as it does what gh_quick_take() takes and nobody else
 * wants anything; it is in no queue meanwhile. Returns how often it ran, and in *@other
 * whether the last time it did something else, which *@res says; otherwise it is back in
 * the run queue, or where its device wants it.
 */
static unsigned int run_quickly(struct gh_runner *r, struct gh_vcpu *v, unsigned int max,
				int *res, bool *other)
{
	unsigned int runs = 0, writes = 0;
	bool mine;

	if (v->has_answer)
		gh_run_answer(v->run, v->answer);
	do {
		v->state = GH_VCPU_IN_FLIGHT;
		*res = r->ops->run_once(r->ctx, v->fd, r->sched.deadline_ns);
		*other = !gh_quick_take(v, *res, false);
		if (*other)
			break;
		runs++;
		writes += !!(*res & GH_URING_RES_WRITE);
		mine = answer_quickly(r, v, *res);
	} while (mine && runs < max && !v->held && !gh_sched_nr(&r->sched) &&
		 can_run_once(r, v) && is_calm(r));
	r->stats.mmio_writes += writes;
	r->stats.mmio_reads += runs - writes;
	if (!*other && mine)
		gh_vcpu_ready(r, v);
	return runs;
}

/* As run_in_batch(), more than once if the vCPU does what is usual. *@runs is how often. */
static bool run_once(struct gh_runner *r, struct gh_vcpu *v, unsigned int *runs)
{
	struct gh_uring_exit exit;
	unsigned int n;
	bool other;
	int res;

	n = run_quickly(r, v, GH_ALONE_RUNS - *runs, &res, &other);
	v->ran = true;
	if (other && res == -ENOTTY) {
		r->no_once = true;
		gh_vcpu_ready(r, v);
		return true;
	}
	n += other;
	*runs += n;
	r->stats.lone_ioctls += n;
	r->stats.submitted += n;
	return !other || handle(r, v, gh_run_once_decode(res, v->run, &exit), &exit);
}

void gh_run_alone(struct gh_runner *r)
{
	struct gh_batch *b = &r->batches[r->fill];
	unsigned int runs = 0;
	struct gh_vcpu *v;
	bool again;

	if (r->ioctl == GH_IOCTL_NEVER || !r->has_batch || b->state != GH_BATCH_FREE || b->nr ||
	    !is_alone(r))
		return;
	gh_sched_begin(&r->sched, gh_batch_deadline(r), 0);
	r->in_callback = true;
	do {
		v = gh_queue_pop(&r->sched.ready);
		if (can_run_once(r, v)) {
			again = run_once(r, v, &runs);
		} else {
			again = run_in_batch(r, v);
			runs++;
		}
	} while (again && runs < GH_ALONE_RUNS && is_alone(r));
	r->in_callback = false;
}
