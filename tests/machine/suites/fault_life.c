// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Failures on the way up and down of a VM: each allocation of a start, of the closing of
 * its files and of the end of its process fails once. A start that fails is over and
 * gives the memory back; an end happens, whatever fails.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"
#include "gt_fault.h"
#include "gt_fn.h"

#define DEV	GT_DEV_BASE
#define PAGE	0x1000UL

TestSuite(fault_life, .timeout = 8 * GT_TIMEOUT);

struct gt_env {
	struct gt_vm vm;
	int event;
	uint8_t *shared;
};

static const struct gs_op writer[] = { { GS_WRITE, 4, DEV, 7 }, { GS_OFF } };

/* A VM with something of everything, not started. */
static void prepare(struct gt_env *env)
{
	static const struct gh_fn_posted_arg posted = {
		.addr = DEV + 0x1000, .size = 0x1000, .entries = 16, .fd = -1,
	};
	int fd;

	memset(env, 0, sizeof(*env));
	env->event = gt_eventfd();
	env->shared = gt_ram_alloc(PAGE);
	gt_vm_create(&env->vm);
	gt_vm_fill(&env->vm, "script", 2);
	gt_vm_script(&env->vm, 0, writer, GT_ARRAY_SIZE(writer));
	gt_vm_give(&env->vm);
	cr_assert_eq(gt_set_mem(env->vm.fd, GT_SHARED_LABEL, GT_MEM_RWX, GT_SHARED_BASE, PAGE,
				env->shared), 0);
	gt_vm_add_vcpu(&env->vm, 0);
	gt_vm_add_vcpu(&env->vm, 1);
	cr_assert_eq(gt_irqfd_add(env->vm.fd, env->event, GT_BELL_LEVEL, GH_IRQFD_LEVEL), 0);
	cr_assert_eq(gt_ioeventfd_add(env->vm.fd, env->event, DEV + 0x100, 0, NULL), 0);
	fd = gt_fn_add(env->vm.fd, GH_FN_POSTED, &posted, sizeof(posted));
	cr_assert_geq(fd, 0);
	close(fd);
}

/* The files that are left, and what the VM had is the caller's again. */
static void finish(struct gt_env *env, const char *name)
{
	uint8_t *ram = env->vm.ram;

	env->vm.ram = NULL;
	gt_vm_close(&env->vm);
	memset(ram, 0xa5, env->vm.ram_size);
	munmap(ram, env->vm.ram_size);
	munmap(env->shared, PAGE);
	close(env->event);
	gt_fault_check(name);
}

static int start(struct gt_env *env)
{
	return gt_start(env->vm.fd);
}

GT_CASE(fault_life, start)
{
	unsigned int n = 0;
	struct gt_env env;
	bool failed = true;
	int ret;

	GT_FAULT_BEGIN();
	while (failed) {
		prepare(&env);
		failed = gt_fault_try("VM_START", ++n, start, &env, &ret);
		if (ret < 0) {
			cr_assert_eq(gt_start(env.vm.fd), -ENODEV);
			cr_assert_eq(gt_ioctl(env.vm.vcpus[0].fd, GH_VCPU_RUN, 0), -ENODEV);
		} else {
			gt_check_write(&gt_path_ioctl, &env.vm.vcpus[0], 4, DEV, 7, __LINE__);
		}
		finish(&env, "VM_START");
	}
	gt_fault_count("VM_START", n - 1);
}

/* A stop happens, whatever fails, and the VM can be started anew. */
static int stop(struct gt_env *env)
{
	return gt_ioctl(env->vm.fd, GH_VM_STOP, 0);
}

/* The start before has added to the device tree. */
static void start_again(struct gt_env *env)
{
	gt_load(env->vm.ram, env->vm.ram_size, "script");
	gt_dtb(env->vm.ram + GT_DTB_OFFSET, GT_DTB_SIZE, 2);
	gt_vm_script(&env->vm, 0, writer, GT_ARRAY_SIZE(writer));
	cr_assert_eq(gt_start(env->vm.fd), 0);
}

GT_CASE(fault_life, stop)
{
	static const struct gt_fault_step step = { "VM_STOP", stop, start_again };
	struct gt_env env;

	GT_FAULT_BEGIN();
	prepare(&env);
	gt_vm_start(&env.vm);
	gt_fault_walk(&step, &env);
	gt_check_write(&gt_path_ioctl, &env.vm.vcpus[0], 4, DEV, 7, __LINE__);
	finish(&env, "VM_STOP");
}

static int close_all(struct gt_env *env)
{
	unsigned int i;

	for (i = 0; i < env->vm.nr_vcpus; i++)
		gt_vcpu_close(&env->vm.vcpus[i]);
	close(env->vm.fd);
	env->vm.fd = -1;
	return 0;
}

static void start_and_run(struct gt_env *env, bool to_the_end)
{
	struct gt_exit exit;

	gt_vm_start(&env->vm);
	gt_check_write(&gt_path_ioctl, &env->vm.vcpus[0], 4, DEV, 7, __LINE__);
	if (to_the_end) {
		gt_run(&gt_path_ioctl, &env->vm.vcpus[0], &exit);
		cr_assert_eq(exit.kind, GT_EXIT_STATUS);
	}
}

static unsigned int walk_close(const char *name, bool started, bool to_the_end)
{
	unsigned int n = 0;
	struct gt_env env;
	bool failed = true;
	int ret;

	while (failed) {
		prepare(&env);
		if (started)
			start_and_run(&env, to_the_end);
		failed = gt_fault_try(name, ++n, close_all, &env, &ret);
		finish(&env, name);
	}
	gt_fault_count(name, n - 1);
	return n - 1;
}

GT_CASE(fault_life, close_before_the_start)
{
	GT_FAULT_BEGIN();
	walk_close("close before the start", false, false);
}

GT_CASE(fault_life, close_while_it_runs)
{
	GT_FAULT_BEGIN();
	walk_close("close while it runs", true, false);
}

GT_CASE(fault_life, close_when_it_is_over)
{
	GT_FAULT_BEGIN();
	walk_close("close when it is over", true, true);
}

/* Ends with the @n-th failure ahead; whether it came on the way. */
static bool exit_with(unsigned int n)
{
	siginfo_t info = { 0 };
	int status;
	bool came;
	pid_t pid;

	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		struct gt_env env;

		if (!gt_fault_begin())
			_exit(1);
		prepare(&env);
		start_and_run(&env, false);
		gt_fault_arm(n);
		_exit(42);
	}
	/* What is left of its count can be read until it is waited for. */
	cr_assert_eq(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	came = gt_fault_came(pid);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 42 << 8, "failure %u: status %#x", n, status);
	return came;
}

/* The process goes with a failure ahead, and what it leaves open is closed for it. */
GT_CASE(fault_life, exit_of_the_process)
{
	unsigned int n = 1;

	GT_FAULT_BEGIN();
	while (exit_with(n)) {
		n++;
		cr_assert_leq(n, (unsigned int)GT_FAULT_MAX, "exit: no end");
	}
	/* Taking the VM down asks the resource manager, and each request allocates. */
	cr_assert_gt(n, 1U, "no failure on the way");
	gt_fault_count("exit of the process", n - 1);
	gt_fault_check("exit");
}
