// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A VM that ends at the worst moment, and a resource manager that says things nobody
 * asked for. Each end is one STATUS, everything is given back, and other VMs go on.
 */
#include <errno.h>
#include <unistd.h>

#include "gt_board.h"
#include "gt_fn.h"
#include "gt_scn.h"

#define DEV	GT_DEV_BASE
#define NONE	GH_VM_EXIT_TYPE_NONE
#define RPC_MS	300

/* The resource manager's exit types beside those of gt_run.h. */
#define TYPE_WATCHDOG	4

TestSuite(hostile_death, .timeout = 2 * GT_TIMEOUT);

static const struct gt_path *const paths[] = { &gt_path_ioctl, &gt_path_ring };

static const struct gs_op writer[] = {
	{ GS_WRITE, 4, DEV, 1 }, { GS_WRITE, 4, DEV, 2 }, { GS_OFF },
};

static const struct gs_op reader[] = { { GS_READ, 4, DEV, 0 }, { GS_SPIN, 0, 0, 0 } };

static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };

static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };

#define KILL(vm, type)	\
	GT_SCN(.kind = GH_SCN_KILL, .vmid = gt_vm_number(vm), .word = (type))
#define ON_REPLY(request, ...)	GT_SCN(.kind = GH_SCN_REPLY, .id = (request), __VA_ARGS__)

static void expect_crash(const struct gt_path *path, struct gt_vm *vm, uint16_t type)
{
	int i;

	for (i = 0; i < 2; i++)
		gt_check_status(path, &vm->vcpus[0], GH_VM_STATUS_CRASHED, type, __LINE__);
}

static void expect_exit(const struct gt_path *path, struct gt_vm *vm, uint16_t type)
{
	int i;

	for (i = 0; i < 2; i++)
		gt_check_status(path, &vm->vcpus[0], GH_VM_STATUS_EXITED, type, __LINE__);
}

/* ---- before and during the start ------------------------------------------------- */

/* Each step up fails because the VM is over. */
GT_SCN_CASE(hostile_death, before_the_start)
{
	static const uint32_t steps[] = { GT_RM_CONFIG, GT_RM_INIT, GT_RM_RESOURCES, GT_RM_START };
	struct gt_exit exit;
	struct gt_vm vm;
	size_t i;

	for (i = 0; i < GT_ARRAY_SIZE(steps); i++) {
		ON_REPLY(steps[i], .flags = GH_SCN_NOT_DONE, .word = 0x14);
		gt_vm_create(&vm);
		gt_vm_fill(&vm, "script", 1);
		gt_vm_give(&vm);
		gt_vm_add_vcpu(&vm, 0);
		cr_assert_eq(gt_start(vm.fd), -EBUSY);
		gt_run(&gt_path_ring, &vm.vcpus[0], &exit);
		cr_assert_eq(exit.err, -ENODEV);
		gt_vm_close(&vm);
		gt_scn_clear();
	}
}

/* VM_EXITED is there before VM_START is answered. */
GT_SCN_CASE(hostile_death, during_the_start)
{
	struct gt_vm vm;
	size_t p;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		ON_REPLY(GT_RM_START, .flags = GH_SCN_KILL_AFTER);
		GT_BOOT_SCRIPT(&vm, writer);
		expect_exit(paths[p], &vm, GT_TYPE_OFF);
		gt_vm_close(&vm);
	}
}

/* A command that waits for the start of a VM which ends in it. */
GT_SCN_CASE(hostile_death, while_a_command_waits_for_the_start)
{
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 4, 0);
	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
	sqe->addr = GH_URING_RUN_WAIT_START;
	sqe->user_data = 5;
	gt_ring_submit(&ring, 1);
	ON_REPLY(GT_RM_START, .flags = GH_SCN_KILL_AFTER);
	gt_vm_start(&vm);
	cr_assert_eq(gt_ring_take(&ring, 5), GH_URING_EXIT_RUNNABLE);
	expect_exit(&gt_path_ring, &vm, GT_TYPE_OFF);
	io_uring_queue_exit(&ring);
	gt_vm_close(&vm);
}

/* ---- while it runs and while it waits -------------------------------------------- */

