// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A VM reaches nothing but its own memory and devices: a hostile neighbour changes
 * neither another guest's result nor the host, and the host does not reach what it
 * lent.
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt.h"
#include "../guests/scribble.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define SCRATCH	(GT_RAM_BASE + 0x1a0000)
#define TURNS	50

TestSuite(isolation, .timeout = GT_TIMEOUT);

/* Registers, memory, timer, SIMD: all that a neighbour could spoil. */
static const struct gs_op victim[] = {
	{ GS_FP_FILL, 0, 0xabcdef, 0 },
	{ GS_READ, 8, DEV, 0 },
	{ GS_ECHO, 8, DEV + 8, 1 },
	{ GS_STORE, 8, SCRATCH, 0x1234567887654321 },
	{ GS_SLEEP, 0, 500000, 0 },
	{ GS_SPIN, 0, 20000, 0 },
	{ GS_LOAD, 8, SCRATCH, 0 },
	{ GS_ECHO, 8, DEV + 16, 0 },
	{ GS_FP_CHECK, 0, 0xabcdef, 0 },
	{ GS_ECHO, 8, DEV + 24, 0 },
	{ GS_GOTO, 0, 1, TURNS - 1 },
	{ GS_OFF },
};

struct judge {
	uint64_t answer;
	unsigned int turns[4];
	bool ended;
};

static void judge(struct judge *j, struct gt_vcpu *vcpu, const struct gt_exit *exit)
{
	char text[GT_EXIT_TEXT];

	if (exit->kind == GT_EXIT_STATUS) {
		cr_assert_eq(exit->status, GH_VM_STATUS_EXITED);
		cr_assert_eq(exit->type, GT_TYPE_OFF);
		j->ended = true;
		return;
	}
	cr_assert_eq(exit->kind, GT_EXIT_MMIO, "%s", gt_exit_text(exit, text));
	cr_assert(exit->addr >= DEV && exit->addr <= DEV + 24, "%s", gt_exit_text(exit, text));
	j->turns[(exit->addr - DEV) / 8]++;
	switch (exit->addr - DEV) {
	case 0:
		j->answer = j->answer * 0x5851f42d4c957f2d + 1;
		gt_answer(vcpu, j->answer);
		break;
	case 8:
		cr_assert_eq(exit->data, j->answer + 1);
		break;
	case 16:
		cr_assert_eq(exit->data, 0x1234567887654321U);
		break;
	case 24:
		cr_assert_eq(exit->data, 0U, "%llu SIMD registers spoiled",
			     (unsigned long long)exit->data);
		break;
	}
}

static void check_judge(const struct judge *j)
{
	unsigned int i;

	cr_assert(j->ended);
	for (i = 0; i < 4; i++)
		cr_assert_eq(j->turns[i], TURNS);
}

/* Puts the next RUN of a vCPU on the ring. */
static void go(struct io_uring *ring, struct gt_vcpu *vcpu, uint64_t user_data)
{
	struct io_uring_sqe *sqe = gt_ring_sqe(ring);

	gh_uring_prep_run_resume(sqe, vcpu->fd, 0, 0, vcpu->answer);
	sqe->user_data = user_data;
	gt_ring_submit(ring, 1);
}

/*
 * Both on one ring in one thread: the hostile guest until it reported @rounds and
 * the victim is done.
 */
static void side_by_side(unsigned int rounds)
{
	struct judge j = { .answer = 1 };
	struct gt_vm good, bad;
	unsigned int reports = 0;
	struct io_uring ring;
	struct gt_exit exit;
	struct gt_cqe cqe;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&good, victim);
	gt_vm_boot(&bad, "scribble", 1);
	go(&ring, &good.vcpus[0], 0);
	go(&ring, &bad.vcpus[0], 1);
	while (!j.ended || reports < rounds) {
		gt_ring_next(&ring, &cqe);
		gt_decode(cqe.user_data ? &bad.vcpus[0] : &good.vcpus[0], &cqe, &exit);
		if (cqe.user_data) {
			cr_assert_neq(exit.kind, GT_EXIT_ERROR);
			cr_assert_neq(exit.kind, GT_EXIT_STATUS, "the hostile guest ended");
			if (exit.kind == GT_EXIT_MMIO && exit.addr == SCRIBBLE_REPORT) {
				cr_assert_gt(exit.data, 1000U, "nothing stopped it");
				reports++;
			}
			go(&ring, &bad.vcpus[0], 1);
			continue;
		}
		if (exit.kind == GT_EXIT_PREEMPTED || exit.kind == GT_EXIT_RUNNABLE) {
			go(&ring, &good.vcpus[0], 0);
			continue;
		}
		judge(&j, &good.vcpus[0], &exit);
		if (!j.ended)
			go(&ring, &good.vcpus[0], 0);
	}
	check_judge(&j);
	gt_vm_close(&bad);
	gt_vm_close(&good);
	io_uring_queue_exit(&ring);
}

