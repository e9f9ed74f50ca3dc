// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A hypervisor that answers VCPU_RUN with anything. Each test runs by ioctl and on a
 * ring, with another VM beside it that must not notice.
 */
#include <errno.h>
#include <unistd.h>

#include "gt_board.h"
#include "gt_scn.h"

#define DEV	GT_DEV_BASE
#define ANSWER	0x1122334455667788ULL
#define NONE	GH_VM_EXIT_TYPE_NONE

/* How long the driver says that it waits: kernel/gunyah_vcpu.h. */
#define STALL_MS	5000
#define REPORT_MS	2000
#define OFF_MS		5000

TestSuite(hostile_run, .timeout = 2 * GT_TIMEOUT);

static const struct gt_path *const paths[] = { &gt_path_ioctl, &gt_path_once, &gt_path_ring };

static const struct gs_op reader[] = {
	{ GS_READ, 8, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 0 }, { GS_OFF },
};

static const struct gs_op writer[] = {
	{ GS_WRITE, 8, DEV, 1 }, { GS_WRITE, 8, DEV + 8, 2 }, { GS_OFF },
};

static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };

#define RUN_HOOK(vm, ...)	\
	GT_SCN(.kind = GH_SCN_RUN, .vmid = gt_vm_number(vm), __VA_ARGS__)

static unsigned int ms_since(uint64_t begin)
{
	return (gt_now_ns() - begin) / 1000000;
}

static void expect_off(const struct gt_path *path, struct gt_vm *vm)
{
	gt_check_status(path, &vm->vcpus[0], GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	gt_vm_close(vm);
}

/* ---- states ------------------------------------------------------------------------ */

static void impossible(const struct gt_path *path, uint64_t state, uint64_t addr, uint64_t len)
{
	struct gt_vm vm;
	int hook, i;

	GT_BOOT_SCRIPT(&vm, writer);
	hook = RUN_HOOK(&vm, .count = GH_SCN_FOREVER, .x = { state, addr, len, ~0ULL });
	for (i = 0; i < 3; i++)
		gt_check_status(path, &vm.vcpus[0], GH_VM_STATUS_CRASHED, NONE, __LINE__);
	cr_assert_eq(gt_scn_hits(hook), 1, "entered again after state %#llx, length %#llx",
		     (unsigned long long)state, (unsigned long long)len);
	gt_scn_clear();
	gt_check_status(path, &vm.vcpus[0], GH_VM_STATUS_CRASHED, NONE, __LINE__);
	gt_vm_close(&vm);
}

GT_SCN_CASE(hostile_run, unknown_states)
{
	static const uint64_t states[] = {
		7, 8, 0x99, 0xff, 0x101, 0x10000, 1ULL << 32, (1ULL << 32) | 4, 1ULL << 63, ~0ULL,
	};
	struct gt_other other;
	size_t p, i;

	gt_other_start(&other);
	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		for (i = 0; i < GT_ARRAY_SIZE(states); i++)
			impossible(paths[p], states[i], DEV, 4);
	}
	gt_other_check(&other, 4000);
	gt_other_stop(&other);
}

GT_SCN_CASE(hostile_run, mmio_of_impossible_length)
{
	static const uint64_t lengths[] = {
		0, 3, 5, 6, 7, 9, 16, 32, 64, 0x100, (1ULL << 32) | 4, 1ULL << 63, ~0ULL,
	};
	size_t p, i;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		for (i = 0; i < GT_ARRAY_SIZE(lengths); i++) {
			impossible(paths[p], 4, DEV, lengths[i]);
			impossible(paths[p], 5, DEV, lengths[i]);
		}
	}
}

GT_SCN_CASE(hostile_run, mmio_that_wraps)
{
	size_t p;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		impossible(paths[p], 4, ~0ULL, 2);
		impossible(paths[p], 5, ~0ULL - 2, 4);
		impossible(paths[p], 4, ~0ULL - 6, 8);
	}
}

