// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-kernel handlers of guest writes.
 *
 * A vCPU offers each write here before user space sees it, first to the handlers of
 * its address, then to the range that contains it. Both are found under RCU in
 * trees, so a write takes no lock and costs the same with one handler and with a
 * thousand, be they at a thousand addresses or at one with a thousand values.
 *
 * As a device is written to again and again, each vCPU remembers the range it found last.
 * It may look at it as long as none was removed: that is counted before the grace period
 * for which the remover waits, so who still sees the old count is waited for.
 *
 * Handlers come and go under the VM's fn_lock, in bind and unbind. Who removes one
 * frees it by RCU, for a write may still be in it.
 */
#include <linux/log2.h>
#include <linux/maple_tree.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "vm_mgr.h"

#define GH_IO_LENGTHS	4	/* 1, 2, 4 and 8 bytes */

/**
 * struct gh_io_slot - the handlers of one address
 * @any: those that take each value: [0] of any length, [1 + n] of 2^n bytes
 * @match: those of one value, by value, for writes of 2^n bytes
 * @users: handlers in here
 * @rcu: to free it
 */
struct gh_io_slot {
	struct gunyah_vm_io_handler __rcu *any[GH_IO_LENGTHS + 1];
	struct xarray match[GH_IO_LENGTHS];
	unsigned int users;
	struct rcu_head rcu;
};

void gh_vm_io_init(struct gunyah_vm *ghvm)
{
	xa_init(&ghvm->io);
	mt_init_flags(&ghvm->io_ranges, MT_FLAGS_USE_RCU);
	ghvm->io_removed = 1;
}

/* ---- a guest's write ------------------------------------------------------------ */

/* The most special one wins: value and length, then length, then address alone. */
static struct gunyah_vm_io_handler *gh_io_find(struct gh_io_slot *slot, u32 len, u64 data)
{
	unsigned int order = ilog2(len);
	struct gunyah_vm_io_handler *handler;

	handler = xa_load(&slot->match[order], data);
	if (!handler)
		handler = rcu_dereference(slot->any[order + 1]);
	if (!handler)
		handler = rcu_dereference(slot->any[0]);

	return handler;
}

/* Under RCU. */
static struct gunyah_vm_io_range *gh_io_find_range(struct gunyah_vm *ghvm,
						   struct gunyah_vm_io_last *last, u64 addr)
{
	/* Before any look at a range. Pairs with its removal. */
	unsigned long removed = smp_load_acquire(&ghvm->io_removed);

	if (likely(last->removed == removed && addr - last->range->addr < last->range->size))
		return last->range;

	last->range = mtree_load(&ghvm->io_ranges, addr);
	last->removed = last->range ? removed : 0;

	return last->range;
}

static int gh_io_write_range(struct gunyah_vm *ghvm, struct gunyah_vm_io_last *last, u32 vcpu,
			     u64 addr, u32 len, u64 data)
{
	struct gunyah_vm_io_range *range = gh_io_find_range(ghvm, last, addr);

	if (!range || addr + (len - 1) > range->addr + (range->size - 1))
		return -ENOENT;

	return range->write(range, vcpu, addr, len, data);
}

/* A function of its own, so that most writes, which nobody takes, save no registers for it. */
static noinline int gh_io_write(struct gunyah_vm *ghvm, struct gunyah_vm_io_last *last, u32 vcpu,
				u64 addr, u32 len, u64 data)
{
	struct gunyah_vm_io_handler *handler = NULL;
	struct gh_io_slot *slot;
	int ret = -ENOENT;

	rcu_read_lock();
	if (!xa_empty(&ghvm->io)) {
		slot = xa_load(&ghvm->io, addr);
		handler = slot ? gh_io_find(slot, len, data) : NULL;
	}
	if (handler)
		ret = handler->write(handler, len, data);
	if (ret == -ENOENT && !mtree_empty(&ghvm->io_ranges))
		ret = gh_io_write_range(ghvm, last, vcpu, addr, len, data);
	rcu_read_unlock();

	return ret;
}

int gunyah_vm_mmio_write(struct gunyah_vm *ghvm, struct gunyah_vm_io_last *last, u32 vcpu,
			 u64 addr, u32 len, u64 data)
{
	if (xa_empty(&ghvm->io) && mtree_empty(&ghvm->io_ranges))
		return -ENOENT;
	return gh_io_write(ghvm, last, vcpu, addr, len, data);
}
EXPORT_SYMBOL_GPL(gunyah_vm_mmio_write);

/* ---- handlers of an address ------------------------------------------------------- */

static struct gh_io_slot *gh_io_slot_get(struct gunyah_vm *ghvm, u64 addr)
{
	struct gh_io_slot *slot = xa_load(&ghvm->io, addr);
	int ret;

	if (slot)
		return slot;

	slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	if (!slot)
		return ERR_PTR(-ENOMEM);
	for (int i = 0; i < GH_IO_LENGTHS; i++)
		xa_init(&slot->match[i]);
	ret = xa_insert(&ghvm->io, addr, slot, GFP_KERNEL_ACCOUNT);
	if (ret) {
		kfree(slot);
		return ERR_PTR(ret);
	}

