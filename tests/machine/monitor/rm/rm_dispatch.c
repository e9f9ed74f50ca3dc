// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests by id, and those that ask about the machine or a VM.
 */
#include <string.h>

#include "rm_priv.h"

/* Name and signing authority of the host, as GET_ID tells them. */
#define HOST_NAME		"HLOS"
#define HOST_SIGNER		"N/A"

enum id_type {
	ID_TYPE_GUID	= 0,
	ID_TYPE_NAME	= 2,
	ID_TYPE_SIGNER	= 3,
};

#define GUID_SIZE		16

static void put(struct rm_rep *rep, const void *data, size_t len)
{
	memcpy(rep->data + rep->len, data, len);
	rep->len += len;
}

static void put_u32(struct rm_rep *rep, uint32_t v)
{
	put(rep, &v, sizeof(v));
}

static uint16_t req_vmid(const struct rm_req *req)
{
	struct rm_vmid_req body;

	memcpy(&body, req->body, sizeof(body));
	return body.vmid;
}

static enum rm_error host_get_type(const struct rm_req *req, struct rm_rep *rep)
{
	(void)req;
	/* AArch64, Gunyah with a resource manager, version 1. */
	put_u32(rep, 0x64 | 1 << 8 | 1 << 24);
	return RM_OK;
}

static enum rm_error get_vmid(const struct rm_req *req, struct rm_rep *rep)
{
	(void)req;
	put_u32(rep, MON_VMID_HLOS);
	return RM_OK;
}

static void put_id(struct rm_rep *rep, enum id_type type, const void *data, uint16_t len)
{
	static const uint8_t zero[4];

	put_u32(rep, type | (uint32_t)len << 16);
	put(rep, data, len);
	put(rep, zero, -len & 3);
}

static enum rm_error get_id(const struct rm_req *req, struct rm_rep *rep)
{
	static const uint8_t guid[GUID_SIZE];
	uint16_t vmid = req_vmid(req);
	const char *name = HOST_NAME;
	struct rm_vm *vm;

	if (vmid && vmid != MON_VMID_HLOS) {
		vm = rm_vm_find(vmid);
		if (!vm)
			return RM_ERR_NORES;
		if (vm->state != RM_STATE_READY && vm->state != RM_STATE_RUNNING)
			return RM_ERR_VM_STATE;
		name = vm->config.name;
	}

	put_u32(rep, 3);
	put_id(rep, ID_TYPE_GUID, guid, sizeof(guid));
	put_id(rep, ID_TYPE_NAME, name, strlen(name));
	put_id(rep, ID_TYPE_SIGNER, HOST_SIGNER, strlen(HOST_SIGNER));
	return RM_OK;
}

static enum rm_error get_state(const struct rm_req *req, struct rm_rep *rep)
{
	uint16_t vmid = req_vmid(req);
	enum rm_vm_state state = RM_STATE_RUNNING;
	struct rm_vm *vm;

	if (vmid && vmid != MON_VMID_HLOS) {
		vm = rm_vm_find(vmid);
		if (!vm)
			return RM_ERR_NORES;
		state = vm->state;
	}
	put_u32(rep, state);
	return RM_OK;
}

static void put_resource(struct rm_rep *rep, const struct rm_resource *rsc)
{
	put(rep, rsc, sizeof(*rsc));
}

/* The RM's own vCPU, which the host may know about but can not run. */
static enum rm_error get_rm_resources(struct rm_rep *rep)
{
	const struct rm_resource rsc = { .type = RM_RSC_VCPU, .capid = ~0ull };

	put_u32(rep, 1);
	put_resource(rep, &rsc);
	return RM_OK;
}

static enum rm_error get_hyp_resources(const struct rm_req *req, struct rm_rep *rep)
{
	uint16_t vmid = req_vmid(req);
	struct rm_vm *vm;
	unsigned int i;

	if (vmid == MON_VMID_RM)
		return get_rm_resources(rep);
	if (vmid == MON_VMID_HLOS) {
		put_u32(rep, 0);
		return RM_OK;
	}

	vm = rm_vm_find(vmid);
	if (!vm)
		return RM_ERR_ARG;
	if (!vm->initialised)
		return RM_ERR_NORES;

	put_u32(rep, vm->config.nr_vcpus + vm->config.nr_bells);
	for (i = 0; i < vm->config.nr_vcpus; i++) {
		const struct rm_resource rsc = {
			.type = RM_RSC_VCPU,
			.label = i,
			.capid = vm->vcpus[i].capid,
			.virq = vm->vcpus[i].virq,
		};

		put_resource(rep, &rsc);
	}
	for (i = 0; i < vm->config.nr_bells; i++) {
		const struct rm_resource rsc = {
			.type = RM_RSC_BELL_TX,
			.partner = vmid,
			.label = vm->config.bells[i].label,
			.capid = vm->config.bells[i].capid,
		};

		put_resource(rep, &rsc);
	}
	return RM_OK;
}

