// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The test device: every register with every width, and its judgement.
 */
#include <criterion/criterion.h>

#include <gh-runner/testdev-regs.h>
#include <gh-runner/testdev.h>

static struct gh_testdev *dev;

static void setup(void)
{
	const struct gh_testdev_config config = {
		.vm = 6,
		.param0 = 0x1111222233334444,
		.param1 = 0x5555666677778888,
		.duration_ms = 9000,
	};

	cr_assert_eq(gh_testdev_create(&config, &dev), 0);
}

static void teardown(void)
{
	gh_testdev_destroy(dev);
}

TestSuite(testdev, .init = setup, .fini = teardown);

static uint64_t rd(uint64_t offset, uint32_t len)
{
	struct gh_access a = { .offset = offset, .len = len };

	return gh_testdev_ops.read(dev, &a) ? 0 : a.data;
}

static int wr(uint64_t offset, uint32_t len, uint64_t data)
{
	struct gh_access a = { .offset = offset, .len = len, .data = data, .is_write = true };

	return gh_testdev_ops.write(dev, &a);
}

static struct gh_testdev_report report(void)
{
	struct gh_testdev_report r;

	gh_testdev_report(dev, &r);
	return r;
}

Test(testdev, parameters)
{
	cr_assert_eq(rd(GH_TESTDEV_MAGIC, 4), 0x54534447);
	cr_assert_eq(rd(GH_TESTDEV_VERSION, 4), 1);
	cr_assert_eq(rd(GH_TESTDEV_VM, 8), 6);
	cr_assert_eq(rd(GH_TESTDEV_PARAM0, 8), 0x1111222233334444);
	cr_assert_eq(rd(GH_TESTDEV_PARAM1, 8), 0x5555666677778888);
	cr_assert_eq(rd(GH_TESTDEV_DURATION_MS, 8), 9000);
	cr_assert_eq(rd(GH_TESTDEV_STOP, 4), 0);
	gh_testdev_stop(dev);
	cr_assert_eq(rd(GH_TESTDEV_STOP, 4), 1);
	cr_assert_eq(report().bad, 0);
}

Test(testdev, wrong_widths_read_zero_and_count)
{
	static const uint32_t widths[] = { 1, 2, 4, 8 };
	uint64_t offset, bad = 0, right = 0;
	unsigned int w;

	for (offset = 0; offset < 0x68; offset++)
		for (w = 0; w < 4; w++) {
			uint64_t before = report().bad;

			rd(offset, widths[w]);
			if (report().bad == before)
				right++;
			else
				bad++;
		}
	cr_assert_eq(right, 12, "twelve readable registers, one width each");
	cr_assert_eq(report().bad, bad);
	cr_assert_eq(rd(GH_TESTDEV_MAGIC, 8), 0);
}

Test(testdev, scratch)
{
	cr_assert_eq(wr(GH_TESTDEV_SCRATCH1, 1, 0x11), 0);
	cr_assert_eq(wr(GH_TESTDEV_SCRATCH2, 2, 0x2222), 0);
	cr_assert_eq(wr(GH_TESTDEV_SCRATCH4, 4, 0x44444444), 0);
	cr_assert_eq(wr(GH_TESTDEV_SCRATCH8, 8, 0x8888888888888888), 0);
	cr_assert_lt(wr(GH_TESTDEV_SCRATCH8, 4, 1), 0);
	cr_assert_lt(wr(GH_TESTDEV_VM, 8, 1), 0, "read-only");
	cr_assert_eq(rd(GH_TESTDEV_SCRATCH1, 1), 0x11);
	cr_assert_eq(rd(GH_TESTDEV_SCRATCH2, 2), 0x2222);
	cr_assert_eq(rd(GH_TESTDEV_SCRATCH4, 4), 0x44444444);
	cr_assert_eq(rd(GH_TESTDEV_SCRATCH8, 8), 0x8888888888888888);
	cr_assert_eq(rd(GH_TESTDEV_VM, 8), 6);
}

Test(testdev, sequence_and_sum)
{
	uint64_t x = 7, sum = 0;
	unsigned int i;

	cr_assert_eq(report().result, GH_TESTDEV_NONE);
	for (i = 0; i < 100; i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		cr_assert_eq(rd(GH_TESTDEV_NEXT, 8), x);
		cr_assert_eq(wr(GH_TESTDEV_PUT, 8, x ^ i), 0);
		sum = (sum << 1 | sum >> 63) ^ (x ^ i);
	}
	cr_assert_eq(report().result, GH_TESTDEV_MISSING);
	cr_assert_eq(wr(GH_TESTDEV_RESULT, 8, sum), 0);
	cr_assert_eq(report().result, GH_TESTDEV_MATCH);
	cr_assert_eq(report().puts, 100);
	cr_assert_eq(report().nexts, 100);
	cr_assert_eq(wr(GH_TESTDEV_PUT, 8, 1), 0);
	cr_assert_eq(report().result, GH_TESTDEV_MISMATCH, "one more PUT after the result");
	cr_assert_eq(report().reported, sum);
}

Test(testdev, failed_assertion)
{
	cr_assert_eq(wr(GH_TESTDEV_FAIL, 4, 17), 0);
	cr_assert_eq(wr(GH_TESTDEV_FAIL, 4, 42), 0);
	cr_assert_eq(report().fails, 2);
	cr_assert_eq(report().fail_line, 42);
}
