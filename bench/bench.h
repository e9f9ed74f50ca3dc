/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * gh-bench: the same guests and device code behind different ways to run a vCPU.
 *
 *   main.c	options, the measurement, the record
 *   vms.c	the guests and their device
 *   threads.c	GH_VCPU_RUN or KVM_RUN: one thread, or a thread per vCPU
 *   ring.c	the runner
 *   raw.c	io_uring without the runner: inline, IOSQE_ASYNC, SQPOLL
 *   raw_batch.c	GH_VCPU_RUN_BATCH without the runner, by ring and by ioctl
 *   kvm.c	the same guests under KVM
 *   floor.c	the hypercall alone, in the kernel
 *   usage.c	idle time, memory, latencies
 */
#ifndef GH_BENCH_H
#define GH_BENCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <gh-runner/gh-runner.h>

struct gh_bench;
struct gh_bench_vcpu;
struct kvm_guests;

#define GH_BENCH_BUCKETS	1024

/* Latencies: 16 buckets to each power of two. */
struct gh_bench_hist {
	uint64_t count[GH_BENCH_BUCKETS];
	uint64_t total;
};

/**
 * struct gh_bench_workload - what the guests do
 * @name: for --workload and the record
 * @mode: enum guest_bench_mode of active vCPUs; the others sleep
 * @active_percent: of the vCPUs that are active
 * @sleeps: active vCPUs sleep between events
 */
struct gh_bench_workload {
	const char *name;
	unsigned int mode;
	unsigned int active_percent;
	bool sleeps;
};

/**
 * struct gh_bench_backend - a way to run vCPUs
 * @name: for --backend and the record
 * @kvm: needs KVM instead of Gunyah
 * @one_at_a_time: cannot run a guest that sleeps
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
	bool one_at_a_time;
	int (*start)(struct gh_bench *bench);
	int (*run)(struct gh_bench *bench, uint64_t events);
	int (*park)(struct gh_bench *bench);
	void (*stop)(struct gh_bench *bench);
};

/**
 * struct gh_bench_vcpu - a vCPU, and the device that it talks to
 * @vcpu: the runner's; NULL under KVM
 * @kvm_run: shared page, under KVM
 * @fd: of the vCPU, under KVM
 * @active: does the workload
 * @last_ns: time of its last exit, while latencies are taken
 * @events, @done: exits to handle in this run, and handled; backends with threads
 * @syscalls: made for it so far, likewise
 */
struct gh_bench_vcpu {
	struct gh_bench *bench;
	struct gh_vcpu *vcpu;
	struct kvm_run *kvm_run;
	int fd;
	bool active;
	uint64_t last_ns;
	uint64_t events;
	uint64_t done;
	uint64_t syscalls;
	pthread_t thread;
};

/**
 * struct gh_bench - one measurement
 * @runner: owns the VMs; drives them only in the backend "ring"
 * @vms: @nr_vms VMs of @per_vm vCPUs, the last one may have fewer
 * @vcpus: @nr_vcpus
 * @interval_ns: of the timer in the guests
 * @exits: of active vCPUs, handled so far
 * @syscalls: made for that
 * @inner_ns: what the backend says it took, 0: it does not measure itself
 * @timed: latencies are taken
 * @module: file name of the kernel module, for the backend "floor"
 * @kvm: guests under KVM
 * @hist: latencies
 * @priv: the backend's
 */
struct gh_bench {
	const struct gh_bench_backend *backend;
	const struct gh_bench_workload *workload;
	struct gh_runner *runner;
	struct gh_vm **vms;
	struct gh_bench_vcpu *vcpus;
	unsigned int nr_vcpus;
	unsigned int nr_active;
	unsigned int nr_vms;
	unsigned int per_vm;
	uint64_t interval_ns;
	uint64_t exits;
	uint64_t syscalls;
	uint64_t inner_ns;
	bool timed;
	const char *module;
	struct kvm_guests *kvm;
	struct gh_bench_hist hist;
	void *priv;
};

/* What the machine has used since it booted: bytes, ns. */
struct gh_bench_usage {
	uint64_t now_ns;
	uint64_t idle_ns;
	uint64_t kernel_bytes;
	uint64_t user_bytes;
	uint64_t switches;
};

extern const struct gh_bench_backend gh_bench_ring, gh_bench_raw, gh_bench_raw_async,
	gh_bench_raw_sqpoll, gh_bench_ioctl, gh_bench_threads, gh_bench_threads_pinned,
	gh_bench_kvm, gh_bench_kvm_threads, gh_bench_floor, gh_bench_raw_batch,
	gh_bench_ioctl_batch;

int gh_bench_create(struct gh_bench *bench, const char *image_path);
void gh_bench_destroy(struct gh_bench *bench);
/* Lets the device of a runner's vCPU answer. */
int gh_bench_access(struct gh_access *access, uint64_t addr);

int gh_bench_kvm_create(struct gh_bench *bench, const void *image, uint64_t size);
void gh_bench_kvm_destroy(struct gh_bench *bench);
/* One exit, handled. 0 or -errno. */
int gh_bench_kvm_once(struct gh_bench_vcpu *v);

void gh_bench_usage(struct gh_bench_usage *usage);
void gh_bench_hist_add(struct gh_bench_hist *hist, uint64_t ns);
uint64_t gh_bench_hist_at(const struct gh_bench_hist *hist, double part);

/* The device, wherever it is reached from. */
uint64_t gh_bench_device_read(struct gh_bench_vcpu *v, uint64_t offset);
void gh_bench_device_write(struct gh_bench_vcpu *v, uint64_t offset, uint64_t data);

#endif /* GH_BENCH_H */
