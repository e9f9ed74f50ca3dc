/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Devices of a VM: what an access is, and how a device answers it. Included by
 * <gh-runner/gh-runner.h>.
 */
#ifndef GH_RUNNER_DEVICE_H
#define GH_RUNNER_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

struct gh_irq;
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

#endif /* GH_RUNNER_DEVICE_H */
