// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Wake boards come and go before and after what is on them, and what user space writes
 * on one is its own affair. Bad input, and what a board's mapping may be.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gt.h"
#include "gt_board.h"
#include "gt_fn.h"

TestSuite(board_life, .timeout = GT_TIMEOUT);

static void close_both(struct gt_listener *g, struct gt_board *b)
{
	gt_listener_close(g);
	gt_board_close(b);
}

/* ---- the board of a vCPU ------------------------------------------------------------ */

GT_CASE(board_life, set_board_tells)
{
	struct gt_vcpu *vcpu;
	struct gt_board b;
	struct gt_vm vm;

	/* Also of a vCPU that was never run. */
	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	vcpu = &vm.vcpus[0];
	gt_board_open(&b, vcpu, GT_BOARD_BITS, gt_eventfd());
	gt_board_put(&b, vcpu, 0);
	cr_assert_eq(gt_eventfd_count(b.event), 0U);
	cr_assert(gh_wake_board_arm(b.map));
	gt_board_put(&b, vcpu, 0);
	cr_assert_eq(gt_eventfd_count(b.event), 1U);
	gt_board_put(&b, vcpu, GT_BOARD_BITS - 1);
	cr_assert_eq(gh_wake_board_set(vcpu->fd, -1, 0), 0);
	cr_assert_eq(gh_wake_board_set(vcpu->fd, -1, 0), 0);
	gt_board_silent(&b);
	gt_vm_close(&vm);
	gt_board_close(&b);
}

GT_CASE(board_life, replaced)
{
	struct gt_board before, now;
	struct gt_listener g;

	gt_listener_leave(&g, &before, 5);
	gt_board_open(&now, g.vcpu, GT_BOARD_BITS, gt_eventfd());
	gt_board_put(&now, g.vcpu, 6);
	gt_listener_ring(&g);
	gt_board_expect_bit(&now, 6);
	gt_board_silent(&before);
	gt_listener_hear(&g);
	/* None any more: a wake-up is not told. */
	cr_assert_eq(gh_wake_board_set(g.vcpu->fd, -1, 0), 0);
	gt_leave(g.vcpu);
	gt_listener_ring(&g);
	gt_listener_hear(&g);
	gt_board_silent(&now);
	gt_board_silent(&before);
	close_both(&g, &now);
	gt_board_close(&before);
}

GT_CASE(board_life, closed_before_the_wake_up)
{
	struct gt_listener g;
	struct gt_board b;

	gt_listener_leave(&g, &b, 5);
	cr_assert(gh_wake_board_arm(b.map));
	gt_board_close(&b);
	gt_listener_ring(&g);
	gt_listener_hear(&g);
	gt_leave(g.vcpu);
	cr_assert_eq(gt_ioctl(g.vcpu->fd, GH_VCPU_KICK, 0), 0);
	/* And again with another one. */
	gt_board_open(&b, g.vcpu, GT_BOARD_BITS, gt_eventfd());
	gt_board_put(&b, g.vcpu, 5);
	gt_leave(g.vcpu);
	gt_listener_ring(&g);
	gt_board_expect_bit(&b, 5);
	close_both(&g, &b);
	cr_assert_eq(gt_modules_unload(), 0);
}

/* The mapping holds the board, and with it the module. */
GT_CASE(board_life, vcpu_closed_before_the_wake_up)
{
	struct gt_listener g;
	struct gt_board b;

	gt_listener_leave(&g, &b, 5);
	gt_vcpu_close(g.vcpu);
	gt_listener_ring(&g);
	gt_listener_close(&g);
	gt_board_silent(&b);
	close(b.event);
	close(b.fd);
	cr_assert_eq(gt_module_try_unload("gunyah_posted"), 0);
	cr_assert_eq(gt_module_try_unload("gunyah_vcpu"), -EAGAIN);
	memset(b.map, 0xff, b.size);
	munmap(b.map, b.size);
	cr_assert_eq(gt_modules_load(), 0);
	cr_assert_eq(gt_modules_unload(), 0);
}

/* ---- bad input ------------------------------------------------------------------- */

