// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * VMs and their guests: a guest carries out a list of operations, drawn at random,
 * that reads, writes, sleeps and computes, and in the end powers off, resets,
 * crashes, sleeps for ever or begins again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stress.h"

#define MAX_VCPUS	2

struct st_vm *st_pick_vm(struct st_worker *w, bool started)
{
	unsigned int i, first = st_below(&w->random, ST_VMS);

	for (i = 0; i < ST_VMS; i++) {
		struct st_vm *vm = &w->vms[(first + i) % ST_VMS];

		if (vm->vm.nr_vcpus && (!started || vm->started))
			return vm;
	}
	return NULL;
}

struct gt_vcpu *st_pick_vcpu(struct st_worker *w, bool started, struct st_vm **vm)
{
	struct gt_vcpu *vcpu;

	*vm = st_pick_vm(w, started);
	if (!*vm)
		return NULL;
	vcpu = &(*vm)->vm.vcpus[st_below(&w->random, (*vm)->vm.nr_vcpus)];
	return vcpu->fd < 0 ? NULL : vcpu;
}

/* ---- what the guest does --------------------------------------------------------- */

static unsigned int add(struct gs_op *ops, unsigned int n, uint32_t op, uint32_t width,
			uint64_t a, uint64_t b)
{
	ops[n] = (struct gs_op) { .op = op, .width = width, .a = a, .b = b };
	return n + 1;
}

static unsigned int add_some(struct st_random *r, struct gs_op *ops, unsigned int n)
{
	uint32_t width = 1U << st_below(r, 4);

	switch (st_below(r, 10)) {
	case 0:
	case 1:
	case 2:
		/* What was read comes back: an answer that is lost or doubled is seen. */
		n = add(ops, n, GS_READ, 8, ST_ADDR_READ, 0);
		return add(ops, n, GS_ECHO, 8, ST_ADDR_ECHO, 1);
	case 3:
	case 4:
		return add(ops, n, GS_WRITE, width, ST_ADDR_WRITE, st_next(r));
	case 5:
		return add(ops, n, GS_WRITE, 4, st_once_in(r, 2) ? ST_ADDR_BELL : ST_ADDR_ONE,
			   st_below(r, 3));
	case 6:
		return add(ops, n, GS_WRITE, width, ST_ADDR_POSTED + 8 * st_below(r, 4),
			   st_next(r));
	case 7:
		return add(ops, n, GS_SLEEP, 0, 10000 + st_below(r, 3000000), 0);
	case 8:
		return add(ops, n, GS_SPIN, 0, 1 + st_below(r, 400000), 0);
	default:
		return st_once_in(r, 3) ? add(ops, n, GS_WFI, 0, 0, 0) :
					  add(ops, n, GS_HVC, 0, st_next(r) & 0xff, 0);
	}
}

static unsigned int add_end(struct st_random *r, struct gs_op *ops, unsigned int n)
{
	switch (st_below(r, 16)) {
	case 0:
	case 1:
	case 2:
		return add(ops, n, GS_OFF, 0, 0, 0);
	case 3:
		return add(ops, n, GS_RESET, 0, 0, 0);
	case 4:
		return add(ops, n, GS_RESET2, 0, st_below(r, 4), 0);
	case 5:
		return add(ops, n, GS_CRASH, 0, 0, 0);
	case 6:
		return add(ops, n, GS_CPU_OFF, 0, 0, 0);
	case 7:
	case 8:
		n = add(ops, n, GS_WFI, 0, 0, 0);
		return add(ops, n, GS_GOTO, 0, n - 1, 1 << 30);
	case 9:
		return add(ops, n, GS_SPIN, 0, 0, 0);
	default:
		n = add(ops, n, GS_GOTO, 0, 0, 1 + st_below(r, 200));
		return add(ops, n, GS_OFF, 0, 0, 0);
	}
}

static void write_script(struct st_worker *w, struct st_vm *vm, unsigned int vcpu, unsigned int of)
{
	unsigned int i, n = 0, wanted = 2 + st_below(&w->random, 25);
	struct gs_op ops[80];

	if (!vcpu && of > 1)
		n = add(ops, n, GS_CPU_ON, 0, 1, 0);
	for (i = 0; i < wanted; i++)
		n = add_some(&w->random, ops, n);
	n = add_end(&w->random, ops, n);
	gt_vm_script(&vm->vm, vcpu, ops, n);
}

void st_vm_write(struct st_worker *w, struct st_vm *vm)
{
	unsigned int i, vcpus = vm->vm.nr_vcpus;

	gt_load(vm->vm.ram, vm->vm.ram_size, "script");
	gt_dtb(vm->vm.ram + GT_DTB_OFFSET, GT_DTB_SIZE, vcpus);
	for (i = 0; i < vcpus; i++)
		write_script(w, vm, i, vcpus);
}

/* ---- life ------------------------------------------------------------------------------ */

