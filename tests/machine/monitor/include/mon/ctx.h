/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the assembly knows: the register frame of a context (the host on one CPU,
 * or a vCPU) and the head of the per-CPU structure. Offsets are checked in
 * core/percpu.c.
 */
#ifndef MON_CTX_H
#define MON_CTX_H

#define CTX_X(n)		((n) * 8)
#define CTX_ELR			248
#define CTX_SPSR		256

#define CPU_CUR			0
#define CPU_STACK		8

#ifndef __ASSEMBLER__
#include <stdint.h>

struct mon_ctx {
	uint64_t x[31];
	uint64_t elr;
	uint64_t spsr;
};

/* EL1 state that is not in the frame; switched between host and vCPU. */
struct mon_el1 {
	/* In pairs, as mon_el1_switch() takes them. */
	uint64_t sctlr, tcr, cntv_cval, mdscr, ttbr0, ttbr1, contextidr, cntkctl;
	uint64_t mair, cpacr, esr, far, vbar, tpidr_el0, tpidrro_el0, tpidr_el1;
	uint64_t sp_el0, sp_el1, elr, spsr, par, csselr, afsr0, afsr1, amair, cntv_ctl;
};

struct mon_fp {
	unsigned char v[512];
	uint64_t fpsr, fpcr;
} __attribute__((aligned(16)));

void mon_fp_save(struct mon_fp *fp);
void mon_fp_load(const struct mon_fp *fp);
/* Saves the registers to `from` and loads them from `to`. */
void mon_el1_switch(struct mon_el1 *from, const struct mon_el1 *to);
void mon_el1_reset(struct mon_el1 *s);
void mon_el1_probe(void);

#endif /* __ASSEMBLER__ */
#endif /* MON_CTX_H */
