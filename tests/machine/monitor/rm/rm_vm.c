// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMs of the host: their ids, states, and their end.
 *
 * Where the real resource manager would die (reset of a VM that was never
 * configured, deallocation of an unknown id, a polite stop of a VM that has no
 * channel to hear it) this one answers with an error and writes a line to the
 * log, for no driver may ever ask it.
 */
#include <string.h>

#include "rm_priv.h"

static struct rm_vm *vms[MON_MAX_VMS];

/* VMIDs from 0x80 upwards, without the resource manager's own. */
static uint16_t index_to_vmid(unsigned int i)
{
	uint16_t vmid = RM_FIRST_VMID + i;

	return vmid < MON_VMID_RM ? vmid : vmid + 1;
}

struct rm_vm *rm_vm_find(uint16_t vmid)
{
	unsigned int i = vmid - RM_FIRST_VMID;

	if (vmid < RM_FIRST_VMID || vmid == MON_VMID_RM)
		return NULL;
	if (vmid > MON_VMID_RM)
		i--;
	return i < MON_MAX_VMS ? vms[i] : NULL;
}

bool rm_vm_change_valid(enum rm_vm_state from, enum rm_vm_state to)
{
	switch (to) {
	case RM_STATE_LOAD:
		return from == RM_STATE_NONE;
	case RM_STATE_AUTH:
		return from == RM_STATE_LOAD || from == RM_STATE_RESET;
	case RM_STATE_INIT:
		return from == RM_STATE_LOAD || from == RM_STATE_RESET || from == RM_STATE_AUTH;
	case RM_STATE_READY:
		return from == RM_STATE_INIT;
	case RM_STATE_RUNNING:
		return from == RM_STATE_READY;
	case RM_STATE_INIT_FAILED:
		return from == RM_STATE_LOAD || from == RM_STATE_RESET || from == RM_STATE_AUTH ||
		       from == RM_STATE_INIT || from == RM_STATE_READY;
	case RM_STATE_EXITED:
		return from == RM_STATE_RUNNING;
	case RM_STATE_RESETTING:
		return from == RM_STATE_EXITED || from == RM_STATE_READY ||
		       from == RM_STATE_INIT_FAILED;
	case RM_STATE_RESET:
		return from == RM_STATE_RESETTING;
	case RM_STATE_NONE:
		return from == RM_STATE_LOAD || from == RM_STATE_RESET;
	}
	return false;
}

void rm_vm_set_state(struct rm_vm *vm, enum rm_vm_state state)
{
	const struct rm_vm_status notif = { .vmid = vm->vmid, .vm = state };

	if (!rm_vm_change_valid(vm->state, state))
		core_log("rm: VM %u: state %u -> %u", vm->vmid, vm->state, state);
	vm->state = state;
	rm_notify(RM_NOTIF_VM_STATUS, &notif, sizeof(notif));
}

enum rm_error rm_vm_allocate(const struct rm_req *req, struct rm_rep *rep)
{
	struct rm_vmid_req body;
	unsigned int i;
	uint32_t vmid;

	memcpy(&body, req->body, sizeof(body));
	if (body.vmid)
		return RM_ERR_NORES;

	for (i = 0; i < MON_MAX_VMS && vms[i]; i++)
		;
	if (i == MON_MAX_VMS)
		return RM_ERR_NORES;

	vms[i] = core_alloc(sizeof(*vms[i]));
	if (!vms[i])
		return RM_ERR_NOMEM;
	memset(vms[i], 0, sizeof(*vms[i]));
	vms[i]->vmid = index_to_vmid(i);
	vms[i]->state = RM_STATE_LOAD;
	vms[i]->image_handle = RM_INVALID_HANDLE;

	vmid = vms[i]->vmid;
	memcpy(rep->data, &vmid, sizeof(vmid));
	rep->len = sizeof(vmid);
	return RM_OK;
}

enum rm_error rm_vm_deallocate(const struct rm_req *req, struct rm_rep *rep)
{
	struct rm_vmid_req body;
	struct rm_vm *vm;
	unsigned int i;

