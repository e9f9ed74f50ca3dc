/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch: the registers of EL1 and EL0, the control registers of EL2 and
 * the virtual CPU interface. It is made twice for each exit of a guest, hence inline.
 *
 * Most switches are "plain": nothing of what is in mon_world_enter_odd() or
 * mon_world_exit_odd() is there, and only what always differs is switched. `plain`
 * is a constant where these functions are used.
 */
#ifndef MON_WORLD_H
#define MON_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mon/cpu.h>
#include <mon/ctx.h>
#include <mon/gic.h>
#include <mon/regs.h>
#include <mon/vm.h>

/* Two neighbours at a time, so that one instruction stores or loads both. */
#define MON_SWITCH(field, reg, field2, reg2)				\
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

/*
 * Saves the registers of EL1 and EL0 to `from` and loads them from `to`. Between the
 * timer's two, its line may be what neither world means; EL2 does not look.
 */
static inline __attribute__((always_inline)) void mon_el1_switch(struct mon_el1 *from,
								 const struct mon_el1 *to)
{
	/* Keeps the compiler from taking the first pair apart. */
	asm("" : "+r"(from), "+r"(to));
	MON_SWITCH(sctlr, sctlr_el1, tcr, tcr_el1);
	MON_SWITCH(ttbr0, ttbr0_el1, ttbr1, ttbr1_el1);
	MON_SWITCH(mair, mair_el1, cpacr, cpacr_el1);
	MON_SWITCH(contextidr, contextidr_el1, cntkctl, cntkctl_el1);
	MON_SWITCH(esr, esr_el1, far, far_el1);
	MON_SWITCH(vbar, vbar_el1, tpidr_el1, tpidr_el1);
	MON_SWITCH(tpidr_el0, tpidr_el0, tpidrro_el0, tpidrro_el0);
	MON_SWITCH(sp_el0, sp_el0, sp_el1, sp_el1);
	MON_SWITCH(elr, elr_el1, spsr, spsr_el1);
	MON_SWITCH(par, par_el1, csselr, csselr_el1);
	MON_SWITCH(cntv_cval, cntv_cval_el0, cntv_ctl, cntv_ctl_el0);
}

/* Loads the control registers of EL2 for the host, or for a guest. */
static inline void mon_ctl_load(const struct mon_ctl *c, uint64_t vttbr, uint64_t vmpidr)
{
	uint64_t hcr = c->hcr, cptr = c->cptr, mdcr = c->mdcr, cnthctl = c->cnthctl;

	mon_write(hcr_el2, hcr);
	mon_write(cptr_el2, cptr);
	mon_write(mdcr_el2, mdcr);
	mon_write(cnthctl_el2, cnthctl);
	mon_write(vttbr_el2, vttbr);
	mon_write(vmpidr_el2, vmpidr);
}

/*
 * Debug registers of a guest trap, so MDSCR_EL1 stays the host's. Only the bits that
 * make exceptions matter while a guest runs.
 */
static inline uint64_t mon_host_debugs(void)
{
	return mon_read(mdscr_el1) & (MDSCR_SS | MDSCR_KDE | MDSCR_MDE);
}

/*
 * Not zero if there is more to do on the way into a guest than a plain switch. What
 * the guest's interface has is in vcpu->warm.
 */
static inline uint64_t mon_world_enter_odd(const struct mon_cpu *cpu)
{
	return cpu->odd.any | cpu->host_vif.busy | mon_read(ICH_AP1R0_EL2) | mon_host_debugs();
}

/*
 * The same on the way out. What the host's interface had is in cpu->odd: nobody
 * changes it while a guest runs.
 */
static inline uint64_t mon_world_exit_odd(const struct mon_cpu *cpu, const struct mon_vcpu *vcpu)
{
	return cpu->odd.any | vcpu->vgic.vif.busy | mon_read(ICH_AP1R0_EL2);
}

static inline void mon_vif_switch_plain(struct mon_vif *from, const struct mon_vif *to)
{
	uint64_t vmcr = mon_read(ICH_VMCR_EL2);

	from->vmcr = vmcr;
	from->ap1r0 = 0;
	mon_write(ICH_VMCR_EL2, to->vmcr);
}

/* The host's registers go to the CPU's frame, the vCPU's are loaded. */
static inline void mon_world_enter_plain(struct mon_cpu *cpu, struct mon_vcpu *vcpu)
{
	mon_vif_switch_plain(&cpu->host_vif, &vcpu->vgic.vif);
	mon_ctl_load(&cpu->guest_ctl, vcpu->vttbr, vcpu->vmpidr);
	mon_el1_switch(&cpu->host_el1, &vcpu->el1);
	cpu->cur = &vcpu->ctx;
	cpu->vcpu = vcpu;
}

/* The vCPU's registers go to its frame, the host's are loaded. */
static inline void mon_world_exit_plain(struct mon_cpu *cpu, struct mon_vcpu *vcpu)
{
	mon_vif_switch_plain(&vcpu->vgic.vif, &cpu->host_vif);
	mon_ctl_load(&cpu->host_ctl, cpu->host_ctl.vttbr, cpu->host_ctl.vmpidr);
	mon_el1_switch(&vcpu->el1, &cpu->host_el1);
	cpu->cur = &cpu->host;
	cpu->vcpu = NULL;
}

#endif /* MON_WORLD_H */
