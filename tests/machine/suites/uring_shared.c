// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Several who want the same: a ring that a child inherited, two rings or a ring and an
 * ioctl at one vCPU, the wrong address space, and submitters that are dead when the
 * guest's interrupt comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
/* The vCPU's descriptor, for the program that is executed. */
#define AFTER_EXEC	"GT_VCPU_AFTER_EXEC"

TestSuite(uring_shared, .timeout = GT_TIMEOUT);

static const struct gs_op writer[] = { { GS_WRITE, 4, DEV, 5 }, { GS_OFF } };
static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };

/* ---- in a child: no assertions, and results in one byte ------------------------------ */

static struct io_uring_sqe *get_sqe(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (!sqe)
		abort();
	return sqe;
}

/* The one completion of a command that was prepared, or -ETIME. */
static int submit(struct io_uring *ring)
{
	struct __kernel_timespec ts = { .tv_sec = GT_PATIENCE_S };
	struct io_uring_cqe *cqe;
	int ret;

	if (io_uring_submit(ring) < 1)
		return -EIO;
	ret = io_uring_wait_cqe_timeout(ring, &cqe, &ts);
	if (ret)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

static int ring_run(struct io_uring *ring, int fd, unsigned int sqe_flags)
{
	struct io_uring_sqe *sqe = get_sqe(ring);

	gh_uring_prep_run(sqe, fd, 0, 0);
	sqe->flags |= sqe_flags;
	return submit(ring);
}

static int ring_batch(struct io_uring *ring, int fd)
{
	struct gh_run_entry entry;
	int ret;

	gh_run_entry_init(&entry, fd, 0);
	gh_uring_prep_run_batch(get_sqe(ring), fd, &entry, 1, 0);
	ret = submit(ring);
	return ret == 1 ? entry.res : -EIO;
}

static int ioctl_batch(int fd)
{
	struct gh_run_entry entry;

	gh_run_entry_init(&entry, fd, 0);
	return gh_run_batch(fd, &entry, 1, 0) == 1 ? entry.res : -EIO;
}

static int ring_control(struct io_uring *ring, int fd)
{
	gh_uring_prep_kick(get_sqe(ring), fd);
	return submit(ring);
}

/*
 * Whether a process that is not the VM's is told so by every call: -EPERM, or minus the
 * step in which it is not.
 */
static int refused(struct io_uring *ring, int fd)
{
	if (gt_ioctl(fd, GH_VCPU_RUN, 0) != -EPERM)
		return -101;
	if (ring_run(ring, fd, 0) != -EPERM)
		return -102;
	if (ring_run(ring, fd, IOSQE_ASYNC) != -EPERM)
		return -103;
	if (ioctl_batch(fd) != -EPERM)
		return -104;
	if (ring_batch(ring, fd) != -EPERM)
		return -105;
	/* Control is anybody's. */
	if (ring_control(ring, fd) || gt_ioctl(fd, GH_VCPU_CANCEL, 0))
		return -106;
	return -EPERM;
}

static int wait_for(pid_t pid)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "status %#x", status);
	return WEXITSTATUS(status);
}

/* ---- a ring that a child inherited ---------------------------------------------------- */

/* The child's submission is the child's, whoever made the ring. */
GT_CASE(uring_shared, by_fork)
{
	struct io_uring ring;
	struct gt_vm vm;
	pid_t pid;

	gt_ring_init(&ring, 8, 0);
	GT_BOOT_SCRIPT(&vm, writer);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid)
		_exit(-refused(&ring, vm.vcpus[0].fd));
	GT_ERRNO(run_mm, EPERM, -wait_for(pid));
	gt_check_write(&gt_path_ioctl, &vm.vcpus[0], 4, DEV, 5, __LINE__);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* An SQPOLL ring's thread is of the process that made the ring, whoever submits. */
