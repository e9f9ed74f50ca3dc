/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Scenarios: how a test tells the EL2 monitor to misbehave.
 *
 * Shared by the monitor, by gh_scenario.ko, which carries the requests, and by the
 * suites. Nothing is armed until a test arms it; all is disarmed when the test's
 * descriptor of /dev/gh_scenario is closed.
 */
#ifndef GH_SCENARIO_H
#define GH_SCENARIO_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

/*
 * The hypercall: number 0x1f0, which the hypervisor does not have. x1 is the magic
 * number, x2 one of the calls below, x3 its argument. Without the magic number, and
 * from a guest, it is as unknown as any other.
 */
#define GH_SCN_CALL		0xc60081f0u
#define GH_SCN_MAGIC		0x676873636e617269ull

#define GH_SCN_CALL_ARM		1	/* x3: address of a struct gh_scenario; x1 out: slot */
#define GH_SCN_CALL_STATE	2	/* x3: slot; x1 out: hits, x2 out: seen */
#define GH_SCN_CALL_CLEAR	3	/* disarms everything, gives up what is held */

#define GH_SCN_SLOTS		16
#define GH_SCN_MSG		240

/* What is interfered with, or, from INJECT on, what is done at once. */
enum gh_scn_kind {
	GH_SCN_RUN,		/* VCPU_RUN of @vmid, @vcpu */
	GH_SCN_WAKE,		/* the wake-up interrupt of @vmid, @vcpu is lost */
	GH_SCN_HYPERCALL,	/* call number @id, not VCPU_RUN */
	GH_SCN_REPLY,		/* the reply of request @id */
	GH_SCN_NOTIFICATION,	/* the notification @id */
	GH_SCN_INJECT,		/* @msg, @len bytes, is put into the host's queue */
	GH_SCN_RAISE,		/* the wake-up interrupt of @vmid, @vcpu is raised */
	GH_SCN_KILL,		/* VM @vmid ends with exit type @word, as if by itself */
	GH_SCN_RELEASE,		/* sends what HOLD kept */
	GH_SCN_NR_KINDS,
};

/*
 * RUN and HYPERCALL: without a flag the call returns @error, or with error 0 the
 * words @x in x1 to x4, and does nothing else. An error of RUN consumes nothing; a
 * forged state takes the answer to a pending load, as any successful run.
 */
#define GH_SCN_LINGER		(1u << 0)	/* RUN: enter, stay @delay_us at EL2 after MMIO */

/* REPLY and NOTIFICATION: what becomes of the message, in this order. */
#define GH_SCN_KILL_BEFORE	(1u << 1)	/* the request's VM ends before it is served */
#define GH_SCN_NOT_DONE		(1u << 2)	/* the request is not served: error @word */
#define GH_SCN_KILL_AFTER	(1u << 3)	/* the VM ends after it was served */
#define GH_SCN_WORD		(1u << 4)	/* the error word is @word */
#define GH_SCN_LEN		(1u << 5)	/* @len bytes, cut or filled with 0xa5 */
#define GH_SCN_PATCH		(1u << 6)	/* @patch_len bytes at @patch_off are @patch */
#define GH_SCN_TYPE		(1u << 7)	/* the header's type is @type */
#define GH_SCN_FRAGS		(1u << 8)	/* the header's number of fragments is @frags */
#define GH_SCN_REVERSE		(1u << 9)	/* the last fragment comes first */
#define GH_SCN_TWICE		(1u << 10)	/* sent twice */
#define GH_SCN_HOLD		(1u << 11)	/* kept until RELEASE */
#define GH_SCN_DROP		(1u << 12)	/* never sent */

#define GH_SCN_ANY_VCPU		0xffffu
#define GH_SCN_FOREVER		0xffffffffu

/**
 * struct gh_scenario - one scenario
 * @kind: enum gh_scn_kind
 * @flags: GH_SCN_*
 * @vmid: RUN, WAKE: whose; 0 is any
 * @vcpu: index, or GH_SCN_ANY_VCPU
 * @id: call number or message id
 * @skip: so many that match pass before it applies
 * @count: it applies so many times
 * @error: what the hypercall returns in x0
 * @x: what it returns in x1 to x4
 * @word: error word, or exit type
 * @len: of the message's content; INJECT: of the whole message
 * @delay_us: at most a second
 * @seq_xor, @id_xor: for the header
 * @type, @frags: for the header
 * @patch_off, @patch_len, @patch: in the content, behind the header, little-endian
 * @msg: INJECT
 */
struct gh_scenario {
	uint32_t kind;
	uint32_t flags;
	uint16_t vmid;
	uint16_t vcpu;
	uint32_t id;
	uint32_t skip;
	uint32_t count;
	int64_t error;
	uint64_t x[4];
	uint32_t word;
	uint32_t len;
	uint32_t delay_us;
	uint32_t id_xor;
	uint16_t seq_xor;
	uint8_t type;
	uint8_t frags;
	uint16_t patch_off;
	uint16_t patch_len;
	uint64_t patch;
	uint8_t msg[GH_SCN_MSG];
};

/**
 * struct gh_scn_state - what a scenario has done
 * @slot: in: which
 * @hits: how often it applied
 * @seen: of the call that it met last, RUN: the resume word; HYPERCALL: the second argument
 */
struct gh_scn_state {
	uint32_t slot;
	uint32_t hits;
	uint64_t seen;
};

#ifdef __STDC_VERSION__
_Static_assert(sizeof(struct gh_scenario) == 336, "the same everywhere");
_Static_assert(sizeof(struct gh_scn_state) == 16, "the same everywhere");
#endif

/* ioctls of /dev/gh_scenario; ARM returns the slot. */
#define GH_SCN_IOC_ARM		_IOW('S', 1, struct gh_scenario)
#define GH_SCN_IOC_STATE	_IOWR('S', 2, struct gh_scn_state)
#define GH_SCN_IOC_CLEAR	_IO('S', 3)

#endif /* GH_SCENARIO_H */