/* Every address that does not wrap is passed on as it is, aligned or not. */
static void edge(const struct gt_path *path, uint64_t addr, uint32_t len)
{
	uint64_t mask = ~0ULL >> (64 - 8 * len);
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, writer);
	RUN_HOOK(&vm, .x = { 4, addr, len });
	gt_check_read(path, &vm.vcpus[0], len, addr, ANSWER, __LINE__);
	RUN_HOOK(&vm, .x = { 5, addr, len, ANSWER });
	gt_check_write(path, &vm.vcpus[0], len, addr, ANSWER & mask, __LINE__);
	/* The guest knows nothing of all that. */
	gt_check_write(path, &vm.vcpus[0], 8, DEV, 1, __LINE__);
	gt_check_write(path, &vm.vcpus[0], 8, DEV + 8, 2, __LINE__);
	expect_off(path, &vm);
	gt_scn_clear();
}

GT_SCN_CASE(hostile_run, mmio_at_every_edge)
{
	static const struct { uint64_t addr; uint32_t len; } edges[] = {
		{ 0, 1 }, { 0, 8 }, { 1, 8 }, { 0xffffffff, 1 }, { 0xfffffffe, 8 },
		{ 1ULL << 32, 4 }, { GT_RAM_BASE, 8 }, { 1ULL << 63, 8 },
		{ ~0ULL, 1 }, { ~0ULL - 1, 2 }, { ~0ULL - 3, 4 }, { ~0ULL - 7, 8 },
	};
	size_t p, i;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		for (i = 0; i < GT_ARRAY_SIZE(edges); i++)
			edge(paths[p], edges[i].addr, edges[i].len);
	}
}

/* READY without end: the guest gets nowhere, its runner does. */
GT_SCN_CASE(hostile_run, ready_storm)
{
	struct gt_other other;
	struct io_uring ring;
	struct gt_vm vm;
	uint64_t begin;
	int hook, i;

	gt_other_start(&other);
	GT_BOOT_SCRIPT(&vm, writer);
	hook = RUN_HOOK(&vm, .count = GH_SCN_FOREVER, .x = { 0 });
	gt_ring_init(&ring, 4, 0);
	begin = gt_now_ns();
	for (i = 0; i < 20; i++) {
		gt_ring_run(&ring, &vm.vcpus[0]);
		cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_PREEMPTED);
	}
	cr_assert_lt(ms_since(begin), 2000U, "20 slices took %u ms", ms_since(begin));
	cr_assert_gt(gt_scn_hits(hook), 20);
	gt_other_check(&other, 4000);
	gt_scn_clear();
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 8, DEV, 1, __LINE__);
	io_uring_queue_exit(&ring);
	gt_vm_close(&vm);
	gt_other_stop(&other);
}

/* How often the guest is entered in a slice of 4 ms. */
static uint64_t entries_of_a_slice(const struct gt_vm *vm, int hook)
{
	uint32_t before = gt_scn_hits(hook);
	struct gh_run_entry entry;

	gh_run_entry_init(&entry, vm->vcpus[0].fd, 4000000);
	cr_assert_eq(gh_run_batch(vm->vcpus[0].fd, &entry, 1, 0), 1);
	cr_assert_eq(gt_res(entry.res), GH_URING_EXIT_PREEMPTED, "%d", entry.res);
	return gt_scn_hits(hook) - before;
}

/* Each interrupt is a look at the board: when it has told, an eighth of a slice is left. */
GT_SCN_CASE(hostile_run, ready_storm_while_the_board_has_told)
{
	uint64_t whole = 0, told = 0;
	struct gt_board b;
	struct gt_vm vm;
	int hook, i;

	GT_BOOT_SCRIPT(&vm, writer);
	gt_board_open(&b, &vm.vcpus[0], 1, -1);
	gt_board_put(&b, &vm.vcpus[0], 0);
	hook = RUN_HOOK(&vm, .count = GH_SCN_FOREVER, .x = { 0 });
	for (i = 0; i < 50; i++) {
		b.map->state = GH_BOARD_ARMED;
		whole += entries_of_a_slice(&vm, hook);
		b.map->state = GH_BOARD_TOLD;
		told += entries_of_a_slice(&vm, hook);
	}
	cr_assert_geq(told, 50U);
	cr_assert_gt(whole, 3 * told, "%u entries, %u after it had told", (unsigned int)whole,
		     (unsigned int)told);
	gt_scn_clear();
	gt_check_write(&gt_path_once, &vm.vcpus[0], 8, DEV, 1, __LINE__);
	gt_vm_close(&vm);
	gt_board_close(&b);
}

