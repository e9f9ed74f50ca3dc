// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The end of a ring, a vCPU, a VM or a process while a command is parked. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"
#include "gt_fn.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

TestSuite(uring_end, .timeout = GT_TIMEOUT);

static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };

/* A closed ring goes in the background; until then the vCPU is busy. */
static void wait_until_idle(struct gt_vcpu *vcpu)
{
	int ret;

	vcpu->run->immediate_exit = 1;
	while ((ret = gt_ioctl(vcpu->fd, GH_VCPU_RUN, 0)) == -EBUSY)
		usleep(10000);
	vcpu->run->immediate_exit = 0;
	cr_assert_eq(ret, -EINTR, "%d", ret);
}

GT_CASE(uring_end, ring_closed_while_parked)
{
	struct io_uring ring;
	struct gt_vm vm;
	int i;

	GT_BOOT_SCRIPT(&vm, sleeper);
	for (i = 0; i < 5; i++) {
		gt_ring_init(&ring, 8, RING);
		gt_ring_park(&ring, &vm.vcpus[0]);
		io_uring_queue_exit(&ring);
		wait_until_idle(&vm.vcpus[0]);
	}
	gt_vm_close(&vm);
}

GT_CASE(uring_end, vcpu_closed_while_parked)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_vcpu_close(&vm.vcpus[0]);
	GT_ERRNO(run_close, ECANCELED, gt_ring_take(&ring, 0));
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* What a ring has completed, or what goes with its process, goes in the background. */
static void wait_for_pinned(long pinned)
{
	int i;

	for (i = 0; i < 100 && gt_pinned() != pinned; i++)
		usleep(100000);
	cr_assert_eq(gt_pinned(), pinned, "%ld pages", gt_pinned() - pinned);
}

/* The vCPU's file keeps the VM: the park goes on, and so does the guest after it. */
GT_CASE(uring_end, vm_closed_while_parked)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_park(&ring, &vm.vcpus[0]);
	close(vm.fd);
	vm.fd = -1;
	gt_ring_silent(&ring);
	gt_ring_kick(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take_both(&ring, &vm.vcpus[0]), GH_URING_EXIT_RUNNABLE);
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_vcpu_close(&vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, 0), -ECANCELED);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* Runs a vCPU until it is told to stop; no assertions, they are the test's. */
struct running {
	struct gt_vcpu *vcpu;
	bool by_ring, stop;
	unsigned int turns;
	int odd;
	pthread_t thread;
};

static void *keep_running(void *arg)
{
	struct running *r = arg;
	struct io_uring ring;
	struct gt_cqe cqe;
	int ret;

	gt_ring_init(&ring, 8, 0);
	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		if (r->by_ring) {
			gt_ring_run(&ring, r->vcpu);
			gt_ring_next(&ring, &cqe);
			ret = gt_res(cqe.res) == GH_URING_EXIT_PREEMPTED ? 0 : cqe.res;
		} else {
			ret = gt_ioctl(r->vcpu->fd, GH_VCPU_RUN, 0);
			ret = ret == -EINTR ? 0 : ret;
		}
		if (ret)
			r->odd = ret;
		__atomic_fetch_add(&r->turns, 1, __ATOMIC_RELEASE);
	}
	io_uring_queue_exit(&ring);
	return NULL;
}

/* The VM's descriptor is closed under a guest that runs: it goes on, as long as it is run. */
static void close_the_vm_while_it_runs(bool by_ring)
{
	static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };
	struct running r = { .by_ring = by_ring };
	unsigned int turns;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, spinner);
	r.vcpu = &vm.vcpus[0];
	cr_assert_eq(pthread_create(&r.thread, NULL, keep_running, &r), 0);
	gt_vcpu_wait_for(r.vcpu, "running");
	close(vm.fd);
	vm.fd = -1;
	turns = __atomic_load_n(&r.turns, __ATOMIC_ACQUIRE);
	/* The one in progress, and one that began after. */
	while (__atomic_load_n(&r.turns, __ATOMIC_ACQUIRE) < turns + 3) {
		cr_assert_eq(gt_ioctl(r.vcpu->fd, GH_VCPU_KICK, 0), 0);
		usleep(1000);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	while (pthread_tryjoin_np(r.thread, NULL)) {
		gt_ioctl(r.vcpu->fd, GH_VCPU_KICK, 0);
		usleep(1000);
	}
	cr_assert_eq(r.odd, 0, "result %d", r.odd);
	gt_vm_close(&vm);
	cr_assert_eq(gt_modules_unload(), 0);
}

GT_CASE(uring_end, vm_closed_while_the_ioctl_runs)
{
	close_the_vm_while_it_runs(false);
}

GT_CASE(uring_end, vm_closed_while_a_command_runs)
{
	close_the_vm_while_it_runs(true);
}

