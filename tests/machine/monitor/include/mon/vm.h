/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs and vCPUs. Both live in tables that are never freed, so that a stale
 * capability or a late wake-up finds memory of the right type and can see that
 * its object is gone.
 */
#ifndef MON_VM_H
#define MON_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mon/cpu.h>
#include <mon/stage2.h>
#include <rm_core.h>

#define MON_GUEST_IRQS		256
#define MON_NO_CPU		0xffffffffu
#define MON_NO_SLOT		0xffffffffu
#define MON_CAP_NONE		(~0ull)
#define MON_MAX_CAPS		4096

/* Gunyah error codes the monitor returns. */
enum mon_error {
	MON_OK = 0, MON_ERR_UNIMPLEMENTED = -1, MON_ERR_ARG_INVALID = 1, MON_ERR_ARG_SIZE = 2,
	MON_ERR_ARG_ALIGN = 3, MON_ERR_NOMEM = 10, MON_ERR_NORESOURCES = 11,
	MON_ERR_ADDR_INVALID = 22, MON_ERR_DENIED = 30, MON_ERR_BUSY = 31,
	MON_ERR_CAP_NULL = 50, MON_ERR_CAP_TYPE = 52, MON_ERR_CAP_RIGHTS = 53,
	MON_ERR_MSGQ_EMPTY = 60, MON_ERR_MSGQ_FULL = 61, MON_ERR_EXISTING_MAPPING = 200,
};

/* What VCPU_RUN returns in x1. */
enum mon_run_state {
	RUN_READY = 0, RUN_EXPECTS_WAKEUP = 1, RUN_POWERED_OFF = 2, RUN_BLOCKED = 3,
	RUN_MMIO_READ = 4, RUN_MMIO_WRITE = 5, RUN_FAULT = 6, RUN_SYSTEM_RESET = 0x100,
};

/* Whether a vCPU has been switched on; written by PSCI calls of other vCPUs too. */
enum mon_power {
	POWER_OFF,		/* never started, or after CPU_OFF */
	POWER_CLAIMED,		/* somebody writes its start arguments */
	POWER_START,		/* arguments complete: the next run resets and enters it */
	POWER_ON,
};

/* Why a vCPU that is on does not execute; written by its runner only. */
enum mon_sleep {
	SLEEP_NONE,
	SLEEP_WFI,
	SLEEP_CPU_SUSPEND,
	SLEEP_SYSTEM_SUSPEND,
};

/* Private interrupts of a vCPU, and what its list registers hold. */
struct mon_vgic_cpu {
	struct mon_vif vif;
	uint32_t pending;	/* latches of INTIDs 0..31; atomic */
	uint32_t enabled;
	uint32_t cfg_edge;
	uint8_t prio[32];
	bool asleep;		/* GICR_WAKER.ProcessorSleep as written */
};

struct mon_vcpu {
	struct mon_ctx ctx;	/* first: the assembly's frame */
	struct mon_el1 el1;
	uint64_t vttbr, vmpidr;	/* of EL2, while it runs */
	struct mon_vgic_cpu vgic;

	uint64_t capid;		/* MON_CAP_NONE when the slot is free */
	struct mon_vm *vm;	/* borrowed; valid while capid is */
	uint32_t index;
	uint32_t virq;		/* host INTID */

	uint32_t owner;		/* 0, or index of the CPU that runs it + 1; atomic */
	uint32_t notify;	/* look for new interrupts before entering; atomic */
	uint32_t parked;	/* the host was told to wait for the VIRQ; atomic */
	uint32_t power;		/* enum mon_power; atomic */
	uint32_t dead;		/* powered off for good; atomic */
	uint64_t start_pc;
	uint64_t start_x0;

	enum mon_sleep sleep;
	uint64_t sleep_state;	/* PSCI power state of CPU_SUSPEND */
	bool sleep_restart;	/* wakes at start_pc, as after power-on */
	uint32_t load;		/* a load from the VMMIO window waits: its syndrome; or 0 */
	uint32_t last_cpu;
	/*
	 * Index + 1 of the CPU that may enter it after no more than a look at `dead` and
	 * `notify`: it is on and awake, ran there last, and its virtual interface is
	 * empty. Or 0. Its runner's.
	 */
	uint32_t warm;
	uint32_t linger;	/* scenario: us to stay at EL2 after the next MMIO exit */
	struct mon_fp fp;

	uint64_t deadline;	/* of its virtual timer, while queued */
	uint32_t timer_cpu;	/* whose heap, or MON_NO_CPU */
	uint32_t timer_slot;
};

/* Shared interrupts of a VM's virtual distributor. */
struct mon_vgic_vm {
	struct mon_spinlock lock;
	uint64_t gicd, gicr, gicr_size;
	uint32_t ctlr;		/* enable bits of GICD_CTLR as written */
	bool enabled;		/* any of them: groups are not told apart */
	uint64_t spi_enabled[MON_GUEST_IRQS / 64];
	uint64_t spi_pending[MON_GUEST_IRQS / 64];
	uint32_t spi_words;	/* a bit for each word of spi_pending that is not zero */
	uint64_t spi_edge[MON_GUEST_IRQS / 64];
	uint8_t spi_prio[MON_GUEST_IRQS];
	uint64_t spi_route[MON_GUEST_IRQS];
};

