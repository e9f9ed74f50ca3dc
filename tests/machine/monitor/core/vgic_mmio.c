// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frames of a guest's GIC: distributor, and a redistributor for each vCPU.
 * Called for the loaded vCPU with its list registers saved; under the VM's lock.
 */
#include <mon/gic.h>
#include <mon/regs.h>
#include <mon/vm.h>
#include <stddef.h>

#define GICD_FRAME		0x10000
#define GICD_CTLR		0x0000
#define GICD_TYPER		0x0004
#define GICD_IROUTER		0x6100
#define GICD_IROUTER_END	(0x6000 + 8 * MON_GUEST_IRQS)
#define GICR_TYPER		0x0008
#define GICR_TYPER_HIGH		0x000c
#define GICR_WAKER		0x0014
#define GIC_BITS		0x0080
#define GIC_PRIO		0x0400
#define GIC_CFG			0x0c00
#define GIC_CFG_END		0x0d00
#define GIC_PIDR2		0xffe8
#define GIC_PIDR2_V3		0x3b
#define GICD_CTLR_ENABLES	3u
#define GICD_CTLR_FIXED		(BIT(4) | BIT(6))	/* affinity routing, one security state */
#define GICD_TYPER_VALUE	((MON_GUEST_IRQS / 32 - 1) | 9u << 19 | 1u << 25)
#define WAKER_SLEEP		BIT(1)
#define WAKER_ASLEEP		BIT(2)
#define VTIMER			(1u << MON_PPI_VTIMER)

enum bank {
	BANK_GROUP = 1, BANK_SET_ENABLE, BANK_CLEAR_ENABLE, BANK_SET_PENDING,
	BANK_CLEAR_PENDING, BANK_SET_ACTIVE, BANK_CLEAR_ACTIVE,
};

static void look_again(struct mon_vm *vm)
{
	uint32_t i;

	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpu[i])
			mon_vcpu_notify(vm->vcpu[i]);
}

/* Bits of 32 INTIDs from `first` that a vCPU's saved list registers hold in a state. */
static uint32_t lr_bits(const struct mon_vcpu *vcpu, uint32_t first, uint64_t state)
{
	const struct mon_vif *vif = &vcpu->vgic.vif;
	uint32_t bits = 0;
	unsigned int i;

	for (i = 0; i < MON_NUM_LRS; i++) {
		uint32_t intid = LR_VINTID(vif->lr[i]);

		if ((vif->used & (1u << i)) && (vif->lr[i] & state) && intid - first < 32)
			bits |= 1u << (intid - first);
	}
	return bits;
}

/* Takes a state away from the list registers of the given INTIDs; what it was. */
static uint32_t lr_clear(struct mon_vcpu *vcpu, uint32_t first, uint32_t which, uint64_t state)
{
	struct mon_vif *vif = &vcpu->vgic.vif;
	uint32_t cleared = 0;
	unsigned int i;

	for (i = 0; i < MON_NUM_LRS; i++) {
		uint32_t n = LR_VINTID(vif->lr[i]) - first;

		if (!(vif->used & (1u << i)) || n >= 32 || !(which & (1u << n)) ||
		    !(vif->lr[i] & state))
			continue;
		cleared |= 1u << n;
		vif->lr[i] &= ~state;
		if (!(vif->lr[i] & LR_STATE))
			vif->used &= ~(1u << i);
	}
	return cleared;
}

/* One word of enable, pending or active state. `self` is the loaded vCPU. */
struct word {
	uint32_t first;
	uint32_t enabled, pending;
	struct mon_vcpu *lrs;	/* whose list registers count, or NULL for all */
};

static uint32_t read_lrs(struct mon_vcpu *self, const struct word *w, uint64_t state)
{
	uint32_t bits = 0, i;

	if (w->lrs)
		return lr_bits(w->lrs, w->first, state);
	for (i = 0; i < self->vm->nr_vcpus; i++)
		if (self->vm->vcpu[i])
			bits |= lr_bits(self->vm->vcpu[i], w->first, state);
	return bits;
}

/* Changes the word; only the loaded vCPU's list registers can be changed with it. */
static void write_word(struct mon_vcpu *self, struct word *w, enum bank which, uint32_t v)
{
	bool own = !w->lrs || w->lrs == self;

	switch (which) {
	case BANK_SET_ENABLE:
		w->enabled |= v;
		break;
	case BANK_CLEAR_ENABLE:
		w->enabled &= ~v;
		if (own)
			w->pending |= lr_clear(self, w->first, v, LR_PENDING);
		break;
	case BANK_SET_PENDING:
		w->pending |= v;
		break;
	case BANK_CLEAR_PENDING:
		w->pending &= ~v;
		if (own)
			lr_clear(self, w->first, v, LR_PENDING);
		break;
	case BANK_CLEAR_ACTIVE:
		if (own)
			lr_clear(self, w->first, v, LR_ACTIVE);
		break;
	default:
		break;
	}
}

