// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What ends a run: slice, deadline, immediate_exit, and whose the vCPU is. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gt.h"
#include "gt_disturb.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

TestSuite(uring_slice, .timeout = GT_TIMEOUT);

static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };

GT_CASE(uring_slice, spinning_guest_is_preempted)
{
	struct io_uring ring;
	struct gt_vm vm;
	int i;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, spinner);
	for (i = 0; i < 20; i++) {
		gt_ring_run(&ring, &vm.vcpus[0]);
		cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_PREEMPTED);
	}
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/*
 * The longest and the shortest slice that fit the SQE: both enter the guest and both
 * end. That they are bounded is for the suite icount to see: here others want the CPU, and
 * a reschedule ends them too. It can come before the guest is entered: then again.
 */
GT_CASE(uring_slice, longest_and_shortest_slice)
{
	static const uint32_t slices[] = { UINT32_MAX, 1 };
	uint64_t end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_cqe cqe;
	struct gt_vm vm;
	unsigned int i;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, spinner);
	for (i = 0; i < GT_ARRAY_SIZE(slices); i++) {
		do {
			cr_assert_lt(gt_now_ns(), end, "slice of %u ns: not entered", slices[i]);
			sqe = gt_ring_sqe(&ring);
			gh_uring_prep_run(sqe, vm.vcpus[0].fd, slices[i], 0);
			gt_ring_submit(&ring, 1);
			gt_ring_next(&ring, &cqe);
			cr_assert_eq(gt_res(cqe.res), GH_URING_EXIT_PREEMPTED);
		} while (cqe.res & GH_URING_RES_NOT_ENTERED);
	}
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* Past its deadline the guest is not entered: a write it would do does not come. */
GT_CASE(uring_slice, deadline_in_the_past)
{
	static const struct gs_op ops[] = {
		{ GS_READ, 8, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 0 }, { GS_OFF },
	};
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vcpu *vcpu;
	struct gt_exit exit;
	struct gt_cqe cqe;
	struct gt_vm vm;
	int i;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, ops);
	vcpu = &vm.vcpus[0];
	for (i = 0; i < 3; i++) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, vcpu->fd, 0, 1);
		gt_ring_submit(&ring, 1);
		gt_ring_next(&ring, &cqe);
		cr_assert_eq(cqe.res, GH_URING_EXIT_PREEMPTED | GH_URING_RES_NOT_ENTERED);
	}
	do {
		gt_ring_run(&ring, vcpu);
		gt_ring_next(&ring, &cqe);
		gt_decode(vcpu, &cqe, &exit);
	} while (exit.kind != GT_EXIT_MMIO);
	cr_assert_not(exit.write);
	/* With an answer in the SQE, too late; repeated with a deadline to come. */
	for (i = 0; i < 2; i++) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run_resume(sqe, vcpu->fd, 0, gt_now_ns() - 1, 0x99);
		gt_ring_submit(&ring, 1);
		gt_ring_next(&ring, &cqe);
		cr_assert_eq(cqe.res, GH_URING_EXIT_PREEMPTED | GH_URING_RES_NOT_ENTERED);
	}
	do {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run_resume(sqe, vcpu->fd, 0, gt_now_ns() + 1000000000, 0x99);
		gt_ring_submit(&ring, 1);
		gt_ring_next(&ring, &cqe);
		gt_decode(vcpu, &cqe, &exit);
	} while (exit.kind != GT_EXIT_MMIO);
	cr_assert(exit.write);
	cr_assert_eq(exit.data, 0x99U);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* Many runs of a guest that computes, with one deadline: the later ones do not enter it. */
