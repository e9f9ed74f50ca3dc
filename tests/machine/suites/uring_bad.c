// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Commands that are wrong: each has its errno, changes nothing, and the vCPU runs
 * afterwards as if nothing had been.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

TestSuite(uring_bad, .timeout = GT_TIMEOUT);

static const struct gs_op ops[] = { { GS_WRITE, 4, DEV, 5 }, { GS_OFF } };

/* The guest has not moved: its first exit is still to come. */
static void check_untouched(struct gt_vm *vm)
{
	gt_check_write(&gt_path_ring, &vm->vcpus[0], 4, DEV, 5, __LINE__);
}

static int submit_one(struct io_uring *ring)
{
	gt_ring_submit(ring, 1);
	return gt_ring_take(ring, 0);
}

GT_CASE(uring_bad, fields_of_run)
{
	const struct gh_uring_run data = { .resume_data = 1 };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;
	int bit, fd;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, ops);
	fd = vm.vcpus[0].fd;

	/* Each unknown flag. */
	for (bit = 2; bit < 64; bit++) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, fd, 0, 0);
		sqe->addr = 1ULL << bit;
		GT_ERRNO(cmd_flag, EINVAL, submit_one(&ring));
	}
	/* Data without the flag that says so. */
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, fd, 0, 0);
	memcpy(sqe->cmd, &data, sizeof(data));
	GT_ERRNO(cmd_data, EINVAL, submit_one(&ring));
	/* uring_cmd_flags: all but the fixed buffer. */
	for (bit = 1; bit < 32; bit++) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, fd, 0, 0);
		sqe->uring_cmd_flags = 1U << bit;
		GT_ERRNO(cmd_uring_flags, EINVAL, submit_one(&ring));
	}
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, fd, 0, 0);
	sqe->buf_index = 1;
	GT_ERRNO(cmd_buf_index, EINVAL, submit_one(&ring));
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, fd, 0, 0);
	sqe->file_index = 1;
	GT_ERRNO(cmd_file_index, EINVAL, submit_one(&ring));
	/* What io_uring looks at itself. */
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, fd, 0, 0);
	sqe->__pad1 = 1;
	GT_ERRNO(uring_reserved, EINVAL, submit_one(&ring));
	check_untouched(&vm);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* Whether io_uring leaves it to the driver to look for the buffer (6.15). */
static bool driver_finds_buffers(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	cr_assert_eq(uname(&name), 0);
	cr_assert_eq(sscanf(name.release, "%u.%u", &major, &minor), 2);
	return major > 6 || (major == 6 && minor >= 15);
}

/* No command has a buffer: neither one that is there nor one that is not. */
GT_CASE(uring_bad, fixed_buffer)
{
	static char buffer[4096];
	struct iovec iov = { .iov_base = buffer, .iov_len = sizeof(buffer) };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;
	int i;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, ops);
	for (i = 0; i < 2; i++) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
		if (i || driver_finds_buffers())
			GT_ERRNO(cmd_uring_flags, EINVAL, submit_one(&ring));
		else
			GT_ERRNO(uring_buffer, EFAULT, submit_one(&ring));
		if (!i)
			cr_assert_eq(io_uring_register_buffers(&ring, &iov, 1), 0);
	}
	check_untouched(&vm);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_bad, fields_of_kick_and_cancel)
{
	static const uint32_t cmds[] = { GH_VCPU_KICK, GH_VCPU_CANCEL };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;
	unsigned int i;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, ops);
	for (i = 0; i < GT_ARRAY_SIZE(cmds); i++) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_cmd(sqe, vm.vcpus[0].fd, cmds[i]);
		sqe->addr = 1;
		GT_ERRNO(ctl_field, EINVAL, submit_one(&ring));
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_cmd(sqe, vm.vcpus[0].fd, cmds[i]);
		sqe->len = 1;
		cr_assert_eq(submit_one(&ring), -EINVAL);
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_cmd(sqe, vm.vcpus[0].fd, cmds[i]);
		sqe->cmd[0] = 1;
		cr_assert_eq(submit_one(&ring), -EINVAL);
	}
	check_untouched(&vm);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_bad, unknown_commands)
{
	static const uint32_t cmds[] = {
		0, 1, GH_CREATE_VM, GH_VCPU_MMAP_SIZE, GH_VM_START, GH_VCPU_RUN + 0x100,
		_IO('G', 0x3f), _IO('G', 0x42), _IO('H', 5), UINT32_MAX,
	};
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vm vm;
	unsigned int i;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, ops);
	for (i = 0; i < GT_ARRAY_SIZE(cmds); i++) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_cmd(sqe, vm.vcpus[0].fd, cmds[i]);
		GT_ERRNO(cmd_unknown, EOPNOTSUPP, submit_one(&ring));
	}
	check_untouched(&vm);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* Files that are no vCPUs have no such commands. */
