// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions given to EL1, as the architecture would take them.
 */
#include <mon/core.h>
#include <mon/regs.h>

#define EC_FROM_SAME_EL		1ull	/* added to the class "from a lower level" */
#define FSC_SEA			0x10ull
#define FSC_SEA_WALK		0x14ull
#define SPSR_DAIF		0x3c0ull
#define SPSR_NZCV		0xf0000000ull
#define SPSR_PAN		BIT(22)
#define SPSR_DIT		BIT(24)
#define SPSR_SSBS		BIT(12)
#define SCTLR_SPAN		BIT(23)
#define SCTLR_DSSBS		BIT(44)

static bool from_el0(const struct mon_ctx *ctx)
{
	return (ctx->spsr & SPSR_AARCH32) || !(ctx->spsr & SPSR_M_MASK);
}

uint64_t mon_inject_vector(const struct mon_ctx *ctx)
{
	uint64_t vbar = mon_read(vbar_el1);

	if (ctx->spsr & SPSR_AARCH32)
		return vbar + 0x600;
	if (!(ctx->spsr & SPSR_M_MASK))
		return vbar + 0x400;
	return vbar + ((ctx->spsr & SPSR_M_MASK) == SPSR_M_EL1T ? 0 : 0x200);
}

static void inject(struct mon_ctx *ctx, uint64_t esr)
{
	uint64_t sctlr = mon_read(sctlr_el1), vector = mon_inject_vector(ctx);
	uint64_t spsr = ctx->spsr;

	mon_write(esr_el1, esr);
	mon_write(elr_el1, ctx->elr);
	mon_write(spsr_el1, spsr);
	ctx->elr = vector;
	ctx->spsr = SPSR_M_EL1H | SPSR_DAIF | (spsr & SPSR_NZCV);
	if (!(spsr & SPSR_AARCH32))
		ctx->spsr |= spsr & SPSR_DIT;
	ctx->spsr |= spsr & SPSR_PAN;
	if (!(sctlr & SCTLR_SPAN) && mon_bits(mon_read(id_aa64mmfr1_el1), 23, 20))
		ctx->spsr |= SPSR_PAN;
	if (sctlr & SCTLR_DSSBS)
		ctx->spsr |= SPSR_SSBS;
}

void mon_inject_abort(struct mon_ctx *ctx, uint64_t esr)
{
	uint64_t ec = esr >> ESR_EC_SHIFT & 0x3f;
	uint64_t fsc = FSC_SEA;

	/* A fault on the walk of stage 1 is reported at the level of the walk. */
	if (esr & ESR_S1PTW)
		fsc = FSC_SEA_WALK | (esr & 3);
	if (!from_el0(ctx))
		ec += EC_FROM_SAME_EL;
	mon_write(far_el1, mon_read(far_el2));
	inject(ctx, ec << ESR_EC_SHIFT | ESR_IL | fsc);
}

void mon_inject_undef(struct mon_ctx *ctx)
{
	inject(ctx, ESR_IL);
}

void mon_skip(struct mon_ctx *ctx, uint64_t esr)
{
	ctx->elr += esr & ESR_IL ? 4 : 2;
}
