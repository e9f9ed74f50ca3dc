// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The driver's files.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

int gh_port_open(void *ctx)
{
	int fd = open("/dev/gunyah", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int gh_port_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

int gh_port_close(void *ctx, int fd)
{
	return close(fd) ? -errno : 0;
}

int gh_port_map_run(void *ctx, int fd, size_t *size, struct gh_vcpu_run **run)
{
	int len = ioctl(fd, GH_VCPU_MMAP_SIZE);
	void *p;

	if (len < 0)
		return -errno;
	if ((size_t)len < sizeof(**run))
		return -EPROTO;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*size = len;
	*run = p;
	return 0;
}

void gh_port_unmap_run(void *ctx, struct gh_vcpu_run *run, size_t size)
{
	munmap(run, size);
}

int gh_port_run_batch(void *ctx, int fd, struct gh_run_entry *entries, unsigned int nr,
		      uint64_t deadline_ns)
{
	return gh_run_batch(fd, entries, nr, deadline_ns);
}

int gh_port_run_once(void *ctx, int fd, uint64_t deadline_ns)
{
	return gh_run_once(fd, deadline_ns);
}

void gh_port_del_board(void *ctx, int fd, struct gh_wake_board *board, size_t size)
{
	munmap(board, size);
	close(fd);
}
