// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * vCPUs that keep their places from one batch to the next, and what takes them out. By
 * commands of their own all of it must look the same.
 */
#include <criterion/criterion.h>

#include "fixture.h"

TestSuite(places, .init = fixture_setup, .fini = fixture_teardown);

#define READ4(n)	{ FAKE_READ, 0x1000 + (n), 4, 0 }
#define WRITE4(n)	{ FAKE_WRITE, 0x1000 + (n), 4, 0xffffffff00000000 | (n) }

static const struct fake_step reads[] = {
	READ4(0), READ4(0), READ4(0), READ4(0), READ4(0), READ4(0), { FAKE_OFF },
};

static const struct fake_step mixed[] = {
	READ4(0), WRITE4(4), READ4(8), WRITE4(12), WRITE4(16), READ4(20), { FAKE_OFF },
};

static void expect_answers(unsigned int vcpu, unsigned int nr, uint64_t value)
{
	unsigned int i;

	cr_assert_eq(f->vcpus[vcpu].nr_answers, nr);
	for (i = 0; i < nr; i++)
		cr_assert_eq(f->vcpus[vcpu].answers[i], value);
}

static void expect_order(const char *order)
{
	unsigned int i;

	for (i = 0; order[i]; i++)
		cr_assert_eq(f->order[i], (unsigned int)(order[i] - '0'), "at %u", i);
	cr_assert_eq(f->nr_order, i);
}

Test(places, reads_and_writes)
{
	unsigned int i;

	dev.value = 0x1234567876543210;
	for (i = 0; i < 3; i++)
		start(1, mixed);
	turn();
	turn();
	cr_assert_eq(dev.last->offset, 4);
	cr_assert_eq(dev.last->data, 4, "the low bytes of a write");
	cr_assert_eq(dev.last->vcpu, gh_vm_vcpu(r->vms, 0));
	turn();
	expect_order("012012012");
	cr_assert_eq(stats().mmio_reads, 6);
	cr_assert_eq(stats().mmio_writes, 3);
	cr_assert_eq(stats().runnable, 3);
	cr_assert_eq(gh_runner_timeout_ns(r), 0);
	cr_assert_eq(dev.last->offset, 8);
	cr_assert_eq(dev.last->len, 4);
	cr_assert_eq(gh_runner_run(r), 0);
	for (i = 0; i < 3; i++)
		expect_answers(i, 3, 0x76543210);
	cr_assert_eq(nr_ended, 3);
}

/* One in the middle does something else; the others move up. */
Test(places, one_goes_out)
{
	static const struct fake_step slice[] = { READ4(0), { FAKE_PREEMPTED }, READ4(0),
						  { FAKE_OFF } };

	dev.value = 9;
	start(1, reads);
	start(1, slice);
	start(1, mixed);
	start(1, reads);
	while (!stats().preempted)
		turn();
	turn();
	turn();
	expect_order(FIXTURE_NO_BATCH ? "0123012301230123" : "0123012302310231");
	cr_assert_eq(gh_runner_run(r), 0);
	expect_answers(0, 6, 9);
	expect_answers(1, 2, 9);
	expect_answers(2, 3, 9);
	expect_answers(3, 6, 9);
}

/* The ones that the batch leaves over still have their answers, and go first. */
Test(places, deadline_cuts_the_batch)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		start(1, reads);
	for (i = 0; i < 5; i++) {
		dev.value = i + 1;
		f->skip_after = i == 2 || i == 3;
		turn();
	}
	expect_order("0120120120");
	cr_assert_eq(gh_runner_run(r), 0);
	for (i = 0; i < 3; i++) {
		cr_assert_eq(f->vcpus[i].nr_answers, 6);
		cr_assert_eq(f->vcpus[i].answers[0], 1);
		cr_assert_eq(f->vcpus[i].answers[1], 2, "the last one, not that before");
	}
}

