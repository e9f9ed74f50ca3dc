/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Everybody else. Each process does at any time what it may do. What happens once
 * can happen before the others begin or after they are done.
 */

#define LOCALS		byte act, ret, error, word, entered; bool seen
/* Old values would only make more states of the same. */
#define FORGET		act = 0; ret = 0

/* ---- io_uring ------------------------------------------------------------------ */

#define CAN_SUBMIT(c, r) \
	(RING(c) == r && !ring_lock[r] && !dying[r] && !closed && !in_flight[c] && left[c] > 0)
#define CAN_WORK(c, r)	(RING(c) == r && !ring_lock[r] && task_work[c])

/*
 * The submitter's thread, or the ring's own. It holds the lock while it issues, runs
 * the guest inline or leaves that to a worker, and does its task work in between.
 */
proctype Submitter(byte ring)
{
	LOCALS;
	byte c;

	do
	:: atomic {
		if
		:: CAN_SUBMIT(0, ring) -> c = 0
		:: CAN_SUBMIT(1, ring) -> c = 1
		fi;
		ring_lock[ring] = _pid + 1;
		in_flight[c] = true;
		if
		:: left[c] != FOREVER -> left[c]--
		:: else
		fi
	   };
	   if
	   :: issue(c, true)
#ifdef WORKER
	   :: queued[c] = true
#endif
	   fi;
	   atomic { UNLOCK(ring); c = 0; FORGET }
	:: atomic {
		!dying[ring];
		if
		:: CAN_WORK(0, ring) -> c = 0
		:: CAN_WORK(1, ring) -> c = 1
		fi;
		ring_lock[ring] = _pid + 1
	   };
	   run_task_work(c);
	   atomic { UNLOCK(ring); c = 0; FORGET }
	od
}

/* io-wq: no lock, in parallel. */
proctype Worker(byte c)
{
	LOCALS;

	do
	:: atomic { queued[c] -> queued[c] = false };
	   issue(c, false);
	   d_step { FORGET }
	od
}

inline cancel_one(c)
{
	if
	:: RING(c) == ring && listed[c] -> ring_cancel(c)
	:: else
	fi;
	if
	:: RING(c) == ring && task_work[c] -> run_task_work(c)
	:: else
	fi;
	atomic {
		if
		:: RING(c) == ring && queued[c] -> queued[c] = false; finish(c)
		:: else
		fi
	}
}

#define ON_RING(c, what)	(RING(c) == ring && what[c])

/*
 * The ring is closed, or its task executes or dies: in that task or in a kernel
 * thread, beside whoever still submits. It cancels until nothing is left, and does
 * the task work of a submitter that is dead.
 */
proctype RingExit(byte ring)
{
	LOCALS;

	dying[ring] = true;
	do
	:: ON_RING(0, listed) || ON_RING(1, listed) || ON_RING(0, task_work) ||
	   ON_RING(1, task_work) || ON_RING(0, queued) || ON_RING(1, queued) ->
		LOCK(ring);
		cancel_one(0);
		cancel_one(1);
		atomic { UNLOCK(ring); FORGET }
	:: !ON_RING(0, in_flight) && !ON_RING(1, in_flight) -> break
	od;
	ring_gone[ring] = true
}

/* ---- the hypervisor and what comes from it --------------------------------------- */

/*
 * A guest that waits is woken, once, or sleeps for good. The interrupt comes after
 * it was woken: others can enter it in between, and a hypercall that found it
 * waiting can still be on its way back.
 */
proctype Hypervisor()
{
	do
	:: atomic { guest == WAITS && object -> guest = CAN_RUN };
	   virq = true
	:: guest == WAITS -> break
	od
}

/* The line is shared, or the hypervisor says it twice. */
proctype Spurious(byte n)
{
	do
	:: n > 0 -> n--; virq = true
	:: else -> break
	od
}

/* An edge is pending or not; the handler of one line never runs twice at once. */
proctype Interrupt()
{
	LOCALS;

	do
	:: atomic { virq && irq_on -> virq = false; in_irq = true };
	   wake();
	   d_step { in_irq = false; FORGET }
	od
}

proctype Timer()
{
	LOCALS;

	do
	:: atomic { timer -> timer = false; in_timer = true };
	   wake();
	   d_step { in_timer = false; FORGET }
	od
}

/*
 * The VM exits because of another vCPU, or this one was GONE already. A guest that
 * waits then is not woken any more, or only late. The state is known before the
 * notifier is called.
 */
