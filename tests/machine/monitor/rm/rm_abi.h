/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What travels in the resource manager's messages: ids, errors, layouts. All
 * fields are little-endian, as is everything this is compiled for.
 */
#ifndef RM_ABI_H
#define RM_ABI_H

#include <stdint.h>

#define RM_PACKED	__attribute__((packed))

/* Queues: messages of at most 240 bytes, 8 of them. */
#define RM_QUEUE_DEPTH		8
#define RM_MSG_SIZE		240
#define RM_HDR_SIZE		8
#define RM_CONTENT_SIZE		(RM_MSG_SIZE - RM_HDR_SIZE)
#define RM_MAX_FRAGMENTS	62
#define RM_MAX_CONTENT		((RM_MAX_FRAGMENTS + 1) * RM_CONTENT_SIZE)

/* First byte of a header: version 1, two words long. */
#define RM_HDR_API		0x21

enum rm_msg_type {
	RM_TYPE_CONT	= 0,
	RM_TYPE_REQUEST	= 1,
	RM_TYPE_REPLY	= 2,
	RM_TYPE_NOTIF	= 3,
};

struct rm_hdr {
	uint8_t api;
	uint8_t type_frags;	/* 1:0 type, 7:2 number of continuations */
	uint16_t seq;
	uint32_t id;
} RM_PACKED;

enum rm_error {
	RM_OK			= 0,
	RM_ERR_NOMEM		= 0x1,
	RM_ERR_NORES		= 0x2,
	RM_ERR_DENIED		= 0x3,
	RM_ERR_MSG		= 0x4,
	RM_ERR_ARG		= 0x6,
	RM_ERR_HANDLE		= 0x7,
	RM_ERR_VALIDATE		= 0x8,
	RM_ERR_MAP		= 0x9,
	RM_ERR_MEM		= 0xa,
	RM_ERR_INUSE		= 0xb,
	RM_ERR_VMID		= 0xd,
	RM_ERR_VM_STATE		= 0x14,
	RM_ERR_UNIMPLEMENTED	= -1,
};

enum rm_msg_id {
	RM_REQ_MEM_LEND			= 0x51000012,
	RM_REQ_MEM_SHARE		= 0x51000013,
	RM_REQ_MEM_RECLAIM		= 0x51000015,
	RM_REQ_MEM_APPEND		= 0x51000018,
	RM_REQ_VM_ALLOCATE		= 0x56000001,
	RM_REQ_VM_DEALLOCATE		= 0x56000002,
	RM_REQ_VM_START			= 0x56000004,
	RM_REQ_VM_STOP			= 0x56000005,
	RM_REQ_VM_RESET			= 0x56000006,
	RM_REQ_VM_CONFIG_IMAGE		= 0x56000009,
	RM_REQ_VM_AUTH_IMAGE		= 0x5600000a,
	RM_REQ_VM_INIT			= 0x5600000b,
	RM_REQ_VM_GET_ID		= 0x56000010,
	RM_REQ_VM_GET_STATE		= 0x56000017,
	RM_REQ_VM_GET_HYP_RESOURCES	= 0x56000020,
	RM_REQ_VM_GET_VMID		= 0x56000024,
	RM_REQ_HOST_GET_TYPE		= 0x560000a0,
};

enum rm_notif_id {
	RM_NOTIF_MEM_RELEASED	= 0x51100012,
	RM_NOTIF_VM_EXITED	= 0x56100001,
	RM_NOTIF_VM_STATUS	= 0x56100008,
};

/* States of a VM, as told in VM_STATUS and GET_STATE. */
enum rm_vm_state {
	RM_STATE_NONE		= 0,	/* no such VM */
	RM_STATE_INIT		= 1,	/* image configured */
	RM_STATE_READY		= 2,	/* objects made, resources can be read */
	RM_STATE_RUNNING	= 3,	/* boot vCPU powered on */
	RM_STATE_LOAD		= 5,	/* has a VMID, nothing else */
	RM_STATE_AUTH		= 6,	/* image configured, to be authenticated */
	RM_STATE_INIT_FAILED	= 8,	/* a step of the set-up failed */
	RM_STATE_EXITED		= 9,	/* vCPUs off for good */
	RM_STATE_RESETTING	= 10,	/* objects and memory being released */
	RM_STATE_RESET		= 11,	/* nothing left but the VMID */
};

