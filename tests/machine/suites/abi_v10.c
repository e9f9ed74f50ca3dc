// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A program of the interface's second generation (v10 and later, Android): functions
 * by number, STATUS as the end of a VM, resume_action in the page. All it passes to
 * the driver is defined here, from the table of that generation, and nothing of
 * <linux/gunyah.h> is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt_abi.h"

#define V10_CREATE_VM		0x00004700
#define V10_SET_USER_MEM_REGION	0x40204701
#define V10_SET_DTB_CONFIG	0x40104702
#define V10_ANDROID_LEND_USER_MEM 0x40204111
#define V10_VM_START		0x00004703
#define V10_ADD_FUNCTION	0x40104704
#define V10_REMOVE_FUNCTION	0x40104707
#define V10_VCPU_RUN		0x00004705
#define V10_VCPU_MMAP_SIZE	0x00004706

#define V10_MEM_READ		0x1
#define V10_MEM_WRITE		0x2
#define V10_MEM_EXEC		0x4
#define V10_MEM_LENT		0x8
#define V10_FN_VCPU		1
#define V10_FN_IRQFD		2
#define V10_FN_IOEVENTFD	3
#define V10_IOEVENTFD_DATAMATCH	0x1
#define V10_EXIT_MMIO		1
#define V10_EXIT_STATUS		2
#define V10_STATUS_EXITED	2
#define V10_TYPE_PSCI_OFF	1

struct v10_region {
	uint32_t label, flags;
	uint64_t guest_phys_addr, memory_size, userspace_addr;
};

struct v10_dtb {
	uint64_t gpa, size;
};

struct v10_desc {
	uint32_t type, arg_size;
	uint64_t arg;
};

struct v10_vcpu {
	uint32_t id;
};

struct v10_irqfd {
	uint32_t fd, label, flags, padding;
};

struct v10_ioeventfd {
	uint64_t datamatch, addr;
	uint32_t len;
	int32_t fd;
	uint32_t flags, padding;
};

struct v10_vcpu_run {
	uint8_t immediate_exit;
	uint8_t padding1[7];
	uint32_t exit_reason;
	union {
		struct {
			uint64_t phys_addr;
			uint8_t data[8];
			uint32_t len;
			uint8_t is_write;
			uint8_t resume_action;
		} mmio;
		struct {
			uint32_t status;
			uint16_t type;
			uint16_t padding;
			uint32_t reason_size;
			uint8_t reason[8];
		} status;
	};
};

_Static_assert(sizeof(struct v10_desc) == 16, "v10");
_Static_assert(sizeof(struct v10_irqfd) == 16, "v10");
_Static_assert(sizeof(struct v10_ioeventfd) == 32, "v10");
_Static_assert(sizeof(struct v10_vcpu_run) == 40, "v10");
_Static_assert(offsetof(struct v10_vcpu_run, mmio.resume_action) == 37, "v10");
_Static_assert(offsetof(struct v10_vcpu_run, status.reason) == 28, "v10");

TestSuite(abi_v10, .timeout = GT_TIMEOUT);

struct program {
	int vm, vcpu, bell, irq;
	uint8_t *ram;
	struct v10_vcpu_run *run;
	uint64_t out, heard;
	unsigned int rest;
};

static int function(int vm, unsigned long cmd, uint32_t type, const void *arg, uint32_t size)
{
	struct v10_desc desc = { .type = type, .arg_size = size, .arg = (uintptr_t)arg };
	int ret = ioctl(vm, cmd, &desc);

	return ret < 0 ? -errno : ret;
}

