// SPDX-License-Identifier: GPL-2.0-only
/* The guest that is measured. Each vCPU asks the device once what to do. */
#include "guest.h"
#include "bench.h"
#include "gh-runner/testdev-regs.h"

#define REG(name)	((uint64_t)GH_BOARD_TESTDEV_BASE + GH_TESTDEV_##name)

/* What an access took, in ticks of the counter. */
static uint32_t ticks[GUEST_MAX_VCPUS][GUEST_BENCH_MAX_TIMED];

/*
 * Returns how long it took; the counter is read where the guest would go on. profile.sh
 * counts the accesses by their symbols, bench_event_*, of which the compiler makes copies.
 */
static uint64_t tell(uint64_t low, uint64_t high)
{
	uint64_t start = timer_count();

	__asm__ volatile("bench_event_tell_%=: str %1, [%0]"
			 :: "r"(REG(SCRATCH8)), "r"((low & 0xffffffff) | high << 32) : "memory");
	return timer_count() - start;
}

static uint32_t time_access(bool write)
{
	uint64_t start = timer_count();

	if (write)
		mmio_write32(REG(SCRATCH4), 0);
	else
		mmio_read32(REG(SCRATCH4));
	return (uint32_t)(timer_count() - start);
}

/* Groups of accesses with nothing between them; what they took is told behind each. */
static void time_accesses(bool write)
{
	uint64_t what = mmio_read64(REG(NEXT));
	uint32_t left = GUEST_BENCH_TIMED(what), group = GUEST_BENCH_TIMED_GROUP(what), i;
	uint32_t *t = ticks[guest_cpu()];

	while (left) {
		for (i = 0; i < group; i++)
			t[i] = time_access(write);
		for (i = 0; i < group; i += 2)
			tell(t[i], t[i + 1]);
		left = left > group ? left - group : 0;
	}
}

/* One or two instructions and one exit a turn. */
static _Noreturn void read_for_ever(void)
{
	time_accesses(false);
	for (;;)
		__asm__ volatile("bench_event_read_%=: ldr w1, [%0]"
				 :: "r"(REG(SCRATCH4)) : "x1");
}

static _Noreturn void write_for_ever(void)
{
	time_accesses(true);
	for (;;)
		__asm__ volatile("bench_event_write_%=: str wzr, [%0]" :: "r"(REG(SCRATCH4)));
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

	time_accesses(true);
	for (;;) {
		for (i = 0; i < GUEST_BENCH_GROUP; i++)
			__asm__ volatile("bench_event_signal_%=: str %w1, [%0]"
					 :: "r"(REG(SCRATCH4)), "r"(i));
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