GT_CASE(uring_shared, by_fork_with_sqpoll)
{
	struct io_uring ring;
	struct gt_vm vm;
	pid_t pid;
	int i, res = 0;

	gt_ring_init(&ring, 8, IORING_SETUP_SQPOLL);
	GT_BOOT_SCRIPT(&vm, spinner);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		for (i = 0; i < 3 && res >= 0; i++)
			res = ring_run(&ring, vm.vcpus[0].fd, 0);
		_exit(res < 0 ? -res : gt_res(res));
	}
	cr_assert_eq(wait_for(pid), GH_URING_EXIT_PREEMPTED);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* ---- a descriptor that lived through exec --------------------------------------------- */

/* The program executed anew: before Criterion's main(). */
__attribute__((constructor)) static void after_exec(void)
{
	const char *fd = getenv(AFTER_EXEC);
	struct io_uring ring;

	if (!fd)
		return;
	if (io_uring_queue_init(8, &ring, 0))
		_exit(107);
	_exit(-refused(&ring, atoi(fd)));
}

/* The memory that the guest had is gone with the program, and so is the right to run it. */
GT_CASE(uring_shared, vcpu_that_lived_through_exec)
{
	long pinned = gt_pinned();
	char number[16];
	pid_t pid;

	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		struct gt_vm vm;

		GT_BOOT_SCRIPT(&vm, writer);
		snprintf(number, sizeof(number), "%d", vm.vcpus[0].fd);
		setenv(AFTER_EXEC, number, 1);
		fcntl(vm.vcpus[0].fd, F_SETFD, 0);
		execl("/proc/self/exe", "uring_shared", NULL);
		_exit(108);
	}
	GT_ERRNO(run_mm_exec, EPERM, -wait_for(pid));
	cr_assert_eq(gt_pinned(), pinned);
}

/* ---- at once ------------------------------------------------------------------------ */

/**
 * struct rival - a thread that runs a vCPU on a ring of its own, again and again
 * @busy: how often it was somebody else's
 * @ran: how often not
 * @odd: a result that is neither
 */
struct rival {
	struct gt_vcpu *vcpu;
	pthread_t thread;
	unsigned int busy, ran;
	int odd;
	bool stop;
};

static bool note_result(struct rival *r, int res)
{
	if (res == -EBUSY)
		__atomic_fetch_add(&r->busy, 1, __ATOMIC_RELAXED);
	else if (gt_res(res) == GH_URING_EXIT_PREEMPTED || res == -EINTR)
		__atomic_fetch_add(&r->ran, 1, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&r->odd, res, __ATOMIC_RELAXED);
	return res == -EBUSY;
}

static void *run_on_a_ring(void *arg)
{
	struct rival *r = arg;
	struct io_uring ring;

	if (io_uring_queue_init(4, &ring, 0))
		return NULL;
	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		/* An ioctl that has it does not give it back by itself. */
		if (note_result(r, ring_run(&ring, r->vcpu->fd, 0)))
			gt_ioctl(r->vcpu->fd, GH_VCPU_KICK, 0);
	}
	io_uring_queue_exit(&ring);
	return NULL;
}

static void start_rival(struct rival *r, struct gt_vcpu *vcpu)
{
	*r = (struct rival) { .vcpu = vcpu };
	cr_assert_eq(pthread_create(&r->thread, NULL, run_on_a_ring, r), 0);
}

static void stop_rival(struct rival *r)
{
	__atomic_store_n(&r->stop, true, __ATOMIC_RELAXED);
	pthread_join(r->thread, NULL);
	cr_assert_eq(r->odd, 0, "result %d", r->odd);
}

/* Each has met the other, and each has run. */
static bool met(struct rival *r, const struct rival *own)
{
	return __atomic_load_n(&r->busy, __ATOMIC_RELAXED) && own->busy &&
	       __atomic_load_n(&r->ran, __ATOMIC_RELAXED) && own->ran;
}