static void add_functions(struct program *p)
{
	const struct v10_irqfd irqfd = { .fd = p->irq, .label = GT_BELL_EDGE };
	const struct v10_ioeventfd io = {
		.datamatch = 3, .addr = GT_ABI_BELL, .len = 4, .fd = p->bell,
		.flags = V10_IOEVENTFD_DATAMATCH,
	};
	const struct v10_vcpu vcpu = { .id = 0 };

	p->vcpu = function(p->vm, V10_ADD_FUNCTION, V10_FN_VCPU, &vcpu, sizeof(vcpu));
	cr_assert_geq(p->vcpu, 0, "%s", strerror(-p->vcpu));
	cr_assert_eq(function(p->vm, V10_ADD_FUNCTION, V10_FN_IRQFD, &irqfd, sizeof(irqfd)), 0);
	cr_assert_eq(function(p->vm, V10_ADD_FUNCTION, V10_FN_IOEVENTFD, &io, sizeof(io)), 0);
	cr_assert_eq(function(p->vm, V10_ADD_FUNCTION, V10_FN_IOEVENTFD, &io, sizeof(io)),
		     -EEXIST);
}

/* With @android the memory is lent by a call of its own, as there is no flag for it. */
static void make_by(struct program *p, bool android)
{
	struct v10_dtb dtb = { GT_RAM_BASE + GT_DTB_OFFSET, GT_DTB_SIZE };
	struct v10_region region;
	int dev = open("/dev/gunyah", O_RDWR | O_CLOEXEC), size;

	memset(p, 0, sizeof(*p));
	p->bell = gt_eventfd();
	p->irq = gt_eventfd();
	p->ram = gt_abi_guest();
	p->vm = ioctl(dev, V10_CREATE_VM, 0);
	cr_assert_geq(p->vm, 0);
	close(dev);
	region = (struct v10_region) {
		.flags = V10_MEM_READ | V10_MEM_WRITE | V10_MEM_EXEC |
			 (android ? 0 : V10_MEM_LENT),
		.guest_phys_addr = GT_RAM_BASE,
		.memory_size = GT_RAM_SIZE,
		.userspace_addr = (uintptr_t)p->ram,
	};
	cr_assert_eq(ioctl(p->vm, android ? V10_ANDROID_LEND_USER_MEM : V10_SET_USER_MEM_REGION,
			   &region), 0, "%s", strerror(errno));
	cr_assert_eq(ioctl(p->vm, V10_SET_DTB_CONFIG, &dtb), 0);
	add_functions(p);
	size = ioctl(p->vcpu, V10_VCPU_MMAP_SIZE, 0);
	cr_assert_geq(size, 40);
	p->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, p->vcpu, 0);
	cr_assert_neq(p->run, MAP_FAILED);
	cr_assert_eq(ioctl(p->vm, V10_VM_START, 0), 0, "%s", strerror(errno));
}

static void make(struct program *p)
{
	make_by(p, false);
}

static void mmio(struct program *p)
{
	const uint64_t value = GT_ABI_VALUE;
	uint64_t data;

	/* A program of before v15 does not know this byte and leaves it as it is. */
	cr_assert_eq(p->run->mmio.resume_action, 0);
	memcpy(&data, p->run->mmio.data, sizeof(data));
	switch (p->run->mmio.phys_addr) {
	case GT_ABI_IN:
		cr_assert_not(p->run->mmio.is_write);
		cr_assert_eq(p->run->mmio.len, 8U);
		memcpy(p->run->mmio.data, &value, sizeof(value));
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
		cr_assert_fail("access at %#llx", (unsigned long long)p->run->mmio.phys_addr);
	}
}

