// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Turns of the runner, against a fake driver and a fake ring.
 */
#include <criterion/criterion.h>

#include "fixture.h"

TestSuite(dispatch, .init = fixture_setup, .fini = fixture_teardown);

Test(dispatch, runs_to_the_end)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, 0x1008, 4, 0 }, { FAKE_WRITE, 0x1010, 2, 0xaaaabbbbccccdddd },
		{ FAKE_OFF, .data = 4 },
	};
	struct gh_vm *vm = start(1, steps);

	dev.value = 0x1122334455667788;
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(dev.reads, 1);
	cr_assert_eq(dev.writes, 1);
	cr_assert_eq(f->vcpus[0].answers[0], 0x55667788, "cut to the access");
	cr_assert_eq(dev.last->offset, 0x10, "the offset in the window");
	cr_assert_eq(dev.last->data, 0xdddd);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(ended[0].end, GH_VM_END_OFF);
	cr_assert_eq(ended[0].exit_type, 1);
	cr_assert_eq(ended[0].reason_size, 4);
	cr_assert_eq(stats().mmio_reads, 1);
	cr_assert_eq(stats().mmio_writes, 1);
	cr_assert_eq(stats().status, 1);
	cr_assert_eq(gh_stats_exits(&(struct gh_stats){ 0 }), 0);
	cr_assert_eq(gh_vm_destroy(vm), 0);
	cr_assert_eq(dev.released, 1);
}

Test(dispatch, reason_size_is_not_trusted)
{
	static const struct fake_step steps[] = { { FAKE_OFF, .data = 0xffffffff } };

	start(1, steps);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(ended[0].reason_size, 8);
}

Test(dispatch, unclaimed_access)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, 0x5000, 2, 0 }, { FAKE_WRITE, 0x5000, 8, 1 },
		{ FAKE_READ, 0x10fe, 4, 0 }, { FAKE_OFF },
	};

	start(1, steps);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->vcpus[0].answers[0], 0xffff);
	cr_assert_eq(f->vcpus[0].answers[1], 0xffffffff);
	cr_assert_eq(nr_unclaimed, 3);
	cr_assert_eq(stats().unclaimed, 3);
	cr_assert_eq(unclaimed.offset, 0x10fe, "the address");
	cr_assert_eq(unclaimed.vcpu, gh_vm_vcpu(r->vms, 0));
	cr_assert_eq(dev.reads + dev.writes, 0);
}

Test(dispatch, device_error_answers_zero)
{
	static const struct fake_step steps[] = { { FAKE_READ, 0x1000, 8, 0 }, { FAKE_OFF } };

	dev.value = UINT64_MAX;
	dev.answer = -EIO;
	start(1, steps);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->vcpus[0].answers[0], 0);
	cr_assert_eq(stats().device_errors, 1);
}

/* PREEMPTED and INTR say nothing about the answer: it must come again. */
Test(dispatch, answer_survives_the_deadline)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, 0x1000, 8, 0 }, { FAKE_PREEMPTED }, { FAKE_INTR }, { FAKE_OFF },
	};
	static const struct fake_step other[] = { { FAKE_PREEMPTED }, { FAKE_PREEMPTED },
						  { FAKE_PREEMPTED }, { FAKE_OFF } };

	dev.value = 0x4242;
	start(1, other);
	start(1, steps);
	turn();
	f->skip_after = 1;
	turn();
	cr_assert_eq(f->vcpus[1].skipped, 1);
	cr_assert_eq(f->vcpus[1].nr_answers, 0);
	f->skip_after = 0;
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->vcpus[1].nr_answers, 1);
	cr_assert_eq(f->vcpus[1].answers[0], 0x4242);
	cr_assert_eq(nr_ended, 2);
}

Test(dispatch, deferred_access)
{
	static const struct fake_step steps[] = { { FAKE_READ, 0x1000, 4, 0 }, { FAKE_OFF } };

	dev.answer = GH_ACCESS_DEFERRED;
	start(1, steps);
	turn();
	cr_assert_eq(stats().answering, 1);
	cr_assert_eq(gh_runner_timeout_ns(r), UINT64_MAX, "nothing to do until the device is");
	turn();
	cr_assert_eq(f->vcpus[0].runs, 1, "not run without the answer");
	dev.last->data = 0x12345678;
	gh_access_complete(dev.last);
	gh_access_complete(dev.last);
	cr_assert_eq(gh_runner_timeout_ns(r), 0);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->vcpus[0].answers[0], 0x12345678);
	cr_assert_eq(stats().deferred, 1);
	cr_assert_eq(stats().answering, 0);
}

