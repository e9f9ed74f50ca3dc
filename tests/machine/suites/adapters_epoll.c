// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <gh-runner/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "adapters.h"

static void add(int epfd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = (uint64_t)fd };

	cr_assert_eq(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
}

static int new_timer(uint64_t first_ns)
{
	const struct itimerspec spec = {
		.it_interval.tv_nsec = TICK_NS,
		.it_value = { (time_t)(first_ns / 1000000000), (long)(first_ns % 1000000000) },
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	cr_assert_eq(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL), 0);
	return fd;
}

static void run_epoll(struct world *w, struct gh_runner *runner, int socket, bool runner_first)
{
	uint64_t due = gh_now_ns() + TICK_NS, times;
	int epfd = epoll_create1(EPOLL_CLOEXEC), timer = new_timer(due), i, n;
	struct epoll_event events[4];
	struct gh_epoll e;

	(void)runner_first;
	add(epfd, timer);
	add(epfd, socket);
	cr_assert_eq(gh_epoll_add(&e, runner, epfd, 64), 0);
	while (!done(w)) {
		n = gh_epoll_wait(&e, events, 4, 1000);
		cr_assert_geq(n, 0, "%s", strerror(-n));
		for (i = 0; i < n; i++) {
			if (events[i].data.u64 == (uint64_t)socket) {
				echo(w);
			} else if (read(timer, &times, sizeof(times)) == sizeof(times)) {
				tick(w, due);
				due += times * TICK_NS;
			}
		}
	}
	gh_epoll_remove(&e);
	close(timer);
	close(epfd);
}

const struct loop loop_epoll = { .name = "epoll", .run = run_epoll };
