/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Criterion's assertions for a program that is none of its tests: what the suites'
 * library expects to hold ends the worker with a failure instead.
 */
#ifndef STRESS_CRITERION_H
#define STRESS_CRITERION_H

#include <errno.h>

/* Ends the calling worker: the parent prints the reason and all logs. */
void stress_fail(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#define cr_shim(holds, text) do {						\
	if (!(holds))								\
		stress_fail("%s:%d: %s, errno %d", __FILE__, __LINE__, text, errno);	\
} while (0)

#define cr_assert(cond, ...)		cr_shim(cond, #cond)
#define cr_assert_eq(a, b, ...)		cr_shim((a) == (b), #a " == " #b)
#define cr_assert_neq(a, b, ...)	cr_shim((a) != (b), #a " != " #b)
#define cr_assert_lt(a, b, ...)		cr_shim((a) < (b), #a " < " #b)
#define cr_assert_leq(a, b, ...)	cr_shim((a) <= (b), #a " <= " #b)
#define cr_assert_geq(a, b, ...)	cr_shim((a) >= (b), #a " >= " #b)
#define cr_assert_not_null(p, ...)	cr_shim(p, #p)
#define cr_assert_str_not_empty(s, ...)	cr_shim(*(s), #s " is empty")
#define cr_assert_fail(...)		stress_fail(__VA_ARGS__)

#endif /* STRESS_CRITERION_H */
