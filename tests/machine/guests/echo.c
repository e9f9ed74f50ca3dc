// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes back what comes in at the serial port, one greater: "a" comes back as
 * "b". "q" ends it.
 */
#include "guest.h"
#include "gh-runner/testdev-regs.h"

#define UARTDR		0x00
#define UARTFR		0x18
#define FR_RXFE		(1u << 4)
#define NAP_NS		2000000ull

void guest_main(uint64_t dtb)
{
	uint32_t c;

	(void)dtb;
	gic_init();
	uart_printf("ready\n");
	for (;;) {
		while (mmio_read32((uint64_t)GH_BOARD_UART_BASE + UARTFR) & FR_RXFE)
			timer_sleep_ns(NAP_NS);
		c = mmio_read32((uint64_t)GH_BOARD_UART_BASE + UARTDR) & 0xff;
		if (c == 'q')
			break;
		mmio_write32((uint64_t)GH_BOARD_UART_BASE + UARTDR, c + 1);
	}
	uart_printf("bye\n");
	guest_system_off();
}
