// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Writes that go to a ring instead of ending the run. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt.h"
#include "gt_fn.h"

#define DEV	GT_DEV_BASE
#define DONE	0x0b0ff000ULL
#define SIZE	0x1000ULL
#define ENTRIES	16U

TestSuite(posted, .timeout = GT_TIMEOUT);

/* A range's ring, as its reader has it. */
struct posted {
	int fd;
	size_t size;
	struct gh_posted_ring *ring;
	const struct gh_posted_write *records;
	uint32_t head;
};

static size_t map_size(uint32_t entries)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t size = GH_POSTED_RECORDS + entries * sizeof(struct gh_posted_write);

	return (size + page - 1) / page * page;
}

static int add(int vm_fd, uint64_t addr, uint64_t size, uint32_t entries, int fd)
{
	struct gh_fn_posted_arg arg = {
		.addr = addr,
		.size = size,
		.entries = entries,
		.fd = fd,
	};

	return gt_fn_add(vm_fd, GH_FN_POSTED, &arg, sizeof(arg));
}

static int take_away(int vm_fd, uint64_t addr)
{
	struct gh_fn_posted_arg arg = { .addr = addr };

	return gt_fn_remove(vm_fd, GH_FN_POSTED, &arg, sizeof(arg));
}

static void open_ring(struct posted *p, int vm_fd, int eventfd)
{
	p->fd = add(vm_fd, DEV, SIZE, ENTRIES, eventfd);
	cr_assert_geq(p->fd, 0, "posted range: %s", strerror(-p->fd));
	p->size = map_size(ENTRIES);
	p->ring = mmap(NULL, p->size, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
	cr_assert_neq(p->ring, MAP_FAILED);
	p->records = (const void *)((const char *)p->ring + GH_POSTED_RECORDS);
	p->head = 0;
	cr_assert_eq(p->ring->entries, ENTRIES);
}

static void close_ring(struct posted *p)
{
	munmap(p->ring, p->size);
	close(p->fd);
}

/* The next record, copied and consumed; false if there is none. */
static bool take(struct posted *p, struct gh_posted_write *w)
{
	if (__atomic_load_n(&p->ring->tail, __ATOMIC_ACQUIRE) == p->head)
		return false;
	*w = p->records[p->head % ENTRIES];
	__atomic_store_n(&p->ring->head, ++p->head, __ATOMIC_RELEASE);
	return true;
}

static void expect(struct posted *p, uint32_t len, uint64_t addr, uint64_t data, uint64_t seq)
{
	struct gh_posted_write w;

	cr_assert(take(p, &w), "no record for the write of %#llx", (unsigned long long)data);
	cr_assert_eq(w.addr, addr);
	cr_assert_eq(w.data, data, "%#llx", (unsigned long long)w.data);
	cr_assert_eq(w.len, len);
	cr_assert_eq(w.vcpu, 0U);
	cr_assert_eq(w.seq, seq);
}

static void expect_exit(const struct gt_path *path, struct gt_vcpu *vcpu, uint64_t addr,
			uint64_t data)
{
	gt_check_write(path, vcpu, 4, addr, data, __LINE__);
}

static const struct gs_op writer[] = {
	{ GS_WRITE, 1, DEV, 0xff11 }, { GS_WRITE, 2, DEV + 2, 0x2211 },
	{ GS_WRITE, 4, DEV + 4, 0x44332211 }, { GS_WRITE, 8, DEV + 8, 0x8877665544332211 },
	{ GS_WRITE, 4, DONE, 1 }, { GS_GOTO, 0, 0, 1 << 30 },
};

static void check_records(const struct gt_path *path)
{
	int efd = gt_eventfd();
	struct posted p;
	struct gt_vm vm;
	uint64_t turn;

	GT_BOOT_SCRIPT(&vm, writer);
	open_ring(&p, vm.fd, efd);
	/* More turns than the ring has entries. */
	for (turn = 0; turn < 10; turn++) {
		expect_exit(path, &vm.vcpus[0], DONE, 1);
		cr_assert_eq(gt_eventfd_count(efd), 1U, "once when it becomes non-empty");
		expect(&p, 1, DEV, 0x11, 4 * turn + 1);
		expect(&p, 2, DEV + 2, 0x2211, 4 * turn + 2);
		expect(&p, 4, DEV + 4, 0x44332211, 4 * turn + 3);
		expect(&p, 8, DEV + 8, 0x8877665544332211, 4 * turn + 4);
		cr_assert_eq(p.ring->tail, p.head);
	}
	/* Not drained to the end: not empty, nobody is told. */
	expect_exit(path, &vm.vcpus[0], DONE, 1);
	expect(&p, 1, DEV, 0x11, 41);
	cr_assert_eq(gt_eventfd_count(efd), 1U);
	expect_exit(path, &vm.vcpus[0], DONE, 1);
	cr_assert_eq(gt_eventfd_count(efd), 0U);
	cr_assert_eq(p.ring->full, 0U);
	gt_vm_close(&vm);
	/* What was posted outlives the VM. */
	expect(&p, 2, DEV + 2, 0x2211, 42);
	close_ring(&p);
	close(efd);
}

GT_CASE(posted, records_by_ioctl)
{
	check_records(&gt_path_ioctl);
}

GT_CASE(posted, records_on_a_ring)
{
	check_records(&gt_path_ring);
}

/* The 17th write finds no room: it is an exit, behind the sixteen before it. */
static const struct gs_op flood[] = {
	{ GS_WRITE, 4, DEV + 0x10, 7 }, { GS_GOTO, 0, 0, ENTRIES - 1 },
	{ GS_WRITE, 4, DEV + 0x20, 8 }, { GS_WRITE, 4, DEV + 0x30, 9 },
	{ GS_WRITE, 4, DONE, 1 }, { GS_OFF },
};

GT_CASE(posted, full_ring_is_an_exit)
{
	struct posted p;
	struct gt_vm vm;
	unsigned int i;

	GT_BOOT_SCRIPT(&vm, flood);
	open_ring(&p, vm.fd, -1);
	expect_exit(&gt_path_ring, &vm.vcpus[0], DEV + 0x20, 8);
	cr_assert_eq(p.ring->full, 1U);
	for (i = 0; i < ENTRIES; i++)
		expect(&p, 4, DEV + 0x10, 7, i + 1);
	cr_assert_eq(p.ring->tail, p.head);
	/* Drained: the next one is posted again. */
	expect_exit(&gt_path_ring, &vm.vcpus[0], DONE, 1);
	expect(&p, 4, DEV + 0x30, 9, ENTRIES + 1);
	cr_assert_eq(p.ring->full, 1U);
	gt_vm_close(&vm);
	close_ring(&p);
}

/* The head is user space's: whatever it says, the driver stays in its ring. */
GT_CASE(posted, wrong_head)
{
	static const uint32_t heads[] = { 1, ENTRIES, 0x7fffffff, 0x80000000, UINT32_MAX, 5 };
	unsigned int i, exits;
	struct gt_exit exit;
	struct posted p;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, writer);
	open_ring(&p, vm.fd, -1);
	for (i = 0; i < GT_ARRAY_SIZE(heads); i++) {
		memset(p.ring, 0xa5 + i, p.size);
		__atomic_store_n(&p.ring->head, heads[i], __ATOMIC_RELEASE);
		for (exits = 0; exits < 10; exits++) {
			gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
			cr_assert_eq(exit.kind, GT_EXIT_MMIO);
		}
	}
	/* The driver's own tail was never in the page. */
	__atomic_store_n(&p.ring->head, p.ring->tail, __ATOMIC_RELEASE);
	p.head = p.ring->head;
	do {
		gt_run(&gt_path_ioctl, &vm.vcpus[0], &exit);
	} while (exit.addr != DONE);
	gt_vm_close(&vm);
	close_ring(&p);
}

