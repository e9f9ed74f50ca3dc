/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Failures on request: the n-th allocation or access to user memory that this thread
 * makes in the kernel fails. Needs a kernel with CONFIG_FAULT_INJECTION.
 */
#ifndef GT_FAULT_H
#define GT_FAULT_H

#include <criterion/criterion.h>
#include <stdbool.h>

/* What the calls of a suite work with; the suite's own. */
struct gt_env;

/**
 * struct gt_fault_step - a call that is walked
 * @name: for messages
 * @call: the call: 0 or more, or -errno
 * @undo: takes back what a call that succeeded did, or NULL
 */
struct gt_fault_step {
	const char *name;
	int (*call)(struct gt_env *env);
	void (*undo)(struct gt_env *env);
};

/* Begins a test; where the kernel injects no failures it is skipped. */
bool gt_fault_begin(void);
#define GT_FAULT_BEGIN()						\
	do {								\
		if (!gt_fault_begin())					\
			cr_skip_test("no fault injection in this kernel"); \
	} while (0)

/* From now on, the @n-th one of this thread fails, counted from 1. */
void gt_fault_arm(unsigned int n);
/* No failure from now on. Returns whether there was one. */
bool gt_fault_disarm(void);
/* Of a process that armed one and has ended, but was not waited for: whether it came. */
bool gt_fault_came(int pid);
/* More failures than any call has. */
#define GT_FAULT_MAX	3000

/* Whether an error is one that a failed allocation or access may become. */
bool gt_fault_is_clean(int ret);

/*
 * One call with the @n-th failure, its result in *@ret. Asserts that it fails only with
 * a failure, and cleanly. Returns whether the failure came.
 */
bool gt_fault_try(const char *name, unsigned int n, int (*call)(struct gt_env *env),
		  struct gt_env *env, int *ret);

/*
 * The call with each failure, until there is none: asserts that after one that failed
 * the same call succeeds. gt_fault_count() says how many there were.
 */
void gt_fault_walk(const struct gt_fault_step *step, struct gt_env *env);
void gt_fault_count(const char *name, unsigned int n);

/* Asserts that pages and VMs are as they were at the beginning of the test. */
void gt_fault_check(const char *name);

#endif /* GT_FAULT_H */
