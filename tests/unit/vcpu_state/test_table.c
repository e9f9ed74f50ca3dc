// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The transition function against a table, for every state word and every event:
 * one row says what an event does in a phase. The walk also takes words that no
 * driver should ever see.
 */
#include <criterion/criterion.h>

#include "gunyah_vcpu_state.h"

#define ANY	0xffu
#define SAME	0xfeu

#define CLOSED	GH_VCPU_F_CLOSED
#define WAKE	GH_VCPU_F_WAKE
#define KICK	GH_VCPU_F_KICK
#define CANCEL	GH_VCPU_F_CANCEL
#define DOWN	GH_VCPU_F_DOWN
#define NO_WAIT	(WAKE | KICK | CANCEL | DOWN)
#define ALL	(CLOSED | NO_WAIT)

/*
 * In @phase, when a flag of @when is set (0: always), @event leads to @next with
 * the old flags of @keep and the flags of @set. The first row that fits counts.
 */
struct row {
	enum gh_vcpu_event event;
	unsigned int phase;
	unsigned int when;
	unsigned int next;
	unsigned int keep;
	unsigned int set;
	enum gh_vcpu_action action;
};

#define EV(e)	GH_VCPU_EV_##e
#define PH(p)	GH_VCPU_##p
#define ACT(a)	GH_VCPU_ACT_##a
#define GH_VCPU_ACT_THREAD GH_VCPU_ACT_WAKE_THREAD

static const struct row rows[] = {
	/* event, phase, when: next phase, kept, set, action */
	{ EV(RUN),         PH(IDLE),    DOWN,  PH(REPORTING), DOWN,       0,     ACT(REPORT) },
	{ EV(RUN),         PH(IDLE),    0,     PH(RUNNING), 0,            0,     ACT(ENTER) },
	{ EV(RUN),         PH(LEFT),    0,     PH(RUNNING), 0,            0,     ACT(STAY) },
	{ EV(RUN),         ANY,         0,     SAME,        ALL,          0,     ACT(BUSY) },

	{ EV(AGAIN),       PH(RUNNING), 0,     SAME,        ALL & ~WAKE,  0,     ACT(NONE) },

	{ EV(SLEEP),       PH(RUNNING), NO_WAIT, SAME,      ALL & ~WAKE,  0,     ACT(NONE) },
	{ EV(SLEEP),       PH(RUNNING), 0,     PH(ASLEEP),  0,            0,     ACT(WAIT) },

	{ EV(PARK),        PH(RUNNING), CANCEL | CLOSED, PH(WAKING), DOWN, CANCEL, ACT(COMPLETE) },
	{ EV(PARK),        PH(RUNNING), NO_WAIT, PH(WAKING), DOWN,        0,     ACT(COMPLETE) },
	{ EV(PARK),        PH(RUNNING), 0,     PH(PARKED),  0,            0,     ACT(WAIT) },

	{ EV(LEAVE),       PH(RUNNING), NO_WAIT, SAME,      ALL & ~WAKE,  0,     ACT(NONE) },
	{ EV(LEAVE),       PH(RUNNING), 0,     PH(LEFT),    0,            0,     ACT(WAIT) },

	{ EV(SIGNAL),      PH(ASLEEP),  0,     PH(RUNNING), 0,            0,     ACT(NONE) },
	{ EV(SIGNAL),      PH(RUNNING), 0,     SAME,        ALL,          0,     ACT(NONE) },

	{ EV(STOP),        PH(REPORTING), 0,   PH(IDLE),    DOWN,         0,     ACT(NONE) },
	{ EV(STOP),        PH(RUNNING), DOWN,  PH(IDLE),    DOWN,         0,     ACT(NOTIFY) },
	{ EV(STOP),        PH(RUNNING), 0,     PH(IDLE),    0,            0,     ACT(NONE) },

	{ EV(DONE),        PH(WAKING),  CANCEL, PH(IDLE),    DOWN,         0,     ACT(CANCELED) },
	{ EV(DONE),        PH(WAKING),  0,     PH(IDLE),    DOWN,         0,     ACT(RUNNABLE) },

	{ EV(WAKE),        PH(RUNNING), 0,     SAME,        ALL,          WAKE,  ACT(NONE) },
	{ EV(WAKE),        PH(ASLEEP),  0,     PH(RUNNING), 0,            0,     ACT(THREAD) },
	{ EV(WAKE),        PH(PARKED),  0,     PH(WAKING),  0,            0,     ACT(COMPLETE) },
	{ EV(WAKE),        PH(LEFT),    0,     PH(IDLE),    0,            0,     ACT(TELL) },
	{ EV(WAKE),        ANY,         0,     SAME,        ALL,          0,     ACT(NONE) },

	{ EV(KICK),        PH(RUNNING), 0,     SAME,        ALL,          KICK,  ACT(INTERRUPT) },
	{ EV(KICK),        PH(ASLEEP),  0,     PH(RUNNING), 0,            KICK,  ACT(THREAD) },
	{ EV(KICK),        PH(PARKED),  0,     PH(WAKING),  0,            0,     ACT(COMPLETE) },
	{ EV(KICK),        PH(LEFT),    0,     PH(IDLE),    0,            0,     ACT(TELL) },
	{ EV(KICK),        ANY,         0,     SAME,        ALL,          0,     ACT(NONE) },

	{ EV(CANCEL),      PH(RUNNING), 0,     SAME,        ALL,          CANCEL, ACT(INTERRUPT) },
	{ EV(CANCEL),      PH(ASLEEP),  0,     PH(RUNNING), 0,            CANCEL, ACT(THREAD) },
	{ EV(CANCEL),      PH(PARKED),  0,     PH(WAKING),  0,            CANCEL, ACT(COMPLETE) },
	{ EV(CANCEL),      PH(LEFT),    0,     PH(IDLE),    0,            0,     ACT(TELL) },
	{ EV(CANCEL),      ANY,         0,     SAME,        ALL,          0,     ACT(NONE) },

	{ EV(CLOSE),       PH(PARKED),  0,     PH(WAKING),  0,            CANCEL, ACT(COMPLETE) },
	{ EV(CLOSE),       PH(RUNNING), 0,     SAME,        ALL,          CLOSED, ACT(NONE) },
	{ EV(CLOSE),       ANY,         0,     SAME,        ALL,          0,     ACT(NONE) },

	{ EV(RING_CANCEL), PH(PARKED),  0,     PH(IDLE),    0,            0,     ACT(CANCELED) },
	{ EV(RING_CANCEL), PH(RUNNING), 0,     SAME,        ALL,          CANCEL, ACT(NONE) },
	{ EV(RING_CANCEL), ANY,         0,     SAME,        ALL,          0,     ACT(NONE) },

	{ EV(DOWN),        PH(LEFT),    0,     PH(IDLE),    0,            DOWN,  ACT(TELL) },
	{ EV(DOWN),        PH(IDLE),    0,     SAME,        ALL,          DOWN,  ACT(NONE) },
	{ EV(DOWN),        PH(REPORTING), 0,   SAME,        ALL,          DOWN,  ACT(NONE) },
	{ EV(DOWN),        PH(WAKING),  0,     SAME,        ALL,          DOWN,  ACT(NONE) },
	{ EV(DOWN),        PH(RUNNING), 0,     SAME,        ALL,          DOWN,  ACT(INTERRUPT) },
	{ EV(DOWN),        PH(ASLEEP),  0,     PH(RUNNING), 0,            DOWN,  ACT(THREAD) },
	{ EV(DOWN),        PH(PARKED),  0,     PH(WAKING),  0,            DOWN,  ACT(COMPLETE) },

	{ EV(UP),          ANY,         0,     SAME,        ALL & ~DOWN,  0,     ACT(NONE) },
};

