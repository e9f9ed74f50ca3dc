/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam between the monitor's resource manager (rm/) and its core.
 *
 * rm/ is pure C without privileged instructions: it is compiled into the monitor
 * and into a unit test on the build machine. It runs under the monitor's big lock
 * (mon_lock), on whatever CPU made the hypercall.
 *
 * Everything rm/ needs from the machine is in "core -> rm" below and is
 * implemented by the core; the core calls only the functions in "rm -> core".
 */
#ifndef MON_RM_CORE_H
#define MON_RM_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../hostile/gh_scenario.h"

#define MON_MAX_VMS		512
#define MON_MAX_VCPUS		2048	/* in all VMs */
#define MON_MAX_VCPUS_PER_VM	8
#define MON_MAX_BELLS		1024
#define MON_VMID_HLOS		3
#define MON_VMID_RM		255

#define MON_VIRQ_NONE		0u

/* Rights of a mapping, as in an ACL entry. */
#define MON_RIGHT_X		1u
#define MON_RIGHT_W		2u
#define MON_RIGHT_R		4u

struct mon_vm;		/* opaque to rm/: stage 2, virtual GIC, vCPUs */

/* ---- core -> rm: implemented by the core, called by rm/ ---------------------- */

/* A new VM with empty stage 2 and no vCPUs; NULL if there is no room. */
struct mon_vm *core_vm_create(uint16_t vmid);
/* All vCPUs must be off for good (core_vm_kill). Frees stage 2, capabilities and VIRQs. */
void core_vm_destroy(struct mon_vm *vm);

/*
 * Adds vCPU `index` (affinity = index), powered off, with a capability for the
 * host and a wake-up VIRQ (INTID) of the host. Shares a line when lines run out.
 * Returns 0, or a Gunyah error code.
 */
int core_vcpu_create(struct mon_vm *vm, uint32_t index, uint64_t *capid, uint32_t *virq);
/* Powers it on at pc with x0; raises its VIRQ. */
void core_vcpu_start(struct mon_vm *vm, uint32_t index, uint64_t pc, uint64_t x0);

/* A doorbell host -> guest that raises guest INTID `intid`; capability for the host. */
int core_bell_create(struct mon_vm *vm, uint32_t intid, uint64_t *capid);

/*
 * The guest's virtual GICv3 frames (bases from its device tree) and its VMMIO
 * window: accesses there that no frame takes are exits; elsewhere unmapped, aborts.
 */
void core_vm_set_gic(struct mon_vm *vm, uint64_t gicd, uint64_t gicr, uint64_t gicr_size);
void core_vm_set_vmmio(struct mon_vm *vm, uint64_t base, uint64_t size);

/* Maps host memory [pa, pa + size) at ipa; all 4 KiB aligned. 0 or a Gunyah error. */
int core_vm_map(struct mon_vm *vm, uint64_t ipa, uint64_t pa, uint64_t size, uint32_t rights);
void core_vm_unmap(struct mon_vm *vm, uint64_t ipa, uint64_t size);

/* Takes host memory away from, or gives it back to, the host's stage 2. */
int core_host_unmap(uint64_t pa, uint64_t size);
void core_host_map(uint64_t pa, uint64_t size);
/* Whether the whole range is RAM that belongs to the host (not the monitor's, exists). */
bool core_host_owns(uint64_t pa, uint64_t size);

/* EL2's view of host or lent memory, cacheable. NULL if not RAM of the machine. */
void *core_ptr(uint64_t pa, uint64_t size);
/* Cleans data caches to the point of coherency and invalidates instruction caches. */
void core_sync_icache(uint64_t pa, uint64_t size);

/*
 * Stops all vCPUs of a VM for good: kicks those that run on other CPUs, waits
 * until none runs (bounded: one exit), and makes VCPU_RUN return POWERED_OFF with
 * d0 bit 0 from then on. Raises the VIRQ of each vCPU that was not already off for
 * good. After core_vm_destroy() the capability ids are unknown (error 50).
 */
void core_vm_kill(struct mon_vm *vm);

/* Raises host INTID `intid` (edge). */
void core_host_virq(uint32_t intid);

/* Whether a test wants this reply or notification to be wrong, and how. */
bool core_scenario(uint32_t kind, uint32_t id, struct gh_scenario *s);

uint64_t core_random(void);
void core_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The parcels' and messages' memory: a simple allocator over the monitor's heap. */
void *core_alloc(size_t size);
void core_free(void *p);

/* ---- rm -> core: implemented by rm/, called by the core ----------------------- */

/* At boot. The RM's two queues are capabilities 0 (host TX) and 1 (host RX). */
void rm_init(uint32_t tx_virq, uint32_t rx_virq);

/*
 * MSGQ_SEND of the host on capability 0: a message of 1..240 bytes. Returns a
 * Gunyah error (61 when the queue is full) and *not_full.
 */
int rm_msgq_send(const void *msg, size_t size, bool *not_full);
/* MSGQ_RECV of the host on capability 1. 0, or 60 when empty. */
int rm_msgq_recv(void *buf, size_t max, size_t *size, bool *not_empty);

/*
 * The guest ended itself: called once per VM, under mon_lock, by the core, which
 * has left the guest. rm/ calls core_vm_kill() before it returns. `words` is the
 * whole reason of VM_EXITED, flags first: SYSTEM_RESET2 has four words, flags
 * (bit 15: the 64-bit call), type, cookie low and high; n = 0 means one word 0.
 */
enum rm_exit_type {
	RM_EXIT_VM_EXIT = 0, RM_EXIT_SYSTEM_OFF = 1, RM_EXIT_SYSTEM_RESET = 2,
	RM_EXIT_SYSTEM_RESET2 = 3, RM_EXIT_WATCHDOG = 4, RM_EXIT_ERROR = 5,
	RM_EXIT_STOP_FORCED = 7,
};

void rm_vm_exited(uint16_t vmid, enum rm_exit_type type, const uint32_t *words, unsigned int n);

/* Scenarios: a raw message for the host, 0 or a Gunyah error; what HOLD kept. */
int rm_inject(const void *msg, size_t len);
void rm_release_held(void);
void rm_drop_held(void);

#endif /* MON_RM_CORE_H */
