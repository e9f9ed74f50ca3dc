// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The counters of a vCPU: they count what was done, and GH_VCPU_STATS, fdinfo and
 * debugfs say the same. The totals of debugfs know what there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gt.h"
#include "gt_fn.h"

#define DEV	GT_DEV_BASE
#define TABLE	"/sys/kernel/debug/gunyah/vcpus"
#define NOBODY	65534
#define WORDS	(sizeof(struct gh_vcpu_stats) / 8)

TestSuite(stats, .timeout = GT_TIMEOUT);

static int get_stats(int fd, void *to, uint32_t size, uint32_t *has)
{
	struct gh_vcpu_stats_arg arg = { .size = size, .stats = (uintptr_t)to };
	int ret = gt_ioctl(fd, GH_VCPU_STATS, (unsigned long)&arg);

	*has = arg.size;
	return ret;
}

static struct gh_vcpu_stats stats_of(const struct gt_vcpu *vcpu)
{
	struct gh_vcpu_stats stats;
	uint32_t has;

	cr_assert_eq(get_stats(vcpu->fd, &stats, sizeof(stats), &has), 0);
	cr_assert_eq(has, sizeof(stats));
	return stats;
}

/* ---- values -------------------------------------------------------------------- */

static const struct gs_op talker[] = {
	{ GS_READ, 8, DEV, 0 }, { GS_WRITE, 4, DEV + 8, 1 }, { GS_SLEEP, 0, 20000000, 0 },
	{ GS_WRITE, 4, DEV + 8, 2 }, { GS_SPIN, 0, 30000000, 0 }, { GS_OFF },
};

GT_CASE(stats, nothing_happened_yet)
{
	const struct gh_vcpu_stats zero = { 0 };
	struct gh_vcpu_stats stats;
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	stats = stats_of(&vm.vcpus[0]);
	cr_assert_eq(memcmp(&stats, &zero, sizeof(stats)), 0);
	/* A run that was not admitted is none. */
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0), -ENODEV);
	stats = stats_of(&vm.vcpus[0]);
	cr_assert_eq(memcmp(&stats, &zero, sizeof(stats)), 0);
	gt_vm_close(&vm);
}

/* Each submission is a run, each CQE what it says. */
GT_CASE(stats, a_ring_counts_as_its_completions_do)
{
	struct gh_vcpu_stats want = { 0 }, got;
	struct io_uring ring;
	struct gt_vcpu *vcpu;
	struct gt_exit exit;
	struct gt_cqe cqe;
	struct gt_vm vm;
	uint64_t left_before_entry = 0;

	gt_ring_init(&ring, 8, 0);
	GT_BOOT_SCRIPT(&vm, talker);
	vcpu = &vm.vcpus[0];
	do {
		gt_ring_run(&ring, vcpu);
		want.runs++;
		gt_ring_next(&ring, &cqe);
		left_before_entry += cqe.res > 0 && cqe.res & GH_URING_RES_NOT_ENTERED;
		gt_decode(vcpu, &cqe, &exit);
		want.mmio_reads += exit.kind == GT_EXIT_MMIO && !exit.write;
		want.mmio_writes += exit.kind == GT_EXIT_MMIO && exit.write;
		want.preempts += exit.kind == GT_EXIT_PREEMPTED;
		want.intrs += exit.kind == GT_EXIT_INTR;
		want.status += exit.kind == GT_EXIT_STATUS;
		want.parks += exit.kind == GT_EXIT_RUNNABLE;
		got = stats_of(vcpu);
		cr_assert_eq(got.runs, want.runs);
		cr_assert_eq(got.mmio_reads, want.mmio_reads);
		cr_assert_eq(got.mmio_writes, want.mmio_writes);
		cr_assert_eq(got.preempts, want.preempts);
		cr_assert_eq(got.intrs, want.intrs);
		cr_assert_eq(got.status, want.status);
		cr_assert_eq(got.parks, want.parks);
		cr_assert_eq(got.wakes, want.parks);
	} while (exit.kind != GT_EXIT_STATUS);
	cr_assert_eq(want.mmio_reads, 1U);
	cr_assert_eq(want.mmio_writes, 2U);
	cr_assert_geq(want.parks, 1U);
	cr_assert_geq(want.preempts, 1U, "a spin longer than a slice");
	cr_assert_geq(got.entries + left_before_entry, want.runs);
	cr_assert_eq(got.kicks, 0U);
	gt_vm_close(&vm);
	io_uring_queue_exit(&ring);
}

