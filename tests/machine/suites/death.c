// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A program that ran guests is killed: everything it had comes back, the modules
 * can be unloaded, loaded again, and the next program runs in the same boot.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define PARKED	6

TestSuite(death, .timeout = GT_TIMEOUT);

static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };

static void *spin_by_ioctl(void *arg)
{
	struct gt_vcpu *vcpu = arg;

	for (;;)
		gt_ioctl(vcpu->fd, GH_VCPU_RUN, 0);
	return NULL;
}

/*
 * In the child: guests parked on the ring, one spinning on it, one spinning in
 * another thread by ioctl. Tells the parent when all are there; never returns.
 */
static void live(int ready, unsigned int flags)
{
	static struct gt_vm parked[PARKED], on_ring, by_ioctl;
	struct io_uring ring;
	pthread_t thread;
	int i;

	gt_ring_init(&ring, 16, flags);
	for (i = 0; i < PARKED; i++) {
		GT_BOOT_SCRIPT(&parked[i], sleeper);
		gt_ring_park(&ring, &parked[i].vcpus[0]);
	}
	GT_BOOT_SCRIPT(&by_ioctl, spinner);
	GT_BOOT_SCRIPT(&on_ring, spinner);
	on_ring.vcpus[0].id = 0x77;
	if (pthread_create(&thread, NULL, spin_by_ioctl, &by_ioctl.vcpus[0]))
		_exit(1);
	if (write(ready, "r", 1) != 1)
		_exit(2);
	for (;;) {
		struct gt_cqe cqe;

		gt_ring_run(&ring, &on_ring.vcpus[0]);
		gt_ring_next(&ring, &cqe);
	}
}

/* The modules have no users left; what is on its way out gets its time. */
static void reload(void)
{
	int ret;

	ret = gt_modules_unload();
	cr_assert_eq(ret, 0, "unload: %s", strerror(-ret));
	cr_assert_eq(gt_open_dev(), -ENOENT);
	ret = gt_modules_load();
	cr_assert_eq(ret, 0, "load: %s", strerror(-ret));
}

/* A whole run, to show that all is well. */
static void run_one(void)
{
	static const struct gs_op ops[] = {
		{ GS_READ, 8, DEV, 0 }, { GS_SLEEP, 0, 1000000, 0 }, { GS_ECHO, 8, DEV, 1 },
		{ GS_OFF },
	};
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, ops);
	gt_check_read(&gt_path_ring, &vm.vcpus[0], 8, DEV, 41, __LINE__);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 8, DEV, 42, __LINE__);
	gt_check_status(&gt_path_ring, &vm.vcpus[0], GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	gt_vm_close(&vm);
}

static void die(int sig, unsigned int flags)
{
	long pinned = gt_pinned();
	int pipefd[2], status, i;
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(pipefd), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		live(pipefd[1], flags);
		_exit(3);
	}
	close(pipefd[1]);
	cr_assert_eq(read(pipefd[0], &byte, 1), 1, "the child did not get far");
	close(pipefd[0]);
	usleep(100000);
	cr_assert_eq(kill(pid, sig), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == sig, "status %#x", status);
	for (i = 0; i < 100 && gt_pinned() != pinned; i++)
		usleep(100000);
	cr_assert_eq(gt_pinned(), pinned);
}

GT_CASE(death, modules_reload)
{
	reload();
	run_one();
	reload();
}

GT_CASE(death, modules_stay_while_used)
{
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	/* No waiting here: the answer must be the same at once. */
	cr_assert_eq(gt_module_try_unload("gunyah_vcpu"), -EAGAIN);
	cr_assert_eq(gt_module_try_unload("gunyah_rsc_mgr"), -EAGAIN);
	cr_assert_eq(gt_module_try_unload("gunyah"), -EAGAIN);
	close(vm.fd);
	vm.fd = -1;
	cr_assert_eq(gt_module_try_unload("gunyah_vcpu"), -EAGAIN);
	gt_vm_close(&vm);
	reload();
	run_one();
}

GT_CASE(death, killed, .timeout = 2 * GT_TIMEOUT)
{
	die(SIGKILL, RING);
	reload();
	run_one();
}

GT_CASE(death, killed_with_a_plain_ring, .timeout = 2 * GT_TIMEOUT)
{
	die(SIGKILL, 0);
	reload();
	run_one();
}

GT_CASE(death, terminated, .timeout = 2 * GT_TIMEOUT)
{
	die(SIGTERM, RING);
	run_one();
	reload();
	run_one();
}

GT_CASE(death, killed_again_and_again, .timeout = 4 * GT_TIMEOUT)
{
	int i;

	for (i = 0; i < 5; i++)
		die(SIGKILL, RING);
	run_one();
	reload();
}
