// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * GH_VCPU_RUN_ONCE: what ends it, that it never waits, and that it fits between the
 * other ways to run a vCPU. That guests see no difference is run_once's to show, that
 * signals lose nothing is shown in signals, and a bad hypervisor in hostile_run.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt.h"
#include "gt_disturb.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define UNENTERED	(GH_URING_EXIT_PREEMPTED | GH_URING_RES_NOT_ENTERED)

TestSuite(once, .timeout = GT_TIMEOUT);

static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
static const struct gs_op spinner[] = { { GS_SPIN, 0, 1 << 30, 0 } };
static const struct gs_op reader[] = {
	{ GS_READ, 4, DEV + 4, 0 }, { GS_ECHO, 8, DEV + 8, 0 }, { GS_OFF },
};

#define BOOT	GT_BOOT_SCRIPT

/* Once, without whether the guest was entered. */
static int one(const struct gt_vcpu *vcpu)
{
	return gt_res(gh_run_once(vcpu->fd, 0));
}

/* Until it says something else than that the guest goes on. */
static int until_it_leaves(const struct gt_vcpu *vcpu)
{
	int i, res;

	for (i = 0; i < 1000; i++) {
		res = one(vcpu);
		if (res != GH_URING_EXIT_PREEMPTED && res != GH_URING_EXIT_RUNNABLE)
			return res;
	}
	cr_assert_fail("the guest does not leave");
	return 0;
}

static uint64_t entries_of(const struct gt_vcpu *vcpu)
{
	struct gh_vcpu_stats stats;
	struct gh_vcpu_stats_arg arg = { .stats = (uintptr_t)&stats, .size = sizeof(stats) };

	cr_assert_eq(gt_ioctl(vcpu->fd, GH_VCPU_STATS, (uintptr_t)&arg), 0);
	return stats.entries;
}

/* ---- what it says -------------------------------------------------------------------- */

