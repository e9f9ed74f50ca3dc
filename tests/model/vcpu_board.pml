/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Wake boards: gunyah_vcpu_board.c and what user space does with a board, as
 * <linux/gunyah.h> says and <liburing-ext/gunyah.h> does it. One vCPU, which a thread
 * runs by batches, and a board of that thread, which the vCPU is given at any time. With
 * -DMOVE then perhaps, at any time, that of another thread, which runs it as well.
 *
 *   vcpu_table.pml	the transition function, made from the driver's header
 *
 * A thread runs the vCPU until its guest is left waiting, and then only when it finds
 * its bit. A bit counts only where the vCPU was last said to be.
 */
#include "vcpu_table.pml"

#define NOBODY		255
#define NONE		255

/* The state of a board. */
#define QUIET		0
#define ARMED		1
#define TOLD		2

#define BITS(b)		((b) == 0 -> 2 : 3)

/* Which of them are the vCPU's. Bit 1 of the first board is another vCPU's. */
#define BIT_OF(b)	((b) == 0 -> 0 : 2)
#define OTHER_BIT	1

/* ---- the driver ---------------------------------------------------------------- */

byte st = IDLE;			/* the state word */
byte vcpu_board = NONE;		/* vcpu->board */
byte vcpu_bit;			/* vcpu->board_bit */

/* ---- shared with user space ------------------------------------------------------ */

byte woken[2];			/* the bits */
byte state[2];
bool signal[2];			/* the eventfd's counter is not 0 */

/* ---- the guest -------------------------------------------------------------------- */

bool waits;
bool virq;			/* the wake-up interrupt is pending */

/* ---- what only the properties look at -------------------------------------------- */

byte owner = NOBODY;
byte home = NONE;		/* the board that SET_BOARD said last, or is about to */
bool must_tell;			/* KICK or DOWN found it left */
bool reported;			/* there is no object, and user space knows */
bool other_told;		/* the other vCPU's wait has ended, and nobody has heard */

#define CHECK(act) \
	assert(act != ACT_BUG); \
	assert((owner != NOBODY) == (PHASE(st) == RUNNING || PHASE(st) == REPORTING))

/* ---- a wait ends ------------------------------------------------------------------- */

/* gh_board_set() */
inline board_set(b, n)
{
	if
#ifndef MUT_BIT_UNCHECKED
	:: n >= BITS(b)
#endif
	:: else ->
		assert(n < BITS(b));
#ifndef MUT_TOLD_BEFORE_BIT
		woken[b] = woken[b] | (1 << n);
#endif
		d_step { was = state[b]; state[b] = TOLD };
#ifdef MUT_TOLD_BEFORE_BIT
		woken[b] = woken[b] | (1 << n);
#endif
		d_step {
			if
#ifdef MUT_SIGNALS_WHEN_QUIET
			:: was == QUIET -> signal[b] = true
#else
			:: was == ARMED -> signal[b] = true
#endif
			:: else
			fi;
			was = 0
		}
	fi
}

/* gh_vcpu_tell_board(): the board and the bit may be of different moments. */
inline carry_out()
{
	if
	:: act == ACT_TELL ->
		board = vcpu_board;
		if
		:: board != NONE ->
			at = vcpu_bit;
			board_set(board, at)
		:: else
		fi;
		d_step { board = 0; at = 0 }
	:: else
	fi;
	act = 0
}

#define LOCALS		byte act, board, at, was

proctype Interrupt()
{
	LOCALS;

	do
	:: atomic { virq -> virq = false; event_WAKE(act); CHECK(act) };
	   carry_out()
	od
}

/* Wakes the guest @n times at most. The interrupt comes after; one comes without reason. */
proctype Hypervisor(byte n)
{
	do
	:: atomic { n > 0 && waits -> n--; waits = false };
	   virq = true
	:: n > 0 -> n--; virq = true
	:: break
	od
}

/* CANCEL does the same with a guest that was left. */
proctype Kick()
{
	LOCALS;

	d_step {
		must_tell = must_tell || PHASE(st) == LEFT;
		event_KICK(act);
		CHECK(act)
	}
	carry_out()
}

proctype Down()
{
	LOCALS;

	d_step {
		must_tell = must_tell || PHASE(st) == LEFT;
		event_DOWN(act);
		CHECK(act)
	}
	carry_out()
}

/* Another vCPU, on the first board. */
proctype Other()
{
	byte was;

	other_told = true;
	board_set(0, OTHER_BIT)
}

