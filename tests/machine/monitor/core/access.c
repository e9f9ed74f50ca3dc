// SPDX-License-Identifier: GPL-2.0-only
/*
 * A trapped load or store, decoded from the syndrome.
 */
#include <mon/gic.h>
#include <mon/regs.h>

bool mon_access_decode(struct mon_access *a, const struct mon_ctx *ctx, uint64_t esr,
		       uint64_t ipa)
{
	uint64_t reg = mon_bits(esr, 20, 16);

	if (!(esr & ESR_ISV) || (esr & ESR_S1PTW))
		return false;
	*a = (struct mon_access){
		.ipa = ipa,
		.size = (uint8_t)(1u << mon_bits(esr, 23, 22)),
		.write = esr & ESR_WNR,
	};
	if (a->write && reg != 31)
		a->value = ctx->x[reg];
	return true;
}
