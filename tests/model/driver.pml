/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The driver, step by step as gunyah_vcpu_{run,uring,fn}.c take them: whatever others
 * can see between two steps is a step of its own. The caller has the variables
 * LOCALS.
 */

/* What a run ends with. Values that only differ for user space are one. */
#define AGAIN		0
#define WAIT		1
#define RESULT		2
#define RESULT_CANCELED	3

/* What the hypercall returns. */
#define H_READY		0
#define H_MMIO		1
#define H_WAITS		2
#define H_GONE		3
#define H_KERNEL	4	/* a write that the driver itself takes */

/* gh_vcpu_complete(): any context, so it only queues. */
inline complete()
{
#ifdef MUT_COMPLETE_IN_INTERRUPT
	d_step {
		assert(vcmd != NOBODY && in_flight[vcmd]);
		event_DONE(act);
		CHECK(act);
	}
	done(vcmd)
#else
	d_step {
		assert(vcmd != NOBODY && in_flight[vcmd]);
		assert(!task_work[vcmd]);
		task_work[vcmd] = true;
	}
#endif
}

/* gh_vcpu_tell_board(), as one step; its own are in vcpu_board.pml. */
inline tell()
{
#ifdef BOARD
	d_step {
		told = true;
		owed = false;
		must_tell = false
	}
#else
	skip
#endif
}

/* gh_vcpu_act(). How a kick gets into the guest is in vcpu_kick.pml. */
inline carry_out()
{
	if
	:: act == ACT_COMPLETE -> complete()
	:: act == ACT_WAKE_THREAD -> WAKE_UP(sleeper)
	:: act == ACT_TELL -> tell()
	:: else
	fi
}

/* One step with the event: the next run, and what ends that, may come before the CQE. */
inline ends_parked()
{
	assert(!want_canceled || act == ACT_CANCELED);
	want_canceled = false;
	must_end = false
}

/* io_uring_cmd_done() of a command on the ring's list. */
inline done(c)
{
	d_step {
		assert(ring_lock[RING(c)] == _pid + 1);
		assert(in_flight[c]);
		assert(listed[c]);
		listed[c] = false;
		in_flight[c] = false;
		/* Nobody may use it any more. Another may be parked already. */
		if
		:: vcmd == c -> vcmd = NOBODY
		:: else
		fi
	}
}

/* ->uring_cmd() returned a value, or done() of a command that is on no list. */
inline finish(c)
{
	d_step {
		assert(in_flight[c]);
		assert(!listed[c]);
		in_flight[c] = false;
	}
}

/* gh_vcpu_stop() */
inline stop()
{
	d_step {
		assert(owner == _pid);
		event_STOP(act);
		owner = NOBODY;
		want_canceled = false;
		must_end = false;
		CHECK(act);
	}
	if
	:: act == ACT_NOTIFY -> WAKE_UP(waiter)
	:: else
	fi
}

/* Nobody but the owner, and only while the object is there. */
inline hypercall()
{
	atomic {
		assert(owner == _pid && PHASE(st) == RUNNING);
		assert(object && !inside);
		inside = true;
		if
		:: guest == CAN_RUN ->
			if
			:: error = H_READY
			:: error = H_MMIO
#ifdef LIVENESS
			:: error = H_KERNEL
#endif
			:: guest = WAITS; error = H_WAITS
#ifdef POWER_OFF
			:: guest = GONE; error = H_GONE
#endif
			fi
		:: guest == WAITS -> error = H_WAITS
		:: guest == GONE -> error = H_GONE
		fi
	}
	atomic {
		assert(object);
		inside = false;
	}
}

/*
 * gh_vcpu_enter() and gh_vcpu_stopped(): ret is AGAIN if the guest was entered.
 * A command enters once however short its slice, and not more than twice: that
 * stands for as often as fits. An ioctl's slice is renewed. @work: the thread has
 * to look at something else.
 */
