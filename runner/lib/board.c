// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The wake board: vCPUs whose guests wait without a command. The driver marks those that
 * need not wait any more, and wakes the runner once for all of them.
 *
 * A mark can come at any time, also for a vCPU that runs by then, or waits in a queue or a
 * batch. Such a one is remembered, and the vCPU runs once more before it sleeps: at worst
 * for nothing. So none is lost, whatever its result and its mark are looked at first.
 */
#include "internal.h"

static void probe(struct gh_runner *r, int vcpu_fd)
{
	struct gh_board *b = &r->board;
	int fd;

	b->known = true;
	if (!r->ops->new_board || !r->has_batch)
		return;
	fd = r->ops->new_board(r->ctx, vcpu_fd, r->max_vcpus, &b->map, &b->size);
	if (fd < 0)
		b->map = NULL;
	else
		b->fd = fd;
}

/* After its vCPUs. */
void gh_board_exit(struct gh_runner *r)
{
	struct gh_board *b = &r->board;

	if (b->map)
		r->ops->del_board(r->ctx, b->fd, b->map, b->size);
	b->map = NULL;
}

/* Without a board, for whatever reason, a guest that waits parks. */
void gh_board_attach(struct gh_vcpu *v)
{
	struct gh_runner *r = v->vm->runner;
	struct gh_board *b = &r->board;
	struct gh_vcpu_board arg = { .bit = v->slot };

	if (!b->known)
		probe(r, v->fd);
	if (!b->map)
		return;
	arg.fd = b->fd;
	if (r->ops->ioctl(r->ctx, v->fd, GH_VCPU_SET_BOARD, &arg) < 0)
		return;
	v->boarded = true;
	/* The call itself marks it, for who was left before. This one is about to run. */
	__atomic_fetch_and(gh_wake_board_words(b->map) + v->slot / 64, ~(1ULL << v->slot % 64),
			   __ATOMIC_SEQ_CST);
	if (v->slot / 64 >= b->words)
		b->words = v->slot / 64 + 1;
}

void gh_board_detach(struct gh_vcpu *v)
{
	struct gh_runner *r = v->vm->runner;
	struct gh_vcpu_board none = { .fd = -1 };

	if (v->boarded)
		r->ops->ioctl(r->ctx, v->fd, GH_VCPU_SET_BOARD, &none);
	v->boarded = false;
	v->marked = false;
}

static void mark(struct gh_runner *r, unsigned int slot)
{
	struct gh_vcpu *v = slot < r->max_vcpus ? r->vcpus[slot] : NULL;

	/* Of who has left, or of nobody. */
	if (!v)
		return;
	if (v->state != GH_VCPU_ASLEEP) {
		v->marked = true;
		return;
	}
	r->stats.parks++;
	r->stats.wakeups++;
	gh_vcpu_rouse(r, v);
}

/* Wakes who was marked. Nothing is armed after. */
void gh_board_handle(struct gh_runner *r)
{
	struct gh_board *b = &r->board;
	unsigned int i;
	uint64_t word;

	b->armed = false;
	if (!gh_wake_board_take(b->map))
		return;
	for (i = 0; i < b->words; i++) {
		word = gh_wake_board_word(b->map, i);
		for (; word; word &= word - 1)
			mark(r, 64 * i + (unsigned int)__builtin_ctzll(word));
	}
}

/* Before the runner waits: false if it need not. */
bool gh_board_arm(struct gh_runner *r)
{
	if (gh_wake_board_arm(r->board.map)) {
		r->board.armed = true;
		return true;
	}
	gh_board_handle(r);
	return false;
}
