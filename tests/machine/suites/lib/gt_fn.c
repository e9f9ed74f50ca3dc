// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gt_fn.h"

static int by_number(int vm_fd, unsigned long cmd, uint32_t type, const void *arg, uint32_t size)
{
	struct gh_fn_desc desc = {
		.type = type,
		.arg_size = size,
		.arg = (uintptr_t)arg,
	};

	return gt_ioctl(vm_fd, cmd, (unsigned long)&desc);
}

static int by_name(int vm_fd, unsigned long cmd, const char *name, const void *arg, uint32_t size)
{
	struct gh_vm_function fn;

	/* Nobody may look behind the argument. */
	memset(&fn, 0xa5, sizeof(fn));
	memset(fn.name, 0, sizeof(fn.name));
	strncpy(fn.name, name, sizeof(fn.name) - 1);
	memcpy(fn.data, arg, size);
	return gt_ioctl(vm_fd, cmd, (unsigned long)&fn);
}

int gt_fn_add(int vm_fd, uint32_t type, const void *arg, uint32_t size)
{
	return by_number(vm_fd, GH_VM_ADD_FUNCTION, type, arg, size);
}

int gt_fn_remove(int vm_fd, uint32_t type, const void *arg, uint32_t size)
{
	return by_number(vm_fd, GH_VM_REMOVE_FUNCTION, type, arg, size);
}

int gt_fn_add_by_name(int vm_fd, const char *name, const void *arg, uint32_t size)
{
	return by_name(vm_fd, GH_VM_ADD_FUNCTION_BY_NAME, name, arg, size);
}

int gt_fn_remove_by_name(int vm_fd, const char *name, const void *arg, uint32_t size)
{
	return by_name(vm_fd, GH_VM_REMOVE_FUNCTION_BY_NAME, name, arg, size);
}

static struct gh_fn_ioeventfd_arg ioeventfd_arg(int fd, uint64_t addr, uint32_t len,
						const uint64_t *match)
{
	return (struct gh_fn_ioeventfd_arg) {
		.datamatch = match ? *match : 0,
		.addr = addr,
		.len = len,
		.fd = fd,
		.flags = match ? GH_IOEVENTFD_DATAMATCH : 0,
	};
}

int gt_ioeventfd_add(int vm_fd, int fd, uint64_t addr, uint32_t len, const uint64_t *match)
{
	struct gh_fn_ioeventfd_arg arg = ioeventfd_arg(fd, addr, len, match);

	return gt_fn_add(vm_fd, GH_FN_IOEVENTFD, &arg, sizeof(arg));
}

int gt_ioeventfd_remove(int vm_fd, uint64_t addr, uint32_t len, const uint64_t *match)
{
	struct gh_fn_ioeventfd_arg arg = ioeventfd_arg(0, addr, len, match);

	return gt_fn_remove(vm_fd, GH_FN_IOEVENTFD, &arg, sizeof(arg));
}

int gt_irqfd_add(int vm_fd, int fd, uint32_t label, uint32_t flags)
{
	struct gh_fn_irqfd_arg arg = { .fd = fd, .label = label, .flags = flags };

	return gt_fn_add(vm_fd, GH_FN_IRQFD, &arg, sizeof(arg));
}

int gt_irqfd_remove(int vm_fd, uint32_t label)
{
	struct gh_fn_irqfd_arg arg = { .label = label };

	return gt_fn_remove(vm_fd, GH_FN_IRQFD, &arg, sizeof(arg));
}

int gt_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	cr_assert_geq(fd, 0, "eventfd: %s", strerror(errno));
	return fd;
}

uint64_t gt_eventfd_count(int fd)
{
	uint64_t count = 0;

	if (read(fd, &count, sizeof(count)) < 0)
		cr_assert_eq(errno, EAGAIN);
	return count;
}

void gt_eventfd_signal(int fd)
{
	uint64_t one = 1;

	cr_assert_eq(write(fd, &one, sizeof(one)), (ssize_t)sizeof(one));
}
