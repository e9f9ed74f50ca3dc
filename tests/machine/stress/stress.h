/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Seeded stress of the driver: several processes ("workers") mix all its operations,
 * and at the end nothing may be left.
 *
 *   main.c      options; starts, kills and watches the workers; progress
 *   check.c     what was there before, and what must be there after
 *   shared.c    memory that the workers share with their parent: log, counters
 *   worker.c    the life of a worker: which operation is next, how it ends
 *   guest.c     VMs and what their guests do
 *   life.c      VMs stopped and started again
 *   ring.c      rings: submissions, completions, their promises
 *   batch.c     batches
 *   thread.c    threads that run vCPUs by ioctl, and signals
 *   func.c      ioeventfds, irqfds, posted writes, kick eventfds
 *   process.c   fork, exec, mappings
 *   wrong.c     wrong input
 *
 * All choices of a worker come from its own generator, which is seeded with the seed of
 * the run, its number and how many lives it had. What the kernel makes of them also
 * depends on time, so the same seed repeats what was asked, not what happened.
 */
#ifndef STRESS_H
#define STRESS_H

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "gt_fn.h"
#include "gt_host.h"
#include "gt_vm.h"

#include <liburing-ext/gunyah.h>
#include <pthread.h>

#define GT_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define ST_MAX_WORKERS	16
#define ST_LOG		256	/* operations kept of each worker */
#define ST_VMS		3	/* of a worker at a time */
#define ST_RINGS	3
#define ST_COMMANDS	256	/* in flight on a ring */
#define ST_FILES	4	/* in a ring's table */
#define ST_THREADS	6
/* An operation that takes longer hangs; a slow kernel says how much slower it is. */
#define ST_PATIENCE_S	60

/* ---- random.c ------------------------------------------------------------------- */

struct st_random {
	uint64_t state;
};

void st_seed(struct st_random *r, uint64_t seed, uint64_t a, uint64_t b);
uint64_t st_next(struct st_random *r);
/* 0 ... n - 1 */
unsigned int st_below(struct st_random *r, unsigned int n);
/* True once in @n times. */
bool st_once_in(struct st_random *r, unsigned int n);

/* ---- shared.c -------------------------------------------------------------------- */

/* Result of an operation that has not returned. */
#define ST_PENDING	INT64_MIN

/**
 * struct st_record - an operation, in the order they were begun
 * @ns: CLOCK_MONOTONIC
 * @life: which life of the worker
 * @name: of the operation, in the program's text, valid in all workers
 * @arg: what it was given, by the operation
 * @result: what it returned, or ST_PENDING
 */
struct st_record {
	uint64_t ns;
	uint32_t life;
	char name[20];
	int64_t arg[2];
	int64_t result;
};

struct st_slot {
	_Atomic int pid;
	_Atomic unsigned int life;
	_Atomic uint64_t ops;		/* begun, the watchdog looks at it */
	_Atomic uint64_t vms;		/* started */
	_Atomic uint64_t restarts;	/* of these, not for the first time */
	_Atomic uint64_t records;	/* posted writes that were read */
	_Atomic uint64_t fixed;		/* RUN commands with a file of the ring's table */
	_Atomic uint64_t runs;		/* RUN commands and ioctls */
	_Atomic uint64_t exits;		/* MMIO and STATUS */
	_Atomic uint64_t errors;	/* errno results, all of them expected ones */
	_Atomic uint64_t answers;	/* echoes that were looked at */
	_Atomic int failed;
	char failure[300];
	struct st_record log[ST_LOG];
};

struct st_shared {
	uint64_t seed;
	unsigned int workers;
	_Atomic int stop;
	struct st_slot slot[ST_MAX_WORKERS];
};

/* The file that holds it, made or opened; asserts. */
struct st_shared *st_shared_create(char *path, size_t size);
struct st_shared *st_shared_open(const char *path);
/* Prints the last operations of each worker. */
void st_shared_print(const struct st_shared *shared);
/* Whose log and failure the calling process has. */
void st_slot_set(struct st_shared *shared, unsigned int number);

uint64_t st_now_ns(void);
/* ST_PATIENCE_S, as many times as GT_SLOW of the environment says, in ns. */
uint64_t st_patience_ns(void);

/* ---- a worker ------------------------------------------------------------------------ */

/**
 * struct st_vm - a VM of a worker
 * @vm: as the suites have it; fd -1: none
 * @serial: tells VMs apart that follow each other in one place
 * @started: VM_START returned 0
 * @loose: its vCPUs may be run by several at once, so answers are not checked
 * @eventfd: for ioeventfds, irqfds and kicks, -1: none
 * @functions: bits of what func.c has added
 * @posted: descriptor of a posted ring, -1: none
 * @posted_ring: its mapping, NULL: none; @posted_head: read so far; @posted_seq: the
 *	last record's, over all rings the VM had
 * @shared: a page that is shared with it, NULL: none
 * @dup: a second descriptor of a vCPU, -1: none
 */
struct st_vm {
	struct gt_vm vm;
	uint32_t serial;
	bool started;
	bool loose;
	int eventfd;
	unsigned int functions;
	int posted;
	struct gh_posted_ring *posted_ring;
	uint32_t posted_head;
	uint64_t posted_seq;
	uint8_t *shared;
	int dup;
};