GT_CASE(isolation, hostile_neighbour_on_the_same_cpu, .timeout = 3 * GT_TIMEOUT)
{
	side_by_side(1);
}

struct other_thread {
	struct gt_vm vm;
	volatile bool stop;
	volatile unsigned int reports;
};

static void *run_hostile(void *arg)
{
	struct other_thread *t = arg;
	struct gt_exit exit;

	while (!t->stop) {
		gt_path_ioctl.once(&t->vm.vcpus[0], &exit);
		if (exit.kind == GT_EXIT_MMIO && exit.addr == SCRIBBLE_REPORT)
			t->reports++;
		if (exit.kind == GT_EXIT_STATUS || exit.kind == GT_EXIT_ERROR)
			break;
	}
	return NULL;
}

/* On another CPU at the same time. */
GT_CASE(isolation, hostile_neighbour_on_another_cpu, .timeout = 3 * GT_TIMEOUT)
{
	struct judge j;
	struct other_thread t = { 0 };
	pthread_t thread;
	struct gt_vm good;
	struct gt_exit exit;

	gt_vm_boot(&t.vm, "scribble", 1);
	cr_assert_eq(pthread_create(&thread, NULL, run_hostile, &t), 0);
	while (!t.reports) {
		j = (struct judge){ .answer = 1 };
		GT_BOOT_SCRIPT(&good, victim);
		while (!j.ended) {
			gt_run(&gt_path_ring, &good.vcpus[0], &exit);
			judge(&j, &good.vcpus[0], &exit);
		}
		check_judge(&j);
		gt_vm_close(&good);
	}
	t.stop = true;
	gt_ioctl(t.vm.vcpus[0].fd, GH_VCPU_KICK, 0);
	pthread_join(thread, NULL);
	gt_vm_close(&t.vm);
}

/* A guest's memory begins with what the host put there, not with another's. */
GT_CASE(isolation, guests_see_only_their_own_memory)
{
	static const struct gs_op mark[] = {
		{ GS_STORE, 8, SCRATCH, 0x6d61726b }, { GS_READ, 4, DEV, 0 }, { GS_OFF },
	};
	static const struct gs_op look[] = {
		{ GS_LOAD, 8, SCRATCH, 0 }, { GS_ECHO, 8, DEV, 0 }, { GS_OFF },
	};
	struct gt_vm one, two;

	GT_BOOT_SCRIPT(&one, mark);
	gt_check_read(&gt_path_ring, &one.vcpus[0], 4, DEV, 0, __LINE__);
	GT_BOOT_SCRIPT(&two, look);
	gt_check_write(&gt_path_ring, &two.vcpus[0], 8, DEV, 0, __LINE__);
	gt_vm_close(&two);
	gt_vm_close(&one);
}

/*
 * The host's debug registers are its own: a watchpoint of this thread is armed while
 * the guest runs, disturbs it in nothing, and still counts behind each exit.
 */
GT_CASE(isolation, host_is_debugged_beside_a_guest)
{
	static volatile uint64_t watched;
	struct perf_event_attr attr = {
		.size = sizeof(attr), .type = PERF_TYPE_BREAKPOINT, .bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uintptr_t)&watched, .bp_len = HW_BREAKPOINT_LEN_8,
		.sample_period = 1, .exclude_kernel = 1, .exclude_hv = 1,
	};
	struct judge j = { .answer = 1 };
	uint64_t writes = 0, count;
	struct gt_exit exit;
	struct gt_vm vm;
	int fd;

	GT_BOOT_SCRIPT(&vm, victim);
	fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	cr_assert_geq(fd, 0, "no watchpoints here: errno %d", errno);
	while (!j.ended) {
		gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
		watched++;
		writes++;
		cr_assert_eq(read(fd, &count, sizeof(count)), (ssize_t)sizeof(count));
		cr_assert_eq(count, writes);
		judge(&j, &vm.vcpus[0], &exit);
	}
	check_judge(&j);
	close(fd);
	gt_vm_close(&vm);
}

