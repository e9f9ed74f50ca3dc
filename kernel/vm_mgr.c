// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/gunyah, the VM's file and its ioctls.
 *
 * Two kinds of reference. A hold is a file of user space: the VM's own, and one
 * for each vCPU. As long as there is one the VM lives; dropping the last one
 * tears it down, in the context of whoever closes the file, so that after the
 * last close the memory is the caller's again and nothing uses the modules. A
 * reference keeps only the struct, for functions whose objects live longer.
 *
 * Locks: see vm_mgr.h.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vm_mgr.h"

/* The layouts that user space was built with. */
static_assert(sizeof(struct gh_userspace_memory_region) == 32);
static_assert(sizeof(struct gh_vm_dtb_config) == 16);
static_assert(sizeof(struct gh_fn_desc) == 16);
static_assert(sizeof(struct gh_vm_function) == 1056);
static_assert(GH_CREATE_VM == 0x4700);
static_assert(GH_VM_SET_USER_MEM_REGION == 0x40204701);
static_assert(GH_VM_ANDROID_LEND_USER_MEM == 0x40204111);
static_assert(GH_VM_SET_DTB_CONFIG == 0x40104702);
static_assert(GH_VM_START == 0x4703);
static_assert(GH_VM_STOP == 0x4745);
static_assert(GH_VM_ADD_FUNCTION == 0x40104704);
static_assert(GH_VM_ADD_FUNCTION_BY_NAME == 0x44204704);
static_assert(GH_VM_REMOVE_FUNCTION == 0x40104707);

static void gh_vm_release_ref(struct kref *ref)
{
	struct gunyah_vm *ghvm = container_of(ref, struct gunyah_vm, ref);

	gh_vm_list_del(ghvm);
	gh_vm_io_exit(ghvm);
	gh_rm_put(ghvm->rm);
	mmdrop(ghvm->mm);
	kfree(ghvm);
}

/**
 * gunyah_vm_get() - keep a VM's struct
 * @ghvm: a VM that was valid, under whatever kept it so
 *
 * Return: false if it is about to be freed
 */
bool gunyah_vm_get(struct gunyah_vm *ghvm)
{
	return kref_get_unless_zero(&ghvm->ref);
}
EXPORT_SYMBOL_GPL(gunyah_vm_get);

/* gunyah_vm_put() - in process context. */
void gunyah_vm_put(struct gunyah_vm *ghvm)
{
	kref_put(&ghvm->ref, gh_vm_release_ref);
}
EXPORT_SYMBOL_GPL(gunyah_vm_put);

/**
 * gunyah_vm_hold() - one more file keeps a VM running
 * @ghvm: a VM that something holds, as during bind
 */
void gunyah_vm_hold(struct gunyah_vm *ghvm)
{
	refcount_inc(&ghvm->users);
}
EXPORT_SYMBOL_GPL(gunyah_vm_hold);

/*
 * gunyah_vm_drop() - the file is closed. The last one stops the VM, unbinds its
 * functions and takes its memory back, which may take many round trips to the RM.
 * The caller has a reference if it uses @ghvm afterwards.
 */
void gunyah_vm_drop(struct gunyah_vm *ghvm)
{
	might_sleep();
	if (!refcount_dec_and_test(&ghvm->users))
		return;

	gh_vm_teardown(ghvm);
	gunyah_vm_put(ghvm);
}
EXPORT_SYMBOL_GPL(gunyah_vm_drop);

u16 gunyah_vm_id(struct gunyah_vm *ghvm)
{
	return READ_ONCE(ghvm->vmid);
}
EXPORT_SYMBOL_GPL(gunyah_vm_id);

struct mm_struct *gunyah_vm_mm(struct gunyah_vm *ghvm)
{
	return ghvm->mm;
}
EXPORT_SYMBOL_GPL(gunyah_vm_mm);