GT_CASE(stats, an_ioctl_counts_its_waits)
{
	const struct gt_path *path = &gt_path_ioctl;
	struct gh_vcpu_stats stats;
	struct gt_vcpu *vcpu;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, talker);
	vcpu = &vm.vcpus[0];
	gt_check_read(path, vcpu, 8, DEV, 7, __LINE__);
	stats = stats_of(vcpu);
	cr_assert_eq(stats.mmio_reads, 1U);
	cr_assert_eq(stats.mmio_writes, 0U);
	cr_assert_eq(stats.runs, 1 + stats.parks + stats.intrs + stats.preempts);
	gt_check_write(path, vcpu, 4, DEV + 8, 1, __LINE__);
	gt_check_write(path, vcpu, 4, DEV + 8, 2, __LINE__);
	stats = stats_of(vcpu);
	cr_assert_eq(stats.mmio_writes, 2U);
	cr_assert_geq(stats.parks, 1U, "20 ms of sleep");
	cr_assert_eq(stats.wakes, stats.parks);
	cr_assert_eq(stats.runs, 3 + stats.parks + stats.intrs + stats.preempts);
	gt_check_status(path, vcpu, GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	cr_assert_eq(stats_of(vcpu).status, 1U);
	gt_vm_close(&vm);
}

GT_CASE(stats, writes_that_the_kernel_takes)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 4, DEV, 1 }, { GS_GOTO, 0, 0, 9 }, { GS_WRITE, 4, DEV + 8, 1 },
		{ GS_OFF },
	};
	struct gh_vcpu_stats stats;
	struct gt_vm vm;
	int fd = gt_eventfd();

	GT_BOOT_SCRIPT(&vm, ops);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, fd, DEV, 4, NULL), 0);
	gt_check_write(&gt_path_ioctl, &vm.vcpus[0], 4, DEV + 8, 1, __LINE__);
	stats = stats_of(&vm.vcpus[0]);
	cr_assert_eq(stats.mmio_kernel, 10U);
	cr_assert_eq(stats.mmio_writes, 1U);
	cr_assert_geq(stats.entries, 11U);
	gt_vm_close(&vm);
	close(fd);
}

GT_CASE(stats, kicks_and_cancels)
{
	struct gt_vm vm;
	int i;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	for (i = 0; i < 3; i++) {
		cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_KICK, 0), 0);
		cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_CANCEL, 0), 0);
	}
	cr_assert_eq(stats_of(&vm.vcpus[0]).kicks, 6U);
	gt_vm_close(&vm);
}

/* Another process without any right but the descriptor looks on while the guest runs. */
GT_CASE(stats, while_it_runs)
{
	static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };
	uint64_t first, until;
	struct gt_vm vm;
	pid_t pid;
	int status;

	GT_BOOT_SCRIPT(&vm, spinner);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		if (seteuid(NOBODY))
			_exit(1);
		gt_vcpu_wait_for(&vm.vcpus[0], "running");
		first = stats_of(&vm.vcpus[0]).entries;
		until = gt_now_ns() + 10000000000ULL;
		while (stats_of(&vm.vcpus[0]).entries < first + 20 && gt_now_ns() < until)
			usleep(1000);
		if (stats_of(&vm.vcpus[0]).entries < first + 20)
			_exit(2);
		gt_ioctl(vm.vcpus[0].fd, GH_VCPU_CANCEL, 0);
		_exit(0);
	}
	while (gt_ioctl(vm.vcpus[0].fd, GH_VCPU_RUN, 0) == -EINTR)
		;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "status %#x", status);
	gt_vm_close(&vm);
}

/* ---- the call --------------------------------------------------------------------- */

GT_CASE(stats, sizes_of_other_versions)
{
	uint64_t words[2 * WORDS];
	struct gt_vm vm;
	uint32_t has;
	size_t i, n;
	int fd;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	fd = vm.vcpus[0].fd;
	cr_assert_eq(gt_ioctl(fd, GH_VCPU_KICK, 0), 0);
	for (n = 0; n <= GT_ARRAY_SIZE(words); n++) {
		memset(words, 0xa5, sizeof(words));
		has = 0;
		cr_assert_eq(get_stats(fd, words, 8 * n, &has), 0, "%zu words", n);
		cr_assert_eq(has, sizeof(struct gh_vcpu_stats));
		for (i = 0; i < GT_ARRAY_SIZE(words); i++) {
			uint64_t want = i >= n ? 0xa5a5a5a5a5a5a5a5 : i == WORDS - 1;

			cr_assert_eq(words[i], want, "word %zu of %zu: %#lx", i, n, words[i]);
		}
	}
	gt_vm_close(&vm);
}

