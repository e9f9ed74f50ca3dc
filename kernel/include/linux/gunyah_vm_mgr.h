/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the VM manager (gunyah_rsc_mgr.ko) offers VM functions such as the vCPU.
 *
 * A VM function is code that the user adds to a VM with ADD_FUNCTION. It claims
 * hypervisor objects with tickets: a ticket names a type and a label, and is
 * populated when the RM reports such an object (VM_START), unpopulated before
 * the VM is reset. A VM that was stopped can start again: then it is populated anew.
 */
#ifndef _LINUX_GUNYAH_VM_MGR_H
#define _LINUX_GUNYAH_VM_MGR_H

#include <linux/gunyah.h>
#include <linux/module.h>
#include <linux/notifier.h>

#include <uapi/linux/gunyah.h>

struct dentry;
struct gunyah_vm;

/* References keep the struct; the hypervisor's VM can be gone before. */
bool __must_check gunyah_vm_get(struct gunyah_vm *ghvm);
void gunyah_vm_put(struct gunyah_vm *ghvm);

/*
 * A hold keeps the VM itself alive: the VM's file has one, and each file that a
 * function installs takes one in bind and drops it in release. The last drop stops
 * the VM, unbinds its functions and takes its memory back, before it returns; it
 * sleeps, and the caller needs a reference to use @ghvm afterwards. An object that
 * lives until unbind must not hold, only get.
 */
void gunyah_vm_hold(struct gunyah_vm *ghvm);
void gunyah_vm_drop(struct gunyah_vm *ghvm);

/* The VM's number for messages and tracepoints; 0 before it has one. */
u16 gunyah_vm_id(struct gunyah_vm *ghvm);

/*
 * The address space whose memory was given to the VM, for comparison only: the
 * pointer is valid as long as @ghvm (mmgrab), its users may be gone.
 */
struct mm_struct *gunyah_vm_mm(struct gunyah_vm *ghvm);

/* The host stack's directory in debugfs, until gunyah_rsc_mgr.ko is unloaded. */
struct dentry *gunyah_debugfs(void);

/* The life of a VM as its functions see it; changes are notified. */
enum gunyah_vm_state {
	GUNYAH_VM_NOT_STARTED,	/* being configured, or stopped: running a vCPU is -ENODEV */
	GUNYAH_VM_RUNNING,
	GUNYAH_VM_EXITED,	/* the RM said VM_EXITED, or the driver stopped it */
	GUNYAH_VM_FAILED,	/* could not be started, or not be stopped */
};

/**
 * struct gunyah_vm_exit_info - content of VM_EXITED
 * @type: the RM's exit type (0 EXIT, 1 OFF, 2 RESET, 3 RESET2, 4 WDT, 5 error, 7 STOP_FORCED)
 * @reason_size: bytes of @reason that are valid
 * @reason: first bytes of the reason
 */
struct gunyah_vm_exit_info {
	u16 type;
	u32 reason_size;
	u8 reason[GH_VM_MAX_EXIT_REASON_SIZE];
};

/*
 * gunyah_vm_state() - the state now, from process context. When it is EXITED, @info
 * (may be NULL) is complete. Without @info from any context.
 */
enum gunyah_vm_state gunyah_vm_state(struct gunyah_vm *ghvm, struct gunyah_vm_exit_info *info);

/*
 * A vCPU that is off can only be switched on by another one: a VM of which all are off will
 * not go on, also when the RM does not say so. vcpu_off() when the hypervisor said so of a
 * vCPU, vcpu_on() when it said anything else, or the vCPU is not the VM's any more; in
 * turns, from process context. is_off() sets @turn, which is another whenever one was on
 * in between.
 */
void gunyah_vm_vcpu_off(struct gunyah_vm *ghvm);
void gunyah_vm_vcpu_on(struct gunyah_vm *ghvm);
bool gunyah_vm_is_off(struct gunyah_vm *ghvm, u32 *turn);

/*
 * gunyah_vm_start_first() - VM_START, unless the VM was started or stopped before. Sleeps
 * as long as VM_START; no lock may be held, and no vCPU be owned.
 * Return: 0 if the VM runs, -ENODEV if it does not and did before, or what VM_START says
 */
int gunyah_vm_start_first(struct gunyah_vm *ghvm);

/*
 * Called in process context after each change of state but the one to NOT_STARTED,
 * with the new state as action and no lock of the VM manager held but the notifier's
 * own.
 */
int gunyah_vm_register_notifier(struct gunyah_vm *ghvm, struct notifier_block *nb);
int gunyah_vm_unregister_notifier(struct gunyah_vm *ghvm, struct notifier_block *nb);

struct gunyah_vm_io_range;

/**
 * struct gunyah_vm_io_last - the range that a vCPU wrote to last; zero before the first
 * @range: borrowed, valid only as long as no range of the VM was removed since @removed
 * @removed: how many were, when it was looked up, and one more
 */
struct gunyah_vm_io_last {
	struct gunyah_vm_io_range *range;
	unsigned long removed;
};

/*
 * gunyah_vm_mmio_write() - offer a guest's write of 1, 2, 4 or 8 bytes to in-kernel
 * handlers; @vcpu is the index of the vCPU that writes, @last its own
 * Return: 0 if it was consumed, -ENOENT if user space must see it. Does not
 * sleep, takes no lock that a handler could want.
 */
int gunyah_vm_mmio_write(struct gunyah_vm *ghvm, struct gunyah_vm_io_last *last, u32 vcpu,
			 u64 addr, u32 len, u64 data);

