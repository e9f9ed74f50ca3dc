// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Each allocation and each access to user memory on the way of a call fails once: the
 * n-th one, for n = 1, 2, 3 ... until a call meets none that fails. A call that fails
 * then has changed nothing: the same call, repeated, succeeds. What cannot be repeated,
 * a start, ends the VM cleanly. In the end nothing is pinned and no VM is left, and the
 * kernel with leak detection finds none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt.h"
#include "gt_fault.h"
#include "gt_fn.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define PAGE	0x1000UL
#define EXTRA	0x90000000ULL

TestSuite(fault_inject, .timeout = 4 * GT_TIMEOUT);

/* What a call works with. */
struct gt_env {
	struct gt_vm vm;
	struct io_uring ring;
	int dev;
	int event;
	int got;		/* what a call made, or -1 */
	void *page;
	void *map;
};

static void walk_all(const struct gt_fault_step *steps, size_t n, struct gt_env *env)
{
	size_t i;

	for (i = 0; i < n; i++)
		gt_fault_walk(&steps[i], env);
}

static const struct gs_op writer[] = {
	{ GS_WRITE, 4, DEV, 7 }, { GS_GOTO, 0, 0, 1000000 },
};

static const struct gs_op waiter[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
static const struct gs_op off[] = { { GS_OFF } };

/* A VM with memory and a device tree for two vCPUs, of which it has one. */
static void prepare(struct gt_env *env, const struct gs_op *ops, size_t n)
{
	memset(env, 0, sizeof(*env));
	env->got = -1;
	env->dev = gt_open_dev();
	cr_assert_geq(env->dev, 0);
	env->event = gt_eventfd();
	env->page = gt_ram_alloc(PAGE);
	gt_vm_create(&env->vm);
	gt_vm_fill(&env->vm, "script", 2);
	gt_vm_script(&env->vm, 0, ops, n);
	gt_vm_give(&env->vm);
	gt_vm_add_vcpu(&env->vm, 0);
}

static void finish(struct gt_env *env, const char *name)
{
	uint8_t *ram = env->vm.ram;
	size_t size = env->vm.ram_size;

	/* The memory is the caller's again, every byte. */
	env->vm.ram = NULL;
	gt_vm_close(&env->vm);
	if (ram) {
		memset(ram, 0xa5, size);
		munmap(ram, size);
	}
	munmap(env->page, PAGE);
	close(env->event);
	close(env->dev);
	gt_fault_check(name);
}

/* The drivers serve the next VM as if nothing had been. */
static void check_a_vm_runs(void)
{
	struct gt_exit exit;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, off);
	gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
	cr_assert_eq(exit.kind, GT_EXIT_STATUS);
	gt_vm_close(&vm);
}

/* ---- the device and the VM ---------------------------------------------------------- */

static int keep(struct gt_env *env, int fd)
{
	if (fd >= 0)
		env->got = fd;
	return fd;
}

static void close_got(struct gt_env *env)
{
	close(env->got);
	env->got = -1;
}

static int open_dev(struct gt_env *env)
{
	return keep(env, gt_open_dev());
}

static int create_vm(struct gt_env *env)
{
	return keep(env, gt_ioctl(env->dev, GH_CREATE_VM, 0));
}

static int share(struct gt_env *env)
{
	return gt_set_mem(env->vm.fd, GT_SHARED_LABEL, GT_MEM_RWX, EXTRA, PAGE, env->page);
}

static int lend(struct gt_env *env)
{
	return gt_set_mem(env->vm.fd, GT_SHARED_LABEL, GT_MEM_RWX | GH_MEM_LENT, EXTRA, PAGE,
			  env->page);
}

/* Pages that nobody has touched: pinning them allocates. */
static int lend_fresh(struct gt_env *env)
{
	if (env->map)
		munmap(env->map, 4 * PAGE);
	env->map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	if (env->map == MAP_FAILED) {
		env->map = NULL;
		return -ENOMEM;
	}
	return gt_set_mem(env->vm.fd, GT_SHARED_LABEL, GT_MEM_RWX | GH_MEM_LENT, EXTRA, 4 * PAGE,
			  env->map);
}

