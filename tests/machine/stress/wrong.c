// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Wrong input, between the right one: always an error, never an effect. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stress.h"

#define PAGE	0x1000UL

int64_t st_wrong_device(struct st_worker *w)
{
	int fd = gt_open_dev(), ret;

	cr_assert_geq(fd, 0);
	ret = gt_ioctl(fd, GH_CREATE_VM, 1 + st_below(&w->random, 1000));
	cr_assert_eq(ret, -EINVAL);
	ret = gt_ioctl(fd, _IOC(st_below(&w->random, 4), GH_IOCTL_TYPE,
				1 + st_below(&w->random, 255), st_below(&w->random, 64)), 0);
	cr_assert_eq(ret, -ENOTTY);
	close(fd);
	return ret;
}

/* Regions that are wrong in one way each. Good ones would be lent. */
static int wrong_region(struct st_worker *w, int fd, uint8_t *page)
{
	const uint64_t gpa = 0xa0000000;
	const uint32_t flags = GT_MEM_RWX | GH_MEM_LENT;

	switch (st_below(&w->random, 6)) {
	case 0:
		return gt_set_mem(fd, 50, flags | 1U << (4 + st_below(&w->random, 28)), gpa, PAGE,
				  page);
	case 1:
		return gt_set_mem(fd, 50, flags, gpa + 1 + st_below(&w->random, PAGE - 1), PAGE,
				  page);
	case 2:
		return gt_set_mem(fd, 50, flags, gpa, 1 + st_below(&w->random, PAGE - 1), page);
	case 3:
		return gt_set_mem(fd, 50, flags, gpa, PAGE, (void *)(st_next(&w->random) << 56));
	case 4:
		return gt_set_mem(fd, 50, flags, gpa, -PAGE, page);
	default:
		return gt_set_mem(fd, 50, 0, 0, 0, NULL);
	}
}

int64_t st_wrong_vm(struct st_worker *w)
{
	struct st_vm *vm = st_pick_vm(w, false);
	struct gh_fn_desc desc = { .type = 1 + st_below(&w->random, 3) };
	static uint8_t page[2 * PAGE] __attribute__((aligned(4096)));
	int ret;

	if (!vm || vm->vm.fd < 0)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	w->arg[1] = st_below(&w->random, 5);
	switch (w->arg[1]) {
	case 0:
		ret = wrong_region(w, vm->vm.fd, page);
		break;
	case 1:
		desc.arg_size = 33 + st_below(&w->random, 1000);
		desc.arg = (uintptr_t)page;
		ret = gt_ioctl(vm->vm.fd, GH_VM_ADD_FUNCTION, (unsigned long)&desc);
		break;
	case 2:
		desc.arg_size = desc.type == GH_FN_VCPU ? 4 : desc.type == GH_FN_IRQFD ? 16 : 32;
		desc.arg = st_next(&w->random) | 0xffff000000000000ULL;
		ret = gt_ioctl(vm->vm.fd, GH_VM_REMOVE_FUNCTION, (unsigned long)&desc);
		break;
	case 3:
		/* The number is taken, or has no wake-up. */
		ret = vm->vm.vcpus[0].fd >= 0 && !vm->loose ? gt_add_vcpu(vm->vm.fd, 0) : -EEXIST;
		break;
	default:
		ret = gt_ioctl(vm->vm.fd, _IOC(st_below(&w->random, 4), GH_IOCTL_TYPE,
					       0x50 + st_below(&w->random, 0xb0), 8),
			       st_next(&w->random));
	}
	if (ret >= 0)
		stress_fail("wrong input %d to a VM: %d", (int)w->arg[1], ret);
	return ret;
}

int64_t st_wrong_vcpu(struct st_worker *w)
{
	struct gh_vcpu_kick_fd kick = { .fd = 0 };
	struct gh_vcpu_stats_arg stats = { 0 };
	struct gt_vcpu *vcpu;
	struct st_vm *vm;
	void *map;
	int ret = 0;

	vcpu = st_pick_vcpu(w, false, &vm);
	if (!vcpu)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	w->arg[1] = st_below(&w->random, 4);
	switch (w->arg[1]) {
	case 0:
		kick.flags = 2 + st_below(&w->random, 1000000) * 2;
		ret = gt_ioctl(vcpu->fd, GH_VCPU_KICK_FD, (unsigned long)&kick);
		break;
	case 1:
		stats.size = 8 * st_below(&w->random, 8) + 1 + st_below(&w->random, 7);
		ret = gt_ioctl(vcpu->fd, GH_VCPU_STATS, (unsigned long)&stats);
		break;
	case 2:
		map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, vcpu->fd,
			   PAGE * (1 + st_below(&w->random, 1000)));
		ret = map == MAP_FAILED ? -errno : 0;
		break;
	default:
		ret = gt_ioctl(vcpu->fd, _IOC(st_below(&w->random, 4), GH_IOCTL_TYPE,
					      0x50 + st_below(&w->random, 0xb0), 16),
			       st_next(&w->random));
	}
	if (ret >= 0)
		stress_fail("wrong input %d to a vCPU: %d", (int)w->arg[1], ret);
	return ret;
}

/* A ring of its own, so that no other completion comes first. */
int64_t st_wrong_ring(struct st_worker *w)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct gt_vcpu *vcpu;
	struct st_vm *vm;
	int ret;

	vcpu = st_pick_vcpu(w, false, &vm);
	if (!vcpu)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	w->arg[1] = st_below(&w->random, 5);
	cr_assert_eq(io_uring_queue_init(4, &ring, 0), 0);
	sqe = io_uring_get_sqe(&ring);
	cr_assert_not_null(sqe);
	gh_uring_prep_run(sqe, vcpu->fd, 0, 0);
	switch (w->arg[1]) {
	case 0:
		sqe->addr = 4ULL << st_below(&w->random, 60);
		break;
	case 1:
		/* Nobody asked for this answer. */
		((struct gh_uring_run *)sqe->cmd)->resume_data = 1 + st_below(&w->random, 1000);
		break;
	case 2:
		sqe->file_index = 1 + st_below(&w->random, 1000);
		break;
	case 3:
		gh_uring_prep_kick(sqe, vcpu->fd);
		sqe->len = 1 + st_below(&w->random, 1000);
		break;
	default:
		sqe->cmd_op = st_below(&w->random, 1 << 30);
	}
	cr_assert_eq(io_uring_submit_and_wait(&ring, 1) < 0 ? -1 : 0, 0);
	while ((ret = io_uring_wait_cqe(&ring, &cqe)) == -EINTR)
		;
	cr_assert_eq(ret, 0);
	ret = cqe->res;
	io_uring_queue_exit(&ring);
	if (ret >= 0)
		stress_fail("wrong input %d to a ring: %d", (int)w->arg[1], ret);
	return ret;
}