enum st_kind { ST_FREE, ST_RUN, ST_CONTROL, ST_OTHER };

/**
 * struct st_command - a command in flight
 * @kind: what it is
 * @loose: any error may come: its descriptor may be another one by now
 * @vm, @serial, @vcpu: what it runs
 * @generation: counts uses of this place, so that a second completion is seen
 */
struct st_command {
	enum st_kind kind;
	bool loose;
	unsigned int vm;
	uint32_t serial;
	unsigned int vcpu;
	uint32_t generation;
};

/* A vCPU in a ring's file table; it stays there when all its descriptors are closed. */
struct st_file {
	bool used;
	unsigned int vm;
	uint32_t serial;
	unsigned int vcpu;
};

struct st_ring {
	bool open;
	bool table;
	struct st_file files[ST_FILES];
	unsigned int flags;
	bool drained;			/* IOSQE_IO_DRAIN was used: any command may be late */
	struct io_uring ring;
	unsigned int in_flight;
	struct st_command commands[ST_COMMANDS];
};

struct st_thread {
	bool used;
	pthread_t thread;
	struct st_worker *worker;
	int fd;				/* owned */
	struct gh_vcpu_run *run;	/* owned mapping, NULL: not mapped */
	struct st_random random;
	_Atomic bool stop, done;
};

struct st_worker {
	struct st_shared *shared;
	struct st_slot *slot;
	unsigned int number;
	const char *path;
	struct st_random random;
	uint32_t serials;
	struct st_vm vms[ST_VMS];
	struct st_ring rings[ST_RINGS];
	struct st_thread threads[ST_THREADS];
	unsigned int children;
	int64_t arg[2];			/* of the operation in progress, for the log */
};

/* An operation: its result goes to the log. -EAGAIN: there was nothing to do it with. */
typedef int64_t st_op(struct st_worker *w);

/* What the guest of an exclusive vCPU is answered, and the value it echoes. */
#define ST_ANSWER	0x1122334455667788ULL
#define ST_ADDR_READ	(GT_DEV_BASE + 0x00)
#define ST_ADDR_ECHO	(GT_DEV_BASE + 0x08)
#define ST_ADDR_WRITE	(GT_DEV_BASE + 0x10)
#define ST_ADDR_BELL	(GT_DEV_BASE + 0x18)
#define ST_ADDR_ONE	(GT_DEV_BASE + 0x20)
#define ST_ADDR_POSTED	(GT_DEV_BASE + 0x1000)

/* Lives until the worker's end; never returns but by exit or exec. */
void st_worker_main(struct st_shared *shared, unsigned int number, const char *path)
	__attribute__((noreturn));

/* guest.c */
st_op st_vm_make, st_vm_begin, st_vm_end, st_vcpu_close, st_vcpu_remove, st_vm_fd_close;
st_op st_dup_close, st_unmap_ram, st_look;
/* A place without a VM. */
void st_vm_empty(struct st_vm *vm);
void st_vm_drop(struct st_worker *w, struct st_vm *vm);
/* Guest, scripts and device tree into its memory, which is ours. */
void st_vm_write(struct st_worker *w, struct st_vm *vm);
/* A VM that has what is asked for, at random; NULL: none. */
struct st_vm *st_pick_vm(struct st_worker *w, bool started);
struct gt_vcpu *st_pick_vcpu(struct st_worker *w, bool started, struct st_vm **vm);

/* life.c */
st_op st_vm_stop, st_vm_restart;

/* ring.c */
st_op st_ring_open, st_ring_close, st_ring_run, st_ring_batch, st_ring_control, st_ring_reap;
st_op st_ring_wait_start, st_ring_file;
/* Whether a RUN of the vCPU is in flight, or of any vCPU if @vm is NULL and it is loose. */
bool st_in_flight(struct st_worker *w, const struct st_vm *vm, unsigned int vcpu);
void st_ring_finish(struct st_worker *w, struct st_ring *ring);

/* batch.c */
st_op st_batch;

/* talk.c */
st_op st_talk;

/* thread.c */
st_op st_thread_start, st_thread_join, st_control, st_timer, st_affinity, st_signal;
void st_threads_finish(struct st_worker *w);

/* func.c */
st_op st_fn_toggle, st_fn_signal, st_posted_read, st_kick_fd;
void st_posted_drop(struct st_vm *vm);

/* process.c */
st_op st_fork, st_reap, st_map;
void st_children_finish(struct st_worker *w);
void st_exec(struct st_worker *w);

/* wrong.c */
st_op st_wrong_vm, st_wrong_vcpu, st_wrong_ring, st_wrong_device;

/* ---- check.c ------------------------------------------------------------------------- */

/**
 * struct st_before - what there was before the first worker
 */
struct st_before {
	long pinned, mem_free_kb, slab_kb;
};

void st_before(struct st_before *before);
/* What the kernel's leak detector, if it has one, knows by now does not count. */
void st_forget_leaks(void);
/* Prints what is wrong; the number of things. Unloads the modules. */
int st_after(const struct st_before *before);

#endif /* STRESS_H */
