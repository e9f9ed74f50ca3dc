/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A physical CPU: what runs on it, the host's state while a guest runs, the host's
 * interrupts on their way into list registers, and the timers of parked vCPUs.
 */
#ifndef MON_CPU_H
#define MON_CPU_H

#include <stdbool.h>
#include <stdint.h>
#include <mon/addr.h>
#include <mon/ctx.h>
#include <mon/lock.h>
#include <mon/regs.h>
#include <rm_core.h>

#define MON_NUM_LRS		4
#define MON_LPI_QUEUE		64
#define MON_HIRQ_WORDS		16	/* 1024 INTIDs */

struct mon_vcpu;

enum mon_cpu_state {
	MON_CPU_OFF,		/* never started, or after CPU_OFF */
	MON_CPU_STARTING,	/* PSCI was asked, not here yet */
	MON_CPU_ON,
};

/* The virtual CPU interface of a world while the other one is loaded. */
struct mon_vif {
	uint64_t vmcr;
	uint64_t ap1r0;
	union {
		uint64_t busy;			/* not zero if one of these */
		struct {
			uint32_t used;		/* list registers with something, as last seen */
			uint32_t underflow;	/* bool: more waits, maintenance interrupt wanted */
		};
	};
	uint64_t lr[MON_NUM_LRS];
};

/* Interrupts of the host that wait for a list register of this CPU. Own CPU only. */
struct mon_host_queue {
	uint32_t words;		/* a bit for each word of `pending` that is not zero */
	uint64_t pending[MON_HIRQ_WORDS];
	uint64_t hw[MON_HIRQ_WORDS];
	uint8_t prio[MON_HIRQ_WORDS * 64];
	uint32_t lpi[MON_LPI_QUEUE];
	uint8_t lpi_prio[MON_LPI_QUEUE];
	uint32_t nr_lpi;
	uint32_t count;		/* all of the above */
	uint8_t usual;		/* priority of all of them, unless `mixed` */
	bool mixed;
};

/* Deadlines of parked vCPUs: a binary heap, earliest first. */
struct mon_timer_heap {
	struct mon_spinlock lock;
	uint32_t count;
	uint64_t first;				/* earliest deadline; read without the lock */
	struct mon_vcpu *slot[MON_MAX_VCPUS];	/* borrowed while queued */
};

/* Control registers of EL2 while one of the two worlds runs. */
struct mon_ctl {
	uint64_t hcr, cptr, mdcr, cnthctl;
	uint64_t vttbr, vmpidr;	/* the host's; a vCPU has its own */
};

/* What a world switch rarely finds, and must then care for. */
union mon_odd {
	uint64_t any;			/* not zero if one of these */
	struct {
		bool guest_fp;		/* the vCPU's FP state is in the registers */
		bool vtimer_held;	/* PPI 27 is active for the guest's list register */
		bool host_vif;		/* a guest runs, and host_vif is not empty */
		bool host_debug;	/* a guest runs, and host_mdscr was not idle */
		bool impdef;		/* mon_el1_probe() has found something */
		bool scenario;		/* GH_SCN_RUN is armed; written by any CPU */
	};
};

struct mon_cpu {
	struct mon_ctx *cur;		/* first: known to the assembly */
	void *stack_top;
	struct mon_vcpu *vcpu;		/* loaded now, or NULL; owned by this CPU meanwhile */
	union mon_odd odd;
	uint32_t index;
	uint64_t mpidr;
	uint32_t state;			/* enum mon_cpu_state */
	uint64_t host_entry;		/* for a secondary: where, and its x0 */
	uint64_t host_arg;
	volatile uint32_t *gicr_sgi;	/* this CPU's SGI frame */

	uint64_t armed;			/* CNTHP compare value as programmed */
	struct mon_ctl host_ctl, guest_ctl;
	struct mon_vif host_vif;
	struct mon_el1 host_el1;
	struct mon_ctx host;
	struct mon_fp host_fp;
	uint64_t host_mdscr;
	bool host_irq;			/* something for the host came while a guest ran */

	uint64_t ich_hcr;		/* ICH_HCR_EL2 as programmed */
	struct mon_host_queue hq;
	uint64_t inbox[MON_HIRQ_WORDS];	/* virtual lines other CPUs raised here; atomic */
	uint32_t inbox_words;		/* a bit for each word that has one; atomic */
	struct mon_timer_heap timers;
};

extern struct mon_cpu mon_cpus[MON_MAX_CPUS];
extern uint32_t mon_nr_cpus;

static inline struct mon_cpu *mon_this_cpu(void)
{
	return (struct mon_cpu *)mon_read(tpidr_el2);
}

/* Fills the table from the device tree's list of MPIDRs; the boot CPU is first. */
void mon_cpus_init(const uint64_t *mpidrs, uint32_t n);
/* Registers of EL2 that every CPU sets once, after its MMU is on. */
void mon_cpu_setup(struct mon_cpu *cpu);
/* The frame with which the host starts on this CPU. */
void mon_cpu_host_entry(struct mon_cpu *cpu, uint64_t pc, uint64_t x0);
struct mon_cpu *mon_cpu_by_mpidr(uint64_t mpidr);
/* Makes another CPU leave its guest and look at its inbox. */
void mon_cpu_kick(struct mon_cpu *cpu);

#endif /* MON_CPU_H */
