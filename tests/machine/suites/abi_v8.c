// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A program of the interface's first generation (v8, v9): functions by name, MMIO as
 * the only exit it knows. All it passes to the driver is defined here, from the
 * table of that generation, and nothing of <linux/gunyah.h> is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt_abi.h"

#define V8_CREATE_VM		0x00004700
#define V8_SET_USER_MEM_REGION	0x40204701
#define V8_SET_DTB_CONFIG	0x40104702
#define V8_VM_START		0x00004703
#define V8_ADD_FUNCTION		0x44204704
#define V9_REMOVE_FUNCTION	0x44204707
#define V8_VCPU_RUN		0x00004705
#define V8_VCPU_MMAP_SIZE	0x00004706

#define V8_MEM_READ		0x1
#define V8_MEM_WRITE		0x2
#define V8_MEM_EXEC		0x4
#define V8_MEM_LENT		0x8
#define V8_EXIT_MMIO		1
#define V8_DATAMATCH		0x1

struct v8_region {
	uint32_t label, flags;
	uint64_t guest_phys_addr, memory_size, userspace_addr;
};

struct v8_dtb {
	uint64_t gpa, size;
};

struct v8_irqfd {
	uint32_t fd, label, flags;
};

struct v8_ioeventfd {
	uint64_t datamatch, addr;
	uint32_t len;
	int32_t fd;
	uint32_t flags;
} __attribute__((packed));

struct v8_function {
	char name[32];
	union {
		uint32_t vcpu_id;
		struct v8_irqfd irqfd;
		struct v8_ioeventfd ioeventfd;
		char data[1024];
	};
};

struct v8_vcpu_run {
	uint8_t immediate_exit;
	uint8_t padding1[7];
	uint32_t exit_reason;
	uint32_t padding2;
	uint64_t phys_addr;
	uint8_t data[8];
	uint32_t len;
	uint8_t is_write;
};

_Static_assert(sizeof(struct v8_function) == 1056, "v8");
_Static_assert(sizeof(struct v8_ioeventfd) == 28, "v8");
_Static_assert(sizeof(struct v8_irqfd) == 12, "v8");
_Static_assert(offsetof(struct v8_vcpu_run, phys_addr) == 16, "v8");
_Static_assert(offsetof(struct v8_vcpu_run, is_write) == 36, "v8");

TestSuite(abi_v8, .timeout = GT_TIMEOUT);

struct program {
	int vm, vcpu, bell, irq;
	uint8_t *ram;
	struct v8_vcpu_run *run;
	uint64_t out, heard;
	unsigned int rest;
};

static void add_functions(struct program *p)
{
	struct v8_function fn;

	/* Of the argument only what the function has is its own. */
	memset(&fn, 0xee, sizeof(fn));
	strcpy(fn.name, "vcpu");
	fn.vcpu_id = 0;
	p->vcpu = ioctl(p->vm, V8_ADD_FUNCTION, &fn);
	cr_assert_geq(p->vcpu, 0, "%s", strerror(errno));
	strcpy(fn.name, "irqfd");
	fn.irqfd = (struct v8_irqfd) { .fd = p->irq, .label = GT_BELL_EDGE };
	cr_assert_eq(ioctl(p->vm, V8_ADD_FUNCTION, &fn), 0, "%s", strerror(errno));
	strcpy(fn.name, "ioeventfd");
	fn.ioeventfd = (struct v8_ioeventfd) {
		.datamatch = 3, .addr = GT_ABI_BELL, .len = 4, .fd = p->bell,
		.flags = V8_DATAMATCH,
	};
	cr_assert_eq(ioctl(p->vm, V8_ADD_FUNCTION, &fn), 0, "%s", strerror(errno));
}

/* All but VM_START. */
static void prepare(struct program *p)
{
	struct v8_dtb dtb = { GT_RAM_BASE + GT_DTB_OFFSET, GT_DTB_SIZE };
	struct v8_region region;
	int dev = open("/dev/gunyah", O_RDWR | O_CLOEXEC), size;

	memset(p, 0, sizeof(*p));
	p->bell = gt_eventfd();
	p->irq = gt_eventfd();
	p->ram = gt_abi_guest();
	p->vm = ioctl(dev, V8_CREATE_VM, 0);
	cr_assert_geq(p->vm, 0);
	close(dev);
	region = (struct v8_region) {
		.flags = V8_MEM_READ | V8_MEM_WRITE | V8_MEM_EXEC | V8_MEM_LENT,
		.guest_phys_addr = GT_RAM_BASE,
		.memory_size = GT_RAM_SIZE,
		.userspace_addr = (uintptr_t)p->ram,
	};
	cr_assert_eq(ioctl(p->vm, V8_SET_USER_MEM_REGION, &region), 0);
	cr_assert_eq(ioctl(p->vm, V8_SET_DTB_CONFIG, &dtb), 0);
	add_functions(p);
	size = ioctl(p->vcpu, V8_VCPU_MMAP_SIZE, 0);
	cr_assert_geq(size, 40);
	p->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, p->vcpu, 0);
	cr_assert_neq(p->run, MAP_FAILED);
}

static void make(struct program *p)
{
	prepare(p);
	cr_assert_eq(ioctl(p->vm, V8_VM_START, 0), 0, "%s", strerror(errno));
}

