// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Groups: a runner and a thread for each host CPU, and who gets which VM.
 *
 * What members know of each other is one number, the load, and the messages by which
 * VMs move. @running is touched when a VM starts or ends only.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include <gh-runner/group.h>

#include "internal.h"

#define GH_MAX_MEMBERS		256
#define GH_DEFAULT_BALANCE_NS	100000000ULL

/**
 * struct gh_member - a runner of a group
 * @runner: owned unless it is the caller's
 * @ready: posted when @runner is there, or @ret says why not
 * @stop: gh_runner_quit() is meant for the thread, and not of a callback
 * @leave: posted when nobody uses @runner any more but its thread
 * @failed: 0, or what its ring failed with: VMs do not run there any more. Any thread
 * @cpu: that its thread is bound to, -1: none
 * @load: vCPUs that ran in the last period, and those of VMs that come. Any thread
 * @balance: ends a period
 */
struct gh_member {
	struct gh_group *group;
	struct gh_runner *runner;
	pthread_t thread;
	bool started;
	sem_t ready;
	atomic_bool stop;
	sem_t leave;
	int ret;
	atomic_int failed;
	struct gh_error_info error;
	int cpu;
	atomic_uint load;
	struct gh_timer balance;
};

/**
 * struct gh_group - members, and the VMs that run in all of them
 */
struct gh_group {
	struct gh_group_config config;
	atomic_uint running;
	unsigned int nr;
	struct gh_member members[];
};

/* ---- who has how much ----------------------------------------------------------------- */

void gh_group_vm_started(struct gh_group *g)
{
	atomic_fetch_add(&g->running, 1);
}

/* The caller of gh_runner_run() on its own runner waits for the last one. */
void gh_group_vm_ended(struct gh_group *g)
{
	if (atomic_fetch_sub(&g->running, 1) == 1 && g->config.own)
		gh_runner_wake(g->config.own);
}

bool gh_group_runs(const struct gh_group *g)
{
	return atomic_load(&g->running);
}

unsigned int gh_group_size(const struct gh_group *g)
{
	return g->nr;
}

int gh_group_error(const struct gh_group *g, unsigned int member)
{
	return member < g->nr ? atomic_load(&g->members[member].failed) : -EINVAL;
}

/* One that failed runs nothing, and has less than any other only among its like. */
static bool has_less(const struct gh_member *m, const struct gh_member *than)
{
	bool failed = atomic_load(&m->failed), other = atomic_load(&than->failed);

	if (failed != other)
		return other;
	return atomic_load(&m->load) < atomic_load(&than->load);
}

unsigned int gh_group_least(const struct gh_group *g)
{
	unsigned int i, least = 0;

	for (i = 1; i < g->nr; i++)
		if (has_less(&g->members[i], &g->members[least]))
			least = i;
	return least;
}

/* How many of its vCPUs ran since the last call. */
static unsigned int vm_load(struct gh_vm *vm)
{
	unsigned int i, n = 0;

	for (i = 0; i < vm->nr_vcpus; i++) {
		n += vm->vcpus[i].ran || vm->vcpus[i].state == GH_VCPU_BATCHED;
		vm->vcpus[i].ran = false;
	}
	return n;
}

/* The other one must not have more afterwards. */
static bool give(struct gh_member *m, struct gh_vm *vm, unsigned int load)
{
	struct gh_member *to = &m->group->members[gh_group_least(m->group)];
	unsigned int other = atomic_load(&to->load);

	if (to == m || atomic_load(&to->failed))
		return false;
	if (vm->pinned || !vm->load || load < other + 2 * vm->load)
		return false;
	if (vm->state != GH_VM_RUNNING || gh_vm_move(vm, to->runner))
		return false;
	atomic_fetch_add(&to->load, vm->load);
	return true;
}

static void balance(struct gh_member *m)
{
	unsigned int load = 0;
	struct gh_vm *vm;

	for (vm = m->runner->vms; vm; vm = vm->next) {
		vm->load = vm_load(vm);
		load += vm->load;
	}
	/* A VM that moves stays in the list until the runner is driven. */
	for (vm = m->runner->vms; vm; vm = vm->next)
		if (give(m, vm, load))
			load -= vm->load;
	atomic_store(&m->load, load);
}

static void on_balance(struct gh_timer *timer)
{
	struct gh_member *m = (struct gh_member *)((char *)timer -
						   offsetof(struct gh_member, balance));

	balance(m);
	timer->deadline_ns = gh_now_ns() + m->group->config.balance_ns;
	gh_timer_arm(m->runner, timer);
}

static void start_balance(struct gh_member *m)
{
	m->runner->group = m->group;
	m->balance.fire = on_balance;
	m->balance.deadline_ns = gh_now_ns() + m->group->config.balance_ns;
	if (m->group->nr > 1 && m->group->config.balance_ns != UINT64_MAX)
		gh_timer_arm(m->runner, &m->balance);
}

/* ---- threads -------------------------------------------------------------------------- */

static void bind_to(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* It went offline: any other does as well. */
	sched_setaffinity(0, sizeof(set), &set);
}

/*
 * A ring belongs to the thread that made it, so it ends there as well; but not before
 * gh_runner_quit(), which made gh_runner_serve() return, has returned itself. When the ring
 * fails, the thread goes on answering messages: calls, and VMs that come.
 */