GT_CASE(once, says_the_access_in_its_result)
{
	struct gh_uring_exit exit;
	struct gt_vcpu *vcpu;
	struct gt_vm vm;
	int res;

	BOOT(&vm, reader);
	vcpu = &vm.vcpus[0];
	res = until_it_leaves(vcpu);
	cr_assert_eq(res, GH_URING_EXIT_MMIO | 4 << GH_URING_RES_LEN_SHIFT, "%#x", res);
	cr_assert_eq(gh_run_once_decode(res, vcpu->run, &exit), 0);
	cr_assert_eq(exit.addr, DEV + 4);
	gh_run_answer(vcpu->run, 0x1122334455667788);
	res = until_it_leaves(vcpu);
	cr_assert_eq(res, GH_URING_EXIT_MMIO | GH_URING_RES_WRITE | 8 << GH_URING_RES_LEN_SHIFT,
		     "%#x", res);
	cr_assert_eq(gh_run_once_decode(res, vcpu->run, &exit), 0);
	cr_assert_eq(exit.data, 0x55667788U);
	gt_check_status(&gt_path_once, vcpu, GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	cr_assert_eq(one(vcpu), GH_URING_EXIT_STATUS);
	gt_vm_close(&vm);
}

GT_CASE(once, errors_are_not_results)
{
	struct gh_uring_exit exit;

	cr_assert_eq(gh_run_once_decode(-EBUSY, NULL, &exit), -EBUSY);
	cr_assert_eq(gh_run_once(-1, 0), -EBADF);
}

/* ---- errors --------------------------------------------------------------------------- */

GT_CASE(once, refused_before_the_start)
{
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	GT_ERRNO(once_unstarted, ENODEV, one(&vm.vcpus[0]));
	gt_vm_close(&vm);
}

GT_CASE(once, refused_while_it_is_parked)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	BOOT(&vm, sleeper);
	gt_ring_park(&ring, &vm.vcpus[0]);
	GT_ERRNO(once_busy, EBUSY, one(&vm.vcpus[0]));
	cr_assert(gt_vcpu_is(&vm.vcpus[0], "parked"));
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

static int one_of(void *vcpu)
{
	return one(vcpu);
}

GT_CASE(once, refused_in_another_process)
{
	struct gt_vm vm;

	BOOT(&vm, spinner);
	GT_ERRNO(once_mm, EPERM, gt_in_child(one_of, &vm.vcpus[0]));
	gt_vm_close(&vm);
}

/* The answer can be given again, and is. */
GT_CASE(once, refuses_a_resume_action)
{
	struct gt_vcpu *vcpu;
	struct gt_vm vm;

	BOOT(&vm, reader);
	vcpu = &vm.vcpus[0];
	gt_check_read(&gt_path_once, vcpu, 4, DEV + 4, 0x1234, __LINE__);
	gh_run_answer(vcpu->run, 0x1234);
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_RETRY;
	GT_ERRNO(once_action, EINVAL, one(vcpu));
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_HANDLED;
	gt_check_write(&gt_path_once, vcpu, 8, DEV + 8, 0x1234, __LINE__);
	gt_vm_close(&vm);
}

/* ---- what ends it ---------------------------------------------------------------------- */

GT_CASE(once, ends_with_its_slice)
{
	struct gt_vm vm;
	int i;

	BOOT(&vm, spinner);
	for (i = 0; i < 10; i++)
		cr_assert_eq(one(&vm.vcpus[0]), GH_URING_EXIT_PREEMPTED);
	gt_vm_close(&vm);
}

GT_CASE(once, ends_at_its_deadline)
{
	uint64_t entries;
	struct gt_vm vm;
	int i;

	BOOT(&vm, spinner);
	entries = entries_of(&vm.vcpus[0]);
	cr_assert_eq(gh_run_once(vm.vcpus[0].fd, 1), UNENTERED);
	cr_assert_eq(gh_run_once(vm.vcpus[0].fd, gt_now_ns()), UNENTERED);
	cr_assert_eq(entries_of(&vm.vcpus[0]), entries);
	/* One that is far away is none; one that is near ends the run. */
	cr_assert_eq(gt_res(gh_run_once(vm.vcpus[0].fd, UINT64_MAX)), GH_URING_EXIT_PREEMPTED);
	for (i = 0; i < 100; i++)
		cr_assert_eq(gt_res(gh_run_once(vm.vcpus[0].fd, gt_now_ns() + 20000)),
			     GH_URING_EXIT_PREEMPTED);
	gt_vm_close(&vm);
}

GT_CASE(once, ends_by_immediate_exit)
{
	uint64_t entries;
	struct gt_vm vm;

	BOOT(&vm, spinner);
	entries = entries_of(&vm.vcpus[0]);
	vm.vcpus[0].run->immediate_exit = 1;
	cr_assert_eq(one(&vm.vcpus[0]), GH_URING_EXIT_INTR);
	cr_assert_eq(entries_of(&vm.vcpus[0]), entries);
	vm.vcpus[0].run->immediate_exit = 0;
	cr_assert_eq(one(&vm.vcpus[0]), GH_URING_EXIT_PREEMPTED);
	gt_vm_close(&vm);
}

GT_CASE(once, ends_by_a_held_eventfd)
{
	struct gh_vcpu_kick_fd kick = { .fd = eventfd(1, 0), .flags = GH_KICK_FD_HOLD };
	uint64_t count;
	struct gt_vm vm;

	BOOT(&vm, spinner);
	cr_assert_geq(kick.fd, 0);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_KICK_FD, (uintptr_t)&kick), 0);
	cr_assert_eq(gh_run_once(vm.vcpus[0].fd, 0), UNENTERED);
	cr_assert_eq(read(kick.fd, &count, sizeof(count)), (ssize_t)sizeof(count));
	while (gh_run_once(vm.vcpus[0].fd, 0) == UNENTERED)
		;
	gt_vm_close(&vm);
	close(kick.fd);
}

GT_CASE(once, ends_by_a_signal)
{
	uint64_t end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	struct gt_vm vm;

	BOOT(&vm, spinner);
	gt_alarms_begin();
	while (one(&vm.vcpus[0]) != GH_URING_EXIT_INTR)
		cr_assert_lt(gt_now_ns(), end, "no run ends by a signal");
	gt_alarms_end();
	gt_vm_close(&vm);
}

