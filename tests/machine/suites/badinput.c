// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Bad input to every ioctl on each descriptor: a clear errno each time, nothing
 * changed, nothing in the kernel's log.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gt.h"

#define RWX_LENT	(GT_MEM_RWX | GH_MEM_LENT)
#define PAGE		0x1000UL

TestSuite(badinput, .timeout = GT_TIMEOUT);

/* ---- numbers --------------------------------------------------------------- */

/* The type of each descriptor's own commands, and that no other has them. */
enum kind { DEV = 1, VM = 2, VCPU = 4 };

static const struct { unsigned int nr; unsigned int kinds; } known[] = {
	{ 0x0, DEV }, { 0x1, VM }, { 0x2, VM }, { 0x3, VM }, { 0x4, VM }, { 0x5, VCPU },
	{ 0x6, VCPU }, { 0x7, VM }, { 0x40, VCPU }, { 0x41, VCPU }, { 0x42, VCPU },
	{ 0x44, VCPU }, { 0x45, VM }, { 0x46, VCPU }, { 0x47, VCPU }, { 0x48, VCPU },
};

static bool is_known(unsigned int nr, enum kind kind)
{
	unsigned int i;

	for (i = 0; i < GT_ARRAY_SIZE(known); i++) {
		if (known[i].nr == nr && known[i].kinds & kind)
			return true;
	}
	return false;
}

static void check_numbers(int fd, enum kind kind)
{
	static const unsigned int sizes[] = { 0, 1, 4, 8, 16, 32, 64, 1056, 0x3fff };
	unsigned int nr, dir, i;
	unsigned long cmd;

	for (nr = 0; nr < 256; nr++) {
		for (dir = 0; dir < 4; dir++) {
			for (i = 0; i < GT_ARRAY_SIZE(sizes); i++) {
				cmd = _IOC(dir, GH_IOCTL_TYPE, nr, sizes[i]);
				if (is_known(nr, kind))
					continue;
				if (gt_ioctl(fd, cmd, 0) != -ENOTTY)
					cr_assert_fail("%#lx", cmd);
				GT_ERRNO(any_number, ENOTTY, gt_ioctl(fd, cmd, 0));
			}
		}
	}
	for (i = 0; i < 256; i++) {
		cmd = _IOC(_IOC_NONE, i, 5, 0);
		if (i == GH_IOCTL_TYPE || i == 'T' || i == 'f' || i == 'X' || !i)
			continue;
		cr_assert_eq(gt_ioctl(fd, cmd, 0), -ENOTTY, "%#lx", cmd);
	}
}

GT_CASE(badinput, unknown_numbers_of_the_device)
{
	int fd = gt_open_dev();

	cr_assert_geq(fd, 0);
	check_numbers(fd, DEV);
	close(fd);
}

GT_CASE(badinput, unknown_numbers_of_a_vm)
{
	int fd = gt_create_vm();

	cr_assert_geq(fd, 0);
	check_numbers(fd, VM);
	close(fd);
}

GT_CASE(badinput, unknown_numbers_of_a_vcpu)
{
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	check_numbers(vm.vcpus[0].fd, VCPU);
	gt_vm_close(&vm);
}

/* A known number with another size or direction is another command. */
GT_CASE(badinput, known_numbers_of_another_size)
{
	static const unsigned int vm_nrs[] = { 1, 2, 4, 7 };
	static const unsigned int sizes[] = { 0, 1, 8, 24, 40, 1055, 1057 };
	uint8_t buf[2048] = { 0 };
	unsigned int i, j;
	int fd = gt_create_vm();

	cr_assert_geq(fd, 0);
	for (i = 0; i < GT_ARRAY_SIZE(vm_nrs); i++) {
		for (j = 0; j < GT_ARRAY_SIZE(sizes); j++)
			GT_ERRNO(any_size, ENOTTY,
				 gt_ioctl(fd, _IOC(_IOC_WRITE, 'G', vm_nrs[i], sizes[j]),
					  (unsigned long)buf));
		GT_ERRNO(any_direction, ENOTTY,
			 gt_ioctl(fd, _IOC(_IOC_READ, 'G', vm_nrs[i], 16), (unsigned long)buf));
	}
	close(fd);
}

GT_CASE(badinput, arguments_where_none_belong)
{
	struct gt_vm vm;
	int dev = gt_open_dev();

	GT_ERRNO(create_arg, EINVAL, gt_ioctl(dev, GH_CREATE_VM, 1));
	GT_ERRNO(create_arg, EINVAL, gt_ioctl(dev, GH_CREATE_VM, ULONG_MAX));
	close(dev);
	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	/* The published driver ignores these arguments; a client may pass rubbish. */
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_MMAP_SIZE, 0),
		     (int)sysconf(_SC_PAGESIZE));
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0), -ENODEV);
	gt_vm_close(&vm);
}

