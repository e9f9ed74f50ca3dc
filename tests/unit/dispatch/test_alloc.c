// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * No memory is allocated once a VM was added, whatever its guests do.
 */
#include <criterion/criterion.h>

#include "fixture.h"

/* Of the address sanitizer; gcc has no header for it. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

TestSuite(alloc, .init = fixture_setup, .fini = fixture_teardown);

static volatile bool counting;
static volatile unsigned int allocations;

static void on_malloc(const volatile void *p, size_t size)
{
	allocations += counting;
}

static void on_free(const volatile void *p)
{
}

Test(alloc, none_while_guests_run)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, 0x1000, 4, 0 }, { FAKE_WRITE, 0x5000, 4, 0 }, { FAKE_PARK },
		{ FAKE_PREEMPTED }, { FAKE_PARK }, { FAKE_READ, 0x1000, 8, 0 }, { FAKE_INTR },
		{ FAKE_OFF },
	};
	void *volatile seen;
	int ret;

	cr_assert_gt(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free), 0);
	counting = true;
	seen = malloc(1);
	counting = false;
	free(seen);
	cr_assert_eq(allocations, 1, "the counter counts");

	start(3, steps);
	start(8, steps);
	f->on_idle = wake_all;
	counting = true;
	ret = gh_runner_run(r);
	counting = false;
	cr_assert_eq(ret, 0);
	/* That of the test above, and none of the callbacks' assertions fails. */
	cr_assert_eq(allocations, 1);
	cr_assert_eq(nr_ended, 2);
}