static int unset_mem(struct gt_env *env)
{
	return gt_set_mem(env->vm.fd, GT_SHARED_LABEL, 0, 0, 0, NULL);
}

static void must_unset_mem(struct gt_env *env)
{
	cr_assert_eq(unset_mem(env), 0);
}

static void must_share(struct gt_env *env)
{
	cr_assert_eq(share(env), 0);
}

static int set_dtb(struct gt_env *env)
{
	return gt_set_dtb(env->vm.fd, GT_RAM_BASE + GT_DTB_OFFSET, GT_DTB_SIZE);
}

GT_CASE(fault_inject, device_and_memory)
{
	static const struct gt_fault_step steps[] = {
		{ "open", open_dev, close_got },
		{ "CREATE_VM", create_vm, close_got },
		{ "SET_DTB_CONFIG", set_dtb },
		{ "SET_USER_MEM_REGION, shared", share, must_unset_mem },
		{ "SET_USER_MEM_REGION, lent", lend, must_unset_mem },
		{ "SET_USER_MEM_REGION, fresh", lend_fresh, must_unset_mem },
	};
	static const struct gt_fault_step remove = {
		"SET_USER_MEM_REGION, size 0", unset_mem, must_share,
	};
	struct gt_env env;

	GT_FAULT_BEGIN();
	prepare(&env, off, GT_ARRAY_SIZE(off));
	walk_all(steps, GT_ARRAY_SIZE(steps), &env);
	must_share(&env);
	gt_fault_walk(&remove, &env);
	finish(&env, "memory");
	check_a_vm_runs();
}

/* ---- functions ------------------------------------------------------------------------ */

static const struct gh_fn_posted_arg posted_arg = {
	.addr = DEV + 0x1000, .size = 0x1000, .entries = 256, .fd = -1,
};

static const uint64_t value = 3;

static int add_vcpu(struct gt_env *env)
{
	return keep(env, gt_add_vcpu(env->vm.fd, 1));
}

static int add_vcpu_by_name(struct gt_env *env)
{
	return keep(env, gt_add_vcpu_by_name(env->vm.fd, 1));
}

static int remove_vcpu(struct gt_env *env)
{
	return gt_remove_vcpu(env->vm.fd, 1);
}

static int add_irqfd(struct gt_env *env)
{
	return gt_irqfd_add(env->vm.fd, env->event, GT_BELL_LEVEL, GH_IRQFD_LEVEL);
}

static int remove_irqfd(struct gt_env *env)
{
	return gt_irqfd_remove(env->vm.fd, GT_BELL_LEVEL);
}

static int add_ioeventfd(struct gt_env *env)
{
	return gt_ioeventfd_add(env->vm.fd, env->event, DEV + 0x100, 4, NULL);
}

static int remove_ioeventfd(struct gt_env *env)
{
	return gt_ioeventfd_remove(env->vm.fd, DEV + 0x100, 4, NULL);
}

static int add_match(struct gt_env *env)
{
	return gt_ioeventfd_add(env->vm.fd, env->event, DEV + 0x100, 4, &value);
}

static int remove_match(struct gt_env *env)
{
	return gt_ioeventfd_remove(env->vm.fd, DEV + 0x100, 4, &value);
}

static int add_posted(struct gt_env *env)
{
	struct gh_fn_posted_arg arg = posted_arg;

	arg.fd = env->event;
	return keep(env, gt_fn_add(env->vm.fd, GH_FN_POSTED, &arg, sizeof(arg)));
}

static int remove_posted(struct gt_env *env)
{
	return gt_fn_remove(env->vm.fd, GH_FN_POSTED, &posted_arg, sizeof(posted_arg));
}

