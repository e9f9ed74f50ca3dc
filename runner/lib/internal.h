/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The objects of the library. Everything here belongs to the runner's thread;
 * what another thread or a signal handler may touch is atomic and says so.
 */
#ifndef GH_INTERNAL_H
#define GH_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <liburing-ext/gunyah.h>

#include <gh-runner/gh-runner.h>

#include "bus.h"
#include "limits.h"
#include "port.h"
#include "ring.h"
#include "threads.h"
#include "gh_sched.h"

/* user_data of what the runner submits besides the vCPU commands. */
enum gh_op {
	GH_OP_IO = GH_URING_OP_USER,	/* low 56 bits: struct gh_io */
	GH_OP_WAKE,
	GH_OP_BATCH,			/* index: of gh_runner::batches */
	GH_OP_NOTHING,			/* what is not done after all */
};

struct gh_group;

enum gh_vcpu_state {
	GH_VCPU_IDLE,		/* not started, or held until its VM has moved */
	GH_VCPU_READY,		/* in the run queue */
	GH_VCPU_BATCHED,	/* in a batch that goes to the driver, is there, or came back */
	GH_VCPU_IN_FLIGHT,	/* has a command of its own: running, parked, or not reaped yet */
	GH_VCPU_ASLEEP,		/* the driver left its guest waiting; the wake board will tell */
	GH_VCPU_REAPED,		/* that came back; dispatch has not looked at it */
	GH_VCPU_ANSWERING,	/* a device owes the answer to an access */
	GH_VCPU_ENDED,		/* out of the guest for good */
};

/* What a run ended with; bits of gh_vcpu::sleeps. */
enum gh_vcpu_after {
	GH_AFTER_START = 1 << 0,	/* or a wake-up */
	GH_AFTER_MMIO = 1 << 1,
	GH_AFTER_SLICE = 1 << 2,
};

/**
 * struct gh_vcpu - one vCPU
 * @next: link of the one queue it is in
 * @vm: owner
 * @run: shared page; the driver writes it while a command is in flight, the runner
 *	reads it afterwards
 * @window: that of the last access, most likely that of the next
 * @answer: to the last MMIO read; in a batch its entry has it
 * @fd: owned
 * @slice_ns: the longest time it runs before others get their turn
 * @has_answer: it is sent with each run until one completes with something that
 *	proves that the guest has it; in a batch its entry says so
 * @present: bound to the VM, with a slot; the vCPU can be removed and added again
 * @held: it is not run again, because of what happens to it or to the VM
 * @removing: gh_vcpu_remove() waits for it to come out
 * @alone: it waits for a wake-up, or probably will: it gets a command of its own, which
 *	parks, and not a place in a batch
 * @ran: since a group looked at its load
 * @deferred: counted in gh_stats::answering
 * @fixed: the file is registered
 * @cancel_wanted: a CANCEL is to be submitted
 * @boarded: it has its bit on the wake board
 * @marked: its bit on the wake board was taken when it was not asleep
 * @woken: it slept, and has not run since
 * @after, @sleeps: how the last run ended, and after which ends it slept at once,
 *	both of enum gh_vcpu_after
 * @access: the access in progress
 * @run_size: of the mapping of @run
 * @index: in the VM
 * @slot: in gh_runner::vcpus and in the registered files
 * @generation: of the slot, in user_data
 * @turn: in which the command in flight was submitted
 * @res, @exit: of a command of its own, decoded while reaping
 */
struct gh_vcpu {
	struct gh_vcpu *next;
	struct gh_vm *vm;
	struct gh_vcpu_run *run;
	const struct gh_window *window;
	uint64_t answer;
	int fd;
	uint32_t slice_ns;
	enum gh_vcpu_state state;
	bool has_answer;
	bool present;
	bool held;
	bool removing;
	bool alone;
	bool ran;
	bool deferred;
	bool fixed;
	bool cancel_wanted;
	bool boarded;
	bool marked;
	bool woken;
	uint8_t after;
	uint8_t sleeps;
	struct gh_access access;
	size_t run_size;
	unsigned int index;
	uint32_t slot;
	uint32_t generation;
	int res;
	struct gh_uring_exit exit;
};

