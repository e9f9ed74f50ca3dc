// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of the monitor, on the UART it shares with the host. Only the boot
 * line, warnings and panics: the host owns the console.
 */
#include <mon/addr.h>
#include <mon/core.h>
#include <mon/regs.h>
#include <rm_core.h>

#define UART_DR			(*(volatile uint32_t *)(MON_UART_BASE + 0x00))
#define UART_FR			(*(volatile uint32_t *)(MON_UART_BASE + 0x18))
#define UART_FR_TXFF		0x20u
#define PSCI_SYSTEM_OFF		0x84000008u

void __stack_chk_fail(void) __attribute__((noreturn));
void mon_panic_fault(uint64_t vector, const struct mon_ctx *frame) __attribute__((noreturn));

static struct mon_spinlock log_lock;

static void uart_put(char c)
{
	unsigned int tries = 100000;

	while ((UART_FR & UART_FR_TXFF) && --tries)
		;
	UART_DR = (unsigned char)c;
}

static void uart_puts(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			uart_put('\r');
		uart_put(*s);
	}
}

static void emit(const char *fmt, va_list ap)
{
	char line[256];

	mon_vsnprintf(line, sizeof(line), fmt, ap);
	uart_puts("mon: ");
	uart_puts(line);
	uart_puts("\n");
}

void mon_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mon_spin_lock(&log_lock);
	emit(fmt, ap);
	mon_spin_unlock(&log_lock);
	va_end(ap);
}

void core_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mon_spin_lock(&log_lock);
	emit(fmt, ap);
	mon_spin_unlock(&log_lock);
	va_end(ap);
}

static void __attribute__((noreturn)) power_off(void)
{
	for (;;)
		mon_smc(PSCI_SYSTEM_OFF, 0, 0, 0);
}

/* Takes no lock: whoever holds it may be the one that died. */
void mon_panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(fmt, ap);
	va_end(ap);
	power_off();
}

static void print_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(fmt, ap);
	va_end(ap);
}

void mon_panic_fault(uint64_t vector, const struct mon_ctx *f)
{
	unsigned int i;

	print_line("panic: exception %lu in the monitor on cpu %u", vector, mon_this_cpu()->index);
	print_line("esr %lx far %lx elr %lx spsr %lx", mon_read(esr_el2), mon_read(far_el2),
		   f->elr, f->spsr);
	for (i = 0; i + 1 < 31; i += 2)
		print_line("x%u %016lx x%u %016lx", i, f->x[i], i + 1, f->x[i + 1]);
	print_line("x30 %016lx", f->x[30]);
	power_off();
}

void __stack_chk_fail(void)
{
	mon_panic("panic: stack overwritten");
}
