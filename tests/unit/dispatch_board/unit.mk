# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The tests of ../dispatch with a driver that has batches and wake boards, backend auto.
UNIT_SRCS := $(patsubst $(root)/%,%,$(wildcard $(root)/runner/lib/*.c)) \
	     liburing-ext/src/setup.c $(patsubst $(root)/%,%,$(wildcard $(root)/tests/unit/dispatch/*.c))
UNIT_CFLAGS := -I. -Irunner/include -Iliburing-ext/include -Ikernel/include/uapi -Irunner \
	       -Wno-missing-field-initializers -DFIXTURE_BACKEND=GH_BACKEND_AUTO \
	       -DFIXTURE_NO_BATCH=false -DFIXTURE_BOARD=true
UNIT_LIBS := -luring -lfdt
