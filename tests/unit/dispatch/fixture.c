// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>

#include "fixture.h"

struct fake *f;
struct gh_runner *r;
struct gh_vm_result ended[FAKE_VCPUS];
struct gh_error_info error_at_end;
enum gh_vm_end status_ends[FAKE_VCPUS];
struct gh_access unclaimed;
unsigned int nr_ended, nr_unclaimed, nr_status, nr_moved, idle_count;
struct gh_runner *moved_to;
struct device dev;

static void on_ended(void *opaque, struct gh_vm *vm, const struct gh_vm_result *result)
{
	struct gh_runner *mine = gh_vm_runner(vm);

	cr_assert_eq(opaque, f);
	error_at_end = *gh_runner_last_error(mine);
	cr_assert_eq(gh_vm_destroy(vm), -EBUSY, "not from a callback");
	cr_assert_eq(gh_runner_dispatch(mine, 0), -EBUSY, "no recursion");
	cr_assert_eq(gh_runner_prepare(mine), -EBUSY);
	cr_assert_eq(gh_runner_run(mine), -EBUSY);
	ended[nr_ended++] = *result;
}

static int on_access(void *opaque, struct gh_access *access)
{
	cr_assert_eq(opaque, f);
	unclaimed = *access;
	nr_unclaimed++;
	return GH_ACCESS_DONE;
}

static void on_status(void *opaque, struct gh_vcpu *vcpu, const struct gh_vm_result *result)
{
	cr_assert_eq(opaque, f);
	status_ends[nr_status++ % FAKE_VCPUS] = result->end;
}

static void on_moved(void *opaque, struct gh_vm *vm, struct gh_runner *runner)
{
	cr_assert_eq(opaque, f);
	cr_assert_eq(gh_vm_runner(vm), runner);
	moved_to = runner;
	nr_moved++;
}

static const struct gh_vm_events events = {
	.ended = on_ended, .access = on_access, .status = on_status, .moved = on_moved,
};

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

static int dev_move(void *device, struct gh_runner *runner)
{
	struct device *d = device;

	if (d->refuses)
		return -EBUSY;
	d->moves++;
	d->runner = runner;
	return 0;
}

static void dev_release(void *device)
{
	((struct device *)device)->released++;
}

const struct gh_device_ops dev_ops = {
	.name = "dev",
	.read = dev_read,
	.write = dev_write,
	.release = dev_release,
	.move = dev_move,
};

void fixture_setup(void)
{
	const struct gh_runner_config config = {
		.max_vcpus = 16, .batch = 8, .backend = FIXTURE_BACKEND,
	};

	f = malloc(sizeof(*f));
	fake_init(f);
	f->no_batch = FIXTURE_NO_BATCH;
	f->no_board = !FIXTURE_BOARD;
	memset(&dev, 0, sizeof(dev));
	nr_ended = 0;
	nr_unclaimed = 0;
	nr_status = 0;
	nr_moved = 0;
	moved_to = NULL;
	cr_assert_eq(gh_runner_create_port(&config, &fake_port, f, &r, NULL), 0);
	r->board.least = 1;
}

void fixture_teardown(void)
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

struct gh_vm_config vm_config(unsigned int vcpus)
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

struct gh_vm *create(unsigned int vcpus)
{
	const struct gh_vm_config config = vm_config(vcpus);
	struct gh_vm *vm;

	cr_assert_eq(gh_vm_create(r, &config, &vm), 0);
	cr_assert_eq(gh_vm_add_device(vm, 0x1000, 0x100, &dev_ops, &dev), 0);
	return vm;
}

struct gh_vm *start(unsigned int vcpus, const struct fake_step *steps)
{
	unsigned int i, first = f->nr_vcpus;
	struct gh_vm *vm = create(vcpus);

	for (i = first; i < f->nr_vcpus; i++)
		f->vcpus[i].steps = steps;
	cr_assert_eq(gh_vm_start(vm), 0);
	return vm;
}

void without_board(void)
{
	r->board.least = UINT_MAX;
}

struct gh_stats stats(void)
{
	struct gh_stats s;

	gh_runner_stats(r, &s);
	return s;
}

void turn(void)
{
	cr_assert_eq(gh_runner_prepare(r), 0);
	cr_assert_geq(gh_runner_dispatch(r, 0), 0);
}

bool wake_all(struct fake *fake)
{
	unsigned int i;

	idle_count++;
	for (i = 0; i < fake->nr_vcpus; i++)
		if (fake_sleeps(&fake->vcpus[i]))
			fake_wake(fake, i);
	return true;
}
