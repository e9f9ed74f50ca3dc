# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
UNIT_SRCS := $(patsubst $(root)/%,%,$(wildcard $(root)/runner/lib/*.c)) \
	     runner/devices/fault.c runner/devices/filedev.c runner/devices/power.c \
	     liburing-ext/src/setup.c tests/unit/dispatch/fake.c \
	     tests/unit/dispatch/fixture.c
UNIT_CFLAGS := -Irunner/include -Iliburing-ext/include -Ikernel/include/uapi -Irunner -Itests/unit/dispatch -Wno-missing-field-initializers
UNIT_LIBS := -luring -lfdt
