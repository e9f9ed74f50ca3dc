// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The path by io_uring. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "gt_run.h"

void gt_ring_init(struct io_uring *ring, unsigned int entries, unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };
	int ret = io_uring_queue_init_params(entries, ring, &params);

	cr_assert_eq(ret, 0, "io_uring with flags %#x: %s", flags, strerror(-ret));
}

struct io_uring_sqe *gt_ring_sqe(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	cr_assert_not_null(sqe, "the submission queue is full");
	return sqe;
}

/*
 * Also asks for completions: those of wake-ups are made only then on a ring with
 * DEFER_TASKRUN, and would wait for ever behind those of runs that end by themselves.
 */
void gt_ring_submit(struct io_uring *ring, unsigned int n)
{
	int ret = io_uring_submit_and_get_events(ring);

	/* An SQPOLL ring's thread may not have counted those before. */
	if (ring->flags & IORING_SETUP_SQPOLL && ret > (int)n)
		return;
	cr_assert_eq(ret, (int)n, "submitted %d of %u", ret, n);
}

int gt_ring_poll(struct io_uring *ring, struct gt_cqe *cqe, unsigned int ms)
{
	struct __kernel_timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000LL,
	};
	struct io_uring_cqe *got;
	int ret;

	do {
		ret = io_uring_wait_cqe_timeout(ring, &got, &ts);
	} while (ret == -EINTR);
	if (ret)
		return ret;
	memset(cqe, 0, sizeof(*cqe));
	cqe->user_data = got->user_data;
	cqe->res = got->res;
	cqe->flags = got->flags;
	if (ring->flags & IORING_SETUP_CQE32)
		memcpy(cqe->big, got->big_cqe, sizeof(cqe->big));
	io_uring_cqe_seen(ring, got);
	return 0;
}

void gt_ring_next(struct io_uring *ring, struct gt_cqe *cqe)
{
	int ret = gt_ring_poll(ring, cqe, GT_PATIENCE_S * 1000);

	cr_assert_eq(ret, 0, "waiting for a completion: %s", strerror(-ret));
}

int32_t gt_res(int32_t res)
{
	return res < 0 ? res : res & ~GH_URING_RES_NOT_ENTERED;
}

int32_t gt_ring_take(struct io_uring *ring, uint64_t user_data)
{
	struct gt_cqe cqe;

	gt_ring_next(ring, &cqe);
	cr_assert_eq(cqe.user_data, user_data, "completion of %#llx, expected %#llx",
		     (unsigned long long)cqe.user_data, (unsigned long long)user_data);
	return gt_res(cqe.res);
}

void gt_ring_run(struct io_uring *ring, struct gt_vcpu *vcpu)
{
	struct io_uring_sqe *sqe = gt_ring_sqe(ring);

	gh_uring_prep_run(sqe, vcpu->fd, 0, 0);
	sqe->user_data = vcpu->id;
	gt_ring_submit(ring, 1);
}

/*
 * The guest runs inside io_uring_enter(); if it neither ended its slice nor left,
 * it is parked. The kick that starts a vCPU may come late and end the first park.
 */
void gt_ring_park(struct io_uring *ring, struct gt_vcpu *vcpu)
{
	struct gt_cqe cqe;
	int i, res;

	for (i = 0; i < 1000; i++) {
		gt_ring_run(ring, vcpu);
		while (gt_ring_poll(ring, &cqe, 100) == -ETIME) {
			if (gt_vcpu_is(vcpu, "parked"))
				return;
		}
		cr_assert_eq(cqe.user_data, vcpu->id);
		res = gt_res(cqe.res);
		cr_assert(res == GH_URING_EXIT_PREEMPTED || res == GH_URING_EXIT_RUNNABLE,
			  "completion %d instead of a park", res);
	}
	cr_assert_fail("the vCPU does not park");
}

void gt_ring_kick(struct io_uring *ring, struct gt_vcpu *vcpu)
{
	struct io_uring_sqe *sqe = gt_ring_sqe(ring);

	gh_uring_prep_kick(sqe, vcpu->fd);
	sqe->user_data = GT_UD_CMD;
	gt_ring_submit(ring, 1);
}

void gt_ring_cancel(struct io_uring *ring, struct gt_vcpu *vcpu)
{
	struct io_uring_sqe *sqe = gt_ring_sqe(ring);

	gh_uring_prep_cancel(sqe, vcpu->fd);
	sqe->user_data = GT_UD_CMD;
	gt_ring_submit(ring, 1);
}

