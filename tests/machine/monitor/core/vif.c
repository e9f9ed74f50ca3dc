// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual CPU interface: four list registers and two words of state.
 */
#include <mon/gic.h>
#include <mon/regs.h>

#define ICC_ASGI1R		SYSREG(3, 0, 12, 11, 6)
#define ICC_SGI0R		SYSREG(3, 0, 12, 11, 7)
#define ICC_IAR0		SYSREG(3, 0, 12, 8, 0)
#define ICC_HPPIR0		SYSREG(3, 0, 12, 8, 2)
#define ICC_IGRPEN0		SYSREG(3, 0, 12, 12, 6)
#define INTID_NONE		1023

uint64_t mon_lr_read(unsigned int n)
{
	switch (n) {
	case 0:
		return mon_read(ICH_LR0_EL2);
	case 1:
		return mon_read(ICH_LR1_EL2);
	case 2:
		return mon_read(ICH_LR2_EL2);
	default:
		return mon_read(ICH_LR3_EL2);
	}
}

void mon_lr_write(unsigned int n, uint64_t v)
{
	switch (n) {
	case 0:
		mon_write(ICH_LR0_EL2, v);
		break;
	case 1:
		mon_write(ICH_LR1_EL2, v);
		break;
	case 2:
		mon_write(ICH_LR2_EL2, v);
		break;
	default:
		mon_write(ICH_LR3_EL2, v);
		break;
	}
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

static void set_hcr(struct mon_cpu *cpu, bool underflow)
{
	/* Group 0 is not offered to anybody: its registers trap. */
	uint64_t hcr = ICH_HCR_EN | ICH_HCR_TALL0 | (underflow ? ICH_HCR_UIE : 0);

	if (cpu->ich_hcr == hcr)
		return;
	cpu->ich_hcr = hcr;
	mon_write(ICH_HCR_EL2, hcr);
}

void mon_vif_underflow(struct mon_cpu *cpu, struct mon_vif *vif, bool want)
{
	vif->underflow = want;
	set_hcr(cpu, want);
}

/* A list register of vif->used is loaded, or saved and emptied. */
#define LOAD(n, reg)							\
do {									\
	if (vif->used & (1u << (n)))					\
		mon_write(reg, vif->lr[n]);				\
} while (0)

#define SAVE(n, reg)							\
do {									\
	if (vif->used & (1u << (n))) {					\
		uint64_t __lr = mon_read(reg);				\
									\
		mon_write(reg, 0);					\
		vif->lr[n] = __lr;					\
		if (!(__lr & LR_STATE))					\
			vif->used &= ~(1u << (n));			\
	}								\
} while (0)

/*
 * List registers not in use are zero by mon_vif_save(), and so are the active
 * priorities. Reading and writing these registers is slow: nothing is for nothing.
 */
void mon_vif_load(struct mon_cpu *cpu, const struct mon_vif *vif)
{
	if (vif->used) {
		LOAD(0, ICH_LR0_EL2);
		LOAD(1, ICH_LR1_EL2);
		LOAD(2, ICH_LR2_EL2);
		LOAD(3, ICH_LR3_EL2);
	}
	mon_write(ICH_VMCR_EL2, vif->vmcr);
	if (vif->ap1r0)
		mon_write(ICH_AP1R0_EL2, vif->ap1r0);
	set_hcr(cpu, vif->underflow);
}

void mon_vif_save(struct mon_vif *vif)
{
	vif->vmcr = mon_read(ICH_VMCR_EL2);
	vif->ap1r0 = mon_read(ICH_AP1R0_EL2);
	if (vif->ap1r0)
		mon_write(ICH_AP1R0_EL2, 0);
	if (vif->used) {
		SAVE(0, ICH_LR0_EL2);
		SAVE(1, ICH_LR1_EL2);
		SAVE(2, ICH_LR2_EL2);
		SAVE(3, ICH_LR3_EL2);
	}
}

bool mon_icc_group0(uint32_t iss, uint64_t *val)
{
	uint32_t reg = iss & SYSREG_MASK;

	*val = reg == ICC_IAR0 || reg == ICC_HPPIR0 ? INTID_NONE : 0;
	/* IAR0, EOIR0, HPPIR0, BPR0 and AP0Rn share CRm 8. */
	return (reg & ~SYSREG(0, 0, 0, 0, 7)) == SYSREG(3, 0, 12, 8, 0) || reg == ICC_IGRPEN0 ||
	       reg == ICC_SGI0R || reg == ICC_ASGI1R;
}
