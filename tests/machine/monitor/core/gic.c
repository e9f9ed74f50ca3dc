// SPDX-License-Identifier: GPL-2.0-only
/*
 * The physical GICv3. Every interrupt is acknowledged at EL2 with separate
 * priority drop (EOImode 1) and handed on: to the host by a list register whose
 * HW bit deactivates it, to the monitor, or, for the virtual timer, to the guest.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/regs.h>

#define GICD_CTLR		0x0000
#define GICD_TYPER		0x0004
#define GICD_CTLR_ARE		BIT(4)
#define GICD_CTLR_ENABLE1	BIT(1)
#define GICR_IGROUPR0		(0x080 / 4)
#define GICR_ISENABLER0		(0x100 / 4)
#define GICR_IPRIORITYR		0x400
#define GICR_WAKER		0x0014
#define GICR_WAKER_SLEEP	BIT(1)
#define GICR_WAKER_ASLEEP	BIT(2)

#define OWN_LINES		(BIT(MON_SGI) | BIT(MON_PPI_MAINT) | BIT(MON_PPI_HYPTIMER))
#define TAKE_LIMIT		64	/* per trap; the rest traps again */
#define INTID_SPECIAL		1020
#define INTID_LPI		8192

static uint32_t hw_lines;

static volatile uint32_t *gicd(uint64_t offset)
{
	return (volatile uint32_t *)(MON_GICD_BASE + offset);
}

uint32_t mon_gic_hw_lines(void)
{
	return hw_lines;
}

void mon_gic_init(void)
{
	uint32_t i;

	hw_lines = ((*gicd(GICD_TYPER) & 0x1f) + 1) * 32;
	*gicd(GICD_CTLR) = *gicd(GICD_CTLR) | GICD_CTLR_ARE;
	*gicd(GICD_CTLR) = *gicd(GICD_CTLR) | GICD_CTLR_ARE | GICD_CTLR_ENABLE1;
	for (i = 0; i < mon_nr_cpus; i++) {
		uint64_t frame;

		/* QEMU orders the frames by CPU number, which is the affinity's order. */
		for (frame = MON_GICR_BASE;; frame += MON_GICR_STRIDE) {
			uint64_t typer = *(volatile uint64_t *)(frame + 8);

			if ((typer >> 32) == ((mon_cpus[i].mpidr & 0xffffff) |
					      (mon_cpus[i].mpidr >> 32 & 0xff) << 24)) {
				mon_cpus[i].gicr_sgi = (volatile uint32_t *)
						       (frame + MON_GICR_SGI_OFFSET);
				break;
			}
			if (typer & BIT(4))
				mon_panic("panic: no redistributor for cpu %u", i);
		}
	}
}

void mon_gic_cpu_init(struct mon_cpu *cpu)
{
	volatile uint32_t *sgi = cpu->gicr_sgi;
	volatile uint32_t *waker = (volatile uint32_t *)((uint64_t)sgi - MON_GICR_SGI_OFFSET +
							 GICR_WAKER);
	volatile uint8_t *prio = (volatile uint8_t *)sgi + GICR_IPRIORITYR;
	unsigned int i;

	*waker = *waker & (uint32_t)~GICR_WAKER_SLEEP;
	for (i = 0; i < 100000 && (*waker & GICR_WAKER_ASLEEP); i++)
		;
	sgi[GICR_IGROUPR0] = sgi[GICR_IGROUPR0] | (uint32_t)OWN_LINES;
	prio[MON_SGI] = 0;
	prio[MON_PPI_MAINT] = 0;
	prio[MON_PPI_HYPTIMER] = 0;
	sgi[GICR_ISENABLER0] = (uint32_t)OWN_LINES;

	mon_write(ICC_SRE_EL2, 0xf);
	mon_isb();
	mon_write(ICC_SRE_EL1, 0x7);
	mon_isb();
	mon_write(ICC_CTLR_EL1, BIT(1));
	mon_write(ICC_PMR_EL1, 0xff);
	mon_write(ICC_BPR1_EL1, 0);
	mon_write(ICC_IGRPEN0_EL1, 0);
	mon_write(ICC_IGRPEN1_EL1, 1);
	mon_vif_reset(&cpu->host_vif);
	for (i = 0; i < MON_NUM_LRS; i++)
		mon_lr_write(i, 0);
	mon_write(ICH_AP0R0_EL2, 0);
	cpu->ich_hcr = 0;
	mon_write(ICH_AP1R0_EL2, 0);
	mon_write(ICH_VMCR_EL2, 0);
	mon_vif_load(cpu, &cpu->host_vif);
	mon_isb();
}

static void take_own(struct mon_cpu *cpu, uint32_t intid)
{
	switch (intid) {
	case MON_SGI:
		mon_hirq_inbox(cpu);
		/* Deadlines may have come from a CPU that went off. */
		mon_timer_fired(cpu);
		break;
	case MON_PPI_MAINT:
		if (cpu->vcpu)
			mon_vgic_refill(cpu);
		else
			mon_hirq_flush(cpu);
		break;
	case MON_PPI_HYPTIMER:
		mon_timer_fired(cpu);
		break;
	}
	mon_write(ICC_DIR_EL1, intid);
}

static void take_one(struct mon_cpu *cpu, uint32_t intid, uint8_t prio)
{
	if (intid < 32 && (OWN_LINES & BIT(intid))) {
		take_own(cpu, intid);
		return;
	}
	if (intid == MON_PPI_VTIMER && cpu->vcpu) {
		mon_vgic_timer_fired(cpu);
		return;
	}
	/* An SGI has no state to keep: the next one may come at once. */
	if (intid < 16)
		mon_write(ICC_DIR_EL1, intid);
	mon_hirq_queue(cpu, intid, prio, intid >= 16 && intid < INTID_LPI);
	cpu->host_irq = true;
}

void mon_gic_take(struct mon_cpu *cpu)
{
	unsigned int i;

	for (i = 0; i < TAKE_LIMIT; i++) {
		uint32_t intid;
		uint8_t prio;

		if (!mon_hirq_lpi_room(cpu)) {
			/* Nothing is taken until mon_hirq_flush() has made room. */
			mon_write(ICC_IGRPEN1_EL1, 0);
			mon_isb();
			break;
		}
		intid = (uint32_t)mon_read(ICC_IAR1_EL1);
		mon_dsb();
		if (intid >= INTID_SPECIAL && intid < INTID_LPI)
			break;
		prio = (uint8_t)mon_read(ICC_RPR_EL1);
		mon_write(ICC_EOIR1_EL1, intid);
		mon_isb();
		take_one(cpu, intid, prio);
	}
}

void mon_gic_sgi_host(struct mon_cpu *cpu, uint64_t sgi1r)
{
	(void)cpu;
	if (mon_bits(sgi1r, 27, 24) == MON_SGI)
		return;
	mon_dsb_ish();
	mon_write(ICC_SGI1R_EL1, sgi1r);
	mon_isb();
}