/* A VM, of which some lack something; started here or later. */
int64_t st_vm_make(struct st_worker *w)
{
	unsigned int i, place = st_below(&w->random, ST_VMS);
	unsigned int vcpus = 1 + st_below(&w->random, MAX_VCPUS);
	struct st_vm *vm = &w->vms[place];

	w->arg[0] = place;
	w->arg[1] = vcpus;
	if (vm->vm.fd >= 0 || vm->vm.nr_vcpus)
		return -EAGAIN;
	vm->serial = ++w->serials;
	vm->loose = st_once_in(&w->random, 2);
	vm->started = false;
	vm->eventfd = gt_eventfd();
	gt_vm_create(&vm->vm);
	gt_vm_fill(&vm->vm, "script", vcpus);
	for (i = 0; i < vcpus; i++)
		write_script(w, vm, i, vcpus);
	if (st_once_in(&w->random, 20)) {
		/* Nothing to boot from: the start fails, and all comes back. */
		memset(vm->vm.ram + GT_DTB_OFFSET, 0, 64);
		vm->loose = true;
	}
	gt_vm_give(&vm->vm);
	for (i = 0; i < vcpus; i++)
		gt_vm_add_vcpu(&vm->vm, i);
	if (st_once_in(&w->random, 4))
		vm->dup = fcntl(vm->vm.vcpus[0].fd, F_DUPFD_CLOEXEC, 0);
	return st_once_in(&w->random, 8) ? 0 : st_vm_begin(w);
}

int64_t st_vm_begin(struct st_worker *w)
{
	struct st_vm *vm = st_pick_vm(w, false);
	int ret;

	if (!vm || vm->vm.fd < 0)
		return -EAGAIN;
	ret = gt_start(vm->vm.fd);
	if (!ret && !vm->started) {
		vm->started = true;
		w->slot->vms++;
	}
	return ret;
}

void st_vm_empty(struct st_vm *vm)
{
	memset(vm, 0, sizeof(*vm));
	vm->vm.fd = -1;
	vm->eventfd = -1;
	vm->posted = -1;
	vm->dup = -1;
}

void st_vm_drop(struct st_worker *w, struct st_vm *vm)
{
	st_posted_drop(vm);
	if (vm->dup >= 0)
		close(vm->dup);
	gt_vm_close(&vm->vm);
	if (vm->eventfd >= 0)
		close(vm->eventfd);
	if (vm->shared)
		munmap(vm->shared, 0x1000);
	st_vm_empty(vm);
}

/* All descriptors at once, in whatever state; runs in progress go on by others'. */
int64_t st_vm_end(struct st_worker *w)
{
	struct st_vm *vm = st_pick_vm(w, false);

	if (!vm)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	st_vm_drop(w, vm);
	return 0;
}

int64_t st_vcpu_close(struct st_worker *w)
{
	struct gt_vcpu *vcpu;
	struct st_vm *vm;

	vcpu = st_pick_vcpu(w, false, &vm);
	if (!vcpu)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	w->arg[1] = vcpu->id;
	gt_vcpu_close(vcpu);
	return 0;
}

int64_t st_vcpu_remove(struct st_worker *w)
{
	struct gt_vcpu *vcpu;
	struct st_vm *vm;
	int ret;

	vcpu = st_pick_vcpu(w, false, &vm);
	if (!vcpu || vm->vm.fd < 0)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	w->arg[1] = vcpu->id;
	/* In a VM that was started it stays out for good, or comes back at once. */
	vm->loose = true;
	ret = gt_remove_vcpu(vm->vm.fd, vcpu->id);
	if (!ret && st_once_in(&w->random, 2)) {
		gt_vcpu_close(vcpu);
		gt_vm_add_vcpu(&vm->vm, vcpu->id);
	}
	return ret;
}

/* Only the VM's own: its vCPUs keep it. */
int64_t st_vm_fd_close(struct st_worker *w)
{
	struct st_vm *vm = st_pick_vm(w, false);

	if (!vm || vm->vm.fd < 0)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	close(vm->vm.fd);
	vm->vm.fd = -1;
	return 0;
}

/* A second descriptor of a vCPU: its close ends a park all the same. */
int64_t st_dup_close(struct st_worker *w)
{
	struct st_vm *vm = st_pick_vm(w, false);

	if (!vm || vm->dup < 0)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	close(vm->dup);
	vm->dup = -1;
	return 0;
}

/* The guest's memory leaves the address space; it stays the guest's. */
int64_t st_unmap_ram(struct st_worker *w)
{
	struct st_vm *vm = st_pick_vm(w, false);

	if (!vm || !vm->vm.ram)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	munmap(vm->vm.ram, vm->vm.ram_size);
	vm->vm.ram = NULL;
	return 0;
}

/* ---- looking -------------------------------------------------------------------------------- */

static void read_all(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

/* Counters only ascend, however they are read. */
int64_t st_look(struct st_worker *w)
{
	struct gh_vcpu_stats one = { 0 }, two = { 0 };
	struct gh_vcpu_stats_arg arg = { .size = sizeof(one) };
	struct gt_vcpu *vcpu;
	struct st_vm *vm;
	char path[64];

	vcpu = st_pick_vcpu(w, false, &vm);
	if (!vcpu)
		return -EAGAIN;
	arg.stats = (uintptr_t)&one;
	cr_assert_eq(gt_ioctl(vcpu->fd, GH_VCPU_STATS, (unsigned long)&arg), 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", vcpu->fd);
	read_all(path);
	read_all(st_once_in(&w->random, 2) ? "/sys/kernel/debug/gunyah/vcpus" :
					     "/sys/kernel/debug/gunyah/vms");
	arg.stats = (uintptr_t)&two;
	cr_assert_eq(gt_ioctl(vcpu->fd, GH_VCPU_STATS, (unsigned long)&arg), 0);
	cr_assert(two.runs >= one.runs && two.entries >= one.entries && two.kicks >= one.kicks &&
		  two.parks >= one.parks && two.wakes >= one.wakes);
	return 0;
}
