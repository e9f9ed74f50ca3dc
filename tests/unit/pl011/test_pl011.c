// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The UART against the register descriptions of Arm's manual (r1p5).
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <gh-runner/pl011.h>

#include "lib/internal.h"

struct out {
	char bytes[64];
	unsigned int len;
	int line;
	unsigned int changes;
};

static struct out out;
static struct gh_pl011 *uart;

static void output(void *opaque, uint8_t byte)
{
	struct out *o = opaque;

	cr_assert_lt(o->len, sizeof(o->bytes));
	o->bytes[o->len++] = (char)byte;
}

static void irq(void *opaque, bool level)
{
	struct out *o = opaque;

	o->line = level;
	o->changes++;
}

static void setup(void)
{
	const struct gh_pl011_config config = { .output = output, .irq = irq, .opaque = &out };

	memset(&out, 0, sizeof(out));
	cr_assert_eq(gh_pl011_create(&config, &uart), 0);
}

static void teardown(void)
{
	gh_pl011_destroy(uart);
}

TestSuite(pl011, .init = setup, .fini = teardown);

static int access_reg(uint64_t offset, uint32_t len, bool write, uint64_t *data)
{
	struct gh_access a = { .offset = offset, .len = len, .is_write = write, .data = *data };
	int ret;

	ret = write ? gh_pl011_ops.write(uart, &a) : gh_pl011_ops.read(uart, &a);
	*data = a.data;
	return ret;
}

static uint32_t rd(uint64_t offset)
{
	uint64_t data = 0;

	cr_assert_eq(access_reg(offset, 4, false, &data), 0);
	return (uint32_t)data;
}

static void wr(uint64_t offset, uint32_t value)
{
	uint64_t data = value;

	cr_assert_eq(access_reg(offset, 4, true, &data), 0);
}

Test(pl011, needs_an_output)
{
	const struct gh_pl011_config config = { .irq = irq };
	struct gh_pl011 *u;

	cr_assert_eq(gh_pl011_create(&config, &u), -EINVAL);
	cr_assert_null(u);
}

Test(pl011, reset_values)
{
	static const struct {
		uint32_t offset, value;
	} reset[] = {
		{ 0x004, 0 }, { 0x018, 0x90 }, { 0x020, 0 }, { 0x024, 0 }, { 0x028, 0 },
		{ 0x02c, 0 }, { 0x030, 0x300 }, { 0x034, 0x12 }, { 0x038, 0 }, { 0x03c, 0 },
		{ 0x040, 0 }, { 0x048, 0 }, { 0x044, 0 }, { 0x008, 0 }, { 0xfdc, 0 },
		{ 0xfe0, 0x11 }, { 0xfe4, 0x10 }, { 0xfe8, 0x34 }, { 0xfec, 0x00 },
		{ 0xff0, 0x0d }, { 0xff4, 0xf0 }, { 0xff8, 0x05 }, { 0xffc, 0xb1 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(reset) / sizeof(reset[0]); i++)
		cr_assert_eq(rd(reset[i].offset), reset[i].value, "%03x is %x",
			     reset[i].offset, rd(reset[i].offset));
}

Test(pl011, keeps_the_writable_bits)
{
	static const struct {
		uint32_t offset, mask;
	} regs[] = {
		{ 0x020, 0xff }, { 0x024, 0xffff }, { 0x028, 0x3f }, { 0x02c, 0xff },
		{ 0x030, 0xff87 }, { 0x034, 0x3f }, { 0x038, 0x7ff }, { 0x048, 0x7 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		wr(regs[i].offset, 0xffffffff);
		cr_assert_eq(rd(regs[i].offset), regs[i].mask, "%03x", regs[i].offset);
		wr(regs[i].offset, 0);
		cr_assert_eq(rd(regs[i].offset), 0);
	}
}

Test(pl011, identification_is_read_only)
{
	uint32_t offset;

	for (offset = 0xfe0; offset <= 0xffc; offset += 4) {
		uint32_t before = rd(offset);

		wr(offset, ~before);
		cr_assert_eq(rd(offset), before);
	}
}

Test(pl011, sends_without_being_enabled)
{
	uint64_t c = 'c';

	wr(0, 'a');
	wr(0, 0x1200 | 'b');
	cr_assert_eq(access_reg(0, 1, true, &c), 0);
	cr_assert_eq(out.len, 3);
	cr_assert_eq(memcmp(out.bytes, "abc", 3), 0);
	cr_assert_eq(rd(0x018) & 0xa0, 0x80, "empty and not full, at once");
}

Test(pl011, refuses_odd_accesses)
{
	uint64_t data = 'x';

	cr_assert_lt(access_reg(0, 8, true, &data), 0);
	cr_assert_lt(access_reg(1, 1, true, &data), 0);
	cr_assert_lt(access_reg(0x32, 2, true, &data), 0);
	cr_assert_lt(access_reg(0x19, 1, false, &data), 0);
	cr_assert_eq(out.len, 0);
	cr_assert_eq(rd(0x030), 0x300);
}

/* A window may be larger than the device, and the guest chooses the offset. */
Test(pl011, ends_with_its_last_register)
{
	static const uint64_t beyond[] = { 0x1000, 0x1004, 0x10000, 0x7ffffffc, 0x100000000 };
	uint64_t data = 0x41;
	unsigned int i;

	cr_assert_eq(rd(GH_PL011_SIZE - 4), 0xb1);
	for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		cr_assert_eq(access_reg(beyond[i], 4, false, &data), -EINVAL);
		cr_assert_eq(access_reg(beyond[i], 4, true, &data), -EINVAL);
	}
	cr_assert_eq(out.len, 0);
}

Test(pl011, receives_in_order)
{
	cr_assert_eq(gh_pl011_input(uart, (const uint8_t *)"xy", 2), 1, "no FIFO: one byte");
	cr_assert_eq(rd(0x018) & 0x50, 0x40, "full");
	cr_assert_eq(rd(0), 'x');
	cr_assert_eq(rd(0x018) & 0x50, 0x10, "empty");
	cr_assert_eq(rd(0), 0);
}

Test(pl011, fifo_is_32_deep)
{
	uint8_t in[40];
	unsigned int i, round;

	wr(0x02c, 0x10);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < sizeof(in); i++)
			in[i] = (uint8_t)(round * 40 + i);
		cr_assert_eq(gh_pl011_input(uart, in, sizeof(in)), 32);
		for (i = 0; i < 32; i++)
			cr_assert_eq(rd(0), in[i]);
		cr_assert(rd(0x018) & 0x10);
	}
}

