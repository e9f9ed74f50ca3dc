// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * liburing-ext's inline part: user_data, the SQE's fields, decoding of CQEs.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#include <liburing-ext/gunyah.h>

Test(user_data, packs_and_unpacks)
{
	static const __u32 indices[] = { 0, 1, 255, 65536, UINT32_MAX };
	static const __u32 generations[] = { 0, 1, 0x800000, GH_URING_GENERATION_MASK };
	unsigned int op, i, g;

	for (op = GH_URING_OP_RUN; op <= GH_URING_OP_LAST; op++)
		for (i = 0; i < 5; i++)
			for (g = 0; g < 4; g++) {
				__u64 u = gh_uring_pack(op, indices[i], generations[g]);

				cr_assert(gh_uring_is_packed(u));
				cr_assert_eq(gh_uring_op(u), op);
				cr_assert_eq(gh_uring_index(u), indices[i]);
				cr_assert_eq(gh_uring_generation(u), generations[g]);
			}
}

Test(user_data, is_no_pointer)
{
	int on_stack;
	void *on_heap = malloc(1);

	cr_assert_not(gh_uring_is_packed((uintptr_t)&on_stack));
	cr_assert_not(gh_uring_is_packed((uintptr_t)on_heap));
	cr_assert_not(gh_uring_is_packed(0));
	cr_assert_not(gh_uring_is_packed(UINT64_MAX), "LIBURING_UDATA_TIMEOUT");
	cr_assert_not(gh_uring_is_packed((__u64)GH_URING_OP_RUN << 56 >> 1));
	free(on_heap);
}

Test(user_data, asserts_on_a_wrong_op, .signal = SIGABRT)
{
	gh_uring_pack(0xff, 0, 0);
}

Test(user_data, asserts_on_a_wide_generation, .signal = SIGABRT)
{
	gh_uring_pack(GH_URING_OP_RUN, 0, GH_URING_GENERATION_MASK + 1);
}

Test(user_data, asserts_on_foreign_data, .signal = SIGABRT)
{
	gh_uring_index(0x1234);
}

static void check_sqe(const struct io_uring_sqe *sqe, int fd, __u32 cmd_op, __u64 addr, __u32 len)
{
	cr_assert_eq(sqe->opcode, 46, "IORING_OP_URING_CMD");
	cr_assert_eq(sqe->flags, 0);
	cr_assert_eq(sqe->ioprio, 0);
	cr_assert_eq(sqe->fd, fd);
	cr_assert_eq(sqe->off, cmd_op, "cmd_op, and zero above it");
	cr_assert_eq(sqe->addr, addr);
	cr_assert_eq(sqe->len, len);
	cr_assert_eq(sqe->rw_flags, 0);
	cr_assert_eq(sqe->user_data, 0);
	cr_assert_eq(sqe->buf_index, 0);
	cr_assert_eq(sqe->file_index, 0);
}

static void check_cmd(const struct io_uring_sqe *sqe, __u64 data, __u64 deadline)
{
	__u64 words[2];

	memcpy(words, (const char *)sqe + 48, sizeof(words));
	cr_assert_eq(words[0], data);
	cr_assert_eq(words[1], deadline);
}

Test(prep, fills_every_field)
{
	struct io_uring_sqe sqe;

	memset(&sqe, 0xff, sizeof(sqe));
	gh_uring_prep_run(&sqe, 7, 1000, 0x1122334455667788);
	check_sqe(&sqe, 7, 0x4705, 0, 1000);
	check_cmd(&sqe, 0, 0x1122334455667788);

	memset(&sqe, 0xff, sizeof(sqe));
	gh_uring_prep_run_resume(&sqe, 8, 0, 5, 0x8877665544332211);
	check_sqe(&sqe, 8, 0x4705, GH_URING_RUN_RESUME, 0);
	check_cmd(&sqe, 0x8877665544332211, 5);

	memset(&sqe, 0xff, sizeof(sqe));
	gh_uring_prep_run_wait_start(&sqe, 8, 6, 5);
	check_sqe(&sqe, 8, 0x4705, GH_URING_RUN_WAIT_START, 6);
	check_cmd(&sqe, 0, 5);

	memset(&sqe, 0xff, sizeof(sqe));
	gh_uring_prep_kick(&sqe, 9);
	check_sqe(&sqe, 9, 0x4740, 0, 0);
	check_cmd(&sqe, 0, 0);

	memset(&sqe, 0xff, sizeof(sqe));
	gh_uring_prep_cancel(&sqe, 10);
	check_sqe(&sqe, 10, 0x4741, 0, 0);
	check_cmd(&sqe, 0, 0);
}

static int decode(int res, const struct gh_vcpu_run *run, struct gh_uring_exit *out)
{
	const struct io_uring_cqe cqe = { .res = res };

	return gh_uring_exit_decode(&cqe, run, out);
}

