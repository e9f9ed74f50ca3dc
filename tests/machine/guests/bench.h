/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the host asks of the guest "bench", each vCPU for itself, in PARAM0. */
#ifndef GUEST_BENCH_H
#define GUEST_BENCH_H

enum guest_bench_mode {
	/* These two, and SIGNAL, time some accesses first, as NEXT says. */
	GUEST_BENCH_READ,	/* read SCRATCH4 for ever */
	GUEST_BENCH_WRITE,	/* write SCRATCH4 for ever */
	/*
	 * Sleep in WFI until the virtual timer, PARAM1 ns ahead, has fired; write to
	 * SCRATCH8 how late the guest was; again.
	 */
	GUEST_BENCH_TIMER,
	GUEST_BENCH_SLEEP,	/* WFI for ever, with nothing that could wake it */
	GUEST_BENCH_SPIN,	/* an empty loop for ever */
	/* Sleep in WFI until the vCPU's doorbell rings; write to SCRATCH8; again. */
	GUEST_BENCH_BELL,
	/* Write SCRATCH4 GUEST_BENCH_GROUP times, read it once, for ever. */
	GUEST_BENCH_SIGNAL,
};

#define GUEST_BENCH_GROUP	128

/*
 * What is written to SCRATCH8: in the low half how late a timer's guest was, in the
 * high half how long the write before took, both in ticks of the counter.
 */
#define GUEST_BENCH_LATE(data)	((data) & 0xffffffff)
#define GUEST_BENCH_EXIT(data)	((data) >> 32)

/*
 * NEXT: how many accesses to time, in groups of so many, an even number. Behind a group
 * their times are written to SCRATCH8, two at once, in ticks of the counter.
 */
#define GUEST_BENCH_TIMING(count, group)	((uint64_t)(group) << 32 | (count))
#define GUEST_BENCH_TIMED(value)		((uint32_t)(value))
#define GUEST_BENCH_TIMED_GROUP(value)		((uint32_t)((value) >> 32))
/* Twice what fills the ring of posted writes. */
#define GUEST_BENCH_MAX_TIMED			514

/* The doorbell of vCPU n is the VM's interrupt n, and that is the runner's choice. */
#define GUEST_BENCH_BELL_INTID(cpu)	(40 + (cpu))

#endif /* GUEST_BENCH_H */
