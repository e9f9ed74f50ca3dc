// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Devices that answer late, never or wrongly, behind a runner on the fake.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

#include <gh-runner/fault.h>
#include <gh-runner/filedev.h>
#include <gh-runner/power.h>

#include "fixture.h"

#define BASE		0x100000ULL
#define DELAY_NS	2000000

static struct gh_faultdev *fault;
static struct gh_filedev *file;

TestSuite(devices, .init = fixture_setup, .fini = fixture_teardown);

static struct gh_vm *start_with(const struct gh_device_ops *ops, void *device,
				const struct fake_step *steps)
{
	unsigned int first = f->nr_vcpus;
	struct gh_vm *vm = create(1);

	cr_assert_eq(gh_vm_add_device(vm, BASE, 0x1000, ops, device), 0);
	f->vcpus[first].steps = steps;
	cr_assert_eq(gh_vm_start(vm), 0);
	return vm;
}

static void start_fault(const struct fake_step *steps)
{
	cr_assert_eq(gh_faultdev_create(r, DELAY_NS, &fault), 0);
	start_with(&gh_faultdev_ops, fault, steps);
}

Test(devices, fault_answers_at_once_inside_and_too_wide)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, BASE + GH_FAULT_AT(GH_FAULT_NONE), 4 },
		{ FAKE_READ, BASE + GH_FAULT_AT(GH_FAULT_INSIDE), 4 },
		{ FAKE_READ, BASE + GH_FAULT_AT(GH_FAULT_WIDE), 2 },
		{ FAKE_READ, BASE + GH_FAULT_AT(GH_FAULT_ERROR), 8 },
		{ FAKE_END },
	};
	unsigned int i;

	start_fault(steps);
	for (i = 0; i < 6; i++)
		turn();
	cr_assert_eq(f->vcpus[0].nr_answers, 4);
	cr_assert_eq(f->vcpus[0].answers[0], GH_FAULT_VALUE);
	cr_assert_eq(f->vcpus[0].answers[1], GH_FAULT_VALUE);
	cr_assert_eq(f->vcpus[0].answers[2], 0xffff);
	cr_assert_eq(f->vcpus[0].answers[3], 0);
	cr_assert_eq(stats().device_errors, 1);
	cr_assert_eq(stats().answering, 0);
}

Test(devices, fault_answers_late)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, BASE + GH_FAULT_AT(GH_FAULT_LATE), 4 }, { FAKE_END },
	};

	start_fault(steps);
	turn();
	cr_assert_eq(stats().answering, 1);
	cr_assert_eq(stats().deferred, 1);
	turn();
	cr_assert_eq(f->vcpus[0].nr_answers, 0);
	usleep(DELAY_NS / 1000);
	turn();
	turn();
	cr_assert_eq(f->vcpus[0].nr_answers, 1);
	cr_assert_eq(f->vcpus[0].answers[0], GH_FAULT_VALUE);
	cr_assert_eq(stats().answering, 0);
}

/* fixture_teardown() shows that the VM can be stopped and taken away. */
Test(devices, fault_never_answers)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, BASE + GH_FAULT_AT(GH_FAULT_NEVER), 4 }, { FAKE_END },
	};

	start_fault(steps);
	turn();
	turn();
	cr_assert_eq(stats().answering, 1);
	cr_assert_eq(f->vcpus[0].runs, 1);
}

Test(devices, vm_goes_while_an_answer_is_due)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, BASE + GH_FAULT_AT(GH_FAULT_LATE), 4 }, { FAKE_END },
	};

	start_fault(steps);
	turn();
	gh_vm_stop(r->vms);
	turn();
	cr_assert_eq(gh_vm_destroy(r->vms), 0);
	usleep(DELAY_NS / 1000);
	turn();
	cr_assert_null(r->timers);
}

/* ---- file ------------------------------------------------------------------------- */

static struct gh_vm *start_file(const struct fake_step *steps)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(gh_filedev_create(r, fd, &file), 0);
	close(fd);
	return start_with(&gh_filedev_ops, file, steps);
}

Test(devices, file_is_read_through_the_ring)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, BASE + GH_FILEDEV_DATA, 8 },
		{ FAKE_WRITE, BASE + GH_FILEDEV_REG_SECTOR, 8, 3 },
		{ FAKE_READ, BASE + GH_FILEDEV_REG_SECTOR, 8 },
		{ FAKE_READ, BASE + GH_FILEDEV_DATA_END - 1, 2 },
		{ FAKE_WRITE, BASE + GH_FILEDEV_REG_SECTOR, 8, UINT64_MAX },
		{ FAKE_READ, BASE + GH_FILEDEV_REG_SECTOR, 8 },
		{ FAKE_END },
	};
	unsigned int i;

	start_file(steps);
	turn();
	cr_assert_eq(stats().deferred, 1);
	cr_assert_eq(gh_filedev_destroy(file), -EBUSY);
	for (i = 0; i < 8; i++)
		turn();
	cr_assert_eq(stats().answering, 0);
	cr_assert_eq(f->vcpus[0].nr_answers, 4);
	cr_assert_eq(f->vcpus[0].answers[1], 3);
	cr_assert_eq(f->vcpus[0].answers[3], 3, "a sector that is no file offset is refused");
	cr_assert_eq(stats().device_errors, 2);
	gh_vm_stop(r->vms);
	for (i = 0; i < 3; i++)
		turn();
	cr_assert_eq(gh_vm_destroy(r->vms), 0);
	cr_assert_eq(gh_filedev_destroy(file), 0);
}

Test(devices, vm_goes_while_the_file_is_read)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, BASE + GH_FILEDEV_DATA, 8 }, { FAKE_END },
	};
	struct gh_vm *vm = start_file(steps);

	turn();
	gh_vm_stop(vm);
	cr_assert_eq(gh_runner_dispatch(r, 0), 0);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(gh_vm_destroy(vm), 0);
	cr_assert_eq(gh_filedev_destroy(file), -EBUSY);
	turn();
	cr_assert_eq(gh_filedev_destroy(file), 0);
}

/* ---- power ------------------------------------------------------------------------- */

static enum gh_power_request asked;

static void on_request(void *opaque, struct gh_vm *vm, enum gh_power_request request)
{
	cr_assert_eq(opaque, &asked);
	asked = request;
	if (request == GH_POWER_OFF)
		gh_vm_stop(vm);
}

Test(devices, power)
{
	static const struct fake_step steps[] = {
		{ FAKE_READ, BASE, 4 },
		{ FAKE_WRITE, BASE, 4, 1 },
		{ FAKE_WRITE, BASE + 4, 4, GH_POWER_OFF },
		{ FAKE_WRITE, BASE, 4, GH_POWER_RESET },
		{ FAKE_WRITE, BASE, 4, GH_POWER_OFF },
		{ FAKE_END },
	};
	struct gh_power power = { .request = on_request, .opaque = &asked };
	struct gh_vm *vm = start_with(&gh_power_ops, &power, steps);
	unsigned int i;

	for (i = 0; i < 3; i++)
		turn();
	cr_assert_eq(asked, 0);
	cr_assert_eq(stats().device_errors, 2);
	turn();
	cr_assert_eq(asked, GH_POWER_RESET);
	cr_assert_eq(nr_ended, 0);
	turn();
	cr_assert_eq(asked, GH_POWER_OFF);
	cr_assert_eq(nr_ended, 1);
	cr_assert_eq(gh_vm_result(vm)->end, GH_VM_END_STOPPED);
}