/* ---- storms: nothing is lost --------------------------------------------------------- */

static void storm(const struct gt_path *path, int64_t error, uint64_t state, unsigned int count)
{
	struct gt_vm vm;
	int hook;

	GT_BOOT_SCRIPT(&vm, reader);
	gt_check_read(path, &vm.vcpus[0], 8, DEV, ANSWER, __LINE__);
	hook = RUN_HOOK(&vm, .error = error, .count = count, .x = { state });
	gt_check_write(path, &vm.vcpus[0], 8, DEV + 8, ANSWER, __LINE__);
	cr_assert_eq(gt_scn_hits(hook), count);
	/* A refused call consumes nothing: the answer came with each; BLOCKED took it. */
	cr_assert_eq(gt_scn_seen(hook), error ? ANSWER : 0);
	expect_off(path, &vm);
	gt_scn_clear();
}

GT_SCN_CASE(hostile_run, retry_storm)
{
	size_t p;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++)
		storm(paths[p], GT_HVC_RETRY, 0, 500);
}

GT_SCN_CASE(hostile_run, blocked_storm)
{
	size_t p;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++)
		storm(paths[p], 0, 3, 500);
}

GT_SCN_CASE(hostile_run, busy_for_a_while)
{
	struct gt_other other;
	size_t p;

	gt_other_start(&other);
	for (p = 0; p < GT_ARRAY_SIZE(paths); p++)
		storm(paths[p], GT_HVC_BUSY, 0, 500);
	gt_other_check(&other, 4000);
	gt_other_stop(&other);
}

/* Neither a run that never ends nor one that fails at once: -ETIMEDOUT, and go on. */
static void never(const struct gt_path *path, int64_t error, uint64_t state)
{
	struct gt_exit exit;
	struct gt_vm vm;
	uint64_t begin;

	GT_BOOT_SCRIPT(&vm, reader);
	gt_check_read(path, &vm.vcpus[0], 8, DEV, ANSWER, __LINE__);
	RUN_HOOK(&vm, .error = error, .count = GH_SCN_FOREVER, .x = { state });
	begin = gt_now_ns();
	gt_run(path, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_ERROR);
	if (path == &gt_path_ioctl)
		GT_ERRNO(ioctl_stalled, ETIMEDOUT, exit.err);
	else if (path == &gt_path_once)
		GT_ERRNO(once_stalled, ETIMEDOUT, exit.err);
	else
		GT_ERRNO(run_stalled, ETIMEDOUT, exit.err);
	cr_assert_geq(ms_since(begin), STALL_MS - 100U);
	cr_assert_lt(ms_since(begin), STALL_MS + 2000U);
	gt_scn_clear();
	gt_check_write(path, &vm.vcpus[0], 8, DEV + 8, ANSWER, __LINE__);
	expect_off(path, &vm);
}

GT_SCN_CASE(hostile_run, busy_forever)
{
	struct gt_other other;
	size_t p;

	gt_other_start(&other);
	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		never(paths[p], GT_HVC_BUSY, 0);
		gt_other_check(&other, 4000);
	}
	gt_other_stop(&other);
}

GT_SCN_CASE(hostile_run, blocked_or_retry_forever)
{
	never(&gt_path_ring, 0, 3);
	never(&gt_path_ioctl, GT_HVC_RETRY, 0);
}

/* A stall is what is seen in runs: time in which nobody ran the vCPU does not count. */
GT_SCN_CASE(hostile_run, stalls_far_apart)
{
	struct io_uring ring;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, writer);
	gt_ring_init(&ring, 4, 0);
	RUN_HOOK(&vm, .error = GT_HVC_BUSY, .count = 5);
	gt_ring_run(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_PREEMPTED);
	usleep((STALL_MS + 500) * 1000);
	RUN_HOOK(&vm, .error = GT_HVC_BUSY);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 8, DEV, 1, __LINE__);
	io_uring_queue_exit(&ring);
	gt_vm_close(&vm);
}

