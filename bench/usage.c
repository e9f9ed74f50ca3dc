// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What the machine used, and how long things took. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

/* Kernel stacks are in the memory of vmalloc. The guests' memory is the user's. */
static void read_meminfo(struct gh_bench_memory *memory)
{
	static const char *const fields[] = {
		"Slab:", "PageTables:", "SecPageTables:", "VmallocUsed:", "Percpu:",
	};
	uint64_t total = 0, kib;
	char line[128], name[64];
	unsigned int i;
	FILE *f;

	f = fopen("/proc/meminfo", "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %" SCNu64, name, &kib) != 2)
			continue;
		if (!strcmp(name, "MemTotal:"))
			total = kib << 10;
		if (!strcmp(name, "MemFree:"))
			memory->used_bytes = total - (kib << 10);
		for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			if (!strcmp(name, fields[i]))
				memory->kernel_bytes += kib << 10;
	}
	fclose(f);
}

/* statm is behind by what each CPU has not added yet. */
static uint64_t user_bytes(void)
{
	uint64_t kib = 0;
	char line[128];
	FILE *f;

	f = fopen("/proc/self/smaps_rollup", "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Rss: %" SCNu64, &kib) == 1)
			break;
	fclose(f);
	return kib << 10;
}

/* What each CPU keeps ready is free, too, but not called so. */
static uint64_t kept_bytes(void)
{
	uint64_t pages = 0, n;
	char line[128];
	FILE *f;

	f = fopen("/proc/zoneinfo", "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %" SCNu64, &n) == 1)
			pages += n;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Each CPU keeps what it has not yet added to the counters: many pages. */
static void add_up(void)
{
	FILE *f = fopen("/proc/sys/vm/stat_refresh", "we");

	if (!f)
		return;
	fputc('1', f);
	fclose(f);
}

void gh_bench_memory_now(struct gh_bench_memory *memory)
{
	add_up();
	*memory = (struct gh_bench_memory) { .user_bytes = user_bytes() };
	read_meminfo(memory);
	memory->used_bytes -= kept_bytes();
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
