// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Writes of the guest that signal an eventfd, and those that must not. */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "gt.h"
#include "gt_fn.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define DONE	0x0b0ff000ULL
#define MANY	1000

TestSuite(ioeventfd, .timeout = GT_TIMEOUT);

/* Each width at one address, twice with different values, then a word to the host. */
static const struct gs_op writer[] = {
	{ GS_WRITE, 1, DEV, 0x11 }, { GS_WRITE, 2, DEV, 0x2211 },
	{ GS_WRITE, 4, DEV, 0x44332211 }, { GS_WRITE, 8, DEV, 0x8877665544332211 },
	{ GS_WRITE, 1, DEV, 5 }, { GS_WRITE, 2, DEV, 5 },
	{ GS_WRITE, 4, DEV, 5 }, { GS_WRITE, 8, DEV, 5 },
	{ GS_WRITE, 4, DONE, 1 }, { GS_GOTO, 0, 0, 1 << 30 },
};

/* Runs one turn of writer; the bits of the writes that came to user space. */
static unsigned int turn(const struct gt_path *path, struct gt_vcpu *vcpu)
{
	static const struct { uint32_t len; uint64_t data; } writes[] = {
		{ 1, 0x11 }, { 2, 0x2211 }, { 4, 0x44332211 }, { 8, 0x8877665544332211 },
		{ 1, 5 }, { 2, 5 }, { 4, 5 }, { 8, 5 },
	};
	unsigned int i = 0, seen = 0;
	struct gt_exit exit;

	for (;;) {
		gt_run(path, vcpu, &exit);
		cr_assert_eq(exit.kind, GT_EXIT_MMIO);
		cr_assert(exit.write);
		if (exit.addr == DONE)
			return seen;
		cr_assert_eq(exit.addr, DEV);
		while (i < 8 && (writes[i].len != exit.len || writes[i].data != exit.data))
			i++;
		cr_assert_lt(i, 8U, "write of %u bytes out of order", exit.len);
		seen |= 1U << i;
	}
}

static void check_lengths(const struct gt_path *path)
{
	static const uint32_t lens[] = { 1, 2, 4, 8 };
	int fd = gt_eventfd();
	struct gt_vm vm;
	unsigned int i;

	GT_BOOT_SCRIPT(&vm, writer);
	cr_assert_eq(turn(path, &vm.vcpus[0]), 0xffU);
	for (i = 0; i < 4; i++) {
		cr_assert_eq(gt_ioeventfd_add(vm.fd, fd, DEV, lens[i], NULL), 0);
		cr_assert_eq(turn(path, &vm.vcpus[0]), 0xffU & ~(0x11U << i), "%u", lens[i]);
		cr_assert_eq(gt_eventfd_count(fd), 2U);
		cr_assert_eq(gt_ioeventfd_remove(vm.fd, DEV, lens[i], NULL), 0);
	}
	cr_assert_eq(gt_ioeventfd_add(vm.fd, fd, DEV, 0, NULL), 0);
	cr_assert_eq(turn(path, &vm.vcpus[0]), 0U);
	cr_assert_eq(gt_eventfd_count(fd), 8U);
	cr_assert_eq(gt_ioeventfd_remove(vm.fd, DEV, 0, NULL), 0);
	cr_assert_eq(turn(path, &vm.vcpus[0]), 0xffU);
	cr_assert_eq(gt_eventfd_count(fd), 0U);
	gt_vm_close(&vm);
	close(fd);
}

GT_CASE(ioeventfd, length_by_ioctl)
{
	check_lengths(&gt_path_ioctl);
}

GT_CASE(ioeventfd, length_on_a_ring)
{
	check_lengths(&gt_path_ring);
}

/* Several handlers at one address: value and length, length, any. */
GT_CASE(ioeventfd, the_most_special_one_is_signalled)
{
	const uint64_t five = 5, other = 0x44332211;
	int match = gt_eventfd(), len = gt_eventfd(), any = gt_eventfd();
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, writer);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, any, DEV, 0, NULL), 0);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, len, DEV, 4, NULL), 0);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, match, DEV, 4, &five), 0);
	cr_assert_eq(turn(&gt_path_ioctl, &vm.vcpus[0]), 0U);
	cr_assert_eq(gt_eventfd_count(match), 1U);
	cr_assert_eq(gt_eventfd_count(len), 1U);
	cr_assert_eq(gt_eventfd_count(any), 6U);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, match, DEV, 4, &other), 0);
	cr_assert_eq(gt_ioeventfd_remove(vm.fd, DEV, 4, NULL), 0);
	cr_assert_eq(turn(&gt_path_ioctl, &vm.vcpus[0]), 0U);
	cr_assert_eq(gt_eventfd_count(match) + gt_eventfd_count(any), 8U);
	cr_assert_eq(gt_eventfd_count(len), 0U);
	gt_vm_close(&vm);
	close(match);
	close(len);
	close(any);
}

