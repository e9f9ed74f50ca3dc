// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory parcels as a VM sees them: mapped when it starts, released when it is
 * reset. The resource manager does both for the VM.
 */
#include <string.h>

#include "rm_priv.h"

#define RM_IPA_ALIGN	(2ull << 20)

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

enum piece_op {
	PIECE_READ,	/* memory to buffer */
	PIECE_WRITE,	/* buffer to memory */
	PIECE_CLEAR,
	PIECE_SYNC,	/* make it visible to a guest with its caches off */
};

static bool do_piece(enum piece_op op, uint64_t pa, uint64_t size, uint8_t *buf)
{
	void *mem = core_ptr(pa, size);

	if (!mem)
		return false;
	switch (op) {
	case PIECE_READ:
		memcpy(buf, mem, size);
		break;
	case PIECE_WRITE:
		memcpy(mem, buf, size);
		break;
	case PIECE_CLEAR:
		memset(mem, 0, size);
		break;
	case PIECE_SYNC:
		core_sync_icache(pa, size);
		break;
	}
	return true;
}

/* [off, off + len) of the parcel, piece by piece; false if not all of it is there. */
static bool do_range(enum piece_op op, const struct rm_parcel *p, uint64_t off, uint64_t len,
		     uint8_t *buf)
{
	unsigned int i;

	for (i = 0; i < p->nr_regions && len; i++) {
		const struct rm_region *r = &p->regions[i];
		uint64_t part, size = rm_region_size(r);

		if (off >= size) {
			off -= size;
			continue;
		}
		part = min_u64(len, size - off);
		if (!do_piece(op, rm_region_pa(r) + off, part, buf))
			return false;
		if (buf)
			buf += part;
		off = 0;
		len -= part;
	}
	return !len;
}

enum rm_error rm_parcel_read(const struct rm_parcel *p, uint64_t off, void *buf, uint64_t len)
{
	return do_range(PIECE_READ, p, off, len, buf) ? RM_OK : RM_ERR_MEM;
}

enum rm_error rm_parcel_write(const struct rm_parcel *p, uint64_t off, void *buf, uint64_t len)
{
	return do_range(PIECE_WRITE, p, off, len, buf) ? RM_OK : RM_ERR_MEM;
}

void rm_parcel_clear(const struct rm_parcel *p)
{
	if (!do_range(PIECE_CLEAR, p, 0, p->size, NULL))
		core_log("rm: parcel %u could not be cleared", p->handle);
}

void rm_parcel_sync_icache(const struct rm_parcel *p, uint64_t off, uint64_t len)
{
	do_range(PIECE_SYNC, p, off, len, NULL);
}

/* Whether [ipa, ipa + size) is free of what the VM has accepted. */
static bool range_free(const struct rm_vm *vm, uint64_t ipa, uint64_t size)
{
	unsigned int i;

	for (i = 0; i < vm->nr_accepted; i++) {
		const struct rm_parcel *p = vm->accepted[i];
		uint64_t start = rm_parcel_share(p, vm->vmid)->ipa;

		if (ipa < start + p->size && start < ipa + size)
			return false;
	}
	return true;
}

enum rm_error rm_accept(struct rm_vm *vm, struct rm_parcel *p, uint64_t ipa)
{
	struct rm_share *share = rm_parcel_share(p, vm->vmid);
	uint64_t done = 0;
	unsigned int i;

	if (!p->complete || share->mapped || vm->nr_accepted == RM_MAX_PARCELS_PER_VM)
		return RM_ERR_DENIED;
	if (ipa >= RM_ADDR_LIMIT || p->size > RM_ADDR_LIMIT - ipa)
		return RM_ERR_ARG;
	if (!range_free(vm, ipa, p->size))
		return RM_ERR_NORES;

	for (i = 0; i < p->nr_regions; i++) {
		const struct rm_region *r = &p->regions[i];
		uint64_t size = rm_region_size(r);

		if (core_vm_map(vm->core, ipa + done, rm_region_pa(r), size, share->rights))
			goto err_unmap;
		done += size;
	}

	share->mapped = true;
	share->ipa = ipa;
	p->users++;
	vm->accepted[vm->nr_accepted++] = p;
	if (vm->auth == RM_AUTH_ANDROID)
		p->sanitize_reclaim = true;
	if (vm->next_ipa < ipa + p->size)
		vm->next_ipa = ipa + p->size;
	return RM_OK;

err_unmap:
	if (done)
		core_vm_unmap(vm->core, ipa, done);
	return RM_ERR_MAP;
}