/* Whatever is in the mapping, the guest goes on and only this board tells nonsense. */
GT_CASE(board_life, scribbled)
{
	static const int fills[] = { 0xff, 0xa5, GH_BOARD_ARMED, GH_BOARD_TOLD, 0 };
	struct gt_board b, other;
	struct gt_listener g, h;
	unsigned int i;

	gt_listener_leave(&g, &b, 5);
	gt_listener_leave(&h, &other, 5);
	for (i = 0; i < GT_ARRAY_SIZE(fills); i++) {
		memset(b.map, fills[i], b.size);
		gt_listener_ring(&g);
		gt_board_await(&b, 5);
		gt_listener_hear(&g);
		/* Bits without reason: the guest still waits. */
		gt_leave(g.vcpu);
		cr_assert(!gt_board_has(&other, 5) || !gt_vcpu_is(h.vcpu, "left"));
		b.map->nr = UINT32_MAX;
		cr_assert_eq(gh_wake_board_set(g.vcpu->fd, b.fd, GT_BOARD_BITS), -EINVAL);
	}
	gt_listener_ring(&h);
	gt_board_expect_bit(&other, 5);
	close_both(&g, &b);
	close_both(&h, &other);
}

GT_CASE(board_life, sizes)
{
	static const uint32_t nrs[] = {
		1, 63, 64, 65, 32255, 32256, 32257, GH_WAKE_BOARD_MAX - 1, GH_WAKE_BOARD_MAX,
	};
	const size_t page = sysconf(_SC_PAGESIZE);
	struct gt_board b;
	struct gt_vm vm;
	unsigned int i;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	for (i = 0; i < GT_ARRAY_SIZE(nrs); i++) {
		gt_board_open(&b, &vm.vcpus[0], nrs[i], -1);
		cr_assert_eq(b.size, (nrs[i] <= 32256 ? 1 : nrs[i] <= 65024 ? 2 : 3) * page);
		cr_assert_eq(gt_mmap(b.fd, b.size + page, PROT_READ, MAP_SHARED, 0), -EINVAL);
		cr_assert_eq(gh_wake_board_set(vm.vcpus[0].fd, b.fd, nrs[i]), -EINVAL);
		gt_board_put(&b, &vm.vcpus[0], nrs[i] - 1);
		gt_board_close(&b);
	}
	gt_vm_close(&vm);
}

GT_CASE(board_life, bad_mappings)
{
	const size_t page = sysconf(_SC_PAGESIZE), size = 2 * page;
	struct gt_vm vm;
	int fd;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	fd = gh_wake_board_new(vm.vcpus[0].fd, 40000, -1);
	cr_assert_geq(fd, 0);
	GT_ERRNO(board_size, EINVAL, gt_mmap(fd, size + page, PROT_READ, MAP_SHARED, 0));
	GT_ERRNO(board_size, EINVAL, gt_mmap(fd, page, PROT_READ, MAP_SHARED, 0));
	GT_ERRNO(board_offset, EINVAL, gt_mmap(fd, size, PROT_READ, MAP_SHARED, page));
	GT_ERRNO(board_private, EINVAL, gt_mmap(fd, size, PROT_READ, MAP_PRIVATE, 0));
	GT_ERRNO(board_exec, EPERM, gt_mmap(fd, size, PROT_READ | PROT_EXEC, MAP_SHARED, 0));
	cr_assert_eq(gt_mmap(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0), 0);
	cr_assert_eq(gt_mmap(fd, size, PROT_READ, MAP_SHARED, 0), 0);
	close(fd);
	gt_vm_close(&vm);
}

static int new_board(const struct gt_vcpu *vcpu, struct gh_wake_board_arg arg)
{
	return gt_ioctl(vcpu->fd, GH_VCPU_NEW_BOARD, (uintptr_t)&arg);
}