	return slot;
}

static void gh_io_slot_put(struct gunyah_vm *ghvm, struct gh_io_slot *slot, u64 addr)
{
	if (slot->users)
		return;
	xa_erase(&ghvm->io, addr);
	kfree_rcu(slot, rcu);
}

static struct gunyah_vm_io_handler __rcu **gh_io_any(struct gh_io_slot *slot, u32 len)
{
	return &slot->any[len ? ilog2(len) + 1 : 0];
}

static int gh_io_slot_add(struct gh_io_slot *slot, struct gunyah_vm_io_handler *handler)
{
	struct gunyah_vm_io_handler __rcu **any = gh_io_any(slot, handler->len);
	int ret;

	if (handler->match) {
		ret = xa_insert(&slot->match[ilog2(handler->len)], handler->datamatch, handler,
				GFP_KERNEL_ACCOUNT);
		return ret == -EBUSY ? -EEXIST : ret;
	}
	if (rcu_access_pointer(*any))
		return -EEXIST;
	rcu_assign_pointer(*any, handler);

	return 0;
}

/**
 * gunyah_vm_add_io_handler() - take guest writes to an address
 * @ghvm: VM
 * @handler: owned by the caller until gunyah_vm_remove_io_handler()
 *
 * From bind. Return: 0, -EINVAL, -EEXIST if there is a handler of the same writes, or
 * -ENOMEM
 */
int gunyah_vm_add_io_handler(struct gunyah_vm *ghvm, struct gunyah_vm_io_handler *handler)
{
	struct gh_io_slot *slot;
	u32 len = handler->len;
	int ret;

	lockdep_assert_held(&ghvm->fn_lock);
	if ((len && !is_power_of_2(len)) || len > 8 || (handler->match && !len))
		return -EINVAL;

	slot = gh_io_slot_get(ghvm, handler->addr);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	ret = gh_io_slot_add(slot, handler);
	if (!ret)
		slot->users++;
	gh_io_slot_put(ghvm, slot, handler->addr);

	return ret;
}
EXPORT_SYMBOL_GPL(gunyah_vm_add_io_handler);

/*
 * gunyah_vm_remove_io_handler() - from unbind. No write that begins afterwards finds
 * it; one in progress may still be in it, so the caller frees it by RCU.
 */
void gunyah_vm_remove_io_handler(struct gunyah_vm *ghvm, struct gunyah_vm_io_handler *handler)
{
	struct gh_io_slot *slot = xa_load(&ghvm->io, handler->addr);

	lockdep_assert_held(&ghvm->fn_lock);
	if (handler->match)
		xa_erase(&slot->match[ilog2(handler->len)], handler->datamatch);
	else
		rcu_assign_pointer(*gh_io_any(slot, handler->len), NULL);
	slot->users--;
	gh_io_slot_put(ghvm, slot, handler->addr);
}
EXPORT_SYMBOL_GPL(gunyah_vm_remove_io_handler);

/* ---- ranges ------------------------------------------------------------------------ */

/**
 * gunyah_vm_add_io_range() - take guest writes that lie wholly in a range
 * @ghvm: VM
 * @range: owned by the caller until gunyah_vm_remove_io_range()
 *
 * From bind. Return: 0, -EINVAL, -EEXIST if it overlaps another range, or -ENOMEM
 */
int gunyah_vm_add_io_range(struct gunyah_vm *ghvm, struct gunyah_vm_io_range *range)
{
	u64 end;

	lockdep_assert_held(&ghvm->fn_lock);
	if (!range->size || check_add_overflow(range->addr, range->size - 1, &end))
		return -EINVAL;

	return mtree_insert_range(&ghvm->io_ranges, range->addr, end, range, GFP_KERNEL);
}
EXPORT_SYMBOL_GPL(gunyah_vm_add_io_range);

/* gunyah_vm_remove_io_range() - from unbind, as gunyah_vm_remove_io_handler(). */
void gunyah_vm_remove_io_range(struct gunyah_vm *ghvm, struct gunyah_vm_io_range *range)
{
	lockdep_assert_held(&ghvm->fn_lock);
	mtree_erase(&ghvm->io_ranges, range->addr);
	/* Who sees this does not find it any more. Pairs with the look at it. */
	smp_store_release(&ghvm->io_removed, ghvm->io_removed + 1);
}
EXPORT_SYMBOL_GPL(gunyah_vm_remove_io_range);

u64 gunyah_vm_next_posted(struct gunyah_vm *ghvm)
{
	return atomic64_inc_return(&ghvm->posted);
}
EXPORT_SYMBOL_GPL(gunyah_vm_next_posted);

/* The functions took their handlers out when they were unbound. */
void gh_vm_io_exit(struct gunyah_vm *ghvm)
{
	mtree_destroy(&ghvm->io_ranges);
	xa_destroy(&ghvm->io);
}
