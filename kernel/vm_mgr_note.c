// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the RM notifies of VMs: checked, and recorded at once, in the order it came.
 *
 * A VM hears of itself from gh_vm_note_begin() to gh_vm_note_end(). The lock of the
 * table is held while a notification is recorded, so that none comes after.
 *
 * Locks: see vm_mgr.h.
 */
#include <linux/unaligned.h>
#include <linux/xarray.h>

#include "vm_mgr.h"

#define GH_NOTIFY_VM_EXITED	0x56100001
#define GH_NOTIFY_VM_STATUS	0x56100008
#define GH_NOTIFY_MEM_RELEASED	0x51100012

struct gh_vm_exited_payload {
	__le16 vmid;
	__le16 type;
	__le32 reason_size;
	u8 reason[];
} __packed;

struct gh_vm_status_payload {
	__le16 vmid;
	__le16 reserved;
	u8 vm;
	u8 os;
	__le16 app;
} __packed;

struct gh_mem_released_payload {
	__le32 handle;
	__le16 vmid;
	__le16 reserved;
	__le32 tag;
} __packed;

/* VMs that have a number, by number. */
static DEFINE_XARRAY(gh_vms);

/* -EBUSY if another VM has the number. */
int gh_vm_note_begin(struct gunyah_vm *ghvm, u16 vmid)
{
	return xa_insert(&gh_vms, vmid, ghvm, GFP_KERNEL);
}

void gh_vm_note_end(struct gunyah_vm *ghvm)
{
	xa_erase(&gh_vms, ghvm->vmid);
}

/* Under gh_vms' lock, like the two that follow. Returns false if it makes no sense. */
static bool gh_vm_note_exited(struct gunyah_vm *ghvm, const struct gh_vm_exited_payload *p,
			      size_t size)
{
	u32 reason_size = le32_to_cpu(p->reason_size);
	struct gunyah_vm_exit_info *info = &ghvm->exit_info;
	bool ok = false;

	if (reason_size != size - sizeof(*p))
		return false;

	spin_lock(&ghvm->state_lock);
	if (ghvm->starting && !ghvm->exit_seen) {
		info->type = le16_to_cpu(p->type);
		info->reason_size = min_t(u32, reason_size, sizeof(info->reason));
		memcpy(info->reason, p->reason, info->reason_size);
		ghvm->exit_seen = true;
		if (ghvm->state == GUNYAH_VM_RUNNING)
			gh_vm_set_state(ghvm, GUNYAH_VM_EXITED);
		ok = true;
	}
	spin_unlock(&ghvm->state_lock);

	return ok;
}

static bool gh_vm_note_status(struct gunyah_vm *ghvm, const struct gh_vm_status_payload *p)
{
	if (!gh_rm_vm_status_known(p->vm))
		return false;

	spin_lock(&ghvm->state_lock);
	WRITE_ONCE(ghvm->rm_status, p->vm);
	spin_unlock(&ghvm->state_lock);
	wake_up(&ghvm->status_wait);

	return true;
}

static bool gh_vm_note_released(struct gunyah_vm *ghvm, const struct gh_mem_released_payload *p)
{
	/* RESET releases all parcels and says so; the status RESET is what counts. */
	return le32_to_cpu(p->handle) != GH_MEM_HANDLE_INVALID;
}

static bool gh_vm_note(struct gunyah_vm *ghvm, u32 msg_id, const void *payload, size_t size)
{
	switch (msg_id) {
	case GH_NOTIFY_VM_EXITED:
		return gh_vm_note_exited(ghvm, payload, size);
	case GH_NOTIFY_VM_STATUS:
		return gh_vm_note_status(ghvm, payload);
	default:
		return gh_vm_note_released(ghvm, payload);
	}
}

/**
 * gh_vm_notification() - the RM says something about a VM
 * @rm: the RM
 * @msg_id: what
 * @payload: untrusted
 * @size: of @payload
 *
 * Called by the receiving thread: it neither waits nor calls the RM.
 */
void gh_vm_notification(struct gh_rm *rm, u32 msg_id, const void *payload, size_t size)
{
	struct gunyah_vm *ghvm;
	size_t vmid_pos = 0;
	size_t min_size;
	bool ok = false;

	switch (msg_id) {
	case GH_NOTIFY_VM_EXITED:
		min_size = sizeof(struct gh_vm_exited_payload);
		break;
	case GH_NOTIFY_VM_STATUS:
		min_size = sizeof(struct gh_vm_status_payload);
		break;
	case GH_NOTIFY_MEM_RELEASED:
		min_size = sizeof(struct gh_mem_released_payload);
		vmid_pos = offsetof(struct gh_mem_released_payload, vmid);
		break;
	default:
		gh_rm_drop(rm, "unknown notification", msg_id);
		return;
	}

	if (size >= min_size) {
		xa_lock(&gh_vms);
		ghvm = xa_load(&gh_vms, get_unaligned_le16(payload + vmid_pos));
		if (ghvm && ghvm->rm == rm)
			ok = gh_vm_note(ghvm, msg_id, payload, size);
		xa_unlock(&gh_vms);
	}
	if (!ok)
		gh_rm_drop(rm, "notification", msg_id);
}