static int complete_now(void *device, struct gh_access *a)
{
	a->data = 7;
	gh_access_complete(a);
	return GH_ACCESS_DEFERRED;
}

Test(dispatch, deferred_but_completed_at_once)
{
	static const struct gh_device_ops ops = { "now", complete_now, complete_now, NULL, NULL };
	static const struct fake_step steps[] = { { FAKE_READ, 0x2000, 4, 0 },
						  { FAKE_WRITE, 0x2000, 4, 0 }, { FAKE_OFF } };
	struct gh_vm *vm = create(1);

	cr_assert_eq(gh_vm_add_device(vm, 0x2000, 16, &ops, NULL), 0);
	f->vcpus[0].steps = steps;
	cr_assert_eq(gh_vm_start(vm), 0);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->vcpus[0].answers[0], 7);
	cr_assert_eq(f->vcpus[0].runs, 3);
}

Test(dispatch, parks_and_wakes)
{
	static const struct fake_step steps[] = { { FAKE_PARK }, { FAKE_PARK }, { FAKE_OFF } };

	idle_count = 0;
	f->on_idle = wake_all;
	start(1, steps);
	start(1, steps);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(idle_count, 2);
	cr_assert_eq(stats().parks, 4);
	cr_assert_eq(stats().wakeups, 4);
	cr_assert_eq(stats().in_flight, 0);
}

Test(dispatch, late_vcpus_go_first)
{
	static const struct fake_step steps[] = {
		{ FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED },
		{ FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_END },
	};
	unsigned int i, skipped = 0;

	/* The batch's time is over after one slice. */
	f->skip_after = 1;
	for (i = 0; i < 3; i++)
		start(1, steps);
	for (i = 0; i < 6; i++)
		turn();
	for (i = 0; i < 6; i++)
		cr_assert_eq(f->order[i], i % 3);
	cr_assert_eq(stats().late, 6);
	cr_assert_eq(stats().preempted, 6);
	for (i = 0; i < 3; i++)
		skipped += f->vcpus[i].skipped;
	cr_assert_eq(stats().not_entered, skipped);
	f->skip_after = 0;
}

Test(dispatch, full_submission_queue)
{
	static const struct fake_step steps[] = { { FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_OFF } };
	unsigned int i;

	f->sq_size = 2;
	for (i = 0; i < 5; i++)
		start(1, steps);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(nr_ended, 5);
	cr_assert(stats().sq_full || r->has_batch, "a batch needs one entry");
}

Test(dispatch, budget_bounds_a_call)
{
	static const struct fake_step steps[] = { { FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_OFF } };
	unsigned int i;

	for (i = 0; i < 5; i++)
		start(1, steps);
	cr_assert_eq(gh_runner_prepare(r), 0);
	cr_assert_eq(gh_runner_dispatch(r, 2), 2);
	cr_assert_eq(dev.writes, 2);
	cr_assert_eq(gh_runner_timeout_ns(r), 0);
	cr_assert_eq(gh_runner_dispatch(r, 2), 2);
	cr_assert_eq(gh_runner_dispatch(r, 0), 1);
	cr_assert_eq(dev.writes, 5);
}

/* It does not wait for all that compute: its turn is the next, and the first of it. */
Test(dispatch, sleeper_is_served_first)
{
	static const struct fake_step spin[] = {
		{ FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED },
		{ FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_END },
	};
	static const struct fake_step sleep[] = { { FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_PARK },
						  { FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_OFF } };
	unsigned int i;

	start(1, sleep);
	for (i = 0; i < 10; i++)
		start(1, spin);
	while (!fake_sleeps(&f->vcpus[0]))
		turn();
	f->skip_after = 2;
	turn();
	fake_wake(f, 0);
	/* A wake-up on the board is no completion. */
	cr_assert_geq(gh_runner_dispatch(r, 0), !FIXTURE_BOARD);
	f->nr_order = 0;
	turn();
	cr_assert_eq(f->order[0], 0);
	cr_assert_eq(f->nr_order, 2, "and one of the others");
	f->skip_after = 0;
}

/* Its turn, in which it is parked, is the next as well: until then it is not woken. */
Test(dispatch, sleeper_is_parked_first)
{
	static const struct fake_step spin[] = {
		{ FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED },
		{ FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_PREEMPTED }, { FAKE_END },
	};
	static const struct fake_step sleep[] = { { FAKE_PARK }, { FAKE_OFF } };
	unsigned int i;

	start(1, sleep);
	for (i = 0; i < 10; i++)
		start(1, spin);
	f->skip_after = 2;
	turn();
	turn();
	cr_assert(fake_sleeps(&f->vcpus[0]));
	f->skip_after = 0;
}

