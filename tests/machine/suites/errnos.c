// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rows of the table of errors in docs/protocol.md that no other suite comes by: what
 * another process, a user without descriptors, a hypervisor or a resource manager has to
 * do for them. gt_errno.h says what a row is.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "gt_fn.h"
#include "gt_scn.h"

#define DEV	GT_DEV_BASE
#define RING	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define FILES	"/proc/sys/fs/file-max"

TestSuite(errnos, .timeout = 2 * GT_TIMEOUT);

static const struct gs_op reader[] = {
	{ GS_READ, 8, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 0 }, { GS_OFF },
};

static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };

/* All but the start. */
static void prepare(struct gt_vm *vm, unsigned int vcpus)
{
	unsigned int i;

	gt_vm_create(vm);
	gt_vm_fill(vm, "script", vcpus ? vcpus : 1);
	gt_vm_script(vm, 0, reader, GT_ARRAY_SIZE(reader));
	gt_vm_give(vm);
	for (i = 0; i < vcpus; i++)
		gt_vm_add_vcpu(vm, i);
}

/* One entry in a batch. */
static int entry_result(const struct gt_vcpu *vcpu)
{
	struct gh_run_entry entry;

	gh_run_entry_init(&entry, vcpu->fd, 0);
	return gh_run_batch(vcpu->fd, &entry, 1, 0) == 1 ? entry.res : -EIO;
}

/* ---- another process ------------------------------------------------------------------ */

static int run_by_ioctl(void *arg)
{
	struct gt_vm *vm = arg;

	return gt_ioctl(vm->vcpus[0].fd, GH_VCPU_RUN, 0);
}

static int run_by_ring(void *arg)
{
	struct gt_vm *vm = arg;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;

	if (io_uring_queue_init(4, &ring, RING))
		return 0;
	sqe = io_uring_get_sqe(&ring);
	if (!sqe)
		return 0;
	gh_uring_prep_run(sqe, vm->vcpus[0].fd, 0, 0);
	if (io_uring_submit_and_wait(&ring, 1) != 1 || io_uring_peek_cqe(&ring, &cqe))
		return 0;
	return cqe->res;
}

static int run_by_batch(void *arg)
{
	struct gt_vm *vm = arg;

	return entry_result(&vm->vcpus[0]);
}

static int give_memory(void *arg)
{
	struct gt_vm *vm = arg;

	return gt_set_mem(vm->fd, 5, GT_MEM_RWX, 0x90000000, 0x1000, NULL);
}

GT_CASE(errnos, wrong_address_space)
{
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, reader);
	GT_ERRNO(ioctl_mm, EPERM, gt_in_child(run_by_ioctl, &vm));
	GT_ERRNO(run_mm, EPERM, gt_in_child(run_by_ring, &vm));
	GT_ERRNO(entry_mm, EPERM, gt_in_child(run_by_batch, &vm));
	GT_ERRNO(mem_mm, EPERM, gt_in_child(give_memory, &vm));
	gt_check_read(&gt_path_ioctl, &vm.vcpus[0], 8, DEV, 7, __LINE__);
	gt_vm_close(&vm);
}

/* ---- entries of a batch ------------------------------------------------------------------ */

GT_CASE(errnos, entries)
{
	struct gt_vcpu *vcpu;
	struct gt_vm vm;

	prepare(&vm, 1);
	vcpu = &vm.vcpus[0];
	GT_ERRNO(entry_unstarted, ENODEV, entry_result(vcpu));
	gt_vm_start(&vm);
	gt_check_read(&gt_path_ioctl, vcpu, 8, DEV, 0, __LINE__);
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_FAULT;
	GT_ERRNO(entry_action, EINVAL, entry_result(vcpu));
	/* It remains pending, and can be answered. */
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_HANDLED;
	gt_answer(vcpu, 0x31);
	gt_check_write(&gt_path_ioctl, vcpu, 8, DEV + 8, 0x31, __LINE__);
	gt_vm_close(&vm);
}

