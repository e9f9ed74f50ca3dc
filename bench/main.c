// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-bench --backend=NAME --workload=NAME --vcpus=N --image=PATH [options]
 *
 * Prints one JSON record. Under QEMU's -icount shift=0 a nanosecond of guest time
 * is an instruction, idle time left out; elsewhere "ns" is what its name says.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "../tests/machine/guests/bench.h"
#include "bench.h"

#define EXIT_SKIPPED	77

static const struct gh_bench_backend *const backends[] = {
	&gh_bench_ring, &gh_bench_ring_posted, &gh_bench_ring_ioctl, &gh_bench_raw,
	&gh_bench_raw_async, &gh_bench_raw_sqpoll, &gh_bench_ioctl, &gh_bench_threads,
	&gh_bench_threads_pinned, &gh_bench_kvm, &gh_bench_kvm_threads, &gh_bench_kvm_posted,
	&gh_bench_floor, &gh_bench_raw_batch, &gh_bench_ioctl_batch, &gh_bench_ring_only,
	&gh_bench_kvm_nopoll,
};

static const struct gh_bench_workload workloads[] = {
	{
		.name = "mmio-read",
		.mode = GUEST_BENCH_READ,
		.active_percent = 100,
	},
	{
		.name = "mmio-write",
		.mode = GUEST_BENCH_WRITE,
		.active_percent = 100,
	},
	{
		.name = "ioeventfd",
		.mode = GUEST_BENCH_SIGNAL,
		.active_percent = 100,
		.signals = true,
	},
	{
		.name = "timer-wake",
		.mode = GUEST_BENCH_TIMER,
		.active_percent = 100,
		.sleeps = true,
	},
	{
		.name = "bell-wake",
		.mode = GUEST_BENCH_BELL,
		.active_percent = 100,
		.sleeps = true,
		.bells = true,
	},
	{
		.name = "mixed",
		.mode = GUEST_BENCH_READ,
		.rest_mode = GUEST_BENCH_SLEEP,
		.active_percent = 1,
	},
	{
		.name = "busy",
		.kind = GH_BENCH_LATENCY,
		.mode = GUEST_BENCH_TIMER,
		.rest_mode = GUEST_BENCH_SPIN,
	},
	{
		.name = "fairness",
		.kind = GH_BENCH_FAIRNESS,
		.mode = GUEST_BENCH_READ,
		.active_percent = 100,
	},
	{
		.name = "life",
		.kind = GH_BENCH_LIFE,
		.rest_mode = GUEST_BENCH_SLEEP,
	},
	{
		.name = "memory",
		.kind = GH_BENCH_MEMORY,
		.rest_mode = GUEST_BENCH_SLEEP,
	},
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
	      "                [--max-spread=PART] [--verbose]\n"
	      "Measures one way to run vCPUs and prints one JSON record.\nBackends:", f);
	for (i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		fprintf(f, " %s", backends[i]->name);
	fputs("\nWorkloads:", f);
	for (i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
		fprintf(f, " %s", workloads[i].name);
	fputs("\n", f);
}

int gh_bench_fail(const struct gh_bench *bench, const char *what, int ret)
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

void gh_bench_print_head(const struct gh_bench *bench)
{
	struct utsname uts;

	uname(&uts);
	printf("{\"workload\":\"%s\",\"backend\":\"%s\",\"vcpus\":%u,\"kernel\":\"%s\"",
	       bench->workload->name, bench->backend->name, bench->nr_vcpus, uts.release);
}

/* What speaks against the backend for the workload; NULL: nothing. */
static const char *objection(const struct gh_bench *bench)
{
	const struct gh_bench_workload *w = bench->workload;
	const struct gh_bench_backend *b = bench->backend;

	if (b->one_at_a_time &&
	    (w->sleeps || w->kind != GH_BENCH_EVENTS || w->active_percent != 100))
		return "guests that sleep cannot be run one at a time";
	if (b->posted && w->mode != GUEST_BENCH_WRITE)
		return "only writes can be posted";
	if (!b->park && (w->kind == GH_BENCH_LIFE || w->kind == GH_BENCH_MEMORY))
		return "it cannot tell when all guests are asleep";
	if (b->kvm && w->kind == GH_BENCH_MEMORY)
		return "VMs under KVM have one vCPU here";
	return NULL;
}

/*
 * As many as it takes to have the kernel's ticks even out, and a few of each vCPU: a
 * ring of posted writes is filled and a group of signals sent more than once. A thread
 * gets so many that being scheduled for a run is little beside it; who rings its doorbell
 * takes turns with it as the scheduler likes.
 */
static unsigned long default_events(const struct gh_bench *bench)
{
	unsigned long each = 8, least = bench->workload->sleeps ? 4096 : 12288;
	bool many = bench->nr_vcpus > 256, threads = bench->backend->threads;

	if (bench->backend->posted)
		each = many ? 257 : 514;
	else if (bench->workload->signals)
		each = GUEST_BENCH_GROUP * (many ? 1 : threads ? 8 : 2);
	else if (!bench->workload->sleeps && threads)
		each = many ? 192 : 384;
	else if (bench->workload->sleeps && !bench->workload->bells && many)
		each = threads ? 24 : 96;
	if (threads && bench->workload->bells)
		least *= bench->nr_vcpus == 1 || bench->nr_vcpus >= 256 ? 4 : 2;
	else if (threads && !bench->workload->sleeps && bench->nr_vcpus > 16)
		least *= 4;
	else if (bench->backend->posted)
		least *= 2;
	if (each * bench->nr_vcpus > least && bench->workload->active_percent == 100)
		return each * bench->nr_vcpus;
	return least;
}

/* What to do besides what struct gh_bench says. */
struct order {
	const char *image;
	unsigned long events;
	unsigned long repeats;
	bool help;
};

/* False: wrong usage. */
static bool parse(int argc, char **argv, struct gh_bench *bench, struct order *order)
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
		{ "max-spread", required_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			bench->backend = backend_find(optarg);
			break;
		case 'w':
			bench->workload = workload_find(optarg);
			break;
		case 'n':
			bench->nr_vcpus = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'i':
			order->image = optarg;
			break;
		case 'm':
			bench->module = optarg;
			break;
		case 'e':
			order->events = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			order->repeats = strtoul(optarg, NULL, 0);
			break;
		case 't':
			bench->interval_ns = strtoul(optarg, NULL, 0);
			break;
		case 's':
			bench->max_spread = strtod(optarg, NULL);
			break;
		case 'v':
			bench->verbose = true;
			break;
		case 'h':
			order->help = true;
			return true;
		default:
			return false;
		}
	}
	return order->image && bench->backend && bench->workload && bench->nr_vcpus &&
	       order->repeats && order->repeats <= GH_BENCH_MAX_REPEATS;
}

int main(int argc, char **argv)
{
	struct gh_bench bench = {
		.backend = &gh_bench_ring,
		.workload = &workloads[0],
		.nr_vcpus = 1,
		.interval_ns = 200000,
	};
	struct order order = { .repeats = 3 };
	unsigned int repeats;
	const char *why;

	if (!parse(argc, argv, &bench, &order)) {
		usage(stderr);
		return 2;
	}
	if (order.help) {
		usage(stdout);
		return EXIT_SUCCESS;
	}
	why = objection(&bench);
	if (why) {
		fprintf(stderr, "gh-bench: %s, %s: %s\n", bench.backend->name,
			bench.workload->name, why);
		return EXIT_SKIPPED;
	}
	repeats = (unsigned int)order.repeats;
	if (bench.workload->kind == GH_BENCH_MEMORY)
		return gh_bench_memory(&bench, order.image);
	if (bench.workload->kind == GH_BENCH_LIFE)
		return gh_bench_life(&bench, order.image, repeats);
	return gh_bench_measure(&bench, order.image,
				order.events ? order.events : default_events(&bench), repeats);
}
