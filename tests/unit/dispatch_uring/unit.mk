# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The tests of ../dispatch with a driver that has batches, backend uring.
UNIT_SRCS := $(patsubst $(root)/%,%,$(wildcard $(root)/runner/lib/*.c)) \
	     liburing-ext/src/setup.c $(patsubst $(root)/%,%,$(wildcard $(root)/tests/unit/dispatch/*.c))
UNIT_CFLAGS := -Irunner/include -Iliburing-ext/include -Ikernel/include/uapi -Irunner \
	       -Wno-missing-field-initializers -DFIXTURE_BACKEND=GH_BACKEND_URING \
	       -DFIXTURE_NO_BATCH=false
UNIT_LIBS := -luring -lfdt
