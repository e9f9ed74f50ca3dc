/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the host asks of the guest "bench", each vCPU for itself, in PARAM0. */
#ifndef GUEST_BENCH_H
#define GUEST_BENCH_H

enum guest_bench_mode {
	GUEST_BENCH_READ,	/* read SCRATCH4 for ever */
	GUEST_BENCH_WRITE,	/* write SCRATCH4 for ever */
	/*
	 * Sleep in WFI until the virtual timer, PARAM1 ns ahead, has fired; write to
	 * SCRATCH8 how late the guest was, in ticks of the counter; again.
	 */
	GUEST_BENCH_TIMER,
	GUEST_BENCH_SLEEP,	/* WFI for ever, with nothing that could wake it */
	GUEST_BENCH_SPIN,	/* an empty loop for ever */
};

#endif /* GUEST_BENCH_H */
