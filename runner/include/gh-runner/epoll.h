/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A runner in a loop around epoll: libgh-runner-epoll.
 */
#ifndef GH_RUNNER_EPOLL_H
#define GH_RUNNER_EPOLL_H

#include <sys/epoll.h>

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct gh_epoll - one runner in one epoll set; the caller's memory
 * @runner, @epfd: borrowed until gh_epoll_remove()
 * @budget: for gh_runner_dispatch()
 */
struct gh_epoll {
	struct gh_runner *runner;
	int epfd;
	unsigned int budget;
};

/* @e must not move while it is in the set: its address is the event's data.ptr. */
int gh_epoll_add(struct gh_epoll *e, struct gh_runner *runner, int epfd, unsigned int budget);
void gh_epoll_remove(struct gh_epoll *e);
/*
 * In the place of epoll_wait(); guests run in here. Returns the number of the
 * caller's events, 0 also when only the runner had something to do, or -errno.
 */
int gh_epoll_wait(struct gh_epoll *e, struct epoll_event *events, int max, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_EPOLL_H */
