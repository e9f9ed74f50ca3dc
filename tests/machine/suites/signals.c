// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Signals: no answer and no exit is lost, whenever one comes. The moments that are
 * rare on a machine are made here by the monitor, so each test meets its own.
 *
 * 'make test-published' runs this suite against the published logic, in which the
 * answer_* and the exit_* tests fail: tests/machine/scripts/test-published.sh.
 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "gt_scn.h"

#define DEV	GT_DEV_BASE
#define ANSWER	0x1122334455667788ULL
#define WRONG	0xbadbadbadbadbadbULL
/* The guest has left long before, and the monitor holds its exit long after. */
#define SIGNAL_US	50000
#define LINGER_US	200000

TestSuite(signals, .timeout = GT_TIMEOUT);

static const struct gs_op reader[] = {
	{ GS_READ, 8, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 0 }, { GS_OFF },
};

static const struct gs_op writer[] = {
	{ GS_WRITE, 8, DEV, 1 }, { GS_WRITE, 8, DEV, 2 }, { GS_WRITE, 8, DEV, 3 }, { GS_OFF },
};

static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };

static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };

static volatile sig_atomic_t signals;

static void on_alarm(int sig)
{
	(void)sig;
	signals++;
}

/* Calls are restarted, as most programs want it, unless @flags is 0. */
static void handle_alarm(int flags)
{
	const struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };

	signals = 0;
	cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
}

static void alarm_once(unsigned int us)
{
	const struct itimerval when = { .it_value = { .tv_usec = us } };

	cr_assert_eq(setitimer(ITIMER_REAL, &when, NULL), 0);
}

static void expect_off(struct gt_vm *vm)
{
	gt_check_status(&gt_path_ioctl, &vm->vcpus[0], GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	gt_vm_close(vm);
}

/* ---- the answer to a read ------------------------------------------------------------ */

/* The page is scribbled over: the answer was taken, and must be the driver's now. */
static void expect_answer(struct gt_vm *vm)
{
	struct gt_vcpu *vcpu = &vm->vcpus[0];
	uint64_t wrong = WRONG;

	memcpy(vcpu->run->mmio.data, &wrong, sizeof(wrong));
	gt_check_write(&gt_path_ioctl, vcpu, 8, DEV + 8, ANSWER, __LINE__);
	expect_off(vm);
}

/* The run that has the answer ends before it enters the guest. */
static void answer_survives_immediate_exit(const struct gt_path *path)
{
	struct gt_vcpu *vcpu;
	struct gt_exit exit;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, reader);
	vcpu = &vm.vcpus[0];
	gt_check_read(path, vcpu, 8, DEV, ANSWER, __LINE__);
	vcpu->run->immediate_exit = 1;
	path->once(vcpu, &exit);
	cr_assert_eq(exit.kind, GT_EXIT_INTR);
	vcpu->run->immediate_exit = 0;
	expect_answer(&vm);
}

GT_SCN_CASE(signals, answer_survives_immediate_exit)
{
	answer_survives_immediate_exit(&gt_path_ioctl);
	answer_survives_immediate_exit(&gt_path_once);
}

/* The hypervisor does not take the answer yet, and then there is a signal. */
GT_SCN_CASE(signals, answer_survives_a_signal)
{
	struct gt_vcpu *vcpu;
	struct gt_exit exit;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, reader);
	vcpu = &vm.vcpus[0];
	gt_check_read(&gt_path_ioctl, vcpu, 8, DEV, ANSWER, __LINE__);
	GT_SCN(.kind = GH_SCN_RUN, .vmid = gt_vm_number(&vm), .error = GT_HVC_RETRY,
	       .count = GH_SCN_FOREVER);
	handle_alarm(0);
	alarm_once(SIGNAL_US);
	gt_path_ioctl.once(vcpu, &exit);
	cr_assert_eq(exit.kind, GT_EXIT_INTR);
	cr_assert_eq(signals, 1);
	gt_scn_clear();
	expect_answer(&vm);
}