static uint32_t read_word(struct mon_vcpu *self, const struct word *w, enum bank which)
{
	switch (which) {
	case BANK_GROUP:
		return 0xffffffffu;
	case BANK_SET_ENABLE:
	case BANK_CLEAR_ENABLE:
		return w->enabled;
	case BANK_SET_PENDING:
	case BANK_CLEAR_PENDING:
		return w->pending | read_lrs(self, w, LR_PENDING);
	default:
		return read_lrs(self, w, LR_ACTIVE);
	}
}

static void private_bits(struct mon_cpu *cpu, struct mon_vcpu *vcpu, struct mon_access *a,
			 enum bank which)
{
	struct word w = {
		.enabled = vcpu->vgic.enabled,
		.pending = __atomic_load_n(&vcpu->vgic.pending, __ATOMIC_RELAXED),
		.lrs = vcpu,
	};
	uint32_t v = (uint32_t)a->value, was = w.pending;

	if (!a->write) {
		a->value = read_word(cpu->vcpu, &w, which);
		return;
	}
	/* The timer's line is its own pending state. */
	if (which == BANK_SET_PENDING || which == BANK_CLEAR_PENDING)
		v &= ~VTIMER;
	write_word(cpu->vcpu, &w, which, v);
	w.pending &= ~VTIMER;
	if (vcpu == cpu->vcpu && which == BANK_SET_ENABLE && (v & ~vcpu->vgic.enabled & VTIMER))
		mon_vgic_timer_release(cpu);
	vcpu->vgic.enabled = w.enabled;
	__atomic_fetch_or(&vcpu->vgic.pending, w.pending & ~was, __ATOMIC_RELAXED);
	__atomic_fetch_and(&vcpu->vgic.pending, ~(was & ~w.pending), __ATOMIC_RELAXED);
	mon_vcpu_notify(vcpu);
}

static void shared_bits(struct mon_cpu *cpu, struct mon_access *a, enum bank which, uint32_t n)
{
	struct mon_vgic_vm *g = &cpu->vcpu->vm->vgic;
	unsigned int i = n / 2, shift = n & 1 ? 32 : 0;
	uint64_t keep = ~(0xffffffffull << shift);
	struct word w = {
		.first = n * 32,
		.enabled = (uint32_t)(g->spi_enabled[i] >> shift),
		.pending = (uint32_t)(g->spi_pending[i] >> shift),
	};

	if (!a->write) {
		a->value = read_word(cpu->vcpu, &w, which);
		return;
	}
	write_word(cpu->vcpu, &w, which, (uint32_t)a->value);
	g->spi_enabled[i] = (g->spi_enabled[i] & keep) | (uint64_t)w.enabled << shift;
	mon_vgic_set_spis(g, i, (g->spi_pending[i] & keep) | (uint64_t)w.pending << shift);
	look_again(cpu->vcpu->vm);
}

static void priorities(uint8_t *prio, struct mon_access *a)
{
	uint64_t v = 0;
	unsigned int i;

	for (i = 0; i < a->size; i++) {
		if (a->write)
			prio[i] = (uint8_t)(a->value >> (8 * i)) & 0xf8;
		v |= (uint64_t)prio[i] << (8 * i);
	}
	if (!a->write)
		a->value = v;
}

/* 16 interrupts' trigger modes in the low half of *edge. */
static uint32_t config(uint32_t edge, struct mon_access *a)
{
	uint64_t v = 0;
	uint32_t out = 0;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (edge & (1u << i))
			v |= 2ull << (2 * i);
		if (a->value & (2ull << (2 * i)))
			out |= 1u << i;
	}
	if (a->write)
		return out;
	a->value = v;
	return edge;
}

static void dist_config(struct mon_vgic_vm *g, struct mon_access *a, uint32_t first)
{
	uint64_t *w = &g->spi_edge[first / 64];
	unsigned int shift = first & 63;
	uint64_t v = config((uint32_t)(*w >> shift) & 0xffff, a);

	*w = (*w & ~(0xffffull << shift)) | v << shift;
}

static void dist_route(struct mon_vm *vm, struct mon_access *a, uint64_t off)
{
	uint64_t *route = &vm->vgic.spi_route[(off - 0x6000) / 8];
	unsigned int shift = off & 4 ? 32 : 0;
	uint64_t mask = a->size == 8 ? ~0ull : 0xffffffffull << shift;

	if (!a->write) {
		a->value = (*route & mask) >> shift;
		return;
	}
	*route = ((*route & ~mask) | ((a->value << shift) & mask)) & 0xff80ffffffull;
	look_again(vm);
}

