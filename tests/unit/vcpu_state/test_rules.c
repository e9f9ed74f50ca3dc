// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What must hold whatever the table says, in every state that can be reached: a
 * wake-up is never lost, a command is completed once, nobody enters without an
 * object, and who takes the object away hears when the runner is out.
 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

#include "gunyah_vcpu_state.h"

#define NR_STATES	256

static bool reachable[NR_STATES];

/* Who may bring @event in @state: the owner only as long as it is one. */
static bool legal(unsigned int state, enum gh_vcpu_event event)
{
	switch (event) {
	case GH_VCPU_EV_AGAIN:
	case GH_VCPU_EV_SLEEP:
	case GH_VCPU_EV_PARK:
	case GH_VCPU_EV_LEAVE:
		return gh_vcpu_phase(state) == GH_VCPU_RUNNING;
	case GH_VCPU_EV_STOP:
		return gh_vcpu_phase(state) == GH_VCPU_RUNNING ||
		       gh_vcpu_phase(state) == GH_VCPU_REPORTING;
	case GH_VCPU_EV_SIGNAL:
		/* After its wait the ioctl brings it, woken or not. */
		return gh_vcpu_phase(state) == GH_VCPU_RUNNING ||
		       gh_vcpu_phase(state) == GH_VCPU_ASLEEP;
	case GH_VCPU_EV_DONE:
		return gh_vcpu_phase(state) == GH_VCPU_WAKING;
	default:
		return true;
	}
}

static void walk(unsigned int state)
{
	unsigned int event;

	if (reachable[state])
		return;
	reachable[state] = true;
	for (event = 0; event < GH_VCPU_NR_EVENTS; event++) {
		if (legal(state, event))
			walk(gh_vcpu_next(state, event).state);
	}
}

static void setup(void)
{
	memset(reachable, 0, sizeof(reachable));
	/* As bind leaves it. */
	walk(GH_VCPU_IDLE | GH_VCPU_F_DOWN);
}

TestSuite(rules, .init = setup);

/* What the rules are about: one transition that can happen. */
struct step {
	unsigned int state;
	enum gh_vcpu_event event;
	struct gh_vcpu_next next;
};

static void check_each_step(void (*rule)(const struct step *step))
{
	struct step step = {};

	for (step.state = 0; step.state < NR_STATES; step.state++) {
		if (!reachable[step.state])
			continue;
		for (step.event = 0; step.event < GH_VCPU_NR_EVENTS; step.event++) {
			if (!legal(step.state, step.event))
				continue;
			step.next = gh_vcpu_next(step.state, step.event);
			rule(&step);
		}
	}
}

static bool owned_by_runner(unsigned int state)
{
	return gh_vcpu_phase(state) == GH_VCPU_RUNNING || gh_vcpu_phase(state) == GH_VCPU_ASLEEP;
}

static bool owned_by_command(unsigned int state)
{
	return gh_vcpu_phase(state) == GH_VCPU_PARKED || gh_vcpu_phase(state) == GH_VCPU_WAKING;
}

static void never_a_bug(const struct step *s)
{
	cr_assert_neq(s->next.action, GH_VCPU_ACT_BUG, "state %#x event %u", s->state, s->event);
}

Test(rules, legal_events_are_never_a_bug)
{
	check_each_step(never_a_bug);
}

Test(rules, flags_only_where_somebody_reads_them)
{
	static const unsigned int may[GH_VCPU_NR_PHASES] = {
		[GH_VCPU_IDLE]		= GH_VCPU_F_DOWN,
		[GH_VCPU_RUNNING]	= GH_VCPU_FLAGS | GH_VCPU_F_CLOSED,
		[GH_VCPU_REPORTING]	= GH_VCPU_F_DOWN,
		[GH_VCPU_WAKING]	= GH_VCPU_F_CANCEL | GH_VCPU_F_DOWN,
	};
	unsigned int nr = 0, state;

	for (state = 0; state < NR_STATES; state++) {
		if (!reachable[state])
			continue;
		cr_assert_eq(state & ~GH_VCPU_PHASE_MASK & ~may[gh_vcpu_phase(state)], 0u,
			     "state %#x", state);
		nr++;
	}
	/* IDLE 2, RUNNING 32, ASLEEP 1, PARKED 1, WAKING 4, LEFT 1, REPORTING 2. */
	cr_assert_eq(nr, 43u, "%u states", nr);
}