Test(dispatch, batch_bounds_a_turn)
{
	static const struct fake_step spin[] = { { FAKE_PREEMPTED }, { FAKE_PREEMPTED },
						 { FAKE_PREEMPTED }, { FAKE_END } };
	unsigned int i;

	start(8, spin);
	start(4, spin);
	turn();
	cr_assert_eq(stats().submitted, 8);
	turn();
	cr_assert_eq(stats().submitted, 16);
	for (i = 0; i < 16; i++)
		cr_assert_eq(f->order[i], i % 12, "first come, first served");
}

Test(dispatch, idle_embedding_makes_no_system_calls)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	unsigned int enters;

	start(1, forever);
	turn();
	turn();
	enters = f->enters;
	turn();
	turn();
	cr_assert_eq(f->enters, enters);
	cr_assert_eq(gh_runner_timeout_ns(r), UINT64_MAX);
	fake_wake(f, 0);
	turn();
	cr_assert_eq(gh_runner_timeout_ns(r), 0);
}

/* A completion of the slot's previous vCPU, and nonsense, must not be believed. */
Test(dispatch, stale_completions)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vcpu *v = gh_vm_vcpu(start(1, forever), 0);

	without_board();
	turn();
	turn();
	fake_complete(f, gh_uring_pack(GH_URING_OP_RUN, v->slot, v->generation + 1),
		      GH_URING_EXIT_RUNNABLE);
	fake_complete(f, gh_uring_pack(GH_URING_OP_RUN, 15, 1), GH_URING_EXIT_RUNNABLE);
	fake_complete(f, gh_uring_pack(GH_URING_OP_RUN, 16, 1), GH_URING_EXIT_RUNNABLE);
	fake_complete(f, gh_uring_pack(GH_URING_OP_RUN, UINT32_MAX, 1), GH_URING_EXIT_RUNNABLE);
	fake_complete(f, gh_uring_pack(GH_URING_OP_LAST, 0, 0), 0);
	fake_complete(f, 0x1234, 0);
	cr_assert_eq(gh_runner_dispatch(r, 0), 0);
	cr_assert_eq(stats().stale, 6);
	cr_assert_eq(v->state, GH_VCPU_IN_FLIGHT);
}

Test(dispatch, unreadable_completion_is_an_error)
{
	static const struct fake_step steps[] = { { FAKE_ERROR, .data = 3 } };

	start(1, steps);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(ended[0].end, GH_VM_END_ERROR);
	cr_assert_eq(ended[0].error, -EPROTO);
}

Test(dispatch, without_registered_files)
{
	static const struct fake_step steps[] = { { FAKE_READ, 0x1000, 4, 0 }, { FAKE_OFF } };

	f->no_files = true;
	start(1, steps);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(nr_ended, 1);
}

static unsigned int fired;
static struct gh_timer timers[3];

static void on_fire(struct gh_timer *t)
{
	cr_assert_eq(t - timers, (int)fired % 2 * 2, "in the order of their deadlines");
	fired++;
	if (fired == 1)
		gh_timer_cancel(r, &timers[1]);
	t->deadline_ns = 0;
	if (fired < 3)
		cr_assert_eq(gh_timer_arm(r, t), 0);
}

Test(dispatch, timers)
{
	unsigned int i;

	fired = 0;
	for (i = 0; i < 3; i++) {
		timers[i] = (struct gh_timer) { .deadline_ns = i + 1, .fire = on_fire };
		cr_assert_eq(gh_timer_arm(r, &timers[i]), 0);
		cr_assert_eq(gh_timer_arm(r, &timers[i]), -EBUSY);
	}
	cr_assert_eq(gh_runner_timeout_ns(r), 0);
	gh_runner_dispatch(r, 0);
	cr_assert_geq(fired, 1);
	cr_assert_leq(fired, 3, "a timer that arms itself does not hold the turn");
	for (i = 0; i < 3; i++)
		gh_timer_cancel(r, &timers[i]);
	timers[0] = (struct gh_timer) { .deadline_ns = gh_now_ns() + 1000000000 };
	cr_assert_eq(gh_timer_arm(r, &timers[0]), -EINVAL);
	timers[0].fire = on_fire;
	cr_assert_eq(gh_timer_arm(r, &timers[0]), 0);
	cr_assert(gh_runner_timeout_ns(r) > 0 && gh_runner_timeout_ns(r) <= 1000000000);
	gh_timer_cancel(r, &timers[0]);
	cr_assert_eq(gh_runner_timeout_ns(r), UINT64_MAX);
}

