// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Prints the driver's transition function as Promela, so that the model checks the
 * table that the driver is compiled with and not a copy of it.
 *
 * Each event becomes an inline event_NAME(act) over the global byte st, with one
 * line for each state word that can be reached from how bind leaves a vCPU. A pair
 * that the driver calls impossible gets ACT_BUG, which the model never accepts.
 *
 * Compiled with -DMUT_NAME it prints a table with one defect.
 */
#include <stdbool.h>
#include <stdio.h>

#include "gunyah_vcpu_state.h"

#define NR_STATES	256

static const char * const event_names[] = {
	[GH_VCPU_EV_RUN] = "RUN",
	[GH_VCPU_EV_AGAIN] = "AGAIN",
	[GH_VCPU_EV_SLEEP] = "SLEEP",
	[GH_VCPU_EV_PARK] = "PARK",
	[GH_VCPU_EV_LEAVE] = "LEAVE",
	[GH_VCPU_EV_SIGNAL] = "SIGNAL",
	[GH_VCPU_EV_STOP] = "STOP",
	[GH_VCPU_EV_DONE] = "DONE",
	[GH_VCPU_EV_WAKE] = "WAKE",
	[GH_VCPU_EV_KICK] = "KICK",
	[GH_VCPU_EV_CANCEL] = "CANCEL",
	[GH_VCPU_EV_CLOSE] = "CLOSE",
	[GH_VCPU_EV_RING_CANCEL] = "RING_CANCEL",
	[GH_VCPU_EV_DOWN] = "DOWN",
	[GH_VCPU_EV_UP] = "UP",
};

static const char * const action_names[] = {
	[GH_VCPU_ACT_NONE] = "NONE",
	[GH_VCPU_ACT_ENTER] = "ENTER",
	[GH_VCPU_ACT_STAY] = "STAY",
	[GH_VCPU_ACT_REPORT] = "REPORT",
	[GH_VCPU_ACT_BUSY] = "BUSY",
	[GH_VCPU_ACT_WAIT] = "WAIT",
	[GH_VCPU_ACT_COMPLETE] = "COMPLETE",
	[GH_VCPU_ACT_RUNNABLE] = "RUNNABLE",
	[GH_VCPU_ACT_CANCELED] = "CANCELED",
	[GH_VCPU_ACT_WAKE_THREAD] = "WAKE_THREAD",
	[GH_VCPU_ACT_INTERRUPT] = "INTERRUPT",
	[GH_VCPU_ACT_NOTIFY] = "NOTIFY",
	[GH_VCPU_ACT_TELL] = "TELL",
	[GH_VCPU_ACT_BUG] = "BUG",
};

static const char * const phase_names[] = {
	[GH_VCPU_IDLE] = "IDLE",
	[GH_VCPU_RUNNING] = "RUNNING",
	[GH_VCPU_ASLEEP] = "ASLEEP",
	[GH_VCPU_PARKED] = "PARKED",
	[GH_VCPU_WAKING] = "WAKING",
	[GH_VCPU_LEFT] = "LEFT",
	[GH_VCPU_REPORTING] = "REPORTING",
};

/* A new event, action or phase must be modelled before this compiles again. */
#define NR(names)	(sizeof(names) / sizeof((names)[0]))
_Static_assert(NR(event_names) == GH_VCPU_NR_EVENTS, "an event is not modelled");
_Static_assert(NR(action_names) == GH_VCPU_ACT_BUG + 1, "an action is not modelled");
_Static_assert(NR(phase_names) == GH_VCPU_NR_PHASES, "a phase is not modelled");

