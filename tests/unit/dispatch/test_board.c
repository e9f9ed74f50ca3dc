// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * vCPUs that wait on the wake board, without a command. Where the driver has none they
 * park, and nothing else changes.
 */
#include <criterion/criterion.h>

#include "fixture.h"

TestSuite(board, .init = fixture_setup, .fini = fixture_teardown);

static const struct fake_step forever[] = { { FAKE_END } };

static void turns(unsigned int n)
{
	while (n--)
		turn();
}

static enum gh_vcpu_state sleeps_as(void)
{
	return FIXTURE_BOARD ? GH_VCPU_ASLEEP : GH_VCPU_IN_FLIGHT;
}

/* One signal for all, nothing submitted for any. */
Test(board, many_wake_at_once)
{
	static const struct fake_step steps[] = { { FAKE_PARK }, { FAKE_WRITE, 0x1000, 4, 1 },
						  { FAKE_END } };
	unsigned int i, enters, signals;

	for (i = 0; i < 8; i++)
		start(1, steps);
	turns(4);
	cr_assert_eq(stats().in_flight, 8);
	cr_assert_eq(gh_vm_vcpu(r->vms, 0)->state, sleeps_as());
	enters = f->enters;
	signals = f->signals;
	cr_assert_eq(gh_runner_prepare(r), 0);
	for (i = 0; i < 8; i++)
		fake_wake(f, i);
	if (FIXTURE_BOARD)
		cr_assert_eq(f->signals, signals + 1);
	turns(4);
	cr_assert_eq(dev.writes, 8);
	cr_assert_eq(stats().in_flight, 8, "asleep again");
	cr_assert_eq(stats().parks, 8);
	cr_assert_eq(stats().wakeups, 8);
	if (FIXTURE_BOARD)
		cr_assert_eq(f->enters, enters);
}

static void run_both(uint32_t first, uint32_t second)
{
	f->slices[0] = 0;
	f->slices[1] = 0;
	while (!f->slices[0] || !f->slices[1])
		turn();
	cr_assert_eq(f->slices[0], first);
	cr_assert_eq(f->slices[1], second);
}

/* Who slept goes first, but lets those that compute go on soon; then it is one of them. */
Test(board, slices_of_who_slept)
{
	static const struct fake_step sleeper[] = { { FAKE_PARK }, { FAKE_PREEMPTED },
						    { FAKE_PREEMPTED }, { FAKE_END } };
	static const struct fake_step computes[FAKE_STEPS] = {
		[0 ... FAKE_STEPS - 2] = { FAKE_PREEMPTED },
	};

	start(1, sleeper);
	cr_assert_eq(gh_vm_set_slice(start(1, sleeper), GH_MIN_SLICE_NS + 1), 0);
	start(1, computes);
	run_both(GH_DEFAULT_SLICE_NS, GH_MIN_SLICE_NS + 1);
	turns(2);
	cr_assert_eq(gh_runner_prepare(r), 0);
	fake_wake(f, 0);
	fake_wake(f, 1);
	run_both(GH_DEFAULT_SLICE_NS / 8, GH_MIN_SLICE_NS);
	run_both(GH_DEFAULT_SLICE_NS, GH_MIN_SLICE_NS + 1);
}

/* It woke before the runner had looked at the result that says that it waits. */
Test(board, wake_up_overtakes_the_result)
{
	static const struct fake_step steps[] = { { FAKE_PARK }, { FAKE_OFF } };

	start(1, steps);
	start(1, steps);
	cr_assert_eq(gh_runner_prepare(r), 0);
	/* Only then, for without a board nobody is parked yet. */
	if (!FIXTURE_BOARD)
		turns(2);
	fake_wake(f, 0);
	fake_wake(f, 1);
	turns(4);
	cr_assert_eq(nr_ended, 2);
}