/**
 * struct gunyah_vm_io_handler - in-kernel handler of guest writes to one address
 * @addr: guest physical address
 * @len: of the writes it takes: 1, 2, 4 or 8 bytes, or 0 for any
 * @match: only writes of the value @datamatch; needs a @len
 * @datamatch: the value
 * @write: returns 0 if it consumed the write, -ENOENT if it did not;
 *	called under RCU, does not sleep
 *
 * Added in bind, removed in unbind, and freed by RCU after.
 */
struct gunyah_vm_io_handler {
	u64 addr;
	u32 len;
	bool match;
	u64 datamatch;
	int (*write)(struct gunyah_vm_io_handler *handler, u32 len, u64 data);
};

int gunyah_vm_add_io_handler(struct gunyah_vm *ghvm, struct gunyah_vm_io_handler *handler);
void gunyah_vm_remove_io_handler(struct gunyah_vm *ghvm, struct gunyah_vm_io_handler *handler);

/**
 * struct gunyah_vm_io_range - in-kernel handler of guest writes to a range
 * @addr: guest physical address
 * @size: in bytes
 * @write: as of a handler; called for writes that lie wholly in the range and that
 *	no handler took
 */
struct gunyah_vm_io_range {
	u64 addr;
	u64 size;
	int (*write)(struct gunyah_vm_io_range *range, u32 vcpu, u64 addr, u32 len, u64 data);
};

int gunyah_vm_add_io_range(struct gunyah_vm *ghvm, struct gunyah_vm_io_range *range);
void gunyah_vm_remove_io_range(struct gunyah_vm *ghvm, struct gunyah_vm_io_range *range);

/* The number of the next posted write of the VM, from 1. */
u64 gunyah_vm_next_posted(struct gunyah_vm *ghvm);

/**
 * struct gunyah_vm_resource_ticket - claim on an object the RM will report
 * @vm_list: in the VM's list of tickets
 * @resources: objects given to this ticket
 * @resource_type, @label: what is claimed; -EEXIST if the VM has such a ticket
 * @owner: module of the callbacks
 * @populate: the object exists. On error the object goes without an owner and
 *	VM_START fails with that error
 * @unpopulate: the object is about to go. Must stop all use of it; the VM manager
 *	frees it and unmaps its interrupt afterwards
 *
 * Callbacks run in process context under the VM's resource lock; they must not
 * add or remove tickets.
 */
struct gunyah_vm_resource_ticket {
	struct list_head vm_list;
	struct list_head resources;
	enum gunyah_resource_type resource_type;
	u32 label;
	struct module *owner;
	int (*populate)(struct gunyah_vm_resource_ticket *ticket, struct gunyah_resource *ghrsc);
	void (*unpopulate)(struct gunyah_vm_resource_ticket *ticket,
			   struct gunyah_resource *ghrsc);
};

int gunyah_vm_add_resource_ticket(struct gunyah_vm *ghvm,
				  struct gunyah_vm_resource_ticket *ticket);
/* Unpopulates what the ticket holds. The caller's own reference keeps @ghvm. */
void gunyah_vm_remove_resource_ticket(struct gunyah_vm *ghvm,
				      struct gunyah_vm_resource_ticket *ticket);

/**
 * struct gunyah_vm_function_instance - one added function
 * @ghvm: borrowed; valid until unbind returns. Take a reference to keep it
 * @arg, @arg_size: the argument, kernel copy, owned by the VM manager, valid
 *	until unbind returns
 * @by_name: it was added as in v8 and v9 of the interface
 * @data: the function's own
 */
struct gunyah_vm_function_instance {
	struct gunyah_vm *ghvm;
	void *arg;
	u32 arg_size;
	bool by_name;
	void *data;
	/* private to the VM manager */
	struct gunyah_vm_function *fn;
	struct list_head vm_list;
};

/**
 * struct gunyah_vm_function - a kind of function, registered by a module
 * @type: GH_FN_*
 * @name: the same by name
 * @mod: owner
 * @arg_size: exact size of the argument by number
 * @name_arg_size: by name the argument is the first @name_arg_size bytes of the data,
 *	the rest of it reads as zero; 0: @arg_size
 * @bind: returns a value >= 0 for the user (a file descriptor) or -errno. A file
 *	must be installed as its last step, for nothing after it can fail
 * @unbind: called once, on REMOVE_FUNCTION or when the VM's last hold is dropped
 * @compare: whether REMOVE_FUNCTION with @arg means this instance; asked only if no
 *	instance has exactly this argument
 */
struct gunyah_vm_function {
	u32 type;
	const char *name;
	struct module *mod;
	u32 arg_size;
	u32 name_arg_size;
	long (*bind)(struct gunyah_vm_function_instance *f);
	void (*unbind)(struct gunyah_vm_function_instance *f);
	bool (*compare)(const struct gunyah_vm_function_instance *f, const void *arg, u32 size);
	/* private to the VM manager */
	struct list_head list;
};

int gunyah_vm_function_register(struct gunyah_vm_function *f);
void gunyah_vm_function_unregister(struct gunyah_vm_function *f);

struct eventfd_ctx;
struct vm_area_struct;

/**
 * struct gunyah_shared - memory that user space maps, and an eventfd that tells of it
 * @mem: owned
 * @size: of @mem, whole pages
 * @ctx: owned, or NULL
 */
struct gunyah_shared {
	void *mem;
	size_t size;
	struct eventfd_ctx *ctx;
};

int gunyah_shared_init(struct gunyah_shared *shared, size_t size, int fd);
void gunyah_shared_free(struct gunyah_shared *shared);
int gunyah_shared_mmap(const struct gunyah_shared *shared, struct vm_area_struct *vma);

/* A function has two aliases: its GH_FN_* number, and its name as a string. */
#define MODULE_ALIAS_GUNYAH_VM_FUNCTION(_type)	MODULE_ALIAS("ghfunc:" __stringify(_type))

#endif /* _LINUX_GUNYAH_VM_MGR_H */
