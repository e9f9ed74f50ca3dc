/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Misbehaviour on demand, for tests of the driver. Nothing is armed after boot, and
 * what is not armed costs the look at one word.
 */
#ifndef MON_SCENARIO_H
#define MON_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>
#include <mon/ctx.h>
#include <mon/cpu.h>

#include "../../../hostile/gh_scenario.h"

struct mon_vcpu;

/* A bit for each enum gh_scn_kind of which something is armed; atomic. */
extern uint32_t mon_scn_armed;

static inline bool mon_scn_any(enum gh_scn_kind kind)
{
	return __builtin_expect(__atomic_load_n(&mon_scn_armed, __ATOMIC_RELAXED) & 1u << kind, 0);
}

/* The scenario that applies now to the vCPU, to a call or to a message; copied to @s. */
bool mon_scn_take_vcpu(enum gh_scn_kind kind, const struct mon_vcpu *vcpu, uint64_t seen,
		       struct gh_scenario *s);
bool mon_scn_take_id(enum gh_scn_kind kind, uint32_t id, uint64_t seen, struct gh_scenario *s);
/* Stays at EL2, with interrupts waiting. */
void mon_scn_linger(uint32_t us);
/* The hypercall; false if it is not meant: the magic number is missing. */
bool mon_scn_hypercall(struct mon_cpu *cpu, struct mon_ctx *ctx, const uint64_t *args);

#endif /* MON_SCENARIO_H */
