// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What the backends with a ring of their own have in common. */
#include <errno.h>
#include <stdlib.h>

#include "bench.h"
#include "internal.h"

/* All are rung, all report, all may fall asleep again. */
static int round_of_bells(struct gh_bench *bench, gh_bench_turn *turn)
{
	int ret = gh_bench_ring_bells(bench);

	while (!ret && atomic_load(&bench->unreported))
		ret = turn(bench, 1);
	return ret ? ret : turn(bench, 0);
}

int gh_bench_run_turns(struct gh_bench *bench, uint64_t events, gh_bench_turn *turn)
{
	uint64_t until = bench->exits + events;
	int ret;

	do {
		ret = bench->workload->bells ? round_of_bells(bench, turn) : turn(bench, 1);
	} while (!ret && (bench->until_ns ? gh_now_ns() < bench->until_ns :
					    bench->exits < until));
	return ret;
}

int gh_bench_register_files(struct gh_bench *bench, struct io_uring *ring)
{
	int *fds = calloc(bench->nr_vcpus, sizeof(*fds));
	unsigned int i;
	int ret;

	if (!fds)
		return -ENOMEM;
	for (i = 0; i < bench->nr_vcpus; i++)
		fds[i] = bench->vcpus[i].vcpu->fd;
	ret = io_uring_register_files(ring, fds, bench->nr_vcpus);
	free(fds);
	return ret;
}
