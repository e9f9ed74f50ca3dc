// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A user's program for the installed libgh-runner-epoll. */
#include <gh-runner/epoll.h>
#include <unistd.h>

int main(void)
{
	struct gh_runner *runner;
	struct epoll_event event;
	struct gh_epoll loop;
	int epfd, n;

	if (gh_runner_create(NULL, &runner, NULL))
		return 0;
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (gh_epoll_add(&loop, runner, epfd, 0))
		return 1;
	n = gh_epoll_wait(&loop, &event, 1, 0);
	gh_epoll_remove(&loop);
	close(epfd);
	return n || gh_runner_destroy(runner) ? 1 : 0;
}
