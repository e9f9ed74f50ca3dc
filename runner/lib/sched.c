// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The run queue: FIFO, in batches with an absolute deadline.
 *
 * The driver does not enter a guest whose turn comes after the deadline; such a
 * vCPU completes with PREEMPTED, like one that used its slice up. Which of the two
 * it was is worked out here, so that a vCPU that did not run goes first next time.
 */
#include <assert.h>
#include <stddef.h>

#include "internal.h"

void gh_queue_push(struct gh_queue *q, struct gh_vcpu *v)
{
	assert(!v->next && q->tail != v);
	if (q->tail)
		q->tail->next = v;
	else
		q->head = v;
	q->tail = v;
	q->nr++;
}

void gh_queue_push_front(struct gh_queue *q, struct gh_vcpu *v)
{
	assert(!v->next && q->tail != v);
	v->next = q->head;
	q->head = v;
	if (!q->tail)
		q->tail = v;
	q->nr++;
}

struct gh_vcpu *gh_queue_pop(struct gh_queue *q)
{
	struct gh_vcpu *v = q->head;

	if (!v)
		return NULL;
	q->head = v->next;
	if (!q->head)
		q->tail = NULL;
	v->next = NULL;
	assert(q->nr > 0);
	q->nr--;
	return v;
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

void gh_sched_begin(struct gh_sched *s, uint64_t now_ns)
{
	assert(!s->preempted.nr);
	s->start_ns = now_ns;
	s->deadline_ns = now_ns + s->batch_ns;
	s->taken = 0;
	s->others = 0;
}

/* NULL when the batch is full or nobody is ready. */
struct gh_vcpu *gh_sched_next(struct gh_sched *s)
{
	if (s->taken == s->limit || !s->ready.nr)
		return NULL;
	s->taken++;
	return gh_queue_pop(&s->ready);
}

void gh_sched_preempted(struct gh_sched *s, struct gh_vcpu *v)
{
	gh_queue_push(&s->preempted, v);
}

/*
 * How many of the preempted ran, at least. Commands are issued in order, so those
 * that met the deadline are the last ones, and each before them used at most one
 * slice.
 */
static unsigned int preempted_ran(const struct gh_sched *s)
{
	uint64_t ran = (s->end_ns - s->start_ns) / s->slice_ns;

	ran = ran > s->others ? ran - s->others : 0;
	if (!ran && !s->others)
		ran = 1;
	return ran < s->preempted.nr ? (unsigned int)ran : s->preempted.nr;
}

/* Down to what ran and a quarter more when it was late, up quickly when not. */
static void adapt(struct gh_sched *s, bool late, unsigned int ran)
{
	unsigned int limit = s->limit;

	if (late) {
		ran += s->taken - s->preempted.nr;
		limit = ran + ran / 4 + 1;
	} else if (s->taken == s->limit) {
		limit = 2 * s->limit;
	}
	s->limit = limit < s->batch ? limit : s->batch;
}

/*
 * Ends the batch and puts the preempted vCPUs back: those that ran at the end of
 * the queue, the rest at its front in their order. Returns whether the deadline
 * was met.
 */
bool gh_sched_end(struct gh_sched *s)
{
	bool late = s->preempted.nr && s->end_ns >= s->deadline_ns;
	unsigned int ran = late ? preempted_ran(s) : s->preempted.nr;
	struct gh_queue front = { 0 };
	struct gh_vcpu *v;

	if (s->taken)
		adapt(s, late, ran);
	s->taken = 0;
	while ((v = gh_queue_pop(&s->preempted))) {
		if (ran) {
			ran--;
			gh_queue_push(&s->ready, v);
		} else {
			gh_queue_push(&front, v);
		}
	}
	if (front.nr) {
		front.tail->next = s->ready.head;
		if (!s->ready.head)
			s->ready.tail = front.tail;
		s->ready.head = front.head;
		s->ready.nr += front.nr;
	}
	return late;
}
