// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The times that the driver promises. They are only asserted in a machine that counts
 * its time in instructions (run-machine.sh --icount), so a busy build machine changes
 * none of them, and what else that machine does is kept away from its one CPU. What
 * is left beside the promise is the way into the kernel and back.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "gt.h"
#include "gt_counted.h"
#include "gt_fn.h"

#define DEV		GT_DEV_BASE
#define RING		(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define GUESTS		6
#define TURNS		20
#define US		1000ULL
#define MS		1000000ULL
/* Of the machine's kernel, and the longest slice: a run counts from the timer before. */
#define TICK_NS		(4 * MS)
#define SLICE_MAX_NS	(4 * MS)
#define SLICE_MIN_NS	(10 * US)
/* A call that begins a run, the timer's repetition when it came just before, the end. */
#define CALL_NS		(200 * US)

TestSuite(icount, .timeout = GT_TIMEOUT);

static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };
static const struct gs_op writer[] = { { GS_WRITE, 4, DEV, 1 }, { GS_GOTO, 0, 0, 1 << 30 } };

/* The most of several, which is what a promise is about. */
struct most {
	uint64_t ns;
	uint64_t limit;
	const char *what;
};

static void note(struct most *most, uint64_t begin)
{
	uint64_t ns = gt_now_ns() - begin;

	if (ns > most->ns)
		most->ns = ns;
}

static void check(const struct most *most)
{
	printf("icount: %s: %.3f ms, at most %.3f\n", most->what, most->ns / 1e6,
	       most->limit / 1e6);
	fflush(stdout);
	cr_assert_leq(most->ns, most->limit, "%s: %llu ns, at most %llu", most->what,
		      (unsigned long long)most->ns, (unsigned long long)most->limit);
}

/* Leaves the timer of a slice that was not used up: the worst for the run behind it. */
static void leave_timer(struct io_uring *ring, struct gt_vcpu *vcpu)
{
	struct io_uring_sqe *sqe;
	struct gt_cqe cqe;

	/* The one before has fired. */
	usleep(10000);
	sqe = gt_ring_sqe(ring);
	gh_uring_prep_run(sqe, vcpu->fd, SLICE_MAX_NS, 0);
	gt_ring_submit(ring, 1);
	gt_ring_next(ring, &cqe);
	cr_assert_geq(cqe.res, 0);
}

/* ---- commands ---------------------------------------------------------------------- */

/* @nr runs of guests that only compute, in one submission. */
static void run_all(struct io_uring *ring, struct gt_vm *vms, unsigned int nr, uint32_t slice_ns,
		    uint64_t deadline_ns, struct most *most)
{
	uint64_t begin = gt_now_ns();
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		sqe = gt_ring_sqe(ring);
		gh_uring_prep_run(sqe, vms[i].vcpus[0].fd, slice_ns,
				  deadline_ns ? begin + deadline_ns : 0);
		sqe->user_data = i;
	}
	gt_ring_submit(ring, nr);
	note(most, begin);
	for (i = 0; i < nr; i++)
		cr_assert_eq(gt_ring_take(ring, i), GH_URING_EXIT_PREEMPTED);
}

static void check_commands(unsigned int nr, uint64_t deadline_ns)
{
	static const uint64_t slices[] = { SLICE_MIN_NS, 100 * US, 0, SLICE_MAX_NS, UINT32_MAX };
	struct gt_vm vms[GUESTS], other;
	uint64_t slice, all;
	struct io_uring ring;
	unsigned int i, n;

	gt_alone();
	gt_ring_init(&ring, 16, RING);
	GT_BOOT_SCRIPT(&other, writer);
	for (i = 0; i < nr; i++)
		GT_BOOT_SCRIPT(&vms[i], spinner);
	for (i = 0; i < GT_ARRAY_SIZE(slices); i++) {
		struct most most = { .what = nr > 1 ? "commands" : "a command" };

		slice = slices[i] ? slices[i] : MS;
		if (slice > SLICE_MAX_NS)
			slice = SLICE_MAX_NS;
		all = nr * (slice + CALL_NS) + TICK_NS;
		most.limit = deadline_ns && deadline_ns < all ? deadline_ns + CALL_NS : all;
		for (n = 0; n < TURNS; n++) {
			leave_timer(&ring, &other.vcpus[0]);
			run_all(&ring, vms, nr, slices[i], deadline_ns, &most);
		}
		check(&most);
	}
	for (i = 0; i < nr; i++)
		gt_vm_close(&vms[i]);
	gt_vm_close(&other);
	io_uring_queue_exit(&ring);
}

