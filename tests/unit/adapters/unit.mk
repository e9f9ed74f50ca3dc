# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The loops are those of the machine's suite; <gt.h> is the one of this directory.
adapter_packages := libuv glib-2.0 libsystemd
UNIT_SRCS := $(patsubst $(root)/%,%,$(wildcard $(root)/runner/lib/*.c)) \
	     $(patsubst $(root)/%,%,$(wildcard $(root)/runner/adapters/*.c)) \
	     $(patsubst $(root)/%,%,$(wildcard $(root)/tests/machine/suites/adapters_*.c)) \
	     liburing-ext/src/setup.c tests/unit/dispatch/fake.c
UNIT_CFLAGS := -Irunner/include -Iliburing-ext/include -Ikernel/include/uapi -Irunner \
	       -Itests/unit/adapters -Wno-missing-field-initializers \
	       $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(adapter_packages)))
UNIT_LIBS := -luring -lfdt $(shell pkg-config --libs $(adapter_packages))
