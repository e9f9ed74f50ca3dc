// SPDX-License-Identifier: GPL-2.0-only
/* vCPUs: starting, stopping, number, and the end of the guest. */
#include "guest.h"
#include "gh-runner/testdev-regs.h"

void guest_secondary_entry(void);

uint64_t guest_hvc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x3 __asm__("x3") = a3;

	__asm__ volatile("hvc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
			 :: "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
			    "x13", "x14", "x15", "x16", "x17", "memory");
	return x0;
}

int64_t guest_cpu_on(unsigned int cpu, uint64_t context)
{
	return guest_hvc(PSCI_CPU_ON, cpu, (uint64_t)guest_secondary_entry, context);
}

void guest_cpu_off(void)
{
	for (;;)
		guest_hvc(PSCI_CPU_OFF, 0, 0, 0);
}

void guest_system_off(void)
{
	for (;;)
		guest_hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
}

unsigned int guest_cpu(void)
{
	return sysreg_read(mpidr_el1) & (GUEST_MAX_VCPUS - 1);
}

void guest_fail(int line)
{
	mmio_write32(GH_BOARD_TESTDEV_BASE + GH_TESTDEV_FAIL, line);
	guest_system_off();
}

__attribute__((weak)) void guest_secondary(unsigned int cpu, uint64_t context)
{
	(void)cpu;
	(void)context;
}
