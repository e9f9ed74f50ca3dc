// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Eventfds that interrupt the guest through a doorbell. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "gt.h"
#include "gt_fn.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define EDGE	GT_BELL_INTID(GT_BELL_EDGE)
#define LEVEL	GT_BELL_INTID(GT_BELL_LEVEL)
#define UD_POLL	0x2000

TestSuite(irqfd, .timeout = GT_TIMEOUT);

/* Says that it listens, then how many interrupts there were, after each. */
#define LISTENER(intid, edge)						\
	{ GS_IRQ_ON, 0, intid, edge }, { GS_WRITE, 4, DEV, 0 },		\
	{ GS_IRQ_WAIT, 0, intid, 1 }, { GS_IRQ_COUNT, 0, intid, 0 }, { GS_ECHO, 8, DEV, 0 }, \
	{ GS_IRQ_WAIT, 0, intid, 2 }, { GS_IRQ_COUNT, 0, intid, 0 }, { GS_ECHO, 8, DEV, 0 }, \
	{ GS_IRQ_WAIT, 0, intid, 3 }, { GS_IRQ_COUNT, 0, intid, 0 }, { GS_ECHO, 8, DEV, 0 }, \
	{ GS_SLEEP, 0, 20000000, 0 }, { GS_IRQ_COUNT, 0, intid, 0 }, { GS_ECHO, 8, DEV, 0 }

static const struct gs_op edge[] = { LISTENER(EDGE, 1), { GS_OFF } };
static const struct gs_op level[] = { LISTENER(LEVEL, 0), { GS_OFF } };

static uint64_t told(const struct gt_path *path, struct gt_vcpu *vcpu, uint32_t len)
{
	return gt_take_write(path, vcpu, len, DEV, __LINE__);
}

/* One interrupt a signal, three times, and no fourth. */
static void check(const struct gt_path *path, const struct gs_op *ops, size_t n, uint32_t label,
		  uint32_t flags)
{
	int fd = gt_eventfd();
	struct gt_vm vm;
	uint64_t i;

	gt_vm_boot_script(&vm, ops, n);
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, label, flags), 0);
	told(path, &vm.vcpus[0], 4);
	for (i = 1; i <= 3; i++) {
		gt_eventfd_signal(fd);
		cr_assert_eq(told(path, &vm.vcpus[0], 8), i);
	}
	cr_assert_eq(told(path, &vm.vcpus[0], 8), 3U);
	/* The counter is left to whoever reads the eventfd. */
	cr_assert_eq(gt_eventfd_count(fd), 3U);
	gt_vm_close(&vm);
	close(fd);
}

GT_CASE(irqfd, edge_by_ioctl)
{
	check(&gt_path_ioctl, edge, GT_ARRAY_SIZE(edge), GT_BELL_EDGE, 0);
}

GT_CASE(irqfd, edge_on_a_ring)
{
	check(&gt_path_ring, edge, GT_ARRAY_SIZE(edge), GT_BELL_EDGE, 0);
}

GT_CASE(irqfd, level_by_ioctl)
{
	check(&gt_path_ioctl, level, GT_ARRAY_SIZE(level), GT_BELL_LEVEL, GH_IRQFD_LEVEL);
}

GT_CASE(irqfd, level_on_a_ring)
{
	check(&gt_path_ring, level, GT_ARRAY_SIZE(level), GT_BELL_LEVEL, GH_IRQFD_LEVEL);
}

static const struct gs_op once[] = {
	{ GS_IRQ_ON, 0, EDGE, 1 }, { GS_IRQ_WAIT, 0, EDGE, 1 }, { GS_WRITE, 4, DEV, 1 },
	{ GS_WFI }, { GS_GOTO, 0, 3, 1 << 30 },
};

/* Signalled before it is bound, in a VM that runs: the guest hears it. */
GT_CASE(irqfd, signalled_before_bind)
{
	int fd = gt_eventfd();
	struct gt_vm vm;

	gt_eventfd_signal(fd);
	GT_BOOT_SCRIPT(&vm, once);
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_EDGE, 0), 0);
	cr_assert_eq(told(&gt_path_ioctl, &vm.vcpus[0], 4), 1U);
	gt_vm_close(&vm);
	close(fd);
}

/* Bound and signalled before there is a doorbell. */
GT_CASE(irqfd, signalled_before_start)
{
	int fd = gt_eventfd();
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	gt_vm_script(&vm, 0, once, GT_ARRAY_SIZE(once));
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_EDGE, 0), 0);
	gt_eventfd_signal(fd);
	gt_vm_start(&vm);
	cr_assert_eq(told(&gt_path_ioctl, &vm.vcpus[0], 4), 1U);
	gt_vm_close(&vm);
	close(fd);
}

