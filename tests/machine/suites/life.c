// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The life of a VM on the host: made, given memory and functions, started,
 * closed in every order and in every half-built state, with nothing left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"

#define RWX_LENT	(GT_MEM_RWX | GH_MEM_LENT)

TestSuite(life, .timeout = GT_TIMEOUT);

static const struct gs_op off[] = { { GS_OFF } };

GT_CASE(life, open_and_create)
{
	int dev, vm;

	dev = gt_open_dev();
	cr_assert_geq(dev, 0, "/dev/gunyah: %s", strerror(-dev));
	vm = gt_ioctl(dev, GH_CREATE_VM, 0);
	cr_assert_geq(vm, 0);
	cr_assert(fcntl(vm, F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(gt_ioctl(dev, GH_CREATE_VM, 1), -EINVAL);
	close(dev);
	/* The VM lives on without the device. */
	cr_assert_eq(gt_set_dtb(vm, GT_RAM_BASE, 0x1000), 0);
	close(vm);
}

GT_CASE(life, lend_and_boot)
{
	struct gt_vm vm;
	struct gt_exit exit;

	GT_BOOT_SCRIPT(&vm, off);
	gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_STATUS);
	gt_vm_close(&vm);
}

GT_CASE(life, memory_comes_back_with_what_the_guest_wrote)
{
	static const struct gs_op ops[] = {
		{ GS_STORE, 8, GT_RAM_BASE + 0x1a0000, 0x1122334455667788 },
		{ GS_OFF },
	};
	struct gt_vm vm;
	struct gt_exit exit;

	GT_BOOT_SCRIPT(&vm, ops);
	gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_STATUS);
	gt_vcpu_close(&vm.vcpus[0]);
	close(vm.fd);
	vm.fd = -1;
	cr_assert_eq(*(uint64_t *)(vm.ram + 0x1a0000), 0x1122334455667788);
	/* The host can write there again, too. */
	memset(vm.ram, 0x5a, vm.ram_size);
	gt_vm_close(&vm);
}

GT_CASE(life, share_extra_memory)
{
	static const struct gs_op ops[] = {
		{ GS_LOAD, 8, GT_SHARED_BASE, 0 },
		{ GS_ECHO, 8, GT_DEV_BASE, 1 },
		{ GS_STORE, 8, GT_SHARED_BASE + 0xff8, 0xabcdef },
		{ GS_OFF },
	};
	struct gt_exit exit;
	struct gt_vm vm;
	uint64_t *page;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	gt_vm_script(&vm, 0, ops, GT_ARRAY_SIZE(ops));
	gt_vm_give(&vm);
	page = gt_ram_alloc(0x1000);
	page[0] = 41;
	cr_assert_eq(gt_set_mem(vm.fd, GT_SHARED_LABEL, GT_MEM_RWX, GT_SHARED_BASE, 0x1000,
				page), 0);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_start(&vm);
	gt_check_write(&gt_path_ioctl, &vm.vcpus[0], 8, GT_DEV_BASE, 42, __LINE__);
	gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_STATUS);
	/* Shared memory is the host's all the time, the VM still exists. */
	cr_assert_eq(page[0x1ff], 0xabcdefU);
	gt_vm_close(&vm);
	munmap(page, 0x1000);
}

/* More than one list of 512 entries: the parcel is sent with MEM_APPEND. */
GT_CASE(life, fragmented_memory)
{
	static const struct gs_op ops[] = {
		{ GS_STORE, 8, GT_RAM_BASE + 0xbff000, 77 },
		{ GS_LOAD, 8, GT_RAM_BASE + 0xbff000, 0 },
		{ GS_ECHO, 8, GT_DEV_BASE, 0 },
		{ GS_OFF },
	};
	const size_t size = 0xc00000;
	struct gt_exit exit;
	uint8_t *spare;
	struct gt_vm vm;
	size_t at;

	gt_vm_create(&vm);
	vm.ram_size = size;
	vm.ram = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	spare = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(vm.ram, MAP_FAILED);
	cr_assert_neq(spare, MAP_FAILED);
	madvise(vm.ram, size, MADV_NOHUGEPAGE);
	madvise(spare, size, MADV_NOHUGEPAGE);
	/* Faults alternate, so that neighbours in one mapping are none in memory. */
	for (at = 0; at < size; at += 0x1000) {
		vm.ram[at] = 0;
		spare[at] = 0;
	}
	gt_load(vm.ram, size, "script");
	gt_dtb(vm.ram + GT_DTB_OFFSET, GT_DTB_SIZE, 1);
	gt_vm_script(&vm, 0, ops, GT_ARRAY_SIZE(ops));
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_start(&vm);
	gt_check_write(&gt_path_ioctl, &vm.vcpus[0], 8, GT_DEV_BASE, 77, __LINE__);
	gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_STATUS);
	gt_vm_close(&vm);
	munmap(spare, size);
}

