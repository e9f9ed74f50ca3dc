# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
UNIT_SRCS := $(patsubst $(root)/%,%,$(wildcard $(root)/runner/lib/*.c $(root)/runner/devices/*.c) \
	     $(filter-out %/main.c,$(wildcard $(root)/runner/cli/*.c))) \
	     liburing-ext/src/setup.c tests/unit/cli/fixture.c tests/unit/dispatch/fake.c
UNIT_CFLAGS := -Irunner/include -Iliburing-ext/include -Ikernel/include/uapi -Irunner \
	       -Wno-missing-field-initializers
UNIT_LIBS := -luring -lfdt -lconfig