GT_CASE(stats, bad_input)
{
	struct gh_vcpu_stats_arg *arg;
	struct gh_vcpu_stats stats;
	struct gt_vm vm;
	uint8_t *two;
	uint32_t has;
	int fd, i;

	gt_vm_create(&vm);
	gt_vm_add_vcpu(&vm, 0);
	fd = vm.vcpus[0].fd;
	two = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(two, MAP_FAILED);
	cr_assert_eq(mprotect(two + 0x1000, 0x1000, PROT_NONE), 0);

	GT_ERRNO(stats_struct, EFAULT, gt_ioctl(fd, GH_VCPU_STATS, 0));
	cr_assert_eq(gt_ioctl(fd, GH_VCPU_STATS, ~0UL), -EFAULT);
	cr_assert_eq(gt_ioctl(fd, GH_VCPU_STATS, (unsigned long)two + 0x1000 - 8), -EFAULT);
	for (i = 1; i < 8; i++)
		GT_ERRNO(stats_size, EINVAL, get_stats(fd, &stats, sizeof(stats) + i, &has));
	GT_ERRNO(stats_big, E2BIG, get_stats(fd, two, 0x1008, &has));
	cr_assert_eq(get_stats(fd, two, UINT32_MAX - 7, &has), -E2BIG);
	cr_assert_eq(get_stats(fd, two, 0x1000, &has), 0);
	cr_assert_eq(get_stats(fd, NULL, 0, &has), 0);
	GT_ERRNO(stats_counters, EFAULT, get_stats(fd, NULL, sizeof(stats), &has));
	cr_assert_eq(get_stats(fd, two + 0x1000 - 8, sizeof(stats), &has), -EFAULT);
	/* What would be zeroed is not there. */
	cr_assert_eq(get_stats(fd, two + 0x1000 - sizeof(stats), sizeof(stats) + 8, &has), -EFAULT);
	cr_assert_eq(get_stats(fd, (void *)-64UL, sizeof(stats), &has), -EFAULT);

	arg = (struct gh_vcpu_stats_arg *)two;
	*arg = (struct gh_vcpu_stats_arg) { .padding = 1 };
	GT_ERRNO(stats_padding, EINVAL, gt_ioctl(fd, GH_VCPU_STATS, (unsigned long)arg));
	/* The answer cannot be written. */
	arg->padding = 0;
	cr_assert_eq(mprotect(two, 0x1000, PROT_READ), 0);
	GT_ERRNO(stats_answer, EFAULT, gt_ioctl(fd, GH_VCPU_STATS, (unsigned long)arg));
	gt_vm_close(&vm);
	munmap(two, 0x2000);
}

/* ---- fdinfo and debugfs --------------------------------------------------------------- */

static void check_fdinfo(const struct gt_vcpu *vcpu, const char *name, uint64_t want)
{
	char path[64], line[128], key[32];
	unsigned long long value;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", vcpu->fd);
	f = fopen(path, "re");
	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%31[^:]: %llu", key, &value) != 2 || strcmp(key, name))
			continue;
		cr_assert_eq(value, want, "fdinfo: %s", line);
		fclose(f);
		return;
	}
	cr_assert_fail("fdinfo without %s", name);
}

/* Both lines of the table, when there is one vCPU, in words. */
#define COLUMNS	(3 + WORDS)
static void read_table(char names[COLUMNS][24], char values[COLUMNS][24])
{
	FILE *f = fopen(TABLE, "re");
	size_t i;

	cr_assert_not_null(f, "%s: %s", TABLE, strerror(errno));
	for (i = 0; i < COLUMNS; i++)
		cr_assert_eq(fscanf(f, "%23s", names[i]), 1);
	for (i = 0; i < COLUMNS; i++)
		cr_assert_eq(fscanf(f, "%23s", values[i]), 1);
	fclose(f);
}

