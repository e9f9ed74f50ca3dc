/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixed addresses of the machine and of the monitor's memory, in one place.
 * Included by assembly, by C and by the linker script.
 */
#ifndef MON_ADDR_H
#define MON_ADDR_H

/* QEMU virt. */
#define MON_UART_BASE		0x09000000
#define MON_GICD_BASE		0x08000000
#define MON_GICD_SIZE		0x00010000
#define MON_GICR_BASE		0x080a0000
#define MON_GICR_STRIDE		0x00020000
#define MON_GICR_SGI_OFFSET	0x00010000
#define MON_GICR_FRAME		0x00010000
#define MON_RAM_BASE		0x40000000

/* QEMU puts an arm64 Image with text_offset 0 here. */
#define MON_LOAD_BASE		0x40200000
/* End of the monitor's memory: [MON_RAM_BASE, MON_END) is not the host's. */
#define MON_END			0x42000000
/* Where the host's kernel Image is loaded (-device loader). */
#define MON_HOST_IMAGE		0x42000000

/* The allocator behind core_alloc(); the page allocator has what is left. */
#define MON_HEAP_SIZE		0x00600000

#define MON_MAX_CPUS		8
#define MON_STACK_SIZE		0x4000

/* Interrupts the monitor keeps for itself. */
#define MON_SGI			15
#define MON_PPI_MAINT		25
#define MON_PPI_HYPTIMER	26
#define MON_PPI_VTIMER		27

/* Interrupts of the host that exist in the monitor only. */
#define MON_VIRQ_RM_TX		960
#define MON_VIRQ_RM_RX		961
#define MON_VIRQ_FIRST		962
#define MON_INTID_END		1020

/* IPA and PA bits of every stage 2. */
#define MON_IPA_BITS		40

#endif /* MON_ADDR_H */
