/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Virtual machines for the suites, made with nothing but the driver's ioctls, so
 * that a failure points at the driver and not at a library in between.
 *
 * Calls that a test only needs as a preparation assert by themselves (they run
 * in the test's process); calls whose result a test may want return -errno.
 */
#ifndef GT_VM_H
#define GT_VM_H

#include <linux/gunyah.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../guests/script.h"

/* Guest-physical layout; the image starts at the first byte of the memory. */
#define GT_RAM_BASE	0x80000000ULL
#define GT_RAM_SIZE	0x200000UL
#define GT_DTB_OFFSET	0x1c0000UL
#define GT_DTB_SIZE	0x10000UL

/* Where the tests' scripts put their device registers. */
#define GT_DEV_BASE	0x0b000000ULL

#define GT_MAX_VCPUS	GS_MAX_VCPUS
#define GT_MEM_RWX	(GH_MEM_ALLOW_READ | GH_MEM_ALLOW_WRITE | GH_MEM_ALLOW_EXEC)
#define GT_LABEL	0
/* The device tree has a place for memory with this label. */
#define GT_SHARED_LABEL	7
#define GT_SHARED_BASE	0x90000000ULL
/* Doorbells of the device tree, and the guest's interrupt of each. */
#define GT_BELL_EDGE	1
#define GT_BELL_LEVEL	2
#define GT_BELL_INTID(label)	(40 + (label))

struct gt_vm;

/**
 * struct gt_vcpu - one vCPU
 * @vm: borrowed, its VM
 * @fd: owned; -1 when closed
 * @id: number in the VM
 * @run: owned mapping of the shared page
 * @answered, @answer: an MMIO read that gt_answer() answered, for the next run
 * @done: the run loop's own
 */
struct gt_vcpu {
	struct gt_vm *vm;
	int fd;
	unsigned int id;
	struct gh_vcpu_run *run;
	bool answered;
	uint64_t answer;
	bool done;
};

/**
 * struct gt_vm - one VM
 * @fd: owned; -1 when closed
 * @ram, @ram_size: owned mapping, the guest's memory
 * @nr_vcpus, @vcpus: created vCPUs
 */
struct gt_vm {
	int fd;
	uint8_t *ram;
	size_t ram_size;
	unsigned int nr_vcpus;
	struct gt_vcpu vcpus[GT_MAX_VCPUS];
};

/* /dev/gunyah, or -errno. */
int gt_open_dev(void);
/* A new VM's fd, or -errno. */
int gt_create_vm(void);

/* ioctl() with -errno as result. */
int gt_ioctl(int fd, unsigned long cmd, unsigned long arg);
int gt_set_mem(int vm_fd, uint32_t label, uint32_t flags, uint64_t gpa, uint64_t size,
	       void *addr);
int gt_set_dtb(int vm_fd, uint64_t gpa, uint64_t size);
int gt_start(int vm_fd);
int gt_add_vcpu(int vm_fd, uint32_t id);
int gt_add_vcpu_by_name(int vm_fd, uint32_t id);
int gt_remove_vcpu(int vm_fd, uint32_t id);

/* Memory for a guest: never inherited over fork(), not in a core dump. */
void *gt_ram_alloc(size_t size);

/* A device tree for @vcpus vCPUs into @buf; asserts that it fits. */
void gt_dtb(void *buf, size_t size, unsigned int vcpus);

/* Copies guest @name (a flat binary) to @ram; asserts that it exists and fits. Its size. */
size_t gt_load(uint8_t *ram, size_t ram_size, const char *name);

/* The parts of a VM one after the other, each asserting. */
void gt_vm_create(struct gt_vm *vm);
void gt_vm_fill(struct gt_vm *vm, const char *guest, unsigned int vcpus);
void gt_vm_script(struct gt_vm *vm, unsigned int vcpu, const struct gs_op *ops, size_t n);
void gt_vm_give(struct gt_vm *vm);
void gt_vm_add_vcpu(struct gt_vm *vm, unsigned int id);
void gt_vm_start(struct gt_vm *vm);

/* All of it: memory with guest @name and the scripts, lent, vCPUs, started. */
void gt_vm_boot(struct gt_vm *vm, const char *guest, unsigned int vcpus);
/* One vCPU with a script; GT_BOOT_SCRIPT() takes an array. */
void gt_vm_boot_script(struct gt_vm *vm, const struct gs_op *ops, size_t n);
#define GT_BOOT_SCRIPT(vm, ops)	\
	gt_vm_boot_script(vm, ops, sizeof(ops) / sizeof((ops)[0]))

/* Whether fdinfo shows the vCPU in this state: idle, running, asleep, parked. */
bool gt_vcpu_is(const struct gt_vcpu *vcpu, const char *state);
/* Waits for it; asserts that it comes. */
void gt_vcpu_wait_for(const struct gt_vcpu *vcpu, const char *state);

/* Everything the VM still has, vCPUs first; safe in every half-built state. */
void gt_vm_close(struct gt_vm *vm);
void gt_vcpu_close(struct gt_vcpu *vcpu);

#endif /* GT_VM_H */
