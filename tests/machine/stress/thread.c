// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Threads that run a vCPU by ioctl, each with a descriptor and a mapping of its own,
 * and what ends their runs: signals, immediate_exit, KICK, CANCEL.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "stress.h"

/* A run's own result: what may be in the way of a thread that shares its vCPU. */
static void check_result(struct st_thread *t, int ret)
{
	static const int expected[] = { 0, -EINTR, -EBUSY, -ENODEV, -ECANCELED };
	unsigned int i;

	for (i = 0; i < GT_ARRAY_SIZE(expected); i++) {
		if (ret == expected[i])
			return;
	}
	stress_fail("GH_VCPU_RUN in a thread: %s", strerrorname_np(-ret));
}

static void *run_thread(void *arg)
{
	struct st_thread *t = arg;
	unsigned int left = 1 + st_below(&t->random, 200);
	struct st_slot *slot = t->worker->slot;
	int ret;

	while (left-- && !t->stop) {
		ret = gt_ioctl(t->fd, GH_VCPU_RUN, 0);
		slot->runs++;
		check_result(t, ret);
		if (ret)
			slot->errors++;
		else
			slot->exits++;
		if (ret == -ENODEV)
			break;
		if (ret == -EBUSY)
			usleep(st_below(&t->random, 500));
		if (t->run) {
			t->run->immediate_exit = st_once_in(&t->random, 16);
			if (t->run->exit_reason == GH_VM_EXIT_MMIO && !t->run->mmio.is_write)
				memcpy(t->run->mmio.data, &(uint64_t) { ST_ANSWER }, 8);
		}
	}
	if (t->run) {
		t->run->immediate_exit = 0;
		munmap(t->run, sysconf(_SC_PAGESIZE));
	}
	close(t->fd);
	t->done = true;
	return NULL;
}

int64_t st_thread_start(struct st_worker *w)
{
	struct gt_vcpu *vcpu;
	struct st_thread *t;
	struct st_vm *vm;
	unsigned int i;

	for (i = 0; i < ST_THREADS && w->threads[i].used; i++)
		;
	vcpu = st_pick_vcpu(w, true, &vm);
	if (i == ST_THREADS || !vcpu || !vm->loose)
		return -EAGAIN;
	t = &w->threads[i];
	memset(t, 0, sizeof(*t));
	t->worker = w;
	t->fd = fcntl(vcpu->fd, F_DUPFD_CLOEXEC, 0);
	cr_assert_geq(t->fd, 0);
	if (st_once_in(&w->random, 2)) {
		t->run = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			      t->fd, 0);
		cr_assert_neq(t->run, MAP_FAILED);
	}
	st_seed(&t->random, st_next(&w->random), i, 0);
	w->arg[0] = i;
	w->arg[1] = vm - w->vms;
	cr_assert_eq(pthread_create(&t->thread, NULL, run_thread, t), 0);
	t->used = true;
	return 0;
}

/* Only of those that are through. */
int64_t st_thread_join(struct st_worker *w)
{
	unsigned int i;
	int64_t n = 0;

	for (i = 0; i < ST_THREADS; i++) {
		if (!w->threads[i].used || !w->threads[i].done)
			continue;
		pthread_join(w->threads[i].thread, NULL);
		w->threads[i].used = false;
		n++;
	}
	return n ? n : -EAGAIN;
}

/* A CANCEL has an effect on a run in progress only, so it is said until it is heard. */
void st_threads_finish(struct st_worker *w)
{
	uint64_t until = st_now_ns() + st_patience_ns() / 2;
	unsigned int i;

	for (i = 0; i < ST_THREADS; i++)
		w->threads[i].stop = true;
	for (i = 0; i < ST_THREADS; i++) {
		struct st_thread *t = &w->threads[i];

		if (!t->used)
			continue;
		while (!t->done && st_now_ns() < until) {
			pthread_kill(t->thread, SIGUSR1);
			usleep(1000);
		}
		if (!t->done)
			stress_fail("a thread does not come back from GH_VCPU_RUN");
		pthread_join(t->thread, NULL);
		t->used = false;
	}
}

/* ---- what ends runs --------------------------------------------------------------- */

int64_t st_control(struct st_worker *w)
{
	struct gt_vcpu *vcpu;
	struct st_vm *vm;

	vcpu = st_pick_vcpu(w, false, &vm);
	if (!vcpu)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	w->arg[1] = vcpu->id;
	if (st_once_in(&w->random, 3)) {
		vcpu->run->immediate_exit = st_once_in(&w->random, 4);
		return 0;
	}
	return gt_ioctl(vcpu->fd, st_once_in(&w->random, 2) ? GH_VCPU_KICK : GH_VCPU_CANCEL, 0);
}

int64_t st_signal(struct st_worker *w)
{
	struct st_thread *t = &w->threads[st_below(&w->random, ST_THREADS)];

	if (!t->used)
		return -EAGAIN;
	w->arg[0] = t - w->threads;
	return pthread_kill(t->thread, SIGUSR1);
}

/* Signals for whichever thread of the process, again and again. */
int64_t st_timer(struct st_worker *w)
{
	unsigned int us = st_once_in(&w->random, 2) ? 0 : 500 + st_below(&w->random, 20000);
	struct itimerval value = {
		.it_interval.tv_usec = us,
		.it_value.tv_usec = us,
	};

	w->arg[0] = us;
	return setitimer(ITIMER_REAL, &value, NULL);
}

/* Runs move between CPUs. */
int64_t st_affinity(struct st_worker *w)
{
	unsigned int mask = 1 + st_below(&w->random, 3);
	cpu_set_t set;

	CPU_ZERO(&set);
	if (mask & 1)
		CPU_SET(0, &set);
	if (mask & 2)
		CPU_SET(1, &set);
	w->arg[0] = mask;
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}
