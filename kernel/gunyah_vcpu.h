/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vCPU: shared between the files of gunyah_vcpu.ko.
 *
 *   gunyah_vcpu_fn.c	the VM function: bind, object, file, mmap, interrupt
 *   gunyah_vcpu_slice.h	the run loop, inline, and the exits that are accesses
 *   gunyah_vcpu_run.c	all other exits, and the ioctl around the loop
 *   gunyah_vcpu_batch.c	many runs in one call, or one
 *   gunyah_vcpu_hvc.h	the hypercall
 *   gunyah_vcpu_uring.c	the same run as an io_uring command: park, wake, cancel
 *   gunyah_vcpu_clock.c	the slice clock of each CPU, and the kick
 *   gunyah_vcpu_kick.c	the kick eventfd
 *   gunyah_vcpu_board.c	wake boards
 *   gunyah_vcpu_start.c	commands that wait for VM_START
 *   gunyah_vcpu_stats.c	counters: ioctl, fdinfo, debugfs
 *   gunyah_vcpu_state.h	the states, pure
 *
 * Who owns a vCPU
 *
 * The state word is the only lock. RUN takes a vCPU from IDLE to RUNNING with a
 * compare-and-exchange; whoever wins is the runner, everybody else gets -EBUSY
 * and nobody waits. The runner owns all fields marked [r] and the shared page. It
 * ends its ownership with STOP (RUNNING to IDLE) or by waiting:
 *
 *   ioctl	RUNNING -> ASLEEP. The thread sleeps and remains the owner; an event
 *		moves the vCPU back to RUNNING and wakes the thread.
 *   command	RUNNING -> PARKED. The owner is now the command in ->cmd. The one
 *		event that moves the vCPU out of PARKED wins the command and must
 *		complete it: the ring's own cancellation at once (PARKED -> IDLE),
 *		all others by queueing task work (PARKED -> WAKING), which moves
 *		WAKING -> IDLE and completes. So each command is completed once.
 *
 *   close	The owner closing a descriptor ends a park. In RUNNING it is noted, and
 *		keeps the run from parking: nobody could end that any more.
 *
 *   batch, once	RUNNING -> LEFT. Nobody owns it, nobody waits. A wake-up moves it to
 *		IDLE and tells the vCPU's wake board; as long as none came, the next RUN
 *		is told that the guest need not be entered (STAY) and can wait at once.
 *
 *   report	Without hypervisor object RUN leads to REPORTING: the page is the
 *		runner's, to say what happened, and nothing else is. STOP ends it.
 *
 * Life of a command that parks
 *
 *   issue	RUN; the guest runs; the hypervisor says it waits
 *		->cmd is set, the command is marked cancelable, then PARK
 *   interrupt	WAKE: PARKED -> WAKING, task work queued
 *   task work	DONE: WAKING -> IDLE, RUNNABLE posted
 *
 * A command that was marked cancelable is on the ring's list and may not be
 * completed by returning a value. Therefore PARK never goes back to running: if a
 * flag was set meanwhile it goes to WAKING and the parking thread itself queues
 * the task work. Cancelable commands end only under their ring's uring_lock (task
 * work, or the ring's cancellation), and the ring cancels only commands on its
 * list, under the same lock. So the ring's cancellation always finds the vCPU
 * owned by the command it names, and needs no other proof of identity. The state
 * is IDLE before the CQE can be seen, so that the next submission is not -EBUSY.
 *
 * Lost wake-ups
 *
 * Every wake-up since the vCPU was taken sets WAKE, and a runner with WAKE set does
 * not wait but enters once more (AGAIN): the hypervisor then decides. RUN clears a
 * WAKE that is older, for the hypercall follows. A wake-up too many costs one
 * hypercall, so interrupts may be shared, spurious and repeated.
 *
 * Order
 *
 * All transitions are fully ordered read-modify-writes, also those that change
 * nothing. Three pairs depend on it:
 *  - ->live is written, then WAKE; the runner does AGAIN, SLEEP, PARK
 *    or LEAVE, then reads ->live. Either the runner does not wait, or it is woken.
 *  - KICK, CANCEL and DOWN set a flag, then read ->cpu and interrupt that CPU; the
 *    runner writes ->cpu (smp_mb() when it changes) and then reads the flags.
 *  - ->capid is written before UP; a runner that RUN let in reads it after.
 *
 * A flag that is set between the runner's last look and the hypercall would be
 * seen only at the next interrupt. The interrupt that a kick sends therefore makes
 * this CPU's slice overdue, and the clock fires until the runner has looked again.
 *
 * End of the hypervisor object
 *
 * unpopulate sets DOWN, interrupts or wakes the owner and waits until the phase is
 * neither RUNNING nor ASLEEP. From then on RUN only reports (REPORTING). Parked commands and
 * task work never touch the object, so nobody waits for them: they complete with
 * RUNNABLE and the next run says what happened. Then the interrupt and the timer
 * are freed.
 *
 * References: the VM function has one until unbind, the file one until release, and
 * a parked command has its file. The file also keeps the VM from being stopped; the
 * vCPU itself only references the VM's struct.
 *
 * Locks: none of our own on the way of a run. Issue and cancel run under the ring's
 * uring_lock (not on a worker), populate and unpopulate under the VM's resource lock,
 * both in process context; they never meet, because a runner takes neither. Kick
 * eventfds, boards and the list of all vCPUs have locks of their own, see their files.
 */
