/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry of a guest. The boot vCPU comes with the MMU off and the device tree in
 * x0. The translation table is constant data, so nothing is written before the
 * caches are on and no cache maintenance is needed.
 */
#include "guest.h"

#define SCTLR_VALUE	0x30d0198d	/* RES1 bits, I, C, M, SA */
/* Index 0: device nGnRE; 1: normal, write-back, read- and write-allocate. */
#define MAIR_VALUE	0xff04
/* 39-bit addresses, 4 KiB pages, inner shareable write-back walks, 40-bit output. */
#define TCR_VALUE	(25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32)

#define BLOCK_DEVICE	0x60000000000401	/* no execution, access flag, index 0 */
#define BLOCK_NORMAL	0x00000000000705	/* inner shareable, access flag, index 1 */

	.section .text.entry, "ax"
	.globl	_start
_start:
	mov	x19, x0
	bl	cpu_init
	adrp	x0, __bss_start
	add	x0, x0, :lo12:__bss_start
	adrp	x1, __bss_end
	add	x1, x1, :lo12:__bss_end
1:	cmp	x0, x1
	b.hs	2f
	stp	xzr, xzr, [x0], #16
	b	1b
2:	mov	x0, x19
	bl	guest_main
	b	guest_system_off

	/* CPU_ON leads here; x0 is the context. */
	.globl	guest_secondary_entry
guest_secondary_entry:
	mov	x19, x0
	bl	cpu_init
	bl	guest_cpu
	mov	x1, x19
	bl	guest_secondary
	b	guest_cpu_off

	/* MMU, vectors, FP/SIMD access, and the stack by number. Uses x0 to x3. */
cpu_init:
	msr	daifset, #0xf
	msr	spsel, #1
	ldr	x0, =MAIR_VALUE
	msr	mair_el1, x0
	ldr	x0, =TCR_VALUE
	msr	tcr_el1, x0
	adrp	x0, translation_table
	msr	ttbr0_el1, x0
	mov	x0, #3 << 20
	msr	cpacr_el1, x0
	adrp	x0, guest_vectors
	add	x0, x0, :lo12:guest_vectors
	msr	vbar_el1, x0
	isb
	tlbi	vmalle1
	dsb	nsh
	ldr	x0, =SCTLR_VALUE
	msr	sctlr_el1, x0
	isb
	mrs	x0, mpidr_el1
	and	x0, x0, #GUEST_MAX_VCPUS - 1
	add	x0, x0, #1
	mov	x1, #GUEST_STACK_SIZE
	adrp	x2, guest_stacks
	add	x2, x2, :lo12:guest_stacks
	madd	x0, x0, x1, x2
	mov	sp, x0
	mov	x29, xzr
	ret
	.ltorg

	/* One entry a GiB; what the hypervisor does not map there is its own to report. */
	.section .rodata.translation, "a"
	.balign	4096
translation_table:
	.quad	0x000000000 | BLOCK_DEVICE
	.quad	0x040000000 | BLOCK_DEVICE
	.quad	0x080000000 | BLOCK_NORMAL
	.quad	0x0c0000000 | BLOCK_NORMAL
	.quad	0x100000000 | BLOCK_NORMAL
	.quad	0x140000000 | BLOCK_NORMAL
	.quad	0x180000000 | BLOCK_NORMAL
	.quad	0x1c0000000 | BLOCK_NORMAL
	.fill	504, 8, 0

	/* Not cleared with .bss: the boot vCPU stands on one while it clears. */
	.section .stacks, "aw", %nobits
	.balign	16
guest_stacks:
	.skip	GUEST_STACK_SIZE * GUEST_MAX_VCPUS
