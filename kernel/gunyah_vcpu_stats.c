// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a vCPU says about itself: GH_VCPU_STATS, fdinfo, and one line of debugfs, in
 * the same words.
 *
 * The counters are plain words of the vCPU's owner: whoever reads them sees each one
 * whole, but not all at one moment. Nothing here waits for a run.
 *
 * debugfs has one table of all vCPUs, and not a file for each: those would cost as
 * much memory as the vCPU itself. A vCPU is in the list from its allocation until
 * it is freed, and the list's lock keeps it, so a table without lines means that
 * none is left, whoever held it.
 *
 * Locks: gh_vcpu_list_lock, the last one.
 */
#include <linux/debugfs.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "gunyah_vcpu.h"

static_assert(sizeof(struct gh_vcpu_stats) == 96);
static_assert(offsetof(struct gh_vcpu_stats, kicks) == 88);
static_assert(sizeof(struct gh_vcpu_stats_arg) == 16);
static_assert(GH_VCPU_STATS == 0xc0104744);

/* In the order of the struct, so that fdinfo and debugfs walk it. */
static const char * const gh_stat_names[] = {
	"runs", "entries", "mmio_reads", "mmio_writes", "mmio_kernel", "status",
	"preempts", "intrs", "parks", "wakes", "stalls", "kicks",
};

static_assert(sizeof(gh_stat_names) / sizeof(*gh_stat_names) ==
	      sizeof(struct gh_vcpu_stats) / sizeof(u64));

static LIST_HEAD(gh_vcpu_list);
static DEFINE_MUTEX(gh_vcpu_list_lock);
/* Owned: the table, and what is no error when there is no debugfs. */
static struct dentry *gh_vcpu_table;

#define gh_stat_index(name)	(offsetof(struct gh_vcpu_stats, name) / sizeof(u64))

/*
 * Most runs are one entry and one access. They only count that, and the other counters
 * get it here; all words only ascend, and so do their sums.
 */
static u64 gh_vcpu_stat(const struct gunyah_vcpu *vcpu, unsigned int n)
{
	const u64 *words = (const u64 *)&vcpu->stats;
	u64 reads = READ_ONCE(vcpu->reads), writes = READ_ONCE(vcpu->writes);

	switch (n) {
	case gh_stat_index(runs):
	case gh_stat_index(entries):
		return READ_ONCE(words[n]) + reads + writes;
	case gh_stat_index(mmio_reads):
		return READ_ONCE(words[n]) + reads;
	case gh_stat_index(mmio_writes):
		return READ_ONCE(words[n]) + writes;
	case gh_stat_index(wakes):
		return READ_ONCE(words[n]) + atomic64_read(&vcpu->told);
	case gh_stat_index(kicks):
		return atomic64_read(&vcpu->kicks);
	default:
		return READ_ONCE(words[n]);
	}
}

/**
 * gh_vcpu_stats() - GH_VCPU_STATS
 * @vcpu: in whatever state
 * @uarg: struct gh_vcpu_stats_arg
 *
 * Return: 0, -EFAULT, -EINVAL for padding or an odd size, -E2BIG above a page
 */
long gh_vcpu_stats(const struct gunyah_vcpu *vcpu, void __user *uarg)
{
	struct gh_vcpu_stats_arg __user *user = uarg;
	u64 words[ARRAY_SIZE(gh_stat_names)];
	struct gh_vcpu_stats_arg arg;
	size_t size;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.padding || arg.size % sizeof(u64))
		return -EINVAL;
	if (arg.size > SZ_4K)
		return -E2BIG;

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = gh_vcpu_stat(vcpu, i);
	size = min_t(size_t, arg.size, sizeof(words));
	if (copy_to_user(u64_to_user_ptr(arg.stats), words, size) ||
	    clear_user(u64_to_user_ptr(arg.stats) + size, arg.size - size))
		return -EFAULT;

	return put_user((u32)sizeof(words), &user->size);
}