static void run(struct program *p)
{
	for (;;) {
		if (ioctl(p->vcpu, V10_VCPU_RUN, 0)) {
			cr_assert_eq(errno, EINTR, "%s", strerror(errno));
			continue;
		}
		if (p->run->exit_reason == V10_EXIT_STATUS)
			return;
		cr_assert_eq(p->run->exit_reason, (uint32_t)V10_EXIT_MMIO);
		mmio(p);
	}
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

GT_CASE(abi_v10, guest_runs_unchanged)
{
	struct program p;

	make(&p);
	run(&p);
	cr_assert_eq(p.out, GT_ABI_VALUE + 1);
	cr_assert_eq(p.heard, 1U);
	cr_assert_eq(p.rest, 1U);
	cr_assert_eq(gt_eventfd_count(p.bell), 1U);
	cr_assert_eq(p.run->status.status, (uint32_t)V10_STATUS_EXITED);
	cr_assert_eq(p.run->status.type, V10_TYPE_PSCI_OFF);
	cr_assert_leq(p.run->status.reason_size, 8U);
	/* It stays so. */
	cr_assert_eq(ioctl(p.vcpu, V10_VCPU_RUN, 0), 0);
	cr_assert_eq(p.run->exit_reason, (uint32_t)V10_EXIT_STATUS);
	/* It exited: no start brings it back, a new VM does. */
	cr_assert_eq(ioctl(p.vm, V10_VM_START, 0), -1);
	cr_assert_eq(errno, ENODEV);
	end(&p);
	make(&p);
	run(&p);
	cr_assert_eq(p.heard, 1U);
	end(&p);
}

GT_CASE(abi_v10, memory_lent_as_on_android)
{
	struct program p;

	make_by(&p, true);
	run(&p);
	cr_assert_eq(p.heard, 1U);
	cr_assert_eq(gt_eventfd_count(p.bell), 1U);
	end(&p);
}

GT_CASE(abi_v10, immediate_exit)
{
	struct program p;

	make(&p);
	p.run->immediate_exit = 1;
	cr_assert_eq(ioctl(p.vcpu, V10_VCPU_RUN, 0), -1);
	cr_assert_eq(errno, EINTR);
	p.run->immediate_exit = 0;
	run(&p);
	cr_assert_eq(p.out, GT_ABI_VALUE + 1);
	end(&p);
}

/* crosvm names an irqfd by its label and an ioeventfd by its address. */
GT_CASE(abi_v10, remove_function)
{
	const struct v10_ioeventfd io = { .addr = GT_ABI_BELL };
	const struct v10_irqfd irqfd = { .label = GT_BELL_EDGE };
	const struct v10_vcpu vcpu = { .id = 0 };
	struct program p;

	make(&p);
	cr_assert_eq(function(p.vm, V10_REMOVE_FUNCTION, V10_FN_IRQFD, &irqfd, sizeof(irqfd)), 0);
	cr_assert_eq(function(p.vm, V10_REMOVE_FUNCTION, V10_FN_IRQFD, &irqfd, sizeof(irqfd)),
		     -ENOENT);
	cr_assert_eq(function(p.vm, V10_REMOVE_FUNCTION, V10_FN_IOEVENTFD, &io, sizeof(io)), 0);
	cr_assert_eq(function(p.vm, V10_REMOVE_FUNCTION, V10_FN_IOEVENTFD, &io, sizeof(io)),
		     -ENOENT);
	cr_assert_eq(function(p.vm, V10_REMOVE_FUNCTION, V10_FN_VCPU, &vcpu, sizeof(vcpu)), 0);
	cr_assert_eq(ioctl(p.vcpu, V10_VCPU_RUN, 0), -1);
	cr_assert_eq(errno, ENODEV);
	end(&p);
}

/* The byte is 0 on each exit, also where only a scribbler finds it: behind the status. */
GT_CASE(abi_v10, resume_action_is_0_on_each_exit)
{
	struct program p;
	int i;

	make(&p);
	run(&p);
	for (i = 0; i < 2; i++) {
		cr_assert_eq(p.run->exit_reason, (uint32_t)V10_EXIT_STATUS);
		cr_assert_eq(p.run->mmio.resume_action, 0);
		p.run->mmio.resume_action = 0xff;
		cr_assert_eq(ioctl(p.vcpu, V10_VCPU_RUN, 0), 0);
	}
	end(&p);
}

/* What only a later header asks for is refused, not misread. */
GT_CASE(abi_v10, resume_action_of_later_generations)
{
	struct program p;

	make(&p);
	while (ioctl(p.vcpu, V10_VCPU_RUN, 0))
		cr_assert_eq(errno, EINTR);
	cr_assert_eq(p.run->mmio.phys_addr, GT_ABI_IN);
	p.run->mmio.resume_action = 2;
	cr_assert_eq(ioctl(p.vcpu, V10_VCPU_RUN, 0), -1);
	cr_assert_eq(errno, EINVAL);
	p.run->mmio.resume_action = 0;
	mmio(&p);
	run(&p);
	cr_assert_eq(p.out, GT_ABI_VALUE + 1);
	end(&p);
}