/* FIFO. A vCPU is in one queue at most. */
static inline void gh_queue_push(struct gh_queue *q, struct gh_vcpu *v)
{
	v->next = NULL;
	if (q->tail)
		q->tail->next = v;
	else
		q->head = v;
	q->tail = v;
	q->nr++;
}

/* NULL when it is empty. */
static inline struct gh_vcpu *gh_queue_pop(struct gh_queue *q)
{
	struct gh_vcpu *v = q->head;

	if (!v)
		return NULL;
	q->head = v->next;
	if (!q->head)
		q->tail = NULL;
	q->nr--;
	return v;
}

static inline unsigned int gh_sched_nr(const struct gh_sched *s)
{
	return s->ready.nr + s->woken.nr;
}

/* NULL when the batch is full or nobody is ready. */
static inline struct gh_vcpu *gh_sched_next(struct gh_sched *s)
{
	if (s->taken >= s->limit || !gh_sched_nr(s))
		return NULL;
	s->taken++;
	if (!s->woken.nr || (!s->favours && s->ready.nr))
		return gh_queue_pop(&s->ready);
	if (s->favours)
		s->favours--;
	return gh_queue_pop(&s->woken);
}

/* The entry @e of @v is no longer what says how @v goes on. */
static inline void gh_vcpu_unbatch(struct gh_vcpu *v, const struct gh_run_entry *e)
{
	v->has_answer = e->flags & GH_URING_RUN_RESUME;
	v->answer = e->resume_data;
}

/* While others wait that did not sleep: enough for who sleeps again soon. */
static inline uint32_t gh_vcpu_first_slice(const struct gh_vcpu *v)
{
	uint32_t ns = v->slice_ns >> GH_WOKEN_SHIFT;

	return ns > GH_MIN_SLICE_NS ? ns : GH_MIN_SLICE_NS;
}

/* Of its next run. */
static inline uint32_t gh_vcpu_take_slice(const struct gh_sched *s, struct gh_vcpu *v)
{
	bool first = v->woken && s->ready.nr;

	v->woken = false;
	return first ? gh_vcpu_first_slice(v) : v->slice_ns;
}

/* The entry was not carried out: but for the state all is as before gh_batch_add(). */
static inline void gh_vcpu_unadd(struct gh_vcpu *v, const struct gh_run_entry *e)
{
	gh_vcpu_unbatch(v, e);
	v->woken = e->slice_ns != v->slice_ns && e->slice_ns == gh_vcpu_first_slice(v);
}

enum gh_batch_state {
	GH_BATCH_FREE,
	GH_BATCH_IN_FLIGHT,	/* a command on the ring has it */
	GH_BATCH_DONE,		/* dispatch has not looked at all of it */
};

/**
 * struct gh_batch - many runs in one call
 * @entries: owned; the driver's while it is in flight
 * @vcpus: owned; whose they are
 * @nr: entries in use. Of a free one: vCPUs that dispatch has answered in their places,
 *	before all that are in the run queue
 * @done: entries that were carried out; the vCPUs of the others are queued again
 * @pos: entries that dispatch has handled
 */
struct gh_batch {
	enum gh_batch_state state;
	unsigned int nr;
	unsigned int done;
	unsigned int pos;
	struct gh_run_entry *entries;
	struct gh_vcpu **vcpus;
};

/**
 * struct gh_board - where the driver marks vCPUs that were left waiting
 * @map: shared with the driver; NULL: there is none, and who waits parks
 * @size: of the mapping
 * @fd: owned
 * @words: of the bits of slots that were ever used
 * @least: with so many vCPUs it is used
 * @known: the driver was asked
 * @armed: the next mark wakes the runner
 */
struct gh_board {
	struct gh_wake_board *map;
	size_t size;
	int fd;
	unsigned int words;
	unsigned int least;
	bool known;
	bool armed;
};

/**
 * struct gh_irq - an interrupt of a device
 * @fd: eventfd, owned; written by any thread
 * @label: of the doorbell
 * @level: as last told by gh_irq_set()
 */
struct gh_irq {
	int fd;
	unsigned int label;
	bool level;
};

/**
 * struct gh_msg - something for another runner's thread
 * @deliver: called there, from dispatch
 */
