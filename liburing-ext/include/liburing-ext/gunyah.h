/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Gunyah vCPUs on an io_uring: prep helpers, CQE decoding and user_data packing.
 *
 * Works beside liburing on any ring: 64-byte SQEs are enough, and 32-byte CQEs
 * are used when the ring has them. The helpers fill the SQE themselves, because
 * liburing before 2.10 has no prep helper for IORING_OP_URING_CMD.
 *
 * For a vCPU in the ring's table of registered files pass its index as vcpu_fd
 * and set IOSQE_FIXED_FILE afterwards, as with every other prep helper.
 */
#ifndef LIBURING_EXT_GUNYAH_H
#define LIBURING_EXT_GUNYAH_H

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <liburing.h>
#include <linux/gunyah.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- user_data: which vCPU, which command, which life of the vCPU ---------- */

/*
 * bits 63:56  what was submitted (enum gh_uring_op)
 * bits 55:32  generation: a slot that is used again gets another one, so that a
 *             late completion is not taken for the new vCPU's
 * bits 31:0   index of the vCPU
 *
 * The values of the top byte are those of no user-space pointer, so a program
 * may keep pointers in the user_data of its other requests.
 */
enum gh_uring_op {
	GH_URING_OP_RUN		= 0xd0,
	GH_URING_OP_KICK	= 0xd1,
	GH_URING_OP_CANCEL	= 0xd2,
	GH_URING_OP_USER	= 0xd3,	/* 0xd3 to 0xdf: for the program */
	GH_URING_OP_LAST	= 0xdf,
};

#define GH_URING_GENERATION_BITS	24
#define GH_URING_GENERATION_MASK	((1U << GH_URING_GENERATION_BITS) - 1)

static inline __u64 gh_uring_pack(unsigned int op, __u32 index, __u32 generation)
{
	assert(op >= GH_URING_OP_RUN && op <= GH_URING_OP_LAST);
	assert(generation <= GH_URING_GENERATION_MASK);

	return (__u64)op << 56 | (__u64)generation << 32 | index;
}

/* Whether @user_data was made by gh_uring_pack(); ask before the three below. */
static inline bool gh_uring_is_packed(__u64 user_data)
{
	return user_data >> 56 >= GH_URING_OP_RUN && user_data >> 56 <= GH_URING_OP_LAST;
}

static inline unsigned int gh_uring_op(__u64 user_data)
{
	assert(gh_uring_is_packed(user_data));
	return (unsigned int)(user_data >> 56);
}

static inline __u32 gh_uring_index(__u64 user_data)
{
	assert(gh_uring_is_packed(user_data));
	return (__u32)user_data;
}

static inline __u32 gh_uring_generation(__u64 user_data)
{
	assert(gh_uring_is_packed(user_data));
	return (__u32)(user_data >> 32) & GH_URING_GENERATION_MASK;
}

/* ---- preparing commands --------------------------------------------------- */

/* Any command of the vCPU driver; zeroes what the command does not use. */
static inline void gh_uring_prep_cmd(struct io_uring_sqe *sqe, int vcpu_fd, __u32 cmd_op)
{
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = vcpu_fd;
	sqe->cmd_op = cmd_op;
}

/*
 * Runs the vCPU for at most @slice_ns (0: the driver's default), not at all when
 * CLOCK_MONOTONIC is past @deadline_ns (0: no deadline). The answer to a pending
 * MMIO read is taken from the shared page, as with the ioctl.
 */
static inline void gh_uring_prep_run(struct io_uring_sqe *sqe, int vcpu_fd, __u32 slice_ns,
				     __u64 deadline_ns)
{
	const struct gh_uring_run run = { .deadline_ns = deadline_ns };

	gh_uring_prep_cmd(sqe, vcpu_fd, GH_VCPU_RUN);
	sqe->len = slice_ns;
	memcpy(sqe->cmd, &run, sizeof(run));
}

/*
 * Commits @data as the answer to the pending MMIO read, and runs. Ignored when
 * nothing is pending, so it may be repeated after PREEMPTED, INTR and -ECANCELED.
 */
