/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Image header and the way into the monitor, for the boot CPU (from QEMU, at EL2,
 * MMU off, x0 = device tree) and for secondaries (from PSCI, x0 = per-CPU data).
 */
#include <mon/addr.h>
#include <mon/ctx.h>

	.section .head, "ax"
	.global _start
_start:
	b	mon_entry
	.long	0
	.quad	0			/* text offset */
	.quad	__mon_image_size
	.quad	0xa			/* little endian, 4 KiB pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.text
mon_entry:
	mov	x20, x0
	adrp	x0, mon_vectors
	add	x0, x0, :lo12:mon_vectors
	msr	vbar_el2, x0
	ldr	x0, =__bss_start
	ldr	x1, =__bss_end
1:	cmp	x0, x1
	b.hs	2f
	stp	xzr, xzr, [x0], #16
	b	1b
2:	adrp	x0, mon_cpus
	add	x0, x0, :lo12:mon_cpus
	msr	tpidr_el2, x0
	ldr	x1, =mon_stacks + MON_STACK_SIZE
	mov	sp, x1
	msr	spsel, #1
	mov	sp, x1
	bl	mon_mmu_init
	bl	mon_mmu_on
	mov	x0, x20
	bl	mon_boot
	b	start_host

	.global mon_secondary_entry
mon_secondary_entry:
	msr	spsel, #1
	msr	tpidr_el2, x0
	mov	x20, x0
	adrp	x1, mon_vectors
	add	x1, x1, :lo12:mon_vectors
	msr	vbar_el2, x1
	ldr	x1, [x0, #CPU_STACK]
	mov	sp, x1
	bl	mon_mmu_on
	mov	x0, x20
	bl	mon_secondary
start_host:
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #CPU_CUR]
	b	mon_resume

/* Tables are built; registers are per CPU. */
mon_mmu_on:
	ldr	x0, =mon_el2_l1
	msr	ttbr0_el2, x0
	ldr	x0, =0xff04		/* 0: device nGnRE, 1: normal write-back */
	ubfx	x1, x0, #8, #8
	mov	x0, #0x04
	bfi	x0, x1, #8, #8
	msr	mair_el2, x0
	/* T0SZ 25 (39 bits), write-back inner shareable walks, 4 KiB, PS 40 bits. */
	ldr	x0, =(25 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | 1 << 23 | 1 << 31)
	msr	tcr_el2, x0
	isb
	tlbi	alle2
	dsb	nsh
	ic	iallu
	dsb	nsh
	isb
	/* RES1 bits, M, C, SA, I; no alignment check: Debian's libfdt is not built for one. */
	ldr	x0, =0x30c5183d
	bic	x0, x0, #2
	msr	sctlr_el2, x0
	isb
	ret
