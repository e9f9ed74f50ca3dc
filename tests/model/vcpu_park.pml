/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * One vCPU that runs by io_uring commands, by the ioctl and in batches: parks,
 * wake-ups, kicks, cancellation, the end of a ring and of the hypervisor object.
 *
 *   vcpu_table.pml	the transition function, made from the driver's header
 *   driver.pml		what the driver does around it
 *   world.pml		io_uring, the hypervisor, interrupts, everybody else
 *   this file		the state, the properties, who takes part
 *
 * docs/model.md says what is modelled and what is not. run-model.sh chooses by -D
 * who takes part, and puts in one defect with -DMUT_NAME.
 */
#include "vcpu_table.pml"

/* Two commands; on two rings, or on one. */
#ifdef ONE_RING
#define RING(c)		0
#else
#define RING(c)		(c)
#endif

#define NOBODY		255
#define FOREVER		255

/* Of who waits for an event. A wake-up reaches only who has announced himself. */
#define AWAKE		0
#define ANNOUNCED	1
#define WOKEN		2
#define WAKE_UP(who)	who = (who == ANNOUNCED -> WOKEN : who)

/* ---- the driver ---------------------------------------------------------------- */

byte st = IDLE;			/* the state word */
byte vcmd = NOBODY;		/* vcpu->cmd */
bool live = true;		/* what the notifier said last */
bool timer;			/* armed */
byte sleeper = AWAKE;		/* the ioctl's thread, rcuwait */
byte waiter = AWAKE;		/* who takes the object away, wait_var_event() */

/* ---- the hypervisor and the VM ------------------------------------------------- */

#define CAN_RUN		0
#define WAITS		1	/* WFI: left by a wake-up only */
#define GONE		2	/* powered off for good */

byte guest = CAN_RUN;
bool object = true;		/* the vCPU's capability is valid */
bool inside;			/* a hypercall is under way */
bool virq;			/* the wake-up interrupt is pending */
bool irq_on = true;		/* requested */
bool in_irq;			/* its handler runs */
bool in_timer;			/* the timer's does */
bool vm_exited;			/* the resource manager said so */
bool vm_told;			/* and the notifier was called */

/* ---- io_uring ------------------------------------------------------------------ */

byte ring_lock[2];		/* uring_lock: 1 + the holder */
bool dying[2];			/* the ring goes away, or its task */
bool ring_gone[2];
bool in_flight[2];		/* submitted and not completed */
bool listed[2];			/* cancelable, on the ring's list */
bool task_work[2];		/* queued */
bool queued[2];			/* for a worker */
byte left[2];			/* submissions to come */

/* ---- what only the properties look at ------------------------------------------ */

byte owner = NOBODY;		/* whose the vCPU is, RUNNING, ASLEEP and REPORTING */
bool must_end;			/* KICK or CANCEL found it running or waiting, close() waiting */
bool want_canceled;		/* CANCEL or close() ended this run, if it parks */
bool sig;			/* the ioctl's thread has a signal */
#ifdef BOARD
bool told;			/* the bit of the batch's thread */
bool owed;			/* it left a guest that nobody took since, and was not told */
bool must_tell;			/* KICK, CANCEL or DOWN found that */
#endif
bool down_begun;
bool down_done;
bool closed;			/* the vCPU's descriptor, for good */

#define RUNS		(PHASE(st) == RUNNING || PHASE(st) == ASLEEP)
#define OWNED		(RUNS || PHASE(st) == REPORTING)

#define LOCK(r)		atomic { ring_lock[r] == 0 -> ring_lock[r] = _pid + 1 }
#define UNLOCK(r)	ring_lock[r] = 0

/* After each event: it was possible, and the state agrees with who thinks he owns. */
#define CHECK(act)	assert(act != ACT_BUG); assert((owner != NOBODY) == OWNED)

#include "driver.pml"
#include "world.pml"

/* ---- properties ---------------------------------------------------------------- */

/* A wait is right only as long as nobody has anything to say to the guest. */
#define MAY_WAIT	(guest == WAITS && !virq && !(vm_exited && vm_told) && !down_begun)

/*
 * When nothing can happen any more: every command was completed or waits as it
 * should, everybody who had to finish has finished, nothing is held.
 */
active proctype AtRest()
{
	timeout;
	assert(PHASE(st) == IDLE || PHASE(st) == PARKED || PHASE(st) == ASLEEP ||
	       PHASE(st) == LEFT);
	assert(PHASE(st) == IDLE || MAY_WAIT);
	assert(PHASE(st) != PARKED || (in_flight[vcmd] && listed[vcmd] && !dying[RING(vcmd)]));
	assert(PHASE(st) != ASLEEP || !sig);
	assert(!in_flight[0] || (PHASE(st) == PARKED && vcmd == 0));
	assert(!in_flight[1] || (PHASE(st) == PARKED && vcmd == 1));
	assert(!task_work[0] && !task_work[1] && !queued[0] && !queued[1]);
	assert(!ring_lock[0] && !ring_lock[1]);
	assert(!inside && !in_irq && !in_timer);
	assert(!must_end);
	assert(!dying[0] || ring_gone[0]);
	assert(!dying[1] || ring_gone[1]);
	assert(!down_begun || down_done);
	/* Nobody could kick or cancel what was parked behind close(). */
	assert(!closed || PHASE(st) != PARKED);
#ifdef BOARD
	/* Who waits to be told has left a guest that waits, and nobody ended that. */
	assert(owed == (PHASE(st) == LEFT));
	assert(!must_tell);
#endif
}

#ifdef LIVENESS
/* Under weak fairness. A guest that was woken while its command was parked runs. */
ltl woken_runs { [] ((PHASE(st) == PARKED && guest == CAN_RUN) -> <> (PHASE(st) != PARKED)) }
ltl woken_sleeper { [] ((PHASE(st) == ASLEEP && guest == CAN_RUN) -> <> (PHASE(st) != ASLEEP)) }
ltl run_ends { [] ((PHASE(st) == RUNNING) -> <> (PHASE(st) != RUNNING)) }
ltl teardown_ends { [] (down_begun -> <> down_done) }
ltl ring_ends { [] (dying[0] -> <> ring_gone[0]) }
ltl work_done { [] (task_work[0] -> <> !task_work[0]) }
#endif

init {
	atomic {
		left[0] = FOREVER;
#ifdef SUBMITS
		left[0] = SUBMITS;
#endif
#ifdef RINGS
		run Submitter(0);
#ifdef WORKER
		run Worker(0);
#endif
#endif
#ifdef SECOND
		left[1] = SECOND;
#ifndef ONE_RING
		run Submitter(1);
#endif
#ifdef WORKER
		run Worker(1);
#endif
#endif
#ifdef IOCTL
		run Ioctl(IOCTL);
#endif
#ifdef BATCH
		run Batch(BATCH);
#endif
		run Hypervisor();
		run Interrupt();
		run Timer();
#ifdef SPURIOUS
		run Spurious(SPURIOUS);
#endif
#ifdef KICK
		run Kick();
#endif
#ifdef CANCEL
		run Cancel();
#endif
#ifdef CLOSE
		run Close();
#endif
#ifdef VM_EXIT
		run VmExit();
#endif
#ifdef RING_EXIT
		run RingExit(0);
#endif
#ifdef DOWN
		run Teardown(DOWN);
#endif
#ifdef SIGNAL
		run Signal();
#endif
	}
}
