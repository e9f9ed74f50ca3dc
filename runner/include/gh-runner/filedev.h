/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A device for tests and a model for block devices: the guest reads a file. Each
 * read is one request on the runner's ring and is answered when that completes;
 * the vCPU waits, all others go on.
 *
 *   offset  width        register
 *   0x000   8            RO size of the file in bytes
 *   0x008   8            RW number of the sector in the window, of 512 bytes
 *   0x010   4            RO -errno of the last read that failed, as a positive number
 *   0x200   1, 2, 4, 8   RO bytes of the sector, to 0x3ff; beyond the end of the file 0
 */
#ifndef GH_RUNNER_FILEDEV_H
#define GH_RUNNER_FILEDEV_H

#include <stdint.h>

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GH_FILEDEV_SIZE		0x1000	/* of the window */
#define GH_FILEDEV_REG_SIZE	0x000
#define GH_FILEDEV_REG_SECTOR	0x008
#define GH_FILEDEV_REG_ERROR	0x010
#define GH_FILEDEV_DATA		0x200
#define GH_FILEDEV_DATA_END	0x400

struct gh_filedev;

extern const struct gh_device_ops gh_filedev_ops;

/*
 * The device for gh_vm_add_device(). @fd, open for reading, is borrowed until
 * gh_filedev_destroy().
 */
int gh_filedev_create(struct gh_runner *runner, int fd, struct gh_filedev **dev);
/*
 * After gh_vm_destroy(). -EBUSY while a request is on the ring: drive the runner
 * until it has come back.
 */
int gh_filedev_destroy(struct gh_filedev *dev);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_FILEDEV_H */