/* ---- the host and memory it lent -------------------------------------------------- */

static sigjmp_buf after_fault;
static volatile int faults;

static void on_fault(int sig)
{
	faults = sig;
	siglongjmp(after_fault, 1);
}

static int touch(volatile uint8_t *at, bool write)
{
	struct sigaction act = { .sa_handler = on_fault };

	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
	faults = 0;
	if (!sigsetjmp(after_fault, 1)) {
		if (write)
			*at = 1;
		else
			(void)*at;
	}
	return faults;
}

GT_CASE(isolation, host_cannot_touch_what_it_lent)
{
	static const struct gs_op ops[] = {
		{ GS_READ, 4, DEV, 0 }, { GS_LOAD, 8, SCRATCH, 0 }, { GS_ECHO, 8, DEV + 8, 0 },
		{ GS_OFF },
	};
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, ops);
	gt_check_read(&gt_path_ioctl, &vm.vcpus[0], 4, DEV, 0, __LINE__);
	cr_assert_eq(touch(vm.ram + 0x1a0000, false), SIGBUS);
	cr_assert_eq(touch(vm.ram + 0x1a0000, true), SIGBUS);
	cr_assert_eq(touch(vm.ram + GT_RAM_SIZE - 1, false), SIGBUS);
	/* The guest's memory is as it was. */
	gt_check_write(&gt_path_ioctl, &vm.vcpus[0], 8, DEV + 8, 0, __LINE__);
	gt_vcpu_close(&vm.vcpus[0]);
	close(vm.fd);
	vm.fd = -1;
	cr_assert_eq(touch(vm.ram + 0x1a0000, true), 0);
	gt_vm_close(&vm);
}

/* fork() would copy the pinned pages: a child must do without lent memory. */
GT_CASE(isolation, child_has_nothing_of_what_was_lent)
{
	static const struct gs_op ops[] = { { GS_READ, 4, DEV, 0 }, { GS_OFF } };
	struct gt_vm vm;
	pid_t pid;
	int status;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	gt_vm_script(&vm, 0, ops, sizeof(ops) / sizeof(ops[0]));
	/* As in a program that took no care. */
	cr_assert_eq(madvise(vm.ram, vm.ram_size, MADV_DOFORK), 0);
	cr_assert_eq(madvise(vm.ram, vm.ram_size, MADV_DODUMP), 0);
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_start(&vm);
	gt_check_read(&gt_path_ioctl, &vm.vcpus[0], 4, DEV, 0, __LINE__);
	pid = fork();
	if (!pid)
		_exit(touch(vm.ram, false) == SIGSEGV ? 0 : 1);
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "child: status %#x", status);
	cr_assert_eq(touch(vm.ram, false), SIGBUS);
	gt_vm_close(&vm);
}

/* Shared memory stays the host's. */
GT_CASE(isolation, host_can_touch_what_it_shares)
{
	static const struct gs_op ops[] = { { GS_READ, 4, DEV, 0 }, { GS_OFF } };
	uint8_t *page = gt_ram_alloc(0x1000);
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	gt_vm_script(&vm, 0, ops, GT_ARRAY_SIZE(ops));
	gt_vm_give(&vm);
	cr_assert_eq(gt_set_mem(vm.fd, GT_SHARED_LABEL, GT_MEM_RWX, GT_SHARED_BASE, 0x1000,
				page), 0);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_start(&vm);
	gt_check_read(&gt_path_ioctl, &vm.vcpus[0], 4, DEV, 0, __LINE__);
	cr_assert_eq(touch(page, false), 0);
	cr_assert_eq(touch(page, true), 0);
	gt_vm_close(&vm);
	munmap(page, 0x1000);
}
