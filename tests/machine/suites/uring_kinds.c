// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Every kind of ring and of submission a program may ask for carries the commands:
 * the guest's exits are the same on all.
 */
#include <errno.h>
#include <unistd.h>

#include "gt.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

TestSuite(uring_kinds, .timeout = GT_TIMEOUT);

/* Exits of each kind, a park and a long slice between them. */
static const struct gs_op tour[] = {
	{ GS_READ, 4, DEV, 0 },
	{ GS_ECHO, 8, DEV + 8, 1 },
	{ GS_SLEEP, 0, 5000000, 0 },
	{ GS_READ, 8, DEV, 0 },
	{ GS_SPIN, 0, 1000000, 0 },
	{ GS_ECHO, 8, DEV + 8, 1 },
	{ GS_GOTO, 0, 0, 4 },
	{ GS_OFF },
};

#define TURNS	5

struct kind {
	unsigned int setup;
	unsigned int sqe_flags;
	bool fixed;
};

static void submit(struct io_uring *ring, struct gt_vcpu *vcpu, const struct kind *kind,
		   uint64_t answer)
{
	struct io_uring_sqe *sqe = gt_ring_sqe(ring);
	int ret;

	gh_uring_prep_run_resume(sqe, kind->fixed ? 0 : vcpu->fd, 0, 0, answer);
	sqe->flags |= kind->sqe_flags;
	if (kind->fixed)
		sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = vcpu->id;
	ret = io_uring_submit(ring);
	cr_assert_geq(ret, 0, "%s", strerror(-ret));
}

static void take_tour(const struct kind *kind)
{
	unsigned int reads = 0, writes = 0;
	uint64_t answer = 0;
	struct io_uring ring;
	struct gt_exit exit;
	struct gt_cqe cqe;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, kind->setup);
	GT_BOOT_SCRIPT(&vm, tour);
	if (kind->fixed)
		cr_assert_eq(io_uring_register_files(&ring, &vm.vcpus[0].fd, 1), 0);
	do {
		submit(&ring, &vm.vcpus[0], kind, answer);
		gt_ring_next(&ring, &cqe);
		gt_decode(&vm.vcpus[0], &cqe, &exit);
		cr_assert_neq(exit.kind, GT_EXIT_ERROR, "%s", strerror(-exit.err));
		if (exit.kind != GT_EXIT_MMIO)
			continue;
		if (exit.write)
			cr_assert_eq(exit.data, answer + 1, "write %u", writes);
		if (exit.write)
			writes++;
		else
			answer = 1000 + reads++;
	} while (exit.kind != GT_EXIT_STATUS);
	cr_assert_eq(reads, 2 * TURNS);
	cr_assert_eq(writes, 2 * TURNS);
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_kinds, plain)
{
	take_tour(&(struct kind){ .setup = 0 });
}

GT_CASE(uring_kinds, single_issuer_deferred)
{
	take_tour(&(struct kind){ .setup = RING });
}

GT_CASE(uring_kinds, cooperative)
{
	take_tour(&(struct kind){
		.setup = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	});
}

GT_CASE(uring_kinds, sqe128)
{
	take_tour(&(struct kind){ .setup = IORING_SETUP_SQE128 | RING });
}

GT_CASE(uring_kinds, fixed_files)
{
	take_tour(&(struct kind){ .setup = RING, .fixed = true });
}

GT_CASE(uring_kinds, worker)
{
	take_tour(&(struct kind){ .setup = RING, .sqe_flags = IOSQE_ASYNC });
	take_tour(&(struct kind){ .setup = 0, .sqe_flags = IOSQE_ASYNC });
}

GT_CASE(uring_kinds, sqpoll)
{
	take_tour(&(struct kind){ .setup = IORING_SETUP_SQPOLL });
	take_tour(&(struct kind){ .setup = IORING_SETUP_SQPOLL, .sqe_flags = IOSQE_ASYNC });
}

