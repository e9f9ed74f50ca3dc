// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Wake boards: whatever ends the wait of a vCPU that was left sets its bit, and the
 * board tells of it once. Whose a board is, and bad input, is the suite board_life's.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gt.h"
#include "gt_board.h"
#include "gt_fn.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define INTID	GT_BELL_INTID(GT_BELL_EDGE)

TestSuite(board, .timeout = GT_TIMEOUT);

static void close_both(struct gt_listener *g, struct gt_board *b)
{
	gt_listener_close(g);
	gt_board_close(b);
}

/* ---- what sets a bit ------------------------------------------------------------- */

GT_CASE(board, doorbell)
{
	struct gt_listener g;
	struct gt_board b;
	int i;

	gt_listener_leave(&g, &b, 70);
	for (i = 0; i < 10; i++) {
		gt_listener_ring(&g);
		gt_board_expect_bit(&b, 70);
		cr_assert(gt_vcpu_is(g.vcpu, "idle"));
		gt_listener_hear(&g);
		gt_leave_on(&b, g.vcpu, 70);
	}
	close_both(&g, &b);
}

/* In a batch, where the first entry is somebody else's. */
GT_CASE(board, timer)
{
	static const struct gs_op napper[] = {
		{ GS_SLEEP, 0, 20000000, 0 }, { GS_WRITE, 4, DEV, 7 }, { GS_GOTO, 0, 0, 9 },
		{ GS_OFF },
	};
	struct gh_run_entry entries[2];
	unsigned int writes = 0;
	struct gt_vm vm, other;
	struct gt_board b;
	int n;

	GT_BOOT_SCRIPT(&other, napper);
	GT_BOOT_SCRIPT(&vm, napper);
	gt_board_open(&b, &other.vcpus[0], GT_BOARD_BITS, -1);
	gt_board_put(&b, &vm.vcpus[0], GT_BOARD_BITS - 1);
	do {
		gh_run_entry_init(&entries[0], other.vcpus[0].fd, 0);
		gh_run_entry_init(&entries[1], vm.vcpus[0].fd, 0);
		n = gh_run_batch(other.vcpus[0].fd, entries, 2, 0);
		cr_assert_geq(n, 1);
		if (n < 2)
			continue;
		cr_assert_geq(entries[1].res, 0, "%s", strerror(-entries[1].res));
		writes += GH_URING_RES_EXIT(entries[1].res) == GH_URING_EXIT_MMIO;
		if (entries[1].res == GH_URING_EXIT_WAITING)
			gt_board_expect_bit(&b, GT_BOARD_BITS - 1);
	} while (n < 2 || entries[1].res != GH_URING_EXIT_STATUS);
	cr_assert_eq(writes, 10U);
	gt_vm_close(&vm);
	gt_vm_close(&other);
	gt_board_close(&b);
}

/* By an event of a guest that still waits behind it: the next run says so again. */
static void end_by(unsigned long call)
{
	struct gh_run_entry entry;
	struct gt_listener g;
	struct gt_board b;
	int i;

	gt_listener_leave(&g, &b, 3);
	for (i = 0; i < 3; i++) {
		cr_assert_eq(gt_ioctl(g.vcpu->fd, call, 0), 0);
		cr_assert(gt_board_has(&b, 3));
		gt_board_expect_bit(&b, 3);
		cr_assert(gt_vcpu_is(g.vcpu, "idle"));
		do {
			gh_run_entry_init(&entry, g.vcpu->fd, 0);
			cr_assert_eq(gh_run_batch(g.vcpu->fd, &entry, 1, 0), 1);
		} while (gt_res(entry.res) == GH_URING_EXIT_PREEMPTED ||
			 entry.res == GH_URING_EXIT_RUNNABLE);
		cr_assert_eq(entry.res, GH_URING_EXIT_WAITING, "%d", entry.res);
		cr_assert_eq(gt_ioctl(g.vcpu->fd, call, 0), 0);
		gt_board_expect_bit(&b, 3);
		gt_leave_on(&b, g.vcpu, 3);
	}
	gt_listener_ring(&g);
	gt_board_expect_bit(&b, 3);
	gt_listener_hear(&g);
	close_both(&g, &b);
}

