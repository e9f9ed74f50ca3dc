// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * More of a resource manager and a hypervisor that answer wrongly: the requests that
 * only some VMs make (shared memory, memory in many pieces, the VM's state), objects
 * that are named twice, doorbells whose mask is refused.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gt_fn.h"
#include "gt_scn.h"

#define RPC_MS	300
/* More than one list of entries, if no two of them are neighbours. */
#define PIECES	600
/* No divisor in common with the number of pages. */
#define STEP	7

#define LEN	GH_SCN_LEN

TestSuite(hostile_mem, .timeout = 4 * GT_TIMEOUT);

static const struct gs_op writer[] = { { GS_WRITE, 4, GT_DEV_BASE, 1 }, { GS_OFF } };

/* Of the reply alone; @unusable: nobody can say what was answered. */
static const struct {
	const char *name;
	struct gh_scenario s;
	bool unusable;
} wrongs[] = {
	{ "empty", { .flags = LEN, .len = 0 }, true },
	{ "two bytes", { .flags = LEN, .len = 2 }, true },
	{ "long", { .flags = LEN, .len = 60 } },
	{ "fragments backwards", { .flags = LEN | GH_SCN_REVERSE, .len = 1000 }, true },
	{ "wrong sequence", { .seq_xor = 1 }, true },
	{ "wrong id", { .id_xor = 1 }, true },
	{ "a notification", { .flags = GH_SCN_TYPE, .type = 3 }, true },
	{ "twice", { .flags = GH_SCN_TWICE } },
	{ "never", { .flags = GH_SCN_DROP }, true },
};

/* Pages of a file, each @STEP behind its neighbour in it: as many pieces. */
static void *pieces(unsigned int n)
{
	int fd = memfd_create("pieces", MFD_CLOEXEC);
	uint8_t byte = 1, *at = mmap(NULL, n * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	/* In the file's order, so that the kernel may place them side by side. */
	for (i = 0; i < n; i++)
		cr_assert_eq(pwrite(fd, &byte, 1, (i + 1) * 4096 - 1), 1);
	cr_assert_neq(at, MAP_FAILED);
	for (i = 0; i < n; i++) {
		cr_assert_neq(mmap(at + i * 4096, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, fd, i * STEP % n * 4096), MAP_FAILED);
	}
	close(fd);
	return at;
}

/* A VM with @n pages of shared memory beside its own; what VM_START said. */
static int live(unsigned int n)
{
	void *shared = n ? pieces(n) : NULL;
	struct gt_vm vm;
	int ret;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	gt_vm_script(&vm, 0, writer, GT_ARRAY_SIZE(writer));
	gt_vm_give(&vm);
	if (n) {
		cr_assert_eq(gt_set_mem(vm.fd, GT_SHARED_LABEL, GT_MEM_RWX, GT_SHARED_BASE,
					n * 4096, shared), 0);
	}
	gt_vm_add_vcpu(&vm, 0);
	ret = gt_start(vm.fd);
	if (!ret)
		gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, GT_DEV_BASE, 1, __LINE__);
	gt_vm_close(&vm);
	if (n)
		munmap(shared, n * 4096);
	return ret;
}

static void wrong_replies(uint32_t id, unsigned int n, long lost)
{
	struct gh_scenario s;
	long pinned;
	size_t i;
	int hook, ret;

	gt_rpc_timeout(RPC_MS);
	for (i = 0; i < GT_ARRAY_SIZE(wrongs); i++) {
		pinned = gt_pinned();
		s = wrongs[i].s;
		s.kind = GH_SCN_REPLY;
		s.id = id;
		/* A parcel that only the RM knows would meet the next VM of this number. */
		if (lost && wrongs[i].unusable) {
			s.flags |= GH_SCN_NOT_DONE;
			s.word = 3;
		}
		hook = gt_scn_arm(&s);
		ret = live(n);
		cr_assert_eq(gt_scn_hits(hook), 1, "%s did not happen", wrongs[i].name);
		if (!wrongs[i].unusable)
			cr_assert_eq(ret, 0, "%s: %s", wrongs[i].name, strerror(-ret));
		else
			cr_assert(ret == -EPROTO || ret == -ETIMEDOUT, "%s: %s", wrongs[i].name,
				  strerror(-ret));
		gt_scn_clear();
		if (wrongs[i].unusable) {
			cr_assert_eq(gt_pinned() - pinned, lost, "%s: %ld pages", wrongs[i].name,
				     gt_pinned() - pinned);
			gt_scn_lost += lost;
		}
	}
	cr_assert_eq(live(n), 0, "the next VM");
}

/* What became of the page nobody knows: it is lost, the VM's own memory is not. */
GT_SCN_CASE(hostile_mem, wrong_replies_of_share)
{
	wrong_replies(GT_RM_SHARE, 1, 1);
}

/* The parcel has a handle, so it can be taken back as it is. */
GT_SCN_CASE(hostile_mem, wrong_replies_of_append)
{
	wrong_replies(GT_RM_APPEND, PIECES, 0);
}

/* Errors are answers: nothing was done, and nothing is lost. */
GT_SCN_CASE(hostile_mem, refused)
{
	static const struct { uint32_t id, pieces; } requests[] = {
		{ GT_RM_SHARE, 1 }, { GT_RM_APPEND, PIECES },
	};
	static const struct { uint32_t word; int err; } errors[] = {
		{ 1, -ENOMEM }, { 2, -ENOSPC }, { 3, -EPERM }, { 0xb, -EBUSY }, { 6, -EINVAL },
		{ 0x15, -EIO }, { 0xffffffff, -EOPNOTSUPP },
	};
	size_t i, e;

	for (i = 0; i < GT_ARRAY_SIZE(requests); i++) {
		for (e = 0; e < GT_ARRAY_SIZE(errors); e++) {
			GT_SCN(.kind = GH_SCN_REPLY, .id = requests[i].id,
			       .flags = GH_SCN_NOT_DONE | LEN, .word = errors[e].word,
			       .len = e % 2 ? 4 : 300);
			cr_assert_eq(live(requests[i].pieces), errors[e].err, "%#x: %#x",
				     requests[i].id, errors[e].word);
			gt_scn_clear();
		}
		cr_assert_eq(live(requests[i].pieces), 0);
	}
}

/*
 * VM_INIT was carried out and its answer is lost, so the driver asks for the state. An
 * answer that it cannot use leaves it not knowing, and then it must not reset the VM,
 * for a wrong reset kills the RM: its number is given up. The monitor lets its memory go.
 */
GT_SCN_CASE(hostile_mem, wrong_replies_of_state)
{
	static const uint8_t impossible[] = { 0, 7, 12, 255 };
	struct gh_scenario s;
	long pinned;
	size_t i;
	int ret;

	gt_rpc_timeout(RPC_MS);
	for (i = 0; i < GT_ARRAY_SIZE(wrongs) + GT_ARRAY_SIZE(impossible); i++) {
		bool lie = i >= GT_ARRAY_SIZE(wrongs);
		bool given_up = lie || wrongs[i].unusable;

		pinned = gt_pinned();
		GT_SCN(.kind = GH_SCN_REPLY, .id = GT_RM_INIT, .flags = GH_SCN_DROP);
		if (lie)
			s = (struct gh_scenario){
				.flags = GH_SCN_PATCH, .patch_off = 4, .patch_len = 1,
				.patch = impossible[i - GT_ARRAY_SIZE(wrongs)],
			};
		else
			s = wrongs[i].s;
		s.kind = GH_SCN_REPLY;
		s.id = GT_RM_STATE;
		gt_scn_arm(&s);
		ret = live(0);
		gt_scn_clear();
		cr_assert_eq(ret, given_up ? -EPROTO : 0, "%zu: %s", i, strerror(-ret));
		cr_assert_eq(gt_pinned(), pinned, "%zu: %ld pages", i, gt_pinned() - pinned);
	}
	cr_assert_eq(live(0), 0, "the next VM");
}

/* ---- objects ------------------------------------------------------------------------ */

/* The label of the second object in GET_HYP_RESOURCES, behind error word and number. */
#define SECOND_LABEL	(8 + 44 + 8)

GT_SCN_CASE(hostile_mem, two_objects_of_one_name)
{
	struct gt_vm vm;

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 2);
	gt_vm_give(&vm);
	gt_vm_add_vcpu(&vm, 0);
	gt_vm_add_vcpu(&vm, 1);
	GT_SCN(.kind = GH_SCN_REPLY, .id = GT_RM_RESOURCES, .flags = GH_SCN_PATCH,
	       .patch_off = SECOND_LABEL, .patch_len = 4, .patch = 0);
	cr_assert_eq(gt_start(vm.fd), -EPROTO);
	gt_vm_close(&vm);
	gt_scn_clear();
	cr_assert_eq(live(0), 0, "the next VM");
}

