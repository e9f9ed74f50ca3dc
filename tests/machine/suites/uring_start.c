// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Commands that are submitted before VM_START and wait for it. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "gt.h"
#include "gt_fn.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

TestSuite(uring_start, .timeout = GT_TIMEOUT);

static const struct gs_op writer[] = { { GS_WRITE, 4, DEV, 7 }, { GS_OFF } };

/* All but the start. */
static void prepare(struct gt_vm *vm)
{
	gt_vm_create(vm);
	gt_vm_fill(vm, "script", 1);
	gt_vm_script(vm, 0, writer, GT_ARRAY_SIZE(writer));
	gt_vm_give(vm);
	gt_vm_add_vcpu(vm, 0);
}

/* The thread of an SQPOLL ring may not have taken what was submitted before. */
static void submit_run(struct io_uring *ring, struct gt_vcpu *vcpu, uint64_t user_data,
		       unsigned int flags, bool wait)
{
	struct io_uring_sqe *sqe = gt_ring_sqe(ring);

	if (wait)
		gh_uring_prep_run_wait_start(sqe, vcpu->fd, 0, 0);
	else
		gh_uring_prep_run(sqe, vcpu->fd, 0, 0);
	sqe->user_data = user_data;
	sqe->flags = flags;
	cr_assert_geq(io_uring_submit(ring), 1);
}

static void submit(struct io_uring *ring, struct gt_vcpu *vcpu, uint64_t user_data,
		   unsigned int flags)
{
	submit_run(ring, vcpu, user_data, flags, true);
}

static void wait_for_start(struct io_uring *ring, struct gt_vcpu *vcpu, unsigned int flags)
{
	submit(ring, vcpu, 0, flags);
	gt_vcpu_wait_for(vcpu, "unstarted");
}

/* The vCPU is closed before a worker has the command waiting for the start, or after. */
GT_CASE(uring_start, closed_in_flight)
{
	struct io_uring ring;
	struct gt_vm vm;
	int i, res;

	for (i = 0; i < 8; i++) {
		gt_ring_init(&ring, 8, 0);
		prepare(&vm);
		submit(&ring, &vm.vcpus[0], 0, IOSQE_ASYNC);
		if (i)
			usleep(i * 50);
		gt_vcpu_close(&vm.vcpus[0]);
		res = gt_ring_take(&ring, 0);
		/* The worker may not find the descriptor any more. */
		cr_assert(res == -ECANCELED || res == -EBADF, "%d", res);
		gt_ring_silent(&ring);
		gt_vm_close(&vm);
		io_uring_queue_exit(&ring);
	}
}

/* The same of a command that waits for the one before it, in the ring. */
GT_CASE(uring_start, closed_before_a_drained_command_begins)
{
	int fd = gt_eventfd(), res;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, 0);
	prepare(&vm);
	sqe = gt_ring_sqe(&ring);
	io_uring_prep_poll_add(sqe, fd, POLLIN);
	sqe->user_data = GT_UD_CMD;
	submit(&ring, &vm.vcpus[0], 0, IOSQE_IO_DRAIN);
	gt_vcpu_close(&vm.vcpus[0]);
	gt_eventfd_signal(fd);
	cr_assert_eq(gt_ring_take(&ring, GT_UD_CMD), POLLIN);
	res = gt_ring_take(&ring, 0);
	cr_assert(res == -ECANCELED || res == -EBADF, "%d", res);
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
	close(fd);
}

static void runs(struct gt_vcpu *vcpu)
{
	gt_check_write(&gt_path_ring, vcpu, 4, DEV, 7, __LINE__);
}

