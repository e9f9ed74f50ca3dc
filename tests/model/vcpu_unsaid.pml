/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The exit that a batch cannot write (GH_VCPU_PENDING_UNSAID): two threads run one
 * vCPU, by batches, of which each may fail to write an exit, and by other calls, whose
 * exit is in the page. Who runs the vCPU next answers what user space has heard of.
 *
 * A guest reads EXITS times. What a run does with the vCPU is several steps; that it is
 * the vCPU's only owner is the state word's matter, vcpu_park.pml.
 */

#define EXITS		3

/* vcpu->pending */
#define NOTHING		0
#define READ		1
#define UNSAID		2	/* READ, and nobody has heard of it */

byte pending = NOTHING;
bool owned;

byte reads;			/* the guest has done so many */
byte said;			/* so many of them were said */
byte answered;			/* and so many answers the guest was given */
bool heard;			/* user space knows of the one that is pending */

inline say()
{
	/* Each once. */
	assert(said + 1 == reads);
	said++;
	heard = true
}

/* gh_vcpu_run_slice(): true in @exit if there is one to be said. */
inline run_slice()
{
	exit = false;
	if
	:: pending == UNSAID ->
#ifndef MUT_UNSAID_STAYS
		pending = READ;
#endif
#ifndef MUT_UNSAID_ENTERS
		exit = true
#else
		skip
#endif
	:: pending == READ ->
		/* The answer that came with this run: of something user space has heard of. */
		assert(heard);
		pending = NOTHING;
		heard = false;
		answered++
	:: pending == NOTHING
	fi;
	if
	:: exit
	:: !exit && reads < EXITS ->
		/* A guest that was not answered has not read again. */
		assert(answered == reads);
		reads++;
		pending = READ;
		exit = true
	:: !exit && reads == EXITS
	fi
}

inline own()
{
	atomic { !owned -> owned = true }
}

/* The ioctl: the page is written while the vCPU is owned. */
inline by_ioctl()
{
	own();
	run_slice();
	if
	:: exit -> say()
	:: else
	fi;
	owned = false
}

/*
 * gh_batch_write() writes without faults, then gh_batch_keep() fetches the page and
 * runs once more. @again: it was fetched.
 */
inline by_batch()
{
	again = false;
	do
	:: own();
	   run_slice();
#ifdef MUT_SAID_AFTER_STOP
	   owned = false;
#endif
	   failed = false;
	   if
	   :: exit -> say()
	   :: exit -> failed = true;
#ifndef MUT_UNSAID_IS_FORGOTTEN
		pending = UNSAID
#endif
	   :: !exit
	   fi;
#ifndef MUT_SAID_AFTER_STOP
	   owned = false;
#endif
	   if
	   :: failed && !again -> again = true
	   :: !failed || again -> break
	   fi
	od
}

proctype Runner()
{
	bool exit, failed, again;

	do
	:: answered < EXITS -> by_ioctl()
	:: answered < EXITS -> by_batch()
	:: answered == EXITS -> break
	od
}

/* When both have come to an end, each read was said and answered once. */
active proctype AtRest()
{
	timeout;
	assert(!owned && reads == EXITS && said == EXITS && answered == EXITS);
	assert(pending == NOTHING)
}

init {
	atomic {
		run Runner();
		run Runner()
	}
}
