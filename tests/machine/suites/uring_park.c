// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A vCPU that waits on a ring: parked, woken, kicked, cancelled. */
#include <errno.h>

#include "gt.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

TestSuite(uring_park, .timeout = GT_TIMEOUT);

static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
static const struct gs_op napper[] = {
	{ GS_SLEEP, 0, 300000000, 0 },
	{ GS_WRITE, 4, DEV, 7 },
	{ GS_OFF },
};

GT_CASE(uring_park, park_ends_with_runnable)
{
	struct io_uring ring;
	struct gt_vcpu *vcpu;
	struct gt_exit exit;
	struct gt_vm vm;
	int res, parks = 0;
	struct gt_cqe cqe;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, napper);
	vcpu = &vm.vcpus[0];
	for (;;) {
		gt_ring_run(&ring, vcpu);
		gt_ring_next(&ring, &cqe);
		res = gt_res(cqe.res);
		if (res == GH_URING_EXIT_RUNNABLE)
			parks++;
		else if (res != GH_URING_EXIT_PREEMPTED)
			break;
	}
	gt_decode(vcpu, &cqe, &exit);
	cr_assert_eq(exit.kind, GT_EXIT_MMIO, "completion %d", res);
	cr_assert_eq(exit.data, 7U);
	cr_assert_geq(parks, 1);
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_park, kick_ends_a_park)
{
	struct io_uring ring;
	struct gt_vm vm;
	int i;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	for (i = 0; i < 5; i++) {
		gt_ring_park(&ring, &vm.vcpus[0]);
		gt_ring_kick(&ring, &vm.vcpus[0]);
		cr_assert_eq(gt_ring_take_both(&ring, &vm.vcpus[0]), GH_URING_EXIT_RUNNABLE);
	}
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_park, kick_by_ioctl_ends_a_park)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_park(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_KICK, 0), 0);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_park, kick_of_an_idle_vcpu_is_forgotten)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_kick(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, GT_UD_CMD), 0);
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_park, cancel_of_a_park)
{
	struct io_uring ring;
	struct gt_vm vm;
	int i;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	for (i = 0; i < 5; i++) {
		gt_ring_park(&ring, &vm.vcpus[0]);
		gt_ring_cancel(&ring, &vm.vcpus[0]);
		cr_assert_eq(gt_ring_take_both(&ring, &vm.vcpus[0]), -ECANCELED);
	}
	/* Idle and runnable again, the other way too. */
	gt_ring_park(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_CANCEL, 0), 0);
	cr_assert_eq(gt_ring_take(&ring, 0), -ECANCELED);
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_park, cancel_of_an_idle_vcpu)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_cancel(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, GT_UD_CMD), 0);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_CANCEL, 0), 0);
	/* The next run is not the one that was meant. */
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* A pending read outlives a cancelled run: its answer is asked for once. */
GT_CASE(uring_park, cancel_loses_no_access)
{
	static const struct gs_op ops[] = {
		{ GS_READ, 8, DEV, 0 }, { GS_WFI }, { GS_ECHO, 8, DEV + 8, 0 },
		{ GS_GOTO, 0, 1, 1 << 30 },
	};
	struct io_uring ring;
	struct gt_vcpu *vcpu;
	struct gt_exit exit;
	struct gt_cqe cqe;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, ops);
	vcpu = &vm.vcpus[0];
	do {
		gt_ring_run(&ring, vcpu);
		gt_ring_next(&ring, &cqe);
		gt_decode(vcpu, &cqe, &exit);
	} while (exit.kind != GT_EXIT_MMIO);
	memcpy(vcpu->run->mmio.data, &(uint64_t){ 0x77 }, 8);
	gt_ring_park(&ring, vcpu);
	gt_ring_cancel(&ring, vcpu);
	cr_assert_eq(gt_ring_take_both(&ring, vcpu), -ECANCELED);
	gt_ring_park(&ring, vcpu);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}