struct gh_msg {
	struct gh_msg *next;
	void (*deliver)(struct gh_runner *r, struct gh_msg *msg);
};

enum gh_vm_state {
	GH_VM_NEW,
	GH_VM_RUNNING,
	GH_VM_MOVING,		/* its vCPUs are held back until all are idle */
	GH_VM_TRANSIT,		/* between two runners: belongs to the message that carries it */
	GH_VM_STOPPING,		/* gh_vm_stop(), or a vCPU failed: no vCPU is run again */
	GH_VM_ENDED,
};

/**
 * struct gh_vm - one virtual machine
 * @runner: where it is, or goes while in transit; written by the thread that has the
 *	VM, read by any, as are @ctx and @state
 * @ops, @ctx: of @runner, for gh_vcpu_kick()
 * @stop_wanted: by another thread than @runner's; looked at when the VM arrives, and by
 *	a runner that was told to
 * @next: in gh_runner::vms
 * @next_ended: in gh_runner::ended or ::leaving
 * @to: where it moves
 * @msg: carries it there
 * @mem: guest memory, owned; the guest's from start on: touching it then is fatal
 * @pinned: a group leaves it where it is
 * @load: vCPUs that ran in the last period of a group
 * @live: vCPUs that are there and have not ended
 */
struct gh_vm {
	void *_Atomic ctx;
	struct gh_runner *_Atomic runner;
	const struct gh_port_ops *ops;
	struct gh_vm *next;
	struct gh_vm *next_ended;
	struct gh_runner *to;
	struct gh_msg msg;
	enum gh_vm_state _Atomic state;
	atomic_bool stop_wanted;
	int fd;
	char name[GH_MAX_NAME];
	char *bootargs;
	void *mem;
	uint64_t mem_size;
	const struct gh_vm_events *events;
	void *opaque;
	struct gh_bus bus;
	struct gh_irq irqs[GH_MAX_IRQS];
	unsigned int nr_irqs;
	struct gh_vm_result result;
	bool pinned;
	unsigned int load;
	unsigned int live;
	unsigned int nr_vcpus;
	struct gh_vcpu vcpus[];
};

/**
 * struct gh_runner - many VMs, one ring
 * @thread: it belongs to
 * @ops, @ctx: the kernel, or a test's fake
 * @ring, @threads: owned, one of them
 * @ioctl: which batches go by ioctl
 * @batch_known, @has_batch: whether the driver was asked for batches, and has them
 * @no_once: the driver has no GH_VCPU_RUN_ONCE
 * @board: for those that wait; their bits are their slots
 * @batches, @fill, @handle: used in turns: the next to fill, the next to handle
 * @recheck: vCPUs of a batch are held by now, or have another slice
 * @vcpus: by slot, NULL if free
 * @generations: by slot
 * @reaped: commands that came back and dispatch has not handled
 * @io_head, @io_tail: finished device I/O, likewise
 * @ended: VMs whose ended() is due
 * @leaving: VMs that move and are idle
 * @inbox: messages, newest first; any thread
 * @slots_used: taken, and reserved for VMs on their way; any thread
 * @timers, @due: by deadline; those that are being fired
 * @cancels_wanted: vCPUs with cancel_wanted
 * @running_vms: started and not ended
 * @group: it is a member of, or NULL
 * @sqes_pending: the submission queue holds something
 * @batch_open: guests ran since the last reap
 * @in_callback: a callback is running
 * @stops_wanted: some of @vms have stop_wanted; any thread
 * @quit: set from any thread
 */
