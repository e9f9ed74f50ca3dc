/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef GH_BUS_H
#define GH_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

struct gh_device_ops;

/**
 * struct gh_window - a range of guest physical addresses and its device
 * @base, @size: never empty, never wraps
 * @ops: borrowed from the embedder until the VM is destroyed
 * @device: likewise, passed to @ops
 */
struct gh_window {
	uint64_t base;
	uint64_t size;
	const struct gh_device_ops *ops;
	void *device;
};

/* @len is not 0. */
static inline bool gh_window_holds(const struct gh_window *w, uint64_t addr, uint32_t len)
{
	uint64_t left = w->size - (addr - w->base);

	/* Neither below it, nor beyond its end. */
	return left <= w->size && left >= len;
}

/* The windows of one VM, sorted by base, disjoint. */
struct gh_bus {
	struct gh_window windows[GH_MAX_WINDOWS];
	unsigned int nr;
};

int gh_bus_insert(struct gh_bus *bus, const struct gh_window *window);
const struct gh_window *gh_bus_find(const struct gh_bus *bus, uint64_t addr, uint32_t len);

#endif /* GH_BUS_H */
