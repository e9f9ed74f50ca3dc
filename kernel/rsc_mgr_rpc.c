// SPDX-License-Identifier: GPL-2.0-only
/*
 * The resource manager's calls, typed.
 *
 * Each returns 0 or -errno. When the RM answered with an error, it did not do
 * what it was asked; after -ETIMEDOUT and -EPROTO nobody knows. Payload behind an
 * error word is ignored, and so is what a newer RM adds behind the words known here; a
 * reply that is too short is -EPROTO.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "rsc_mgr.h"

#define GH_CALL_VM_ALLOC_VMID		0x56000001
#define GH_CALL_VM_DEALLOC_VMID		0x56000002
#define GH_CALL_VM_START		0x56000004
#define GH_CALL_VM_STOP			0x56000005
#define GH_CALL_VM_RESET		0x56000006
#define GH_CALL_VM_CONFIG_IMAGE		0x56000009
#define GH_CALL_VM_INIT			0x5600000b
#define GH_CALL_VM_GET_STATE		0x56000017
#define GH_CALL_GET_HYP_RESOURCES	0x56000020
#define GH_CALL_MEM_LEND		0x51000012
#define GH_CALL_MEM_SHARE		0x51000013
#define GH_CALL_MEM_RECLAIM		0x51000015
#define GH_CALL_MEM_APPEND		0x51000018

/* Most calls about a VM carry its number, and so do two of the replies. */
struct gh_rm_vmid_req {
	__le16 vmid;
	__le16 reserved;
} __packed;

#define GH_RM_STOP_FORCE	BIT(0)
#define GH_RM_STOP_REASON	3	/* forced */

struct gh_rm_vm_stop_req {
	__le16 vmid;
	u8 flags;
	u8 reserved;
	__le32 reason;
} __packed;

#define GH_RM_AUTH_NONE		0

struct gh_rm_config_image_req {
	__le16 vmid;
	__le16 auth;
	__le32 mem_handle;
	__le64 image_offset;
	__le64 image_size;
	__le64 dtb_offset;
	__le64 dtb_size;
} __packed;

struct gh_rm_vm_state_resp {
	u8 vm;
	u8 os;
	__le16 app;
} __packed;

struct gh_rm_acl_entry {
	__le16 vmid;
	u8 rights;
	u8 reserved;
} __packed;

/* A list is 16 bits of count, 16 reserved, and the entries. */
struct gh_rm_list {
	__le16 n;
	__le16 reserved;
} __packed;

#define GH_RM_MEM_TYPE_NORMAL	0
#define GH_RM_MEM_GIVE_APPEND	BIT(1)
#define GH_RM_MEM_APPEND_END	BIT(0)

/* Followed by the lists of ACL entries, memory entries and attributes. */
struct gh_rm_mem_give_req {
	u8 mem_type;
	u8 reserved0;
	u8 flags;
	u8 reserved1;
	__le32 label;
} __packed;

/* Followed by the list of memory entries. */
struct gh_rm_mem_append_req {
	__le32 handle;
	u8 flags;
	u8 reserved[3];
} __packed;

struct gh_rm_mem_reclaim_req {
	__le32 handle;
	u8 flags;
	u8 reserved[3];
} __packed;

struct gh_rm_mem_give_resp {
	__le32 handle;
} __packed;

static_assert(sizeof(struct gh_rm_vmid_req) == 4);
static_assert(sizeof(struct gh_rm_vm_stop_req) == 8);
static_assert(sizeof(struct gh_rm_config_image_req) == 40);
static_assert(sizeof(struct gh_rm_mem_give_req) == 8);
static_assert(sizeof(struct gh_rm_mem_append_req) == 8);
static_assert(sizeof(struct gh_rm_mem_reclaim_req) == 8);
/* The longest request fits into what fragments can carry. */
static_assert(sizeof(struct gh_rm_mem_give_req) + 3 * sizeof(struct gh_rm_list) +
	      2 * sizeof(struct gh_rm_acl_entry) +
	      GH_RM_MAX_MEM_ENTRIES * sizeof(struct gh_rm_mem_entry) <= GH_RM_PAYLOAD_SIZE);

