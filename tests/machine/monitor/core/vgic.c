// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guests' virtual GICv3: latches of pending interrupts, and their way into
 * list registers. All interrupts are group 1.
 *
 * Private latches (INTIDs 0 to 31) are atomic words that anybody may set; shared
 * ones are under the VM's lock. Who sets one calls mon_vcpu_notify(). The list
 * registers belong to whoever owns the vCPU.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/regs.h>
#include <mon/vm.h>
#include <string.h>

#define GICR_ISACTIVER0		(0x300 / 4)
#define PRIO_DEFAULT		0xa0
#define ALL_LRS			((1u << MON_NUM_LRS) - 1)
#define VTIMER			BIT(MON_PPI_VTIMER)
#define NOTHING			0xffffffffu

void mon_vgic_init_vm(struct mon_vm *vm)
{
	struct mon_vgic_vm *g = &vm->vgic;

	memset(g, 0, sizeof(*g));
	memset(g->spi_prio, PRIO_DEFAULT, sizeof(g->spi_prio));
}

void mon_vgic_init_cpu(struct mon_vcpu *vcpu)
{
	struct mon_vgic_cpu *g = &vcpu->vgic;

	memset(g, 0, sizeof(*g));
	memset(g->prio, PRIO_DEFAULT, sizeof(g->prio));
	g->cfg_edge = 0xffff;
	g->asleep = true;
}

static bool routed_here(const struct mon_vcpu *vcpu, uint32_t intid)
{
	uint64_t route = vcpu->vm->vgic.spi_route[intid];

	/* "Any participating CPU" is the first one. */
	if (route & BIT(31))
		return !vcpu->index;
	return route == vcpu->index;
}

/* Shared interrupts of one word that could go to this vCPU now. Under the lock. */
static uint64_t ready_spis(const struct mon_vcpu *vcpu, unsigned int w)
{
	const struct mon_vgic_vm *g = &vcpu->vm->vgic;
	uint64_t bits = g->spi_pending[w] & g->spi_enabled[w], out = 0;

	for (; bits; bits &= bits - 1) {
		uint32_t b = (uint32_t)__builtin_ctzll(bits);

		if (routed_here(vcpu, w * 64 + b))
			out |= BIT(b);
	}
	return out;
}

static uint32_t ready_private(const struct mon_vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->vgic.pending, __ATOMIC_RELAXED) & vcpu->vgic.enabled;
}

/* The best candidate and its priority, NOTHING if there is none. Under the lock. */
static uint32_t best(const struct mon_vcpu *vcpu, uint8_t *prio)
{
	const struct mon_vgic_vm *g = &vcpu->vm->vgic;
	uint32_t found = NOTHING, bits;
	uint32_t words;

	if (!g->enabled)
		return NOTHING;
	for (bits = ready_private(vcpu); bits; bits &= bits - 1) {
		uint32_t intid = (uint32_t)__builtin_ctz(bits);

		if (found == NOTHING || vcpu->vgic.prio[intid] < *prio) {
			found = intid;
			*prio = vcpu->vgic.prio[intid];
		}
	}
	for (words = g->spi_words; words; words &= words - 1) {
		unsigned int w = (unsigned int)__builtin_ctz(words);
		uint64_t spis = ready_spis(vcpu, w);

		for (; spis; spis &= spis - 1) {
			uint32_t intid = w * 64 + (uint32_t)__builtin_ctzll(spis);

			if (found == NOTHING || g->spi_prio[intid] < *prio) {
				found = intid;
				*prio = g->spi_prio[intid];
			}
		}
	}
	return found;
}

void mon_vgic_set_spis(struct mon_vgic_vm *g, unsigned int w, uint64_t pending)
{
	g->spi_pending[w] = pending;
	if (pending)
		g->spi_words |= 1u << w;
	else
		g->spi_words &= ~(1u << w);
}

/* Under the lock, if it is a shared one. */
static void latch(struct mon_vcpu *vcpu, uint32_t intid, bool set)
{
	struct mon_vgic_vm *g = &vcpu->vm->vgic;
	unsigned int w = intid / 64;

	if (intid < 32 && set)
		__atomic_fetch_or(&vcpu->vgic.pending, 1u << intid, __ATOMIC_RELEASE);
	else if (intid < 32)
		__atomic_fetch_and(&vcpu->vgic.pending, ~(1u << intid), __ATOMIC_ACQUIRE);
	else if (set)
		mon_vgic_set_spis(g, w, g->spi_pending[w] | BIT(intid & 63));
	else
		mon_vgic_set_spis(g, w, g->spi_pending[w] & ~BIT(intid & 63));
}