/* gh_board_replace(), under its lock. */
proctype SetBoard()
{
	byte b, was;

	do
#ifdef MOVE
	:: b < 2 ->
#else
	:: b < 1 ->
#endif
		/* Who calls has told who reads the boards. */
		home = b;
#ifdef MUT_SET_BEFORE_PUBLISHED
		board_set(b, BIT_OF(b));
#endif
		vcpu_board = b;
		vcpu_bit = BIT_OF(b);
#if !defined(MUT_SET_BEFORE_PUBLISHED) && !defined(MUT_SET_BOARD_SETS_NO_BIT)
		board_set(b, BIT_OF(b));
#endif
		b++
	:: b > 0 -> break
	od
}

/* ---- user space --------------------------------------------------------------------- */

inline stop()
{
	d_step {
		event_STOP(act);
		owner = NOBODY;
		CHECK(act)
	}
}

/* An entry of a batch; @runs: it is to be run again. */
inline run_entry()
{
	d_step {
		event_RUN(act);
		if
		:: act == ACT_BUSY
		:: else ->
			assert(owner == NOBODY);
			owner = _pid;
			must_tell = false
		fi;
		CHECK(act)
	}
	if
	/* The other's, who runs it until it waits. */
	:: act == ACT_BUSY -> runs = false
	:: act == ACT_REPORT -> stop(); reported = true; runs = false
	:: act == ACT_STAY -> leave()
	:: act == ACT_ENTER ->
		if
		:: st & STOP_FLAGS -> stop()
		:: else ->
			if
			/* An exit. */
			:: !waits -> stop()
			:: waits = true -> leave()
			fi
		fi
	fi;
	act = 0
}

/* gh_vcpu_leave() */
inline leave()
{
	d_step {
		event_LEAVE(act);
		if
		:: act == ACT_WAIT -> owner = NOBODY; runs = false
		:: else
		fi;
		CHECK(act)
	}
	if
	:: act == ACT_WAIT
	:: else -> stop()
	fi
}

/* gh_wake_board_take() */
inline take_told()
{
	state[me] = QUIET
}

/* gh_wake_board_word(), and what it says. */
inline take_bits()
{
	atomic { bits = woken[me]; woken[me] = 0 };
	d_step {
		runs = (home == me && (bits & (1 << BIT_OF(me))));
		if
		:: me == 0 && (bits & (1 << OTHER_BIT)) -> other_told = false
		:: else
		fi;
		bits = 0
	}
}

/* gh_wake_board_arm(); @sleeps: nothing was set since. */
inline arm()
{
#ifdef MUT_ARMED_BY_STORE
	state[me] = ARMED;
	sleeps = true
#else
	d_step {
		sleeps = (state[me] != TOLD);
		state[me] = (state[me] == QUIET -> ARMED : state[me])
	}
#endif
}

/* The signal is read before the bits are looked at. */
proctype User(byte me; bool runs)
{
	byte act, bits;
	bool sleeps;

	do
	:: runs -> run_entry()
	:: !runs ->
#ifdef MUT_BITS_BEFORE_TOLD
		take_bits();
		take_told();
#else
		take_told();
		take_bits();
#endif
		if
		:: runs
		:: else -> arm()
		fi;
		if
		:: sleeps ->
#ifdef MUT_SIGNAL_READ_LATE
			signal[me] = false;
			signal[me];
#else
			atomic { signal[me] -> signal[me] = false };
#endif
			sleeps = false
		:: else
		fi
	od
}

#define HEARD_ALL(b)	(state[b] == ARMED && !woken[b] && !signal[b])

/*
 * When nothing can happen any more: the threads sleep, armed, with nothing to hear of,
 * and the guest waits, or there is none.
 */
active proctype AtRest()
{
	timeout;
	assert(HEARD_ALL(0));
#ifdef MOVE
	assert(HEARD_ALL(1));
#endif
	assert(!other_told);
	assert(owner == NOBODY && !virq && !must_tell);
	assert(PHASE(st) == LEFT || reported);
	assert(PHASE(st) != LEFT || waits)
}

init {
	atomic {
		run User(0, true);
#ifdef MOVE
		run User(1, false);
#endif
		run SetBoard();
		run Interrupt();
		run Hypervisor(WAKES);
#ifdef OTHER
		run Other();
#endif
#ifdef KICK
		run Kick();
#endif
#ifdef DOWN
		run Down();
#endif
	}
}
