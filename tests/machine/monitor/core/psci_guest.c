// SPDX-License-Identifier: GPL-2.0-only
/*
 * PSCI of the guests, by HVC or SMC.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/psci.h>
#include <mon/regs.h>
#include <mon/vm.h>
#include <stddef.h>

#define SUSPEND_POWER_DOWN	BIT(16)
#define RESET_SYSTEM		BIT(63)
#define RESET2_SMC64		BIT(62)
#define RESET2_WORD_SMC64	0x8000u

static struct mon_vcpu *target(struct mon_vcpu *vcpu, uint64_t mpidr)
{
	uint64_t index = mpidr & 0xff00ffffffull;

	return index < vcpu->vm->nr_vcpus ? vcpu->vm->vcpu[index] : NULL;
}

static uint64_t cpu_on(struct mon_vcpu *vcpu, uint64_t mpidr, uint64_t pc, uint64_t x0)
{
	struct mon_vcpu *to = target(vcpu, mpidr);
	uint32_t power;

	if (!to)
		return PSCI_INVALID_PARAMETERS;
	if (mon_vcpu_power_on(to, pc, x0))
		return PSCI_SUCCESS;
	power = __atomic_load_n(&to->power, __ATOMIC_RELAXED);
	return power == POWER_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING;
}

static uint64_t affinity_info(struct mon_vcpu *vcpu, uint64_t mpidr, uint64_t level)
{
	struct mon_vcpu *to = target(vcpu, mpidr);

	if (!to || level)
		return PSCI_INVALID_PARAMETERS;
	return __atomic_load_n(&to->power, __ATOMIC_RELAXED) == POWER_OFF ? PSCI_AFFINITY_OFF :
									    PSCI_AFFINITY_ON;
}

static void cpu_off(struct mon_cpu *cpu)
{
	struct mon_vcpu *vcpu = cpu->vcpu;

	__atomic_store_n(&vcpu->power, POWER_OFF, __ATOMIC_RELEASE);
	mon_vcpu_leave(cpu, RUN_POWERED_OFF, 0, 0, 0);
}

/* A state that loses the registers wakes at an entry point, as after CPU_ON. */
static void restart_at(struct mon_vcpu *vcpu, uint64_t pc, uint64_t x0)
{
	vcpu->start_pc = pc;
	vcpu->start_x0 = x0;
	vcpu->sleep_restart = true;
}

static void cpu_suspend(struct mon_cpu *cpu, struct mon_ctx *ctx)
{
	uint64_t state = (uint32_t)ctx->x[1];

	if (state & SUSPEND_POWER_DOWN)
		restart_at(cpu->vcpu, ctx->x[2], ctx->x[3]);
	ctx->x[0] = PSCI_SUCCESS;
	mon_vcpu_sleep(cpu, SLEEP_CPU_SUSPEND, state);
}

static void system_suspend(struct mon_cpu *cpu, struct mon_ctx *ctx)
{
	struct mon_vm *vm = cpu->vcpu->vm;
	uint32_t i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		struct mon_vcpu *v = vm->vcpu[i];

		if (v && v != cpu->vcpu && __atomic_load_n(&v->power, __ATOMIC_RELAXED)) {
			ctx->x[0] = PSCI_DENIED;
			return;
		}
	}
	restart_at(cpu->vcpu, ctx->x[1], ctx->x[2]);
	mon_vcpu_sleep(cpu, SLEEP_SYSTEM_SUSPEND, 0);
}

static void system_off(struct mon_cpu *cpu)
{
	const uint32_t words[1] = { 0 };

	mon_vm_exit(cpu, RM_EXIT_SYSTEM_OFF, words, 1, RUN_POWERED_OFF, 0, 0);
}

static void system_reset(struct mon_cpu *cpu)
{
	const uint32_t words[1] = { 0 };

	mon_vm_exit(cpu, RM_EXIT_SYSTEM_RESET, words, 1, RUN_SYSTEM_RESET, RESET_SYSTEM, 0);
}

