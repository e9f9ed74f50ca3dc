// SPDX-License-Identifier: GPL-2.0-only
/*
 * Posted writes: a guest's writes to a range are appended to a ring that user space
 * has mapped, and the guest goes on without an exit.
 *
 * The ring has one reader, in user space, and any number of writers: the vCPUs of
 * the VM, in their runs. Writers meet at ->lock. The reader takes no lock: it loads
 * the tail, reads the records before it, and stores the head.
 *
 * Told once. After a record is visible (tail) the writer looks at the head: if all
 * before it was consumed the ring was empty, and the eventfd is signalled. The reader
 * stores the head and looks at the tail again before it sleeps. With a full barrier
 * between store and load on both sides, one of them sees the other.
 *
 * Order. A write that finds the ring full becomes an exit. All earlier writes of that
 * vCPU are in the ring then, and it does not run before the exit is answered: who
 * drains the ring before he handles an exit sees the writes in their order.
 *
 * Nothing in the mapping is trusted. The driver has its own tail and only reads the
 * head; one that cannot be counts as a full ring, so the damage is the reader's.
 *
 * References: the function until a grace period after unbind, for writes in progress,
 * and the file. A mapping holds the file. Nobody waits for the grace period but the
 * module's exit.
 */
#include <linux/anon_inodes.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <linux/gunyah_vm_mgr.h>

static_assert(sizeof(struct gh_fn_posted_arg) == 32);
static_assert(sizeof(struct gh_posted_write) == 32);
static_assert(sizeof(struct gh_posted_ring) == 128);
static_assert(offsetof(struct gh_posted_ring, head) == 64);
static_assert(sizeof(struct gh_posted_ring) <= GH_POSTED_RECORDS);

/**
 * struct gh_posted - a range and its ring
 * @range: in the VM's tree from bind to unbind
 * @ghvm: counts the writes; borrowed, for a write: its vCPU has a reference
 * @lock: writers: @tail, the records, @full
 * @tail: records appended
 * @full: writes that found no room
 * @mask: entries - 1
 * @shared: what user space maps
 * @ring: the start of it
 * @records: in it
 * @kref: the function's and the file's references
 * @rcu: puts the function's
 */
struct gh_posted {
	struct gunyah_vm_io_range range;
	struct gunyah_vm *ghvm;
	spinlock_t lock;	/* writers */
	u32 tail;
	u64 full;
	u32 mask;
	struct gunyah_shared shared;
	struct gh_posted_ring *ring;
	struct gh_posted_write *records;
	struct kref kref;
	struct rcu_head rcu;
};

/* ---- a guest's write ---------------------------------------------------------------- */

/* Under RCU, in the vCPU's run. */
static int gh_posted_write(struct gunyah_vm_io_range *range, u32 vcpu, u64 addr, u32 len,
			   u64 data)
{
	struct gh_posted *posted = container_of(range, struct gh_posted, range);
	struct gh_posted_ring *ring = posted->ring;
	bool was_empty;
	u32 tail;

	spin_lock(&posted->lock);
	tail = posted->tail;
	/* Pairs with the reader's release: it is done with the record we write. */
	if (tail - smp_load_acquire(&ring->head) > posted->mask) {
		WRITE_ONCE(ring->full, ++posted->full);
		spin_unlock(&posted->lock);
		return -ENOENT;
	}
	posted->records[tail & posted->mask] = (struct gh_posted_write){
		.addr = addr,
		.data = data,
		.seq = gunyah_vm_next_posted(posted->ghvm),
		.vcpu = vcpu,
		.len = len,
	};
	posted->tail = tail + 1;
	/* Pairs with the reader's acquire: the record is complete. */
	smp_store_release(&ring->tail, tail + 1);
	/* Against the reader, who stores the head and then loads the tail. */
	smp_mb();
	was_empty = READ_ONCE(ring->head) == tail;
	spin_unlock(&posted->lock);

	if (was_empty && posted->shared.ctx)
		eventfd_signal(posted->shared.ctx);

	return 0;
}

/* ---- life ----------------------------------------------------------------------------- */

static void gh_posted_free(struct kref *kref)
{
	struct gh_posted *posted = container_of(kref, struct gh_posted, kref);

	gunyah_shared_free(&posted->shared);
	kfree(posted);
}

static void gh_posted_put(struct gh_posted *posted)
{
	kref_put(&posted->kref, gh_posted_free);
}

static int gh_posted_release(struct inode *inode, struct file *file)
{
	gh_posted_put(file->private_data);

	return 0;
}