/* A call that must succeed, as an undo. */
#define MUST(call)							\
	static void must_##call(struct gt_env *env)			\
	{								\
		int ret = call(env);					\
									\
		cr_assert_geq(ret, 0, #call ": %s", strerror(-ret));	\
	}

MUST(add_irqfd)
MUST(remove_irqfd)
MUST(add_ioeventfd)
MUST(remove_ioeventfd)
MUST(add_match)
MUST(remove_match)

static void must_remove_vcpu(struct gt_env *env)
{
	close_got(env);
	cr_assert_eq(remove_vcpu(env), 0);
}

static void must_add_vcpu(struct gt_env *env)
{
	close_got(env);
	cr_assert_geq(add_vcpu(env), 0);
}

static void must_remove_posted(struct gt_env *env)
{
	close_got(env);
	cr_assert_eq(remove_posted(env), 0);
}

static void must_add_posted(struct gt_env *env)
{
	close_got(env);
	cr_assert_geq(add_posted(env), 0);
}

static void walk_functions(struct gt_env *env)
{
	static const struct {
		struct gt_fault_step add, remove;
	} kinds[] = {
		{ { "ADD_FUNCTION vcpu", add_vcpu, must_remove_vcpu },
		  { "REMOVE_FUNCTION vcpu", remove_vcpu, must_add_vcpu } },
		{ { "ADD_FUNCTION vcpu by name", add_vcpu_by_name, must_remove_vcpu } },
		{ { "ADD_FUNCTION irqfd", add_irqfd, must_remove_irqfd },
		  { "REMOVE_FUNCTION irqfd", remove_irqfd, must_add_irqfd } },
		{ { "ADD_FUNCTION ioeventfd", add_ioeventfd, must_remove_ioeventfd },
		  { "REMOVE_FUNCTION ioeventfd", remove_ioeventfd, must_add_ioeventfd } },
		{ { "ADD_FUNCTION ioeventfd, match", add_match, must_remove_match },
		  { "REMOVE_FUNCTION ioeventfd, match", remove_match, must_add_match } },
		{ { "ADD_FUNCTION posted", add_posted, must_remove_posted },
		  { "REMOVE_FUNCTION posted", remove_posted, must_add_posted } },
	};
	size_t i;

	for (i = 0; i < GT_ARRAY_SIZE(kinds); i++) {
		gt_fault_walk(&kinds[i].add, env);
		if (!kinds[i].remove.call)
			continue;
		cr_assert_geq(kinds[i].add.call(env), 0);
		gt_fault_walk(&kinds[i].remove, env);
		kinds[i].add.undo(env);
	}
}

GT_CASE(fault_inject, functions_before_the_start)
{
	struct gt_env env;

	GT_FAULT_BEGIN();
	prepare(&env, off, GT_ARRAY_SIZE(off));
	walk_functions(&env);
	finish(&env, "functions");
	check_a_vm_runs();
}

/* The hypervisor's objects are there already, and are claimed by the call itself. */
GT_CASE(fault_inject, functions_of_a_running_vm)
{
	struct gt_env env;

	GT_FAULT_BEGIN();
	prepare(&env, writer, GT_ARRAY_SIZE(writer));
	gt_vm_start(&env.vm);
	gt_check_write(&gt_path_ioctl, &env.vm.vcpus[0], 4, DEV, 7, __LINE__);
	walk_functions(&env);
	gt_check_write(&gt_path_ioctl, &env.vm.vcpus[0], 4, DEV, 7, __LINE__);
	finish(&env, "functions of a running VM");
	check_a_vm_runs();
}

/* ---- the vCPU ---------------------------------------------------------------------- */

static int map_page(struct gt_env *env)
{
	env->map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, env->vm.vcpus[0].fd, 0);
	return env->map == MAP_FAILED ? -errno : 0;
}

static void unmap_page(struct gt_env *env)
{
	munmap(env->map, PAGE);
	env->map = NULL;
}

static size_t posted_size(void)
{
	return (GH_POSTED_RECORDS + posted_arg.entries * sizeof(struct gh_posted_write) +
		PAGE - 1) & ~(PAGE - 1);
}

static int map_ring(struct gt_env *env)
{
	env->map = mmap(NULL, posted_size(), PROT_READ | PROT_WRITE, MAP_SHARED, env->got, 0);
	return env->map == MAP_FAILED ? -errno : 0;
}

static void unmap_ring(struct gt_env *env)
{
	munmap(env->map, posted_size());
	env->map = NULL;
}

static int set_kick_fd(struct gt_env *env)
{
	struct gh_vcpu_kick_fd arg = { .fd = env->event, .flags = GH_KICK_FD_HOLD };

	return gt_ioctl(env->vm.vcpus[0].fd, GH_VCPU_KICK_FD, (unsigned long)&arg);
}

