/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts: the physical GIC, the host's virtual interface and its trapped
 * distributor, and the guests' virtual GIC.
 */
#ifndef MON_GIC_H
#define MON_GIC_H

#include <stdbool.h>
#include <stdint.h>
#include <mon/cpu.h>
#include <mon/vm.h>

/* One MMIO access; the value is in the register's width, not yet extended. */
struct mon_access {
	uint64_t ipa;
	uint64_t value;
	uint8_t size;
	bool write;
};

/* Decodes a data abort with a valid syndrome; false without one. */
bool mon_access_decode(struct mon_access *a, const struct mon_ctx *ctx, uint64_t esr,
		       uint64_t ipa);
/* Writes the result of a load with this syndrome to its register. */
static inline void mon_access_finish(struct mon_ctx *ctx, uint64_t esr, uint64_t value)
{
	uint64_t reg = mon_bits(esr, 20, 16);

	if (mon_unlikely(esr & ESR_SSE)) {
		unsigned int above = 64 - (8u << mon_bits(esr, 23, 22));

		value = (uint64_t)((int64_t)(value << above) >> above);
	}
	if (!(esr & ESR_SF))
		value = (uint32_t)value;
	if (reg != 31)
		ctx->x[reg] = value;
}

static inline uint64_t mon_counter(void)
{
	mon_isb();
	return mon_read(cntpct_el0);
}

/* ---- gic.c: physical ---- */
void mon_gic_init(void);
void mon_gic_cpu_init(struct mon_cpu *cpu);
uint32_t mon_gic_hw_lines(void);
/* Takes all pending interrupts; sets cpu->host_irq if the host has a new one. */
void mon_gic_take(struct mon_cpu *cpu);
void mon_gic_sgi_host(struct mon_cpu *cpu, uint64_t sgi1r);

/* ---- vif.c: a virtual interface's registers ---- */
void mon_vif_load(struct mon_cpu *cpu, const struct mon_vif *vif);
void mon_vif_save(struct mon_vif *vif);
void mon_vif_reset(struct mon_vif *vif);
/* True for a trapped register of group 0, which nobody has; *val is what it reads. */
bool mon_icc_group0(uint32_t iss, uint64_t *val);
uint64_t mon_lr_read(unsigned int n);
void mon_lr_write(unsigned int n, uint64_t v);
/* Asks for a maintenance interrupt when list registers get free, or not. */
void mon_vif_underflow(struct mon_cpu *cpu, struct mon_vif *vif, bool want);

/* ---- host_irq.c: the host's interrupts ---- */
/* Queues an acknowledged interrupt for the host on this CPU. */
void mon_hirq_queue(struct mon_cpu *cpu, uint32_t intid, uint8_t prio, bool hw);
bool mon_hirq_lpi_room(const struct mon_cpu *cpu);
/* Moves queued interrupts into list registers. The host's interface is loaded. */
void mon_hirq_flush(struct mon_cpu *cpu);
/* Takes lines raised on other CPUs for this one. */
void mon_hirq_inbox(struct mon_cpu *cpu);
/* Whether a pending interrupt of the host waits on this CPU; its interface is loaded. */
bool mon_hirq_waiting(struct mon_cpu *cpu);
/* Gives up everything queued here, as the CPU goes off. */
void mon_hirq_cpu_off(struct mon_cpu *cpu);

/* ---- host_gicd.c, host_gicr.c: the host's trapped frames ---- */
void mon_hgicd_access(struct mon_cpu *cpu, struct mon_access *a);
void mon_hgicr_access(struct mon_access *a);
/* State of the lines that exist in the monitor only; used by host_irq.c. */
bool mon_hline_take(uint32_t intid, uint8_t *prio);
void mon_hline_retired(uint32_t intid);
void mon_hline_raise(uint32_t intid);

/* ---- vgic.c ---- */
void mon_vgic_init_cpu(struct mon_vcpu *vcpu);
/* The CPU interface forgets; what only waited stays latched. */
void mon_vgic_reset_cpu(struct mon_vcpu *vcpu);
void mon_vgic_init_vm(struct mon_vm *vm);
/* Moves latched interrupts into the saved list registers of a vCPU. */
void mon_vgic_fill(struct mon_vcpu *vcpu);
/* The same for the loaded vCPU. */
void mon_vgic_refill(struct mon_cpu *cpu);
/* Whether an enabled interrupt waits, latched or in a saved list register. */
bool mon_vgic_pending(struct mon_vcpu *vcpu);
void mon_vgic_sgi(struct mon_vcpu *vcpu, uint64_t sgi1r);
void mon_vgic_spi(struct mon_vm *vm, uint32_t intid);
/* Writes 64 latches of shared interrupts. Under the VM's lock. */
void mon_vgic_set_spis(struct mon_vgic_vm *g, unsigned int w, uint64_t pending);

/* The virtual timer's line, from the saved registers. */
static inline bool mon_vgic_timer_line(const struct mon_vcpu *vcpu)
{
	uint64_t ctl = vcpu->el1.cntv_ctl;

	return (ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE &&
	       vcpu->el1.cntv_cval <= mon_counter();
}

/* The virtual timer's line, before entry and after exit. */
void mon_vgic_timer_enter(struct mon_cpu *cpu, struct mon_vcpu *vcpu);
void mon_vgic_timer_leave(struct mon_cpu *cpu, struct mon_vcpu *vcpu);
void mon_vgic_timer_fired(struct mon_cpu *cpu);
/* Physical PPI 27 of this CPU becomes inactive, if it is held for the guest. */
void mon_vgic_timer_release(struct mon_cpu *cpu);

/* ---- vgic_mmio.c ---- */
bool mon_vgic_mmio(struct mon_cpu *cpu, struct mon_access *a);

/* ---- timer.c ---- */
void mon_timer_cpu_init(struct mon_cpu *cpu);
void mon_timer_fired(struct mon_cpu *cpu);
/* Before a guest runs: its CPU must come back at the host's next deadline. */
struct mon_ctx *mon_timer_enter(struct mon_cpu *cpu);
void mon_timer_park(struct mon_cpu *cpu, struct mon_vcpu *vcpu);
void mon_timer_unpark(struct mon_vcpu *vcpu);
void mon_timer_cpu_off(struct mon_cpu *cpu);

/* The host's own deadline while its virtual timer is not loaded. */
static inline uint64_t mon_timer_host_deadline(const struct mon_cpu *cpu)
{
	uint64_t ctl = cpu->host_el1.cntv_ctl, deadline = cpu->host_el1.cntv_cval;

	return (ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE ? deadline : ~0ull;
}

/* When the EL2 timer of a CPU that has a vCPU loaded must interrupt. */
static inline uint64_t mon_timer_earliest(const struct mon_cpu *cpu)
{
	uint64_t first = mon_read_once(cpu->timers.first);
	uint64_t host = mon_timer_host_deadline(cpu);

	return host < first ? host : first;
}

#endif /* MON_GIC_H */
