/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Devices of a VM: what an access is, and how a device answers it.
 */
#ifndef GH_RUNNER_DEVICE_H
#define GH_RUNNER_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gh_runner;
struct gh_vcpu;

/**
 * struct gh_access - one MMIO access of a guest, inside a window
 * @vcpu: who
 * @offset: from the start of the window
 * @data: the value of a write; the answer of a read, 0 at entry
 * @len: 1, 2, 4 or 8; the access ends inside the window
 */
struct gh_access {
	struct gh_vcpu *vcpu;
	uint64_t offset;
	uint64_t data;
	uint32_t len;
	bool is_write;
};

#define GH_ACCESS_DONE		0
#define GH_ACCESS_DEFERRED	1

/**
 * struct gh_device_ops - a kind of device
 * @name: for errors and the device tree
 * @read: required: set @data. Returns GH_ACCESS_DONE, GH_ACCESS_DEFERRED when the
 *	answer comes later by gh_access_complete(), or -errno: counted, answered 0
 * @write: required, likewise
 * @dt_node: optional: adds the device's properties; @fdt is a libfdt tree in
 *	sequential-write state inside the device's node, whose reg is there already
 * @release: optional: the VM is being destroyed
 * @move: required of a device that keeps a runner: @runner NULL: no vCPU of the VM runs,
 *	give up timers and I/O of the runner (or return -errno: it can not leave now);
 *	else, on the thread of @runner: it is there. Returns 0 then
 */
struct gh_device_ops {
	const char *name;
	int (*read)(void *device, struct gh_access *access);
	int (*write)(void *device, struct gh_access *access);
	int (*dt_node)(void *device, void *fdt);
	void (*release)(void *device);
	int (*move)(void *device, struct gh_runner *runner);
};

/* ---- interrupts of devices ----------------------------------------------------- */

struct gh_irq;
struct gh_vm;

/*
 * A line of @vm, before gh_vm_start(); the VM's, gone with it. -ENOSPC: it has 16.
 *
 * What reaches the guest is an edge: a doorbell is rung and drops by itself, and the
 * hypervisor does not tell when the guest has ended the interrupt. So a device with a
 * condition that lasts raises again when the guest acknowledges and it still holds.
 */
int gh_irq_create(struct gh_vm *vm, struct gh_irq **irq);
/* Interrupts the guest. Any thread, and signal handlers, while the VM exists. */
void gh_irq_raise(struct gh_irq *irq);
/* Raises when @level becomes true. One thread at a time. */
void gh_irq_set(struct gh_irq *irq, bool level);
/* Its number in the guest's interrupt controller. */
unsigned int gh_irq_intid(const struct gh_irq *irq);
/* For gh_device_ops.dt_node: the property "interrupts". */
int gh_irq_dt(const struct gh_irq *irq, void *fdt);

/* Answers a deferred access; no use of @access afterwards. */
void gh_access_complete(struct gh_access *access);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_DEVICE_H */
