// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The MMIO bus of a VM: sorted, disjoint windows, found by binary search.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "bus.h"

/* Index of the first window whose base is above @addr. */
static unsigned int bus_upper(const struct gh_bus *bus, uint64_t addr)
{
	unsigned int lo = 0, hi = bus->nr;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (bus->windows[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int gh_bus_insert(struct gh_bus *bus, const struct gh_window *window)
{
	uint64_t last = window->base + window->size - 1;
	unsigned int at, i;

	if (!window->size || last < window->base)
		return -EINVAL;

	at = bus_upper(bus, window->base);
	if (at > 0) {
		const struct gh_window *below = &bus->windows[at - 1];

		if (below->base + below->size - 1 >= window->base)
			return -EEXIST;
	}
	if (at < bus->nr && bus->windows[at].base <= last)
		return -EEXIST;
	if (bus->nr == GH_MAX_WINDOWS)
		return -ENOSPC;

	for (i = bus->nr; i > at; i--)
		bus->windows[i] = bus->windows[i - 1];
	bus->windows[at] = *window;
	bus->nr++;
	return 0;
}

/* NULL: no window holds the whole access. */
const struct gh_window *gh_bus_find(const struct gh_bus *bus, uint64_t addr, uint32_t len)
{
	unsigned int at = bus_upper(bus, addr);
	const struct gh_window *w;

	assert(len > 0);
	if (!at)
		return NULL;
	w = &bus->windows[at - 1];
	return gh_window_holds(w, addr, len) ? w : NULL;
}