struct killer {
	struct gt_vm *vm;
	uint32_t type;
	uint64_t when;
	pthread_t thread;
};

static void *kill_later(void *arg)
{
	struct killer *k = arg;

	usleep(200000);
	k->when = gt_now_ns();
	KILL(k->vm, k->type);
	return NULL;
}

static void dies(const struct gt_path *path, const struct gs_op *ops, size_t n, uint32_t type,
		 uint32_t status)
{
	struct gt_other other;
	struct gt_vm vm;
	struct killer k = { .vm = &vm, .type = type };
	uint64_t took;

	gt_other_start(&other);
	gt_vm_boot_script(&vm, ops, n);
	cr_assert_eq(pthread_create(&k.thread, NULL, kill_later, &k), 0);
	gt_check_status(path, &vm.vcpus[0], status, type, __LINE__);
	took = gt_now_ns();
	pthread_join(k.thread, NULL);
	took = (took - k.when) / 1000000;
	cr_assert_lt(took, 1500, "took %llu ms", (unsigned long long)took);
	gt_other_check(&other, 3000);
	gt_vm_close(&vm);
	gt_other_stop(&other);
}

GT_SCN_CASE(hostile_death, while_running)
{
	size_t p;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		dies(paths[p], spinner, 1, TYPE_WATCHDOG, GH_VM_STATUS_EXITED);
		dies(paths[p], spinner, 1, GT_TYPE_ERROR, GH_VM_STATUS_CRASHED);
	}
}

GT_SCN_CASE(hostile_death, while_parked)
{
	size_t p;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++)
		dies(paths[p], sleeper, GT_ARRAY_SIZE(sleeper), 0, GH_VM_STATUS_EXITED);
}

/* Some wait, none is forgotten, also when the hypervisor does not wake them. */
GT_SCN_CASE(hostile_death, with_parked_commands_that_nobody_wakes)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 4, 0);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_park(&ring, &vm.vcpus[0]);
	GT_SCN(.kind = GH_SCN_WAKE, .vmid = gt_vm_number(&vm), .count = GH_SCN_FOREVER);
	KILL(&vm, GT_TYPE_ERROR);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	expect_crash(&gt_path_ring, &vm, GT_TYPE_ERROR);
	io_uring_queue_exit(&ring);
	gt_vm_close(&vm);
}

/* So is it where the board alone would tell. */
GT_SCN_CASE(hostile_death, with_vcpus_on_a_board_that_nobody_wakes)
{
	struct gt_board b;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_board_open(&b, &vm.vcpus[0], GT_BOARD_BITS, gt_eventfd());
	gt_board_put(&b, &vm.vcpus[0], 1);
	gt_leave_on(&b, &vm.vcpus[0], 1);
	GT_SCN(.kind = GH_SCN_WAKE, .vmid = gt_vm_number(&vm), .count = GH_SCN_FOREVER);
	KILL(&vm, GT_TYPE_ERROR);
	gt_board_expect_bit(&b, 1);
	expect_crash(&gt_path_once, &vm, GT_TYPE_ERROR);
	gt_vm_close(&vm);
	gt_board_close(&b);
}

/* Between an exit and its answer. */
GT_SCN_CASE(hostile_death, with_a_read_pending)
{
	struct gt_vm vm;
	size_t p;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		GT_BOOT_SCRIPT(&vm, reader);
		gt_check_read(paths[p], &vm.vcpus[0], 4, DEV, 1, __LINE__);
		KILL(&vm, GT_TYPE_ERROR);
		expect_crash(paths[p], &vm, GT_TYPE_ERROR);
		gt_vm_close(&vm);
	}
}

/* The vCPU is off for good, and the report that says why is lost. */
GT_SCN_CASE(hostile_death, without_a_report)
{
	struct gt_vm vm;
	size_t p;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		GT_BOOT_SCRIPT(&vm, spinner);
		GT_SCN(.kind = GH_SCN_NOTIFICATION, .id = GT_NOTE_EXITED, .flags = GH_SCN_DROP);
		KILL(&vm, GT_TYPE_ERROR);
		expect_crash(paths[p], &vm, NONE);
		gt_vm_close(&vm);
	}
}

