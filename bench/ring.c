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

/* All are rung, all report, all are asleep again. */
static int round_of_bells(struct gh_bench *bench)
{
	int ret = gh_bench_ring_bells(bench);

	while (ret >= 0 && atomic_load(&bench->unreported))
		ret = turn(bench, 1);
	while (ret >= 0 && bench->runner->stats.in_flight < bench->nr_vcpus)
		ret = turn(bench, 0);
	return ret;
}

/* Of writes that were posted the runner knows nothing. */
static uint64_t progress(const struct gh_bench *bench)
{
	return bench->backend->posted ? gh_bench_handled(bench) : accesses(bench);
}

static int run_ring(struct gh_bench *bench, uint64_t events)
{
	uint64_t until = progress(bench) + events;
	int ret;

	do {
		/* Sleeps only if no vCPU is ready. */
		ret = bench->workload->bells ? round_of_bells(bench) : turn(bench, 1);
		if (ret < 0)
			return ret;
	} while (bench->until_ns ? gh_now_ns() < bench->until_ns : progress(bench) < until);
	bench->exits = progress(bench);
	bench->syscalls = bench->runner->stats.syscalls + bench->runner->stats.batch_ioctls +
			  bench->runner->stats.lone_ioctls;
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

const struct gh_bench_backend gh_bench_ring_only = {
	.name = "ring-only",
	.runner = GH_BACKEND_URING,
	.run = run_ring,
	.park = park_ring,
};

const struct gh_bench_backend gh_bench_ring_posted = {
	.name = "ring-posted",
	.posted = true,
	.run = run_ring,
	.park = park_ring,
};

const struct gh_bench_backend gh_bench_ring_ioctl = {
	.name = "ring-ioctl",
	.runner = GH_BACKEND_IOCTL,
	.run = run_ring,
	.park = park_ring,
};
