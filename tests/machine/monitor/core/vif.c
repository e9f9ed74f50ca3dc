// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual CPU interface: four list registers and two words of state.
 */
#include <mon/gic.h>
#include <mon/regs.h>

uint64_t mon_lr_read(unsigned int n)
{
	switch (n) {
	case 0: return mon_read(ICH_LR0_EL2);
	case 1: return mon_read(ICH_LR1_EL2);
	case 2: return mon_read(ICH_LR2_EL2);
	default: return mon_read(ICH_LR3_EL2);
	}
}

void mon_lr_write(unsigned int n, uint64_t v)
{
	switch (n) {
	case 0: mon_write(ICH_LR0_EL2, v); break;
	case 1: mon_write(ICH_LR1_EL2, v); break;
	case 2: mon_write(ICH_LR2_EL2, v); break;
	default: mon_write(ICH_LR3_EL2, v); break;
	}
}

void mon_ich_hcr(uint64_t v)
{
	mon_write(ICH_HCR_EL2, v);
}

void mon_vif_reset(struct mon_vif *vif)
{
	unsigned int i;

	for (i = 0; i < MON_NUM_LRS; i++)
		vif->lr[i] = 0;
	vif->vmcr = 0;
	vif->ap1r0 = 0;
	vif->used = 0;
	vif->underflow = false;
}

/* Every list register in use is written; the others are zero by mon_vif_save(). */
void mon_vif_load(const struct mon_vif *vif, uint64_t hcr)
{
	unsigned int i;

	for (i = 0; i < MON_NUM_LRS; i++)
		if (vif->used & (1u << i))
			mon_lr_write(i, vif->lr[i]);
	mon_write(ICH_VMCR_EL2, vif->vmcr);
	mon_write(ICH_AP1R0_EL2, vif->ap1r0);
	mon_write(ICH_HCR_EL2, hcr | ICH_HCR_EN | (vif->underflow ? ICH_HCR_UIE : 0));
}

void mon_vif_save(struct mon_vif *vif)
{
	unsigned int i;

	for (i = 0; i < MON_NUM_LRS; i++) {
		if (!(vif->used & (1u << i)))
			continue;
		vif->lr[i] = mon_lr_read(i);
		mon_lr_write(i, 0);
		if (!(vif->lr[i] & LR_STATE))
			vif->used &= ~(1u << i);
	}
	vif->vmcr = mon_read(ICH_VMCR_EL2);
	vif->ap1r0 = mon_read(ICH_AP1R0_EL2);
}
