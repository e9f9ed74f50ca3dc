// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The paths by ioctl, and what all paths share. */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gt_run.h"

uint64_t gt_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

const char *gt_exit_text(const struct gt_exit *exit, char text[static GT_EXIT_TEXT])
{
	switch (exit->kind) {
	case GT_EXIT_ERROR:
		snprintf(text, GT_EXIT_TEXT, "error %s", strerrorname_np(-exit->err));
		break;
	case GT_EXIT_MMIO:
		snprintf(text, GT_EXIT_TEXT, "%s %u at %#" PRIx64 " data %#" PRIx64,
			 exit->write ? "write" : "read", exit->len, exit->addr, exit->data);
		break;
	case GT_EXIT_STATUS:
		snprintf(text, GT_EXIT_TEXT, "status %u type %u", exit->status, exit->type);
		break;
	case GT_EXIT_PREEMPTED:
		snprintf(text, GT_EXIT_TEXT, "preempted");
		break;
	case GT_EXIT_INTR:
		snprintf(text, GT_EXIT_TEXT, "intr");
		break;
	case GT_EXIT_RUNNABLE:
		snprintf(text, GT_EXIT_TEXT, "runnable");
		break;
	}
	return text;
}

/* What the shared page says after a run that did not fail. */
static void read_page(const struct gh_vcpu_run *run, struct gt_exit *exit)
{
	switch (run->exit_reason) {
	case GH_VM_EXIT_MMIO:
		exit->kind = GT_EXIT_MMIO;
		exit->write = run->mmio.is_write;
		exit->len = run->mmio.len;
		exit->addr = run->mmio.phys_addr;
		cr_assert_leq(exit->len, 8U, "MMIO of %u bytes", exit->len);
		/* All eight bytes: those beyond the access are zero, as documented. */
		if (exit->write)
			exit->data = gh_uring_mmio_data(run, sizeof(run->mmio.data));
		break;
	case GH_VM_EXIT_STATUS:
		exit->kind = GT_EXIT_STATUS;
		exit->status = run->status.status;
		exit->type = run->status.exit_info.type;
		exit->reason_size = run->status.exit_info.reason_size;
		memcpy(exit->reason, run->status.exit_info.reason, sizeof(exit->reason));
		break;
	default:
		cr_assert_fail("exit_reason %u", run->exit_reason);
	}
}

/* @ret of a decoder, which has read @run_exit if that is 0. */
static void decoded(struct gt_vcpu *vcpu, int ret, const struct gh_uring_exit *run_exit,
		    struct gt_exit *exit)
{
	memset(exit, 0, sizeof(*exit));
	if (ret) {
		exit->kind = GT_EXIT_ERROR;
		exit->err = ret;
		return;
	}
	switch (run_exit->reason) {
	case GH_URING_EXIT_PREEMPTED:
		exit->kind = GT_EXIT_PREEMPTED;
		break;
	case GH_URING_EXIT_INTR:
		exit->kind = GT_EXIT_INTR;
		break;
	case GH_URING_EXIT_RUNNABLE:
		exit->kind = GT_EXIT_RUNNABLE;
		break;
	default:
		/* The page says the same as the result: both are the interface. */
		read_page(vcpu->run, exit);
		cr_assert_eq(vcpu->run->exit_reason, run_exit->reason);
		if (run_exit->reason != GH_URING_EXIT_MMIO)
			break;
		cr_assert_eq(exit->write, run_exit->is_write);
		cr_assert_eq(exit->len, run_exit->len);
		cr_assert_eq(exit->addr, run_exit->addr);
		cr_assert_eq(exit->data, run_exit->data);
	}
}

void gt_decode(struct gt_vcpu *vcpu, const struct gt_cqe *cqe, struct gt_exit *exit)
{
	struct gh_uring_exit ring_exit;
	union {
		struct io_uring_cqe cqe;
		uint8_t bytes[sizeof(struct io_uring_cqe) + sizeof(cqe->big)];
	} copy = {
		.cqe = { .user_data = cqe->user_data, .res = cqe->res, .flags = cqe->flags },
	};
	int ret;

	memcpy(copy.bytes + sizeof(copy.cqe), cqe->big, sizeof(cqe->big));
	ret = gh_uring_exit_decode(&copy.cqe, vcpu->run, &ring_exit);
	decoded(vcpu, ret, &ring_exit, exit);
}

void gt_answer(struct gt_vcpu *vcpu, uint64_t value)
{
	vcpu->answer = value;
	vcpu->answered = true;
}

static void ioctl_once(struct gt_vcpu *vcpu, struct gt_exit *exit)
{
	int ret;

	memset(exit, 0, sizeof(*exit));
	if (vcpu->answered)
		memcpy(vcpu->run->mmio.data, &vcpu->answer, sizeof(vcpu->answer));
	vcpu->answered = false;
	ret = gt_ioctl(vcpu->fd, GH_VCPU_RUN, 0);
	if (ret == -EINTR) {
		exit->kind = GT_EXIT_INTR;
	} else if (ret) {
		exit->kind = GT_EXIT_ERROR;
		exit->err = ret;
	} else {
		read_page(vcpu->run, exit);
	}
}

