// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EL1 and EL0 registers of what runs below EL2. This is the bulk of a world
 * switch: registers whose write is expensive (it drops TLB entries, or reprograms
 * a timer) are left alone if both worlds agree.
 */
#include <mon/ctx.h>
#include <mon/regs.h>
#include <string.h>

#define SWITCH(field, reg)						\
do {									\
	from->field = mon_read(reg);					\
	mon_write(reg, to->field);					\
} while (0)

#define SWITCH_IF(field, reg)						\
do {									\
	from->field = mon_read(reg);					\
	if (from->field != to->field)					\
		mon_write(reg, to->field);				\
} while (0)

void mon_el1_switch(struct mon_el1 *from, const struct mon_el1 *to)
{
	SWITCH_IF(sctlr, sctlr_el1);
	SWITCH_IF(tcr, tcr_el1);
	SWITCH_IF(ttbr0, ttbr0_el1);
	SWITCH_IF(ttbr1, ttbr1_el1);
	SWITCH_IF(mair, mair_el1);
	SWITCH_IF(amair, amair_el1);
	SWITCH_IF(contextidr, contextidr_el1);
	SWITCH(cpacr, cpacr_el1);
	SWITCH(esr, esr_el1);
	SWITCH(far, far_el1);
	SWITCH(afsr0, afsr0_el1);
	SWITCH(afsr1, afsr1_el1);
	SWITCH(vbar, vbar_el1);
	SWITCH(tpidr_el0, tpidr_el0);
	SWITCH(tpidrro_el0, tpidrro_el0);
	SWITCH(tpidr_el1, tpidr_el1);
	SWITCH(sp_el0, sp_el0);
	SWITCH(sp_el1, sp_el1);
	SWITCH(elr, elr_el1);
	SWITCH(spsr, spsr_el1);
	SWITCH(par, par_el1);
	SWITCH(csselr, csselr_el1);
	SWITCH_IF(cntkctl, cntkctl_el1);
	SWITCH_IF(mdscr, mdscr_el1);
	/* In between, the line may be what neither world means; EL2 does not look. */
	SWITCH_IF(cntv_cval, cntv_cval_el0);
	from->cntv_ctl = mon_read(cntv_ctl_el0);
	if ((from->cntv_ctl | to->cntv_ctl) & (CNT_CTL_ENABLE | CNT_CTL_IMASK))
		mon_write(cntv_ctl_el0, to->cntv_ctl);
}

void mon_el1_reset(struct mon_el1 *s)
{
	memset(s, 0, sizeof(*s));
	s->sctlr = SCTLR_EL1_RESET;
}
