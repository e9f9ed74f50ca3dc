// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Each state a run can end in. Compiled once for each way of running a vCPU:
 * what a test says must hold by either ioctl, on a ring with answers in the shared
 * page and on a ring with answers in the SQE.
 */
#include <inttypes.h>

#include "gt.h"

TestSuite(GT_SUITE, .timeout = GT_TIMEOUT);

/* Criterion pastes the names of suite and test; let the suite's name expand. */
#define RUN_TEST(...)	RUN_TEST_(GT_SUITE, __VA_ARGS__)
#define RUN_TEST_(...)	GT_CASE(__VA_ARGS__)

#define DEV	GT_DEV_BASE
#define BOOT	GT_BOOT_SCRIPT

static void finish(struct gt_vm *vm)
{
	GT_EXPECT_STATUS(&vm->vcpus[0], GH_VM_STATUS_EXITED, GT_TYPE_OFF);
	gt_vm_close(vm);
}

/* ---- MMIO ------------------------------------------------------------------- */

RUN_TEST(writes_of_every_width)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 1, DEV + 0x00, 0xf1 },
		{ GS_WRITE, 2, DEV + 0x02, 0xf1f2 },
		{ GS_WRITE, 4, DEV + 0x04, 0xf1f2f3f4 },
		{ GS_WRITE, 8, DEV + 0x08, 0xf1f2f3f4f5f6f7f8 },
		/* Only the bytes of the access: the register holds more. */
		{ GS_WRITE, 1, DEV + 0x10, 0xaabbccddeeff0011 },
		{ GS_WRITE, 2, DEV + 0x12, 0xaabbccddeeff0011 },
		{ GS_WRITE, 4, DEV + 0x14, 0xaabbccddeeff0011 },
		{ GS_OFF },
	};
	struct gt_vcpu *vcpu;
	struct gt_vm vm;

	BOOT(&vm, ops);
	vcpu = &vm.vcpus[0];
	GT_EXPECT_WRITE(vcpu, 1, DEV + 0x00, 0xf1);
	GT_EXPECT_WRITE(vcpu, 2, DEV + 0x02, 0xf1f2);
	GT_EXPECT_WRITE(vcpu, 4, DEV + 0x04, 0xf1f2f3f4);
	GT_EXPECT_WRITE(vcpu, 8, DEV + 0x08, 0xf1f2f3f4f5f6f7f8);
	GT_EXPECT_WRITE(vcpu, 1, DEV + 0x10, 0x11);
	GT_EXPECT_WRITE(vcpu, 2, DEV + 0x12, 0x0011);
	GT_EXPECT_WRITE(vcpu, 4, DEV + 0x14, 0xeeff0011);
	finish(&vm);
}

RUN_TEST(reads_of_every_width)
{
	static const uint64_t answer = 0x8182838485868788;
	static const struct gs_op ops[] = {
		{ GS_READ, 1, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 0 },
		{ GS_READ, 2, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 0 },
		{ GS_READ, 4, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 0 },
		{ GS_READ, 8, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 0 },
		{ GS_OFF },
	};
	struct gt_vcpu *vcpu;
	struct gt_vm vm;
	uint32_t len;

	BOOT(&vm, ops);
	vcpu = &vm.vcpus[0];
	for (len = 1; len <= 8; len *= 2) {
		/* The answer has more bytes than the access: they must not get in. */
		GT_EXPECT_READ(vcpu, len, DEV, answer);
		GT_EXPECT_WRITE(vcpu, 8, DEV + 8,
				len == 8 ? answer : answer & ((1ULL << 8 * len) - 1));
	}
	finish(&vm);
}

/* A write between two reads takes nothing from the answers, and adds nothing. */
RUN_TEST(answers_stay_with_their_reads)
{
	static const struct gs_op ops[] = {
		{ GS_READ, 8, DEV, 0 },
		{ GS_WRITE, 8, DEV + 8, 3 },
		{ GS_ECHO, 8, DEV + 16, 0 },
		{ GS_READ, 8, DEV, 0 },
		{ GS_ECHO, 8, DEV + 16, 0 },
		{ GS_OFF },
	};
	struct gt_vcpu *vcpu;
	struct gt_vm vm;

	BOOT(&vm, ops);
	vcpu = &vm.vcpus[0];
	GT_EXPECT_READ(vcpu, 8, DEV, 0x1111);
	GT_EXPECT_WRITE(vcpu, 8, DEV + 8, 3);
	GT_EXPECT_WRITE(vcpu, 8, DEV + 16, 0x1111);
	GT_EXPECT_READ(vcpu, 8, DEV, 0x2222);
	GT_EXPECT_WRITE(vcpu, 8, DEV + 16, 0x2222);
	finish(&vm);
}

