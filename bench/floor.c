// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The hypercall alone: gh_bench_floor.ko does the work while it is loaded, says how
 * long it took, and refuses to stay.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "internal.h"

#define MAX_VCPUS	256

/* Where the module writes; the caller's clock includes loading the module. */
static volatile uint64_t floor_ns;

static int run_floor(struct gh_bench *bench, uint64_t events)
{
	char args[MAX_VCPUS * 6 + 96];
	unsigned int i;
	int fd, ret, n = 0;

	if (!bench->module)
		return -ENOENT;
	if (bench->nr_vcpus > MAX_VCPUS)
		return -E2BIG;
	n = snprintf(args, sizeof(args), "count=%" PRIu64 " result=%" PRIuPTR " fds=", events,
		     (uintptr_t)&floor_ns);
	for (i = 0; i < bench->nr_vcpus; i++)
		n += snprintf(args + n, sizeof(args) - (size_t)n, "%s%d", i ? "," : "",
			      bench->vcpus[i].vcpu->fd);
	fd = open(bench->module, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, args, 0) ? errno : EPROTO;
	close(fd);
	if (ret != ECANCELED)
		return -ret;
	bench->exits += events;
	bench->inner_ns += floor_ns;
	return 0;
}

const struct gh_bench_backend gh_bench_floor = {
	.name = "floor",
	.one_at_a_time = true,
	.in_kernel = true,
	.run = run_floor,
};
