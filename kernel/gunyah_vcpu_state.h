/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The states of a vCPU and the one function that moves between them.
 *
 * gh_vcpu_next() is pure: (state, event) -> (state, action). The driver applies
 * it with a compare-and-exchange on the state word and then does what the action
 * says; tests/unit/vcpu_state/ compiles this header natively and walks every
 * pair. Nothing else in the driver decides who owns a vCPU.
 */
#ifndef GUNYAH_VCPU_STATE_H
#define GUNYAH_VCPU_STATE_H

#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/compiler.h>
#else
#include <sys/cdefs.h>
#define BIT(n)		(1u << (n))
#endif

/* The phase: bits 2:0 of the state word. */
enum gh_vcpu_phase {
	GH_VCPU_IDLE,		/* nobody's; a run may take it */
	GH_VCPU_RUNNING,	/* the runner's, who may be in the guest */
	GH_VCPU_ASLEEP,		/* the runner's, whose ioctl waits for a wake-up */
	GH_VCPU_PARKED,		/* a command's; who moves it on sees to its completion */
	GH_VCPU_WAKING,		/* the task work's, which completes the command */
	GH_VCPU_LEFT,		/* nobody's, and its guest waits; a run may take it */
	GH_VCPU_REPORTING,	/* the runner's, who has only the page to write */
	GH_VCPU_NR_PHASES,
};

#define GH_VCPU_PHASE_MASK	0x7u

/* The flags beside it. */
#define GH_VCPU_F_CLOSED	BIT(3)	/* a descriptor was closed: the run must not park */
#define GH_VCPU_F_WAKE	BIT(4)	/* woken since the run began: it must not wait */
#define GH_VCPU_F_KICK	BIT(5)	/* the run shall end */
#define GH_VCPU_F_CANCEL	BIT(6)	/* the run shall end, with -ECANCELED */
#define GH_VCPU_F_DOWN	BIT(7)	/* there is no hypervisor object: never enter */

/* What ends a run before the guest is entered (again). */
#define GH_VCPU_STOP_FLAGS	(GH_VCPU_F_KICK | GH_VCPU_F_CANCEL | GH_VCPU_F_DOWN)
/* What keeps it from waiting; CLOSED only from parking, for an ioctl's thread can end it. */
#define GH_VCPU_FLAGS		(GH_VCPU_F_WAKE | GH_VCPU_STOP_FLAGS)

enum gh_vcpu_event {
	GH_VCPU_EV_RUN,		/* somebody wants to run it */
	GH_VCPU_EV_AGAIN,	/* the runner saw WAKE and enters again */
	GH_VCPU_EV_SLEEP,	/* the runner, an ioctl, has nothing to run */
	GH_VCPU_EV_PARK,	/* the runner, a command, has nothing to run */
	GH_VCPU_EV_LEAVE,	/* the runner, a batch, has nothing to run */
	GH_VCPU_EV_SIGNAL,	/* the sleeping ioctl was interrupted */
	GH_VCPU_EV_STOP,	/* the runner is done */
	GH_VCPU_EV_DONE,	/* the task work completes the command */
	GH_VCPU_EV_WAKE,	/* wake-up interrupt, VM changed state, timer */
	GH_VCPU_EV_KICK,	/* GH_VCPU_KICK */
	GH_VCPU_EV_CANCEL,	/* GH_VCPU_CANCEL */
	GH_VCPU_EV_CLOSE,	/* the owner closed a descriptor */
	GH_VCPU_EV_RING_CANCEL,	/* the ring goes away; its lock is held */
	GH_VCPU_EV_DOWN,	/* the hypervisor object is about to go */
	GH_VCPU_EV_UP,		/* the hypervisor object is there */
	GH_VCPU_NR_EVENTS,
};

/* What the one who brought the event must do now. */
enum gh_vcpu_action {
	GH_VCPU_ACT_NONE,	/* nothing; from SLEEP and LEAVE: still yours, look at the flags */
	GH_VCPU_ACT_ENTER,	/* it is yours: run the guest, then STOP, or wait */
	GH_VCPU_ACT_STAY,	/* it is yours, and the guest waits: no need to enter it */
	GH_VCPU_ACT_REPORT,	/* it is yours, and it has no object: say why, then STOP */
	GH_VCPU_ACT_BUSY,	/* somebody else's */
	GH_VCPU_ACT_WAIT,	/* parked, asleep or left, no longer yours to touch */
	GH_VCPU_ACT_COMPLETE,	/* queue the command's task work; nobody else will */
	GH_VCPU_ACT_RUNNABLE,	/* complete the command: RUNNABLE */
	GH_VCPU_ACT_CANCELED,	/* complete the command: -ECANCELED */
	GH_VCPU_ACT_WAKE_THREAD, /* wake the sleeping ioctl */
	GH_VCPU_ACT_INTERRUPT,	/* interrupt the CPU that runs the guest */
	GH_VCPU_ACT_NOTIFY,	/* wake who waits for the runner to be out */
	GH_VCPU_ACT_TELL,	/* it was left waiting and need not wait: tell its board */
	GH_VCPU_ACT_BUG,	/* cannot be; the state is left alone */
};

