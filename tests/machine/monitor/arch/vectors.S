/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions into EL2. The frame of what runs below (mon_cpu.cur: the host or a
 * vCPU) takes the registers; the C handler may change mon_cpu.cur, and the way
 * out loads whatever it is then. So a world switch is a change of one pointer
 * plus system registers, and the stack of EL2 is empty whenever EL1 runs.
 */
#include <mon/ctx.h>

.macro	save_ctx
	stp	x0, x1, [sp, #-16]!
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #CPU_CUR]
	stp	x2, x3, [x0, #CTX_X(2)]
	stp	x4, x5, [x0, #CTX_X(4)]
	stp	x6, x7, [x0, #CTX_X(6)]
	stp	x8, x9, [x0, #CTX_X(8)]
	stp	x10, x11, [x0, #CTX_X(10)]
	stp	x12, x13, [x0, #CTX_X(12)]
	stp	x14, x15, [x0, #CTX_X(14)]
	stp	x16, x17, [x0, #CTX_X(16)]
	stp	x18, x19, [x0, #CTX_X(18)]
	stp	x20, x21, [x0, #CTX_X(20)]
	stp	x22, x23, [x0, #CTX_X(22)]
	stp	x24, x25, [x0, #CTX_X(24)]
	stp	x26, x27, [x0, #CTX_X(26)]
	stp	x28, x29, [x0, #CTX_X(28)]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0, #CTX_X(0)]
	mrs	x2, elr_el2
	stp	x30, x2, [x0, #CTX_X(30)]
	mrs	x3, spsr_el2
	str	x3, [x0, #CTX_SPSR]
.endm

.macro	lower handler
	.balign	0x80
	b	\handler
.endm

.macro	panic code
	.balign	0x80
	sub	sp, sp, #CTX_SPSR + 16
	stp	x0, x1, [sp]
	mov	x0, #\code
	b	mon_el2_fault
.endm

	.text
	.balign	0x800
	.global	mon_vectors
mon_vectors:
	panic	0
	panic	1
	panic	2
	panic	3
	panic	4
	panic	5
	panic	6
	panic	7
	lower	lower_sync
	lower	lower_irq
	lower	lower_fiq
	lower	lower_serror
	lower	lower_sync
	lower	lower_irq
	lower	lower_fiq
	lower	lower_serror

lower_sync:
	save_ctx
	bl	mon_trap_sync
	b	mon_resume
lower_irq:
	save_ctx
	bl	mon_trap_irq
	b	mon_resume
lower_fiq:
	save_ctx
	bl	mon_trap_irq
	b	mon_resume
lower_serror:
	save_ctx
	bl	mon_trap_serror
	b	mon_resume

/* Runs the context that the CPU's mon_cpu.cur points to. */
	.global	mon_resume
mon_resume:
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #CPU_CUR]
	ldp	x30, x2, [x0, #CTX_X(30)]
	msr	elr_el2, x2
	ldr	x3, [x0, #CTX_SPSR]
	msr	spsr_el2, x3
	ldp	x2, x3, [x0, #CTX_X(2)]
	ldp	x4, x5, [x0, #CTX_X(4)]
	ldp	x6, x7, [x0, #CTX_X(6)]
	ldp	x8, x9, [x0, #CTX_X(8)]
	ldp	x10, x11, [x0, #CTX_X(10)]
	ldp	x12, x13, [x0, #CTX_X(12)]
	ldp	x14, x15, [x0, #CTX_X(14)]
	ldp	x16, x17, [x0, #CTX_X(16)]
	ldp	x18, x19, [x0, #CTX_X(18)]
	ldp	x20, x21, [x0, #CTX_X(20)]
	ldp	x22, x23, [x0, #CTX_X(22)]
	ldp	x24, x25, [x0, #CTX_X(24)]
	ldp	x26, x27, [x0, #CTX_X(26)]
	ldp	x28, x29, [x0, #CTX_X(28)]
	ldp	x0, x1, [x0, #CTX_X(0)]
	eret

/* A fault of the monitor itself: a frame on the stack, x0 = vector, for the panic. */
mon_el2_fault:
	stp	x2, x3, [sp, #CTX_X(2)]
	stp	x4, x5, [sp, #CTX_X(4)]
	stp	x6, x7, [sp, #CTX_X(6)]
	stp	x8, x9, [sp, #CTX_X(8)]
	stp	x10, x11, [sp, #CTX_X(10)]
	stp	x12, x13, [sp, #CTX_X(12)]
	stp	x14, x15, [sp, #CTX_X(14)]
	stp	x16, x17, [sp, #CTX_X(16)]
	stp	x18, x19, [sp, #CTX_X(18)]
	stp	x20, x21, [sp, #CTX_X(20)]
	stp	x22, x23, [sp, #CTX_X(22)]
	stp	x24, x25, [sp, #CTX_X(24)]
	stp	x26, x27, [sp, #CTX_X(26)]
	stp	x28, x29, [sp, #CTX_X(28)]
	mrs	x2, elr_el2
	stp	x30, x2, [sp, #CTX_X(30)]
	mrs	x2, spsr_el2
	str	x2, [sp, #CTX_SPSR]
	mov	x1, sp
	bl	mon_panic_fault
	b	.
