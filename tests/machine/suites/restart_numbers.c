// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The resource manager's numbers end: what starts, what does not, what can again. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt.h"

#define MAX_VMS		600
/* No guest, only a device tree: they are started and do not run. */
#define TREE		0x10000UL
#define SIZE		(TREE + GT_DTB_SIZE)

TestSuite(restart_numbers, .timeout = 6 * GT_TIMEOUT);

static void prepare(struct gt_vm *vm)
{
	gt_vm_create(vm);
	vm->ram_size = SIZE;
	vm->ram = gt_ram_alloc(SIZE);
	gt_dtb(vm->ram + TREE, GT_DTB_SIZE, 1);
	cr_assert_eq(gt_set_mem(vm->fd, GT_LABEL, GT_MEM_RWX | GH_MEM_LENT, GT_RAM_BASE, SIZE,
				vm->ram), 0);
	cr_assert_eq(gt_set_dtb(vm->fd, GT_RAM_BASE + TREE, GT_DTB_SIZE), 0);
}

/*
 * A VM that finds no number is as it was, and starts as soon as another VM was
 * stopped; that one starts when there is a number again. And so on in a circle.
 */
GT_CASE(restart_numbers, the_last_one)
{
	struct gt_vm *vms = calloc(MAX_VMS, sizeof(*vms));
	unsigned int n, i;
	int ret = 0;

	cr_assert_not_null(vms);
	for (n = 0; n < MAX_VMS; n++) {
		prepare(&vms[n]);
		ret = gt_start(vms[n].fd);
		if (ret)
			break;
	}
	cr_assert_lt(n, MAX_VMS, "the resource manager has numbers without end");
	cr_assert_eq(ret, -ENOSPC, "VM %u: %s", n, strerror(-ret));
	cr_assert_gt(n, 10U);
	for (i = 0; i < 20; i++) {
		struct gt_vm *waits = &vms[(n + i) % (n + 1)];
		struct gt_vm *goes = &vms[(n + i + 1) % (n + 1)];

		cr_assert_eq(gt_start(waits->fd), -ENOSPC);
		cr_assert_eq(gt_ioctl(goes->fd, GH_VM_STOP, 0), 0);
		cr_assert_eq(gt_start(waits->fd), 0);
		gt_dtb(goes->ram + TREE, GT_DTB_SIZE, 1);
	}
	for (i = 0; i <= n; i++)
		gt_vm_close(&vms[i]);
	free(vms);
}