int gh_rm_error_to_errno(enum gh_rm_error error)
{
	switch (error) {
	case GH_RM_ERROR_OK:
		return 0;
	case GH_RM_ERROR_NOMEM:
		return -ENOMEM;
	case GH_RM_ERROR_NORESOURCE:
		return -ENOSPC;
	case GH_RM_ERROR_DENIED:
	case GH_RM_ERROR_VALIDATE_FAILED:
		return -EPERM;
	case GH_RM_ERROR_BUSY:
	case GH_RM_ERROR_MEM_INUSE:
	case GH_RM_ERROR_IRQ_INUSE:
	case GH_RM_ERROR_IN_USE:
	case GH_RM_ERROR_VM_STATE:
		return -EBUSY;
	case GH_RM_ERROR_MSG_INVALID:
	case GH_RM_ERROR_ARGUMENT_INVALID:
	case GH_RM_ERROR_HANDLE_INVALID:
	case GH_RM_ERROR_MEM_INVALID:
	case GH_RM_ERROR_MEM_RELEASED:
	case GH_RM_ERROR_VMID_INVALID:
	case GH_RM_ERROR_IRQ_INVALID:
	case GH_RM_ERROR_IRQ_RELEASED:
		return -EINVAL;
	case GH_RM_ERROR_LOOKUP_FAILED:
	case GH_RM_ERROR_IRQ_NOT_MAPPED:
		return -ENOENT;
	case GH_RM_ERROR_UNIMPLEMENTED:
		return -EOPNOTSUPP;
	case GH_RM_ERROR_MAP_FAILED:
	case GH_RM_ERROR_UNKNOWN:
		return -EIO;
	}

	return -EIO;
}

bool gh_rm_vm_status_known(unsigned int status)
{
	switch (status) {
	case GH_RM_VM_NONE:
	case GH_RM_VM_INIT:
	case GH_RM_VM_READY:
	case GH_RM_VM_RUNNING:
	case GH_RM_VM_PAUSED:
	case GH_RM_VM_LOAD:
	case GH_RM_VM_AUTH:
	case GH_RM_VM_INIT_FAILED:
	case GH_RM_VM_EXITED:
	case GH_RM_VM_RESETTING:
	case GH_RM_VM_RESET:
		return true;
	default:
		return false;
	}
}

/*
 * A call of whose reply the first @resp_size bytes are wanted, 0 for none. On error
 * @resp holds anything.
 */
static int gh_rm_call_fixed(struct gh_rm *rm, u32 msg_id, const void *req, size_t size,
			    void *resp, size_t resp_size)
{
	u32 nothing;
	struct gh_rm_reply reply = { .buf = resp ?: &nothing, .room = resp_size };
	int ret;

	ret = gh_rm_call(rm, msg_id, req, size, &reply);
	if (ret)
		return ret;

	if (reply.error != GH_RM_ERROR_OK) {
		ret = gh_rm_error_to_errno(reply.error);
		dev_dbg(rm->dev, "call %#x: error %#x\n", msg_id, reply.error);
	} else if (reply.size < resp_size) {
		ret = -EPROTO;
	}

	return ret;
}

static int gh_rm_call_vmid(struct gh_rm *rm, u32 msg_id, u16 vmid)
{
	struct gh_rm_vmid_req req = { .vmid = cpu_to_le16(vmid) };

	return gh_rm_call_fixed(rm, msg_id, &req, sizeof(req), NULL, 0);
}

/* gh_rm_get_vmid() - the host's own number. */
int gh_rm_get_vmid(struct gh_rm *rm, u16 *vmid)
{
	struct gh_rm_vmid_req resp;
	int ret;

	ret = gh_rm_call_fixed(rm, GH_CALL_GET_VMID, NULL, 0, &resp, sizeof(resp));
	if (!ret)
		*vmid = le16_to_cpu(resp.vmid);

	return ret;
}

/* gh_rm_vm_alloc() - a new VM, with a number that the RM chooses. */
int gh_rm_vm_alloc(struct gh_rm *rm, u16 *vmid)
{
	struct gh_rm_vmid_req req = {}, resp;
	int ret;

	ret = gh_rm_call_fixed(rm, GH_CALL_VM_ALLOC_VMID, &req, sizeof(req), &resp, sizeof(resp));
	if (!ret)
		*vmid = le16_to_cpu(resp.vmid);

	return ret;
}

