// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EL1 and EL0 registers of what runs below EL2, beside the switch itself, which
 * is in world.h.
 */
#include <mon/ctx.h>
#include <mon/regs.h>
#include <mon/world.h>
#include <string.h>

void mon_el1_switch_impdef(struct mon_el1 *from, const struct mon_el1 *to)
{
	MON_SWITCH(afsr0, afsr0_el1, afsr1, afsr1_el1);
	from->amair = mon_read(amair_el1);
	mon_write(amair_el1, to->amair);
}

/*
 * AFSR0, AFSR1 and AMAIR are the implementation's: where it has made no use of
 * them they are zero whatever is written, and need no switching.
 */
bool mon_el1_probe(void)
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
	return found;
}

void mon_el1_reset(struct mon_el1 *s)
{
	memset(s, 0, sizeof(*s));
	s->sctlr = SCTLR_EL1_RESET;
}
