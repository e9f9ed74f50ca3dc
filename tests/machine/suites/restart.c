// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A VM that is stopped and started again on the same descriptors. One body for both
 * ways of running a vCPU: the suites restart_ioctl and restart_ring.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt.h"
#include "gt_fn.h"

#define DEV	GT_DEV_BASE
#define BELL	(GT_DEV_BASE + 0x100)
#define POSTED	(GT_DEV_BASE + 0x1000)
#define MARK	(GT_RAM_BASE + 0x1a0000)
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define STOPPED	7
/* A stop waits for no guest: for the RM, and for the runner to look. */
#define STOP_LIMIT_NS	5000000000ULL

/* Criterion pastes the names of suite and test; let the suite's name expand. */
#define CASE(...)	CASE_(GT_SUITE, __VA_ARGS__)
#define CASE_(...)	GT_CASE(__VA_ARGS__)

TestSuite(GT_SUITE, .timeout = 2 * GT_TIMEOUT);

static int stop(struct gt_vm *vm)
{
	return gt_ioctl(vm->fd, GH_VM_STOP, 0);
}

/* What the VMM wrote for the life before was the guest's to change. */
static void refill(struct gt_vm *vm, const struct gs_op *ops, size_t n)
{
	memset(vm->ram, 0, vm->ram_size);
	gt_load(vm->ram, vm->ram_size, "script");
	gt_dtb(vm->ram + GT_DTB_OFFSET, GT_DTB_SIZE, 1);
	gt_vm_script(vm, 0, ops, n);
}

#define REFILL(vm, ops)	refill(vm, ops, GT_ARRAY_SIZE(ops))

static void restart(struct gt_vm *vm, const struct gs_op *ops, size_t n)
{
	int ret = stop(vm);

	cr_assert_eq(ret, 0, "GH_VM_STOP: %s", strerror(-ret));
	refill(vm, ops, n);
	gt_vm_start(vm);
}

#define RESTART(vm, ops)	restart(vm, ops, GT_ARRAY_SIZE(ops))

static void check_end(struct gt_vm *vm, uint32_t status, uint16_t type)
{
	GT_EXPECT_STATUS(&vm->vcpus[0], status, type);
	/* Without a stop it is over for good. */
	cr_assert_eq(gt_start(vm->fd), -ENODEV);
	GT_EXPECT_STATUS(&vm->vcpus[0], status, type);
}

/* Reads a number, says one more, leaves a mark in memory, ends. */
#define LIFE(end, ...)							\
	{ GS_READ, 8, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 1 },		\
	{ GS_STORE, 8, MARK, 0x1badcafe }, { end, ##__VA_ARGS__ }

static const struct gs_op off[] = { LIFE(GS_OFF) };
static const struct gs_op reset[] = { LIFE(GS_RESET) };
static const struct gs_op crash[] = { LIFE(GS_CRASH) };

static void live(struct gt_vm *vm, uint64_t number)
{
	GT_EXPECT_READ(&vm->vcpus[0], 8, DEV, number);
	GT_EXPECT_WRITE(&vm->vcpus[0], 8, DEV + 8, number + 1);
}

static void check_lives(const struct gs_op *ops, size_t n, uint32_t status, uint16_t type)
{
	struct gt_vm vm;
	uint64_t i;

	gt_vm_boot_script(&vm, ops, n);
	for (i = 0; i < 3; i++) {
		live(&vm, 40 * i);
		check_end(&vm, status, type);
		cr_assert_eq(stop(&vm), 0);
		/* The memory is the host's, with what the guest wrote. */
		cr_assert_eq(*(uint64_t *)(vm.ram + MARK - GT_RAM_BASE), 0x1badcafeU);
		cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0), -ENODEV);
		refill(&vm, ops, n);
		gt_vm_start(&vm);
	}
	live(&vm, 99);
	gt_vm_close(&vm);
}

CASE(after_power_off)
{
	check_lives(off, GT_ARRAY_SIZE(off), GH_VM_STATUS_EXITED, GT_TYPE_OFF);
}

CASE(after_reset)
{
	check_lives(reset, GT_ARRAY_SIZE(reset), GH_VM_STATUS_EXITED, GT_TYPE_RESET);
}

CASE(after_crash)
{
	check_lives(crash, GT_ARRAY_SIZE(crash), GH_VM_STATUS_CRASHED, GT_TYPE_ERROR);
}