static void system_reset2(struct mon_cpu *cpu, const struct mon_ctx *ctx, bool wide)
{
	uint64_t cookie = wide ? ctx->x[2] : (uint32_t)ctx->x[2];
	const uint32_t words[4] = {
		wide ? RESET2_WORD_SMC64 : 0, (uint32_t)ctx->x[1],
		(uint32_t)cookie, (uint32_t)(cookie >> 32),
	};

	mon_vm_exit(cpu, RM_EXIT_SYSTEM_RESET2, words, MON_ARRAY_SIZE(words), RUN_SYSTEM_RESET,
		    (wide ? RESET2_SMC64 : 0) | words[1], cookie);
}

static uint64_t features(uint32_t fn)
{
	switch (fn) {
	case PSCI_VERSION:
	case PSCI_CPU_SUSPEND_32:
	case PSCI_CPU_SUSPEND_64:
	case PSCI_CPU_OFF:
	case PSCI_CPU_ON_32:
	case PSCI_CPU_ON_64:
	case PSCI_AFFINITY_INFO_32:
	case PSCI_AFFINITY_INFO_64:
	case PSCI_MIGRATE_INFO_TYPE:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_FEATURES:
	case PSCI_SYSTEM_SUSPEND_32:
	case PSCI_SYSTEM_SUSPEND_64:
	case PSCI_SYSTEM_RESET2_32:
	case PSCI_SYSTEM_RESET2_64:
	case SMCCC_VERSION:
		return PSCI_SUCCESS;
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

/* Calls that only return a value. */
static bool simple_call(struct mon_vcpu *vcpu, struct mon_ctx *ctx, uint32_t fn)
{
	switch (fn) {
	case PSCI_VERSION:
		ctx->x[0] = PSCI_VERSION_1_1;
		return true;
	case PSCI_FEATURES:
		ctx->x[0] = features((uint32_t)ctx->x[1]);
		return true;
	case PSCI_MIGRATE_INFO_TYPE:
		ctx->x[0] = PSCI_NO_MIGRATION;
		return true;
	case PSCI_CPU_ON_32:
		ctx->x[0] = cpu_on(vcpu, (uint32_t)ctx->x[1], (uint32_t)ctx->x[2],
				   (uint32_t)ctx->x[3]);
		return true;
	case PSCI_CPU_ON_64:
		ctx->x[0] = cpu_on(vcpu, ctx->x[1], ctx->x[2], ctx->x[3]);
		return true;
	case PSCI_AFFINITY_INFO_32:
		ctx->x[0] = affinity_info(vcpu, (uint32_t)ctx->x[1], (uint32_t)ctx->x[2]);
		return true;
	case PSCI_AFFINITY_INFO_64:
		ctx->x[0] = affinity_info(vcpu, ctx->x[1], ctx->x[2]);
		return true;
	case SMCCC_VERSION:
		ctx->x[0] = SMCCC_VERSION_1_2;
		return true;
	case SMCCC_ARCH_FEATURES:
		ctx->x[0] = PSCI_NOT_SUPPORTED;
		return true;
	default:
		return false;
	}
}

bool mon_psci_guest(struct mon_cpu *cpu, struct mon_ctx *ctx)
{
	uint32_t fn = (uint32_t)ctx->x[0];

	if (simple_call(cpu->vcpu, ctx, fn))
		return true;
	switch (fn) {
	case PSCI_CPU_SUSPEND_32:
	case PSCI_CPU_SUSPEND_64:
		cpu_suspend(cpu, ctx);
		return true;
	case PSCI_CPU_OFF:
		cpu_off(cpu);
		return true;
	case PSCI_SYSTEM_OFF:
		system_off(cpu);
		return true;
	case PSCI_SYSTEM_RESET:
		system_reset(cpu);
		return true;
	case PSCI_SYSTEM_RESET2_32:
	case PSCI_SYSTEM_RESET2_64:
		system_reset2(cpu, ctx, fn == PSCI_SYSTEM_RESET2_64);
		return true;
	case PSCI_SYSTEM_SUSPEND_32:
	case PSCI_SYSTEM_SUSPEND_64:
		system_suspend(cpu, ctx);
		return true;
	default:
		return false;
	}
}