static inline void gh_uring_prep_run_resume(struct io_uring_sqe *sqe, int vcpu_fd, __u32 slice_ns,
					    __u64 deadline_ns, __u64 data)
{
	const struct gh_uring_run run = {
		.resume_data = data,
		.deadline_ns = deadline_ns,
	};

	gh_uring_prep_cmd(sqe, vcpu_fd, GH_VCPU_RUN);
	sqe->addr = GH_URING_RUN_RESUME;
	sqe->len = slice_ns;
	memcpy(sqe->cmd, &run, sizeof(run));
}

/*
 * As gh_uring_prep_run(), and may be submitted before VM_START: it then completes
 * with RUNNABLE when the VM starts.
 */
static inline void gh_uring_prep_run_wait_start(struct io_uring_sqe *sqe, int vcpu_fd,
						__u32 slice_ns, __u64 deadline_ns)
{
	gh_uring_prep_run(sqe, vcpu_fd, slice_ns, deadline_ns);
	sqe->addr = GH_URING_RUN_WAIT_START;
}

/* Ends the slice in progress with PREEMPTED, or the park with RUNNABLE. */
static inline void gh_uring_prep_kick(struct io_uring_sqe *sqe, int vcpu_fd)
{
	gh_uring_prep_cmd(sqe, vcpu_fd, GH_VCPU_KICK);
}

/* Ends a running or parked command of the vCPU with -ECANCELED. */
static inline void gh_uring_prep_cancel(struct io_uring_sqe *sqe, int vcpu_fd)
{
	gh_uring_prep_cmd(sqe, vcpu_fd, GH_VCPU_CANCEL);
}

/* ---- many runs in one call ------------------------------------------------- */

/* One run of a batch, as gh_uring_prep_run(). @vcpu_fd is a descriptor, not an index. */
static inline void gh_run_entry_init(struct gh_run_entry *entry, int vcpu_fd, __u32 slice_ns)
{
	*entry = (struct gh_run_entry){ .fd = vcpu_fd, .slice_ns = slice_ns };
}

/* The same, as gh_uring_prep_run_resume(). */
static inline void gh_run_entry_init_resume(struct gh_run_entry *entry, int vcpu_fd,
					    __u32 slice_ns, __u64 data)
{
	*entry = (struct gh_run_entry){
		.resume_data = data,
		.fd = vcpu_fd,
		.flags = GH_URING_RUN_RESUME,
		.slice_ns = slice_ns,
	};
}

/*
 * Runs the vCPUs of @entries one after the other, until CLOCK_MONOTONIC is
 * @deadline_ns (0: the driver's own bound). @vcpu_fd is any vCPU, it only carries the
 * call. @entries must stay until the completion, whose res is how many were carried
 * out from the front, or -errno.
 */
static inline void gh_uring_prep_run_batch(struct io_uring_sqe *sqe, int vcpu_fd,
					   struct gh_run_entry *entries, unsigned int nr,
					   __u64 deadline_ns)
{
	const struct gh_uring_run_batch batch = { .deadline_ns = deadline_ns };

	gh_uring_prep_cmd(sqe, vcpu_fd, GH_VCPU_RUN_BATCH);
	sqe->addr = (__u64)(uintptr_t)entries;
	sqe->len = nr;
	memcpy(sqe->cmd, &batch, sizeof(batch));
}

/* The same without a ring. Returns how many entries were carried out, or -errno. */
static inline int gh_run_batch(int vcpu_fd, struct gh_run_entry *entries, unsigned int nr,
			       __u64 deadline_ns)
{
	struct gh_run_batch batch = {
		.entries = (__u64)(uintptr_t)entries,
		.deadline_ns = deadline_ns,
		.nr = nr,
	};
	int ret = ioctl(vcpu_fd, GH_VCPU_RUN_BATCH, &batch);

	return ret < 0 ? -errno : ret;
}

/* ---- one run by ioctl ---------------------------------------------------------- */

/*
 * Runs a vCPU that is alone once, without a ring: for a slice of the driver's default,
 * and until CLOCK_MONOTONIC is @deadline_ns (0: no deadline) at most. It never waits.
 * Returns what gh_run_once_decode() reads, or -errno.
 */
static inline int gh_run_once(int vcpu_fd, __u64 deadline_ns)
{
	int ret = ioctl(vcpu_fd, GH_VCPU_RUN_ONCE, (unsigned long)deadline_ns);

	return ret < 0 ? -errno : ret;
}

