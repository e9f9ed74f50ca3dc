// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Every tracepoint of the host stack fires where it should, and the time that a
 * guest runs is guest time of the process that runs it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gt.h"

#define DEV	GT_DEV_BASE
#define TRACING	"/sys/kernel/tracing/"

TestSuite(trace, .timeout = GT_TIMEOUT);

static void write_file(const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), TRACING "%s", name);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text), "%s: %s", path,
		     strerror(errno));
	close(fd);
}

static void trace_on(void)
{
	write_file("tracing_on", "1");
	write_file("events/gunyah_vcpu/enable", "1");
	write_file("events/gunyah_vm/enable", "1");
	write_file("trace", "\n");
}

static void trace_off(void)
{
	write_file("events/gunyah_vcpu/enable", "0");
	write_file("events/gunyah_vm/enable", "0");
}

/* How many events of this name have this text in their line. */
static int count(const char *event, const char *text)
{
	char line[512], want[64];
	FILE *f = fopen(TRACING "trace", "re");
	int n = 0;

	cr_assert_not_null(f);
	snprintf(want, sizeof(want), " %s: ", event);
	while (fgets(line, sizeof(line), f)) {
		char *at = strstr(line, want);

		n += at && strstr(at, text);
	}
	fclose(f);
	return n;
}

#define EXPECT(event, text, n) do {						\
	int n_ = count(event, text);						\
										\
	cr_assert(n_ n, "%s with '%s': %d times, expected " #n, event, text, n_);	\
} while (0)

/* ---- the flow ------------------------------------------------------------------- */

static const struct gs_op talker[] = {
	{ GS_READ, 8, DEV, 0 }, { GS_SLEEP, 0, 50000000, 0 }, { GS_WRITE, 2, DEV, 0x1234 },
	{ GS_SPIN, 0, 50000000, 0 }, { GS_OFF },
};

static void run_talker(const struct gt_path *path, const char *by)
{
	struct gt_vm vm;

	trace_on();
	GT_BOOT_SCRIPT(&vm, talker);
	gt_check_read(path, &vm.vcpus[0], 8, DEV, 0x77, __LINE__);
	EXPECT("gh_vcpu_run", "vcpu=0", >= 1);
	EXPECT("gh_vcpu_exit", "state=VMMIO_READ data=0xb000000,0x8,", == 1);
	gt_check_write(path, &vm.vcpus[0], 2, DEV, 0x1234, __LINE__);
	EXPECT("gh_vcpu_run", "resume=0x77", >= 1);
	EXPECT("gh_vcpu_exit", "state=EXPECTS_WAKEUP", >= 1);
	EXPECT("gh_vcpu_park", by, >= 1);
	EXPECT("gh_vcpu_wake", by, >= 1);
	EXPECT("gh_vcpu_exit", "state=VMMIO_WRITE data=0xb000000,0x2,", == 1);
	gt_check_status(path, &vm.vcpus[0], GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	EXPECT("gh_vcpu_exit", "state=READY", >= 1);
	EXPECT("gh_vcpu_slice", "left=", >= 1);
	EXPECT("gh_vcpu_kick", "", == 0);
	EXPECT("gh_vcpu_cancel", "", == 0);
	gt_vm_close(&vm);
	trace_off();
}

GT_CASE(trace, the_flow_by_ioctl)
{
	run_talker(&gt_path_ioctl, "by=ioctl");
	EXPECT("gh_vcpu_park", "by=command", == 0);
}

GT_CASE(trace, the_flow_by_ring)
{
	run_talker(&gt_path_ring, "by=command");
	EXPECT("gh_vcpu_park", "by=ioctl", == 0);
}

GT_CASE(trace, kick_and_cancel)
{
	static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, 0);
	trace_on();
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_ring_kick(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take_both(&ring, &vm.vcpus[0]), GH_URING_EXIT_RUNNABLE);
	EXPECT("gh_vcpu_kick", "vcpu=0 state=", == 1);
	EXPECT("gh_vcpu_cancel", "", == 0);
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_ring_cancel(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take_both(&ring, &vm.vcpus[0]), -ECANCELED);
	EXPECT("gh_vcpu_cancel", "vcpu=0 state=", == 1);
	/* The end of a ring is a cancel too. */
	gt_ring_park(&ring, &vm.vcpus[0]);
	io_uring_queue_exit(&ring);
	gt_vcpu_wait_for(&vm.vcpus[0], "idle");
	EXPECT("gh_vcpu_cancel", "vcpu=0 state=", == 2);
	gt_vm_close(&vm);
	trace_off();
}

