/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The language of the guest "script" (script.c): the host writes a list of
 * operations for each vCPU into the guest's memory before it lends it, and the
 * guest carries them out. So a test says in one place what the guest does and
 * which exits the host must see. Memory of zeros is a script too: power off.
 */
#ifndef GUEST_SCRIPT_H
#define GUEST_SCRIPT_H

#ifndef __ASSEMBLER__
#include <stdint.h>
#endif

/* The list of vCPU n starts at RAM base + GS_OFFSET + n * GS_STRIDE. */
#define GS_OFFSET	0x180000
#define GS_STRIDE	0x1000
#define GS_MAX_VCPUS	8
#define GS_MAX_INTID	128
#define GS_MAX_OPS	(GS_STRIDE / 24)

#ifndef __ASSEMBLER__

/* "acc" is a register of the interpreter, 0 at the start. */
enum gs_opcode {
	GS_OFF,		/* PSCI SYSTEM_OFF */
	GS_READ,	/* acc = device register of @width bytes at @a */
	GS_WRITE,	/* device register of @width bytes at @a = @b */
	GS_ECHO,	/* the same, the value is acc + @b */
	GS_SLEEP,	/* virtual timer @a ns ahead, WFI until it has fired */
	GS_WFI,		/* one WFI; it may end at once, so who wants to sleep loops */
	GS_CPU_ON,	/* acc = PSCI CPU_ON of vCPU @a with context @b; @width 1: once it is off */
	GS_CPU_OFF,	/* PSCI CPU_OFF of this vCPU; it restarts its list at CPU_ON */
	GS_SUSPEND,	/* PSCI CPU_SUSPEND, state @a, with the timer @b ns ahead */
	GS_RESET,	/* PSCI SYSTEM_RESET */
	GS_RESET2,	/* PSCI SYSTEM_RESET2, type @a, cookie @b */
	GS_CRASH,	/* vectors where no memory is, then an undefined instruction */
	GS_SPIN,	/* @a turns of an empty loop, 0: without end */
	GS_GOTO,	/* go on at operation @a, @b times; then behind it */
	GS_HVC,		/* acc = x0 of HVC with function @a and argument @b */
	GS_SMC,		/* acc = x0 of SMC with function @a and argument @b, or GS_TRAPPED */
	GS_LOAD,	/* acc = 8 bytes of memory at @a, or GS_TRAPPED */
	GS_STORE,	/* 8 bytes of memory at @a = @b; acc = @b, or GS_TRAPPED */
	GS_PAIR,	/* store pair at @a: no valid syndrome; acc = 0, or GS_TRAPPED */
	GS_ESR,		/* acc = ESR_EL1 of the last trapped operation */
	GS_MPIDR,	/* acc = MPIDR_EL1 */
	GS_EL,		/* acc = CurrentEL */
	GS_CONTEXT,	/* acc = x0 as it was at entry: device tree or CPU_ON context */
	GS_FP_FILL,	/* the 32 SIMD registers = patterns made from @a */
	GS_FP_CHECK,	/* acc = number of SIMD registers without the pattern of @a */
	GS_CNT,		/* acc = the virtual counter */
	GS_FLAG,	/* wait, spinning, until 8 bytes of memory at @a are @b */
	GS_IRQ_ON,	/* enable shared interrupt @a, as edge if @b is not 0 */
	GS_IRQ_WAIT,	/* WFI until interrupt @a was taken @b times in all */
	GS_IRQ_COUNT,	/* acc = how often interrupt @a was taken */
	GS_NR_OPCODES,
};

/* Value of acc after an operation that ended in an exception of the guest. */
#define GS_TRAPPED	0x6465707061727421ULL

struct gs_op {
	uint32_t op;
	uint32_t width;
	uint64_t a;
	uint64_t b;
};

_Static_assert(sizeof(struct gs_op) == 24, "layout shared by host and guest");
_Static_assert(GS_MAX_VCPUS * GS_STRIDE <= 0x10000, "lists end before the device tree");

#endif /* !__ASSEMBLER__ */

#endif /* GUEST_SCRIPT_H */
