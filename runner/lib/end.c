// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * How VMs and their vCPUs come to an end.
 */
#include <assert.h>

#include "internal.h"

static void vm_done(struct gh_vm *vm)
{
	assert(vm->state != GH_VM_ENDED);
	vm->state = GH_VM_ENDED;
	vm->runner->running_vms--;
	if (vm->runner->group)
		gh_group_vm_ended(vm->runner->group);
	vm->next_ended = vm->runner->ended;
	vm->runner->ended = vm;
}

void gh_vcpu_end(struct gh_vcpu *v)
{
	assert(v->state != GH_VCPU_ENDED && v->state != GH_VCPU_IN_FLIGHT);
	if (v->deferred) {
		v->deferred = false;
		v->vm->runner->stats.answering--;
	}
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
		vm->live--;
		gh_vcpu_finish_removal(v);
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
 * in a queue end when they reach its head, those at a device end here.
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

		v->held = true;
		if (v->state == GH_VCPU_IN_FLIGHT)
			gh_vcpu_want_cancel(v);
		else if (v->state == GH_VCPU_ANSWERING)
			gh_vcpu_end(v);
	}
}