GT_CASE(trace, a_command_that_waits_for_the_start)
{
	static const struct gs_op off[] = { { GS_OFF } };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, 0);
	trace_on();
	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	gt_vm_script(&vm, 0, off, 1);
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
	sqe->addr |= GH_URING_RUN_WAIT_START;
	gt_ring_submit(&ring, 1);
	EXPECT("gh_vcpu_park", "by=command", == 1);
	EXPECT("gh_vcpu_wake", "", == 0);
	gt_vm_start(&vm);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	EXPECT("gh_vcpu_wake", "by=command", == 1);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
	trace_off();
}

/* ---- the life of a VM ----------------------------------------------------------------- */

GT_CASE(trace, the_life_of_a_vm)
{
	static const struct gs_op off[] = { { GS_OFF } };
	char owner[32];
	struct gt_vm vm;

	snprintf(owner, sizeof(owner), "owner=%d", getpid());
	trace_on();
	GT_BOOT_SCRIPT(&vm, off);
	EXPECT("gh_vm_create", owner, == 1);
	EXPECT("gh_vm_state", "state=RUNNING", == 1);
	EXPECT("gh_vm_start", "ret=0", == 1);
	EXPECT("gh_rm_call", "msg=0x56000004 ret=0 error=0", == 1);
	gt_check_status(&gt_path_ioctl, &vm.vcpus[0], GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	EXPECT("gh_vm_state", "state=EXITED type=1", == 1);
	EXPECT("gh_vm_end", "", == 0);
	gt_vm_close(&vm);
	EXPECT("gh_vm_end", owner, == 1);
	trace_off();
}

GT_CASE(trace, a_vm_that_does_not_start)
{
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	memset(vm.ram + GT_DTB_OFFSET, 0, GT_DTB_SIZE);
	gt_vm_give(&vm);
	trace_on();
	cr_assert_lt(gt_start(vm.fd), 0);
	EXPECT("gh_vm_start", "ret=-", == 1);
	EXPECT("gh_vm_state", "state=FAILED", == 1);
	EXPECT("gh_vm_state", "state=RUNNING", == 0);
	gt_vm_close(&vm);
	trace_off();
}

/* ---- guest time -------------------------------------------------------------------------- */

#define PROC_STAT_UTIME	14
#define PROC_STAT_GTIME	43

/* A number of /proc/self/stat, counted from 1. */
static long proc_stat(int field)
{
	FILE *f = fopen("/proc/self/stat", "re");
	char text[1024], *at;
	int i;

	cr_assert_not_null(f);
	cr_assert_not_null(fgets(text, sizeof(text), f));
	fclose(f);
	/* The second field is a name in parentheses, with blanks perhaps. */
	at = strrchr(text, ')');
	cr_assert_not_null(at);
	for (i = 2; i < field; i++) {
		at = strchr(at + 1, ' ');
		cr_assert_not_null(at);
	}
	return strtol(at, NULL, 10);
}

/* CPU time of the process, in ns. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };

/*
 * Runs a guest that computes until the process has used 2 s more, and looks where the
 * kernel put them. Waking a worker for each slice can take longer than the slice, so an
 * eighth must do for all. Without accounting it is 0.
 */
static void check_guest_time(void (*run)(struct gt_vcpu *vcpu, uint64_t until))
{
	long hz = sysconf(_SC_CLK_TCK), guest = proc_stat(PROC_STAT_GTIME);
	long user = proc_stat(PROC_STAT_UTIME);
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, spinner);
	run(&vm.vcpus[0], cpu_ns() + 2000000000);
	guest = proc_stat(PROC_STAT_GTIME) - guest;
	user = proc_stat(PROC_STAT_UTIME) - user;
	cr_assert_gt(guest, 2 * hz / 8, "%ld of %ld ticks are the guest's", guest, 2 * hz);
	/* It is user time as well, as for every hypervisor. */
	cr_assert_geq(user, guest);
	gt_vm_close(&vm);
}

static void *cancel_at(void *arg)
{
	struct { struct gt_vcpu *vcpu; uint64_t until; } *job = arg;

	while (cpu_ns() < job->until)
		usleep(10000);
	gt_ioctl(job->vcpu->fd, GH_VCPU_CANCEL, 0);
	return NULL;
}