Test(pl011, switching_the_fifo_empties_it)
{
	wr(0x02c, 0x10);
	gh_pl011_input(uart, (const uint8_t *)"abc", 3);
	wr(0x02c, 0x70);
	cr_assert_eq(rd(0), 'a', "FEN unchanged");
	wr(0x02c, 0);
	cr_assert(rd(0x018) & 0x10);
	cr_assert_eq(rd(0x03c) & 0x50, 0);
}

Test(pl011, receive_interrupts)
{
	uint8_t in[16] = { 0 };
	unsigned int i;

	wr(0x02c, 0x10);
	wr(0x034, 2 << 3);
	wr(0x038, 0x10);
	gh_pl011_input(uart, in, 15);
	cr_assert_eq(rd(0x03c) & 0x50, 0x40, "timeout only: half of 32 is not there");
	cr_assert_eq(out.line, 0);
	gh_pl011_input(uart, in, 1);
	cr_assert_eq(rd(0x040), 0x10);
	cr_assert_eq(out.line, 1);
	rd(0);
	cr_assert_eq(rd(0x040), 0);
	cr_assert_eq(out.line, 0);
	for (i = 0; i < 15; i++)
		rd(0);
	cr_assert_eq(rd(0x03c) & 0x50, 0);
	cr_assert_eq(out.changes, 2);
}

Test(pl011, transmit_interrupt_and_clear)
{
	wr(0x038, 0x20);
	cr_assert_eq(out.line, 0);
	wr(0, 'a');
	cr_assert_eq(rd(0x03c), 0x20);
	cr_assert_eq(out.line, 1);
	wr(0x044, 0x7df);
	cr_assert_eq(out.line, 1, "another bit's clear");
	wr(0x044, 0x20);
	cr_assert_eq(rd(0x03c), 0);
	cr_assert_eq(out.line, 0);
}

Test(pl011, loops_back)
{
	wr(0x030, 0x380);
	wr(0, 'q');
	cr_assert_eq(out.len, 0);
	wr(0, 'r');
	cr_assert_eq(rd(0x03c) & 0x400, 0x400, "overrun");
	cr_assert_eq(rd(0), 'q');
	cr_assert_eq(rd(0x004), 0);
	wr(0, 's');
	cr_assert_eq(rd(0), 0x800 | 's', "the byte after the loss carries the error");
	cr_assert_eq(rd(0x004), 8);
	wr(0x004, 0);
	cr_assert_eq(rd(0x004), 0);
}

/* What the guest gets are edges: also when it acknowledges and the level stays. */
Test(pl011, edges_of_its_line)
{
	struct gh_irq line = { .fd = eventfd(0, EFD_NONBLOCK) };
	struct gh_pl011_config config = { .output = output, .opaque = &out, .line = &line };
	uint64_t count = 0;

	gh_pl011_destroy(uart);
	cr_assert_eq(gh_pl011_create(&config, &uart), 0);
	wr(0x02c, 0x10);
	gh_pl011_input(uart, (const uint8_t *)"ab", 2);
	cr_assert_lt(read(line.fd, &count, sizeof(count)), 0, "masked");
	wr(0x038, 0x40);
	cr_assert_eq(read(line.fd, &count, sizeof(count)), 8);
	cr_assert_eq(count, 1);
	rd(0);
	cr_assert_lt(read(line.fd, &count, sizeof(count)), 0, "it is still high");
	wr(0x044, 0x10);
	cr_assert_eq(read(line.fd, &count, sizeof(count)), 8, "acknowledged, and not over");
	cr_assert_eq(count, 1);
	rd(0);
	wr(0x044, 0x10);
	cr_assert_lt(read(line.fd, &count, sizeof(count)), 0, "over");
	close(line.fd);
}
