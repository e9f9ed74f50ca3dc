// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a VMID to a running VM: VM_CONFIG_IMAGE, VM_AUTH_IMAGE, VM_INIT, VM_START.
 * A request in the wrong state changes nothing; a step that fails leaves the VM
 * in INIT_FAILED, from where only a reset leads on.
 */
#include <string.h>
#include <libfdt.h>

#include "rm_priv.h"

/* The hypervisor's RM patches a tree of up to this size, additions included, elsewhere. */
#define DT_ASIDE	(16 * 1024)
/* What the patches of the device tree can add at most. */
#define DT_ROOM		(32 * 1024)

static bool range_inside(uint64_t off, uint64_t size, uint64_t limit)
{
	return off <= limit && size <= limit - off;
}

static enum rm_error config_image(struct rm_vm *vm, const struct rm_config_image_req *body)
{
	struct rm_parcel *image = rm_parcel_find(body->handle, vm->vmid);

	if (!image)
		return RM_ERR_MEM;
	if (!range_inside(body->image_off, body->image_size, image->size) ||
	    !range_inside(body->dt_off, body->dt_size, image->size))
		return RM_ERR_ARG;
	if (body->auth > RM_AUTH_ANDROID)
		return RM_ERR_ARG;

	vm->core = core_vm_create(vm->vmid);
	if (!vm->core)
		return RM_ERR_NOMEM;
	vm->auth = body->auth;
	vm->image_handle = body->handle;
	vm->mem_size = image->size;
	vm->image_off = body->image_off;
	vm->image_size = body->image_size;
	vm->dt_off = body->dt_off;
	vm->dt_size = body->dt_size;
	return RM_OK;
}

enum rm_error rm_vm_config_image(const struct rm_req *req, struct rm_rep *rep)
{
	struct rm_config_image_req body;
	enum rm_error err;
	struct rm_vm *vm;

	(void)rep;
	memcpy(&body, req->body, sizeof(body));
	vm = rm_vm_find(body.vmid);
	if (!vm)
		return RM_ERR_VMID;
	if (!rm_vm_change_valid(vm->state, RM_STATE_AUTH))
		return RM_ERR_VM_STATE;

	err = config_image(vm, &body);
	if (err)
		rm_vm_set_state(vm, RM_STATE_INIT_FAILED);
	else
		rm_vm_set_state(vm, vm->auth == RM_AUTH_PLATFORM ? RM_STATE_AUTH : RM_STATE_INIT);
	return err;
}

/* There is nobody here to authenticate an image: every image passes. */
enum rm_error rm_vm_auth_image(const struct rm_req *req, struct rm_rep *rep)
{
	struct rm_vmid_req body;
	struct rm_vm *vm;

	(void)rep;
	memcpy(&body, req->body, sizeof(body));
	/* The second half is the number of parameters, 8 bytes each. */
	if (req->len != sizeof(body) + 8 * (size_t)body.res0)
		return RM_ERR_MSG;
	vm = rm_vm_find(body.vmid);
	if (!vm)
		return RM_ERR_VMID;
	if (vm->state != RM_STATE_AUTH)
		return RM_ERR_VM_STATE;
	rm_vm_set_state(vm, RM_STATE_INIT);
	return RM_OK;
}

/*
 * A copy of the device tree, which need not be contiguous in memory, with @room
 * bytes behind it. NULL if there is no tree or no memory.
 */
static void *copy_dt(const struct rm_vm *vm, size_t room, size_t *size)
{
	const struct rm_parcel *image = rm_parcel_find(vm->image_handle, vm->vmid);
	struct fdt_header hdr;
	void *fdt;

	if (!image || vm->dt_size < sizeof(hdr) ||
	    rm_parcel_read(image, vm->dt_off, &hdr, sizeof(hdr)))
		return NULL;
	*size = fdt_totalsize(&hdr);
	if (fdt_magic(&hdr) != FDT_MAGIC || *size < sizeof(hdr) || *size > vm->dt_size ||
	    *size > RM_DT_MAX)
		return NULL;

	fdt = core_alloc(*size + room);
	if (!fdt)
		return NULL;
	if (rm_parcel_read(image, vm->dt_off, fdt, *size)) {
		core_free(fdt);
		return NULL;
	}
	return fdt;
}

static enum rm_error create_objects(struct rm_vm *vm)
{
	struct rm_config *cfg = &vm->config;
	unsigned int i;

	for (i = 0; i < cfg->nr_vcpus; i++) {
		if (core_vcpu_create(vm->core, i, &vm->vcpus[i].capid, &vm->vcpus[i].virq))
			return RM_ERR_NORES;
	}
	for (i = 0; i < cfg->nr_bells; i++) {
		if (core_bell_create(vm->core, cfg->bells[i].intid, &cfg->bells[i].capid))
			return RM_ERR_NORES;
	}
	core_vm_set_gic(vm->core, cfg->gicd, cfg->gicr, cfg->gicr_stride * cfg->nr_vcpus);
	if (vm->auth != RM_AUTH_PLATFORM)
		core_vm_set_vmmio(vm->core, RM_VMMIO_BASE, RM_VMMIO_SIZE);
	return RM_OK;
}