/* A read that was not answered dies with its life. */
CASE(by_force_with_a_pending_read)
{
	struct gt_exit exit;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, off);
	gt_run(gt_path, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_MMIO);
	memset(vm.vcpus[0].run->mmio.data, 0x77, 8);
	vm.vcpus[0].run->mmio.resume_action = GH_VCPU_RESUME_FAULT;
	RESTART(&vm, off);
	live(&vm, 5);
	check_end(&vm, GH_VM_STATUS_EXITED, GT_TYPE_OFF);
	gt_vm_close(&vm);
}

/* A VM that never ran is stopped already, and stopping twice is once. */
CASE(nothing_to_stop)
{
	struct gt_vm vm;

	gt_vm_create(&vm);
	cr_assert_eq(stop(&vm), 0);
	gt_vm_fill(&vm, "script", 1);
	gt_vm_script(&vm, 0, off, GT_ARRAY_SIZE(off));
	gt_vm_give(&vm);
	cr_assert_eq(stop(&vm), 0);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_start(&vm);
	live(&vm, 1);
	cr_assert_eq(stop(&vm), 0);
	cr_assert_eq(stop(&vm), 0);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VM_STOP, 0), -ENOTTY);
	gt_vm_close(&vm);
}

/* What may be changed before the first start may be changed between two. */
CASE(other_memory_and_vcpus)
{
	static const struct gs_op shared[] = {
		{ GS_LOAD, 8, GT_SHARED_BASE, 0 }, { GS_ECHO, 8, DEV, 0 },
		{ GS_CPU_ON, 0, 1, 0 }, { GS_ECHO, 4, DEV + 8, 0 }, { GS_WFI },
		{ GS_GOTO, 0, 4, 1 << 30 },
	};
	static const struct gs_op second[] = {
		{ GS_WRITE, 4, DEV + 16, 2 }, { GS_WFI }, { GS_GOTO, 0, 1, 1 << 30 },
	};
	uint64_t *page = gt_ram_alloc(0x1000);
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, off);
	cr_assert_eq(gt_set_mem(vm.fd, GT_SHARED_LABEL, GT_MEM_RWX, GT_SHARED_BASE, 0x1000,
				page), -EBUSY);
	live(&vm, 1);
	cr_assert_eq(stop(&vm), 0);
	cr_assert_eq(gt_set_mem(vm.fd, GT_SHARED_LABEL, GT_MEM_RWX, GT_SHARED_BASE, 0x1000,
				page), 0);
	gt_vm_add_vcpu(&vm, 1);
	page[0] = 0xfeed;
	REFILL(&vm, shared);
	gt_dtb(vm.ram + GT_DTB_OFFSET, GT_DTB_SIZE, 2);
	gt_vm_script(&vm, 1, second, GT_ARRAY_SIZE(second));
	gt_vm_start(&vm);
	GT_EXPECT_WRITE(&vm.vcpus[0], 8, DEV, 0xfeed);
	GT_EXPECT_WRITE(&vm.vcpus[0], 4, DEV + 8, 0);
	GT_EXPECT_WRITE(&vm.vcpus[1], 4, DEV + 16, 2);
	/* And taken away again. */
	cr_assert_eq(stop(&vm), 0);
	gt_vcpu_close(&vm.vcpus[1]);
	cr_assert_eq(gt_remove_vcpu(vm.fd, 1), 0);
	cr_assert_eq(gt_set_mem(vm.fd, GT_SHARED_LABEL, 0, 0, 0, NULL), 0);
	REFILL(&vm, off);
	gt_vm_start(&vm);
	live(&vm, 3);
	gt_vm_close(&vm);
	munmap(page, 0x1000);
}

/* A start that failed can be mended. */
CASE(after_a_failed_start)
{
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, off);
	live(&vm, 1);
	cr_assert_eq(stop(&vm), 0);
	memset(vm.ram + GT_DTB_OFFSET, 0, GT_DTB_SIZE);
	cr_assert_lt(gt_start(vm.fd), 0);
	cr_assert_eq(gt_start(vm.fd), -ENODEV);
	RESTART(&vm, off);
	live(&vm, 2);
	gt_vm_close(&vm);
}

/* ---- functions ------------------------------------------------------------------ */