/* ---- doorbells ---------------------------------------------------------------------- */

static const int64_t errors[] = {
	-1, -2, 1, 10, 11, 20, 30, 31, 33, 36, 50, 60, 61, 99, INT64_MIN,
};

/* Whatever the hypervisor says of the mask, it is one error for the caller. */
GT_SCN_CASE(hostile_mem, mask_is_refused)
{
	int fd = gt_eventfd();
	struct gt_vm vm;
	size_t i;

	GT_BOOT_SCRIPT(&vm, writer);
	for (i = 0; i < GT_ARRAY_SIZE(errors); i++) {
		GT_SCN(.kind = GH_SCN_HYPERCALL, .id = GT_CALL_BELL_MASK, .error = errors[i]);
		cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_LEVEL, GH_IRQFD_LEVEL), -EIO);
		gt_scn_clear();
	}
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_LEVEL, GH_IRQFD_LEVEL), 0);
	/* One that cannot be had back is no reason to keep the irqfd. */
	GT_SCN(.kind = GH_SCN_HYPERCALL, .id = GT_CALL_BELL_MASK, .error = 36);
	cr_assert_eq(gt_irqfd_remove(vm.fd, GT_BELL_LEVEL), 0);
	gt_vm_close(&vm);
	gt_scn_clear();

	gt_vm_create(&vm);
	gt_vm_fill(&vm, "script", 1);
	gt_vm_give(&vm);
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_LEVEL, GH_IRQFD_LEVEL), 0);
	GT_SCN(.kind = GH_SCN_HYPERCALL, .id = GT_CALL_BELL_MASK, .error = 10);
	cr_assert_eq(gt_start(vm.fd), -EIO);
	gt_vm_close(&vm);
	close(fd);
}

