/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The way that most accesses take: to the window of the last one, to a device that answers
 * at once, by a guest that does not sleep after them, or not by a command of its own. What
 * gh_exit_handle() does with such an access, without what the others need.
 */
#ifndef GH_QUICK_H
#define GH_QUICK_H

#include "internal.h"

/*
 * Whether @res, of a run of @v that just ended, is such an access, for the device to answer.
 * @boarded: who waits does so on the wake board.
 */
static inline bool gh_quick_take(struct gh_vcpu *v, int res, bool boarded)
{
	const int access = GH_URING_RES_WRITE | 0xf << GH_URING_RES_LEN_SHIFT;
	const uint32_t lens = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 8;
	const struct gh_window *w = v->window;
	uint32_t len = GH_URING_RES_LEN(res);
	uint64_t addr;

	if ((res & ~access) != GH_URING_EXIT_MMIO || !(lens >> len & 1) || v->held ||
	    (v->sleeps & GH_AFTER_MMIO && !boarded) || !w)
		return false;
	addr = v->run->mmio.phys_addr;
	if (!gh_window_holds(w, addr, len))
		return false;
	v->access.offset = addr - w->base;
	v->access.len = len;
	v->state = GH_VCPU_ANSWERING;
	return true;
}

/* Behind the device, that returned @ret: true if the answer is there, and nothing is done yet. */
static inline bool gh_quick_done(struct gh_runner *r, struct gh_vcpu *v, int ret)
{
	v->after = GH_AFTER_MMIO;
	if (__builtin_expect(!ret && v->state == GH_VCPU_ANSWERING, 1))
		return true;
	v->ran = true;
	gh_access_done(r, v, ret);
	return false;
}

static inline bool gh_quick_read(struct gh_runner *r, struct gh_vcpu *v)
{
	const struct gh_window *w = v->window;

	v->access.data = 0;
	v->access.is_write = false;
	return gh_quick_done(r, v, w->ops->read(w->device, &v->access));
}

static inline bool gh_quick_write(struct gh_runner *r, struct gh_vcpu *v)
{
	const struct gh_window *w = v->window;

	v->access.data = gh_uring_mmio_data(v->run, v->access.len);
	v->access.is_write = true;
	return gh_quick_done(r, v, w->ops->write(w->device, &v->access));
}

#endif /* GH_QUICK_H */
