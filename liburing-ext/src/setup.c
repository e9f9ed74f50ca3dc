// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Setting up a ring for vCPUs, and finding out whether that is possible.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <liburing-ext/gunyah.h>

_Static_assert(sizeof(struct gh_uring_run) == 16, "fits behind a 64-byte SQE");
_Static_assert(sizeof(struct gh_uring_run_batch) == 16, "fits behind a 64-byte SQE");
_Static_assert(sizeof(struct gh_run_entry) == 24, "the driver's layout");
_Static_assert(sizeof(struct gh_run_batch) == 24, "the driver's layout");
_Static_assert(sizeof(struct gh_vcpu_run) == 40, "the same page in all generations");

/*
 * Strongest first. A kernel that does not know a flag answers -EINVAL; DEFER_TASKRUN
 * needs SINGLE_ISSUER. TASKRUN_FLAG lets the runner see without a system call that
 * completions wait. CQSIZE is in every kernel that has IORING_OP_URING_CMD.
 */
static const unsigned int ladder[] = {
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
		IORING_SETUP_SUBMIT_ALL,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
	0,
};

/* kernel.io_uring_disabled: 0 for all, 1 for a group, 2 for nobody. -1: not there. */
static int read_disabled(void)
{
	char c = 0;
	int fd;

	fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (read(fd, &c, 1) != 1)
		c = 0;
	close(fd);
	return c >= '0' && c <= '2' ? c - '0' : -1;
}

int gh_uring_probe(void)
{
	struct io_uring_probe *probe;
	struct io_uring ring;
	int ret;

	if (read_disabled() == 2)
		return -EPERM;
	ret = io_uring_queue_init(2, &ring, 0);
	if (ret)
		return ret;
	probe = io_uring_get_probe_ring(&ring);
	if (!probe || !io_uring_opcode_supported(probe, IORING_OP_URING_CMD))
		ret = -EOPNOTSUPP;
	if (probe)
		io_uring_free_probe(probe);
	io_uring_queue_exit(&ring);
	return ret;
}

int gh_uring_queue_init(unsigned int sq_entries, unsigned int cq_entries, unsigned int extra_flags,
			struct io_uring *ring, unsigned int *flags)
{
	struct io_uring_params params;
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(ladder) / sizeof(ladder[0]); i++) {
		memset(&params, 0, sizeof(params));
		params.flags = ladder[i] | extra_flags | IORING_SETUP_CQSIZE;
		params.cq_entries = cq_entries;
		ret = io_uring_queue_init_params(sq_entries, ring, &params);
		if (!ret) {
			if (flags)
				*flags = params.flags;
			return 0;
		}
		if (ret != -EINVAL)
			return ret;
	}
	return ret;
}

unsigned int gh_uring_version(void)
{
	return GH_URING_VERSION_MAJOR << 16 | GH_URING_VERSION_MINOR;
}