static const struct gs_op devices[] = {
	{ GS_WRITE, 4, BELL, 1 }, { GS_WRITE, 4, POSTED, 2 }, { GS_WRITE, 4, POSTED + 4, 3 },
	{ GS_IRQ_ON, 0, GT_BELL_INTID(GT_BELL_EDGE), 1 }, { GS_WRITE, 4, DEV, 4 },
	{ GS_IRQ_WAIT, 0, GT_BELL_INTID(GT_BELL_EDGE), 1 },
	{ GS_IRQ_COUNT, 0, GT_BELL_INTID(GT_BELL_EDGE), 0 }, { GS_ECHO, 8, DEV, 0 }, { GS_OFF },
};

static int add_posted(struct gt_vm *vm, struct gh_posted_ring **ring)
{
	struct gh_fn_posted_arg arg = { .addr = POSTED, .size = 0x100, .entries = 4, .fd = -1 };
	int fd = gt_fn_add(vm->fd, GH_FN_POSTED, &arg, sizeof(arg));

	cr_assert_geq(fd, 0);
	*ring = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(*ring, MAP_FAILED);
	return fd;
}

/* Eventfds and posted writes of the first life serve the ones that follow. */
CASE(functions_live_on)
{
	int bell = gt_eventfd(), interrupt = gt_eventfd(), fd;
	const struct gh_posted_write *records;
	struct gh_posted_ring *ring;
	struct gt_vm vm;
	uint32_t i;

	GT_BOOT_SCRIPT(&vm, devices);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, bell, BELL, 4, NULL), 0);
	cr_assert_eq(gt_irqfd_add(vm.fd, interrupt, GT_BELL_EDGE, 0), 0);
	fd = add_posted(&vm, &ring);
	records = (const void *)((const char *)ring + GH_POSTED_RECORDS);
	for (i = 0; i < 3; i++) {
		GT_EXPECT_WRITE(&vm.vcpus[0], 4, DEV, 4);
		cr_assert_eq(gt_eventfd_count(bell), 1U);
		cr_assert_eq(ring->tail, 2 * i + 2);
		cr_assert_eq(records[(2 * i) % 4].data, 2U);
		cr_assert_eq(records[(2 * i + 1) % 4].data, 3U);
		/* The number goes on over the lives. */
		cr_assert_eq(records[(2 * i + 1) % 4].seq, 2U * i + 2);
		ring->head = ring->tail;
		gt_eventfd_signal(interrupt);
		GT_EXPECT_WRITE(&vm.vcpus[0], 8, DEV, 1);
		check_end(&vm, GH_VM_STATUS_EXITED, GT_TYPE_OFF);
		RESTART(&vm, devices);
	}
	gt_vm_close(&vm);
	munmap(ring, 2 * 4096);
	close(fd);
	close(bell);
	close(interrupt);
}

/* ---- a stop in the middle ---------------------------------------------------------- */

#define LIVES	5

/* The one thread that runs the vCPU; it and the test wait for each other. */
struct runner {
	struct gt_vcpu *vcpu;
	struct gt_exit first;
	struct gt_exit last;
	pthread_barrier_t barrier;
};

static void *run(void *arg)
{
	struct runner *r = arg;
	int i;

	for (i = 0; i < LIVES; i++) {
		pthread_barrier_wait(&r->barrier);
		gt_run(gt_path, r->vcpu, &r->first);
		pthread_barrier_wait(&r->barrier);
		gt_run(gt_path, r->vcpu, &r->last);
		pthread_barrier_wait(&r->barrier);
	}
	return NULL;
}

