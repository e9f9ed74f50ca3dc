// SPDX-License-Identifier: GPL-2.0-only
/*
 * GH_VCPU_RUN_BATCH: many vCPUs, one after the other, in the caller's thread.
 *
 * What io_uring costs for each command, and a system call for each ioctl, is paid
 * once. Nothing here waits: a guest that waits is left, and its next GH_VCPU_RUN
 * parks. A batch is bounded like a slice: by its deadline, and by everything that
 * ends a slice before its time (signal, reschedule, work of the thread), for what
 * ends one entry for these reasons ends the batch.
 *
 * A page of the entries that is not there holds up nobody but the caller, however
 * long it takes: an entry is read before its vCPU is taken, and written after the
 * vCPU was given back. Only an access is written before, without faults, for who
 * takes the vCPU next would answer it: what cannot be written is kept with the vCPU,
 * and its next run says it, whoever runs it.
 */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/pagemap.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "gunyah_vcpu.h"
#include "gunyah_vcpu_slice.h"

static_assert(sizeof(struct gh_run_entry) == 24);
static_assert(offsetof(struct gh_run_entry, fd) == 8);
static_assert(offsetof(struct gh_run_entry, flags) == 12);
static_assert(offsetof(struct gh_run_entry, slice_ns) == 16);
static_assert(offsetof(struct gh_run_entry, res) == 20);
static_assert(sizeof(struct gh_run_batch) == 24);
static_assert(offsetof(struct gh_run_batch, deadline_ns) == 8);
static_assert(offsetof(struct gh_run_batch, nr) == 16);
static_assert(sizeof(struct gh_uring_run_batch) == 16);
static_assert(GH_VCPU_RUN_BATCH == 0x40184743);

/* What an entry may have of the flags of RUN. */
#define GH_RUN_ENTRY_FLAGS	GH_URING_RUN_RESUME

static __always_inline bool gh_batch_is_access(int res)
{
	return res >= 0 && GH_URING_RES_EXIT(res) == GH_URING_EXIT_MMIO;
}

/* The vCPU is owned, so this must not sleep: false if the page is not there. */
static __always_inline bool gh_batch_write(struct gh_run_entry __user *entry, int res)
{
	bool written = false;

	pagefault_disable();
	if (likely(user_write_access_begin(&entry->res, sizeof(entry->res)))) {
		unsafe_put_user(res, &entry->res, fault);
		written = true;
fault:
		user_write_access_end();
	}
	pagefault_enable();
	return written;
}

/*
 * Runs @vcpu once. Its result, and an access is in the entry already; or -EFAULT if
 * an access could not be written: the next run says it.
 */
static __always_inline int gh_batch_vcpu(struct gunyah_vcpu *vcpu,
					 const struct gh_vcpu_order *order,
					 struct gh_run_entry __user *entry)
{
	bool owned;
	int ret;

	ret = gh_vcpu_try_run(vcpu, order, &owned);
	if (unlikely(!owned))
		return ret;
	if (likely(gh_batch_is_access(ret)) && unlikely(!gh_batch_write(entry, ret))) {
		vcpu->pending |= GH_VCPU_PENDING_UNSAID;
		ret = -EFAULT;
	}
	gh_vcpu_stop(vcpu);
	return ret;
}

/* Fetches the page that was not there; then the access that was kept is said at once. */
static noinline int gh_batch_again(struct gunyah_vcpu *vcpu, u64 deadline_ns,
				   struct gh_run_entry __user *entry)
{
	/* The answer was taken. */
	const struct gh_vcpu_order order = { .deadline_ns = deadline_ns };

	if (fault_in_writeable((char __user *)&entry->res, sizeof(entry->res)))
		return -EFAULT;
	return gh_batch_vcpu(vcpu, &order, entry);
}

/* Whether what ended this run ends the batch. */
static noinline bool gh_batch_over(const struct gunyah_vcpu *vcpu, int res, u64 deadline_ns)
{
	if (GH_URING_RES_EXIT(res) != GH_URING_EXIT_PREEMPTED &&
	    GH_URING_RES_EXIT(res) != GH_URING_EXIT_INTR)
		return false;
	return READ_ONCE(vcpu->held) || read_thread_flags() & GH_WORK_FLAGS ||
	       task_work_pending(current) || ktime_get_ns() >= deadline_ns;
}

