/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The resource manager (RM) as the rest of gunyah_rsc_mgr.ko sees it.
 *
 * The RM is a VM of the hypervisor's vendor that creates and destroys the other
 * VMs. It may die; then every call fails, and nothing else of the host does.
 */
#ifndef GUNYAH_RSC_MGR_H
#define GUNYAH_RSC_MGR_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/fwnode.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <linux/gunyah.h>

#include "rsc_mgr_msg.h"

struct device;

/* Error word of a reply. 32 bits of its own, never mixed with errno. */
enum gh_rm_error {
	GH_RM_ERROR_OK			= 0x0,
	GH_RM_ERROR_NOMEM		= 0x1,
	GH_RM_ERROR_NORESOURCE		= 0x2,
	GH_RM_ERROR_DENIED		= 0x3,
	GH_RM_ERROR_MSG_INVALID		= 0x4,
	GH_RM_ERROR_BUSY		= 0x5,
	GH_RM_ERROR_ARGUMENT_INVALID	= 0x6,
	GH_RM_ERROR_HANDLE_INVALID	= 0x7,
	GH_RM_ERROR_VALIDATE_FAILED	= 0x8,
	GH_RM_ERROR_MAP_FAILED		= 0x9,
	GH_RM_ERROR_MEM_INVALID		= 0xa,
	GH_RM_ERROR_MEM_INUSE		= 0xb,
	GH_RM_ERROR_MEM_RELEASED	= 0xc,
	GH_RM_ERROR_VMID_INVALID	= 0xd,
	GH_RM_ERROR_LOOKUP_FAILED	= 0xe,
	GH_RM_ERROR_IRQ_INVALID		= 0xf,
	GH_RM_ERROR_IRQ_INUSE		= 0x10,
	GH_RM_ERROR_IRQ_RELEASED	= 0x11,
	GH_RM_ERROR_IN_USE		= 0x12,
	GH_RM_ERROR_IRQ_NOT_MAPPED	= 0x13,
	GH_RM_ERROR_VM_STATE		= 0x14,
	/* 0xffffffff in the message. */
	GH_RM_ERROR_UNIMPLEMENTED	= -1,
	/* Not an answer of the RM. */
	GH_RM_ERROR_UNKNOWN		= S32_MAX,
};

int gh_rm_error_to_errno(enum gh_rm_error error);

/* States of a VM as the RM reports them. */
enum gh_rm_vm_status {
	GH_RM_VM_NONE		= 0,
	GH_RM_VM_INIT		= 1,
	GH_RM_VM_READY		= 2,
	GH_RM_VM_RUNNING	= 3,
	GH_RM_VM_PAUSED		= 4,
	GH_RM_VM_LOAD		= 5,
	GH_RM_VM_AUTH		= 6,
	GH_RM_VM_INIT_FAILED	= 8,
	GH_RM_VM_EXITED		= 9,
	GH_RM_VM_RESETTING	= 10,
	GH_RM_VM_RESET		= 11,
};

bool gh_rm_vm_status_known(unsigned int status);

#define GH_VMID_RM		255

#define GH_MEM_HANDLE_INVALID	U32_MAX	/* 0 is a handle */

#define GH_RM_RIGHT_X		BIT(0)
#define GH_RM_RIGHT_W		BIT(1)
#define GH_RM_RIGHT_R		BIT(2)
#define GH_RM_RIGHT_RWX		(GH_RM_RIGHT_R | GH_RM_RIGHT_W | GH_RM_RIGHT_X)

#define GH_RM_MAX_MEM_ENTRIES	512

/* A run of memory, as in the message. */
struct gh_rm_mem_entry {
	__le64 addr;
	__le64 size;
} __packed;

/* Of the reply to GET_HYP_RESOURCES. */
struct gh_rm_hyp_resource {
	u8 type;
	u8 reserved;
	__le16 partner_vmid;
	__le32 handle;
	__le32 label;
	__le64 capid;
	__le32 virq_handle;
	__le32 virq;
	__le64 base;
	__le64 size;
} __packed;

static_assert(sizeof(struct gh_rm_hyp_resource) == 44);

/* What the host believes about the RM. It goes one way only. */
enum gh_rm_health {
	GH_RM_ALIVE,
	GH_RM_DEAD,	/* a call timed out: what the RM did is unknown */
	GH_RM_GONE,	/* the driver is being removed */
};

/**
 * struct gh_rm - connection to the RM
 * @dev: borrowed, valid until remove
 * @ref: held by the driver and by each VM
 * @misc: /dev/gunyah
 * @tx_capid: queue to the RM
 * @rx_capid: queue from the RM
 * @tx_irq: the full queue to the RM has drained
 * @rx_irq: a message from the RM
 * @vmid: the host's own
 * @health: written under @call_lock
 * @call_lock: a request and its reply; see rsc_mgr.c for the order
 * @next_seq: under @call_lock
 * @tx_buf: message being sent, under @call_lock, in the linear map
 * @tx_room: the hypervisor said that the queue drained
 * @reply_done: the reply is complete or cannot become complete
 * @rx_lock: the receiving side
 * @rx_buf: message being received, under @rx_lock, in the linear map
 * @rx: under @rx_lock
 * @reply_broken: under @rx_lock
 * @rx_again: looks into the queue again, where it was not taken in to its end
 * @rx_delay_ms: when, under @rx_lock
 * @dropped: messages that made no sense or that nobody waited for
 * @irq_lock: @virqs
 * @virqs: VIRQ -> struct gh_rm_virq
 * @irq_parent: the interrupt controller that VIRQs arrive at
 */