/* The page before an answer: no bytes of an earlier access, no resume action. */
RUN_TEST(read_exit_shows_a_clean_page)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 8, DEV, 0xffffffffffffffff },
		{ GS_READ, 4, DEV, 0 },
		{ GS_OFF },
	};
	static const uint8_t zero[8];
	struct gt_vcpu *vcpu;
	struct gt_exit exit;
	struct gt_vm vm;

	BOOT(&vm, ops);
	vcpu = &vm.vcpus[0];
	GT_EXPECT_WRITE(vcpu, 8, DEV, 0xffffffffffffffff);
	cr_assert_eq(vcpu->run->mmio.resume_action, GH_VCPU_RESUME_HANDLED);
	vcpu->run->mmio.resume_action = 0;
	gt_run(gt_path, vcpu, &exit);
	cr_assert_eq(exit.kind, GT_EXIT_MMIO);
	cr_assert_not(exit.write);
	cr_assert_arr_eq(vcpu->run->mmio.data, zero, 8);
	cr_assert_eq(vcpu->run->mmio.resume_action, GH_VCPU_RESUME_HANDLED);
	gt_answer(vcpu, 0);
	finish(&vm);
}

/* What user space scribbles into the page cannot change the access that is pending. */
RUN_TEST(page_is_not_trusted)
{
	static const struct gs_op ops[] = {
		{ GS_READ, 4, DEV, 0 },
		{ GS_ECHO, 8, DEV + 8, 0 },
		{ GS_OFF },
	};
	struct gt_vcpu *vcpu;
	struct gt_vm vm;

	BOOT(&vm, ops);
	vcpu = &vm.vcpus[0];
	GT_EXPECT_READ(vcpu, 4, DEV, 0x12345678);
	vcpu->run->mmio.len = 0x10000;
	vcpu->run->mmio.is_write = 1;
	vcpu->run->mmio.phys_addr = ~0ULL;
	vcpu->run->exit_reason = 0xffff;
	GT_EXPECT_WRITE(vcpu, 8, DEV + 8, 0x12345678);
	finish(&vm);
}

/* The window is the first GiB; the frames of the interrupt controller win inside it. */
RUN_TEST(window_of_mmio)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 4, 0x1000, 1 },
		{ GS_WRITE, 4, 0x3ffefffc, 2 },
		{ GS_OFF },
	};
	struct gt_vm vm;

	BOOT(&vm, ops);
	GT_EXPECT_WRITE(&vm.vcpus[0], 4, 0x1000, 1);
	GT_EXPECT_WRITE(&vm.vcpus[0], 4, 0x3ffefffc, 2);
	finish(&vm);
}

/* Outside the window and memory, and without a syndrome: the guest's own abort. */
RUN_TEST(aborts_are_the_guests_own)
{
	static const struct gs_op ops[] = {
		{ GS_LOAD, 8, 0x70000000, 0 }, { GS_ECHO, 8, DEV, 0 },
		{ GS_ESR }, { GS_ECHO, 8, DEV + 8, 0 },
		{ GS_STORE, 8, 0x70000000, 1 }, { GS_ECHO, 8, DEV, 0 },
		{ GS_PAIR, 8, DEV + 0x20, 0 }, { GS_ECHO, 8, DEV, 0 },
		{ GS_ESR }, { GS_ECHO, 8, DEV + 8, 0 },
		{ GS_OFF },
	};
	struct gt_vcpu *vcpu;
	struct gt_vm vm;

	BOOT(&vm, ops);
	vcpu = &vm.vcpus[0];
	GT_EXPECT_WRITE(vcpu, 8, DEV, GS_TRAPPED);
	GT_EXPECT_WRITE(vcpu, 8, DEV + 8, 0x96000010);
	GT_EXPECT_WRITE(vcpu, 8, DEV, GS_TRAPPED);
	GT_EXPECT_WRITE(vcpu, 8, DEV, GS_TRAPPED);
	GT_EXPECT_WRITE(vcpu, 8, DEV + 8, 0x96000010);
	finish(&vm);
}