static void dist_ctlr(struct mon_vm *vm, struct mon_access *a)
{
	if (!a->write) {
		a->value = vm->vgic.ctlr | GICD_CTLR_FIXED;
		return;
	}
	vm->vgic.ctlr = a->value & GICD_CTLR_ENABLES;
	vm->vgic.enabled = vm->vgic.ctlr;
	look_again(vm);
}

static void dist(struct mon_cpu *cpu, struct mon_access *a, uint64_t off)
{
	struct mon_vm *vm = cpu->vcpu->vm;
	uint32_t n = (off & 0x7f) / 4;

	if (off == GICD_CTLR) {
		dist_ctlr(vm, a);
	} else if (off >= GICD_IROUTER && off < GICD_IROUTER_END) {
		if (a->size >= 4)
			dist_route(vm, a, off);
	} else if (off >= GIC_PRIO + 32 && off < GIC_PRIO + MON_GUEST_IRQS) {
		if (a->size <= 4)
			priorities(&vm->vgic.spi_prio[off - GIC_PRIO], a);
	} else if (a->size != 4) {
		a->value = 0;
	} else if (off >= GIC_BITS && off < GIC_PRIO && n && n < MON_GUEST_IRQS / 32) {
		shared_bits(cpu, a, (enum bank)(off / 0x80), n);
	} else if (off >= GIC_CFG + 8 && off < GIC_CFG + MON_GUEST_IRQS / 4) {
		dist_config(&vm->vgic, a, (uint32_t)(off - GIC_CFG) * 4);
	} else {
		a->value = off == GICD_TYPER ? GICD_TYPER_VALUE :
			   off == GIC_PIDR2 ? GIC_PIDR2_V3 : 0;
	}
}

static void redist_control(struct mon_vcpu *vcpu, struct mon_access *a, uint64_t off)
{
	uint64_t typer = (uint64_t)vcpu->index << 32 | vcpu->index << 8;

	if (vcpu->index + 1 == vcpu->vm->nr_vcpus)
		typer |= BIT(4);
	if (off == GICR_WAKER && a->write) {
		vcpu->vgic.asleep = a->value & WAKER_SLEEP;
		return;
	}
	switch (off) {
	case GICR_TYPER:
		a->value = a->size == 8 ? typer : (uint32_t)typer;
		break;
	case GICR_TYPER_HIGH:
		a->value = typer >> 32;
		break;
	case GICR_WAKER:
		a->value = vcpu->vgic.asleep ? WAKER_SLEEP | WAKER_ASLEEP : 0;
		break;
	case GIC_PIDR2:
		a->value = GIC_PIDR2_V3;
		break;
	default:
		a->value = 0;
		break;
	}
}

static void redist(struct mon_cpu *cpu, struct mon_vcpu *vcpu, struct mon_access *a, uint64_t off)
{
	struct mon_vgic_cpu *g = &vcpu->vgic;

	if (off < GICD_FRAME) {
		redist_control(vcpu, a, off);
		return;
	}
	off -= GICD_FRAME;
	if (off >= GIC_PRIO && off < GIC_PRIO + 32 && a->size <= 4)
		priorities(&g->prio[off - GIC_PRIO], a);
	else if (off >= GIC_BITS && off < GIC_PRIO && !(off & 0x7f) && a->size == 4)
		private_bits(cpu, vcpu, a, (enum bank)(off / 0x80));
	else if (off == GIC_CFG + 4 && a->size == 4)
		g->cfg_edge = config(g->cfg_edge >> 16, a) << 16 | 0xffff;
	else if (off == GIC_CFG)
		a->value = 0xaaaaaaaa;
	else
		a->value = 0;
}

bool mon_vgic_mmio(struct mon_cpu *cpu, struct mon_access *a)
{
	struct mon_vm *vm = cpu->vcpu->vm;
	struct mon_vgic_vm *g = &vm->vgic;
	uint64_t doff = a->ipa - g->gicd, roff = a->ipa - g->gicr;
	uint64_t index = roff / MON_GICR_STRIDE;
	struct mon_vcpu *vcpu = NULL;

	/* Most accesses are not for the GIC. */
	if (doff >= GICD_FRAME && roff >= g->gicr_size)
		return false;
	if (roff < g->gicr_size && index < vm->nr_vcpus)
		vcpu = vm->vcpu[index];
	if (!g->gicr_size || (doff >= GICD_FRAME && !vcpu))
		return false;
	if (a->ipa & (a->size - 1u)) {
		a->value = 0;
		return true;
	}
	mon_vif_save(&cpu->vcpu->vgic.vif);
	mon_spin_lock(&g->lock);
	if (doff < GICD_FRAME)
		dist(cpu, a, doff);
	else
		redist(cpu, vcpu, a, roff % MON_GICR_STRIDE);
	mon_spin_unlock(&g->lock);
	mon_vif_load(cpu, &cpu->vcpu->vgic.vif);
	return true;
}
