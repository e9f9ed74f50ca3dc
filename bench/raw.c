// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * io_uring without the runner: the least that user space can do, and the ways of
 * issue that the runner does not use. Each completion is answered and submitted
 * again at once.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench.h"
#include "internal.h"

#define SLICE_NS	2000000u

struct raw {
	struct io_uring ring;
	unsigned int sqe_flags;
	bool sqpoll;
	bool started;
};

static void submit(struct raw *raw, struct gh_bench_vcpu *b, unsigned int index, bool has_answer)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&raw->ring);

	/* The kernel's own thread has yet to take the entries. */
	while (!sqe) {
		io_uring_submit(&raw->ring);
		io_uring_sqring_wait(&raw->ring);
		sqe = io_uring_get_sqe(&raw->ring);
	}
	if (has_answer)
		gh_uring_prep_run_resume(sqe, (int)index, SLICE_NS, 0, b->vcpu->answer);
	else
		gh_uring_prep_run(sqe, (int)index, SLICE_NS, 0);
	sqe->flags |= IOSQE_FIXED_FILE | raw->sqe_flags;
	sqe->user_data = index;
}

static int complete(struct raw *raw, struct gh_bench *bench, const struct io_uring_cqe *cqe)
{
	unsigned int index = (unsigned int)cqe->user_data;
	struct gh_bench_vcpu *b = &bench->vcpus[index];
	struct gh_uring_exit exit;
	struct gh_access access;
	int ret;

	ret = gh_uring_exit_decode(cqe, b->vcpu->run, &exit);
	if (ret)
		return ret;
	if (exit.reason != GH_URING_EXIT_MMIO) {
		/* The answer is sent again, for the guest may not have taken it. */
		submit(raw, b, index, b->vcpu->has_answer);
		return exit.reason == GH_URING_EXIT_STATUS ? -EPROTO : 0;
	}
	access = (struct gh_access) {
		.vcpu = b->vcpu,
		.data = exit.data,
		.len = exit.len,
		.is_write = exit.is_write,
	};
	ret = gh_bench_access(&access, exit.addr);
	if (ret)
		return ret;
	bench->exits++;
	b->vcpu->answer = access.data;
	b->vcpu->has_answer = !access.is_write;
	submit(raw, b, index, b->vcpu->has_answer);
	return 0;
}

/*
 * The kernel's thread takes the entries by itself, unless it has fallen asleep. Of the
 * two calls each is counted when it enters the kernel.
 */
static int wait_for_poller(struct gh_bench *bench, struct io_uring *ring, unsigned int wait_nr)
{
	struct io_uring_cqe *cqe;
	int ret;

	if (IO_URING_READ_ONCE(*ring->sq.kflags) & IORING_SQ_NEED_WAKEUP)
		bench->syscalls++;
	ret = io_uring_submit(ring);
	if (ret < 0 || !wait_nr || io_uring_cq_ready(ring))
		return ret;
	bench->syscalls++;
	return io_uring_wait_cqe_nr(ring, &cqe, wait_nr);
}

static int turn(struct gh_bench *bench, unsigned int wait_nr)
{
	struct raw *raw = bench->priv;
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;
	int ret, error = 0;

	if (raw->sqpoll)
		ret = wait_for_poller(bench, &raw->ring, wait_nr);
	else if (wait_nr)
		ret = io_uring_submit_and_wait(&raw->ring, wait_nr);
	else
		ret = io_uring_submit_and_get_events(&raw->ring);
	bench->syscalls += !raw->sqpoll;
	if (ret < 0)
		return ret;
	io_uring_for_each_cqe(&raw->ring, head, cqe) {
		n++;
		if (!error)
			error = complete(raw, bench, cqe);
	}
	io_uring_cq_advance(&raw->ring, n);
	return error;
}

static int run_raw(struct gh_bench *bench, uint64_t events)
{
	return gh_bench_run_turns(bench, events, turn);
}

static int start_raw(struct gh_bench *bench, unsigned int sqe_flags, bool sqpoll)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQPOLL | IORING_SETUP_CQSIZE,
		.cq_entries = 4 * bench->nr_vcpus + 64,
		.sq_thread_idle = 100,
	};
	struct raw *raw = calloc(1, sizeof(*raw));
	unsigned int i;
	int ret;

	if (!raw)
		return -ENOMEM;
	raw->sqe_flags = sqe_flags;
	raw->sqpoll = sqpoll;
	if (sqpoll)
		ret = io_uring_queue_init_params(bench->nr_vcpus + 1, &raw->ring, &params);
	else
		ret = gh_uring_queue_init(bench->nr_vcpus + 1, params.cq_entries, 0, &raw->ring,
					  NULL);
	if (ret)
		goto err_free;
	io_uring_register_ring_fd(&raw->ring);
	ret = gh_bench_register_files(bench, &raw->ring);
	if (ret)
		goto err_ring;
	bench->priv = raw;
	for (i = 0; i < bench->nr_vcpus; i++)
		submit(raw, &bench->vcpus[i], i, false);
	return 0;

err_ring:
	io_uring_queue_exit(&raw->ring);
err_free:
	free(raw);
	return ret;
}

static int start_inline(struct gh_bench *bench)
{
	return start_raw(bench, 0, false);
}

static int start_async(struct gh_bench *bench)
{
	return start_raw(bench, IOSQE_ASYNC, false);
}

static int start_sqpoll(struct gh_bench *bench)
{
	return start_raw(bench, 0, true);
}

static void stop_raw(struct gh_bench *bench)
{
	struct raw *raw = bench->priv;

	if (!raw)
		return;
	io_uring_queue_exit(&raw->ring);
	free(raw);
	bench->priv = NULL;
}

const struct gh_bench_backend gh_bench_raw = {
	.name = "raw",
	.start = start_inline,
	.run = run_raw,
	.stop = stop_raw,
};

const struct gh_bench_backend gh_bench_raw_async = {
	.name = "raw-async",
	.start = start_async,
	.run = run_raw,
	.stop = stop_raw,
};

const struct gh_bench_backend gh_bench_raw_sqpoll = {
	.name = "raw-sqpoll",
	.start = start_sqpoll,
	.run = run_raw,
	.stop = stop_raw,
};