/* ---- other errors ---------------------------------------------------------------- */

static void refused(const struct gt_path *path, int64_t code)
{
	struct gt_exit exit;
	struct gt_vm vm;
	int hook;

	GT_BOOT_SCRIPT(&vm, reader);
	gt_check_read(path, &vm.vcpus[0], 8, DEV, ANSWER, __LINE__);
	hook = RUN_HOOK(&vm, .error = code, .x = { 4, DEV, 4 });
	gt_run(path, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_ERROR, "error %lld", (long long)code);
	if (path == &gt_path_ioctl)
		GT_ERRNO(ioctl_refused, EIO, exit.err);
	else if (path == &gt_path_once)
		GT_ERRNO(once_refused, EIO, exit.err);
	else
		GT_ERRNO(run_refused, EIO, exit.err);
	cr_assert_eq(gt_scn_hits(hook), 1);
	gt_check_write(path, &vm.vcpus[0], 8, DEV + 8, ANSWER, __LINE__);
	expect_off(path, &vm);
	gt_scn_clear();
}

GT_SCN_CASE(hostile_run, every_other_error)
{
	static const int64_t codes[] = {
		-1, -3, 1, 2, 3, 10, 11, 20, 21, 22, 30, 32, 33, 34, 35, 36, 40, 41, 50, 51, 52,
		53, 54, 60, 61, 111, 120, 200, 0x7fffffff, 1LL << 32, (1LL << 32) | 31, INT64_MIN,
	};
	size_t p, i;

	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		for (i = 0; i < GT_ARRAY_SIZE(codes); i++)
			refused(paths[p], codes[i]);
	}
}

/* ---- a vCPU that says it is dead, in a VM that lives ----------------------------- */

static void dead_without_report(const struct gt_path *path, uint64_t state, uint64_t data)
{
	struct gt_vm vm;
	uint64_t begin;
	int hook;

	GT_BOOT_SCRIPT(&vm, writer);
	hook = RUN_HOOK(&vm, .count = GH_SCN_FOREVER, .x = { state, data });
	begin = gt_now_ns();
	gt_check_status(path, &vm.vcpus[0], GH_VM_STATUS_CRASHED, NONE, __LINE__);
	cr_assert_geq(ms_since(begin), REPORT_MS - 100U);
	cr_assert_lt(ms_since(begin), REPORT_MS + 2000U);
	/* And remains so: a guest that user space was told is over does not go on. */
	gt_scn_clear();
	hook = RUN_HOOK(&vm, .count = GH_SCN_FOREVER, .error = 36);
	gt_check_status(path, &vm.vcpus[0], GH_VM_STATUS_CRASHED, NONE, __LINE__);
	cr_assert_eq(gt_scn_hits(hook), 0, "entered again after state %#llx",
		     (unsigned long long)state);
	gt_vm_close(&vm);
	gt_scn_clear();
}

GT_SCN_CASE(hostile_run, dead_without_report)
{
	struct gt_other other;
	size_t p;

	gt_other_start(&other);
	for (p = 0; p < GT_ARRAY_SIZE(paths); p++) {
		dead_without_report(paths[p], 2, 1);
		dead_without_report(paths[p], 6, 0);
		dead_without_report(paths[p], 0x100, 1ULL << 63);
	}
	gt_other_check(&other, 4000);
	gt_other_stop(&other);
}

/* ---- a VM that is off, and nobody says so ---------------------------------------- */

#define OFF_HOOK(vm, index, times)	\
	RUN_HOOK(vm, .vcpu = (index), .count = (times), .x = { 2, 0 })