GT_CASE(board_life, bad_arguments)
{
	struct gt_vcpu *vcpu;
	struct gt_vm vm;
	int i, fd;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	vcpu = &vm.vcpus[0];
	GT_ERRNO(board_struct, EFAULT, gt_ioctl(vcpu->fd, GH_VCPU_NEW_BOARD, 0));
	for (i = 0; i < 32; i++) {
		GT_ERRNO(board_flags, EINVAL,
			 new_board(vcpu, (struct gh_wake_board_arg) { 1, -1, 1U << i, 0 }));
		GT_ERRNO(board_padding, EINVAL,
			 new_board(vcpu, (struct gh_wake_board_arg) { 1, -1, 0, 1U << i }));
	}
	GT_ERRNO(board_none, EINVAL, gh_wake_board_new(vcpu->fd, 0, -1));
	GT_ERRNO(board_many, EINVAL, gh_wake_board_new(vcpu->fd, GH_WAKE_BOARD_MAX + 1, -1));
	cr_assert_eq(gh_wake_board_new(vcpu->fd, UINT32_MAX, -1), -EINVAL);
	GT_ERRNO(board_fd, EBADF, gh_wake_board_new(vcpu->fd, 1, -2));
	GT_ERRNO(board_not_eventfd, EINVAL, gh_wake_board_new(vcpu->fd, 1, vm.fd));

	fd = gh_wake_board_new(vcpu->fd, 65, -1);
	cr_assert_geq(fd, 0);
	GT_ERRNO(set_board_struct, EFAULT, gt_ioctl(vcpu->fd, GH_VCPU_SET_BOARD, 0));
	GT_ERRNO(set_board_bit_alone, EINVAL, gh_wake_board_set(vcpu->fd, -1, 1));
	GT_ERRNO(set_board_fd, EBADF, gh_wake_board_set(vcpu->fd, -2, 0));
	GT_ERRNO(set_board_other_file, EBADF, gh_wake_board_set(vcpu->fd, vcpu->fd, 0));
	GT_ERRNO(set_board_bit, EINVAL, gh_wake_board_set(vcpu->fd, fd, 65));
	cr_assert_eq(gh_wake_board_set(vcpu->fd, fd, UINT32_MAX), -EINVAL);
	cr_assert_eq(gh_wake_board_set(vcpu->fd, fd, 64), 0);
	/* A board has no calls of its own. */
	cr_assert_eq(gt_ioctl(fd, GH_VCPU_KICK, 0), -ENOTTY);
	close(fd);
	gt_vm_close(&vm);
	cr_assert_eq(gt_modules_unload(), 0);
}

GT_CASE(board_life, no_descriptor_left)
{
	struct rlimit limit, none;
	struct gt_vm vm;
	int ret, fd;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ret = gh_wake_board_new(vm.vcpus[0].fd, 1, -1);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	GT_ERRNO(board_emfile, EMFILE, ret);
	fd = gh_wake_board_new(vm.vcpus[0].fd, 1, -1);
	cr_assert_geq(fd, 0);
	close(fd);
	gt_vm_close(&vm);
	cr_assert_eq(gt_modules_unload(), 0);
}

/* ---- guests that compute --------------------------------------------------------- */

/*
 * How many of two entries a batch carries out, if it is over for nothing else than it
 * should be: with the board in @state. Both guests use their slices up.
 */
static int run_two(const struct gt_board *b, const struct gt_vcpu *vcpu, uint32_t state)
{
	struct gh_run_entry entries[2];

	gh_run_entry_init(&entries[0], vcpu[0].fd, 500000);
	gh_run_entry_init(&entries[1], vcpu[1].fd, 500000);
	__atomic_store_n(&b->map->state, state, __ATOMIC_SEQ_CST);
	return gh_run_batch(vcpu[0].fd, entries, 2, 0);
}

/* Who needs not wait any more does not wait for the slices of all. */
GT_CASE(board_life, told_ends_a_batch_behind_a_slice)
{
	static const struct gs_op spinner[] = { { GS_CPU_ON, 0, 1, 0 }, { GS_SPIN, 0, 0, 0 } };
	static const uint32_t going_on[] = { GH_BOARD_QUIET, GH_BOARD_ARMED, 77 };
	struct gt_board b;
	struct gt_vm vm;
	unsigned int i;
	uint64_t end;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 2);
	gt_vm_script(&vm, 0, spinner, 2);
	gt_vm_script(&vm, 1, spinner + 1, 1);
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_add_vcpu(&vm, 1);
	gt_vm_start(&vm);
	gt_board_open(&b, vm.vcpus, GT_BOARD_BITS, -1);
	/* Until both compute. */
	for (i = 0; i < 10; i++)
		run_two(&b, vm.vcpus, GH_BOARD_QUIET);
	gt_board_put(&b, &vm.vcpus[0], 0);
	for (i = 0; i < 20; i++)
		cr_assert_eq(run_two(&b, vm.vcpus, GH_BOARD_TOLD), 1);
	for (i = 0; i < GT_ARRAY_SIZE(going_on); i++) {
		end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
		while (run_two(&b, vm.vcpus, going_on[i]) != 2)
			cr_assert_lt(gt_now_ns(), end, "state %u", going_on[i]);
	}
	/* It is the board of who used up its slice that counts. */
	cr_assert_eq(gh_wake_board_set(vm.vcpus[0].fd, -1, 0), 0);
	end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	while (run_two(&b, vm.vcpus, GH_BOARD_TOLD) != 2)
		cr_assert_lt(gt_now_ns(), end, "without a board");
	gt_vm_close(&vm);
	gt_board_close(&b);
}
