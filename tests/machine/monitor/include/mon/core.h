/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traps, calls and the small services of the core.
 */
#ifndef MON_CORE_H
#define MON_CORE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <mon/cpu.h>
#include <mon/ctx.h>

struct mon_vcpu;

/* ---- inject.c: exceptions into EL1 of what is loaded ---- */
/* Synchronous external abort, as the instruction or data access at FAR_EL2. */
void mon_inject_abort(struct mon_ctx *ctx, uint64_t esr);
void mon_inject_undef(struct mon_ctx *ctx);
/* Where an exception taken now would go. */
uint64_t mon_inject_vector(const struct mon_ctx *ctx);
/* Steps over a trapped instruction. */
void mon_skip(struct mon_ctx *ctx, uint64_t esr);

/* ---- trap.c, trap_host.c, trap_guest.c ---- */
/* What is due before the way back to EL1; the frame to go back to. */
struct mon_ctx *mon_trap_end(struct mon_cpu *cpu);
struct mon_ctx *mon_host_sync(struct mon_cpu *cpu, uint64_t esr);
struct mon_ctx *mon_guest_sync(struct mon_cpu *cpu, struct mon_vcpu *vcpu, uint64_t esr);

/* ---- idregs.c ---- */
/* True if `iss` is a read of an ID register; *val is what host or guest may see. */
bool mon_idreg(uint32_t iss, bool guest, uint64_t *val);

/* ---- hypercall.c ---- */
/* BELL_SEND as the host calls it, by SMCCC. */
#define MON_CALL_BELL_SEND	0xc6008012u

struct mon_ctx *mon_bell_send(struct mon_cpu *cpu, uint64_t cap, uint64_t flags);
/* True if the call was one of the monitor's. `imm` is the HVC's immediate. */
bool mon_hypercall_host(struct mon_cpu *cpu, struct mon_ctx *ctx, uint32_t imm);
bool mon_hypercall_guest(struct mon_ctx *ctx, uint32_t imm);

/* ---- psci_host.c, psci_guest.c ---- */
void mon_psci_host(struct mon_cpu *cpu, struct mon_ctx *ctx);
bool mon_psci_guest(struct mon_cpu *cpu, struct mon_ctx *ctx);
uint64_t mon_smc(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3);

/* ---- dt.c ---- */
/* Reads the machine from the host's device tree and adds the monitor's nodes. */
void mon_dt_setup(void *dtb);

/* ---- heap.c ---- */
void mon_heap_init(void);
void *mon_page_alloc(unsigned int pages);	/* zeroed; 1 or 2, aligned to its size */
void mon_page_free(void *p, unsigned int pages);

/* ---- random.c ---- */
void mon_random_seed(const void *seed, unsigned int size);

/* ---- log.c ---- */
void mon_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mon_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
int mon_vsnprintf(char *buf, unsigned int size, const char *fmt, va_list ap);

#endif /* MON_CORE_H */
