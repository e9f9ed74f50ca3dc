// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A short run of the stress (tests/machine/stress/) with a fixed seed; 'make stress' is
 * the long one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"

#define SECONDS	"20"
#define SEED	"20"

TestSuite(stress, .timeout = 4 * GT_TIMEOUT);

/* What the program said, when it failed. */
static void show(int fd)
{
	char text[4096];
	ssize_t n;

	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, text, sizeof(text))) > 0) {
		if (write(STDERR_FILENO, text, n) != n)
			return;
	}
}

GT_CASE(stress, a_short_one)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), status;
	pid_t pid;

	cr_assert_geq(fd, 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		dup2(fd, STDOUT_FILENO);
		execl("/root/suites/stress.program", "stress", "--seed", SEED, "--seconds", SECONDS,
		      "--workers", "3", NULL);
		_exit(127);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (status)
		show(fd);
	close(fd);
	cr_assert_eq(status, 0, "status %#x", status);
}
