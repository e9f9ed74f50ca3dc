/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A device for tests that answers wrongly, late or never. What an access does is
 * in its offset, which is @what * 0x100 plus anything below 0x100.
 */
#ifndef GH_RUNNER_FAULT_H
#define GH_RUNNER_FAULT_H

#include <stdint.h>

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GH_FAULT_SIZE	0x1000	/* of the window */
#define GH_FAULT_AT(what)	((what) * 0x100ULL)

enum gh_fault {
	GH_FAULT_NONE,		/* reads GH_FAULT_VALUE at once */
	GH_FAULT_ERROR,		/* returns -EIO */
	GH_FAULT_LATE,		/* answers GH_FAULT_VALUE @delay_ns later */
	GH_FAULT_NEVER,		/* is never answered: the vCPU waits until its VM ends */
	GH_FAULT_INSIDE,	/* is completed inside the call, then returns DEFERRED */
	GH_FAULT_WIDE,		/* answers more bits than were asked for */
};

#define GH_FAULT_VALUE	0x6c756166	/* "faul" */

struct gh_faultdev;

extern const struct gh_device_ops gh_faultdev_ops;

/* The device for gh_vm_add_device(); gh_faultdev_ops.release frees it with the VM. */
int gh_faultdev_create(struct gh_runner *runner, uint64_t delay_ns, struct gh_faultdev **dev);
void gh_faultdev_destroy(struct gh_faultdev *dev);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_FAULT_H */
