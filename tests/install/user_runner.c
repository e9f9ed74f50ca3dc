// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A user's program for the installed libgh-runner; also compiled as C++. */
#include <gh-runner/gh-runner.h>

int main(void)
{
	struct gh_runner *runner = NULL;

	if (gh_runner_create(NULL, &runner, NULL) == 0)
		return gh_runner_destroy(runner) ? 1 : 0;
	/* No io_uring on this machine: a clean refusal. */
	return runner ? 1 : 0;
}