/* What the hypervisor refuses is the entry's own result, and the answer is kept. */
GT_SCN_CASE(errnos, entries_that_the_hypervisor_refuses)
{
	uint64_t end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	struct gt_vcpu *vcpu;
	struct gt_vm vm;
	int res;

	GT_BOOT_SCRIPT(&vm, reader);
	vcpu = &vm.vcpus[0];
	gt_check_read(&gt_path_ioctl, vcpu, 8, DEV, 0x21, __LINE__);
	memcpy(vcpu->run->mmio.data, &vcpu->answer, sizeof(vcpu->answer));
	vcpu->answered = false;
	GT_SCN(.kind = GH_SCN_RUN, .vmid = gt_vm_number(&vm), .error = 1);
	GT_ERRNO(entry_refused, EIO, entry_result(vcpu));
	gt_scn_clear();
	GT_SCN(.kind = GH_SCN_RUN, .vmid = gt_vm_number(&vm), .error = GT_HVC_BUSY,
	       .count = GH_SCN_FOREVER);
	do {
		cr_assert_lt(gt_now_ns(), end, "busy without end");
		res = entry_result(vcpu);
	} while (gt_res(res) == GH_URING_EXIT_PREEMPTED);
	GT_ERRNO(entry_stalled, ETIMEDOUT, res);
	gt_scn_clear();
	gt_check_write(&gt_path_ioctl, vcpu, 8, DEV + 8, 0x21, __LINE__);
	gt_vm_close(&vm);
}

/* ---- work for the ioctl's thread ----------------------------------------------------------- */

struct writer {
	struct gt_vcpu *vcpu;
	int fd;
};

static void *write_when_it_runs(void *arg)
{
	struct writer *w = arg;

	gt_vcpu_wait_for(w->vcpu, "running");
	if (write(w->fd, "", 1) != 1)
		return w;
	return NULL;
}

/* A completion of the thread's own ring wants to be made. */
GT_CASE(errnos, work_of_the_ring)
{
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct writer w;
	pthread_t thread;
	struct gt_vm vm;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	gt_ring_init(&ring, 4, 0);
	GT_BOOT_SCRIPT(&vm, spinner);
	sqe = gt_ring_sqe(&ring);
	io_uring_prep_poll_add(sqe, fds[0], POLLIN);
	sqe->user_data = 9;
	gt_ring_submit(&ring, 1);
	w = (struct writer) { .vcpu = &vm.vcpus[0], .fd = fds[1] };
	cr_assert_eq(pthread_create(&thread, NULL, write_when_it_runs, &w), 0);
	GT_ERRNO(ioctl_work, EINTR, gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0));
	cr_assert_eq(gt_ring_take(&ring, 9), POLLIN);
	pthread_join(thread, NULL);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* ---- no files ---------------------------------------------------------------------------- */

static void set_limit(const char *text)
{
	int fd = open(FILES, O_WRONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0, FILES ": %s", strerror(errno));
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* The system's limit is a user's, not root's. */
GT_CASE(errnos, no_file_left)
{
	int dev = gt_open_dev(), vm = gt_create_vm(), vcpu = gt_add_vcpu(vm, 1);
	int in, out, board, fd;
	char before[32] = "";
	ssize_t n;

	cr_assert_geq(dev, 0);
	cr_assert_geq(vcpu, 0);
	fd = open(FILES, O_RDONLY | O_CLOEXEC);
	n = read(fd, before, sizeof(before) - 1);
	cr_assert_gt(n, 0);
	close(fd);
	set_limit("1");
	cr_assert_eq(seteuid(65534), 0);
	out = gt_ioctl(dev, GH_CREATE_VM, 0);
	in = gt_add_vcpu(vm, 0);
	board = gh_wake_board_new(vcpu, 1, -1);
	cr_assert_eq(seteuid(0), 0);
	set_limit(before);
	GT_ERRNO(create_enfile, ENFILE, out);
	GT_ERRNO(fn_enfile, ENFILE, in);
	GT_ERRNO(board_enfile, ENFILE, board);
	/* Nothing is half there. */
	fd = gt_add_vcpu(vm, 0);
	cr_assert_geq(fd, 0, "%s", strerror(-fd));
	close(fd);
	close(vcpu);
	close(vm);
	close(dev);
	cr_assert_eq(gt_modules_unload(), 0);
}

/* ---- objects ------------------------------------------------------------------------------ */

/* Of GET_HYP_RESOURCES: behind error word and number, 44 bytes each, the vCPUs first. */
#define OBJECT(n)	(8 + 44 * (n))
#define LABEL(n)	(OBJECT(n) + 8)
#define VIRQ(n)		(OBJECT(n) + 24)

static void patch_objects(uint16_t off, uint32_t value)
{
	GT_SCN(.kind = GH_SCN_REPLY, .id = GT_RM_RESOURCES, .flags = GH_SCN_PATCH,
	       .patch_off = off, .patch_len = 4, .patch = value);
}

/* Nobody wanted the vCPU at the start, so nobody missed its interrupt. */
GT_SCN_CASE(errnos, vcpu_without_a_wakeup)
{
	struct gt_vm vm;

	prepare(&vm, 0);
	patch_objects(VIRQ(0), 0);
	gt_vm_start(&vm);
	GT_ERRNO(vcpu_no_wakeup, ENXIO, gt_add_vcpu(vm.fd, 0));
	/* And again, for nothing of it was kept. */
	GT_ERRNO(vcpu_no_wakeup, ENXIO, gt_add_vcpu(vm.fd, 0));
	gt_vm_close(&vm);
}

GT_SCN_CASE(errnos, two_objects_of_one_label)
{
	struct gt_vm vm;

	prepare(&vm, 2);
	patch_objects(LABEL(1), 0);
	GT_ERRNO(start_twice, EPROTO, gt_start(vm.fd));
	GT_ERRNO(start_failed, ENODEV, gt_start(vm.fd));
	gt_vm_close(&vm);
}

/* ---- the doorbell's mask -------------------------------------------------------------------- */

static void refuse_mask(int64_t error)
{
	GT_SCN(.kind = GH_SCN_HYPERCALL, .id = GT_CALL_BELL_MASK, .error = error);
}

/* Refused with this error, while the VM runs; the next try is as the first. */
static int add_refused(struct gt_vm *vm, int fd, int64_t error)
{
	int ret;

	refuse_mask(error);
	ret = gt_irqfd_add(vm->fd, fd, GT_BELL_LEVEL, GH_IRQFD_LEVEL);
	gt_scn_clear();
	cr_assert_eq(gt_irqfd_add(vm->fd, fd, GT_BELL_LEVEL, GH_IRQFD_LEVEL), 0);
	cr_assert_eq(gt_irqfd_remove(vm->fd, GT_BELL_LEVEL), 0);
	return ret;
}

GT_SCN_CASE(errnos, mask_refused_while_it_runs)
{
	int fd = gt_eventfd();
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, spinner);
	GT_ERRNO(irqfd_mask, EIO, add_refused(&vm, fd, 1));
	GT_ERRNO(irqfd_mask, EIO, add_refused(&vm, fd, 30));
	GT_ERRNO(irqfd_mask, EIO, add_refused(&vm, fd, 50));
	GT_ERRNO(irqfd_mask, EIO, add_refused(&vm, fd, 36));
	gt_vm_close(&vm);
	close(fd);
}

