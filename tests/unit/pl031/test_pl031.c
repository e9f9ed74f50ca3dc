// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The clock against the register descriptions of Arm's manual (DDI 0224).
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <time.h>

#include <gh-runner/pl031.h>

#include "lib/internal.h"

#define START	0x60000000U

static uint64_t now_s;
static unsigned int changes;
static bool line;
static struct gh_pl031 *rtc;
static struct gh_runner runner;

static uint64_t now(void *opaque)
{
	return now_s;
}

static void irq(void *opaque, bool level)
{
	changes++;
	line = level;
}

static void setup(void)
{
	const struct gh_pl031_config config = { .now_s = now, .irq = irq, .runner = &runner };

	now_s = START;
	changes = 0;
	line = false;
	cr_assert_eq(gh_pl031_create(&config, &rtc), 0);
}

static void teardown(void)
{
	gh_pl031_destroy(rtc);
	cr_assert_null(runner.timers, "a timer outlives the clock");
}

TestSuite(pl031, .init = setup, .fini = teardown);

static int access_reg(uint64_t offset, uint32_t len, bool write, uint64_t *data)
{
	struct gh_access a = { .offset = offset, .len = len, .is_write = write, .data = *data };
	int ret;

	ret = write ? gh_pl031_ops.write(rtc, &a) : gh_pl031_ops.read(rtc, &a);
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

Test(pl031, reset_values)
{
	static const struct {
		uint32_t offset, value;
	} reset[] = {
		{ 0x000, START }, { 0x004, 0 }, { 0x008, 0 }, { 0x00c, 1 }, { 0x010, 0 },
		{ 0x014, 0 }, { 0x018, 0 }, { 0x01c, 0 }, { 0x020, 0 }, { 0xfdc, 0 },
		{ 0xfe0, 0x31 }, { 0xfe4, 0x10 }, { 0xfe8, 0x04 }, { 0xfec, 0x00 },
		{ 0xff0, 0x0d }, { 0xff4, 0xf0 }, { 0xff8, 0x05 }, { 0xffc, 0xb1 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(reset) / sizeof(reset[0]); i++)
		cr_assert_eq(rd(reset[i].offset), reset[i].value, "%03x is %x",
			     reset[i].offset, rd(reset[i].offset));
}

Test(pl031, counts_and_is_set)
{
	now_s += 5;
	cr_assert_eq(rd(0), START + 5);
	wr(0, 1);
	cr_assert_eq(rd(0), START + 5, "RTCDR is read-only");
	wr(0x008, 1000);
	cr_assert_eq(rd(0x008), 1000);
	cr_assert_eq(rd(0), 1000);
	now_s += 7;
	cr_assert_eq(rd(0), 1007);
	wr(0x008, 0xfffffffe);
	now_s += 3;
	cr_assert_eq(rd(0), 1, "wraps");
}

Test(pl031, stays_started)
{
	wr(0x00c, 0);
	cr_assert_eq(rd(0x00c), 1);
	now_s++;
	cr_assert_eq(rd(0), START + 1);
}

Test(pl031, match_raises_the_interrupt_once)
{
	wr(0x004, START + 10);
	wr(0x010, 0xffffffff);
	cr_assert_eq(rd(0x010), 1);
	now_s += 9;
	cr_assert_eq(rd(0x014), 0);
	cr_assert_eq(line, false);
	now_s += 2;
	cr_assert_eq(rd(0x014), 1, "also when nobody looked in that second");
	cr_assert_eq(rd(0x018), 1);
	cr_assert_eq(line, true);
	wr(0x010, 0);
	cr_assert_eq(rd(0x018), 0);
	cr_assert_eq(line, false);
	wr(0x010, 1);
	wr(0x01c, 1);
	cr_assert_eq(rd(0x014), 0);
	now_s += 100;
	cr_assert_eq(rd(0x014), 0);
	cr_assert_eq(changes, 4);
}

Test(pl031, match_with_what_is_there)
{
	wr(0x004, START);
	cr_assert_eq(rd(0x014), 1);
	wr(0x01c, 1);
	wr(0x004, 77);
	cr_assert_eq(rd(0x014), 0);
	wr(0x008, 77);
	cr_assert_eq(rd(0x014), 1);
}

Test(pl031, host_clock_set_back)
{
	wr(0x004, START + 1000);
	now_s -= 3600;
	cr_assert_eq(rd(0x014), 0);
	cr_assert_eq(rd(0), START - 3600);
}

Test(pl031, timer_for_the_match)
{
	wr(0x004, START + 10);
	cr_assert_null(runner.timers, "masked");
	wr(0x010, 1);
	cr_assert_not_null(runner.timers);
	cr_assert_lt(runner.timers->deadline_ns - gh_now_ns(), 10000000001ULL);
	now_s += 10;
	gh_timers_run(&runner, gh_now_ns() + 11000000000ULL);
	cr_assert_eq(line, true);
	cr_assert_null(runner.timers);
}

Test(pl031, refuses_odd_accesses)
{
	uint64_t data = 5;

	cr_assert_lt(access_reg(0x008, 8, true, &data), 0);
	cr_assert_lt(access_reg(0x008, 2, true, &data), 0);
	cr_assert_lt(access_reg(0x00a, 4, true, &data), 0);
	cr_assert_lt(access_reg(0x1000, 4, false, &data), 0);
	cr_assert_eq(rd(0x008), 0);
}

Test(pl031, time_of_day_by_default)
{
	const struct gh_pl031_config config = { 0 };
	struct gh_access a = { .len = 4 };
	struct gh_pl031 *c;
	time_t before = time(NULL);

	cr_assert_eq(gh_pl031_create(&config, &c), 0);
	cr_assert_eq(gh_pl031_ops.read(c, &a), 0);
	cr_assert_geq(a.data, (uint64_t)before);
	cr_assert_leq(a.data, (uint64_t)time(NULL));
	gh_pl031_ops.release(c);
}
