// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Functions of a VM come and go while its guest uses them, and posted writes are read:
 * each record is one that the guest can have written, and their numbers ascend.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stress.h"

enum { BELL_ANY, BELL_ONE, IRQ_EDGE, IRQ_LEVEL, POSTED, NR_FUNCTIONS };

#define POSTED_ENTRIES	16
#define POSTED_SIZE	0x1000

static const uint64_t one = 1;

static size_t posted_bytes(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t size = GH_POSTED_RECORDS + POSTED_ENTRIES * sizeof(struct gh_posted_write);

	return (size + page - 1) / page * page;
}

/* The ring that it has, which a later one may not be. */
void st_posted_drop(struct st_vm *vm)
{
	if (vm->posted_ring)
		munmap(vm->posted_ring, posted_bytes());
	if (vm->posted >= 0)
		close(vm->posted);
	vm->posted_ring = NULL;
	vm->posted = -1;
}

static void keep_posted(struct st_vm *vm, int fd)
{
	st_posted_drop(vm);
	vm->posted = fd;
	vm->posted_head = 0;
	vm->posted_ring = mmap(NULL, posted_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq((void *)vm->posted_ring, MAP_FAILED);
}

static int add(struct st_vm *vm, unsigned int function)
{
	struct gh_fn_posted_arg posted = {
		.addr = ST_ADDR_POSTED,
		.size = POSTED_SIZE,
		.entries = POSTED_ENTRIES,
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
		keep_posted(vm, ret);
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

static void check_record(struct st_vm *vm, const struct gh_posted_write *r)
{
	bool len = r->len == 1 || r->len == 2 || r->len == 4 || r->len == 8;

	if (r->seq <= vm->posted_seq)
		stress_fail("posted write %" PRIu64 " behind %" PRIu64, (uint64_t)r->seq,
			    vm->posted_seq);
	if (!len || r->addr < ST_ADDR_POSTED || r->addr + r->len > ST_ADDR_POSTED + POSTED_SIZE ||
	    r->vcpu >= vm->vm.nr_vcpus || (r->len < 8 && r->data >> 8 * r->len))
		stress_fail("posted write of vCPU %u: %u bytes at %#llx: %#llx", r->vcpu, r->len,
			    (unsigned long long)r->addr, (unsigned long long)r->data);
	vm->posted_seq = r->seq;
}

/* Some of what is there: a ring that is not read to its end fills up, and is no error. */
int64_t st_posted_read(struct st_worker *w)
{
	struct st_vm *vm = st_pick_vm(w, false);
	const struct gh_posted_write *records;
	unsigned int left = 1 + st_below(&w->random, 2 * POSTED_ENTRIES);
	uint32_t tail;
	int64_t n = 0;

	if (!vm || !vm->posted_ring)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	records = (const void *)((const char *)vm->posted_ring + GH_POSTED_RECORDS);
	for (; left; left--) {
		tail = __atomic_load_n(&vm->posted_ring->tail, __ATOMIC_ACQUIRE);
		if (tail - vm->posted_head > POSTED_ENTRIES)
			stress_fail("%u posted writes in a ring of %u", tail - vm->posted_head,
				    POSTED_ENTRIES);
		if (tail == vm->posted_head)
			break;
		check_record(vm, &records[vm->posted_head % POSTED_ENTRIES]);
		vm->posted_head++;
		__atomic_store_n(&vm->posted_ring->head, vm->posted_head, __ATOMIC_RELEASE);
		n++;
	}
	w->slot->records += n;
	return n;
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
