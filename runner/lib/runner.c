// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The runner object: creation, and the ways to drive it.
 */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

static int config_check(const struct gh_runner_config *c, const char **why)
{
	unsigned int vcpus = c->max_vcpus ? c->max_vcpus : GH_DEFAULT_VCPUS;

	if (c->max_vcpus > GH_MAX_VCPUS)
		*why = "max_vcpus is above the library's limit of 16384";
	else if (c->batch > GH_MAX_BATCH)
		*why = "batch is above the library's limit of 1024";
	else if ((unsigned int)c->backend > GH_BACKEND_IOCTL)
		*why = "there is no such backend";
	else if (c->ring && (c->backend == GH_BACKEND_SQPOLL || c->backend == GH_BACKEND_THREADS))
		*why = "a ring of the caller is a backend of its own";
	else if (c->ring && !c->foreign_cqe)
		*why = "a ring of the caller needs foreign_cqe";
	else if (c->ring && c->ring->cq.ring_entries < 2 * vcpus)
		*why = "a ring of the caller needs a completion queue of twice max_vcpus";
	else if (c->slice_ns && (c->slice_ns < GH_MIN_SLICE_NS || c->slice_ns > GH_MAX_SLICE_NS))
		*why = "slice_ns is 10 us at least and 4 ms at most";
	else
		return 0;
	return -EINVAL;
}

static void runner_free(struct gh_runner *r)
{
	gh_batches_exit(r);
	free(r->vcpus);
	free(r->generations);
	free(r);
}

static struct gh_runner *runner_alloc(const struct gh_runner_config *c)
{
	struct gh_runner *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->max_vcpus = c->max_vcpus ? c->max_vcpus : GH_DEFAULT_VCPUS;
	gh_sched_init(&r->sched, c->slice_ns ? c->slice_ns : GH_DEFAULT_SLICE_NS,
		      c->batch_ns ? c->batch_ns : GH_DEFAULT_BATCH_NS,
		      c->batch ? c->batch : GH_DEFAULT_BATCH);
	r->board.least = GH_BOARD_VCPUS;
	r->foreign_cqe = c->foreign_cqe;
	r->foreign_opaque = c->opaque;
	r->error = (struct gh_error_info) { .vcpu = -1, .what = "", .hint = "" };
	r->vcpus = calloc(r->max_vcpus, sizeof(*r->vcpus));
	r->generations = calloc(r->max_vcpus, sizeof(*r->generations));
	if (!gh_batches_init(r) && r->vcpus && r->generations)
		return r;
	runner_free(r);
	return NULL;
}

static int create_failed(struct gh_error_info *info, int error, const char *what, const char *hint)
{
	if (info)
		*info = (struct gh_error_info) {
			.error = error,
			.vcpu = -1,
			.what = what,
			.hint = hint ? hint : "",
		};
	return error;
}

static const char *ring_hint(int error)
{
	switch (error) {
	case -EPERM:
		return "io_uring is switched off: see kernel.io_uring_disabled";
	case -ENOSYS:
		return "the kernel has no io_uring, or a seccomp filter forbids it";
	case -ENOMEM:
		return "raise RLIMIT_MEMLOCK, or lower max_vcpus";
	default:
		return gh_files_hint(error);
	}
}

static void set_backend(struct gh_runner *r, enum gh_backend asked)
{
	r->backend = asked == GH_BACKEND_AUTO ? GH_BACKEND_URING : asked;
	if (asked == GH_BACKEND_AUTO)
		r->ioctl = GH_IOCTL_LONE;
	else if (asked == GH_BACKEND_IOCTL)
		r->ioctl = GH_IOCTL_ALWAYS;
}

int gh_runner_create_port(const struct gh_runner_config *config, const struct gh_port_ops *ops,
			  void *ctx, struct gh_runner **runner, struct gh_error_info *error)
{
	static const struct gh_runner_config defaults;
	const char *why = NULL;
	struct gh_runner *r;
	int ret;

	*runner = NULL;
	if (!config)
		config = &defaults;
	ret = config_check(config, &why);
	if (ret)
		return create_failed(error, ret, "creating a runner", why);
	r = runner_alloc(config);
	if (!r)
		return create_failed(error, -ENOMEM, "creating a runner", NULL);
	r->thread = pthread_self();
	r->ops = ops;
	r->ctx = ctx;
	set_backend(r, config->backend);
	*runner = r;
	return 0;
}

