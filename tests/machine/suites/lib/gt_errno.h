/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Rows of the table of errors in docs/protocol.md. A test that provokes an error names
 * its row, and scripts/check-errnos.sh holds the rows against the table: those that are
 * named in the sources, and those that a run of all suites has come by.
 */
#ifndef GT_ERRNO_H
#define GT_ERRNO_H

#include <criterion/criterion.h>

/* Tells run-suites.sh. */
void gt_errno_seen(const char *row);

/* Asserts that @result, which is evaluated once, is the error that the row has. */
#define GT_ERRNO(row, err, result) do {						\
	int result_ = (result);							\
										\
	cr_assert_eq(result_, -(err), #row ": %d, expected -" #err, result_);	\
	gt_errno_seen(#row);							\
} while (0)

/* mmap() for GT_ERRNO(): 0, and unmapped again, or -errno. */
int gt_mmap(int fd, size_t size, int prot, int flags, size_t offset);

/* A call made by a child, which has another address space: 0 or -errno, as it returned. */
int gt_in_child(int (*call)(void *arg), void *arg);

#endif /* GT_ERRNO_H */
