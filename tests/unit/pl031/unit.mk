# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
UNIT_SRCS := runner/lib/irq.c runner/lib/error.c runner/devices/pl031.c runner/lib/timer.c runner/lib/error.c
UNIT_CFLAGS := -Irunner/include -Iliburing-ext/include -Ikernel/include/uapi -Irunner
UNIT_LIBS := -lfdt