	(void)rep;
	memcpy(&body, req->body, sizeof(body));
	vm = rm_vm_find(body.vmid);
	if (!vm) {
		core_log("rm: DEALLOCATE of unknown VM %u: fatal for a real RM", body.vmid);
		return RM_ERR_VMID;
	}
	if (!rm_vm_change_valid(vm->state, RM_STATE_NONE))
		return RM_ERR_VM_STATE;

	for (i = 0; vms[i] != vm; i++)
		;
	vms[i] = NULL;
	core_free(vm);
	return RM_OK;
}

/* The vCPUs are off for good; says so, and why. */
static void set_exited(struct rm_vm *vm, enum rm_exit_type type, const uint32_t *words,
		       unsigned int n)
{
	struct rm_vm_exited notif = {
		.vmid = vm->vmid,
		.type = type,
		.size = n * sizeof(*words),
	};

	memcpy(notif.words, words, notif.size);
	rm_vm_set_state(vm, RM_STATE_EXITED);
	rm_notify(RM_NOTIF_VM_EXITED, &notif, offsetof(struct rm_vm_exited, words) + notif.size);
}

void rm_vm_exited(uint16_t vmid, enum rm_exit_type type, const uint32_t *words, unsigned int n)
{
	static const uint32_t no_flags;
	struct rm_vm *vm = rm_vm_find(vmid);

	if (!vm || vm->state != RM_STATE_RUNNING)
		return;
	if (!n || n > RM_MAX_EXIT_WORDS) {
		words = &no_flags;
		n = 1;
	}

	core_vm_kill(vm->core);
	set_exited(vm, type, words, n);
}

enum rm_error rm_vm_stop(const struct rm_req *req, struct rm_rep *rep)
{
	const uint32_t reason = 0;
	struct rm_stop_req body;
	struct rm_vm *vm;

	(void)rep;
	memcpy(&body, req->body, sizeof(body));
	vm = rm_vm_find(body.vmid);
	if (!vm)
		return RM_ERR_VMID;
	if (!rm_vm_change_valid(vm->state, RM_STATE_EXITED))
		return RM_ERR_VM_STATE;
	if (!(body.flags & RM_STOP_FORCE)) {
		core_log("rm: STOP of VM %u without force: fatal for a real RM", body.vmid);
		return RM_ERR_DENIED;
	}

	core_vm_kill(vm->core);
	set_exited(vm, RM_EXIT_STOP_FORCED, &reason, 1);
	return RM_OK;
}

enum rm_error rm_vm_reset(const struct rm_req *req, struct rm_rep *rep)
{
	struct rm_vmid_req body;
	struct rm_vm *vm;

	(void)rep;
	memcpy(&body, req->body, sizeof(body));
	vm = rm_vm_find(body.vmid);
	if (!vm)
		return RM_ERR_VMID;
	if (!vm->core) {
		core_log("rm: RESET of VM %u in state %u, not configured: fatal for a real RM",
			 body.vmid, vm->state);
		return RM_ERR_VM_STATE;
	}
	if (!rm_vm_change_valid(vm->state, RM_STATE_RESETTING))
		return RM_ERR_VM_STATE;

	if (vm->state != RM_STATE_EXITED)
		core_vm_kill(vm->core);
	rm_vm_set_state(vm, RM_STATE_RESETTING);
	return RM_OK;
}

void rm_vm_reset_finish(const struct rm_req *req)
{
	struct rm_vmid_req body;
	struct rm_vm *vm;

	memcpy(&body, req->body, sizeof(body));
	vm = rm_vm_find(body.vmid);

	rm_release_all(vm);
	core_vm_destroy(vm->core);
	vm->core = NULL;
	vm->initialised = false;
	vm->image_handle = RM_INVALID_HANDLE;
	vm->mem_size = 0;
	memset(&vm->config, 0, sizeof(vm->config));
	rm_vm_set_state(vm, RM_STATE_RESET);
}
