// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * VMs that go to another runner, and vCPUs that are taken out and put back.
 */
#include <criterion/criterion.h>
#include <pthread.h>

#include "fixture.h"

static struct gh_runner *other;

/* Both share the fake, so only one of them is driven at a time. */
static void setup(void)
{
	const struct gh_runner_config config = {
		.max_vcpus = 4, .batch = 8, .backend = FIXTURE_BACKEND,
	};

	fixture_setup();
	f->two_runners = true;
	cr_assert_eq(gh_runner_create_port(&config, &fake_port, f, &other, NULL), 0);
}

static void teardown(void)
{
	cr_assert_eq(gh_runner_destroy(other), 0);
	fixture_teardown();
}

TestSuite(move, .init = setup, .fini = teardown);

static void turns(struct gh_runner *runner, unsigned int n)
{
	while (n--) {
		cr_assert_eq(gh_runner_prepare(runner), 0);
		cr_assert_geq(gh_runner_dispatch(runner, 0), 0);
	}
}

/* Ends what came to the other runner. */
static void finish(struct gh_vm *vm)
{
	cr_assert_eq(gh_vm_runner(vm), other);
	if (gh_vm_result(vm)->end == GH_VM_END_NONE)
		gh_vm_stop(vm);
	cr_assert_eq(gh_runner_run(other), 0);
	cr_assert_eq(gh_vm_destroy(vm), 0);
}

Test(move, parked_vcpus_come_out_and_go_on)
{
	static const struct fake_step steps[] = { { FAKE_WRITE, 0x1000, 4, 1 }, { FAKE_PARK },
						  { FAKE_READ, 0x1000, 4, 0 }, { FAKE_OFF } };
	struct gh_vm *vm = start(2, steps);

	without_board();
	dev.value = 5;
	turns(r, 4);
	cr_assert_eq(stats().in_flight, 2);
	cr_assert_eq(gh_vm_move(vm, other), 0);
	cr_assert_eq(gh_vm_destroy(vm), -EBUSY);
	cr_assert_eq(gh_vm_move(vm, other), -EINVAL, "it moves already");
	cr_assert_eq(gh_runner_destroy(other), -EBUSY, "it is expected");
	turns(r, 3);
	cr_assert_eq(f->cancels, 2);
	cr_assert_null(r->vms);
	cr_assert_eq(r->running_vms, 0);
	cr_assert_eq(atomic_load(&r->slots_used), 0);
	cr_assert_eq(stats().vcpus + stats().in_flight, 0);
	cr_assert_eq(f->files[0], -1, "its file is not this ring's any more");
	cr_assert_eq(nr_moved, 0);
	cr_assert_eq(gh_runner_timeout_ns(other), 0);
	turns(other, 1);
	cr_assert_eq(nr_moved, 1);
	cr_assert_eq(moved_to, other);
	cr_assert_eq(dev.moves, 2, "away, and there");
	cr_assert_eq(dev.runner, other);
	cr_assert_eq(other->vcpus[0], gh_vm_vcpu(vm, 0));
	f->on_idle = wake_all;
	cr_assert_eq(gh_runner_run(other), 0);
	cr_assert_eq(gh_vm_result(vm)->end, GH_VM_END_OFF);
	cr_assert_eq(f->vcpus[0].answers[0], 5);
	cr_assert_eq(f->vcpus[1].answers[0], 5);
	finish(vm);
}

/* Between the access and the next run: the answer goes with the vCPU. */
Test(move, answer_is_taken_along)
{
	static const struct fake_step steps[] = { { FAKE_READ, 0x1000, 4, 0 }, { FAKE_OFF } };
	struct gh_vm *vm = start(1, steps);

	dev.value = 0x99;
	turns(r, 1);
	cr_assert_eq(gh_vm_move(vm, other), 0);
	turns(r, 2);
	cr_assert_eq(f->vcpus[0].nr_answers, 0);
	turns(other, 1);
	cr_assert_eq(gh_runner_run(other), 0);
	cr_assert_eq(f->vcpus[0].answers[0], 0x99);
	finish(vm);
}

Test(move, deferred_access_is_awaited)
{
	static const struct fake_step steps[] = { { FAKE_READ, 0x1000, 4, 0 }, { FAKE_OFF } };
	struct gh_vm *vm = start(1, steps);

	dev.answer = GH_ACCESS_DEFERRED;
	turns(r, 1);
	cr_assert_eq(gh_vm_move(vm, other), 0);
	turns(r, 3);
	cr_assert_eq(r->vms, vm);
	dev.last->data = 3;
	gh_access_complete(dev.last);
	turns(r, 2);
	cr_assert_null(r->vms);
	turns(other, 1);
	cr_assert_eq(gh_runner_run(other), 0);
	cr_assert_eq(f->vcpus[0].answers[0], 3);
	finish(vm);
}

