/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * RUN before VM_START: gunyah_vcpu_start.c. Two commands want to wait, one is issued
 * inline and one by a worker; the VM starts, the vCPU is removed, somebody kicks or
 * cancels, the vCPU is closed, the ring goes away, each at any time or never.
 *
 * What happens under start_lock is one step. The ring's lock is a lock.
 */

#define NCMD		2
#define INLINE		0
#define WORKER		1
#define NOBODY		255

/* Results. */
#define NONE		0
#define RUNNABLE	1
#define CANCELED	2
#define VALUE		3	/* returned by the issue: EBUSY, or the run that follows */

/* ---- the driver ---------------------------------------------------------------- */

byte starter = NOBODY;
bool removed;
bool armed[NCMD];
bool ended[NCMD];
byte res[NCMD];

/* ---- the VM --------------------------------------------------------------------- */

bool started;			/* its state */
bool told;			/* and the notifier was called */
bool closed;			/* the vCPU's descriptor */

/* ---- io_uring ------------------------------------------------------------------- */

bool ring_lock;
bool ring_dying;
bool in_flight[NCMD];
bool listed[NCMD];		/* cancelable */
bool task_work[NCMD];
byte result[NCMD];		/* of the CQE */

/* ---- what only the properties look at ------------------------------------------- */

bool waits[NCMD];		/* claimed, and not completed */
bool must_end[NCMD];		/* KICK, CANCEL or close() came while it waited */
bool cancelled[NCMD];		/* by CANCEL or close(), before anything else ended it */

#define LOCK		atomic { !ring_lock -> ring_lock = true }
#define UNLOCK		ring_lock = false

/* The CQE. Nothing may know the command any more. */
inline finish(c, r)
{
	assert(in_flight[c]);
	assert(starter != c);
	assert(!task_work[c]);
	in_flight[c] = false;
	listed[c] = false;
	waits[c] = false;
	must_end[c] = false;
	result[c] = r
}

inline complete_in_task(c)
{
	assert(in_flight[c] && listed[c] && !task_work[c]);
	task_work[c] = true
}

/* gh_vcpu_start_take(), within a step; @cmd is NOBODY or the command that was taken. */
inline take(cmd, r)
{
	cmd = starter;
	if
	:: cmd == NOBODY
	:: cmd != NOBODY ->
		if
#ifndef MUT_END_ENDS_TWICE
		:: ended[cmd] -> cmd = NOBODY
		:: !ended[cmd] ->
#else
		:: true ->
#endif
			res[cmd] = r;
			if
#ifndef MUT_TAKE_BEFORE_ARMED
			:: !armed[cmd] -> ended[cmd] = true; cmd = NOBODY
#else
			:: !armed[cmd] -> starter = NOBODY
#endif
			:: armed[cmd] ->
#ifndef MUT_TAKE_LEAVES_STARTER
				starter = NOBODY
#else
				skip
#endif
			fi
		fi
	fi
}

/* What the properties know of an end that comes now. */
inline note_end(r)
{
	if
	:: starter != NOBODY ->
		must_end[starter] = true;
		cancelled[starter] = cancelled[starter] || (r == CANCELED && !ended[starter])
	:: else
	fi
}

/* gh_vcpu_start_end() */
inline end_wait(r)
{
	atomic { note_end(r); take(cmd, r) };
	if
	:: cmd != NOBODY -> atomic { complete_in_task(cmd); cmd = NOBODY }
	:: else
	fi
}

/* gh_vcpu_start_wait() and what is around it in the issue. */
inline issue(c, locked)
{
	/* The claim. */
	atomic {
#ifndef MUT_CLAIM_IGNORES_STATE
		if
		:: removed || started -> finish(c, VALUE)
		:: else ->
#endif
#ifndef MUT_CLAIM_TAKES_OVER
			if
			:: starter != NOBODY -> finish(c, VALUE)
			:: else ->
#endif
				armed[c] = false;
#ifndef MUT_ORPHAN_WAITS
				/* gh_vcpu_uring_orphaned() */
				ended[c] = closed;
				res[c] = CANCELED;
#else
				ended[c] = false;
#endif
				starter = c;
				waits[c] = true
#ifndef MUT_CLAIM_TAKES_OVER
			fi
#endif
#ifndef MUT_CLAIM_IGNORES_STATE
		fi
#endif
	};
	if
	:: !waits[c]
	:: waits[c] ->
#ifdef MUT_ARM_BEFORE_MARK
		armed[c] = true;
#endif
		if
		:: locked -> listed[c] = true
		:: !locked -> LOCK; listed[c] = true; UNLOCK
		fi;
#ifdef MUT_ENDED_RETURNS
		if
		:: ended[c] -> atomic { starter = NOBODY; assert(!listed[c]); finish(c, VALUE) }
		:: else -> armed[c] = true
		fi
#else
#ifndef MUT_ARM_BEFORE_MARK
		atomic {
			if
			:: ended[c] ->
				starter = NOBODY;
#ifndef MUT_ENDED_IS_FORGOTTEN
				complete_in_task(c)
#endif
			:: else -> armed[c] = true
			fi
		}
#endif
#endif
	fi
}

