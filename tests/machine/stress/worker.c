// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The life of a worker: operations drawn by weight, each in the log before and after,
 * and one of several ends. In an orderly end the worker sees for itself that every
 * command came back and nothing of its memory is locked; after the others its parent
 * sees that nothing is left.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "stress.h"

static const struct {
	const char *name;
	st_op *op;
	unsigned int weight;
} ops[] = {
	{ "vm-make", st_vm_make, 12 }, { "vm-start", st_vm_begin, 4 }, { "vm-end", st_vm_end, 4 },
	{ "vm-stop", st_vm_stop, 2 }, { "vm-restart", st_vm_restart, 6 },
	{ "vcpu-close", st_vcpu_close, 3 }, { "vcpu-remove", st_vcpu_remove, 3 },
	{ "vm-fd-close", st_vm_fd_close, 2 }, { "dup-close", st_dup_close, 2 },
	{ "unmap-ram", st_unmap_ram, 1 }, { "look", st_look, 6 },
	{ "ring-open", st_ring_open, 8 }, { "ring-close", st_ring_close, 3 },
	{ "ring-run", st_ring_run, 60 }, { "ring-batch", st_ring_batch, 25 },
	{ "ring-control", st_ring_control, 20 }, { "ring-reap", st_ring_reap, 40 },
	{ "wait-start", st_ring_wait_start, 6 }, { "ring-file", st_ring_file, 25 },
	{ "batch", st_batch, 20 }, { "talk", st_talk, 4 },
	{ "thread-start", st_thread_start, 12 }, { "thread-join", st_thread_join, 10 },
	{ "control", st_control, 20 }, { "signal", st_signal, 8 }, { "timer", st_timer, 3 },
	{ "affinity", st_affinity, 3 },
	{ "fn-toggle", st_fn_toggle, 20 }, { "fn-signal", st_fn_signal, 20 },
	{ "posted-read", st_posted_read, 20 },
	{ "kick-fd", st_kick_fd, 10 },
	{ "fork", st_fork, 4 }, { "reap", st_reap, 4 }, { "map", st_map, 6 },
	{ "wrong-vm", st_wrong_vm, 6 }, { "wrong-vcpu", st_wrong_vcpu, 6 },
	{ "wrong-ring", st_wrong_ring, 4 }, { "wrong-device", st_wrong_device, 2 },
};

static void ignore(int sig)
{
}

static unsigned int draw(struct st_random *r)
{
	unsigned int i, at, sum = 0;

	for (i = 0; i < GT_ARRAY_SIZE(ops); i++)
		sum += ops[i].weight;
	at = st_below(r, sum);
	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	return i;
}

/* Begins a record; the watchdog sees that one was begun. */
static struct st_record *log_begin(struct st_worker *w, const char *name)
{
	struct st_record *r = &w->slot->log[w->slot->ops % ST_LOG];

	r->ns = st_now_ns();
	r->life = w->slot->life;
	snprintf(r->name, sizeof(r->name), "%s", name);
	memset(r->arg, 0, sizeof(r->arg));
	r->result = ST_PENDING;
	atomic_fetch_add(&w->slot->ops, 1);
	return r;
}

static void log_end(struct st_worker *w, struct st_record *r, int64_t result)
{
	memcpy(r->arg, w->arg, sizeof(r->arg));
	r->result = result;
}

static void step(struct st_worker *w)
{
	unsigned int n = draw(&w->random);
	struct st_record *r = log_begin(w, ops[n].name);
	int64_t ret;

	w->arg[0] = -1;
	w->arg[1] = -1;
	ret = ops[n].op(w);
	log_end(w, r, ret);
}

/* ---- ends ----------------------------------------------------------------------------- */

/* What a closed ring or a child held may still be on its way. */
static void check_unlocked(void)
{
	uint64_t until = st_now_ns() + st_patience_ns() / 2;
	long locked;

	while ((locked = gt_status_kb(0, "VmLck")) > 0 && st_now_ns() < until)
		usleep(10000);
	if (locked)
		stress_fail("%ld kB are locked, and there is no VM", locked);
}

static void finish(struct st_worker *w)
{
	unsigned int i;

	st_threads_finish(w);
	for (i = 0; i < ST_RINGS; i++) {
		if (w->rings[i].open)
			st_ring_finish(w, &w->rings[i]);
	}
	for (i = 0; i < ST_VMS; i++) {
		if (w->vms[i].vm.nr_vcpus)
			st_vm_drop(w, &w->vms[i]);
	}
	st_children_finish(w);
	check_unlocked();
}

static void orderly(struct st_worker *w)
{
	struct st_record *r = log_begin(w, "finish");

	finish(w);
	log_end(w, r, 0);
}

static void end(struct st_worker *w)
{
	struct st_record *r;

	switch (w->shared->stop ? 0 : st_below(&w->random, 10)) {
	case 6:
	case 7:
		r = log_begin(w, "exit");
		log_end(w, r, 0);
		_exit(0);
	case 8:
		r = log_begin(w, "exec");
		log_end(w, r, 0);
		st_exec(w);
		break;
	case 9:
		r = log_begin(w, "kill");
		log_end(w, r, 0);
		raise(SIGKILL);
		break;
	default:
		orderly(w);
		_exit(0);
	}
}

void st_worker_main(struct st_shared *shared, unsigned int number, const char *path)
{
	static struct st_worker w;
	struct sigaction action = { .sa_handler = ignore };
	unsigned int i, left;

	st_slot_set(shared, number);
	w.shared = shared;
	w.slot = &shared->slot[number];
	w.number = number;
	w.path = path;
	w.slot->pid = getpid();
	atomic_fetch_add(&w.slot->life, 1);
	st_seed(&w.random, shared->seed, number + 1, w.slot->life);
	for (i = 0; i < ST_VMS; i++)
		st_vm_empty(&w.vms[i]);
	/* Not SA_RESTART: signals are to end what they can end. */
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);

	for (left = 50 + st_below(&w.random, 1000); left && !shared->stop; left--)
		step(&w);
	end(&w);
	_exit(0);
}
