// SPDX-License-Identifier: GPL-2.0-only
/* Asks for a reset instead of powering off. */
#include "guest.h"

void guest_main(uint64_t dtb)
{
	(void)dtb;
	guest_hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
}
