// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What one more vCPU costs the host while it sleeps: as many VMs of one vCPU as VMs of
 * LARGE_VM, all asleep. What the large ones take more is their vCPUs', for the
 * VMs' own, the guests' memory and the process's are the same. Nothing is freed in
 * between, so no cache is found filled.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define MAX_CACHES	512
#define RUN_PAGE	4096
/* The board has redistributors for so many vCPUs. */
#define LARGE_VM	8

/* A slab cache: objects that exist, and the size of one. */
struct cache {
	char name[48];
	uint64_t objects;
	uint64_t size;
};

struct caches {
	unsigned int nr;
	struct cache cache[MAX_CACHES];
};

static void read_caches(struct caches *caches)
{
	char line[512];
	FILE *f;

	caches->nr = 0;
	f = fopen("/proc/slabinfo", "re");
	if (!f)
		return;
	while (caches->nr < MAX_CACHES && fgets(line, sizeof(line), f)) {
		struct cache *c = &caches->cache[caches->nr];

		if (sscanf(line, "%47s %" SCNu64 " %*u %" SCNu64, c->name, &c->objects,
			   &c->size) == 3)
			caches->nr++;
	}
	fclose(f);
}

/* In what the large VMs are ahead: for whoever wants to know where it goes. */
static void print_caches(const struct caches at[3], unsigned int more)
{
	unsigned int i;

	for (i = 0; i < at[2].nr && at[0].nr == at[2].nr && at[1].nr == at[2].nr; i++) {
		const struct cache *c = &at[2].cache[i];
		double n = (double)(c->objects - at[1].cache[i].objects) -
			   (double)(at[1].cache[i].objects - at[0].cache[i].objects);

		if (n * (double)c->size / more >= 1)
			fprintf(stderr, "%10.1f bytes in %.2f of %s\n",
				n * (double)c->size / more, n / more, c->name);
	}
}

static int let_sleep(struct gh_bench *bench, const char *image)
{
	int ret = gh_bench_create(bench, image);

	if (!ret)
		ret = gh_bench_start(bench);
	if (!ret && bench->backend->start)
		ret = bench->backend->start(bench);
	return ret ? ret : bench->backend->park(bench);
}

static int end(struct gh_bench *bench)
{
	int ret;

	if (bench->backend->stop)
		bench->backend->stop(bench);
	ret = gh_bench_stop(bench);
	gh_bench_destroy(bench);
	return ret;
}

static double marginal(const uint64_t at[3], unsigned int more)
{
	return (((double)at[2] - (double)at[1]) - ((double)at[1] - (double)at[0])) / more;
}

static void print(const struct gh_bench *bench, const struct gh_bench_memory at[3],
		  unsigned int more)
{
	const uint64_t kernel[3] = { at[0].kernel_bytes, at[1].kernel_bytes, at[2].kernel_bytes };
	const uint64_t user[3] = { at[0].user_bytes, at[1].user_bytes, at[2].user_bytes };
	/* Memory that is free becomes less. */
	const uint64_t all[3] = { at[0].used_bytes, at[1].used_bytes, at[2].used_bytes };

	gh_bench_print_head(bench);
	/* The run page is mapped, so it is among the process's. */
	printf(",\"repeats\":1,\"vcpu_kernel_bytes\":%.0f,\"vcpu_user_bytes\":%.0f,"
	       "\"vcpu_all_bytes\":%.0f}\n", marginal(kernel, more),
	       marginal(user, more) - RUN_PAGE, marginal(all, more) - RUN_PAGE);
}

/* @template->nr_vcpus is the number of vCPUs in the large VMs. */
int gh_bench_memory(const struct gh_bench *template, const char *image)
{
	struct gh_bench small = *template, large = *template;
	unsigned int vms = template->nr_vcpus / LARGE_VM, more = large.nr_vcpus - vms;
	struct gh_bench_memory at[3];
	static struct caches caches[3];
	int ret;

	if (!vms || template->nr_vcpus % LARGE_VM)
		return gh_bench_fail(template, "whole VMs", -EINVAL);
	small.nr_vcpus = vms;
	small.per_vm = 1;
	large.per_vm = LARGE_VM;
	gh_bench_memory_now(&at[0]);
	read_caches(&caches[0]);
	ret = let_sleep(&small, image);
	if (ret)
		return gh_bench_fail(&small, "letting the small VMs sleep", ret);
	gh_bench_memory_now(&at[1]);
	read_caches(&caches[1]);
	ret = let_sleep(&large, image);
	if (ret)
		return gh_bench_fail(&large, "letting the large VMs sleep", ret);
	gh_bench_memory_now(&at[2]);
	read_caches(&caches[2]);
	ret = end(&large);
	if (!ret)
		ret = end(&small);
	if (ret)
		return gh_bench_fail(template, "stopping the guests", ret);
	print(template, at, more);
	if (template->verbose)
		print_caches(caches, more);
	return EXIT_SUCCESS;
}
