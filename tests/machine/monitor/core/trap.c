// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every entry from EL1 and EL0, and the work due before the way back.
 */
#include <mon/core.h>
#include <mon/cpu.h>
#include <mon/gic.h>
#include <mon/vm.h>

struct mon_ctx *mon_trap_sync(struct mon_cpu *cpu);
struct mon_ctx *mon_trap_irq(struct mon_cpu *cpu);
struct mon_ctx *mon_trap_serror(struct mon_cpu *cpu);

/*
 * Interrupts that this CPU raised or took on the way go into list registers; if
 * they are the host's and a guest is loaded, its run is over.
 */
struct mon_ctx *mon_trap_end(struct mon_cpu *cpu)
{
	mon_hirq_inbox(cpu);
	if (cpu->vcpu) {
		if (cpu->hq.count || cpu->vcpu->dead)
			mon_vcpu_leave(cpu, RUN_READY, 0, 0, 0);
		else if (__atomic_load_n(&cpu->vcpu->notify, __ATOMIC_ACQUIRE))
			mon_vgic_refill(cpu);
	}
	if (!cpu->vcpu && cpu->hq.count)
		mon_hirq_flush(cpu);
	return cpu->cur;
}

struct mon_ctx *mon_trap_sync(struct mon_cpu *cpu)
{
	uint64_t esr = mon_read(esr_el2);

	if (cpu->vcpu)
		return mon_guest_sync(cpu, cpu->vcpu, esr);
	return mon_host_sync(cpu, esr);
}

struct mon_ctx *mon_trap_irq(struct mon_cpu *cpu)
{
	cpu->host_irq = false;
	mon_gic_take(cpu);
	if (cpu->vcpu && cpu->host_irq)
		mon_vcpu_leave(cpu, RUN_READY, 0, 0, 0);
	if (cpu->vcpu)
		return mon_trap_end(cpu);
	/* Also when only an SGI came: somebody may want this CPU to look. */
	mon_hirq_inbox(cpu);
	mon_hirq_flush(cpu);
	return cpu->cur;
}

/* The machine has none of its own; one that a guest caused ends the guest. */
struct mon_ctx *mon_trap_serror(struct mon_cpu *cpu)
{
	const uint32_t words[1] = { 0 };

	mon_log("SError on cpu %u, esr %lx", cpu->index, mon_read(esr_el2));
	if (cpu->vcpu)
		mon_vm_exit(cpu, RM_EXIT_ERROR, words, 1, RUN_FAULT, 0, 0);
	return mon_trap_end(cpu);
}
