# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# What liburing-ext/ and runner/ have in common: compiler, flags, places.
# TOP is the repository.

VERSION := 0.1

BUILD ?= $(TOP)/build
override BUILD := $(abspath $(BUILD))
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man

ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
ifeq ($(origin AR),default)
AR := $(CROSS_COMPILE)ar
endif

MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
OUT := $(BUILD)/$(MACHINE)

CFLAGS ?= -O2 -g
CFLAGS += -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
CFLAGS += -Wno-unused-parameter -fno-common -ffunction-sections -fdata-sections
CPPFLAGS += -D_GNU_SOURCE

# The sysroot is a tree of unpacked packages. Only these libraries come from
# it; the C library and its headers stay the compiler's own, so the archives are
# named by path and the sysroot's headers are searched last.
ifneq ($(SYSROOT),)
override SYSROOT := $(abspath $(SYSROOT))
SYSLIB := $(SYSROOT)/usr/lib/$(patsubst %-,%,$(notdir $(CROSS_COMPILE)))
CPPFLAGS += -idirafter $(SYSROOT)/usr/include
LIBURING := $(SYSLIB)/liburing.a
LIBURING_SO := $(SYSLIB)/liburing.so
LIBFDT := $(SYSLIB)/libfdt.a
LIBFDT_SO := $(SYSLIB)/libfdt.so
LIBCONFIG := $(SYSLIB)/libconfig.a
LIBCONFIG_SO := $(SYSLIB)/libconfig.so
else
LIBURING := -luring
LIBURING_SO := -luring
LIBFDT := -lfdt
LIBFDT_SO := -lfdt
LIBCONFIG := -lconfig
LIBCONFIG_SO := -lconfig
endif
