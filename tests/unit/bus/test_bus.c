// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The MMIO bus: what may be inserted, and what an access finds.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/bus.h"

static int insert(struct gh_bus *bus, uint64_t base, uint64_t size)
{
	const struct gh_window w = { .base = base, .size = size };

	return gh_bus_insert(bus, &w);
}

Test(bus, refuses_zero_length)
{
	struct gh_bus bus = { 0 };

	cr_assert_eq(insert(&bus, 0x1000, 0), -EINVAL);
	cr_assert_eq(bus.nr, 0);
}

Test(bus, refuses_wrap_around)
{
	struct gh_bus bus = { 0 };

	cr_assert_eq(insert(&bus, UINT64_MAX, 2), -EINVAL);
	cr_assert_eq(insert(&bus, 0x1000, UINT64_MAX), -EINVAL);
	cr_assert_eq(insert(&bus, UINT64_MAX, 1), 0, "the last byte is a byte");
}

Test(bus, refuses_every_overlap)
{
	struct gh_bus bus = { 0 };

	cr_assert_eq(insert(&bus, 0x1000, 0x1000), 0);
	cr_assert_eq(insert(&bus, 0x4000, 0x1000), 0);
	cr_assert_eq(insert(&bus, 0x1000, 0x1000), -EEXIST, "the same");
	cr_assert_eq(insert(&bus, 0x1800, 0x10), -EEXIST, "inside");
	cr_assert_eq(insert(&bus, 0x0800, 0x2000), -EEXIST, "around");
	cr_assert_eq(insert(&bus, 0x0fff, 2), -EEXIST, "over the start");
	cr_assert_eq(insert(&bus, 0x1fff, 2), -EEXIST, "over the end");
	cr_assert_eq(insert(&bus, 0x2000, 0x2001), -EEXIST, "over the next one's start");
	cr_assert_eq(insert(&bus, 0x0, UINT64_MAX), -EEXIST, "around all");
	cr_assert_eq(insert(&bus, 0x2000, 0x2000), 0, "exactly between");
	cr_assert_eq(bus.nr, 3);
}

Test(bus, is_sorted_whatever_the_order)
{
	static const uint64_t bases[] = { 0x5000, 0x1000, 0x3000, 0x4000, 0x2000 };
	struct gh_bus bus = { 0 };
	unsigned int i;

	for (i = 0; i < 5; i++)
		cr_assert_eq(insert(&bus, bases[i], 0x1000), 0);
	for (i = 0; i < 5; i++)
		cr_assert_eq(bus.windows[i].base, 0x1000 * (i + 1));
}

Test(bus, finds_whole_accesses_only)
{
	struct gh_bus bus = { 0 };

	cr_assert_null(gh_bus_find(&bus, 0, 1), "an empty bus");
	cr_assert_eq(insert(&bus, 0x1000, 0x10), 0);
	cr_assert_eq(insert(&bus, 0x1010, 0x3), 0);
	cr_assert_eq(gh_bus_find(&bus, 0x1000, 8), &bus.windows[0]);
	cr_assert_eq(gh_bus_find(&bus, 0x100f, 1), &bus.windows[0]);
	cr_assert_null(gh_bus_find(&bus, 0x100f, 2), "crosses into the next window");
	cr_assert_eq(gh_bus_find(&bus, 0x1010, 2), &bus.windows[1]);
	cr_assert_null(gh_bus_find(&bus, 0x1010, 4), "longer than the window");
	cr_assert_null(gh_bus_find(&bus, 0xfff, 1));
	cr_assert_null(gh_bus_find(&bus, 0xfff, 2));
	cr_assert_null(gh_bus_find(&bus, 0x1013, 1));
	cr_assert_null(gh_bus_find(&bus, UINT64_MAX, 8));
}

Test(bus, finds_at_the_very_end)
{
	struct gh_bus bus = { 0 };

	cr_assert_eq(insert(&bus, UINT64_MAX - 7, 8), 0);
	cr_assert_eq(gh_bus_find(&bus, UINT64_MAX - 7, 8), &bus.windows[0]);
	cr_assert_null(gh_bus_find(&bus, UINT64_MAX - 6, 8));
}

Test(bus, has_a_limit)
{
	struct gh_bus bus = { 0 };
	unsigned int i;

	for (i = 0; i < GH_MAX_WINDOWS; i++)
		cr_assert_eq(insert(&bus, i * 0x1000, 0x1000), 0);
	cr_assert_eq(insert(&bus, i * 0x1000, 0x1000), -ENOSPC);
	cr_assert_eq(insert(&bus, 0, 1), -EEXIST, "an overlap is told first");
}

/* Against the slow and obvious way, for random windows and accesses. */
Test(bus, agrees_with_a_linear_search)
{
	unsigned int round, i, k;

	srandom(1);
	for (round = 0; round < 500; round++) {
		struct gh_window kept[GH_MAX_WINDOWS];
		struct gh_bus bus = { 0 };
		unsigned int nr = 0;

		for (i = 0; i < 24; i++) {
			uint64_t base = (uint64_t)random() % 256, size = (uint64_t)random() % 20;
			int want = 0, got;

			for (k = 0; k < nr; k++)
				if (base < kept[k].base + kept[k].size &&
				    kept[k].base < base + size)
					want = -EEXIST;
			if (!size)
				want = -EINVAL;
			else if (!want && nr == GH_MAX_WINDOWS)
				want = -ENOSPC;
			got = insert(&bus, base, size);
			cr_assert_eq(got, want);
			if (!got)
				kept[nr++] = (struct gh_window) { .base = base, .size = size };
		}
		for (i = 0; i < 300; i++) {
			uint32_t len = 1u << (random() % 4);
			const struct gh_window *w = gh_bus_find(&bus, i, len);
			bool found = false;

			for (k = 0; k < nr; k++)
				if (i >= kept[k].base && i + len <= kept[k].base + kept[k].size) {
					found = true;
					cr_assert_eq(w->base, kept[k].base);
				}
			cr_assert_eq(!w, !found);
		}
	}
}