_Static_assert(8 + (MON_MAX_VCPUS_PER_VM + RM_MAX_BELLS) * sizeof(struct rm_resource) <=
	       RM_MAX_CONTENT, "all resources of a VM fit in a reply");

/**
 * struct rm_op - how to serve a request
 * @len: length of the content
 * @more: longer is fine, the handler looks
 * @after: called after a good reply was sent
 */
struct rm_op {
	uint32_t id;
	uint16_t len;
	bool more;
	enum rm_error (*handle)(const struct rm_req *req, struct rm_rep *rep);
	void (*after)(const struct rm_req *req);
};

static const struct rm_op ops[] = {
	{ RM_REQ_MEM_LEND, sizeof(struct rm_mem_create_req), true, rm_mem_create, NULL },
	{ RM_REQ_MEM_SHARE, sizeof(struct rm_mem_create_req), true, rm_mem_create, NULL },
	{ RM_REQ_MEM_APPEND, sizeof(struct rm_mem_append_req), true, rm_mem_append, NULL },
	{ RM_REQ_MEM_RECLAIM, sizeof(struct rm_mem_reclaim_req), true, rm_mem_reclaim, NULL },
	{ RM_REQ_VM_ALLOCATE, sizeof(struct rm_vmid_req), false, rm_vm_allocate, NULL },
	{ RM_REQ_VM_DEALLOCATE, sizeof(struct rm_vmid_req), false, rm_vm_deallocate, NULL },
	{ RM_REQ_VM_START, sizeof(struct rm_vmid_req), false, rm_vm_start, NULL },
	{ RM_REQ_VM_STOP, sizeof(struct rm_stop_req), false, rm_vm_stop, NULL },
	{ RM_REQ_VM_RESET, sizeof(struct rm_vmid_req), false, rm_vm_reset, rm_vm_reset_finish },
	{ RM_REQ_VM_CONFIG_IMAGE, sizeof(struct rm_config_image_req), false, rm_vm_config_image,
	  NULL },
	{ RM_REQ_VM_AUTH_IMAGE, sizeof(struct rm_vmid_req), true, rm_vm_auth_image, NULL },
	{ RM_REQ_VM_INIT, sizeof(struct rm_vmid_req), false, rm_vm_init, NULL },
	{ RM_REQ_VM_GET_ID, sizeof(struct rm_vmid_req), false, get_id, NULL },
	{ RM_REQ_VM_GET_STATE, sizeof(struct rm_vmid_req), false, get_state, NULL },
	{ RM_REQ_VM_GET_HYP_RESOURCES, sizeof(struct rm_vmid_req), false, get_hyp_resources, NULL },
	{ RM_REQ_VM_GET_VMID, 0, false, get_vmid, NULL },
	{ RM_REQ_HOST_GET_TYPE, 0, false, host_get_type, NULL },
};

static const struct rm_op *find_op(uint32_t id)
{
	unsigned int i;

	for (i = 0; i < RM_ARRAY_SIZE(ops); i++) {
		if (ops[i].id == id)
			return &ops[i];
	}
	return NULL;
}

static enum rm_error serve(const struct rm_op *op, const struct rm_req *req, struct rm_rep *rep)
{
	if (!op)
		return RM_ERR_UNIMPLEMENTED;
	if (req->len < op->len || (req->len > op->len && !op->more))
		return RM_ERR_MSG;
	return op->handle(req, rep);
}

/* A request that a test interferes with. */
static enum rm_error serve_as(const struct gh_scenario *s, const struct rm_op *op,
			      const struct rm_req *req, struct rm_rep *rep)
{
	enum rm_error err = s->word;

	if (s->flags & GH_SCN_KILL_BEFORE)
		rm_vm_exited(req_vmid(req), RM_EXIT_SYSTEM_OFF, NULL, 0);
	if (!(s->flags & GH_SCN_NOT_DONE))
		err = serve(op, req, rep);
	if (s->flags & GH_SCN_KILL_AFTER)
		rm_vm_exited(req_vmid(req), RM_EXIT_SYSTEM_OFF, NULL, 0);
	return err;
}

void rm_handle(const struct rm_req *req)
{
	static uint8_t out[RM_MAX_CONTENT];
	struct rm_rep rep = { .data = out + sizeof(uint32_t) };
	const struct rm_op *op = find_op(req->id);
	struct gh_scenario s;
	enum rm_error err;
	uint32_t word;
	bool odd;

	odd = core_scenario(GH_SCN_REPLY, req->id, &s);
	err = odd ? serve_as(&s, op, req, &rep) : serve(op, req, &rep);
	if (err)
		rep.len = 0;
	word = err;
	memcpy(out, &word, sizeof(word));
	if (odd)
		rm_send_as(&s, RM_TYPE_REPLY, req->id, req->seq, out, sizeof(word) + rep.len);
	else
		rm_send(RM_TYPE_REPLY, req->id, req->seq, out, sizeof(word) + rep.len);

	if (!err && op && op->after && !(odd && s.flags & GH_SCN_NOT_DONE))
		op->after(req);
}
