// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The run queue: FIFO, in batches with an absolute deadline. Whoever slept goes first.
 *
 * The driver does not enter a guest whose turn comes after the deadline, and says
 * so. Such a vCPU goes first next time.
 */
#include <assert.h>
#include <stddef.h>

#include "internal.h"

void gh_queue_push_front(struct gh_queue *q, struct gh_vcpu *v)
{
	v->next = q->head;
	q->head = v;
	if (!q->tail)
		q->tail = v;
	q->nr++;
}

void gh_sched_init(struct gh_sched *s, uint32_t slice_ns, uint64_t batch_ns, unsigned int batch)
{
	assert(slice_ns && batch_ns && batch);
	*s = (struct gh_sched) {
		.slice_ns = slice_ns,
		.batch_ns = batch_ns,
		.batch = batch,
		.limit = batch,
	};
}

void gh_sched_begin(struct gh_sched *s, uint64_t deadline_ns, unsigned int taken)
{
	s->deadline_ns = deadline_ns;
	s->taken = taken;
	s->favours = (s->limit + s->odd) / 2;
	s->odd = !s->odd;
}

void gh_sched_missed(struct gh_sched *s, struct gh_vcpu *v)
{
	gh_queue_push(&s->missed, v);
}

/* Down to what ran and a quarter more when it was late, up quickly when not. */
static void adapt(struct gh_sched *s)
{
	unsigned int ran = s->taken - s->missed.nr;
	unsigned int limit = s->limit;

	if (s->missed.nr)
		limit = ran + ran / 4 + 1;
	else if (s->taken == s->limit)
		limit = 2 * s->limit;
	s->limit = limit < s->batch ? limit : s->batch;
}

/*
 * Ends the batch and puts those that did not run at the front of the queue, in
 * their order. Returns whether there were any.
 */
bool gh_sched_end(struct gh_sched *s)
{
	struct gh_queue *missed = &s->missed;
	bool late = missed->nr;

	if (s->taken)
		adapt(s);
	s->taken = 0;
	if (late) {
		missed->tail->next = s->ready.head;
		if (!s->ready.head)
			s->ready.tail = missed->tail;
		s->ready.head = missed->head;
		s->ready.nr += missed->nr;
		*missed = (struct gh_queue) { 0 };
	}
	return late;
}