/* Two vCPUs, each parked on a ring: the second one was never switched on. */
static void park_two(struct io_uring *ring, struct gt_vm *vm, bool off)
{
	gt_vm_create(vm);
	gt_vm_fill(vm, "script", 2);
	gt_vm_script(vm, 0, sleeper, GT_ARRAY_SIZE(sleeper));
	gt_vm_give(vm);
	gt_vm_add_vcpu(vm, 0);
	gt_vm_add_vcpu(vm, 1);
	gt_vm_start(vm);
	if (off)
		OFF_HOOK(vm, 0, 1);
	gt_ring_init(&ring[0], 4, 0);
	gt_ring_init(&ring[1], 4, 0);
	gt_ring_park(&ring[0], &vm->vcpus[0]);
	gt_ring_park(&ring[1], &vm->vcpus[1]);
}

static void park_anew(struct io_uring *ring, struct gt_vcpu *vcpu)
{
	gt_ring_kick(ring, vcpu);
	gt_ring_take_both(ring, vcpu);
	gt_ring_park(ring, vcpu);
}

/* Off in one life, and parked; then another life. */
static void live_anew(struct io_uring *ring, struct gt_vm *vm)
{
	OFF_HOOK(vm, 0, 1);
	gt_ring_park(ring, &vm->vcpus[0]);
	cr_assert_eq(gt_ioctl(vm->fd, GH_VM_STOP, 0), 0);
	cr_assert_eq(gt_ring_take(ring, 0), GH_URING_EXIT_RUNNABLE);
	gt_load(vm->ram, vm->ram_size, "script");
	gt_dtb(vm->ram + GT_DTB_OFFSET, GT_DTB_SIZE, 1);
	gt_vm_script(vm, 0, writer, GT_ARRAY_SIZE(writer));
	gt_vm_start(vm);
}

/*
 * A VM that is switched off is over when the last of its vCPUs is, however it is run, and
 * not as long as one of them is on, or was in between. What was off in a life before
 * does not count.
 */
GT_SCN_CASE(hostile_run, off_without_report)
{
	struct io_uring ring[5];
	struct gt_vm vm[4];
	uint64_t begin, again;
	unsigned int i;

	park_two(&ring[1], &vm[2], false);
	begin = gt_now_ns();
	park_two(&ring[3], &vm[3], true);
	gt_ring_init(&ring[0], 4, 0);
	for (i = 0; i < 2; i++) {
		GT_BOOT_SCRIPT(&vm[i], writer);
		if (i)
			live_anew(&ring[0], &vm[i]);
		OFF_HOOK(&vm[i], 0, GH_SCN_FOREVER);
	}
	gt_ring_park(&ring[0], &vm[1].vcpus[0]);

	/* On for a moment, and off again. */
	usleep(1500000);
	park_anew(&ring[3], &vm[3].vcpus[0]);
	OFF_HOOK(&vm[3], 0, GH_SCN_FOREVER);
	again = gt_now_ns();
	park_anew(&ring[3], &vm[3].vcpus[0]);

	gt_check_status(&gt_path_ioctl, &vm[0].vcpus[0], GH_VM_STATUS_CRASHED, NONE, __LINE__);
	cr_assert_geq(ms_since(begin), OFF_MS - 100U);
	cr_assert_eq(gt_ring_take(&ring[0], 0), GH_URING_EXIT_RUNNABLE);
	gt_check_status(&gt_path_ring, &vm[1].vcpus[0], GH_VM_STATUS_CRASHED, NONE, __LINE__);
	gt_ring_silent(&ring[1]);
	gt_ring_silent(&ring[2]);

	/* The time of the one that was off throughout is over, but the VM was not off so long. */
	cr_assert_eq(gt_ring_take(&ring[4], 1), GH_URING_EXIT_RUNNABLE);
	gt_ring_park(&ring[4], &vm[3].vcpus[1]);
	cr_assert_eq(gt_ring_take(&ring[3], 0), GH_URING_EXIT_RUNNABLE);
	cr_assert_geq(ms_since(again), OFF_MS - 100U);
	gt_check_status(&gt_path_ring, &vm[3].vcpus[0], GH_VM_STATUS_CRASHED, NONE, __LINE__);

	for (i = 0; i < GT_ARRAY_SIZE(ring); i++)
		io_uring_queue_exit(&ring[i]);
	for (i = 0; i < GT_ARRAY_SIZE(vm); i++)
		gt_vm_close(&vm[i]);
}