GT_CASE(life, regions_may_not_overlap)
{
	uint8_t *ram = gt_ram_alloc(0x4000);
	int vm = gt_create_vm();

	cr_assert_geq(vm, 0);
	cr_assert_eq(gt_set_mem(vm, 0, RWX_LENT, GT_RAM_BASE, 0x2000, ram), 0);
	/* The same label again. */
	GT_ERRNO(mem_label, EEXIST,
		 gt_set_mem(vm, 0, RWX_LENT, GT_RAM_BASE + 0x10000, 0x1000, ram + 0x3000));
	/* Guest addresses: inside, the last page, around. */
	GT_ERRNO(mem_overlap, EEXIST,
		 gt_set_mem(vm, 1, RWX_LENT, GT_RAM_BASE, 0x1000, ram + 0x3000));
	cr_assert_eq(gt_set_mem(vm, 1, RWX_LENT, GT_RAM_BASE + 0x1000, 0x1000, ram + 0x3000),
		     -EEXIST);
	cr_assert_eq(gt_set_mem(vm, 1, RWX_LENT, GT_RAM_BASE - 0x1000, 0x2000, ram + 0x2000),
		     -EEXIST);
	/* Neighbours are fine. */
	cr_assert_eq(gt_set_mem(vm, 1, RWX_LENT, GT_RAM_BASE + 0x2000, 0x1000, ram + 0x2000), 0);
	close(vm);
	munmap(ram, 0x4000);
}

/* Two VMs cannot be lent the same pages: the second never starts. */
GT_CASE(life, memory_is_lent_once)
{
	struct gt_vm one, two;

	GT_BOOT_SCRIPT(&one, off);
	gt_vm_create(&two);
	two.ram_size = one.ram_size;
	cr_assert_eq(gt_set_mem(two.fd, GT_LABEL, RWX_LENT, GT_RAM_BASE, one.ram_size, one.ram), 0);
	cr_assert_eq(gt_set_dtb(two.fd, GT_RAM_BASE + GT_DTB_OFFSET, GT_DTB_SIZE), 0);
	cr_assert_eq(gt_start(two.fd), -EINVAL);
	gt_vm_close(&two);
	gt_vm_close(&one);
}

GT_CASE(life, size_zero_removes_a_region)
{
	uint8_t *ram = gt_ram_alloc(0x2000);
	long pinned = gt_pinned();
	int vm = gt_create_vm();

	cr_assert_geq(vm, 0);
	cr_assert_eq(gt_set_mem(vm, 3, RWX_LENT, GT_RAM_BASE, 0x2000, ram), 0);
	cr_assert_eq(gt_set_mem(vm, 3, 0, 0, 0, NULL), 0);
	cr_assert_eq(gt_pinned(), pinned);
	GT_ERRNO(mem_absent, ENOENT, gt_set_mem(vm, 3, 0, 0, 0, NULL));
	cr_assert_eq(gt_set_mem(vm, 3, RWX_LENT, GT_RAM_BASE, 0x2000, ram), 0);
	close(vm);
	munmap(ram, 0x2000);
}

static long locked_kb(void)
{
	long pin = gt_status_kb(0, "VmPin"), lck = gt_status_kb(0, "VmLck");

	return pin + lck;
}

GT_CASE(life, locked_memory_is_accounted)
{
	uint8_t *ram = gt_ram_alloc(GT_RAM_SIZE);
	long before = locked_kb();
	int vm = gt_create_vm();

	cr_assert_geq(vm, 0);
	cr_assert_eq(gt_set_mem(vm, 0, RWX_LENT, GT_RAM_BASE, GT_RAM_SIZE, ram), 0);
	cr_assert_eq(locked_kb(), before + (long)GT_RAM_SIZE / 1024);
	cr_assert_eq(gt_set_mem(vm, 0, 0, 0, 0, NULL), 0);
	cr_assert_eq(locked_kb(), before);
	cr_assert_eq(gt_set_mem(vm, 0, GT_MEM_RWX, GT_RAM_BASE, GT_RAM_SIZE, ram), 0);
	cr_assert_eq(locked_kb(), before + (long)GT_RAM_SIZE / 1024);
	close(vm);
	cr_assert_eq(locked_kb(), before);
	munmap(ram, GT_RAM_SIZE);
}