void mon_vgic_reset_cpu(struct mon_vcpu *vcpu)
{
	struct mon_vif *vif = &vcpu->vgic.vif;
	unsigned int i;

	mon_spin_lock(&vcpu->vm->vgic.lock);
	for (i = 0; i < MON_NUM_LRS; i++)
		if ((vif->used & (1u << i)) && (vif->lr[i] & LR_PENDING) && !(vif->lr[i] & LR_HW))
			latch(vcpu, LR_VINTID(vif->lr[i]), true);
	mon_spin_unlock(&vcpu->vm->vgic.lock);
	mon_vif_reset(vif);
	__atomic_store_n(&vcpu->notify, 1, __ATOMIC_RELAXED);
}

/* A saved list register for this interrupt; false if there is none left. */
static bool place(struct mon_vif *vif, uint32_t intid, uint8_t prio)
{
	uint32_t used;
	unsigned int free;

	for (used = vif->used; used; used &= used - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(used);

		if (LR_VINTID(vif->lr[i]) == intid) {
			vif->lr[i] |= LR_PENDING;
			return true;
		}
	}
	free = (unsigned int)__builtin_ctz(~vif->used);
	if (free >= MON_NUM_LRS)
		return false;
	vif->lr[free] = LR_PENDING | LR_GROUP1 | (uint64_t)prio << LR_PRIO_SHIFT | intid;
	vif->used |= 1u << free;
	return true;
}

/*
 * Takes back a list register that only waits, if what it holds is less urgent.
 * The virtual timer's stays: its other half is the physical interrupt.
 */
static bool evict(struct mon_vcpu *vcpu, uint8_t prio)
{
	struct mon_vif *vif = &vcpu->vgic.vif;
	unsigned int i;

	for (i = 0; i < MON_NUM_LRS; i++) {
		uint64_t lr = vif->lr[i];

		if ((lr & LR_STATE) != LR_PENDING || (lr & LR_HW) ||
		    mon_bits(lr, 55, 48) <= prio)
			continue;
		latch(vcpu, LR_VINTID(lr), true);
		vif->used &= ~(1u << i);
		return true;
	}
	return false;
}

void mon_vgic_fill(struct mon_vcpu *vcpu)
{
	struct mon_vgic_cpu *g = &vcpu->vgic;
	bool full = false;

	mon_spin_lock(&vcpu->vm->vgic.lock);
	__atomic_store_n(&vcpu->notify, 0, __ATOMIC_RELAXED);
	mon_mb();
	while (!full && (g->pending || vcpu->vm->vgic.spi_words)) {
		uint8_t prio = 0;
		uint32_t intid = best(vcpu, &prio);

		if (intid == NOTHING)
			break;
		if (place(&g->vif, intid, prio))
			latch(vcpu, intid, false);
		else
			full = !evict(vcpu, prio);
	}
	g->vif.underflow = full;
	mon_spin_unlock(&vcpu->vm->vgic.lock);
}

bool mon_vgic_pending(struct mon_vcpu *vcpu)
{
	const struct mon_vif *vif = &vcpu->vgic.vif;
	struct mon_vgic_vm *g = &vcpu->vm->vgic;
	uint8_t prio = 0;
	uint32_t used;
	bool found;

	for (used = vif->used; used; used &= used - 1)
		if (vif->lr[__builtin_ctz(used)] & LR_PENDING)
			return true;
	if (!mon_read_once(g->enabled))
		return false;
	if (((vcpu->vgic.enabled & VTIMER) && mon_vgic_timer_line(vcpu)) || ready_private(vcpu))
		return true;
	/* Who latches one and then looks at `parked` has written this word before. */
	if (!mon_read_once(g->spi_words))
		return false;
	mon_spin_lock(&g->lock);
	found = best(vcpu, &prio) != NOTHING;
	mon_spin_unlock(&g->lock);
	return found;
}

void mon_vgic_spi(struct mon_vm *vm, uint32_t intid)
{
	struct mon_vgic_vm *g = &vm->vgic;
	unsigned int w = intid / 64;
	uint32_t i;

	mon_spin_lock(&g->lock);
	mon_vgic_set_spis(g, w, g->spi_pending[w] | BIT(intid & 63));
	mon_spin_unlock(&g->lock);
	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpu[i] && routed_here(vm->vcpu[i], intid))
			mon_vcpu_notify(vm->vcpu[i]);
}

/* ICC_SGI1R_EL1 of a guest: affinities are 0.0.0.index. */
void mon_vgic_sgi(struct mon_vcpu *vcpu, uint64_t sgi1r)
{
	uint32_t intid = (uint32_t)mon_bits(sgi1r, 27, 24), i;
	bool others = sgi1r & BIT(40);
	uint64_t list = sgi1r & 0xffff;

	/* Aff3, RS, Aff2 and Aff1 of a target that exists are 0. */
	if (!others && (sgi1r & 0x00fff0ff00ff0000ull))
		return;
	for (i = 0; i < vcpu->vm->nr_vcpus; i++) {
		struct mon_vcpu *to = vcpu->vm->vcpu[i];

		if (!to || (others ? to == vcpu : !(list & BIT(i))))
			continue;
		latch(to, intid, true);
		mon_vcpu_notify(to);
	}
}

