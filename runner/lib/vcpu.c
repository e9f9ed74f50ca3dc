// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * vCPUs: their descriptors, their places in a runner, and adding and removing them.
 */
#include "internal.h"

/* ---- places in a runner ----------------------------------------------------------- */

/* Any thread: a VM that moves reserves places before it goes. -ENOSPC: there are none. */
int gh_slots_reserve(struct gh_runner *r, unsigned int nr)
{
	unsigned int used = atomic_fetch_add(&r->slots_used, nr) + nr;
	int ret = used <= r->max_vcpus ? 0 : -ENOSPC;

	if (!ret && r->ops->reserve)
		ret = r->ops->reserve(r->ctx, used);
	if (ret)
		gh_slots_release(r, nr);
	return ret;
}

const char *gh_slots_hint(int error)
{
	switch (error) {
	case -ENOSPC:
		return "the runner is full: raise max_vcpus";
	case -EAGAIN:
		return "no more threads: raise the limit of processes (ulimit -u)";
	default:
		return NULL;
	}
}

void gh_slots_release(struct gh_runner *r, unsigned int nr)
{
	atomic_fetch_sub(&r->slots_used, nr);
}

/* One is reserved: there is a free slot. */
static void take_slot(struct gh_runner *r, struct gh_vcpu *v)
{
	unsigned int slot = r->next_slot;

	while (r->vcpus[slot])
		slot = (slot + 1) % r->max_vcpus;
	r->next_slot = (slot + 1) % r->max_vcpus;
	r->vcpus[slot] = v;
	r->generations[slot] = (r->generations[slot] + 1) & GH_URING_GENERATION_MASK;
	v->slot = slot;
	v->generation = r->generations[slot];
}

/* Makes the runner of @v's VM know it. Undone by gh_vcpu_detach() also after an error. */
int gh_vcpu_attach(struct gh_vcpu *v)
{
	struct gh_runner *r = v->vm->runner;
	int ret;

	take_slot(r, v);
	if (r->ops->add_vcpu)
		r->ops->add_vcpu(r->ctx, v->slot, v->fd, v->run);
	ret = gh_batch_probe(r, v->fd);
	if (ret)
		return gh_fail_vm(v->vm, (int)v->index, ret, "adding a vCPU",
				  "the driver has no GH_VCPU_RUN_BATCH: use another backend");
	gh_board_attach(v);
	v->fixed = !r->ops->set_file(r->ctx, v->slot, v->fd);
	return 0;
}

void gh_vcpu_detach(struct gh_vcpu *v)
{
	struct gh_runner *r = v->vm->runner;

	if (v->cancel_wanted)
		r->cancels_wanted--;
	v->cancel_wanted = false;
	gh_board_detach(v);
	if (v->slot != GH_NO_SLOT && r->ops->del_vcpu)
		r->ops->del_vcpu(r->ctx, v->slot);
	if (v->fixed)
		r->ops->set_file(r->ctx, v->slot, -1);
	v->fixed = false;
	if (v->slot != GH_NO_SLOT)
		r->vcpus[v->slot] = NULL;
	v->slot = GH_NO_SLOT;
}

/* ---- life ------------------------------------------------------------------------- */

static int vcpu_open(struct gh_vcpu *v)
{
	struct gh_runner *r = v->vm->runner;
	struct gh_fn_vcpu_arg arg = { .id = v->index };
	struct gh_fn_desc desc = {
		.type = GH_FN_VCPU,
		.arg_size = sizeof(arg),
		.arg = (uintptr_t)&arg,
	};
	int ret;

	ret = r->ops->ioctl(r->ctx, v->vm->fd, GH_VM_ADD_FUNCTION, &desc);
	if (ret < 0)
		return gh_fail_vm(v->vm, (int)v->index, ret, "adding a vCPU", gh_files_hint(ret));
	v->fd = ret;
	ret = r->ops->map_run(r->ctx, v->fd, &v->run_size, &v->run);
	if (ret)
		return gh_fail_vm(v->vm, (int)v->index, ret, "mapping a vCPU's run page", NULL);
	return gh_vcpu_attach(v);
}

int gh_vcpu_init(struct gh_vcpu *v)
{
	int ret = gh_slots_reserve(v->vm->runner, 1);

	if (ret)
		return gh_fail_vm(v->vm, (int)v->index, ret, "adding a vCPU", gh_slots_hint(ret));
	v->present = true;
	ret = vcpu_open(v);
	if (ret)
		gh_vcpu_exit(v);
	return ret;
}