/* A struct's own names are those that fdinfo and the table print. */
GT_CASE(stats, the_same_in_three_places)
{
	char names[COLUMNS][24], values[COLUMNS][24];
	struct gh_vcpu_stats stats;
	struct gt_vm vm;
	size_t i;

	GT_BOOT_SCRIPT(&vm, talker);
	gt_check_read(&gt_path_ring, &vm.vcpus[0], 8, DEV, 7, __LINE__);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV + 8, 1, __LINE__);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV + 8, 2, __LINE__);
	cr_assert_eq(gt_ioctl(vm.vcpus[0].fd, GH_VCPU_KICK, 0), 0);
	stats = stats_of(&vm.vcpus[0]);
	read_table(names, values);
	cr_assert_str_eq(values[2], "idle");
	for (i = 0; i < WORDS; i++) {
		uint64_t word = ((uint64_t *)&stats)[i];

		cr_assert_eq(strtoull(values[3 + i], NULL, 10), word, "%s", names[3 + i]);
		check_fdinfo(&vm.vcpus[0], names[3 + i], word);
	}
#define CHECK(name) check_fdinfo(&vm.vcpus[0], #name, stats.name)
	CHECK(runs); CHECK(entries); CHECK(mmio_reads); CHECK(mmio_writes); CHECK(mmio_kernel);
	CHECK(status); CHECK(preempts); CHECK(intrs); CHECK(parks); CHECK(wakes); CHECK(stalls);
	CHECK(kicks);
#undef CHECK
	gt_vm_close(&vm);
}

static void check_totals(long vms, long regions, long pages, long parcels, long functions)
{
	cr_assert_eq(gt_total("vms"), vms);
	cr_assert_eq(gt_total("regions"), regions);
	cr_assert_eq(gt_total("pages"), pages);
	cr_assert_eq(gt_total("parcels"), parcels);
	cr_assert_eq(gt_total("functions"), functions);
	cr_assert_eq(gt_total("pages_lost"), 0);
}

GT_CASE(stats, totals_follow_a_vm)
{
	const long pages = GT_RAM_SIZE / 4096;
	struct gt_vm vm;
	int fd = gt_eventfd();

	check_totals(0, 0, 0, 0, 0);
	cr_assert_eq(gt_vcpus_alive(), 0);
	gt_vm_create(&vm);
	check_totals(1, 0, 0, 0, 0);
	gt_vm_fill(&vm, "script", 1);
	gt_vm_give(&vm);
	check_totals(1, 1, pages, 0, 0);
	gt_vm_add_vcpu(&vm, 0);
	check_totals(1, 1, pages, 0, 1);
	cr_assert_eq(gt_vcpus_alive(), 1);
	cr_assert_eq(gt_ioeventfd_add(vm.fd, fd, DEV, 4, NULL), 0);
	gt_vm_start(&vm);
	check_totals(1, 1, pages, 1, 2);
	cr_assert_eq(gt_ioeventfd_remove(vm.fd, DEV, 4, NULL), 0);
	check_totals(1, 1, pages, 1, 1);
	cr_assert_eq(gt_remove_vcpu(vm.fd, 0), 0);
	check_totals(1, 1, pages, 1, 0);
	/* Its file is open: the vCPU is still there. */
	cr_assert_eq(gt_vcpus_alive(), 1);
	gt_vm_close(&vm);
	check_totals(0, 0, 0, 0, 0);
	cr_assert_eq(gt_vcpus_alive(), 0);
	close(fd);
}

/* A reader in the middle of the table keeps the module, and no vCPU. */
GT_CASE(stats, table_held_open)
{
	struct gt_vm vms[4];
	char text[64];
	int fd, i;

	for (i = 0; i < 4; i++) {
		gt_vm_create(&vms[i]);
		gt_vm_add_vcpu(&vms[i], i);
	}
	fd = open(TABLE, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(read(fd, text, sizeof(text)), (ssize_t)sizeof(text));
	for (i = 0; i < 4; i++)
		gt_vm_close(&vms[i]);
	cr_assert_eq(gt_vcpus_alive(), 0);
	cr_assert_eq(gt_module_try_unload("gunyah_posted"), 0);
	cr_assert_eq(gt_module_try_unload("gunyah_vcpu"), -EAGAIN);
	cr_assert_geq(read(fd, text, sizeof(text)), 0);
	close(fd);
	cr_assert_eq(gt_modules_load(), 0);
	cr_assert_eq(gt_modules_unload(), 0);
	cr_assert_neq(access(TABLE, F_OK), 0);
	cr_assert_eq(gt_modules_load(), 0);
	cr_assert_eq(access(TABLE, F_OK), 0);
}
