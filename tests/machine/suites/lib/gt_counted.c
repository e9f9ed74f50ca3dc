// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "gt.h"
#include "gt_counted.h"

#define SETTLED_NS	20000000000ULL

void gt_alone(void)
{
	const struct sched_param param = { .sched_priority = GT_ALONE_PRIORITY };
	int fd;

	if (!getenv("GT_ICOUNT"))
		cr_skip_test("time is not counted in instructions here");
	/* The kernel is done with its own start. */
	while (gt_now_ns() < SETTLED_NS)
		sleep(1);
	fd = open("/proc/sys/kernel/sched_rt_runtime_us", O_WRONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "-1", 2), 2);
	close(fd);
	cr_assert_eq(sched_setscheduler(0, SCHED_FIFO, &param), 0, "%s", strerror(errno));
}