proctype VmExit()
{
	LOCALS;

	vm_exited = true;
#ifdef MUT_LIVE_AFTER_WAKE
	wake();
	live = false;
#else
	live = false;
	wake();
#endif
	vm_told = true
}

/* What ends the wait of a guest that was left, in the step that does. */
#ifdef BOARD
#define FINDS_LEFT	must_tell = must_tell || PHASE(st) == LEFT
#else
#define FINDS_LEFT	skip
#endif

/* ---- control ---------------------------------------------------------------------- */

proctype Kick()
{
	LOCALS;

	d_step {
		must_end = must_end || RUNS || PHASE(st) == PARKED;
		FINDS_LEFT;
		event_KICK(act);
		CHECK(act);
	}
	carry_out()
}

proctype Cancel()
{
	LOCALS;

	d_step {
		must_end = must_end || RUNS || PHASE(st) == PARKED;
		want_canceled = want_canceled || RUNS || PHASE(st) == PARKED;
		FINDS_LEFT;
		event_CANCEL(act);
		CHECK(act);
	}
	carry_out()
}

/* gh_vcpu_flush(), when the last descriptor of the owner goes. */
proctype Close()
{
	LOCALS;

	d_step {
		must_end = must_end || PHASE(st) == PARKED;
		want_canceled = want_canceled || PHASE(st) == PARKED || PHASE(st) == RUNNING;
		closed = true;
		event_CLOSE(act);
		CHECK(act);
	}
	carry_out()
}

proctype Signal()
{
	sig = true
}

/* ---- the ioctl ---------------------------------------------------------------------- */

/* gh_vcpu_sleep(): rcuwait takes note of the thread, looks, and only then sleeps. */
inline sleep()
{
	d_step {
		event_SLEEP(act);
		CHECK(act);
	}
	if
	:: act == ACT_WAIT ->
		do
		:: sleeper = ANNOUNCED;
		   if
		   :: PHASE(st) != ASLEEP || sig -> break
		   :: else -> sleeper == WOKEN || sig
		   fi
		od;
		sleeper = AWAKE;
		d_step {
			event_SIGNAL(act);
			CHECK(act);
		}
	:: else
	fi
}

/* gh_vcpu_run_ioctl(), some times. A signal is taken when it returns. */
proctype Ioctl(byte n)
{
	LOCALS;

	do
	:: n > 0 ->
		n--;
		take();
		if
		:: act == ACT_ENTER || act == ACT_STAY ->
			stays();
			if
			:: seen -> seen = false; sleep()
			:: else
			fi;
			do
			:: run_slice(true, sig);
			   if
			   :: ret == WAIT -> sleep()
			   :: else -> break
			   fi
			od;
			stop()
		:: act == ACT_REPORT -> stop()
		:: else
		fi;
		d_step { sig = false; FORGET }
	:: else -> break
	od
}

/* ---- batches ------------------------------------------------------------------------- */

/*
 * A batch with this vCPU in it, some times: nothing in it waits. With a board the thread
 * runs a guest that it left again only when it is told to.
 */
proctype Batch(byte n)
{
	LOCALS;

	do
	:: n > 0 ->
		n--;
		batch_entry();
#ifdef BOARD
		if
		:: act == ACT_WAIT -> atomic { told -> told = false }
		:: else
		fi;
#endif
		d_step { FORGET }
	:: else -> break
	od
}

/* ---- the end of the object ---------------------------------------------------------- */

/*
 * gh_vcpu_unpopulate(), and populate again while @times says so. wait_var_event()
 * notes who waits, looks, and only then sleeps.
 */
proctype Teardown(byte times)
{
	LOCALS;

	do
	:: times > 0 ->
		times--;
		d_step {
			down_begun = true;
			FINDS_LEFT;
			event_DOWN(act);
			CHECK(act);
		}
		carry_out();
#ifndef MUT_DOWN_DOES_NOT_WAIT
		do
		:: waiter = ANNOUNCED;
		   if
		   :: !RUNS -> break
		   :: else -> waiter == WOKEN
		   fi
		od;
		waiter = AWAKE;
#endif
		irq_on = false;
		!in_irq;
		timer = false;
		!in_timer;
		atomic { object = false; down_done = true };
		if
		:: times > 0 ->
			atomic { virq = false; irq_on = true };
			atomic { object = true; guest = CAN_RUN };
			d_step {
				down_begun = false;
				down_done = false;
				event_UP(act);
				CHECK(act);
			}
		:: else
		fi
	:: else -> break
	od
}