static const struct gs_op edges[] = {
	{ GS_WRITE, 4, DEV + SIZE - 4, 1 }, { GS_WRITE, 4, DEV + SIZE, 2 },
	{ GS_WRITE, 4, DEV - 4, 3 }, { GS_READ, 4, DEV, 0 }, { GS_WRITE, 4, DEV + 8, 4 },
	{ GS_WRITE, 4, DONE, 5 }, { GS_GOTO, 0, 0, 1 << 30 },
};

GT_CASE(posted, only_writes_in_the_range)
{
	const struct gt_path *path = &gt_path_ioctl;
	int efd = gt_eventfd();
	struct posted p;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, edges);
	open_ring(&p, vm.fd, -1);
	/* An ioeventfd inside the range goes first. */
	cr_assert_eq(gt_ioeventfd_add(vm.fd, efd, DEV + 8, 4, NULL), 0);
	expect_exit(path, &vm.vcpus[0], DEV + SIZE, 2);
	expect_exit(path, &vm.vcpus[0], DEV - 4, 3);
	gt_check_read(path, &vm.vcpus[0], 4, DEV, 0, __LINE__);
	expect_exit(path, &vm.vcpus[0], DONE, 5);
	expect(&p, 4, DEV + SIZE - 4, 1, 1);
	cr_assert_eq(p.ring->tail, p.head);
	cr_assert_eq(gt_eventfd_count(efd), 1U);
	/* Removed: each is an exit, and the ring stays as it is. */
	cr_assert_eq(take_away(vm.fd, DEV + 4), -ENOENT);
	cr_assert_eq(take_away(vm.fd, DEV), 0);
	cr_assert_eq(take_away(vm.fd, DEV), -ENOENT);
	expect_exit(path, &vm.vcpus[0], DEV + SIZE - 4, 1);
	cr_assert_eq(p.ring->tail, p.head);
	gt_vm_close(&vm);
	close_ring(&p);
	close(efd);
}

