// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The guests, and the device each of their vCPUs talks to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gh-runner/testdev-regs.h>

#include "../tests/machine/guests/bench.h"
#include "bench.h"
#include "internal.h"

#define GUEST_MEMORY	(2u << 20)
/* The machine has room for so many VMs; more vCPUs make larger ones. */
#define MAX_VMS		256
#define COUNTER_HZ	62500000
#define MIN_TIMED	2048

/* What is not measured is kept out of what is: its registers on the stack, too. */
#define rare	__attribute__((noinline, cold))

static rare uint64_t parameter(const struct gh_bench_vcpu *v, uint64_t offset)
{
	const struct gh_bench *bench = v->bench;

	switch (offset) {
	case GH_TESTDEV_PARAM0:
		return v->active ? bench->workload->mode : bench->workload->rest_mode;
	case GH_TESTDEV_PARAM1:
		return bench->interval_ns;
	case GH_TESTDEV_NEXT:
		return bench->timing;
	default:
		return 0;
	}
}

/* As cheap as a device can be: what is measured is the way to it and back. */
uint64_t gh_bench_device_read(struct gh_bench_vcpu *v, uint64_t offset)
{
	if (offset != GH_TESTDEV_SCRATCH4)
		return parameter(v, offset);
	v->handled++;
	return 0;
}

/* The guest tells what two accesses took, how late it woke up, or that it heard its bell. */
static rare void take_latency(struct gh_bench_vcpu *v, uint64_t data)
{
	const uint64_t tick_ns = 1000000000 / COUNTER_HZ;
	struct gh_bench *bench = v->bench;

	if (bench->timing)
		gh_bench_hist_add(&bench->exit_hist, GUEST_BENCH_LATE(data) * tick_ns);
	if (GUEST_BENCH_EXIT(data))
		gh_bench_hist_add(&bench->exit_hist, GUEST_BENCH_EXIT(data) * tick_ns);
	if (bench->timing)
		return;
	if (bench->workload->bells)
		gh_bench_hist_add(&bench->wake_hist, gh_now_ns() - v->rung_ns);
	else
		gh_bench_hist_add(&bench->wake_hist, GUEST_BENCH_LATE(data) * tick_ns);
}

void gh_bench_device_write(struct gh_bench_vcpu *v, uint64_t offset, uint64_t data)
{
	struct gh_bench *bench = v->bench;

	v->handled++;
	if (offset != GH_TESTDEV_SCRATCH8)
		return;
	if (bench->timed)
		take_latency(v, data);
	if (bench->workload->bells && atomic_fetch_sub(&bench->unreported, 1) == 1)
		sem_post(&bench->reported);
}

uint64_t gh_bench_handled(const struct gh_bench *bench)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < bench->nr_active; i++)
		sum += bench->vcpus[i].handled;
	return sum;
}

bool gh_bench_times_accesses(const struct gh_bench *bench)
{
	return bench->workload->kind == GH_BENCH_EVENTS && !bench->workload->sleeps &&
	       !bench->backend->in_kernel;
}

static struct gh_bench_vcpu *accessor(void *device, const struct gh_access *access)
{
	struct gh_bench_vcpu *first = device;

	return &first[access->vcpu->index];
}

static int device_read(void *device, struct gh_access *access)
{
	access->data = gh_bench_device_read(accessor(device, access), access->offset);
	return GH_ACCESS_DONE;
}

static int device_write(void *device, struct gh_access *access)
{
	struct gh_bench_vcpu *v = accessor(device, access);

	/* What was posted came before. */
	if (v->bench->backend->posted)
		gh_bench_drain(v);
	gh_bench_device_write(v, access->offset, access->data);
	return GH_ACCESS_DONE;
}

static const struct gh_device_ops device_ops = {
	.name = "bench",
	.read = device_read,
	.write = device_write,
};

int gh_bench_access(struct gh_access *access, uint64_t addr)
{
	const struct gh_window *w = gh_bus_find(&access->vcpu->vm->bus, addr, access->len);

	if (!w)
		return -ENXIO;
	access->offset = addr - w->base;
	if (access->is_write)
		return w->ops->write(w->device, access);
	return w->ops->read(w->device, access);
}

static int create_vm(struct gh_bench *bench, unsigned int i, const void *image, size_t size)
{
	unsigned int first = i * bench->per_vm, n = bench->nr_vcpus - first, j;
	struct gh_vm_config config = {
		.memory_size = GUEST_MEMORY,
		.vcpus = n < bench->per_vm ? n : bench->per_vm,
		.image = image,
		.image_size = size,
	};
	char name[16];
	int ret;

	snprintf(name, sizeof(name), "b%u", i);
	config.name = name;
	ret = gh_vm_create(bench->runner, &config, &bench->vms[i]);
	if (ret)
		return ret;
	for (j = 0; j < config.vcpus; j++) {
		bench->vcpus[first + j].vcpu = gh_vm_vcpu(bench->vms[i], j);
		bench->vcpus[first + j].io = &bench->io[i];
	}
	ret = gh_vm_add_device(bench->vms[i], GH_BOARD_TESTDEV_BASE, GH_BOARD_TESTDEV_SIZE,
			       &device_ops, &bench->vcpus[first]);
	if (ret)
		return ret;
	return gh_bench_io_add(bench, &bench->io[i], bench->vms[i], &bench->vcpus[first]);
}