Test(move, what_is_refused)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *fresh = create(1), *big = start(5, forever), *vm = start(1, forever);

	cr_assert_eq(gh_vm_move(fresh, other), -EINVAL, "not started");
	cr_assert_eq(gh_vm_move(vm, r), -EINVAL);
	cr_assert_eq(gh_vm_move(big, other), -ENOSPC);
	cr_assert_eq(atomic_load(&other->slots_used), 0);
	turns(r, 2);
	dev.refuses = true;
	cr_assert_eq(gh_vm_move(vm, other), 0);
	turns(r, 3);
	cr_assert_eq(moved_to, r, "the device did not want to");
	cr_assert_eq(gh_vm_runner(vm), r);
	cr_assert_eq(atomic_load(&other->slots_used), 0);
	cr_assert_eq(gh_runner_last_error(r)->error, -EBUSY);
	turns(r, 3);
	cr_assert_eq(stats().in_flight, 6, "all sleep again");
}

Test(move, end_of_the_vm_cancels_it)
{
	static const struct fake_step off[] = { { FAKE_PREEMPTED }, { FAKE_OFF } };
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *a = start(1, off), *b = start(2, forever);

	turns(r, 1);
	cr_assert_eq(gh_runner_prepare(r), 0);
	/* It has powered off, and nobody has looked. */
	cr_assert_eq(gh_vm_move(a, other), 0);
	turns(r, 2);
	cr_assert_eq(ended[0].end, GH_VM_END_OFF);
	cr_assert_eq(gh_vm_move(b, other), 0);
	cr_assert_eq(gh_vm_stop(b), 0);
	turns(r, 4);
	cr_assert_eq(nr_ended, 2);
	cr_assert_eq(ended[1].end, GH_VM_END_STOPPED);
	cr_assert_eq(gh_vm_runner(b), r);
	cr_assert_eq(nr_moved, 0);
	cr_assert_eq(atomic_load(&other->slots_used), 0);
}

/* Nobody's list has it on its way, and the wish is not lost. */
Test(move, stop_between_two_runners)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *vm = start(2, forever);

	turns(r, 2);
	cr_assert_eq(gh_vm_move(vm, other), 0);
	turns(r, 3);
	cr_assert_null(r->vms);
	cr_assert_eq(gh_vm_runner(vm), other, "it is expected there");
	cr_assert_eq(gh_vm_stop(vm), 0);
	cr_assert_eq(gh_vm_stop(vm), 0, "again is fine");
	cr_assert_eq(gh_vm_destroy(vm), -EBUSY);
	cr_assert_eq(gh_vm_move(vm, r), -EINVAL);
	cr_assert_eq(gh_vm_set_slice(vm, 500000), -EBUSY);
	cr_assert_eq(gh_vcpu_remove(gh_vm_vcpu(vm, 0)), -EINVAL);
	cr_assert_eq(gh_vcpu_add(vm, 0), -EINVAL);
	turns(r, 2);
	cr_assert_eq(atomic_load(&r->slots_used), 0);
	cr_assert_eq(atomic_load(&other->slots_used), 2);
	cr_assert_eq(r->sched.ready.nr + r->running_vms, 0);
	cr_assert_eq(nr_ended, 0);
	turns(other, 2);
	cr_assert_eq(nr_moved, 1);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(ended[0].end, GH_VM_END_STOPPED);
	finish(vm);
	cr_assert_eq(atomic_load(&other->slots_used), 0);
}

/* Each vCPU tells the end by itself, and it takes time: one has, and one sleeps still. */
static struct gh_vm *start_half_ended(void)
{
	static const struct fake_step off[] = { { FAKE_OFF } };
	static const struct fake_step later[] = { { FAKE_PARK }, { FAKE_OFF } };
	struct gh_vm *vm = create(2);

	f->vcpus[0].steps = off;
	f->vcpus[1].steps = later;
	cr_assert_eq(gh_vm_start(vm), 0);
	turns(r, 3);
	cr_assert_eq(vm->live, 1);
	return vm;
}