inline enter(is_ioctl, work)
{
	word = st;
#ifdef MUT_ENTER_IGNORES_FLAGS
	word = 0;
#endif
	if
	:: word & STOP_FLAGS ->
		/* The flags are read again; they only grow. */
		if
		:: st & F_DOWN -> ret = RESULT
		:: !(st & F_DOWN) && (st & F_CANCEL) -> ret = RESULT_CANCELED
		:: !(st & F_DOWN) && !(st & F_CANCEL) -> ret = RESULT
		fi
	:: !(word & STOP_FLAGS) && (work) -> ret = RESULT
#ifdef MUT_SLICE_ENDS_BY_READY_ONLY
	:: !(word & STOP_FLAGS) && !(work) ->
#else
	:: !(word & STOP_FLAGS) && !(work) && !(is_ioctl) && entered > 0 -> ret = RESULT
	:: !(word & STOP_FLAGS) && !(work) && (is_ioctl || entered < 2) ->
#endif
		hypercall();
		entered = (is_ioctl || entered == 2 -> entered : entered + 1)
	fi;
	word = 0
}

/* gh_vcpu_wait() */
inline wait_for_wake()
{
#ifdef MUT_WAKE_CLEARED_LATE
	d_step {
		event_AGAIN(act);
		CHECK(act);
	}
	ret = WAIT;
#else
	seen = live;
	if
	:: !seen && vm_exited -> ret = RESULT
	:: else ->
		if
		:: st & F_WAKE ->
			d_step {
				event_AGAIN(act);
				CHECK(act);
			}
		:: else -> ret = WAIT
		fi
	fi;
	seen = false
#endif
}

/* gh_vcpu_dying(): until the limit, each wait has a timer. */
inline dying_wait()
{
	if
	:: vm_exited -> ret = RESULT
	:: ret = RESULT
	:: !vm_exited ->
#ifndef MUT_DYING_WITHOUT_TIMER
		timer = true;
#endif
		ret = WAIT
	fi
}

/* gh_vcpu_run_slice(), gh_vcpu_handle() */
inline run_slice(is_ioctl, work)
{
	ret = AGAIN;
	do
	:: ret == AGAIN ->
		error = H_READY;
		enter(is_ioctl, work);
		if
		:: ret != AGAIN
		:: ret == AGAIN && error == H_MMIO -> ret = RESULT
		:: ret == AGAIN && error == H_WAITS -> wait_for_wake()
		:: ret == AGAIN && error == H_GONE -> dying_wait()
		:: ret == AGAIN && error == H_READY ->
			ret = (entered == 2 -> RESULT : AGAIN)
		:: ret == AGAIN && error == H_KERNEL
		fi;
		error = H_READY
	:: else -> break
	od;
	entered = 0
}

/* io_uring_cmd_mark_cancelable(): takes the lock unless the issuer has it. */
inline mark_cancelable(c, locked)
{
	if
	:: locked ->
		assert(ring_lock[RING(c)] == _pid + 1);
		assert(in_flight[c]);
		listed[c] = true
	:: else ->
		LOCK(RING(c));
		assert(in_flight[c]);
		listed[c] = true;
		UNLOCK(RING(c))
	fi
}

/* gh_vcpu_uring_orphaned(): a worker can begin after close(). */
inline look_for_descriptor()
{
	if
	:: closed ->
		d_step {
			event_CLOSE(act);
			want_canceled = true;
			CHECK(act);
		}
	:: else
	fi
}

/* gh_vcpu_uring_park() */
inline park(c, locked)
{
#ifndef MUT_CMD_SET_AFTER_PARK
	vcmd = c;
#endif
#ifndef MUT_MARK_AFTER_PARK
	mark_cancelable(c, locked);
#endif
#ifndef MUT_ORPHAN_PARKS
	look_for_descriptor();
#endif
	d_step {
		assert(owner == _pid);
		event_PARK(act);
		owner = NOBODY;
		CHECK(act);
	}
#ifdef MUT_CMD_SET_AFTER_PARK
	vcmd = c;
#endif
#ifdef MUT_MARK_AFTER_PARK
	mark_cancelable(c, locked);
#endif
	if
	:: act == ACT_COMPLETE ->
#ifndef MUT_PARK_TELLS_NOBODY
		WAKE_UP(waiter);
#endif
#ifdef MUT_PARK_RETURNS_RESULT
		d_step {
			event_DONE(act);
			CHECK(act);
		}
		finish(c)
#else
		complete()
#endif
	:: else
	fi
}

