// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's PSCI calls (SMC, trapped). A CPU is switched on into the monitor;
 * everything else goes on to the machine's firmware.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/psci.h>
#include <mon/regs.h>

void mon_secondary_entry(void);

uint64_t mon_smc(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
	register uint64_t x0 asm("x0") = fn;
	register uint64_t x1 asm("x1") = a1;
	register uint64_t x2 asm("x2") = a2;
	register uint64_t x3 asm("x3") = a3;

	asm volatile("smc #0"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
		     :
		     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
		       "x15", "x16", "x17", "memory");
	return x0;
}

static uint64_t cpu_on(uint64_t fn, uint64_t mpidr, uint64_t entry, uint64_t arg)
{
	struct mon_cpu *cpu = mon_cpu_by_mpidr(mpidr);
	uint64_t ret;

	if (!cpu)
		return PSCI_INVALID_PARAMETERS;
	mon_spin_lock(&mon_lock);
	if (cpu->state != MON_CPU_OFF) {
		ret = cpu->state == MON_CPU_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING;
		goto unlock;
	}
	cpu->host_entry = entry;
	cpu->host_arg = arg;
	__atomic_store_n(&cpu->state, MON_CPU_STARTING, __ATOMIC_RELEASE);
	mon_dsb();
	ret = mon_smc(fn, mpidr, (uint64_t)mon_secondary_entry, (uint64_t)cpu);
	if (ret)
		__atomic_store_n(&cpu->state, MON_CPU_OFF, __ATOMIC_RELEASE);
unlock:
	mon_spin_unlock(&mon_lock);
	return ret;
}

static uint64_t cpu_off(struct mon_cpu *cpu)
{
	__atomic_store_n(&cpu->state, MON_CPU_OFF, __ATOMIC_SEQ_CST);
	mon_timer_cpu_off(cpu);
	mon_hirq_cpu_off(cpu);
	mon_smc(PSCI_CPU_OFF, 0, 0, 0);
	__atomic_store_n(&cpu->state, MON_CPU_ON, __ATOMIC_RELEASE);
	return PSCI_DENIED;
}

static uint64_t features(uint64_t fn)
{
	switch (fn) {
	case SMCCC_VERSION:
		return PSCI_SUCCESS;
	default:
		return mon_smc(PSCI_FEATURES, fn, 0, 0);
	}
}

void mon_psci_host(struct mon_cpu *cpu, struct mon_ctx *ctx)
{
	uint64_t fn = (uint32_t)ctx->x[0];

	switch (fn) {
	case PSCI_CPU_ON_32:
	case PSCI_CPU_ON_64:
		ctx->x[0] = cpu_on(fn, ctx->x[1], ctx->x[2], ctx->x[3]);
		break;
	case PSCI_CPU_OFF:
		ctx->x[0] = cpu_off(cpu);
		break;
	case PSCI_FEATURES:
		ctx->x[0] = features((uint32_t)ctx->x[1]);
		break;
	case SMCCC_VERSION:
		ctx->x[0] = SMCCC_VERSION_1_2;
		break;
	case PSCI_VERSION:
	case PSCI_CPU_SUSPEND_32:
	case PSCI_CPU_SUSPEND_64:
	case PSCI_AFFINITY_INFO_32:
	case PSCI_AFFINITY_INFO_64:
	case PSCI_MIGRATE_INFO_TYPE:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
		ctx->x[0] = mon_smc(fn, ctx->x[1], ctx->x[2], ctx->x[3]);
		break;
	default:
		ctx->x[0] = PSCI_NOT_SUPPORTED;
		break;
	}
}
