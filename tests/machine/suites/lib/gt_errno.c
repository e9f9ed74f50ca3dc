// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt_errno.h"

#define SEEN	"/tmp/errnos"

void gt_errno_seen(const char *row)
{
	static const char *last;
	char line[64];
	int fd, len;

	/* Of loops, the first. */
	if (row == last)
		return;
	last = row;
	len = snprintf(line, sizeof(line), "%s\n", row);
	fd = open(SEEN, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	cr_assert_geq(fd, 0, SEEN ": %s", strerror(errno));
	cr_assert_eq(write(fd, line, len), (ssize_t)len);
	close(fd);
}

int gt_mmap(int fd, size_t size, int prot, int flags, size_t offset)
{
	void *map = mmap(NULL, size, prot, flags, fd, offset);

	if (map == MAP_FAILED)
		return -errno;
	munmap(map, size);
	return 0;
}

int gt_in_child(int (*call)(void *arg), void *arg)
{
	int status, ret;
	pid_t pid;

	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		ret = call(arg);
		_exit(ret < 0 ? -ret : 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "the child: status %#x", status);
	return -WEXITSTATUS(status);
}