Test(move, ended_vcpus_are_taken_along)
{
	struct gh_vm *vm = start_half_ended();

	cr_assert_eq(gh_vm_move(vm, other), 0);
	turns(r, 4);
	cr_assert_null(r->vms);
	turns(other, 1);
	cr_assert_eq(nr_moved, 1);
	f->on_idle = wake_all;
	cr_assert_eq(gh_runner_run(other), 0);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(ended[0].end, GH_VM_END_OFF);
	cr_assert_eq(f->vcpus[0].runs, 1, "it is not run again");
	finish(vm);
}

Test(move, refusal_of_a_device_leaves_ended_vcpus_ended)
{
	struct gh_vm *vm = start_half_ended();

	dev.refuses = true;
	cr_assert_eq(gh_vm_move(vm, other), 0);
	turns(r, 4);
	cr_assert_eq(moved_to, r);
	f->on_idle = wake_all;
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(f->vcpus[0].runs, 1);
}

/* ---- stopping from another thread ---------------------------------------------------- */

static void *stop_thread(void *vm)
{
	return (void *)(intptr_t)gh_vm_stop(vm);
}

static int stop_elsewhere(struct gh_vm *vm)
{
	pthread_t thread;
	void *ret;

	cr_assert_eq(pthread_create(&thread, NULL, stop_thread, vm), 0);
	cr_assert_eq(pthread_join(thread, &ret), 0);
	return (int)(intptr_t)ret;
}

Test(move, stop_from_another_thread)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *fresh = create(1), *vm = start(2, forever), *moving;

	cr_assert_eq(stop_elsewhere(fresh), -EINVAL);
	turns(r, 2);
	cr_assert_eq(stop_elsewhere(vm), 0);
	cr_assert_eq(gh_runner_timeout_ns(r), 0);
	cr_assert_eq(nr_ended, 0);
	turns(r, 3);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(ended[0].end, GH_VM_END_STOPPED);
	cr_assert_eq(stop_elsewhere(vm), 0, "it has ended");
	/* Held back for the move, and on its way. */
	moving = start(1, forever);
	cr_assert_eq(gh_vm_move(moving, other), 0);
	cr_assert_eq(stop_elsewhere(moving), 0);
	turns(r, 4);
	cr_assert_eq(nr_ended, 2);
	cr_assert_eq(gh_vm_runner(moving), r);
	cr_assert_eq(atomic_load(&other->slots_used), 0);
	moving = start(1, forever);
	turns(r, 2);
	cr_assert_eq(gh_vm_move(moving, other), 0);
	turns(r, 3);
	cr_assert_eq(stop_elsewhere(moving), 0);
	turns(other, 2);
	cr_assert_eq(nr_ended, 3);
	finish(moving);
}

/* A message is delivered once, in order, on the runner's own time. */
static unsigned int delivered;

static void on_message(struct gh_runner *runner, struct gh_msg *msg)
{
	cr_assert_eq(runner, other);
	cr_assert_eq(!msg->next, delivered == 2);
	delivered++;
}

Test(move, messages_keep_their_order)
{
	struct gh_msg m[3] = { { .deliver = on_message }, { .deliver = on_message },
			       { .deliver = on_message } };
	unsigned int i;

	for (i = 0; i < 3; i++)
		gh_runner_post(other, &m[i]);
	cr_assert_eq(gh_runner_timeout_ns(other), 0);
	turns(other, 2);
	cr_assert_eq(delivered, 3);
	cr_assert_eq(m[0].next, &m[1]);
	cr_assert_eq(m[1].next, &m[2]);
}

/* ---- vCPUs that come and go ---------------------------------------------------------- */

Test(move, vcpu_is_removed_and_added)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	static const struct fake_step off[] = { { FAKE_OFF } };
	struct gh_vm *vm = start(2, forever);
	struct gh_vcpu *v = gh_vm_vcpu(vm, 1);

	turns(r, 2);
	cr_assert_eq(gh_vcpu_add(vm, 1), -EEXIST);
	cr_assert_eq(gh_vcpu_add(vm, 2), -EINVAL);
	cr_assert_eq(gh_vcpu_remove(v), -EINPROGRESS);
	cr_assert_eq(gh_vcpu_add(vm, 1), -EBUSY);
	turns(r, 2);
	cr_assert_not(gh_vcpu_present(v));
	cr_assert_eq(stats().vcpus, 1);
	cr_assert_eq(f->removed, 1);
	cr_assert_eq(gh_vcpu_remove(v), -ENOENT);
	/* In its place comes one that does something else. */
	f->vcpus[f->nr_vcpus].steps = off;
	cr_assert_eq(gh_vcpu_add(vm, 1), 0);
	cr_assert_eq(stats().vcpus, 2);
	turns(r, 2);
	cr_assert_eq(vm->live, 1);
	cr_assert_eq(gh_vm_stop(vm), 0);
	cr_assert_eq(gh_runner_run(r), 0);
}