/* Taken out of its VM: the parked command comes back, and a run says what happened. */
GT_CASE(uring_end, vcpu_removed_while_parked)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_park(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_remove_vcpu(vm.fd, 0), 0);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	gt_ring_run(&ring, &vm.vcpus[0]);
	GT_ERRNO(run_removed, ENODEV, gt_ring_take(&ring, 0));
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* Another vCPU ends the VM while this one is parked. */
GT_CASE(uring_end, vm_exits_while_parked)
{
	static const struct gs_op ops[] = {
		{ GS_CPU_ON, 0, 1, 0 }, { GS_READ, 4, DEV, 0 }, { GS_OFF },
	};
	struct io_uring ring;
	struct gt_exit exit;
	struct gt_cqe cqe;
	struct gt_vm vm;
	int ends = 0;

	gt_ring_init(&ring, 8, RING);
	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 2);
	gt_vm_script(&vm, 0, ops, GT_ARRAY_SIZE(ops));
	gt_vm_script(&vm, 1, sleeper, GT_ARRAY_SIZE(sleeper));
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_add_vcpu(&vm, 1);
	gt_vm_start(&vm);
	gt_check_read(&gt_path_ring, &vm.vcpus[0], 4, DEV, 0, __LINE__);
	gt_ring_park(&ring, &vm.vcpus[1]);
	gt_ring_run(&ring, &vm.vcpus[0]);
	while (ends < 2) {
		gt_ring_next(&ring, &cqe);
		gt_decode(&vm.vcpus[cqe.user_data], &cqe, &exit);
		if (exit.kind == GT_EXIT_STATUS) {
			cr_assert_eq(exit.type, GT_TYPE_OFF);
			ends++;
		} else {
			cr_assert(exit.kind == GT_EXIT_RUNNABLE || exit.kind == GT_EXIT_PREEMPTED);
			gt_ring_run(&ring, &vm.vcpus[cqe.user_data]);
		}
	}
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* Submits runs of this kind until the vCPU is parked. */
static void park_by(struct io_uring *ring, struct gt_vcpu *vcpu, unsigned int sqe_flags)
{
	struct io_uring_sqe *sqe;
	struct gt_cqe cqe;

	do {
		sqe = gt_ring_sqe(ring);
		gh_uring_prep_run(sqe, vcpu->fd, 0, 0);
		sqe->flags |= sqe_flags;
		cr_assert_geq(io_uring_submit(ring), 0);
		while (gt_ring_poll(ring, &cqe, 100) == -ETIME) {
			if (gt_vcpu_is(vcpu, "parked"))
				return;
		}
		cr_assert(gt_res(cqe.res) == GH_URING_EXIT_PREEMPTED ||
			  cqe.res == GH_URING_EXIT_RUNNABLE,
			  "%d", cqe.res);
	} while (1);
}

/*
 * A command that was submitted and is not parked yet when the vCPU is closed: it waits
 * for its thread, which may not find the descriptor any more, or runs.
 */
static int32_t closed_in_flight(unsigned int setup, unsigned int sqe_flags, unsigned int wait_us)
{
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_cqe cqe;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, setup);
	GT_BOOT_SCRIPT(&vm, sleeper);
	/* From here on the guest does nothing but wait. */
	park_by(&ring, &vm.vcpus[0], sqe_flags);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_KICK, 0), 0);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
	sqe->flags |= sqe_flags;
	cr_assert_geq(io_uring_submit(&ring), 0);
	if (wait_us)
		usleep(wait_us);
	gt_vcpu_close(&vm.vcpus[0]);
	gt_ring_next(&ring, &cqe);
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
	return gt_res(cqe.res);
}

/* Nobody could end such a park any more, so it must end by itself, and the VM with it. */
static void closed_at_any_time(unsigned int setup, unsigned int sqe_flags)
{
	long pinned = gt_pinned();
	unsigned int i, canceled = 0;
	int32_t res;

	for (i = 0; i < 8; i++) {
		res = closed_in_flight(setup, sqe_flags, i * 50);
		cr_assert(res == -ECANCELED || res == -EBADF || res == GH_URING_EXIT_PREEMPTED ||
			  res == GH_URING_EXIT_RUNNABLE, "%d", res);
		canceled += res == -ECANCELED;
		wait_for_pinned(pinned);
	}
	cr_assert_gt(canceled, 0);
}

GT_CASE(uring_end, vcpu_closed_in_flight_by_a_worker)
{
	closed_at_any_time(0, IOSQE_ASYNC);
	closed_at_any_time(RING, IOSQE_ASYNC);
}

GT_CASE(uring_end, vcpu_closed_in_flight_by_sqpoll)
{
	closed_at_any_time(IORING_SETUP_SQPOLL, 0);
}

/*
 * A command that waits for the one before it. Kernels that look for its descriptor when
 * it is submitted begin with it when nobody can reach it any more.
 */