/* The CQE has all of an access that fits; one that does not says so. */
GT_CASE(uring_kinds, cqe32)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 4, DEV, 0x89abcdef },
		{ GS_WRITE, 8, DEV + 8, 0x1122334455667788 },
		{ GS_WRITE, 1, DEV + 1, 0x55 },
		{ GS_READ, 8, DEV + 16, 0 },
		{ GS_OFF },
	};
	static const struct { uint32_t len; bool in_cqe; uint64_t data; } want[] = {
		{ 4, true, 0x89abcdef }, { 8, false, 0x1122334455667788 }, { 1, true, 0x55 },
		{ 8, true, 0 },
	};
	struct io_uring ring;
	struct gt_exit exit;
	struct gt_cqe cqe;
	struct gt_vm vm;
	unsigned int i;

	gt_ring_init(&ring, 8, RING | IORING_SETUP_CQE32);
	GT_BOOT_SCRIPT(&vm, ops);
	for (i = 0; i < GT_ARRAY_SIZE(want); i++) {
		do {
			gt_ring_run(&ring, &vm.vcpus[0]);
			gt_ring_next(&ring, &cqe);
			gt_decode(&vm.vcpus[0], &cqe, &exit);
		} while (exit.kind == GT_EXIT_PREEMPTED || exit.kind == GT_EXIT_RUNNABLE);
		cr_assert_eq(exit.kind, GT_EXIT_MMIO);
		cr_assert_eq(exit.len, want[i].len);
		cr_assert_eq(exit.data, want[i].data);
		cr_assert_eq(!!(cqe.res & GH_URING_RES_INLINE), want[i].in_cqe, "access %u", i);
		if (want[i].in_cqe)
			cr_assert_eq(cqe.big[0], exit.addr | exit.data << 32);
	}
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_kinds, cqe32_tour)
{
	take_tour(&(struct kind){ .setup = RING | IORING_SETUP_CQE32 });
}

/* Not in the liburing of all that build this: Linux 6.18. */
#ifndef IORING_SETUP_CQE_MIXED
#define IORING_SETUP_CQE_MIXED	(1U << 18)
#define IORING_CQE_F_SKIP	(1U << 5)
#define IORING_CQE_F_32		(1U << 15)
#endif

/* The next of a ring that has CQEs of both sizes. */
static void take_mixed(struct io_uring *ring, struct gt_cqe *cqe)
{
	struct __kernel_timespec ts = { .tv_sec = GT_PATIENCE_S };
	struct io_uring_cqe *got;
	int ret;

	for (;;) {
		ret = io_uring_wait_cqe_timeout(ring, &got, &ts);
		cr_assert_eq(ret, 0, "waiting for a completion: %s", strerror(-ret));
		if (!(got->flags & IORING_CQE_F_SKIP))
			break;
		/* The end of the ring, where a large one does not fit. */
		io_uring_cq_advance(ring, 1);
	}
	*cqe = (struct gt_cqe) {
		.user_data = got->user_data, .res = got->res, .flags = got->flags,
	};
	if (got->flags & IORING_CQE_F_32)
		memcpy(cqe->big, got->big_cqe, sizeof(cqe->big));
	io_uring_cq_advance(ring, got->flags & IORING_CQE_F_32 ? 2 : 1);
}

