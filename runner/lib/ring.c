// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The ring: set-up, registered files and descriptors, entering, reaping.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static struct gh_ring *to_ring(void *ctx)
{
	return ctx;
}

static struct io_uring_sqe *ring_get_sqe(void *ctx)
{
	return io_uring_get_sqe(to_ring(ctx)->ring);
}

static int ring_wait(struct gh_ring *ring, unsigned int wait_nr, uint64_t timeout_ns)
{
	uint64_t now = gh_now_ns(), left = timeout_ns > now ? timeout_ns - now : 0;
	struct __kernel_timespec ts = {
		.tv_sec = left / 1000000000,
		.tv_nsec = left % 1000000000,
	};
	struct io_uring_cqe *cqe;

	return io_uring_submit_and_wait_timeout(ring->ring, &cqe, wait_nr, &ts, NULL);
}

static int ring_enter(void *ctx, unsigned int wait_nr, uint64_t timeout_ns)
{
	struct gh_ring *ring = ctx;
	int ret;

	ring->stats->syscalls++;
	if (!wait_nr)
		ret = io_uring_submit_and_get_events(ring->ring);
	else if (timeout_ns == UINT64_MAX)
		ret = io_uring_submit_and_wait(ring->ring, wait_nr);
	else
		ret = ring_wait(ring, wait_nr, timeout_ns);
	return ret < 0 ? ret : 0;
}

/*
 * Completions of parked commands are task work until the ring is entered, and
 * those that found the CQ full wait in the kernel; both are told by a flag, the first
 * unless the owner of the ring did not want it.
 */
static bool ring_flush(struct gh_ring *ring)
{
	unsigned int flags = IO_URING_READ_ONCE(*ring->ring->sq.kflags);

	if (!(flags & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) && gh_ring_tells(ring))
		return false;
	if (flags & IORING_SQ_CQ_OVERFLOW)
		ring->stats->cq_overflows++;
	ring->stats->syscalls++;
	return io_uring_get_events(ring->ring) >= 0;
}

static int ring_reap(void *ctx, gh_reap_fn *fn, void *arg)
{
	struct gh_ring *ring = ctx;
	struct io_uring_cqe *cqe;
	unsigned int head, nr, total = 0;
	bool flushed = false;

	for (;;) {
		nr = 0;
		io_uring_for_each_cqe(ring->ring, head, cqe) {
			fn(arg, cqe);
			nr++;
		}
		io_uring_cq_advance(ring->ring, nr);
		total += nr;
		/* Once: what completes from now on is for the next turn. */
		if (flushed || !ring_flush(ring))
			return (int)total;
		flushed = true;
	}
}

static int ring_set_file(void *ctx, unsigned int slot, int fd)
{
	struct gh_ring *ring = ctx;
	int ret;

	if (slot >= ring->files)
		return -EOPNOTSUPP;
	ret = io_uring_register_files_update(ring->ring, slot, &fd, 1);
	return ret < 0 ? ret : 0;
}

/* What wakes the runner from other threads wakes it from the driver as well. */
static int ring_new_board(void *ctx, int fd, unsigned int nr, struct gh_wake_board **board,
			  size_t *size)
{
	int board_fd = gh_wake_board_new(fd, nr, to_ring(ctx)->wake_fd), ret;
	void *p;

	if (board_fd < 0)
		return board_fd;
	*size = gh_wake_board_size(nr);
	p = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, board_fd, 0);
	if (p == MAP_FAILED) {
		ret = -errno;
		close(board_fd);
		return ret;
	}
	*board = p;
	return board_fd;
}

const struct gh_port_ops gh_kernel_port = {
	.open = gh_port_open,
	.ioctl = gh_port_ioctl,
	.close = gh_port_close,
	.map_run = gh_port_map_run,
	.unmap_run = gh_port_unmap_run,
	.run_batch = gh_port_run_batch,
	.run_once = gh_port_run_once,
	.new_board = ring_new_board,
	.del_board = gh_port_del_board,
	.get_sqe = ring_get_sqe,
	.enter = ring_enter,
	.reap = ring_reap,
	.set_file = ring_set_file,
};

int gh_ring_init(struct gh_ring *ring, struct io_uring *borrowed, unsigned int sq_entries,
		 unsigned int max_vcpus, bool sqpoll, struct gh_stats *stats)
{
	int ret;

	*ring = (struct gh_ring) {
		.ring = borrowed ? borrowed : &ring->own,
		.event_fd = -1,
		.stats = stats,
	};
	ring->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ring->wake_fd < 0)
		return -errno;
	if (borrowed) {
		ring->flags = borrowed->flags;
		return 0;
	}

	ret = gh_uring_queue_init(sq_entries, 2 * max_vcpus + sq_entries,
				  sqpoll ? IORING_SETUP_SQPOLL : 0, &ring->own, &ring->flags);
	if (ret)
		goto err_close;
	/* Both only save time: without them the plain descriptors are used. */
	io_uring_register_ring_fd(&ring->own);
	if (!io_uring_register_files_sparse(&ring->own, max_vcpus))
		ring->files = max_vcpus;
	return 0;

err_close:
	close(ring->wake_fd);
	return ret;
}

void gh_ring_exit(struct gh_ring *ring)
{
	if (ring->event_fd >= 0) {
		io_uring_unregister_eventfd(ring->ring);
		close(ring->event_fd);
	}
	if (ring->ring == &ring->own)
		io_uring_queue_exit(&ring->own);
	close(ring->wake_fd);
}

/*
 * Waiting by poll() needs an eventfd: the descriptor of a ring with DEFER_TASKRUN
 * does not become readable by completions that are still task work.
 */
int gh_ring_event_fd(struct gh_ring *ring)
{
	int fd, ret;

	if (ring->event_fd >= 0)
		return ring->event_fd;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	ret = io_uring_register_eventfd(ring->ring, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	ring->event_fd = fd;
	return fd;
}

/*
 * Nothing is to be submitted, also not by the owner of the ring, and without entering
 * it one can see whether completions wait.
 */
bool gh_ring_is_idle(const struct gh_ring *ring)
{
	return !io_uring_sq_ready(ring->ring) && gh_ring_tells(ring);
}

/* Empty is as good as drained. */
static void drain(int fd)
{
	uint64_t count;

	if (fd >= 0 && read(fd, &count, sizeof(count)) < 0)
		return;
}

void gh_ring_drain_event(struct gh_ring *ring)
{
	drain(ring->event_fd);
}

void gh_ring_drain_wake(struct gh_ring *ring)
{
	drain(ring->wake_fd);
}
