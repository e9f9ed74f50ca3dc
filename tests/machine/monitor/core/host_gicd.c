// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's distributor. Registers of interrupts that exist are forwarded; the
 * lines above them, up to INTID 1019, are state of this file.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/regs.h>

#define GICD_CTLR		0x0000
#define GICD_TYPER		0x0004
#define GICD_TYPER_LINES	0x1fu
#define GICD_CTLR_ENABLES	(BIT(0) | BIT(1))
#define GICD_CTLR_ENABLE1	BIT(1)
#define GICD_CTLR_ARE		BIT(4)
#define GICD_IPRIORITYR		0x0400
#define GICD_IPRIORITYR_END	0x0800
#define GICD_ICFGR		0x0c00
#define GICD_ICFGR_END		0x0d00
#define GICD_IROUTER		0x6000
#define GICD_IROUTER_END	0x8000
#define IROUTER_ANY		BIT(31)
#define WORDS			32
#define PRIO_DEFAULT		0xa0

/* One bit each: banks of 128 bytes from 0x080. */
enum bank {
	BANK_GROUP = 1, BANK_SET_ENABLE, BANK_CLEAR_ENABLE, BANK_SET_PENDING,
	BANK_CLEAR_PENDING, BANK_SET_ACTIVE, BANK_CLEAR_ACTIVE,
};

static struct mon_spinlock lock;
static bool dist_enabled;
static uint64_t host_ctlr;
static uint32_t enabled[WORDS], pending[WORDS], edge[WORDS];
static uint32_t inflight[WORDS];	/* atomic */
static uint8_t prios[1024];
static uint64_t routes[1024];

static uint64_t forward_read(uint64_t offset, uint8_t size)
{
	uint64_t p = MON_GICD_BASE + offset;

	switch (size) {
	case 1:
		return *(volatile uint8_t *)p;
	case 2:
		return *(volatile uint16_t *)p;
	case 4:
		return *(volatile uint32_t *)p;
	default:
		return *(volatile uint64_t *)p;
	}
}

static void forward(struct mon_access *a, uint64_t offset)
{
	uint64_t p = MON_GICD_BASE + offset;

	if (!a->write) {
		a->value = forward_read(offset, a->size);
		return;
	}
	switch (a->size) {
	case 1:
		*(volatile uint8_t *)p = (uint8_t)a->value;
		break;
	case 2:
		*(volatile uint16_t *)p = (uint16_t)a->value;
		break;
	case 4:
		*(volatile uint32_t *)p = (uint32_t)a->value;
		break;
	default:
		*(volatile uint64_t *)p = a->value;
		break;
	}
}

/* The CPU a line goes to, or NULL while that CPU is off. Under the lock. */
static struct mon_cpu *target(uint32_t intid)
{
	struct mon_cpu *cpu;

	if (routes[intid] & IROUTER_ANY)
		return mon_this_cpu();
	cpu = mon_cpu_by_mpidr(routes[intid]);
	return cpu && __atomic_load_n(&cpu->state, __ATOMIC_ACQUIRE) == MON_CPU_ON ? cpu : NULL;
}

/*
 * Queues a line on this CPU, or sends it to another one's inbox, if it is pending and
 * may go. Under the lock.
 */
static void deliver(uint32_t intid)
{
	uint32_t w = intid / 32, bit = 1u << (intid & 31);
	struct mon_cpu *cpu;

	if (!dist_enabled || !(pending[w] & enabled[w] & bit))
		return;
	cpu = target(intid);
	if (!cpu)
		return;
	/* Not while it goes off: then its queue is being emptied into here. */
	if (cpu == mon_this_cpu() && cpu->state == MON_CPU_ON) {
		mon_hirq_queue(cpu, intid, PRIO_DEFAULT, false);
		cpu->host_irq = true;
		return;
	}
	__atomic_fetch_or(&cpu->inbox[intid / 64], BIT(intid & 63), __ATOMIC_RELAXED);
	__atomic_fetch_or(&cpu->inbox_words, 1u << (intid / 64), __ATOMIC_RELEASE);
	if (cpu != mon_this_cpu())
		mon_cpu_kick(cpu);
}

static void deliver_word(uint32_t w)
{
	uint32_t bits;

	for (bits = pending[w] & enabled[w]; bits; bits &= bits - 1)
		deliver(w * 32 + (uint32_t)__builtin_ctz(bits));
}

void mon_hline_raise(uint32_t intid)
{
	if (intid < mon_gic_hw_lines() || intid >= MON_INTID_END)
		return;
	mon_spin_lock(&lock);
	pending[intid / 32] |= 1u << (intid & 31);
	deliver(intid);
	mon_spin_unlock(&lock);
}

void core_host_virq(uint32_t intid)
{
	mon_hline_raise(intid);
}

bool mon_hline_take(uint32_t intid, uint8_t *prio)
{
	uint32_t w = intid / 32, bit = 1u << (intid & 31);
	bool take;

	mon_spin_lock(&lock);
	take = dist_enabled && (pending[w] & enabled[w] & bit);
	if (take) {
		pending[w] &= ~bit;
		__atomic_fetch_or(&inflight[w], bit, __ATOMIC_RELAXED);
		*prio = prios[intid];
	}
	mon_spin_unlock(&lock);
	return take;
}

void mon_hline_retired(uint32_t intid)
{
	if (intid < mon_gic_hw_lines() || intid >= MON_INTID_END)
		return;
	__atomic_fetch_and(&inflight[intid / 32], ~(1u << (intid & 31)), __ATOMIC_RELEASE);
}