struct gh_runner {
	pthread_t thread;
	const struct gh_port_ops *ops;
	void *ctx;
	struct gh_ring *ring;
	struct gh_threads *threads;
	enum gh_backend backend;
	enum {
		GH_IOCTL_NEVER,
		GH_IOCTL_LONE,		/* one vCPU, and nothing else to submit */
		GH_IOCTL_ALWAYS,
	} ioctl;
	bool batch_known;
	bool has_batch;
	bool no_once;
	struct gh_board board;
	struct gh_batch batches[2];
	unsigned int fill;
	unsigned int handle;
	bool recheck;
	struct gh_sched sched;
	struct gh_vcpu **vcpus;
	uint32_t *generations;
	unsigned int max_vcpus;
	unsigned int next_slot;
	struct gh_vm *vms;
	struct gh_queue reaped;
	struct gh_io *io_head;
	struct gh_io *io_tail;
	struct gh_vm *ended;
	struct gh_vm *leaving;
	struct gh_msg *_Atomic inbox;
	atomic_uint slots_used;
	struct gh_timer *timers;
	struct gh_timer *due;
	void (*foreign_cqe)(void *opaque, const struct io_uring_cqe *cqe);
	void *foreign_opaque;
	unsigned int cancels_wanted;
	unsigned int running_vms;
	struct gh_group *group;
	bool sqes_pending;
	bool batch_open;
	bool in_callback;
	bool wake_armed;
	atomic_bool stops_wanted;
	atomic_bool quit;
	struct gh_stats stats;
	struct gh_error_info error;
};

static inline void gh_vcpu_ready(struct gh_runner *r, struct gh_vcpu *v)
{
	v->state = GH_VCPU_READY;
	/* One that sleeps is not parked before its turn, and its wake-up comes no sooner. */
	gh_queue_push(v->alone ? &r->sched.woken : &r->sched.ready, v);
}

/* It waited until now for something to do. */
static inline void gh_vcpu_woken(struct gh_runner *r, struct gh_vcpu *v)
{
	v->state = GH_VCPU_READY;
	v->woken = true;
	gh_queue_push(&r->sched.woken, v);
}

/* It is not run again until further notice. */
static inline void gh_vcpu_hold(struct gh_vcpu *v)
{
	v->held = true;
	v->vm->runner->recheck = true;
}

/* vCPUs that wait for nothing but their turn. */
static inline unsigned int gh_nr_ready(const struct gh_runner *r)
{
	const struct gh_batch *b = &r->batches[r->fill];

	return gh_sched_nr(&r->sched) + (b->state == GH_BATCH_FREE ? b->nr : 0);
}

/* Something is ready, and gh_submit() would give it to the driver. */
static inline bool gh_can_run(const struct gh_runner *r)
{
	return gh_nr_ready(r) && (!r->has_batch || r->batches[r->fill].state == GH_BATCH_FREE);
}

/* Some that were left waiting need not wait any more. */
static inline bool gh_board_told(const struct gh_runner *r)
{
	return r->board.map && gh_wake_board_told(r->board.map);
}

/* Whether who waits does so without a command: for a few the board costs more. */
static inline bool gh_board_is_used(const struct gh_runner *r)
{
	return r->board.map && atomic_load_explicit(&r->slots_used, memory_order_relaxed) >=
			       r->board.least;
}

static inline bool gh_vcpu_uses_board(const struct gh_runner *r, const struct gh_vcpu *v)
{
	return v->boarded && gh_board_is_used(r);
}

/* error.c */
const char *gh_files_hint(int error);
int gh_fail(struct gh_runner *r, int error, const char *what, const char *hint);
int gh_fail_vm(struct gh_vm *vm, int vcpu, int error, const char *what, const char *hint);

/* runner.c */
int gh_runner_create_port(const struct gh_runner_config *config, const struct gh_port_ops *ops,
			  void *ctx, struct gh_runner **runner, struct gh_error_info *error);
struct io_uring_sqe *gh_get_sqe(struct gh_runner *r);
void gh_runner_wake(const struct gh_runner *r);
int gh_runner_serve(struct gh_runner *r);
void gh_runner_give_up(struct gh_runner *r, int error);
int gh_turn(struct gh_runner *r, unsigned int wait_nr, uint64_t until);

/* submit.c */
uint64_t gh_batch_deadline(const struct gh_runner *r);
int gh_submit(struct gh_runner *r, unsigned int wait_nr, uint64_t timeout_ns);
void gh_run_again(struct gh_runner *r);

/* lone.c */
void gh_run_alone(struct gh_runner *r);

/* batch.c */
int gh_batches_init(struct gh_runner *r);
void gh_batches_exit(struct gh_runner *r);
int gh_batch_probe(struct gh_runner *r, int vcpu_fd);
void gh_batch_add(struct gh_batch *b, struct gh_vcpu *v);
void gh_batch_recheck(struct gh_runner *r, struct gh_batch *b);
void gh_batch_submit(struct gh_runner *r, struct gh_batch *b, bool by_ioctl);
void gh_batch_done(struct gh_runner *r, struct gh_batch *b, int ret);