void gh_vcpu_exit(struct gh_vcpu *v)
{
	struct gh_runner *r = v->vm->runner;

	if (!v->present)
		return;
	gh_vcpu_detach(v);
	gh_slots_release(r, 1);
	if (v->run)
		r->ops->unmap_run(r->ctx, v->run, v->run_size);
	if (v->fd >= 0)
		r->ops->close(r->ctx, v->fd);
	v->run = NULL;
	v->fd = -1;
	v->present = false;
}

void gh_vcpu_start(struct gh_vcpu *v)
{
	v->held = false;
	v->alone = false;
	v->has_answer = false;
	v->after = GH_AFTER_START;
	v->vm->live++;
	gh_vcpu_ready(v->vm->runner, v);
}

/* Out of the runner: takes it out of the VM as well. */
void gh_vcpu_finish_removal(struct gh_vcpu *v)
{
	struct gh_runner *r = v->vm->runner;
	struct gh_fn_vcpu_arg arg = { .id = v->index };
	struct gh_fn_desc desc = {
		.type = GH_FN_VCPU,
		.arg_size = sizeof(arg),
		.arg = (uintptr_t)&arg,
	};

	v->removing = false;
	v->state = GH_VCPU_IDLE;
	/* It fails when the VM is gone, and then there is nothing to remove. */
	r->ops->ioctl(r->ctx, v->vm->fd, GH_VM_REMOVE_FUNCTION, &desc);
	gh_vcpu_exit(v);
}

int gh_vcpu_remove(struct gh_vcpu *v)
{
	const char *what = "removing a vCPU";
	struct gh_vm *vm = v->vm;

	if (!v->present)
		return gh_fail_vm(vm, (int)v->index, -ENOENT, what, "it is not there");
	if (vm->state == GH_VM_NEW) {
		gh_vcpu_finish_removal(v);
		return 0;
	}
	if (vm->state != GH_VM_RUNNING || v->state == GH_VCPU_ENDED)
		return gh_fail_vm(vm, (int)v->index, -EINVAL, what, "the VM ends or moves");
	if (v->state == GH_VCPU_ANSWERING)
		return gh_fail_vm(vm, (int)v->index, -EBUSY, what, "a device owes it an answer");
	gh_vcpu_hold(v);
	v->removing = true;
	if (v->state == GH_VCPU_IN_FLIGHT)
		gh_vcpu_want_cancel(v);
	else if (v->state == GH_VCPU_ASLEEP)
		gh_vcpu_rouse(vm->runner, v);
	return -EINPROGRESS;
}

int gh_vcpu_add(struct gh_vm *vm, unsigned int index)
{
	struct gh_vcpu *v = index < vm->nr_vcpus ? &vm->vcpus[index] : NULL;
	const char *what = "adding a vCPU";
	int ret;

	if (!v)
		return gh_fail_vm(vm, -1, -EINVAL, what, "the VM was made with fewer vCPUs");
	if (vm->state != GH_VM_NEW && vm->state != GH_VM_RUNNING)
		return gh_fail_vm(vm, (int)index, -EINVAL, what, "the VM ends or moves");
	if (v->present)
		return gh_fail_vm(vm, (int)index, v->removing ? -EBUSY : -EEXIST, what, NULL);
	ret = gh_vcpu_init(v);
	if (!ret && vm->state == GH_VM_RUNNING)
		gh_vcpu_start(v);
	return ret;
}

bool gh_vcpu_present(const struct gh_vcpu *vcpu)
{
	return vcpu->present;
}

/* ---- what the embedder may ask ------------------------------------------------------ */

struct gh_vm *gh_vcpu_vm(const struct gh_vcpu *vcpu)
{
	return vcpu->vm;
}

unsigned int gh_vcpu_index(const struct gh_vcpu *vcpu)
{
	return vcpu->index;
}

/* Nothing but the system call, and errno stays what it was: safe in a signal handler. */
int gh_vcpu_kick(struct gh_vcpu *vcpu)
{
	const struct gh_vm *vm = vcpu->vm;
	int saved = errno, ret;

	ret = vm->ops->ioctl(vm->ctx, vcpu->fd, GH_VCPU_KICK, NULL);
	errno = saved;
	return ret;
}
