// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wake boards: a bit for each vCPU that was left waiting, set when it need not wait
 * any more.
 *
 * A guest that waits parks a command, which its wake-up completes: the way for one.
 * For hundreds it is a command, a completion and a task work for each sleep. A vCPU
 * that a batch left waiting has none of that: its wake-up, in the interrupt, sets a
 * bit that user space has mapped, and one eventfd tells of all that were set since
 * user space looked last.
 *
 * Told once. The bit is set before ->state becomes TOLD, and only who finds ARMED
 * there signals. User space takes TOLD away before it takes the bits, and arms the
 * board, by compare-and-exchange, before it sleeps: it finds TOLD, or is signalled.
 *
 * Nothing in the mapping is trusted or even read, but for ->state: what user space
 * puts there decides whether its own eventfd is signalled, and whether its own guests
 * get their slices: while it is TOLD, others may need the CPU more.
 *
 * A vCPU's board and bit are changed under gh_board_lock and used without it, from
 * interrupts, under RCU. Both may then be of different moments: the bit is checked
 * against the board, and one that is set wrongly is one that is set without reason.
 * None is missed, for who changes them sets the new bit.
 *
 * References: the board's file, which a mapping holds, and each vCPU's ->board until
 * a grace period after.
 */
#include <linux/anon_inodes.h>
#include <linux/bitops.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "gunyah_vcpu.h"
#include "gunyah_vcpu_trace.h"

static_assert(sizeof(struct gh_wake_board_arg) == 16);
static_assert(sizeof(struct gh_vcpu_board) == 8);
static_assert(sizeof(struct gh_wake_board) == GH_WAKE_BOARD_WORDS);
static_assert(BITS_PER_LONG == 64);
static_assert(GH_VCPU_NEW_BOARD == 0x40104747);
static_assert(GH_VCPU_SET_BOARD == 0x40084748);

/**
 * struct gh_board - a wake board
 * @shared: what user space maps
 * @head: the start of it
 * @woken: the bits, in it
 * @nr: bits
 * @kref: the file's and the vCPUs' references
 * @rcu: for who still uses a vCPU's
 */
struct gh_board {
	struct gunyah_shared shared;
	struct gh_wake_board *head;
	unsigned long *woken;
	u32 nr;
	struct kref kref;
	struct rcu_head rcu;
};

/* ->board and ->board_bit of all vCPUs. */
static DEFINE_MUTEX(gh_board_lock);

static const struct file_operations gh_board_fops;

/* ---- a wait ends ------------------------------------------------------------------------ */

static __always_inline void gh_board_set(struct gh_board *board, u32 bit)
{
	if (unlikely(bit >= board->nr))
		return;
	set_bit(bit, board->woken);
	/* Fully ordered: who takes TOLD away sees the bit. */
	if (xchg(&board->head->state, GH_BOARD_TOLD) == GH_BOARD_ARMED && board->shared.ctx)
		eventfd_signal(board->shared.ctx);
}

/**
 * gh_vcpu_tell_board() - a vCPU was left waiting and need not wait any more
 * @vcpu: nobody's
 *
 * Any context.
 */
void gh_vcpu_tell_board(struct gunyah_vcpu *vcpu)
{
	struct gh_board *board;

	rcu_read_lock();
	board = rcu_dereference(vcpu->board);
	if (board) {
		atomic64_inc(&vcpu->told);
		trace_gh_vcpu_wake(vcpu, GH_WAIT_BOARD);
		gh_board_set(board, READ_ONCE(vcpu->board_bit));
	}
	rcu_read_unlock();
}

/**
 * gh_vcpu_board_has_told() - whether there is news on the vCPU's board
 * @vcpu: anybody's
 *
 * Return: that user space has not looked since a bit was set, as it says
 */
bool gh_vcpu_board_has_told(struct gunyah_vcpu *vcpu)
{
	const struct gh_board *board;
	bool told;

	rcu_read_lock();
	board = rcu_dereference(vcpu->board);
	told = board && READ_ONCE(board->head->state) == GH_BOARD_TOLD;
	rcu_read_unlock();
	return told;
}

/* ---- life ----------------------------------------------------------------------------- */

static void gh_board_free(struct rcu_head *rcu)
{
	struct gh_board *board = container_of(rcu, struct gh_board, rcu);

	gunyah_shared_free(&board->shared);
	kfree(board);
}

