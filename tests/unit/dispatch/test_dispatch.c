// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The runner against a fake driver and a fake ring.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake.h"

static struct fake *f;
static struct gh_runner *r;
static struct gh_vm_result ended[FAKE_VCPUS];
static struct gh_error_info error_at_end;
static unsigned int nr_ended, nr_unclaimed;

static void on_ended(void *opaque, struct gh_vm *vm, const struct gh_vm_result *result)
{
	cr_assert_eq(opaque, f);
	error_at_end = *gh_runner_last_error(r);
	cr_assert_eq(gh_vm_destroy(vm), -EBUSY, "not from a callback");
	cr_assert_eq(gh_runner_dispatch(r, 0), -EBUSY, "no recursion");
	cr_assert_eq(gh_runner_prepare(r), -EBUSY);
	cr_assert_eq(gh_runner_run(r), -EBUSY);
	ended[nr_ended++] = *result;
}

static void on_unclaimed(void *opaque, struct gh_vcpu *vcpu, uint64_t addr, uint32_t len,
			 bool is_write)
{
	nr_unclaimed++;
}

static const struct gh_vm_events events = { .ended = on_ended, .unclaimed = on_unclaimed };

/* A device that keeps what it saw, and answers as told. */
struct device {
	int answer;
	uint64_t value;
	struct gh_access *last;
	struct gh_access seen[8];
	unsigned int reads, writes, released;
};

static struct device dev;

static int dev_read(void *device, struct gh_access *a)
{
	struct device *d = device;

	d->seen[d->reads++ % 8] = *a;
	d->last = a;
	a->data = d->value;
	return d->answer;
}

static int dev_write(void *device, struct gh_access *a)
{
	struct device *d = device;

	d->seen[d->writes++ % 8] = *a;
	d->last = a;
	return d->answer;
}

static void dev_release(void *device)
{
	((struct device *)device)->released++;
}

static const struct gh_device_ops dev_ops = {
	.name = "dev",
	.read = dev_read,
	.write = dev_write,
	.release = dev_release,
};

static void setup(void)
{
	const struct gh_runner_config config = { .max_vcpus = 16, .batch = 8 };

	f = malloc(sizeof(*f));
	fake_init(f);
	memset(&dev, 0, sizeof(dev));
	nr_ended = 0;
	nr_unclaimed = 0;
	cr_assert_eq(gh_runner_create_port(&config, &fake_port, f, &r, NULL), 0);
}

static void teardown(void)
{
	while (r->vms) {
		gh_vm_stop(r->vms);
		while (r->vms->state != GH_VM_NEW && r->vms->state != GH_VM_ENDED)
			cr_assert_eq(gh_runner_prepare(r) | (gh_runner_dispatch(r, 0) < 0), 0);
		gh_runner_dispatch(r, 0);
		cr_assert_eq(gh_vm_destroy(r->vms), 0);
	}
	cr_assert_eq(gh_runner_destroy(r), 0);
	cr_assert_eq(f->open_fds, 0);
	free(f);
}

TestSuite(dispatch, .init = setup, .fini = teardown);

static struct gh_vm_config vm_config(unsigned int vcpus)
{
	return (struct gh_vm_config) {
		.name = "vm",
		.memory_size = 2 << 20,
		.vcpus = vcpus,
		.image = "code",
		.image_size = 4,
		.events = &events,
		.opaque = f,
	};
}

static struct gh_vm *create(unsigned int vcpus)
{
	const struct gh_vm_config config = vm_config(vcpus);
	struct gh_vm *vm;

	cr_assert_eq(gh_vm_create(r, &config, &vm), 0);
	cr_assert_eq(gh_vm_add_device(vm, 0x1000, 0x100, &dev_ops, &dev), 0);
	return vm;
}

static struct gh_vm *start(unsigned int vcpus, const struct fake_step *steps)
{
	unsigned int i, first = f->nr_vcpus;
	struct gh_vm *vm = create(vcpus);

	for (i = first; i < f->nr_vcpus; i++)
		f->vcpus[i].steps = steps;
	cr_assert_eq(gh_vm_start(vm), 0);
	return vm;
}

static struct gh_stats stats(void)
{
	struct gh_stats s;

	gh_runner_stats(r, &s);
	return s;
}

static void turn(void)
{
	cr_assert_eq(gh_runner_prepare(r), 0);
	cr_assert_geq(gh_runner_dispatch(r, 0), 0);
}

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

static unsigned int idle_count;

static bool wake_all(struct fake *fake)
{
	unsigned int i;

	idle_count++;
	for (i = 0; i < fake->nr_vcpus; i++)
		if (fake->vcpus[i].parked)
			fake_wake(fake, i);
	return true;
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
	unsigned int i;

	/* The batch's time is over at once, and a slice is longer: one ran. */
	r->sched.batch_ns = 1;
	r->sched.slice_ns = UINT32_MAX;
	f->skip_after = 1;
	for (i = 0; i < 3; i++)
		start(1, steps);
	for (i = 0; i < 6; i++)
		turn();
	for (i = 0; i < 6; i++)
		cr_assert_eq(f->order[i], i % 3);
	cr_assert_eq(stats().late, 6);
	f->skip_after = 0;
}