static void unset_kick_fd(struct gt_env *env)
{
	struct gh_vcpu_kick_fd arg = { .fd = -1 };

	cr_assert_eq(gt_ioctl(env->vm.vcpus[0].fd, GH_VCPU_KICK_FD, (unsigned long)&arg), 0);
}

#define BOARD_BITS	40000

static int new_board(struct gt_env *env)
{
	return keep(env, gh_wake_board_new(env->vm.vcpus[0].fd, BOARD_BITS, env->event));
}

static int map_board(struct gt_env *env)
{
	env->map = mmap(NULL, gh_wake_board_size(BOARD_BITS), PROT_READ | PROT_WRITE, MAP_SHARED,
			env->got, 0);
	return env->map == MAP_FAILED ? -errno : 0;
}

static void unmap_board(struct gt_env *env)
{
	munmap(env->map, gh_wake_board_size(BOARD_BITS));
	env->map = NULL;
}

static int set_board(struct gt_env *env)
{
	return gh_wake_board_set(env->vm.vcpus[0].fd, env->got, BOARD_BITS - 1);
}

static int run_ioctl(struct gt_env *env)
{
	int ret = gt_ioctl(env->vm.vcpus[0].fd, GH_VCPU_RUN, 0);

	return ret == -EINTR ? 0 : ret;
}

static int kick_ioctl(struct gt_env *env)
{
	return gt_ioctl(env->vm.vcpus[0].fd, GH_VCPU_KICK, 0);
}

static int cancel_ioctl(struct gt_env *env)
{
	return gt_ioctl(env->vm.vcpus[0].fd, GH_VCPU_CANCEL, 0);
}

static int read_stats(struct gt_env *env)
{
	struct gh_vcpu_stats stats;
	struct gh_vcpu_stats_arg arg = { .size = sizeof(stats), .stats = (uintptr_t)&stats };

	return gt_ioctl(env->vm.vcpus[0].fd, GH_VCPU_STATS, (unsigned long)&arg);
}

static int run_batch(struct gt_env *env)
{
	struct gh_run_entry entry;

	gh_run_entry_init(&entry, env->vm.vcpus[0].fd, 0);
	return gh_run_batch(env->vm.vcpus[0].fd, &entry, 1, 0);
}

static int read_fdinfo(struct gt_env *env)
{
	char path[64], text[1024];
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", env->vm.vcpus[0].fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = read(fd, text, sizeof(text));
	ret = ret < 0 ? -errno : ret;
	close(fd);
	return ret;
}

GT_CASE(fault_inject, calls_of_a_vcpu)
{
	static const struct gt_fault_step steps[] = {
		{ "mmap of the vCPU", map_page, unmap_page },
		{ "KICK_FD", set_kick_fd, unset_kick_fd },
		{ "KICK_FD instead of one", set_kick_fd },
		{ "NEW_BOARD", new_board, close_got },
		{ "RUN", run_ioctl },
		{ "KICK", kick_ioctl },
		{ "CANCEL", cancel_ioctl },
		{ "STATS", read_stats },
		{ "RUN_BATCH", run_batch },
		{ "fdinfo", read_fdinfo },
	};
	static const struct gt_fault_step ring = { "mmap of a posted ring", map_ring, unmap_ring };
	static const struct gt_fault_step board[] = {
		{ "mmap of a board", map_board, unmap_board },
		{ "SET_BOARD", set_board },
	};
	struct gt_env env;

	GT_FAULT_BEGIN();
	prepare(&env, writer, GT_ARRAY_SIZE(writer));
	gt_vm_start(&env.vm);
	walk_all(steps, GT_ARRAY_SIZE(steps), &env);
	cr_assert_geq(add_posted(&env), 0);
	gt_fault_walk(&ring, &env);
	close_got(&env);
	cr_assert_geq(new_board(&env), 0);
	walk_all(board, GT_ARRAY_SIZE(board), &env);
	close_got(&env);
	gt_check_write(&gt_path_ioctl, &env.vm.vcpus[0], 4, DEV, 7, __LINE__);
	finish(&env, "vCPU");
	check_a_vm_runs();
}

/* ---- commands ----------------------------------------------------------------------- */

