// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The runner, driven turn by turn. */
#include <stddef.h>

#include "bench.h"
#include "internal.h"

static int turn(struct gh_bench *bench, unsigned int wait_nr)
{
	return gh_turn(bench->runner, wait_nr, UINT64_MAX);
}

static uint64_t accesses(const struct gh_bench *bench)
{
	return bench->runner->stats.mmio_reads + bench->runner->stats.mmio_writes;
}

static int run_ring(struct gh_bench *bench, uint64_t events)
{
	uint64_t until = accesses(bench) + events;
	int ret;

	do {
		/* Sleeps only if no vCPU is ready. */
		ret = turn(bench, 1);
		if (ret < 0)
			return ret;
	} while (accesses(bench) < until);
	bench->exits = accesses(bench);
	bench->syscalls = bench->runner->stats.syscalls;
	return 0;
}

static int park_ring(struct gh_bench *bench)
{
	int ret;

	do {
		ret = turn(bench, 0);
	} while (ret >= 0 && bench->runner->stats.in_flight < bench->nr_vcpus);
	return ret < 0 ? ret : 0;
}

const struct gh_bench_backend gh_bench_ring = {
	.name = "ring",
	.run = run_ring,
	.park = park_ring,
};