/* Two vCPUs, one ring: its order is one order, and each vCPU's own is kept. */
static const struct gs_op boot[] = {
	{ GS_CPU_ON, 0, 1, 0 }, { GS_CNT }, { GS_ECHO, 8, DEV, 0 }, { GS_GOTO, 0, 1, 199 },
	{ GS_WRITE, 4, DONE, 0 }, { GS_WFI }, { GS_GOTO, 0, 5, 1 << 30 },
};

static const struct gs_op second[] = {
	{ GS_CNT }, { GS_ECHO, 8, DEV, 0 }, { GS_GOTO, 0, 0, 199 },
	{ GS_WRITE, 4, DONE, 0 }, { GS_WFI }, { GS_GOTO, 0, 4, 1 << 30 },
};

struct order {
	struct posted p;
	uint64_t seq;
	uint64_t last[2];
	unsigned int seen[2];
	unsigned int done;
};

static void record(struct order *o, unsigned int vcpu, uint64_t data)
{
	cr_assert_lt(vcpu, 2U);
	cr_assert_gt(data, o->last[vcpu], "a write of vCPU %u out of order", vcpu);
	o->last[vcpu] = data;
	o->seen[vcpu]++;
}

static bool drain(struct gt_vcpu *vcpu, const struct gt_exit *exit, void *arg)
{
	struct gh_posted_write w;
	struct order *o = arg;

	while (take(&o->p, &w)) {
		cr_assert_gt(w.seq, o->seq);
		o->seq = w.seq;
		record(o, w.vcpu, w.data);
	}
	if (exit->kind != GT_EXIT_MMIO)
		return exit->kind == GT_EXIT_PREEMPTED || exit->kind == GT_EXIT_RUNNABLE;
	/* An exit for want of room stands behind what was posted. */
	if (exit->addr == DEV)
		record(o, vcpu->id, exit->data);
	return exit->addr != DONE;
}