GT_CASE(once, ends_by_cancel)
{
	uint64_t end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	struct gt_canceller canceller;
	struct gt_vm vm;
	int res;

	BOOT(&vm, spinner);
	gt_cancels_begin(&canceller, vm.vcpus[0].fd);
	do {
		cr_assert_lt(gt_now_ns(), end, "no run is cancelled");
		res = one(&vm.vcpus[0]);
	} while (res == GH_URING_EXIT_PREEMPTED);
	GT_ERRNO(once_cancel, ECANCELED, res);
	gt_cancels_end(&canceller);
	gt_vm_close(&vm);
}

/* ---- guests that wait ------------------------------------------------------------------- */

/* It is left; the next run of it does not enter it, and that on a ring parks it. */
GT_CASE(once, never_waits)
{
	struct io_uring ring;
	struct gt_vcpu *vcpu;
	uint64_t entries;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	BOOT(&vm, sleeper);
	vcpu = &vm.vcpus[0];
	cr_assert_eq(until_it_leaves(vcpu), GH_URING_EXIT_WAITING);
	cr_assert(gt_vcpu_is(vcpu, "left"));
	entries = entries_of(vcpu);
	cr_assert_eq(one(vcpu), GH_URING_EXIT_WAITING);
	gt_ring_park(&ring, vcpu);
	cr_assert_eq(entries_of(vcpu), entries);
	gt_ring_kick(&ring, vcpu);
	cr_assert_eq(gt_ring_take_both(&ring, vcpu), GH_URING_EXIT_RUNNABLE);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* The wake-up comes before, while and after the run behind WAITING begins. */
GT_CASE(once, loses_no_wake_up)
{
	static const struct gs_op napper[] = {
		{ GS_SLEEP, 0, 1000000, 0 }, { GS_WRITE, 4, DEV, 7 }, { GS_GOTO, 0, 0, 99 },
		{ GS_OFF },
	};
	unsigned int writes = 0, n = 0;
	struct io_uring ring;
	struct gt_vcpu *vcpu;
	struct gt_vm vm;
	int res;

	gt_ring_init(&ring, 8, RING);
	BOOT(&vm, napper);
	vcpu = &vm.vcpus[0];
	srand(1);
	do {
		res = one(vcpu);
		if (res == GH_URING_EXIT_WAITING) {
			usleep(rand() % 2000);
			/* By turns the ring waits for the wake-up, and nobody does. */
			if (++n % 2) {
				gt_ring_run(&ring, vcpu);
				res = gt_ring_take(&ring, 0);
			}
		}
		cr_assert_geq(res, 0, "%s", strerror(-res));
		writes += GH_URING_RES_EXIT(res) == GH_URING_EXIT_MMIO;
	} while (res != GH_URING_EXIT_STATUS);
	cr_assert_eq(writes, 100U);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* ---- beside a batch ---------------------------------------------------------------------- */

/* What a batch could not write it says, before it takes any answer. */
GT_CASE(once, says_what_a_batch_could_not)
{
	struct gh_run_entry *entry = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct gt_vcpu *vcpu;
	uint64_t reads = 0;
	struct gt_vm vm;
	int i, res;

	cr_assert_neq(entry, MAP_FAILED);
	BOOT(&vm, reader);
	vcpu = &vm.vcpus[0];
	gh_run_entry_init(entry, vcpu->fd, 0);
	cr_assert_eq(mprotect(entry, 4096, PROT_READ), 0);
	/* The slice may be over first: until the read was made. */
	for (i = 0; i < 1000 && !reads; i++) {
		struct gh_vcpu_stats stats;
		struct gh_vcpu_stats_arg arg = {
			.stats = (uintptr_t)&stats, .size = sizeof(stats),
		};

		cr_assert_eq(gh_run_batch(vcpu->fd, entry, 1, 0), -EFAULT);
		cr_assert_eq(gt_ioctl(vcpu->fd, GH_VCPU_STATS, (uintptr_t)&arg), 0);
		reads = stats.mmio_reads;
	}
	cr_assert_eq(reads, 1U);
	gh_run_answer(vcpu->run, 0xbad);
	res = one(vcpu);
	cr_assert_eq(res, GH_URING_EXIT_MMIO | 4 << GH_URING_RES_LEN_SHIFT, "%#x", res);
	gh_run_answer(vcpu->run, 0x77);
	gt_check_write(&gt_path_once, vcpu, 8, DEV + 8, 0x77, __LINE__);
	gt_vm_close(&vm);
	munmap(entry, 4096);
}