#ifndef GUNYAH_VCPU_H
#define GUNYAH_VCPU_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/gunyah.h>
#include <linux/gunyah_vm_mgr.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/rcuwait.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/timer.h>
#include <linux/wait_bit.h>

#include "gunyah_vcpu_hvc.h"
#include "gunyah_vcpu_state.h"

struct gh_board;
struct gh_vcpu_kicker;
struct io_uring_cmd;
struct seq_file;

/* A slice when the command names none, and the most it can name. */
#define GH_SLICE_DEFAULT_NS	(1 * NSEC_PER_MSEC)
#define GH_SLICE_MIN_NS		(10 * NSEC_PER_USEC)
#define GH_SLICE_MAX_NS		(4 * NSEC_PER_MSEC)

/* A batch ends after so long and what is left of a slice, whatever its deadline. */
#define GH_BATCH_LIMIT_NS	(10 * NSEC_PER_MSEC)

/* The ioctl goes back to user mode after so long, if task work waits for that. */
#define GH_WORK_LIMIT_NS	NSEC_PER_SEC

/* How often a BUSY, RETRY or BLOCKED vCPU is entered again at once. */
#define GH_STALL_TRIES		4
/* After so long without a step the run fails with -ETIMEDOUT. */
#define GH_STALL_LIMIT_NS	(5 * NSEC_PER_SEC)
/* Stalls further apart are not one. */
#define GH_STALL_GAP_NS		NSEC_PER_SEC
/* A vCPU of an exited VM may run so long to unwind before STATUS is reported. */
#define GH_UNWIND_LIMIT_NS	(100 * NSEC_PER_MSEC)
/* A dead vCPU waits so long for the resource manager's report. */
#define GH_REPORT_LIMIT_NS	(2 * NSEC_PER_SEC)
/* So does the last vCPU of a VM that was switched off. */
#define GH_OFF_LIMIT_NS		(5 * NSEC_PER_SEC)

/* Results of a run inside the driver, beside GH_URING_EXIT_* and -errno: no exit, in bits 7:0. */
#define GH_RUN_AGAIN		0	/* enter (again) */
#define GH_RUN_WAIT		0x20000	/* nothing to run: park or sleep */
#define GH_RUN_STOPPED		0x20100	/* not entered: look at why */