/* gh_rm_vm_dealloc() - only from LOAD or RESET, and never twice: it kills the RM. */
int gh_rm_vm_dealloc(struct gh_rm *rm, u16 vmid)
{
	return gh_rm_call_vmid(rm, GH_CALL_VM_DEALLOC_VMID, vmid);
}

int gh_rm_vm_init(struct gh_rm *rm, u16 vmid)
{
	return gh_rm_call_vmid(rm, GH_CALL_VM_INIT, vmid);
}

int gh_rm_vm_start(struct gh_rm *rm, u16 vmid)
{
	return gh_rm_call_vmid(rm, GH_CALL_VM_START, vmid);
}

/* gh_rm_vm_stop() - by force; VM_EXITED tells when it is done. */
int gh_rm_vm_stop(struct gh_rm *rm, u16 vmid)
{
	struct gh_rm_vm_stop_req req = {
		.vmid = cpu_to_le16(vmid),
		.flags = GH_RM_STOP_FORCE,
		.reason = cpu_to_le32(GH_RM_STOP_REASON),
	};

	return gh_rm_call_fixed(rm, GH_CALL_VM_STOP, &req, sizeof(req), NULL, 0);
}

/* gh_rm_vm_reset() - only of a VM with a configuration; VM_STATUS tells when it is done. */
int gh_rm_vm_reset(struct gh_rm *rm, u16 vmid)
{
	return gh_rm_call_vmid(rm, GH_CALL_VM_RESET, vmid);
}

/* gh_rm_vm_get_status() - where the RM believes the VM to be. */
int gh_rm_vm_get_status(struct gh_rm *rm, u16 vmid, enum gh_rm_vm_status *status)
{
	struct gh_rm_vmid_req req = { .vmid = cpu_to_le16(vmid) };
	struct gh_rm_vm_state_resp resp;
	int ret;

	ret = gh_rm_call_fixed(rm, GH_CALL_VM_GET_STATE, &req, sizeof(req), &resp, sizeof(resp));
	if (ret)
		return ret;
	if (!gh_rm_vm_status_known(resp.vm))
		return -EPROTO;
	*status = resp.vm;

	return 0;
}

/* gh_rm_vm_config_image() - where the image and the device tree are; no authentication. */
int gh_rm_vm_config_image(struct gh_rm *rm, u16 vmid, const struct gh_rm_image *image)
{
	struct gh_rm_config_image_req req = {
		.vmid = cpu_to_le16(vmid),
		.auth = cpu_to_le16(GH_RM_AUTH_NONE),
		.mem_handle = cpu_to_le32(image->mem_handle),
		.image_offset = cpu_to_le64(image->image_offset),
		.image_size = cpu_to_le64(image->image_size),
		.dtb_offset = cpu_to_le64(image->dtb_offset),
		.dtb_size = cpu_to_le64(image->dtb_size),
	};

	return gh_rm_call_fixed(rm, GH_CALL_VM_CONFIG_IMAGE, &req, sizeof(req), NULL, 0);
}

/* gh_rm_get_hyp_resources() - the host's capabilities of a VM, after VM_INIT. */
int gh_rm_get_hyp_resources(struct gh_rm *rm, u16 vmid, struct gh_rm_resources *res)
{
	struct gh_rm_vmid_req req = { .vmid = cpu_to_le16(vmid) };
	struct gh_rm_reply reply = {};
	u32 n;
	int ret;

	ret = gh_rm_call(rm, GH_CALL_GET_HYP_RESOURCES, &req, sizeof(req), &reply);
	if (ret)
		return ret;

	ret = gh_rm_error_to_errno(reply.error);
	if (ret)
		goto err;
	ret = -EPROTO;
	if (reply.size < sizeof(__le32))
		goto err;
	n = le32_to_cpup(reply.payload);
	if (reply.size - sizeof(__le32) != array_size(n, sizeof(struct gh_rm_hyp_resource)))
		goto err;

	res->n = n;
	res->entries = reply.payload + sizeof(__le32);
	res->payload = reply.payload;

	return 0;

err:
	kvfree(reply.payload);
	return ret;
}

