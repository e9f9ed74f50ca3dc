// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-bench --backend=NAME --workload=NAME --vcpus=N --image=PATH [options]
 *
 * Prints one JSON record. Under QEMU's -icount shift=0 a nanosecond of guest time
 * is an instruction, idle time left out; elsewhere "ns" is what its name says.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "../tests/machine/guests/bench.h"
#include "bench.h"

#define MAX_REPEATS	9
#define EXIT_SKIPPED	77

static const struct gh_bench_backend *const backends[] = {
	&gh_bench_ring, &gh_bench_raw, &gh_bench_raw_async, &gh_bench_raw_sqpoll,
	&gh_bench_ioctl, &gh_bench_threads, &gh_bench_threads_pinned, &gh_bench_kvm,
	&gh_bench_kvm_threads, &gh_bench_floor, &gh_bench_raw_batch, &gh_bench_ioctl_batch,
};

static const struct gh_bench_workload workloads[] = {
	{ .name = "mmio-read", .mode = GUEST_BENCH_READ, .active_percent = 100 },
	{ .name = "mmio-write", .mode = GUEST_BENCH_WRITE, .active_percent = 100 },
	{ .name = "timer-wake", .mode = GUEST_BENCH_TIMER, .active_percent = 100, .sleeps = true },
	{ .name = "mixed", .mode = GUEST_BENCH_READ, .active_percent = 1 },
	{ .name = "parked", .mode = GUEST_BENCH_SLEEP },
};

/* One measured run: per event, and what it cost besides. */
struct sample {
	double ns;
	double busy_ns;
	double syscalls;
	double switches;
};

static const struct gh_bench_backend *backend_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

static const struct gh_bench_workload *workload_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
		if (!strcmp(workloads[i].name, name))
			return &workloads[i];
	return NULL;
}