/* ---- wake-ups -------------------------------------------------------------------- */

static const struct gs_op timer[] = {
	{ GS_SLEEP, 0, 300000000, 0 }, { GS_WRITE, 8, DEV, 1 }, { GS_OFF },
};

#define RAISE(vm)	\
	GT_SCN(.kind = GH_SCN_RAISE, .vmid = gt_vm_number(vm))

GT_SCN_CASE(hostile_run, wake_up_lost_then_repeated)
{
	struct io_uring ring;
	struct gt_vm vm;
	int hook;

	GT_BOOT_SCRIPT(&vm, timer);
	gt_ring_init(&ring, 4, 0);
	gt_ring_park(&ring, &vm.vcpus[0]);
	hook = GT_SCN(.kind = GH_SCN_WAKE, .vmid = gt_vm_number(&vm));
	usleep(500000);
	cr_assert_eq(gt_scn_hits(hook), 1, "there was nothing to lose");
	gt_ring_silent(&ring);
	cr_assert(gt_vcpu_is(&vm.vcpus[0], "parked"));
	RAISE(&vm);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 8, DEV, 1, __LINE__);
	io_uring_queue_exit(&ring);
	expect_off(&gt_path_ring, &vm);
}

/* One that never comes: KICK is the way out, and the guest finds its timer over. */
GT_SCN_CASE(hostile_run, wake_up_lost_for_good)
{
	struct io_uring ring;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, timer);
	gt_ring_init(&ring, 4, 0);
	gt_ring_park(&ring, &vm.vcpus[0]);
	GT_SCN(.kind = GH_SCN_WAKE, .vmid = gt_vm_number(&vm), .count = GH_SCN_FOREVER);
	usleep(500000);
	gt_ring_silent(&ring);
	gt_ring_kick(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take_both(&ring, &vm.vcpus[0]), GH_URING_EXIT_RUNNABLE);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 8, DEV, 1, __LINE__);
	io_uring_queue_exit(&ring);
	gt_scn_clear();
	expect_off(&gt_path_ring, &vm);
}

static void *run_ioctl(void *arg)
{
	static struct gt_exit exit;

	gt_run(&gt_path_ioctl, arg, &exit);
	return &exit;
}

GT_SCN_CASE(hostile_run, wake_up_of_the_ioctl_lost_then_repeated)
{
	struct gt_exit *exit;
	pthread_t thread;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, timer);
	cr_assert_eq(pthread_create(&thread, NULL, run_ioctl, &vm.vcpus[0]), 0);
	gt_vcpu_wait_for(&vm.vcpus[0], "asleep");
	GT_SCN(.kind = GH_SCN_WAKE, .vmid = gt_vm_number(&vm));
	usleep(500000);
	cr_assert(gt_vcpu_is(&vm.vcpus[0], "asleep"));
	RAISE(&vm);
	pthread_join(thread, (void **)&exit);
	cr_assert_eq(exit->kind, GT_EXIT_MMIO);
	expect_off(&gt_path_ioctl, &vm);
}

/* Each costs one completion and one more hypercall, nothing else. */
GT_SCN_CASE(hostile_run, spurious_wake_ups)
{
	struct gt_other other;
	struct io_uring ring;
	struct gt_vm vm;
	int i;

	gt_other_start(&other);
	GT_BOOT_SCRIPT(&vm, sleeper);
	gt_ring_init(&ring, 4, 0);
	for (i = 0; i < 100; i++) {
		gt_ring_park(&ring, &vm.vcpus[0]);
		RAISE(&vm);
		cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	}
	for (i = 0; i < 1000; i++)
		RAISE(&vm);
	gt_ring_park(&ring, &vm.vcpus[0]);
	gt_other_check(&other, 4000);
	gt_ring_cancel(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take_both(&ring, &vm.vcpus[0]), -ECANCELED);
	io_uring_queue_exit(&ring);
	gt_vm_close(&vm);
	gt_other_stop(&other);
}
