// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Control of guests that never leave by themselves: the kick eventfd, signals and
 * deadlines. How long it takes is the suite icount's.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
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
	pthread_t thread;
};

static void *poke(void *data)
{
	struct poker *p = data;

	gt_vcpu_wait_for(p->vcpu, "running");
	gt_eventfd_signal(p->fd);
	return NULL;
}

static void start_poker(struct poker *p, struct gt_vcpu *vcpu, int fd)
{
	*p = (struct poker) { .vcpu = vcpu, .fd = fd };
	cr_assert_eq(pthread_create(&p->thread, NULL, poke, p), 0);
}

/* The ioctl ends with -EINTR for other reasons as well: until the poker was there. */
static void run_until_kicked(struct poker *p)
{
	cr_assert_eq(gt_ioctl(p->vcpu->fd, GH_VCPU_RUN, 0), -EINTR);
	pthread_join(p->thread, NULL);
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
		run_until_kicked(&p);
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
	run_until_kicked(&p);
	cr_assert_eq(gt_ring_take(&ring, 77), POLLIN);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
	close(pipefd[0]);
	close(pipefd[1]);
	close(fd);
}

static uint64_t kicks_of(const struct gt_vcpu *vcpu)
{
	struct gh_vcpu_stats stats;
	struct gh_vcpu_stats_arg arg = { .stats = (uintptr_t)&stats, .size = sizeof(stats) };

	cr_assert_eq(gt_ioctl(vcpu->fd, GH_VCPU_STATS, (uintptr_t)&arg), 0);
	return stats.kicks;
}

/* A timeout of the ring, and behind it whatever @prep adds; how many are to come. */
static void submit_behind_a_timeout(struct io_uring *ring, struct __kernel_timespec *ts,
				    void (*prep)(struct io_uring *ring, struct gt_vcpu *vcpu),
				    struct gt_vcpu *vcpu)
{
	struct io_uring_sqe *sqe = gt_ring_sqe(ring);
	int ret;

	io_uring_prep_timeout(sqe, ts, 0, 0);
	sqe->user_data = 77;
	prep(ring, vcpu);
	ret = io_uring_submit(ring);
	cr_assert_gt(ret, 1, "%d", ret);
}

#define RUNS	64
#define ENTRIES	16

static struct gh_run_entry entries[ENTRIES];

static void prep_runs(struct io_uring *ring, struct gt_vcpu *vcpu)
{
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < RUNS; i++) {
		sqe = gt_ring_sqe(ring);
		gh_uring_prep_run(sqe, vcpu->fd, UINT32_MAX, 0);
		sqe->user_data = i;
	}
}

static void prep_entries(struct io_uring *ring, struct gt_vcpu *vcpu)
{
	struct io_uring_sqe *sqe = gt_ring_sqe(ring);
	unsigned int i;

	for (i = 0; i < ENTRIES; i++)
		gh_run_entry_init(&entries[i], vcpu->fd, UINT32_MAX);
	gh_uring_prep_run_batch(sqe, vcpu->fd, entries, ENTRIES, 0);
	sqe->user_data = 0;
}

static int entered_runs(struct io_uring *ring)
{
	struct gt_cqe cqe;
	int i, entered = 0;

	for (i = 0; i < RUNS; i++) {
		gt_ring_next(ring, &cqe);
		if (cqe.user_data == 77) {
			i--;
			continue;
		}
		cr_assert_eq(cqe.user_data, (uint64_t)i);
		cr_assert_eq(gt_res(cqe.res), GH_URING_EXIT_PREEMPTED);
		entered += !(cqe.res & GH_URING_RES_NOT_ENTERED);
	}
	/* The last one begins long after the timeout. */
	cr_assert(cqe.res & GH_URING_RES_NOT_ENTERED);
	return entered;
}

static int entered_entries(struct io_uring *ring)
{
	struct gt_cqe cqe;
	int n;

	do {
		gt_ring_next(ring, &cqe);
	} while (cqe.user_data == 77);
	n = cqe.res;
	cr_assert(n >= 1 && n < ENTRIES, "%d", n);
	cr_assert_eq(gt_res(entries[n - 1].res), GH_URING_EXIT_PREEMPTED);
	return n;
}

/*
 * The ring's own completion ends the run in the way, and with HOLD all that are behind
 * it. The timeout can come before the first run on a busy machine: then again.
 */
static void check_own_ring(unsigned int setup,
			   void (*prep)(struct io_uring *ring, struct gt_vcpu *vcpu),
			   int (*entered)(struct io_uring *ring))
{
	struct __kernel_timespec ts = { .tv_nsec = 2000000 };
	uint64_t end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	struct io_uring ring;
	int fd = gt_eventfd();
	struct gt_cqe cqe;
	struct gt_vm vm;
	uint64_t kicks;

	gt_ring_init(&ring, 2 * RUNS, setup);
	cr_assert_eq(io_uring_register_eventfd(&ring, fd), 0);
	GT_BOOT_SCRIPT(&vm, spinner);
	cr_assert_eq(kick_fd(&vm.vcpus[0], fd, GH_KICK_FD_HOLD), 0);
	do {
		cr_assert_lt(gt_now_ns(), end, "the completion never kicks");
		gt_eventfd_count(fd);
		kicks = kicks_of(&vm.vcpus[0]);
		submit_behind_a_timeout(&ring, &ts, prep, &vm.vcpus[0]);
		kicks = kicks_of(&vm.vcpus[0]) - kicks;
		entered(&ring);
		while (!gt_ring_poll(&ring, &cqe, 10))
			;
	} while (!kicks);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
	close(fd);
}

GT_CASE(kick, completion_ends_runs_of_the_same_ring)
{
	check_own_ring(RING, prep_runs, entered_runs);
}

GT_CASE(kick, completion_ends_a_batch_of_the_same_ring)
{
	check_own_ring(RING, prep_entries, entered_entries);
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

/* Guests that only compute: all come back, and at the deadline the rest is not entered. */
GT_CASE(kick, responsiveness)
{
	uint64_t end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	struct gt_vm vms[GUESTS];
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_cqe cqe;
	unsigned int i, entered;

	gt_ring_init(&ring, 64, RING);
	for (i = 0; i < GUESTS; i++)
		GT_BOOT_SCRIPT(&vms[i], spinner);
	/* On a busy machine the deadline may be over before the first one. */
	do {
		cr_assert_lt(gt_now_ns(), end, "no guest is entered");
		for (i = 0; i < 10 * GUESTS; i++) {
			sqe = gt_ring_sqe(&ring);
			gh_uring_prep_run(sqe, vms[i % GUESTS].vcpus[0].fd, 1000000,
					  gt_now_ns() + 2000000);
			sqe->user_data = i;
		}
		gt_ring_submit(&ring, 10 * GUESTS);
		for (i = 0, entered = 0; i < 10 * GUESTS; i++) {
			gt_ring_next(&ring, &cqe);
			cr_assert_eq(cqe.user_data, i);
			cr_assert_eq(gt_res(cqe.res), GH_URING_EXIT_PREEMPTED);
			entered += !(cqe.res & GH_URING_RES_NOT_ENTERED);
		}
		cr_assert(cqe.res & GH_URING_RES_NOT_ENTERED, "entered after the deadline");
	} while (!entered);
	for (i = 0; i < GUESTS; i++)
		gt_vm_close(&vms[i]);
	io_uring_queue_exit(&ring);
}