/* A VM whose start the hypervisor refuses with this error, by its doorbell. */
static int start_refused(int64_t error)
{
	int fd = gt_eventfd(), ret;
	struct gt_vm vm;

	prepare(&vm, 1);
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_LEVEL, GH_IRQFD_LEVEL), 0);
	refuse_mask(error);
	ret = gt_start(vm.fd);
	gt_scn_clear();
	gt_vm_close(&vm);
	close(fd);
	return ret;
}

GT_SCN_CASE(errnos, mask_refused_at_the_start)
{
	GT_ERRNO(start_mask, EIO, start_refused(1));
	GT_ERRNO(start_mask, EIO, start_refused(30));
	GT_ERRNO(start_mask, EIO, start_refused(50));
	GT_ERRNO(start_mask, EIO, start_refused(36));
}

/* ---- the resource manager -------------------------------------------------------------------- */

/* VM_START when the resource manager answers the allocation with this error. */
static int start_with(uint32_t error)
{
	struct gt_vm vm;
	int ret;

	prepare(&vm, 1);
	GT_SCN(.kind = GH_SCN_REPLY, .id = GT_RM_ALLOC, .flags = GH_SCN_NOT_DONE, .word = error);
	ret = gt_start(vm.fd);
	gt_scn_clear();
	/* Without a number it is as it was. */
	gt_vm_start(&vm);
	gt_vm_close(&vm);
	return ret;
}

GT_SCN_CASE(errnos, errors_of_the_resource_manager)
{
	GT_ERRNO(start_rm_memory, ENOMEM, start_with(0x1));
	GT_ERRNO(start_rm_number, ENOSPC, start_with(0x2));
	GT_ERRNO(start_rm_denied, EPERM, start_with(0x3));
	GT_ERRNO(start_rm_signature, EPERM, start_with(0x8));
	GT_ERRNO(start_rm_busy, EBUSY, start_with(0x12));
	GT_ERRNO(start_rm_state, EBUSY, start_with(0x14));
	GT_ERRNO(start_rm_argument, EINVAL, start_with(0x6));
	GT_ERRNO(start_rm_handle, EINVAL, start_with(0x7));
	GT_ERRNO(start_rm_not_accepted, EINVAL, start_with(0xa));
	GT_ERRNO(start_rm_not_found, ENOENT, start_with(0xe));
	GT_ERRNO(start_rm_unknown_call, EOPNOTSUPP, start_with(0xffffffff));
	GT_ERRNO(start_rm_map, EIO, start_with(0x9));
	GT_ERRNO(start_rm_other, EIO, start_with(0x7fffffff));
}