static const char *gh_vcpu_phase_name(const struct gunyah_vcpu *vcpu, u32 state)
{
	static const char * const phases[] = {
		[GH_VCPU_IDLE]		= "idle",
		[GH_VCPU_RUNNING]	= "running",
		[GH_VCPU_ASLEEP]	= "asleep",
		[GH_VCPU_PARKED]	= "parked",
		[GH_VCPU_WAKING]	= "waking",
		[GH_VCPU_LEFT]		= "left",
		[GH_VCPU_REPORTING]	= "reporting",
	};

	return READ_ONCE(vcpu->starter) ? "unstarted" : phases[gh_vcpu_phase(state)];
}

/* gh_vcpu_show() - fdinfo, a line for each word. */
void gh_vcpu_show(struct seq_file *m, const struct gunyah_vcpu *vcpu)
{
	u32 state = atomic_read(&vcpu->state);

	seq_printf(m, "gunyah-vm:\t%u\n", gunyah_vm_id(vcpu->ghvm));
	seq_printf(m, "gunyah-vcpu:\t%u\n", vcpu->id);
	seq_printf(m, "state:\t%s%s\n", gh_vcpu_phase_name(vcpu, state),
		   state & GH_VCPU_F_DOWN ? " down" : "");
	for (unsigned int i = 0; i < ARRAY_SIZE(gh_stat_names); i++)
		seq_printf(m, "%s:\t%llu\n", gh_stat_names[i], gh_vcpu_stat(vcpu, i));
}

/* ---- debugfs -------------------------------------------------------------------- */

void gh_vcpu_list_add(struct gunyah_vcpu *vcpu)
{
	mutex_lock(&gh_vcpu_list_lock);
	list_add_tail(&vcpu->list, &gh_vcpu_list);
	mutex_unlock(&gh_vcpu_list_lock);
}

void gh_vcpu_list_del(struct gunyah_vcpu *vcpu)
{
	mutex_lock(&gh_vcpu_list_lock);
	list_del(&vcpu->list);
	mutex_unlock(&gh_vcpu_list_lock);
}

static void *gh_vcpus_start(struct seq_file *m, loff_t *pos)
{
	mutex_lock(&gh_vcpu_list_lock);
	return seq_list_start_head(&gh_vcpu_list, *pos);
}

static void *gh_vcpus_next(struct seq_file *m, void *v, loff_t *pos)
{
	return seq_list_next(v, &gh_vcpu_list, pos);
}

static void gh_vcpus_stop(struct seq_file *m, void *v)
{
	mutex_unlock(&gh_vcpu_list_lock);
}

/* One line: VM, vCPU, state, counters; the first one has their names. */
static int gh_vcpus_show(struct seq_file *m, void *v)
{
	const struct gunyah_vcpu *vcpu;
	u32 state;

	if (v == &gh_vcpu_list) {
		seq_puts(m, "vm vcpu state");
		for (unsigned int i = 0; i < ARRAY_SIZE(gh_stat_names); i++)
			seq_printf(m, " %s", gh_stat_names[i]);
		seq_putc(m, '\n');
		return 0;
	}

	vcpu = list_entry(v, struct gunyah_vcpu, list);
	state = atomic_read(&vcpu->state);
	seq_printf(m, "%u %u %s%s", gunyah_vm_id(vcpu->ghvm), vcpu->id,
		   gh_vcpu_phase_name(vcpu, state), state & GH_VCPU_F_DOWN ? ",down" : "");
	for (unsigned int i = 0; i < ARRAY_SIZE(gh_stat_names); i++)
		seq_printf(m, " %llu", gh_vcpu_stat(vcpu, i));
	seq_putc(m, '\n');
	return 0;
}

static const struct seq_operations gh_vcpus_sops = {
	.start	= gh_vcpus_start,
	.next	= gh_vcpus_next,
	.stop	= gh_vcpus_stop,
	.show	= gh_vcpus_show,
};
DEFINE_SEQ_ATTRIBUTE(gh_vcpus);

void gh_vcpu_debugfs_init(void)
{
	gh_vcpu_table = debugfs_create_file("vcpus", 0400, gunyah_debugfs(), NULL, &gh_vcpus_fops);
}

/* Waits for readers. */
void gh_vcpu_debugfs_exit(void)
{
	debugfs_remove(gh_vcpu_table);
}
