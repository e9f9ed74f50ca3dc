// SPDX-License-Identifier: GPL-2.0-only
/*
 * All VMs, for those who look after the machine: /sys/kernel/debug/gunyah.
 *
 *   vms     a line for each VM: number, creator, state, and what it has
 *   totals  their sums, and the pages that the resource manager did not give back
 *   vcpus   of gunyah_vcpu.ko
 *
 * A VM is in the list from its allocation until it is freed, so totals of 0 mean
 * that nothing is left, whoever held it. What a VM has is counted under the VM's own
 * locks and read here without: a reader never waits for the resource manager.
 *
 * Locks: gh_vm_list_lock, after all others.
 */
#include <linux/debugfs.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "vm_mgr.h"

#define CREATE_TRACE_POINTS
#include "gunyah_vm_trace.h"

static LIST_HEAD(gh_vm_list);
static DEFINE_MUTEX(gh_vm_list_lock);
/* Pages that stay pinned for ever, of VMs that are gone. */
static atomic_long_t gh_pages_lost;
/* Owned; an error value when there is no debugfs, which all calls accept. */
static struct dentry *gh_debugfs_dir;

void gh_vm_list_add(struct gunyah_vm *ghvm)
{
	mutex_lock(&gh_vm_list_lock);
	list_add_tail(&ghvm->list, &gh_vm_list);
	mutex_unlock(&gh_vm_list_lock);
	trace_gh_vm_create(ghvm);
}

void gh_vm_list_del(struct gunyah_vm *ghvm)
{
	mutex_lock(&gh_vm_list_lock);
	list_del(&ghvm->list);
	mutex_unlock(&gh_vm_list_lock);
}

void gh_vm_count_lost(unsigned long npages)
{
	atomic_long_add(npages, &gh_pages_lost);
}

static const char *gh_vm_state_name(const struct gunyah_vm *ghvm)
{
	switch (READ_ONCE(ghvm->state)) {
	case GUNYAH_VM_NOT_STARTED:
		return "not-started";
	case GUNYAH_VM_RUNNING:
		return "running";
	case GUNYAH_VM_EXITED:
		return "exited";
	case GUNYAH_VM_FAILED:
		return "failed";
	}
	return "unknown";
}

static int gh_vms_show(struct seq_file *m, void *v)
{
	const struct gunyah_vm *ghvm;

	seq_puts(m, "vm owner state files regions pages parcels functions posted\n");
	mutex_lock(&gh_vm_list_lock);
	list_for_each_entry(ghvm, &gh_vm_list, list) {
		seq_printf(m, "%u %d %s %u %u %lu %u %u %llu\n", READ_ONCE(ghvm->vmid),
			   ghvm->owner, gh_vm_state_name(ghvm), refcount_read(&ghvm->users),
			   READ_ONCE(ghvm->nr_regions), READ_ONCE(ghvm->nr_pages),
			   READ_ONCE(ghvm->nr_parcels), READ_ONCE(ghvm->nr_functions),
			   (u64)atomic64_read(&ghvm->posted));
	}
	mutex_unlock(&gh_vm_list_lock);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(gh_vms);

static int gh_totals_show(struct seq_file *m, void *v)
{
	unsigned int vms = 0, regions = 0, parcels = 0, functions = 0;
	const struct gunyah_vm *ghvm;
	unsigned long pages = 0;

	mutex_lock(&gh_vm_list_lock);
	list_for_each_entry(ghvm, &gh_vm_list, list) {
		vms++;
		regions += READ_ONCE(ghvm->nr_regions);
		pages += READ_ONCE(ghvm->nr_pages);
		parcels += READ_ONCE(ghvm->nr_parcels);
		functions += READ_ONCE(ghvm->nr_functions);
	}
	mutex_unlock(&gh_vm_list_lock);

	seq_printf(m, "vms:\t%u\n", vms);
	seq_printf(m, "regions:\t%u\n", regions);
	seq_printf(m, "pages:\t%lu\n", pages);
	seq_printf(m, "parcels:\t%u\n", parcels);
	seq_printf(m, "functions:\t%u\n", functions);
	seq_printf(m, "pages_lost:\t%ld\n", atomic_long_read(&gh_pages_lost));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(gh_totals);

/* gunyah_debugfs() - where other modules of the host stack put their files. */
struct dentry *gunyah_debugfs(void)
{
	return gh_debugfs_dir;
}
EXPORT_SYMBOL_GPL(gunyah_debugfs);

void gh_debugfs_init(void)
{
	gh_debugfs_dir = debugfs_create_dir("gunyah", NULL);
	debugfs_create_file("vms", 0400, gh_debugfs_dir, NULL, &gh_vms_fops);
	debugfs_create_file("totals", 0400, gh_debugfs_dir, NULL, &gh_totals_fops);
}

/* Waits for readers. */
void gh_debugfs_exit(void)
{
	debugfs_remove(gh_debugfs_dir);
}
