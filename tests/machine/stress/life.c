// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * VMs stopped and started again behind the same descriptors, with whatever runs, waits
 * or is posted; between two lives the memory is written anew, and a region comes or goes.
 */
#include <string.h>
#include <sys/mman.h>

#include "stress.h"

#define PAGE	0x1000UL

/*
 * Stops it; the memory is ours again, every byte. A child could start it meanwhile, and
 * take the memory away while we write.
 */
static int stop(struct st_worker *w, struct st_vm *vm)
{
	int ret;

	if (!vm || vm->vm.fd < 0 || w->children)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	/* What is in flight may be completed by either life. */
	vm->loose = true;
	ret = gt_ioctl(vm->vm.fd, GH_VM_STOP, 0);
	if (ret)
		stress_fail("GH_VM_STOP: %s", strerrorname_np(-ret));
	vm->started = false;
	if (vm->vm.ram)
		memset(vm->vm.ram, 0xa5, vm->vm.ram_size);
	return 0;
}

int64_t st_vm_stop(struct st_worker *w)
{
	return stop(w, st_pick_vm(w, false));
}

/* A page that is shared comes, or goes. */
static void change_regions(struct st_vm *vm)
{
	int ret;

	if (!vm->shared) {
		vm->shared = gt_ram_alloc(PAGE);
		ret = gt_set_mem(vm->vm.fd, GT_SHARED_LABEL, GT_MEM_RWX, GT_SHARED_BASE, PAGE,
				 vm->shared);
	} else {
		ret = gt_set_mem(vm->vm.fd, GT_SHARED_LABEL, 0, 0, 0, NULL);
		munmap(vm->shared, PAGE);
		vm->shared = NULL;
	}
	if (ret)
		stress_fail("a region between two lives: %s", strerrorname_np(-ret));
}

int64_t st_vm_restart(struct st_worker *w)
{
	struct st_vm *vm = st_pick_vm(w, false);
	int ret;

	/* Also without a start in between: stopped twice is stopped. */
	ret = stop(w, vm);
	if (ret)
		return ret;
	w->arg[1] = st_below(&w->random, 3);
	if (w->arg[1])
		change_regions(vm);
	if (!vm->vm.ram)
		return 0;
	st_vm_write(w, vm);
	ret = gt_start(vm->vm.fd);
	if (ret)
		stress_fail("VM_START of another life: %s", strerrorname_np(-ret));
	vm->started = true;
	w->slot->vms++;
	w->slot->restarts++;
	return 0;
}