/* gh_vcpu_take(): who runs it, by whatever call. */
inline take()
{
	d_step {
		event_RUN(act);
		if
		:: act == ACT_ENTER || act == ACT_STAY || act == ACT_REPORT ->
			assert(owner == NOBODY);
#ifdef BOARD
			/* Who takes a guest that was left waits for it, or runs it. */
			owed = owed && act != ACT_STAY;
			must_tell = must_tell && act != ACT_STAY;
#endif
			owner = _pid
		:: else
		fi;
		CHECK(act)
	}
}

/*
 * gh_vcpu_stays(), after STAY only. A fault of the guest is not remembered as a
 * power-off is, so a vCPU that is GONE may stay or not.
 */
inline stays()
{
	if
	:: act == ACT_STAY -> seen = live
	:: act == ACT_STAY && guest == GONE -> seen = false
	:: act == ACT_ENTER -> seen = false
	fi
}

/* gh_vcpu_leave(): not if there is something to say to the guest or its runner. */
inline leave()
{
	d_step {
		assert(owner == _pid);
		event_LEAVE(act);
		if
		:: act == ACT_WAIT ->
#ifdef BOARD
			assert(!owed);
			owed = true;
#endif
			owner = NOBODY
		:: else
		fi;
		CHECK(act);
	}
	if
	:: act == ACT_WAIT
	:: else -> stop()
	fi
}

/* gh_batch_entry() */
inline batch_entry()
{
	take();
	if
	:: act == ACT_ENTER || act == ACT_STAY ->
		stays();
		if
		:: seen -> ret = WAIT
		:: else -> run_slice(false, false)
		fi;
		seen = false;
		if
		:: ret == WAIT -> leave()
		:: else -> stop()
		fi
	:: act == ACT_REPORT -> stop()
	:: else
	fi
}

/* gh_vcpu_uring_run() */
inline issue(c, locked)
{
	take();
#ifdef ALONE
	/* Who waits for the CQE before he submits again is never told EBUSY. */
	assert(act != ACT_BUSY);
#endif
	if
	:: act == ACT_ENTER || act == ACT_STAY ->
		stays();
		if
		:: seen -> ret = WAIT
		:: else -> run_slice(false, dying[RING(c)])
		fi;
		seen = false;
		if
		:: ret == WAIT -> park(c, locked)
		:: else ->
#ifdef MUT_DONE_BEFORE_STOP
			finish(c);
			stop()
#else
			stop();
			finish(c)
#endif
		fi
	:: act == ACT_REPORT ->
		stop();
		finish(c)
	:: else -> finish(c)
	fi
}

/* gh_vcpu_uring_wake(): by the submitter, or for it when it is dead. */
inline run_task_work(c)
{
	task_work[c] = false;
#ifdef MUT_TASK_WORK_RUNS_GUEST
	hypercall();
#endif
#ifdef MUT_DONE_BEFORE_IDLE
	done(c);
#endif
	d_step {
		assert(vcmd == c && in_flight[c]);
		event_DONE(act);
		ends_parked();
		CHECK(act);
	}
#ifndef MUT_DONE_BEFORE_IDLE
	if
	:: act == ACT_CANCELED || act == ACT_RUNNABLE -> done(c)
	fi
#endif
}

/* gh_vcpu_uring_cancel() */
inline ring_cancel(c)
{
	d_step {
		event_RING_CANCEL(act);
		if
		:: act == ACT_CANCELED -> ends_parked()
		:: else
		fi;
		CHECK(act);
		assert(act != ACT_CANCELED || vcmd == c);
	}
	if
	:: act == ACT_CANCELED -> done(c)
	:: else
	fi
}

/* gh_vcpu_wake() */
inline wake()
{
	d_step {
		event_WAKE(act);
		CHECK(act);
	}
	carry_out()
}