/* More than a batch holds: nobody stays in it while others wait. */
Test(places, first_come_first_served)
{
	unsigned int i;

	for (i = 0; i < 11; i++)
		start(1, reads);
	for (i = 0; i < 6; i++)
		turn();
	cr_assert_geq(f->nr_order, 40);
	for (i = 0; i < f->nr_order; i++)
		cr_assert_eq(f->order[i], i % 11, "at %u", i);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(nr_ended, 11);
}

Test(places, deferred_answer)
{
	dev.value = 3;
	start(1, reads);
	start(1, mixed);
	turn();
	turn();
	/* Now a read of the one and a read of the other. */
	dev.answer = GH_ACCESS_DEFERRED;
	turn();
	cr_assert_eq(stats().answering, 2);
	cr_assert_eq(stats().runnable, 0);
	dev.answer = GH_ACCESS_DONE;
	gh_access_complete(dev.last);
	turn();
	turn();
	cr_assert_eq(stats().answering, 1);
	gh_access_complete(&gh_vm_vcpu(r->vms->next, 0)->access);
	cr_assert_eq(gh_runner_run(r), 0);
	expect_answers(0, 6, 3);
	expect_answers(1, 3, 3);
}

Test(places, device_error_answers_zero)
{
	dev.value = 3;
	start(1, reads);
	start(1, reads);
	turn();
	turn();
	dev.answer = -EIO;
	turn();
	turn();
	cr_assert_eq(stats().device_errors, 4);
	cr_assert_eq(f->vcpus[0].answers[1], 3);
	cr_assert_eq(f->vcpus[1].answers[2], 0);
}

Test(places, slice_is_changed)
{
	struct gh_vm *vm = start(1, reads);

	start(1, reads);
	turn();
	turn();
	cr_assert_eq(gh_vm_set_slice(vm, 500000), 0);
	turn();
	cr_assert_eq(f->slices[0], 500000);
	cr_assert_eq(f->slices[1], GH_DEFAULT_SLICE_NS);
}

static struct gh_vm *victim;

static int stop_the_victim(void *device, struct gh_access *a)
{
	if (victim)
		cr_assert_eq(gh_vm_stop(victim), 0);
	victim = NULL;
	return GH_ACCESS_DONE;
}

static const struct gh_device_ops stopper = { .name = "stop", .read = stop_the_victim,
					      .write = stop_the_victim };

/* By a callback in the same batch: before its own exit was handled, and behind it. */
Test(places, vm_is_stopped_beside)
{
	static const struct fake_step stops[] = { READ4(0), WRITE4(0), { FAKE_WRITE, 0x2000, 4, 0 },
						  READ4(0), { FAKE_OFF } };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct gh_vm *first, *vm, *last;

		first = start(2, reads);
		vm = create(1);
		cr_assert_eq(gh_vm_add_device(vm, 0x2000, 16, &stopper, NULL), 0);
		f->vcpus[f->nr_vcpus - 1].steps = stops;
		cr_assert_eq(gh_vm_start(vm), 0);
		last = start(1, reads);
		victim = i ? last : first;
		cr_assert_eq(gh_runner_run(r), 0);
		cr_assert_null(victim);
		cr_assert_eq(gh_vm_result(vm)->end, GH_VM_END_OFF);
		cr_assert_eq(gh_vm_result(i ? first : last)->end, GH_VM_END_OFF);
		cr_assert_eq(gh_vm_result(i ? last : first)->end, GH_VM_END_STOPPED);
		cr_assert_eq(gh_vm_destroy(first) | gh_vm_destroy(vm) | gh_vm_destroy(last), 0);
	}
	cr_assert_eq(f->vcpus[0].nr_answers, 2, "not run again");
	cr_assert_eq(f->vcpus[7].nr_answers, 2);
}

