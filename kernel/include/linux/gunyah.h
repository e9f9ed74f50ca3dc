/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gunyah hypercalls and the host's view of hypervisor objects.
 *
 * Source of the numbers: the hypervisor's API document (gunyah_api.md). Error
 * codes are positive and 64 bits wide there, so they have a type of their own
 * and are never mixed with errno.
 */
#ifndef _LINUX_GUNYAH_H
#define _LINUX_GUNYAH_H

#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/types.h>

enum gh_error {
	GH_ERROR_OK			= 0,
	GH_ERROR_UNIMPLEMENTED		= -1,
	GH_ERROR_RETRY			= -2,
	GH_ERROR_ARG_INVAL		= 1,
	GH_ERROR_ARG_SIZE		= 2,
	GH_ERROR_ARG_ALIGN		= 3,
	GH_ERROR_NOMEM			= 10,
	GH_ERROR_NORESOURCES		= 11,
	GH_ERROR_ADDR_OVFL		= 20,
	GH_ERROR_ADDR_UNFL		= 21,
	GH_ERROR_ADDR_INVAL		= 22,
	GH_ERROR_DENIED			= 30,
	GH_ERROR_BUSY			= 31,
	GH_ERROR_IDLE			= 32,
	GH_ERROR_OBJECT_STATE		= 33,
	GH_ERROR_OBJECT_CONFIG		= 34,
	GH_ERROR_OBJECT_CONFIGURED	= 35,
	GH_ERROR_FAILURE		= 36,
	GH_ERROR_IRQ_BOUND		= 40,
	GH_ERROR_IRQ_UNBOUND		= 41,
	GH_ERROR_CSPACE_CAP_NULL	= 50,
	GH_ERROR_CSPACE_CAP_REVOKED	= 51,
	GH_ERROR_CSPACE_WRONG_OBJ_TYPE	= 52,
	GH_ERROR_CSPACE_INSUF_RIGHTS	= 53,
	GH_ERROR_CSPACE_FULL		= 54,
	GH_ERROR_MSGQUEUE_EMPTY		= 60,
	GH_ERROR_MSGQUEUE_FULL		= 61,
	/* Not an answer of the hypervisor: outside the range of its codes. */
	GH_ERROR_UNKNOWN		= S32_MAX,
};

/* gh_error_from_reg() - what a hypercall returned in x0; only known codes get through. */
enum gh_error gh_error_from_reg(u64 x0);

/* gh_error_to_errno() - the negative errno that says the same, 0 for OK. */
int gh_error_to_errno(enum gh_error error);

/* x0 of HYP_IDENTIFY and its feature words. */
#define GH_API_INFO_VERSION_MASK	0x3fffULL
#define GH_API_INFO_BIG_ENDIAN		BIT_ULL(14)
#define GH_API_INFO_64BIT		BIT_ULL(15)
#define GH_API_V1			1
#define GH_FEATURE_DOORBELL		BIT_ULL(1)
#define GH_FEATURE_MSGQUEUE		BIT_ULL(2)
#define GH_FEATURE_VCPU			BIT_ULL(5)
#define GH_FEATURE_MEMEXTENT		BIT_ULL(6)
#define GH_FEATURE_VCPU_RUN		BIT_ULL(11)

struct gh_hyp_identify {
	u64 api_info;
	u64 flags[3];
};

/* States of VCPU_RUN (gunyah_api.md, "Run a proxy-scheduled VCPU thread"). */
enum gh_vcpu_run_state {
	GH_VCPU_STATE_READY		= 0,
	GH_VCPU_STATE_EXPECTS_WAKEUP	= 1,
	GH_VCPU_STATE_POWERED_OFF	= 2,
	GH_VCPU_STATE_BLOCKED		= 3,
	GH_VCPU_STATE_VMMIO_READ	= 4,
	GH_VCPU_STATE_VMMIO_WRITE	= 5,
	GH_VCPU_STATE_FAULT		= 6,
	GH_VCPU_STATE_PAGE_FAULT	= 7,
	GH_VCPU_STATE_SYSTEM_RESET	= 0x100,
};

/* What VCPU_RUN returned: untrusted, check before use. */
struct gh_vcpu_run_resp {
	u64 state;
	u64 data0;
	u64 data1;
	u64 data2;
};

/* The number of a hypercall; <linux/arm-smccc.h> has what it is made of. */
#define GH_HYPERCALL(n)							\
	ARM_SMCCC_CALL_VAL(ARM_SMCCC_FAST_CALL, ARM_SMCCC_SMC_64,	\
			   ARM_SMCCC_OWNER_VENDOR_HYP, 0x8000 | (n))

void gh_hypercall_identify(struct gh_hyp_identify *id);
enum gh_error gh_hypercall_bell_send(u64 capid, u64 new_flags, u64 *old_flags);
enum gh_error gh_hypercall_bell_set_mask(u64 capid, u64 enable_mask, u64 ack_mask);
#define GH_MSGQ_TX_PUSH		BIT_ULL(0)
enum gh_error gh_hypercall_msgq_send(u64 capid, size_t size, const void *buf, u64 flags,
				     bool *ready);
enum gh_error gh_hypercall_msgq_recv(u64 capid, void *buf, size_t size, size_t *recv_size,
				     bool *ready);

/* Types of resource that GET_HYP_RESOURCES reports. */
enum gunyah_resource_type {
	GUNYAH_RESOURCE_TYPE_BELL_TX	= 0,
	GUNYAH_RESOURCE_TYPE_BELL_RX	= 1,
	GUNYAH_RESOURCE_TYPE_MSGQ_TX	= 2,
	GUNYAH_RESOURCE_TYPE_MSGQ_RX	= 3,
	GUNYAH_RESOURCE_TYPE_VCPU	= 4,
	GUNYAH_RESOURCE_TYPE_MEM_EXTENT	= 9,
	GUNYAH_RESOURCE_TYPE_ADDR_SPACE	= 10,
};

/**
 * struct gunyah_resource - one hypervisor object of a VM
 * @list: in the VM's list of resources
 * @type: kind of object
 * @capid: capability id, opaque, 0 is valid
 * @irq: Linux interrupt number, 0 if the object has none; owned by the VM
 *	manager, which unmaps it after unpopulate
 * @label: the RM's label
 */
struct gunyah_resource {
	struct list_head list;
	enum gunyah_resource_type type;
	u64 capid;
	unsigned int irq;
	u32 label;
};

#endif /* _LINUX_GUNYAH_H */
