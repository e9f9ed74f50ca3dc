/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The test device: gives a guest its parameters and checks what it computed.
 * Registers: testdev-regs.h.
 */
#ifndef GH_RUNNER_TESTDEV_H
#define GH_RUNNER_TESTDEV_H

#include <stdbool.h>
#include <stdint.h>

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gh_testdev;

/* What the guest reads: number of the VM, its parameters, how long to work. */
struct gh_testdev_config {
	uint64_t vm;
	uint64_t param0;
	uint64_t param1;
	uint64_t duration_ms;
};

enum gh_testdev_result {
	GH_TESTDEV_NONE,	/* the guest has not used PUT or RESULT */
	GH_TESTDEV_MISSING,	/* PUT without RESULT */
	GH_TESTDEV_MATCH,
	GH_TESTDEV_MISMATCH,
};

/**
 * struct gh_testdev_report - what the guest did
 * @result: RESULT against the sum of all PUTs
 * @expected, @reported: the two sums
 * @nexts, @puts: accesses to the sequence
 * @fails, @fail_line: assertions that failed in the guest, and the last one's line
 * @bad: accesses with a wrong width or to no register
 */
struct gh_testdev_report {
	enum gh_testdev_result result;
	uint64_t expected;
	uint64_t reported;
	uint64_t nexts;
	uint64_t puts;
	uint64_t fails;
	uint32_t fail_line;
	uint64_t bad;
};

extern const struct gh_device_ops gh_testdev_ops;

/*
 * The device for gh_vm_add_device(). It is the caller's, also after the VM is
 * gone, so that the report can be read then.
 */
int gh_testdev_create(const struct gh_testdev_config *config, struct gh_testdev **dev);
void gh_testdev_destroy(struct gh_testdev *dev);
/* The guest finds 1 in STOP from now on. Any thread. */
void gh_testdev_stop(struct gh_testdev *dev);
void gh_testdev_report(const struct gh_testdev *dev, struct gh_testdev_report *report);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_TESTDEV_H */