/* The guest says that it is there and goes on as the test is about; @state follows. */
static void check_stop_while(const struct gs_op *ops, size_t n, const char *state)
{
	struct runner r = { 0 };
	pthread_t thread;
	struct gt_vm vm;
	uint64_t begin;
	int i;

	gt_vm_boot_script(&vm, ops, n);
	r.vcpu = &vm.vcpus[0];
	cr_assert_eq(gt_ioeventfd_add(vm.fd, gt_eventfd(), BELL, 0, NULL), 0);
	cr_assert_eq(pthread_barrier_init(&r.barrier, NULL, 2), 0);
	cr_assert_eq(pthread_create(&thread, NULL, run, &r), 0);
	for (i = 0; i < LIVES; i++) {
		/* Started; and the first exit is there. */
		pthread_barrier_wait(&r.barrier);
		pthread_barrier_wait(&r.barrier);
		cr_assert_eq(r.first.kind, GT_EXIT_MMIO);
		gt_vcpu_wait_for(&vm.vcpus[0], state);
		usleep(1000 * i);
		begin = gt_now_ns();
		cr_assert_eq(stop(&vm), 0);
		cr_assert_lt(gt_now_ns() - begin, STOP_LIMIT_NS);
		pthread_barrier_wait(&r.barrier);
		/* It heard of the stop, or looked when all was over. */
		if (r.last.kind == GT_EXIT_STATUS) {
			cr_assert_eq(r.last.status, GH_VM_STATUS_EXITED);
			cr_assert_eq(r.last.type, STOPPED, "type %u", r.last.type);
		} else {
			cr_assert_eq(r.last.kind, GT_EXIT_ERROR);
			cr_assert_eq(r.last.err, -ENODEV, "%s", strerror(-r.last.err));
		}
		if (i == LIVES - 1)
			break;
		refill(&vm, ops, n);
		gt_vm_start(&vm);
	}
	cr_assert_eq(pthread_join(thread, NULL), 0);
	gt_vm_close(&vm);
}

CASE(stop_while_it_computes)
{
	static const struct gs_op ops[] = { { GS_WRITE, 4, DEV, 1 }, { GS_SPIN, 0, 0, 0 } };

	check_stop_while(ops, GT_ARRAY_SIZE(ops), "running");
}

CASE(stop_while_it_sleeps)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 4, DEV, 1 }, { GS_WFI }, { GS_GOTO, 0, 1, 1 << 30 },
	};
	bool ioctl = gt_path == &gt_path_ioctl;

	check_stop_while(ops, GT_ARRAY_SIZE(ops), ioctl ? "asleep" : "parked");
}

CASE(stop_while_it_writes)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 4, DEV, 1 }, { GS_WRITE, 4, BELL, 1 }, { GS_GOTO, 0, 1, 1 << 30 },
	};

	check_stop_while(ops, GT_ARRAY_SIZE(ops), "running");
}

/* A command that waits for the start waits for the second one too. */
CASE(wait_for_the_next_start)
{
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, off);
	live(&vm, 1);
	cr_assert_eq(stop(&vm), 0);
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run_wait_start(sqe, vm.vcpus[0].fd, 0, 0);
	sqe->user_data = 7;
	gt_ring_submit(&ring, 1);
	gt_vcpu_wait_for(&vm.vcpus[0], "unstarted");
	/* Stopped as it is, there is nothing to tell. */
	cr_assert_eq(stop(&vm), 0);
	gt_ring_silent(&ring);
	REFILL(&vm, off);
	gt_vm_start(&vm);
	cr_assert_eq(gt_ring_take(&ring, 7), GH_URING_EXIT_RUNNABLE);
	live(&vm, 2);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* A command that is parked ends, and does not come to life in the next one. */
CASE(parked_over_a_restart)
{
	static const struct gs_op wfi[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, wfi);
	gt_ring_park(&ring, &vm.vcpus[0]);
	/* The completion waits for this thread: the VM is in its next life by then. */
	RESTART(&vm, off);
	cr_assert_eq(gt_ring_take(&ring, 0), GH_URING_EXIT_RUNNABLE);
	live(&vm, 2);
	check_end(&vm, GH_VM_STATUS_EXITED, GT_TYPE_OFF);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* ---- nothing left behind ------------------------------------------------------------ */

CASE(fifty_lives_leave_nothing, .timeout = 4 * GT_TIMEOUT)
{
	long pinned, locked, available, slack = 4096;
	struct gt_vm vm;
	uint64_t i;

	GT_BOOT_SCRIPT(&vm, off);
	live(&vm, 1);
	RESTART(&vm, off);
	gt_settle();
	pinned = gt_pinned();
	locked = gt_status_kb(0, "VmLck");
	available = gt_meminfo("MemAvailable");
	for (i = 0; i < 50; i++) {
		live(&vm, i);
		/* Some end by themselves. */
		if (i % 2)
			check_end(&vm, GH_VM_STATUS_EXITED, GT_TYPE_OFF);
		RESTART(&vm, off);
	}
	gt_settle();
	cr_assert_eq(gt_pinned(), pinned);
	cr_assert_eq(gt_status_kb(0, "VmLck"), locked);
	cr_assert_lt(gt_less_available(available, slack), slack);
	live(&vm, i);
	gt_vm_close(&vm);
}
