/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef GH_RING_H
#define GH_RING_H

#include <stdbool.h>
#include <stdint.h>

#include <liburing.h>

#include "port.h"

/**
 * struct gh_ring - the ring, and what the runner keeps about it
 * @own: used unless the caller lent one
 * @ring: &own or the caller's
 * @files: size of the registered file table, 0: none
 * @event_fd: registered with the ring once somebody asks for it, -1: nobody did
 * @wake_fd: written by gh_runner_quit(), polled by the ring
 * @stats: borrowed, the runner's
 */
struct gh_ring {
	struct io_uring own;
	struct io_uring *ring;
	unsigned int flags;
	unsigned int files;
	int event_fd;
	int wake_fd;
	struct gh_stats *stats;
};

extern const struct gh_port_ops gh_kernel_port;

int gh_ring_init(struct gh_ring *ring, struct io_uring *borrowed, unsigned int sq_entries,
		 unsigned int max_vcpus, bool sqpoll, struct gh_stats *stats);
void gh_ring_exit(struct gh_ring *ring);
bool gh_ring_is_idle(const struct gh_ring *ring);
/* Without entering it one sees whether completions are still task work. */
static inline bool gh_ring_tells(const struct gh_ring *ring)
{
	return (ring->flags & (IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG)) !=
	       IORING_SETUP_DEFER_TASKRUN;
}

/* No completion waits. */
static inline bool gh_ring_is_quiet(const struct gh_ring *ring)
{
	return !io_uring_cq_ready(ring->ring) && gh_ring_tells(ring) &&
	       !(IO_URING_READ_ONCE(*ring->ring->sq.kflags) &
		 (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN));
}

int gh_ring_event_fd(struct gh_ring *ring);
void gh_ring_drain_event(struct gh_ring *ring);
void gh_ring_drain_wake(struct gh_ring *ring);

#endif /* GH_RING_H */