static enum rm_error init_vm(struct rm_vm *vm)
{
	enum rm_error err;
	size_t size;
	void *fdt;

	fdt = copy_dt(vm, 0, &size);
	if (!fdt) {
		core_log("rm: VM %u: no device tree of at most %u bytes", vm->vmid, RM_DT_MAX);
		return RM_ERR_MEM;
	}
	err = rm_dt_parse(fdt, size, &vm->config);
	core_free(fdt);
	if (err)
		return err;
	return create_objects(vm);
}

enum rm_error rm_vm_init(const struct rm_req *req, struct rm_rep *rep)
{
	struct rm_vmid_req body;
	enum rm_error err;
	struct rm_vm *vm;

	(void)rep;
	memcpy(&body, req->body, sizeof(body));
	if (body.res0)
		return RM_ERR_MSG;
	vm = rm_vm_find(body.vmid);
	if (!vm)
		return RM_ERR_VMID;
	if (vm->state != RM_STATE_INIT)
		return RM_ERR_VM_STATE;

	err = init_vm(vm);
	vm->initialised = !err;
	rm_vm_set_state(vm, err ? RM_STATE_INIT_FAILED : RM_STATE_READY);
	return err;
}

static size_t dt_used(const void *fdt)
{
	return fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt);
}

/* A tree that is bigger is patched in its region, which needs room for two of them. */
static bool has_room(const struct rm_vm *vm, size_t sum)
{
	if (sum <= DT_ASIDE || 2 * sum <= vm->dt_size)
		return true;
	core_log("rm: VM %u: device tree of %u bytes, patched, needs twice that, has %u", vm->vmid,
		 (unsigned int)sum, (unsigned int)vm->dt_size);
	return false;
}

static enum rm_error patch_dt(const struct rm_vm *vm, const struct rm_parcel *image)
{
	enum rm_error err = RM_ERR_NORES;
	size_t size, used;
	int fdt_err;
	void *fdt;

	fdt = copy_dt(vm, DT_ROOM, &size);
	if (!fdt)
		return RM_ERR_NORES;
	used = dt_used(fdt);

	fdt_err = fdt_check_full(fdt, size);
	if (!fdt_err)
		fdt_err = fdt_open_into(fdt, fdt, size + DT_ROOM);
	if (!fdt_err)
		fdt_err = rm_dt_patch(fdt, vm);
	if (!fdt_err)
		fdt_err = fdt_pack(fdt);
	if (fdt_err) {
		core_log("rm: VM %u: device tree not patched: %s", vm->vmid,
			 fdt_strerror(fdt_err));
	} else if (fdt_totalsize(fdt) > vm->dt_size) {
		core_log("rm: VM %u: device tree needs %u bytes, has %u", vm->vmid,
			 fdt_totalsize(fdt), (unsigned int)vm->dt_size);
	} else if (has_room(vm, size + fdt_totalsize(fdt) - used)) {
		err = rm_parcel_write(image, vm->dt_off, fdt, fdt_totalsize(fdt));
	}
	core_free(fdt);
	return err;
}

static enum rm_error boot(struct rm_vm *vm)
{
	const struct rm_parcel *image;
	enum rm_error err;

	err = rm_accept_all(vm);
	if (err) {
		core_log("rm: VM %u: memory not accepted: %u", vm->vmid, err);
		return err;
	}
	/* Accepted: it can not be reclaimed from here on. */
	image = rm_parcel_find(vm->image_handle, vm->vmid);
	err = patch_dt(vm, image);
	if (err)
		return err;

	/* The guest begins with its caches off. */
	rm_parcel_sync_icache(image, vm->image_off, vm->image_size);
	rm_parcel_sync_icache(image, vm->dt_off, vm->dt_size);
	core_vcpu_start(vm->core, 0, vm->config.base + vm->image_off,
			vm->config.base + vm->dt_off);
	return RM_OK;
}

enum rm_error rm_vm_start(const struct rm_req *req, struct rm_rep *rep)
{
	struct rm_vmid_req body;
	struct rm_vm *vm;
	bool ok;

	(void)rep;
	memcpy(&body, req->body, sizeof(body));
	vm = rm_vm_find(body.vmid);
	if (!vm)
		return RM_ERR_VMID;
	if (vm->state != RM_STATE_READY)
		return RM_ERR_VM_STATE;

	ok = !boot(vm);
	rm_vm_set_state(vm, ok ? RM_STATE_RUNNING : RM_STATE_INIT_FAILED);
	return ok ? RM_OK : RM_ERR_NORES;
}
