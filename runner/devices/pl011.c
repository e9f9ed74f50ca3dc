// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * PL011, as in Arm's PrimeCell UART (PL011) Technical Reference Manual, r1p5.
 *
 *  offset name         width reset   here
 *  0x000  UARTDR       12/8  -       read: FIFO with error bits; write: output at once
 *  0x004  UARTRSR/ECR  4     0x0     errors of the last read byte; a write clears
 *  0x018  UARTFR       9     0x90    transmitter always empty
 *  0x020  UARTILPR     8     0x00    kept
 *  0x024  UARTIBRD     16    0x0000  kept: there is no line
 *  0x028  UARTFBRD     6     0x00    kept
 *  0x02c  UARTLCR_H    8     0x00    FEN counts, the rest is kept
 *  0x030  UARTCR       16    0x0300  LBE counts, the rest is kept (see below)
 *  0x034  UARTIFLS     6     0x12    receive level counts
 *  0x038  UARTIMSC     11    0x000
 *  0x03c  UARTRIS      11    0x00-   modem lines are not connected
 *  0x040  UARTMIS      11    0x00-
 *  0x044  UARTICR      11    -
 *  0x048  UARTDMACR    3     0x00    kept: no DMA
 *  0xfe0  UARTPeriphID0 to 3  0x11 0x10 0x34 0x00
 *  0xff0  UARTPCellID0 to 3   0x0d 0xf0 0x05 0xb1
 *
 * The UART is as a firmware would leave it, so it sends also while UARTEN is 0: early
 * consoles do not switch it on. Registers are read and written with 1, 2 or 4
 * bytes at their own address; anything else reads as 0 and writes nothing.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>

#include <gh-runner/pl011.h>

#define UARTDR		0x000
#define UARTRSR		0x004
#define UARTFR		0x018
#define UARTILPR	0x020
#define UARTIBRD	0x024
#define UARTFBRD	0x028
#define UARTLCR_H	0x02c
#define UARTCR		0x030
#define UARTIFLS	0x034
#define UARTIMSC	0x038
#define UARTRIS		0x03c
#define UARTMIS		0x040
#define UARTICR		0x044
#define UARTDMACR	0x048
#define UARTPERIPHID0	0xfe0

#define FR_RXFE		(1 << 4)
#define FR_RXFF		(1 << 6)
#define FR_TXFE		(1 << 7)
#define LCR_H_FEN	(1 << 4)
#define CR_LBE		(1 << 7)
#define CR_RESET	0x300
#define IFLS_RESET	0x12
#define RSR_OE		(1 << 3)

#define INT_RX		(1 << 4)
#define INT_TX		(1 << 5)
#define INT_RT		(1 << 6)
#define INT_OE		(1 << 10)
#define INT_ALL		0x7ff

#define FIFO_DEPTH	32

/**
 * struct gh_pl011 - one UART
 * @rx: ring of received bytes; with FIFOs off one entry of it is used
 * @rx_head, @rx_count: oldest entry and number of entries
 * @overrun: goes with the next byte that is stored
 * @ris: raw interrupts that are states of their own (receive level is computed)
 * @line: the interrupt as last told to the callback
 */
struct gh_pl011 {
	struct gh_pl011_config config;
	uint16_t rx[FIFO_DEPTH];
	unsigned int rx_head;
	unsigned int rx_count;
	bool overrun;
	bool line;
	uint32_t rsr, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
};

