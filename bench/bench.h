/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * gh-bench: the same guests and device code behind different ways to run a vCPU.
 *
 *   main.c	options, workloads, backends
 *   measure.c	instructions, system calls and latencies of an event
 *   life.c	the time of a VM's life, and memory of sleepers
 *   memory.c	memory of one more vCPU that sleeps
 *   vms.c	the guests and their device
 *   io.c	doorbells, ioeventfds and posted writes
 *   threads.c	GH_VCPU_RUN or KVM_RUN: one thread, or a thread per vCPU
 *   ring.c	the runner
 *   raw.c	io_uring without the runner: inline, IOSQE_ASYNC, SQPOLL
 *   raw_batch.c	GH_VCPU_RUN_BATCH without the runner, by ring and by ioctl
 *   turns.c	what the two before have in common
 *   kvm.c	the same guests under KVM; kvm_io.c: what io.c is there
 *   floor.c	the hypercall alone, in the kernel
 *   usage.c	idle time, memory, latencies
 */
#ifndef GH_BENCH_H
#define GH_BENCH_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <gh-runner/gh-runner.h>

struct gh_bench;
struct gh_bench_vcpu;
struct kvm_coalesced_mmio_ring;
struct kvm_guests;

#define GH_BENCH_BUCKETS	1024
#define GH_BENCH_MAX_REPEATS	9

/* Latencies: 16 buckets to each power of two. */
struct gh_bench_hist {
	uint64_t count[GH_BENCH_BUCKETS];
	uint64_t total;
};

/* What a workload measures. */
enum gh_bench_kind {
	GH_BENCH_EVENTS,	/* the cost of an event, and latencies */
	GH_BENCH_LATENCY,	/* latencies only */
	GH_BENCH_FAIRNESS,	/* events of each vCPU within a time */
	GH_BENCH_LIFE,		/* no events: memory, and times of create to destroy */
	GH_BENCH_MEMORY,	/* no events: memory of one more vCPU */
};

/**
 * struct gh_bench_workload - what the guests do
 * @name: for --workload and the record
 * @kind: what is measured
 * @mode: enum guest_bench_mode of active vCPUs
 * @rest_mode: of the others: asleep or spinning
 * @active_percent: of the vCPUs that are active; 0: one vCPU, none in a life or of memory
 * @sleeps: active vCPUs sleep between events
 * @bells: the host rings the doorbell of each active vCPU, again when all reported
 * @signals: writes signal eventfds, GUEST_BENCH_GROUP for one exit
 */
struct gh_bench_workload {
	const char *name;
	enum gh_bench_kind kind;
	unsigned int mode;
	unsigned int rest_mode;
	unsigned int active_percent;
	bool sleeps;
	bool bells;
	bool signals;
};

/**
 * struct gh_bench_backend - a way to run vCPUs
 * @name: for --backend and the record
 * @kvm: needs KVM instead of Gunyah
 * @no_poll: KVM does not poll for a while before it lets a vCPU sleep
 * @one_at_a_time: cannot run a guest that sleeps
 * @runner: how the runner runs vCPUs
 * @posted: writes to SCRATCH4 are posted; under KVM coalesced
 * @in_kernel: the guests do not get to the device
 * @threads: a thread for each vCPU
 * @start: after the guests exist, before they run; may be NULL
 * @run: handles at least @events exits of active vCPUs
 * @park: runs until every vCPU that can sleep does; NULL: @run does
 * @stop: undoes start; may be NULL
 *
 * All return 0 or -errno, except @stop.
 */
struct gh_bench_backend {
	const char *name;
	bool kvm;
	bool no_poll;
	bool one_at_a_time;
	bool posted;
	bool in_kernel;
	bool threads;
	enum gh_backend runner;
	int (*start)(struct gh_bench *bench);
	int (*run)(struct gh_bench *bench, uint64_t events);
	int (*park)(struct gh_bench *bench);
	void (*stop)(struct gh_bench *bench);
};