/* ---- pointers ---------------------------------------------------------------- */

GT_CASE(badinput, bad_pointers)
{
	static const unsigned long cmds[] = {
		GH_VM_SET_USER_MEM_REGION, GH_VM_SET_DTB_CONFIG, GH_VM_ADD_FUNCTION,
		GH_VM_REMOVE_FUNCTION, GH_VM_ADD_FUNCTION_BY_NAME,
		GH_VM_REMOVE_FUNCTION_BY_NAME,
	};
	uint8_t *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;
	int fd = gt_create_vm();

	cr_assert_geq(fd, 0);
	cr_assert_eq(mprotect(two + PAGE, PAGE, PROT_NONE), 0);
	for (i = 0; i < GT_ARRAY_SIZE(cmds); i++) {
		cr_assert_eq(gt_ioctl(fd, cmds[i], 0), -EFAULT, "command %u", i);
		GT_ERRNO(any_struct, EFAULT, gt_ioctl(fd, cmds[i], 1));
		cr_assert_eq(gt_ioctl(fd, cmds[i], ULONG_MAX), -EFAULT);
		cr_assert_eq(gt_ioctl(fd, cmds[i], 0xffff000000000000UL), -EFAULT);
		/* The struct ends behind readable memory. */
		cr_assert_eq(gt_ioctl(fd, cmds[i], (unsigned long)two + PAGE - 8), -EFAULT);
	}
	close(fd);
}

/* An unaligned struct is as good as any other. */
GT_CASE(badinput, unaligned_struct)
{
	struct gh_vm_dtb_config dtb = { .guest_phys_addr = GT_RAM_BASE, .size = PAGE };
	uint8_t buf[64];
	int fd = gt_create_vm();

	cr_assert_geq(fd, 0);
	memcpy(buf + 1, &dtb, sizeof(dtb));
	cr_assert_eq(gt_ioctl(fd, GH_VM_SET_DTB_CONFIG, (unsigned long)buf + 1), 0);
	close(fd);
}

/* ---- memory -------------------------------------------------------------------- */

GT_CASE(badinput, memory_flags)
{
	uint8_t *ram = gt_ram_alloc(PAGE);
	int fd = gt_create_vm(), bit;

	cr_assert_geq(fd, 0);
	for (bit = 4; bit < 32; bit++)
		GT_ERRNO(mem_flag, EINVAL,
			 gt_set_mem(fd, 0, RWX_LENT | 1U << bit, GT_RAM_BASE, PAGE, ram));
	/* Memory nobody may touch. */
	GT_ERRNO(mem_rights, EINVAL, gt_set_mem(fd, 0, 0, GT_RAM_BASE, PAGE, ram));
	GT_ERRNO(mem_rights, EINVAL, gt_set_mem(fd, 0, GH_MEM_LENT, GT_RAM_BASE, PAGE, ram));
	cr_assert_eq(gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, PAGE, ram), 0);
	close(fd);
	munmap(ram, PAGE);
}

GT_CASE(badinput, memory_alignment)
{
	uint8_t *ram = gt_ram_alloc(2 * PAGE);
	int fd = gt_create_vm();

	cr_assert_geq(fd, 0);
	GT_ERRNO(mem_address, EINVAL, gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE + 1, PAGE, ram));
	cr_assert_eq(gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE + 0x800, PAGE, ram), -EINVAL);
	GT_ERRNO(mem_size, EINVAL, gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, PAGE + 1, ram));
	cr_assert_eq(gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, 1, ram), -EINVAL);
	GT_ERRNO(mem_address, EINVAL, gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, PAGE, ram + 16));
	close(fd);
	munmap(ram, 2 * PAGE);
}

GT_CASE(badinput, memory_overflow)
{
	uint8_t *ram = gt_ram_alloc(PAGE);
	int fd = gt_create_vm(), ret;
	unsigned int i;
	static const struct { uint64_t gpa, size; int err; } bad[] = {
		{ -PAGE, 2 * PAGE, -EINVAL }, { -PAGE, PAGE, -EINVAL },
		{ 1ULL << 63, 1ULL << 63, -EINVAL }, { GT_RAM_BASE, -PAGE, -EINVAL },
		{ 0, -PAGE, -EINVAL }, { GT_RAM_BASE, 1ULL << 52, -ENOMEM },
		{ GT_RAM_BASE, 1ULL << 44, -ENOMEM },
	};

	cr_assert_geq(fd, 0);
	for (i = 0; i < GT_ARRAY_SIZE(bad); i++) {
		ret = gt_set_mem(fd, 0, RWX_LENT, bad[i].gpa, bad[i].size, ram);
		cr_assert_eq(ret, bad[i].err, "case %u: %d", i, ret);
	}
	GT_ERRNO(mem_more, ENOMEM, gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, 1ULL << 44, ram));
	/* The user's range leaves the address space. */
	GT_ERRNO(mem_end, EINVAL,
		 gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, 2 * PAGE, (void *)-PAGE));
	ret = gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, PAGE, (void *)0xffff800000000000);
	cr_assert_eq(ret, -EFAULT, "%d", ret);
	close(fd);
	munmap(ram, PAGE);
}