/* Submits what is queued and takes a completion; what was not submitted stays queued. */
static int submit_and_take(struct gt_env *env)
{
	struct io_uring_cqe *cqe;
	int ret;

	ret = io_uring_submit_and_wait(&env->ring, 1);
	if (ret < 0)
		return ret;
	ret = io_uring_peek_cqe(&env->ring, &cqe);
	if (ret)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(&env->ring, cqe);
	return ret;
}

/* The SQE of a call that failed in the ring itself is still there. */
static struct io_uring_sqe *fresh_sqe(struct gt_env *env)
{
	return io_uring_sq_ready(&env->ring) ? NULL : gt_ring_sqe(&env->ring);
}

static int run_command(struct gt_env *env)
{
	struct io_uring_sqe *sqe = fresh_sqe(env);

	if (sqe)
		gh_uring_prep_run(sqe, env->vm.vcpus[0].fd, 0, 0);
	return submit_and_take(env);
}

static int kick_command(struct gt_env *env)
{
	struct io_uring_sqe *sqe = fresh_sqe(env);

	if (sqe)
		gh_uring_prep_kick(sqe, env->vm.vcpus[0].fd);
	return submit_and_take(env);
}

static int cancel_command(struct gt_env *env)
{
	struct io_uring_sqe *sqe = fresh_sqe(env);

	if (sqe)
		gh_uring_prep_cancel(sqe, env->vm.vcpus[0].fd);
	return submit_and_take(env);
}

static void walk_commands(unsigned int setup)
{
	static const struct gt_fault_step steps[] = {
		{ "RUN, command", run_command },
		{ "KICK, command", kick_command },
		{ "CANCEL, command", cancel_command },
	};
	struct gt_env env;

	prepare(&env, writer, GT_ARRAY_SIZE(writer));
	gt_ring_init(&env.ring, 8, setup);
	gt_vm_start(&env.vm);
	walk_all(steps, GT_ARRAY_SIZE(steps), &env);
	gt_check_write(&gt_path_ring, &env.vm.vcpus[0], 4, DEV, 7, __LINE__);
	finish(&env, "commands");
	io_uring_queue_exit(&env.ring);
}

GT_CASE(fault_inject, commands)
{
	GT_FAULT_BEGIN();
	walk_commands(RING);
	walk_commands(RING | IORING_SETUP_CQE32);
	walk_commands(0);
	check_a_vm_runs();
}

/* Submitted, and seen to wait; the completion comes with the undo. */
static int park(struct gt_env *env, bool start)
{
	struct io_uring_sqe *sqe = fresh_sqe(env);
	int fd = env->vm.vcpus[0].fd, ret;

	if (sqe && start)
		gh_uring_prep_run_wait_start(sqe, fd, 0, 0);
	else if (sqe)
		gh_uring_prep_run(sqe, fd, 0, 0);
	ret = io_uring_submit(&env->ring);
	if (ret < 0)
		return ret;
	return ret == 1 ? 0 : -EAGAIN;
}

static int park_for_wake_up(struct gt_env *env)
{
	return park(env, false);
}

static int park_for_start(struct gt_env *env)
{
	return park(env, true);
}

/* A vCPU that is new may be woken before it waits: then it did not wait, this time. */
static void cancel_park(struct gt_env *env)
{
	struct gt_cqe cqe;

	cr_assert_eq(cancel_ioctl(env), 0);
	gt_ring_next(&env->ring, &cqe);
	cr_assert(cqe.res == -ECANCELED || cqe.res > 0 || gt_fault_is_clean(cqe.res), "%d",
		  cqe.res);
}

GT_CASE(fault_inject, parked_commands)
{
	static const struct gt_fault_step start = {
		"RUN before the start", park_for_start, cancel_park,
	};
	static const struct gt_fault_step wake = {
		"RUN that waits", park_for_wake_up, cancel_park,
	};
	struct gt_env env;

	GT_FAULT_BEGIN();
	prepare(&env, waiter, GT_ARRAY_SIZE(waiter));
	gt_ring_init(&env.ring, 8, RING);
	gt_fault_walk(&start, &env);
	gt_vm_start(&env.vm);
	gt_fault_walk(&wake, &env);
	finish(&env, "parked commands");
	io_uring_queue_exit(&env.ring);
	check_a_vm_runs();
}
