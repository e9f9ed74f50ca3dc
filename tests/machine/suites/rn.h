/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * VMs of libgh-runner for the suites, and a device that writes down what guests
 * write to it.
 */
#ifndef RN_H
#define RN_H

#include <gh-runner/gh-runner.h>

#include "../guests/script.h"
#include "gt.h"

/* The device, for scripts. */
#define RN_LOG_BASE	0x0c000000ULL
#define RN_LOG_SIZE	0x1000
#define RN_LOG_LEN	256

/**
 * struct rn_vm - one VM
 * @result: from events->ended()
 * @writes: to the device; the first RN_LOG_LEN values are in @log
 */
struct rn_vm {
	struct gh_vm *vm;
	bool ended;
	struct gh_vm_result result;
	uint64_t writes;
	uint64_t log[RN_LOG_LEN];
};

/* The backend that this program was compiled for. */
#ifndef RN_BACKEND
#define RN_BACKEND GH_BACKEND_URING
#endif

/* For suites that start the command. */
static inline const char *rn_backend_option(void)
{
	const enum gh_backend backend = RN_BACKEND;

	return backend == GH_BACKEND_THREADS ? "--backend=threads" : "--backend=auto";
}

static inline struct gh_runner *rn_runner(void)
{
	const struct gh_runner_config config = { .backend = RN_BACKEND };
	struct gh_runner *runner;

	cr_assert_eq(gh_runner_create(&config, &runner, NULL), 0);
	cr_assert_eq(gh_runner_backend(runner), RN_BACKEND);
	return runner;
}

/* Loads the guest @name for the VMs made from now on; scripts are empty. */
void rn_image(const char *name);
void rn_script(unsigned int vcpu, const struct gs_op *ops, size_t n);
#define RN_SCRIPT(vcpu, ops)	rn_script(vcpu, ops, GT_ARRAY_SIZE(ops))

/* Created with the device, not started; asserts. */
void rn_create(struct gh_runner *runner, struct rn_vm *v, const char *name, unsigned int vcpus);
void rn_start(struct rn_vm *v);
/* Runs until @ns from now, or until *@flag when that is not NULL; asserts that it comes. */
void rn_run(struct gh_runner *runner, uint64_t ns, const bool *flag);
/* The same, where signals interrupt the waiting. */
void rn_run_through_signals(struct gh_runner *runner, uint64_t ns);
/* Stops the VM if it runs, waits for its end, and destroys it. */
void rn_destroy(struct gh_runner *runner, struct rn_vm *v);

#endif /* RN_H */
