// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * VMs that a group shares out while another thread stops them: on both sides, between
 * them, and held back. The driver here is for several threads: a run is always over at
 * once, and each runner has a queue of its own.
 */
#include <criterion/criterion.h>
#include <gh-runner/group.h>
#include <unistd.h>

#include "lib/internal.h"

#define MEMBERS	3
#define VMS	6
#define ROUNDS	60
#define SQES	64

struct queue {
	struct io_uring_sqe sqes[SQES];
	unsigned int nr;
	uint64_t done[SQES];
	int res[SQES];
	unsigned int nr_done;
};

static struct queue queues[MEMBERS];
static struct gh_vcpu_run pages[VMS];
static atomic_int fds = 1000;
static atomic_uint nr_ended, nr_moved, nr_wrong;
static struct gh_vm *vms[VMS];

static int some_fd(void *ctx)
{
	return atomic_fetch_add(&fds, 1);
}

static int some_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	return request == GH_CREATE_VM || request == GH_VM_ADD_FUNCTION ? some_fd(ctx) : 0;
}

static int some_close(void *ctx, int fd)
{
	return 0;
}

static int some_map(void *ctx, int fd, size_t *size, struct gh_vcpu_run **run)
{
	*size = sizeof(pages[0]);
	*run = &pages[fd % VMS];
	return 0;
}

static void some_unmap(void *ctx, struct gh_vcpu_run *run, size_t size)
{
}

static struct io_uring_sqe *some_sqe(void *ctx)
{
	struct queue *q = ctx;

	return q->nr < SQES ? &q->sqes[q->nr++] : NULL;
}

static int some_enter(void *ctx, unsigned int wait_nr, uint64_t timeout_ns)
{
	struct queue *q = ctx;
	unsigned int i;

	for (i = 0; i < q->nr; i++) {
		bool run = q->sqes[i].cmd_op == GH_VCPU_RUN;

		q->done[q->nr_done] = q->sqes[i].user_data;
		q->res[q->nr_done++] = run ? GH_URING_EXIT_PREEMPTED : 0;
	}
	if (wait_nr && !q->nr)
		usleep(50);
	q->nr = 0;
	return 0;
}

static int some_reap(void *ctx, gh_reap_fn *fn, void *arg)
{
	struct queue *q = ctx;
	unsigned int i, nr = q->nr_done;

	q->nr_done = 0;
	for (i = 0; i < nr; i++) {
		const struct io_uring_cqe cqe = { .user_data = q->done[i], .res = q->res[i] };

		fn(arg, &cqe);
	}
	return (int)nr;
}

static int no_files(void *ctx, unsigned int slot, int fd)
{
	return -EOPNOTSUPP;
}

static const struct gh_port_ops port = {
	.open = some_fd, .ioctl = some_ioctl, .close = some_close, .map_run = some_map,
	.unmap_run = some_unmap, .get_sqe = some_sqe, .enter = some_enter, .reap = some_reap,
	.set_file = no_files,
};

static void on_ended(void *opaque, struct gh_vm *vm, const struct gh_vm_result *result)
{
	nr_wrong += result->end != GH_VM_END_STOPPED;
	nr_wrong += !pthread_equal(gh_vm_runner(vm)->thread, pthread_self());
	nr_ended++;
}

static void on_moved(void *opaque, struct gh_vm *vm, struct gh_runner *runner)
{
	nr_wrong += gh_vm_runner(vm) != runner;
	nr_moved++;
}

static int use_port(struct gh_runner *runner, void *arg)
{
	runner->ops = &port;
	runner->ctx = arg;
	return 0;
}

static int start_vms(struct gh_runner *runner, void *arg)
{
	static const struct gh_vm_events events = { .ended = on_ended, .moved = on_moved };
	const struct gh_vm_config config = {
		.name = "vm", .memory_size = 2 << 20, .vcpus = 1, .image = "code",
		.image_size = 4, .events = &events,
	};
	unsigned int i;

	for (i = 0; i < VMS; i++)
		if (gh_vm_create(runner, &config, &vms[i]) || gh_vm_start(vms[i]))
			return -1;
	return 0;
}

static int destroy_mine(struct gh_runner *runner, void *arg)
{
	unsigned int i;

	for (i = 0; i < VMS; i++)
		if (vms[i] && gh_vm_runner(vms[i]) == runner && !gh_vm_destroy(vms[i]))
			vms[i] = NULL;
	return runner->running_vms || atomic_load(&runner->slots_used);
}

Test(moves, meet_stops, .timeout = 60)
{
	const struct gh_group_config config = {
		.runner = { .backend = GH_BACKEND_THREADS, .max_vcpus = VMS },
		.cpus = MEMBERS, .balance_ns = 300000,
	};
	struct gh_group *group;
	unsigned int i, round;

	cr_assert_eq(gh_group_create(&config, &group, NULL), 0);
	for (i = 0; i < MEMBERS; i++)
		cr_assert_eq(gh_group_call(group, i, use_port, &queues[i]), 0);
	for (round = 0; round < ROUNDS; round++) {
		nr_ended = 0;
		cr_assert_eq(gh_group_call(group, round % MEMBERS, start_vms, NULL), 0);
		usleep(round * 50);
		for (i = 0; i < VMS; i++)
			cr_assert_eq(gh_vm_stop(vms[i]), 0);
		while (nr_ended < VMS)
			usleep(100);
		for (i = 0; i < MEMBERS; i++)
			cr_assert_eq(gh_group_call(group, i, destroy_mine, NULL), 0);
		for (i = 0; i < VMS; i++)
			cr_assert_null(vms[i]);
	}
	cr_assert_eq(nr_wrong, 0);
	cr_assert_gt(nr_moved, 0, "there was nothing to meet");
	cr_log_info("%u moves", nr_moved);
	cr_assert_eq(gh_group_destroy(group), 0);
}
