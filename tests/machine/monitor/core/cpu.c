// SPDX-License-Identifier: GPL-2.0-only
/*
 * Physical CPUs and the control registers of the two worlds.
 */
#include <mon/core.h>
#include <mon/cpu.h>
#include <mon/gic.h>
#include <mon/vm.h>
#include <mon/world.h>
#include <stddef.h>
#include <string.h>

_Static_assert(offsetof(struct mon_ctx, elr) == CTX_ELR, "assembly offset");
_Static_assert(offsetof(struct mon_ctx, spsr) == CTX_SPSR, "assembly offset");
_Static_assert(offsetof(struct mon_cpu, cur) == CPU_CUR, "assembly offset");
_Static_assert(offsetof(struct mon_cpu, stack_top) == CPU_STACK, "assembly offset");
_Static_assert(offsetof(struct mon_vcpu, ctx) == 0, "the frame is the vCPU's head");

#define HCR_HOST	(HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_TID3 | HCR_TSC | \
			 HCR_RW)
#define HCR_GUEST	(HCR_HOST | HCR_AMO | HCR_FB | HCR_BSU_IS | HCR_TWI | \
			 HCR_TIDCP | HCR_TACR | HCR_TSW | HCR_TLOR | HCR_TERR)
#define CPTR_HOST	(CPTR_RES1 | CPTR_TZ | CPTR_TSM)
#define MDCR_GUEST	(MDCR_TPMCR | MDCR_TPM | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA | MDCR_TTRF | \
			 MDCR_TPMS)

/* 40 bits of IPA, level 1, write-back, inner shareable, 4 KiB, 40 bits of PA, 16-bit VMIDs. */
#define VTCR		((64 - MON_IPA_BITS) | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | \
			 1 << 19 | BIT(31))

struct mon_cpu mon_cpus[MON_MAX_CPUS] __attribute__((aligned(64)));
char mon_stacks[MON_MAX_CPUS][MON_STACK_SIZE] __attribute__((aligned(16)));
uint32_t mon_nr_cpus;
struct mon_spinlock mon_lock;

void mon_cpus_init(const uint64_t *mpidrs, uint32_t n)
{
	uint64_t self = mon_read(mpidr_el1) & 0xff00ffffffull;
	uint32_t i, next = 1;

	mon_cpus[0].mpidr = self;
	for (i = 0; i < n && next < MON_MAX_CPUS; i++)
		if (mpidrs[i] != self)
			mon_cpus[next++].mpidr = mpidrs[i];
	mon_nr_cpus = next;
	for (i = 0; i < next; i++) {
		mon_cpus[i].index = i;
		mon_cpus[i].stack_top = mon_stacks[i] + MON_STACK_SIZE;
		mon_cpus[i].cur = &mon_cpus[i].host;
	}
	mon_cpus[0].state = MON_CPU_ON;
}

struct mon_cpu *mon_cpu_by_mpidr(uint64_t mpidr)
{
	uint32_t i;

	for (i = 0; i < mon_nr_cpus; i++)
		if (mon_cpus[i].mpidr == (mpidr & 0xff00ffffffull))
			return &mon_cpus[i];
	return NULL;
}

void mon_cpu_kick(struct mon_cpu *cpu)
{
	uint64_t m = cpu->mpidr;

	mon_dsb_ish();
	mon_write(ICC_SGI1R_EL1, (m >> 32 & 0xff) << 48 | (uint64_t)MON_SGI << 24 |
		  (m >> 16 & 0xff) << 32 | (m >> 8 & 0xff) << 16 | BIT(m & 15));
	mon_isb();
}

static void set_ctl(struct mon_cpu *cpu)
{
	uint64_t hpmn = mon_read(mdcr_el2) & MDCR_HPMN;

	cpu->host_ctl = (struct mon_ctl){
		.hcr = HCR_HOST,
		.cptr = CPTR_HOST,
		.mdcr = hpmn,
		.cnthctl = CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN,
		.vttbr = mon_host_s2.vttbr,
		.vmpidr = mon_read(mpidr_el1),
	};
	cpu->guest_ctl = (struct mon_ctl){
		.hcr = HCR_GUEST,
		.cptr = CPTR_HOST | CPTR_TFP,
		.mdcr = hpmn | MDCR_GUEST,
		.cnthctl = CNTHCTL_EL1PCTEN,
	};
}

void mon_cpu_setup(struct mon_cpu *cpu)
{
	struct mon_el1 reset;

	mon_write(vtcr_el2, VTCR);
	mon_write(hstr_el2, 0);
	mon_write(cntvoff_el2, 0);
	mon_write(vpidr_el2, mon_read(midr_el1));
	set_ctl(cpu);
	mon_ctl_load(&cpu->host_ctl, cpu->host_ctl.vttbr, cpu->host_ctl.vmpidr);
	cpu->odd.impdef = mon_el1_probe();
	mon_el1_reset(&reset);
	mon_el1_switch(&cpu->host_el1, &reset);
	mon_write(mdscr_el1, 0);
	mon_write(cntp_ctl_el0, 0);
	mon_isb();
	asm volatile("tlbi alle1\n\tdsb nsh\n\tisb" : : : "memory");
	mon_gic_cpu_init(cpu);
	mon_timer_cpu_init(cpu);
}

void mon_cpu_host_entry(struct mon_cpu *cpu, uint64_t pc, uint64_t x0)
{
	memset(&cpu->host, 0, sizeof(cpu->host));
	cpu->host.x[0] = x0;
	cpu->host.elr = pc;
	cpu->host.spsr = SPSR_EL1H;
	cpu->cur = &cpu->host;
}
