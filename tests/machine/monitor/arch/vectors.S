/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions into EL2. While EL1 runs, the stack pointer of EL2 is the frame of what
 * runs (mon_cpu.cur: the host or a vCPU), which takes the registers; the stack itself
 * is empty. The C handler gets the CPU and returns the frame to load. So a world
 * switch is a change of one pointer plus system registers.
 */
#include <mon/ctx.h>

.macro	lower handler
	.balign	0x80
	stp	x0, x1, [sp, #CTX_X(0)]
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
	mrs	x1, elr_el2
	mrs	x2, spsr_el2
	stp	x30, x1, [sp, #CTX_X(30)]
	str	x2, [sp, #CTX_SPSR]
	mrs	x0, tpidr_el2
	ldr	x1, [x0, #CPU_STACK]
	mov	sp, x1
	bl	\handler
	b	mon_resume
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
	lower	mon_trap_sync
	lower	mon_trap_irq
	lower	mon_trap_irq
	lower	mon_trap_serror
	lower	mon_trap_sync
	lower	mon_trap_irq
	lower	mon_trap_irq
	lower	mon_trap_serror

/* Runs the context whose frame is x0: this CPU's mon_cpu.cur. */
	.global	mon_resume
mon_resume:
	mov	sp, x0
	ldp	x30, x1, [sp, #CTX_X(30)]
	ldr	x2, [sp, #CTX_SPSR]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldp	x0, x1, [sp, #CTX_X(0)]
	ldp	x2, x3, [sp, #CTX_X(2)]
	ldp	x4, x5, [sp, #CTX_X(4)]
	ldp	x6, x7, [sp, #CTX_X(6)]
	ldp	x8, x9, [sp, #CTX_X(8)]
	ldp	x10, x11, [sp, #CTX_X(10)]
	ldp	x12, x13, [sp, #CTX_X(12)]
	ldp	x14, x15, [sp, #CTX_X(14)]
	ldp	x16, x17, [sp, #CTX_X(16)]
	ldp	x18, x19, [sp, #CTX_X(18)]
	ldp	x20, x21, [sp, #CTX_X(20)]
	ldp	x22, x23, [sp, #CTX_X(22)]
	ldp	x24, x25, [sp, #CTX_X(24)]
	ldp	x26, x27, [sp, #CTX_X(26)]
	ldp	x28, x29, [sp, #CTX_X(28)]
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
