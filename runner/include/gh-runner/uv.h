/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A runner in a libuv loop: libgh-runner-uv.
 */
#ifndef GH_RUNNER_UV_H
#define GH_RUNNER_UV_H

#include <uv.h>

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gh_uv - one runner in one loop; the caller's memory until @closed
 * @runner: borrowed until gh_uv_close()
 * @budget: for gh_runner_dispatch()
 * @failed: optional: the ring failed with -errno, guests do not run any more. The handles
 *	are stopped, and are still to be closed; gh_uv_close() may be called here
 * @closed: given to gh_uv_close()
 * @opaque: the caller's
 *
 * The handles keep uv_run() going until gh_uv_close(), or until the ring failed.
 */
struct gh_uv {
	struct gh_runner *runner;
	unsigned int budget;
	void (*failed)(struct gh_uv *u, int error);
	void (*closed)(struct gh_uv *u);
	void *opaque;
	/* private */
	unsigned int open;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_timer_t timer;
	uv_poll_t poll;
};

/* The caller has set @runner, @budget, @failed and @opaque, the rest to 0. */
int gh_uv_open(struct gh_uv *u, uv_loop_t *loop);
/* The memory is the caller's again when @closed (may be NULL) is called. */
void gh_uv_close(struct gh_uv *u, void (*closed)(struct gh_uv *u));

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_UV_H */
