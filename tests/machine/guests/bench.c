// SPDX-License-Identifier: GPL-2.0-only
/* The guest that is measured. Each vCPU asks the device once what to do. */
#include "guest.h"
#include "bench.h"
#include "gh-runner/testdev-regs.h"

#define REG(name)	((uint64_t)GH_BOARD_TESTDEV_BASE + GH_TESTDEV_##name)

/* Two instructions and one exit a turn. */
static _Noreturn void read_for_ever(void)
{
	for (;;)
		__asm__ volatile("ldr w1, [%0]" :: "r"(REG(SCRATCH4)) : "x1");
}

static _Noreturn void write_for_ever(void)
{
	for (;;)
		__asm__ volatile("str wzr, [%0]" :: "r"(REG(SCRATCH4)));
}

static _Noreturn void sleep_and_tell(uint64_t ns)
{
	uint64_t deadline, late;

	gic_init();
	irq_mask();
	for (;;) {
		timer_arm_ns(ns);
		deadline = sysreg_read(cntv_cval_el0);
		late = 0;
		while (!timer_fired()) {
			guest_wfi();
			late = timer_count() - deadline;
			irq_unmask();
			irq_mask();
		}
		mmio_write64(REG(SCRATCH8), late);
	}
}

static _Noreturn void work(void)
{
	switch (mmio_read64(REG(PARAM0))) {
	case GUEST_BENCH_READ:
		read_for_ever();
	case GUEST_BENCH_WRITE:
		write_for_ever();
	case GUEST_BENCH_TIMER:
		sleep_and_tell(mmio_read64(REG(PARAM1)));
	case GUEST_BENCH_SPIN:
		for (;;)
			__asm__ volatile("");
	default:
		for (;;)
			guest_wfi();
	}
}

void guest_secondary(unsigned int cpu, uint64_t context)
{
	(void)cpu;
	(void)context;
	work();
}

void guest_main(uint64_t dtb)
{
	unsigned int i, n = guest_count_vcpus(dtb);

	for (i = 1; i < n; i++)
		GUEST_ASSERT(guest_cpu_on(i, 0) == PSCI_SUCCESS);
	work();
}