static unsigned int timer_lr(const struct mon_vif *vif)
{
	unsigned int i;

	for (i = 0; vif->used >> i; i++)
		if ((vif->used & (1u << i)) && LR_VINTID(vif->lr[i]) == MON_PPI_VTIMER)
			return i;
	return MON_NUM_LRS;
}

static uint64_t timer_lr_value(const struct mon_vcpu *vcpu)
{
	return LR_PENDING | LR_GROUP1 | LR_HW | MON_PPI_VTIMER |
	       (uint64_t)MON_PPI_VTIMER << LR_PINTID_SHIFT |
	       (uint64_t)vcpu->vgic.prio[MON_PPI_VTIMER] << LR_PRIO_SHIFT;
}

/*
 * New interrupts for the loaded vCPU. If the physical timer interrupt is held
 * without a list register, it is let go to come again as soon as there is one.
 */
void mon_vgic_refill(struct mon_cpu *cpu)
{
	struct mon_vcpu *vcpu = cpu->vcpu;
	struct mon_vif *vif = &vcpu->vgic.vif;

	mon_vif_save(vif);
	mon_vgic_fill(vcpu);
	if (cpu->odd.vtimer_held && (vcpu->vgic.enabled & VTIMER) && vcpu->vm->vgic.enabled &&
	    timer_lr(vif) == MON_NUM_LRS) {
		if (vif->used != ALL_LRS)
			mon_vgic_timer_release(cpu);
		else
			vif->underflow = true;
	}
	mon_vif_load(cpu, vif);
}

/*
 * The virtual timer is level triggered. Its list register carries the HW bit, so
 * that the guest's end of interrupt deactivates the physical one and a line that
 * is still high interrupts again. The physical interrupt is therefore active
 * exactly while such a list register is loaded.
 */
void mon_vgic_timer_enter(struct mon_cpu *cpu, struct mon_vcpu *vcpu)
{
	struct mon_vif *vif = &vcpu->vgic.vif;
	unsigned int i = timer_lr(vif);

	if (i == MON_NUM_LRS && (vcpu->vgic.enabled & VTIMER) && vcpu->vm->vgic.enabled &&
	    vif->used != ALL_LRS && mon_vgic_timer_line(vcpu)) {
		i = (unsigned int)__builtin_ctz(~vif->used);
		vif->lr[i] = timer_lr_value(vcpu);
		vif->used |= 1u << i;
	}
	if (i == MON_NUM_LRS || !(vif->lr[i] & LR_HW))
		return;
	cpu->gicr_sgi[GICR_ISACTIVER0] = (uint32_t)VTIMER;
	cpu->odd.vtimer_held = true;
}

void mon_vgic_timer_release(struct mon_cpu *cpu)
{
	if (!cpu->odd.vtimer_held)
		return;
	cpu->odd.vtimer_held = false;
	mon_write(ICC_DIR_EL1, MON_PPI_VTIMER);
	mon_isb();
}

void mon_vgic_timer_leave(struct mon_cpu *cpu, struct mon_vcpu *vcpu)
{
	struct mon_vif *vif = &vcpu->vgic.vif;
	unsigned int i;

	if (!cpu->odd.vtimer_held)
		return;
	mon_vgic_timer_release(cpu);
	i = timer_lr(vif);
	/* The line may have dropped before the guest took it. */
	if (i < MON_NUM_LRS && (vif->lr[i] & LR_STATE) == LR_PENDING &&
	    !mon_vgic_timer_line(vcpu)) {
		vif->lr[i] = 0;
		vif->used &= ~(1u << i);
	}
}

/* Physical PPI 27 was acknowledged while the guest runs; it stays active. */
void mon_vgic_timer_fired(struct mon_cpu *cpu)
{
	struct mon_vcpu *vcpu = cpu->vcpu;
	struct mon_vif *vif = &vcpu->vgic.vif;
	unsigned int i;

	cpu->odd.vtimer_held = true;
	/* Disabled in the guest's GIC: enabling it releases the physical one. */
	if (!(vcpu->vgic.enabled & VTIMER) || !vcpu->vm->vgic.enabled)
		return;
	mon_vif_save(vif);
	mon_spin_lock(&vcpu->vm->vgic.lock);
	if (vif->used == ALL_LRS && timer_lr(vif) == MON_NUM_LRS)
		evict(vcpu, vcpu->vgic.prio[MON_PPI_VTIMER]);
	mon_spin_unlock(&vcpu->vm->vgic.lock);
	if (vif->used == ALL_LRS) {
		/* Let go in mon_vgic_refill(), when a list register is free. */
		vif->underflow = true;
	} else if (timer_lr(vif) == MON_NUM_LRS) {
		i = (unsigned int)__builtin_ctz(~vif->used);
		vif->lr[i] = timer_lr_value(vcpu);
		vif->used |= 1u << i;
	}
	mon_vif_load(cpu, vif);
}