GT_CASE(uring_bad, other_files)
{
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	int fds[3], null[2];
	unsigned int i;

	gt_ring_init(&ring, 8, RING);
	cr_assert_eq(pipe(null), 0);
	fds[0] = gt_open_dev();
	fds[1] = gt_create_vm();
	fds[2] = null[0];
	for (i = 0; i < GT_ARRAY_SIZE(fds); i++) {
		cr_assert_geq(fds[i], 0);
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run(sqe, fds[i], 0, 0);
		GT_ERRNO(cmd_other_file, EOPNOTSUPP, submit_one(&ring));
	}
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, 9999, 0, 0);
	GT_ERRNO(uring_fd, EBADF, submit_one(&ring));
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_bad, iopoll_ring)
{
	struct io_uring_params params = { .flags = IORING_SETUP_IOPOLL };
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct gt_vm vm;
	int i, ret = -EAGAIN;

	cr_assert_eq(io_uring_queue_init_params(8, &ring, &params), 0);
	GT_BOOT_SCRIPT(&vm, ops);
	sqe = gt_ring_sqe(&ring);
	gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
	gt_ring_submit(&ring, 1);
	for (i = 0; i < 100 && ret == -EAGAIN; i++)
		ret = io_uring_peek_cqe(&ring, &cqe);
	cr_assert_eq(ret, 0);
	GT_ERRNO(cmd_iopoll, EOPNOTSUPP, cqe->res);
	io_uring_cqe_seen(&ring, cqe);
	check_untouched(&vm);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* A resume action this driver does not offer: the access remains pending. */
GT_CASE(uring_bad, resume_action)
{
	static const struct gs_op read[] = {
		{ GS_READ, 4, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 0 }, { GS_OFF },
	};
	struct io_uring ring;
	struct gt_vcpu *vcpu;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	GT_BOOT_SCRIPT(&vm, read);
	vcpu = &vm.vcpus[0];
	gt_check_read(&gt_path_ring, vcpu, 4, DEV, 7, __LINE__);
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_RETRY;
	gt_ring_run(&ring, vcpu);
	GT_ERRNO(run_action, EINVAL, gt_ring_take(&ring, 0));
	GT_ERRNO(ioctl_action, EINVAL, gt_ioctl(vcpu->fd, GH_VCPU_RUN, 0));
	vcpu->run->mmio.resume_action = 0xff;
	cr_assert_eq(gt_ioctl(vcpu->fd, GH_VCPU_RUN, 0), -EINVAL);
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_HANDLED;
	gt_check_write(&gt_path_ring, vcpu, 8, DEV + 8, 7, __LINE__);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(uring_bad, before_the_start)
{
	struct io_uring ring;
	struct gt_vm vm;

	gt_ring_init(&ring, 8, RING);
	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	gt_ring_run(&ring, &vm.vcpus[0]);
	GT_ERRNO(run_unstarted, ENODEV, gt_ring_take(&ring, 0));
	gt_ring_kick(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, GT_UD_CMD), 0);
	gt_ring_cancel(&ring, &vm.vcpus[0]);
	cr_assert_eq(gt_ring_take(&ring, GT_UD_CMD), 0);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* A process whose memory is not the VM's may not run it, by either way. */
GT_CASE(uring_bad, wrong_address_space)
{
	struct gt_vm vm;
	int status;
	pid_t pid;

	GT_BOOT_SCRIPT(&vm, ops);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		struct io_uring_sqe *sqe;
		struct io_uring_cqe *cqe;
		struct io_uring ring;

		if (gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0) != -EPERM)
			_exit(1);
		if (io_uring_queue_init(4, &ring, RING))
			_exit(2);
		sqe = io_uring_get_sqe(&ring);
		if (!sqe)
			_exit(6);
		gh_uring_prep_run(sqe, vm.vcpus[0].fd, 0, 0);
		if (io_uring_submit_and_wait(&ring, 1) != 1)
			_exit(3);
		if (io_uring_peek_cqe(&ring, &cqe) || cqe->res != -EPERM)
			_exit(4);
		io_uring_cqe_seen(&ring, cqe);
		/* Nor give it memory. */
		if (gt_set_mem(vm.fd, 5, GT_MEM_RWX, 0x90000000, 0x1000, &ring) != -EPERM)
			_exit(5);
		_exit(42);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 42 << 8, "child: step %d", status >> 8);
	check_untouched(&vm);
	gt_vm_close(&vm);
}

/* The run page is not inherited: a child touching it dies, the vCPU does not. */
GT_CASE(uring_bad, run_page_after_fork)
{
	struct gt_vm vm;
	int status;
	pid_t pid;

	GT_BOOT_SCRIPT(&vm, ops);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid)
		_exit(vm.vcpus[0].run->immediate_exit);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "status %#x", status);
	check_untouched(&vm);
	gt_vm_close(&vm);
}