struct gh_rm {
	struct device *dev;
	struct kref ref;
	struct miscdevice misc;
	u64 tx_capid;
	u64 rx_capid;
	int tx_irq;
	int rx_irq;
	u16 vmid;

	enum gh_rm_health health;
	struct mutex call_lock;		/* one request at a time */
	u16 next_seq;
	u8 *tx_buf;
	struct completion tx_room;
	struct completion reply_done;

	struct mutex rx_lock;		/* the receiving side */
	u8 *rx_buf;
	struct gh_rm_rx rx;
	bool reply_broken;
	struct delayed_work rx_again;
	unsigned int rx_delay_ms;
	atomic_t dropped;

	struct mutex irq_lock;		/* virqs */
	struct xarray virqs;
	struct fwnode_handle *irq_parent;
};

struct gh_rm *gh_rm_get(struct gh_rm *rm);
void gh_rm_put(struct gh_rm *rm);

/* How long the RM may take to answer a request or to finish what it began. */
unsigned long gh_rm_timeout(void);

/* Counts a message of the RM that makes no sense and says so now and then. */
void gh_rm_drop(struct gh_rm *rm, const char *what, u32 msg_id);

/**
 * struct gh_rm_reply - reply to a request
 * @error: its first word
 * @buf: set by the caller: takes what follows, as much as fits. NULL: it is allocated
 * @room: set by the caller: bytes of @buf
 * @payload: without @buf: what follows, NULL if nothing does; the caller frees it with
 *	kvfree()
 * @size: of what follows
 *
 * A call that changes something brings a @buf: it must not fail when the RM has answered.
 */
struct gh_rm_reply {
	enum gh_rm_error error;
	void *buf;
	size_t room;
	void *payload;
	size_t size;
};

#define GH_CALL_GET_VMID	0x56000024

int gh_rm_call(struct gh_rm *rm, u32 msg_id, const void *req, size_t size,
	       struct gh_rm_reply *reply);

/* Typed calls: 0 or -errno. -ETIMEDOUT, -EPROTO: what the RM did is unknown. */
int gh_rm_get_vmid(struct gh_rm *rm, u16 *vmid);
int gh_rm_vm_alloc(struct gh_rm *rm, u16 *vmid);
int gh_rm_vm_dealloc(struct gh_rm *rm, u16 vmid);
int gh_rm_vm_start(struct gh_rm *rm, u16 vmid);
int gh_rm_vm_stop(struct gh_rm *rm, u16 vmid);
int gh_rm_vm_reset(struct gh_rm *rm, u16 vmid);
int gh_rm_vm_init(struct gh_rm *rm, u16 vmid);
int gh_rm_vm_get_status(struct gh_rm *rm, u16 vmid, enum gh_rm_vm_status *status);

/**
 * struct gh_rm_image - what CONFIG_IMAGE says about the memory with the image
 * @mem_handle: parcel
 * @image_offset: entry point, in the parcel
 * @image_size: from there
 * @dtb_offset: device tree, in the parcel
 * @dtb_size: with room for what the RM adds
 */
struct gh_rm_image {
	u32 mem_handle;
	u64 image_offset;
	u64 image_size;
	u64 dtb_offset;
	u64 dtb_size;
};

int gh_rm_vm_config_image(struct gh_rm *rm, u16 vmid, const struct gh_rm_image *image);

/**
 * struct gh_rm_resources - what GET_HYP_RESOURCES returned
 * @n: entries
 * @entries: untrusted
 * @payload: what holds them; the caller frees it with kvfree()
 */
struct gh_rm_resources {
	u32 n;
	const struct gh_rm_hyp_resource *entries;
	void *payload;
};

int gh_rm_get_hyp_resources(struct gh_rm *rm, u16 vmid, struct gh_rm_resources *res);

/**
 * struct gh_rm_parcel - memory to be lent to or shared with a VM
 * @vmid: the VM
 * @rights: of the VM, GH_RM_RIGHT_*
 * @lend: the host loses access
 * @label: passed to the RM
 * @handle: out
 */
struct gh_rm_parcel {
	u16 vmid;
	u8 rights;
	bool lend;
	u32 label;
	u32 handle;
};

int gh_rm_mem_give(struct gh_rm *rm, struct gh_rm_parcel *parcel,
		   const struct gh_rm_mem_entry *entries, unsigned int n, bool more);
int gh_rm_mem_append(struct gh_rm *rm, u32 handle, const struct gh_rm_mem_entry *entries,
		     unsigned int n, bool more);
int gh_rm_mem_reclaim(struct gh_rm *rm, u32 handle);

/* Interrupts of VMs. A VIRQ may belong to several vCPUs: each gets and puts it. */
int gh_rm_irq_init(struct gh_rm *rm);
void gh_rm_irq_exit(struct gh_rm *rm);
int gh_rm_irq_get(struct gh_rm *rm, u32 virq, unsigned int *irq);
void gh_rm_irq_put(struct gh_rm *rm, u32 virq);

/* Implemented by the VM manager. */
void gh_debugfs_init(void);
void gh_debugfs_exit(void);
extern const struct file_operations gh_dev_fops;
void gh_vm_notification(struct gh_rm *rm, u32 msg_id, const void *payload, size_t size);

#endif /* GUNYAH_RSC_MGR_H */
