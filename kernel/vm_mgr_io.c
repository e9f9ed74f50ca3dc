// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-kernel handlers of guest writes.
 *
 * A vCPU offers each write here before user space sees it. Handlers are found by
 * address under RCU, so a write takes no lock, and costs the same with one handler
 * and with a thousand.
 */
#include <linux/rcupdate.h>
#include <linux/xarray.h>

#include "vm_mgr.h"

void gh_vm_io_init(struct gunyah_vm *ghvm)
{
	xa_init(&ghvm->io);
}

int gunyah_vm_mmio_write(struct gunyah_vm *ghvm, u64 addr, u32 len, u64 data)
{
	struct gunyah_vm_io_handler *handler;
	int ret = -ENOENT;

	rcu_read_lock();
	handler = xa_load(&ghvm->io, addr);
	if (handler)
		ret = handler->write(handler, len, data);
	rcu_read_unlock();

	return ret;
}
EXPORT_SYMBOL_GPL(gunyah_vm_mmio_write);

/**
 * gunyah_vm_add_io_handler() - take guest writes to an address
 * @ghvm: VM
 * @handler: owned by the caller until gunyah_vm_remove_io_handler()
 *
 * Return: 0, -EEXIST if the address is taken, or -ENOMEM
 */
int gunyah_vm_add_io_handler(struct gunyah_vm *ghvm, struct gunyah_vm_io_handler *handler)
{
	int ret = xa_insert(&ghvm->io, handler->addr, handler, GFP_KERNEL_ACCOUNT);

	return ret == -EBUSY ? -EEXIST : ret;
}
EXPORT_SYMBOL_GPL(gunyah_vm_add_io_handler);

/* gunyah_vm_remove_io_handler() - afterwards nobody calls the handler. */
void gunyah_vm_remove_io_handler(struct gunyah_vm *ghvm, struct gunyah_vm_io_handler *handler)
{
	xa_erase(&ghvm->io, handler->addr);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(gunyah_vm_remove_io_handler);

/* The functions took their handlers out when they were unbound. */
void gh_vm_io_exit(struct gunyah_vm *ghvm)
{
	xa_destroy(&ghvm->io);
}
