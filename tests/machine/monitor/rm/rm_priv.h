/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the resource manager.
 *
 *   rm_queue.c     the two message queues, headers and fragments
 *   rm_dispatch.c  requests by id, replies, the requests about the machine
 *   rm_scenario.c  messages that a test wants to be wrong
 *   rm_vm.c        table of VMs, their states, stop and reset
 *   rm_boot.c      image, initialisation, start
 *   rm_parcel.c    memory parcels: made, grown and reclaimed by the host
 *   rm_accept.c    memory parcels: mapped into and released from VMs
 *   rm_pages.c     which pages are in a parcel
 *   rm_dt.c        what the guest's device tree asks for
 *   rm_dt_patch.c  what the guest's device tree is told
 *
 * All of it runs under the monitor's big lock, so there are no locks here.
 */
#ifndef RM_PRIV_H
#define RM_PRIV_H

#include "rm_core.h"
#include "rm_abi.h"

#define RM_PAGE_SIZE		4096ull
#define RM_ADDR_LIMIT		(1ull << 44)

#define RM_FIRST_VMID		0x80
#define RM_MAX_NAME		80
#define RM_MAX_BELLS		64
#define RM_MAX_SHMS		8
#define RM_MAX_NODE_NAME	32
#define RM_MAX_PARCELS_PER_VM	64
#define RM_MAX_PARCELS		(4 * MON_MAX_VMS)
#define RM_DT_MAX		(256 * 1024)

#define RM_VMMIO_BASE		0ull
#define RM_VMMIO_SIZE		0x40000000ull

#define RM_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What the queues' hypercalls return. */
#define GH_OK			0
#define GH_ERR_ARG_INVAL	1
#define GH_ERR_ADDR_OVERFLOW	20
#define GH_ERR_MSGQ_EMPTY	60
#define GH_ERR_MSGQ_FULL	61

/* ---- requests -------------------------------------------------------------- */

/**
 * struct rm_req - a complete request
 * @body: borrowed, valid during the call
 */
struct rm_req {
	uint32_t id;
	uint16_t seq;
	const uint8_t *body;
	size_t len;
};

/**
 * struct rm_rep - content of a reply after the error word
 * @data: buffer of RM_MAX_CONTENT - 4 bytes, borrowed
 * @len: bytes written, 0 unless the handler sets it
 */
struct rm_rep {
	uint8_t *data;
	size_t len;
};

void rm_handle(const struct rm_req *req);
/* @data goes out in as many messages as it needs. @len <= RM_MAX_CONTENT */
void rm_send(enum rm_msg_type type, uint32_t id, uint16_t seq, const void *data, size_t len);
void rm_notify(uint32_t id, const void *data, size_t len);
/* One message as it is, header included. @len: 1 to RM_MSG_SIZE */
void rm_push(const void *msg, size_t len);
/* As rm_send(), but as the scenario wants it. */
void rm_send_as(const struct gh_scenario *s, enum rm_msg_type type, uint32_t id, uint16_t seq,
		const void *data, size_t len);

/* ---- memory ------------------------------------------------------------------ */

/* In pages, for there can be as many as the host has pages. */
struct rm_region {
	uint32_t first;
	uint32_t pages;
};

_Static_assert(RM_ADDR_LIMIT / RM_PAGE_SIZE <= 1ull << 32, "page numbers fit in 32 bits");

static inline uint64_t rm_region_pa(const struct rm_region *r)
{
	return r->first * RM_PAGE_SIZE;
}

static inline uint64_t rm_region_size(const struct rm_region *r)
{
	return r->pages * RM_PAGE_SIZE;
}

/**
 * struct rm_share - what one VM may do with a parcel
 * @mapped: accepted by the VM, contiguous from @ipa
 */
struct rm_share {
	uint16_t vmid;
	uint8_t rights;
	bool mapped;
	uint64_t ipa;
};

/**
 * struct rm_parcel - memory the host lent or shared
 * @lent: gone from the host until RECLAIM; otherwise shared with it
 * @complete: no further MEM_APPEND will come
 * @sanitize: clear when memory is added
 * @sanitize_reclaim: clear before the host gets it back
 * @users: how many VMs have accepted it
 * @shares: owned, @nr_shares entries
 * @regions: owned, @nr_regions of @max_regions used
 */
struct rm_parcel {
	struct rm_parcel *next;
	uint32_t handle;
	uint32_t label;
	bool lent;
	bool complete;
	bool sanitize;
	bool sanitize_reclaim;
	unsigned int users;
	unsigned int nr_shares;
	struct rm_share *shares;
	unsigned int nr_regions;
	unsigned int max_regions;
	struct rm_region *regions;
	uint64_t size;
};

/* 0, RM_ERR_MEM if a page is taken already, RM_ERR_NOMEM. */
enum rm_error rm_pages_claim(uint64_t pa, uint64_t size);
void rm_pages_release(uint64_t pa, uint64_t size);

