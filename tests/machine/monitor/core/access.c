// SPDX-License-Identifier: GPL-2.0-only
/*
 * A trapped load or store, decoded from the syndrome.
 */
#include <mon/gic.h>
#include <mon/regs.h>

bool mon_access_decode(struct mon_access *a, const struct mon_ctx *ctx, uint64_t esr,
		       uint64_t ipa)
{
	if (!(esr & ESR_ISV) || (esr & ESR_S1PTW))
		return false;
	*a = (struct mon_access){
		.ipa = ipa,
		.size = (uint8_t)(1u << mon_bits(esr, 23, 22)),
		.reg = (uint8_t)mon_bits(esr, 20, 16),
		.sign_extend = mon_bits(esr, 21, 21),
		.wide = mon_bits(esr, 15, 15),
		.write = esr & ESR_WNR,
	};
	if (a->write)
		a->value = a->reg == 31 ? 0 : ctx->x[a->reg];
	return true;
}

void mon_access_finish(struct mon_ctx *ctx, uint8_t reg, uint8_t size, bool sign_extend,
		       bool wide, uint64_t value)
{
	if (sign_extend && size < 8) {
		uint64_t sign = 1ull << (size * 8 - 1);

		value = (value ^ sign) - sign;
	}
	if (!wide)
		value = (uint32_t)value;
	if (reg != 31)
		ctx->x[reg] = value;
}