static void check_start(unsigned int setup, unsigned int flags)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, setup);
	prepare(&vm);
	wait_for_start(&ring, &vm.vcpus[0], flags);
	gt_ring_silent(&ring);
	/* Another command, and one that does not want to wait, and the ioctl. */
	submit(&ring, &vm.vcpus[0], 1, 0);
	GT_ERRNO(run_wait_busy, EBUSY, gt_ring_take(&ring, 1));
	submit_run(&ring, &vm.vcpus[0], 3, 0, false);
	cr_assert_eq(gt_ring_take(&ring, 3), -ENODEV);
	GT_ERRNO(ioctl_unstarted, ENODEV, gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0));
	gt_vm_start(&vm);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	runs(&vm.vcpus[0]);
	gt_ring_silent(&ring);
	/* In a VM that was started the flag changes nothing. */
	submit(&ring, &vm.vcpus[0], 2, 0);
	cr_assert_gt(gt_ring_take(&ring, 2), 0);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_start, start_ends_the_wait)
{
	check_start(RING, 0);
}

GT_CASE(uring_start, start_ends_the_wait_of_a_worker)
{
	check_start(RING, IOSQE_ASYNC);
}

GT_CASE(uring_start, start_ends_the_wait_on_sqpoll)
{
	check_start(IORING_SETUP_SQPOLL, 0);
}

/* No VM will come of a device tree of zeros. */
GT_CASE(uring_start, failed_start_ends_the_wait)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	memset(vm.ram + GT_DTB_OFFSET, 0, GT_DTB_SIZE);
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	wait_for_start(&ring, &vm.vcpus[0], 0);
	cr_assert_lt(gt_start(vm.fd), 0);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	submit(&ring, &vm.vcpus[0], 1, 0);
	GT_ERRNO(run_failed, ENODEV, gt_ring_take(&ring, 1));
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_start, kick_and_cancel)
{
	struct io_uring ring;
	struct gt_vm vm;
	int i;

	gt_ring_init(&ring, 8, RING);
	prepare(&vm);
	for (i = 0; i < 3; i++) {
		wait_for_start(&ring, &vm.vcpus[0], 0);
		gt_ring_kick(&ring, &vm.vcpus[0]);
		cr_assert_eq(gt_ring_take_both(&ring, &vm.vcpus[0]), GH_URING_EXIT_RUNNABLE);
		wait_for_start(&ring, &vm.vcpus[0], 0);
		gt_ring_cancel(&ring, &vm.vcpus[0]);
		cr_assert_eq(gt_ring_take_both(&ring, &vm.vcpus[0]), -ECANCELED);
	}
	gt_vm_start(&vm);
	runs(&vm.vcpus[0]);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* The ring that waits goes away; the vCPU is another ring's then. */
GT_CASE(uring_start, ring_closed)
{
	struct io_uring ring, other;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	gt_ring_init(&other, 8, RING);
	prepare(&vm);
	wait_for_start(&ring, &vm.vcpus[0], 0);
	io_uring_queue_exit(&ring);
	gt_vcpu_wait_for(&vm.vcpus[0], "idle");
	wait_for_start(&other, &vm.vcpus[0], 0);
	gt_vm_start(&vm);
	cr_assert_eq(gt_ring_take(&other, 0), GH_URING_EXIT_RUNNABLE);
	runs(&vm.vcpus[0]);
	gt_vm_close(&vm);
	io_uring_queue_exit(&other);
}

GT_CASE(uring_start, vcpu_removed)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	prepare(&vm);
	wait_for_start(&ring, &vm.vcpus[0], 0);
	cr_assert_eq(gt_remove_vcpu(vm.fd, 0), 0);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	submit(&ring, &vm.vcpus[0], 1, 0);
	cr_assert_eq(gt_ring_take(&ring, 1), -ENODEV);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_start, files_closed)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	prepare(&vm);
	wait_for_start(&ring, &vm.vcpus[0], 0);
	gt_vm_close(&vm);
	cr_assert_eq(gt_ring_take(&ring, 0), -ECANCELED);
	io_uring_queue_exit(&ring);
	cr_assert_eq(gt_modules_unload(), 0);
}
