/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest of the recorded traces, loaded at 0x80000000. The host puts the mode
 * behind the first instruction. It first does a fixed series of MMIO accesses,
 * then what the mode says:
 *
 *   0 SYSTEM_OFF            4 as 3, vectors unmapped   8 store pair in the window
 *   1 SYSTEM_RESET          5 virtual timer and WFI    9 hypervisor_identify
 *   2 spin                  6 CPU_OFF                 10 WFI until the doorbell
 *   3 load outside window   7 SYSTEM_RESET2           11 CPU_ON of vCPU 1
 *
 * The faulting instructions are at fixed addresses, for they are reported.
 */
#define OUT			0x1000
#define OUTSIDE			0x100000000
#define UNMAPPED_VECTORS	0x200000000
#define GICD			0x3fff0000
#define GICR			0x3ffb0000
#define GICR_SGI		0x10000
#define TIMER_INTID		27
#define TIMER_MS		500
#define BELL_INTID		42
#define IDENTIFY		0xc6008000
#define PSCI_CPU_OFF		0x84000002
#define PSCI_CPU_ON		0xc4000003
#define PSCI_SYSTEM_OFF		0x84000008
#define PSCI_SYSTEM_RESET	0x84000009
#define PSCI_SYSTEM_RESET2	0xc4000012
#define ICC_PMR_EL1		S3_0_C4_C6_0
#define ICC_IAR1_EL1		S3_0_C12_C12_0
#define ICC_EOIR1_EL1		S3_0_C12_C12_1
#define ICC_SRE_EL1		S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1		S3_0_C12_C12_7

	.macro	mov32, reg, value
	movz	\reg, #((\value) & 0xffff)
	movk	\reg, #((\value) >> 16 & 0xffff), lsl #16
	.endm

	.text
	.global	_start
_start:
	b	start			/* 0x14000004, which the host looks for */
	.word	0
	.quad	0			/* the mode */

start:
	mov	x19, x0
	ldr	x20, _start + 8
	mov	x28, #OUT
	adr	x0, vectors
	msr	vbar_el1, x0
	isb

	ldr	w1, [x28]
	add	w1, w1, #1
	str	x1, [x28, #0x08]
	strb	w1, [x28, #0x10]
	ldrh	w2, [x28, #0x12]
	str	x19, [x28, #0x18]
	mrs	x3, CurrentEL
	str	x3, [x28, #0x20]
	mrs	x3, mpidr_el1
	str	x3, [x28, #0x28]
	str	x20, [x28, #0x30]

	adr	x0, modes
	cmp	x20, #11
	b.hi	system_off
	ldr	w1, [x0, x20, lsl #2]
	add	x0, x0, w1, sxtw
	br	x0

modes:
	.word	system_off - modes
	.word	system_reset - modes
	.word	spin - modes
	.word	outside - modes
	.word	fault_loop - modes
	.word	timer - modes
	.word	cpu_off - modes
	.word	system_reset2 - modes
	.word	store_pair - modes
	.word	identify - modes
	.word	doorbell - modes
	.word	cpu_on - modes

spin:
	b	spin

	.org	0x100 - 4
outside:
	mov	x4, #OUTSIDE
	ldr	x5, [x4]		/* at 0x80000100 */
	b	system_off

	.org	0x130 - 4
store_pair:
	add	x4, x28, #0x40
	stp	x0, x1, [x4]		/* at 0x80000130 */
	b	system_off

fault_loop:
	mov	x0, #UNMAPPED_VECTORS
	msr	vbar_el1, x0
	isb
	mov	x4, #OUTSIDE
	ldr	x5, [x4]
	b	.

timer:
	bl	gic_init
	mrs	x0, cntfrq_el0
	mov	x1, #TIMER_MS
	mul	x0, x0, x1
	mov	x1, #1000
	udiv	x0, x0, x1
	msr	cntv_tval_el0, x0
	mov	x0, #1
	msr	cntv_ctl_el0, x0
	isb
	bl	wait_irq
	msr	cntv_ctl_el0, xzr
	isb
	mrs	x1, cntv_ctl_el0
	str	x0, [x28, #0x38]
	str	x1, [x28, #0x40]
	msr	ICC_EOIR1_EL1, x0
	b	system_off

doorbell:
	bl	gic_init
	bl	wait_irq
	str	x0, [x28, #0x38]
	msr	ICC_EOIR1_EL1, x0
	b	system_off

identify:
	mov32	x0, IDENTIFY
	hvc	#0
	str	x0, [x28, #0x38]
	str	x1, [x28, #0x40]
	b	system_off

cpu_on:
	mov32	x0, PSCI_CPU_ON
	mov	x1, #1
	adr	x2, secondary
	mov	x3, #0x77
	hvc	#0
	str	x0, [x28, #0x38]
1:	wfi
	b	1b

secondary:
	mov	x28, #OUT
	str	x0, [x28, #0x48]
	mrs	x3, mpidr_el1
	str	x3, [x28, #0x50]
	b	system_off

cpu_off:
	mov32	x0, PSCI_CPU_OFF
	hvc	#0
	b	.

system_reset:
	mov32	x0, PSCI_SYSTEM_RESET
	hvc	#0
	b	.

system_reset2:
	mov32	x0, PSCI_SYSTEM_RESET2
	mov32	x1, 0x80001234
	mov	x2, #0x5678
	hvc	#0
	b	.

system_off:
	mov32	x0, PSCI_SYSTEM_OFF
	hvc	#0
	b	.

/* Waits for an interrupt, acknowledges it: INTID in x0. Interrupts stay masked. */
wait_irq:
	mrs	x0, isr_el1
	cbnz	x0, 1f
	wfi
	b	wait_irq
1:	mrs	x0, ICC_IAR1_EL1
	ret

/* Distributor, redistributor of vCPU 0 and CPU interface; the two interrupts. */
gic_init:
	mov32	x0, GICD
	mov	w1, #0x12		/* ARE, group 1 */
	str	w1, [x0]
	mov	w1, #(1 << (BELL_INTID - 32))
	str	w1, [x0, #0x84]		/* group 1 */
	mov	w2, #(2 << (BELL_INTID - 32) * 2)
	str	w2, [x0, #0xc08]	/* edge */
	add	x2, x0, #0x6000
	str	xzr, [x2, #(BELL_INTID * 8)]
	str	w1, [x0, #0x104]
	mov32	x0, GICR
	str	wzr, [x0, #0x14]	/* awake */
	add	x0, x0, #GICR_SGI
	mov	w1, #-1
	str	w1, [x0, #0x80]		/* group 1 */
	mov	w1, #(1 << TIMER_INTID)
	str	w1, [x0, #0x100]
	mov	x0, #1
	msr	ICC_SRE_EL1, x0
	isb
	mov	x0, #0xff
	msr	ICC_PMR_EL1, x0
	mov	x0, #1
	msr	ICC_IGRPEN1_EL1, x0
	isb
	ret

/* Every exception: what, where to and where from, then off. */
	.balign	0x800
vectors:
	.rept	16
	.balign	0x80
	b	exception
	.endr

exception:
	mov	x28, #OUT
	mrs	x0, esr_el1
	str	x0, [x28, #0x100]
	mrs	x0, far_el1
	str	x0, [x28, #0x108]
	mrs	x0, elr_el1
	str	x0, [x28, #0x110]
	b	system_off