/* ---- what the guest starts with ----------------------------------------------- */

RUN_TEST(boot_state)
{
	static const struct gs_op ops[] = {
		{ GS_CONTEXT }, { GS_ECHO, 8, DEV, 0 },
		{ GS_EL }, { GS_ECHO, 8, DEV, 0 },
		{ GS_MPIDR }, { GS_ECHO, 8, DEV, 0 },
		{ GS_OFF },
	};
	struct gt_vcpu *vcpu;
	struct gt_vm vm;

	BOOT(&vm, ops);
	vcpu = &vm.vcpus[0];
	GT_EXPECT_WRITE(vcpu, 8, DEV, GT_RAM_BASE + GT_DTB_OFFSET);
	GT_EXPECT_WRITE(vcpu, 8, DEV, 4);
	GT_EXPECT_WRITE(vcpu, 8, DEV, 0x80000000);
	finish(&vm);
}

/* SIMD registers live through exits, whatever the host does with its own. */
RUN_TEST(simd_registers_survive)
{
	static const struct gs_op ops[] = {
		{ GS_FP_FILL, 0, 0x1234, 0 },
		{ GS_READ, 4, DEV, 0 },
		{ GS_FP_CHECK, 0, 0x1234, 0 },
		{ GS_ECHO, 8, DEV, 0 },
		{ GS_SLEEP, 0, 1000000, 0 },
		{ GS_FP_CHECK, 0, 0x1234, 0 },
		{ GS_ECHO, 8, DEV, 0 },
		{ GS_OFF },
	};
	struct gt_vcpu *vcpu;
	struct gt_vm vm;
	volatile double x = 1.5;
	int i;

	BOOT(&vm, ops);
	vcpu = &vm.vcpus[0];
	GT_EXPECT_READ(vcpu, 4, DEV, 0);
	for (i = 0; i < 1000; i++)
		x = x * 1.0001 + 0.5;
	GT_EXPECT_WRITE(vcpu, 8, DEV, 0);
	GT_EXPECT_WRITE(vcpu, 8, DEV, 0);
	finish(&vm);
}

/* ---- sleeping ----------------------------------------------------------------- */

RUN_TEST(wfi_woken_by_the_timer)
{
	static const struct gs_op ops[] = {
		{ GS_SLEEP, 0, 2000000, 0 },
		{ GS_WRITE, 4, DEV, 1 },
		{ GS_SLEEP, 0, 20000000, 0 },
		{ GS_WRITE, 4, DEV, 2 },
		{ GS_SLEEP, 0, 1, 0 },
		{ GS_WRITE, 4, DEV, 3 },
		{ GS_OFF },
	};
	struct gt_vm vm;

	BOOT(&vm, ops);
	GT_EXPECT_WRITE(&vm.vcpus[0], 4, DEV, 1);
	GT_EXPECT_WRITE(&vm.vcpus[0], 4, DEV, 2);
	GT_EXPECT_WRITE(&vm.vcpus[0], 4, DEV, 3);
	finish(&vm);
}

RUN_TEST(many_sleeps)
{
	static const struct gs_op ops[] = {
		{ GS_SLEEP, 0, 200000, 0 },
		{ GS_GOTO, 0, 0, 199 },
		{ GS_WRITE, 4, DEV, 1 },
		{ GS_OFF },
	};
	struct gt_vm vm;

	BOOT(&vm, ops);
	GT_EXPECT_WRITE(&vm.vcpus[0], 4, DEV, 1);
	finish(&vm);
}

RUN_TEST(cpu_suspend_woken_by_the_timer)
{
	static const struct gs_op ops[] = {
		{ GS_SUSPEND, 0, 0, 2000000 },
		{ GS_WRITE, 4, DEV, 1 },
		{ GS_OFF },
	};
	struct gt_vm vm;

	BOOT(&vm, ops);
	GT_EXPECT_WRITE(&vm.vcpus[0], 4, DEV, 1);
	finish(&vm);
}

/* ---- ends ----------------------------------------------------------------------- */