enum rm_error rm_mem_create(const struct rm_req *req, struct rm_rep *rep);
enum rm_error rm_mem_append(const struct rm_req *req, struct rm_rep *rep);
enum rm_error rm_mem_reclaim(const struct rm_req *req, struct rm_rep *rep);

/* The parcel with this handle if @vmid is in its ACL. */
struct rm_parcel *rm_parcel_find(uint32_t handle, uint16_t vmid);
/* Walks the parcels with @vmid in their ACL; NULL starts and ends. */
struct rm_parcel *rm_parcel_next(struct rm_parcel *prev, uint16_t vmid);
struct rm_share *rm_parcel_share(const struct rm_parcel *p, uint16_t vmid);
/* Copies from (or to) [off, off + len), which must be inside the parcel. 0 or an error. */
enum rm_error rm_parcel_read(const struct rm_parcel *p, uint64_t off, void *buf, uint64_t len);
enum rm_error rm_parcel_write(const struct rm_parcel *p, uint64_t off, void *buf, uint64_t len);
void rm_parcel_clear(const struct rm_parcel *p);
void rm_parcel_sync_icache(const struct rm_parcel *p, uint64_t off, uint64_t len);

/* ---- VMs --------------------------------------------------------------------- */

struct rm_bell {
	uint32_t label;
	uint32_t intid;
	uint64_t capid;
	char node[RM_MAX_NODE_NAME];	/* below /hypervisor; empty: none */
};

struct rm_shm {
	uint32_t label;
	bool optional;		/* the VM starts without it */
	uint64_t base;
};

struct rm_vcpu {
	uint64_t capid;
	uint32_t virq;
};

/* What the guest's device tree says. */
struct rm_config {
	char name[RM_MAX_NAME];
	uint64_t base;
	unsigned int nr_vcpus;
	uint64_t gicd;
	uint64_t gicr;
	uint64_t gicr_stride;
	unsigned int nr_bells;
	struct rm_bell bells[RM_MAX_BELLS];
	unsigned int nr_shms;
	struct rm_shm shms[RM_MAX_SHMS];
};

/**
 * struct rm_vm - a VM of the host
 * @core: the core's half, owned; exists from VM_CONFIG_IMAGE to the end of VM_RESET
 * @initialised: VM_INIT succeeded since, so the resources exist
 * @mem_size: bytes of private memory mapped from config.base, or to be mapped
 * @next_ipa: where the next parcel without an address of its own goes
 * @accepted: parcels mapped here, in order, borrowed: none can be reclaimed before
 */
struct rm_vm {
	uint16_t vmid;
	enum rm_vm_state state;
	struct mon_vm *core;
	bool initialised;
	enum rm_auth auth;
	uint32_t image_handle;
	uint64_t image_off;
	uint64_t image_size;
	uint64_t dt_off;
	uint64_t dt_size;
	uint64_t mem_size;
	uint64_t next_ipa;
	struct rm_config config;
	struct rm_vcpu vcpus[MON_MAX_VCPUS_PER_VM];
	unsigned int nr_accepted;
	struct rm_parcel *accepted[RM_MAX_PARCELS_PER_VM];
};

struct rm_vm *rm_vm_find(uint16_t vmid);
bool rm_vm_change_valid(enum rm_vm_state from, enum rm_vm_state to);
/* The one place where states change; tells the host. */
void rm_vm_set_state(struct rm_vm *vm, enum rm_vm_state state);

enum rm_error rm_vm_allocate(const struct rm_req *req, struct rm_rep *rep);
enum rm_error rm_vm_deallocate(const struct rm_req *req, struct rm_rep *rep);
enum rm_error rm_vm_config_image(const struct rm_req *req, struct rm_rep *rep);
enum rm_error rm_vm_auth_image(const struct rm_req *req, struct rm_rep *rep);
enum rm_error rm_vm_init(const struct rm_req *req, struct rm_rep *rep);
enum rm_error rm_vm_start(const struct rm_req *req, struct rm_rep *rep);
enum rm_error rm_vm_stop(const struct rm_req *req, struct rm_rep *rep);
enum rm_error rm_vm_reset(const struct rm_req *req, struct rm_rep *rep);
/* The part of VM_RESET that comes after its reply. */
void rm_vm_reset_finish(const struct rm_req *req);

/* Maps @p at @ipa of @vm with the rights of its ACL. */
enum rm_error rm_accept(struct rm_vm *vm, struct rm_parcel *p, uint64_t ipa);
/* The image parcel and all other parcels of a VM that starts. */
enum rm_error rm_accept_all(struct rm_vm *vm);
/* Only @vm, with all rights, no attributes: the VM's own memory. */
bool rm_parcel_is_private(const struct rm_parcel *p, uint16_t vmid);
void rm_release_all(struct rm_vm *vm);

/* ---- device tree --------------------------------------------------------------- */

/* @fdt is a copy that nobody else can write, @size its buffer. */
enum rm_error rm_dt_parse(const void *fdt, size_t size, struct rm_config *cfg);
/* Patches @fdt in place; 0 or a negative error of libfdt. */
int rm_dt_patch(void *fdt, const struct rm_vm *vm);

#endif /* RM_PRIV_H */