static void check_order(const struct gt_path *path)
{
	struct order o = { .seq = 0 };
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 2);
	gt_vm_script(&vm, 0, boot, GT_ARRAY_SIZE(boot));
	gt_vm_script(&vm, 1, second, GT_ARRAY_SIZE(second));
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_add_vcpu(&vm, 1);
	gt_vm_start(&vm);
	open_ring(&o.p, vm.fd, -1);
	gt_run_all(path, &vm, drain, &o);
	cr_assert_eq(o.seen[0], 200U, "%u writes of vCPU 0", o.seen[0]);
	cr_assert_eq(o.seen[1], 200U, "%u writes of vCPU 1", o.seen[1]);
	gt_vm_close(&vm);
	close_ring(&o.p);
}

GT_CASE(posted, order_of_two_vcpus_by_ioctl)
{
	check_order(&gt_path_ioctl);
}

GT_CASE(posted, order_of_two_vcpus_on_a_ring)
{
	check_order(&gt_path_ring);
}

static void check_mmap(int fd, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	GT_ERRNO(ring_size, EINVAL, gt_mmap(fd, size + page, PROT_READ, MAP_SHARED, 0));
	GT_ERRNO(ring_size, EINVAL, gt_mmap(fd, page, PROT_READ, MAP_SHARED, 0));
	GT_ERRNO(ring_offset, EINVAL, gt_mmap(fd, size, PROT_READ, MAP_SHARED, page));
	GT_ERRNO(ring_private, EINVAL, gt_mmap(fd, size, PROT_READ, MAP_PRIVATE, 0));
	GT_ERRNO(ring_exec, EPERM, gt_mmap(fd, size, PROT_READ | PROT_EXEC, MAP_SHARED, 0));
}

GT_CASE(posted, bad_arguments)
{
	struct gh_fn_posted_arg arg = { .addr = DEV, .size = 8, .entries = 8, .fd = -1 };
	int vm = gt_create_vm(), fd;

	GT_ERRNO(posted_size, EINVAL, add(vm, DEV, 0, 8, -1));
	cr_assert_eq(add(vm, DEV, 8, 0, -1), -EINVAL);
	GT_ERRNO(posted_power, EINVAL, add(vm, DEV, 8, 7, -1));
	GT_ERRNO(posted_many, EINVAL, add(vm, DEV, 8, 2 * GH_POSTED_MAX_ENTRIES, -1));
	GT_ERRNO(posted_end, EINVAL, add(vm, UINT64_MAX - 6, 8, 8, -1));
	GT_ERRNO(posted_negative, EINVAL, add(vm, DEV, 8, 8, -2));
	GT_ERRNO(posted_fd, EBADF, add(vm, DEV, 8, 8, 1000));
	GT_ERRNO(posted_not_eventfd, EINVAL, add(vm, DEV, 8, 8, vm));
	arg.flags = 1;
	GT_ERRNO(posted_flags, EINVAL, gt_fn_add(vm, GH_FN_POSTED, &arg, sizeof(arg)));
	arg.flags = 0;
	arg.padding = 1;
	GT_ERRNO(posted_padding, EINVAL, gt_fn_add(vm, GH_FN_POSTED, &arg, sizeof(arg)));
	arg.padding = 0;
	fd = gt_fn_add_by_name(vm, "posted", &arg, sizeof(arg));
	cr_assert_geq(fd, 0);
	check_mmap(fd, map_size(8));
	GT_ERRNO(posted_overlap, EEXIST, add(vm, DEV + 7, 8, 8, -1));
	cr_assert_eq(add(vm, DEV - 7, 8, 8, -1), -EEXIST);
	close(fd);
	/* The range is posted until it is removed, whether somebody reads or not. */
	cr_assert_eq(add(vm, DEV, 8, 8, -1), -EEXIST);
	fd = add(vm, UINT64_MAX - 7, 8, GH_POSTED_MAX_ENTRIES, -1);
	cr_assert_geq(fd, 0);
	close(vm);
	close(fd);
	cr_assert_eq(gt_modules_unload(), 0);
}
