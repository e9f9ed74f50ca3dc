// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * One blocking call per exit, from one thread or from a thread per vCPU. Threads
 * exist from start to stop and wait for each run at a barrier, so that making
 * them is not measured.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/gunyah.h>

#include "bench.h"
#include "internal.h"

#define STACK_SIZE	(64u << 10)
#define RETRY_NS	1000000

/* One exit by ioctl, answered. Returns 0 or -errno. */
static int gunyah_once(struct gh_bench_vcpu *b)
{
	struct gh_vcpu *v = b->vcpu;
	struct gh_vcpu_run *run = v->run;
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
	ret = gh_bench_access(&access, run->mmio.phys_addr);
	if (!ret && !access.is_write)
		memcpy(run->mmio.data, &access.data, access.len);
	return ret;
}

static int once(struct gh_bench_vcpu *b)
{
	return b->bench->backend->kvm ? gh_bench_kvm_once(b) : gunyah_once(b);
}

/* The kernel may send a call back at any time to do some work of its own. */
static int once_retried(struct gh_bench_vcpu *b)
{
	int ret;

	do {
		b->syscalls++;
		ret = once(b);
	} while (ret == -EINTR);
	return ret;
}

static void count_syscalls(struct gh_bench *bench)
{
	unsigned int i;

	for (i = 0, bench->syscalls = 0; i < bench->nr_vcpus; i++)
		bench->syscalls += bench->vcpus[i].syscalls;
}

static int run_serial(struct gh_bench *bench, uint64_t events)
{
	uint64_t n = 0;
	unsigned int i;
	int ret;

	while (n < events) {
		for (i = 0; i < bench->nr_active; i++, n++) {
			ret = once_retried(&bench->vcpus[i]);
			if (ret)
				return ret;
		}
	}
	bench->exits += n;
	count_syscalls(bench);
	return 0;
}

/* Where the threads meet before and after each run. */
struct pool {
	pthread_barrier_t begin;
	pthread_barrier_t end;
	atomic_bool quit;
	atomic_int error;
};

static bool enough(const struct gh_bench_vcpu *b)
{
	if (b->bench->until_ns)
		return gh_now_ns() >= b->bench->until_ns;
	return b->handled >= b->until;
}

static void work(struct gh_bench_vcpu *b, struct pool *pool)
{
	int ret;

	while (!enough(b)) {
		ret = once_retried(b);
		if (ret) {
			atomic_store(&pool->error, ret);
			return;
		}
	}
}

static void *thread_main(void *arg)
{
	struct gh_bench_vcpu *b = arg;
	struct pool *pool = b->bench->priv;

	/* A sleeper's call lasts until a signal ends it. */
	if (!b->active) {
		while (!atomic_load(&pool->quit))
			once(b);
		return NULL;
	}
	for (;;) {
		pthread_barrier_wait(&pool->begin);
		if (atomic_load(&pool->quit))
			return NULL;
		work(b, pool);
		pthread_barrier_wait(&pool->end);
	}
}

static int spawn(struct gh_bench_vcpu *b, unsigned int cpu, bool pinned)
{
	pthread_attr_t attr;
	cpu_set_t set;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (pinned) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	}
	ret = -pthread_create(&b->thread, &attr, thread_main, b);
	pthread_attr_destroy(&attr);
	return ret;
}

static void nothing(int sig)
{
}

static int start_threads(struct gh_bench *bench, bool pinned)
{
	const struct sigaction action = { .sa_handler = nothing };
	unsigned int i, cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	struct pool *pool = calloc(1, sizeof(*pool));
	int ret;

	if (!pool)
		return -ENOMEM;
	sigaction(SIGUSR1, &action, NULL);
	pthread_barrier_init(&pool->begin, NULL, bench->nr_active + 1);
	pthread_barrier_init(&pool->end, NULL, bench->nr_active + 1);
	bench->priv = pool;
	for (i = 0; i < bench->nr_vcpus; i++) {
		ret = spawn(&bench->vcpus[i], i % cpus, pinned);
		/* The barriers cannot be passed any more: the process ends with this. */
		if (ret)
			return ret;
	}
	return 0;
}

static int start_free(struct gh_bench *bench)
{
	return start_threads(bench, false);
}