/* The limit holds for a user without CAP_IPC_LOCK. */
GT_CASE(life, locked_memory_is_limited)
{
	const struct rlimit limit = { .rlim_cur = 0x10000, .rlim_max = 0x10000 };
	uint8_t *ram = gt_ram_alloc(GT_RAM_SIZE);
	int vm = gt_create_vm(), ret;

	cr_assert_geq(vm, 0);
	cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	cr_assert_eq(seteuid(65534), 0);
	ret = gt_set_mem(vm, 0, RWX_LENT, GT_RAM_BASE, GT_RAM_SIZE, ram);
	cr_assert_eq(gt_set_mem(vm, 0, RWX_LENT, GT_RAM_BASE, 0x8000, ram), 0);
	cr_assert_eq(gt_set_mem(vm, 1, RWX_LENT, GT_RAM_BASE + 0x8000, 0x10000, ram + 0x8000),
		     -ENOMEM);
	/* A refused region leaves nothing behind; a removed one makes room. */
	cr_assert_eq(gt_set_mem(vm, 0, 0, 0, 0, NULL), 0);
	cr_assert_eq(gt_set_mem(vm, 1, RWX_LENT, GT_RAM_BASE, 0x10000, ram), 0);
	cr_assert_eq(seteuid(0), 0);
	GT_ERRNO(mem_rlimit, ENOMEM, ret);
	close(vm);
}

GT_CASE(life, vcpus_by_number_and_by_name)
{
	int vm = gt_create_vm(), one, two;

	cr_assert_geq(vm, 0);
	one = gt_add_vcpu(vm, 0);
	cr_assert_geq(one, 0, "%s", strerror(-one));
	two = gt_add_vcpu_by_name(vm, 1);
	cr_assert_geq(two, 0, "%s", strerror(-two));
	cr_assert(fcntl(one, F_GETFD) & FD_CLOEXEC);
	GT_ERRNO(vcpu_twice, EEXIST, gt_add_vcpu(vm, 0));
	cr_assert_eq(gt_add_vcpu(vm, 1), -EEXIST);
	close(one);
	close(two);
	close(vm);
}

GT_CASE(life, vcpu_removed_and_added_again)
{
	int vm = gt_create_vm(), one, again;

	cr_assert_geq(vm, 0);
	one = gt_add_vcpu(vm, 5);
	cr_assert_geq(one, 0);
	cr_assert_eq(gt_remove_vcpu(vm, 5), 0);
	cr_assert_eq(gt_remove_vcpu(vm, 5), -ENOENT);
	again = gt_add_vcpu(vm, 5);
	cr_assert_geq(again, 0, "%s", strerror(-again));
	close(again);
	close(one);
	close(vm);
}

/* A vCPU id the device tree does not have: no such object when the VM starts. */
GT_CASE(life, vcpu_that_is_not_in_the_device_tree)
{
	struct gt_vm vm;
	int ret;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_add_vcpu(&vm, 3);
	ret = gt_start(vm.fd);
	if (!ret)
		ret = gt_ioctl(vm.vcpus[3].fd, GH_VCPU_RUN, 0);
	cr_assert_eq(ret, -ENODEV, "%d", ret);
	gt_vm_close(&vm);
}

GT_CASE(life, mmap_of_the_run_page)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	struct gh_vcpu_run *run;
	struct gt_vm vm;
	int fd;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	fd = vm.vcpus[0].fd;
	cr_assert_eq(gt_ioctl(fd, GH_VCPU_MMAP_SIZE, 0), (int)page);
	/* A second mapping is the same page; it is zero before the first run. */
	run = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(run, MAP_FAILED);
	cr_assert_eq(run->exit_reason, GH_VM_EXIT_UNKNOWN);
	run->immediate_exit = 1;
	cr_assert_eq(vm.vcpus[0].run->immediate_exit, 1);
	/* The mapping outlives the descriptor. */
	gt_vcpu_close(&vm.vcpus[0]);
	gt_vm_close(&vm);
	cr_assert_eq(run->immediate_exit, 1);
	run->immediate_exit = 0;
	munmap(run, page);
}

GT_CASE(life, mmap_refused)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	struct gt_vm vm;
	int fd;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	fd = vm.vcpus[0].fd;
	GT_ERRNO(mmap_size, EINVAL, gt_mmap(fd, 2 * page, PROT_READ, MAP_SHARED, 0));
	GT_ERRNO(mmap_offset, EINVAL, gt_mmap(fd, page, PROT_READ, MAP_SHARED, page));
	GT_ERRNO(mmap_private, EINVAL,
		 gt_mmap(fd, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0));
	GT_ERRNO(mmap_exec, EPERM, gt_mmap(fd, page, PROT_READ | PROT_EXEC, MAP_SHARED, 0));
	gt_vm_close(&vm);
}

