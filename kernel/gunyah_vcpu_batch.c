// SPDX-License-Identifier: GPL-2.0-only
/*
 * GH_VCPU_RUN_BATCH: many vCPUs, one after the other, in the caller's thread.
 *
 * What io_uring costs for each command, and a system call for each ioctl, is paid
 * once. Nothing here waits: a guest that waits is left, and its next GH_VCPU_RUN
 * parks. A batch is bounded like a slice: by its deadline, and by everything that
 * ends a slice before its time (signal, reschedule, work of the thread, vCPUs that
 * were left and need not wait any more), for what ends one entry for these reasons
 * ends the batch.
 *
 * A page of the entries that is not there holds up nobody but the caller, however
 * long it takes: an entry is read before its vCPU is taken, and written after the
 * vCPU was given back. Only an access is written before, without faults, for who
 * takes the vCPU next would answer it: what cannot be written is kept with the vCPU,
 * and its next run says it, whoever runs it. Nor need it be written where the entry
 * says it already, from the batch before: a guest that does the same again is common.
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
/* So many entries are copied at a time, of a batch that has so many left. */
#define GH_BATCH_CHUNK		32
#define GH_BATCH_HALF		16

/**
 * struct gh_batch_part - entries of a batch that were read at once
 * @chunk: copies
 * @entries: where they are in user memory
 * @deadline_ns: of the batch, CLOCK_MONOTONIC
 */
struct gh_batch_part {
	const struct gh_run_entry *chunk;
	struct gh_run_entry __user *entries;
	u64 deadline_ns;
};

/* Where @e of @part was read from: only what is rare wants to know. */
static __always_inline s32 __user *gh_batch_res(const struct gh_batch_part *part,
						const struct gh_run_entry *e)
{
	return &part->entries[e - part->chunk].res;
}

/*
 * The vCPU is owned, so this must not sleep: page faults are off. False if the page is
 * not there.
 */
static __always_inline bool gh_batch_write(const struct gh_batch_part *part,
					   const struct gh_run_entry *e, int res)
{
	s32 __user *to = gh_batch_res(part, e);

	if (unlikely(!user_write_access_begin(to, sizeof(*to))))
		return false;
	unsafe_put_user(res, to, fault);
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}

/* Page faults are on in here. */
static noinline int gh_batch_say(const struct gh_batch_part *part, const struct gh_run_entry *e,
				 int res)
{
	int ret;

	pagefault_enable();
	ret = put_user(res, gh_batch_res(part, e));
	pagefault_disable();
	return ret;
}

static noinline bool gh_batch_fetch(const struct gh_batch_part *part, const struct gh_run_entry *e)
{
	bool there;

	pagefault_enable();
	there = !fault_in_writeable((char __user *)gh_batch_res(part, e), sizeof(e->res));
	pagefault_disable();
	return there;
}

/*
 * What came of an entry that is no access: says it, and whether it ends the batch as
 * well: 0, 1, or -EFAULT.
 */
static noinline int gh_batch_other(struct gunyah_vcpu *vcpu, bool owned, int res,
				   const struct gh_batch_part *part, const struct gh_run_entry *e)
{
	int ret;

	if (owned)
		gh_vcpu_stop(vcpu);
	ret = gh_batch_say(part, e, res);
	if (ret || res < 0)
		return ret;
	if (GH_URING_RES_EXIT(res) != GH_URING_EXIT_PREEMPTED &&
	    GH_URING_RES_EXIT(res) != GH_URING_EXIT_INTR)
		return 0;
	return READ_ONCE(vcpu->held) || read_thread_flags() & GH_WORK_FLAGS ||
	       task_work_pending(current) || gh_vcpu_board_has_told(vcpu) ||
	       ktime_get_ns() >= part->deadline_ns;
}

/*
 * An access could not be written: it is kept, the page is fetched, and the next run,
 * which is this one, if the page stays, says it.
 */
static noinline int gh_batch_keep(struct gunyah_vcpu *vcpu, const struct gh_batch_part *part,
				  const struct gh_run_entry *e)
{
	/* The answer was taken. */
	const struct gh_vcpu_order order = { .deadline_ns = part->deadline_ns };
	bool owned;
	int res;

	vcpu->pending |= GH_VCPU_PENDING_UNSAID;
	gh_vcpu_stop(vcpu);
	if (!gh_batch_fetch(part, e))
		return -EFAULT;
	res = gh_vcpu_try_run(vcpu, &order, &owned);
	if (!owned || !gh_vcpu_is_access(res))
		return gh_batch_other(vcpu, owned, res, part, e);
	if (!gh_batch_write(part, e, res)) {
		vcpu->pending |= GH_VCPU_PENDING_UNSAID;
		res = -EFAULT;
	}
	gh_vcpu_stop(vcpu);
	return min(res, 0);
}

