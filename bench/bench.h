/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * gh-bench: the same guests, device code and driver behind different ways to run
 * a vCPU. main.c reads the options and prints the record, vms.c makes the guests,
 * backends.c runs them.
 */
#ifndef GH_BENCH_H
#define GH_BENCH_H

#include <stdint.h>

#include <gh-runner/gh-runner.h>

struct gh_bench;

/**
 * struct gh_bench_backend - a way to run vCPUs
 * @name: for --backend and the record
 * @run: handles at least @events exits; called for the warm-up, then for the
 *	measurement. Returns 0 or -errno
 */
struct gh_bench_backend {
	const char *name;
	int (*run)(struct gh_bench *bench, uint64_t events);
};

/**
 * struct gh_bench - one measurement
 * @runner: owns the VMs; drives them only in the ring backends
 * @vms: @nr_vcpus VMs of one vCPU
 * @exits: handled so far
 * @syscalls: made for that
 */
struct gh_bench {
	const struct gh_bench_backend *backend;
	struct gh_runner *runner;
	struct gh_vm **vms;
	unsigned int nr_vcpus;
	uint64_t exits;
	uint64_t syscalls;
};

extern const struct gh_bench_backend gh_bench_ring, gh_bench_ioctl, gh_bench_threads;

int gh_bench_create(struct gh_bench *bench, const char *image_path);
void gh_bench_destroy(struct gh_bench *bench);

#endif /* GH_BENCH_H */
