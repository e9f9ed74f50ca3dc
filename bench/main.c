// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-bench --backend=ring|ioctl|threads --vcpus=N --image=PATH [--events=N]
 *
 * Prints one JSON record. Under QEMU's -icount shift=0 a nanosecond of guest time
 * is an instruction; elsewhere "ns_per_exit" is what its name says.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "bench.h"

static const struct gh_bench_backend *const backends[] = {
	&gh_bench_ring, &gh_bench_ioctl, &gh_bench_threads,
};

static const struct gh_bench_backend *backend_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

static void usage(FILE *f)
{
	fputs("Usage: gh-bench --backend=ring|ioctl|threads --vcpus=N --image=PATH [--events=N]\n"
	      "Measures MMIO read exits and prints one JSON record.\n", f);
}

static int fail(const struct gh_bench *bench, const char *what, int ret)
{
	const struct gh_error_info *e;

	fprintf(stderr, "gh-bench: %s: %s\n", what, strerror(-ret));
	e = bench->runner ? gh_runner_last_error(bench->runner) : NULL;
	if (e && e->error)
		fprintf(stderr, "gh-bench: %s vCPU %d: %s: %s\n", e->vm, e->vcpu, e->what,
			strerror(-e->error));
	return EXIT_FAILURE;
}

static int measure(struct gh_bench *bench, uint64_t events)
{
	uint64_t start, ns, exits, syscalls;
	struct rusage before, after;
	struct utsname uts;
	int ret;

	ret = bench->backend->run(bench, events / 4);
	if (ret)
		return fail(bench, "warming up", ret);
	exits = bench->exits;
	syscalls = bench->syscalls;
	getrusage(RUSAGE_SELF, &before);
	start = gh_now_ns();
	ret = bench->backend->run(bench, events);
	ns = gh_now_ns() - start;
	getrusage(RUSAGE_SELF, &after);
	if (ret)
		return fail(bench, "measuring", ret);

	exits = bench->exits - exits;
	syscalls = bench->syscalls - syscalls;
	uname(&uts);
	printf("{\"workload\":\"mmio-read\",\"backend\":\"%s\",\"vcpus\":%u,\"exits\":%" PRIu64
	       ",\"ns_per_exit\":%.1f,\"exits_per_syscall\":%.2f,\"switches_per_exit\":%.4f,"
	       "\"kernel\":\"%s\"}\n", bench->backend->name, bench->nr_vcpus, exits,
	       (double)ns / exits, (double)exits / syscalls,
	       (double)(after.ru_nvcsw + after.ru_nivcsw - before.ru_nvcsw - before.ru_nivcsw) /
	       exits, uts.release);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "backend", required_argument, NULL, 'b' },
		{ "vcpus", required_argument, NULL, 'n' },
		{ "image", required_argument, NULL, 'i' },
		{ "events", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct gh_bench bench = { .backend = &gh_bench_ring, .nr_vcpus = 1 };
	const char *image = NULL;
	uint64_t events = 100000;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			bench.backend = backend_find(optarg);
			break;
		case 'n':
			bench.nr_vcpus = strtoul(optarg, NULL, 0);
			break;
		case 'i':
			image = optarg;
			break;
		case 'e':
			events = strtoull(optarg, NULL, 0);
			break;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (!image || !bench.backend || !bench.nr_vcpus || !events) {
		usage(stderr);
		return 2;
	}
	ret = gh_bench_create(&bench, image);
	ret = ret ? fail(&bench, "creating the guests", ret) : measure(&bench, events);
	gh_bench_destroy(&bench);
	return ret;
}