GT_CASE(uring_slice, deadline_bounds_a_batch)
{
	const unsigned int batch = 64;
	uint64_t deadline, end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	bool first, not_entered;
	struct gt_cqe cqe;
	struct gt_vm vm;
	unsigned int i;

	gt_ring_init(&ring, batch, RING);
	GT_BOOT_SCRIPT(&vm, spinner);
	/* The first one can be too late already, on a busy machine: then again. */
	do {
		cr_assert_lt(gt_now_ns(), end, "the first run is never in time");
		deadline = gt_now_ns() + 2000000;
		for (i = 0; i < batch; i++) {
			sqe = gt_ring_sqe(&ring);
			gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, deadline);
			sqe->user_data = i;
		}
		gt_ring_submit(&ring, batch);
		for (i = 0; i < batch; i++) {
			gt_ring_next(&ring, &cqe);
			cr_assert_eq(cqe.user_data, i);
			cr_assert_eq(gt_res(cqe.res), GH_URING_EXIT_PREEMPTED);
			not_entered = cqe.res & GH_URING_RES_NOT_ENTERED;
			if (!i)
				first = !not_entered;
		}
		cr_assert(not_entered, "entered 60 slices after the deadline");
	} while (!first);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_slice, immediate_exit)
{
	struct io_uring ring;
	struct gt_vcpu *vcpu;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, spinner);
	vcpu = &vm.vcpus[0];
	vcpu->run->immediate_exit = 1;
	gt_ring_run(&ring, vcpu);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_INTR);
	GT_ERRNO(ioctl_immediate, EINTR, gt_ioctl(vcpu->fd, GH_VCPU_RUN, 0));
	vcpu->run->immediate_exit = 0;
	gt_ring_run(&ring, vcpu);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_PREEMPTED);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* ---- a signal, and another thread's command, while the guest runs ----------------- */

/* The signal ends the run, its handler has run, nothing is lost. */
GT_CASE(uring_slice, signal_ends_a_run)
{
	static const struct gs_op ops[] = {
		{ GS_READ, 8, DEV, 0 }, { GS_SPIN, 0, 30000000, 0 }, { GS_ECHO, 8, DEV + 8, 0 },
		{ GS_OFF },
	};
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vcpu *vcpu;
	struct gt_exit exit;
	struct gt_cqe cqe;
	struct gt_vm vm;
	int intrs = 0;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, ops);
	vcpu = &vm.vcpus[0];
	gt_check_read(&gt_path_ring_sqe, vcpu, 8, DEV, 0x1234, __LINE__);
	gt_alarms_begin();
	do {
		/* The longest slice: the signal comes first. */
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run_resume(sqe, vcpu->fd, UINT32_MAX, 0, vcpu->answer);
		gt_ring_submit(&ring, 1);
		gt_ring_next(&ring, &cqe);
		gt_decode(vcpu, &cqe, &exit);
		cr_assert_neq(exit.kind, GT_EXIT_ERROR, "%s", strerror(-exit.err));
		intrs += exit.kind == GT_EXIT_INTR;
	} while (exit.kind != GT_EXIT_MMIO);
	gt_alarms_end();
	cr_assert_eq(exit.data, 0x1234U);
	cr_assert_gt(gt_alarms, 0);
	cr_assert_gt(intrs, 0);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_slice, cancel_of_a_run_in_progress)
{
	struct gt_canceller canceller;
	struct io_uring ring;
	struct gt_vm vm;
	int res;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, spinner);
	gt_cancels_begin(&canceller, vm.vcpus[0].fd);
	do {
		gt_ring_run(&ring, &vm.vcpus[0]);
		res = gt_ring_take(&ring, 0);
		cr_assert(res == GH_URING_EXIT_PREEMPTED || res == -ECANCELED, "%d", res);
	} while (res != -ECANCELED);
	gt_cancels_end(&canceller);
	gt_ring_run(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_PREEMPTED);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* ---- a run in another thread ---------------------------------------------------- */

struct ioctl_thread {
	struct gt_vcpu *vcpu;
	pthread_t thread;
	volatile int result;
	int eventfd;
};

static void nothing(int sig)
{
	(void)sig;
}

static void *run_by_ioctl(void *arg)
{
	struct ioctl_thread *t = arg;

	t->result = gt_ioctl(t->vcpu->fd, GH_VCPU_RUN, 0);
	eventfd_write(t->eventfd, 1);
	return NULL;
}

