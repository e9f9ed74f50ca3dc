// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Control of guests that never leave by themselves: the kick eventfd, and how long
 * it takes. Times are printed; what is asserted is that control comes back.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "gt.h"
#include "gt_fn.h"

#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define GUESTS	6

TestSuite(kick, .timeout = GT_TIMEOUT);

static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };
static const struct gs_op writer[] = {
	{ GS_WRITE, 4, GT_DEV_BASE, 1 }, { GS_GOTO, 0, 0, 1 << 30 },
};

static int kick_fd(struct gt_vcpu *vcpu, int fd, uint32_t flags)
{
	struct gh_vcpu_kick_fd arg = { .fd = fd, .flags = flags };

	return gt_ioctl(vcpu->fd, GH_VCPU_KICK_FD, (unsigned long)&arg);
}

/* Writes to @fd, once the vCPU runs. */
struct poker {
	struct gt_vcpu *vcpu;
	int fd;
	uint64_t when;
	pthread_t thread;
};

static void *poke(void *data)
{
	struct poker *p = data;

	gt_vcpu_wait_for(p->vcpu, "running");
	p->when = gt_now_ns();
	gt_eventfd_signal(p->fd);
	return NULL;
}

static void start_poker(struct poker *p, struct gt_vcpu *vcpu, int fd)
{
	*p = (struct poker) { .vcpu = vcpu, .fd = fd };
	cr_assert_eq(pthread_create(&p->thread, NULL, poke, p), 0);
}

/* The ioctl ends with -EINTR for other reasons as well: until the poker was there. */
static void run_until_kicked(struct poker *p, const char *what)
{
	uint64_t end;

	cr_assert_eq(gt_ioctl(p->vcpu->fd, GH_VCPU_RUN, 0), -EINTR);
	end = gt_now_ns();
	pthread_join(p->thread, NULL);
	printf("kick: %s: control after %.3f ms\n", what, (end - p->when) / 1e6);
}

GT_CASE(kick, signal_ends_the_ioctl)
{
	int fd = gt_eventfd(), i;
	struct poker p;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, spinner);
	cr_assert_eq(kick_fd(&vm.vcpus[0], fd, 0), 0);
	/* Each signal counts, also when nobody reads the eventfd. */
	for (i = 0; i < 5; i++) {
		start_poker(&p, &vm.vcpus[0], fd);
		run_until_kicked(&p, "eventfd");
	}
	gt_vm_close(&vm);
	close(fd);
}

/* A pipe, polled for on a ring whose completions signal the eventfd. */
GT_CASE(kick, completion_on_the_ring_ends_the_run)
{
	int fd = gt_eventfd(), pipefd[2];
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct poker p;
	struct gt_vm vm;

	cr_assert_eq(pipe(pipefd), 0);
	gt_ring_init(&ring, 8, RING);
	cr_assert_eq(io_uring_register_eventfd(&ring, fd), 0);
	GT_BOOT_SCRIPT(&vm, spinner);
	cr_assert_eq(kick_fd(&vm.vcpus[0], fd, 0), 0);
	sqe = gt_ring_sqe(&ring);
	io_uring_prep_poll_add(sqe, pipefd[0], POLLIN);
	sqe->user_data = 77;
	gt_ring_submit(&ring, 1);
	start_poker(&p, &vm.vcpus[0], pipefd[1]);
	run_until_kicked(&p, "completion");
	cr_assert_eq(gt_ring_take(&ring, 77), POLLIN);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
	close(pipefd[0]);
	close(pipefd[1]);
	close(fd);
}

GT_CASE(kick, parked_command_is_left_alone)
{
	int fd = gt_eventfd();
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, sleeper);
	cr_assert_eq(kick_fd(&vm.vcpus[0], fd, 0), 0);
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_eventfd_signal(fd);
	gt_ring_silent(&ring);
	cr_assert(gt_vcpu_is(&vm.vcpus[0], "parked"));
	/* The ioctl's thread is not free: it is woken. */
	gt_ring_cancel(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take_both(&ring, &vm.vcpus[0]), -ECANCELED);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
	close(fd);
}

static void *poke_sleeper(void *data)
{
	struct poker *p = data;

	gt_vcpu_wait_for(p->vcpu, "asleep");
	gt_eventfd_signal(p->fd);
	return NULL;
}

GT_CASE(kick, sleeping_ioctl_is_woken)
{
	struct poker p;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, sleeper);
	p = (struct poker) { .vcpu = &vm.vcpus[0], .fd = gt_eventfd() };
	cr_assert_eq(kick_fd(p.vcpu, p.fd, 0), 0);
	cr_assert_eq(pthread_create(&p.thread, NULL, poke_sleeper, &p), 0);
	cr_assert_eq(gt_ioctl(p.vcpu->fd, GH_VCPU_RUN, 0), -EINTR);
	pthread_join(p.thread, NULL);
	gt_vm_close(&vm);
	close(p.fd);
}

