// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What an event costs, how long it takes, and whether every vCPU gets its share. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/machine/guests/bench.h"
#include "bench.h"

/* How long fairness is watched. */
#define FAIR_NS		200000000

/* One measured run: per event, and what it cost besides. */
struct sample {
	double ns;
	double busy_ns;
	double syscalls;
	double switches;
};

/* In a run of nothing but latencies. */
struct latency_sample {
	uint64_t exit[3];
	uint64_t wake[3];
};

static uint64_t per_exit(const struct gh_bench *bench)
{
	return bench->workload->signals ? GUEST_BENCH_GROUP : 1;
}

static int sample(struct gh_bench *bench, uint64_t events, struct sample *s)
{
	uint64_t exits = bench->exits, inner = bench->inner_ns, ns, idle;
	uint64_t syscalls = bench->syscalls + bench->bell_syscalls;
	struct gh_bench_usage before, after;
	double n;
	int ret;

	gh_bench_usage(&before);
	ret = bench->backend->run(bench, events / per_exit(bench));
	after.now_ns = gh_now_ns();
	ns = after.now_ns - before.now_ns;
	gh_bench_usage(&after);
	if (ret)
		return ret;
	n = (double)((bench->exits - exits) * per_exit(bench));
	idle = bench->workload->sleeps ? after.idle_ns - before.idle_ns : 0;
	if (bench->inner_ns != inner)
		ns = bench->inner_ns - inner;
	*s = (struct sample) {
		.ns = (double)ns / n,
		.busy_ns = ns > idle ? (double)(ns - idle) / n : 0,
		.syscalls = (double)(bench->syscalls + bench->bell_syscalls - syscalls) / n,
		.switches = (double)(after.switches - before.switches) / n,
	};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return x->busy_ns < y->busy_ns ? -1 : x->busy_ns > y->busy_ns;
}

/* That writes did not come as ordinary exits all along, since @handled events. */
static int check_writes(const struct gh_bench *bench, uint64_t handled)
{
	uint64_t signals = gh_bench_signals(bench), slack = bench->nr_active * GUEST_BENCH_GROUP;
	uint64_t wanted = (gh_bench_handled(bench) - handled) * GUEST_BENCH_GROUP;

	if (bench->workload->signals)
		return signals + slack < wanted || signals > wanted + slack ? -EPROTO : 0;
	if (bench->backend->posted && !bench->backend->kvm)
		return signals && signals < bench->exits / 100 ? 0 : -EPROTO;
	return 0;
}

static void take(const struct gh_bench_hist *hist, uint64_t out[3])
{
	out[0] = gh_bench_hist_at(hist, 0.5);
	out[1] = gh_bench_hist_at(hist, 0.99);
	out[2] = gh_bench_hist_at(hist, 0.999);
}

static void print_latency(const char *what, const uint64_t v[3])
{
	printf(",\"%s_p50\":%" PRIu64 ",\"%s_p99\":%" PRIu64 ",\"%s_p999\":%" PRIu64, what,
	       v[0], what, v[1], what, v[2]);
}

/* Taking the time costs something: not in the samples. */
static int latencies(struct gh_bench *bench, uint64_t exits, struct latency_sample *s)
{
	int ret;

	bench->timed = true;
	memset(&bench->exit_hist, 0, sizeof(bench->exit_hist));
	memset(&bench->wake_hist, 0, sizeof(bench->wake_hist));
	ret = bench->backend->run(bench, exits);
	bench->timed = false;
	take(&bench->exit_hist, s->exit);
	take(&bench->wake_hist, s->wake);
	return ret;
}

static void print_latencies(const struct gh_bench *bench, const struct latency_sample *s)
{
	if (bench->exit_hist.total)
		print_latency("exit", s->exit);
	if (bench->wake_hist.total)
		print_latency("wake", s->wake);
}

/* Of the accesses that the guests time, and of telling; each asks three questions first. */
static int first_latencies(struct gh_bench *bench, struct latency_sample *s)
{
	uint64_t timed = GUEST_BENCH_TIMED(bench->timing);
	uint64_t exits = 3 + timed / 2 + (bench->workload->signals ? 0 : timed);

	return latencies(bench, exits * bench->nr_active, s);
}

static double spread(const struct sample *samples, unsigned int nr)
{
	return (samples[nr - 1].busy_ns - samples[0].busy_ns) / samples[nr / 2].busy_ns;
}

/* In the order they were taken. */
static void print_sample(const struct sample *s)
{
	printf("sample: %.1f ns, %.1f of wall time, %.4f system calls, %.4f switches\n",
	       s->busy_ns, s->ns, s->syscalls, s->switches);
}

/* Sorted; once more if they differ by too much: something had not settled. */
static int take_samples(struct gh_bench *bench, uint64_t events, unsigned int repeats,
			struct sample *samples)
{
	unsigned int i, round;
	int ret = 0;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < repeats && !ret; i++) {
			ret = sample(bench, events, &samples[i]);
			if (!ret && bench->verbose)
				print_sample(&samples[i]);
		}
		if (ret)
			break;
		qsort(samples, repeats, sizeof(samples[0]), compare);
		if (!(bench->max_spread > 0) || spread(samples, repeats) <= bench->max_spread)
			break;
	}
	return ret;
}