/* Large where the access is in it, small where not; other requests are small. */
GT_CASE(uring_kinds, cqes_of_both_sizes)
{
	struct io_uring_params params = { .flags = IORING_SETUP_CQE_MIXED };
	unsigned int reads = 0, large = 0;
	struct io_uring_sqe *sqe;
	uint64_t answer = 0;
	struct io_uring ring;
	struct gt_exit exit;
	struct gt_cqe cqe;
	struct gt_vm vm;

	if (io_uring_queue_init_params(4, &ring, &params))
		cr_skip_test("no rings with CQEs of both sizes in this kernel");
	GT_BOOT_SCRIPT(&vm, tour);
	do {
		submit(&ring, &vm.vcpus[0], &(struct kind){ 0 }, answer);
		take_mixed(&ring, &cqe);
		gt_decode(&vm.vcpus[0], &cqe, &exit);
		cr_assert_eq(!!(cqe.flags & IORING_CQE_F_32), !!(cqe.res & GH_URING_RES_INLINE));
		large += !!(cqe.flags & IORING_CQE_F_32);
		if (exit.kind != GT_EXIT_MMIO)
			continue;
		if (exit.write)
			cr_assert_eq(exit.data, answer + 1);
		else
			answer = 1000 + reads++;
		sqe = gt_ring_sqe(&ring);
		io_uring_prep_nop(sqe);
		sqe->user_data = 77;
		gt_ring_submit(&ring, 1);
		take_mixed(&ring, &cqe);
		cr_assert_eq(cqe.user_data, 77U);
		cr_assert_eq(cqe.flags & IORING_CQE_F_32, 0U);
	} while (exit.kind != GT_EXIT_STATUS);
	cr_assert_eq(reads, 2 * TURNS);
	/* All of the tour's accesses fit. */
	cr_assert_eq(large, 4 * TURNS);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* Linked runs go one after the other; a failed link breaks the chain. */
GT_CASE(uring_kinds, linked)
{
	static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;
	int i;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, spinner);
	for (i = 0; i < 4; i++) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
		sqe->user_data = i;
		if (i < 3)
			sqe->flags |= IOSQE_IO_LINK;
	}
	gt_ring_submit(&ring, 4);
	for (i = 0; i < 4; i++)
		cr_assert_eq(gt_ring_take(&ring, i), GH_URING_EXIT_PREEMPTED);

	for (i = 0; i < 2; i++) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
		sqe->user_data = i;
		if (!i) {
			sqe->addr = 1ULL << 63;
			sqe->flags |= IOSQE_IO_LINK;
		}
	}
	gt_ring_submit(&ring, 2);
	cr_assert_eq(gt_ring_take(&ring, 0), -EINVAL);
	GT_ERRNO(run_link, ECANCELED, gt_ring_take(&ring, 1));
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* What is drained waits for all before it, and all behind it wait for it. */
GT_CASE(uring_kinds, drained)
{
	static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };
	struct __kernel_timespec ts = { .tv_nsec = 20000000 };
	struct gh_vcpu_stats stats;
	struct gh_vcpu_stats_arg arg = { .stats = (uintptr_t)&stats, .size = sizeof(stats) };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;
	int i;

	gt_ring_init(&ring, 8, 0);
	GT_BOOT_SCRIPT(&vm, spinner);
	/* A timeout that is pending, and what must not come before it. */
	sqe = gt_ring_sqe(&ring);
	io_uring_prep_timeout(sqe, &ts, 0, 0);
	sqe->user_data = 0;
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
	sqe->flags |= IOSQE_IO_DRAIN;
	sqe->user_data = 1;
	sqe = gt_ring_sqe(&ring);
	io_uring_prep_nop(sqe);
	sqe->user_data = 2;
	/* A run in parallel, by a worker, and what waits for its end. */
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, vm.vcpus[0].fd, UINT32_MAX, 0);
	sqe->flags |= IOSQE_ASYNC;
	sqe->user_data = 3;
	sqe = gt_ring_sqe(&ring);
	io_uring_prep_nop(sqe);
	sqe->flags |= IOSQE_IO_DRAIN;
	sqe->user_data = 4;
	gt_ring_submit(&ring, 5);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_STATS, (uintptr_t)&arg), 0);
	cr_assert_eq(stats.runs, 0U, "issued before what it waits for");
	cr_assert_eq(gt_ring_take(&ring, 0), -ETIME);
	for (i = 1; i <= 4; i++)
		cr_assert_eq(gt_ring_take(&ring, i), i % 2 ? GH_URING_EXIT_PREEMPTED : 0, "%d", i);
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* A run can follow any other request, and any request a run. */
GT_CASE(uring_kinds, linked_with_other_requests)
{
	static const struct gs_op ops[] = { { GS_WRITE, 4, DEV, 5 }, { GS_OFF } };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;
	int run;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, ops);
	/* The kick of the start may end the first run; take it out of the way. */
	do {
		sqe = gt_ring_sqe(&ring);
		io_uring_prep_nop(sqe);
		sqe->user_data = 1;
		sqe->flags |= IOSQE_IO_LINK;
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
		sqe->user_data = 2;
		sqe->flags |= IOSQE_IO_LINK;
		sqe = gt_ring_sqe(&ring);
		io_uring_prep_nop(sqe);
		sqe->user_data = 3;
		gt_ring_submit(&ring, 3);
		cr_assert_eq(gt_ring_take(&ring, 1), 0);
		run = gt_ring_take(&ring, 2);
		cr_assert_eq(gt_ring_take(&ring, 3), 0);
	} while (run == GH_URING_EXIT_PREEMPTED || run == GH_URING_EXIT_RUNNABLE);
	cr_assert_eq(GH_URING_RES_EXIT(run), GH_URING_EXIT_MMIO, "%d", run);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* A successful run may be silent: the exit is in the shared page. */