/* The interrupt ends a park. */
GT_CASE(irqfd, wakes_a_parked_vcpu)
{
	int fd = gt_eventfd();
	struct io_uring ring;
	struct gt_exit exit;
	struct gt_cqe cqe;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, once);
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_EDGE, 0), 0);
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_eventfd_signal(fd);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	do {
		gt_ring_run(&ring, &vm.vcpus[0]);
		gt_ring_next(&ring, &cqe);
		gt_decode(&vm.vcpus[0], &cqe, &exit);
	} while (exit.kind == GT_EXIT_PREEMPTED || exit.kind == GT_EXIT_RUNNABLE);
	cr_assert_eq(exit.kind, GT_EXIT_MMIO);
	gt_vm_close(&vm);
	close(fd);
	io_uring_queue_exit(&ring);
}

/* Another waiter on the same eventfd sees each signal too. */
GT_CASE(irqfd, multishot_poll_beside_it)
{
	int fd = gt_eventfd(), i;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_cqe cqe;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, edge);
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_EDGE, 0), 0);
	told(&gt_path_ioctl, &vm.vcpus[0], 4);
	sqe = gt_ring_sqe(&ring);
	io_uring_prep_poll_multishot(sqe, fd, POLLIN);
	sqe->user_data = UD_POLL;
	gt_ring_submit(&ring, 1);
	for (i = 1; i <= 3; i++) {
		gt_eventfd_signal(fd);
		gt_ring_next(&ring, &cqe);
		cr_assert_eq(cqe.user_data, (uint64_t)UD_POLL);
		cr_assert(cqe.flags & IORING_CQE_F_MORE);
		cr_assert_eq(told(&gt_path_ioctl, &vm.vcpus[0], 8), (uint64_t)i);
	}
	gt_vm_close(&vm);
	close(fd);
	io_uring_queue_exit(&ring);
}

/* A completion on a ring interrupts the guest, nobody in between. */
GT_CASE(irqfd, completion_of_a_ring)
{
	int fd = gt_eventfd();
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, 0);
	cr_assert_eq(io_uring_register_eventfd(&ring, fd), 0);
	GT_BOOT_SCRIPT(&vm, once);
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_EDGE, 0), 0);
	io_uring_prep_nop(gt_ring_sqe(&ring));
	cr_assert_eq(io_uring_submit(&ring), 1);
	cr_assert_eq(told(&gt_path_ioctl, &vm.vcpus[0], 4), 1U);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
	close(fd);
}

GT_CASE(irqfd, removal_by_label)
{
	int fd = gt_eventfd();
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, edge);
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_EDGE, 0), 0);
	GT_ERRNO(irqfd_twice, EEXIST, gt_irqfd_add(vm.fd, fd, GT_BELL_EDGE, 0));
	cr_assert_eq(gt_irqfd_remove(vm.fd, GT_BELL_LEVEL), -ENOENT);
	cr_assert_eq(gt_irqfd_remove(vm.fd, GT_BELL_EDGE), 0);
	cr_assert_eq(gt_irqfd_remove(vm.fd, GT_BELL_EDGE), -ENOENT);
	/* Nobody listens; the object waits for the next one. */
	gt_eventfd_signal(fd);
	gt_eventfd_count(fd);
	told(&gt_path_ioctl, &vm.vcpus[0], 4);
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_EDGE, 0), 0);
	gt_eventfd_signal(fd);
	cr_assert_eq(told(&gt_path_ioctl, &vm.vcpus[0], 8), 1U);
	gt_vm_close(&vm);
	/* Unbound with the VM. */
	gt_eventfd_signal(fd);
	close(fd);
	cr_assert_eq(gt_modules_unload(), 0);
}

GT_CASE(irqfd, bad_arguments)
{
	struct gh_fn_irqfd_arg arg = { .fd = gt_eventfd(), .label = 1 };
	uint32_t size = offsetof(struct gh_fn_irqfd_arg, padding);
	int vm = gt_create_vm();
	unsigned int i;

	GT_ERRNO(irqfd_fd, EBADF, gt_irqfd_add(vm, -1, 1, 0));
	GT_ERRNO(irqfd_not_eventfd, EINVAL, gt_irqfd_add(vm, vm, 1, 0));
	for (i = 1; i < 32; i++)
		GT_ERRNO(irqfd_flag, EINVAL, gt_irqfd_add(vm, arg.fd, 1, 1U << i));
	arg.padding = 1;
	GT_ERRNO(irqfd_padding, EINVAL, gt_fn_add(vm, GH_FN_IRQFD, &arg, sizeof(arg)));
	cr_assert_eq(gt_fn_add(vm, GH_FN_IRQFD, &arg, size), -EINVAL);
	cr_assert_eq(gt_fn_add_by_name(vm, "irqfd", &arg, size), 0);
	cr_assert_eq(gt_fn_remove_by_name(vm, "irqfd", &arg, size), 0);
	/* The eventfd may be closed first, the irqfd keeps what it needs. */
	cr_assert_eq(gt_fn_add_by_name(vm, "irqfd", &arg, size), 0);
	close(arg.fd);
	close(vm);
}
