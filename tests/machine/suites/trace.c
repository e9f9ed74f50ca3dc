// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Every tracepoint of the host stack fires where it should. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

static void leave(int fd)
{
	int res;

	do {
		res = gh_run_once(fd, 0);
		cr_assert_geq(res, 0, "%s", strerror(-res));
	} while (res != GH_URING_EXIT_WAITING);
}

/* A vCPU that is left waits for its board, or nobody waits for it. */
GT_CASE(trace, the_wait_of_a_vcpu_on_a_board)
{
	static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
	struct gt_vm vm;
	int board, fd;

	trace_on();
	GT_BOOT_SCRIPT(&vm, sleeper);
	fd = vm.vcpus[0].fd;
	leave(fd);
	EXPECT("gh_vcpu_park", "", == 0);
	cr_assert_eq(gt_ioctl(fd, GH_VCPU_KICK, 0), 0);
	EXPECT("gh_vcpu_wake", "", == 0);
	board = gh_wake_board_new(fd, 1, -1);
	cr_assert_geq(board, 0);
	cr_assert_eq(gh_wake_board_set(fd, board, 0), 0);
	leave(fd);
	EXPECT("gh_vcpu_park", "vcpu=0 by=board", >= 1);
	write_file("trace", "\n");
	cr_assert_eq(gt_ioctl(fd, GH_VCPU_KICK, 0), 0);
	EXPECT("gh_vcpu_wake", "vcpu=0 by=board", == 1);
	EXPECT("gh_vcpu_park", "", == 0);
	close(board);
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
