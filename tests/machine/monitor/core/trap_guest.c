// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synchronous traps of guests. Whatever a guest does ends in one of: emulated, an
 * exit to the host, an exception in the guest, the end of its VM.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/psci.h>
#include <mon/regs.h>
#include <mon/vm.h>
#include <stddef.h>

#define ICC_SGI1R		SYSREG(3, 0, 12, 11, 5)
#define ACTLR			SYSREG(3, 0, 1, 0, 1)
/* A data abort by a translation fault, with all of mon_access_decode()'s conditions. */
#define ESR_MMIO_MASK		(0x3full << ESR_EC_SHIFT | ESR_IL | ESR_ISV | ESR_S1PTW | \
				 ESR_FSC_MASK)
#define ESR_MMIO		((uint64_t)EC_DABT_LOW << ESR_EC_SHIFT | ESR_IL | ESR_ISV | \
				 ESR_FSC_TRANSLATION)

static bool from_el1(const struct mon_ctx *ctx)
{
	return !(ctx->spsr & SPSR_AARCH32) && (ctx->spsr & SPSR_M_MASK);
}

/*
 * An exception whose handler is the instruction that raised it would be taken for
 * ever: the vCPU is beyond help, and its VM with it.
 */
static bool ends_in_loop(struct mon_cpu *cpu, const struct mon_ctx *ctx)
{
	const uint32_t words[1] = { 0 };

	if (!from_el1(ctx) || ctx->elr != mon_inject_vector(ctx))
		return false;
	mon_vm_exit(cpu, RM_EXIT_ERROR, words, 1, RUN_FAULT, 0, 0);
	return true;
}

static void undef(struct mon_cpu *cpu, struct mon_ctx *ctx)
{
	if (!ends_in_loop(cpu, ctx))
		mon_inject_undef(ctx);
}

static bool in_window(const struct mon_vm *vm, const struct mon_access *a)
{
	uint64_t off = a->ipa - vm->vmmio_base;

	return off < vm->vmmio_size && a->size <= vm->vmmio_size - off;
}

static uint64_t fault_ipa(void)
{
	return mon_read(hpfar_el2) >> 4 << 12 | (mon_read(far_el2) & 0xfff);
}

static void guest_abort(struct mon_cpu *cpu, struct mon_ctx *ctx, uint64_t esr)
{
	uint64_t ipa = fault_ipa();
	struct mon_access a;

	if (esr >> ESR_EC_SHIFT == EC_DABT_LOW && (esr & ESR_FSC_MASK) == ESR_FSC_TRANSLATION &&
	    mon_access_decode(&a, ctx, esr, ipa)) {
		if (mon_vgic_mmio(cpu, &a)) {
			if (!a.write)
				mon_access_finish(ctx, esr, a.value);
			mon_skip(ctx, esr);
			return;
		}
		if (in_window(cpu->vcpu->vm, &a)) {
			mon_skip(ctx, esr);
			mon_vcpu_mmio(cpu, cpu->vcpu, esr, ipa);
			return;
		}
	}
	if (!ends_in_loop(cpu, ctx))
		mon_inject_abort(ctx, esr);
}

/* Registers that read as zero and ignore writes. */
static bool is_raz(uint32_t reg)
{
	uint32_t op0 = (reg >> 20) & 3, op1 = (reg >> 14) & 7, crn = (reg >> 10) & 15;
	uint32_t crm = (reg >> 1) & 15, op2 = (reg >> 17) & 7;

	/* Debug, trace. */
	if (op0 == 2)
		return true;
	/* Cache maintenance by set and way. */
	if (op0 == 1 && !op1 && crn == 7 && (crm == 6 || crm == 10 || crm == 14) && op2 == 2)
		return true;
	if (op0 != 3)
		return false;
	/* Performance monitors. */
	if ((op1 == 3 && crn == 9 && crm >= 12 && crm <= 14) ||
	    (!op1 && crn == 9 && crm == 14) || (op1 == 3 && crn == 14 && crm >= 8))
		return true;
	/* Error records. */
	if (!op1 && crn == 5 && crm >= 3 && crm <= 5)
		return true;
	return reg == ACTLR;
}

static void guest_sysreg(struct mon_cpu *cpu, struct mon_ctx *ctx, uint64_t esr)
{
	uint32_t iss = (uint32_t)esr & 0x1ffffff, reg = iss & SYSREG_MASK, rt = SYSREG_RT(iss);
	uint64_t val = 0;

	if (mon_idreg(iss, true, &val) || mon_icc_group0(iss, &val))
		goto done;
	if (reg == ICC_SGI1R && !(iss & SYSREG_READ)) {
		mon_vgic_sgi(cpu->vcpu, rt == 31 ? 0 : ctx->x[rt]);
		goto done;
	}
	if (!is_raz(reg)) {
		undef(cpu, ctx);
		return;
	}
done:
	if ((iss & SYSREG_READ) && rt != 31)
		ctx->x[rt] = val;
	mon_skip(ctx, esr);
}

static void guest_call(struct mon_cpu *cpu, struct mon_ctx *ctx, uint32_t imm)
{
	if (!imm && mon_psci_guest(cpu, ctx))
		return;
	if (!mon_hypercall_guest(ctx, imm))
		ctx->x[0] = PSCI_NOT_SUPPORTED;
}

static __attribute__((noinline)) struct mon_ctx *guest_other(struct mon_cpu *cpu,
							     struct mon_ctx *ctx, uint64_t esr)
{
	switch (esr >> ESR_EC_SHIFT & 0x3f) {
	case EC_IABT_LOW:
	case EC_DABT_LOW:
		guest_abort(cpu, ctx, esr);
		break;
	case EC_FP:
		mon_vcpu_fp(cpu);
		break;
	case EC_SYSREG:
		guest_sysreg(cpu, ctx, esr);
		break;
	case EC_HVC64:
		guest_call(cpu, ctx, esr & 0xffff);
		break;
	case EC_SMC64:
		mon_skip(ctx, esr);
		guest_call(cpu, ctx, esr & 0xffff);
		break;
	default:
		undef(cpu, ctx);
		break;
	}
	return mon_trap_end(cpu);
}

struct mon_ctx *mon_guest_sync(struct mon_cpu *cpu, struct mon_vcpu *vcpu, uint64_t esr)
{
	const struct mon_vm *vm = vcpu->vm;
	uint64_t ipa;

	/* What happens all the time: an access in the VMMIO window, and not near the GIC. */
	if (mon_likely((esr & ESR_MMIO_MASK) == ESR_MMIO)) {
		ipa = fault_ipa();
		if (mon_likely(ipa - vm->vmmio_base < vm->vmmio_room &&
			       ipa - vm->gic_base >= vm->gic_span)) {
			vcpu->ctx.elr += 4;
			return mon_vcpu_mmio(cpu, vcpu, esr, ipa);
		}
	}
	if ((esr >> ESR_EC_SHIFT & 0x3f) == EC_WFX) {
		mon_skip(&vcpu->ctx, esr);
		return mon_vcpu_sleep(cpu, SLEEP_WFI, 0);
	}
	return guest_other(cpu, &vcpu->ctx, esr);
}