static long gh_vm_set_dtb(struct gunyah_vm *ghvm, void __user *uarg)
{
	struct gh_vm_dtb_config dtb;
	long ret = -EBUSY;
	u64 end;

	if (copy_from_user(&dtb, uarg, sizeof(dtb)))
		return -EFAULT;
	if (!dtb.size)
		return -EINVAL;
	if (check_add_overflow(dtb.guest_phys_addr, dtb.size, &end))
		return -EOVERFLOW;

	mutex_lock(&ghvm->lock);
	if (gh_vm_configurable(ghvm)) {
		ghvm->dtb = dtb;
		ghvm->has_dtb = true;
		ret = 0;
	}
	mutex_unlock(&ghvm->lock);

	return ret;
}

static long gh_vm_set_mem_region(struct gunyah_vm *ghvm, void __user *uarg, u32 flags)
{
	struct gh_userspace_memory_region region;
	long ret = -EBUSY;

	if (copy_from_user(&region, uarg, sizeof(region)))
		return -EFAULT;
	region.flags |= flags;
	/* One owner of the memory, one account for it. */
	if (current->mm != ghvm->mm)
		return -EPERM;

	mutex_lock(&ghvm->lock);
	if (gh_vm_configurable(ghvm))
		ret = gh_vm_mm_set_region(ghvm, &region);
	mutex_unlock(&ghvm->lock);

	return ret;
}

static long gh_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct gunyah_vm *ghvm = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case GH_VM_SET_USER_MEM_REGION:
		return gh_vm_set_mem_region(ghvm, uarg, 0);
	case GH_VM_ANDROID_LEND_USER_MEM:
		return gh_vm_set_mem_region(ghvm, uarg, GH_MEM_LENT);
	case GH_VM_SET_DTB_CONFIG:
		return gh_vm_set_dtb(ghvm, uarg);
	case GH_VM_START:
		return gh_vm_start(ghvm);
	case GH_VM_STOP:
		return gh_vm_stop(ghvm);
	case GH_VM_ADD_FUNCTION:
	case GH_VM_ADD_FUNCTION_BY_NAME:
	case GH_VM_REMOVE_FUNCTION:
	case GH_VM_REMOVE_FUNCTION_BY_NAME:
		return gh_vm_fn_ioctl(ghvm, cmd, uarg);
	default:
		return -ENOTTY;
	}
}

static int gh_vm_file_release(struct inode *inode, struct file *file)
{
	gunyah_vm_drop(file->private_data);

	return 0;
}

static const struct file_operations gh_vm_fops = {
	.owner = THIS_MODULE,
	.release = gh_vm_file_release,
	.unlocked_ioctl = gh_vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct gunyah_vm *gh_vm_alloc(struct gh_rm *rm)
{
	struct gunyah_vm *ghvm = kzalloc(sizeof(*ghvm), GFP_KERNEL_ACCOUNT);

	if (!ghvm)
		return NULL;

	kref_init(&ghvm->ref);
	refcount_set(&ghvm->users, 1);
	mutex_init(&ghvm->lock);
	INIT_LIST_HEAD(&ghvm->regions);
	gh_vm_fn_init(ghvm);
	gh_vm_res_init(ghvm);
	gh_vm_life_init(ghvm);
	gh_vm_io_init(ghvm);
	ghvm->rm = gh_rm_get(rm);
	mmgrab(current->mm);
	ghvm->mm = current->mm;
	ghvm->owner = task_tgid_nr(current);
	gh_vm_list_add(ghvm);

	return ghvm;
}

static long gh_dev_create_vm(struct gh_rm *rm, unsigned long arg)
{
	struct gunyah_vm *ghvm;
	struct file *file;
	int fd;

	if (arg)
		return -EINVAL;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	ghvm = gh_vm_alloc(rm);
	if (!ghvm) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	file = anon_inode_getfile("gunyah-vm", &gh_vm_fops, ghvm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		gunyah_vm_drop(ghvm);
		return PTR_ERR(file);
	}
	fd_install(fd, file);

	return fd;
}

static long gh_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct gh_rm *rm = container_of(file->private_data, struct gh_rm, misc);

	switch (cmd) {
	case GH_CREATE_VM:
		return gh_dev_create_vm(rm, arg);
	default:
		return -ENOTTY;
	}
}

const struct file_operations gh_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = gh_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
