// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Doorbells (KVM_IRQFD), KVM_IOEVENTFD and coalesced MMIO of the guests under KVM. */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <gh-runner/testdev-regs.h>

#include "../tests/machine/guests/bench.h"
#include "bench.h"

#define WRITE_ADDR	((uint64_t)GH_BOARD_TESTDEV_BASE + GH_TESTDEV_SCRATCH4)
#define WRITE_SIZE	4

static int new_eventfd(int *fd)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? -errno : 0;
}

static int add_bell(int vm_fd, struct gh_bench_vcpu *v)
{
	struct kvm_irqfd irqfd = { .gsi = GUEST_BENCH_BELL_INTID(0) - 32 };
	int ret = new_eventfd(&v->bell_fd);

	if (ret)
		return ret;
	irqfd.fd = (uint32_t)v->bell_fd;
	return ioctl(vm_fd, KVM_IRQFD, &irqfd) < 0 ? -errno : 0;
}

static int add_signal(int vm_fd, struct gh_bench_io *io)
{
	struct kvm_ioeventfd arg = { .addr = WRITE_ADDR, .len = WRITE_SIZE };
	int ret = new_eventfd(&io->signal_fd);

	if (ret)
		return ret;
	arg.fd = io->signal_fd;
	return ioctl(vm_fd, KVM_IOEVENTFD, &arg) < 0 ? -errno : 0;
}

static int add_coalesced(int kvm_fd, int vm_fd, struct gh_bench_vcpu *v)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = WRITE_ADDR, .size = WRITE_SIZE };
	int page = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);

	if (page <= 0)
		return -EOPNOTSUPP;
	v->io->coalesced = (void *)((char *)v->kvm_run + page * sysconf(_SC_PAGESIZE));
	return ioctl(vm_fd, KVM_REGISTER_COALESCED_MMIO, &zone) < 0 ? -errno : 0;
}

int gh_bench_kvm_io_add(int kvm_fd, int vm_fd, struct gh_bench_vcpu *v)
{
	int ret = 0;

	if (v->bench->workload->bells)
		ret = add_bell(vm_fd, v);
	if (!ret && v->bench->workload->signals)
		ret = add_signal(vm_fd, v->io);
	if (!ret && v->bench->backend->posted)
		ret = add_coalesced(kvm_fd, vm_fd, v);
	return ret;
}

/* The kernel adds at the end, and stops one entry before it reaches the start. */
void gh_bench_kvm_drain(struct gh_bench_vcpu *v)
{
	const uint32_t entries = (uint32_t)((sysconf(_SC_PAGESIZE) -
		sizeof(struct kvm_coalesced_mmio_ring)) / sizeof(struct kvm_coalesced_mmio));
	struct kvm_coalesced_mmio_ring *ring = v->io->coalesced;
	uint32_t first = ring->first, last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);

	for (; first != last; first = (first + 1) % entries) {
		const struct kvm_coalesced_mmio *w = &ring->coalesced_mmio[first];
		uint64_t data = 0;

		memcpy(&data, w->data, sizeof(data));
		gh_bench_device_write(v, w->phys_addr - GH_BOARD_TESTDEV_BASE, data);
	}
	__atomic_store_n(&ring->first, first, __ATOMIC_RELEASE);
}