/* The runner is looked at when the callback has returned. */
static void on_destroy(struct gh_timer *t)
{
	cr_assert_eq(gh_runner_destroy(r), -EBUSY);
	fired++;
}

Test(dispatch, runner_is_not_destroyed_in_a_callback)
{
	struct gh_timer timer = { .deadline_ns = 1, .fire = on_destroy };

	fired = 0;
	cr_assert_eq(gh_timer_arm(r, &timer), 0);
	cr_assert_eq(gh_runner_dispatch(r, 0), 0);
	cr_assert_eq(fired, 1);
}

static int io_res;

static void on_io(struct gh_io *io, int res, uint32_t flags)
{
	io_res = res;
}

Test(dispatch, device_io)
{
	struct gh_io io = { .done = on_io };
	struct io_uring_sqe *sqe = gh_io_get_sqe(r);

	io_res = 0;
	io_uring_prep_nop(sqe);
	gh_io_attach(sqe, &io);
	turn();
	cr_assert_eq(io_res, 77);
}

/* What does not fit beside the mark of the request, and what nobody would hear of. */
Test(dispatch, device_io_that_can_not_be_told)
{
	struct gh_io io = { .done = on_io }, deaf = { .done = NULL };
	struct io_uring_sqe *sqe = gh_io_get_sqe(r);

	io_res = 0;
	io_uring_prep_read(sqe, 0, NULL, 0, 0);
	cr_assert_eq(gh_io_attach(sqe, (void *)((uintptr_t)&io | 1ULL << 56)), -EINVAL);
	sqe = gh_io_get_sqe(r);
	io_uring_prep_nop(sqe);
	cr_assert_eq(gh_io_attach(sqe, &deaf), -EINVAL);
	turn();
	cr_assert_eq(io_res, 0);
	cr_assert_eq(stats().stale, 0);
}

/* ---- limits of a turn --------------------------------------------------------------- */

static int create_other(const struct gh_runner_config *config, struct gh_error_info *error)
{
	struct gh_runner *other;
	int ret;

	ret = gh_runner_create_port(config, &fake_port, f, &other, error);
	cr_assert_eq(!ret, !!other);
	gh_runner_destroy(other);
	return ret;
}

Test(dispatch, slices_are_bounded)
{
	static const uint32_t good[] = { 0, 10000, 4000000 };
	static const uint32_t bad[] = { 1, 9999, 4000001, UINT32_MAX };
	struct gh_runner_config config = { 0 };
	struct gh_error_info error;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		config.slice_ns = good[i];
		cr_assert_eq(create_other(&config, &error), 0);
	}
	for (i = 0; i < 4; i++) {
		config.slice_ns = bad[i];
		cr_assert_eq(create_other(&config, &error), -EINVAL);
		cr_assert_neq(error.hint[0], '\0');
	}
}

Test(dispatch, batches_without_a_limit)
{
	static const struct fake_step spin[] = { { FAKE_PREEMPTED }, { FAKE_PREEMPTED },
						 { FAKE_END } };

	struct gh_timer timer = { .deadline_ns = UINT64_MAX, .fire = on_fire };

	r->sched.batch_ns = UINT64_MAX;
	start(2, spin);
	cr_assert_eq(gh_timer_arm(r, &timer), 0);
	turn();
	cr_assert_eq(stats().preempted, 2);
	cr_assert_eq(f->deadline_ns, UINT64_MAX);
	gh_timer_cancel(r, &timer);
}

/* The driver's own bound is as good, and costs no look at the clock. */
Test(dispatch, batches_with_the_bound_of_the_driver)
{
	static const struct fake_step spin[] = { { FAKE_PREEMPTED }, { FAKE_PREEMPTED },
						 { FAKE_END } };

	start(2, spin);
	turn();
	cr_assert_eq(f->deadline_ns == 0, r->has_batch);
	r->sched.batch_ns = GH_DRIVER_BATCH_NS - 1;
	turn();
	cr_assert_neq(f->deadline_ns, 0);
	cr_assert_eq(stats().preempted, 4);
}

Test(dispatch, quit_ends_run)
{
	static const struct fake_step spin[] = { { FAKE_END } };

	start(1, spin);
	gh_runner_quit(r);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->vcpus[0].runs, 0);
}