Test(board, mark_without_reason)
{
	struct gh_vm *vm = start(1, forever);

	start(1, forever);
	turns(4);
	if (FIXTURE_BOARD) {
		/* Of the first, and of slots that are nobody's. */
		memset(gh_wake_board_words(f->board), 0xff, 2);
		f->board->state = GH_BOARD_TOLD;
	} else {
		fake_wake(f, 0);
	}
	cr_assert_eq(gh_runner_timeout_ns(r), FIXTURE_BOARD ? 0 : UINT64_MAX);
	turns(4);
	cr_assert_eq(stats().in_flight, 2);
	cr_assert_eq(gh_vm_vcpu(vm, 0)->state, sleeps_as());
	cr_assert_eq(gh_runner_timeout_ns(r), UINT64_MAX);
}

Test(board, stop_of_a_sleeper)
{
	struct gh_vm *vm = start(2, forever);

	start(1, forever);
	turns(4);
	cr_assert_eq(gh_vm_stop(vm), 0);
	turns(3);
	cr_assert_eq(f->cancels, FIXTURE_BOARD ? 0 : 2);
	cr_assert_eq(stats().wakeups, 0, "nobody woke it");
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(ended[0].end, GH_VM_END_STOPPED);
	cr_assert_eq(stats().in_flight, 1);
}

Test(board, sleeper_is_removed_and_added)
{
	struct gh_vm *vm = start(2, forever);
	struct gh_vcpu *v = gh_vm_vcpu(vm, 0);

	turns(4);
	cr_assert_eq(gh_vcpu_remove(v), -EINPROGRESS);
	turns(3);
	cr_assert_not(gh_vcpu_present(v));
	cr_assert_eq(stats().in_flight, 1);
	f->vcpus[2].steps = forever;
	cr_assert_eq(gh_vcpu_add(vm, 0), 0);
	turns(3);
	cr_assert_eq(stats().in_flight, 2);
	if (FIXTURE_BOARD)
		cr_assert_eq((unsigned int)f->vcpus[2].bit, v->slot);
}

/* A few cost less with a command each. */
Test(board, few_park)
{
	r->board.least = 3;
	start(1, forever);
	start(1, forever);
	turns(4);
	cr_assert(f->vcpus[0].parked && f->vcpus[1].parked);
	start(1, forever);
	turns(4);
	cr_assert_eq(f->vcpus[2].left, FIXTURE_BOARD);
	fake_wake(f, 0);
	turns(4);
	cr_assert_eq(f->vcpus[0].left, FIXTURE_BOARD, "the next time it waits");
	cr_assert_eq(stats().in_flight, 3);
}

/* A driver that refuses it for one vCPU: that one parks. */
Test(board, vcpu_without_a_bit)
{
	start(1, forever);
	f->fail_ioctl = GH_VCPU_SET_BOARD;
	f->fail_error = -ENOMEM;
	start(1, forever);
	f->fail_ioctl = 0;
	turns(4);
	cr_assert_eq(f->vcpus[0].left, FIXTURE_BOARD);
	cr_assert(f->vcpus[1].parked);
	fake_wake(f, 0);
	fake_wake(f, 1);
	turns(4);
	cr_assert_eq(stats().in_flight, 2);
}

Test(board, sleepers_move)
{
	const struct gh_runner_config config = {
		.max_vcpus = 4, .batch = 8, .backend = FIXTURE_BACKEND,
	};
	struct gh_vm *vm = start(2, forever);
	struct gh_runner *other;

	f->two_runners = true;
	cr_assert_eq(gh_runner_create_port(&config, &fake_port, f, &other, NULL), 0);
	turns(4);
	cr_assert_eq(gh_vm_move(vm, other), 0);
	turns(3);
	cr_assert_null(r->vms);
	cr_assert_eq(stats().in_flight, 0);
	cr_assert_eq(f->vcpus[0].bit, -1, "not on this runner's board any more");
	cr_assert_eq(gh_runner_prepare(other), 0);
	cr_assert_geq(gh_runner_dispatch(other, 0), 0);
	cr_assert_eq(gh_vm_runner(vm), other);
	cr_assert_eq(gh_vm_stop(vm), 0);
	cr_assert_eq(gh_runner_run(other), 0);
	cr_assert_eq(gh_vm_destroy(vm), 0);
	cr_assert_eq(gh_runner_destroy(other), 0);
}