/* Reads the fields of an entry, each once. */
static __always_inline bool gh_batch_read(const struct gh_run_entry __user *entry,
					  struct gh_vcpu_order *order, int *fd)
{
	u32 flags;

	if (unlikely(!user_read_access_begin(entry, sizeof(*entry))))
		return false;
	unsafe_get_user(order->resume_data, &entry->resume_data, fault);
	unsafe_get_user(*fd, &entry->fd, fault);
	unsafe_get_user(flags, &entry->flags, fault);
	unsafe_get_user(order->slice_ns, &entry->slice_ns, fault);
	user_read_access_end();
	order->flags = flags;
	return true;
fault:
	user_read_access_end();
	return false;
}

/* One entry: 0, 1 if the batch is over with it, or -EFAULT. */
static __always_inline int gh_batch_entry(struct gh_run_entry __user *entry, u64 deadline_ns)
{
	struct gh_vcpu_order order = { .deadline_ns = deadline_ns };
	struct gunyah_vcpu *vcpu;
	int fd, res, ret = 0;
	struct fd f;

	if (unlikely(!gh_batch_read(entry, &order, &fd)))
		return -EFAULT;
	if (unlikely(order.flags & ~GH_RUN_ENTRY_FLAGS ||
		     (order.resume_data && !(order.flags & GH_URING_RUN_RESUME))))
		return put_user(-EINVAL, &entry->res);

	f = fdget(fd);
	if (unlikely(fd_empty(f)))
		return put_user(-EBADF, &entry->res);
	if (unlikely(fd_file(f)->f_op != &gh_vcpu_fops)) {
		ret = put_user(-EBADF, &entry->res);
		goto out;
	}
	vcpu = fd_file(f)->private_data;
	res = gh_batch_vcpu(vcpu, &order, entry);
	if (unlikely(res == -EFAULT))
		res = gh_batch_again(vcpu, deadline_ns, entry);
	if (likely(gh_batch_is_access(res)))
		goto out;
	ret = res == -EFAULT ? res : put_user(res, &entry->res);
	if (!ret)
		ret = gh_batch_over(vcpu, res, deadline_ns);
out:
	fdput(f);
	return ret;
}

/**
 * gh_vcpu_run_batch() - GH_VCPU_RUN_BATCH, by ring or by ioctl
 * @entries: user address of @nr struct gh_run_entry
 * @nr: how many
 * @deadline_ns: CLOCK_MONOTONIC, 0: none
 *
 * Return: how many were carried out, or -errno if none was
 */
int gh_vcpu_run_batch(u64 entries, u32 nr, u64 deadline_ns)
{
	struct gh_run_entry __user *entry = u64_to_user_ptr(entries);
	u64 limit = gh_clock_latest() + GH_BATCH_LIMIT_NS;
	u32 i;

	if (!nr || nr > GH_RUN_BATCH_MAX)
		return -EINVAL;
	if (!deadline_ns || deadline_ns > limit)
		deadline_ns = limit;

	for (i = 0; i < nr; i++) {
		int ret = gh_batch_entry(entry + i, deadline_ns);

		if (unlikely(ret)) {
			if (ret < 0)
				return i ?: ret;
			i++;
			break;
		}
	}
	return i;
}

/* GH_VCPU_RUN_BATCH as ioctl. */
long gh_vcpu_batch_ioctl(const void __user *uarg)
{
	struct gh_run_batch batch;

	if (copy_from_user(&batch, uarg, sizeof(batch)))
		return -EFAULT;
	if (batch.flags)
		return -EINVAL;
	return gh_vcpu_run_batch(batch.entries, batch.nr, batch.deadline_ns);
}

/* GH_VCPU_RUN_ONCE: an entry without a batch. */
long gh_vcpu_run_once(struct gunyah_vcpu *vcpu, u64 deadline_ns)
{
	const struct gh_vcpu_order order = { .deadline_ns = deadline_ns };
	bool owned;
	int ret;

	ret = gh_vcpu_try_run(vcpu, &order, &owned);
	if (likely(owned))
		gh_vcpu_stop(vcpu);
	return ret;
}
