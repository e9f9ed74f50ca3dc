// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Which way a vCPU is run: in a batch, by a command of its own, or by ioctl.
 */
#include <criterion/criterion.h>

#include "fixture.h"

TestSuite(batch, .init = fixture_setup, .fini = fixture_teardown);

#define BATCHES	(!(FIXTURE_NO_BATCH))

static const struct fake_step off[] = { { FAKE_PREEMPTED }, { FAKE_OFF } };

Test(batch, several_are_one_command)
{
	start(1, off);
	start(1, off);
	start(1, off);
	turn();
	cr_assert_eq(f->nr_order, 3);
	if (!BATCHES)
		cr_assert_eq(f->batches + f->batch_ioctls, 0);
	else if (FIXTURE_BACKEND == GH_BACKEND_URING)
		cr_assert_eq(f->batches, 1);
	else
		cr_assert_eq(f->batch_ioctls, 1);
	cr_assert_eq(stats().batches, BATCHES);
	cr_assert_eq(gh_runner_run(r), 0);
}

Test(batch, one_is_chosen_by_backend)
{
	unsigned int enters;

	start(1, off);
	enters = f->enters;
	turn();
	cr_assert_eq(f->nr_order, 1);
	cr_assert_eq(f->batches, 0, "a ring has a cheaper way for one");
	if (!BATCHES || FIXTURE_BACKEND == GH_BACKEND_URING) {
		cr_assert_eq(f->batch_ioctls, 0);
		cr_assert_eq(f->enters, enters + 1);
	} else {
		cr_assert_eq(f->batch_ioctls, 1);
		cr_assert_eq(f->enters, enters);
		cr_assert_eq(f->deadline_ns, 0, "its slice is bound enough");
	}
	cr_assert_eq(stats().batch_ioctls, f->batch_ioctls);
}

static void on_io(struct gh_io *io, int res, uint32_t flags)
{
}

/* Something else is to be submitted: the ring is entered anyway. */
Test(batch, several_beside_an_io)
{
	static struct gh_io io;
	struct io_uring_sqe *sqe;

	io.done = on_io;
	start(1, off);
	start(1, off);
	sqe = gh_io_get_sqe(r);
	io_uring_prep_nop(sqe);
	gh_io_attach(sqe, &io);
	turn();
	cr_assert_eq(f->nr_order, 2);
	cr_assert_eq(f->batch_ioctls, BATCHES && FIXTURE_BACKEND == GH_BACKEND_IOCTL);
	cr_assert_eq(f->batches, BATCHES && FIXTURE_BACKEND != GH_BACKEND_IOCTL);
}

Test(batch, one_beside_an_io)
{
	static struct gh_io io;
	struct io_uring_sqe *sqe;

	io.done = on_io;
	start(1, off);
	sqe = gh_io_get_sqe(r);
	io_uring_prep_nop(sqe);
	gh_io_attach(sqe, &io);
	turn();
	cr_assert_eq(f->nr_order, 1);
	cr_assert_eq(f->batch_ioctls, BATCHES && FIXTURE_BACKEND == GH_BACKEND_IOCTL);
}

/* Found asleep in a batch once; from then on it gets a command that parks. */
Test(batch, sleep_after_the_same_exit_is_foreseen)
{
	static const struct fake_step steps[] = {
		{ FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_PARK }, { FAKE_WRITE, 0x1000, 4, 1 },
		{ FAKE_PARK }, { FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_PARK }, { FAKE_OFF },
	};

	without_board();
	f->on_idle = wake_all;
	start(1, steps);
	start(1, steps);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->vcpus[0].waits, BATCHES);
	cr_assert_eq(f->vcpus[1].waits, BATCHES);
	cr_assert_eq(stats().parks, 6);
	cr_assert_eq(stats().wakeups, 6);
}

/* It did not sleep: the next one is a guess less. */
Test(batch, wrong_guess_is_forgotten)
{
	static const struct fake_step steps[] = {
		{ FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_PARK },
		{ FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_WRITE, 0x1000, 4, 1 },
		{ FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_OFF },
	};
	struct gh_vcpu *v = gh_vm_vcpu(start(1, steps), 0);

	without_board();
	start(1, steps);
	f->on_idle = wake_all;
	while (dev.writes < 2 || f->vcpus[0].waits != BATCHES)
		turn();
	turn();
	cr_assert_eq(v->sleeps, BATCHES ? GH_AFTER_MMIO : 0);
	while (dev.writes < 8) {
		turn();
		if (!stats().runnable)
			wake_all(f);
	}
	cr_assert_eq(v->sleeps, 0);
	cr_assert_not(v->alone);
	cr_assert_eq(gh_runner_run(r), 0);
}

Test(batch, driver_that_fails_batches_gets_commands)
{
	start(1, off);
	start(1, off);
	f->fail_batch = -EFAULT;
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(nr_ended, 2);
	cr_assert_not(r->has_batch);
	cr_assert_leq(stats().batches, 1);
}