#define NR_ROWS	(sizeof(rows) / sizeof(*rows))

/* What the table says; a pair without a row cannot be, and changes nothing. */
static struct gh_vcpu_next expected(unsigned int state, enum gh_vcpu_event event)
{
	unsigned int phase = state & GH_VCPU_PHASE_MASK;
	struct gh_vcpu_next next = { .state = state, .action = GH_VCPU_ACT_BUG };
	size_t i;

	if (phase >= GH_VCPU_NR_PHASES)
		return next;
	for (i = 0; i < NR_ROWS; i++) {
		const struct row *r = &rows[i];

		if (r->event != event || (r->phase != ANY && r->phase != phase))
			continue;
		if (r->when && !(state & r->when))
			continue;
		next.state = (r->next == SAME ? phase : r->next) | (state & r->keep) | r->set;
		next.action = r->action;
		break;
	}
	return next;
}

Test(table, every_pair)
{
	unsigned int pairs = 0;
	unsigned int phase, flags, event;

	for (phase = 0; phase <= GH_VCPU_PHASE_MASK; phase++) {
		for (flags = 0; flags < 32; flags++) {
			unsigned int state = phase | flags << 3;

			for (event = 0; event < GH_VCPU_NR_EVENTS; event++) {
				struct gh_vcpu_next want = expected(state, event);
				struct gh_vcpu_next got = gh_vcpu_next(state, event);

				cr_assert_eq(got.state, want.state,
					     "state %#x event %u: to %#x, not %#x", state, event,
					     got.state, want.state);
				cr_assert_eq(got.action, want.action,
					     "state %#x event %u: action %d, not %d", state, event,
					     got.action, want.action);
				pairs++;
			}
		}
	}
	cr_assert_eq(pairs, 8 * 32 * GH_VCPU_NR_EVENTS);
}

Test(table, unknown_event_changes_nothing)
{
	unsigned int state;

	for (state = 0; state < 256; state++) {
		struct gh_vcpu_next next = gh_vcpu_next(state, GH_VCPU_NR_EVENTS);

		cr_assert_eq(next.state, state);
		cr_assert_eq(next.action, GH_VCPU_ACT_BUG);
	}
}