int gt_ring_take_both(struct io_uring *ring, struct gt_vcpu *vcpu)
{
	struct gt_cqe cqe;
	int i, run = -1;

	for (i = 0; i < 2; i++) {
		gt_ring_next(ring, &cqe);
		if (cqe.user_data == GT_UD_CMD) {
			cr_assert_eq(cqe.res, 0, "command: %d", cqe.res);
		} else {
			cr_assert_eq(cqe.user_data, vcpu->id);
			run = gt_res(cqe.res);
		}
	}
	return run;
}

void gt_ring_silent(struct io_uring *ring)
{
	struct gt_cqe cqe;
	int ret = gt_ring_poll(ring, &cqe, 200);

	cr_assert_eq(ret, -ETIME, "an extra completion: %d", ret ? ret : cqe.res);
}

/* One ring for the path, made when the test's process first needs it. */
static struct io_uring path_ring;
static int path_ring_open;

static struct io_uring *get_path_ring(void)
{
	if (!path_ring_open) {
		gt_ring_init(&path_ring, 2 * GT_MAX_VCPUS,
			     IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
		path_ring_open = 1;
	}
	return &path_ring;
}

static void prep_answered(struct io_uring *ring, struct gt_vcpu *vcpu, bool in_sqe)
{
	struct io_uring_sqe *sqe = gt_ring_sqe(ring);

	if (vcpu->answered && in_sqe) {
		gh_uring_prep_run_resume(sqe, vcpu->fd, 0, 0, vcpu->answer);
	} else {
		if (vcpu->answered)
			memcpy(vcpu->run->mmio.data, &vcpu->answer, sizeof(vcpu->answer));
		gh_uring_prep_run(sqe, vcpu->fd, 0, 0);
	}
	sqe->user_data = vcpu->id;
}

/* A run that ended before the guest went on did not use the answer up. */
static void decode_answered(struct gt_vcpu *vcpu, const struct gt_cqe *cqe, struct gt_exit *exit)
{
	gt_decode(vcpu, cqe, exit);
	if (exit->kind == GT_EXIT_MMIO || exit->kind == GT_EXIT_STATUS)
		vcpu->answered = false;
}

static void once(struct gt_vcpu *vcpu, struct gt_exit *exit, bool in_sqe)
{
	struct io_uring *ring = get_path_ring();
	struct gt_cqe cqe;

	prep_answered(ring, vcpu, in_sqe);
	gt_ring_submit(ring, 1);
	gt_ring_next(ring, &cqe);
	cr_assert_eq(cqe.user_data, vcpu->id);
	decode_answered(vcpu, &cqe, exit);
}

static void all(struct gt_vm *vm, gt_handler *handle, void *arg, bool in_sqe)
{
	struct io_uring *ring = get_path_ring();
	unsigned int i, left = vm->nr_vcpus;
	struct gt_vcpu *vcpu;
	struct gt_exit exit;
	struct gt_cqe cqe;

	for (i = 0; i < vm->nr_vcpus; i++)
		prep_answered(ring, &vm->vcpus[i], in_sqe);
	gt_ring_submit(ring, vm->nr_vcpus);
	while (left) {
		gt_ring_next(ring, &cqe);
		cr_assert_lt(cqe.user_data, vm->nr_vcpus);
		vcpu = &vm->vcpus[cqe.user_data];
		decode_answered(vcpu, &cqe, &exit);
		if (exit.kind == GT_EXIT_MMIO || exit.kind == GT_EXIT_STATUS ||
		    exit.kind == GT_EXIT_ERROR) {
			if (!handle(vcpu, &exit, arg) || exit.kind != GT_EXIT_MMIO) {
				left--;
				continue;
			}
		}
		prep_answered(ring, vcpu, in_sqe);
		gt_ring_submit(ring, 1);
	}
}

static void ring_once(struct gt_vcpu *vcpu, struct gt_exit *exit)
{
	once(vcpu, exit, false);
}

static void ring_all(struct gt_vm *vm, gt_handler *handle, void *arg)
{
	all(vm, handle, arg, false);
}

static void ring_sqe_once(struct gt_vcpu *vcpu, struct gt_exit *exit)
{
	once(vcpu, exit, true);
}

static void ring_sqe_all(struct gt_vm *vm, gt_handler *handle, void *arg)
{
	all(vm, handle, arg, true);
}

const struct gt_path gt_path_ring = {
	.name = "ring",
	.once = ring_once,
	.all = ring_all,
};

const struct gt_path gt_path_ring_sqe = {
	.name = "ring, answers in the SQE",
	.once = ring_sqe_once,
	.all = ring_sqe_all,
};