static void by_ioctl(struct gt_vcpu *vcpu, uint64_t until)
{
	struct { struct gt_vcpu *vcpu; uint64_t until; } job = { vcpu, until };
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, cancel_at, &job), 0);
	while (gt_ioctl(vcpu->fd, GH_VCPU_RUN, 0) == -EINTR)
		;
	pthread_join(thread, NULL);
}

static void by_ring(struct gt_vcpu *vcpu, uint64_t until, unsigned int ring_flags,
		    unsigned int sqe_flags)
{
	/* An SQPOLL ring's thread is to run the guest, and not to wait for work for long. */
	struct io_uring_params params = { .flags = ring_flags, .sq_thread_idle = 1 };
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	cr_assert_eq(io_uring_queue_init_params(8, &ring, &params), 0);
	while (cpu_ns() < until) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, vcpu->fd, 4000000, 0);
		sqe->flags |= sqe_flags;
		sqe->user_data = 0;
		/* An SQPOLL ring may not have counted the one before. */
		cr_assert_geq(io_uring_submit(&ring), 1);
		cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_PREEMPTED);
	}
	io_uring_queue_exit(&ring);
}

static void inline_ring(struct gt_vcpu *vcpu, uint64_t until)
{
	by_ring(vcpu, until, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0);
}

static void workers(struct gt_vcpu *vcpu, uint64_t until)
{
	by_ring(vcpu, until, 0, IOSQE_ASYNC);
}

/* In the ring's thread, which is one of this process. */
static void sqpoll(struct gt_vcpu *vcpu, uint64_t until)
{
	by_ring(vcpu, until, IORING_SETUP_SQPOLL, 0);
}

static void check_batch(const struct gh_run_entry *entries, int n)
{
	int i;

	cr_assert_geq(n, 1, "batch: %d", n);
	for (i = 0; i < n; i++)
		cr_assert_eq(gt_res(entries[i].res), GH_URING_EXIT_PREEMPTED, "entry %d: %d", i,
			     entries[i].res);
}

static void init_batch(struct gt_vcpu *vcpu, struct gh_run_entry *entries, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		gh_run_entry_init(&entries[i], vcpu->fd, 4000000);
}

static void batches_by_ioctl(struct gt_vcpu *vcpu, uint64_t until)
{
	struct gh_run_entry entries[2];

	while (cpu_ns() < until) {
		init_batch(vcpu, entries, GT_ARRAY_SIZE(entries));
		check_batch(entries,
			    gh_run_batch(vcpu->fd, entries, GT_ARRAY_SIZE(entries), 0));
	}
}

static void batches_by_ring(struct gt_vcpu *vcpu, uint64_t until)
{
	struct gh_run_entry entries[2];
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	gt_ring_init(&ring, 8, 0);
	while (cpu_ns() < until) {
		init_batch(vcpu, entries, GT_ARRAY_SIZE(entries));
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run_batch(sqe, vcpu->fd, entries, GT_ARRAY_SIZE(entries), 0);
		sqe->user_data = 0;
		gt_ring_submit(&ring, 1);
		check_batch(entries, gt_ring_take(&ring, 0));
	}
	io_uring_queue_exit(&ring);
}

GT_CASE(trace, guest_time_by_ioctl)
{
	check_guest_time(by_ioctl);
}

GT_CASE(trace, guest_time_by_ring)
{
	check_guest_time(inline_ring);
}

GT_CASE(trace, guest_time_of_workers)
{
	check_guest_time(workers);
}

GT_CASE(trace, guest_time_by_sqpoll)
{
	check_guest_time(sqpoll);
}

GT_CASE(trace, guest_time_of_batches_by_ioctl)
{
	check_guest_time(batches_by_ioctl);
}

GT_CASE(trace, guest_time_of_batches_by_ring)
{
	check_guest_time(batches_by_ring);
}

/* A process whose guest sleeps has none, and one without a guest neither. */
GT_CASE(trace, no_guest_time_without_a_guest)
{
	volatile uint64_t sum = 0;
	uint64_t until = cpu_ns() + 500000000;

	while (cpu_ns() < until)
		sum += until;
	cr_assert_eq(proc_stat(PROC_STAT_GTIME), 0);
}
