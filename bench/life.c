// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Guests that do nothing but fall asleep: how long each part of their life takes,
 * and what memory it takes to let them sleep.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

/* Times of all guests; memory only of the first life, which finds the slabs empty. */
struct life {
	uint64_t create_ns;
	uint64_t start_ns;
	uint64_t park_ns;
	uint64_t stop_ns;
	uint64_t destroy_ns;
	double park_kernel;
	double park_user;
	double vm_kernel;
};

static uint64_t total(const struct life *l)
{
	return l->create_ns + l->start_ns + l->park_ns + l->stop_ns + l->destroy_ns;
}

static double each(const struct gh_bench *bench, uint64_t before, uint64_t after)
{
	return ((double)after - (double)before) / bench->nr_vcpus;
}

/* Time since @last, which becomes now. */
static uint64_t lap(uint64_t *last)
{
	uint64_t then = *last;

	*last = gh_now_ns();
	return *last - then;
}

/* From the guests that exist and have not run to all of them asleep. */
static int park(struct gh_bench *bench, struct life *l)
{
	struct gh_bench_memory before, after;
	uint64_t start;
	int ret = 0;

	gh_bench_memory_now(&before);
	start = gh_now_ns();
	if (bench->backend->start)
		ret = bench->backend->start(bench);
	bench->parked_ns = 0;
	if (!ret)
		ret = bench->backend->park(bench);
	l->park_ns = (bench->parked_ns ? bench->parked_ns : gh_now_ns()) - start;
	gh_bench_memory_now(&after);
	l->park_kernel = each(bench, before.kernel_bytes, after.kernel_bytes);
	l->park_user = each(bench, before.user_bytes, after.user_bytes);
	return ret;
}

static int live(struct gh_bench *bench, const char *image, struct life *l)
{
	struct gh_bench_memory before, after;
	uint64_t last;
	int ret;

	gh_bench_memory_now(&before);
	last = gh_now_ns();
	ret = gh_bench_create(bench, image);
	l->create_ns = lap(&last);
	if (ret)
		return gh_bench_fail(bench, "creating the guests", ret);
	ret = gh_bench_start(bench);
	l->start_ns = lap(&last);
	if (ret)
		return gh_bench_fail(bench, "starting the guests", ret);
	gh_bench_memory_now(&after);
	l->vm_kernel = each(bench, before.kernel_bytes, after.kernel_bytes);

	ret = park(bench, l);
	if (ret)
		return gh_bench_fail(bench, "parking", ret);
	last = gh_now_ns();
	if (bench->backend->stop)
		bench->backend->stop(bench);
	ret = gh_bench_stop(bench);
	l->stop_ns = lap(&last);
	if (ret)
		return gh_bench_fail(bench, "stopping the guests", ret);
	gh_bench_destroy(bench);
	l->destroy_ns = lap(&last);
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = total(a), y = total(b);

	return x < y ? -1 : x > y;
}

static void print(const struct gh_bench *bench, const char *what, uint64_t ns)
{
	printf(",\"%s_ns\":%.0f", what, (double)ns / bench->nr_vcpus);
}

int gh_bench_life(struct gh_bench *bench, const char *image, unsigned int repeats)
{
	struct life lives[GH_BENCH_MAX_REPEATS], first, *middle = &lives[repeats / 2];
	unsigned int i;
	int ret;

	for (i = 0; i < repeats; i++) {
		ret = live(bench, image, &lives[i]);
		if (ret)
			return ret;
	}
	first = lives[0];
	qsort(lives, repeats, sizeof(lives[0]), compare);
	gh_bench_print_head(bench);
	printf(",\"repeats\":%u,\"spread\":%.4f,\"park_kernel_bytes\":%.0f,"
	       "\"park_user_bytes\":%.0f,\"vm_kernel_bytes\":%.0f", repeats,
	       (double)(total(&lives[repeats - 1]) - total(&lives[0])) / (double)total(middle),
	       first.park_kernel, first.park_user, first.vm_kernel);
	print(bench, "create", middle->create_ns);
	print(bench, "start", middle->start_ns);
	print(bench, "park", middle->park_ns);
	print(bench, "stop", middle->stop_ns);
	print(bench, "destroy", middle->destroy_ns);
	printf("}\n");
	return EXIT_SUCCESS;
}
