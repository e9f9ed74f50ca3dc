/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Wake boards, and guests that wait until they are woken. Where nothing else is said,
 * what does not come is waited for, and asserted.
 */
#ifndef GT_BOARD_H
#define GT_BOARD_H

#include "gt_run.h"

/* Of most boards: two words, the second one not full. */
#define GT_BOARD_BITS	100

/**
 * struct gt_board - a wake board
 * @fd: owned
 * @event: its eventfd, owned, or -1
 * @nr: bits
 * @size: of @map
 * @map: owned
 */
struct gt_board {
	int fd;
	int event;
	uint32_t nr;
	size_t size;
	struct gh_wake_board *map;
};

void gt_board_open(struct gt_board *b, const struct gt_vcpu *vcpu, uint32_t nr, int event);
void gt_board_close(struct gt_board *b);
/* Gives it the vCPU. The call itself sets the bit, which is taken. */
void gt_board_put(const struct gt_board *b, const struct gt_vcpu *vcpu, uint32_t bit);

/* Whether the bit is set, now. */
bool gt_board_has(const struct gt_board *b, uint32_t bit);
/* Until the bit is set and the board told. */
void gt_board_await(const struct gt_board *b, uint32_t bit);
/* Takes all bits: those of @bits come, and no others do. */
void gt_board_expect(const struct gt_board *b, const uint32_t *bits, unsigned int n);
void gt_board_expect_bit(const struct gt_board *b, uint32_t bit);
/* Asserts that no bit is set and that the eventfd was not signalled. Disarms it. */
void gt_board_silent(const struct gt_board *b);

/* RUN_ONCE, without whether the guest was entered. */
static inline int gt_once(const struct gt_vcpu *vcpu)
{
	return gt_res(gh_run_once(vcpu->fd, 0));
}

/* Until the guest waits. Returns how often it did, or was about to. */
unsigned int gt_leave(const struct gt_vcpu *vcpu);
/*
 * The same with its bit on a board, which is not set then. A wake-up without reason may come
 * late, of a vCPU that is new above all: then again. The bit of one that is left is a failure.
 */
void gt_leave_on(const struct gt_board *b, const struct gt_vcpu *vcpu, uint32_t bit);
/* Until it writes: what. */
uint64_t gt_next_write(const struct gt_vcpu *vcpu);

/* How often a listener listens. */
#define GT_LISTENS	40

/**
 * struct gt_listener - a guest that waits for its doorbell, and writes how often it rang
 * @vm: owned
 * @vcpu: its only one
 * @bell: signalled, the doorbell rings; owned
 * @heard: what it wrote last
 */
struct gt_listener {
	struct gt_vm vm;
	struct gt_vcpu *vcpu;
	int bell;
	unsigned int heard;
};

void gt_listener_boot(struct gt_listener *g);
/* The same, and left on a board of its own, of which this bit is not set. */
void gt_listener_leave(struct gt_listener *g, struct gt_board *b, uint32_t bit);
void gt_listener_close(struct gt_listener *g);
void gt_listener_ring(const struct gt_listener *g);
/* It has rung once more, and the guest says so. */
void gt_listener_hear(struct gt_listener *g);

#endif /* GT_BOARD_H */
