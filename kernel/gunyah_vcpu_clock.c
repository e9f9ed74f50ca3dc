// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slice clock of each CPU, and the kick that makes a slice overdue.
 */

#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>

#include "compat.h"
#include "gunyah_vcpu.h"
#include "gunyah_vcpu_clock.h"

/*
 * A run that is overdue is interrupted again after this time: the interrupt may
 * have come just before the guest was entered.
 */
#define GH_CLOCK_RETRY_NS	(100 * NSEC_PER_USEC)
/* After a kick somebody waits, and the guest is probably being entered now. */
#define GH_CLOCK_KICK_NS	(20 * NSEC_PER_USEC)

DEFINE_PER_CPU(struct gh_slice_clock, gh_slice_clock);

/* Returns false, and does nothing, if @end has passed and this is not the @first entry. */
bool gh_clock_arm(struct gh_slice_clock *clock, u64 end, bool first)
{
	unsigned long flags;

	if (!first && ktime_get_ns() >= end)
		return false;

	/* Against the kick, which arms it too; once in a slice length. */
	local_irq_save(flags);
	if (clock->end != GH_CLOCK_OVERDUE) {
		WRITE_ONCE(clock->expires, end);
		hrtimer_start(&clock->timer, ns_to_ktime(end), HRTIMER_MODE_ABS_PINNED_HARD);
	}
	local_irq_restore(flags);
	return true;
}

static enum hrtimer_restart gh_clock_fires(struct hrtimer *timer)
{
	struct gh_slice_clock *clock = container_of(timer, struct gh_slice_clock, timer);
	u64 end = READ_ONCE(clock->end);
	u64 next;

	/* No run, or the timer was moved here because its CPU went away. */
	if (!end || clock != this_cpu_ptr(&gh_slice_clock)) {
		WRITE_ONCE(clock->expires, U64_MAX);
		return HRTIMER_NORESTART;
	}
	next = max(end, ktime_get_ns() + GH_CLOCK_RETRY_NS);
	WRITE_ONCE(clock->expires, next);
	hrtimer_set_expires(timer, ns_to_ktime(next));
	return HRTIMER_RESTART;
}

/* On the kicked CPU, in hard interrupt context. */
static void gh_clock_kicked(void *info)
{
	struct gh_slice_clock *clock = info;
	u64 next;

	/*
	 * Before the look at the run: a kick from here on needs its own interrupt.
	 * An exchange, so that the flags of all who kicked before are visible here.
	 */
	atomic_xchg(&clock->kicked, 0);
	if (!READ_ONCE(clock->end))
		return;

	WRITE_ONCE(clock->end, GH_CLOCK_OVERDUE);
	next = ktime_get_ns() + GH_CLOCK_KICK_NS;
	if (clock->expires > next) {
		WRITE_ONCE(clock->expires, next);
		hrtimer_start(&clock->timer, ns_to_ktime(next), HRTIMER_MODE_ABS_PINNED_HARD);
	}
}

/**
 * gh_clock_overdue() - make a guest on @cpu come back to its runner soon
 * @cpu: where the runner entered last, or -1
 *
 * The caller has set a flag in the vCPU's state word before.
 */
void gh_clock_overdue(int cpu)
{
	struct gh_slice_clock *clock;

	if (cpu < 0)
		return;
	clock = per_cpu_ptr(&gh_slice_clock, cpu);
	/* If a kick is under way it has not looked yet, and will do for us. */
	if (atomic_xchg(&clock->kicked, 1))
		return;
	/* An offline CPU runs no guest. */
	if (smp_call_function_single_async(cpu, &clock->csd))
		atomic_set(&clock->kicked, 0);
}

void gh_clock_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct gh_slice_clock *clock = per_cpu_ptr(&gh_slice_clock, cpu);

		clock->expires = U64_MAX;
		INIT_CSD(&clock->csd, gh_clock_kicked, clock);
		gh_hrtimer_setup(&clock->timer, gh_clock_fires, CLOCK_MONOTONIC,
				 HRTIMER_MODE_ABS_PINNED_HARD);
	}
}

/* No vCPU exists any more; timers and kicks may still be under way. */
void gh_clock_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct gh_slice_clock *clock = per_cpu_ptr(&gh_slice_clock, cpu);

		while (atomic_read_acquire(&clock->kicked))
			fsleep(100);
	}
	/* The last kick has cleared its flag, but may still be in the function. */
	synchronize_rcu();
	for_each_possible_cpu(cpu)
		hrtimer_cancel(&per_cpu_ptr(&gh_slice_clock, cpu)->timer);
}
