/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * In the place of what the machine's suites include by this name.
 */
#ifndef GT_H
#define GT_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#endif /* GT_H */
