// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What the machine used, and how long things took. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

/* Memory of the kernel for tasks and objects: not the guests', which is user memory. */
static uint64_t kernel_bytes(void)
{
	static const char *const fields[] = { "Slab:", "KernelStack:", "PageTables:" };
	uint64_t sum = 0, kib;
	char line[128], name[64];
	unsigned int i;
	FILE *f;

	f = fopen("/proc/meminfo", "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %" SCNu64, name, &kib) != 2)
			continue;
		for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			if (!strcmp(name, fields[i]))
				sum += kib << 10;
	}
	fclose(f);
	return sum;
}

static uint64_t user_bytes(void)
{
	uint64_t size, resident = 0;
	FILE *f;

	f = fopen("/proc/self/statm", "re");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64 " %" SCNu64, &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/*
 * Of all CPUs, since boot. /proc/uptime has it in hundredths of a second, and not the
 * part that the kernel calls iowait because a ring's thread sleeps.
 */
static uint64_t idle_ns(void)
{
	uint64_t sum = 0, ns;
	char line[256], name[64];
	FILE *f;

	f = fopen("/proc/timer_list", "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " .%63[a-z_] : %" SCNu64, name, &ns) == 2 &&
		    (!strcmp(name, "idle_sleeptime") || !strcmp(name, "iowait_sleeptime")))
			sum += ns;
	fclose(f);
	return sum;
}

void gh_bench_usage(struct gh_bench_usage *usage)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	usage->kernel_bytes = kernel_bytes();
	usage->user_bytes = user_bytes();
	usage->switches = (uint64_t)(r.ru_nvcsw + r.ru_nivcsw);
	usage->idle_ns = idle_ns();
	usage->now_ns = gh_now_ns();
}

void gh_bench_hist_add(struct gh_bench_hist *hist, uint64_t ns)
{
	unsigned int shift = ns < 16 ? 0 : 59 - (unsigned int)__builtin_clzll(ns);
	unsigned int i = (unsigned int)(ns >> shift);

	if (ns >= 16)
		i += shift << 4;

	/* A thread per vCPU adds to one histogram. */
	__atomic_fetch_add(&hist->count[i < GH_BENCH_BUCKETS ? i : GH_BENCH_BUCKETS - 1], 1,
			   __ATOMIC_RELAXED);
	__atomic_fetch_add(&hist->total, 1, __ATOMIC_RELAXED);
}

/* The lower end of the bucket that @part of all values lie below or in. */
uint64_t gh_bench_hist_at(const struct gh_bench_hist *hist, double part)
{
	uint64_t left = (uint64_t)(part * (double)hist->total);
	unsigned int i;

	for (i = 0; i < GH_BENCH_BUCKETS - 1 && hist->count[i] <= left; i++)
		left -= hist->count[i];
	if (i < 16)
		return i;
	return (uint64_t)(16 + (i & 15)) << ((i >> 4) - 1);
}
