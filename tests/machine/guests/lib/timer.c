// SPDX-License-Identifier: GPL-2.0-only
/* Time: the virtual counter and the virtual timer. */
#include "guest.h"

#define NS_PER_S	1000000000ull

uint64_t timer_count(void)
{
	__asm__ volatile("isb" ::: "memory");
	return sysreg_read(cntvct_el0);
}

/* In two parts, as count * 10^9 overflows after minutes. */
uint64_t timer_now_ns(void)
{
	uint64_t freq = sysreg_read(cntfrq_el0);
	uint64_t count = timer_count();

	return count / freq * NS_PER_S + count % freq * NS_PER_S / freq;
}

void timer_arm_ns(uint64_t ns)
{
	uint64_t freq = sysreg_read(cntfrq_el0);

	sysreg_write(cntv_cval_el0, timer_count() + ns / NS_PER_S * freq +
		     ns % NS_PER_S * freq / NS_PER_S);
	sysreg_write(cntv_ctl_el0, 1);
}

/* The interrupt disarms it. */
bool timer_fired(void)
{
	return !(sysreg_read(cntv_ctl_el0) & 1);
}

/*
 * Interrupts are masked between the test and WFI, which a pending interrupt
 * ends all the same: a wake-up in between is not lost.
 */
void timer_sleep_ns(uint64_t ns)
{
	timer_arm_ns(ns);
	irq_mask();
	while (!timer_fired()) {
		guest_wfi();
		irq_unmask();
		irq_mask();
	}
}