Test(dispatch, smp_ends_when_all_vcpus_have)
{
	static const struct fake_step off[] = { { FAKE_OFF } };
	static const struct fake_step later[] = { { FAKE_PARK }, { FAKE_OFF } };
	struct gh_vm *vm = create(3);

	f->vcpus[0].steps = off;
	f->vcpus[1].steps = later;
	f->vcpus[2].steps = later;
	cr_assert_eq(gh_vm_start(vm), 0);
	turn();
	cr_assert_eq(nr_ended, 0);
	cr_assert_eq(gh_vm_destroy(vm), -EBUSY);
	f->on_idle = wake_all;
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(f->cancels, 0);
	cr_assert_eq(gh_vm_result(vm)->end, GH_VM_END_OFF);
}

Test(dispatch, crash_takes_the_others_out)
{
	static const struct fake_step crash[] = { { FAKE_PREEMPTED }, { FAKE_CRASH } };
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *vm = create(2);

	f->vcpus[0].steps = crash;
	f->vcpus[1].steps = forever;
	cr_assert_eq(gh_vm_start(vm), 0);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->cancels, 1);
	cr_assert_eq(ended[0].end, GH_VM_END_CRASHED);
	cr_assert_eq(ended[0].exit_type, 5);
}

Test(dispatch, error_of_one_vcpu_ends_the_vm)
{
	static const struct fake_step error[] = { { FAKE_ERROR, .data = (uint64_t)-EBUSY } };
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *vm = create(2);

	f->vcpus[0].steps = forever;
	f->vcpus[1].steps = error;
	cr_assert_eq(gh_vm_start(vm), 0);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(ended[0].end, GH_VM_END_ERROR);
	cr_assert_eq(ended[0].error, -EBUSY);
	cr_assert_eq(stats().errors, 1);
	cr_assert_eq(error_at_end.error, -EBUSY);
	cr_assert_eq(error_at_end.vcpu, 1);
	cr_assert_str_eq(error_at_end.vm, "vm");
}

/* Somebody else's CANCEL: the vCPU is as runnable as before, the answer is kept. */
Test(dispatch, foreign_cancel_is_not_the_end)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, 0x1000, 8, 0 }, { FAKE_ERROR, .data = (uint64_t)-ECANCELED },
		{ FAKE_OFF },
	};

	start(1, steps);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(ended[0].end, GH_VM_END_OFF);
	cr_assert_eq(stats().canceled, 1);
}

Test(dispatch, stop_in_every_state)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	static const struct fake_step spin[] = { { FAKE_PREEMPTED }, { FAKE_PREEMPTED },
						 { FAKE_PREEMPTED }, { FAKE_END } };
	static const struct fake_step read[] = { { FAKE_READ, 0x1000, 8, 0 }, { FAKE_END } };
	struct gh_vm *vm;

	vm = create(4);
	f->vcpus[0].steps = forever;
	f->vcpus[1].steps = spin;
	f->vcpus[2].steps = read;
	f->vcpus[3].steps = read;
	dev.answer = GH_ACCESS_DEFERRED;
	cr_assert_eq(gh_vm_stop(vm), -EINVAL, "not started");
	cr_assert_eq(gh_vm_start(vm), 0);
	/* 0 parked, 1 in the run queue, 2 at its device, 3 reaped and not looked at. */
	cr_assert_eq(gh_runner_prepare(r), 0);
	cr_assert_eq(gh_runner_dispatch(r, 1), 1);
	cr_assert_eq(stats().answering, 1);
	cr_assert_eq(gh_vm_stop(vm), 0);
	cr_assert_eq(gh_vm_stop(vm), 0, "again is fine");
	cr_assert_eq(gh_vm_destroy(vm), -EBUSY);
	cr_assert_eq(nr_ended, 0);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(ended[0].end, GH_VM_END_STOPPED);
	cr_assert_eq(dev.reads, 1, "no device is asked for a stopped VM");
	gh_access_complete(dev.last);
	cr_assert_eq(gh_vm_destroy(vm), 0);
}

Test(dispatch, stop_before_the_first_turn)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *vm = start(2, forever);

	cr_assert_eq(gh_vm_stop(vm), 0);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->vcpus[0].runs + f->vcpus[1].runs, 0);
	cr_assert_eq(ended[0].end, GH_VM_END_STOPPED);
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
	cr_assert_gt(stats().sq_full, 0);
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

Test(dispatch, batch_bounds_a_turn)
{
	static const struct fake_step forever[] = { { FAKE_END } };

	start(8, forever);
	start(4, forever);
	turn();
	cr_assert_eq(stats().submitted, 8);
	turn();
	cr_assert_eq(stats().submitted, 12);
}

Test(dispatch, idle_embedding_makes_no_system_calls)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	unsigned int enters;

	start(1, forever);
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

