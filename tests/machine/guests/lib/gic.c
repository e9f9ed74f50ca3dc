// SPDX-License-Identifier: GPL-2.0-only
/* The virtual GICv3: one redistributor a vCPU, system registers, SGIs. */
#include "guest.h"
#include "gh-runner/testdev-regs.h"

#define GICD_CTLR		0x0000
#define GICD_CTLR_GRP1_ARE	0x12
#define GICD_IGROUPR		0x0080
#define GICD_ISENABLER		0x0100
#define GICD_IPRIORITYR		0x0400
#define GICD_ICFGR		0x0c00
#define GICD_IROUTER		0x6000
#define GICR_WAKER		0x0014
#define GICR_WAKER_SLEEP	(1u << 1)
#define GICR_WAKER_ASLEEP	(1u << 2)
#define GICR_SGI		0x10000
#define GICR_IGROUPR0		(GICR_SGI + 0x0080)
#define GICR_ISENABLER0		(GICR_SGI + 0x0100)
#define GICR_IPRIORITYR		(GICR_SGI + 0x0400)

#define ICC_PMR			S3_0_C4_C6_0
#define ICC_IAR1		S3_0_C12_C12_0
#define ICC_EOIR1		S3_0_C12_C12_1
#define ICC_SGI1R		S3_0_C12_C11_5
#define ICC_SRE			S3_0_C12_C12_5
#define ICC_IGRPEN1		S3_0_C12_C12_7

/* Macros above are names: expand them before they become strings. */
#define reg_read(name)		sysreg_read(name)
#define reg_write(name, value)	sysreg_write(name, value)

#define INTID_SPURIOUS		1020
#define PRIORITY		0xa0
#define NR_SGIS			16

void guest_handle_irq(struct guest_frame *frame);

static uint64_t redistributor(void)
{
	return GH_BOARD_GICR_BASE + (uint64_t)guest_cpu() * GH_BOARD_GICR_STRIDE;
}

void gic_enable(uint32_t intid)
{
	mmio_write8(redistributor() + GICR_IPRIORITYR + intid, PRIORITY);
	mmio_write32(redistributor() + GICR_ISENABLER0, 1u << intid);
}

void gic_enable_spi(uint32_t intid, bool edge)
{
	const uint64_t gicd = GH_BOARD_GICD_BASE;
	uint64_t group = gicd + GICD_IGROUPR + intid / 32 * 4;
	uint64_t config = gicd + GICD_ICFGR + intid / 16 * 4;
	uint32_t edge_bit = 2u << intid % 16 * 2;
	uint32_t v = mmio_read32(config) & ~edge_bit;

	mmio_write32(config, edge ? v | edge_bit : v);
	mmio_write32(group, mmio_read32(group) | 1u << intid % 32);
	mmio_write8(gicd + GICD_IPRIORITYR + intid, PRIORITY);
	mmio_write64(gicd + GICD_IROUTER + 8ull * intid, guest_cpu());
	mmio_write32(gicd + GICD_ISENABLER + intid / 32 * 4, 1u << intid % 32);
}

void gic_init(void)
{
	uint64_t gicr = redistributor();
	uint32_t waker, intid;

	mmio_write32(GH_BOARD_GICD_BASE + GICD_CTLR, GICD_CTLR_GRP1_ARE);
	waker = mmio_read32(gicr + GICR_WAKER);
	mmio_write32(gicr + GICR_WAKER, waker & ~GICR_WAKER_SLEEP);
	while (mmio_read32(gicr + GICR_WAKER) & GICR_WAKER_ASLEEP)
		;
	mmio_write32(gicr + GICR_IGROUPR0, ~0u);
	for (intid = 0; intid < NR_SGIS; intid += 4)
		mmio_write32(gicr + GICR_IPRIORITYR + intid, PRIORITY * 0x01010101u);
	mmio_write32(gicr + GICR_ISENABLER0, (1u << NR_SGIS) - 1);
	gic_enable(GUEST_TIMER_INTID);

	reg_write(ICC_SRE, reg_read(ICC_SRE) | 1);
	reg_write(ICC_PMR, 0xff);
	reg_write(ICC_IGRPEN1, 1);
}

void gic_send_sgi(unsigned int cpu, uint32_t sgi)
{
	/* What the other vCPU will read must be visible before it is told. */
	__asm__ volatile("dsb ish" ::: "memory");
	reg_write(ICC_SGI1R, (uint64_t)sgi << 24 | 1u << cpu);
}

__attribute__((weak)) void guest_irq(unsigned int cpu, uint32_t intid)
{
	(void)cpu;
	(void)intid;
}

void guest_handle_irq(struct guest_frame *frame)
{
	uint32_t intid = reg_read(ICC_IAR1);

	(void)frame;
	if (intid >= INTID_SPURIOUS)
		return;
	/* The timer's line stays high until it is disarmed. */
	if (intid == GUEST_TIMER_INTID)
		sysreg_write(cntv_ctl_el0, 0);
	guest_irq(guest_cpu(), intid);
	reg_write(ICC_EOIR1, intid);
}