GT_CASE(uring_kinds, cqe_skip)
{
	static const struct gs_op ops[] = { { GS_WRITE, 4, DEV, 5 }, { GS_OFF } };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vcpu *vcpu;
	struct gt_vm vm;
	int i;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, ops);
	vcpu = &vm.vcpus[0];
	for (i = 0; i < 1000 && vcpu->run->exit_reason != GH_VM_EXIT_MMIO; i++) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, vcpu->fd, 0, 0);
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		gt_ring_submit(&ring, 1);
	}
	cr_assert_eq(vcpu->run->exit_reason, GH_VM_EXIT_MMIO);
	cr_assert_eq(vcpu->run->mmio.phys_addr, DEV);
	gt_ring_silent(&ring);
	/* A failed one is not. */
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, vcpu->fd, 0, 0);
	sqe->addr = 1ULL << 63;
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = 9;
	gt_ring_submit(&ring, 1);
	cr_assert_eq(gt_ring_take(&ring, 9), -EINVAL);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* The ring's own cancellation and timeouts: they fail or wait, and break nothing. */
GT_CASE(uring_kinds, timeout_linked_to_a_parked_run)
{
	static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
	struct __kernel_timespec ts = { .tv_nsec = 20000000 };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_cqe cqe;
	struct gt_vm vm;
	int run = 0, i;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_ring_kick(&ring, &vm.vcpus[0]);
	gt_ring_take_both(&ring, &vm.vcpus[0]);
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
	sqe->user_data = 1;
	sqe->flags |= IOSQE_IO_LINK;
	sqe = gt_ring_sqe(&ring);
	io_uring_prep_link_timeout(sqe, &ts, 0);
	sqe->user_data = 2;
	gt_ring_submit(&ring, 2);
	/* Whether the timeout reached the park or not, CANCEL ends what is left. */
	usleep(100000);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_CANCEL, 0), 0);
	for (i = 0; i < 2; i++) {
		gt_ring_next(&ring, &cqe);
		if (cqe.user_data == 1)
			run = gt_res(cqe.res);
	}
	cr_assert(run == -ECANCELED || run == GH_URING_EXIT_PREEMPTED, "%d", run);
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* More completions than the ring holds: none is lost. */
GT_CASE(uring_kinds, overflow_of_completions)
{
	static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;
	int i, batch;

	gt_ring_init(&ring, 4, RING);
	GT_BOOT_SCRIPT(&vm, spinner);
	for (batch = 0; batch < 8; batch++) {
		for (i = 0; i < 4; i++) {
			sqe = gt_ring_sqe(&ring);
			gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 1);
			sqe->user_data = 4 * batch + i;
		}
		gt_ring_submit(&ring, 4);
	}
	for (i = 0; i < 32; i++)
		cr_assert_eq(gt_ring_take(&ring, i), GH_URING_EXIT_PREEMPTED);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}
