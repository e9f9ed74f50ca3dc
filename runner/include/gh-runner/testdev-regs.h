/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Registers of the test device, for the device (runner/) and for guests (C and
 * assembly). The guest finds its parameters here and reports what it computed.
 */
#ifndef GH_RUNNER_TESTDEV_REGS_H
#define GH_RUNNER_TESTDEV_REGS_H

/* Where the runner puts its devices: inside the VMMIO window, below 1 GiB. */
#define GH_BOARD_UART_BASE	0x09000000
#define GH_BOARD_UART_SIZE	0x1000
#define GH_BOARD_RTC_BASE	0x09010000
#define GH_BOARD_RTC_SIZE	0x1000
#define GH_BOARD_POWER_BASE	0x09020000
#define GH_BOARD_TESTDEV_BASE	0x0a000000
#define GH_BOARD_TESTDEV_SIZE	0x1000
#define GH_BOARD_FILE_BASE	0x0a010000
/*
 * The hypervisor's virtual GICv3 of a guest, and guest memory. The redistributors
 * of 8 vCPUs end where the distributor begins.
 */
#define GH_BOARD_GICD_BASE	0x3fff0000
#define GH_BOARD_GICR_BASE	0x3fef0000
#define GH_BOARD_GICR_STRIDE	0x20000
#define GH_BOARD_RAM_BASE	0x80000000

/* Width in bytes in brackets; a device accepts that width only, else reads 0. */
#define GH_TESTDEV_MAGIC	0x000	/* [4] RO, GH_TESTDEV_MAGIC_VALUE */
#define GH_TESTDEV_VERSION	0x004	/* [4] RO, 1 */
#define GH_TESTDEV_VM		0x008	/* [8] RO, number of this VM in the runner, from 0 */
#define GH_TESTDEV_PARAM0	0x010	/* [8] RO, --guest param0= */
#define GH_TESTDEV_PARAM1	0x018	/* [8] RO, --guest param1= */
#define GH_TESTDEV_NEXT		0x020	/* [8] RO, next number of the VM's sequence */
#define GH_TESTDEV_PUT		0x028	/* [8] WO, folded into the device's checksum */
#define GH_TESTDEV_RESULT	0x030	/* [8] WO, the guest's own checksum; compared at the end */
#define GH_TESTDEV_SCRATCH1	0x040	/* [1] RW */
#define GH_TESTDEV_SCRATCH2	0x042	/* [2] RW */
#define GH_TESTDEV_SCRATCH4	0x044	/* [4] RW */
#define GH_TESTDEV_SCRATCH8	0x048	/* [8] RW */
#define GH_TESTDEV_FAIL		0x050	/* [4] WO, a guest's assertion failed: its line number */
#define GH_TESTDEV_DURATION_MS	0x058	/* [8] RO, how long the guest should work, in ms */
#define GH_TESTDEV_STOP		0x060	/* [4] RO, 1 when the runner wants the guest to power off */

#define GH_TESTDEV_MAGIC_VALUE	0x54534447	/* "GDST" */

/*
 * The sequence of NEXT, per VM: x(0) = VM + 1, x(n + 1) = x(n) * MUL + ADD, the
 * value read is x(n + 1). The checksum of PUT: c = rotate_left(c, 1) ^ value, from 0.
 * A guest of several vCPUs computes one sum on one vCPU.
 */
#define GH_TESTDEV_MUL		6364136223846793005
#define GH_TESTDEV_ADD		1442695040888963407

#endif /* GH_RUNNER_TESTDEV_REGS_H */
