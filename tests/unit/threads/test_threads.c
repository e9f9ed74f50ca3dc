// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What stands in for a ring: I/O of devices, without allocation, and giving it up.
 */
#include <criterion/criterion.h>
#include <liburing.h>
#include <poll.h>
#include <unistd.h>

#include "lib/internal.h"

/* Of the address sanitizer; gcc has no header for it. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

static struct gh_runner *r;
static int fds[2];
static atomic_bool counting;
static atomic_uint allocations;

static void on_malloc(const volatile void *p, size_t size)
{
	if (counting)
		allocations++;
}

static void on_free(const volatile void *p)
{
}

static void setup(void)
{
	const struct gh_runner_config config = { .backend = GH_BACKEND_THREADS, .max_vcpus = 4 };

	cr_assert_eq(gh_runner_create(&config, &r, NULL), 0);
	cr_assert_eq(pipe(fds), 0);
}

static void teardown(void)
{
	cr_assert_eq(gh_runner_destroy(r), 0);
	close(fds[0]);
	close(fds[1]);
}

TestSuite(threads, .init = setup, .fini = teardown, .timeout = 20);

static unsigned int done;
static int results[4];
static struct gh_io io[4];

static void on_done(struct gh_io *i, int res, uint32_t flags)
{
	results[i - io] = res;
	done++;
}

static struct io_uring_sqe *get(unsigned int i)
{
	struct io_uring_sqe *sqe = gh_io_get_sqe(r);

	cr_assert_not_null(sqe);
	io[i].done = on_done;
	return sqe;
}

static void drive(unsigned int until)
{
	struct pollfd p = { .fd = gh_runner_fd(r), .events = POLLIN };

	while (done < until) {
		cr_assert_eq(gh_runner_prepare(r), 0);
		poll(&p, 1, 100);
		cr_assert_geq(gh_runner_dispatch(r, 0), 0);
	}
}

/*
 * A thread allocates while it starts, on its own time, and so does the sanitizer for
 * it: once it has carried something out that is over.
 */
static void see_io_thread_up(void)
{
	struct io_uring_sqe *sqe = get(0);

	io_uring_prep_poll_add(sqe, fds[1], POLLOUT);
	gh_io_attach(sqe, &io[0]);
	drive(1);
	done = 0;
}

Test(threads, io_waits_together)
{
	struct io_uring_sqe *sqe;
	char in[2] = "", out = 'x';
	void *volatile seen;

	see_io_thread_up();
	cr_assert_gt(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free), 0);
	/* io_uring's helpers clear user_data, so it is attached behind them. */
	counting = true;
	sqe = get(0);
	io_uring_prep_read(sqe, fds[0], in, 1, (uint64_t)-1);
	gh_io_attach(sqe, &io[0]);
	sqe = get(1);
	io_uring_prep_poll_add(sqe, fds[0], POLLIN);
	gh_io_attach(sqe, &io[1]);
	sqe = get(2);
	io_uring_prep_nop(sqe);
	gh_io_attach(sqe, &io[2]);
	drive(1);
	cr_assert_eq(done, 1, "nothing is in the pipe");
	sqe = get(3);
	io_uring_prep_write(sqe, fds[1], &out, 1, 0);
	gh_io_attach(sqe, &io[3]);
	/* The poll sees the byte if it comes before the read; else it waits for one more. */
	drive(3);
	if (done < 4)
		cr_assert_eq(write(fds[1], &out, 1), 1);
	drive(4);
	cr_assert_eq(allocations, 0);
	seen = malloc(1);
	counting = false;
	free(seen);
	cr_assert_eq(allocations, 1, "the counter counts");
	cr_assert_eq(results[0], 1);
	cr_assert(results[1] & POLLIN);
	cr_assert_eq(results[2], 0);
	cr_assert_eq(results[3], 1, "an offset means nothing to a pipe");
	cr_assert_eq(in[0], 'x');
}

/* What a move needs at its other end is made before the VM goes: its arrival allocates nothing. */
Test(threads, nothing_is_allocated_for_a_place_that_is_reserved)
{
	static struct gh_vcpu_run run[4];
	const struct gh_port_ops *ops = r->ops;
	unsigned int i;

	cr_assert_gt(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free), 0);
	cr_assert_eq(ops->reserve(r->ctx, 3), 0);
	cr_assert_eq(ops->reserve(r->ctx, 4), 0);
	counting = true;
	cr_assert_eq(ops->reserve(r->ctx, 2), 0, "more than that are there");
	for (i = 0; i < 4; i++)
		ops->add_vcpu(r->ctx, i, 1000000 * (int)i, &run[i]);
	for (i = 0; i < 4; i++)
		ops->del_vcpu(r->ctx, i);
	counting = false;
	cr_assert_eq(allocations, 0);
}

Test(threads, errors_and_giving_up)
{
	struct io_uring_sqe *sqe;
	static char in[2];

	sqe = get(0);
	io_uring_prep_read(sqe, 9999, in, 1, 0);
	gh_io_attach(sqe, &io[0]);
	sqe = get(1);
	io_uring_prep_fsync(sqe, fds[0], 0);
	gh_io_attach(sqe, &io[1]);
	/* Never completes: gh_runner_destroy() gives it up. */
	sqe = get(2);
	io_uring_prep_read(sqe, fds[0], in, 1, 0);
	gh_io_attach(sqe, &io[2]);
	drive(2);
	cr_assert_eq(results[0], -EBADF);
	cr_assert_eq(results[1], -EOPNOTSUPP);
	cr_assert_eq(done, 2);
}
