// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings of the build machine's kernel, the runner's own and the caller's, without VMs:
 * I/O of devices, giving a ring back, and what is refused.
 */
#include <criterion/criterion.h>
#include <poll.h>
#include <unistd.h>

#include "lib/internal.h"

#define VCPUS	8

/* Kinds of rings that a caller may have. */
static const unsigned int kinds[] = {
	0,
	IORING_SETUP_COOP_TASKRUN,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
};

#define NR_KINDS	(sizeof(kinds) / sizeof(kinds[0]))

static struct io_uring ring;
static struct gh_runner *r;
static unsigned int foreign, done;
static int result;
static int fds[2];

static void on_foreign(void *opaque, const struct io_uring_cqe *cqe)
{
	cr_assert_eq(opaque, &foreign);
	cr_assert_eq(cqe->user_data, (uintptr_t)&foreign);
	foreign++;
}

static void on_done(struct gh_io *io, int res, uint32_t flags)
{
	result = res;
	done++;
}

/* Where io_uring is not allowed there is nothing to test. */
static void setup(void)
{
	cr_assert_eq(pipe(fds), 0);
	if (io_uring_queue_init(4, &ring, 0))
		cr_skip_test("no io_uring here");
	io_uring_queue_exit(&ring);
}

static void teardown(void)
{
	close(fds[0]);
	close(fds[1]);
}

TestSuite(ring, .init = setup, .fini = teardown, .timeout = 30);

static struct gh_runner_config shared_config(void)
{
	return (struct gh_runner_config) {
		.ring = &ring, .foreign_cqe = on_foreign, .opaque = &foreign, .max_vcpus = VCPUS,
	};
}

static void share(unsigned int flags)
{
	const struct gh_runner_config config = shared_config();
	struct io_uring_params params = {
		.flags = flags | IORING_SETUP_CQSIZE, .cq_entries = 2 * VCPUS,
	};

	cr_assert_eq(io_uring_queue_init_params(8, &ring, &params), 0);
	cr_assert_eq(gh_runner_create(&config, &r, NULL), 0);
}

/* It completes when nobody is in the kernel, and only the descriptor tells. */
Test(ring, io_on_every_kind_of_ring)
{
	struct gh_io io = { .done = on_done };
	struct pollfd p = { .events = POLLIN };
	struct io_uring_sqe *sqe;
	unsigned int i;
	char c;

	for (i = 0; i < NR_KINDS; i++) {
		share(kinds[i]);
		done = 0;
		p.fd = gh_runner_fd(r);
		cr_assert_geq(p.fd, 0);
		sqe = gh_io_get_sqe(r);
		io_uring_prep_read(sqe, fds[0], &c, 1, (uint64_t)-1);
		cr_assert_eq(gh_io_attach(sqe, &io), 0);
		cr_assert_eq(gh_runner_prepare(r), 0);
		cr_assert_eq(gh_runner_dispatch(r, 0), 0);
		cr_assert_eq(gh_runner_timeout_ns(r), UINT64_MAX);
		cr_assert_eq(done, 0);
		cr_assert_eq(write(fds[1], "x", 1), 1);
		cr_assert_eq(poll(&p, 1, 10000), 1, "kind %u", i);
		cr_assert_eq(gh_runner_prepare(r), 0);
		cr_assert_eq(gh_runner_dispatch(r, 0), 0);
		cr_assert_eq(done, 1, "kind %u", i);
		cr_assert_eq(result, 1);
		cr_assert_eq(gh_runner_destroy(r), 0);
		io_uring_queue_exit(&ring);
	}
}

/* How many requests wait on the caller's ring. */
static int left_on_ring(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct io_uring_cqe *cqe;
	int nr;

	io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
	sqe->user_data = 1;
	cr_assert_eq(io_uring_submit_and_wait(&ring, 1), 1);
	cr_assert_eq(io_uring_wait_cqe(&ring, &cqe), 0);
	cr_assert_eq(cqe->user_data, 1);
	nr = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	cr_assert_neq(io_uring_peek_cqe(&ring, &cqe), 0, "one that was not there");
	return nr;
}

Test(ring, is_given_back_as_it_was)
{
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < NR_KINDS; i++) {
		/* Never driven; driven; and with something of the caller's on the way. */
		share(kinds[i]);
		cr_assert_eq(gh_runner_destroy(r), 0);
		cr_assert_eq(left_on_ring(), 0);
		io_uring_queue_exit(&ring);

		share(kinds[i]);
		cr_assert_geq(gh_runner_fd(r), 0);
		cr_assert_eq(gh_runner_prepare(r), 0);
		cr_assert_eq(gh_runner_dispatch(r, 0), 0);
		foreign = 0;
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data(sqe, &foreign);
		cr_assert_eq(gh_runner_destroy(r), 0);
		cr_assert_eq(foreign, 1, "its completion is not lost");
		cr_assert_eq(left_on_ring(), 0);
		io_uring_queue_exit(&ring);
	}
}

Test(ring, too_small_a_completion_queue)
{
	struct gh_runner_config config = shared_config();
	struct gh_error_info error;

	cr_assert_eq(io_uring_queue_init(VCPUS, &ring, 0), 0);
	cr_assert_eq(gh_runner_create(&config, &r, &error), 0, "as large as it must be");
	cr_assert_eq(gh_runner_destroy(r), 0);
	config.max_vcpus = VCPUS + 1;
	cr_assert_eq(gh_runner_create(&config, &r, &error), -EINVAL);
	cr_assert_null(r);
	cr_assert_neq(error.hint[0], '\0');
	config.max_vcpus = 0;
	cr_assert_eq(gh_runner_create(&config, &r, &error), -EINVAL, "the default counts");
	io_uring_queue_exit(&ring);
}

/* ---- what a signal handler may do ---------------------------------------------------- */

static void fill(int fd)
{
	const uint64_t most = UINT64_MAX - 1;

	cr_assert_eq(write(fd, &most, sizeof(most)), sizeof(most));
}

/* The calls fail inside, which must not be seen where a handler interrupted. */
Test(ring, errno_survives_quit)
{
	const struct gh_runner_config ring_config = { .max_vcpus = VCPUS };
	const struct gh_runner_config threads_config = {
		.max_vcpus = VCPUS, .backend = GH_BACKEND_THREADS,
	};

	cr_assert_eq(gh_runner_create(&ring_config, &r, NULL), 0);
	fill(r->ring->wake_fd);
	errno = ENOTTY;
	gh_runner_quit(r);
	cr_assert_eq(errno, ENOTTY);
	cr_assert_eq(gh_runner_destroy(r), 0);

	cr_assert_eq(gh_runner_create(&threads_config, &r, NULL), 0);
	fill(gh_runner_fd(r));
	errno = ENOTTY;
	gh_runner_quit(r);
	cr_assert_eq(errno, ENOTTY);
	cr_assert_eq(gh_runner_destroy(r), 0);
}
