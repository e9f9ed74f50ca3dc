// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the driver writes and user space maps, with an eventfd that tells of it:
 * rings of posted writes and wake boards.
 *
 * Whoever has it keeps it until nobody writes any more. A mapping has references to the
 * pages of its own.
 */
#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include <linux/gunyah_vm_mgr.h>

/**
 * gunyah_shared_init() - allocate zeroed memory, and take an eventfd
 * @shared: undone by gunyah_shared_free()
 * @size: in bytes
 * @fd: the eventfd, -1: none
 *
 * Return: 0, -ENOMEM, or what a descriptor that is no eventfd gives
 */
int gunyah_shared_init(struct gunyah_shared *shared, size_t size, int fd)
{
	struct eventfd_ctx *ctx = NULL;

	shared->size = PAGE_ALIGN(size);
	/* The size is the caller's, and so is the failure: no report in the log. */
	shared->mem = __vmalloc(shared->size, GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
	if (!shared->mem)
		return -ENOMEM;
	if (fd != -1)
		ctx = eventfd_ctx_fdget(fd);
	if (IS_ERR(ctx)) {
		vfree(shared->mem);
		return PTR_ERR(ctx);
	}
	shared->ctx = ctx;

	return 0;
}
EXPORT_SYMBOL_GPL(gunyah_shared_init);

void gunyah_shared_free(struct gunyah_shared *shared)
{
	if (shared->ctx)
		eventfd_ctx_put(shared->ctx);
	vfree(shared->mem);
}
EXPORT_SYMBOL_GPL(gunyah_shared_free);

/* All of it or nothing, shared; its file's ->mmap. */
int gunyah_shared_mmap(const struct gunyah_shared *shared, struct vm_area_struct *vma)
{
	unsigned long size = vma->vm_end - vma->vm_start;
	int ret = 0;

	if (vma->vm_pgoff || size != shared->size || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;

	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	for (unsigned long at = 0; at < size && !ret; at += PAGE_SIZE)
		ret = vm_insert_page(vma, vma->vm_start + at, vmalloc_to_page(shared->mem + at));

	return ret;
}
EXPORT_SYMBOL_GPL(gunyah_shared_mmap);
