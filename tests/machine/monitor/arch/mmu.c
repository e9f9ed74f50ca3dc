// SPDX-License-Identifier: GPL-2.0-only
/*
 * The monitor's own stage 1: an identity map of 39 bits in 1 GiB blocks, devices
 * below the RAM, and only the GiB that holds the monitor executable.
 */
#include <mon/addr.h>
#include <mon/mmu.h>
#include <mon/regs.h>

uint64_t mon_el2_l1[512] __attribute__((aligned(4096)));

#define BLOCK			BIT(0)
#define ATTR_NORMAL		(1ULL << 2)
#define AP_RES1			BIT(6)
#define SH_INNER		(3ULL << 8)
#define AF			BIT(10)
#define XN			BIT(54)

void mon_mmu_init(void)
{
	uint64_t i;

	mon_el2_l1[0] = BLOCK | AP_RES1 | AF | XN;
	for (i = 1; i < MON_ARRAY_SIZE(mon_el2_l1); i++) {
		uint64_t pa = i << 30;

		mon_el2_l1[i] = pa | BLOCK | ATTR_NORMAL | AP_RES1 | SH_INNER | AF;
		if (pa != MON_RAM_BASE)
			mon_el2_l1[i] |= XN;
	}
}