/* Only the low bytes of a value can be written with a length. */
GT_CASE(ioeventfd, datamatch_is_as_long_as_the_write)
{
	const uint64_t value = 0xffffffff00000005, wide = 0x8877665544332211;
	int fd = gt_eventfd();
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, writer);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, fd, DEV, 4, &value), 0);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, fd, DEV, 8, &wide), 0);
	cr_assert_eq(turn(&gt_path_ioctl, &vm.vcpus[0]), 0xffU & ~(1U << 3) & ~(1U << 6));
	cr_assert_eq(gt_eventfd_count(fd), 2U);
	gt_vm_close(&vm);
	close(fd);
}

GT_CASE(ioeventfd, bad_arguments)
{
	static const uint32_t lens[] = { 3, 5, 6, 7, 9, 16, 0x80000000 };
	struct gh_fn_ioeventfd_arg arg = { .addr = DEV, .len = 4, .fd = gt_eventfd() };
	const uint64_t five = 5;
	int vm = gt_create_vm();
	unsigned int i;

	for (i = 0; i < GT_ARRAY_SIZE(lens); i++)
		GT_ERRNO(io_len, EINVAL, gt_ioeventfd_add(vm, arg.fd, DEV, lens[i], NULL));
	GT_ERRNO(io_any_match, EINVAL, gt_ioeventfd_add(vm, arg.fd, DEV, 0, &five));
	GT_ERRNO(io_end, EINVAL, gt_ioeventfd_add(vm, arg.fd, UINT64_MAX - 2, 4, NULL));
	cr_assert_eq(gt_ioeventfd_add(vm, arg.fd, UINT64_MAX - 3, 4, NULL), 0);
	cr_assert_eq(gt_ioeventfd_add(vm, arg.fd, UINT64_MAX, 0, NULL), 0);
	GT_ERRNO(io_fd, EBADF, gt_ioeventfd_add(vm, -1, DEV, 4, NULL));
	GT_ERRNO(io_not_eventfd, EINVAL, gt_ioeventfd_add(vm, vm, DEV, 4, NULL));
	for (i = 1; i < 32; i++) {
		arg.flags = 1U << i;
		GT_ERRNO(io_flag, EINVAL, gt_fn_add(vm, GH_FN_IOEVENTFD, &arg, sizeof(arg)));
	}
	arg.flags = 0;
	arg.padding = 1;
	GT_ERRNO(io_padding, EINVAL, gt_fn_add(vm, GH_FN_IOEVENTFD, &arg, sizeof(arg)));
	arg.padding = 0;
	cr_assert_eq(gt_fn_add(vm, GH_FN_IOEVENTFD, &arg, sizeof(arg) - 4), -EINVAL);
	cr_assert_eq(gt_fn_add(vm, GH_FN_IOEVENTFD, &arg, sizeof(arg)), 0);
	GT_ERRNO(io_twice, EEXIST, gt_fn_add(vm, GH_FN_IOEVENTFD, &arg, sizeof(arg)));
	cr_assert_eq(gt_ioeventfd_add(vm, arg.fd, DEV, 4, &five), 0);
	cr_assert_eq(gt_ioeventfd_add(vm, arg.fd, DEV, 4, &five), -EEXIST);
	close(vm);
	close(arg.fd);
}

/* By name the struct had no padding, and what lies behind it is anything. */
GT_CASE(ioeventfd, by_name_is_unpadded)
{
	struct gh_fn_ioeventfd_arg arg = { .addr = DEV, .len = 4, .fd = gt_eventfd() };
	uint32_t size = offsetof(struct gh_fn_ioeventfd_arg, padding);
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, writer);
	cr_assert_eq(gt_fn_add_by_name(vm.fd, "ioeventfd", &arg, size), 0);
	cr_assert_eq(turn(&gt_path_ioctl, &vm.vcpus[0]), 0xffU & ~0x44U);
	cr_assert_eq(gt_eventfd_count(arg.fd), 2U);
	/* One set of functions: what was added by name can be removed by number. */
	cr_assert_eq(gt_ioeventfd_remove(vm.fd, DEV, 4, NULL), 0);
	cr_assert_eq(gt_fn_add(vm.fd, GH_FN_IOEVENTFD, &arg, sizeof(arg)), 0);
	cr_assert_eq(gt_fn_remove_by_name(vm.fd, "ioeventfd", &arg, size), 0);
	cr_assert_eq(gt_fn_remove_by_name(vm.fd, "ioeventfd", &arg, size), -ENOENT);
	gt_vm_close(&vm);
	close(arg.fd);
}

/* A client may name no more than the address; who names more gets what it named. */
GT_CASE(ioeventfd, removal)
{
	const uint64_t five = 5, six = 6;
	int fd = gt_eventfd(), vm = gt_create_vm();

	cr_assert_eq(gt_ioeventfd_add(vm, fd, DEV, 4, &five), 0);
	cr_assert_eq(gt_ioeventfd_remove(vm, DEV + 4, 0, NULL), -ENOENT);
	cr_assert_eq(gt_ioeventfd_remove(vm, DEV, 2, NULL), -ENOENT);
	cr_assert_eq(gt_ioeventfd_remove(vm, DEV, 4, &six), -ENOENT);
	cr_assert_eq(gt_ioeventfd_remove(vm, DEV, 0, NULL), 0);
	cr_assert_eq(gt_ioeventfd_remove(vm, DEV, 0, NULL), -ENOENT);

	cr_assert_eq(gt_ioeventfd_add(vm, fd, DEV, 4, &five), 0);
	cr_assert_eq(gt_ioeventfd_add(vm, fd, DEV, 4, &six), 0);
	cr_assert_eq(gt_ioeventfd_remove(vm, DEV, 4, &six), 0);
	cr_assert_eq(gt_ioeventfd_remove(vm, DEV, 4, &six), -ENOENT);
	cr_assert_eq(gt_ioeventfd_remove(vm, DEV, 4, &five), 0);
	close(vm);
	close(fd);
}