/* Until the eventfd is read no run enters the guest: the rest of a batch ends too. */
GT_CASE(kick, hold)
{
	struct gt_exit exit;
	struct gt_vm vm;
	int fd = gt_eventfd(), i;

	GT_BOOT_SCRIPT(&vm, writer);
	gt_eventfd_signal(fd);
	cr_assert_eq(kick_fd(&vm.vcpus[0], fd, GH_KICK_FD_HOLD), 0);
	for (i = 0; i < 3; i++) {
		gt_path_ring.once(&vm.vcpus[0], &exit);
		cr_assert_eq(exit.kind, GT_EXIT_PREEMPTED);
		gt_path_ioctl.once(&vm.vcpus[0], &exit);
		cr_assert_eq(exit.kind, GT_EXIT_INTR);
	}
	cr_assert_eq(gt_eventfd_count(fd), 1U);
	gt_run(&gt_path_ring, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_MMIO);
	gt_eventfd_signal(fd);
	gt_path_ring.once(&vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_PREEMPTED);
	/* Without the flag, and without the eventfd, nothing holds it. */
	cr_assert_eq(kick_fd(&vm.vcpus[0], fd, 0), 0);
	gt_run(&gt_path_ring, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_MMIO);
	cr_assert_eq(kick_fd(&vm.vcpus[0], fd, GH_KICK_FD_HOLD), 0);
	cr_assert_eq(kick_fd(&vm.vcpus[0], -1, 0), 0);
	gt_run(&gt_path_ring, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_MMIO);
	gt_vm_close(&vm);
	close(fd);
}

GT_CASE(kick, bad_arguments)
{
	int fd = gt_eventfd();
	struct gt_vm vm;
	unsigned int i;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	GT_ERRNO(kick_struct, EFAULT, gt_ioctl(vm.vcpus[0].fd, GH_VCPU_KICK_FD, 0));
	for (i = 1; i < 32; i++)
		GT_ERRNO(kick_flag, EINVAL, kick_fd(&vm.vcpus[0], fd, 1U << i));
	GT_ERRNO(kick_flag_alone, EINVAL, kick_fd(&vm.vcpus[0], -1, GH_KICK_FD_HOLD));
	GT_ERRNO(kick_fd_absent, EBADF, kick_fd(&vm.vcpus[0], -2, 0));
	GT_ERRNO(kick_not_eventfd, EINVAL, kick_fd(&vm.vcpus[0], vm.fd, 0));
	cr_assert_eq(kick_fd(&vm.vcpus[0], -1, 0), 0);
	cr_assert_eq(kick_fd(&vm.vcpus[0], fd, 0), 0);
	/* Signalled when the vCPU is gone, and gone when the eventfd is. */
	gt_vm_close(&vm);
	gt_eventfd_signal(fd);
	close(fd);
	cr_assert_eq(gt_modules_unload(), 0);
}

static volatile struct gh_vcpu_run *signal_page;

static void on_alarm(int sig)
{
	(void)sig;
	signal_page->immediate_exit = 1;
}

/* The handler may run at any point of the run, or just before it. */
GT_CASE(kick, immediate_exit_from_a_signal_handler)
{
	const struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct gt_vm vm;
	int i;

	GT_BOOT_SCRIPT(&vm, spinner);
	signal_page = vm.vcpus[0].run;
	cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	for (i = 0; i < 20; i++) {
		signal_page->immediate_exit = 0;
		cr_assert_geq((int)ualarm(1000 + 500 * i, 0), 0);
		do {
			cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0), -EINTR);
		} while (!signal_page->immediate_exit);
	}
	gt_vm_close(&vm);
}

static double batch_ms(struct io_uring *ring, struct gt_vm *vms, uint32_t slice, uint64_t budget)
{
	uint64_t begin = gt_now_ns();
	struct io_uring_sqe *sqe;
	unsigned int i;
	double ms;

	for (i = 0; i < GUESTS; i++) {
		sqe = gt_ring_sqe(ring);
		gh_uring_prep_run(sqe, vms[i].vcpus[0].fd, slice, budget ? begin + budget : 0);
		sqe->user_data = i;
	}
	gt_ring_submit(ring, GUESTS);
	ms = (gt_now_ns() - begin) / 1e6;
	for (i = 0; i < GUESTS; i++)
		cr_assert_eq(GH_URING_RES_EXIT(gt_ring_take(ring, i)), GH_URING_EXIT_PREEMPTED);
	return ms;
}

/* Guests that only compute: control comes back after each slice, or at the deadline. */
GT_CASE(kick, responsiveness)
{
	struct gt_vm vms[GUESTS];
	struct io_uring ring;
	unsigned int i;

	gt_ring_init(&ring, 16, RING);
	for (i = 0; i < GUESTS; i++)
		GT_BOOT_SCRIPT(&vms[i], spinner);
	for (i = 0; i < 3; i++) {
		printf("kick: %d busy guests, slice 1 ms: batch of %.3f ms; ", GUESTS,
		       batch_ms(&ring, vms, 1000000, 0));
		printf("with a deadline of 2 ms: %.3f ms\n",
		       batch_ms(&ring, vms, 1000000, 2000000));
	}
	for (i = 0; i < GUESTS; i++)
		gt_vm_close(&vms[i]);
	io_uring_queue_exit(&ring);
}