/*
 * Puts the answer to the pending MMIO read into the shared page, where each run looks
 * that does not bring one itself.
 */
static inline void gh_run_answer(struct gh_vcpu_run *run, __u64 data)
{
	data = htole64(data);
	memcpy(run->mmio.data, &data, sizeof(run->mmio.data));
}

/* ---- wake boards ------------------------------------------------------------------ */

/*
 * A new board of @nr bits (1 to GH_WAKE_BOARD_MAX). @event_fd is signalled when a bit is set
 * while the board is armed; -1: nothing is. @vcpu_fd is any vCPU, it only carries the call.
 * Returns a descriptor, or -errno.
 */
static inline int gh_wake_board_new(int vcpu_fd, __u32 nr, int event_fd)
{
	const struct gh_wake_board_arg arg = { .nr = nr, .fd = event_fd };
	int ret = ioctl(vcpu_fd, GH_VCPU_NEW_BOARD, &arg);

	return ret < 0 ? -errno : ret;
}

/* How many bytes of a board of @nr bits to map, shared, to read and write. */
static inline size_t gh_wake_board_size(__u32 nr)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (GH_WAKE_BOARD_WORDS + ((size_t)nr + 63) / 64 * 8 + page - 1) / page * page;
}

/*
 * The end of each wait of @vcpu_fd behind GH_URING_EXIT_WAITING sets @bit of @board_fd, and
 * so does this call. -1 and 0: none. Returns 0 or -errno.
 */
static inline int gh_wake_board_set(int vcpu_fd, int board_fd, __u32 bit)
{
	const struct gh_vcpu_board arg = { .fd = board_fd, .bit = bit };

	return ioctl(vcpu_fd, GH_VCPU_SET_BOARD, &arg) ? -errno : 0;
}

/* Whether bits were set since the last gh_wake_board_take(): a load, nothing else. */
static inline bool gh_wake_board_told(const struct gh_wake_board *board)
{
	return __atomic_load_n(&board->state, __ATOMIC_RELAXED) == GH_BOARD_TOLD;
}

/*
 * Before words are taken, and behind a read of the eventfd, if it is read. Disarms the board,
 * so only one thread may wait for it. Returns whether bits were set since the call before.
 */
static inline bool gh_wake_board_take(struct gh_wake_board *board)
{
	return __atomic_exchange_n(&board->state, GH_BOARD_QUIET, __ATOMIC_SEQ_CST) ==
	       GH_BOARD_TOLD;
}

/* The words of bits, which others change at any time. */
static inline __u64 *gh_wake_board_words(struct gh_wake_board *board)
{
	return (__u64 *)((char *)board + GH_WAKE_BOARD_WORDS);
}

/* Takes the bits @index * 64 and following: bit n of the result is @index * 64 + n. */
static inline __u64 gh_wake_board_word(struct gh_wake_board *board, __u32 index)
{
	__u64 *word = gh_wake_board_words(board) + index;

	if (!__atomic_load_n(word, __ATOMIC_RELAXED))
		return 0;
	return __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
}

/*
 * Before waiting for the eventfd: from here on it is signalled. Returns false if bits were
 * set meanwhile: take them, and do not wait.
 */