static void release(struct rm_vm *vm, struct rm_parcel *p)
{
	struct rm_share *share = rm_parcel_share(p, vm->vmid);
	const struct rm_mem_released notif = {
		.handle = p->handle,
		.vmid = vm->vmid,
	};

	core_vm_unmap(vm->core, share->ipa, p->size);
	share->mapped = false;
	p->users--;
	rm_notify(RM_NOTIF_MEM_RELEASED, &notif, sizeof(notif));
}

void rm_release_all(struct rm_vm *vm)
{
	while (vm->nr_accepted)
		release(vm, vm->accepted[--vm->nr_accepted]);
}

bool rm_parcel_is_private(const struct rm_parcel *p, uint16_t vmid)
{
	return p->lent && p->nr_shares == 1 && p->shares[0].vmid == vmid &&
	       p->shares[0].rights == RM_RIGHTS_RWX;
}

static const struct rm_shm *find_shm(const struct rm_vm *vm, uint32_t label)
{
	unsigned int i;

	for (i = 0; i < vm->config.nr_shms; i++) {
		if (vm->config.shms[i].label == label)
			return &vm->config.shms[i];
	}
	return NULL;
}

static bool has_mapped(const struct rm_vm *vm, uint32_t label)
{
	struct rm_parcel *p;

	for (p = NULL; (p = rm_parcel_next(p, vm->vmid)); ) {
		if (p->label == label && rm_parcel_share(p, vm->vmid)->mapped)
			return true;
	}
	return false;
}

/* Shared memory that the tree wants and nobody shared. */
static bool lacks_shm(const struct rm_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->config.nr_shms; i++) {
		const struct rm_shm *shm = &vm->config.shms[i];

		if (!shm->optional && !has_mapped(vm, shm->label)) {
			core_log("rm: VM %u: no shared memory with label %u", vm->vmid, shm->label);
			return true;
		}
	}
	return false;
}

/* Memory with label 0 extends the VM's own; other labels are buffers. */
static bool extends_private(const struct rm_vm *vm, const struct rm_parcel *p)
{
	return !p->label && rm_parcel_is_private(p, vm->vmid);
}

/*
 * The image goes to the base address and must be the VM's alone. Then buffers
 * with an address in the device tree, then memory with label 0 behind the image,
 * then all other parcels where there is room. Mandatory are the image, and buffers
 * that the device tree does not call optional.
 */
enum rm_error rm_accept_all(struct rm_vm *vm)
{
	struct rm_parcel *p = rm_parcel_find(vm->image_handle, vm->vmid);
	const struct rm_shm *shm;
	enum rm_error err;

	if (!p || !rm_parcel_is_private(p, vm->vmid) || p->size != vm->mem_size)
		return RM_ERR_VALIDATE;
	vm->next_ipa = vm->config.base;
	err = rm_accept(vm, p, vm->config.base);
	if (err)
		return err;

	for (p = NULL; (p = rm_parcel_next(p, vm->vmid)); ) {
		shm = find_shm(vm, p->label);
		if (!rm_parcel_share(p, vm->vmid)->mapped && shm &&
		    rm_accept(vm, p, shm->base))
			return RM_ERR_DENIED;
	}
	if (lacks_shm(vm))
		return RM_ERR_NORES;

	for (p = NULL; (p = rm_parcel_next(p, vm->vmid)); ) {
		if (rm_parcel_share(p, vm->vmid)->mapped || !extends_private(vm, p))
			continue;
		if (rm_accept(vm, p, vm->config.base + vm->mem_size))
			core_log("rm: VM %u: memory %u not accepted", vm->vmid, p->handle);
		else
			vm->mem_size += p->size;
	}

	for (p = NULL; (p = rm_parcel_next(p, vm->vmid)); ) {
		uint64_t ipa = (vm->next_ipa + RM_IPA_ALIGN - 1) & ~(RM_IPA_ALIGN - 1);

		if (!rm_parcel_share(p, vm->vmid)->mapped && rm_accept(vm, p, ipa))
			core_log("rm: VM %u: buffer %u not accepted", vm->vmid, p->handle);
	}
	return RM_OK;
}