Test(rules, a_wake_up_since_the_run_began_forbids_to_wait)
{
	unsigned int state;

	for (state = 0; state < NR_STATES; state++) {
		unsigned int woken = gh_vcpu_next(state, GH_VCPU_EV_WAKE).state;

		if (!reachable[state] || gh_vcpu_phase(state) != GH_VCPU_RUNNING)
			continue;
		cr_assert_neq(gh_vcpu_next(woken, GH_VCPU_EV_SLEEP).action, GH_VCPU_ACT_WAIT);
		cr_assert_neq(gh_vcpu_next(woken, GH_VCPU_EV_PARK).action, GH_VCPU_ACT_WAIT);
		cr_assert_neq(gh_vcpu_next(woken, GH_VCPU_EV_LEAVE).action, GH_VCPU_ACT_WAIT);
	}
}

/* STAY only as long as nothing was heard since the guest was left; its board is told once. */
static void stays_unless_woken(const struct step *s)
{
	bool left = gh_vcpu_phase(s->next.state) == GH_VCPU_LEFT;

	if (gh_vcpu_phase(s->state) != GH_VCPU_LEFT) {
		bool leaves = s->event == GH_VCPU_EV_LEAVE && s->next.action == GH_VCPU_ACT_WAIT;

		cr_assert_eq(left, leaves, "state %#x event %u", s->state, s->event);
		cr_assert_neq(s->next.action, GH_VCPU_ACT_TELL, "state %#x", s->state);
		return;
	}
	if (s->event == GH_VCPU_EV_WAKE || s->event == GH_VCPU_EV_KICK ||
	    s->event == GH_VCPU_EV_CANCEL || s->event == GH_VCPU_EV_DOWN ||
	    s->event == GH_VCPU_EV_RUN)
		cr_assert_not(left, "event %u", s->event);
	if (s->event != GH_VCPU_EV_RUN)
		cr_assert_eq(s->next.action, left ? GH_VCPU_ACT_NONE : GH_VCPU_ACT_TELL,
			     "event %u", s->event);
}

Test(rules, a_guest_that_was_left_stays_unless_woken)
{
	check_each_step(stays_unless_woken);
}

/* What the runner has yet to look at keeps it from waiting, and stays. */
static void no_flag_lost(const struct step *s)
{
	unsigned int stop = s->state & GH_VCPU_STOP_FLAGS;

	if (gh_vcpu_phase(s->state) != GH_VCPU_RUNNING)
		return;
	if (s->state & GH_VCPU_FLAGS)
		cr_assert_neq(s->next.action, GH_VCPU_ACT_WAIT, "state %#x event %u", s->state,
			      s->event);
	if (gh_vcpu_phase(s->next.state) == GH_VCPU_RUNNING && s->event != GH_VCPU_EV_UP)
		cr_assert_eq(s->next.state & stop, stop, "state %#x event %u", s->state, s->event);
}

Test(rules, no_flag_is_lost_by_waiting)
{
	check_each_step(no_flag_lost);
}

Test(rules, every_event_from_outside_ends_a_wait)
{
	static const enum gh_vcpu_event ends[] = {
		GH_VCPU_EV_WAKE, GH_VCPU_EV_KICK, GH_VCPU_EV_CANCEL, GH_VCPU_EV_DOWN,
	};
	size_t i;

	for (i = 0; i < 4; i++) {
		struct gh_vcpu_next next = gh_vcpu_next(GH_VCPU_ASLEEP, ends[i]);

		cr_assert_eq(gh_vcpu_phase(next.state), GH_VCPU_RUNNING);
		cr_assert_eq(next.action, GH_VCPU_ACT_WAKE_THREAD);
		next = gh_vcpu_next(GH_VCPU_PARKED, ends[i]);
		cr_assert_eq(gh_vcpu_phase(next.state), GH_VCPU_WAKING);
		cr_assert_eq(next.action, GH_VCPU_ACT_COMPLETE);
	}
}

/*
 * A command's life: it is parked once; its task work is queued when WAKING is
 * entered, and only then; it is completed when the vCPU stops being its, and only
 * then.
 */
static void completed_once(const struct step *s)
{
	bool waking = gh_vcpu_phase(s->state) != GH_VCPU_WAKING &&
		      gh_vcpu_phase(s->next.state) == GH_VCPU_WAKING;
	bool completed = s->next.action == GH_VCPU_ACT_RUNNABLE ||
			 s->next.action == GH_VCPU_ACT_CANCELED;
	bool was = owned_by_command(s->state), is = owned_by_command(s->next.state);

	cr_assert_eq(s->next.action == GH_VCPU_ACT_COMPLETE, waking, "state %#x event %u",
		     s->state, s->event);
	cr_assert_eq(completed, was && !is, "state %#x event %u", s->state, s->event);
	if (completed)
		cr_assert_eq(gh_vcpu_phase(s->next.state), GH_VCPU_IDLE);
	if (!was && is)
		cr_assert_eq(s->event, GH_VCPU_EV_PARK);
}

Test(rules, a_command_is_completed_once)
{
	check_each_step(completed_once);
}