/* One defect, if one was asked for; true if it decides about this pair. */
static bool mutated(unsigned int state, enum gh_vcpu_event event, struct gh_vcpu_next *next)
{
	enum gh_vcpu_phase phase = gh_vcpu_phase(state);
	unsigned int down = state & GH_VCPU_F_DOWN;

#define DEFECT(ev, when, to, act)						\
	do {									\
		if (event == GH_VCPU_EV_##ev && (when)) {			\
			*next = gh_vcpu_goto(to, GH_VCPU_ACT_##act);		\
			return true;						\
		}								\
	} while (0)

	(void)event;
	(void)next;
	(void)phase;
	(void)down;
#ifdef MUT_PARK_IGNORES_FLAGS
	DEFECT(PARK, phase == GH_VCPU_RUNNING, GH_VCPU_PARKED | down, WAIT);
#endif
#ifdef MUT_SLEEP_IGNORES_FLAGS
	DEFECT(SLEEP, phase == GH_VCPU_RUNNING, GH_VCPU_ASLEEP | down, WAIT);
#endif
#ifdef MUT_WAKE_NOT_NOTED
	DEFECT(WAKE, phase == GH_VCPU_RUNNING, state, NONE);
#endif
#ifdef MUT_WAKE_LEAVES_LEFT
	DEFECT(WAKE, phase == GH_VCPU_LEFT, state, NONE);
#endif
#ifdef MUT_LEAVE_IGNORES_FLAGS
	DEFECT(LEAVE, phase == GH_VCPU_RUNNING, GH_VCPU_LEFT | down, WAIT);
#endif
#ifdef MUT_RUN_STAYS_WHEN_WOKEN
	DEFECT(RUN, phase == GH_VCPU_IDLE && !down, GH_VCPU_RUNNING, STAY);
#endif
#ifdef MUT_DOWN_LEAVES_LEFT
	DEFECT(DOWN, phase == GH_VCPU_LEFT, state, NONE);
#endif
#ifdef MUT_WAKE_TELLS_NOBODY
	DEFECT(WAKE, phase == GH_VCPU_LEFT, GH_VCPU_IDLE, NONE);
#endif
#ifdef MUT_KICK_LEAVES_LEFT
	DEFECT(KICK, phase == GH_VCPU_LEFT, state, NONE);
#endif
#ifdef MUT_CANCEL_TELLS_NOBODY
	DEFECT(CANCEL, phase == GH_VCPU_LEFT, GH_VCPU_IDLE, NONE);
#endif
#ifdef MUT_DOWN_TELLS_NOBODY
	DEFECT(DOWN, phase == GH_VCPU_LEFT, GH_VCPU_IDLE | GH_VCPU_F_DOWN, NONE);
#endif
#ifdef MUT_WAKE_COMPLETES_TWICE
	DEFECT(WAKE, phase == GH_VCPU_WAKING, state, COMPLETE);
#endif
#ifdef MUT_RING_CANCEL_TAKES_WAKING
	DEFECT(RING_CANCEL, phase == GH_VCPU_WAKING, GH_VCPU_IDLE | down, CANCELED);
#endif
#ifdef MUT_RING_CANCEL_TAKES_RUNNING
	DEFECT(RING_CANCEL, phase == GH_VCPU_RUNNING, GH_VCPU_IDLE | down, CANCELED);
#endif
#ifdef MUT_RING_CANCEL_LEAVES_PARKED
	DEFECT(RING_CANCEL, phase == GH_VCPU_PARKED, GH_VCPU_PARKED, NONE);
#endif
#ifdef MUT_RUN_TAKES_PARKED
	DEFECT(RUN, phase == GH_VCPU_PARKED, GH_VCPU_RUNNING, ENTER);
#endif
#ifdef MUT_KICK_LEAVES_PARKED
	DEFECT(KICK, phase == GH_VCPU_PARKED, GH_VCPU_PARKED, NONE);
#endif
#ifdef MUT_CANCEL_READS_RUNNABLE
	DEFECT(CANCEL, phase == GH_VCPU_PARKED, GH_VCPU_WAKING, COMPLETE);
#endif
#ifdef MUT_CLOSE_NOT_NOTED
	DEFECT(CLOSE, phase == GH_VCPU_RUNNING, state, NONE);
#endif
#ifdef MUT_REPORT_WITHOUT_OWNER
	DEFECT(RUN, phase == GH_VCPU_REPORTING, state, REPORT);
#endif
#ifdef MUT_DOWN_LEAVES_PARKED
	DEFECT(DOWN, phase == GH_VCPU_PARKED, GH_VCPU_PARKED, NONE);
#endif
#ifdef MUT_DONE_LOSES_DOWN
	DEFECT(DONE, phase == GH_VCPU_WAKING, GH_VCPU_IDLE, RUNNABLE);
#endif
#ifdef MUT_STOP_TELLS_NOBODY
	DEFECT(STOP, phase == GH_VCPU_RUNNING, GH_VCPU_IDLE | down, NONE);
#endif
	return false;
}

static struct gh_vcpu_next next_of(unsigned int state, enum gh_vcpu_event event)
{
	struct gh_vcpu_next next;

	if (mutated(state, event, &next))
		return next;
	return gh_vcpu_next(state, event);
}

static bool reachable[NR_STATES];

static void walk(unsigned int state)
{
	unsigned int event;

	if (reachable[state])
		return;
	reachable[state] = true;
	for (event = 0; event < GH_VCPU_NR_EVENTS; event++)
		walk(next_of(state, event).state % NR_STATES);
}

static void print_event(unsigned int event)
{
	unsigned int state;

	printf("\ninline event_%s(act)\n{\n\tif\n", event_names[event]);
	for (state = 0; state < NR_STATES; state++) {
		struct gh_vcpu_next next = next_of(state, event);

		if (!reachable[state])
			continue;
		printf("\t:: st == %3u -> st = %3u; act = ACT_%s\n", state, next.state,
		       action_names[next.action]);
	}
	printf("\tfi\n}\n");
}

int main(void)
{
	unsigned int i, nr = 0;

	walk(GH_VCPU_IDLE | GH_VCPU_F_DOWN);
	for (i = 0; i < NR_STATES; i++)
		nr += reachable[i];

	printf("/* Made by gen.c from kernel/gunyah_vcpu_state.h: %u states. */\n\n", nr);
	for (i = 0; i < GH_VCPU_NR_PHASES; i++)
		printf("#define %-16s%u\n", phase_names[i], i);
	printf("#define PHASE(s)        ((s) & %u)\n\n", GH_VCPU_PHASE_MASK);
	printf("#define F_CLOSED        %u\n", GH_VCPU_F_CLOSED);
	printf("#define F_WAKE          %u\n", GH_VCPU_F_WAKE);
	printf("#define F_KICK          %u\n", GH_VCPU_F_KICK);
	printf("#define F_CANCEL        %u\n", GH_VCPU_F_CANCEL);
	printf("#define F_DOWN          %u\n", GH_VCPU_F_DOWN);
	printf("#define STOP_FLAGS      %u\n\n", GH_VCPU_STOP_FLAGS);
	for (i = 0; i <= GH_VCPU_ACT_BUG; i++)
		printf("#define ACT_%-12s%u\n", action_names[i], i);
	for (i = 0; i < GH_VCPU_NR_EVENTS; i++)
		print_event(i);
	return 0;
}