static int gh_posted_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct gh_posted *posted = file->private_data;

	return gunyah_shared_mmap(&posted->shared, vma);
}

static const struct file_operations gh_posted_fops = {
	.owner		= THIS_MODULE,
	.mmap		= gh_posted_mmap,
	.release	= gh_posted_release,
	.llseek		= noop_llseek,
};

static struct gh_posted *gh_posted_alloc(struct gunyah_vm *ghvm,
					 const struct gh_fn_posted_arg *arg)
{
	const size_t size = GH_POSTED_RECORDS + arg->entries * sizeof(struct gh_posted_write);
	struct gh_posted *posted = kzalloc(sizeof(*posted), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!posted)
		return ERR_PTR(-ENOMEM);

	ret = gunyah_shared_init(&posted->shared, size, arg->fd);
	if (ret) {
		kfree(posted);
		return ERR_PTR(ret);
	}
	posted->ring = posted->shared.mem;
	posted->records = posted->shared.mem + GH_POSTED_RECORDS;
	posted->ring->entries = arg->entries;
	posted->mask = arg->entries - 1;
	posted->ghvm = ghvm;
	posted->range.addr = arg->addr;
	posted->range.size = arg->size;
	posted->range.write = gh_posted_write;
	spin_lock_init(&posted->lock);
	kref_init(&posted->kref);

	return posted;
}

/* ---- the VM function ------------------------------------------------------------------ */

static int gh_posted_check(const struct gh_fn_posted_arg *arg)
{
	u64 end;

	if (arg->flags || arg->padding || arg->fd < -1)
		return -EINVAL;
	if (!is_power_of_2(arg->entries) || arg->entries > GH_POSTED_MAX_ENTRIES)
		return -EINVAL;
	if (!arg->size || check_add_overflow(arg->addr, arg->size - 1, &end))
		return -EINVAL;

	return 0;
}

static long gh_posted_bind(struct gunyah_vm_function_instance *f)
{
	const struct gh_fn_posted_arg *arg = f->arg;
	struct gh_posted *posted;
	struct file *file;
	int fd, ret;

	ret = gh_posted_check(arg);
	if (ret)
		return ret;
	posted = gh_posted_alloc(f->ghvm, arg);
	if (IS_ERR(posted))
		return PTR_ERR(posted);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto err_put;
	}
	file = anon_inode_getfile("gh-posted", &gh_posted_fops, posted, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_fd;
	}
	kref_get(&posted->kref);
	/* Last, for nobody can be in a range that was never added. */
	ret = gunyah_vm_add_io_range(f->ghvm, &posted->range);
	if (ret)
		goto err_file;
	f->data = posted;
	fd_install(fd, file);

	return fd;

err_file:
	fput(file);
err_fd:
	put_unused_fd(fd);
err_put:
	gh_posted_put(posted);
	return ret;
}

static void gh_posted_unbound(struct rcu_head *rcu)
{
	gh_posted_put(container_of(rcu, struct gh_posted, rcu));
}

static void gh_posted_unbind(struct gunyah_vm_function_instance *f)
{
	struct gh_posted *posted = f->data;

	gunyah_vm_remove_io_range(f->ghvm, &posted->range);
	/* Writes in progress use the ring. */
	call_rcu(&posted->rcu, gh_posted_unbound);
}

static bool gh_posted_compare(const struct gunyah_vm_function_instance *f, const void *data,
			      u32 size)
{
	const struct gh_fn_posted_arg *arg = data;
	const struct gh_fn_posted_arg *mine = f->arg;

	return arg->addr == mine->addr;
}

static struct gunyah_vm_function gh_posted_function = {
	.type		= GH_FN_POSTED,
	.name		= "posted",
	.mod		= THIS_MODULE,
	.arg_size	= sizeof(struct gh_fn_posted_arg),
	.bind		= gh_posted_bind,
	.unbind		= gh_posted_unbind,
	.compare	= gh_posted_compare,
};

static int __init gh_posted_init(void)
{
	return gunyah_vm_function_register(&gh_posted_function);
}
module_init(gh_posted_init);

static void __exit gh_posted_exit(void)
{
	gunyah_vm_function_unregister(&gh_posted_function);
	/* For gh_posted_unbound(), which is code of this module. */
	rcu_barrier();
}
module_exit(gh_posted_exit);

MODULE_ALIAS_GUNYAH_VM_FUNCTION(GH_FN_POSTED);
MODULE_ALIAS("ghfunc:posted");
MODULE_DESCRIPTION("Gunyah posted writes");
MODULE_LICENSE("GPL");
