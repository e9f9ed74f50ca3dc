/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The kick's way into a guest: gh_vcpu_enter() on one of two CPUs, and who kicks.
 *
 * The guest never leaves by itself, no slice ends and no other interrupt comes, so
 * only the kick can end the run. Interrupts of a CPU come between two steps of what
 * runs there, also inside the guest, which they end.
 */

#define NCPU		2
#define NOWHERE		255

/* clock->end */
#define NO_RUN		0
#define RUNS		1
#define OVERDUE		2

bool flag;			/* KICK in the state word */
byte vcpu_cpu = NOWHERE;	/* vcpu->cpu */
byte end[NCPU];
bool kicked[NCPU];		/* the call is under way */
bool ipi[NCPU];
bool timer[NCPU];		/* armed, to fire soon */
bool guest[NCPU];		/* the guest runs there */
byte here;			/* where the runner is; it moves while preemption is on */
bool pinned;
bool out;

proctype Runner()
{
	bool stop;

	do
	:: atomic { pinned = true; stop = false };
#ifndef MUT_CLOCK_STARTED_LATE
	   end[here] = RUNS;
#endif
#ifndef MUT_CPU_WRITTEN_LATE
	   vcpu_cpu = here;
#endif
	   stop = flag;
#ifdef MUT_CPU_WRITTEN_LATE
	   vcpu_cpu = here;
#endif
#ifdef MUT_CLOCK_STARTED_LATE
	   end[here] = RUNS;
#endif
	   if
	   :: stop
	   :: else ->
		guest[here] = true;
		!guest[here]
	   fi;
	   end[here] = NO_RUN;
	   atomic {
		pinned = false;
		if
		:: stop -> break
		:: else
		fi
	   }
	od;
	out = true
}

/* Only while it may be preempted. */
proctype Scheduler()
{
	do
	:: atomic { !pinned && !out -> here = 1 - here }
	:: out -> break
	od
}

/* gh_clock_kicked() and gh_clock_fires(), in interrupt context of their CPU. */
proctype Interrupts(byte cpu)
{
	do
	:: atomic {
		ipi[cpu] -> ipi[cpu] = false;
#ifndef MUT_KICKED_CLEARED_LATE
		kicked[cpu] = false;
#endif
		if
		:: end[cpu] == NO_RUN
		:: else ->
			end[cpu] = OVERDUE;
#ifndef MUT_KICK_WITHOUT_RETRY
			timer[cpu] = true
#endif
		fi;
		guest[cpu] = false
	   }
#ifdef MUT_KICKED_CLEARED_LATE
	   kicked[cpu] = false
#endif
	:: atomic {
		timer[cpu] -> timer[cpu] = (end[cpu] != NO_RUN);
		guest[cpu] = false
	   }
	od
}

/* gh_clock_overdue() */
inline overdue(cpu)
{
	atomic { was = kicked[cpu]; kicked[cpu] = true };
	if
	:: was
	:: else -> ipi[cpu] = true
	fi
}

/* gh_vcpu_kick(): the state word, then the CPU. */
proctype Kicker()
{
	byte cpu;
	bool was;

#ifndef MUT_FLAG_AFTER_KICK
	flag = true;
#endif
	cpu = vcpu_cpu;
	if
	:: cpu == NOWHERE
	:: else -> overdue(cpu)
	fi
#ifdef MUT_FLAG_AFTER_KICK
	;
	flag = true
#endif
}

/* Another vCPU, which ran there once, is kicked. */
proctype Bystander(byte cpu)
{
	bool was;

	overdue(cpu)
}

/* When nothing can happen any more, the kick has ended the run. */
active proctype AtRest()
{
	timeout;
	assert(flag && out)
}

init {
	atomic {
		run Runner();
		run Scheduler();
		run Interrupts(0);
		run Interrupts(1);
		run Kicker();
		run Bystander(0);
		run Bystander(1)
	}
}
