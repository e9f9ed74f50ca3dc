// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The adapters in their loops, beside a timer and a socket: what is served in which
 * order, and what is left when the ring fails. The guests are a clock that is watched for
 * as long as a batch takes, so it is known when each batch began.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../dispatch/fake.h"
#include "../../machine/suites/adapters.h"

#define BATCH_NS	5000000ULL
#define TICKS		30
#define GUESTS		2

/**
 * struct world - one test
 * @begun: when the last batch began
 * @second: ticks that were due before a batch, and waited for it
 */
struct world {
	struct fake fake;
	struct gh_runner *runner;
	unsigned int batches, ticks, second, echoes;
	uint64_t begun;
	int sockets[2];
};

static struct world *world;
static struct gh_port_ops port;

static int run_batch(void *ctx, int fd, struct gh_run_entry *entries, unsigned int nr,
		     uint64_t deadline_ns)
{
	unsigned int i;

	if (!nr)
		return -EINVAL;
	world->batches++;
	world->begun = gh_now_ns();
	while (gh_now_ns() < world->begun + BATCH_NS)
		;
	for (i = 0; i < nr; i++)
		entries[i].res = GH_URING_EXIT_PREEMPTED;
	/* As the completion of a batch on a ring does. */
	gh_threads_wake(world->runner->threads);
	return (int)nr;
}

static int reap(void *ctx, gh_reap_fn *fn, void *arg)
{
	uint64_t count;

	if (read(gh_threads_fd(world->runner->threads), &count, sizeof(count)) < 0)
		count = 0;
	return fake_port.reap(ctx, fn, arg);
}

void tick(struct world *w, uint64_t due_ns)
{
	char c = 'a';

	w->ticks++;
	w->second += w->begun > due_ns;
	cr_assert_eq(send(w->sockets[1], &c, 1, 0), 1);
}

void echo(struct world *w)
{
	char c;

	if (recv(w->sockets[0], &c, 1, MSG_DONTWAIT) == 1)
		w->echoes++;
}

bool done(struct world *w)
{
	return w->ticks >= TICKS && w->echoes >= TICKS;
}

static void start_guests(struct world *w)
{
	const struct gh_vm_config config = {
		.name = "spinner", .memory_size = 2 << 20, .vcpus = GUESTS, .image = "code",
		.image_size = 4,
	};
	struct gh_vm *vm;

	port = fake_port;
	port.run_batch = run_batch;
	port.reap = reap;
	w->runner->ops = &port;
	w->runner->ctx = &w->fake;
	w->runner->ioctl = GH_IOCTL_ALWAYS;
	cr_assert_eq(gh_vm_create(w->runner, &config, &vm), 0);
	cr_assert_eq(gh_vm_start(vm), 0);
}

static void run(const struct loop *loop, bool runner_first)
{
	const struct gh_runner_config config = {
		.backend = GH_BACKEND_THREADS, .max_vcpus = GUESTS,
	};
	struct gh_vm *vm;

	world = calloc(1, sizeof(*world));
	fake_init(&world->fake);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, world->sockets), 0);
	cr_assert_eq(gh_runner_create(&config, &world->runner, NULL), 0);
	start_guests(world);
	loop->run(world, world->runner, world->sockets[0], runner_first);
	/* One that becomes due between the loop's look at the clock and the batch waits too. */
	cr_assert_lt(world->second, TICKS / 3, "%u of %u ticks", world->second, world->ticks);
	cr_assert_geq(world->batches, TICKS, "guests run all the same");
	vm = world->runner->vms;
	cr_assert_eq(gh_vm_stop(vm), 0);
	cr_assert_eq(gh_runner_run(world->runner), 0);
	cr_assert_eq(gh_vm_destroy(vm), 0);
	cr_assert_eq(gh_runner_destroy(world->runner), 0);
	close(world->sockets[0]);
	close(world->sockets[1]);
	free(world);
}

TestSuite(adapters, .timeout = 60);

Test(adapters, epoll)
{
	run(&loop_epoll, false);
}

Test(adapters, libuv)
{
	run(&loop_uv, false);
}

Test(adapters, glib)
{
	run(&loop_glib, false);
}

Test(adapters, glib_with_the_runner_first)
{
	run(&loop_glib, true);
}

Test(adapters, sd_event)
{
	run(&loop_sd_event, false);
}

Test(adapters, sd_event_with_the_runner_first)
{
	run(&loop_sd_event, true);
}

/* ---- a ring that fails ---------------------------------------------------------------- */

static void on_foreign(void *opaque, const struct io_uring_cqe *cqe)
{
}

/**
 * struct early - a timer of the runner whose ring fails
 * @fired: on a busy machine it can be due already in the turn that finds the failure
 */
struct early {
	struct gh_timer timer;
	struct gh_runner *runner;
	unsigned int fired;
};

static void on_timer(struct gh_timer *timer)
{
	struct early *e = (struct early *)timer;

	cr_assert_eq(e->fired++, 0U, "the ring works");
	timer->deadline_ns = gh_now_ns() + TICK_NS;
	cr_assert_eq(gh_timer_arm(e->runner, timer), 0);
}

static void on_io(struct gh_io *io, int res, uint32_t flags)
{
	cr_assert_fail("the ring works");
}

/*
 * The descriptor of a ring of the caller is another file all at once. Something is to be
 * submitted; and a timer of the runner becomes due, and will not fire any more, which must
 * not keep the loop spinning.
 */
static void run_failing(const struct loop *loop)
{
	struct early early = { .timer.fire = on_timer };
	struct gh_runner_config config = { .foreign_cqe = on_foreign, .max_vcpus = 2 };
	struct gh_io io = { .done = on_io };
	struct io_uring_sqe *sqe;
	struct gh_runner *runner;
	struct io_uring ring;
	unsigned int turns;
	int fd;

	if (io_uring_queue_init(8, &ring, 0))
		cr_skip_test("no io_uring here");
	config.ring = &ring;
	cr_assert_eq(gh_runner_create(&config, &runner, NULL), 0);
	cr_assert_geq(gh_runner_fd(runner), 0);
	sqe = gh_io_get_sqe(runner);
	io_uring_prep_nop(sqe);
	cr_assert_eq(gh_io_attach(sqe, &io), 0);
	early.runner = runner;
	early.timer.deadline_ns = gh_now_ns() + TICK_NS;
	cr_assert_eq(gh_timer_arm(runner, &early.timer), 0);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(dup2(fd, ring.ring_fd), ring.ring_fd);
	close(fd);
	turns = loop->fail(runner);
	/* Ten of the loop's own timer, and what it takes to notice. */
	cr_assert_leq(turns, 40, "%u turns", turns);
	gh_timer_cancel(runner, &early.timer);
	cr_assert_eq(gh_runner_destroy(runner), 0);
	io_uring_queue_exit(&ring);
}

Test(adapters, libuv_with_a_ring_that_fails)
{
	run_failing(&loop_uv);
}

Test(adapters, glib_with_a_ring_that_fails)
{
	run_failing(&loop_glib);
}

Test(adapters, sd_event_with_a_ring_that_fails)
{
	run_failing(&loop_sd_event);
}
