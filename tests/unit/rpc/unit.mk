# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
UNIT_SRCS := kernel/rsc_mgr_msg.c
UNIT_CFLAGS := -Itests/unit/shim -Ikernel
