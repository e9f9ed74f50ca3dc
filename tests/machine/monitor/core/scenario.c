// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios: the table of what is armed, and the hypercall that fills it. What a
 * scenario does is where it happens: VCPU_RUN and wake-ups in vcpu.c, other calls in
 * hypercall.c, messages in rm/rm_scenario.c.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/scenario.h>
#include <mon/vm.h>
#include <stddef.h>
#include <string.h>

struct slot {
	bool armed;
	struct gh_scenario s;
	uint32_t hits;
	uint64_t seen;
};

uint32_t mon_scn_armed;

/* Innermost: nothing is taken under it. */
static struct mon_spinlock lock;
static struct slot slots[GH_SCN_SLOTS];

/* Under the lock: one more that matches. False as long as they are skipped. */
static bool hit(struct slot *slot, uint64_t seen, struct gh_scenario *s)
{
	if (slot->s.skip) {
		slot->s.skip--;
		return false;
	}
	if (!slot->s.count)
		return false;
	if (slot->s.count != GH_SCN_FOREVER)
		slot->s.count--;
	slot->hits++;
	slot->seen = seen;
	*s = slot->s;
	return true;
}

bool mon_scn_take_vcpu(enum gh_scn_kind kind, const struct mon_vcpu *vcpu, uint64_t seen,
		       struct gh_scenario *s)
{
	bool taken = false;
	unsigned int i;

	mon_spin_lock(&lock);
	for (i = 0; i < GH_SCN_SLOTS && !taken; i++) {
		const struct gh_scenario *armed = &slots[i].s;

		if (!slots[i].armed || armed->kind != kind)
			continue;
		if (armed->vmid && armed->vmid != vcpu->vm->vmid)
			continue;
		if (armed->vcpu != GH_SCN_ANY_VCPU && armed->vcpu != vcpu->index)
			continue;
		taken = hit(&slots[i], seen, s);
	}
	mon_spin_unlock(&lock);
	return taken;
}

bool mon_scn_take_id(enum gh_scn_kind kind, uint32_t id, uint64_t seen, struct gh_scenario *s)
{
	bool taken = false;
	unsigned int i;

	mon_spin_lock(&lock);
	for (i = 0; i < GH_SCN_SLOTS && !taken; i++) {
		if (slots[i].armed && slots[i].s.kind == kind && slots[i].s.id == id)
			taken = hit(&slots[i], seen, s);
	}
	mon_spin_unlock(&lock);
	return taken;
}

bool core_scenario(uint32_t kind, uint32_t id, struct gh_scenario *s)
{
	return mon_scn_any(kind) && mon_scn_take_id(kind, id, 0, s);
}

void mon_scn_linger(uint32_t us)
{
	uint64_t end;

	if (us > 1000000)
		us = 1000000;
	end = mon_counter() + mon_read(cntfrq_el0) * us / 1000000;
	while (mon_counter() < end)
		;
}

/* Under the lock. VCPU_RUN looks at a word of its CPU only. */
static void tell_cpus(void)
{
	uint32_t i;

	for (i = 0; i < mon_nr_cpus; i++)
		__atomic_store_n(&mon_cpus[i].odd.scenario, mon_scn_any(GH_SCN_RUN),
				 __ATOMIC_RELAXED);
}

static int64_t arm(const struct gh_scenario *s, uint64_t *slot)
{
	int64_t err = MON_ERR_NORESOURCES;
	unsigned int i;

	mon_spin_lock(&lock);
	for (i = 0; i < GH_SCN_SLOTS; i++) {
		if (slots[i].armed)
			continue;
		slots[i] = (struct slot){ .armed = true, .s = *s };
		__atomic_fetch_or(&mon_scn_armed, 1u << s->kind, __ATOMIC_RELAXED);
		tell_cpus();
		*slot = i;
		err = MON_OK;
		break;
	}
	mon_spin_unlock(&lock);
	return err;
}

/* What is done at once, under mon_lock. */
static int64_t act(const struct gh_scenario *s)
{
	struct mon_vcpu *vcpu;

	switch (s->kind) {
	case GH_SCN_INJECT:
		return rm_inject(s->msg, s->len);
	case GH_SCN_RELEASE:
		rm_release_held();
		return MON_OK;
	case GH_SCN_KILL:
		rm_vm_exited(s->vmid, s->word, NULL, 0);
		return MON_OK;
	case GH_SCN_RAISE:
		vcpu = mon_vcpu_find(s->vmid, s->vcpu);
		if (!vcpu)
			return MON_ERR_ARG_INVALID;
		mon_hline_raise(vcpu->virq);
		return MON_OK;
	default:
		return MON_ERR_ARG_INVALID;
	}
}

static int64_t request(struct mon_cpu *cpu, uint64_t va, uint64_t *slot)
{
	struct gh_scenario s;
	int64_t err;

	*slot = 0;
	if (!mon_host_copy_from(&s, va, sizeof(s)))
		return MON_ERR_ADDR_INVALID;
	if (s.kind < GH_SCN_INJECT)
		return arm(&s, slot);
	mon_rm_begin(cpu);
	err = act(&s);
	mon_rm_end(cpu);
	return err;
}

static void clear(struct mon_cpu *cpu)
{
	mon_spin_lock(&lock);
	__atomic_store_n(&mon_scn_armed, 0, __ATOMIC_RELAXED);
	tell_cpus();
	memset(slots, 0, sizeof(slots));
	mon_spin_unlock(&lock);
	mon_rm_begin(cpu);
	rm_drop_held();
	mon_rm_end(cpu);
}

bool mon_scn_hypercall(struct mon_cpu *cpu, struct mon_ctx *ctx, const uint64_t *args)
{
	uint64_t call = args[1], arg = args[2];
	int64_t err = MON_OK;

	if (args[0] != GH_SCN_MAGIC)
		return false;
	switch (call) {
	case GH_SCN_CALL_ARM:
		err = request(cpu, arg, &ctx->x[1]);
		break;
	case GH_SCN_CALL_STATE:
		if (arg >= GH_SCN_SLOTS) {
			err = MON_ERR_ARG_INVALID;
			break;
		}
		mon_spin_lock(&lock);
		ctx->x[1] = slots[arg].hits;
		ctx->x[2] = slots[arg].seen;
		mon_spin_unlock(&lock);
		break;
	case GH_SCN_CALL_CLEAR:
		clear(cpu);
		break;
	default:
		err = MON_ERR_ARG_INVALID;
	}
	ctx->x[0] = (uint64_t)err;
	return true;
}
