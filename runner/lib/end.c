// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * How VMs and their vCPUs come to an end.
 */
#include <assert.h>

#include "internal.h"

const struct gh_vm_result gh_vm_stopped = { .end = GH_VM_END_STOPPED, .exit_type = 7 };

static void vm_done(struct gh_vm *vm)
{
	struct gh_runner *r = vm->runner;

	assert(vm->state != GH_VM_ENDED);
	vm->state = GH_VM_ENDED;
	r->running_vms--;
	if (r->group)
		gh_group_vm_ended(r->group);
	vm->next_ended = r->ended;
	r->ended = vm;
}

void gh_vcpu_end(struct gh_vcpu *v)
{
	assert(v->state != GH_VCPU_ENDED && v->state != GH_VCPU_IN_FLIGHT &&
	       v->state != GH_VCPU_BATCHED);
	if (v->deferred) {
		v->deferred = false;
		v->vm->runner->stats.answering--;
	}
	v->removing = false;
	v->state = GH_VCPU_ENDED;
	if (!--v->vm->live)
		vm_done(v->vm);
}

/* A vCPU that is not to run is out of the driver and of every queue. */
void gh_vcpu_out(struct gh_vcpu *v)
{
	struct gh_vm *vm = v->vm;

	if (vm->state == GH_VM_STOPPING) {
		gh_vcpu_end(v);
	} else if (v->removing) {
		gh_vcpu_finish_removal(v);
		/* A VM without vCPUs goes on, unless it is over and this was the last to tell. */
		if (!--vm->live && vm->result.end != GH_VM_END_NONE)
			vm_done(vm);
	} else {
		v->state = GH_VCPU_IDLE;
		gh_vm_try_leave(vm);
	}
}

void gh_vcpu_want_cancel(struct gh_vcpu *v)
{
	if (v->cancel_wanted)
		return;
	v->cancel_wanted = true;
	v->vm->runner->cancels_wanted++;
}

/*
 * The VM is over: no vCPU is run again. Those in the driver are called back, those
 * asleep, in a queue or a batch end when their turn comes, those at a device end here.
 */
void gh_vm_end(struct gh_vm *vm, const struct gh_vm_result *result)
{
	unsigned int i;

	if (vm->state == GH_VM_MOVING)
		gh_vm_stay(vm);
	if (vm->state != GH_VM_RUNNING)
		return;
	vm->state = GH_VM_STOPPING;
	if (vm->result.end == GH_VM_END_NONE)
		vm->result = *result;
	if (!vm->live)
		vm_done(vm);
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct gh_vcpu *v = &vm->vcpus[i];

		gh_vcpu_hold(v);
		if (v->state == GH_VCPU_IN_FLIGHT)
			gh_vcpu_want_cancel(v);
		else if (v->state == GH_VCPU_ASLEEP)
			gh_vcpu_rouse(vm->runner, v);
		else if (v->state == GH_VCPU_ANSWERING)
			gh_vcpu_end(v);
	}
}

/*
 * The ring has failed: nothing in the driver or in a queue comes back. The kernel keeps
 * what its commands use until the ring is gone.
 */
void gh_vms_fail(struct gh_runner *r, int error)
{
	const struct gh_vm_result result = { .end = GH_VM_END_ERROR, .error = error };
	struct gh_vm *vm;
	unsigned int i;

	for (vm = r->vms; vm; vm = vm->next) {
		gh_vm_end(vm, &result);
		for (i = 0; vm->state == GH_VM_STOPPING && i < vm->nr_vcpus; i++) {
			struct gh_vcpu *v = &vm->vcpus[i];

			if (!v->present || v->state == GH_VCPU_ENDED)
				continue;
			v->state = GH_VCPU_IDLE;
			gh_vcpu_end(v);
		}
	}
	r->sched.ready = (struct gh_queue) { 0 };
	r->sched.woken = (struct gh_queue) { 0 };
	r->sched.missed = (struct gh_queue) { 0 };
	for (i = 0; i < 2; i++)
		if (r->batches[i].state == GH_BATCH_FREE)
			r->batches[i].nr = 0;
	r->reaped = (struct gh_queue) { 0 };
	r->stats.in_flight = 0;
}

/*
 * A VM that another thread wants to stop may move at the same time. It writes its wish
 * before it looks for the runner, and a VM gets its runner before it looks for the wish:
 * so either this runner finds it in its list, or it finds the wish on arrival.
 */
void gh_stops_handle(struct gh_runner *r)
{
	struct gh_vm *vm;

	atomic_store(&r->stops_wanted, false);
	for (vm = r->vms; vm; vm = vm->next)
		if (vm->stop_wanted)
			gh_vm_end(vm, &gh_vm_stopped);
}

static int stop_elsewhere(struct gh_vm *vm)
{
	struct gh_runner *r;

	vm->stop_wanted = true;
	r = vm->runner;
	r->stops_wanted = true;
	gh_runner_wake(r);
	return 0;
}

int gh_vm_stop(struct gh_vm *vm)
{
	struct gh_runner *r = vm->runner;
	enum gh_vm_state state = vm->state;	/* after the runner: see vm_leave() */
	bool here = pthread_equal(r->thread, pthread_self()) && state != GH_VM_TRANSIT;

	if (state == GH_VM_NEW && here)
		return gh_fail_vm(vm, -1, -EINVAL, "stopping the VM", "it was never started");
	if (state == GH_VM_NEW)
		return -EINVAL;
	if (!here)
		return stop_elsewhere(vm);
	gh_vm_end(vm, &gh_vm_stopped);
	return 0;
}