GT_SCN_CASE(signals, answer_survives_on_a_ring)
{
	answer_survives_immediate_exit(&gt_path_ring_sqe);
}

/* ---- the exit -------------------------------------------------------------------- */

/*
 * Runs the vCPU once, with a signal that comes between its exit and the driver's look
 * at it. Came it before the exit, which a slow machine can do, it is tried again.
 */
static void run_into_signal(const struct gt_path *path, struct gt_vm *vm, struct gt_exit *exit)
{
	GT_SCN(.kind = GH_SCN_RUN, .vmid = gt_vm_number(vm), .flags = GH_SCN_LINGER,
	       .delay_us = LINGER_US);
	handle_alarm(SA_RESTART);
	do {
		signals = 0;
		alarm_once(SIGNAL_US);
		path->once(&vm->vcpus[0], exit);
	} while (exit->kind != GT_EXIT_MMIO && exit->kind != GT_EXIT_ERROR &&
		 exit->kind != GT_EXIT_STATUS);
	alarm_once(0);
	cr_assert_eq(signals, 1, "the signal did not come in time");
}

static void write_exit(const struct gt_path *path)
{
	char text[GT_EXIT_TEXT];
	struct gt_exit exit;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, writer);
	gt_check_write(path, &vm.vcpus[0], 8, DEV, 1, __LINE__);
	run_into_signal(path, &vm, &exit);
	gt_exit_text(&exit, text);
	cr_assert_eq(exit.kind, GT_EXIT_MMIO, "%s", text);
	cr_assert_eq(exit.data, 2, "%s: the write of 2 was dropped", text);
	gt_check_write(path, &vm.vcpus[0], 8, DEV, 3, __LINE__);
	expect_off(&vm);
}

static void read_exit(const struct gt_path *path)
{
	char text[GT_EXIT_TEXT];
	struct gt_exit exit;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, reader);
	run_into_signal(path, &vm, &exit);
	gt_exit_text(&exit, text);
	cr_assert_eq(exit.kind, GT_EXIT_MMIO, "%s", text);
	cr_assert_not(exit.write, "%s: the read was answered by nobody", text);
	gt_answer(&vm.vcpus[0], ANSWER);
	gt_check_write(path, &vm.vcpus[0], 8, DEV + 8, ANSWER, __LINE__);
	expect_off(&vm);
}

GT_SCN_CASE(signals, exit_of_a_write_is_delivered)
{
	write_exit(&gt_path_ioctl);
}

GT_SCN_CASE(signals, exit_of_a_read_is_delivered)
{
	read_exit(&gt_path_ioctl);
}

GT_SCN_CASE(signals, by_one_run_exits_are_delivered)
{
	write_exit(&gt_path_once);
	read_exit(&gt_path_once);
}

GT_SCN_CASE(signals, on_a_ring_exits_are_delivered)
{
	write_exit(&gt_path_ring);
	read_exit(&gt_path_ring_sqe);
}

/* ---- and a signal does end a run ------------------------------------------------- */

static void ends(const struct gs_op *ops, size_t n)
{
	struct gt_exit exit;
	struct gt_vm vm;
	int i;

	gt_vm_boot_script(&vm, ops, n);
	handle_alarm(0);
	for (i = 1; i <= 10; i++) {
		alarm_once(SIGNAL_US);
		while (signals < i) {
			gt_path_ioctl.once(&vm.vcpus[0], &exit);
			cr_assert_eq(exit.kind, GT_EXIT_INTR);
		}
	}
	gt_vm_close(&vm);
}

GT_SCN_CASE(signals, end_a_guest_that_computes)
{
	ends(spinner, GT_ARRAY_SIZE(spinner));
}

GT_SCN_CASE(signals, end_the_sleep_of_an_idle_guest)
{
	ends(sleeper, GT_ARRAY_SIZE(sleeper));
}