static inline bool gh_wake_board_arm(struct gh_wake_board *board)
{
	__u32 quiet = GH_BOARD_QUIET;

	return __atomic_compare_exchange_n(&board->state, &quiet, GH_BOARD_ARMED, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
	       quiet == GH_BOARD_ARMED;
}

/* ---- reading what came of a run --------------------------------------------- */

/**
 * struct gh_uring_exit - why a run ended
 * @reason: GH_URING_EXIT_*
 * @is_write: MMIO: the guest writes
 * @not_entered: PREEMPTED: the guest did not run
 * @len: MMIO: 1, 2, 4 or 8 bytes
 * @addr: MMIO: guest physical address
 * @data: MMIO: value of a write, in the low @len bytes; 0 for a read
 */
struct gh_uring_exit {
	__u32 reason;
	__u32 len;
	__u64 addr;
	__u64 data;
	bool is_write;
	bool not_entered;
};

/*
 * Reads the value of a write from the shared page. The page is little-endian and
 * the high bytes beyond @len may hold anything.
 */
static inline __u64 gh_uring_mmio_data(const struct gh_vcpu_run *run, __u32 len)
{
	__u64 data;

	assert(len <= sizeof(data));
	if (!len)
		return 0;
	memcpy(&data, run->mmio.data, sizeof(data));
	return le64toh(data) & ~0ULL >> (64 - 8 * len);
}

/* What the decoders below share. @inlined: big_cqe[0], or NULL. */
static inline int gh_uring_res_decode(__s32 res, const struct gh_vcpu_run *run,
				      const __u64 *inlined, struct gh_uring_exit *out)
{
	memset(out, 0, sizeof(*out));
	if (res < 0)
		return res;

	out->reason = GH_URING_RES_EXIT(res);
	switch (out->reason) {
	case GH_URING_EXIT_PREEMPTED:
		out->not_entered = res & GH_URING_RES_NOT_ENTERED;
		return 0;
	case GH_URING_EXIT_STATUS:
	case GH_URING_EXIT_INTR:
	case GH_URING_EXIT_RUNNABLE:
	case GH_URING_EXIT_WAITING:
		return 0;
	case GH_URING_EXIT_MMIO:
		break;
	default:
		return -EPROTO;
	}

	out->is_write = res & GH_URING_RES_WRITE;
	out->len = GH_URING_RES_LEN(res);
	if (!out->len || out->len > 8 || (out->len & (out->len - 1)))
		return -EPROTO;
	if (res & GH_URING_RES_INLINE) {
		if (!inlined)
			return -EPROTO;
		out->addr = (__u32)*inlined;
		if (out->is_write)
			out->data = *inlined >> 32;
		return 0;
	}
	if (!run)
		return -EPROTO;
	out->addr = run->mmio.phys_addr;
	if (out->is_write)
		out->data = gh_uring_mmio_data(run, out->len);
	return 0;
}

/*
 * Decodes @cqe of GH_VCPU_RUN. @run is the vCPU's shared page; it is not looked
 * at when the CQE itself holds the access, and may be NULL if no MMIO is expected.
 * Returns 0, the command's own -errno, or -EPROTO for a completion that this
 * version cannot read.
 */
static inline int gh_uring_exit_decode(const struct io_uring_cqe *cqe,
				       const struct gh_vcpu_run *run, struct gh_uring_exit *out)
{
	const __u64 *inlined = NULL;

	/* Only then is there anything behind the CQE. */
	if (cqe->res > 0 && cqe->res & GH_URING_RES_INLINE)
		inlined = (const __u64 *)cqe->big_cqe;
	return gh_uring_res_decode(cqe->res, run, inlined, out);
}

/* The same for an entry that a batch carried out. */
static inline int gh_run_entry_decode(const struct gh_run_entry *entry,
				      const struct gh_vcpu_run *run, struct gh_uring_exit *out)
{
	return gh_uring_res_decode(entry->res, run, NULL, out);
}

/* The same for what gh_run_once() returned. */
static inline int gh_run_once_decode(int ret, const struct gh_vcpu_run *run,
				     struct gh_uring_exit *out)
{
	return gh_uring_res_decode(ret, run, NULL, out);
}

/* ---- the slow path, in the library ----------------------------------------- */

/*
 * Whether this process may use commands on a ring: 0, -EPERM when io_uring is
 * switched off for it (kernel.io_uring_disabled, a seccomp filter), -ENOSYS when
 * the kernel has no io_uring, -EOPNOTSUPP when it lacks IORING_OP_URING_CMD.
 */
int gh_uring_probe(void);

/*
 * Sets up @ring as a vCPU runner wants it: SINGLE_ISSUER and DEFER_TASKRUN,
 * SUBMIT_ALL, a CQ of @cq_entries; @extra_flags are added (IORING_SETUP_CQE32).
 * Kernels that refuse a flag get the next weaker set. Returns 0 and the flags in
 * *@flags (may be NULL), or -errno. Undo with io_uring_queue_exit().
 */
int gh_uring_queue_init(unsigned int sq_entries, unsigned int cq_entries, unsigned int extra_flags,
			struct io_uring *ring, unsigned int *flags);

#define GH_URING_VERSION_MAJOR	0
#define GH_URING_VERSION_MINOR	1

/* The version of the library at run time: major << 16 | minor. */
unsigned int gh_uring_version(void);

#ifdef __cplusplus
}
#endif

#endif /* LIBURING_EXT_GUNYAH_H */