GT_CASE(board, kick)
{
	end_by(GH_VCPU_KICK);
}

GT_CASE(board, cancel)
{
	end_by(GH_VCPU_CANCEL);
}

GT_CASE(board, vm_stop)
{
	struct gt_listener g;
	struct gt_board b;

	gt_listener_leave(&g, &b, 9);
	cr_assert_eq(gt_ioctl(g.vm.fd, GH_VM_STOP, 0), 0);
	gt_board_expect_bit(&b, 9);
	cr_assert_eq(gt_once(g.vcpu), -ENODEV);
	gt_board_silent(&b);
	close_both(&g, &b);
}

GT_CASE(board, vcpu_removed)
{
	struct gt_listener g;
	struct gt_board b;

	gt_listener_leave(&g, &b, 9);
	cr_assert_eq(gt_remove_vcpu(g.vm.fd, 0), 0);
	gt_board_expect_bit(&b, 9);
	cr_assert_eq(gt_once(g.vcpu), -ENODEV);
	close_both(&g, &b);
}

/* Another vCPU switches the VM off. */
GT_CASE(board, end_of_the_vm)
{
	static const struct gs_op boot[] = {
		{ GS_CPU_ON, 0, 1, 0 }, { GS_WFI }, { GS_GOTO, 0, 1, 1 << 30 },
	};
	static const struct gs_op off[] = { { GS_READ, 4, DEV, 0 }, { GS_OFF } };
	struct gt_board b;
	struct gt_vm vm;
	uint64_t end;
	int res;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 2);
	gt_vm_script(&vm, 0, boot, GT_ARRAY_SIZE(boot));
	gt_vm_script(&vm, 1, off, GT_ARRAY_SIZE(off));
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_add_vcpu(&vm, 1);
	gt_vm_start(&vm);
	gt_board_open(&b, &vm.vcpus[0], GT_BOARD_BITS, gt_eventfd());
	gt_leave(&vm.vcpus[0]);
	gt_check_read(&gt_path_once, &vm.vcpus[1], 4, DEV, 0, __LINE__);
	gt_board_put(&b, &vm.vcpus[0], 64);
	gt_leave_on(&b, &vm.vcpus[0], 64);
	gt_check_status(&gt_path_once, &vm.vcpus[1], GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	gt_board_expect_bit(&b, 64);
	end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	while ((res = gt_once(&vm.vcpus[0])) != GH_URING_EXIT_STATUS) {
		cr_assert(res == GH_URING_EXIT_PREEMPTED || res == GH_URING_EXIT_RUNNABLE, "%d",
			  res);
		cr_assert_lt(gt_now_ns(), end, "no STATUS");
	}
	gt_vm_close(&vm);
	gt_board_close(&b);
}

/* ---- what sets none -------------------------------------------------------------- */

/* The wake-up of a vCPU that is idle while its guest sleeps is for its next run. */
GT_CASE(board, wake_up_of_an_idle_vcpu)
{
	struct gt_listener g;
	struct gt_board b;

	gt_listener_leave(&g, &b, 5);
	cr_assert_eq(gt_ioctl(g.vcpu->fd, GH_VCPU_KICK, 0), 0);
	gt_board_expect_bit(&b, 5);
	cr_assert_eq(gt_ioctl(g.vcpu->fd, GH_VCPU_KICK, 0), 0);
	gt_listener_ring(&g);
	gt_listener_hear(&g);
	gt_board_silent(&b);
	close_both(&g, &b);
}

static void *kick_when_it_runs(void *vcpu)
{
	gt_vcpu_wait_for(vcpu, "running");
	cr_assert_eq(gt_ioctl(((struct gt_vcpu *)vcpu)->fd, GH_VCPU_KICK, 0), 0);
	return NULL;
}

