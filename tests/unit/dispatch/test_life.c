// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Lives of VMs: how they end, how they are stopped, and what cannot be created.
 */
#include <criterion/criterion.h>
#include <unistd.h>

#include "fixture.h"

TestSuite(life, .init = fixture_setup, .fini = fixture_teardown);

Test(life, smp_ends_when_all_vcpus_have)
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

Test(life, crash_takes_the_others_out)
{
	static const struct fake_step crash[] = { { FAKE_PREEMPTED }, { FAKE_CRASH } };
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *vm = create(2);

	f->vcpus[0].steps = crash;
	f->vcpus[1].steps = forever;
	cr_assert_eq(gh_vm_start(vm), 0);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->cancels, !FIXTURE_BOARD);
	cr_assert_eq(ended[0].end, GH_VM_END_CRASHED);
	cr_assert_eq(ended[0].exit_type, 5);
}

Test(life, error_of_one_vcpu_ends_the_vm)
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

/* AUTO has chosen by then, and does not choose again. */
Test(life, driver_without_commands)
{
	static const struct fake_step error[] = { { FAKE_ERROR, .data = (uint64_t)-EOPNOTSUPP } };

	start(1, error);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(ended[0].end, GH_VM_END_ERROR);
	cr_assert_eq(ended[0].error, -EOPNOTSUPP);
	cr_assert_not_null(strstr(error_at_end.hint, "GH_BACKEND_THREADS"));
}

/* Somebody else's CANCEL: the vCPU is as runnable as before, the answer is kept. */
Test(life, foreign_cancel_is_not_the_end)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, 0x1000, 8, 0 }, { FAKE_ERROR, .data = (uint64_t)-ECANCELED },
		{ FAKE_OFF },
	};

	dev.value = 0x77;
	start(1, steps);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(ended[0].end, GH_VM_END_OFF);
	cr_assert_eq(stats().canceled, 1);
	cr_assert_eq(f->vcpus[0].answers[0], 0x77);
}

Test(life, stop_in_every_state)
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
	while (!stats().answering)
		cr_assert_eq(gh_runner_dispatch(r, 1), 1);
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

Test(life, stop_before_the_first_turn)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *vm = start(2, forever);

	cr_assert_eq(gh_vm_stop(vm), 0);
	cr_assert_eq(gh_runner_run(r), 0);
	cr_assert_eq(f->vcpus[0].runs + f->vcpus[1].runs, 0);
	cr_assert_eq(ended[0].end, GH_VM_END_STOPPED);
}

/* The command comes back by itself before its CANCEL was submitted. */
Test(life, stop_meets_a_wake_up)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	struct gh_vm *vm = start(1, forever);

	without_board();
	turn();
	turn();
	fake_wake(f, 0);
	cr_assert_eq(gh_vm_stop(vm), 0);
	cr_assert_eq(r->cancels_wanted, 1);
	cr_assert_eq(gh_runner_dispatch(r, 0), 1);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(gh_vm_destroy(vm), 0);
	cr_assert_eq(r->cancels_wanted, 0);
	turn();
	cr_assert_eq(f->cancels, 0);
}

Test(life, slots_are_used_again)
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

Test(life, every_failing_call_unwinds)
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
		/* The board is the runner's. */
		cr_assert_eq(f->open_fds, f->board ? 1 : 0);
		cr_assert_null(r->vms);
	}
	f->fail_ioctl = 0;
}

Test(life, bad_configurations)
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

/* A handler may interrupt whatever looks at errno. */
Test(life, errno_survives_what_a_signal_handler_may_call)
{
	static const struct fake_step forever[] = { { FAKE_END } };
	const uint64_t most = UINT64_MAX - 1;
	struct gh_vm *vm = create(1);
	struct gh_irq *irq;

	cr_assert_eq(gh_irq_create(vm, &irq), 0);
	f->vcpus[0].steps = forever;
	cr_assert_eq(gh_vm_start(vm), 0);
	errno = 0;
	cr_assert_eq(gh_vcpu_kick(gh_vm_vcpu(vm, 0)), 0);
	cr_assert_eq(f->kicks, 1);
	cr_assert_eq(errno, 0);
	/* Its counter is full. */
	cr_assert_eq(write(irq->fd, &most, sizeof(most)), sizeof(most));
	gh_irq_raise(irq);
	cr_assert_eq(errno, 0);
	gh_runner_quit(r);
	cr_assert_eq(errno, 0);
}

Test(life, bad_windows)
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