static const struct gs_op same_write[] = {
	{ GS_WRITE, 4, DEV, MANY - 1 }, { GS_GOTO, 0, 0, 499 }, { GS_WRITE, 4, DONE, 0 },
	{ GS_WRITE, 4, DEV, MANY - 1 }, { GS_GOTO, 0, 3, 499 }, { GS_WRITE, 4, DONE, 0 },
	{ GS_OFF },
};

static void same_turn(struct gt_vcpu *vcpu, int hit)
{
	struct gt_exit exit;

	gt_run(&gt_path_ioctl, vcpu, &exit);
	cr_assert_eq(exit.addr, DONE);
	cr_assert_eq(gt_eventfd_count(hit), 500U);
}

/* Only the one that is meant; what the others cost is the suite icount's. */
GT_CASE(ioeventfd, a_thousand)
{
	int fd = gt_eventfd(), hit = gt_eventfd();
	const uint64_t value = MANY - 1;
	struct gt_vm vm;
	uint64_t i;

	GT_BOOT_SCRIPT(&vm, same_write);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, hit, DEV, 4, &value), 0);
	same_turn(&vm.vcpus[0], hit);
	for (i = 0; i < MANY - 1; i++) {
		cr_assert_eq(gt_ioeventfd_add(vm.fd, fd, DEV, 4, &i), 0);
		cr_assert_eq(gt_ioeventfd_add(vm.fd, fd, DEV + 4 + 4 * i, 4, NULL), 0);
	}
	same_turn(&vm.vcpus[0], hit);
	cr_assert_eq(gt_eventfd_count(fd), 0U);
	for (i = 0; i < MANY - 1; i += 2)
		cr_assert_eq(gt_ioeventfd_remove(vm.fd, DEV, 4, &i), 0);
	gt_vm_close(&vm);
	close(fd);
	close(hit);
}

/* As many functions as a VM may have: the next one is refused, until one goes. */
GT_CASE(ioeventfd, limit)
{
	int fd = gt_eventfd(), vm = gt_create_vm();
	uint64_t i;

	for (i = 0; i < 4096; i++)
		cr_assert_eq(gt_ioeventfd_add(vm, fd, DEV, 4, &i), 0, "%d", (int)i);
	GT_ERRNO(fn_limit, ENOSPC, gt_ioeventfd_add(vm, fd, DEV, 4, &i));
	GT_ERRNO(fn_limit, ENOSPC, gt_add_vcpu(vm, 0));
	i = 17;
	cr_assert_eq(gt_ioeventfd_remove(vm, DEV, 4, &i), 0);
	cr_assert_eq(gt_ioeventfd_add(vm, fd, DEV, 8, &i), 0);
	cr_assert_eq(gt_ioeventfd_add(vm, fd, DEV, 8, NULL), -ENOSPC);
	close(vm);
	close(fd);
}

struct churn {
	int vm_fd;
	bool stop;
	unsigned int turns;
};

static void *churn(void *data)
{
	struct churn *c = data;
	int fd;

	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
		fd = gt_eventfd();
		gt_ioeventfd_add(c->vm_fd, fd, DEV, 0, NULL);
		/* The handler's own reference keeps it. */
		close(fd);
		usleep(1000);
		gt_ioeventfd_remove(c->vm_fd, DEV, 0, NULL);
		c->turns++;
	}
	return NULL;
}

/* Handlers and their eventfds come and go while the guest writes. */
GT_CASE(ioeventfd, removal_under_writes)
{
	struct gt_exit exit;
	struct churn c = { 0 };
	pthread_t thread;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, writer);
	c.vm_fd = vm.fd;
	cr_assert_eq(pthread_create(&thread, NULL, churn, &c), 0);
	while (__atomic_load_n(&c.turns, __ATOMIC_RELAXED) < 100) {
		gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
		cr_assert_eq(exit.kind, GT_EXIT_MMIO);
	}
	__atomic_store_n(&c.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	gt_vm_close(&vm);
}

/* A VM that dies with its handlers in place leaves nothing behind. */
GT_CASE(ioeventfd, teardown_with_handlers)
{
	int fd = gt_eventfd();
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, writer);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, fd, DEV, 0, NULL), 0);
	cr_assert_eq(turn(&gt_path_ioctl, &vm.vcpus[0]), 0U);
	gt_vm_close(&vm);
	cr_assert_eq(gt_eventfd_count(fd), 8U);
	close(fd);
	cr_assert_eq(gt_modules_unload(), 0);
}
