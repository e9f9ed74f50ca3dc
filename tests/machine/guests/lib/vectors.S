/* SPDX-License-Identifier: GPL-2.0-only */
/* Exception vectors: save a struct guest_frame, call C, restore and return. */
#include "guest.h"

	.macro	entry handler
	.balign	128
	sub	sp, sp, #GUEST_FRAME_SIZE
	stp	x0, x1, [sp]
	stp	x29, x30, [sp, #16 * 14 + 8]
	adr	x1, \handler
	b	save_and_call
	.endm

	.section .text.vectors, "ax"
	.balign	2048
	.globl	guest_vectors
guest_vectors:
	.rept	4		/* current EL with SP_EL0: not used */
	entry	guest_handle_exception
	.endr
	entry	guest_handle_exception
	entry	guest_handle_irq
	entry	guest_handle_exception
	entry	guest_handle_exception
	.rept	8		/* lower EL: there is none */
	entry	guest_handle_exception
	.endr
	.balign	128

save_and_call:
	stp	x2, x3, [sp, #16 * 1]
	stp	x4, x5, [sp, #16 * 2]
	stp	x6, x7, [sp, #16 * 3]
	stp	x8, x9, [sp, #16 * 4]
	stp	x10, x11, [sp, #16 * 5]
	stp	x12, x13, [sp, #16 * 6]
	stp	x14, x15, [sp, #16 * 7]
	stp	x16, x17, [sp, #16 * 8]
	stp	x18, x19, [sp, #16 * 9]
	stp	x20, x21, [sp, #16 * 10]
	stp	x22, x23, [sp, #16 * 11]
	stp	x24, x25, [sp, #16 * 12]
	stp	x26, x27, [sp, #16 * 13]
	str	x28, [sp, #16 * 14]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [sp, #GUEST_FRAME_ELR]
	mrs	x2, esr_el1
	mrs	x3, far_el1
	stp	x2, x3, [sp, #GUEST_FRAME_ESR]
	mov	x0, sp
	blr	x1
	ldp	x2, x3, [sp, #GUEST_FRAME_ELR]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x0, x1, [sp]
	ldp	x2, x3, [sp, #16 * 1]
	ldp	x4, x5, [sp, #16 * 2]
	ldp	x6, x7, [sp, #16 * 3]
	ldp	x8, x9, [sp, #16 * 4]
	ldp	x10, x11, [sp, #16 * 5]
	ldp	x12, x13, [sp, #16 * 6]
	ldp	x14, x15, [sp, #16 * 7]
	ldp	x16, x17, [sp, #16 * 8]
	ldp	x18, x19, [sp, #16 * 9]
	ldp	x20, x21, [sp, #16 * 10]
	ldp	x22, x23, [sp, #16 * 11]
	ldp	x24, x25, [sp, #16 * 12]
	ldp	x26, x27, [sp, #16 * 13]
	ldr	x28, [sp, #16 * 14]
	ldp	x29, x30, [sp, #16 * 14 + 8]
	add	sp, sp, #GUEST_FRAME_SIZE
	eret
