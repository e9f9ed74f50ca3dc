// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * epoll: the runner's descriptor is a member of the caller's set.
 */
#include <errno.h>
#include <gh-runner/epoll.h>
#include <time.h>

#define NS_PER_SEC	1000000000ULL

int gh_epoll_add(struct gh_epoll *e, struct gh_runner *runner, int epfd, unsigned int budget)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = e };
	int fd = gh_runner_fd(runner);

	if (fd < 0)
		return fd;
	*e = (struct gh_epoll) { .runner = runner, .epfd = epfd, .budget = budget };
	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

void gh_epoll_remove(struct gh_epoll *e)
{
	epoll_ctl(e->epfd, EPOLL_CTL_DEL, gh_runner_fd(e->runner), NULL);
}

/* Takes the runner's own event out. */
static int only_callers(const struct gh_epoll *e, struct epoll_event *events, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		if (events[i].data.ptr != e)
			continue;
		events[i] = events[--n];
		break;
	}
	return n;
}

int gh_epoll_wait(struct gh_epoll *e, struct epoll_event *events, int max, int timeout_ms)
{
	struct timespec ts;
	uint64_t ns;
	int n, ret;

	/* Before waiting: what is ready afterwards is the caller's at once, and no batch late. */
	ret = gh_runner_prepare(e->runner);
	if (ret < 0)
		return ret;
	ns = gh_runner_timeout_ns(e->runner);
	if (timeout_ms >= 0 && ns > (uint64_t)timeout_ms * 1000000)
		ns = (uint64_t)timeout_ms * 1000000;
	ts = (struct timespec) {
		.tv_sec = (time_t)(ns / NS_PER_SEC),
		.tv_nsec = (long)(ns % NS_PER_SEC),
	};
	n = epoll_pwait2(e->epfd, events, max, ns == UINT64_MAX ? NULL : &ts, NULL);
	if (n < 0)
		return -errno;
	n = only_callers(e, events, n);
	ret = gh_runner_dispatch(e->runner, e->budget);
	return ret < 0 ? ret : n;
}
