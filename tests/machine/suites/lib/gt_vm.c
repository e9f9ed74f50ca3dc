// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt_vm.h"

int gt_open_dev(void)
{
	int fd = open("/dev/gunyah", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int gt_ioctl(int fd, unsigned long cmd, unsigned long arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int gt_create_vm(void)
{
	int dev, vm;

	dev = gt_open_dev();
	if (dev < 0)
		return dev;
	vm = gt_ioctl(dev, GH_CREATE_VM, 0);
	close(dev);
	return vm;
}

int gt_set_mem(int vm_fd, uint32_t label, uint32_t flags, uint64_t gpa, uint64_t size,
	       void *addr)
{
	struct gh_userspace_memory_region region = {
		.label = label,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)addr,
	};

	return gt_ioctl(vm_fd, GH_VM_SET_USER_MEM_REGION, (unsigned long)&region);
}

int gt_set_dtb(int vm_fd, uint64_t gpa, uint64_t size)
{
	struct gh_vm_dtb_config dtb = { .guest_phys_addr = gpa, .size = size };

	return gt_ioctl(vm_fd, GH_VM_SET_DTB_CONFIG, (unsigned long)&dtb);
}

int gt_start(int vm_fd)
{
	return gt_ioctl(vm_fd, GH_VM_START, 0);
}

int gt_add_vcpu(int vm_fd, uint32_t id)
{
	struct gh_fn_vcpu_arg arg = { .id = id };
	struct gh_fn_desc desc = {
		.type = GH_FN_VCPU,
		.arg_size = sizeof(arg),
		.arg = (uintptr_t)&arg,
	};

	return gt_ioctl(vm_fd, GH_VM_ADD_FUNCTION, (unsigned long)&desc);
}

int gt_add_vcpu_by_name(int vm_fd, uint32_t id)
{
	struct gh_vm_function fn = { .name = "vcpu", .vcpu.id = id };

	return gt_ioctl(vm_fd, GH_VM_ADD_FUNCTION_BY_NAME, (unsigned long)&fn);
}

int gt_remove_vcpu(int vm_fd, uint32_t id)
{
	struct gh_fn_vcpu_arg arg = { .id = id };
	struct gh_fn_desc desc = {
		.type = GH_FN_VCPU,
		.arg_size = sizeof(arg),
		.arg = (uintptr_t)&arg,
	};

	return gt_ioctl(vm_fd, GH_VM_REMOVE_FUNCTION, (unsigned long)&desc);
}

/*
 * Once lent, the memory is gone for the host: a child's copy-on-write copy or a
 * core dump would make the kernel touch it.
 */
void *gt_ram_alloc(size_t size)
{
	void *ram = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	cr_assert_neq(ram, MAP_FAILED, "memory for a guest");
	cr_assert_eq(madvise(ram, size, MADV_DONTFORK), 0);
	cr_assert_eq(madvise(ram, size, MADV_DONTDUMP), 0);
	return ram;
}

size_t gt_load(uint8_t *ram, size_t ram_size, const char *name)
{
	const char *dir = getenv("GT_GUESTS");
	char path[PATH_MAX];
	size_t at = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s.bin", dir ? dir : "/root/guests", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "guest %s: %s", path, strerror(errno));
	while ((n = read(fd, ram + at, ram_size - at)) > 0)
		at += n;
	close(fd);
	cr_assert_eq(n, 0, "guest %s: %s", path, strerror(errno));
	cr_assert_lt(at, (size_t)GS_OFFSET, "guest %s is too big", path);
	return at;
}

void gt_vm_create(struct gt_vm *vm)
{
	unsigned int i;

	memset(vm, 0, sizeof(*vm));
	for (i = 0; i < GT_MAX_VCPUS; i++)
		vm->vcpus[i].fd = -1;
	vm->fd = gt_create_vm();
	cr_assert_geq(vm->fd, 0, "GH_CREATE_VM: %s", strerror(-vm->fd));
}

void gt_vm_fill(struct gt_vm *vm, const char *guest, unsigned int vcpus)
{
	vm->ram_size = GT_RAM_SIZE;
	vm->ram = gt_ram_alloc(vm->ram_size);
	gt_load(vm->ram, vm->ram_size, guest);
	gt_dtb(vm->ram + GT_DTB_OFFSET, GT_DTB_SIZE, vcpus);
}

void gt_vm_script(struct gt_vm *vm, unsigned int vcpu, const struct gs_op *ops, size_t n)
{
	cr_assert_lt(n, (size_t)GS_MAX_OPS);
	memcpy(vm->ram + GS_OFFSET + vcpu * GS_STRIDE, ops, n * sizeof(*ops));
}

void gt_vm_give(struct gt_vm *vm)
{
	int ret;

	ret = gt_set_mem(vm->fd, GT_LABEL, GT_MEM_RWX | GH_MEM_LENT, GT_RAM_BASE,
			 vm->ram_size, vm->ram);
	cr_assert_eq(ret, 0, "GH_VM_SET_USER_MEM_REGION: %s", strerror(-ret));
	ret = gt_set_dtb(vm->fd, GT_RAM_BASE + GT_DTB_OFFSET, GT_DTB_SIZE);
	cr_assert_eq(ret, 0, "GH_VM_SET_DTB_CONFIG: %s", strerror(-ret));
}

void gt_vm_add_vcpu(struct gt_vm *vm, unsigned int id)
{
	struct gt_vcpu *vcpu = &vm->vcpus[id];

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = gt_add_vcpu(vm->fd, id);
	cr_assert_geq(vcpu->fd, 0, "vCPU %u: %s", id, strerror(-vcpu->fd));
	vcpu->run = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	cr_assert_neq(vcpu->run, MAP_FAILED, "vCPU %u: mmap: %s", id, strerror(errno));
	if (vm->nr_vcpus <= id)
		vm->nr_vcpus = id + 1;
}

void gt_vm_start(struct gt_vm *vm)
{
	int ret = gt_start(vm->fd);

	cr_assert_eq(ret, 0, "GH_VM_START: %s", strerror(-ret));
}

void gt_vm_boot(struct gt_vm *vm, const char *guest, unsigned int vcpus)
{
	unsigned int i;

	gt_vm_create(vm);
	gt_vm_fill(vm, guest, vcpus);
	gt_vm_give(vm);
	for (i = 0; i < vcpus; i++)
		gt_vm_add_vcpu(vm, i);
	gt_vm_start(vm);
}

void gt_vm_boot_script(struct gt_vm *vm, const struct gs_op *ops, size_t n)
{
	gt_vm_create(vm);
	gt_vm_fill(vm, "script", 1);
	gt_vm_script(vm, 0, ops, n);
	gt_vm_give(vm);
	gt_vm_add_vcpu(vm, 0);
	gt_vm_start(vm);
}

bool gt_vcpu_is(const struct gt_vcpu *vcpu, const char *state)
{
	char path[64], line[128], now[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", vcpu->fd);
	f = fopen(path, "re");
	cr_assert_not_null(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "state: %31s", now) == 1)
			break;
	}
	fclose(f);
	cr_assert_str_not_empty(now, "fdinfo of a vCPU without its state");
	return !strcmp(now, state);
}

void gt_vcpu_wait_for(const struct gt_vcpu *vcpu, const char *state)
{
	int i;

	for (i = 0; i < 10000; i++) {
		if (gt_vcpu_is(vcpu, state))
			return;
		usleep(1000);
	}
	cr_assert_fail("vCPU %u does not become %s", vcpu->id, state);
}

void gt_vcpu_close(struct gt_vcpu *vcpu)
{
	if (vcpu->fd < 0)
		return;
	munmap(vcpu->run, sysconf(_SC_PAGESIZE));
	vcpu->run = NULL;
	close(vcpu->fd);
	vcpu->fd = -1;
}

void gt_vm_close(struct gt_vm *vm)
{
	unsigned int i;

	for (i = 0; i < GT_MAX_VCPUS; i++)
		gt_vcpu_close(&vm->vcpus[i]);
	if (vm->fd >= 0)
		close(vm->fd);
	vm->fd = -1;
	if (vm->ram)
		munmap(vm->ram, vm->ram_size);
	vm->ram = NULL;
}