/* In ->pending: the exit could not be written to user space; the next run says it. */
#define GH_VCPU_PENDING_UNSAID	BIT(30)

/**
 * struct gunyah_vcpu - a vCPU of a VM
 * @state: the state word, see gunyah_vcpu_state.h
 * @cpu: where the runner last entered, for kicks; written by the runner
 * @live: the VM is RUNNING, as the notifier said last. May be stale; when it is
 *	false the VM is asked
 * @held: the kick eventfd's counter is not 0: runs end at once. Written under its
 *	wait queue's lock
 * @broken: [r] never entered again: the hypervisor said something impossible, or that
 *	the vCPU is dead, and the RM did not say why
 * @gone: [r] the hypervisor said that the vCPU will not run again
 * @stalled: [r] the hypervisor could not run it when it was entered last
 * @off: [r] the hypervisor said that it is off, and the VM counts it
 * @health: all of the above at once, see gh_vcpu_is_well()
 * @pending: [r] the access that waits for an answer, as the result of its run; or 0
 * @capid: the hypervisor object, valid unless DOWN
 * @resume: [r] the answer for the next hypercall, zero after one that returned OK
 * @run: page shared with user space, owned. Nothing in it is trusted
 * @mm: the VM's address space, borrowed from @ghvm, for comparison only
 * @reads, @writes: [r] runs that entered the guest once, for such an access: counters that
 *	are not in @stats, for these are most runs
 * @used_up: [r] gh_vcpu_nr_runs() when a slice was used up last
 * @off_turn: [r] of gunyah_vm_is_off(), when @dying_since was set
 * @stall_since: [r] with @stalled: when that began, ns of CLOCK_MONOTONIC
 * @stall_last: [r] the last entry without a step
 * @dying_since: [r] when it began, ns of CLOCK_MONOTONIC, or 0
 * @stats: counters, written by the vCPU's owner, read racily; all but kicks. See
 *	gh_vcpu_stat()
 * @kicks: KICK, CANCEL and signals of the kick eventfd, brought by anybody
 * @closed: the owner closed a descriptor, once; see gh_vcpu_uring_orphaned()
 * @list: in the list of all vCPUs, see gunyah_vcpu_stats.c
 * @cmd: the parked command, borrowed from io_uring until it is completed; valid in
 *	PARKED and WAKING
 * @sleeper: the ioctl's thread in ASLEEP
 * @timer: wakes a vCPU that is dead or off, when the report does not come
 * @kicker: the kick eventfd, or NULL; see gunyah_vcpu_kick.c
 * @board: the wake board, a reference of our own, or NULL; see gunyah_vcpu_board.c
 * @told: waits whose end the board was told, by anybody
 * @board_bit: the vCPU's on @board
 * @start_lock: @starter and @removed; see gunyah_vcpu_start.c
 * @starter: the command that waits for VM_START, borrowed from io_uring, or NULL
 * @removed: by REMOVE_FUNCTION or with the VM
 * @by_name: added as in v8 of the interface, where the first run starts the VM
 * @io_last: [r] the posted range that was written to last
 * @ghvm: the VM, a reference of our own
 * @ticket: our claim on the hypervisor object
 * @nb: changes of the VM's state
 * @kref: the function's and the file's references
 * @irq: the wake-up interrupt, 0 without object
 * @irq_wake: it was armed to wake the system
 * @id: index in the VM
 */
struct gunyah_vcpu {
	atomic_t state;
	int cpu;
	union {
		struct {
			bool live;
			bool held;
			bool broken;
			bool gone;
			bool stalled;
			bool off;
		};
		__le64 health;
	};
	u64 capid;
	u64 resume;
	struct gh_vcpu_run *run;
	struct mm_struct *mm;
	u64 reads;
	u64 writes;
	u32 pending;
	u32 off_turn;

	u64 used_up ____cacheline_aligned;
	u64 stall_since;
	u64 stall_last;
	u64 dying_since;
	struct gh_vcpu_stats stats;
	atomic64_t kicks;
	struct list_head list;