/*
 * The queue could not be read when the report came, or had so much in it that the driver
 * gave up for a while. No other message follows, and no request is in flight.
 */
GT_SCN_CASE(hostile_death, with_a_report_that_is_left_in_the_queue)
{
	static const struct gh_scenario lies[] = {
		{ .error = 36 }, { .error = GT_HVC_RETRY }, { .error = 36, .count = 5 },
		{ .x = { 0, 1 }, .count = 1024 },
	};
	struct gh_scenario s;
	struct gt_vm vm;
	size_t i;
	int hook;

	for (i = 0; i < GT_ARRAY_SIZE(lies); i++) {
		GT_BOOT_SCRIPT(&vm, spinner);
		s = lies[i];
		s.kind = GH_SCN_HYPERCALL;
		s.id = GT_CALL_MSGQ_RECV;
		hook = gt_scn_arm(&s);
		KILL(&vm, TYPE_WATCHDOG);
		expect_exit(&gt_path_ring, &vm, TYPE_WATCHDOG);
		cr_assert_eq(gt_scn_hits(hook), s.count ? s.count : 1);
		gt_vm_close(&vm);
		gt_scn_clear();
	}
}

/* The report comes late: what was unknown is known then. */
GT_SCN_CASE(hostile_death, with_a_late_report)
{
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, spinner);
	GT_SCN(.kind = GH_SCN_NOTIFICATION, .id = GT_NOTE_EXITED, .flags = GH_SCN_HOLD);
	KILL(&vm, TYPE_WATCHDOG);
	expect_crash(&gt_path_ring, &vm, NONE);
	GT_SCN(.kind = GH_SCN_RELEASE);
	usleep(300000);
	expect_exit(&gt_path_ring, &vm, TYPE_WATCHDOG);
	gt_vm_close(&vm);
}

/* ---- on the way down ------------------------------------------------------------- */

GT_SCN_CASE(hostile_death, during_the_stop)
{
	struct gt_vm vm;
	int hook;

	gt_rpc_timeout(RPC_MS);
	GT_BOOT_SCRIPT(&vm, spinner);
	hook = ON_REPLY(GT_RM_STOP, .flags = GH_SCN_KILL_BEFORE);
	gt_vm_close(&vm);
	cr_assert_eq(gt_scn_hits(hook), 1);
	/* The same, and nobody says so. */
	GT_BOOT_SCRIPT(&vm, spinner);
	ON_REPLY(GT_RM_STOP, .flags = GH_SCN_KILL_BEFORE);
	GT_SCN(.kind = GH_SCN_NOTIFICATION, .id = GT_NOTE_EXITED, .flags = GH_SCN_DROP);
	gt_vm_close(&vm);
	/* Stopped, and the report of that is lost. */
	GT_BOOT_SCRIPT(&vm, spinner);
	GT_SCN(.kind = GH_SCN_NOTIFICATION, .id = GT_NOTE_EXITED, .flags = GH_SCN_DROP);
	gt_vm_close(&vm);
}

/* GH_VM_STOP says whether all is back; what the RM keeps can never be started again. */
GT_SCN_CASE(hostile_death, during_a_stop_by_the_user)
{
	struct gt_vm vm;

	gt_rpc_timeout(RPC_MS);
	GT_BOOT_SCRIPT(&vm, spinner);
	ON_REPLY(GT_RM_STOP, .flags = GH_SCN_KILL_BEFORE | GH_SCN_DROP);
	cr_assert_eq(gt_ioctl(vm.fd, GH_VM_STOP, 0), 0);
	gt_vm_close(&vm);
	GT_BOOT_SCRIPT(&vm, spinner);
	ON_REPLY(GT_RM_RESET, .flags = GH_SCN_NOT_DONE, .word = 3);
	GT_ERRNO(stop_kept, EIO, gt_ioctl(vm.fd, GH_VM_STOP, 0));
	cr_assert_eq(gt_start(vm.fd), -ENODEV);
	gt_vm_close(&vm);
	gt_scn_lost = GT_RAM_PAGES;
}

