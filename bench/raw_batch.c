// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * GH_VCPU_RUN_BATCH without the runner: all guests that can run in one command or
 * ioctl, those that wait parked on the ring. The least that user space can do.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench.h"
#include "internal.h"

#define SLICE_NS	2000000u
#define IS_BATCH	(~0ull)

/**
 * struct batch - the state of the backend
 * @entries: the vCPUs that can run, @nr of them
 * @index: which vCPU each entry is
 */
struct batch {
	struct io_uring ring;
	struct gh_run_entry *entries;
	unsigned int *index;
	unsigned int nr;
};

static void add(struct batch *batch, struct gh_bench *bench, unsigned int index)
{
	gh_run_entry_init(&batch->entries[batch->nr], bench->vcpus[index].vcpu->fd, SLICE_NS);
	batch->index[batch->nr++] = index;
}

static int park(struct batch *batch, unsigned int index)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&batch->ring);

	if (!sqe)
		return -EBUSY;
	gh_uring_prep_run(sqe, (int)index, SLICE_NS, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = index;
	return 0;
}

static int answer(struct gh_bench *bench, struct gh_run_entry *entry, struct gh_bench_vcpu *b,
		  const struct gh_uring_exit *exit)
{
	struct gh_access access = {
		.vcpu = b->vcpu,
		.data = exit->data,
		.len = exit->len,
		.is_write = exit->is_write,
	};
	int ret = gh_bench_access(&access, exit->addr);

	if (ret)
		return ret;
	bench->exits++;
	entry->flags = access.is_write ? 0 : GH_URING_RUN_RESUME;
	entry->resume_data = access.is_write ? 0 : access.data;
	return 0;
}

/* What came of the first @done entries. Those that can run again stay, in their order. */
static int sort_out(struct batch *batch, struct gh_bench *bench, unsigned int done)
{
	struct gh_uring_exit exit;
	unsigned int i, kept = 0;
	int ret;

	for (i = 0; i < batch->nr; i++) {
		struct gh_run_entry *entry = &batch->entries[i];
		struct gh_bench_vcpu *b = &bench->vcpus[batch->index[i]];

		if (i < done) {
			ret = gh_run_entry_decode(entry, b->vcpu->run, &exit);
			if (!ret && exit.reason == GH_URING_EXIT_STATUS)
				ret = -EPROTO;
			if (!ret && exit.reason == GH_URING_EXIT_MMIO)
				ret = answer(bench, entry, b, &exit);
			if (ret)
				return ret;
			if (exit.reason == GH_URING_EXIT_WAITING) {
				ret = park(batch, batch->index[i]);
				if (ret)
					return ret;
				continue;
			}
		}
		if (kept != i) {
			batch->entries[kept] = *entry;
			batch->index[kept] = batch->index[i];
		}
		kept++;
	}
	batch->nr = kept;
	return 0;
}

/* A command of its own ended: woken, as a rule; or it ran, and the guest had a word. */
static int unparked(struct batch *batch, struct gh_bench *bench, const struct io_uring_cqe *cqe)
{
	unsigned int index = (unsigned int)cqe->user_data;
	struct gh_bench_vcpu *b = &bench->vcpus[index];
	struct gh_uring_exit exit;
	int ret = gh_uring_exit_decode(cqe, b->vcpu->run, &exit);

	if (ret)
		return ret;
	add(batch, bench, index);
	if (exit.reason == GH_URING_EXIT_STATUS)
		return -EPROTO;
	if (exit.reason != GH_URING_EXIT_MMIO)
		return 0;
	return answer(bench, &batch->entries[batch->nr - 1], b, &exit);
}

static int turn(struct gh_bench *bench, unsigned int wait_nr)
{
	struct batch *batch = bench->priv;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;
	int ret, done = 0;

	bench->syscalls++;
	if (batch->nr) {
		sqe = io_uring_get_sqe(&batch->ring);
		if (!sqe)
			return -EBUSY;
		gh_uring_prep_run_batch(sqe, 0, batch->entries,
					batch->nr < GH_RUN_BATCH_MAX ? batch->nr : GH_RUN_BATCH_MAX,
					0);
		sqe->flags |= IOSQE_FIXED_FILE;
		sqe->user_data = IS_BATCH;
	}
	if (wait_nr)
		ret = io_uring_submit_and_wait(&batch->ring, wait_nr);
	else
		ret = io_uring_submit_and_get_events(&batch->ring);
	if (ret < 0)
		return ret;
	/* The batch first: it was made of the entries as they are now. */
	io_uring_for_each_cqe(&batch->ring, head, cqe)
		if (cqe->user_data == IS_BATCH)
			done = cqe->res;
	ret = done < 0 ? done : sort_out(batch, bench, (unsigned int)done);
	io_uring_for_each_cqe(&batch->ring, head, cqe) {
		n++;
		if (!ret && cqe->user_data != IS_BATCH)
			ret = unparked(batch, bench, cqe);
	}
	io_uring_cq_advance(&batch->ring, n);
	return ret;
}

static int run_raw_batch(struct gh_bench *bench, uint64_t events)
{
	return gh_bench_run_turns(bench, events, turn);
}

/* Without a ring nobody could wake who waits. */
static int ioctl_turn(struct gh_bench *bench, unsigned int wait_nr)
{
	struct batch *batch = bench->priv;
	int ret;

	bench->syscalls++;
	ret = gh_run_batch(batch->entries[0].fd, batch->entries,
			   batch->nr < GH_RUN_BATCH_MAX ? batch->nr : GH_RUN_BATCH_MAX, 0);
	return ret < 0 ? ret : sort_out(batch, bench, (unsigned int)ret);
}

static int run_ioctl_batch(struct gh_bench *bench, uint64_t events)
{
	return gh_bench_run_turns(bench, events, ioctl_turn);
}

static void stop_batch(struct gh_bench *bench)
{
	struct batch *batch = bench->priv;

	if (!batch)
		return;
	io_uring_queue_exit(&batch->ring);
	free(batch->entries);
	free(batch->index);
	free(batch);
	bench->priv = NULL;
}

static int start_batch(struct gh_bench *bench)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	unsigned int i;
	int ret;

	if (!batch)
		return -ENOMEM;
	ret = gh_uring_queue_init(bench->nr_vcpus + 1, 4 * bench->nr_vcpus + 64, 0, &batch->ring,
				  NULL);
	if (ret) {
		free(batch);
		return ret;
	}
	bench->priv = batch;
	io_uring_register_ring_fd(&batch->ring);
	ret = gh_bench_register_files(bench, &batch->ring);
	batch->entries = calloc(bench->nr_vcpus, sizeof(*batch->entries));
	batch->index = calloc(bench->nr_vcpus, sizeof(*batch->index));
	if (!ret && (!batch->entries || !batch->index))
		ret = -ENOMEM;
	if (ret) {
		stop_batch(bench);
		return ret;
	}
	for (i = 0; i < bench->nr_vcpus; i++)
		add(batch, bench, i);
	return 0;
}

const struct gh_bench_backend gh_bench_raw_batch = {
	.name = "raw-batch",
	.start = start_batch,
	.run = run_raw_batch,
	.stop = stop_batch,
};

const struct gh_bench_backend gh_bench_ioctl_batch = {
	.name = "ioctl-batch",
	.one_at_a_time = true,
	.start = start_batch,
	.run = run_ioctl_batch,
	.stop = stop_batch,
};
