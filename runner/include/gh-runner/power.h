/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A reset and power device, for guests that do not use PSCI.
 *
 *   offset  width  register
 *   0x000   4      RW what to do; reads 0. Values other than these are refused
 */
#ifndef GH_RUNNER_POWER_H
#define GH_RUNNER_POWER_H

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GH_POWER_SIZE	0x1000	/* of the window */

enum gh_power_request {
	GH_POWER_OFF = 0x5555,
	GH_POWER_FAIL = 0x3333,
	GH_POWER_RESET = 0x7777,
};

/**
 * struct gh_power - one device; the caller's memory until the VM is destroyed
 * @request: the guest asked; it goes on unless the callback stops the VM, with
 *	gh_vm_stop(), which is allowed here
 * @opaque: for @request
 */
struct gh_power {
	void (*request)(void *opaque, struct gh_vm *vm, enum gh_power_request request);
	void *opaque;
};

/* For gh_vm_add_device(), with a struct gh_power. */
extern const struct gh_device_ops gh_power_ops;

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_POWER_H */