/*
 * The RM has taken the parcel back and its answer is lost: the handle can be another
 * VM's by now, so it is not asked again, and the pages count as lost.
 */
GT_SCN_CASE(hostile_death, reclaim_is_not_repeated)
{
	struct gt_vm vm;
	int hook;

	gt_rpc_timeout(RPC_MS);
	GT_BOOT_SCRIPT(&vm, spinner);
	ON_REPLY(GT_RM_RECLAIM, .flags = GH_SCN_DROP);
	cr_assert_eq(gt_ioctl(vm.fd, GH_VM_STOP, 0), -EIO);
	hook = ON_REPLY(GT_RM_RECLAIM, .count = GH_SCN_FOREVER);
	gt_vm_close(&vm);
	cr_assert_eq(gt_scn_hits(hook), 0, "%u more", gt_scn_hits(hook));
	gt_scn_lost = GT_RAM_PAGES;
	gt_scn_clear();
	/* A refusal is an answer: what is refused once may be given the next time. */
	GT_BOOT_SCRIPT(&vm, spinner);
	ON_REPLY(GT_RM_RECLAIM, .flags = GH_SCN_NOT_DONE, .word = 5);
	cr_assert_eq(gt_ioctl(vm.fd, GH_VM_STOP, 0), -EIO);
	gt_vm_close(&vm);
}

/* Every status of the way down is lost, one after the other and all. */
GT_SCN_CASE(hostile_death, during_the_reset)
{
	struct gt_vm vm;
	unsigned int i;

	gt_rpc_timeout(RPC_MS);
	for (i = 0; i < 4; i++) {
		GT_BOOT_SCRIPT(&vm, spinner);
		GT_SCN(.kind = GH_SCN_NOTIFICATION, .id = GT_NOTE_STATUS, .flags = GH_SCN_DROP,
		       .skip = i, .count = i < 3 ? 1 : GH_SCN_FOREVER);
		gt_vm_close(&vm);
		gt_scn_clear();
		GT_BOOT_SCRIPT(&vm, spinner);
		GT_SCN(.kind = GH_SCN_NOTIFICATION, .id = GT_NOTE_STATUS, .flags = GH_SCN_DROP,
		       .count = GH_SCN_FOREVER);
		ON_REPLY(GT_RM_RESET, .flags = GH_SCN_KILL_BEFORE);
		gt_vm_close(&vm);
		gt_scn_clear();
	}
}

/* ---- what nobody asked for ------------------------------------------------------- */

struct exited {
	uint16_t vmid, type;
	uint32_t size, words[4];
};

struct status {
	uint16_t vmid, reserved;
	uint8_t vm, os;
	uint16_t app;
};

static void say_exited(uint16_t vmid, uint32_t lie, size_t words)
{
	struct exited e = { .vmid = vmid, .type = 5, .size = lie };

	gt_rm_say(3, GT_NOTE_EXITED, &e, 8 + words * sizeof(e.words[0]));
}

static void say_status(uint16_t vmid, uint8_t vm)
{
	struct status s = { .vmid = vmid, .vm = vm };

	gt_rm_say(3, GT_NOTE_STATUS, &s, sizeof(s));
}

/* Of other VMs, of none, and of this one with sizes that lie: the VM goes on. */
GT_SCN_CASE(hostile_death, notifications_that_are_wrong)
{
	static const uint32_t lies[] = { 0, 1, 3, 5, 8, 12, 0x7fffffff, 0x80000000, 0xffffffff };
	uint8_t junk[232];
	struct gt_vm vm;
	uint16_t vmid;
	size_t i;

	GT_BOOT_SCRIPT(&vm, writer);
	vmid = gt_vm_number(&vm);
	say_exited(0, 4, 1);
	say_exited(3, 4, 1);
	say_exited(255, 4, 1);
	say_exited(vmid + 1, 4, 1);
	say_exited(0xffff, 4, 1);
	for (i = 0; i < GT_ARRAY_SIZE(lies); i++)
		say_exited(vmid, lies[i], 1);
	for (i = 0; i < 256; i++)
		say_status(vmid + 1, i);
	memset(junk, 0xff, sizeof(junk));
	for (i = 0; i < 8; i++) {
		gt_rm_say(3, GT_NOTE_EXITED, junk, i);
		gt_rm_say(3, GT_NOTE_STATUS, junk, i);
		gt_rm_say(3, GT_NOTE_RELEASED, junk, i);
	}
	gt_rm_say(3, GT_NOTE_RELEASED, junk, 12);
	gt_rm_say(3, 0x56100002, junk, 4);
	gt_rm_say(3, 0xdeadbeef, junk, sizeof(junk));
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV, 1, __LINE__);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV, 2, __LINE__);
	expect_exit(&gt_path_ring, &vm, GT_TYPE_OFF);
	gt_vm_close(&vm);
}

