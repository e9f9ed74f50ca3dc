// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's view of the redistributors' SGI frames: the monitor's own SGI and
 * PPIs read as zero and cannot be changed.
 */
#include <mon/gic.h>
#include <mon/regs.h>

#define GICR_IGROUPR0		0x080
#define GICR_BITS_END		0x400
#define GICR_IPRIORITYR		0x400
#define GICR_IPRIORITYR_END	0x420
#define GICR_ICFGR1		0xc04
#define GICR_SGI_REGS		0x1000
#define OWN_LINES		(BIT(MON_SGI) | BIT(MON_PPI_MAINT) | BIT(MON_PPI_HYPTIMER))
#define OWN_CONFIG		(3ull << 2 * (MON_PPI_MAINT - 16) | \
				 3ull << 2 * (MON_PPI_HYPTIMER - 16))

/* The bits of a register at `off` that belong to the monitor. */
static uint64_t own_bits(uint64_t off, uint8_t size)
{
	uint64_t mask = 0;
	unsigned int i;

	if (off >= GICR_IGROUPR0 && off < GICR_BITS_END && !(off & 0x7f))
		return OWN_LINES;
	if (off == GICR_ICFGR1)
		return OWN_CONFIG;
	if (off < GICR_IPRIORITYR || off >= GICR_IPRIORITYR_END)
		return 0;
	for (i = 0; i < size; i++) {
		uint64_t intid = off - GICR_IPRIORITYR + i;

		if (intid < 32 && (OWN_LINES & BIT(intid)))
			mask |= 0xffull << (8 * i);
	}
	return mask;
}

/* Banks that set or clear bits by writing ones; the others hold values. */
static bool is_command(uint64_t off)
{
	return off > GICR_IGROUPR0 && off < GICR_BITS_END;
}

static uint64_t phys_read(uint64_t p, uint8_t size)
{
	switch (size) {
	case 1:
		return *(volatile uint8_t *)p;
	case 2:
		return *(volatile uint16_t *)p;
	case 4:
		return *(volatile uint32_t *)p;
	default:
		return 0;
	}
}

static void phys_write(uint64_t p, uint8_t size, uint64_t v)
{
	switch (size) {
	case 1:
		*(volatile uint8_t *)p = (uint8_t)v;
		break;
	case 2:
		*(volatile uint16_t *)p = (uint16_t)v;
		break;
	case 4:
		*(volatile uint32_t *)p = (uint32_t)v;
		break;
	default:
		break;
	}
}

void mon_hgicr_access(struct mon_access *a)
{
	uint64_t off = (a->ipa - MON_GICR_BASE) % MON_GICR_STRIDE - MON_GICR_SGI_OFFSET;
	uint64_t own;

	/* Only naturally aligned accesses, and single bytes only where the GIC has them. */
	if ((off & (a->size - 1u)) || a->size > 4 || off >= GICR_SGI_REGS ||
	    (a->size < 4 && (off < GICR_IPRIORITYR || off >= GICR_IPRIORITYR_END))) {
		a->value = 0;
		return;
	}
	own = own_bits(off, a->size);
	if (!a->write) {
		a->value = phys_read(a->ipa, a->size) & ~own;
	} else if (is_command(off)) {
		phys_write(a->ipa, a->size, a->value & ~own);
	} else {
		if (own)
			a->value = (a->value & ~own) | (phys_read(a->ipa, a->size) & own);
		phys_write(a->ipa, a->size, a->value);
	}
}