GT_CASE(icount, command)
{
	check_commands(1, 0);
}

GT_CASE(icount, commands)
{
	check_commands(GUESTS, 0);
}

GT_CASE(icount, commands_with_a_deadline)
{
	check_commands(GUESTS, 2 * MS);
}

/* The ioctl that is one such run. */
static void check_once(uint64_t deadline_ns)
{
	struct most most = { .what = "one run by ioctl" };
	struct gt_vm vm, other;
	struct io_uring ring;
	uint64_t begin;
	unsigned int i;
	int ret;

	gt_alone();
	gt_ring_init(&ring, 16, RING);
	GT_BOOT_SCRIPT(&other, writer);
	GT_BOOT_SCRIPT(&vm, spinner);
	most.limit = (deadline_ns ? deadline_ns : MS + TICK_NS) + CALL_NS;
	for (i = 0; i < TURNS; i++) {
		leave_timer(&ring, &other.vcpus[0]);
		begin = gt_now_ns();
		ret = gh_run_once(vm.vcpus[0].fd, deadline_ns ? begin + deadline_ns : 0);
		note(&most, begin);
		cr_assert_eq(gt_res(ret), GH_URING_EXIT_PREEMPTED, "%d", ret);
	}
	check(&most);
	gt_vm_close(&vm);
	gt_vm_close(&other);
	io_uring_queue_exit(&ring);
}

GT_CASE(icount, once)
{
	check_once(0);
}

GT_CASE(icount, once_with_a_deadline)
{
	check_once(300 * US);
}

/* ---- batches ------------------------------------------------------------------------- */

/* The driver's own bound, counted from the timer before. */
#define BATCH_NS	(10 * MS + TICK_NS)
#define ENTRIES		16

static void run_batch(struct io_uring *ring, struct gt_vm *vms, uint64_t deadline_ns,
		      struct most *most)
{
	uint64_t begin = gt_now_ns(), deadline = deadline_ns ? begin + deadline_ns : 0;
	struct gh_run_entry entries[ENTRIES];
	struct io_uring_sqe *sqe;
	unsigned int i;
	int n;

	for (i = 0; i < ENTRIES; i++)
		gh_run_entry_init(&entries[i], vms[i % GUESTS].vcpus[0].fd, UINT32_MAX);
	if (ring) {
		sqe = gt_ring_sqe(ring);
		gh_uring_prep_run_batch(sqe, vms[0].vcpus[0].fd, entries, ENTRIES, deadline);
		sqe->user_data = 0;
		gt_ring_submit(ring, 1);
		note(most, begin);
		n = gt_ring_take(ring, 0);
	} else {
		n = gh_run_batch(vms[0].vcpus[0].fd, entries, ENTRIES, deadline);
		note(most, begin);
	}
	cr_assert(n >= 1 && n < ENTRIES, "%d", n);
}

static void check_batches(uint64_t deadline_ns)
{
	struct most ioctls = { .what = "a batch by ioctl" }, commands = { .what = "a batch" };
	struct gt_vm vms[GUESTS], other;
	struct io_uring ring;
	unsigned int i;

	gt_alone();
	gt_ring_init(&ring, 16, RING);
	GT_BOOT_SCRIPT(&other, writer);
	for (i = 0; i < GUESTS; i++)
		GT_BOOT_SCRIPT(&vms[i], spinner);
	ioctls.limit = (deadline_ns ? deadline_ns : BATCH_NS) + CALL_NS;
	commands.limit = ioctls.limit;
	for (i = 0; i < TURNS; i++) {
		leave_timer(&ring, &other.vcpus[0]);
		run_batch(NULL, vms, deadline_ns, &ioctls);
		leave_timer(&ring, &other.vcpus[0]);
		run_batch(&ring, vms, deadline_ns, &commands);
	}
	check(&ioctls);
	check(&commands);
	for (i = 0; i < GUESTS; i++)
		gt_vm_close(&vms[i]);
	gt_vm_close(&other);
	io_uring_queue_exit(&ring);
}

GT_CASE(icount, batch)
{
	check_batches(0);
}

GT_CASE(icount, batch_with_a_deadline)
{
	check_batches(6 * MS);
}

/* ---- what ends a run before its slice does ------------------------------------------- */

static void on_alarm(int sig)
{
	(void)sig;
}