GT_CASE(uring_end, vcpu_closed_before_a_drained_command_begins)
{
	int fd = gt_eventfd(), res;
	long pinned = gt_pinned();
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, 0);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_park(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_KICK, 0), 0);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	sqe = gt_ring_sqe(&ring);
	io_uring_prep_poll_add(sqe, fd, POLLIN);
	sqe->user_data = GT_UD_CMD;
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
	sqe->flags |= IOSQE_IO_DRAIN;
	cr_assert_eq(io_uring_submit(&ring), 2);
	gt_vcpu_close(&vm.vcpus[0]);
	gt_eventfd_signal(fd);
	cr_assert_eq(gt_ring_take(&ring, GT_UD_CMD), POLLIN);
	res = gt_ring_take(&ring, 0);
	cr_assert(res == -ECANCELED || res == -EBADF, "%d", res);
	gt_ring_silent(&ring);
	gt_vm_close(&vm);
	wait_for_pinned(pinned);
	io_uring_queue_exit(&ring);
	close(fd);
}

/* Another descriptor is open, but the command's own is not: it ends like the others. */
GT_CASE(uring_end, duplicate_closed_in_flight)
{
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	unsigned int i, canceled = 0;
	struct gt_vm vm;
	int fd, res;

	gt_ring_init(&ring, 8, 0);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_ring_kick(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take_both(&ring, &vm.vcpus[0]), GH_URING_EXIT_RUNNABLE);
	for (i = 0; i < 16; i++) {
		fd = dup(vm.vcpus[0].fd);
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, fd, 0, 0);
		sqe->flags |= IOSQE_ASYNC;
		cr_assert_eq(io_uring_submit(&ring), 1);
		usleep(i * 50);
		close(fd);
		res = gt_ring_take(&ring, 0);
		cr_assert(res == -ECANCELED || res == -EBADF || res == GH_URING_EXIT_PREEMPTED,
			  "%d", res);
		canceled += res == -ECANCELED;
	}
	cr_assert_gt(canceled, 0);
	/* The other one parks as ever. */
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_vcpu_close(&vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, 0), -ECANCELED);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* A process that ends in a park, @how as waitpid() says; all comes back. */
static void end_parked(void (*end)(void), int how, unsigned int setup, unsigned int sqe_flags)
{
	long pinned = gt_pinned();
	int status;
	pid_t pid;

	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		struct io_uring ring;
		struct gt_vm vm;

		gt_ring_init(&ring, 8, setup);
		GT_BOOT_SCRIPT(&vm, sleeper);
		park_by(&ring, &vm.vcpus[0], sqe_flags);
		end();
		_exit(99);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, how, "status %#x", status);
	wait_for_pinned(pinned);
}

static void by_exit(void)
{
	_exit(42);
}

static void by_kill(void)
{
	kill(getpid(), SIGKILL);
	pause();
}

static void by_exec(void)
{
	execl("/bin/sh", "sh", "-c", "exit 43", NULL);
}

static void by_every_way(unsigned int setup, unsigned int sqe_flags)
{
	end_parked(by_exit, 42 << 8, setup, sqe_flags);
	end_parked(by_kill, SIGKILL, setup, sqe_flags);
	end_parked(by_exec, 43 << 8, setup, sqe_flags);
}

GT_CASE(uring_end, process_ends_while_parked)
{
	by_every_way(RING, 0);
}

GT_CASE(uring_end, process_ends_while_parked_on_a_plain_ring)
{
	by_every_way(0, 0);
}

GT_CASE(uring_end, process_ends_while_parked_by_a_worker)
{
	by_every_way(RING, IOSQE_ASYNC);
	by_every_way(0, IOSQE_ASYNC);
}

GT_CASE(uring_end, process_ends_while_parked_by_sqpoll)
{
	by_every_way(IORING_SETUP_SQPOLL, 0);
}

/* The thread that submitted ends, the process and the ring do not. */
static void *park_and_leave(void *arg)
{
	struct gt_vm *vm = arg;
	static struct io_uring ring;

	gt_ring_init(&ring, 8, 0);
	gt_ring_park(&ring, &vm->vcpus[0]);
	return &ring;
}

GT_CASE(uring_end, thread_ends_while_parked)
{
	struct io_uring *ring;
	pthread_t thread;
	struct gt_vm vm;
	void *ret;
	int res;

	GT_BOOT_SCRIPT(&vm, sleeper);
	cr_assert_eq(pthread_create(&thread, NULL, park_and_leave, &vm), 0);
	pthread_join(thread, &ret);
	ring = ret;
	/* The ring cancels what an ending thread has submitted; else the wake-up comes. */
	gt_ioctl(vm.vcpus[0].fd, GH_VCPU_KICK, 0);
	res = gt_ring_take(ring, 0);
	cr_assert(res == -ECANCELED || res == GH_URING_EXIT_RUNNABLE, "%d", res);
	gt_ring_silent(ring);
	gt_ring_park(ring, &vm.vcpus[0]);
	gt_vm_close(&vm);
	io_uring_queue_exit(ring);
}
