# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
UNIT_SRCS	:= $(patsubst %,tests/machine/monitor/rm/%.c,rm_queue rm_dispatch rm_vm rm_boot \
		   rm_parcel rm_accept rm_pages rm_dt rm_dt_patch rm_scenario) \
		   $(patsubst %,tests/unit/rm/%.c,fake_core rpc tree)
UNIT_CFLAGS	:= -Itests/machine/monitor/include -Itests/machine/monitor/rm -Itests/unit/rm
UNIT_LIBS	:= -lfdt
