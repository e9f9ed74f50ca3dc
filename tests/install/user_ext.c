// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A user's program for the installed liburing-ext: a header inline and an export. */
#include <liburing.h>
#include <liburing-ext/gunyah.h>

int main(void)
{
	struct io_uring_sqe sqe;

	gh_uring_prep_run(&sqe, 0, 0, 0);
	return sqe.cmd_op == GH_VCPU_RUN && gh_uring_version() ? 0 : 1;
}
