// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What a guest and the host do to each other without an exit: doorbells, eventfds
 * that a write signals, rings of posted writes. kvm_io.c has the same for KVM.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gh-runner/testdev-regs.h>

#include "../tests/machine/guests/bench.h"
#include "bench.h"
#include "internal.h"

#define POSTED_ENTRIES	256
#define WRITE_ADDR	((uint64_t)GH_BOARD_TESTDEV_BASE + GH_TESTDEV_SCRATCH4)
#define WRITE_SIZE	4

static int add_function(struct gh_vm *vm, uint32_t type, const void *arg, uint32_t size)
{
	struct gh_fn_desc desc = {
		.type = type,
		.arg_size = size,
		.arg = (uintptr_t)arg,
	};
	int ret = ioctl(vm->fd, GH_VM_ADD_FUNCTION, &desc);

	return ret < 0 ? -errno : ret;
}

static int new_eventfd(int *fd)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? -errno : 0;
}

static int add_bells(struct gh_vm *vm, struct gh_bench_vcpu *vcpus)
{
	struct gh_irq *irq;
	unsigned int i;
	int ret;

	for (i = 0; i < vm->nr_vcpus; i++) {
		ret = gh_irq_create(vm, &irq);
		if (ret)
			return ret;
		vcpus[i].bell_fd = dup(irq->fd);
		if (vcpus[i].bell_fd < 0)
			return -errno;
	}
	return 0;
}

static int add_signal(struct gh_vm *vm, struct gh_bench_io *io)
{
	struct gh_fn_ioeventfd_arg arg = { .addr = WRITE_ADDR, .len = WRITE_SIZE };
	int ret = new_eventfd(&io->signal_fd);

	if (ret)
		return ret;
	arg.fd = io->signal_fd;
	return add_function(vm, GH_FN_IOEVENTFD, &arg, sizeof(arg));
}

/*
 * The eventfd says that the ring is not empty any more. The guests here fill the ring,
 * and the exit that follows has it drained, so nobody waits for the eventfd.
 */
static int add_posted(struct gh_vm *vm, struct gh_bench_io *io)
{
	struct gh_fn_posted_arg arg = {
		.addr = WRITE_ADDR,
		.size = WRITE_SIZE,
		.entries = POSTED_ENTRIES,
	};
	int ret = new_eventfd(&io->signal_fd);

	if (ret)
		return ret;
	arg.fd = io->signal_fd;
	io->posted_fd = add_function(vm, GH_FN_POSTED, &arg, sizeof(arg));
	if (io->posted_fd < 0)
		return io->posted_fd;
	/* Both parts are whole pages. */
	io->posted_size = GH_POSTED_RECORDS + POSTED_ENTRIES * sizeof(struct gh_posted_write);
	io->posted = mmap(NULL, io->posted_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  io->posted_fd, 0);
	if (io->posted == MAP_FAILED) {
		io->posted = NULL;
		return -errno;
	}
	return 0;
}

int gh_bench_io_add(struct gh_bench *bench, struct gh_bench_io *io, struct gh_vm *vm,
		    struct gh_bench_vcpu *vcpus)
{
	int ret = 0;

	if (bench->workload->bells)
		ret = add_bells(vm, vcpus);
	if (!ret && bench->workload->signals)
		ret = add_signal(vm, io);
	if (!ret && bench->backend->posted)
		ret = add_posted(vm, io);
	return ret;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void gh_bench_io_remove(struct gh_bench *bench)
{
	unsigned int i;

	for (i = 0; bench->vcpus && i < bench->nr_vcpus; i++)
		close_fd(bench->vcpus[i].bell_fd);
	for (i = 0; bench->io && i < bench->nr_vms; i++) {
		struct gh_bench_io *io = &bench->io[i];

		if (io->posted)
			munmap(io->posted, io->posted_size);
		close_fd(io->posted_fd);
		close_fd(io->signal_fd);
	}
}

int gh_bench_ring_bells(struct gh_bench *bench)
{
	const uint64_t one = 1;
	unsigned int i;

	atomic_store(&bench->unreported, bench->nr_active);
	for (i = 0; i < bench->nr_active; i++) {
		struct gh_bench_vcpu *v = &bench->vcpus[i];

		if (bench->timed)
			v->rung_ns = gh_now_ns();
		if (write(v->bell_fd, &one, sizeof(one)) != sizeof(one))
			return -errno;
	}
	bench->bell_syscalls += bench->nr_active;
	return 0;
}

void gh_bench_drain(struct gh_bench_vcpu *v)
{
	struct gh_bench_io *io = v->io;
	const struct gh_posted_write *records;
	uint32_t tail;

	if (v->bench->backend->kvm) {
		gh_bench_kvm_drain(v);
		return;
	}
	records = (const void *)((const char *)io->posted + GH_POSTED_RECORDS);
	tail = __atomic_load_n(&io->posted->tail, __ATOMIC_ACQUIRE);
	for (; io->head != tail; io->head++) {
		const struct gh_posted_write *w = &records[io->head % POSTED_ENTRIES];

		gh_bench_device_write(v, w->addr - GH_BOARD_TESTDEV_BASE, w->data);
	}
	__atomic_store_n(&io->posted->head, io->head, __ATOMIC_RELEASE);
}

uint64_t gh_bench_signals(const struct gh_bench *bench)
{
	uint64_t sum = 0, n;
	unsigned int i;

	for (i = 0; i < bench->nr_vms; i++)
		if (bench->io[i].signal_fd >= 0 &&
		    read(bench->io[i].signal_fd, &n, sizeof(n)) == sizeof(n))
			sum += n;
	return sum;
}
