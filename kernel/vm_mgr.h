/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM inside gunyah_rsc_mgr.ko.
 *
 *   vm_mgr.c       /dev/gunyah, the VM's file and ioctls, references
 *   vm_mgr_life.c  start, exit, teardown
 *   vm_mgr_note.c  notifications of the RM
 *   vm_mgr_mm.c    memory regions: pinning, accounting, parcels
 *   vm_mgr_res.c   hypervisor objects and the tickets that claim them
 *   vm_mgr_fn.c    VM functions
 *   vm_mgr_io.c    in-kernel handlers of guest writes
 *   vm_mgr_shared.c memory that the driver writes and user space maps
 *   vm_mgr_debug.c the list of all VMs, debugfs, tracepoints
 *
 * Locks of a VM, in this order. rsc_mgr.c lists those of the RM, which come after.
 *   fn_lock     list of functions. Held over bind and unbind.
 *   lock        configuration, life, regions. Held over calls to the RM.
 *   res_lock    tickets and objects. Held over populate and unpopulate.
 *   gh_vms      (vm_mgr_note.c, spinlock) VMs by number. Notifications of the RM
 *               find the VM and use it under this lock, so that a VM that left
 *               the table hears nothing any more.
 *   state_lock  (spinlock) what the RM said last, and the state shown to others.
 * Notifier callbacks run from a work item with none of these held; teardown and
 * VM_START wait for it under lock, which no callback can want.
 */
#ifndef GUNYAH_VM_MGR_H
#define GUNYAH_VM_MGR_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/refcount.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <linux/gunyah_vm_mgr.h>

#include "rsc_mgr.h"

struct mm_struct;

/*
 * How far the host has brought a VM with the RM, as far as the host knows. It
 * decides how the VM is taken down, for the wrong request kills the RM.
 */
enum gh_vm_life {
	GH_VM_UNBORN,		/* the RM does not know it (any more): nothing to do */
	GH_VM_LOADED,		/* has a number, no configuration: DEALLOC */
	GH_VM_CONFIGURED,	/* accepts VM_INIT only: VM_INIT, then as READY */
	GH_VM_READY,		/* RESET, reclaim, DEALLOC */
	GH_VM_STARTED,		/* STOP unless it exited, then as READY */
	GH_VM_INIT_FAILED,	/* has a configuration: as READY */
	GH_VM_RESET,		/* reclaim, DEALLOC */
	GH_VM_LOST,		/* unknown, or nothing is accepted: reclaim what can be */
};

/**
 * struct gunyah_vm - a VM
 * @ref: keeps this struct
 * @list: in the list of all VMs
 * @owner: process that created it, for messages only
 * @users: files that keep the VM running; the last one tears it down
 * @rm: owned reference
 * @mm: whose memory it is given, owned by mmgrab()
 * @fn_lock: @functions
 * @functions: struct gunyah_vm_function_instance
 * @nr_functions: in it; the nr_ fields are read without their locks too
 * @lock: @life to @stopped
 * @life: changed in vm_mgr_life.c only
 * @vmid: its number while @life is LOADED or later, then as it was; 0 before
 * @regions: struct gh_vm_region, by guest address
 * @nr_regions, @nr_pages: in it
 * @nr_parcels: regions that the RM has
 * @dtb: as configured
 * @has_dtb: it is
 * @stopped: by GH_VM_STOP, once: what it does next is said by VM_START only
 * @res_lock: @tickets and @resources
 * @tickets: struct gunyah_vm_resource_ticket
 * @resources: struct gh_vm_resource that no ticket claims
 * @nr_vcpus: vCPUs among all objects
 * @vcpus_off: those of them that the hypervisor said are off, and nothing else since
 * @vcpus_on: how often one was not off any more
 * @state_lock: @state to @pending
 * @state: shown to others; read without the lock too
 * @state_seq: @state and @exit_info are read together
 * @exit_info: complete before @state becomes EXITED, then constant until GH_VM_STOP
 * @starting: VM_START was sent, the guest may exit
 * @exit_seen: VM_EXITED came
 * @rm_status: the last VM_STATUS
 * @pending: bits of enum gunyah_vm_state that @notifier has not been told
 * @status_wait: @rm_status or @state changed
 * @notify_work: tells @notifier
 * @notifier: functions that want to know the state
 * @io: handlers of guest writes, by guest address; see vm_mgr_io.c
 * @io_ranges: struct gunyah_vm_io_range, by guest address
 * @io_removed: ranges that were removed, and one more: see struct gunyah_vm_io_last
 * @posted: writes that were posted so far
 */