struct gh_vcpu_next {
	unsigned int state;
	enum gh_vcpu_action action;
};

static __always_inline struct gh_vcpu_next gh_vcpu_goto(unsigned int state,
							enum gh_vcpu_action action)
{
	return (struct gh_vcpu_next){ .state = state, .action = action };
}

static __always_inline enum gh_vcpu_phase gh_vcpu_phase(unsigned int state)
{
	return state & GH_VCPU_PHASE_MASK;
}

/* Events of the one who owns the vCPU, or wants to. */
static __always_inline struct gh_vcpu_next gh_vcpu_next_owner(unsigned int state,
							      enum gh_vcpu_event event)
{
	enum gh_vcpu_phase phase = gh_vcpu_phase(state);
	unsigned int down = state & GH_VCPU_F_DOWN;

	switch (event) {
	case GH_VCPU_EV_RUN:
		if (phase == GH_VCPU_LEFT)
			return gh_vcpu_goto(GH_VCPU_RUNNING, GH_VCPU_ACT_STAY);
		if (phase != GH_VCPU_IDLE)
			return gh_vcpu_goto(state, GH_VCPU_ACT_BUSY);
		if (down)
			return gh_vcpu_goto(GH_VCPU_REPORTING | down, GH_VCPU_ACT_REPORT);
		return gh_vcpu_goto(GH_VCPU_RUNNING, GH_VCPU_ACT_ENTER);
	case GH_VCPU_EV_AGAIN:
		if (phase != GH_VCPU_RUNNING)
			break;
		return gh_vcpu_goto(state & ~GH_VCPU_F_WAKE, GH_VCPU_ACT_NONE);
	case GH_VCPU_EV_SLEEP:
		if (phase != GH_VCPU_RUNNING)
			break;
		if (state & GH_VCPU_FLAGS)
			return gh_vcpu_goto(state & ~GH_VCPU_F_WAKE, GH_VCPU_ACT_NONE);
		return gh_vcpu_goto(GH_VCPU_ASLEEP, GH_VCPU_ACT_WAIT);
	case GH_VCPU_EV_PARK:
		if (phase != GH_VCPU_RUNNING)
			break;
		if (state & (GH_VCPU_F_CANCEL | GH_VCPU_F_CLOSED))
			return gh_vcpu_goto(GH_VCPU_WAKING | down | GH_VCPU_F_CANCEL,
					    GH_VCPU_ACT_COMPLETE);
		if (state & GH_VCPU_FLAGS)
			return gh_vcpu_goto(GH_VCPU_WAKING | down, GH_VCPU_ACT_COMPLETE);
		return gh_vcpu_goto(GH_VCPU_PARKED, GH_VCPU_ACT_WAIT);
	case GH_VCPU_EV_LEAVE:
		if (phase != GH_VCPU_RUNNING)
			break;
		if (state & GH_VCPU_FLAGS)
			return gh_vcpu_goto(state & ~GH_VCPU_F_WAKE, GH_VCPU_ACT_NONE);
		return gh_vcpu_goto(GH_VCPU_LEFT, GH_VCPU_ACT_WAIT);
	case GH_VCPU_EV_SIGNAL:
		if (phase == GH_VCPU_ASLEEP)
			return gh_vcpu_goto(GH_VCPU_RUNNING, GH_VCPU_ACT_NONE);
		if (phase == GH_VCPU_RUNNING)
			return gh_vcpu_goto(state, GH_VCPU_ACT_NONE);
		break;
	case GH_VCPU_EV_STOP:
		/* Who takes the object away does not wait for a report. */
		if (phase == GH_VCPU_REPORTING)
			return gh_vcpu_goto(GH_VCPU_IDLE | down, GH_VCPU_ACT_NONE);
		if (phase != GH_VCPU_RUNNING)
			break;
		return gh_vcpu_goto(GH_VCPU_IDLE | down,
				    down ? GH_VCPU_ACT_NOTIFY : GH_VCPU_ACT_NONE);
	case GH_VCPU_EV_DONE:
		if (phase != GH_VCPU_WAKING)
			break;
		return gh_vcpu_goto(GH_VCPU_IDLE | down,
				    state & GH_VCPU_F_CANCEL ? GH_VCPU_ACT_CANCELED :
							     GH_VCPU_ACT_RUNNABLE);
	default:
		break;
	}
	return gh_vcpu_goto(state, GH_VCPU_ACT_BUG);
}

