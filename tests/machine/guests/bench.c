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

/* Returns how long it took; the counter is read where the guest would go on. */
static uint64_t tell(uint64_t late, uint64_t last)
{
	uint64_t start = timer_count();

	mmio_write64(REG(SCRATCH8), (late & 0xffffffff) | last << 32);
	return timer_count() - start;
}

static _Noreturn void sleep_and_tell(uint64_t ns)
{
	uint64_t deadline, late, last = 0;

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
		last = tell(late, last);
	}
}

static volatile uint32_t bells[GUEST_MAX_VCPUS];

void guest_irq(unsigned int cpu, uint32_t intid)
{
	if (intid == GUEST_BENCH_BELL_INTID(cpu))
		bells[cpu]++;
}

/* Masked between the look and WFI, which a pending interrupt ends all the same. */
static _Noreturn void wait_for_bells(void)
{
	unsigned int cpu = guest_cpu();
	uint64_t last = 0;
	uint32_t seen = 0;

	gic_init();
	gic_enable_spi(GUEST_BENCH_BELL_INTID(cpu), true);
	irq_mask();
	for (;;) {
		while (bells[cpu] == seen) {
			guest_wfi();
			irq_unmask();
			irq_mask();
		}
		seen = bells[cpu];
		last = tell(0, last);
	}
}

static _Noreturn void signal_for_ever(void)
{
	unsigned int i;

	for (;;) {
		for (i = 0; i < GUEST_BENCH_GROUP; i++)
			mmio_write32(REG(SCRATCH4), i);
		mmio_read32(REG(SCRATCH4));
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
	case GUEST_BENCH_BELL:
		wait_for_bells();
	case GUEST_BENCH_SIGNAL:
		signal_for_ever();
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
