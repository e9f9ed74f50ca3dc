// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * VMs that move to another runner, and the messages between runners.
 *
 * A VM leaves when none of its vCPUs is in the driver, in a batch or at a device: held
 * back in gh_vcpu_out(), they become idle one by one; those that have ended are taken
 * along. Between two runners it belongs to the message that carries it, so no two threads
 * ever share it and there is no lock; a wish to stop it waits until it has arrived.
 * Its places on the other side are reserved before it goes, with all they need: nothing is
 * allocated on arrival, which cannot be full.
 */
#include <assert.h>

#include "internal.h"

/* ---- messages ------------------------------------------------------------------------ */

/* Any thread. @msg is the receiver's until its function is called, on its thread. */
void gh_runner_post(struct gh_runner *r, struct gh_msg *msg)
{
	struct gh_msg *head = atomic_load(&r->inbox);

	do {
		msg->next = head;
	} while (!atomic_compare_exchange_weak(&r->inbox, &head, msg));
	if (!head)
		gh_runner_wake(r);
}

/* In the order in which they were posted. */
void gh_inbox_handle(struct gh_runner *r)
{
	struct gh_msg *msg = atomic_exchange(&r->inbox, NULL), *first = NULL, *next;

	for (; msg; msg = next) {
		next = msg->next;
		msg->next = first;
		first = msg;
	}
	for (msg = first; msg; msg = next) {
		next = msg->next;
		msg->deliver(r, msg);
	}
}

/* ---- leaving ------------------------------------------------------------------------- */

static unsigned int present(const struct gh_vm *vm)
{
	unsigned int i, n = 0;

	for (i = 0; i < vm->nr_vcpus; i++)
		n += vm->vcpus[i].present;
	return n;
}

int gh_vm_move(struct gh_vm *vm, struct gh_runner *to)
{
	const char *what = "moving the VM";
	unsigned int i;
	int ret;

	if (vm->state != GH_VM_RUNNING)
		return gh_fail_vm(vm, -1, -EINVAL, what, "it does not run, or moves already");
	if (to == vm->runner || to->ops != vm->runner->ops)
		return gh_fail_vm(vm, -1, -EINVAL, what,
				  "the runners are one, or of different backends");
	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i].removing)
			return gh_fail_vm(vm, (int)i, -EBUSY, what, "a vCPU is being removed");
	ret = gh_slots_reserve(to, present(vm));
	if (ret)
		return gh_fail_vm(vm, -1, ret, what,
				  ret == -ENOSPC ? "the other runner is full" : gh_slots_hint(ret));
	vm->to = to;
	vm->state = GH_VM_MOVING;
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct gh_vcpu *v = &vm->vcpus[i];

		if (v->present)
			gh_vcpu_hold(v);
		if (v->state == GH_VCPU_IN_FLIGHT)
			gh_vcpu_want_cancel(v);
		else if (v->state == GH_VCPU_ASLEEP)
			gh_vcpu_rouse(vm->runner, v);
	}
	gh_vm_try_leave(vm);
	return 0;
}

/* The move is off: something happened to the VM, or a device refused. */
void gh_vm_stay(struct gh_vm *vm)
{
	struct gh_vm **at = &vm->runner->leaving;
	unsigned int i;

	assert(vm->state == GH_VM_MOVING);
	gh_slots_release(vm->to, present(vm));
	while (*at && *at != vm)
		at = &(*at)->next_ended;
	if (*at)
		*at = vm->next_ended;
	vm->next_ended = NULL;
	vm->to = NULL;
	vm->state = GH_VM_RUNNING;
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct gh_vcpu *v = &vm->vcpus[i];

		v->held = false;
		if (v->present && v->state == GH_VCPU_IDLE)
			gh_vcpu_ready(vm->runner, v);
	}
}

/* If all vCPUs are idle, or have ended, dispatch lets it go. */
void gh_vm_try_leave(struct gh_vm *vm)
{
	unsigned int i;

	if (vm->state != GH_VM_MOVING)
		return;
	for (i = 0; i < vm->nr_vcpus; i++) {
		const struct gh_vcpu *v = &vm->vcpus[i];

		if (v->present && v->state != GH_VCPU_IDLE && v->state != GH_VCPU_ENDED)
			return;
	}
	vm->next_ended = vm->runner->leaving;
	vm->runner->leaving = vm;
}

/* Tells the devices; if one refuses, those before it are told that they stay. */
static int devices_leave(struct gh_vm *vm)
{
	const struct gh_window *w = vm->bus.windows;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < vm->bus.nr; i++) {
		if (w[i].ops->move)
			ret = w[i].ops->move(w[i].device, NULL);
		if (ret)
			break;
	}
	if (!ret)
		return 0;
	while (i-- > 0)
		if (w[i].ops->move)
			w[i].ops->move(w[i].device, vm->runner);
	return gh_fail_vm(vm, -1, ret, "moving the VM", "a device can not leave now");
}

static void vm_arrive(struct gh_runner *r, struct gh_msg *msg);

/* In this order: who sees the new runner sees that the VM is not there yet. */
static void vm_leave(struct gh_vm *vm)
{
	struct gh_runner *r = vm->runner, *to = vm->to;
	struct gh_vm **at = &r->vms;
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		if (!vm->vcpus[i].present)
			continue;
		gh_vcpu_detach(&vm->vcpus[i]);
		gh_slots_release(r, 1);
	}
	while (*at != vm)
		at = &(*at)->next;
	*at = vm->next;
	r->running_vms--;
	vm->to = NULL;
	vm->state = GH_VM_TRANSIT;
	vm->ctx = to->ctx;
	vm->runner = to;
	vm->msg.deliver = vm_arrive;
	gh_runner_post(to, &vm->msg);
}

void gh_vms_leave(struct gh_runner *r)
{
	struct gh_vm *vm;

	while ((vm = r->leaving)) {
		r->leaving = vm->next_ended;
		vm->next_ended = NULL;
		if (!devices_leave(vm)) {
			vm_leave(vm);
			continue;
		}
		gh_vm_stay(vm);
		if (vm->events && vm->events->moved)
			vm->events->moved(vm->opaque, vm, r);
	}
}

/* ---- arriving ------------------------------------------------------------------------ */

static void vm_arrive(struct gh_runner *r, struct gh_msg *msg)
{
	struct gh_vm *vm = (struct gh_vm *)((char *)msg - offsetof(struct gh_vm, msg));
	struct gh_vm_result result = { .end = GH_VM_END_ERROR };
	unsigned int i;

	assert(vm->state == GH_VM_TRANSIT && vm->runner == r);
	vm->state = GH_VM_RUNNING;
	vm->next = r->vms;
	r->vms = vm;
	r->running_vms++;
	r->in_callback = true;
	for (i = 0; i < vm->bus.nr; i++)
		if (vm->bus.windows[i].ops->move)
			vm->bus.windows[i].ops->move(vm->bus.windows[i].device, r);
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct gh_vcpu *v = &vm->vcpus[i];

		v->held = false;
		if (!v->present)
			continue;
		result.error = gh_vcpu_attach(v) ?: result.error;
		if (v->state != GH_VCPU_ENDED)
			gh_vcpu_ready(r, v);
	}
	if (result.error)
		gh_vm_end(vm, &result);
	if (vm->stop_wanted)
		gh_vm_end(vm, &gh_vm_stopped);
	if (vm->events && vm->events->moved)
		vm->events->moved(vm->opaque, vm, r);
	r->in_callback = false;
}
