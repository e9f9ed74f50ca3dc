/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the assembly knows: the register frame of a context (the host on one CPU,
 * or a vCPU) and the head of the per-CPU structure. Offsets are checked in
 * core/cpu.c.
 */
#ifndef MON_CTX_H
#define MON_CTX_H

#define CTX_X(n)		((n) * 8)
#define CTX_ELR			248
#define CTX_SPSR		256

#define CPU_CUR			0
#define CPU_STACK		8

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

struct mon_ctx {
	uint64_t x[31];
	uint64_t elr;
	uint64_t spsr;
} __attribute__((aligned(16)));	/* the stack pointer of EL2 while EL1 runs */

/* EL1 state that is not in the frame; switched between host and vCPU. */
struct mon_el1 {
	/* In pairs, as mon_el1_switch() takes them. */
	uint64_t sctlr, tcr, ttbr0, ttbr1, mair, cpacr, contextidr, cntkctl;
	uint64_t esr, far, vbar, tpidr_el1, tpidr_el0, tpidrro_el0, sp_el0, sp_el1;
	uint64_t elr, spsr, par, csselr, cntv_cval, cntv_ctl;
	/* The implementation's; see mon_el1_probe(). */
	uint64_t afsr0, afsr1, amair;
};

struct mon_fp {
	unsigned char v[512];
	uint64_t fpsr, fpcr;
} __attribute__((aligned(16)));

void mon_fp_save(struct mon_fp *fp);
void mon_fp_load(const struct mon_fp *fp);
void mon_el1_reset(struct mon_el1 *s);
/* Whether this CPU has registers for mon_el1_switch_impdef(), which are zero then. */
bool mon_el1_probe(void);
void mon_el1_switch_impdef(struct mon_el1 *from, const struct mon_el1 *to);

#endif /* __ASSEMBLER__ */
#endif /* MON_CTX_H */
