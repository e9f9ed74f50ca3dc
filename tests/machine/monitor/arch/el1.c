// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EL1 and EL0 registers of what runs below EL2. This is the bulk of a world
 * switch: registers whose write is expensive (it drops TLB entries, or reprograms
 * a timer) are left alone if both worlds agree.
 */
#include <mon/ctx.h>
#include <mon/regs.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Two neighbours at a time, so that one instruction stores or loads both. */
#define SWITCH(field, reg, field2, reg2)				\
do {									\
	uint64_t __a = mon_read_(reg), __b = mon_read_(reg2);		\
									\
	_Static_assert(offsetof(struct mon_el1, field) + 8 ==		\
		       offsetof(struct mon_el1, field2), "neighbours");	\
	from->field = __a;						\
	from->field2 = __b;						\
	__a = to->field;						\
	__b = to->field2;						\
	mon_write_(reg, __a);						\
	mon_write_(reg2, __b);						\
} while (0)

#define SWITCH_IF(field, reg, field2, reg2)				\
do {									\
	uint64_t __a = mon_read_(reg), __b = mon_read_(reg2);		\
									\
	_Static_assert(offsetof(struct mon_el1, field) + 8 ==		\
		       offsetof(struct mon_el1, field2), "neighbours");	\
	from->field = __a;						\
	from->field2 = __b;						\
	if (__a != to->field)						\
		mon_write_(reg, to->field);				\
	if (__b != to->field2)						\
		mon_write_(reg2, to->field2);				\
} while (0)

/* The auxiliary registers hold something; most CPUs have none. Set at boot. */
static bool mon_el1_has_impdef;

void mon_el1_switch(struct mon_el1 *from, const struct mon_el1 *to)
{
	SWITCH_IF(sctlr, sctlr_el1, tcr, tcr_el1);
	SWITCH_IF(cntv_cval, cntv_cval_el0, mdscr, mdscr_el1);
	SWITCH(ttbr0, ttbr0_el1, ttbr1, ttbr1_el1);
	SWITCH(contextidr, contextidr_el1, cntkctl, cntkctl_el1);
	SWITCH(mair, mair_el1, cpacr, cpacr_el1);
	SWITCH(esr, esr_el1, far, far_el1);
	SWITCH(vbar, vbar_el1, tpidr_el0, tpidr_el0);
	SWITCH(tpidrro_el0, tpidrro_el0, tpidr_el1, tpidr_el1);
	SWITCH(sp_el0, sp_el0, sp_el1, sp_el1);
	SWITCH(elr, elr_el1, spsr, spsr_el1);
	SWITCH(par, par_el1, csselr, csselr_el1);
	if (mon_el1_has_impdef) {
		SWITCH(afsr0, afsr0_el1, afsr1, afsr1_el1);
		from->amair = mon_read(amair_el1);
		mon_write(amair_el1, to->amair);
	}
	/* In between, the line may be what neither world means; EL2 does not look. */
	from->cntv_ctl = mon_read(cntv_ctl_el0);
	if ((from->cntv_ctl | to->cntv_ctl) & (CNT_CTL_ENABLE | CNT_CTL_IMASK))
		mon_write(cntv_ctl_el0, to->cntv_ctl);
}

/*
 * AFSR0, AFSR1 and AMAIR are the implementation's: where it has made no use of
 * them they are zero whatever is written, and need no switching.
 */
void mon_el1_probe(void)
{
	uint64_t found;

	mon_write(afsr0_el1, ~0ull);
	mon_write(afsr1_el1, ~0ull);
	mon_write(amair_el1, ~0ull);
	mon_isb();
	found = mon_read(afsr0_el1) | mon_read(afsr1_el1) | mon_read(amair_el1);
	mon_write(afsr0_el1, 0);
	mon_write(afsr1_el1, 0);
	mon_write(amair_el1, 0);
	if (found)
		mon_el1_has_impdef = true;
}

void mon_el1_reset(struct mon_el1 *s)
{
	memset(s, 0, sizeof(*s));
	s->sctlr = SCTLR_EL1_RESET;
}
