/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the library needs from the kernel, behind one table: the driver's files and
 * the ring. port_kernel.c and ring.c implement it; unit tests bring a fake.
 */
#ifndef GH_PORT_H
#define GH_PORT_H

#include <stddef.h>
#include <stdint.h>

struct gh_run_entry;
struct gh_vcpu_run;
struct gh_wake_board;
struct io_uring_cqe;
struct io_uring_sqe;

typedef void gh_reap_fn(void *arg, const struct io_uring_cqe *cqe);

/**
 * struct gh_port_ops - all return 0 or a value >= 0, or -errno
 * @open: /dev/gunyah
 * @ioctl: on a descriptor of the driver
 * @map_run: the page shared with a vCPU; *@size is what to unmap
 * @reserve: optional, any thread: there will be @nr vCPUs at the most; what they need is
 *	made here, so that @add_vcpu needs nothing
 * @add_vcpu, @del_vcpu: optional: the vCPU @fd will be run with this ring, by commands
 *	whose user_data names @slot, and no more
 * @run_batch: GH_VCPU_RUN_BATCH by ioctl, carried by the vCPU @fd; NULL: there are no
 *	batches, neither by ioctl nor by command
 * @run_once: GH_VCPU_RUN_ONCE of the vCPU @fd; NULL or -ENOTTY: there is no such call
 * @new_board: GH_VCPU_NEW_BOARD of @nr bits, carried by the vCPU @fd, that wakes whoever waits
 *	in @enter; mapped. Returns its descriptor, which @del_board closes. NULL: no boards
 * @get_sqe: NULL when the submission queue is full
 * @enter: submits everything, then waits for @wait_nr completions until
 *	@timeout_ns (absolute, UINT64_MAX: none). -ETIME and -EINTR are results
 * @reap: calls @fn for each completion that is there, and consumes it. Returns
 *	how many
 * @set_file: puts @fd (-1: nothing) in slot @slot of the registered files;
 *	-EOPNOTSUPP when the ring has no such table
 */
struct gh_port_ops {
	int (*open)(void *ctx);
	int (*ioctl)(void *ctx, int fd, unsigned long request, void *arg);
	int (*close)(void *ctx, int fd);
	int (*map_run)(void *ctx, int fd, size_t *size, struct gh_vcpu_run **run);
	void (*unmap_run)(void *ctx, struct gh_vcpu_run *run, size_t size);

	int (*reserve)(void *ctx, unsigned int nr);
	void (*add_vcpu)(void *ctx, unsigned int slot, int fd, struct gh_vcpu_run *run);
	void (*del_vcpu)(void *ctx, unsigned int slot);
	int (*run_batch)(void *ctx, int fd, struct gh_run_entry *entries, unsigned int nr,
			 uint64_t deadline_ns);
	int (*run_once)(void *ctx, int fd, uint64_t deadline_ns);
	int (*new_board)(void *ctx, int fd, unsigned int nr, struct gh_wake_board **board,
			 size_t *size);
	void (*del_board)(void *ctx, int fd, struct gh_wake_board *board, size_t size);
	struct io_uring_sqe *(*get_sqe)(void *ctx);
	int (*enter)(void *ctx, unsigned int wait_nr, uint64_t timeout_ns);
	int (*reap)(void *ctx, gh_reap_fn *fn, void *arg);
	int (*set_file)(void *ctx, unsigned int slot, int fd);
};

#endif /* GH_PORT_H */