struct mon_vm {
	bool used;
	bool killed;		/* no vCPU of it will run again */
	bool exited;		/* the resource manager was told */
	uint16_t vmid;
	uint32_t gen;		/* changes with each life of the slot */
	uint32_t slot;
	/* For most accesses: where one of any size fits, and where no GIC frame is. */
	uint64_t vmmio_base, vmmio_room;
	uint64_t vmmio_size;
	uint64_t gic_base, gic_span;
	struct mon_s2 s2;
	struct mon_vgic_vm vgic;
	struct mon_vcpu *vcpu[MON_MAX_VCPUS_PER_VM];	/* owned table slots, or NULL */
	uint32_t nr_vcpus;	/* highest index + 1 */
};

/* ---- vcpu.c ---- */
/* VCPU_RUN as the host calls it, by SMCCC. */
#define MON_CALL_VCPU_RUN	0xc6008065u

/*
 * Runs a vCPU on this CPU until it has something to say; fills the host's x0..x4.
 * Here and below: returns the frame to go on with, after mon_trap_end() if need be.
 */
struct mon_ctx *mon_vcpu_run(struct mon_cpu *cpu, uint64_t cap, uint64_t resume);
void mon_vcpu_run_check(struct mon_cpu *cpu, uint64_t cap);
/*
 * The loaded vCPU's access in the VMMIO window, a data abort with the syndrome `esr`
 * whose instruction is stepped over: the host's VCPU_RUN returns with it.
 */
struct mon_ctx *mon_vcpu_mmio(struct mon_cpu *cpu, struct mon_vcpu *vcpu, uint64_t esr,
			      uint64_t ipa);
/* Leaves the loaded vCPU: the host's VCPU_RUN returns with these words. */
void mon_vcpu_leave(struct mon_cpu *cpu, enum mon_run_state state, uint64_t d0, uint64_t d1,
		    uint64_t d2);
/* Puts the loaded vCPU to sleep, unless something is pending. */
struct mon_ctx *mon_vcpu_sleep(struct mon_cpu *cpu, enum mon_sleep why, uint64_t state);
/* An interrupt for `vcpu` was latched: wake it, or make its CPU look. */
void mon_vcpu_notify(struct mon_vcpu *vcpu);
void mon_vcpu_raise_virq(struct mon_vcpu *vcpu);
/* Switches a vCPU on; false if it is on already. */
bool mon_vcpu_power_on(struct mon_vcpu *vcpu, uint64_t pc, uint64_t x0);
/* Loads the guest's FP state at its first use in a run. */
void mon_vcpu_fp(struct mon_cpu *cpu);

/* ---- vm.c ---- */
/* Under mon_lock; NULL if there is none. */
struct mon_vcpu *mon_vcpu_find(uint16_t vmid, uint32_t index);
/* The guest ended its VM from the loaded vCPU, which leaves with the given words. */
void mon_vm_exit(struct mon_cpu *cpu, enum rm_exit_type type, const uint32_t *words,
		 unsigned int n, enum mon_run_state state, uint64_t d0, uint64_t d1);

/*
 * Around every call into the resource manager: mon_lock, the host's FP registers
 * (which are loaded, and which libfdt may use), and what it left undone.
 */
void mon_rm_begin(struct mon_cpu *cpu);
void mon_rm_end(struct mon_cpu *cpu);

/* ---- cap.c ---- */
enum mon_cap_type {
	CAP_NONE, CAP_MSGQ_TX, CAP_MSGQ_RX, CAP_HOST_VCPU, CAP_VCPU, CAP_BELL,
	CAP_OUT_OF_RANGE,	/* no slot of the table */
};

struct mon_bell {
	struct mon_vm *vm;	/* borrowed until the VM is destroyed; NULL: free */
	uint64_t capid;
	uint64_t flags, enable, ack;
	uint32_t intid;
};

struct mon_cap {
	uint32_t type;		/* enum mon_cap_type; atomic */
	void *object;
};

/* A doorbell the host rings; NULL and an error if it is none. Under mon_lock. */
struct mon_bell *mon_bell_find(uint64_t cap, int64_t *err);

void mon_cap_init(void);
/* Under mon_lock. MON_CAP_NONE when the table is full. */
uint64_t mon_cap_add(enum mon_cap_type type, void *object);
void mon_cap_del(uint64_t cap);
/* The error for a capability that is of the type `found`. */
int64_t mon_cap_error(uint32_t found, enum mon_cap_type type);

extern struct mon_cap mon_caps[MON_MAX_CAPS];

/* The object of a capability of this type, or NULL and a Gunyah error. */
static inline void *mon_cap_find(uint64_t cap, enum mon_cap_type type, int64_t *err)
{
	uint32_t found = CAP_OUT_OF_RANGE;

	if (cap < MON_MAX_CAPS)
		found = __atomic_load_n(&mon_caps[cap].type, __ATOMIC_ACQUIRE);
	if (mon_likely(found == type)) {
		*err = MON_OK;
		return mon_caps[cap].object;
	}
	*err = mon_cap_error(found, type);
	return NULL;
}

#endif /* MON_VM_H */