Test(move, vm_without_vcpus_goes_on)
{
	static const struct fake_step spin[] = { { FAKE_PREEMPTED }, { FAKE_PREEMPTED },
						 { FAKE_PREEMPTED }, { FAKE_END } };
	struct gh_vm *vm = start(1, spin);

	turns(r, 1);
	cr_assert_eq(gh_vcpu_remove(gh_vm_vcpu(vm, 0)), -EINPROGRESS);
	turns(r, 2);
	cr_assert_eq(nr_ended, 0);
	cr_assert_eq(gh_vm_stop(vm), 0);
	turns(r, 1);
	cr_assert_eq(nr_ended, 1);
}

/* Of the last that would have told: the VM is over without it. */
Test(move, removal_of_the_last_that_has_not_ended)
{
	static const struct fake_step off[] = { { FAKE_OFF } };
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *vm = create(2);

	f->vcpus[0].steps = off;
	f->vcpus[1].steps = forever;
	cr_assert_eq(gh_vm_start(vm), 0);
	turns(r, 3);
	cr_assert_eq(nr_ended, 0);
	cr_assert_eq(gh_vcpu_remove(gh_vm_vcpu(vm, 1)), -EINPROGRESS);
	turns(r, 3);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(ended[0].end, GH_VM_END_OFF);
	cr_assert_eq(gh_vm_destroy(vm), 0);
}

/* The guest powers off before it comes out. */
Test(move, end_beats_removal)
{
	static const struct fake_step off[] = { { FAKE_OFF } };
	static const struct fake_step later[] = { { FAKE_PARK }, { FAKE_OFF } };
	struct gh_vm *vm = create(2);

	f->vcpus[0].steps = off;
	f->vcpus[1].steps = later;
	cr_assert_eq(gh_vm_start(vm), 0);
	cr_assert_eq(gh_runner_prepare(r), 0);
	cr_assert_eq(gh_vcpu_remove(gh_vm_vcpu(vm, 0)), -EINPROGRESS);
	turns(r, 3);
	cr_assert_eq(vm->live, 1);
	cr_assert(gh_vcpu_present(gh_vm_vcpu(vm, 0)));
	cr_assert_eq(gh_vm_move(vm, other), 0, "nothing is being removed");
	turns(r, 3);
	f->on_idle = wake_all;
	cr_assert_eq(gh_runner_run(other), 0);
	cr_assert_eq(nr_ended, 1);
	finish(vm);
}

Test(move, vcpu_of_a_new_vm_is_left_out)
{
	static const struct fake_step off[] = { { FAKE_OFF } };
	struct gh_vm *vm = create(2);

	f->vcpus[0].steps = off;
	cr_assert_eq(gh_vcpu_remove(gh_vm_vcpu(vm, 1)), 0);
	cr_assert_eq(gh_vm_start(vm), 0);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(ended[0].end, GH_VM_END_OFF);
}

Test(move, vcpu_that_awaits_an_answer_stays)
{
	static const struct fake_step read[] = { { FAKE_READ, 0x1000, 4, 0 }, { FAKE_END } };
	struct gh_vm *vm = start(1, read);

	dev.answer = GH_ACCESS_DEFERRED;
	turns(r, 1);
	cr_assert_eq(gh_vcpu_remove(gh_vm_vcpu(vm, 0)), -EBUSY);
}

Test(move, slices_are_weights)
{
	static const struct fake_step spin[] = { { FAKE_PREEMPTED }, { FAKE_PREEMPTED },
						 { FAKE_END } };
	struct gh_vm *a = start(1, spin), *b = start(1, spin);
	enum gh_backend backend = r->backend;

	cr_assert_eq(gh_vm_set_slice(a, 500000), 0);
	cr_assert_eq(gh_vm_set_slice(b, 9999), -EINVAL);
	cr_assert_eq(gh_vm_set_slice(b, 4000001), -EINVAL);
	turns(r, 1);
	r->backend = GH_BACKEND_THREADS;
	cr_assert_eq(gh_vm_set_slice(a, 500000), -EOPNOTSUPP, "nothing would come of it");
	r->backend = backend;
	cr_assert_eq(f->slices[0], 500000);
	cr_assert_eq(f->slices[1], GH_DEFAULT_SLICE_NS);
}