	struct io_uring_cmd *cmd;
	struct rcuwait sleeper;
	struct timer_list timer;
	struct gh_vcpu_kicker *kicker;
	struct gh_board __rcu *board;
	atomic64_t told;
	u32 board_bit;
	spinlock_t start_lock;	/* starter */
	struct io_uring_cmd *starter;
	bool removed;
	bool closed;
	bool by_name;
	struct gunyah_vm_io_last io_last;
	struct gunyah_vm *ghvm;
	struct gunyah_vm_resource_ticket ticket;
	struct notifier_block nb;
	struct kref kref;
	unsigned int irq;
	bool irq_wake;
	u32 id;
};

/* Who waits for a vCPU's wake-up, for tracepoints. */
enum gh_vcpu_wait_by {
	GH_WAIT_IOCTL,
	GH_WAIT_COMMAND,
	GH_WAIT_BOARD,
};

/**
 * struct gh_vcpu_order - what the caller of a run asks for
 * @flags: GH_URING_RUN_*
 * @resume_data: answer to the pending access, with GH_URING_RUN_RESUME
 * @deadline_ns: CLOCK_MONOTONIC, U64_MAX: none
 * @slice_ns: how long, 0: the default
 */
struct gh_vcpu_order {
	u64 flags;
	u64 resume_data;
	u64 deadline_ns;
	u32 slice_ns;
};

/**
 * struct gh_vcpu_slice - one run, once it is more than an entry and an access
 * @end: when the slice is over, ns of CLOCK_MONOTONIC
 * @begin: of an ioctl: when the call began
 * @asked_ns: how long it was to be
 * @tries: entries without a step so far
 * @may_sleep: a worker or an ioctl; otherwise the ring waits for us
 * @ioctl: the slice is renewed, the thread reschedules in place
 * @entered: the guest was entered: each run does so once, however short its slice
 */
struct gh_vcpu_slice {
	u64 end;
	u64 begin;
	u32 asked_ns;
	unsigned int tries;
	bool may_sleep;
	bool ioctl;
	bool entered;
};

/*
 * Live, and neither held, broken, gone, stalled nor off: nothing to look at before it is run.
 */
static __always_inline bool gh_vcpu_is_well(const struct gunyah_vcpu *vcpu)
{
	return READ_ONCE(vcpu->health) == cpu_to_le64(1);
}

/*
 * Applies @event; the caller carries out the action. Always a read-modify-write,
 * for the order described above.
 */
static __always_inline enum gh_vcpu_action gh_vcpu_event(struct gunyah_vcpu *vcpu,
							 enum gh_vcpu_event event)
{
	int state = atomic_read(&vcpu->state);
	struct gh_vcpu_next next;

	do {
		next = gh_vcpu_next(state, event);
	} while (!atomic_try_cmpxchg(&vcpu->state, &state, next.state));
	return next.action;
}

/* gunyah_vcpu_fn.c */
void gh_vcpu_act(struct gunyah_vcpu *vcpu, enum gh_vcpu_action action);
void gh_vcpu_kick(struct gunyah_vcpu *vcpu);
void gh_vcpu_cancel(struct gunyah_vcpu *vcpu);

/* The same, where the state is known as a rule: then it need not be read first. */
static __always_inline enum gh_vcpu_action gh_vcpu_event_from(struct gunyah_vcpu *vcpu,
							      unsigned int from,
							      enum gh_vcpu_event event)
{
	struct gh_vcpu_next next = gh_vcpu_next(from, event);
	int state = from;

	if (likely(atomic_try_cmpxchg(&vcpu->state, &state, next.state)))
		return next.action;
	return gh_vcpu_event(vcpu, event);
}

static __always_inline enum gh_vcpu_action gh_vcpu_take(struct gunyah_vcpu *vcpu)
{
	return gh_vcpu_event_from(vcpu, GH_VCPU_IDLE, GH_VCPU_EV_RUN);
}

