// SPDX-License-Identifier: GPL-2.0-only
/* Reads a device register for ever: two instructions and one exit a turn. */
#include "guest.h"
#include "gh-runner/testdev-regs.h"

void guest_main(uint64_t dtb)
{
	(void)dtb;
	__asm__ volatile("1: ldr w1, [%0]\n\tb 1b"
			 :: "r"((uint64_t)GH_BOARD_TESTDEV_BASE + GH_TESTDEV_SCRATCH4) : "x1");
}