static void check_rivals(int (*run)(struct gt_vcpu *vcpu))
{
	uint64_t end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	struct rival other, own = { 0 };
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, spinner);
	start_rival(&other, &vm.vcpus[0]);
	while (!met(&other, &own)) {
		cr_assert_lt(gt_now_ns(), end, "ran %u and %u times, busy %u and %u times",
			     own.ran, other.ran, own.busy, other.busy);
		if (note_result(&own, run(&vm.vcpus[0])))
			usleep(100);
		cr_assert_eq(own.odd, 0, "result %d", own.odd);
	}
	stop_rival(&other);
	gt_vm_close(&vm);
}

static struct io_uring own_ring;

static int by_ring(struct gt_vcpu *vcpu)
{
	return ring_run(&own_ring, vcpu->fd, 0);
}

static int by_ioctl(struct gt_vcpu *vcpu)
{
	return gt_ioctl(vcpu->fd, GH_VCPU_RUN, 0);
}

static int by_batch(struct gt_vcpu *vcpu)
{
	return ioctl_batch(vcpu->fd);
}

GT_CASE(uring_shared, two_rings_at_once)
{
	gt_ring_init(&own_ring, 4, 0);
	check_rivals(by_ring);
	io_uring_queue_exit(&own_ring);
}

GT_CASE(uring_shared, ioctl_and_ring_at_once)
{
	check_rivals(by_ioctl);
}

GT_CASE(uring_shared, batch_and_ring_at_once)
{
	check_rivals(by_batch);
}

/* ---- submitters that die -------------------------------------------------------------- */

/* A guest that is woken every 100 us. */
static const struct gs_op napper[] = {
	{ GS_SLEEP, 0, 100000, 0 }, { GS_GOTO, 0, 0, 1 << 30 },
};

/* Runs it until it is killed, or ends by itself after @turns. Says when it begins. */
static void nap(unsigned int setup, unsigned int sqe_flags, unsigned int turns, int ready)
{
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;
	unsigned int i;

	gt_ring_init(&ring, 8, setup);
	GT_BOOT_SCRIPT(&vm, napper);
	cr_assert_eq(write(ready, "", 1), 1);
	for (i = 0; i < turns; i++) {
		if (ring_run(&ring, vm.vcpus[0].fd, sqe_flags) < 0)
			_exit(1);
	}
	/* The last one is in flight, running, parked or being woken. */
	sqe = get_sqe(&ring);
	gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
	sqe->flags |= sqe_flags;
	io_uring_submit(&ring);
	_exit(42);
}

static void die_once(unsigned int setup, unsigned int sqe_flags, unsigned int turns, bool killed)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid)
		nap(setup, sqe_flags, killed ? UINT32_MAX : turns, ready[1]);
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1, "the child did not begin");
	close(ready[0]);
	if (killed) {
		usleep(50 * turns);
		kill(pid, SIGKILL);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, killed ? SIGKILL : 42 << 8, "status %#x", status);
}

static void die_often(unsigned int setup, unsigned int sqe_flags)
{
	long pinned = gt_pinned(), vcpus = gt_vcpus_alive();
	unsigned int turns;
	int i;

	for (turns = 0; turns < 12; turns++) {
		die_once(setup, sqe_flags, turns, false);
		die_once(setup, sqe_flags, turns, true);
	}
	/* The ring of a dead process goes in the background. */
	for (i = 0; i < 200 && (gt_pinned() != pinned || gt_vcpus_alive() != vcpus); i++)
		usleep(100000);
	cr_assert_eq(gt_pinned(), pinned, "pages stay pinned");
	cr_assert_eq(gt_vcpus_alive(), vcpus, "a command holds its vCPU");
	cr_assert_eq(gt_modules_unload(), 0);
}

GT_CASE(uring_shared, submitter_dies_as_the_guest_is_woken)
{
	die_often(0, 0);
}

GT_CASE(uring_shared, submitter_dies_with_deferred_work)
{
	die_often(RING, 0);
}

GT_CASE(uring_shared, submitter_dies_with_a_worker)
{
	die_often(0, IOSQE_ASYNC);
}

GT_CASE(uring_shared, submitter_dies_with_sqpoll)
{
	die_often(IORING_SETUP_SQPOLL, 0);
}