/* A signal ends the ioctl, which has no slice of its own. */
GT_CASE(icount, signal_ends_the_ioctl)
{
	const struct itimerval value = { .it_value.tv_usec = 30000 };
	const struct sigaction act = { .sa_handler = on_alarm };
	struct most most = { .what = "a signal", .limit = TICK_NS + CALL_NS };
	struct gt_vm vm;
	uint64_t begin;
	unsigned int i;

	gt_alone();
	sigaction(SIGALRM, &act, NULL);
	GT_BOOT_SCRIPT(&vm, spinner);
	for (i = 0; i < TURNS; i++) {
		begin = gt_now_ns();
		setitimer(ITIMER_REAL, &value, NULL);
		cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0), -EINTR);
		cr_assert_geq(gt_now_ns(), begin + 30 * MS);
		note(&most, begin + 30 * MS);
	}
	check(&most);
	gt_vm_close(&vm);
}

/* A completion on the ring ends the slice in which the ring's thread cannot see it. */
GT_CASE(icount, completion_ends_a_slice)
{
	struct most most = { .what = "a completion", .limit = MS + CALL_NS };
	struct __kernel_timespec ts = { .tv_nsec = MS };
	struct gh_vcpu_kick_fd kick = { .fd = gt_eventfd() };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;
	uint64_t begin;
	unsigned int i;

	gt_alone();
	gt_ring_init(&ring, 16, RING);
	cr_assert_eq(io_uring_register_eventfd(&ring, kick.fd), 0);
	GT_BOOT_SCRIPT(&vm, spinner);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_KICK_FD, (uintptr_t)&kick), 0);
	for (i = 0; i < TURNS; i++) {
		begin = gt_now_ns();
		sqe = gt_ring_sqe(&ring);
		io_uring_prep_timeout(sqe, &ts, 0, 0);
		sqe->user_data = 1;
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, vm.vcpus[0].fd, UINT32_MAX, 0);
		sqe->user_data = 2;
		gt_ring_submit(&ring, 2);
		note(&most, begin);
		cr_assert_eq(gt_ring_take(&ring, 2), GH_URING_EXIT_PREEMPTED);
		cr_assert_eq(gt_ring_take(&ring, 1), -ETIME);
	}
	check(&most);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
	close(kick.fd);
}

/* ---- ioeventfds ------------------------------------------------------------------------ */

#define MANY	1000
#define WRITES	500
#define DONE	0x0b0ff000ULL

/* From operation @n on. */
#define SOME_WRITES(n)							\
	{ GS_WRITE, 4, DEV, MANY - 1 }, { GS_GOTO, 0, n, WRITES - 1 }, { GS_WRITE, 4, DONE, 0 }

static const struct gs_op same_write[] = {
	SOME_WRITES(0), SOME_WRITES(3), SOME_WRITES(6), SOME_WRITES(9), { GS_OFF },
};

static uint64_t write_ns(struct gt_vcpu *vcpu)
{
	uint64_t begin = gt_now_ns();
	struct gt_exit exit;

	gt_run(&gt_path_ioctl, vcpu, &exit);
	cr_assert_eq(exit.addr, DONE);
	return (gt_now_ns() - begin) / WRITES;
}

/* Two thousand, half of them at the same address, cost a matched write next to nothing. */
GT_CASE(icount, a_thousand_ioeventfds)
{
	int fd = gt_eventfd(), hit = gt_eventfd();
	const uint64_t value = MANY - 1;
	uint64_t i, one, many;
	struct gt_vm vm;

	gt_alone();
	GT_BOOT_SCRIPT(&vm, same_write);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, hit, DEV, 4, &value), 0);
	write_ns(&vm.vcpus[0]);
	one = write_ns(&vm.vcpus[0]);
	for (i = 0; i < MANY - 1; i++) {
		cr_assert_eq(gt_ioeventfd_add(vm.fd, fd, DEV, 4, &i), 0);
		cr_assert_eq(gt_ioeventfd_add(vm.fd, fd, DEV + 4 + 4 * i, 4, NULL), 0);
	}
	write_ns(&vm.vcpus[0]);
	many = write_ns(&vm.vcpus[0]);
	printf("icount: a write with one ioeventfd %llu ns, with %d %llu ns\n",
	       (unsigned long long)one, 2 * MANY, (unsigned long long)many);
	fflush(stdout);
	cr_assert_eq(gt_eventfd_count(fd), 0U);
	cr_assert_eq(gt_eventfd_count(hit), 4U * WRITES);
	/* Ten steps of each tree against one. A list would be hundreds of steps. */
	cr_assert_lt(4 * many, 5 * one, "%llu ns against %llu", (unsigned long long)many,
		     (unsigned long long)one);
	gt_vm_close(&vm);
	close(fd);
	close(hit);
}