GT_CASE(badinput, memory_that_is_not_there)
{
	uint8_t *ram = gt_ram_alloc(4 * PAGE);
	long pinned = gt_pinned();
	int fd = gt_create_vm();

	cr_assert_geq(fd, 0);
	GT_ERRNO(mem_hole, EFAULT, gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, PAGE, NULL));
	/* A hole in the middle: what was pinned before it is released. */
	munmap(ram + 2 * PAGE, PAGE);
	cr_assert_eq(gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, 4 * PAGE, ram), -EFAULT);
	cr_assert_eq(gt_pinned(), pinned);
	/* Memory the caller may only read. */
	cr_assert_eq(mprotect(ram, PAGE, PROT_READ), 0);
	GT_ERRNO(mem_read_only, EFAULT, gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, PAGE, ram));
	cr_assert_eq(gt_pinned(), pinned);
	close(fd);
	munmap(ram, 4 * PAGE);
}

/* Pages of a file on disk cannot be given away for long, nor a device's. */
GT_CASE(badinput, memory_of_another_kind)
{
	int fd = gt_create_vm(), dev, ret;
	struct gt_vm other;
	void *map;

	cr_assert_geq(fd, 0);
	dev = open("/dev/mem", O_RDWR | O_CLOEXEC);
	if (dev >= 0) {
		map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, dev, 0x09000000);
		if (map != MAP_FAILED) {
			ret = gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, PAGE, map);
			cr_assert_lt(ret, 0);
			munmap(map, PAGE);
		}
		close(dev);
	}
	/* The shared page of a vCPU is the kernel's. */
	gt_vm_create(&other);
	gt_vm_add_vcpu(&other, 0);
	GT_ERRNO(mem_foreign, EFAULT,
		 gt_set_mem(fd, 0, RWX_LENT, GT_RAM_BASE, PAGE, other.vcpus[0].run));
	gt_vm_close(&other);
	close(fd);
}

/* As many regions as the resource manager takes from one owner, and no more. */
GT_CASE(badinput, too_many_regions)
{
	uint8_t *ram = gt_ram_alloc(65 * PAGE);
	int fd = gt_create_vm(), i;

	cr_assert_geq(fd, 0);
	for (i = 0; i < 64; i++)
		cr_assert_eq(gt_set_mem(fd, i, RWX_LENT, GT_RAM_BASE + i * PAGE, PAGE,
					ram + i * PAGE), 0);
	GT_ERRNO(mem_many, ENOSPC,
		 gt_set_mem(fd, 64, RWX_LENT, GT_RAM_BASE + 64 * PAGE, PAGE, ram + 64 * PAGE));
	close(fd);
	munmap(ram, 65 * PAGE);
}

/* ---- device tree ---------------------------------------------------------------- */

GT_CASE(badinput, dtb_config)
{
	int fd = gt_create_vm();

	cr_assert_geq(fd, 0);
	GT_ERRNO(dtb_end, EOVERFLOW, gt_set_dtb(fd, -PAGE, 2 * PAGE));
	cr_assert_eq(gt_set_dtb(fd, GT_RAM_BASE, -PAGE), -EOVERFLOW);
	cr_assert_eq(gt_set_dtb(fd, ULONG_MAX, ULONG_MAX), -EOVERFLOW);
	GT_ERRNO(dtb_size, EINVAL, gt_set_dtb(fd, GT_RAM_BASE, 0));
	cr_assert_eq(gt_set_dtb(fd, GT_RAM_BASE, PAGE), 0);
	close(fd);
}

/* ---- functions ------------------------------------------------------------------- */

static int add(int fd, uint32_t type, uint32_t size, const void *arg)
{
	struct gh_fn_desc desc = { .type = type, .arg_size = size, .arg = (uintptr_t)arg };

	return gt_ioctl(fd, GH_VM_ADD_FUNCTION, (unsigned long)&desc);
}

static int del(int fd, uint32_t type, uint32_t size, const void *arg)
{
	struct gh_fn_desc desc = { .type = type, .arg_size = size, .arg = (uintptr_t)arg };

	return gt_ioctl(fd, GH_VM_REMOVE_FUNCTION, (unsigned long)&desc);
}

