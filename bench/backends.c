// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Ways to run the same vCPUs. The ioctl backends use the runner's own vCPUs and
 * bus, so that only the way into the kernel and back differs.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/gunyah.h>

#include "bench.h"
#include "internal.h"

static int run_ring(struct gh_bench *bench, uint64_t events)
{
	struct gh_stats stats;
	uint64_t until;
	int ret;

	gh_runner_stats(bench->runner, &stats);
	until = gh_stats_exits(&stats) + events;
	do {
		ret = gh_runner_prepare(bench->runner);
		if (ret < 0)
			return ret;
		ret = gh_runner_dispatch(bench->runner, 0);
		if (ret < 0)
			return ret;
		gh_runner_stats(bench->runner, &stats);
	} while (gh_stats_exits(&stats) < until);
	bench->exits = gh_stats_exits(&stats);
	bench->syscalls = stats.syscalls;
	return 0;
}

const struct gh_bench_backend gh_bench_ring = { .name = "ring", .run = run_ring };

/* One exit by ioctl, answered. Returns 0 or -errno. */
static int run_once(struct gh_vcpu *v)
{
	struct gh_vcpu_run *run = v->run;
	const struct gh_window *w;
	struct gh_access access;
	int ret;

	if (ioctl(v->fd, GH_VCPU_RUN) < 0)
		return -errno;
	if (run->exit_reason != GH_VM_EXIT_MMIO)
		return -EPROTO;
	access = (struct gh_access) {
		.vcpu = v,
		.data = run->mmio.is_write ? gh_uring_mmio_data(run, run->mmio.len) : 0,
		.len = run->mmio.len,
		.is_write = run->mmio.is_write,
	};
	w = gh_bus_find(&v->vm->bus, run->mmio.phys_addr, access.len);
	if (!w)
		return -ENXIO;
	access.offset = run->mmio.phys_addr - w->base;
	if (access.is_write)
		return w->ops->write(w->device, &access);
	ret = w->ops->read(w->device, &access);
	memcpy(run->mmio.data, &access.data, access.len);
	return ret;
}

static int run_ioctl(struct gh_bench *bench, uint64_t events)
{
	uint64_t n = 0;
	unsigned int i;
	int ret;

	while (n < events) {
		for (i = 0; i < bench->nr_vcpus; i++, n++) {
			ret = run_once(gh_vm_vcpu(bench->vms[i], 0));
			if (ret)
				return ret;
		}
	}
	bench->exits += n;
	bench->syscalls += n;
	return 0;
}

const struct gh_bench_backend gh_bench_ioctl = { .name = "ioctl", .run = run_ioctl };

struct vcpu_thread {
	pthread_t thread;
	struct gh_vcpu *vcpu;
	uint64_t events;
	int ret;
};

static void *thread_main(void *arg)
{
	struct vcpu_thread *t = arg;
	uint64_t n;

	for (n = 0; n < t->events && !t->ret; n++)
		t->ret = run_once(t->vcpu);
	return NULL;
}

static int run_threads(struct gh_bench *bench, uint64_t events)
{
	uint64_t each = (events + bench->nr_vcpus - 1) / bench->nr_vcpus;
	struct vcpu_thread *threads;
	unsigned int i, started;
	int ret = 0;

	threads = calloc(bench->nr_vcpus, sizeof(*threads));
	if (!threads)
		return -ENOMEM;
	for (started = 0; started < bench->nr_vcpus; started++) {
		struct vcpu_thread *t = &threads[started];

		t->vcpu = gh_vm_vcpu(bench->vms[started], 0);
		t->events = each;
		ret = -pthread_create(&t->thread, NULL, thread_main, t);
		if (ret)
			break;
	}
	for (i = 0; i < started; i++) {
		pthread_join(threads[i].thread, NULL);
		if (!ret)
			ret = threads[i].ret;
	}
	free(threads);
	bench->exits += each * bench->nr_vcpus;
	bench->syscalls += each * bench->nr_vcpus;
	return ret;
}

const struct gh_bench_backend gh_bench_threads = { .name = "threads", .run = run_threads };
