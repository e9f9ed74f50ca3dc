/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Tests in which the monitor misbehaves, and what must be true behind each of them:
 * nothing pinned or used that was not before, and the modules can be unloaded.
 */
#ifndef GT_SCN_H
#define GT_SCN_H

#include "../../hostile/gh_scenario.h"
#include "gt.h"

/* Requests and notifications of the resource manager. */
enum {
	GT_RM_ALLOC = 0x56000001,
	GT_RM_DEALLOC = 0x56000002,
	GT_RM_START = 0x56000004,
	GT_RM_STOP = 0x56000005,
	GT_RM_RESET = 0x56000006,
	GT_RM_CONFIG = 0x56000009,
	GT_RM_INIT = 0x5600000b,
	GT_RM_STATE = 0x56000017,
	GT_RM_RESOURCES = 0x56000020,
	GT_RM_VMID = 0x56000024,
	GT_RM_LEND = 0x51000012,
	GT_RM_SHARE = 0x51000013,
	GT_RM_RECLAIM = 0x51000015,
	GT_RM_APPEND = 0x51000018,
	GT_NOTE_EXITED = 0x56100001,
	GT_NOTE_STATUS = 0x56100008,
	GT_NOTE_RELEASED = 0x51100012,
};

/* Hypercalls. */
enum {
	GT_CALL_BELL_SEND = 0x12,
	GT_CALL_BELL_MASK = 0x15,
	GT_CALL_MSGQ_SEND = 0x1b,
	GT_CALL_MSGQ_RECV = 0x1c,
};

#define GT_HVC_RETRY	(-2)
#define GT_HVC_BUSY	31
#define GT_HVC_FULL	61

/* Of a guest's memory here: what is lost when the RM does not give it back. */
#define GT_RAM_PAGES	(GT_RAM_SIZE / 4096)

/* Pages that the case has to leave pinned; 0 at its begin. */
extern long gt_scn_lost;

/*
 * Arms it, asserting; the slot. It ends with the test, or with gt_scn_clear(). Without
 * a count it applies once.
 */
int gt_scn_arm(const struct gh_scenario *s);
#define GT_SCN(...)	gt_scn_arm(&(struct gh_scenario){ __VA_ARGS__ })
void gt_scn_clear(void);
uint32_t gt_scn_hits(int slot);
uint64_t gt_scn_seen(int slot);

/* The number of a VM that was started. */
uint16_t gt_vm_number(const struct gt_vm *vm);
/* How long the driver waits for the RM's answers. */
void gt_rpc_timeout(unsigned int ms);

/* A message of the RM, header included. Returns its size. */
size_t gt_rm_message(uint8_t *msg, uint8_t type, uint32_t id, const void *data, size_t size);
/* Puts it into the host's queue. */
void gt_rm_say(uint8_t type, uint32_t id, const void *data, size_t size);
void gt_rm_say_raw(const void *msg, size_t size);

/*
 * Another VM, whose guest writes without end, run by a thread on a ring of its own.
 * gt_other_check() asserts that it made progress since it was asked last, and that
 * no two exits lay further apart than @ms.
 */
struct gt_other {
	struct gt_vm vm;
	pthread_t thread;
	uint64_t exits, seen, last_ns, gap_ns;
	int err;
	bool stop;
};

void gt_other_start(struct gt_other *other);
void gt_other_check(struct gt_other *other, unsigned int ms);
void gt_other_stop(struct gt_other *other);

/* A VM from start to end, to show that the host is well. */
void gt_all_is_well(void);

void gt_scn_begin(void);
void gt_scn_end(void);

/* GT_CASE() with the scenarios' module, and with the checks named above. */
#define GT_SCN_CASE(suite, name, ...)				\
	static void suite##_##name##_scn(void);			\
	GT_CASE(suite, name, ##__VA_ARGS__)			\
	{							\
		gt_scn_begin();					\
		suite##_##name##_scn();				\
		gt_scn_end();					\
	}							\
	static void suite##_##name##_scn(void)

#endif /* GT_SCN_H */
