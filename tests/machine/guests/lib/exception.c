// SPDX-License-Identifier: GPL-2.0-only
/* What the vectors call. An exception nobody expects ends the guest, visibly. */
#include "guest.h"

void guest_handle_exception(struct guest_frame *frame);

__attribute__((weak)) bool guest_exception(struct guest_frame *frame)
{
	(void)frame;
	return false;
}

void guest_handle_exception(struct guest_frame *frame)
{
	if (guest_exception(frame))
		return;
	uart_printf("vCPU %u: exception, esr %lx elr %lx far %lx\n", guest_cpu(),
		    frame->esr, frame->elr, frame->far);
	guest_fail(__LINE__);
}
