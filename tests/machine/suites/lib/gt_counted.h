/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * For suites that assert times, in a machine that counts time in instructions.
 */
#ifndef GT_COUNTED_H
#define GT_COUNTED_H

#define GT_ALONE_PRIORITY	50

/*
 * From now on no other thread runs while this one can, however long that is; those that it
 * creates are like it. Skips the test in any other machine.
 */
void gt_alone(void);

#endif /* GT_COUNTED_H */