static void check_end(const struct gs_op *ops, size_t n, uint32_t status, uint16_t type)
{
	struct gt_vm vm;
	int i;

	gt_vm_boot_script(&vm, ops, n);
	/* Once gone, always gone: the answer stays the same. */
	for (i = 0; i < 3; i++)
		GT_EXPECT_STATUS(&vm.vcpus[0], status, type);
	gt_vm_close(&vm);
}

RUN_TEST(system_off)
{
	static const struct gs_op ops[] = { { GS_OFF } };

	check_end(ops, 1, GH_VM_STATUS_EXITED, GT_TYPE_OFF);
}

RUN_TEST(system_reset)
{
	static const struct gs_op ops[] = { { GS_RESET } };

	check_end(ops, 1, GH_VM_STATUS_EXITED, GT_TYPE_RESET);
}

RUN_TEST(system_reset2)
{
	static const struct gs_op ops[] = { { GS_RESET2, 0, 0x80001234, 0x5678 } };

	check_end(ops, 1, GH_VM_STATUS_EXITED, GT_TYPE_RESET2);
}

RUN_TEST(crash)
{
	static const struct gs_op ops[] = { { GS_CRASH } };

	check_end(ops, 1, GH_VM_STATUS_CRASHED, GT_TYPE_ERROR);
}

RUN_TEST(exit_with_a_read_pending)
{
	static const struct gs_op ops[] = { { GS_READ, 4, DEV, 0 }, { GS_OFF } };
	struct gt_vm vm;

	BOOT(&vm, ops);
	GT_EXPECT_READ(&vm.vcpus[0], 4, DEV, 0);
	gt_vm_close(&vm);
}

/* A guest that only computes is interrupted as often as needed and gets done. */
RUN_TEST(long_computation)
{
	static const struct gs_op ops[] = {
		{ GS_SPIN, 0, 30000000, 0 },
		{ GS_WRITE, 4, DEV, 1 },
		{ GS_OFF },
	};
	struct gt_vm vm;

	BOOT(&vm, ops);
	GT_EXPECT_WRITE(&vm.vcpus[0], 4, DEV, 1);
	finish(&vm);
}

/* ---- several vCPUs ---------------------------------------------------------------- */

struct tally {
	unsigned int writes[GT_MAX_VCPUS];
	uint64_t last[GT_MAX_VCPUS];
	unsigned int ends;
	unsigned int errors;
	char text[GT_EXIT_TEXT];
};

static bool count(struct gt_vcpu *vcpu, const struct gt_exit *exit, void *arg)
{
	struct tally *t = arg;

	switch (exit->kind) {
	case GT_EXIT_MMIO:
		if (exit->write) {
			t->writes[vcpu->id]++;
			t->last[vcpu->id] = exit->data;
		} else {
			gt_answer(vcpu, 100 + vcpu->id);
		}
		return true;
	case GT_EXIT_STATUS:
		t->ends++;
		return true;
	default:
		t->errors++;
		gt_exit_text(exit, t->text);
		return true;
	}
}

/* vCPU 0 starts the others and waits for a word of each in memory, then ends. */
static void smp(unsigned int vcpus)
{
	static const uint64_t flag = GT_RAM_BASE + 0x1a0000;
	struct tally tally = { 0 };
	struct gs_op ops[3 * GT_MAX_VCPUS + 2] = { 0 }, other[8];
	unsigned int i, n = 0;
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", vcpus);
	for (i = 1; i < vcpus; i++) {
		ops[n++] = (struct gs_op){ GS_CPU_ON, 0, i, 0x7700 + i };
		ops[n++] = (struct gs_op){ GS_ECHO, 8, DEV, 0 };
		other[0] = (struct gs_op){ GS_CONTEXT, 0, 0, 0 };
		other[1] = (struct gs_op){ GS_ECHO, 8, DEV, 0 };
		other[2] = (struct gs_op){ GS_READ, 8, DEV, 0 };
		other[3] = (struct gs_op){ GS_ECHO, 8, DEV, 0 };
		other[4] = (struct gs_op){ GS_SLEEP, 0, 1000000, 0 };
		other[5] = (struct gs_op){ GS_STORE, 8, flag + 64 * i, i };
		other[6] = (struct gs_op){ GS_CPU_OFF, 0, 0, 0 };
		gt_vm_script(&vm, i, other, 7);
	}
	for (i = 1; i < vcpus; i++)
		ops[n++] = (struct gs_op){ GS_FLAG, 0, flag + 64 * i, i };
	ops[n++] = (struct gs_op){ GS_OFF, 0, 0, 0 };
	gt_vm_script(&vm, 0, ops, n);
	gt_vm_give(&vm);
	for (i = 0; i < vcpus; i++)
		gt_vm_add_vcpu(&vm, i);
	gt_vm_start(&vm);

	gt_run_all(gt_path, &vm, count, &tally);
	cr_assert_eq(tally.errors, 0, "%s", tally.text);
	cr_assert_eq(tally.ends, vcpus);
	cr_assert_eq(tally.writes[0], vcpus - 1);
	cr_assert_eq(tally.last[0], 0, "CPU_ON said %" PRId64, (int64_t)tally.last[0]);
	for (i = 1; i < vcpus; i++) {
		cr_assert_eq(tally.writes[i], 2, "vCPU %u", i);
		cr_assert_eq(tally.last[i], 100 + i, "vCPU %u", i);
	}
	gt_vm_close(&vm);
}