static void usage(FILE *f)
{
	unsigned int i;

	fputs("Usage: gh-bench --backend=NAME --workload=NAME --vcpus=N --image=PATH\n"
	      "                [--events=N] [--repeats=N] [--interval=NS] [--module=PATH]\n"
	      "Measures one way to run vCPUs and prints one JSON record.\nBackends:", f);
	for (i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		fprintf(f, " %s", backends[i]->name);
	fputs("\nWorkloads:", f);
	for (i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
		fprintf(f, " %s", workloads[i].name);
	fputs("\n", f);
}

static int fail(const struct gh_bench *bench, const char *what, int ret)
{
	const struct gh_error_info *e;

	fprintf(stderr, "gh-bench: %s, %s, %u vCPUs: %s: %s\n", bench->backend->name,
		bench->workload->name, bench->nr_vcpus, what, strerror(-ret));
	e = bench->runner ? gh_runner_last_error(bench->runner) : NULL;
	if (e && e->error)
		fprintf(stderr, "gh-bench: %s vCPU %d: %s: %s\n", e->vm, e->vcpu, e->what,
			strerror(-e->error));
	return EXIT_FAILURE;
}

static int sample(struct gh_bench *bench, uint64_t events, struct sample *s)
{
	uint64_t exits = bench->exits, syscalls = bench->syscalls, inner = bench->inner_ns;
	struct gh_bench_usage before, after;
	uint64_t ns, idle;
	double n;
	int ret;

	gh_bench_usage(&before);
	ret = bench->backend->run(bench, events);
	after.now_ns = gh_now_ns();
	ns = after.now_ns - before.now_ns;
	gh_bench_usage(&after);
	if (ret)
		return ret;
	n = (double)(bench->exits - exits);
	idle = bench->workload->sleeps ? after.idle_ns - before.idle_ns : 0;
	if (bench->inner_ns != inner)
		ns = bench->inner_ns - inner;
	*s = (struct sample) {
		.ns = (double)ns / n,
		.busy_ns = ns > idle ? (double)(ns - idle) / n : 0,
		.syscalls = (double)(bench->syscalls - syscalls) / n,
		.switches = (double)(after.switches - before.switches) / n,
	};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return x->busy_ns < y->busy_ns ? -1 : x->busy_ns > y->busy_ns;
}

static void print_head(const struct gh_bench *bench)
{
	struct utsname uts;

	uname(&uts);
	printf("{\"workload\":\"%s\",\"backend\":\"%s\",\"vcpus\":%u,\"kernel\":\"%s\"",
	       bench->workload->name, bench->backend->name, bench->nr_vcpus, uts.release);
}

static void print_latencies(const struct gh_bench *bench)
{
	printf(",\"p50\":%" PRIu64 ",\"p99\":%" PRIu64 ",\"p999\":%" PRIu64,
	       gh_bench_hist_at(&bench->hist, 0.5), gh_bench_hist_at(&bench->hist, 0.99),
	       gh_bench_hist_at(&bench->hist, 0.999));
}

static int measure(struct gh_bench *bench, uint64_t events, unsigned int repeats)
{
	struct sample samples[MAX_REPEATS];
	struct sample *middle = &samples[repeats / 2];
	unsigned int i;
	int ret;

	ret = bench->backend->run(bench, events / 2 + 2 * bench->nr_active);
	for (i = 0; i < repeats && !ret; i++)
		ret = sample(bench, events, &samples[i]);
	if (ret)
		return fail(bench, "measuring", ret);
	/* Taking the time of each exit costs something: not in the samples above. */
	bench->timed = true;
	ret = bench->backend->run(bench, events);
	if (ret)
		return fail(bench, "taking latencies", ret);

	qsort(samples, repeats, sizeof(samples[0]), compare);
	print_head(bench);
	printf(",\"events\":%" PRIu64 ",\"repeats\":%u,\"ns\":%.1f,\"wall_ns\":%.1f,"
	       "\"spread\":%.4f,\"syscalls\":%.4f,\"switches\":%.4f",
	       events, repeats, middle->busy_ns, middle->ns,
	       (samples[repeats - 1].busy_ns - samples[0].busy_ns) / middle->busy_ns,
	       middle->syscalls, middle->switches);
	if (bench->hist.total)
		print_latencies(bench);
	printf("}\n");
	return EXIT_SUCCESS;
}

static double each(const struct gh_bench *bench, uint64_t before, uint64_t after)
{
	return ((double)after - (double)before) / bench->nr_vcpus;
}

/* Memory of vCPUs that sleep: from the guests as created to all of them asleep. */
static int measure_parked(struct gh_bench *bench, const struct gh_bench_usage *before,
			  const struct gh_bench_usage *created)
{
	struct gh_bench_usage after;
	int ret;

	ret = bench->backend->park ? bench->backend->park(bench) : -EOPNOTSUPP;
	if (ret)
		return fail(bench, "parking", ret);
	gh_bench_usage(&after);
	print_head(bench);
	printf(",\"kernel_bytes\":%.0f,\"user_bytes\":%.0f,\"vm_kernel_bytes\":%.0f,"
	       "\"vm_user_bytes\":%.0f,\"create_ns\":%.0f,\"park_ns\":%.0f",
	       each(bench, created->kernel_bytes, after.kernel_bytes),
	       each(bench, created->user_bytes, after.user_bytes),
	       each(bench, before->kernel_bytes, created->kernel_bytes),
	       each(bench, before->user_bytes, created->user_bytes),
	       each(bench, before->now_ns, created->now_ns),
	       each(bench, created->now_ns, after.now_ns));
	return EXIT_SUCCESS;
}

static int bench_run(struct gh_bench *bench, const char *image, uint64_t events,
		     unsigned int repeats)
{
	struct gh_bench_usage before, created, end;
	int ret;

	gh_bench_usage(&before);
	ret = gh_bench_create(bench, image);
	gh_bench_usage(&created);
	if (!ret && bench->backend->start)
		ret = bench->backend->start(bench);
	if (ret)
		return fail(bench, "creating the guests", ret);
	if (bench->nr_active)
		ret = measure(bench, events, repeats);
	else
		ret = measure_parked(bench, &before, &created);
	gh_bench_usage(&created);
	if (bench->backend->stop)
		bench->backend->stop(bench);
	gh_bench_destroy(bench);
	gh_bench_usage(&end);
	if (!ret && !bench->nr_active)
		printf(",\"destroy_ns\":%.0f}\n", each(bench, created.now_ns, end.now_ns));
	return ret;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "backend", required_argument, NULL, 'b' },
		{ "workload", required_argument, NULL, 'w' },
		{ "vcpus", required_argument, NULL, 'n' },
		{ "image", required_argument, NULL, 'i' },
		{ "module", required_argument, NULL, 'm' },
		{ "events", required_argument, NULL, 'e' },
		{ "repeats", required_argument, NULL, 'r' },
		{ "interval", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct gh_bench bench = {
		.backend = &gh_bench_ring,
		.workload = &workloads[0],
		.nr_vcpus = 1,
		.interval_ns = 200000,
	};
	const char *image = NULL;
	unsigned long events = 20000, repeats = 3;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			bench.backend = backend_find(optarg);
			break;
		case 'w':
			bench.workload = workload_find(optarg);
			break;
		case 'n':
			bench.nr_vcpus = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'i':
			image = optarg;
			break;
		case 'm':
			bench.module = optarg;
			break;
		case 'e':
			events = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			repeats = strtoul(optarg, NULL, 0);
			break;
		case 't':
			bench.interval_ns = strtoul(optarg, NULL, 0);
			break;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (!image || !bench.backend || !bench.workload || !bench.nr_vcpus || !events ||
	    !repeats || repeats > MAX_REPEATS) {
		usage(stderr);
		return 2;
	}
	if (bench.backend->one_at_a_time &&
	    (bench.workload->sleeps || bench.workload->active_percent != 100))
		return EXIT_SKIPPED;
	return bench_run(&bench, image, events, (unsigned int)repeats);
}