/* One entry: 0, 1 if the batch is over with it, or -EFAULT. Page faults are off. */
static __always_inline int gh_batch_entry(const struct gh_batch_part *part,
					  const struct gh_run_entry *e)
{
	const struct gh_vcpu_order order = {
		.flags = e->flags,
		.resume_data = e->resume_data,
		.deadline_ns = part->deadline_ns,
		.slice_ns = e->slice_ns,
	};
	struct gunyah_vcpu *vcpu;
	int res, ret = 0;
	struct fd f;
	bool owned;

	if (e->flags != GH_URING_RUN_RESUME &&
	    unlikely(e->flags & ~GH_RUN_ENTRY_FLAGS || e->resume_data))
		return gh_batch_say(part, e, -EINVAL);
	f = fdget(e->fd);
	if (unlikely(fd_empty(f)))
		return gh_batch_say(part, e, -EBADF);
	if (unlikely(fd_file(f)->f_op != &gh_vcpu_fops)) {
		ret = gh_batch_say(part, e, -EBADF);
		goto out;
	}
	vcpu = fd_file(f)->private_data;
	res = gh_vcpu_try_run(vcpu, &order, &owned);
	/* Nobody's any more; where the page is not there, it is fetched below. */
	if (res == GH_URING_EXIT_WAITING && (res == e->res || gh_batch_write(part, e, res)))
		goto out;
	if (unlikely(!owned || !gh_vcpu_is_access(res)))
		ret = gh_batch_other(vcpu, owned, res, part, e);
	else if (unlikely(res != e->res && !gh_batch_write(part, e, res)))
		ret = gh_batch_keep(vcpu, part, e);
	else
		gh_vcpu_stop(vcpu);
out:
	fdput(f);
	return ret;
}

/*
 * @nr entries of @part. Returns how many were carried out; *@end is 1 if the batch is over
 * with them, or -EFAULT.
 */
static u32 gh_batch_chunk(const struct gh_batch_part *part, u32 nr, int *end)
{
	const struct gh_run_entry *e = part->chunk, *last = e + nr - 1;
	int ret;

	/* Once, and not for each access that is written. */
	pagefault_disable();
	for (;; e++) {
		ret = gh_batch_entry(part, e);
		if (unlikely(ret) || e == last)
			break;
	}
	pagefault_enable();
	*end = ret;
	/* An entry that has an error to itself was carried out. */
	return e - part->chunk + (ret >= 0);
}

/* Copies up to @nr entries into @chunk, as many as fit. Returns how many it copied. */
static u32 gh_batch_read(struct gh_run_entry *chunk, u32 nr,
			 const struct gh_run_entry __user *entry)
{
	const u64 __user *from = (const u64 __user *)entry;
	const u32 words = sizeof(*chunk) / sizeof(u64);
	u64 *to = (u64 *)chunk;
	unsigned long left;
	u32 i = 0;

	/* Of sizes that are constants, which nothing has to look at. */
	if (nr >= GH_BATCH_CHUNK) {
		left = copy_from_user(chunk, entry, sizeof(*chunk) * GH_BATCH_CHUNK);
		return GH_BATCH_CHUNK - DIV_ROUND_UP(left, sizeof(*chunk));
	}
	if (nr >= GH_BATCH_HALF) {
		left = copy_from_user(chunk, entry, sizeof(*chunk) * GH_BATCH_HALF);
		return GH_BATCH_HALF - DIV_ROUND_UP(left, sizeof(*chunk));
	}
	/* A few cost less than the call. */
	if (unlikely(!user_read_access_begin(entry, nr * sizeof(*chunk))))
		return 0;
	for (; i < nr * words; i++)
		unsafe_get_user(to[i], &from[i], fault);
fault:
	user_read_access_end();
	return i / words;
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
	struct gh_batch_part part;
	u64 limit = gh_clock_latest() + GH_BATCH_LIMIT_NS;
	struct gh_run_entry chunk[GH_BATCH_CHUNK] __uninitialized;
	u32 done = 0, n;
	int end = 0;

	if (!nr || nr > GH_RUN_BATCH_MAX)
		return -EINVAL;
	if (!deadline_ns || deadline_ns > limit)
		deadline_ns = limit;

	part = (struct gh_batch_part){
		.chunk = chunk,
		.entries = u64_to_user_ptr(entries),
		.deadline_ns = deadline_ns,
	};
	do {
		n = gh_batch_read(chunk, nr - done, part.entries);
		if (unlikely(!n))
			return done ?: -EFAULT;
		n = gh_batch_chunk(&part, n, &end);
		part.entries += n;
		done += n;
	} while (!end && done < nr);
	return done ?: end;
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
	const struct gh_vcpu_order order = { .deadline_ns = deadline_ns ?: U64_MAX };
	bool owned;
	int ret;

	ret = gh_vcpu_try_run(vcpu, &order, &owned);
	if (likely(owned))
		gh_vcpu_stop(vcpu);
	return ret;
}
