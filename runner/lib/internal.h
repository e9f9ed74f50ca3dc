/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The objects of the library. Everything here belongs to the runner's thread;
 * what another thread or a signal handler may touch is atomic and says so.
 */
#ifndef GH_INTERNAL_H
#define GH_INTERNAL_H

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
};

enum gh_vcpu_state {
	GH_VCPU_IDLE,		/* not started */
	GH_VCPU_READY,		/* in the run queue */
	GH_VCPU_IN_FLIGHT,	/* a command is in the driver: running or parked */
	GH_VCPU_REAPED,		/* came back; dispatch has not looked at it */
	GH_VCPU_ANSWERING,	/* a device owes the answer to an access */
	GH_VCPU_ENDED,		/* out of the guest for good */
};

/**
 * struct gh_vcpu - one vCPU
 * @vm: owner
 * @next: link of the one queue it is in
 * @run: shared page; the driver writes it while a command is in flight, the runner
 *	reads it afterwards
 * @run_size: of the mapping of @run
 * @fd: owned
 * @slot: in gh_runner::vcpus and in the registered files
 * @generation: of the slot, in user_data
 * @fixed: the file is registered
 * @answer: of the last MMIO read
 * @has_answer: it is sent with each command until one completes with something
 *	that proves that the guest has it
 * @turn: in which the command in flight was submitted
 * @res, @exit: of the completion, decoded while reaping
 * @access: the access in progress
 */
struct gh_vcpu {
	struct gh_vm *vm;
	struct gh_vcpu *next;
	enum gh_vcpu_state state;
	struct gh_vcpu_run *run;
	size_t run_size;
	int fd;
	unsigned int index;
	uint32_t slot;
	uint32_t generation;
	bool fixed;
	bool has_answer;
	bool cancel_wanted;
	uint64_t answer;
	uint64_t turn;
	int res;
	struct gh_uring_exit exit;
	struct gh_access access;
};

enum gh_vm_state {
	GH_VM_NEW,
	GH_VM_RUNNING,
	GH_VM_STOPPING,		/* gh_vm_stop(), or a vCPU failed: no vCPU is run again */
	GH_VM_ENDED,
};

/**
 * struct gh_vm - one virtual machine
 * @next: in gh_runner::vms
 * @next_ended: in gh_runner::ended
 * @mem: guest memory, owned; the guest's from start on: touching it then is fatal
 * @live: vCPUs that have not ended
 */
struct gh_vm {
	struct gh_runner *runner;
	struct gh_vm *next;
	struct gh_vm *next_ended;
	enum gh_vm_state state;
	int fd;
	char name[GH_MAX_NAME];
	char *bootargs;
	void *mem;
	uint64_t mem_size;
	const struct gh_vm_events *events;
	void *opaque;
	struct gh_bus bus;
	struct gh_vm_result result;
	unsigned int live;
	unsigned int nr_vcpus;
	struct gh_vcpu vcpus[];
};

/**
 * struct gh_runner - many VMs, one ring
 * @ops, @ctx: the kernel, or a test's fake
 * @ring, @threads: owned, one of them
 * @vcpus: by slot, NULL if free
 * @generations: by slot
 * @reaped: completions that dispatch has not handled
 * @io_head, @io_tail: finished device I/O, likewise
 * @ended: VMs whose ended() is due
 * @timers, @due: by deadline; those that are being fired
 * @cancels_wanted: vCPUs with cancel_wanted
 * @running_vms: started and not ended
 * @sqes_pending: the submission queue holds something
 * @batch_open: the ring was entered since the last reap
 * @in_callback: a callback is running
 * @quit: set from any thread
 */
struct gh_runner {
	const struct gh_port_ops *ops;
	void *ctx;
	struct gh_ring *ring;
	struct gh_threads *threads;
	enum gh_backend backend;
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
	struct gh_timer *timers;
	struct gh_timer *due;
	void (*foreign_cqe)(void *opaque, const struct io_uring_cqe *cqe);
	void *foreign_opaque;
	uint64_t turn;
	unsigned int cancels_wanted;
	unsigned int running_vms;
	bool sqes_pending;
	bool batch_open;
	bool in_callback;
	bool wake_armed;
	atomic_bool quit;
	struct gh_stats stats;
	struct gh_error_info error;
};

/* error.c */
int gh_fail(struct gh_runner *r, int error, const char *what, const char *hint);
int gh_fail_vm(struct gh_vm *vm, int vcpu, int error, const char *what, const char *hint);

/* runner.c */
int gh_runner_create_port(const struct gh_runner_config *config, const struct gh_port_ops *ops,
			  void *ctx, struct gh_runner **runner, struct gh_error_info *error);
struct io_uring_sqe *gh_get_sqe(struct gh_runner *r);

/* dispatch.c */
int gh_submit(struct gh_runner *r, unsigned int wait_nr, uint64_t timeout_ns);
void gh_vcpu_ready(struct gh_vcpu *v);
void gh_vcpu_end(struct gh_vcpu *v);
void gh_vm_end(struct gh_vm *vm, const struct gh_vm_result *result);

/* timer.c */
void gh_timers_run(struct gh_runner *r, uint64_t now_ns);

/* vm_load.c: @entry is the offset of the first instruction, @end of the first free byte */
struct gh_image {
	uint64_t entry;
	uint64_t end;
};

int gh_image_load(const void *image, size_t image_size, void *mem, uint64_t mem_size,
		  uint64_t mem_base, struct gh_image *out, const char **why);

/* vm_dtb.c */
int gh_dtb_build(const struct gh_vm *vm, void *buf, size_t size);

/* port_kernel.c */
int gh_port_open(void *ctx);
int gh_port_ioctl(void *ctx, int fd, unsigned long request, void *arg);
int gh_port_close(void *ctx, int fd);
int gh_port_map_run(void *ctx, int fd, size_t *size, struct gh_vcpu_run **run);
void gh_port_unmap_run(void *ctx, struct gh_vcpu_run *run, size_t size);

#endif /* GH_INTERNAL_H */
