// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EL1 and EL0 registers of what runs below EL2.
 */
#include <mon/ctx.h>
#include <mon/regs.h>
#include <string.h>

void mon_el1_save(struct mon_el1 *s)
{
	s->sctlr = mon_read(sctlr_el1);
	s->cpacr = mon_read(cpacr_el1);
	s->ttbr0 = mon_read(ttbr0_el1);
	s->ttbr1 = mon_read(ttbr1_el1);
	s->tcr = mon_read(tcr_el1);
	s->esr = mon_read(esr_el1);
	s->afsr0 = mon_read(afsr0_el1);
	s->afsr1 = mon_read(afsr1_el1);
	s->far = mon_read(far_el1);
	s->mair = mon_read(mair_el1);
	s->amair = mon_read(amair_el1);
	s->vbar = mon_read(vbar_el1);
	s->contextidr = mon_read(contextidr_el1);
	s->tpidr_el0 = mon_read(tpidr_el0);
	s->tpidrro_el0 = mon_read(tpidrro_el0);
	s->tpidr_el1 = mon_read(tpidr_el1);
	s->sp_el0 = mon_read(sp_el0);
	s->sp_el1 = mon_read(sp_el1);
	s->elr = mon_read(elr_el1);
	s->spsr = mon_read(spsr_el1);
	s->par = mon_read(par_el1);
	s->csselr = mon_read(csselr_el1);
	s->cntkctl = mon_read(cntkctl_el1);
	s->mdscr = mon_read(mdscr_el1);
	s->cntv_ctl = mon_read(cntv_ctl_el0);
	s->cntv_cval = mon_read(cntv_cval_el0);
}

void mon_el1_load(const struct mon_el1 *s)
{
	/*
	 * The timer first goes quiet, so that the two halves of two worlds' settings
	 * never meet in a spurious interrupt.
	 */
	mon_write(cntv_ctl_el0, 0);
	mon_write(sctlr_el1, s->sctlr);
	mon_write(cpacr_el1, s->cpacr);
	mon_write(ttbr0_el1, s->ttbr0);
	mon_write(ttbr1_el1, s->ttbr1);
	mon_write(tcr_el1, s->tcr);
	mon_write(esr_el1, s->esr);
	mon_write(afsr0_el1, s->afsr0);
	mon_write(afsr1_el1, s->afsr1);
	mon_write(far_el1, s->far);
	mon_write(mair_el1, s->mair);
	mon_write(amair_el1, s->amair);
	mon_write(vbar_el1, s->vbar);
	mon_write(contextidr_el1, s->contextidr);
	mon_write(tpidr_el0, s->tpidr_el0);
	mon_write(tpidrro_el0, s->tpidrro_el0);
	mon_write(tpidr_el1, s->tpidr_el1);
	mon_write(sp_el0, s->sp_el0);
	mon_write(sp_el1, s->sp_el1);
	mon_write(elr_el1, s->elr);
	mon_write(spsr_el1, s->spsr);
	mon_write(par_el1, s->par);
	mon_write(csselr_el1, s->csselr);
	mon_write(cntkctl_el1, s->cntkctl);
	mon_write(mdscr_el1, s->mdscr);
	mon_write(cntv_cval_el0, s->cntv_cval);
	mon_write(cntv_ctl_el0, s->cntv_ctl);
}

void mon_el1_reset(struct mon_el1 *s)
{
	memset(s, 0, sizeof(*s));
	s->sctlr = SCTLR_EL1_RESET;
}