/* Puts a list at @p; returns where the next one goes. */
static void *gh_rm_put_list(void *p, const void *entries, unsigned int n, size_t entry_size)
{
	struct gh_rm_list *list = p;

	list->n = cpu_to_le16(n);
	list->reserved = 0;
	if (n)
		memcpy(list + 1, entries, n * entry_size);

	return p + sizeof(*list) + n * entry_size;
}

/**
 * gh_rm_mem_give() - lend memory to a VM or share it with one
 * @rm: the RM
 * @parcel: how, and the handle of the new parcel
 * @entries: the memory
 * @n: entries, at most GH_RM_MAX_MEM_ENTRIES
 * @more: gh_rm_mem_append() will add some
 */
int gh_rm_mem_give(struct gh_rm *rm, struct gh_rm_parcel *parcel,
		   const struct gh_rm_mem_entry *entries, unsigned int n, bool more)
{
	struct gh_rm_acl_entry acl[2] = {
		{ .vmid = cpu_to_le16(parcel->vmid), .rights = parcel->rights },
		/* The host's own access stays as it is. */
		{ .vmid = cpu_to_le16(rm->vmid), .rights = GH_RM_RIGHT_RWX },
	};
	unsigned int n_acl = parcel->lend ? 1 : 2;
	struct gh_rm_mem_give_resp resp;
	struct gh_rm_mem_give_req *req;
	size_t size;
	void *p;
	int ret;

	if (!n || n > GH_RM_MAX_MEM_ENTRIES)
		return -EINVAL;

	size = sizeof(*req) + 3 * sizeof(struct gh_rm_list) + n_acl * sizeof(*acl) +
	       n * sizeof(*entries);
	req = kzalloc(size, GFP_KERNEL);
	if (!req)
		return -ENOMEM;

	req->mem_type = GH_RM_MEM_TYPE_NORMAL;
	req->flags = more ? GH_RM_MEM_GIVE_APPEND : 0;
	req->label = cpu_to_le32(parcel->label);
	p = gh_rm_put_list(req + 1, acl, n_acl, sizeof(*acl));
	p = gh_rm_put_list(p, entries, n, sizeof(*entries));
	gh_rm_put_list(p, NULL, 0, 0);

	ret = gh_rm_call_fixed(rm, parcel->lend ? GH_CALL_MEM_LEND : GH_CALL_MEM_SHARE, req, size,
			       &resp, sizeof(resp));
	kfree(req);
	if (ret)
		return ret;

	parcel->handle = le32_to_cpu(resp.handle);

	return parcel->handle == GH_MEM_HANDLE_INVALID ? -EPROTO : 0;
}

/**
 * gh_rm_mem_append() - add memory to a parcel made with @more
 * @rm: the RM
 * @handle: the parcel
 * @entries: the memory
 * @n: entries, at most GH_RM_MAX_MEM_ENTRIES
 * @more: these are not the last
 */
int gh_rm_mem_append(struct gh_rm *rm, u32 handle, const struct gh_rm_mem_entry *entries,
		     unsigned int n, bool more)
{
	struct gh_rm_mem_append_req *req;
	size_t size;
	int ret;

	if (!n || n > GH_RM_MAX_MEM_ENTRIES)
		return -EINVAL;

	size = sizeof(*req) + sizeof(struct gh_rm_list) + n * sizeof(*entries);
	req = kzalloc(size, GFP_KERNEL);
	if (!req)
		return -ENOMEM;

	req->handle = cpu_to_le32(handle);
	req->flags = more ? 0 : GH_RM_MEM_APPEND_END;
	gh_rm_put_list(req + 1, entries, n, sizeof(*entries));

	ret = gh_rm_call_fixed(rm, GH_CALL_MEM_APPEND, req, size, NULL, 0);
	kfree(req);

	return ret;
}

/* gh_rm_mem_reclaim() - take a parcel back; 0 means that the host owns it again. */
int gh_rm_mem_reclaim(struct gh_rm *rm, u32 handle)
{
	struct gh_rm_mem_reclaim_req req = { .handle = cpu_to_le32(handle) };

	return gh_rm_call_fixed(rm, GH_CALL_MEM_RECLAIM, &req, sizeof(req), NULL, 0);
}