static void *member_thread(void *arg)
{
	struct gh_member *m = arg;
	int ret;

	bind_to(m->cpu);
	m->ret = gh_runner_create(&m->group->config.runner, &m->runner, &m->error);
	if (!m->ret)
		start_balance(m);
	sem_post(&m->ready);
	if (m->ret)
		return NULL;
	do {
		ret = gh_runner_serve(m->runner);
	} while (!ret && !atomic_load(&m->stop));
	gh_timer_cancel(m->runner, &m->balance);
	atomic_store(&m->failed, ret);
	while (!atomic_load(&m->stop))
		gh_runner_give_up(m->runner, ret);
	while (sem_wait(&m->leave))
		;
	m->runner->group = NULL;
	gh_runner_destroy(m->runner);
	return NULL;
}

/* Signals are for the threads of the program. */
static int member_start(struct gh_member *m)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&m->thread, NULL, member_thread, m);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return -ret;
	m->started = true;
	return 0;
}

static void members_stop(struct gh_group *g)
{
	unsigned int i;

	for (i = 0; i < g->nr; i++) {
		struct gh_member *m = &g->members[i];

		/* One that could not be made has ended already. */
		if (m->started && m->runner) {
			atomic_store(&m->stop, true);
			gh_runner_quit(m->runner);
			sem_post(&m->leave);
		}
		if (m->started) {
			pthread_join(m->thread, NULL);
			sem_destroy(&m->ready);
			sem_destroy(&m->leave);
		}
	}
	if (g->config.own) {
		gh_timer_cancel(g->config.own, &g->members[0].balance);
		g->config.own->group = NULL;
	}
	free(g);
}

/* The CPUs that the calling thread may use; the @nth of them, beginning anew at the end. */
static int nth_cpu(const cpu_set_t *set, unsigned int nth)
{
	int cpu, nr = CPU_COUNT(set);

	nth %= (unsigned int)nr;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, set) && !nth--)
			return cpu;
	return -1;
}

static int members_start(struct gh_group *g, const cpu_set_t *set, struct gh_error_info *error)
{
	unsigned int i;
	int ret;

	for (i = 0; i < g->nr; i++) {
		struct gh_member *m = &g->members[i];

		m->group = g;
		m->cpu = nth_cpu(set, i);
		if (!i && g->config.own) {
			m->runner = g->config.own;
			start_balance(m);
			continue;
		}
		sem_init(&m->ready, 0, 0);
		sem_init(&m->leave, 0, 0);
		ret = member_start(m);
		if (ret)
			return ret;
		while (sem_wait(&m->ready))
			;
		if (m->ret) {
			if (error)
				*error = m->error;
			return m->ret;
		}
	}
	return 0;
}

int gh_group_create(const struct gh_group_config *config, struct gh_group **group,
		    struct gh_error_info *error)
{
	unsigned int cpus = config->cpus;
	struct gh_group *g = NULL;
	cpu_set_t set;
	int ret = 0;

	*group = NULL;
	if (error)
		*error = (struct gh_error_info) {
			.vcpu = -1, .what = "making a group", .hint = "",
		};
	if (sched_getaffinity(0, sizeof(set), &set))
		ret = -errno;
	if (!ret && !cpus)
		cpus = (unsigned int)CPU_COUNT(&set);
	if (!ret && (cpus > GH_MAX_MEMBERS || config->runner.ring))
		ret = -EINVAL;
	if (!ret)
		g = calloc(1, sizeof(*g) + cpus * sizeof(g->members[0]));
	if (!g) {
		ret = ret ?: -ENOMEM;
		goto err;
	}
	g->config = *config;
	g->nr = cpus;
	if (!g->config.balance_ns)
		g->config.balance_ns = GH_DEFAULT_BALANCE_NS;
	ret = members_start(g, &set, error);
	if (ret) {
		members_stop(g);
		goto err;
	}
	*group = g;
	return 0;

err:
	if (error)
		error->error = ret;
	return ret;
}

/* ---- calls ---------------------------------------------------------------------------- */

struct call {
	struct gh_msg msg;
	int (*fn)(struct gh_runner *runner, void *arg);
	void *arg;
	int ret;
	sem_t done;
};

static void do_call(struct gh_runner *r, struct gh_msg *msg)
{
	struct call *c = (struct call *)((char *)msg - offsetof(struct call, msg));

	c->ret = c->fn(r, c->arg);
	sem_post(&c->done);
}

int gh_group_call(struct gh_group *g, unsigned int member,
		  int (*fn)(struct gh_runner *runner, void *arg), void *arg)
{
	struct call c = { .msg.deliver = do_call, .fn = fn, .arg = arg };

	if (member >= g->nr)
		return -EINVAL;
	if (!g->members[member].started)
		return fn(g->members[member].runner, arg);
	sem_init(&c.done, 0, 0);
	gh_runner_post(g->members[member].runner, &c.msg);
	while (sem_wait(&c.done))
		;
	sem_destroy(&c.done);
	return c.ret;
}

static int add_stats(struct gh_runner *r, void *arg)
{
	struct gh_stats *sum = arg, s;

	gh_runner_stats(r, &s);
	gh_stats_add(sum, &s);
	return 0;
}

int gh_group_stats(struct gh_group *g, struct gh_stats *stats)
{
	unsigned int i;

	*stats = (struct gh_stats) { 0 };
	for (i = 0; i < g->nr; i++)
		gh_group_call(g, i, add_stats, stats);
	return 0;
}

/* -EBUSY also for a VM on its way, which has places here. */
static int has_vms(struct gh_runner *r, void *arg)
{
	return r->vms || atomic_load(&r->slots_used) ? -EBUSY : 0;
}

int gh_group_destroy(struct gh_group *g)
{
	unsigned int i;

	for (i = 0; g && i < g->nr; i++)
		if (gh_group_call(g, i, has_vms, NULL))
			return -EBUSY;
	if (g)
		members_stop(g);
	return 0;
}