static void mmio(struct program *p)
{
	const uint64_t value = GT_ABI_VALUE;
	uint64_t data;

	memcpy(&data, p->run->data, sizeof(data));
	switch (p->run->phys_addr) {
	case GT_ABI_IN:
		cr_assert_not(p->run->is_write);
		cr_assert_eq(p->run->len, 8U);
		memcpy(p->run->data, &value, sizeof(value));
		break;
	case GT_ABI_OUT:
		p->out = data;
		break;
	case GT_ABI_READY:
		gt_eventfd_signal(p->irq);
		break;
	case GT_ABI_HEARD:
		p->heard = data;
		break;
	case GT_ABI_BELL:
		cr_assert_eq(data, 4U, "a write that an ioeventfd was to take");
		p->rest++;
		break;
	default:
		cr_assert_fail("access at %#llx", (unsigned long long)p->run->phys_addr);
	}
}

/* Such a program stops at the first exit that it does not know. */
static void run(struct program *p)
{
	do {
		if (ioctl(p->vcpu, V8_VCPU_RUN, 0)) {
			cr_assert_eq(errno, EINTR, "%s", strerror(errno));
			continue;
		}
		if (p->run->exit_reason == V8_EXIT_MMIO)
			mmio(p);
	} while (p->run->exit_reason == V8_EXIT_MMIO || !p->heard);
}

static void end(struct program *p)
{
	munmap(p->run, sysconf(_SC_PAGESIZE));
	close(p->vcpu);
	close(p->vm);
	close(p->bell);
	close(p->irq);
	munmap(p->ram, GT_RAM_SIZE);
}

GT_CASE(abi_v8, guest_runs_unchanged)
{
	struct program p;

	make(&p);
	run(&p);
	cr_assert_eq(p.out, GT_ABI_VALUE + 1);
	cr_assert_eq(p.heard, 1U);
	cr_assert_eq(p.rest, 1U);
	cr_assert_eq(gt_eventfd_count(p.bell), 1U);
	cr_assert_neq(p.run->exit_reason, (uint32_t)V8_EXIT_MMIO);
	/* It exited: no start brings it back, a new VM does. */
	cr_assert_eq(ioctl(p.vm, V8_VM_START, 0), -1);
	cr_assert_eq(errno, ENODEV);
	end(&p);
	make(&p);
	run(&p);
	cr_assert_eq(p.heard, 1U);
	end(&p);
}

/* As published, the first run starts the VM, and a VM_START behind it is none. */
GT_CASE(abi_v8, never_calls_vm_start)
{
	struct program p;

	prepare(&p);
	run(&p);
	cr_assert_eq(p.out, GT_ABI_VALUE + 1);
	cr_assert_eq(p.heard, 1U);
	cr_assert_eq(gt_eventfd_count(p.bell), 1U);
	/* It exited: a run brings it back as little as a start. */
	cr_assert_eq(ioctl(p.vcpu, V8_VCPU_RUN, 0), 0);
	cr_assert_neq(p.run->exit_reason, (uint32_t)V8_EXIT_MMIO);
	cr_assert_eq(ioctl(p.vm, V8_VM_START, 0), -1);
	cr_assert_eq(errno, ENODEV);
	end(&p);
	prepare(&p);
	p.run->immediate_exit = 1;
	cr_assert_eq(ioctl(p.vcpu, V8_VCPU_RUN, 0), -1);
	cr_assert_eq(errno, EINTR);
	p.run->immediate_exit = 0;
	cr_assert_eq(ioctl(p.vm, V8_VM_START, 0), 0);
	run(&p);
	cr_assert_eq(p.heard, 1U);
	end(&p);
}

/* A start that fails is the run's error, and a removed vCPU starts nothing. */
GT_CASE(abi_v8, first_run_that_cannot_start)
{
	struct v8_function fn = { .name = "vcpu" };
	struct v8_dtb nowhere = { 0x1000, 0x1000 };
	struct program p;

	prepare(&p);
	cr_assert_eq(ioctl(p.vm, V8_SET_DTB_CONFIG, &nowhere), 0);
	cr_assert_eq(ioctl(p.vcpu, V8_VCPU_RUN, 0), -1);
	cr_assert_eq(errno, EINVAL, "%s", strerror(errno));
	cr_assert_eq(ioctl(p.vm, V9_REMOVE_FUNCTION, &fn), 0);
	cr_assert_eq(ioctl(p.vcpu, V8_VCPU_RUN, 0), -1);
	cr_assert_eq(errno, ENODEV);
	end(&p);
}

GT_CASE(abi_v8, immediate_exit)
{
	struct program p;

	make(&p);
	p.run->immediate_exit = 1;
	cr_assert_eq(ioctl(p.vcpu, V8_VCPU_RUN, 0), -1);
	cr_assert_eq(errno, EINTR);
	p.run->immediate_exit = 0;
	run(&p);
	cr_assert_eq(p.out, GT_ABI_VALUE + 1);
	end(&p);
}

/* v9 can remove. */
GT_CASE(abi_v8, remove_function)
{
	struct v8_function fn = { .name = "irqfd", .irqfd = { .label = GT_BELL_EDGE } };
	struct program p;

	make(&p);
	cr_assert_eq(ioctl(p.vm, V9_REMOVE_FUNCTION, &fn), 0, "%s", strerror(errno));
	cr_assert_eq(ioctl(p.vm, V9_REMOVE_FUNCTION, &fn), -1);
	cr_assert_eq(errno, ENOENT);
	fn = (struct v8_function) { .name = "ioeventfd", .ioeventfd = { .addr = GT_ABI_BELL } };
	cr_assert_eq(ioctl(p.vm, V9_REMOVE_FUNCTION, &fn), 0, "%s", strerror(errno));
	fn = (struct v8_function) { .name = "vcpu" };
	cr_assert_eq(ioctl(p.vm, V9_REMOVE_FUNCTION, &fn), 0, "%s", strerror(errno));
	cr_assert_eq(ioctl(p.vcpu, V8_VCPU_RUN, 0), -1);
	cr_assert_eq(errno, ENODEV);
	end(&p);
}
