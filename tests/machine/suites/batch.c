// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * GH_VCPU_RUN_BATCH: many vCPUs in one call, as an ioctl and as a command of each
 * kind of ring. What ends a batch and what does not, and that no exit is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt.h"
#include "gt_board.h"
#include "gt_disturb.h"

#define DEV		GT_DEV_BASE
#define RING		(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define NR		3
/* No result of a run. */
#define UNTOUCHED	INT32_MAX

TestSuite(batch, .timeout = GT_TIMEOUT);

/* Carries the calls; any vCPU does. */
static int carrier;
static struct io_uring ring;
static unsigned int sqe_flags;

typedef int (*run_fn)(struct gh_run_entry *entries, unsigned int nr, uint64_t deadline_ns);

static int by_ioctl(struct gh_run_entry *entries, unsigned int nr, uint64_t deadline_ns)
{
	return gh_run_batch(carrier, entries, nr, deadline_ns);
}

static int by_ring(struct gh_run_entry *entries, unsigned int nr, uint64_t deadline_ns)
{
	struct io_uring_sqe *sqe = gt_ring_sqe(&ring);
	struct gt_cqe cqe;

	gh_uring_prep_run_batch(sqe, carrier, entries, nr, deadline_ns);
	sqe->user_data = GT_UD_CMD;
	sqe->flags |= sqe_flags;
	gt_ring_submit(&ring, 1);
	gt_ring_next(&ring, &cqe);
	cr_assert_eq(cqe.user_data, (uint64_t)GT_UD_CMD);
	return cqe.res;
}

static void on_ring(unsigned int setup, unsigned int flags, void (*body)(run_fn run))
{
	sqe_flags = flags;
	gt_ring_init(&ring, 16, setup);
	body(by_ring);
	io_uring_queue_exit(&ring);
}