Test(places, vcpu_is_removed)
{
	struct gh_vm *vm = start(2, reads);
	struct gh_vcpu *v = gh_vm_vcpu(vm, 0);

	start(1, reads);
	turn();
	turn();
	cr_assert_eq(gh_vcpu_remove(v), -EINPROGRESS);
	turn();
	cr_assert_not(gh_vcpu_present(v));
	cr_assert_eq(f->cancels, 0);
	expect_order("01201212");
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->vcpus[0].nr_answers, 1);
	cr_assert_eq(nr_ended, 2);
}

Test(places, vm_moves_with_its_answers)
{
	const struct gh_runner_config config = { .max_vcpus = 4, .backend = FIXTURE_BACKEND };
	struct gh_vm *vm = start(2, reads);
	struct gh_runner *other;

	cr_assert_eq(gh_runner_create_port(&config, &fake_port, f, &other, NULL), 0);
	dev.value = 0x77;
	turn();
	turn();
	cr_assert_eq(gh_vm_move(vm, other), 0);
	turn();
	turn();
	cr_assert_null(r->vms);
	dev.value = 0x78;
	cr_assert_eq(gh_runner_dispatch(other, 0), 0);
	cr_assert_eq(gh_runner_run(other), 0);
	cr_assert_eq(f->vcpus[1].nr_answers, 6);
	cr_assert_eq(f->vcpus[1].answers[1], 0x77);
	cr_assert_eq(f->vcpus[1].answers[2], 0x78);
	cr_assert_eq(gh_vm_destroy(vm) | gh_runner_destroy(other), 0);
}

/* All but one have gone: it has its answer, and goes on alone. */
Test(places, one_is_left)
{
	static const struct fake_step off[] = { READ4(0), READ4(0), { FAKE_OFF } };

	dev.value = 8;
	start(1, off);
	start(1, reads);
	cr_assert_eq(gh_runner_run(r), 0);
	expect_answers(0, 2, 8);
	expect_answers(1, 6, 8);
}

static int quit(void *device, struct gh_access *a)
{
	gh_runner_quit(r);
	return GH_ACCESS_DONE;
}

static const struct gh_device_ops quitter = { .name = "quit", .read = quit, .write = quit };

/* Where the runner has the thread to itself a turn is many batches, until somebody calls. */
Test(places, a_turn_is_many_batches)
{
	static const struct fake_step quits[] = { READ4(0), READ4(0), READ4(0), READ4(0),
						  { FAKE_WRITE, 0x2000, 4, 0 }, READ4(0),
						  READ4(0), { FAKE_OFF } };
	bool many = !(FIXTURE_NO_BATCH) && FIXTURE_BACKEND != GH_BACKEND_URING;
	struct gh_vm *vm = create(1);

	cr_assert_eq(gh_vm_add_device(vm, 0x2000, 16, &quitter, NULL), 0);
	f->vcpus[0].steps = quits;
	cr_assert_eq(gh_vm_start(vm), 0);
	start(1, reads);
	cr_assert_eq(gh_runner_run(r), 0);
	expect_order("0101010101");
	if (many)
		cr_assert_lt(stats().turns, 4);
	else
		cr_assert_eq(stats().turns, 5);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(nr_ended, 2);
	if (!(FIXTURE_NO_BATCH))
		cr_assert_eq(stats().batches, f->batches + f->batch_ioctls);
}

/* Not beyond a timer. */
static void on_fire(struct gh_timer *timer)
{
	gh_runner_quit(r);
}

Test(places, timer_ends_the_turn)
{
	struct gh_timer timer = { .deadline_ns = gh_now_ns() + 20000000000, .fire = on_fire };

	r->sched.batch_ns = 40000000000;
	start(1, reads);
	start(1, reads);
	cr_assert_eq(gh_timer_arm(r, &timer), 0);
	turn();
	cr_assert_eq(gh_turn(r, 0, UINT64_MAX), 0);
	if (!(FIXTURE_NO_BATCH))
		cr_assert_eq(f->deadline_ns, timer.deadline_ns);
	gh_timer_cancel(r, &timer);
	cr_assert_eq(gh_runner_run(r), 0);
}
