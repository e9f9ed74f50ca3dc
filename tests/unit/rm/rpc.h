/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The host's side of the protocol for the tests: sends requests in fragments,
 * collects what comes back, and takes a VM to the state a test needs.
 */
#ifndef RPC_H
#define RPC_H

#include "fake_core.h"
#include "rm_priv.h"

#define MAX_EVENTS	256

/* What came out of the queue, whole, in order. */
struct event {
	bool reply;
	uint32_t id;
	uint16_t seq;
	size_t len;
	uint8_t data[RM_MAX_CONTENT];
};

extern struct event events[MAX_EVENTS];
extern unsigned int nr_events;

/* Reads the queue until it is empty, checks headers, fills events[]. */
void drain(void);

/* One raw message; the Gunyah error. */
int send_raw(uint8_t api, uint8_t type, uint8_t frags, uint16_t seq, uint32_t id,
	     const void *content, size_t len);
/* A request in as few messages as possible. */
void send_request(uint32_t id, uint16_t seq, const void *body, size_t len);

/*
 * A request and everything it causes, in events[]. Returns the error of the
 * reply, whose index is reply_at; its content is without the error word.
 */
uint32_t call(uint32_t id, const void *body, size_t len);
extern unsigned int reply_at;
const uint8_t *reply_data(void);
size_t reply_len(void);

uint32_t call_vmid(uint32_t id, uint16_t vmid);
uint32_t call_stop(uint16_t vmid, uint8_t flags);

struct mem {
	uint64_t pa;
	uint64_t size;
};

#define HOST_RW		((struct rm_acl_entry){ .vmid = MON_VMID_HLOS, .rights = 6 })
#define VM_ACL(v, r)	((struct rm_acl_entry){ .vmid = (v), .rights = (r) })

uint32_t call_mem(uint32_t id, uint8_t flags, uint32_t label, const struct rm_acl_entry *acl,
		  unsigned int nr_acl, const struct mem *mem, unsigned int nr_mem,
		  uint32_t *handle);
uint32_t call_append(uint32_t handle, uint8_t flags, const struct mem *mem, unsigned int nr_mem);
uint32_t call_reclaim(uint32_t handle, uint8_t flags);
uint32_t lend(uint16_t vmid, uint32_t label, uint64_t pa, uint64_t size, uint32_t *handle);

/* Where the image parcel of build_vm() is, and its parts. */
#define IMAGE_PA	(FAKE_RAM_BASE + 0x400000)
#define IMAGE_SIZE	0x200000ull
#define DT_OFF		0x100000ull
#define DT_SIZE		0x8000ull
#define BASE_IPA	0x80000000ull

/* How the device tree differs from a good one. */
struct tree {
	unsigned int cpus;		/* 0: 2 */
	unsigned int bells;
	uint64_t base;			/* 0: BASE_IPA */
	bool no_image_name;
	bool no_vm_config;
	bool no_base;
	bool no_gic;
	bool no_chosen;
	bool has_hypervisor;
	bool has_memory_elsewhere;
	bool not_proxy;
	bool bad_cpu_method;
	bool bell_without_peer;
	bool bells_collide;
	bool odd_vdevice;
	uint32_t shm_label;		/* 0: none */
	uint64_t shm_base;
	bool shm_optional;
	size_t size;			/* 0: packed */
};

/* Writes the tree at @pa, returns its size. */
size_t write_tree(uint64_t pa, const struct tree *tree);

struct vm {
	uint16_t vmid;
	uint32_t handle;
};

uint16_t new_vm(void);
uint32_t call_config(uint16_t vmid, uint16_t auth, uint32_t handle, uint64_t image_off,
		     uint64_t image_size, uint64_t dt_off, uint64_t dt_size);
/* A VM with an image and a tree, in state LOAD. */
struct vm build_vm(const struct tree *tree);
/* The same, configured, and then with VM_INIT and VM_START. */
struct vm build_running(const struct tree *tree);
uint8_t state_of(uint16_t vmid);

/* From any state but LOAD: reset if needed, reclaim, deallocate. */
void end_vm(struct vm *vm);

#endif /* RPC_H */
