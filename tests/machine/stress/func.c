// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Functions of a VM come and go while its guest uses them. */
#include <string.h>
#include <unistd.h>

#include "stress.h"

enum { BELL_ANY, BELL_ONE, IRQ_EDGE, IRQ_LEVEL, POSTED, NR_FUNCTIONS };

static const uint64_t one = 1;

static int add(struct st_vm *vm, unsigned int function)
{
	struct gh_fn_posted_arg posted = {
		.addr = ST_ADDR_POSTED,
		.size = 0x1000,
		.entries = 16,
		.fd = vm->eventfd,
	};
	int ret;

	switch (function) {
	case BELL_ANY:
		return gt_ioeventfd_add(vm->vm.fd, vm->eventfd, ST_ADDR_BELL, 0, NULL);
	case BELL_ONE:
		return gt_ioeventfd_add(vm->vm.fd, vm->eventfd, ST_ADDR_ONE, 4, &one);
	case IRQ_EDGE:
		return gt_irqfd_add(vm->vm.fd, vm->eventfd, GT_BELL_EDGE, 0);
	case IRQ_LEVEL:
		return gt_irqfd_add(vm->vm.fd, vm->eventfd, GT_BELL_LEVEL, GH_IRQFD_LEVEL);
	default:
		ret = gt_fn_add(vm->vm.fd, GH_FN_POSTED, &posted, sizeof(posted));
		if (ret < 0)
			return ret;
		if (vm->posted >= 0)
			close(vm->posted);
		vm->posted = ret;
		return 0;
	}
}

static int drop(struct st_vm *vm, unsigned int function)
{
	const struct gh_fn_posted_arg posted = { .addr = ST_ADDR_POSTED };

	switch (function) {
	case BELL_ANY:
		return gt_ioeventfd_remove(vm->vm.fd, ST_ADDR_BELL, 0, NULL);
	case BELL_ONE:
		return gt_ioeventfd_remove(vm->vm.fd, ST_ADDR_ONE, 4, &one);
	case IRQ_EDGE:
		return gt_irqfd_remove(vm->vm.fd, GT_BELL_EDGE);
	case IRQ_LEVEL:
		return gt_irqfd_remove(vm->vm.fd, GT_BELL_LEVEL);
	default:
		return gt_fn_remove(vm->vm.fd, GH_FN_POSTED, &posted, sizeof(posted));
	}
}

int64_t st_fn_toggle(struct st_worker *w)
{
	unsigned int function = st_below(&w->random, NR_FUNCTIONS);
	struct st_vm *vm = st_pick_vm(w, false);
	int ret;

	if (!vm || vm->vm.fd < 0)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	w->arg[1] = function;
	if (vm->functions & 1U << function)
		ret = drop(vm, function);
	else
		ret = add(vm, function);
	if (!ret)
		vm->functions ^= 1U << function;
	else if (function == POSTED || function == BELL_ANY || function == BELL_ONE)
		stress_fail("function %u: %s", function, strerrorname_np(-ret));
	return ret;
}

int64_t st_fn_signal(struct st_worker *w)
{
	struct st_vm *vm = st_pick_vm(w, false);

	if (!vm || vm->eventfd < 0)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	if (st_once_in(&w->random, 2))
		gt_eventfd_signal(vm->eventfd);
	else
		return gt_eventfd_count(vm->eventfd);
	return 0;
}

/* A vCPU's kick eventfd is replaced, dropped, or closed under it. */
int64_t st_kick_fd(struct st_worker *w)
{
	struct gh_vcpu_kick_fd arg = { .fd = -1 };
	struct gt_vcpu *vcpu;
	struct st_vm *vm;
	int own = -1;
	int ret;

	vcpu = st_pick_vcpu(w, false, &vm);
	if (!vcpu)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	w->arg[1] = st_below(&w->random, 4);
	if (w->arg[1] == 1) {
		own = gt_eventfd();
		arg.fd = own;
	} else if (w->arg[1] > 1) {
		arg.fd = vm->eventfd;
	}
	if (w->arg[1] == 3)
		arg.flags = GH_KICK_FD_HOLD;
	ret = gt_ioctl(vcpu->fd, GH_VCPU_KICK_FD, (unsigned long)&arg);
	cr_assert_eq(ret, 0);
	if (own >= 0) {
		if (st_once_in(&w->random, 2))
			gt_eventfd_signal(own);
		close(own);
	}
	return ret;
}