/* After close() nobody can kick or cancel: a command must not wait. */
static void closed_never_parks(const struct step *s)
{
	if (s->event == GH_VCPU_EV_CLOSE)
		cr_assert_neq(gh_vcpu_phase(s->next.state), GH_VCPU_PARKED, "state %#x", s->state);
	if (s->event == GH_VCPU_EV_CLOSE && gh_vcpu_phase(s->state) == GH_VCPU_RUNNING)
		cr_assert(s->next.state & GH_VCPU_F_CLOSED, "state %#x", s->state);
	if (!(s->state & GH_VCPU_F_CLOSED))
		return;
	if (s->event == GH_VCPU_EV_PARK) {
		cr_assert_eq(s->next.action, GH_VCPU_ACT_COMPLETE, "state %#x", s->state);
		cr_assert(s->next.state & GH_VCPU_F_CANCEL, "state %#x", s->state);
	}
	if (gh_vcpu_phase(s->next.state) == GH_VCPU_RUNNING)
		cr_assert(s->next.state & GH_VCPU_F_CLOSED, "state %#x event %u", s->state,
			  s->event);
}

Test(rules, a_closed_vcpu_never_parks)
{
	check_each_step(closed_never_parks);
}

/* The page has one writer, also when there is nothing to run. */
static void one_reporter(const struct step *s)
{
	bool was = gh_vcpu_phase(s->state) == GH_VCPU_REPORTING;
	bool is = gh_vcpu_phase(s->next.state) == GH_VCPU_REPORTING;

	cr_assert_eq(s->next.action == GH_VCPU_ACT_REPORT, !was && is, "state %#x event %u",
		     s->state, s->event);
	if (was && s->event == GH_VCPU_EV_RUN)
		cr_assert_eq(s->next.action, GH_VCPU_ACT_BUSY);
	if (was && s->event != GH_VCPU_EV_STOP)
		cr_assert(is, "state %#x event %u", s->state, s->event);
}

Test(rules, one_reporter_at_a_time)
{
	check_each_step(one_reporter);
}

static void one_owner(const struct step *s)
{
	bool enters = !owned_by_runner(s->state) && owned_by_runner(s->next.state);

	cr_assert_eq(s->next.action == GH_VCPU_ACT_ENTER || s->next.action == GH_VCPU_ACT_STAY,
		     enters, "state %#x event %u", s->state, s->event);
	if (enters)
		cr_assert_eq(s->state, s->next.action == GH_VCPU_ACT_ENTER ?
				       (unsigned int)GH_VCPU_IDLE : (unsigned int)GH_VCPU_LEFT);
}

Test(rules, one_owner_at_a_time)
{
	check_each_step(one_owner);
}

static void down_stays_out(const struct step *s)
{
	if (s->event == GH_VCPU_EV_DOWN)
		cr_assert(s->next.state & GH_VCPU_F_DOWN, "state %#x", s->state);
	if (!(s->state & GH_VCPU_F_DOWN))
		return;
	cr_assert_neq(s->next.action, GH_VCPU_ACT_ENTER);
	cr_assert_neq(s->next.action, GH_VCPU_ACT_STAY);
	cr_assert_neq(s->next.action, GH_VCPU_ACT_WAIT);
	cr_assert(s->event == GH_VCPU_EV_UP || s->next.state & GH_VCPU_F_DOWN,
		  "state %#x event %u", s->state, s->event);
}

Test(rules, nobody_enters_without_an_object)
{
	check_each_step(down_stays_out);
}

/* The driver wakes the waiter after NOTIFY, and after a PARK that did not park. */
static void teardown_hears(const struct step *s)
{
	if (!(s->state & GH_VCPU_F_DOWN) || !owned_by_runner(s->state) ||
	    owned_by_runner(s->next.state))
		return;
	cr_assert(s->next.action == GH_VCPU_ACT_NOTIFY ||
		  (s->event == GH_VCPU_EV_PARK && s->next.action == GH_VCPU_ACT_COMPLETE),
		  "state %#x event %u", s->state, s->event);
}

Test(rules, who_takes_the_object_hears_that_the_runner_is_out)
{
	check_each_step(teardown_hears);
}

/* The ring's cancellation cannot meet a guest that runs under the ring's lock. */
static void told_to_look(const struct step *s)
{
	if (gh_vcpu_phase(s->state) != GH_VCPU_RUNNING || s->event == GH_VCPU_EV_RING_CANCEL)
		return;
	if (gh_vcpu_phase(s->next.state) != GH_VCPU_RUNNING)
		return;
	if (s->next.state & ~s->state & GH_VCPU_STOP_FLAGS)
		cr_assert_eq(s->next.action, GH_VCPU_ACT_INTERRUPT, "state %#x event %u",
			     s->state, s->event);
}

Test(rules, a_runner_is_told_to_look)
{
	check_each_step(told_to_look);
}