/* ---- closing --------------------------------------------------------------- */

enum stage {
	CREATED, WITH_MEMORY, WITH_DTB, WITH_VCPU, STARTED, RUN_ONCE, EXITED, NR_STAGES,
};

static const struct gs_op one_write[] = {
	{ GS_WRITE, 4, GT_DEV_BASE, 1 },
	{ GS_OFF },
};

static void build_to(struct gt_vm *vm, enum stage stage)
{
	struct gt_exit exit;

	gt_vm_create(vm);
	if (stage >= WITH_MEMORY) {
		gt_vm_fill(vm, "script", 1);
		gt_vm_script(vm, 0, one_write, GT_ARRAY_SIZE(one_write));
		cr_assert_eq(gt_set_mem(vm->fd, GT_LABEL, RWX_LENT, GT_RAM_BASE, vm->ram_size,
					vm->ram), 0);
	}
	if (stage >= WITH_DTB)
		cr_assert_eq(gt_set_dtb(vm->fd, GT_RAM_BASE + GT_DTB_OFFSET, GT_DTB_SIZE), 0);
	if (stage >= WITH_VCPU)
		gt_vm_add_vcpu(vm, 0);
	if (stage >= STARTED)
		gt_vm_start(vm);
	if (stage >= RUN_ONCE)
		gt_check_write(&gt_path_ioctl, &vm->vcpus[0], 4, GT_DEV_BASE, 1, __LINE__);
	if (stage >= EXITED) {
		gt_run(&gt_path_ioctl, &vm->vcpus[0], &exit);
		cr_assert_eq(exit.kind, GT_EXIT_STATUS);
	}
}

/* The memory is the host's again: every byte can be written. */
static void check_memory_is_back(struct gt_vm *vm)
{
	if (vm->ram)
		memset(vm->ram, 0xa5, vm->ram_size);
}

GT_CASE(life, closed_in_every_stage_vcpu_first)
{
	enum stage stage;
	struct gt_vm vm;

	for (stage = CREATED; stage < NR_STAGES; stage++) {
		build_to(&vm, stage);
		gt_vcpu_close(&vm.vcpus[0]);
		close(vm.fd);
		vm.fd = -1;
		check_memory_is_back(&vm);
		gt_vm_close(&vm);
	}
}

GT_CASE(life, closed_in_every_stage_vm_first)
{
	enum stage stage;
	struct gt_vm vm;

	for (stage = CREATED; stage < NR_STAGES; stage++) {
		build_to(&vm, stage);
		close(vm.fd);
		vm.fd = -1;
		gt_vcpu_close(&vm.vcpus[0]);
		check_memory_is_back(&vm);
		gt_vm_close(&vm);
	}
}

/* The VM's file is gone, the vCPU's is not: it keeps the VM and runs on. */
GT_CASE(life, vcpu_after_its_vm_is_closed)
{
	struct gt_exit exit;
	struct gt_vm vm;

	build_to(&vm, RUN_ONCE);
	close(vm.fd);
	vm.fd = -1;
	gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_STATUS);
	cr_assert_eq(exit.type, GT_TYPE_OFF);
	gt_vm_close(&vm);
}

/* Memory unmapped by its owner while it is lent: the pages stay pinned until the end. */
GT_CASE(life, owner_unmaps_lent_memory)
{
	struct gt_exit exit;
	struct gt_vm vm;

	build_to(&vm, STARTED);
	munmap(vm.ram, vm.ram_size);
	vm.ram = NULL;
	gt_check_write(&gt_path_ioctl, &vm.vcpus[0], 4, GT_DEV_BASE, 1, __LINE__);
	gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_STATUS);
	gt_vm_close(&vm);
}

GT_CASE(life, process_exits_in_every_stage)
{
	long pinned = gt_pinned();
	enum stage stage;
	int status;
	pid_t pid;

	for (stage = CREATED; stage < NR_STAGES; stage++) {
		pid = fork();
		cr_assert_geq(pid, 0);
		if (!pid) {
			struct gt_vm vm;

			build_to(&vm, stage);
			_exit(42);
		}
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert_eq(status, 42 << 8, "stage %d: status %#x", stage, status);
	}
	cr_assert_eq(gt_pinned(), pinned);
}

GT_CASE(life, start_twice)
{
	struct gt_exit exit;
	struct gt_vm vm;

	build_to(&vm, STARTED);
	/* Harmless while it runs; refused when it is over. */
	cr_assert_eq(gt_start(vm.fd), 0);
	gt_check_write(&gt_path_ioctl, &vm.vcpus[0], 4, GT_DEV_BASE, 1, __LINE__);
	gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_STATUS);
	GT_ERRNO(start_exited, ENODEV, gt_start(vm.fd));
	gt_vm_close(&vm);
}