GT_CASE(badinput, function_types_and_sizes)
{
	static const uint32_t types[] = { 0, 0x100, 0x7fffffff, 0x80000001, UINT32_MAX };
	static const struct { uint32_t type, size; } kinds[] = {
		{ GH_FN_VCPU, sizeof(struct gh_fn_vcpu_arg) },
		{ GH_FN_IRQFD, sizeof(struct gh_fn_irqfd_arg) },
		{ GH_FN_IOEVENTFD, sizeof(struct gh_fn_ioeventfd_arg) },
	};
	uint8_t arg[512] = { 0 };
	int fd = gt_create_vm();
	unsigned int i;
	uint32_t size;

	cr_assert_geq(fd, 0);
	for (i = 0; i < GT_ARRAY_SIZE(types); i++) {
		GT_ERRNO(fn_unknown, ENOENT, add(fd, types[i], 4, arg));
		cr_assert_eq(del(fd, types[i], 4, arg), -ENOENT);
	}
	for (i = 0; i < GT_ARRAY_SIZE(kinds); i++) {
		for (size = 0; size <= 512; size++) {
			if (size == kinds[i].size)
				continue;
			if (add(fd, kinds[i].type, size, arg) != -EINVAL)
				cr_assert_fail("type %u size %u", kinds[i].type, size);
			GT_ERRNO(fn_size, EINVAL, add(fd, kinds[i].type, size, arg));
		}
		cr_assert_eq(add(fd, kinds[i].type, UINT32_MAX, arg), -EINVAL);
	}
	GT_ERRNO(fn_arg, EFAULT, add(fd, GH_FN_VCPU, 4, NULL));
	cr_assert_eq(add(fd, GH_FN_VCPU, 4, (void *)ULONG_MAX), -EFAULT);
	cr_assert_eq(del(fd, GH_FN_VCPU, 4, NULL), -EFAULT);
	GT_ERRNO(del_absent, ENOENT, del(fd, GH_FN_VCPU, 4, arg));
	GT_ERRNO(del_size, EINVAL, del(fd, GH_FN_VCPU, 0, arg));
	GT_ERRNO(del_size, EINVAL, del(fd, GH_FN_VCPU, GH_FN_MAX_ARG_SIZE + 1, arg));
	close(fd);
}

GT_CASE(badinput, function_names)
{
	static const char *const names[] = {
		"", "vcp", "vcpux", "VCPU", "vcpu ", "../vcpu", "%s%n",
	};
	struct gh_vm_function fn;
	int fd = gt_create_vm(), ret;
	unsigned int i;

	cr_assert_geq(fd, 0);
	for (i = 0; i < GT_ARRAY_SIZE(names); i++) {
		memset(&fn, 0, sizeof(fn));
		strcpy(fn.name, names[i]);
		ret = gt_ioctl(fd, GH_VM_ADD_FUNCTION_BY_NAME, (unsigned long)&fn);
		cr_assert_eq(ret, -ENOENT, "'%s': %d", names[i], ret);
	}
	/* No end within the field. */
	memset(&fn, 'v', sizeof(fn));
	GT_ERRNO(fn_name, EINVAL, gt_ioctl(fd, GH_VM_ADD_FUNCTION_BY_NAME, (unsigned long)&fn));
	GT_ERRNO(del_name, EINVAL, gt_ioctl(fd, GH_VM_REMOVE_FUNCTION_BY_NAME, (unsigned long)&fn));
	close(fd);
}

/* Ids that no VM has can be added, as the tree is not known yet; they do not run. */
GT_CASE(badinput, vcpu_ids)
{
	static const uint32_t ids[] = { 0x7fffffff, 0x80000000, UINT32_MAX };
	int vm = gt_create_vm(), fd;
	unsigned int i;

	cr_assert_geq(vm, 0);
	for (i = 0; i < GT_ARRAY_SIZE(ids); i++) {
		fd = gt_add_vcpu(vm, ids[i]);
		cr_assert_geq(fd, 0, "id %#x: %d", ids[i], fd);
		cr_assert_eq(gt_ioctl(fd, GH_VCPU_RUN, 0), -ENODEV);
		close(fd);
	}
	close(vm);
}

/* A process without room for a descriptor: an error, and nothing half-made. */
GT_CASE(badinput, no_descriptor_left)
{
	struct rlimit limit, none;
	int dev = gt_open_dev(), vm = gt_create_vm(), in, out, fd;

	cr_assert_geq(dev, 0);
	cr_assert_geq(vm, 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	in = gt_add_vcpu(vm, 0);
	out = gt_ioctl(dev, GH_CREATE_VM, 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	GT_ERRNO(fn_emfile, EMFILE, in);
	GT_ERRNO(create_emfile, EMFILE, out);
	fd = gt_add_vcpu(vm, 0);
	cr_assert_geq(fd, 0, "%s", strerror(-fd));
	close(fd);
	close(vm);
	close(dev);
}