static int start_pinned(struct gh_bench *bench)
{
	return start_threads(bench, true);
}

/* Whoever reported last is given the time to fall asleep again. */
static int rounds_of_bells(struct gh_bench *bench, uint64_t rounds)
{
	int ret = 0;

	while (rounds-- && !ret) {
		ret = gh_bench_ring_bells(bench);
		while (!ret && sem_wait(&bench->reported) < 0)
			ret = errno == EINTR ? 0 : -errno;
		sched_yield();
		bench->bell_syscalls += 2;
	}
	return ret;
}

static int run_threads(struct gh_bench *bench, uint64_t events)
{
	struct pool *pool = bench->priv;
	uint64_t each = (events + bench->nr_active - 1) / bench->nr_active;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < bench->nr_active; i++)
		bench->vcpus[i].until = bench->vcpus[i].handled + each;
	pthread_barrier_wait(&pool->begin);
	if (bench->workload->bells)
		ret = rounds_of_bells(bench, each);
	pthread_barrier_wait(&pool->end);
	if (ret)
		return ret;
	bench->exits = gh_bench_handled(bench);
	count_syscalls(bench);
	return atomic_load(&pool->error);
}

/*
 * The sleepers need nobody's help to fall asleep. On one CPU a thread with the lowest
 * policy goes on when nobody else wants to; to be sure, it sleeps as well.
 */
static int park_threads(struct gh_bench *bench)
{
	struct sched_param param = { 0 };

	sched_setscheduler(0, SCHED_IDLE, &param);
	sched_yield();
	bench->parked_ns = gh_now_ns();
	sched_setscheduler(0, SCHED_OTHER, &param);
	usleep(20000 + 1000 * bench->nr_vcpus);
	return 0;
}

/* Again after a while, as a signal that comes before the call is lost. */
static void end_sleeper(struct gh_bench_vcpu *b)
{
	struct timespec until;

	do {
		pthread_kill(b->thread, SIGUSR1);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += RETRY_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
	} while (pthread_timedjoin_np(b->thread, NULL, &until));
}

static void stop_threads(struct gh_bench *bench)
{
	struct pool *pool = bench->priv;
	unsigned int i;

	if (!pool)
		return;
	atomic_store(&pool->quit, true);
	if (bench->nr_active)
		pthread_barrier_wait(&pool->begin);
	for (i = 0; i < bench->nr_vcpus; i++) {
		struct gh_bench_vcpu *b = &bench->vcpus[i];

		if (b->active)
			pthread_join(b->thread, NULL);
		else
			end_sleeper(b);
	}
	pthread_barrier_destroy(&pool->begin);
	pthread_barrier_destroy(&pool->end);
	free(pool);
	bench->priv = NULL;
}

const struct gh_bench_backend gh_bench_ioctl = {
	.name = "ioctl",
	.one_at_a_time = true,
	.run = run_serial,
};

const struct gh_bench_backend gh_bench_threads = {
	.name = "threads",
	.threads = true,
	.start = start_free,
	.run = run_threads,
	.park = park_threads,
	.stop = stop_threads,
};

const struct gh_bench_backend gh_bench_kvm_posted = {
	.name = "kvm-posted",
	.kvm = true,
	.posted = true,
	.threads = true,
	.start = start_free,
	.run = run_threads,
	.stop = stop_threads,
};

const struct gh_bench_backend gh_bench_threads_pinned = {
	.name = "threads-pinned",
	.threads = true,
	.start = start_pinned,
	.run = run_threads,
	.park = park_threads,
	.stop = stop_threads,
};

const struct gh_bench_backend gh_bench_kvm = {
	.name = "kvm",
	.kvm = true,
	.one_at_a_time = true,
	.run = run_serial,
};

const struct gh_bench_backend gh_bench_kvm_threads = {
	.name = "kvm-threads",
	.kvm = true,
	.threads = true,
	.start = start_free,
	.run = run_threads,
	.park = park_threads,
	.stop = stop_threads,
};

const struct gh_bench_backend gh_bench_kvm_nopoll = {
	.name = "kvm-nopoll",
	.kvm = true,
	.no_poll = true,
	.threads = true,
	.start = start_free,
	.run = run_threads,
	.park = park_threads,
	.stop = stop_threads,
};
