// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Prints the driver's transition function as Promela, so that the model checks the
 * table that the driver is compiled with and not a copy of it.
 *
 * Each event becomes an inline event_NAME(act) over the global byte st, with one
 * line for each state word that can be reached from how bind leaves a vCPU. A pair
 * that the driver calls impossible gets ACT_BUG, which the model never accepts.
 *
 * gen NAME prints a table with one defect, if it is one of the table's.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

/* What becomes of the flags of a state. */
enum flags { NO_FLAGS, DOWN, SET_DOWN, ALL_FLAGS };

/**
 * struct defect - a pair that the driver would treat wrongly
 * @event, @from: the pair: in this phase, whatever the flags
 * @to, @flags, @action: what becomes of it
 */
struct defect {
	const char *name;
	enum gh_vcpu_event event;
	enum gh_vcpu_phase from;
	enum gh_vcpu_phase to;
	enum flags flags;
	enum gh_vcpu_action action;
};

#define DEFECT(name, ev, from, to, flags, act) \
	{ #name, GH_VCPU_EV_##ev, GH_VCPU_##from, GH_VCPU_##to, flags, GH_VCPU_ACT_##act }

static const struct defect defects[] = {
	DEFECT(PARK_IGNORES_FLAGS, PARK, RUNNING, PARKED, DOWN, WAIT),
	DEFECT(SLEEP_IGNORES_FLAGS, SLEEP, RUNNING, ASLEEP, DOWN, WAIT),
	DEFECT(WAKE_NOT_NOTED, WAKE, RUNNING, RUNNING, ALL_FLAGS, NONE),
	DEFECT(WAKE_LEAVES_LEFT, WAKE, LEFT, LEFT, ALL_FLAGS, NONE),
	DEFECT(LEAVE_IGNORES_FLAGS, LEAVE, RUNNING, LEFT, DOWN, WAIT),
	DEFECT(RUN_STAYS_WHEN_WOKEN, RUN, IDLE, RUNNING, NO_FLAGS, STAY),
	DEFECT(DOWN_LEAVES_LEFT, DOWN, LEFT, LEFT, ALL_FLAGS, NONE),
	DEFECT(WAKE_TELLS_NOBODY, WAKE, LEFT, IDLE, NO_FLAGS, NONE),
	DEFECT(KICK_LEAVES_LEFT, KICK, LEFT, LEFT, ALL_FLAGS, NONE),
	DEFECT(CANCEL_TELLS_NOBODY, CANCEL, LEFT, IDLE, NO_FLAGS, NONE),
	DEFECT(DOWN_TELLS_NOBODY, DOWN, LEFT, IDLE, SET_DOWN, NONE),
	DEFECT(WAKE_COMPLETES_TWICE, WAKE, WAKING, WAKING, ALL_FLAGS, COMPLETE),
	DEFECT(RING_CANCEL_TAKES_WAKING, RING_CANCEL, WAKING, IDLE, DOWN, CANCELED),
	DEFECT(RING_CANCEL_TAKES_RUNNING, RING_CANCEL, RUNNING, IDLE, DOWN, CANCELED),
	DEFECT(RING_CANCEL_LEAVES_PARKED, RING_CANCEL, PARKED, PARKED, NO_FLAGS, NONE),
	DEFECT(RUN_TAKES_PARKED, RUN, PARKED, RUNNING, NO_FLAGS, ENTER),
	DEFECT(KICK_LEAVES_PARKED, KICK, PARKED, PARKED, NO_FLAGS, NONE),
	DEFECT(CANCEL_READS_RUNNABLE, CANCEL, PARKED, WAKING, NO_FLAGS, COMPLETE),
	DEFECT(CLOSE_NOT_NOTED, CLOSE, RUNNING, RUNNING, ALL_FLAGS, NONE),
	DEFECT(REPORT_WITHOUT_OWNER, RUN, REPORTING, REPORTING, ALL_FLAGS, REPORT),
	DEFECT(DOWN_LEAVES_PARKED, DOWN, PARKED, PARKED, NO_FLAGS, NONE),
	DEFECT(DONE_LOSES_DOWN, DONE, WAKING, IDLE, NO_FLAGS, RUNNABLE),
	DEFECT(STOP_TELLS_NOBODY, STOP, RUNNING, IDLE, DOWN, NONE),
};

/* The one that was asked for, or NULL. */
static const struct defect *defect;

static struct gh_vcpu_next next_of(unsigned int state, enum gh_vcpu_event event)
{
	unsigned int flags = state & ~GH_VCPU_PHASE_MASK, down = state & GH_VCPU_F_DOWN;
	const unsigned int kept[] = {
		[NO_FLAGS] = 0, [DOWN] = down, [SET_DOWN] = GH_VCPU_F_DOWN, [ALL_FLAGS] = flags,
	};

	if (!defect || event != defect->event || gh_vcpu_phase(state) != defect->from)
		return gh_vcpu_next(state, event);
	/* A run does not take what has no object, with a defect or without. */
	if (event == GH_VCPU_EV_RUN && defect->from == GH_VCPU_IDLE && down)
		return gh_vcpu_next(state, event);
	return gh_vcpu_goto(defect->to | kept[defect->flags], defect->action);
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

int main(int argc, char **argv)
{
	unsigned int i, nr = 0;

	for (i = 0; argc > 1 && i < NR(defects); i++)
		if (!strcmp(argv[1], defects[i].name))
			defect = &defects[i];
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