/* A test by ioctl and by ring. */
#define BOTH(name)							\
	static void name(run_fn run);					\
	GT_CASE(batch, name##_by_ioctl)					\
	{								\
		name(by_ioctl);						\
	}								\
	GT_CASE(batch, name##_by_ring)					\
	{								\
		on_ring(RING, 0, name);					\
	}								\
	static void name(run_fn run)

/* One batch. What was not carried out is left alone. */
static int turn(run_fn run, struct gh_run_entry *entries, unsigned int nr, uint64_t deadline_ns)
{
	unsigned int i;
	int n;

	for (i = 0; i < nr; i++)
		entries[i].res = UNTOUCHED;
	n = run(entries, nr, deadline_ns);
	cr_assert(n >= 1 && n <= (int)nr, "batch of %u: %d", nr, n);
	for (i = 0; i < nr; i++)
		cr_assert_eq(entries[i].res == UNTOUCHED, i >= (unsigned int)n, "entry %u: %d", i,
			     entries[i].res);
	return n;
}

/* One vCPU in one batch; its result, without whether the guest was entered. */
static int one(run_fn run, const struct gt_vcpu *vcpu)
{
	struct gh_run_entry entry;

	gh_run_entry_init(&entry, vcpu->fd, 0);
	turn(run, &entry, 1, 0);
	return gt_res(entry.res);
}

static void boot(struct gt_vm *vm, const struct gs_op *ops, size_t n)
{
	gt_vm_boot_script(vm, ops, n);
	carrier = vm->vcpus[0].fd;
}

#define BOOT(vm, ops)	boot(vm, ops, GT_ARRAY_SIZE(ops))

static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };
static const struct gs_op spinner[] = { { GS_SPIN, 0, 1 << 30, 0 } };
static const struct gs_op reader[] = {
	{ GS_READ, 8, DEV, 0 }, { GS_ECHO, 8, DEV + 8, 0 }, { GS_OFF },
};

/* ---- runs ------------------------------------------------------------------------- */

struct reading {
	struct gt_vm vm;
	uint64_t answer;
	unsigned int reads, writes;
	bool over;
};

static void next_entry(struct reading *r, struct gh_run_entry *entry)
{
	if (r->reads && !r->writes)
		gh_run_entry_init_resume(entry, r->vm.vcpus[0].fd, 0, r->answer);
	else
		gh_run_entry_init(entry, r->vm.vcpus[0].fd, 0);
}

static void note(struct reading *r, const struct gh_run_entry *entry)
{
	struct gh_uring_exit exit;

	cr_assert_eq(gh_run_entry_decode(entry, r->vm.vcpus[0].run, &exit), 0, "%d", entry->res);
	switch (exit.reason) {
	case GH_URING_EXIT_MMIO:
		cr_assert_eq(exit.addr, exit.is_write ? DEV + 8 : DEV);
		if (exit.is_write)
			cr_assert_eq(exit.data, r->answer, "the guest read %#llx",
				     (unsigned long long)exit.data);
		r->reads += !exit.is_write;
		r->writes += exit.is_write;
		break;
	case GH_URING_EXIT_STATUS:
		r->over = true;
		break;
	default:
		break;
	}
}

/* Guests of several VMs, each with an answer of its own, until all have ended. */
static void many_guests(run_fn run)
{
	struct gh_run_entry entries[NR];
	struct reading *which[NR];
	struct reading r[NR] = { 0 };
	unsigned int i, nr;
	int n;

	for (i = 0; i < NR; i++) {
		BOOT(&r[i].vm, reader);
		r[i].answer = 0x1111111111111111ULL * (i + 1);
	}
	for (;;) {
		for (i = 0, nr = 0; i < NR; i++) {
			if (r[i].over)
				continue;
			which[nr] = &r[i];
			next_entry(&r[i], &entries[nr++]);
		}
		if (!nr)
			break;
		n = turn(run, entries, nr, 0);
		for (i = 0; i < (unsigned int)n; i++)
			note(which[i], &entries[i]);
	}
	for (i = 0; i < NR; i++) {
		cr_assert_eq(r[i].reads, 1U);
		cr_assert_eq(r[i].writes, 1U);
		gt_vm_close(&r[i].vm);
	}
}

GT_CASE(batch, guests_by_ioctl)
{
	many_guests(by_ioctl);
}

GT_CASE(batch, guests_inline)
{
	on_ring(RING, 0, many_guests);
}

GT_CASE(batch, guests_by_worker)
{
	on_ring(RING, IOSQE_ASYNC, many_guests);
}

GT_CASE(batch, guests_by_sqpoll)
{
	on_ring(IORING_SETUP_SQPOLL, 0, many_guests);
}

GT_CASE(batch, guests_with_large_cqes)
{
	on_ring(RING | IORING_SETUP_CQE32, 0, many_guests);
}

/* ---- errors ------------------------------------------------------------------------- */

/* Each has its own result, and the others are run. */
BOTH(errors_of_entries)
{
	struct io_uring parked;
	struct gh_run_entry e[7];
	struct gt_vm vm, busy;
	int null, n;

	null = open("/dev/null", O_RDWR);
	cr_assert_geq(null, 0);
	gt_ring_init(&parked, 8, RING);
	BOOT(&busy, sleeper);
	gt_ring_park(&parked, &busy.vcpus[0]);
	BOOT(&vm, spinner);
	gh_run_entry_init(&e[0], -1, 0);
	gh_run_entry_init(&e[1], null, 0);
	gh_run_entry_init(&e[2], vm.vcpus[0].fd, 0);
	e[2].flags = GH_URING_RUN_WAIT_START;
	gh_run_entry_init(&e[3], vm.vcpus[0].fd, 0);
	e[3].flags = 1U << 31;
	gh_run_entry_init(&e[4], vm.vcpus[0].fd, 0);
	e[4].resume_data = 1;
	gh_run_entry_init(&e[5], busy.vcpus[0].fd, 0);
	gh_run_entry_init(&e[6], vm.vcpus[0].fd, 0);
	n = turn(run, e, GT_ARRAY_SIZE(e), 0);
	cr_assert_eq(n, (int)GT_ARRAY_SIZE(e));
	GT_ERRNO(entry_fd, EBADF, e[0].res);
	GT_ERRNO(entry_other_file, EBADF, e[1].res);
	GT_ERRNO(entry_flag, EINVAL, e[2].res);
	GT_ERRNO(entry_flag, EINVAL, e[3].res);
	GT_ERRNO(entry_data, EINVAL, e[4].res);
	GT_ERRNO(entry_busy, EBUSY, e[5].res);
	cr_assert_eq(gt_res(e[6].res), GH_URING_EXIT_PREEMPTED);
	gt_vm_close(&vm);
	gt_vm_close(&busy);
	io_uring_queue_exit(&parked);
	close(null);
}

BOTH(errors_of_all)
{
	struct gh_run_entry entry;
	struct gt_vm vm;

	BOOT(&vm, spinner);
	gh_run_entry_init(&entry, carrier, 0);
	entry.res = UNTOUCHED;
	GT_ERRNO(batch_none, EINVAL, run(&entry, 0, 0));
	GT_ERRNO(batch_many, EINVAL, run(&entry, GH_RUN_BATCH_MAX + 1, 0));
	GT_ERRNO(batch_unreadable, EFAULT, run(NULL, 1, 0));
	cr_assert_eq(run((void *)(uintptr_t)(-4096L), 1, 0), -EFAULT);
	cr_assert_eq(entry.res, UNTOUCHED);
	gt_vm_close(&vm);
}

GT_CASE(batch, flags_of_all)
{
	struct gh_run_entry entry;
	struct gh_run_batch batch = { .entries = (uintptr_t)&entry, .nr = 1, .flags = 1 };
	const struct gh_uring_run_batch fields = { .flags = 1 };
	struct io_uring_sqe *sqe;
	struct gt_vm vm;
	int i, res[4];

	gt_ring_init(&ring, 8, RING);
	BOOT(&vm, spinner);
	gh_run_entry_init(&entry, carrier, 0);
	GT_ERRNO(batch_flag, EINVAL, gt_ioctl(carrier, GH_VCPU_RUN_BATCH, (uintptr_t)&batch));
	GT_ERRNO(batch_struct, EFAULT, gt_ioctl(carrier, GH_VCPU_RUN_BATCH, 0));
	for (i = 0; i < 4; i++) {
		sqe = gt_ring_sqe(&ring);
		gh_uring_prep_run_batch(sqe, carrier, &entry, 1, 0);
		if (i == 0)
			memcpy(sqe->cmd, &fields, sizeof(fields));
		else if (i == 1)
			sqe->buf_index = 1;
		else if (i == 2)
			sqe->file_index = 1;
		else
			sqe->uring_cmd_flags = 2;
		gt_ring_submit(&ring, 1);
		res[i] = gt_ring_take(&ring, 0);
	}
	GT_ERRNO(batch_cmd_flag, EINVAL, res[0]);
	GT_ERRNO(batch_buf_index, EINVAL, res[1]);
	GT_ERRNO(batch_file_index, EINVAL, res[2]);
	GT_ERRNO(batch_uring_flags, EINVAL, res[3]);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

/* ---- what cannot be written --------------------------------------------------------- */

static struct gh_run_entry *map_entries(int prot, int fd)
{
	void *p = mmap(NULL, 8192, prot, MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	cr_assert_neq(p, MAP_FAILED);
	return p;
}

/* The next run says the exit again, and the guest gets its one answer. */
BOTH(exit_that_cannot_be_written)
{
	struct gh_run_entry *entry = map_entries(PROT_READ | PROT_WRITE, -1);
	struct gt_vm vm;
	int i;

	BOOT(&vm, reader);
	gh_run_entry_init(entry, carrier, 0);
	cr_assert_eq(mprotect(entry, 8192, PROT_READ), 0);
	/* The slice may be over first: then nothing was to be written but that. */
	for (i = 0; i < 3; i++)
		GT_ERRNO(batch_unwritable, EFAULT, run(entry, 1, 0));
	gt_check_read(&gt_path_ioctl, &vm.vcpus[0], 8, DEV, 0x77, __LINE__);
	gt_check_write(&gt_path_ioctl, &vm.vcpus[0], 8, DEV + 8, 0x77, __LINE__);
	gt_check_status(&gt_path_ioctl, &vm.vcpus[0], GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	gt_vm_close(&vm);
	munmap(entry, 8192);
}

/* What the entry says already is said, and the guest goes on with the answer. */
BOTH(exit_that_the_entry_says_already)
{
	const int res = GH_URING_EXIT_MMIO | 8 << GH_URING_RES_LEN_SHIFT;
	struct gh_run_entry *entry = map_entries(PROT_READ | PROT_WRITE, -1);
	int i, ret = -EFAULT;
	struct gt_vm vm;

	BOOT(&vm, reader);
	gh_run_entry_init(entry, carrier, 0);
	entry->res = res;
	cr_assert_eq(mprotect(entry, 8192, PROT_READ), 0);
	/* That the slice was over first it does not say. */
	for (i = 0; i < 1000 && ret == -EFAULT; i++)
		ret = run(entry, 1, 0);
	cr_assert_eq(ret, 1, "%d", ret);
	cr_assert_eq(entry->res, res);
	gt_answer(&vm.vcpus[0], 0x66);
	gt_check_write(&gt_path_ioctl, &vm.vcpus[0], 8, DEV + 8, 0x66, __LINE__);
	gt_vm_close(&vm);
	munmap(entry, 8192);
}

/* Entries that end where nothing is mapped: those before are carried out. */
BOTH(second_entry_is_not_there)
{
	struct gh_run_entry *page = map_entries(PROT_READ | PROT_WRITE, -1);
	struct gh_run_entry *entry = (void *)((char *)page + 4096 - sizeof(*entry));
	struct gt_vm vm;

	BOOT(&vm, spinner);
	cr_assert_eq(munmap((char *)page + 4096, 4096), 0);
	gh_run_entry_init(entry, carrier, 0);
	entry->res = UNTOUCHED;
	cr_assert_eq(run(entry, 2, 0), 1);
	cr_assert_eq(gt_res(entry->res), GH_URING_EXIT_PREEMPTED);
	gt_vm_close(&vm);
	munmap(page, 4096);
}

/* A page that can be written only after a fault is no error. */
/* A file with an entry: its pages, mapped privately, are copied before they are written. */
static int entry_file(void)
{
	const char path[] = "/tmp/batch.entries";
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct gh_run_entry entry;

	cr_assert_geq(fd, 0);
	unlink(path);
	gh_run_entry_init(&entry, carrier, 0);
	cr_assert_eq(write(fd, &entry, sizeof(entry)), (ssize_t)sizeof(entry));
	cr_assert_eq(ftruncate(fd, 8192), 0);
	return fd;
}

/* What a run says in a page that was only read until then. */
static int run_from_file(run_fn run, int fd)
{
	struct gh_run_entry *entry;
	int res;

	do {
		entry = map_entries(PROT_READ | PROT_WRITE, fd);
		cr_assert_eq(entry->fd, carrier);
		cr_assert_eq(run(entry, 1, 0), 1);
		res = gt_res(entry->res);
		munmap(entry, 8192);
	} while (res == GH_URING_EXIT_PREEMPTED);
	return res;
}

BOTH(page_is_fetched)
{
	struct gt_vm vm;
	int fd, res;

	BOOT(&vm, reader);
	fd = entry_file();
	res = run_from_file(run, fd);
	cr_assert_eq(GH_URING_RES_EXIT(res), GH_URING_EXIT_MMIO, "%d", res);
	/* It was said once: this is the answer, and not the exit again. */
	gt_answer(&vm.vcpus[0], 0x55);
	gt_check_write(&gt_path_ioctl, &vm.vcpus[0], 8, DEV + 8, 0x55, __LINE__);
	gt_vm_close(&vm);
	close(fd);
}

/* The vCPU is left before that is written, so nothing is to be kept. */
BOTH(wait_that_cannot_be_written)
{
	struct gh_run_entry *entry = map_entries(PROT_READ | PROT_WRITE, -1);
	struct gt_vm vm;
	int fd;

	BOOT(&vm, sleeper);
	gt_leave(&vm.vcpus[0]);
	gh_run_entry_init(entry, carrier, 0);
	cr_assert_eq(mprotect(entry, 8192, PROT_READ), 0);
	GT_ERRNO(batch_unwritable, EFAULT, run(entry, 1, 0));
	fd = entry_file();
	cr_assert_eq(run_from_file(run, fd), GH_URING_EXIT_WAITING);
	gt_vm_close(&vm);
	munmap(entry, 8192);
	close(fd);
}

/* ---- what ends a batch, and what an entry ------------------------------------------- */

BOTH(deadline_in_the_past)
{
	struct gh_run_entry e[2];
	struct gt_vm vm;

	BOOT(&vm, spinner);
	gh_run_entry_init(&e[0], carrier, 0);
	gh_run_entry_init(&e[1], carrier, 0);
	cr_assert_eq(turn(run, e, 2, 1), 1);
	cr_assert_eq(e[0].res, GH_URING_EXIT_PREEMPTED | GH_URING_RES_NOT_ENTERED);
	gt_vm_close(&vm);
}

/* Sixteen of the longest slices are longer than any batch. */
BOTH(deadline_in_the_middle)
{
	struct gh_run_entry e[16];
	unsigned int i, round;
	struct gt_vm vm;
	int n;

	BOOT(&vm, spinner);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < GT_ARRAY_SIZE(e); i++)
			gh_run_entry_init(&e[i], carrier, UINT32_MAX);
		n = turn(run, e, GT_ARRAY_SIZE(e), round ? gt_now_ns() + 6000000 : 0);
		cr_assert_lt(n, (int)GT_ARRAY_SIZE(e));
		cr_assert_eq(gt_res(e[n - 1].res), GH_URING_EXIT_PREEMPTED);
	}
	gt_vm_close(&vm);
}

BOTH(held_eventfd_ends_it)
{
	struct gh_vcpu_kick_fd kick = { .flags = GH_KICK_FD_HOLD };
	struct gh_run_entry e[2];
	struct gt_vm vm;

	BOOT(&vm, spinner);
	kick.fd = eventfd(1, 0);
	cr_assert_geq(kick.fd, 0);
	cr_assert_eq(gt_ioctl(carrier, GH_VCPU_KICK_FD, (uintptr_t)&kick), 0);
	gh_run_entry_init(&e[0], carrier, 0);
	gh_run_entry_init(&e[1], carrier, 0);
	cr_assert_eq(turn(run, e, 2, 0), 1);
	cr_assert_eq(e[0].res, GH_URING_EXIT_PREEMPTED | GH_URING_RES_NOT_ENTERED);
	gt_vm_close(&vm);
	close(kick.fd);
}

BOTH(signal_ends_it)
{
	uint64_t end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	struct gh_run_entry e[16];
	struct gt_vm vm;
	unsigned int i;
	int n;

	BOOT(&vm, spinner);
	gt_alarms_begin();
	do {
		cr_assert_lt(gt_now_ns(), end, "no run ends by a signal");
		for (i = 0; i < GT_ARRAY_SIZE(e); i++)
			gh_run_entry_init(&e[i], carrier, UINT32_MAX);
		n = turn(run, e, GT_ARRAY_SIZE(e), 0);
	} while (e[n - 1].res != GH_URING_EXIT_INTR);
	gt_alarms_end();
	cr_assert_lt(n, (int)GT_ARRAY_SIZE(e));
	for (i = 0; i < (unsigned int)n - 1; i++)
		cr_assert_neq(e[i].res, GH_URING_EXIT_INTR, "the batch went on");
	gt_vm_close(&vm);
}

/* CANCEL ends the entry of its vCPU; the one behind it is run. */
BOTH(cancel_ends_an_entry)
{
	uint64_t end = gt_now_ns() + GT_PATIENCE_S * 1000000000ULL;
	struct gh_run_entry e[2];
	struct gt_canceller canceller;
	struct gt_vm vm, other;
	int n;

	BOOT(&other, spinner);
	BOOT(&vm, spinner);
	gt_cancels_begin(&canceller, vm.vcpus[0].fd);
	do {
		cr_assert_lt(gt_now_ns(), end, "no entry is cancelled");
		gh_run_entry_init(&e[0], vm.vcpus[0].fd, UINT32_MAX);
		gh_run_entry_init(&e[1], other.vcpus[0].fd, 0);
		n = turn(run, e, 2, 0);
		cr_assert(n < 2 || gt_res(e[1].res) == GH_URING_EXIT_PREEMPTED, "%d", e[1].res);
	} while (n < 2 || e[0].res != -ECANCELED);
	GT_ERRNO(entry_cancel, ECANCELED, e[0].res);
	gt_cancels_end(&canceller);
	gt_vm_close(&vm);
	gt_vm_close(&other);
}

/* ---- guests that wait ----------------------------------------------------------------- */

static void until_it_waits(run_fn run, struct gt_vcpu *vcpu)
{
	int i, res;

	for (i = 0; i < 1000; i++) {
		res = one(run, vcpu);
		if (res == GH_URING_EXIT_WAITING)
			return;
		cr_assert(res == GH_URING_EXIT_PREEMPTED || res == GH_URING_EXIT_RUNNABLE, "%d",
			  res);
	}
	cr_assert_fail("the guest does not wait");
}

static uint64_t entries_of(const struct gt_vcpu *vcpu)
{
	struct gh_vcpu_stats stats;
	struct gh_vcpu_stats_arg arg = { .stats = (uintptr_t)&stats, .size = sizeof(stats) };

	cr_assert_eq(gt_ioctl(vcpu->fd, GH_VCPU_STATS, (uintptr_t)&arg), 0);
	return stats.entries;
}

/* It is left, not parked; the next run parks it, and neither enters it again. */
BOTH(guest_that_waits_is_left)
{
	struct io_uring other;
	struct gt_vcpu *vcpu;
	uint64_t entries;
	struct gt_vm vm;

	gt_ring_init(&other, 8, RING);
	BOOT(&vm, sleeper);
	vcpu = &vm.vcpus[0];
	until_it_waits(run, vcpu);
	cr_assert(gt_vcpu_is(vcpu, "left"));
	entries = entries_of(vcpu);
	cr_assert_eq(one(run, vcpu), GH_URING_EXIT_WAITING);
	gt_ring_park(&other, vcpu);
	cr_assert_eq(entries_of(vcpu), entries);
	gt_ring_kick(&other, vcpu);
	cr_assert_eq(gt_ring_take_both(&other, vcpu), GH_URING_EXIT_RUNNABLE);
	/* A run with something to look at first does look. */
	until_it_waits(run, vcpu);
	vcpu->run->immediate_exit = 1;
	cr_assert_eq(one(run, vcpu), GH_URING_EXIT_INTR);
	vcpu->run->immediate_exit = 0;
	gt_vm_close(&vm);
	io_uring_queue_exit(&other);
}

/* The wake-up comes before, while and after the run behind WAITING is submitted. */
BOTH(no_wake_up_is_lost)
{
	static const struct gs_op napper[] = {
		{ GS_SLEEP, 0, 1000000, 0 }, { GS_WRITE, 4, DEV, 7 }, { GS_GOTO, 0, 0, 99 },
		{ GS_OFF },
	};
	struct io_uring other;
	unsigned int writes = 0;
	struct gt_vcpu *vcpu;
	struct gt_vm vm;
	int res;

	gt_ring_init(&other, 8, RING);
	BOOT(&vm, napper);
	vcpu = &vm.vcpus[0];
	srand(1);
	do {
		res = one(run, vcpu);
		if (res == GH_URING_EXIT_WAITING) {
			usleep(rand() % 2000);
			gt_ring_run(&other, vcpu);
			res = gt_ring_take(&other, 0);
		}
		cr_assert_geq(res, 0, "%s", strerror(-res));
		writes += GH_URING_RES_EXIT(res) == GH_URING_EXIT_MMIO;
	} while (res != GH_URING_EXIT_STATUS);
	cr_assert_eq(writes, 100U);
	gt_vm_close(&vm);
	io_uring_queue_exit(&other);
}