GT_CASE(board, kick_of_a_running_vcpu)
{
	static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };
	struct gt_vcpu *vcpu;
	pthread_t thread;
	struct gt_board b;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, spinner);
	vcpu = &vm.vcpus[0];
	gt_board_open(&b, vcpu, GT_BOARD_BITS, gt_eventfd());
	gt_board_put(&b, vcpu, 5);
	cr_assert_eq(pthread_create(&thread, NULL, kick_when_it_runs, vcpu), 0);
	cr_assert_eq(gt_ioctl(vcpu->fd, GH_VCPU_RUN, 0), -EINTR);
	pthread_join(thread, NULL);
	gt_board_silent(&b);
	gt_vm_close(&vm);
	gt_board_close(&b);
}

struct signaller {
	int fd;
	bool enough;
};

static void *signal_again_and_again(void *arg)
{
	struct signaller *s = arg;

	while (!__atomic_load_n(&s->enough, __ATOMIC_RELAXED))
		gt_eventfd_signal(s->fd);
	return NULL;
}

/* It ends runs. One that is over meanwhile, with the vCPU left, is not its any more. */
GT_CASE(board, kick_eventfd)
{
	struct signaller s = { .fd = gt_eventfd() };
	struct gh_vcpu_kick_fd kick = { .fd = s.fd };
	pthread_t thread;
	struct gt_listener g;
	struct gt_board b;
	int i, res;

	gt_listener_leave(&g, &b, 5);
	cr_assert_eq(gt_ioctl(g.vcpu->fd, GH_VCPU_KICK_FD, (uintptr_t)&kick), 0);
	cr_assert_eq(pthread_create(&thread, NULL, signal_again_and_again, &s), 0);
	for (i = 0; i < 5000; i++) {
		cr_assert(gh_wake_board_arm(b.map));
		res = gt_once(g.vcpu);
		cr_assert(res == GH_URING_EXIT_WAITING || res == GH_URING_EXIT_PREEMPTED ||
			  res == GH_URING_EXIT_RUNNABLE, "%d", res);
	}
	__atomic_store_n(&s.enough, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	gt_board_silent(&b);
	gt_listener_ring(&g);
	gt_listener_hear(&g);
	close_both(&g, &b);
	close(s.fd);
}

/* Who parks it behind WAITING is told by the completion. */
GT_CASE(board, parked_behind_waiting)
{
	struct io_uring ring;
	struct gt_listener g;
	struct gt_board b;

	gt_ring_init(&ring, 8, RING);
	gt_listener_leave(&g, &b, 5);
	gt_ring_park(&ring, g.vcpu);
	gt_listener_ring(&g);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	gt_listener_hear(&g);
	gt_board_silent(&b);
	/* And back. */
	gt_leave(g.vcpu);
	gt_listener_ring(&g);
	gt_board_expect_bit(&b, 5);
	gt_check_write(&gt_path_ring, g.vcpu, 4, DEV, ++g.heard, __LINE__);
	gt_leave(g.vcpu);
	gt_listener_ring(&g);
	gt_check_write(&gt_path_ioctl, g.vcpu, 4, DEV, ++g.heard, __LINE__);
	close_both(&g, &b);
	io_uring_queue_exit(&ring);
}

/* ---- told once ------------------------------------------------------------------- */

GT_CASE(board, eventfd_once_for_each_arming)
{
	static const uint32_t bits[] = { 1, 65 };
	struct gt_listener g[2];
	struct gt_board b;
	int i, turn;

	gt_listener_boot(&g[0]);
	gt_listener_boot(&g[1]);
	gt_board_open(&b, g[0].vcpu, GT_BOARD_BITS, gt_eventfd());
	for (i = 0; i < 2; i++)
		gt_board_put(&b, g[i].vcpu, bits[i]);
	for (turn = 0; turn < 6; turn++) {
		bool armed = turn % 2;

		do {
			gt_leave_on(&b, g[0].vcpu, bits[0]);
			gt_leave_on(&b, g[1].vcpu, bits[1]);
		} while (!gh_wake_board_arm(b.map));
		if (armed)
			cr_assert(gh_wake_board_arm(b.map), "armed already");
		else
			gh_wake_board_take(b.map);
		gt_listener_ring(&g[0]);
		gt_listener_ring(&g[1]);
		gt_board_await(&b, bits[0]);
		gt_board_await(&b, bits[1]);
		cr_assert_not(gh_wake_board_arm(b.map), "armed over what was told");
		gt_board_expect(&b, bits, 2);
		/* A signal that is late has come by then. */
		gt_listener_hear(&g[0]);
		gt_listener_hear(&g[1]);
		cr_assert_eq(gt_eventfd_count(b.event), armed);
	}
	/* Disarmed before anything happens. */
	gt_leave_on(&b, g[0].vcpu, bits[0]);
	gh_wake_board_arm(b.map);
	gh_wake_board_take(b.map);
	gt_listener_ring(&g[0]);
	gt_board_expect_bit(&b, bits[0]);
	gt_listener_hear(&g[0]);
	gt_board_silent(&b);
	gt_listener_close(&g[0]);
	gt_listener_close(&g[1]);
	gt_board_close(&b);
}

GT_CASE(board, without_an_eventfd)
{
	struct gt_listener g;
	struct gt_board b;

	gt_listener_boot(&g);
	gt_board_open(&b, g.vcpu, 1, -1);
	gt_board_put(&b, g.vcpu, 0);
	gt_leave(g.vcpu);
	cr_assert(gh_wake_board_arm(b.map));
	gt_listener_ring(&g);
	gt_board_expect_bit(&b, 0);
	gt_listener_hear(&g);
	close_both(&g, &b);
}

/* ---- many ------------------------------------------------------------------------ */

#define VMS	4

/* The second vCPU is off until the first one has heard its bell. */
static void boot_pair(struct gt_listener *g)
{
	static const struct gs_op first[] = {
		{ GS_IRQ_ON, 0, INTID, 1 }, { GS_IRQ_WAIT, 0, INTID, 1 }, { GS_CPU_ON, 0, 1, 0 },
		{ GS_WRITE, 4, DEV, 1 }, { GS_WFI }, { GS_GOTO, 0, 4, 1 << 30 },
	};
	static const struct gs_op second[] = {
		{ GS_WRITE, 4, DEV, 2 }, { GS_WFI }, { GS_GOTO, 0, 1, 1 << 30 },
	};

	gt_vm_create(&g->vm);
	gt_vm_fill(&g->vm, "script", 2);
	gt_vm_script(&g->vm, 0, first, GT_ARRAY_SIZE(first));
	gt_vm_script(&g->vm, 1, second, GT_ARRAY_SIZE(second));
	gt_vm_give(&g->vm);
	gt_vm_add_vcpu(&g->vm, 0);
	gt_vm_add_vcpu(&g->vm, 1);
	gt_vm_start(&g->vm);
	g->vcpu = g->vm.vcpus;
	g->bell = gt_eventfd();
	cr_assert_eq(gt_irqfd_add(g->vm.fd, g->bell, GT_BELL_EDGE, 0), 0);
}

static void none_of_who_is_left(const struct gt_board *b, const struct gt_listener *g,
				const uint32_t bits[VMS][2])
{
	int i, vcpu;

	for (i = 0; i < VMS; i++) {
		for (vcpu = 0; vcpu < 2; vcpu++)
			cr_assert(!gt_board_has(b, bits[i][vcpu]) ||
				  !gt_vcpu_is(&g[i].vcpu[vcpu], "left"));
	}
}

GT_CASE(board, many_vcpus_of_several_vms)
{
	static const uint32_t bits[VMS][2] = {
		{ 0, 63 }, { 64, 130 }, { 319, 320 }, { 511, 599 },
	};
	struct gt_listener g[VMS];
	struct gt_board b;
	int i, vcpu;

	for (i = 0; i < VMS; i++)
		boot_pair(&g[i]);
	gt_board_open(&b, g[0].vcpu, 600, gt_eventfd());
	for (i = 0; i < VMS; i++) {
		for (vcpu = 0; vcpu < 2; vcpu++) {
			gt_board_put(&b, &g[i].vcpu[vcpu], bits[i][vcpu]);
			gt_leave_on(&b, &g[i].vcpu[vcpu], bits[i][vcpu]);
		}
	}
	for (i = 1; i < VMS; i += 2)
		gt_listener_ring(&g[i]);
	for (i = 1; i < VMS; i += 2)
		gt_board_await(&b, bits[i][0]);
	none_of_who_is_left(&b, g, bits);
	for (i = 1; i < VMS; i += 2)
		cr_assert_eq(gt_next_write(&g[i].vcpu[0]), 1U);
	for (i = 1; i < VMS; i += 2)
		gt_board_await(&b, bits[i][1]);
	none_of_who_is_left(&b, g, bits);
	for (i = 1; i < VMS; i += 2)
		cr_assert_eq(gt_next_write(&g[i].vcpu[1]), 2U);
	gt_board_expect(&b, (uint32_t[]) { bits[1][0], bits[1][1], bits[3][0], bits[3][1] }, 4);
	for (i = 0; i < VMS; i++)
		gt_listener_close(&g[i]);
	gt_board_close(&b);
}

/* ---- counters -------------------------------------------------------------------- */

static struct gh_vcpu_stats stats_of(const struct gt_vcpu *vcpu)
{
	struct gh_vcpu_stats stats;
	struct gh_vcpu_stats_arg arg = { .stats = (uintptr_t)&stats, .size = sizeof(stats) };

	cr_assert_eq(gt_ioctl(vcpu->fd, GH_VCPU_STATS, (uintptr_t)&arg), 0);
	return stats;
}

static void expect_counters(const struct gt_vcpu *vcpu, uint64_t parks, uint64_t wakes)
{
	struct gh_vcpu_stats stats = stats_of(vcpu);

	cr_assert_eq(stats.parks, parks, "%llu parks, expected %llu",
		     (unsigned long long)stats.parks, (unsigned long long)parks);
	cr_assert_eq(stats.wakes, wakes, "%llu wakes, expected %llu",
		     (unsigned long long)stats.wakes, (unsigned long long)wakes);
}

GT_CASE(board, counters)
{
	struct io_uring ring;
	struct gt_listener g;
	struct gt_board b;
	uint64_t n;
	int i;

	gt_ring_init(&ring, 8, RING);
	gt_listener_boot(&g);
	/* Without a board, what waits is the next run. */
	gt_leave(g.vcpu);
	expect_counters(g.vcpu, 0, 0);
	cr_assert_eq(gt_ioctl(g.vcpu->fd, GH_VCPU_KICK, 0), 0);
	gt_board_open(&b, g.vcpu, GT_BOARD_BITS, gt_eventfd());
	gt_board_put(&b, g.vcpu, 5);
	for (i = 0, n = 0; i < 5; i++) {
		n += gt_leave(g.vcpu);
		expect_counters(g.vcpu, n, n - 1);
		gt_listener_ring(&g);
		gt_board_expect_bit(&b, 5);
		expect_counters(g.vcpu, n, n);
		gt_listener_hear(&g);
		expect_counters(g.vcpu, n, n);
	}
	n += gt_leave(g.vcpu);
	cr_assert_eq(gt_ioctl(g.vcpu->fd, GH_VCPU_KICK, 0), 0);
	expect_counters(g.vcpu, n, n);
	/* A run ends a wait as well, whether it waits again or not. */
	n += gt_leave(g.vcpu);
	n += gt_leave(g.vcpu);
	expect_counters(g.vcpu, n, n - 1);
	g.vcpu->run->immediate_exit = 1;
	cr_assert_eq(gt_once(g.vcpu), GH_URING_EXIT_INTR);
	g.vcpu->run->immediate_exit = 0;
	expect_counters(g.vcpu, n, n);
	n += gt_leave(g.vcpu);
	gt_ring_park(&ring, g.vcpu);
	expect_counters(g.vcpu, n + 1, n);
	gt_listener_ring(&g);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	expect_counters(g.vcpu, n + 1, n + 1);
	close_both(&g, &b);
	io_uring_queue_exit(&ring);
}

/* ---- a storm --------------------------------------------------------------------- */

#define GUESTS	6

struct storm {
	struct gt_listener g[GUESTS];
	unsigned int rung[GUESTS];
	bool ready[GUESTS];
	struct gt_board b;
	int epoll;
};

/* The next ring of a bell waits until the guest has said that it heard the one before. */
static void *ring_at_random(void *arg)
{
	unsigned int i, seed = 1, left = GUESTS * GT_LISTENS;
	uint64_t end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	struct storm *s = arg;

	while (left && gt_now_ns() < end) {
		i = rand_r(&seed) % GUESTS;
		if (s->rung[i] == GT_LISTENS ||
		    __atomic_load_n(&s->g[i].heard, __ATOMIC_ACQUIRE) != s->rung[i])
			continue;
		if (rand_r(&seed) % 2)
			usleep(rand_r(&seed) % 400);
		s->rung[i]++;
		left--;
		gt_listener_ring(&s->g[i]);
	}
	return left ? s : NULL;
}

static void take_all(struct storm *s)
{
	unsigned int i;
	uint64_t word;

	if (!gh_wake_board_take(s->b.map))
		return;
	word = gh_wake_board_word(s->b.map, 0);
	for (i = 0; i < GUESTS; i++)
		s->ready[i] |= word >> i & 1 && s->g[i].heard < GT_LISTENS;
}

static void note(struct storm *s, unsigned int i, const struct gh_run_entry *entry)
{
	struct gh_uring_exit exit;

	cr_assert_eq(gh_run_entry_decode(entry, s->g[i].vcpu->run, &exit), 0, "%d", entry->res);
	if (exit.reason == GH_URING_EXIT_MMIO) {
		cr_assert_eq(exit.data, s->g[i].heard + 1ULL);
		__atomic_store_n(&s->g[i].heard, exit.data, __ATOMIC_RELEASE);
	}
	s->ready[i] = exit.reason != GH_URING_EXIT_WAITING && s->g[i].heard < GT_LISTENS;
}

/* Runs who is ready. Returns whether somebody was. */
static bool turn(struct storm *s)
{
	struct gh_run_entry entries[GUESTS];
	unsigned int i, who[GUESTS], nr = 0;
	int n;

	for (i = 0; i < GUESTS; i++) {
		if (!s->ready[i])
			continue;
		who[nr] = i;
		gh_run_entry_init(&entries[nr++], s->g[i].vcpu->fd, 0);
	}
	if (!nr)
		return false;
	n = gh_run_batch(s->g[0].vcpu->fd, entries, nr, 0);
	cr_assert(n >= 1 && n <= (int)nr, "batch of %u: %d", nr, n);
	for (i = 0; i < (unsigned int)n; i++)
		note(s, who[i], &entries[i]);
	return true;
}

static bool all_heard(const struct storm *s)
{
	unsigned int i;

	for (i = 0; i < GUESTS; i++) {
		if (s->g[i].heard < GT_LISTENS)
			return false;
	}
	return true;
}

static void wait_for_the_board(struct storm *s)
{
	struct epoll_event event;

	if (!gh_wake_board_arm(s->b.map))
		return;
	cr_assert_eq(epoll_wait(s->epoll, &event, 1, GT_PATIENCE_S * 1000), 1,
		     "a wake-up is lost");
	gt_eventfd_count(s->b.event);
}

GT_CASE(board, no_wake_up_is_lost)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct storm s = { 0 };
	pthread_t thread;
	unsigned int i;
	void *left;

	for (i = 0; i < GUESTS; i++)
		gt_listener_boot(&s.g[i]);
	gt_board_open(&s.b, s.g[0].vcpu, GT_BOARD_BITS, gt_eventfd());
	s.epoll = epoll_create1(0);
	cr_assert_geq(s.epoll, 0);
	cr_assert_eq(epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.b.event, &event), 0);
	for (i = 0; i < GUESTS; i++) {
		cr_assert_eq(gh_wake_board_set(s.g[i].vcpu->fd, s.b.fd, i), 0);
		gt_leave(s.g[i].vcpu);
	}
	cr_assert_eq(pthread_create(&thread, NULL, ring_at_random, &s), 0);
	while (!all_heard(&s)) {
		take_all(&s);
		if (!turn(&s))
			wait_for_the_board(&s);
	}
	pthread_join(thread, &left);
	cr_assert_null(left, "bells that did not ring");
	for (i = 0; i < GUESTS; i++) {
		cr_assert_eq(s.rung[i], (unsigned int)GT_LISTENS);
		gt_listener_close(&s.g[i]);
	}
	close(s.epoll);
	gt_board_close(&s.b);
}
