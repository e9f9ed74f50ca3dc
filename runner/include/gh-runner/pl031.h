/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A clock: Arm PrimeCell Real Time Clock (PL031), revision r1p3.
 */
#ifndef GH_RUNNER_PL031_H
#define GH_RUNNER_PL031_H

#include <stdbool.h>
#include <stdint.h>

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GH_PL031_SIZE	0x1000	/* of the window; beyond it accesses are refused */

struct gh_pl031;

/**
 * struct gh_pl031_config - callbacks, borrowed until gh_pl031_destroy()
 * @now_s: seconds since 1970; NULL: the host's CLOCK_REALTIME
 * @irq: optional: the level of the interrupt changed
 * @opaque: for both
 * @line: optional: interrupts the guest when the level rises
 * @runner: for @irq and @line: has a timer for the match, borrowed; NULL: the level is looked
 *	at when the guest uses the clock
 */
struct gh_pl031_config {
	uint64_t (*now_s)(void *opaque);
	void (*irq)(void *opaque, bool level);
	void *opaque;
	struct gh_irq *line;
	struct gh_runner *runner;
};

extern const struct gh_device_ops gh_pl031_ops;

/* The device for gh_vm_add_device(); gh_pl031_ops.release frees it with the VM. */
int gh_pl031_create(const struct gh_pl031_config *config, struct gh_pl031 **rtc);
void gh_pl031_destroy(struct gh_pl031 *rtc);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_PL031_H */