Test(decode, errors_and_plain_reasons)
{
	static const int reasons[] = { GH_URING_EXIT_STATUS, GH_URING_EXIT_PREEMPTED,
				       GH_URING_EXIT_INTR, GH_URING_EXIT_RUNNABLE };
	struct gh_uring_exit out;
	unsigned int i;

	cr_assert_eq(decode(-ECANCELED, NULL, &out), -ECANCELED);
	for (i = 0; i < 4; i++) {
		cr_assert_eq(decode(reasons[i], NULL, &out), 0);
		cr_assert_eq(out.reason, reasons[i]);
		cr_assert_eq(out.len, 0);
	}
	cr_assert_eq(decode(0, NULL, &out), -EPROTO);
	cr_assert_eq(decode(GH_VM_EXIT_PAGE_FAULT, NULL, &out), -EPROTO);
	cr_assert_eq(decode(200, NULL, &out), -EPROTO);
}

Test(decode, mmio_from_the_page)
{
	struct gh_vcpu_run run = { .mmio = { .phys_addr = 0x9000000 } };
	struct gh_uring_exit out;
	unsigned int len;

	memcpy(run.mmio.data, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
	for (len = 0; len < 16; len++) {
		int res = GH_URING_EXIT_MMIO | GH_URING_RES_WRITE | (int)len << 12;

		if (len != 1 && len != 2 && len != 4 && len != 8) {
			cr_assert_eq(decode(res, &run, &out), -EPROTO);
			continue;
		}
		cr_assert_eq(decode(res, &run, &out), 0);
		cr_assert_eq(out.reason, GH_URING_EXIT_MMIO);
		cr_assert(out.is_write);
		cr_assert_eq(out.len, len);
		cr_assert_eq(out.addr, 0x9000000);
		cr_assert_eq(out.data, 0x1122334455667788 & (UINT64_MAX >> (64 - 8 * len)));

		cr_assert_eq(decode(res & ~GH_URING_RES_WRITE, &run, &out), 0);
		cr_assert_not(out.is_write);
		cr_assert_eq(out.data, 0, "a read has no data, whatever the page holds");
		cr_assert_eq(decode(res, NULL, &out), -EPROTO, "no page, no access");
	}
}

Test(decode, mmio_from_a_wide_cqe)
{
	struct io_uring_cqe *cqe = calloc(1, sizeof(*cqe) + 16);
	struct gh_uring_exit out;

	cqe->res = GH_URING_EXIT_MMIO | GH_URING_RES_WRITE | 4 << 12 | GH_URING_RES_INLINE;
	cqe->big_cqe[0] = 0xdeadbeef0a000028;
	cr_assert_eq(gh_uring_exit_decode(cqe, NULL, &out), 0);
	cr_assert_eq(out.addr, 0x0a000028);
	cr_assert_eq(out.data, 0xdeadbeef);

	cqe->res &= ~GH_URING_RES_WRITE;
	cr_assert_eq(gh_uring_exit_decode(cqe, NULL, &out), 0);
	cr_assert_eq(out.data, 0);
	free(cqe);
}

/* By ioctl: as of a command, and never from behind a CQE. */
Test(decode, what_one_run_returned)
{
	struct gh_vcpu_run run = { .mmio = { .phys_addr = 0x9000000 } };
	const int res = GH_URING_EXIT_MMIO | 2 << GH_URING_RES_LEN_SHIFT;
	struct gh_uring_exit out;

	cr_assert_eq(gh_run_once_decode(-EPERM, &run, &out), -EPERM);
	cr_assert_eq(gh_run_once_decode(GH_URING_EXIT_WAITING, NULL, &out), 0);
	cr_assert_eq(out.reason, GH_URING_EXIT_WAITING);
	cr_assert_eq(gh_run_once_decode(GH_URING_EXIT_PREEMPTED | GH_URING_RES_NOT_ENTERED, NULL,
					&out), 0);
	cr_assert(out.not_entered);
	cr_assert_eq(gh_run_once_decode(res, &run, &out), 0);
	cr_assert_eq(out.addr, 0x9000000);
	cr_assert_eq(out.len, 2);
	cr_assert_not(out.is_write);
	cr_assert_eq(gh_run_once_decode(res | GH_URING_RES_INLINE, &run, &out), -EPROTO);
}

Test(answer, is_little_endian_in_the_page)
{
	static const __u8 bytes[8] = { 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };
	struct gh_vcpu_run run;

	memset(&run, 0xee, sizeof(run));
	gh_run_answer(&run, 0x1122334455667788);
	cr_assert_arr_eq(run.mmio.data, bytes, 8);
	cr_assert_eq(run.mmio.len, 0xeeeeeeee);
	cr_assert_eq(run.mmio.phys_addr, 0xeeeeeeeeeeeeeeee);
}
