// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The same guests under KVM: memory, interrupt controller and device where Gunyah
 * guests have them, one vCPU a VM.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gh-runner/testdev-regs.h>

#include "bench.h"

#define MEMORY_SIZE	(2u << 20)
#define CORE_REG(name)	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
			 KVM_REG_ARM_CORE_REG(name))

struct kvm_guest {
	int vm_fd;
	int gic_fd;
	int vcpu_fd;
	void *memory;
	struct kvm_run *run;
};

struct kvm_guests {
	int kvm_fd;
	int run_size;
	struct kvm_guest guest[];
};

static int set_attr(int fd, uint32_t group, uint64_t attr, const void *value)
{
	struct kvm_device_attr a = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)value,
	};

	return ioctl(fd, KVM_SET_DEVICE_ATTR, &a) < 0 ? -errno : 0;
}

/* The controller wants the vCPU to exist before it is initialised. */
static int add_gic(struct kvm_guest *g)
{
	struct kvm_create_device create = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	const uint64_t dist = GH_BOARD_GICD_BASE;
	const uint64_t redist = GH_BOARD_GICR_BASE;
	int ret;

	if (ioctl(g->vm_fd, KVM_CREATE_DEVICE, &create) < 0)
		return -errno;
	g->gic_fd = (int)create.fd;
	ret = set_attr(g->gic_fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);
	if (!ret)
		ret = set_attr(g->gic_fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
			       KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist);
	if (!ret)
		ret = set_attr(g->gic_fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
			       KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	return ret;
}

static int add_vcpu(struct kvm_guests *all, struct kvm_guest *g)
{
	struct kvm_vcpu_init init;

	g->vcpu_fd = ioctl(g->vm_fd, KVM_CREATE_VCPU, 0);
	if (g->vcpu_fd < 0)
		return -errno;
	g->run = mmap(NULL, (size_t)all->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu_fd,
		      0);
	if (g->run == MAP_FAILED)
		return -errno;
	if (ioctl(g->vm_fd, KVM_ARM_PREFERRED_TARGET, &init) < 0)
		return -errno;
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	return ioctl(g->vcpu_fd, KVM_ARM_VCPU_INIT, &init) < 0 ? -errno : 0;
}

static int set_entry(struct kvm_guest *g)
{
	uint64_t entry = GH_BOARD_RAM_BASE;
	struct kvm_one_reg pc = {
		.id = CORE_REG(regs.pc),
		.addr = (uintptr_t)&entry,
	};

	return ioctl(g->vcpu_fd, KVM_SET_ONE_REG, &pc) < 0 ? -errno : 0;
}

/* It polls for up to 0.5 ms unless told otherwise. */
static int stop_polling(const struct kvm_guest *g)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HALT_POLL };

	return ioctl(g->vm_fd, KVM_ENABLE_CAP, &cap) < 0 ? -errno : 0;
}

static int create_guest(struct kvm_guests *all, struct kvm_guest *g, const void *image,
			uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GH_BOARD_RAM_BASE,
		.memory_size = MEMORY_SIZE,
	};
	int ret;

	if (size > MEMORY_SIZE)
		return -EFBIG;
	g->vm_fd = ioctl(all->kvm_fd, KVM_CREATE_VM, 0);
	if (g->vm_fd < 0)
		return -errno;
	g->memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (g->memory == MAP_FAILED)
		return -errno;
	memcpy(g->memory, image, size);
	region.userspace_addr = (uintptr_t)g->memory;
	if (ioctl(g->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return -errno;
	ret = add_vcpu(all, g);
	if (!ret)
		ret = add_gic(g);
	return ret ? ret : set_entry(g);
}

int gh_bench_kvm_create(struct gh_bench *bench, const void *image, uint64_t size)
{
	struct kvm_guests *all;
	unsigned int i;
	int ret = 0;

	all = calloc(1, sizeof(*all) + bench->nr_vcpus * sizeof(all->guest[0]));
	if (!all)
		return -ENOMEM;
	for (i = 0; i < bench->nr_vcpus; i++)
		all->guest[i] = (struct kvm_guest) { .vm_fd = -1, .gic_fd = -1, .vcpu_fd = -1 };
	bench->kvm = all;
	all->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (all->kvm_fd < 0)
		return -errno;
	all->run_size = ioctl(all->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (all->run_size < 0)
		return -errno;
	for (i = 0; i < bench->nr_vcpus && !ret; i++) {
		ret = create_guest(all, &all->guest[i], image, size);
		if (!ret && bench->backend->no_poll)
			ret = stop_polling(&all->guest[i]);
		bench->vcpus[i].kvm_run = all->guest[i].run;
		bench->vcpus[i].fd = all->guest[i].vcpu_fd;
		bench->vcpus[i].io = &bench->io[i];
		if (!ret)
			ret = gh_bench_kvm_io_add(all->kvm_fd, all->guest[i].vm_fd,
						  &bench->vcpus[i]);
	}
	return ret;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void gh_bench_kvm_destroy(struct gh_bench *bench)
{
	struct kvm_guests *all = bench->kvm;
	unsigned int i;

	if (!all)
		return;
	for (i = 0; i < bench->nr_vcpus; i++) {
		struct kvm_guest *g = &all->guest[i];

		if (g->run && g->run != MAP_FAILED)
			munmap(g->run, (size_t)all->run_size);
		close_fd(g->vcpu_fd);
		close_fd(g->gic_fd);
		close_fd(g->vm_fd);
		if (g->memory && g->memory != MAP_FAILED)
			munmap(g->memory, MEMORY_SIZE);
	}
	close_fd(all->kvm_fd);
	free(all);
	bench->kvm = NULL;
}

int gh_bench_kvm_once(struct gh_bench_vcpu *v)
{
	struct kvm_run *run = v->kvm_run;
	uint64_t offset, data = 0;

	if (ioctl(v->fd, KVM_RUN, 0) < 0)
		return -errno;
	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.len > sizeof(data))
		return -EPROTO;
	offset = run->mmio.phys_addr - GH_BOARD_TESTDEV_BASE;
	if (offset >= GH_BOARD_TESTDEV_SIZE)
		return -ENXIO;
	if (run->mmio.is_write) {
		memcpy(&data, run->mmio.data, run->mmio.len);
		/* What was posted came before. */
		if (v->bench->backend->posted)
			gh_bench_drain(v);
		gh_bench_device_write(v, offset, data);
	} else {
		data = gh_bench_device_read(v, offset);
		memcpy(run->mmio.data, &data, run->mmio.len);
	}
	return 0;
}
