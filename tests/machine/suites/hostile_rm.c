// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A resource manager that answers with anything, late, or not at all: each request of
 * a VM's life, each way to be wrong. Whatever it does, the call ends in its time with
 * an error that is documented or with success, another VM goes on, nothing is kept,
 * and the next VM starts.
 */
#include <errno.h>
#include <unistd.h>

#include "gt_scn.h"

#define DEV	GT_DEV_BASE
/* The limit for one answer here, and what a call may take in the worst case. */
#define RPC_MS	300
#define PROBE_MS	2000
#define SLACK_MS	3000
#define BOUND_MS	(2 * RPC_MS + PROBE_MS + SLACK_MS)

#define WORD	GH_SCN_WORD
#define LEN	GH_SCN_LEN

TestSuite(hostile_rm, .timeout = 4 * GT_TIMEOUT);

static const struct gs_op writer[] = { { GS_WRITE, 4, DEV, 1 }, { GS_OFF } };

/* One way to be wrong: of the reply alone, the request itself is carried out. */
static const struct {
	const char *name;
	struct gh_scenario s;
	bool unusable;	/* nobody can say what was answered */
} wrongs[] = {
	{ "empty", { .flags = LEN, .len = 0 }, true },
	{ "two bytes", { .flags = LEN, .len = 2 }, true },
	{ "long", { .flags = LEN, .len = 60 } },
	{ "several fragments", { .flags = LEN, .len = 1000 } },
	{ "fragments backwards", { .flags = LEN | GH_SCN_REVERSE, .len = 1000 }, true },
	{ "longest", { .flags = LEN, .len = 63 * 232 } },
	{ "fragments that do not come", { .flags = GH_SCN_FRAGS, .frags = 3 }, true },
	{ "too many fragments", { .flags = GH_SCN_FRAGS, .frags = 63 }, true },
	{ "wrong sequence", { .seq_xor = 1 }, true },
	{ "wrong id", { .id_xor = 1 }, true },
	{ "a request", { .flags = GH_SCN_TYPE, .type = 1 }, true },
	{ "a notification", { .flags = GH_SCN_TYPE, .type = 3 }, true },
	{ "a continuation", { .flags = GH_SCN_TYPE, .type = 0 }, true },
	{ "twice", { .flags = GH_SCN_TWICE } },
	{ "never", { .flags = GH_SCN_DROP }, true },
};

static bool documented(int ret)
{
	static const int errors[] = {
		0, -ENOMEM, -ENOSPC, -EPERM, -EBUSY, -EINVAL, -ENOENT, -EOPNOTSUPP, -EIO,
		-ENXIO, -ETIMEDOUT, -EPROTO,
	};
	size_t i;

	for (i = 0; i < GT_ARRAY_SIZE(errors); i++) {
		if (ret == errors[i])
			return true;
	}
	return false;
}

static unsigned int ms_since(uint64_t begin)
{
	return (gt_now_ns() - begin) / 1000000;
}

static void prepare(struct gt_vm *vm)
{
	gt_vm_create(vm);
	gt_vm_fill(vm, "script", 1);
	gt_vm_script(vm, 0, writer, GT_ARRAY_SIZE(writer));
	gt_vm_give(vm);
	gt_vm_add_vcpu(vm, 0);
}

/* From start to end, whatever comes; what VM_START said. */
static int live(const char *name)
{
	struct gt_exit exit;
	struct gt_vm vm;
	uint64_t begin;
	int ret;

	prepare(&vm);
	begin = gt_now_ns();
	ret = gt_start(vm.fd);
	cr_assert(documented(ret), "%s: %s", name, strerror(-ret));
	cr_assert_lt(ms_since(begin), BOUND_MS, "%s: VM_START took %u ms", name, ms_since(begin));
	if (!ret) {
		gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV, 1, __LINE__);
	} else {
		gt_run(&gt_path_ring, &vm.vcpus[0], &exit);
		cr_assert(exit.kind == GT_EXIT_ERROR && exit.err == -ENODEV, "%s", name);
	}
	begin = gt_now_ns();
	gt_vm_close(&vm);
	cr_assert_lt(ms_since(begin), BOUND_MS, "%s: close took %u ms", name, ms_since(begin));
	return ret;
}

/* Pages that are lost when the driver cannot know what became of them. */
static long lost_by(uint32_t id, bool unusable)
{
	return unusable && (id == GT_RM_LEND || id == GT_RM_RECLAIM) ? (long)GT_RAM_PAGES : 0;
}

