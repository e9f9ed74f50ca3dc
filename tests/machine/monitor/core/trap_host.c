// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synchronous traps of the host.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/psci.h>
#include <mon/scenario.h>
#include <mon/vm.h>

#define ICC_SGI1R		SYSREG(3, 0, 12, 11, 5)

static bool in_gicr_sgi(uint64_t ipa)
{
	uint64_t off = ipa - MON_GICR_BASE;

	return ipa >= MON_GICR_BASE && off < (uint64_t)mon_nr_cpus * MON_GICR_STRIDE &&
	       off % MON_GICR_STRIDE >= MON_GICR_SGI_OFFSET;
}

/*
 * A frame of the GIC, or memory that is not the host's (any more): then the host
 * gets what a bus without a slave gives it.
 */
static void host_abort(struct mon_cpu *cpu, struct mon_ctx *ctx, uint64_t esr)
{
	uint64_t ipa = (mon_read(hpfar_el2) & 0xfffffffff0ull) << 8 | (mon_read(far_el2) & 0xfff);
	bool gicd = ipa >= MON_GICD_BASE && ipa < MON_GICD_BASE + MON_GICD_SIZE;
	struct mon_access a;
	bool retry;

	if (esr >> ESR_EC_SHIFT == EC_DABT_LOW && (gicd || in_gicr_sgi(ipa)) &&
	    mon_access_decode(&a, ctx, esr, ipa)) {
		if (gicd)
			mon_hgicd_access(cpu, &a);
		else
			mon_hgicr_access(&a);
		if (!a.write)
			mon_access_finish(ctx, esr, a.value);
		mon_skip(ctx, esr);
		return;
	}
	/* Another CPU may have been splitting a block there just now. */
	mon_spin_lock(&mon_lock);
	retry = (esr & ESR_FSC_MASK) == ESR_FSC_TRANSLATION &&
		mon_s2_mapped(&mon_host_s2, ipa & ~0xfffull, 0x1000);
	mon_spin_unlock(&mon_lock);
	if (!retry)
		mon_inject_abort(ctx, esr);
}

static void host_sysreg(struct mon_cpu *cpu, struct mon_ctx *ctx, uint64_t esr)
{
	uint32_t iss = (uint32_t)esr & 0x1ffffff, rt = SYSREG_RT(iss);
	uint64_t val;

	if (mon_idreg(iss, false, &val) || mon_icc_group0(iss, &val)) {
		if ((iss & SYSREG_READ) && rt != 31)
			ctx->x[rt] = val;
	} else if (!(iss & SYSREG_READ) && (iss & SYSREG_MASK) == ICC_SGI1R) {
		mon_gic_sgi_host(cpu, rt == 31 ? 0 : ctx->x[rt]);
	} else {
		mon_inject_undef(ctx);
		return;
	}
	mon_skip(ctx, esr);
}

static __attribute__((noinline)) struct mon_ctx *host_other(struct mon_cpu *cpu, uint64_t esr)
{
	struct mon_ctx *ctx = &cpu->host;

	switch (esr >> ESR_EC_SHIFT & 0x3f) {
	case EC_HVC64:
		if (!mon_hypercall_host(cpu, ctx, esr & 0xffff))
			ctx->x[0] = PSCI_NOT_SUPPORTED;
		break;
	case EC_SMC64:
		mon_skip(ctx, esr);
		mon_psci_host(cpu, ctx);
		break;
	case EC_SYSREG:
		host_sysreg(cpu, ctx, esr);
		break;
	case EC_IABT_LOW:
	case EC_DABT_LOW:
		host_abort(cpu, ctx, esr);
		break;
	default:
		mon_inject_undef(ctx);
		break;
	}
	return mon_trap_end(cpu);
}

struct mon_ctx *mon_host_sync(struct mon_cpu *cpu, uint64_t esr)
{
	const struct mon_ctx *ctx = &cpu->host;

	/* The calls that are made all the time. */
	if (mon_likely((uint32_t)esr == ESR_HVC_0)) {
		uint32_t call = (uint32_t)ctx->x[0];

		if (mon_likely(call == MON_CALL_VCPU_RUN))
			return mon_vcpu_run(cpu, ctx->x[1], ctx->x[2]);
		if (call == MON_CALL_BELL_SEND && !mon_scn_any(GH_SCN_HYPERCALL))
			return mon_bell_send(cpu, ctx->x[1], ctx->x[2]);
	}
	return host_other(cpu, esr);
}
