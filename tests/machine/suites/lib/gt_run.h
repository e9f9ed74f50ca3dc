/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Running vCPUs, by the ioctl or on a ring, behind one function table, so that
 * one test body proves both paths. Every wait has an end: the ring's by its
 * timeout, the ioctl's by the .timeout of the test.
 */
#ifndef GT_RUN_H
#define GT_RUN_H

#include <liburing-ext/gunyah.h>
#include <pthread.h>

#include "gt_host.h"
#include "gt_vm.h"

/*
 * Seconds after which a completion that does not come is a failure. Most guests of
 * these suites need less than a second of emulated time; gt_slow() times that on a
 * kernel with detectors, where it stretches the tests' .timeout too.
 */
#define GT_PATIENCE_S	(20 * gt_slow())
#define GT_TIMEOUT	60

enum gt_exit_kind {
	GT_EXIT_ERROR,		/* the command failed: @err */
	GT_EXIT_MMIO,
	GT_EXIT_STATUS,
	GT_EXIT_PREEMPTED,	/* ring only */
	GT_EXIT_INTR,
	GT_EXIT_RUNNABLE,	/* ring only */
};

struct gt_exit {
	enum gt_exit_kind kind;
	int err;
	bool write;
	uint32_t len;
	uint64_t addr;
	uint64_t data;
	uint32_t status;
	uint16_t type;
	uint32_t reason_size;
	uint8_t reason[GH_VM_MAX_EXIT_REASON_SIZE];
};

/* An exit in one line, for messages and for comparing sequences. */
#define GT_EXIT_TEXT	96
const char *gt_exit_text(const struct gt_exit *exit, char text[static GT_EXIT_TEXT]);

/* ---- one command at a time ------------------------------------------------ */

struct gt_path {
	const char *name;
	/* One command to its end, whatever that is. */
	void (*once)(struct gt_vcpu *vcpu, struct gt_exit *exit);
	/* All vCPUs of the VM until each got STATUS or an error; see gt_run_all(). */
	void (*all)(struct gt_vm *vm,
		    bool (*handle)(struct gt_vcpu *vcpu, const struct gt_exit *exit, void *arg),
		    void *arg);
};

extern const struct gt_path gt_path_ioctl;
extern const struct gt_path gt_path_once;	/* RUN_ONCE; guests that wait sleep by ioctl */
extern const struct gt_path gt_path_ring;	/* answers in the shared page */
extern const struct gt_path gt_path_ring_sqe;	/* answers in the SQE */

/* The path this program was compiled for. */
#ifdef GT_PATH
static const struct gt_path *const gt_path __attribute__((unused)) = &GT_PATH;
#endif

/* The answer to the MMIO read that the vCPU just exited with. */
void gt_answer(struct gt_vcpu *vcpu, uint64_t value);

/* Runs until there is something for user space: MMIO, STATUS or ERROR. */
void gt_run(const struct gt_path *path, struct gt_vcpu *vcpu, struct gt_exit *exit);

/*
 * Runs all vCPUs of a VM until the VM is gone for each of them. @handle is called
 * for every exit, one at a time; it answers reads, and returns false to stop
 * running this vCPU.
 */
typedef bool gt_handler(struct gt_vcpu *vcpu, const struct gt_exit *exit, void *arg);
void gt_run_all(const struct gt_path *path, struct gt_vm *vm, gt_handler *handle, void *arg);

/* Runs the vCPU and asserts what comes; @line is the caller's. */
void gt_check_read(const struct gt_path *path, struct gt_vcpu *vcpu, uint32_t len,
		   uint64_t addr, uint64_t answer, int line);
void gt_check_write(const struct gt_path *path, struct gt_vcpu *vcpu, uint32_t len,
		    uint64_t addr, uint64_t data, int line);
void gt_check_status(const struct gt_path *path, struct gt_vcpu *vcpu, uint32_t status,
		     uint16_t type, int line);
/* As check_write, but the value is the test's to judge. */
uint64_t gt_take_write(const struct gt_path *path, struct gt_vcpu *vcpu, uint32_t len,
		       uint64_t addr, int line);

#define GT_EXPECT_READ(vcpu, len, addr, answer)	\
	gt_check_read(gt_path, vcpu, len, addr, answer, __LINE__)
#define GT_EXPECT_WRITE(vcpu, len, addr, data)	\
	gt_check_write(gt_path, vcpu, len, addr, data, __LINE__)
#define GT_EXPECT_STATUS(vcpu, status, type)	\
	gt_check_status(gt_path, vcpu, status, type, __LINE__)
#define GT_TAKE_WRITE(vcpu, len, addr)	\
	gt_take_write(gt_path, vcpu, len, addr, __LINE__)

/* The RM's exit types in STATUS. */
enum gt_status_type {
	GT_TYPE_OFF = 1,
	GT_TYPE_RESET = 2,
	GT_TYPE_RESET2 = 3,
	GT_TYPE_ERROR = 5,
};

/* ---- rings ------------------------------------------------------------------ */

/* A ring with room for @entries; asserts. */
void gt_ring_init(struct io_uring *ring, unsigned int entries, unsigned int flags);
/* An SQE; asserts that there is one. */
struct io_uring_sqe *gt_ring_sqe(struct io_uring *ring);
void gt_ring_submit(struct io_uring *ring, unsigned int n);
struct gt_cqe {
	uint64_t user_data;
	int32_t res;
	uint32_t flags;
	uint64_t big[2];
};

/*
 * The next CQE, copied and consumed. Waits @ms at most: 0, or -ETIME.
 * gt_ring_next() waits longer and asserts.
 */
int gt_ring_poll(struct io_uring *ring, struct gt_cqe *cqe, unsigned int ms);
void gt_ring_next(struct io_uring *ring, struct gt_cqe *cqe);
/* A CQE's res without what only says whether a preempted guest was entered. */
int32_t gt_res(int32_t res);
/* Like gt_ring_next() and asserts whose it is. Returns gt_res(). */
int32_t gt_ring_take(struct io_uring *ring, uint64_t user_data);

/* Submits one RUN of the vCPU with user_data = its id. */
void gt_ring_run(struct io_uring *ring, struct gt_vcpu *vcpu);
/* Submits until the vCPU is parked: asserts that no CQE but PREEMPTED comes. */
void gt_ring_park(struct io_uring *ring, struct gt_vcpu *vcpu);
/* Submits KICK or CANCEL with user_data GT_UD_CMD. */
#define GT_UD_CMD	0x1000
void gt_ring_kick(struct io_uring *ring, struct gt_vcpu *vcpu);
void gt_ring_cancel(struct io_uring *ring, struct gt_vcpu *vcpu);
/* Completions of such a command, 0, and of RUN, in either order: the RUN's. */
int gt_ring_take_both(struct io_uring *ring, struct gt_vcpu *vcpu);
/* Asserts that no completion is there or comes. */
void gt_ring_silent(struct io_uring *ring);
/* What a CQE of RUN means, with the shared page. */
void gt_decode(struct gt_vcpu *vcpu, const struct gt_cqe *cqe, struct gt_exit *exit);

uint64_t gt_now_ns(void);

#endif /* GT_RUN_H */
