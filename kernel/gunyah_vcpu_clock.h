/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slice clock of a CPU: the timer that interrupts a guest.
 *
 * The hypervisor gives the CPU back on any interrupt, so a pinned hard timer ends
 * slices. It stays armed from run to run: a run only tells when it ends, and arms
 * the timer if it would fire later than that. A timer that fires earlier, armed by
 * a run before, moves itself to the end of the run it finds; when it finds none,
 * it stops. So a batch of short runs pays for one timer in each slice length.
 *
 * All fields are used on their own CPU only: by the runner with preemption off,
 * and by interrupts.
 */
#ifndef GUNYAH_VCPU_CLOCK_H
#define GUNYAH_VCPU_CLOCK_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/percpu.h>
#include <linux/smp.h>

/**
 * struct gh_slice_clock - the clock of one CPU
 * @end: end of the slice that runs here, ns of CLOCK_MONOTONIC; 0 when none runs,
 *	GH_CLOCK_OVERDUE when it was kicked
 * @expires: when the timer fires, U64_MAX when it is not armed, or might as well not be
 * @timer: pinned, hard
 * @csd: the kick, sent by other CPUs
 * @kicked: @csd is under way
 */
struct gh_slice_clock {
	u64 end;
	u64 expires;
	struct hrtimer timer;
	call_single_data_t csd;
	atomic_t kicked;
};

#define GH_CLOCK_OVERDUE	1ULL

DECLARE_PER_CPU(struct gh_slice_clock, gh_slice_clock);

/*
 * A time that is not before now, and at most a slice later: as long as the timer is
 * armed that needs no look at the clock, which costs as much as the rest of a run.
 * Any CPU's timer will do.
 */
static __always_inline u64 gh_clock_latest(void)
{
	u64 expires = raw_cpu_read(gh_slice_clock.expires);

	return likely(expires != U64_MAX) ? expires : ktime_get_ns();
}

bool gh_clock_arm(struct gh_slice_clock *clock, u64 end, bool first);

/*
 * Before the guest is entered; preemption is off until gh_clock_stop(). Returns
 * false if the slice is over, as far as that can be told without reading the
 * clock: a guest that leaves often may be out whenever the timer fires, but then
 * the timer has to be armed again. With @first it is not over, whatever the time.
 */
static __always_inline bool gh_clock_start(struct gh_slice_clock *clock, u64 end, bool first)
{
	/* First, so that a timer or kick from here on finds the run. */
	WRITE_ONCE(clock->end, end);
	barrier();
	return likely(READ_ONCE(clock->expires) <= end) || gh_clock_arm(clock, end, first);
}

/*
 * A slice was over, and the timer will only repeat itself. The next slice must not begin
 * when it does, so the next run looks at the clock, and arms the timer anew. On whatever
 * CPU: a timer that is armed and not known to be only costs that.
 */
static inline void gh_clock_forget(void)
{
	this_cpu_write(gh_slice_clock.expires, U64_MAX);
}

static __always_inline void gh_clock_stop(struct gh_slice_clock *clock)
{
	WRITE_ONCE(clock->end, 0);
}

#endif /* GUNYAH_VCPU_CLOCK_H */