/*
 * Events from outside that end a run or a wait: @flag is what a runner finds,
 * @waking what the task work of a parked command finds.
 */
static __always_inline struct gh_vcpu_next gh_vcpu_next_end(unsigned int state, unsigned int flag,
							    unsigned int waking)
{
	switch (gh_vcpu_phase(state)) {
	case GH_VCPU_RUNNING:
		return gh_vcpu_goto(state | flag, GH_VCPU_ACT_INTERRUPT);
	case GH_VCPU_ASLEEP:
		return gh_vcpu_goto(GH_VCPU_RUNNING | flag, GH_VCPU_ACT_WAKE_THREAD);
	case GH_VCPU_PARKED:
		return gh_vcpu_goto(GH_VCPU_WAKING | waking, GH_VCPU_ACT_COMPLETE);
	case GH_VCPU_LEFT:
		/* The next run enters the guest, and waits again or not. */
		return gh_vcpu_goto(GH_VCPU_IDLE | (waking & GH_VCPU_F_DOWN), GH_VCPU_ACT_TELL);
	default:
		return gh_vcpu_goto(state, GH_VCPU_ACT_NONE);
	}
}

/* Events from outside, that anybody may bring at any time. */
static __always_inline struct gh_vcpu_next gh_vcpu_next_other(unsigned int state,
							      enum gh_vcpu_event event)
{
	enum gh_vcpu_phase phase = gh_vcpu_phase(state);

	switch (event) {
	case GH_VCPU_EV_WAKE:
		/* A guest that runs needs no interrupt, only the note. */
		if (phase == GH_VCPU_RUNNING)
			return gh_vcpu_goto(state | GH_VCPU_F_WAKE, GH_VCPU_ACT_NONE);
		return gh_vcpu_next_end(state, 0, 0);
	case GH_VCPU_EV_KICK:
		return gh_vcpu_next_end(state, GH_VCPU_F_KICK, 0);
	case GH_VCPU_EV_CANCEL:
		return gh_vcpu_next_end(state, GH_VCPU_F_CANCEL, GH_VCPU_F_CANCEL);
	case GH_VCPU_EV_CLOSE:
		if (phase == GH_VCPU_PARKED)
			return gh_vcpu_goto(GH_VCPU_WAKING | GH_VCPU_F_CANCEL,
					    GH_VCPU_ACT_COMPLETE);
		/* The run has its result, but a park behind it would be for ever. */
		if (phase == GH_VCPU_RUNNING)
			return gh_vcpu_goto(state | GH_VCPU_F_CLOSED, GH_VCPU_ACT_NONE);
		return gh_vcpu_goto(state, GH_VCPU_ACT_NONE);
	case GH_VCPU_EV_RING_CANCEL:
		/* In WAKING the task work is on its way and completes it. */
		if (phase == GH_VCPU_PARKED)
			return gh_vcpu_goto(GH_VCPU_IDLE, GH_VCPU_ACT_CANCELED);
		/* On a worker, between marking the command and parking it. */
		if (phase == GH_VCPU_RUNNING)
			return gh_vcpu_goto(state | GH_VCPU_F_CANCEL, GH_VCPU_ACT_NONE);
		return gh_vcpu_goto(state, GH_VCPU_ACT_NONE);
	case GH_VCPU_EV_DOWN:
		if (phase == GH_VCPU_IDLE || phase == GH_VCPU_WAKING || phase == GH_VCPU_REPORTING)
			return gh_vcpu_goto(state | GH_VCPU_F_DOWN, GH_VCPU_ACT_NONE);
		return gh_vcpu_next_end(state, GH_VCPU_F_DOWN, GH_VCPU_F_DOWN);
	case GH_VCPU_EV_UP:
		return gh_vcpu_goto(state & ~GH_VCPU_F_DOWN, GH_VCPU_ACT_NONE);
	default:
		return gh_vcpu_goto(state, GH_VCPU_ACT_BUG);
	}
}

static __always_inline struct gh_vcpu_next gh_vcpu_next(unsigned int state,
							enum gh_vcpu_event event)
{
	if (gh_vcpu_phase(state) >= GH_VCPU_NR_PHASES)
		return gh_vcpu_goto(state, GH_VCPU_ACT_BUG);
	if (event <= GH_VCPU_EV_DONE)
		return gh_vcpu_next_owner(state, event);
	return gh_vcpu_next_other(state, event);
}

#endif /* GUNYAH_VCPU_STATE_H */