static int use_ring(struct gh_runner *r, struct io_uring *borrowed)
{
	int ret;

	r->ring = calloc(1, sizeof(*r->ring));
	if (!r->ring)
		return -ENOMEM;
	ret = gh_ring_init(r->ring, borrowed, r->sched.batch + GH_EXTRA_SQES, r->max_vcpus,
			   r->backend == GH_BACKEND_SQPOLL, &r->stats);
	if (ret) {
		free(r->ring);
		r->ring = NULL;
		return ret;
	}
	r->ctx = r->ring;
	return 0;
}

static int use_threads(struct gh_runner *r)
{
	int ret = gh_threads_create(r->max_vcpus,
				    r->max_vcpus + r->sched.batch + GH_EXTRA_SQES, &r->threads);

	r->ops = &gh_threads_port;
	r->ctx = r->threads;
	return ret;
}

int gh_runner_create(const struct gh_runner_config *config, struct gh_runner **runner,
		     struct gh_error_info *error)
{
	struct gh_runner *r;
	bool threads;
	int ret;

	ret = gh_runner_create_port(config, &gh_kernel_port, NULL, runner, error);
	if (ret)
		return ret;
	r = *runner;
	if (r->backend != GH_BACKEND_THREADS) {
		ret = use_ring(r, config ? config->ring : NULL);
		if (!ret)
			return 0;
		/* Only what forbids rings altogether is a reason to go without one. */
		if (!(config && (config->ring || config->backend)) &&
		    (ret == -EPERM || ret == -ENOSYS || ret == -EACCES))
			r->backend = GH_BACKEND_THREADS;
	}
	if (r->backend == GH_BACKEND_THREADS)
		ret = use_threads(r);
	if (!ret)
		return 0;
	threads = r->backend == GH_BACKEND_THREADS;
	gh_runner_destroy(r);
	*runner = NULL;
	if (threads)
		return create_failed(error, ret, "setting up threads", gh_files_hint(ret));
	return create_failed(error, ret, "setting up the ring", ring_hint(ret));
}

enum gh_backend gh_runner_backend(const struct gh_runner *r)
{
	return r->backend;
}

/*
 * Nothing of the runner's stays on a ring that goes on without it: the poll completes as
 * what it waits for is there, and all else has been submitted before. What completes
 * meanwhile is the caller's.
 */
static void give_ring_back(struct gh_runner *r)
{
	int ret = 0;

	gh_runner_wake(r);
	while ((r->wake_armed || r->sqes_pending) && (ret >= 0 || ret == -EINTR)) {
		r->sqes_pending = false;
		ret = r->ops->enter(r->ctx, r->wake_armed ? 1 : 0, UINT64_MAX);
		gh_reap(r);
	}
}

int gh_runner_destroy(struct gh_runner *r)
{
	if (!r)
		return 0;
	if (r->in_callback || r->group)
		return gh_fail(r, -EBUSY, "destroying the runner",
			       r->group ? "it is a member of a group" : "called from a callback");
	if (r->vms || atomic_load(&r->slots_used))
		return gh_fail(r, -EBUSY, "destroying the runner",
			       "destroy its VMs first; one may be on its way to it");
	gh_board_exit(r);
	if (r->ring && r->ring->ring != &r->ring->own)
		give_ring_back(r);
	if (r->ring) {
		gh_ring_exit(r->ring);
		free(r->ring);
	}
	if (r->threads)
		gh_threads_destroy(r->threads);
	runner_free(r);
	return 0;
}

/*
 * A full queue is submitted to make room. Guests of the batch run then; their
 * completions wait for the next reap like all others.
 */
struct io_uring_sqe *gh_get_sqe(struct gh_runner *r)
{
	struct io_uring_sqe *sqe = r->ops->get_sqe(r->ctx);

	if (!sqe) {
		r->stats.sq_full++;
		if (r->ops->enter(r->ctx, 0, 0) < 0)
			return NULL;
		sqe = r->ops->get_sqe(r->ctx);
	}
	if (sqe)
		r->sqes_pending = true;
	return sqe;
}

struct io_uring_sqe *gh_io_get_sqe(struct gh_runner *r)
{
	return gh_get_sqe(r);
}

int gh_io_attach(struct io_uring_sqe *sqe, struct gh_io *io)
{
	uint64_t address = (uintptr_t)io;

	if (address >> 56 || !io->done) {
		/* The entry is in the queue and can not be taken back. */
		io_uring_prep_nop(sqe);
		sqe->user_data = gh_uring_pack(GH_OP_NOTHING, 0, 0);
		return -EINVAL;
	}
	sqe->user_data = (uint64_t)GH_OP_IO << 56 | address;
	return 0;
}

static bool to_handle(const struct gh_runner *r)
{
	return r->reaped.nr || r->io_head || r->batches[r->handle].state == GH_BATCH_DONE;
}

