// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt.h"
#include "gt_board.h"
#include "gt_fn.h"

static uint64_t patience(void)
{
	return gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
}

/* ---- boards ---------------------------------------------------------------------- */

static void map_board(struct gt_board *b)
{
	b->size = gh_wake_board_size(b->nr);
	b->map = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	cr_assert_neq(b->map, MAP_FAILED, "%s", strerror(errno));
	cr_assert_eq(b->map->nr, b->nr);
	cr_assert_eq(b->map->state, (uint32_t)GH_BOARD_QUIET);
}

void gt_board_open(struct gt_board *b, const struct gt_vcpu *vcpu, uint32_t nr, int event)
{
	b->event = event;
	b->nr = nr;
	b->fd = gh_wake_board_new(vcpu->fd, nr, event);
	cr_assert_geq(b->fd, 0, "board of %u: %s", nr, strerror(-b->fd));
	map_board(b);
}

void gt_board_close(struct gt_board *b)
{
	munmap(b->map, b->size);
	close(b->fd);
	if (b->event >= 0)
		close(b->event);
}

static uint64_t *word_of(const struct gt_board *b, uint32_t index)
{
	return (uint64_t *)((char *)b->map + GH_WAKE_BOARD_WORDS) + index;
}

bool gt_board_has(const struct gt_board *b, uint32_t bit)
{
	return __atomic_load_n(word_of(b, bit / 64), __ATOMIC_ACQUIRE) >> bit % 64 & 1;
}

void gt_board_await(const struct gt_board *b, uint32_t bit)
{
	uint64_t end = patience();

	while (!gt_board_has(b, bit) || !gh_wake_board_told(b->map)) {
		cr_assert_lt(gt_now_ns(), end, "bit %u is %s, the state %u", bit,
			     gt_board_has(b, bit) ? "set" : "not set", b->map->state);
		usleep(100);
	}
}

void gt_board_expect(const struct gt_board *b, const uint32_t *bits, unsigned int n)
{
	uint32_t i, words = (b->nr + 63) / 64;
	uint64_t want[GH_WAKE_BOARD_MAX / 64] = { 0 };

	for (i = 0; i < n; i++) {
		gt_board_await(b, bits[i]);
		want[bits[i] / 64] |= 1ULL << bits[i] % 64;
	}
	cr_assert(gh_wake_board_take(b->map));
	for (i = 0; i < words; i++) {
		uint64_t word = gh_wake_board_word(b->map, i);

		cr_assert_eq(word, want[i], "word %u: %#llx, expected %#llx", i,
			     (unsigned long long)word, (unsigned long long)want[i]);
	}
}

void gt_board_expect_bit(const struct gt_board *b, uint32_t bit)
{
	gt_board_expect(b, &bit, 1);
}

void gt_board_silent(const struct gt_board *b)
{
	uint32_t i;

	/* Who set a bit may tell of it when it was taken already. */
	gh_wake_board_take(b->map);
	for (i = 0; i < (b->nr + 63) / 64; i++)
		cr_assert_eq(*word_of(b, i), 0UL, "word %u: %#lx", i, *word_of(b, i));
	cr_assert(b->event < 0 || !gt_eventfd_count(b->event));
}

void gt_board_put(const struct gt_board *b, const struct gt_vcpu *vcpu, uint32_t bit)
{
	cr_assert_eq(gh_wake_board_set(vcpu->fd, b->fd, bit), 0);
	cr_assert(gt_board_has(b, bit));
	cr_assert(gh_wake_board_told(b->map));
	gt_board_expect_bit(b, bit);
}

/* ---- guests ---------------------------------------------------------------------- */

void gt_listener_boot(struct gt_listener *g)
{
	struct gs_op ops[2 * GT_LISTENS + 1] = { { GS_IRQ_ON, 0, GT_BELL_INTID(GT_BELL_EDGE), 1 } };
	unsigned int n;

	for (n = 1; n <= GT_LISTENS; n++) {
		ops[2 * n - 1] = (struct gs_op) { GS_IRQ_WAIT, 0, GT_BELL_INTID(GT_BELL_EDGE), n };
		ops[2 * n] = (struct gs_op) { GS_WRITE, 4, GT_DEV_BASE, n };
	}
	GT_BOOT_SCRIPT(&g->vm, ops);
	g->vcpu = &g->vm.vcpus[0];
	g->heard = 0;
	g->bell = gt_eventfd();
	cr_assert_eq(gt_irqfd_add(g->vm.fd, g->bell, GT_BELL_EDGE, 0), 0);
}

void gt_listener_close(struct gt_listener *g)
{
	gt_vm_close(&g->vm);
	close(g->bell);
}

void gt_listener_ring(const struct gt_listener *g)
{
	gt_eventfd_signal(g->bell);
}

unsigned int gt_leave(const struct gt_vcpu *vcpu)
{
	uint64_t end = patience();
	unsigned int waits = 1;
	int res;

	while ((res = gt_once(vcpu)) != GH_URING_EXIT_WAITING) {
		cr_assert(res == GH_URING_EXIT_PREEMPTED || res == GH_URING_EXIT_RUNNABLE, "%d",
			  res);
		waits += res == GH_URING_EXIT_RUNNABLE;
		cr_assert_lt(gt_now_ns(), end, "the guest does not wait");
	}
	return waits;
}

void gt_leave_on(const struct gt_board *b, const struct gt_vcpu *vcpu, uint32_t bit)
{
	uint64_t end = patience();

	for (;;) {
		gt_leave(vcpu);
		gh_wake_board_take(b->map);
		if (!gt_board_has(b, bit))
			return;
		cr_assert(!gt_vcpu_is(vcpu, "left"), "bit %u of a vCPU that still waits", bit);
		__atomic_fetch_and(word_of(b, bit / 64), ~(1ULL << bit % 64), __ATOMIC_SEQ_CST);
		cr_assert_lt(gt_now_ns(), end, "woken again and again");
	}
}

uint64_t gt_next_write(const struct gt_vcpu *vcpu)
{
	uint64_t end = patience();
	struct gh_uring_exit exit;
	int res;

	while (GH_URING_RES_EXIT(res = gt_once(vcpu)) != GH_URING_EXIT_MMIO) {
		cr_assert(res == GH_URING_EXIT_PREEMPTED || res == GH_URING_EXIT_RUNNABLE ||
			  res == GH_URING_EXIT_WAITING, "%d", res);
		cr_assert_lt(gt_now_ns(), end, "the guest does not write");
	}
	cr_assert_eq(gh_run_once_decode(res, vcpu->run, &exit), 0);
	cr_assert(exit.is_write);
	return exit.data;
}

void gt_listener_hear(struct gt_listener *g)
{
	cr_assert_eq(gt_next_write(g->vcpu), ++g->heard);
}

void gt_listener_leave(struct gt_listener *g, struct gt_board *b, uint32_t bit)
{
	gt_listener_boot(g);
	gt_board_open(b, g->vcpu, GT_BOARD_BITS, gt_eventfd());
	gt_board_put(b, g->vcpu, bit);
	gt_leave_on(b, g->vcpu, bit);
}