static void gh_board_unused(struct kref *kref)
{
	call_rcu(&container_of(kref, struct gh_board, kref)->rcu, gh_board_free);
}

static void gh_board_put(struct gh_board *board)
{
	if (board)
		kref_put(&board->kref, gh_board_unused);
}

/* For gh_board_free(), which is code of this module. */
void gh_boards_exit(void)
{
	rcu_barrier();
}

static struct gh_board *gh_board_alloc(u32 nr, int fd)
{
	const size_t size = GH_WAKE_BOARD_WORDS + BITS_TO_LONGS(nr) * sizeof(long);
	struct gh_board *board = kzalloc(sizeof(*board), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!board)
		return ERR_PTR(-ENOMEM);

	ret = gunyah_shared_init(&board->shared, size, fd);
	if (ret) {
		kfree(board);
		return ERR_PTR(ret);
	}
	board->head = board->shared.mem;
	board->head->nr = nr;
	board->woken = board->shared.mem + GH_WAKE_BOARD_WORDS;
	board->nr = nr;
	kref_init(&board->kref);

	return board;
}

/**
 * gh_board_new() - GH_VCPU_NEW_BOARD
 * @uarg: struct gh_wake_board_arg
 *
 * Return: a descriptor, or -errno
 */
long gh_board_new(const void __user *uarg)
{
	struct gh_wake_board_arg arg;
	struct gh_board *board;
	int ret;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.flags || arg.padding || !arg.nr || arg.nr > GH_WAKE_BOARD_MAX)
		return -EINVAL;
	board = gh_board_alloc(arg.nr, arg.fd);
	if (IS_ERR(board))
		return PTR_ERR(board);
	ret = anon_inode_getfd("gh-wake-board", &gh_board_fops, board, O_RDWR | O_CLOEXEC);
	if (ret < 0)
		gh_board_put(board);

	return ret;
}

/* ---- the file --------------------------------------------------------------------------- */

static int gh_board_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct gh_board *board = file->private_data;

	return gunyah_shared_mmap(&board->shared, vma);
}

static int gh_board_release(struct inode *inode, struct file *file)
{
	gh_board_put(file->private_data);

	return 0;
}

static const struct file_operations gh_board_fops = {
	.owner		= THIS_MODULE,
	.mmap		= gh_board_mmap,
	.release	= gh_board_release,
	.llseek		= noop_llseek,
};

/* ---- a vCPU's board --------------------------------------------------------------------- */

/* Gives @vcpu the reference of @board, or NULL. */
static void gh_board_replace(struct gunyah_vcpu *vcpu, struct gh_board *board, u32 bit)
{
	struct gh_board *before;

	mutex_lock(&gh_board_lock);
	before = rcu_replace_pointer(vcpu->board, board, lockdep_is_held(&gh_board_lock));
	WRITE_ONCE(vcpu->board_bit, bit);
	/* Whoever left LEFT before may have told nobody, or the wrong one. */
	smp_mb();
	if (board)
		gh_board_set(board, bit);
	mutex_unlock(&gh_board_lock);
	gh_board_put(before);
}

/**
 * gh_vcpu_set_board() - GH_VCPU_SET_BOARD
 * @vcpu: in whatever state
 * @uarg: struct gh_vcpu_board
 *
 * Return: 0, -EFAULT, -EBADF for no descriptor of a board, -EINVAL for a bit that the board
 * does not have
 */
long gh_vcpu_set_board(struct gunyah_vcpu *vcpu, const void __user *uarg)
{
	struct gh_vcpu_board arg;
	struct gh_board *board;
	struct file *file;
	long ret = 0;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.fd == -1) {
		if (arg.bit)
			return -EINVAL;
		gh_board_replace(vcpu, NULL, 0);
		return 0;
	}
	file = fget(arg.fd);
	if (!file)
		return -EBADF;
	if (file->f_op != &gh_board_fops) {
		ret = -EBADF;
		goto out;
	}
	board = file->private_data;
	if (arg.bit >= board->nr) {
		ret = -EINVAL;
		goto out;
	}
	kref_get(&board->kref);
	gh_board_replace(vcpu, board, arg.bit);
out:
	fput(file);
	return ret;
}

/* The vCPU's file is released: nobody can set one any more. */
void gh_vcpu_board_exit(struct gunyah_vcpu *vcpu)
{
	gh_board_replace(vcpu, NULL, 0);
}