/*
 * A line in a list register counts as active, even if the host has not taken it
 * yet: who waits for an interrupt to be over must wait for that one too. Only its
 * CPU can see that it is over, so that CPU is asked to look.
 */
static uint32_t read_active(uint32_t w)
{
	uint32_t active = __atomic_load_n(&inflight[w], __ATOMIC_ACQUIRE), bits;

	for (bits = active; bits; bits &= bits - 1) {
		struct mon_cpu *cpu = target(w * 32 + (uint32_t)__builtin_ctz(bits));

		if (cpu && cpu != mon_this_cpu())
			mon_cpu_kick(cpu);
	}
	return active;
}

static void access_bits(struct mon_access *a, enum bank bank, uint32_t w)
{
	uint32_t v = (uint32_t)a->value;
	uint32_t exists = w == WORDS - 1 ? 0x0fffffffu : 0xffffffffu;

	if (!a->write) {
		a->value = bank == BANK_GROUP ? exists :
			   bank <= BANK_CLEAR_ENABLE ? enabled[w] :
			   bank <= BANK_CLEAR_PENDING ? pending[w] : read_active(w);
		return;
	}
	v &= exists;
	switch (bank) {
	case BANK_SET_ENABLE:
		enabled[w] |= v;
		deliver_word(w);
		break;
	case BANK_CLEAR_ENABLE:
		enabled[w] &= ~v;
		break;
	case BANK_SET_PENDING:
		pending[w] |= v;
		deliver_word(w);
		break;
	case BANK_CLEAR_PENDING:
		pending[w] &= ~v;
		break;
	default:
		/* The active state is that of the list registers. */
		break;
	}
}

static void access_prio(struct mon_access *a, uint32_t intid)
{
	unsigned int i;

	if (!a->write)
		a->value = 0;
	for (i = 0; i < a->size && i < 4; i++) {
		if (a->write)
			prios[intid + i] = (uint8_t)(a->value >> (8 * i)) & 0xf8;
		else
			a->value |= (uint64_t)prios[intid + i] << (8 * i);
	}
}

static void access_config(struct mon_access *a, uint32_t intid)
{
	uint32_t w = intid / 32, shift = intid & 16, i, v = 0;

	for (i = 0; i < 16; i++) {
		uint32_t bit = 1u << (shift + i);

		if (!a->write)
			v |= edge[w] & bit ? 2u << (2 * i) : 0;
		else if (a->value & (2u << (2 * i)))
			edge[w] |= bit;
		else
			edge[w] &= ~bit;
	}
	if (!a->write)
		a->value = v;
}

static void access_route(struct mon_access *a, uint32_t intid, bool high)
{
	unsigned int shift = high ? 32 : 0;
	uint64_t mask = a->size == 8 ? ~0ull : 0xffffffffull << shift;

	if (!a->write) {
		a->value = (routes[intid] & mask) >> shift;
		return;
	}
	routes[intid] = ((routes[intid] & ~mask) | ((a->value << shift) & mask)) & 0xff80ffffffull;
	deliver(intid);
}

static void access_ctlr(struct mon_access *a)
{
	uint64_t v = forward_read(GICD_CTLR, 4);
	uint32_t w;

	if (!a->write) {
		a->value = (v & ~GICD_CTLR_ENABLES) | host_ctlr;
		return;
	}
	host_ctlr = a->value & GICD_CTLR_ENABLES;
	dist_enabled = host_ctlr & GICD_CTLR_ENABLE1;
	/* The monitor's own interrupts need the group, whatever the host does. */
	a->value |= GICD_CTLR_ARE | GICD_CTLR_ENABLE1;
	forward(a, GICD_CTLR);
	for (w = mon_gic_hw_lines() / 32; w < WORDS; w++)
		deliver_word(w);
}

static void access(struct mon_access *a, uint64_t off)
{
	uint32_t lines = mon_gic_hw_lines();

	if (off == GICD_CTLR && a->size == 4) {
		access_ctlr(a);
	} else if (off == GICD_TYPER && !a->write) {
		forward(a, off);
		a->value = (a->value & ~(uint64_t)GICD_TYPER_LINES) | GICD_TYPER_LINES;
	} else if (off >= 0x080 && off < GICD_IPRIORITYR && (off & 0x7f) / 4 * 32 >= lines) {
		if (a->size == 4)
			access_bits(a, (enum bank)(off / 0x80), (off & 0x7f) / 4);
	} else if (off >= GICD_IPRIORITYR + lines && off < GICD_IPRIORITYR_END) {
		access_prio(a, (uint32_t)(off - GICD_IPRIORITYR));
	} else if (off >= GICD_ICFGR + lines / 4 && off < GICD_ICFGR_END) {
		if (a->size == 4)
			access_config(a, (uint32_t)(off - GICD_ICFGR) * 4);
	} else if (off >= GICD_IROUTER + lines * 8 && off < GICD_IROUTER_END) {
		if (a->size >= 4)
			access_route(a, (uint32_t)(off - GICD_IROUTER) / 8, off & 4);
	} else {
		forward(a, off);
	}
}

void mon_hgicd_access(struct mon_cpu *cpu, struct mon_access *a)
{
	uint64_t off = a->ipa - MON_GICD_BASE;

	if (off & (a->size - 1u)) {
		a->value = 0;
		return;
	}
	/* What this CPU has finished, so that reads of the active state are exact. */
	mon_hirq_flush(cpu);
	mon_spin_lock(&lock);
	access(a, off);
	mon_spin_unlock(&lock);
}