static bool work_waits(const struct gh_runner *r)
{
	return gh_can_run(r) || to_handle(r) || r->ended || r->leaving || r->cancels_wanted ||
	       gh_board_told(r) ||
	       atomic_load_explicit(&r->inbox, memory_order_relaxed) ||
	       atomic_load_explicit(&r->stops_wanted, memory_order_relaxed);
}

uint64_t gh_runner_timeout_ns(const struct gh_runner *r)
{
	uint64_t now;

	/* What was prepared outside of a callback is submitted by the next turn. */
	if (work_waits(r) || r->sqes_pending)
		return 0;
	if (!r->timers)
		return UINT64_MAX;
	now = gh_now_ns();
	return r->timers->deadline_ns > now ? r->timers->deadline_ns - now : 0;
}

int gh_runner_fd(struct gh_runner *r)
{
	int fd = -EOPNOTSUPP;

	if (r->threads)
		return gh_threads_fd(r->threads);
	if (r->ring)
		fd = gh_ring_event_fd(r->ring);
	if (fd < 0)
		return gh_fail(r, fd, "registering an eventfd with the ring",
			       fd == -EBUSY ? "the ring has one already" : NULL);
	return fd;
}

int gh_runner_prepare(struct gh_runner *r)
{
	int ret;

	if (r->in_callback)
		return gh_fail(r, -EBUSY, "submitting", "called from a callback");
	ret = gh_submit(r, 0, 0);
	return ret == -ETIME || ret == -EINTR ? 0 : ret;
}

static bool vms_run(const struct gh_runner *r)
{
	return r->running_vms || (r->group && gh_group_runs(r->group));
}

/* Where nobody else drives: returns as gh_submit(), or the error of dispatch. */
int gh_turn(struct gh_runner *r, unsigned int wait_nr, uint64_t until)
{
	int ret = gh_submit(r, wait_nr, until), handled;

	if (ret < 0 && ret != -ETIME && ret != -EINTR)
		return ret;
	handled = gh_runner_dispatch(r, 0);
	if (handled < 0)
		return handled;
	gh_run_alone(r);
	gh_run_again(r);
	return ret;
}

static int run(struct gh_runner *r, bool serve)
{
	int ret = 0;

	while (!atomic_load(&r->quit) && (serve || vms_run(r) || work_waits(r))) {
		uint64_t until = r->timers ? r->timers->deadline_ns : UINT64_MAX;
		unsigned int wait_nr = to_handle(r) ? 0 : 1;

		ret = gh_turn(r, wait_nr, until);
		if (ret < 0 && ret != -ETIME && ret != -EINTR)
			return ret;
		if (ret == -EINTR && !atomic_load(&r->quit))
			return ret;
	}
	atomic_store(&r->quit, false);
	return 0;
}

int gh_runner_run(struct gh_runner *r)
{
	if (r->in_callback)
		return gh_fail(r, -EBUSY, "running", "called from a callback");
	return run(r, false);
}

/* Until gh_runner_quit(). */
int gh_runner_serve(struct gh_runner *r)
{
	int ret;

	do {
		ret = run(r, true);
	} while (ret == -EINTR);
	return ret;
}

/*
 * The ring has failed with @error. VMs end, also those that come or start from now on;
 * messages are answered until gh_runner_quit(). What wakes the runner works without the
 * ring.
 */
void gh_runner_give_up(struct gh_runner *r, int error)
{
	struct pollfd p = { .events = POLLIN };
	uint64_t count;

	if (r->threads)
		p.fd = gh_threads_fd(r->threads);
	else
		p.fd = r->ring->wake_fd;
	while (!atomic_load(&r->quit)) {
		gh_inbox_handle(r);
		r->in_callback = true;
		gh_vms_fail(r, error);
		gh_ended_handle(r);
		r->in_callback = false;
		poll(&p, 1, -1);
		/* Empty is as good as drained. */
		if (read(p.fd, &count, sizeof(count)) < 0)
			continue;
	}
	atomic_store(&r->quit, false);
}

/* Any thread, and signal handlers: errno stays what it was. */
void gh_runner_wake(const struct gh_runner *r)
{
	const uint64_t one = 1;
	int saved = errno;

	if (r->threads)
		gh_threads_wake(r->threads);
	/* It fails only when the counter is full, and then the ring is awake anyway. */
	if (r->ring && write(r->ring->wake_fd, &one, sizeof(one)) < 0)
		errno = saved;
}

void gh_runner_quit(struct gh_runner *r)
{
	atomic_store(&r->quit, true);
	gh_runner_wake(r);
}