static void wrong_replies(uint32_t id)
{
	struct gt_other other;
	struct gh_scenario s;
	long pinned;
	size_t i;
	int hook;

	gt_rpc_timeout(RPC_MS);
	gt_other_start(&other);
	for (i = 0; i < GT_ARRAY_SIZE(wrongs); i++) {
		pinned = gt_pinned();
		s = wrongs[i].s;
		s.kind = GH_SCN_REPLY;
		s.id = id;
		hook = gt_scn_arm(&s);
		live(wrongs[i].name);
		cr_assert_eq(gt_scn_hits(hook), 1, "%s did not happen", wrongs[i].name);
		gt_scn_clear();
		cr_assert_eq(gt_pinned() - pinned, lost_by(id, wrongs[i].unusable),
			     "%s: %ld pages", wrongs[i].name, gt_pinned() - pinned);
		gt_scn_lost += lost_by(id, wrongs[i].unusable);
		gt_other_check(&other, BOUND_MS);
	}
	cr_assert_eq(live("the next VM"), 0);
	gt_other_stop(&other);
}

#define WRONG_REPLIES(name, id)					\
	GT_SCN_CASE(hostile_rm, wrong_replies_of_##name)	\
	{							\
		wrong_replies(id);				\
	}

WRONG_REPLIES(alloc, GT_RM_ALLOC)
WRONG_REPLIES(lend, GT_RM_LEND)
WRONG_REPLIES(config, GT_RM_CONFIG)
WRONG_REPLIES(init, GT_RM_INIT)
WRONG_REPLIES(resources, GT_RM_RESOURCES)
WRONG_REPLIES(start, GT_RM_START)
WRONG_REPLIES(stop, GT_RM_STOP)
WRONG_REPLIES(reset, GT_RM_RESET)
WRONG_REPLIES(reclaim, GT_RM_RECLAIM)
WRONG_REPLIES(dealloc, GT_RM_DEALLOC)

/* ---- errors ------------------------------------------------------------------------- */

static const uint32_t codes[] = {
	0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, 0x9, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10, 0x11, 0x12,
	0x13, 0x14, 0x15, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
};

/* Each error of each request on the way up, with words behind it that mean nothing. */
GT_SCN_CASE(hostile_rm, errors_with_extra_words)
{
	static const uint32_t ids[] = {
		GT_RM_ALLOC, GT_RM_LEND, GT_RM_CONFIG, GT_RM_INIT, GT_RM_RESOURCES, GT_RM_START,
	};
	struct gt_other other;
	size_t i, e;
	int ret;

	gt_rpc_timeout(RPC_MS);
	gt_other_start(&other);
	for (i = 0; i < GT_ARRAY_SIZE(ids); i++) {
		for (e = 0; e < GT_ARRAY_SIZE(codes); e++) {
			GT_SCN(.kind = GH_SCN_REPLY, .id = ids[i], .flags = GH_SCN_NOT_DONE | LEN,
			       .word = codes[e], .len = e % 2 ? 4 : 300);
			ret = live("an error");
			cr_assert_lt(ret, 0, "error %#x of %#x", codes[e], ids[i]);
			cr_assert(ret != -ETIMEDOUT && ret != -EPROTO, "error %#x of %#x: %s",
				  codes[e], ids[i], strerror(-ret));
			gt_scn_clear();
		}
		gt_other_check(&other, BOUND_MS);
	}
	cr_assert_eq(live("the next VM"), 0);
	gt_other_stop(&other);
}

/* On the way down: what the RM keeps is lost, and nothing else. */
static void refused_on_the_way_down(uint32_t id, long lost)
{
	long pinned = gt_pinned();

	GT_SCN(.kind = GH_SCN_REPLY, .id = id, .flags = GH_SCN_NOT_DONE | LEN, .word = 3, .len = 60,
	       .count = GH_SCN_FOREVER);
	cr_assert_eq(live("refused"), 0);
	gt_scn_clear();
	cr_assert_eq(gt_pinned() - pinned, lost, "%#x: %ld pages", id, gt_pinned() - pinned);
	gt_scn_lost += lost;
	cr_assert_eq(live("the next VM"), 0);
}

GT_SCN_CASE(hostile_rm, errors_on_the_way_down)
{
	gt_rpc_timeout(RPC_MS);
	refused_on_the_way_down(GT_RM_STOP, GT_RAM_PAGES);
	refused_on_the_way_down(GT_RM_RESET, GT_RAM_PAGES);
	refused_on_the_way_down(GT_RM_RECLAIM, GT_RAM_PAGES);
	refused_on_the_way_down(GT_RM_DEALLOC, 0);
}

/* ---- objects that cannot be ------------------------------------------------------ */

/* Fields of the first object in GET_HYP_RESOURCES, behind error word and number. */
#define OBJECT		8
#define OBJECT_LABEL	(OBJECT + 8)
#define OBJECT_VIRQ	(OBJECT + 24)

static int start_with(uint16_t off, uint16_t len, uint64_t value)
{
	int ret;

	GT_SCN(.kind = GH_SCN_REPLY, .id = GT_RM_RESOURCES, .flags = GH_SCN_PATCH,
	       .patch_off = off, .patch_len = len, .patch = value);
	ret = live("objects");
	gt_scn_clear();
	return ret;
}

GT_SCN_CASE(hostile_rm, impossible_objects)
{
	static const uint32_t numbers[] = { 0, 1, 2, 0x100, 0x5d1745e, 0x7fffffff, 0xffffffff };
	static const uint32_t virqs[] = { 1, 15, 27, 31, 1020, 4095, 5120, 0x80000000, 0xfffffffe };
	size_t i;

	gt_rpc_timeout(RPC_MS);
	for (i = 0; i < GT_ARRAY_SIZE(numbers); i++)
		GT_ERRNO(start_nonsense, EPROTO, start_with(4, 4, numbers[i]));
	for (i = 0; i < GT_ARRAY_SIZE(virqs); i++)
		GT_ERRNO(start_virq, EINVAL, start_with(OBJECT_VIRQ, 4, virqs[i]));
	/* A line that belongs to a device of the host: the console's. */
	GT_ERRNO(start_virq_busy, EBUSY, start_with(OBJECT_VIRQ, 4, 33));
	/* No line at all: the vCPU could not be woken. */
	GT_ERRNO(start_no_wakeup, ENXIO, start_with(OBJECT_VIRQ, 4, 0));
	cr_assert_eq(start_with(OBJECT_VIRQ, 4, 0xffffffff), -ENXIO);
	cr_assert_eq(live("the next VM"), 0);
}

/* A vCPU that nobody claimed, or of an unknown kind: it is there, and nobody runs it. */
GT_SCN_CASE(hostile_rm, objects_of_nobody)
{
	static const struct { uint16_t off, len; uint32_t value; } odd[] = {
		{ OBJECT_LABEL, 4, 77 }, { OBJECT, 1, 8 }, { OBJECT, 1, 255 },
	};
	struct gt_exit exit;
	struct gt_vm vm;
	size_t i;

	for (i = 0; i < GT_ARRAY_SIZE(odd); i++) {
		prepare(&vm);
		GT_SCN(.kind = GH_SCN_REPLY, .id = GT_RM_RESOURCES, .flags = GH_SCN_PATCH,
		       .patch_off = odd[i].off, .patch_len = odd[i].len, .patch = odd[i].value);
		gt_vm_start(&vm);
		gt_run(&gt_path_ring, &vm.vcpus[0], &exit);
		cr_assert_eq(exit.kind, GT_EXIT_ERROR);
		cr_assert_eq(exit.err, -ENODEV);
		gt_vm_close(&vm);
		gt_scn_clear();
	}
}

/* ---- a VMID that cannot be ------------------------------------------------------- */

GT_SCN_CASE(hostile_rm, impossible_vmids)
{
	static const uint16_t vmids[] = { 0, 3, 255 };
	struct gt_vm first, second;
	size_t i;

	gt_rpc_timeout(RPC_MS);
	for (i = 0; i < GT_ARRAY_SIZE(vmids); i++) {
		GT_SCN(.kind = GH_SCN_REPLY, .id = GT_RM_ALLOC, .flags = GH_SCN_PATCH,
		       .patch_off = 4, .patch_len = 2, .patch = vmids[i]);
		cr_assert_eq(live("VMID"), -EPROTO, "VMID %u", vmids[i]);
	}
	/* One that is another VM's: that one is not touched. */
	prepare(&first);
	gt_vm_start(&first);
	prepare(&second);
	GT_SCN(.kind = GH_SCN_REPLY, .id = GT_RM_ALLOC, .flags = GH_SCN_PATCH,
	       .patch_off = 4, .patch_len = 2, .patch = gt_vm_number(&first));
	cr_assert_eq(gt_start(second.fd), -EPROTO);
	gt_vm_close(&second);
	gt_check_write(&gt_path_ring, &first.vcpus[0], 4, DEV, 1, __LINE__);
	gt_vm_close(&first);
}

/* ---- queues ---------------------------------------------------------------------- */

/* Full for a while costs at most a second, for the interrupt may be lost. */
GT_SCN_CASE(hostile_rm, queue_full_for_a_while)
{
	int hook = GT_SCN(.kind = GH_SCN_HYPERCALL, .id = GT_CALL_MSGQ_SEND, .error = GT_HVC_FULL,
			  .count = 2);
	uint64_t begin = gt_now_ns();

	cr_assert_eq(live("full"), 0);
	cr_assert_eq(gt_scn_hits(hook), 2);
	cr_assert_lt(ms_since(begin), 2000 + SLACK_MS);
}

GT_SCN_CASE(hostile_rm, send_is_to_be_repeated)
{
	int hook = GT_SCN(.kind = GH_SCN_HYPERCALL, .id = GT_CALL_MSGQ_SEND,
			  .error = GT_HVC_RETRY, .count = 50);

	cr_assert_eq(live("retry"), 0);
	cr_assert_eq(gt_scn_hits(hook), 50);
}

GT_SCN_CASE(hostile_rm, send_fails)
{
	static const int64_t errors[] = { -1, 1, 2, 22, 31, 36, 50, 53, 99, INT64_MIN };
	size_t i;

	gt_rpc_timeout(RPC_MS);
	for (i = 0; i < GT_ARRAY_SIZE(errors); i++) {
		GT_SCN(.kind = GH_SCN_HYPERCALL, .id = GT_CALL_MSGQ_SEND, .error = errors[i]);
		cr_assert_lt(live("send"), 0);
		gt_scn_clear();
	}
	cr_assert_eq(live("the next VM"), 0);
}

/* Errors of the other queue, sizes that lie, and messages without end. */
GT_SCN_CASE(hostile_rm, receive_lies)
{
	static const struct gh_scenario lies[] = {
		{ .error = 36 }, { .error = 60 }, { .error = INT64_MIN },
		{ .x = { 0, 0 } }, { .x = { ~0ULL, 0 } },
		{ .x = { 0, 1 }, .count = 20 }, { .x = { 7, 1 }, .count = 100 },
		{ .x = { 241, 1 }, .count = 2000 },
	};
	struct gh_scenario s;
	size_t i;

	gt_rpc_timeout(RPC_MS);
	for (i = 0; i < GT_ARRAY_SIZE(lies); i++) {
		s = lies[i];
		s.kind = GH_SCN_HYPERCALL;
		s.id = GT_CALL_MSGQ_RECV;
		gt_scn_arm(&s);
		live("receive");
		gt_scn_clear();
		cr_assert_eq(live("the next VM"), 0, "after lie %zu", i);
	}
}

/* ---- the RM is dead -------------------------------------------------------------- */

/* Messages without end, all empty: no reply is among them. */
GT_SCN_CASE(hostile_rm, messages_without_end)
{
	struct gt_vm vm;
	uint64_t begin;

	gt_rpc_timeout(RPC_MS);
	prepare(&vm);
	GT_SCN(.kind = GH_SCN_HYPERCALL, .id = GT_CALL_MSGQ_RECV, .x = { 0, 1 },
	       .count = GH_SCN_FOREVER);
	begin = gt_now_ns();
	GT_ERRNO(start_timeout, ETIMEDOUT, gt_start(vm.fd));
	cr_assert_lt(ms_since(begin), RPC_MS + PROBE_MS + SLACK_MS);
	gt_vm_close(&vm);
}

/*
 * No answer to anything: one request pays for all. VMs that run go on; what they were
 * given cannot be had back. A new RM, or a new driver, starts anew.
 */
GT_SCN_CASE(hostile_rm, dead)
{
	struct gt_other other;
	struct gt_vm vm, second;
	uint64_t begin;
	int hook;

	gt_rpc_timeout(RPC_MS);
	gt_other_start(&other);
	prepare(&vm);
	prepare(&second);
	GT_SCN(.kind = GH_SCN_REPLY, .id = GT_RM_ALLOC, .flags = GH_SCN_DROP);
	hook = GT_SCN(.kind = GH_SCN_REPLY, .id = GT_RM_VMID, .flags = GH_SCN_DROP);
	begin = gt_now_ns();
	cr_assert_eq(gt_start(vm.fd), -ETIMEDOUT);
	cr_assert_geq(ms_since(begin), RPC_MS);
	cr_assert_lt(ms_since(begin), RPC_MS + PROBE_MS + SLACK_MS);
	cr_assert_eq(gt_scn_hits(hook), 1);
	begin = gt_now_ns();
	GT_ERRNO(start_rm_dead, ENODEV, gt_start(second.fd));
	gt_vm_close(&second);
	gt_vm_close(&vm);
	gt_other_check(&other, BOUND_MS);
	gt_other_stop(&other);
	cr_assert_lt(ms_since(begin), SLACK_MS);
	gt_scn_lost = GT_RAM_PAGES;
}