/**
 * struct gh_bench_io - what a VM has besides vCPUs
 * @signal_fd: eventfd that writes to SCRATCH4 signal, -1: none
 * @posted_fd, @posted_size, @posted: ring of posted writes, NULL: none
 * @head: records of it that were consumed
 * @coalesced: the same under KVM, part of a mapping of the vCPU's
 */
struct gh_bench_io {
	int signal_fd;
	int posted_fd;
	size_t posted_size;
	struct gh_posted_ring *posted;
	uint32_t head;
	struct kvm_coalesced_mmio_ring *coalesced;
};

/**
 * struct gh_bench_vcpu - a vCPU, and the device that it talks to
 * @io: of its VM
 * @vcpu: the runner's; NULL under KVM
 * @kvm_run: shared page, under KVM
 * @fd: of the vCPU, under KVM
 * @bell_fd: eventfd of its doorbell, -1: none
 * @active: does the workload
 * @rung_ns: when its doorbell rang, while latencies are taken
 * @handled: accesses of the workload that the device has answered
 * @until: what @handled shall become in this run; backends with threads
 * @syscalls: made for it so far, likewise
 */
struct gh_bench_vcpu {
	struct gh_bench *bench;
	struct gh_bench_io *io;
	struct gh_vcpu *vcpu;
	struct kvm_run *kvm_run;
	int fd;
	int bell_fd;
	bool active;
	uint64_t rung_ns;
	uint64_t handled;
	uint64_t until;
	uint64_t syscalls;
	pthread_t thread;
};

/**
 * struct gh_bench - one measurement
 * @runner: owns the VMs; drives them only in the backend "ring"
 * @vms, @io: @nr_vms VMs of @per_vm vCPUs, the last one may have fewer; as few as the
 *	machine has room for, if @per_vm is 0 before they are created
 * @vcpus: @nr_vcpus
 * @interval_ns: of the timer in the guests
 * @until_ns: the run ends then, whatever was handled; 0: it does not
 * @exits: of active vCPUs, handled so far
 * @syscalls: made for that, without @bell_syscalls
 * @inner_ns: what the backend says it took, 0: it does not measure itself
 * @parked_ns: when all were asleep, 0: when the backend's park returned
 * @timing: GUEST_BENCH_TIMING() of what the active guests do first, 0: nothing
 * @timed: latencies are taken
 * @unreported: active vCPUs whose bell was rung and who did not say so yet
 * @reported: posted when the last one did
 * @module: file name of the kernel module, for the backend "floor"
 * @max_spread: samples farther apart are taken once more; 0: they are not
 * @verbose: more about the memory, on standard error
 * @kvm: guests under KVM
 * @exit_hist: how long exits took
 * @wake_hist: from the cause of a wake-up until the guest ran or was heard
 * @priv: the backend's
 */
struct gh_bench {
	const struct gh_bench_backend *backend;
	const struct gh_bench_workload *workload;
	struct gh_runner *runner;
	struct gh_vm **vms;
	struct gh_bench_io *io;
	struct gh_bench_vcpu *vcpus;
	unsigned int nr_vcpus;
	unsigned int nr_active;
	unsigned int nr_vms;
	unsigned int per_vm;
	uint64_t interval_ns;
	uint64_t until_ns;
	uint64_t exits;
	uint64_t syscalls;
	uint64_t bell_syscalls;
	uint64_t inner_ns;
	uint64_t parked_ns;
	uint64_t timing;
	bool timed;
	atomic_uint unreported;
	sem_t reported;
	const char *module;
	double max_spread;
	bool verbose;
	struct kvm_guests *kvm;
	struct gh_bench_hist exit_hist;
	struct gh_bench_hist wake_hist;
	void *priv;
};

/* What the machine has used since it booted. */
struct gh_bench_usage {
	uint64_t now_ns;
	uint64_t idle_ns;
	uint64_t switches;
};

/**
 * struct gh_bench_memory - what is in use now
 * @kernel_bytes: slab, page tables, vmalloc with kernel stacks, per-CPU memory
 * @user_bytes: resident of this process, counted page by page
 * @used_bytes: of the machine, whatever for
 */