RUN_TEST(two_vcpus)
{
	smp(2);
}

RUN_TEST(three_vcpus)
{
	smp(3);
}

RUN_TEST(four_vcpus)
{
	smp(4);
}

/* Off and on again, many times. */
RUN_TEST(cpu_off_and_on)
{
	static const uint64_t flag = GT_RAM_BASE + 0x1a0000;
	static const struct gs_op ops[] = {
		{ GS_STORE, 8, flag, 0 },
		{ GS_CPU_ON, 1, 1, 0 },
		{ GS_FLAG, 0, flag, 1 },
		{ GS_SLEEP, 0, 3000000, 0 },
		{ GS_GOTO, 0, 0, 9 },
		{ GS_OFF },
	};
	static const struct gs_op other[] = {
		{ GS_WRITE, 4, DEV, 5 },
		{ GS_STORE, 8, flag, 1 },
		{ GS_CPU_OFF },
	};
	struct tally tally = { 0 };
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 2);
	gt_vm_script(&vm, 0, ops, GT_ARRAY_SIZE(ops));
	gt_vm_script(&vm, 1, other, GT_ARRAY_SIZE(other));
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_add_vcpu(&vm, 1);
	gt_vm_start(&vm);
	gt_run_all(gt_path, &vm, count, &tally);
	cr_assert_eq(tally.errors, 0, "%s", tally.text);
	cr_assert_eq(tally.ends, 2);
	cr_assert_geq(tally.writes[1], 9);
	gt_vm_close(&vm);
}

/* The whole VM sleeps for good: another vCPU ends it. */
RUN_TEST(end_wakes_the_sleepers)
{
	static const struct gs_op ops[] = {
		{ GS_CPU_ON, 0, 1, 0 },
		{ GS_CPU_ON, 0, 2, 0 },
		{ GS_SLEEP, 0, 20000000, 0 },
		{ GS_RESET },
	};
	static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
	struct tally tally = { 0 };
	unsigned int i;
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 4);
	gt_vm_script(&vm, 0, ops, GT_ARRAY_SIZE(ops));
	gt_vm_script(&vm, 1, sleeper, 2);
	gt_vm_script(&vm, 2, sleeper, 2);
	gt_vm_give(&vm);
	for (i = 0; i < 4; i++)
		gt_vm_add_vcpu(&vm, i);
	gt_vm_start(&vm);
	gt_run_all(gt_path, &vm, count, &tally);
	cr_assert_eq(tally.errors, 0, "%s", tally.text);
	cr_assert_eq(tally.ends, 4);
	gt_vm_close(&vm);
}

/* ---- wrong order -------------------------------------------------------------------- */

RUN_TEST(run_before_the_start)
{
	struct gt_exit exit;
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	gt_run(gt_path, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_ERROR);
	cr_assert_eq(exit.err, -ENODEV, "%s", strerror(-exit.err));
	gt_vm_close(&vm);
}

RUN_TEST(run_of_a_removed_vcpu)
{
	struct gt_exit exit;
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	cr_assert_eq(gt_remove_vcpu(vm.fd, 0), 0);
	gt_run(gt_path, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_ERROR);
	cr_assert_eq(exit.err, -ENODEV, "%s", strerror(-exit.err));
	gt_vm_close(&vm);
}