/* A run that never waits; one that has to, does it in the other ioctl. */
static void once_once(struct gt_vcpu *vcpu, struct gt_exit *exit)
{
	struct gh_uring_exit run_exit;
	int ret;

	if (vcpu->answered)
		gh_run_answer(vcpu->run, vcpu->answer);
	vcpu->answered = false;
	ret = gh_run_once(vcpu->fd, 0);
	if (ret == GH_URING_EXIT_WAITING) {
		ioctl_once(vcpu, exit);
		return;
	}
	ret = gh_run_once_decode(ret, vcpu->run, &run_exit);
	decoded(vcpu, ret, &run_exit, exit);
}

struct worker {
	const struct gt_path *path;
	struct gt_vcpu *vcpu;
	gt_handler *handle;
	void *arg;
	pthread_mutex_t *lock;
	pthread_t thread;
};

static void *work(void *data)
{
	struct worker *w = data;
	struct gt_exit exit;
	bool go_on = true;

	while (go_on) {
		gt_run(w->path, w->vcpu, &exit);
		pthread_mutex_lock(w->lock);
		go_on = w->handle(w->vcpu, &exit, w->arg);
		pthread_mutex_unlock(w->lock);
		if (exit.kind == GT_EXIT_STATUS || exit.kind == GT_EXIT_ERROR)
			break;
	}
	return NULL;
}

static void in_threads(const struct gt_path *path, struct gt_vm *vm, gt_handler *handle, void *arg)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct worker workers[GT_MAX_VCPUS];
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		workers[i] = (struct worker) {
			.path = path,
			.vcpu = &vm->vcpus[i],
			.handle = handle,
			.arg = arg,
			.lock = &lock,
		};
		cr_assert_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (i = 0; i < vm->nr_vcpus; i++)
		pthread_join(workers[i].thread, NULL);
}

static void ioctl_all(struct gt_vm *vm, gt_handler *handle, void *arg)
{
	in_threads(&gt_path_ioctl, vm, handle, arg);
}

static void once_all(struct gt_vm *vm, gt_handler *handle, void *arg)
{
	in_threads(&gt_path_once, vm, handle, arg);
}

const struct gt_path gt_path_ioctl = {
	.name = "ioctl",
	.once = ioctl_once,
	.all = ioctl_all,
};

const struct gt_path gt_path_once = {
	.name = "ioctl, one run",
	.once = once_once,
	.all = once_all,
};

void gt_run(const struct gt_path *path, struct gt_vcpu *vcpu, struct gt_exit *exit)
{
	do {
		path->once(vcpu, exit);
	} while (exit->kind == GT_EXIT_PREEMPTED || exit->kind == GT_EXIT_RUNNABLE ||
		 exit->kind == GT_EXIT_INTR);
}

void gt_run_all(const struct gt_path *path, struct gt_vm *vm, gt_handler *handle, void *arg)
{
	path->all(vm, handle, arg);
}

static void run_to_mmio(const struct gt_path *path, struct gt_vcpu *vcpu, bool write,
			uint32_t len, uint64_t addr, struct gt_exit *exit, int line)
{
	char text[GT_EXIT_TEXT];

	gt_run(path, vcpu, exit);
	gt_exit_text(exit, text);
	cr_assert_eq(exit->kind, GT_EXIT_MMIO, "line %d: %s", line, text);
	cr_assert_eq(exit->write, write, "line %d: %s", line, text);
	cr_assert_eq(exit->len, len, "line %d: %s, expected %u bytes", line, text, len);
	cr_assert_eq(exit->addr, addr, "line %d: %s, expected %#" PRIx64, line, text, addr);
}

void gt_check_read(const struct gt_path *path, struct gt_vcpu *vcpu, uint32_t len,
		   uint64_t addr, uint64_t answer, int line)
{
	struct gt_exit exit;

	run_to_mmio(path, vcpu, false, len, addr, &exit, line);
	gt_answer(vcpu, answer);
}

uint64_t gt_take_write(const struct gt_path *path, struct gt_vcpu *vcpu, uint32_t len,
		       uint64_t addr, int line)
{
	struct gt_exit exit;

	run_to_mmio(path, vcpu, true, len, addr, &exit, line);
	return exit.data;
}

void gt_check_write(const struct gt_path *path, struct gt_vcpu *vcpu, uint32_t len,
		    uint64_t addr, uint64_t data, int line)
{
	uint64_t got = gt_take_write(path, vcpu, len, addr, line);

	cr_assert_eq(got, data, "line %d: wrote %#" PRIx64 ", expected %#" PRIx64, line, got, data);
}

void gt_check_status(const struct gt_path *path, struct gt_vcpu *vcpu, uint32_t status,
		     uint16_t type, int line)
{
	char text[GT_EXIT_TEXT];
	struct gt_exit exit;

	gt_run(path, vcpu, &exit);
	gt_exit_text(&exit, text);
	cr_assert_eq(exit.kind, GT_EXIT_STATUS, "line %d: %s", line, text);
	cr_assert_eq(exit.status, status, "line %d: %s, expected %u", line, text, status);
	cr_assert_eq(exit.type, type, "line %d: %s, expected %u", line, text, type);
}