struct gh_bench_memory {
	uint64_t kernel_bytes;
	uint64_t user_bytes;
	uint64_t used_bytes;
};

extern const struct gh_bench_backend gh_bench_ring, gh_bench_ring_posted, gh_bench_ring_ioctl,
	gh_bench_raw, gh_bench_raw_async, gh_bench_raw_sqpoll, gh_bench_ioctl, gh_bench_threads,
	gh_bench_threads_pinned, gh_bench_kvm, gh_bench_kvm_threads, gh_bench_kvm_posted,
	gh_bench_floor, gh_bench_raw_batch, gh_bench_ioctl_batch, gh_bench_ring_only,
	gh_bench_kvm_nopoll;

/* vms.c: all return 0 or -errno. What create made on error, destroy frees. */
int gh_bench_create(struct gh_bench *bench, const char *image_path);
int gh_bench_start(struct gh_bench *bench);
int gh_bench_stop(struct gh_bench *bench);
void gh_bench_destroy(struct gh_bench *bench);
/* Lets the device of a runner's vCPU answer. */
int gh_bench_access(struct gh_access *access, uint64_t addr);
/* The device, wherever it is reached from. */
uint64_t gh_bench_device_read(struct gh_bench_vcpu *v, uint64_t offset);
void gh_bench_device_write(struct gh_bench_vcpu *v, uint64_t offset, uint64_t data);
/* Whether the guests begin with accesses that they time: @timing is set. */
bool gh_bench_times_accesses(const struct gh_bench *bench);
/* Accesses of the workload, of all vCPUs. */
uint64_t gh_bench_handled(const struct gh_bench *bench);

/* measure.c, life.c, memory.c: print the record; the exit status. */
int gh_bench_measure(struct gh_bench *bench, const char *image, uint64_t events,
		     unsigned int repeats);
int gh_bench_life(struct gh_bench *bench, const char *image, unsigned int repeats);
int gh_bench_memory(const struct gh_bench *template, const char *image);
void gh_bench_print_head(const struct gh_bench *bench);
int gh_bench_fail(const struct gh_bench *bench, const char *what, int ret);

/* turns.c: submits, waits for @wait_nr completions and handles what is there; 0 or -errno. */
typedef int gh_bench_turn(struct gh_bench *bench, unsigned int wait_nr);
/* Turns until @events exits are handled, or until @until_ns; 0 or -errno. */
int gh_bench_run_turns(struct gh_bench *bench, uint64_t events, gh_bench_turn *turn);
/* All vCPUs in the ring's file table, by their index. 0 or -errno. */
int gh_bench_register_files(struct gh_bench *bench, struct io_uring *ring);

/* io.c: before the VM starts; 0 or -errno. */
int gh_bench_io_add(struct gh_bench *bench, struct gh_bench_io *io, struct gh_vm *vm,
		    struct gh_bench_vcpu *vcpus);
void gh_bench_io_remove(struct gh_bench *bench);
/* Rings the bells of all active vCPUs. 0 or -errno. */
int gh_bench_ring_bells(struct gh_bench *bench);
/* Hands the device what was posted. */
void gh_bench_drain(struct gh_bench_vcpu *v);
/* How often writes signalled, in all. */
uint64_t gh_bench_signals(const struct gh_bench *bench);

int gh_bench_kvm_create(struct gh_bench *bench, const void *image, uint64_t size);
void gh_bench_kvm_destroy(struct gh_bench *bench);
/* One exit, handled. 0 or -errno. */
int gh_bench_kvm_once(struct gh_bench_vcpu *v);
int gh_bench_kvm_io_add(int kvm_fd, int vm_fd, struct gh_bench_vcpu *v);
void gh_bench_kvm_drain(struct gh_bench_vcpu *v);

void gh_bench_usage(struct gh_bench_usage *usage);
void gh_bench_memory_now(struct gh_bench_memory *memory);
void gh_bench_hist_add(struct gh_bench_hist *hist, uint64_t ns);
uint64_t gh_bench_hist_at(const struct gh_bench_hist *hist, double part);

#endif /* GH_BENCH_H */