/* The next irqfd of the label finds the bell as the hypervisor made it. */
GT_SCN_CASE(hostile_mem, mask_is_given_back)
{
	int fd = gt_eventfd(), hook;
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, writer);
	hook = GT_SCN(.kind = GH_SCN_HYPERCALL, .id = GT_CALL_BELL_MASK, .count = 3);
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_EDGE, GH_IRQFD_LEVEL), 0);
	cr_assert_eq(gt_scn_hits(hook), 1);
	cr_assert_eq(gt_scn_seen(hook), 1);
	cr_assert_eq(gt_irqfd_remove(vm.fd, GT_BELL_EDGE), 0);
	cr_assert_eq(gt_scn_hits(hook), 2);
	cr_assert_eq(gt_scn_seen(hook), UINT64_MAX);
	/* One that changes nothing has nothing to give back. */
	cr_assert_eq(gt_irqfd_add(vm.fd, fd, GT_BELL_EDGE, 0), 0);
	cr_assert_eq(gt_irqfd_remove(vm.fd, GT_BELL_EDGE), 0);
	cr_assert_eq(gt_scn_hits(hook), 2);
	gt_vm_close(&vm);
	close(fd);
}

/* Codes of a full or empty queue, or of memory, say nothing to who starts a VM. */
GT_SCN_CASE(hostile_mem, send_fails)
{
	size_t i;

	gt_rpc_timeout(RPC_MS);
	for (i = 0; i < GT_ARRAY_SIZE(errors); i++) {
		/* To be repeated, and full. */
		if (errors[i] == -2 || errors[i] == 61)
			continue;
		GT_SCN(.kind = GH_SCN_HYPERCALL, .id = GT_CALL_MSGQ_SEND, .error = errors[i]);
		GT_ERRNO(start_send, EIO, live(0));
		gt_scn_clear();
	}
	cr_assert_eq(live(0), 0, "the next VM");
}