/* Every header that can be, in front of nothing. */
GT_SCN_CASE(hostile_death, messages_that_are_wrong)
{
	uint8_t msg[GH_SCN_MSG] = { 0x21 };
	struct gt_other other;
	struct gt_vm vm;
	unsigned int i;

	gt_other_start(&other);
	GT_BOOT_SCRIPT(&vm, writer);
	for (i = 1; i < 12; i++)
		gt_rm_say_raw(msg, i);
	for (i = 0; i < 256; i++) {
		gt_rm_message(msg, i, GT_NOTE_EXITED, NULL, 0);
		gt_rm_say_raw(msg, 8 + i % 3);
		gt_rm_message(msg, i, GT_RM_START, NULL, 0);
		gt_rm_say_raw(msg, GH_SCN_MSG);
		msg[0] = i;
		gt_rm_say_raw(msg, 8);
	}
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV, 1, __LINE__);
	gt_other_check(&other, 3000);
	gt_vm_close(&vm);
	gt_other_stop(&other);
}

/* Thousands of them. A message that waits for its turn is only later. */
GT_SCN_CASE(hostile_death, flood_of_notifications)
{
	struct gt_other other;
	struct gt_vm vm;
	int i;

	gt_other_start(&other);
	for (i = 0; i < 5000; i++)
		say_status(other.vm.fd, i);
	GT_BOOT_SCRIPT(&vm, writer);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV, 1, __LINE__);
	gt_other_check(&other, 3000);
	gt_vm_close(&vm);
	gt_other_stop(&other);
}

/* All statuses of a VM that are not true. Only what it asked for counts. */
GT_SCN_CASE(hostile_death, statuses_that_are_not_true)
{
	struct gt_vm vm;
	unsigned int i;

	GT_BOOT_SCRIPT(&vm, writer);
	for (i = 0; i < 256; i++)
		say_status(gt_vm_number(&vm), i);
	say_status(gt_vm_number(&vm), 11);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV, 1, __LINE__);
	gt_vm_close(&vm);
}

/* An end that is none: the VM is over for its runner, and then really. */
GT_SCN_CASE(hostile_death, exit_that_is_not_true)
{
	struct gt_vm vm;
	size_t p;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		GT_BOOT_SCRIPT(&vm, spinner);
		say_exited(gt_vm_number(&vm), 4, 1);
		usleep(300000);
		expect_crash(paths[p], &vm, GT_TYPE_ERROR);
		gt_vm_close(&vm);
	}
}

/* A reply that is late by one request, and by the end of the VM. */
GT_SCN_CASE(hostile_death, late_replies)
{
	static const uint32_t ids[] = { GT_RM_INIT, GT_RM_START, GT_RM_RECLAIM, GT_RM_RESET };
	struct gt_vm vm;
	size_t i;

	gt_rpc_timeout(RPC_MS);
	for (i = 0; i < GT_ARRAY_SIZE(ids); i++) {
		ON_REPLY(ids[i], .flags = GH_SCN_HOLD);
		GT_BOOT_SCRIPT(&vm, writer);
		if (i < 2)
			GT_SCN(.kind = GH_SCN_RELEASE);
		gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV, 1, __LINE__);
		gt_vm_close(&vm);
		GT_SCN(.kind = GH_SCN_RELEASE);
		gt_scn_clear();
		gt_scn_lost += ids[i] == GT_RM_RECLAIM ? (long)GT_RAM_PAGES : 0;
	}
}
