// SPDX-License-Identifier: GPL-2.0-only
/* The console: a PL011 of which only the data register is used. */
#include "guest.h"
#include "gh-runner/testdev-regs.h"

#define UART_DR		0x000

/* The device takes every character at once, so its flags are not read first. */
void uart_putc(char c)
{
	mmio_write32(GH_BOARD_UART_BASE + UART_DR, (uint8_t)c);
}

static void put_string(const char *s)
{
	while (*s)
		uart_putc(*s++);
}

static void put_number(uint64_t v, unsigned int base)
{
	char digits[21];
	unsigned int n = sizeof(digits);

	digits[--n] = '\0';
	do {
		digits[--n] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	put_string(digits + n);
}

static void put_signed(int64_t v)
{
	if (v < 0) {
		uart_putc('-');
		v = -v;
	}
	put_number(v, 10);
}

void uart_printf(const char *fmt, ...)
{
	bool wide;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			uart_putc(*fmt);
			continue;
		}
		wide = *++fmt == 'l';
		if (wide)
			fmt++;
		if (*fmt == 'c')
			uart_putc(va_arg(ap, int));
		else if (*fmt == 's')
			put_string(va_arg(ap, const char *));
		else if (*fmt == 'd')
			put_signed(wide ? va_arg(ap, int64_t) : va_arg(ap, int));
		else if (*fmt == 'u' || *fmt == 'x')
			put_number(wide ? va_arg(ap, uint64_t) : va_arg(ap, uint32_t),
				   *fmt == 'u' ? 10 : 16);
		else if (*fmt == '%')
			uart_putc('%');
		else
			break;
	}
	va_end(ap);
}