/* Starts the thread and waits until its run is in this state. */
static void start_ioctl(struct ioctl_thread *t, struct gt_vcpu *vcpu, const char *state)
{
	struct sigaction act = { .sa_handler = nothing };

	sigaction(SIGUSR1, &act, NULL);
	t->vcpu = vcpu;
	t->result = 1;
	t->eventfd = eventfd(0, EFD_CLOEXEC);
	cr_assert_eq(pthread_create(&t->thread, NULL, run_by_ioctl, t), 0);
	gt_vcpu_wait_for(vcpu, state);
}

static void join_ioctl(struct ioctl_thread *t)
{
	eventfd_t n;

	eventfd_read(t->eventfd, &n);
	pthread_join(t->thread, NULL);
	close(t->eventfd);
}

GT_CASE(uring_slice, busy_while_the_ioctl_runs)
{
	struct ioctl_thread t;
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, spinner);
	start_ioctl(&t, &vm.vcpus[0], "running");
	GT_ERRNO(ioctl_busy, EBUSY, gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0));
	gt_ring_run(&ring, &vm.vcpus[0]);
	GT_ERRNO(run_busy, EBUSY, gt_ring_take(&ring, 0));
	pthread_kill(t.thread, SIGUSR1);
	join_ioctl(&t);
	GT_ERRNO(ioctl_signal, EINTR, t.result);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_slice, kick_and_cancel_end_the_ioctl)
{
	struct ioctl_thread t;
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, spinner);
	start_ioctl(&t, &vm.vcpus[0], "running");
	gt_ring_kick(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, GT_UD_CMD), 0);
	join_ioctl(&t);
	GT_ERRNO(ioctl_kick, EINTR, t.result);
	start_ioctl(&t, &vm.vcpus[0], "running");
	gt_ring_cancel(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, GT_UD_CMD), 0);
	join_ioctl(&t);
	GT_ERRNO(ioctl_cancel, ECANCELED, t.result);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* Taken out of its VM under the feet of an ioctl, running or asleep. */
GT_CASE(uring_slice, vcpu_removed_while_the_ioctl_runs)
{
	struct ioctl_thread t;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, spinner);
	start_ioctl(&t, &vm.vcpus[0], "running");
	cr_assert_eq(gt_remove_vcpu(vm.fd, 0), 0);
	join_ioctl(&t);
	GT_ERRNO(ioctl_removed, ENODEV, t.result);
	gt_vm_close(&vm);
	GT_BOOT_SCRIPT(&vm, sleeper);
	start_ioctl(&t, &vm.vcpus[0], "asleep");
	cr_assert_eq(gt_remove_vcpu(vm.fd, 0), 0);
	join_ioctl(&t);
	cr_assert_eq(t.result, -ENODEV, "%d", t.result);
	gt_vm_close(&vm);
}

GT_CASE(uring_slice, kick_signal_and_cancel_end_a_sleeping_ioctl)
{
	struct ioctl_thread t;
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	start_ioctl(&t, &vm.vcpus[0], "asleep");
	pthread_kill(t.thread, SIGUSR1);
	join_ioctl(&t);
	cr_assert_eq(t.result, -EINTR, "%d", t.result);
	start_ioctl(&t, &vm.vcpus[0], "asleep");
	gt_ring_kick(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, GT_UD_CMD), 0);
	join_ioctl(&t);
	cr_assert_eq(t.result, -EINTR, "%d", t.result);
	start_ioctl(&t, &vm.vcpus[0], "asleep");
	gt_ring_cancel(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, GT_UD_CMD), 0);
	join_ioctl(&t);
	cr_assert_eq(t.result, -ECANCELED, "%d", t.result);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_slice, busy_while_parked)
{
	struct io_uring ring, second;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	gt_ring_init(&second, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_park(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0), -EBUSY);
	gt_ring_run(&second, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&second, 0), -EBUSY);
	gt_ring_run(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, 0), -EBUSY);
	gt_ring_silent(&ring);
	/* Another ring may end the park. */
	gt_ring_cancel(&second, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&second, GT_UD_CMD), 0);
	GT_ERRNO(run_cancel, ECANCELED, gt_ring_take(&ring, 0));
	gt_ring_park(&second, &vm.vcpus[0]);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
	io_uring_queue_exit(&second);
}
