// SPDX-License-Identifier: GPL-2.0-only
/*
 * From power-on to the first instruction of the host.
 */
#include <mon/addr.h>
#include <mon/core.h>
#include <mon/cpu.h>
#include <mon/gic.h>
#include <mon/vm.h>
#include <rm_core.h>

void mon_boot(void *dtb);
void mon_secondary(struct mon_cpu *cpu);

void mon_boot(void *dtb)
{
	struct mon_cpu *cpu = mon_this_cpu();

	mon_heap_init();
	mon_dt_setup(dtb);
	mon_gic_init();
	if (mon_host_mem_init())
		mon_panic("panic: no memory for the host's stage 2");
	mon_cap_init();
	mon_cpu_setup(cpu);
	rm_init(MON_VIRQ_RM_TX, MON_VIRQ_RM_RX);
	mon_log("EL2 monitor, %u cpus, %u interrupt lines, host at %x", mon_nr_cpus,
		mon_gic_hw_lines(), MON_HOST_IMAGE);
	mon_cpu_host_entry(cpu, MON_HOST_IMAGE, (uint64_t)dtb);
}

void mon_secondary(struct mon_cpu *cpu)
{
	mon_cpu_setup(cpu);
	mon_cpu_host_entry(cpu, cpu->host_entry, cpu->host_arg);
	__atomic_store_n(&cpu->state, MON_CPU_ON, __ATOMIC_RELEASE);
}