GT_CASE(life, no_change_after_the_start)
{
	uint8_t *ram = gt_ram_alloc(0x1000);
	struct gt_vm vm;

	build_to(&vm, STARTED);
	GT_ERRNO(mem_started, EBUSY, gt_set_mem(vm.fd, 9, RWX_LENT, 0x90000000, 0x1000, ram));
	cr_assert_eq(gt_set_mem(vm.fd, GT_LABEL, 0, 0, 0, NULL), -EBUSY);
	GT_ERRNO(dtb_started, EBUSY, gt_set_dtb(vm.fd, GT_RAM_BASE, 0x1000));
	/* The refusals changed nothing. */
	gt_check_write(&gt_path_ioctl, &vm.vcpus[0], 4, GT_DEV_BASE, 1, __LINE__);
	gt_vm_close(&vm);
	munmap(ram, 0x1000);
}

/* A start that the RM refuses is an error, and the VM can still be closed. */
GT_CASE(life, failed_starts)
{
	struct gt_vm vm;
	uint8_t *ram;

	/* No memory, no device tree. */
	gt_vm_create(&vm);
	cr_assert_eq(gt_start(vm.fd), -EINVAL);
	gt_vm_close(&vm);

	/* Memory without a device tree. */
	build_to(&vm, WITH_MEMORY);
	GT_ERRNO(start_no_dtb, EINVAL, gt_start(vm.fd));
	gt_vm_close(&vm);

	/* The image needs all rights, and RAM goes right behind it. */
	build_to(&vm, CREATED);
	vm.ram_size = GT_RAM_SIZE;
	vm.ram = gt_ram_alloc(vm.ram_size);
	cr_assert_eq(gt_set_mem(vm.fd, GT_LABEL, GH_MEM_ALLOW_READ | GH_MEM_LENT, GT_RAM_BASE,
				vm.ram_size, vm.ram), 0);
	cr_assert_eq(gt_set_dtb(vm.fd, GT_RAM_BASE, GT_DTB_SIZE), 0);
	GT_ERRNO(start_rights, EINVAL, gt_start(vm.fd));
	gt_vm_close(&vm);
	build_to(&vm, WITH_DTB);
	ram = gt_ram_alloc(0x1000);
	cr_assert_eq(gt_set_mem(vm.fd, 1, RWX_LENT, GT_RAM_BASE + GT_RAM_SIZE + 0x1000, 0x1000,
				ram), 0);
	GT_ERRNO(start_place, EINVAL, gt_start(vm.fd));
	gt_vm_close(&vm);
	munmap(ram, 0x1000);

	/* The device tree lies outside the memory. */
	build_to(&vm, WITH_MEMORY);
	cr_assert_eq(gt_set_dtb(vm.fd, 0x90000000, GT_DTB_SIZE), 0);
	cr_assert_eq(gt_start(vm.fd), -EINVAL);
	gt_vm_close(&vm);

	/* What should be a device tree is none. */
	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	memset(vm.ram + GT_DTB_OFFSET, 0, GT_DTB_SIZE);
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	cr_assert_lt(gt_start(vm.fd), 0);
	GT_ERRNO(start_failed, ENODEV, gt_start(vm.fd));
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0), -ENODEV);
	close(vm.fd);
	vm.fd = -1;
	gt_vcpu_close(&vm.vcpus[0]);
	check_memory_is_back(&vm);
	gt_vm_close(&vm);

	/* And the next VM is none the worse for it. */
	build_to(&vm, EXITED);
	gt_vm_close(&vm);
}

/* ---- nothing left behind ----------------------------------------------------- */

static void cycle(int n)
{
	struct gt_vm vm;
	int i;

	for (i = 0; i < n; i++) {
		build_to(&vm, EXITED);
		gt_vm_close(&vm);
	}
}

GT_CASE(life, a_hundred_cycles_leave_nothing, .timeout = 4 * GT_TIMEOUT)
{
	long pinned, available, locked, slack = 4096;

	cycle(5);
	gt_settle();
	pinned = gt_pinned();
	locked = locked_kb();
	available = gt_meminfo("MemAvailable");
	cycle(100);
	gt_settle();
	cr_assert_eq(gt_pinned(), pinned);
	cr_assert_eq(locked_kb(), locked);
	/* 100 guests have 200 MiB; a page kept of each would be 400 kB and noise. */
	cr_assert_lt(gt_less_available(available, slack), slack);
}