/* board.c */
void gh_board_exit(struct gh_runner *r);
void gh_board_attach(struct gh_vcpu *v);
void gh_board_detach(struct gh_vcpu *v);
void gh_board_handle(struct gh_runner *r);
bool gh_board_arm(struct gh_runner *r);

/* exit.c */
void gh_vcpu_rouse(struct gh_runner *r, struct gh_vcpu *v);
void gh_access_done(struct gh_runner *r, struct gh_vcpu *v, int ret);
void gh_exit_handle(struct gh_runner *r, struct gh_vcpu *v, int res,
		    const struct gh_uring_exit *exit);
unsigned int gh_batches_handle(struct gh_runner *r, unsigned int budget);

/* vcpu.c */
#define GH_NO_SLOT	UINT32_MAX

int gh_slots_reserve(struct gh_runner *r, unsigned int nr);
const char *gh_slots_hint(int error);
void gh_slots_release(struct gh_runner *r, unsigned int nr);
int gh_vcpu_init(struct gh_vcpu *v);
void gh_vcpu_exit(struct gh_vcpu *v);
int gh_vcpu_attach(struct gh_vcpu *v);
void gh_vcpu_detach(struct gh_vcpu *v);
void gh_vcpu_start(struct gh_vcpu *v);
void gh_vcpu_finish_removal(struct gh_vcpu *v);

/* move.c */
void gh_runner_post(struct gh_runner *r, struct gh_msg *msg);
void gh_inbox_handle(struct gh_runner *r);
void gh_vm_try_leave(struct gh_vm *vm);
void gh_vm_stay(struct gh_vm *vm);
void gh_vms_leave(struct gh_runner *r);

/* end.c */
extern const struct gh_vm_result gh_vm_stopped;

void gh_vcpu_want_cancel(struct gh_vcpu *v);
void gh_vcpu_end(struct gh_vcpu *v);
void gh_vcpu_out(struct gh_vcpu *v);
void gh_vm_end(struct gh_vm *vm, const struct gh_vm_result *result);
void gh_stops_handle(struct gh_runner *r);
void gh_vms_fail(struct gh_runner *r, int error);

/* dispatch.c */
int gh_reap(struct gh_runner *r);
void gh_ended_handle(struct gh_runner *r);

/* timer.c */
void gh_timers_run(struct gh_runner *r, uint64_t now_ns);

/* vm_load.c: @entry is the offset of the first instruction, @end of the first free byte */
struct gh_image {
	uint64_t entry;
	uint64_t end;
};

int gh_image_load(const void *image, size_t image_size, void *mem, uint64_t mem_size,
		  uint64_t mem_base, struct gh_image *out, const char **why);

/* group.c */
void gh_group_vm_started(struct gh_group *g);
void gh_group_vm_ended(struct gh_group *g);
bool gh_group_runs(const struct gh_group *g);

/* stats.c */
void gh_stats_add(struct gh_stats *sum, const struct gh_stats *s);

/* irq.c */
int gh_irq_dt_bell(const struct gh_irq *irq, void *fdt);
void gh_irqs_close(struct gh_vm *vm);

/* vm_dtb.c */
int gh_dtb_build(const struct gh_vm *vm, void *buf, size_t size);

/* port_kernel.c */
int gh_port_open(void *ctx);
int gh_port_ioctl(void *ctx, int fd, unsigned long request, void *arg);
int gh_port_close(void *ctx, int fd);
int gh_port_map_run(void *ctx, int fd, size_t *size, struct gh_vcpu_run **run);
void gh_port_unmap_run(void *ctx, struct gh_vcpu_run *run, size_t size);
int gh_port_run_batch(void *ctx, int fd, struct gh_run_entry *entries, unsigned int nr,
		      uint64_t deadline_ns);
int gh_port_run_once(void *ctx, int fd, uint64_t deadline_ns);
void gh_port_del_board(void *ctx, int fd, struct gh_wake_board *board, size_t size);

#endif /* GH_INTERNAL_H */