/* The runner is done. */
static __always_inline void gh_vcpu_stop(struct gunyah_vcpu *vcpu)
{
	if (unlikely(gh_vcpu_event_from(vcpu, GH_VCPU_RUNNING, GH_VCPU_EV_STOP) ==
		     GH_VCPU_ACT_NOTIFY))
		wake_up_var(&vcpu->state);
}

extern const struct file_operations gh_vcpu_fops;

/* gunyah_vcpu_run.c */
int gh_vcpu_report(struct gunyah_vcpu *vcpu);
int gh_vcpu_leave(struct gunyah_vcpu *vcpu);
void gh_vcpu_unleave(struct gunyah_vcpu *vcpu);
long gh_vcpu_run_ioctl(struct gunyah_vcpu *vcpu);

/* gunyah_vcpu_batch.c */
int gh_vcpu_run_batch(u64 entries, u32 nr, u64 deadline_ns);
long gh_vcpu_batch_ioctl(const void __user *uarg);
long gh_vcpu_run_once(struct gunyah_vcpu *vcpu, u64 deadline_ns);

/* gunyah_vcpu_uring.c */
int gh_vcpu_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);
bool gh_vcpu_uring_orphaned(const struct gunyah_vcpu *vcpu, struct io_uring_cmd *cmd);
void gh_vcpu_complete(struct gunyah_vcpu *vcpu);

/* gunyah_vcpu_kick.c */
long gh_vcpu_kick_fd(struct gunyah_vcpu *vcpu, const void __user *uarg);
void gh_vcpu_kick_fd_exit(struct gunyah_vcpu *vcpu);

/* gunyah_vcpu_board.c */
long gh_board_new(const void __user *uarg);
long gh_vcpu_set_board(struct gunyah_vcpu *vcpu, const void __user *uarg);
void gh_vcpu_tell_board(struct gunyah_vcpu *vcpu);
bool gh_vcpu_board_has_told(struct gunyah_vcpu *vcpu);
void gh_vcpu_board_exit(struct gunyah_vcpu *vcpu);
void gh_boards_exit(void);

/**
 * struct gh_vcpu_pdu - what io_uring keeps with a command that was marked cancelable
 * @start: it waits for VM_START, and the rest is valid
 * @armed: it can be completed
 * @ended: it ends as soon as it is armed
 * @res: with this
 */
struct gh_vcpu_pdu {
	bool start;
	bool armed;
	bool ended;
	s32 res;
};

#define gh_vcpu_pdu(cmd)	io_uring_cmd_to_pdu(cmd, struct gh_vcpu_pdu)

/* gunyah_vcpu_start.c */
int gh_vcpu_start_wait(struct gunyah_vcpu *vcpu, struct io_uring_cmd *cmd,
		       unsigned int issue_flags);
void gh_vcpu_start_cancel(struct gunyah_vcpu *vcpu, struct io_uring_cmd *cmd,
			  unsigned int issue_flags);
void gh_vcpu_start_end(struct gunyah_vcpu *vcpu, s32 res);
void gh_vcpu_start_remove(struct gunyah_vcpu *vcpu);

/* gunyah_vcpu_stats.c */
long gh_vcpu_stats(const struct gunyah_vcpu *vcpu, void __user *uarg);
void gh_vcpu_show(struct seq_file *m, const struct gunyah_vcpu *vcpu);
void gh_vcpu_list_add(struct gunyah_vcpu *vcpu);
void gh_vcpu_list_del(struct gunyah_vcpu *vcpu);
void gh_vcpu_debugfs_init(void);
void gh_vcpu_debugfs_exit(void);

/* gunyah_vcpu_clock.c */
void gh_clock_init(void);
void gh_clock_exit(void);
void gh_clock_overdue(int cpu);

#endif /* GUNYAH_VCPU_H */