struct gunyah_vm {
	struct kref ref;
	struct list_head list;
	pid_t owner;
	refcount_t users;
	struct gh_rm *rm;
	struct mm_struct *mm;

	struct mutex fn_lock;		/* functions */
	struct list_head functions;
	unsigned int nr_functions;

	struct mutex lock;		/* life, configuration, regions */
	enum gh_vm_life life;
	u16 vmid;
	struct list_head regions;
	unsigned int nr_regions;
	unsigned int nr_parcels;
	unsigned long nr_pages;
	struct gh_vm_dtb_config dtb;
	bool has_dtb;
	bool stopped;

	struct mutex res_lock;		/* tickets, resources */
	struct list_head tickets;
	struct list_head resources;
	unsigned int nr_vcpus;
	atomic_t vcpus_off;
	atomic_t vcpus_on;

	spinlock_t state_lock;		/* what the RM said, what others see */
	seqcount_spinlock_t state_seq;
	enum gunyah_vm_state state;
	struct gunyah_vm_exit_info exit_info;
	bool starting;
	bool exit_seen;
	enum gh_rm_vm_status rm_status;
	unsigned long pending;
	wait_queue_head_t status_wait;
	struct work_struct notify_work;
	struct blocking_notifier_head notifier;

	struct xarray io;
	struct maple_tree io_ranges;
	unsigned long io_removed;
	atomic64_t posted;
};

/* vm_mgr_life.c */
void gh_vm_life_init(struct gunyah_vm *ghvm);
int gh_vm_start(struct gunyah_vm *ghvm);
int gh_vm_stop(struct gunyah_vm *ghvm);
void gh_vm_teardown(struct gunyah_vm *ghvm);
bool gh_vm_configurable(struct gunyah_vm *ghvm);
/* Under state_lock; the notifier is told. */
void gh_vm_set_state(struct gunyah_vm *ghvm, enum gunyah_vm_state state);

/* vm_mgr_note.c */
int gh_vm_note_begin(struct gunyah_vm *ghvm, u16 vmid);
void gh_vm_note_end(struct gunyah_vm *ghvm);

/* vm_mgr_mm.c; all under the VM's lock */
int gh_vm_mm_set_region(struct gunyah_vm *ghvm, const struct gh_userspace_memory_region *arg);
int gh_vm_mm_plan(struct gunyah_vm *ghvm, struct gh_rm_image *image);
int gh_vm_mm_give(struct gunyah_vm *ghvm, struct gh_rm_image *image);
bool gh_vm_mm_reclaim(struct gunyah_vm *ghvm);
void gh_vm_mm_free(struct gunyah_vm *ghvm);

/* vm_mgr_res.c */
void gh_vm_res_init(struct gunyah_vm *ghvm);
int gh_vm_res_populate(struct gunyah_vm *ghvm);
void gh_vm_res_depopulate(struct gunyah_vm *ghvm);

/* vm_mgr_fn.c */
void gh_vm_fn_init(struct gunyah_vm *ghvm);
long gh_vm_fn_ioctl(struct gunyah_vm *ghvm, unsigned int cmd, void __user *arg);
void gh_vm_fn_unbind_all(struct gunyah_vm *ghvm);

/* vm_mgr_io.c */
void gh_vm_io_init(struct gunyah_vm *ghvm);
void gh_vm_io_exit(struct gunyah_vm *ghvm);

/* vm_mgr_debug.c */
void gh_vm_list_add(struct gunyah_vm *ghvm);
void gh_vm_list_del(struct gunyah_vm *ghvm);
void gh_vm_count_lost(unsigned long npages);

#endif /* GUNYAH_VM_MGR_H */
