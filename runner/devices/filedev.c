// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The file device: deferred accesses. Its registers are in <gh-runner/filedev.h>.
 */
#include <endian.h>
#include <errno.h>
#include <libfdt.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <gh-runner/filedev.h>

#define SECTOR_SIZE	(GH_FILEDEV_DATA_END - GH_FILEDEV_DATA)

/* A vCPU waits for one access, so there is one request for each. */
#define MAX_REQUESTS	8

/**
 * struct request - one read on the ring
 * @dev: owner
 * @access: the vCPU's, borrowed until it is completed or the VM is gone
 * @bytes: where the kernel puts what it read
 * @busy: from submission to completion
 */
struct request {
	struct gh_io io;
	struct gh_filedev *dev;
	struct gh_access *access;
	uint64_t bytes;
	bool busy;
};

/**
 * struct gh_filedev - one device
 * @runner, @fd: borrowed
 * @gone: the VM was destroyed: nobody waits for an answer any more
 */
struct gh_filedev {
	struct gh_runner *runner;
	int fd;
	bool gone;
	uint32_t error;
	uint64_t size;
	uint64_t sector;
	struct request requests[MAX_REQUESTS];
};

static void on_read(struct gh_io *io, int res, uint32_t flags)
{
	struct request *q = (struct request *)((char *)io - offsetof(struct request, io));
	struct gh_access *a = q->access;

	q->busy = false;
	if (q->dev->gone)
		return;
	if (res < 0)
		q->dev->error = (uint32_t)-res;
	else
		a->data = le64toh(q->bytes);
	gh_access_complete(a);
}

static int read_data(struct gh_filedev *d, struct gh_access *a)
{
	struct io_uring_sqe *sqe;
	struct request *q;
	uint64_t offset;
	unsigned int i;

	if (a->offset + a->len > GH_FILEDEV_DATA_END)
		return -EINVAL;
	offset = d->sector * SECTOR_SIZE + a->offset - GH_FILEDEV_DATA;
	for (i = 0; i < MAX_REQUESTS && d->requests[i].busy; i++)
		;
	if (i == MAX_REQUESTS)
		return -EBUSY;
	sqe = gh_io_get_sqe(d->runner);
	if (!sqe)
		return -EBUSY;
	q = &d->requests[i];
	*q = (struct request) { .io.done = on_read, .dev = d, .access = a, .busy = true };
	io_uring_prep_read(sqe, d->fd, &q->bytes, a->len, offset);
	gh_io_attach(sqe, &q->io);
	return GH_ACCESS_DEFERRED;
}

static int filedev_read(void *device, struct gh_access *a)
{
	struct gh_filedev *d = device;

	if (a->offset >= GH_FILEDEV_DATA && a->offset < GH_FILEDEV_DATA_END)
		return read_data(d, a);
	if (a->offset == GH_FILEDEV_REG_SIZE && a->len == 8)
		a->data = d->size;
	else if (a->offset == GH_FILEDEV_REG_SECTOR && a->len == 8)
		a->data = d->sector;
	else if (a->offset == GH_FILEDEV_REG_ERROR && a->len == 4)
		a->data = d->error;
	else
		return -EINVAL;
	return GH_ACCESS_DONE;
}

static int filedev_write(void *device, struct gh_access *a)
{
	struct gh_filedev *d = device;

	if (a->offset != GH_FILEDEV_REG_SECTOR || a->len != 8)
		return -EINVAL;
	/* The offset in bytes must stay a file offset. */
	if (a->data >= (uint64_t)INT64_MAX / SECTOR_SIZE)
		return -EINVAL;
	d->sector = a->data;
	return GH_ACCESS_DONE;
}

static int filedev_dt_node(void *device, void *fdt)
{
	return fdt_property_string(fdt, "compatible", "gh-runner,filedev");
}

/* A request can be left over from a vCPU that is not there any more. */
static int filedev_move(void *device, struct gh_runner *runner)
{
	struct gh_filedev *d = device;
	unsigned int i;

	for (i = 0; i < MAX_REQUESTS; i++)
		if (d->requests[i].busy)
			return -EBUSY;
	if (runner)
		d->runner = runner;
	return 0;
}

static void filedev_release(void *device)
{
	((struct gh_filedev *)device)->gone = true;
}

const struct gh_device_ops gh_filedev_ops = {
	.name = "file",
	.read = filedev_read,
	.write = filedev_write,
	.dt_node = filedev_dt_node,
	.release = filedev_release,
	.move = filedev_move,
};

int gh_filedev_create(struct gh_runner *runner, int fd, struct gh_filedev **dev)
{
	struct gh_filedev *d;
	struct stat st;

	*dev = NULL;
	if (fstat(fd, &st))
		return -errno;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->runner = runner;
	d->fd = fd;
	d->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	*dev = d;
	return 0;
}

int gh_filedev_destroy(struct gh_filedev *d)
{
	unsigned int i;

	for (i = 0; d && i < MAX_REQUESTS; i++)
		if (d->requests[i].busy)
			return -EBUSY;
	free(d);
	return 0;
}