static const uint8_t id_bytes[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static unsigned int rx_depth(const struct gh_pl011 *u)
{
	return u->lcr_h & LCR_H_FEN ? FIFO_DEPTH : 1;
}

/* UARTIFLS 5:3: 1/8, 1/4, 1/2, 3/4, 7/8; the other values are reserved. */
static unsigned int rx_level(const struct gh_pl011 *u)
{
	static const unsigned int eighths[8] = { 1, 2, 4, 6, 7, 7, 7, 7 };

	if (!(u->lcr_h & LCR_H_FEN))
		return 1;
	return FIFO_DEPTH / 8 * eighths[(u->ifls >> 3) & 7];
}

static void update_line(struct gh_pl011 *u)
{
	bool level = u->ris & u->imsc;

	if (level == u->line)
		return;
	u->line = level;
	if (u->config.irq)
		u->config.irq(u->config.opaque, level);
	if (u->config.line)
		gh_irq_set(u->config.line, level);
}

/* The guest has looked at the interrupt, and it is not over: the edge must come again. */
static void line_again(struct gh_pl011 *u, uint64_t offset)
{
	if ((offset == UARTICR || offset == UARTIMSC) && u->line && u->config.line)
		gh_irq_raise(u->config.line);
}

static void rx_push(struct gh_pl011 *u, uint8_t byte)
{
	if (u->rx_count == rx_depth(u)) {
		u->overrun = true;
		u->ris |= INT_OE;
		return;
	}
	u->rx[(u->rx_head + u->rx_count) % FIFO_DEPTH] =
		(uint16_t)(byte | (u->overrun ? RSR_OE << 8 : 0));
	u->overrun = false;
	u->rx_count++;
	if (u->rx_count >= rx_level(u))
		u->ris |= INT_RX;
	/* No line, no bit times: what is in the FIFO has waited long enough. */
	u->ris |= INT_RT;
}

static uint32_t rx_pop(struct gh_pl011 *u)
{
	uint32_t entry;

	if (!u->rx_count)
		return 0;
	entry = u->rx[u->rx_head];
	u->rx_head = (u->rx_head + 1) % FIFO_DEPTH;
	u->rx_count--;
	u->rsr = entry >> 8;
	if (u->rx_count < rx_level(u))
		u->ris &= ~(uint32_t)INT_RX;
	if (!u->rx_count)
		u->ris &= ~(uint32_t)INT_RT;
	return entry;
}

static uint32_t flags(const struct gh_pl011 *u)
{
	uint32_t fr = FR_TXFE;

	if (!u->rx_count)
		fr |= FR_RXFE;
	if (u->rx_count == rx_depth(u))
		fr |= FR_RXFF;
	return fr;
}

static uint32_t reg_read(struct gh_pl011 *u, uint64_t offset)
{
	switch (offset) {
	case UARTDR:
		return rx_pop(u);
	case UARTRSR:
		return u->rsr;
	case UARTFR:
		return flags(u);
	case UARTILPR:
		return u->ilpr;
	case UARTIBRD:
		return u->ibrd;
	case UARTFBRD:
		return u->fbrd;
	case UARTLCR_H:
		return u->lcr_h;
	case UARTCR:
		return u->cr;
	case UARTIFLS:
		return u->ifls;
	case UARTIMSC:
		return u->imsc;
	case UARTRIS:
		return u->ris;
	case UARTMIS:
		return u->ris & u->imsc;
	case UARTDMACR:
		return u->dmacr;
	default:
		if (offset >= UARTPERIPHID0 && !(offset & 3))
			return id_bytes[(offset - UARTPERIPHID0) / 4];
		return 0;
	}
}

static void transmit(struct gh_pl011 *u, uint8_t byte)
{
	if (u->cr & CR_LBE)
		rx_push(u, byte);
	else
		u->config.output(u->config.opaque, byte);
	/* The FIFO has drained through its trigger level. */
	u->ris |= INT_TX;
}

static void set_lcr_h(struct gh_pl011 *u, uint32_t value)
{
	/* Switching the FIFOs on or off empties them. */
	if ((value ^ u->lcr_h) & LCR_H_FEN) {
		u->rx_count = 0;
		u->rx_head = 0;
		u->ris &= ~(uint32_t)(INT_RX | INT_RT);
	}
	u->lcr_h = value & 0xff;
}

static void reg_write(struct gh_pl011 *u, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case UARTDR:
		transmit(u, (uint8_t)value);
		break;
	case UARTRSR:
		u->rsr = 0;
		break;
	case UARTILPR:
		u->ilpr = value & 0xff;
		break;
	case UARTIBRD:
		u->ibrd = value & 0xffff;
		break;
	case UARTFBRD:
		u->fbrd = value & 0x3f;
		break;
	case UARTLCR_H:
		set_lcr_h(u, value);
		break;
	case UARTCR:
		/* Bits 6:3 are reserved. */
		u->cr = value & 0xff87;
		break;
	case UARTIFLS:
		u->ifls = value & 0x3f;
		break;
	case UARTIMSC:
		u->imsc = value & INT_ALL;
		break;
	case UARTICR:
		u->ris &= ~(value & INT_ALL);
		break;
	case UARTDMACR:
		u->dmacr = value & 0x7;
		break;
	}
}

/* The embedder may have given it a larger window. */
static bool width_ok(const struct gh_access *a)
{
	return a->len <= 4 && !(a->offset & 3) && a->offset < GH_PL011_SIZE;
}

static int pl011_read(void *device, struct gh_access *a)
{
	struct gh_pl011 *u = device;

	if (!width_ok(a))
		return -EINVAL;
	a->data = reg_read(u, a->offset);
	update_line(u);
	return GH_ACCESS_DONE;
}

static int pl011_write(void *device, struct gh_access *a)
{
	struct gh_pl011 *u = device;
	bool line;

	if (!width_ok(a))
		return -EINVAL;
	line = u->line;
	reg_write(u, a->offset, (uint32_t)a->data);
	update_line(u);
	if (line)
		line_again(u, a->offset);
	return GH_ACCESS_DONE;
}

static int pl011_dt_node(void *device, void *fdt)
{
	static const char compatible[] = "arm,pl011\0arm,primecell";
	const struct gh_pl011 *u = device;
	int ret = fdt_property(fdt, "compatible", compatible, sizeof(compatible));

	if (!ret && u->config.line)
		ret = gh_irq_dt(u->config.line, fdt);
	return ret;
}

static void pl011_release(void *device)
{
	gh_pl011_destroy(device);
}

const struct gh_device_ops gh_pl011_ops = {
	.name = "uart",
	.read = pl011_read,
	.write = pl011_write,
	.dt_node = pl011_dt_node,
	.release = pl011_release,
};

int gh_pl011_create(const struct gh_pl011_config *config, struct gh_pl011 **uart)
{
	struct gh_pl011 *u;

	*uart = NULL;
	if (!config->output)
		return -EINVAL;
	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->config = *config;
	u->cr = CR_RESET;
	u->ifls = IFLS_RESET;
	*uart = u;
	return 0;
}

void gh_pl011_destroy(struct gh_pl011 *u)
{
	free(u);
}

size_t gh_pl011_input(struct gh_pl011 *u, const uint8_t *bytes, size_t len)
{
	size_t n = 0;

	while (n < len && u->rx_count < rx_depth(u))
		rx_push(u, bytes[n++]);
	update_line(u);
	return n;
}
