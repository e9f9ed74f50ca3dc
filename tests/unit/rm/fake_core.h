/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The monitor's core as far as the resource manager can see it, in user space:
 * host memory is an array, VMs are lists of mappings, and everything the
 * resource manager asks for is written down.
 */
#ifndef FAKE_CORE_H
#define FAKE_CORE_H

#include "rm_core.h"

#define FAKE_RAM_BASE	0x40000000ull
#define FAKE_RAM_SIZE	(32ull << 20)
#define FAKE_PAGE	4096ull
#define FAKE_PAGES	(FAKE_RAM_SIZE / FAKE_PAGE)
#define FAKE_MAX_MAPS	64
#define FAKE_TX_VIRQ	960
#define FAKE_RX_VIRQ	961

struct fake_map {
	uint64_t ipa;
	uint64_t pa;
	uint64_t size;
	uint32_t rights;
};

struct mon_vm {
	uint16_t vmid;
	unsigned int nr_vcpus;
	unsigned int nr_bells;
	uint32_t bell_intid[64];
	unsigned int nr_maps;
	struct fake_map maps[FAKE_MAX_MAPS];
	uint64_t gicd, gicr, gicr_size;
	uint64_t vmmio_base, vmmio_size;
	bool killed;
	bool started;
	uint64_t pc, x0;
};

struct fake_core {
	uint8_t *ram;
	bool lost[FAKE_PAGES];		/* taken from the host */
	unsigned int nr_vms;
	struct mon_vm *last_vm;		/* made last, may be gone */
	unsigned int tx_irqs;
	unsigned int rx_irqs;
	unsigned int nr_logs;
	unsigned int allocs;		/* not yet freed */
	/* Switches: fail the nth allocation (0: none) or what the name says. */
	unsigned int fail_alloc;
	bool fail_vm_create;
	unsigned int fail_vcpu;		/* fail the creation of the nth vCPU */
	bool fail_host_unmap;
	unsigned int fail_map;		/* fail the nth mapping */
	struct gh_scenario scenario;	/* applies as often as its count says */
};

extern struct fake_core fake;

/* To be called first in each test. */
void fake_start(void);
/* Whether the host has all its memory. */
bool fake_host_has_all(void);

#endif /* FAKE_CORE_H */
