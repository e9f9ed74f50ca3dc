// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EL2 physical timer (CNTHP) of each CPU: it ends a guest's run at the host's
 * next virtual timer deadline, and wakes parked vCPUs at theirs.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/regs.h>

#define NEVER			(~0ull)

static void arm(struct mon_cpu *cpu, uint64_t deadline)
{
	if (cpu->armed == deadline)
		return;
	cpu->armed = deadline;
	mon_write(cnthp_cval_el2, deadline);
	mon_write(cnthp_ctl_el2, deadline == NEVER ? 0 : CNT_CTL_ENABLE);
	mon_isb();
}

void mon_timer_cpu_init(struct mon_cpu *cpu)
{
	cpu->armed = 0;
	cpu->timers.first = cpu->timers.count ? cpu->timers.slot[0]->deadline : NEVER;
	arm(cpu, cpu->timers.first);
}

static void place(struct mon_timer_heap *h, uint32_t i, struct mon_vcpu *v)
{
	h->slot[i] = v;
	v->timer_slot = i;
}

static void sift_up(struct mon_timer_heap *h, uint32_t i, struct mon_vcpu *v)
{
	while (i && h->slot[(i - 1) / 2]->deadline > v->deadline) {
		place(h, i, h->slot[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(h, i, v);
}

static void sift_down(struct mon_timer_heap *h, uint32_t i, struct mon_vcpu *v)
{
	for (;;) {
		uint32_t c = 2 * i + 1;

		if (c >= h->count)
			break;
		if (c + 1 < h->count && h->slot[c + 1]->deadline < h->slot[c]->deadline)
			c++;
		if (h->slot[c]->deadline >= v->deadline)
			break;
		place(h, i, h->slot[c]);
		i = c;
	}
	place(h, i, v);
}

static void note_first(struct mon_timer_heap *h)
{
	__atomic_store_n(&h->first, h->count ? h->slot[0]->deadline : NEVER, __ATOMIC_RELAXED);
}

static void insert(struct mon_cpu *cpu, struct mon_vcpu *v)
{
	struct mon_timer_heap *h = &cpu->timers;

	__atomic_store_n(&v->timer_cpu, cpu->index, __ATOMIC_RELAXED);
	h->count++;
	sift_up(h, h->count - 1, v);
	note_first(h);
}

static void take_out(struct mon_timer_heap *h, struct mon_vcpu *v)
{
	uint32_t i = v->timer_slot;
	struct mon_vcpu *last;

	__atomic_store_n(&v->timer_cpu, MON_NO_CPU, __ATOMIC_RELAXED);
	last = h->slot[--h->count];
	if (last != v) {
		if (i && h->slot[(i - 1) / 2]->deadline > last->deadline)
			sift_up(h, i, last);
		else
			sift_down(h, i, last);
	}
	note_first(h);
}

void mon_timer_park(struct mon_cpu *cpu, struct mon_vcpu *vcpu)
{
	struct mon_timer_heap *h = &cpu->timers;

	mon_spin_lock(&h->lock);
	vcpu->deadline = vcpu->el1.cntv_cval;
	insert(cpu, vcpu);
	mon_spin_unlock(&h->lock);
	if (vcpu->deadline < cpu->armed)
		arm(cpu, vcpu->deadline);
}

/* The caller owns the vCPU; only its timer's expiry can get in between. */
void mon_timer_unpark(struct mon_vcpu *vcpu)
{
	for (;;) {
		uint32_t i = __atomic_load_n(&vcpu->timer_cpu, __ATOMIC_RELAXED);
		struct mon_timer_heap *h;
		bool done;

		if (i == MON_NO_CPU)
			return;
		h = &mon_cpus[i].timers;
		mon_spin_lock(&h->lock);
		done = vcpu->timer_cpu == i;
		if (done)
			take_out(h, vcpu);
		mon_spin_unlock(&h->lock);
		if (done)
			return;
	}
}

struct mon_ctx *mon_timer_enter(struct mon_cpu *cpu)
{
	arm(cpu, mon_timer_earliest(cpu));
	return cpu->cur;
}

void mon_timer_fired(struct mon_cpu *cpu)
{
	struct mon_timer_heap *h = &cpu->timers;
	uint64_t now = mon_counter();

	while (__atomic_load_n(&h->first, __ATOMIC_RELAXED) <= now) {
		struct mon_vcpu *v = NULL;

		mon_spin_lock(&h->lock);
		if (h->count && h->slot[0]->deadline <= now) {
			v = h->slot[0];
			take_out(h, v);
		}
		mon_spin_unlock(&h->lock);
		if (v)
			mon_vcpu_notify(v);
	}
	if (cpu->vcpu && mon_timer_host_deadline(cpu) <= now) {
		/* The timer itself interrupts once the host has its registers back. */
		cpu->host_irq = true;
		arm(cpu, h->first);
		return;
	}
	arm(cpu, cpu->vcpu ? mon_timer_earliest(cpu) : h->first);
}

/* Deadlines of a CPU that goes off move to one that is on. */
void mon_timer_cpu_off(struct mon_cpu *cpu)
{
	struct mon_timer_heap *from = &cpu->timers;
	struct mon_cpu *to = NULL;
	uint32_t i;

	arm(cpu, NEVER);
	for (i = 0; i < mon_nr_cpus; i++)
		if (&mon_cpus[i] != cpu && mon_cpus[i].state == MON_CPU_ON)
			to = &mon_cpus[i];
	if (!to)
		return;
	for (;;) {
		struct mon_vcpu *v = NULL;

		mon_spin_lock(&from->lock);
		if (from->count) {
			v = from->slot[0];
			take_out(from, v);
		}
		mon_spin_unlock(&from->lock);
		if (!v)
			break;
		mon_spin_lock(&to->timers.lock);
		insert(to, v);
		mon_spin_unlock(&to->timers.lock);
	}
	mon_cpu_kick(to);
}