Test(batch, interrupted_batch_is_tried_again)
{
	start(1, off);
	start(1, off);
	f->fail_batch = -EINTR;
	turn();
	cr_assert_eq(stats().not_entered, BATCHES ? 2 : 0);
	f->fail_batch = 0;
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(nr_ended, 2);
	cr_assert_eq(r->has_batch, BATCHES);
}

Test(batch, ioctl_needs_a_driver_with_batches)
{
	const struct gh_runner_config config = { .backend = GH_BACKEND_IOCTL };
	const struct gh_vm_config vm = vm_config(1);
	struct gh_runner *other;
	struct gh_vm *v;

	f->no_batch = true;
	cr_assert_eq(gh_runner_create_port(&config, &fake_port, f, &other, NULL), 0);
	cr_assert_eq(gh_vm_create(other, &vm, &v), -EOPNOTSUPP);
	cr_assert_neq(gh_runner_last_error(other)->hint[0], '\0');
	cr_assert_eq(gh_runner_destroy(other), 0);
}

static void on_fire(struct gh_timer *timer)
{
	timer->deadline_ns = 0;
	gh_timer_arm(r, timer);
}

Test(batch, no_guest_runs_beyond_a_timer)
{
	struct gh_timer timer = { .deadline_ns = gh_now_ns() + 20000000000, .fire = on_fire };
	uint64_t now;

	r->sched.batch_ns = 40000000000;
	start(1, off);
	start(1, off);
	cr_assert_eq(gh_timer_arm(r, &timer), 0);
	turn();
	if (BATCHES)
		cr_assert_eq(f->deadline_ns, timer.deadline_ns);
	/* One that is always due leaves them something all the same. */
	gh_timer_cancel(r, &timer);
	timer.deadline_ns = 0;
	cr_assert_eq(gh_timer_arm(r, &timer), 0);
	now = gh_now_ns();
	turn();
	if (BATCHES)
		cr_assert_geq(f->deadline_ns, now + GH_MIN_BATCH_NS);
	gh_timer_cancel(r, &timer);
	cr_assert_eq(gh_runner_run(r), 0);
}

/* While one batch is handled bit by bit, the other runs. */
Test(batch, budget_does_not_stop_the_others)
{
	static const struct fake_step write[] = { { FAKE_WRITE, 0x1000, 4, 1 },
						  { FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_OFF } };
	unsigned int i;

	for (i = 0; i < 4; i++)
		start(1, write);
	while (nr_ended < 4) {
		cr_assert_eq(gh_runner_prepare(r), 0);
		cr_assert_leq(gh_runner_dispatch(r, 1), 1);
	}
	cr_assert_eq(dev.writes, 8);
	if (BATCHES)
		cr_assert_gt(f->nr_order, stats().batches, "more than one in some");
}

static const struct fake_step lone_steps[] = {
	{ FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_READ, 0x1000, 4, 0 },
	{ FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_READ, 0x1000, 4, 0 },
	{ FAKE_PREEMPTED }, { FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_PARK }, { FAKE_OFF },
};

#define LONE	(BATCHES && FIXTURE_BACKEND != GH_BACKEND_URING)

static void run_one_alone(void)
{
	f->on_idle = wake_all;
	dev.value = 6;
	start(1, lone_steps);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(dev.writes, 3);
	cr_assert_eq(f->vcpus[0].answers[1], 6);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(stats().batches, f->batches + f->batch_ioctls);
	cr_assert_eq(stats().lone_ioctls, f->onces);
	cr_assert_leq(stats().turns, LONE ? 6 : 9);
	if (LONE)
		cr_assert_lt(stats().turns, stats().batches + f->onces);
}

/* Alone it stays in the driver, until it does something else or a timer is due. */
Test(batch, lone_one_has_many_accesses_in_a_turn)
{
	run_one_alone();
	cr_assert_eq(f->onces > 0, LONE);
}

/* So it does with a driver that cannot run one without a batch. */
Test(batch, lone_one_without_the_call_for_it)
{
	f->no_once = true;
	run_one_alone();
	cr_assert_eq(f->onces, 0);
}

/* A shorter slice than the driver's default has to be said, which only a batch can. */
Test(batch, lone_one_with_a_short_slice)
{
	r->sched.slice_ns = GH_LONE_SLICE_NS - 1;
	run_one_alone();
	cr_assert_eq(f->onces, 0);
	cr_assert_eq(f->slices[0], GH_LONE_SLICE_NS - 1);
}

/* An error is the run's, as in a batch, and no reason to stop using the call. */
Test(batch, error_of_a_lone_one)
{
	static const struct fake_step steps[] = {
		{ FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_ERROR, .data = -ECANCELED },
		{ FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_ERROR, .data = -EIO },
	};

	start(1, steps);
	gh_runner_run(r);
	cr_assert_eq(dev.writes, 2);
	cr_assert_eq(stats().canceled, 1);
	cr_assert_eq(stats().errors, 1);
	cr_assert_not(r->no_once);
}
