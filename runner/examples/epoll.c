// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A guest in a loop around epoll that also has a timer: example-epoll IMAGE
 */
#include <gh-runner/epoll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "guest.h"

static int add_timer(int epfd)
{
	const struct itimerspec every = { { 1, 0 }, { 1, 0 } };
	struct epoll_event event = { .events = EPOLLIN };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	event.data.fd = fd;
	timerfd_settime(fd, 0, &every, NULL);
	epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
	return fd;
}

int main(int argc, char **argv)
{
	int epfd = epoll_create1(EPOLL_CLOEXEC), timer = add_timer(epfd), n = 0;
	struct epoll_event events[8];
	struct gh_runner *runner;
	struct gh_epoll loop;
	struct gh_vm *vm;
	uint64_t times;

	if (argc < 2 || gh_runner_create(NULL, &runner, NULL))
		return EXIT_FAILURE;
	vm = example_start(runner, argv[1]);
	if (!vm || gh_epoll_add(&loop, runner, epfd, 0))
		return EXIT_FAILURE;
	while (example_running() && n >= 0) {
		n = gh_epoll_wait(&loop, events, 8, -1);
		if (n > 0 && read(timer, &times, sizeof(times)) == sizeof(times))
			puts("a second has passed");
	}
	gh_epoll_remove(&loop);
	example_end(runner, vm);
	return n < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