Test(dispatch, slots_are_used_again)
{
	static const struct fake_step off[] = { { FAKE_OFF } };
	const struct gh_vm_config config = vm_config(8);
	struct gh_vm *a, *b, *c;
	uint32_t slot, generation;

	a = start(8, off);
	b = start(8, off);
	cr_assert_eq(gh_vm_create(r, &config, &c), -ENOSPC);
	cr_assert_null(c);
	cr_assert_neq(gh_runner_last_error(r)->hint[0], '\0');
	cr_assert_eq(gh_runner_run(r), 0);
	slot = gh_vm_vcpu(a, 0)->slot;
	generation = gh_vm_vcpu(a, 0)->generation;
	cr_assert_eq(gh_vm_destroy(a), 0);
	a = start(8, off);
	cr_assert_eq(gh_vm_vcpu(a, 0)->slot, slot);
	cr_assert_neq(gh_vm_vcpu(a, 0)->generation, generation);
	cr_assert_eq(gh_vm_destroy(b), 0);
	cr_assert_eq(gh_runner_run(r), 0);
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

Test(dispatch, quit_ends_run)
{
	static const struct fake_step spin[] = { { FAKE_END } };

	start(1, spin);
	gh_runner_quit(r);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->vcpus[0].runs, 0);
}

/* ---- creating: every failure unwinds and says what ------------------------------- */

Test(dispatch, every_failing_call_unwinds)
{
	static const unsigned long requests[] = {
		GH_CREATE_VM, GH_VM_ADD_FUNCTION, GH_VM_SET_USER_MEM_REGION, GH_VM_SET_DTB_CONFIG,
		GH_VM_START,
	};
	const struct gh_vm_config config = vm_config(2);
	struct gh_vm *vm;
	unsigned int i;
	int ret;

	for (i = 0; i < 5; i++) {
		f->fail_ioctl = requests[i];
		f->fail_error = -EPERM;
		ret = gh_vm_create(r, &config, &vm);
		if (!ret) {
			ret = gh_vm_start(vm);
			cr_assert_eq(gh_vm_start(vm), -EBUSY, "a VM starts once");
			gh_runner_last_error(r);
			cr_assert_eq(gh_vm_destroy(vm), 0);
		}
		cr_assert_eq(ret, -EPERM);
		cr_assert_eq(f->open_fds, 0);
		cr_assert_null(r->vms);
	}
	f->fail_ioctl = 0;
}

Test(dispatch, bad_configurations)
{
	struct gh_vm_config c;
	struct gh_vm *vm;

#define REFUSED(field, value, error)				\
	do {							\
		c = vm_config(1);				\
		c.field = value;				\
		cr_assert_eq(gh_vm_create(r, &c, &vm), error);	\
		cr_assert_neq(gh_runner_last_error(r)->hint[0], '\0'); \
		cr_assert_null(vm);				\
	} while (0)

	REFUSED(name, NULL, -EINVAL);
	REFUSED(name, "", -EINVAL);
	REFUSED(name, "a name of thirty-two characters!", -EINVAL);
	REFUSED(memory_size, 0, -EINVAL);
	REFUSED(memory_size, 4096, -EINVAL);
	REFUSED(memory_size, UINT64_MAX - (2 << 20) + 1, -EINVAL);
	REFUSED(vcpus, 0, -EINVAL);
	REFUSED(vcpus, 9, -EINVAL);
	REFUSED(image, NULL, -EINVAL);
	REFUSED(image_size, 0, -ENOEXEC);
}

Test(dispatch, bad_windows)
{
	struct gh_vm *vm = create(1);

	cr_assert_eq(gh_vm_add_device(vm, 0x10ff, 1, &dev_ops, &dev), -EEXIST);
	cr_assert_eq(gh_vm_add_device(vm, 0x2000, 0, &dev_ops, &dev), -EINVAL);
	cr_assert_eq(gh_vm_add_device(vm, 0x40000000, 1, &dev_ops, &dev), -EINVAL);
	cr_assert_eq(gh_vm_add_device(vm, 0x3fffffff, 2, &dev_ops, &dev), -EINVAL);
	cr_assert_eq(gh_vm_add_device(vm, 0x2000, UINT64_MAX, &dev_ops, &dev), -EINVAL);
	cr_assert_eq(gh_vm_add_device(vm, 0x3ffb0000, 16, &dev_ops, &dev), -EEXIST, "GICR");
	cr_assert_eq(gh_vm_add_device(vm, 0x3fffffff, 1, &dev_ops, &dev), -EEXIST, "GICD");
	cr_assert_eq(gh_vm_add_device(vm, 0x2000, 1, NULL, &dev), -EINVAL);
	f->vcpus[0].steps = (const struct fake_step[]){ { FAKE_OFF } };
	cr_assert_eq(gh_vm_start(vm), 0);
	cr_assert_eq(gh_vm_add_device(vm, 0x2000, 1, &dev_ops, &dev), -EBUSY);
	cr_assert_eq(gh_runner_destroy(r), -EBUSY);
	cr_assert_eq(gh_runner_run(r), 0);
}
