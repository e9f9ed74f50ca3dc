/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the programs of the interface's generations (abi_*.c) have in common: the
 * guest they run. Numbers and structs of the interface are each program's own.
 */
#ifndef GT_ABI_H
#define GT_ABI_H

#include "gt.h"
#include "gt_fn.h"

#define GT_ABI_IN	(GT_DEV_BASE + 0x00)	/* read: the program answers */
#define GT_ABI_OUT	(GT_DEV_BASE + 0x08)	/* write: the answer, plus 1 */
#define GT_ABI_BELL	(GT_DEV_BASE + 0x10)	/* write: taken by an ioeventfd */
#define GT_ABI_READY	(GT_DEV_BASE + 0x18)	/* write: listens for the interrupt */
#define GT_ABI_HEARD	(GT_DEV_BASE + 0x20)	/* write: how often it came */
#define GT_ABI_VALUE	0x8877665544332210ULL

/* Memory with the guest, its script and its device tree. */
static inline uint8_t *gt_abi_guest(void)
{
	static const struct gs_op ops[] = {
		{ GS_READ, 8, GT_ABI_IN, 0 }, { GS_ECHO, 8, GT_ABI_OUT, 1 },
		{ GS_WRITE, 4, GT_ABI_BELL, 3 }, { GS_WRITE, 4, GT_ABI_BELL, 4 },
		{ GS_IRQ_ON, 0, GT_BELL_INTID(GT_BELL_EDGE), 1 }, { GS_WRITE, 4, GT_ABI_READY, 1 },
		{ GS_IRQ_WAIT, 0, GT_BELL_INTID(GT_BELL_EDGE), 1 },
		{ GS_IRQ_COUNT, 0, GT_BELL_INTID(GT_BELL_EDGE), 0 },
		{ GS_ECHO, 8, GT_ABI_HEARD, 0 }, { GS_OFF },
	};
	uint8_t *ram = gt_ram_alloc(GT_RAM_SIZE);

	gt_load(ram, GT_RAM_SIZE, "script");
	gt_dtb(ram + GT_DTB_OFFSET, GT_DTB_SIZE, 1);
	memcpy(ram + GS_OFFSET, ops, sizeof(ops));
	return ram;
}

#endif /* GT_ABI_H */