enum rm_auth {
	RM_AUTH_NONE		= 0,
	RM_AUTH_PLATFORM	= 1,
	RM_AUTH_ANDROID		= 2,
};

#define RM_RIGHTS_RWX		7
#define RM_INVALID_HANDLE	0xffffffffu
#define RM_MAX_LIST		512
#define RM_MEM_TYPE_NORMAL	0
#define RM_MEM_SANITIZE		1
#define RM_MEM_APPEND_MORE	2
#define RM_APPEND_END		1
#define RM_RECLAIM_SANITIZE	1
#define RM_STOP_FORCE		1

struct rm_acl_entry {
	uint16_t vmid;
	uint8_t rights;
	uint8_t res0;
} RM_PACKED;

struct rm_sgl_entry {
	uint64_t ipa;
	uint64_t size;
} RM_PACKED;

struct rm_attr_entry {
	uint16_t attr;
	uint16_t vmid;
} RM_PACKED;

/* Every list begins with its length in 16 bits and 16 bits of padding. */
struct rm_list_hdr {
	uint16_t n;
	uint16_t res0;
} RM_PACKED;

/* MEM_LEND, MEM_SHARE: then the lists of ACL, memory and attributes. */
struct rm_mem_create_req {
	uint8_t mem_type;
	uint8_t res0;
	uint8_t flags;
	uint8_t res1;
	uint32_t label;
} RM_PACKED;

/* MEM_APPEND: then the list of memory. */
struct rm_mem_append_req {
	uint32_t handle;
	uint8_t flags;
	uint8_t res0[3];
} RM_PACKED;

struct rm_mem_reclaim_req {
	uint32_t handle;
	uint8_t flags;
	uint8_t res0[3];
} RM_PACKED;

struct rm_vmid_req {
	uint16_t vmid;
	uint16_t res0;
} RM_PACKED;

struct rm_stop_req {
	uint16_t vmid;
	uint8_t flags;
	uint8_t res0;
	uint32_t reason;
} RM_PACKED;

struct rm_config_image_req {
	uint16_t vmid;
	uint16_t auth;
	uint32_t handle;
	uint64_t image_off;
	uint64_t image_size;
	uint64_t dt_off;
	uint64_t dt_size;
} RM_PACKED;

enum rm_resource_type {
	RM_RSC_BELL_TX	= 0,
	RM_RSC_VCPU	= 4,
};

struct rm_resource {
	uint8_t type;
	uint8_t res0;
	uint16_t partner;
	uint32_t handle;
	uint32_t label;
	uint64_t capid;
	uint32_t virq_handle;
	uint32_t virq;
	uint64_t base;
	uint64_t size;
} RM_PACKED;

struct rm_vm_status {
	uint16_t vmid;
	uint16_t res0;
	uint8_t vm;
	uint8_t os;
	uint16_t app;
} RM_PACKED;

#define RM_MAX_EXIT_WORDS	8

struct rm_vm_exited {
	uint16_t vmid;
	uint16_t type;
	uint32_t size;
	uint32_t words[RM_MAX_EXIT_WORDS];
} RM_PACKED;

struct rm_mem_released {
	uint32_t handle;
	uint16_t vmid;
	uint16_t res0;
	uint32_t tag;
} RM_PACKED;

_Static_assert(sizeof(struct rm_hdr) == RM_HDR_SIZE, "header");
_Static_assert(sizeof(struct rm_acl_entry) == 4, "ACL entry");
_Static_assert(sizeof(struct rm_sgl_entry) == 16, "memory entry");
_Static_assert(sizeof(struct rm_mem_create_req) == 8, "MEM_LEND");
_Static_assert(sizeof(struct rm_mem_append_req) == 8, "MEM_APPEND");
_Static_assert(sizeof(struct rm_stop_req) == 8, "VM_STOP");
_Static_assert(sizeof(struct rm_config_image_req) == 40, "VM_CONFIG_IMAGE");
_Static_assert(sizeof(struct rm_resource) == 44, "GET_HYP_RESOURCES");
_Static_assert(sizeof(struct rm_vm_status) == 8, "VM_STATUS");
_Static_assert(sizeof(struct rm_mem_released) == 12, "MEM_RELEASED");

#endif /* RM_ABI_H */
