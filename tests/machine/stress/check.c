// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Nothing may be left when all workers are gone. What the driver counts is compared
 * exactly; the kernel's free memory and slabs, which others use too, with a tolerance.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

/* What the kernel may keep for itself: empty slabs, per-CPU lists, its log's users. */
#define FREE_SLACK_KB	16384
#define SLAB_SLACK_KB	4096

#define LEAKS	"/sys/kernel/debug/kmemleak"

static long slab_kb(void)
{
	return gt_meminfo("SUnreclaim");
}

/* Of the debug kernel; others have no such file. */
static void leak_command(const char *text)
{
	FILE *f = fopen(LEAKS, "we");

	if (!f)
		return;
	fputs(text, f);
	fclose(f);
}

/* What was lost before is not ours. */
void st_forget_leaks(void)
{
	leak_command("scan");
	leak_command("clear");
}

void st_before(struct st_before *before)
{
	gt_settle();
	before->pinned = gt_pinned();
	before->mem_free_kb = gt_meminfo("MemFree");
	before->slab_kb = slab_kb();
}

static int wrong(const char *format, ...)
{
	va_list args;

	printf("stress: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	return 1;
}

/* The driver's own numbers become 0; rings are taken apart in the background. */
static int check_driver(void)
{
	static const char *const names[] = {
		"vms", "regions", "pages", "parcels", "functions", "pages_lost",
	};
	uint64_t until = st_now_ns() + st_patience_ns();
	unsigned int i;
	int bad = 0;

	while ((gt_total("vms") || gt_vcpus_alive()) && st_now_ns() < until)
		usleep(10000);
	for (i = 0; i < GT_ARRAY_SIZE(names); i++) {
		if (gt_total(names[i]))
			bad += wrong("%s: %ld, expected 0", names[i], gt_total(names[i]));
	}
	if (gt_vcpus_alive())
		bad += wrong("%ld vCPUs exist, a command or a file holds them", gt_vcpus_alive());
	return bad;
}

static int check_processes(void)
{
	uint64_t until = st_now_ns() + st_patience_ns();
	int status;
	pid_t pid;

	/* Orphans of workers are ours. */
	do {
		pid = waitpid(-1, &status, WNOHANG);
		if (!pid)
			usleep(10000);
	} while (pid >= 0 && st_now_ns() < until);
	return pid >= 0 ? wrong("processes do not end") : 0;
}

static int check_memory(const struct st_before *before)
{
	struct st_before now;
	int bad = 0;

	st_before(&now);
	printf("stress: memory before and after: free %ld %ld kB, unreclaimable slabs %ld %ld kB, "
	       "pinned pages %ld %ld\n", before->mem_free_kb, now.mem_free_kb, before->slab_kb,
	       now.slab_kb, before->pinned, now.pinned);
	if (now.pinned != before->pinned)
		bad += wrong("%ld pages are pinned, expected %ld", now.pinned, before->pinned);
	/* KASAN keeps what was freed; the leak detector beside it is exact. */
	if (!access(LEAKS, F_OK))
		return bad;
	if (now.mem_free_kb < before->mem_free_kb - FREE_SLACK_KB)
		bad += wrong("%ld kB are missing", before->mem_free_kb - now.mem_free_kb);
	if (now.slab_kb > before->slab_kb + SLAB_SLACK_KB)
		bad += wrong("slabs have grown by %ld kB", now.slab_kb - before->slab_kb);
	return bad;
}

/* An object counts when two scans did not find it and it is some seconds old. */
static int check_leaks(void)
{
	char line[256];
	int n = 0;
	FILE *f;

	if (access(LEAKS, W_OK))
		return 0;
	sleep(6);
	leak_command("scan");
	sleep(1);
	leak_command("scan");
	f = fopen(LEAKS, "re");
	while (f && fgets(line, sizeof(line), f)) {
		n += !strncmp(line, "unreferenced object", 19);
		if (n < 5)
			printf("    %s", line);
	}
	if (f)
		fclose(f);
	return n ? wrong("%d objects leaked", n) : 0;
}

int st_after(const struct st_before *before)
{
	int bad = 0, ret;
	char line[512];

	bad += check_processes();
	bad += check_driver();
	bad += check_memory(before);
	ret = gt_modules_unload();
	if (ret)
		bad += wrong("the modules cannot be unloaded: %s", strerrorname_np(-ret));
	bad += check_leaks();
	if (gt_klog_dirty("stress", line, sizeof(line)))
		bad += wrong("kernel log: %s", line);
	return bad;
}