/* Issues and does its task work under the ring's lock. */
proctype Submitter()
{
	LOCK;
	if
	:: ring_dying
	:: else -> in_flight[INLINE] = true; issue(INLINE, true)
	fi;
	UNLOCK
}

/* In parallel, without the lock. */
proctype Worker()
{
	if
	:: atomic { !ring_dying -> in_flight[WORKER] = true }; issue(WORKER, false)
	:: ring_dying
	fi
}

inline work(c)
{
	atomic { task_work[c] = false; finish(c, res[c]) };
	assert(!cancelled[c] || result[c] == CANCELED)
}

/* The submitter's, or a kernel thread's when that is dead. */
proctype TaskWork()
{
	do
	:: atomic { !ring_lock && (task_work[0] || task_work[1]) -> ring_lock = true };
	   if
	   :: task_work[0] -> work(0)
	   :: task_work[1] -> work(1)
	   fi;
	   UNLOCK
	od
}

/* gh_vcpu_start_cancel(), for each command on the ring's list, until none is left. */
proctype RingExit()
{
	byte cmd = NOBODY, c;

	ring_dying = true;
	do
	:: atomic { !ring_lock && (listed[0] || listed[1]) -> ring_lock = true };
	   for (c : 0 .. NCMD - 1) {
		if
		:: listed[c] ->
			atomic {
				cmd = NOBODY;
				if
#ifndef MUT_RING_CANCELS_ANY
				:: starter == c -> take(cmd, CANCELED)
				:: else
#else
				:: true -> take(cmd, CANCELED); cmd = c
#endif
				fi
			};
			if
			:: cmd != NOBODY -> atomic { finish(c, CANCELED); cmd = NOBODY }
			:: else
			fi
		:: else
		fi
	   };
	   UNLOCK
	od
}

/* gh_vm_start(): the state, then who wants to know of it. It may fail; that is no other. */
proctype Start()
{
	byte cmd = NOBODY;

#ifdef MUT_STATE_AFTER_NOTIFY
	end_wait(RUNNABLE);
	started = true;
#else
	started = true;
	end_wait(RUNNABLE);
#endif
	told = true
}

proctype Remove()
{
	byte cmd = NOBODY;

#ifdef MUT_REMOVED_LATE
	end_wait(RUNNABLE);
	removed = true
#else
	removed = true;
	end_wait(RUNNABLE)
#endif
}

/* The look before is without the lock: a command that is claimed after may be missed. */
proctype Kick()
{
	byte cmd = NOBODY;

	if
	:: starter != NOBODY -> end_wait(RUNNABLE)
	:: else
	fi
}

/* CANCEL */
proctype Cancel()
{
	byte cmd = NOBODY;

	end_wait(CANCELED)
}

/* gh_vcpu_flush(): a command that was submitted before may be claimed after. */
proctype Close()
{
	byte cmd = NOBODY;

	closed = true;
	end_wait(CANCELED)
}

/* When nothing can happen any more. */
active proctype AtRest()
{
	byte c;

	timeout;
	assert(!ring_lock);
	for (c : 0 .. NCMD - 1) {
		assert(!task_work[c]);
		assert(in_flight[c] == waits[c]);
		/* Who waits is known, waits for something, and nobody has ended it. */
		if
		:: waits[c] ->
			assert(starter == c && listed[c]);
			assert(!started && !removed && !closed);
			assert(!must_end[c] && !ring_dying)
		:: else -> assert(starter != c)
		fi
	}
}

init {
	atomic {
		run Submitter();
		run Worker();
		run TaskWork();
		if
		:: run Start()
		:: true
		fi;
#ifdef CLOSE
		if
		:: run Close()
		:: true
		fi;
#else
		if
		:: run Remove()
		:: true
		fi;
		if
		:: run Kick()
		:: true
		fi;
		if
		:: run Cancel()
		:: true
		fi;
#endif
		if
		:: run RingExit()
		:: true
		fi
	}
}