static int measure_events(struct gh_bench *bench, uint64_t events, unsigned int repeats)
{
	struct sample samples[GH_BENCH_MAX_REPEATS];
	struct sample *middle = &samples[repeats / 2];
	uint64_t exits = events / per_exit(bench), handled;
	struct latency_sample late;
	int ret = 0;

	if (bench->timing)
		ret = first_latencies(bench, &late);
	gh_bench_signals(bench);
	handled = gh_bench_handled(bench);
	if (!ret)
		ret = bench->backend->run(bench, exits / 2 + 2 * bench->nr_active);
	if (!ret)
		ret = take_samples(bench, events, repeats, samples);
	if (!ret && !bench->timing)
		ret = latencies(bench, exits, &late);
	if (!ret)
		ret = check_writes(bench, handled);
	if (ret)
		return gh_bench_fail(bench, "measuring", ret);

	gh_bench_print_head(bench);
	printf(",\"events\":%" PRIu64 ",\"repeats\":%u,\"ns\":%.1f,\"wall_ns\":%.1f,"
	       "\"spread\":%.4f,\"syscalls\":%.4f,\"switches\":%.4f",
	       events, repeats, middle->busy_ns, middle->ns,
	       spread(samples, repeats),
	       middle->syscalls, middle->switches);
	print_latencies(bench, &late);
	printf("}\n");
	return EXIT_SUCCESS;
}

static int compare_latency(const void *a, const void *b)
{
	const struct latency_sample *x = a, *y = b;

	return x->wake[1] < y->wake[1] ? -1 : x->wake[1] > y->wake[1];
}

/* The middle one is that with the middle p99 of a wake-up. */
static int measure_latency(struct gh_bench *bench, uint64_t events, unsigned int repeats)
{
	struct latency_sample samples[GH_BENCH_MAX_REPEATS];
	struct latency_sample *middle = &samples[repeats / 2];
	unsigned int i;
	int ret;

	ret = bench->backend->run(bench, events / 10 + 1);
	for (i = 0; i < repeats && !ret; i++)
		ret = latencies(bench, events, &samples[i]);
	if (ret)
		return gh_bench_fail(bench, "taking latencies", ret);
	qsort(samples, repeats, sizeof(samples[0]), compare_latency);
	gh_bench_print_head(bench);
	printf(",\"events\":%" PRIu64 ",\"repeats\":%u,\"spread\":%.4f", events, repeats,
	       (double)(samples[repeats - 1].wake[1] - samples[0].wake[1]) /
	       (double)middle->wake[1]);
	print_latencies(bench, middle);
	printf("}\n");
	return EXIT_SUCCESS;
}

/* Jain's index of what each vCPU got since @before: 1 is fair, 1/n is all for one. */
static double jain(const struct gh_bench *bench, const uint64_t *before, uint64_t *total)
{
	double sum = 0, squares = 0, x;
	unsigned int i;

	for (i = 0; i < bench->nr_active; i++) {
		x = (double)(bench->vcpus[i].handled - before[i]);
		sum += x;
		squares += x * x;
	}
	*total = (uint64_t)sum;
	return squares > 0 ? sum * sum / (bench->nr_active * squares) : 0;
}

static int compare_double(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int measure_fairness(struct gh_bench *bench, unsigned int repeats)
{
	uint64_t *before = calloc(bench->nr_active, sizeof(*before)), events = 0;
	double samples[GH_BENCH_MAX_REPEATS], middle;
	unsigned int i, j;
	int ret;

	if (!before)
		return gh_bench_fail(bench, "measuring", -ENOMEM);
	ret = bench->backend->run(bench, 2 * bench->nr_active);
	for (i = 0; i < repeats && !ret; i++) {
		for (j = 0; j < bench->nr_active; j++)
			before[j] = bench->vcpus[j].handled;
		bench->until_ns = gh_now_ns() + FAIR_NS;
		ret = bench->backend->run(bench, 0);
		samples[i] = jain(bench, before, &events);
	}
	free(before);
	if (ret)
		return gh_bench_fail(bench, "measuring", ret);
	qsort(samples, repeats, sizeof(samples[0]), compare_double);
	middle = samples[repeats / 2];
	gh_bench_print_head(bench);
	printf(",\"events\":%" PRIu64 ",\"repeats\":%u,\"spread\":%.4f,\"window_ns\":%d,"
	       "\"jain\":%.4f}\n", events, repeats,
	       (samples[repeats - 1] - samples[0]) / middle, FAIR_NS, middle);
	return EXIT_SUCCESS;
}

int gh_bench_measure(struct gh_bench *bench, const char *image, uint64_t events,
		     unsigned int repeats)
{
	int ret;

	sem_init(&bench->reported, 0, 0);
	ret = gh_bench_create(bench, image);
	if (!ret)
		ret = gh_bench_start(bench);
	if (!ret && bench->backend->start)
		ret = bench->backend->start(bench);
	if (ret)
		return gh_bench_fail(bench, "creating the guests", ret);
	if (bench->workload->kind == GH_BENCH_LATENCY)
		ret = measure_latency(bench, events, repeats);
	else if (bench->workload->kind == GH_BENCH_FAIRNESS)
		ret = measure_fairness(bench, repeats);
	else
		ret = measure_events(bench, events, repeats);
	if (bench->backend->stop)
		bench->backend->stop(bench);
	gh_bench_stop(bench);
	gh_bench_destroy(bench);
	return ret;
}