static int create_guests(struct gh_bench *bench, const void *image, size_t size)
{
	const struct gh_runner_config config = {
		.backend = bench->backend->runner,
		.max_vcpus = bench->nr_vcpus,
	};
	unsigned int i;
	int ret;

	/* Under KVM a VM has one vCPU. */
	if (!bench->per_vm)
		bench->per_vm = bench->backend->kvm ? 1 :
				(bench->nr_vcpus + MAX_VMS - 1) / MAX_VMS;
	bench->nr_vms = (bench->nr_vcpus + bench->per_vm - 1) / bench->per_vm;
	bench->io = calloc(bench->nr_vms, sizeof(*bench->io));
	if (!bench->io)
		return -ENOMEM;
	for (i = 0; i < bench->nr_vms; i++)
		bench->io[i] = (struct gh_bench_io) { .signal_fd = -1, .posted_fd = -1 };
	if (bench->backend->kvm)
		return gh_bench_kvm_create(bench, image, size);
	ret = gh_runner_create(&config, &bench->runner, NULL);
	if (ret)
		return ret;
	bench->vms = calloc(bench->nr_vms, sizeof(*bench->vms));
	if (!bench->vms)
		return -ENOMEM;
	for (i = 0; i < bench->nr_vms && !ret; i++)
		ret = create_vm(bench, i, image, size);
	return ret;
}

/*
 * Enough accesses for a p99.9, in groups that nothing disturbs. A ring of posted writes
 * is full once or more in a group.
 */
static uint64_t timing(const struct gh_bench *bench)
{
	const struct gh_bench_workload *w = bench->workload;
	uint64_t group = 16, groups;

	if (!gh_bench_times_accesses(bench))
		return 0;
	if (bench->backend->posted)
		group = bench->nr_active > MAX_VMS ? GUEST_BENCH_MAX_TIMED / 2 + 1 :
						     GUEST_BENCH_MAX_TIMED;
	else if (w->signals)
		group = GUEST_BENCH_GROUP;
	groups = (MIN_TIMED / bench->nr_active + group - 1) / group;
	return GUEST_BENCH_TIMING(groups * group, group);
}

int gh_bench_create(struct gh_bench *bench, const char *image_path)
{
	struct stat st;
	unsigned int i;
	void *image;
	int fd, ret;

	bench->vcpus = calloc(bench->nr_vcpus, sizeof(*bench->vcpus));
	if (!bench->vcpus)
		return -ENOMEM;
	bench->nr_active = bench->nr_vcpus * bench->workload->active_percent / 100;
	if (!bench->nr_active && bench->workload->kind != GH_BENCH_LIFE &&
	    bench->workload->kind != GH_BENCH_MEMORY)
		bench->nr_active = 1;
	bench->timing = timing(bench);
	for (i = 0; i < bench->nr_vcpus; i++)
		bench->vcpus[i] = (struct gh_bench_vcpu) {
			.bench = bench,
			.bell_fd = -1,
			.active = i < bench->nr_active,
		};
	fd = open(image_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		ret = -errno;
		goto out_close;
	}
	image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED) {
		ret = -errno;
		goto out_close;
	}
	ret = create_guests(bench, image, (size_t)st.st_size);
	munmap(image, (size_t)st.st_size);
out_close:
	close(fd);
	return ret;
}

int gh_bench_start(struct gh_bench *bench)
{
	unsigned int i;
	int ret = 0;

	/* A vCPU of KVM needs no start. */
	for (i = 0; bench->vms && i < bench->nr_vms && !ret; i++)
		ret = gh_vm_start(bench->vms[i]);
	return ret;
}

int gh_bench_stop(struct gh_bench *bench)
{
	unsigned int i;

	for (i = 0; bench->vms && i < bench->nr_vms; i++)
		if (bench->vms[i])
			gh_vm_stop(bench->vms[i]);
	return bench->runner ? gh_runner_run(bench->runner) : 0;
}

void gh_bench_destroy(struct gh_bench *bench)
{
	unsigned int i;

	gh_bench_io_remove(bench);
	gh_bench_kvm_destroy(bench);
	for (i = 0; bench->vms && i < bench->nr_vms; i++)
		if (bench->vms[i])
			gh_vm_destroy(bench->vms[i]);
	gh_runner_destroy(bench->runner);
	free(bench->vms);
	free(bench->io);
	free(bench->vcpus);
	bench->runner = NULL;
	bench->vms = NULL;
	bench->io = NULL;
	bench->vcpus = NULL;
}
