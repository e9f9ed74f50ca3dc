// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Batches: many vCPUs run by one command or one ioctl, GH_VCPU_RUN_BATCH.
 *
 * There are two, used in turns. While dispatch has not handled all of one, or SQPOLL's
 * thread is at work on it, the other is filled; they are given to the driver and
 * handled in the same order, so the run queue stays FIFO.
 */
#include <assert.h>
#include <stdlib.h>

#include "internal.h"

_Static_assert(GH_MAX_BATCH <= GH_RUN_BATCH_MAX, "a batch fits into one command");

int gh_batches_init(struct gh_runner *r)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct gh_batch *b = &r->batches[i];

		b->entries = calloc(r->sched.batch, sizeof(*b->entries));
		b->vcpus = calloc(r->sched.batch, sizeof(*b->vcpus));
		if (!b->entries || !b->vcpus)
			return -ENOMEM;
	}
	return 0;
}

void gh_batches_exit(struct gh_runner *r)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		free(r->batches[i].entries);
		free(r->batches[i].vcpus);
	}
}

/* Asks the driver once, with a batch that it refuses if it has batches. */
int gh_batch_probe(struct gh_runner *r, int vcpu_fd)
{
	int ret;

	if (!r->batch_known && r->ops->run_batch) {
		ret = r->ops->run_batch(r->ctx, vcpu_fd, r->batches[0].entries, 0, 0);
		r->has_batch = ret != -ENOTTY && ret != -EOPNOTSUPP;
		r->batch_known = true;
	}
	return r->backend == GH_BACKEND_IOCTL && !r->has_batch ? -EOPNOTSUPP : 0;
}

void gh_batch_add(struct gh_batch *b, struct gh_vcpu *v)
{
	struct gh_run_entry *e = &b->entries[b->nr];
	uint32_t slice_ns = gh_vcpu_take_slice(&v->vm->runner->sched, v);

	assert(v->state == GH_VCPU_READY);
	if (v->has_answer)
		gh_run_entry_init_resume(e, v->fd, slice_ns, v->answer);
	else
		gh_run_entry_init(e, v->fd, slice_ns);
	v->state = GH_VCPU_BATCHED;
	b->vcpus[b->nr++] = v;
}

/* Before it goes to the driver: as gh_batch_add() would fill it now. */
void gh_batch_recheck(struct gh_runner *r, struct gh_batch *b)
{
	unsigned int i, nr = b->nr;

	r->recheck = false;
	b->nr = 0;
	for (i = 0; i < nr; i++) {
		struct gh_vcpu *v = b->vcpus[i];

		gh_vcpu_unadd(v, &b->entries[i]);
		v->state = GH_VCPU_READY;
		if (v->held)
			gh_vcpu_out(v);
		else
			gh_batch_add(b, v);
	}
}

/* By ioctl the guests have run when this returns, otherwise when the ring is entered. */
void gh_batch_submit(struct gh_runner *r, struct gh_batch *b, bool by_ioctl)
{
	const struct gh_vcpu *v = b->vcpus[0];
	struct io_uring_sqe *sqe;

	r->fill ^= 1;
	r->stats.submitted += b->nr;
	r->stats.batches++;
	if (by_ioctl) {
		r->stats.batch_ioctls++;
		r->batch_open = true;
		gh_batch_done(r, b, r->ops->run_batch(r->ctx, v->fd, b->entries, b->nr,
						      r->sched.deadline_ns));
		return;
	}
	sqe = gh_get_sqe(r);
	if (!sqe) {
		gh_batch_done(r, b, 0);
		return;
	}
	gh_uring_prep_run_batch(sqe, v->fixed ? (int)v->slot : v->fd, b->entries, b->nr,
				r->sched.deadline_ns);
	if (v->fixed)
		sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = gh_uring_pack(GH_OP_BATCH, (uint32_t)(b - r->batches), 0);
	b->state = GH_BATCH_IN_FLIGHT;
}

/* @ret entries were carried out. The others are as they were, and go first next time. */
void gh_batch_done(struct gh_runner *r, struct gh_batch *b, int ret)
{
	unsigned int i;

	/* Whatever the driver has against batches, it can run the vCPUs one by one. */
	if (ret < 0 && ret != -EINTR && ret != -ECANCELED && ret != -EAGAIN)
		r->has_batch = false;
	b->pos = 0;
	b->done = ret < 0 ? 0 : (unsigned int)ret;
	b->state = GH_BATCH_DONE;
	if (b->done >= b->nr) {
		b->done = b->nr;
		return;
	}
	for (i = b->done; i < b->nr; i++) {
		gh_vcpu_unadd(b->vcpus[i], &b->entries[i]);
		b->vcpus[i]->state = GH_VCPU_READY;
		gh_sched_missed(&r->sched, b->vcpus[i]);
	}
	r->stats.not_entered += b->nr - b->done;
}
