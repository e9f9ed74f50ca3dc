// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Rings of every kind, and what they promise: each command completes once, with a
 * result that the protocol knows, and a guest is never given another answer than
 * its own.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

/* user_data: place in the table and generation; or a command without a place. */
#define UD(index, generation)	((uint64_t)(generation) << 16 | (index))
#define UD_INDEX(ud)		((unsigned int)((ud) & 0xffff))
#define UD_GENERATION(ud)	((uint32_t)((ud) >> 16))
#define UD_SKIPPED		0xffff

static struct st_ring *pick_ring(struct st_worker *w)
{
	unsigned int i, first = st_below(&w->random, ST_RINGS);

	for (i = 0; i < ST_RINGS; i++) {
		if (w->rings[(first + i) % ST_RINGS].open)
			return &w->rings[(first + i) % ST_RINGS];
	}
	return NULL;
}

int64_t st_ring_open(struct st_worker *w)
{
	static const unsigned int kinds[] = {
		0, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN, IORING_SETUP_CQE32, IORING_SETUP_SQPOLL,
		IORING_SETUP_SQPOLL | IORING_SETUP_CQE32,
	};
	struct io_uring_params params = { 0 };
	unsigned int i;
	int ret;

	for (i = 0; i < ST_RINGS && w->rings[i].open; i++)
		;
	if (i == ST_RINGS)
		return -EAGAIN;
	params.flags = kinds[st_below(&w->random, GT_ARRAY_SIZE(kinds))];
	params.sq_thread_idle = 1 + st_below(&w->random, 50);
	if (st_once_in(&w->random, 3)) {
		/* Completions overflow, and must come all the same. */
		params.flags |= IORING_SETUP_CQSIZE;
		params.cq_entries = 8;
	}
	w->arg[0] = i;
	w->arg[1] = params.flags;
	memset(&w->rings[i], 0, sizeof(w->rings[i]));
	ret = io_uring_queue_init_params(8, &w->rings[i].ring, &params);
	cr_assert_eq(ret, 0);
	w->rings[i].flags = params.flags;
	w->rings[i].open = true;
	if (st_once_in(&w->random, 2)) {
		/* A table without files; they come and go by st_ring_file(). */
		ret = io_uring_register_files(&w->rings[i].ring,
					      (const int []) { -1, -1, -1, -1 }, ST_FILES);
		cr_assert_eq(ret, 0);
		w->rings[i].table = true;
	}
	return 0;
}

/* A vCPU into the ring's table, or out of it, also with commands in flight. */
int64_t st_ring_file(struct st_worker *w)
{
	unsigned int slot = st_below(&w->random, ST_FILES);
	bool in = !st_once_in(&w->random, 3);
	struct st_ring *ring = pick_ring(w);
	struct st_file *file;
	struct gt_vcpu *vcpu;
	struct st_vm *vm;
	int fd, ret;

	vcpu = st_pick_vcpu(w, false, &vm);
	if (!ring || !ring->table || !vcpu)
		return -EAGAIN;
	w->arg[0] = ring - w->rings;
	w->arg[1] = slot;
	file = &ring->files[slot];
	/* A command that is issued later finds another file. */
	if (file->used)
		w->vms[file->vm].loose = true;
	fd = in ? vcpu->fd : -1;
	ret = io_uring_register_files_update(&ring->ring, slot, &fd, 1);
	if (ret != 1)
		stress_fail("update of a ring's files: %d", ret);
	*file = (struct st_file) {
		.used = in, .vm = vm - w->vms, .serial = vm->serial, .vcpu = vcpu->id,
	};
	return 0;
}

/* One that is in the ring's table, half of the time; else NULL. */
static struct gt_vcpu *pick_file(struct st_worker *w, const struct st_ring *ring,
				 struct st_vm **vm)
{
	const struct st_file *f = &ring->files[st_below(&w->random, ST_FILES)];
	struct gt_vcpu *vcpu;

	if (!st_once_in(&w->random, 2) || !f->used || w->vms[f->vm].serial != f->serial)
		return NULL;
	*vm = &w->vms[f->vm];
	vcpu = &(*vm)->vm.vcpus[f->vcpu];
	return vcpu->fd < 0 ? NULL : vcpu;
}

/* Names the vCPU by the ring's table, if it is there. */
static void use_file(struct st_worker *w, struct st_ring *ring, struct io_uring_sqe *sqe,
		     const struct st_vm *vm, unsigned int vcpu)
{
	unsigned int i;

	for (i = 0; i < ST_FILES; i++) {
		const struct st_file *f = &ring->files[i];

		if (!f->used || f->serial != vm->serial || f->vcpu != vcpu)
			continue;
		sqe->fd = i;
		sqe->flags |= IOSQE_FIXED_FILE;
		w->slot->fixed++;
		return;
	}
}

/* ---- completions -------------------------------------------------------------------- */

static void check_run(struct st_worker *w, struct st_command *command,
		      const struct io_uring_cqe *cqe)
{
	struct st_vm *vm = &w->vms[command->vm];
	struct gh_uring_exit exit;
	struct gt_vcpu *vcpu;
	int ret;

	if (cqe->res < 0) {
		w->slot->errors++;
		if (command->loose || cqe->res == -ECANCELED || cqe->res == -ENODEV ||
		    cqe->res == -EBUSY)
			return;
		stress_fail("RUN of vCPU %u in place %u: %s", command->vcpu, command->vm,
			    strerrorname_np(-cqe->res));
	}
	vcpu = &vm->vm.vcpus[command->vcpu];
	/* Its page is unmapped, or another's. */
	if (vm->serial != command->serial || vcpu->fd < 0)
		return;
	ret = gh_uring_exit_decode(cqe, vcpu->run, &exit);
	cr_assert_eq(ret, 0);
	w->slot->exits += exit.reason == GH_URING_EXIT_MMIO || exit.reason == GH_URING_EXIT_STATUS;
	if (vm->loose || command->loose || exit.reason != GH_URING_EXIT_MMIO || !exit.is_write ||
	    exit.addr != ST_ADDR_ECHO)
		return;
	w->slot->answers++;
	if (exit.data != ST_ANSWER + 1)
		stress_fail("vCPU %u in place %u was answered %#llx", command->vcpu, command->vm,
			    (unsigned long long)exit.data - 1);
}

static void check_cqe(struct st_worker *w, struct st_ring *ring, const struct io_uring_cqe *cqe)
{
	unsigned int index = UD_INDEX(cqe->user_data);
	struct st_command *command, copy;

	if (index == UD_SKIPPED) {
		/* Only what failed is told. */
		cr_assert_lt(cqe->res, 0);
		return;
	}
	cr_assert_lt(index, ST_COMMANDS);
	command = &ring->commands[index];
	if (command->kind == ST_FREE || command->generation != UD_GENERATION(cqe->user_data))
		stress_fail("a second completion: place %u, result %d", index, cqe->res);
	copy = *command;
	command->kind = ST_FREE;
	ring->in_flight--;
	if (copy.kind == ST_RUN)
		check_run(w, &copy, cqe);
	else if (copy.kind == ST_CONTROL && cqe->res && !copy.loose)
		stress_fail("KICK or CANCEL: %s", strerrorname_np(-cqe->res));
}

static int reap(struct st_worker *w, struct st_ring *ring, unsigned int us)
{
	struct __kernel_timespec ts = { .tv_nsec = us * 1000LL };
	struct io_uring_cqe *cqe;
	int n = 0;

	while (n < 64) {
		if (io_uring_wait_cqe_timeout(&ring->ring, &cqe, &ts))
			break;
		check_cqe(w, ring, cqe);
		io_uring_cqe_seen(&ring->ring, cqe);
		ts.tv_nsec = 0;
		n++;
	}
	return n;
}

int64_t st_ring_reap(struct st_worker *w)
{
	struct st_ring *ring = pick_ring(w);

	if (!ring)
		return -EAGAIN;
	w->arg[0] = ring - w->rings;
	return reap(w, ring, st_below(&w->random, 4000));
}

/* ---- submissions ---------------------------------------------------------------------- */

bool st_in_flight(struct st_worker *w, const struct st_vm *vm, unsigned int vcpu)
{
	unsigned int r, i;

	for (r = 0; r < ST_RINGS; r++) {
		for (i = 0; w->rings[r].open && i < ST_COMMANDS; i++) {
			const struct st_command *c = &w->rings[r].commands[i];

			if (c->kind != ST_RUN)
				continue;
			if (vm ? c->serial == vm->serial && c->vcpu == vcpu : c->loose)
				return true;
		}
	}
	return false;
}

/* An SQE with a place in the table, or NULL. */
static struct io_uring_sqe *get_sqe(struct st_ring *ring, struct st_command **command)
{
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < ST_COMMANDS && ring->commands[i].kind != ST_FREE; i++)
		;
	if (i == ST_COMMANDS)
		return NULL;
	sqe = io_uring_get_sqe(&ring->ring);
	if (!sqe)
		return NULL;
	*command = &ring->commands[i];
	return sqe;
}

static void in_place(struct st_ring *ring, struct io_uring_sqe *sqe, struct st_command *command,
		     enum st_kind kind)
{
	command->kind = kind;
	command->generation++;
	sqe->user_data = UD(command - ring->commands, command->generation);
	ring->in_flight++;
}

/*
 * What is not issued at once finds its descriptor later: it can be closed by then, or
 * be another one.
 */
static unsigned int random_flags(struct st_worker *w)
{
	switch (st_below(&w->random, 12)) {
	case 0:
	case 1:
		return IOSQE_ASYNC;
	case 2:
		return IOSQE_IO_LINK;
	case 3:
		return IOSQE_IO_HARDLINK;
	case 4:
		return IOSQE_IO_DRAIN;
	default:
		return 0;
	}
}

/*
 * One RUN, in the ring but not submitted. Its answer is in the command, or in the page
 * if nobody else can run the vCPU meanwhile.
 */
static int prep_run(struct st_worker *w, struct st_ring *ring, unsigned int *deferred)
{
	uint32_t slice = st_once_in(&w->random, 3) ? 0 : 10000 + st_below(&w->random, 3000000);
	unsigned int flags = random_flags(w);
	struct st_command *command;
	struct io_uring_sqe *sqe;
	struct gt_vcpu *vcpu;
	uint64_t deadline = 0;
	struct st_vm *vm;
	bool loose;

	vcpu = pick_file(w, ring, &vm);
	if (!vcpu)
		vcpu = st_pick_vcpu(w, !st_once_in(&w->random, 20), &vm);
	if (!vcpu || (!vm->loose && st_in_flight(w, vm, vcpu->id)))
		return -EAGAIN;
	sqe = get_sqe(ring, &command);
	if (!sqe)
		return -EAGAIN;
	/* Behind one that waits, this one waits too. */
	*deferred |= flags;
	ring->drained |= !!(flags & IOSQE_IO_DRAIN);
	loose = *deferred || ring->drained || ring->flags & IORING_SETUP_SQPOLL || ring->in_flight;
	if (st_once_in(&w->random, 8))
		deadline = st_now_ns() + st_below(&w->random, 4000000);
	if (loose || st_in_flight(w, NULL, 0) || st_once_in(&w->random, 2)) {
		gh_uring_prep_run_resume(sqe, vcpu->fd, slice, deadline, ST_ANSWER);
	} else {
		memcpy(vcpu->run->mmio.data, &(uint64_t) { ST_ANSWER }, 8);
		gh_uring_prep_run(sqe, vcpu->fd, slice, deadline);
	}
	sqe->flags |= flags;
	if (!st_once_in(&w->random, 3))
		use_file(w, ring, sqe, vm, vcpu->id);
	in_place(ring, sqe, command, ST_RUN);
	command->loose = loose;
	command->vm = vm - w->vms;
	command->serial = vm->serial;
	command->vcpu = vcpu->id;
	w->slot->runs++;
	return 0;
}

/*
 * What was not taken is issued later, as commands that are deferred: by then its
 * descriptor may be another vCPU's.
 */
static void not_taken(struct st_worker *w, struct st_ring *ring)
{
	unsigned int i;

	for (i = 0; i < ST_COMMANDS; i++)
		ring->commands[i].loose = true;
	for (i = 0; i < ST_VMS; i++)
		w->vms[i].loose = true;
}

static int64_t submit(struct st_worker *w, struct st_ring *ring)
{
	int ret = io_uring_submit(&ring->ring);

	/* A CQ that overflowed wants to be read first. */
	if (ret < 0 && ret != -EBUSY && ret != -EAGAIN && ret != -EINTR)
		stress_fail("submission: %s", strerrorname_np(-ret));
	if (!(ring->flags & IORING_SETUP_SQPOLL) && io_uring_sq_ready(&ring->ring))
		not_taken(w, ring);
	reap(w, ring, 0);
	return ret;
}

int64_t st_ring_run(struct st_worker *w)
{
	struct st_ring *ring = pick_ring(w);
	unsigned int deferred = 0;
	int ret;

	if (!ring)
		return -EAGAIN;
	w->arg[0] = ring - w->rings;
	ret = prep_run(w, ring, &deferred);
	return ret ? ret : submit(w, ring);
}

int64_t st_ring_batch(struct st_worker *w)
{
	struct st_ring *ring = pick_ring(w);
	unsigned int deferred = 0, n;

	if (!ring)
		return -EAGAIN;
	w->arg[0] = ring - w->rings;
	for (n = 1 + st_below(&w->random, 7); n; n--)
		w->arg[1] += !prep_run(w, ring, &deferred);
	return submit(w, ring);
}

/* Waits in a VM that was not started; one for each vCPU, others are -EBUSY. */
int64_t st_ring_wait_start(struct st_worker *w)
{
	struct st_ring *ring = pick_ring(w);
	struct st_command *command;
	struct io_uring_sqe *sqe;
	struct gt_vcpu *vcpu;
	struct st_vm *vm;

	if (!ring)
		return -EAGAIN;
	vcpu = st_pick_vcpu(w, false, &vm);
	if (!vcpu || (!vm->loose && st_in_flight(w, vm, vcpu->id)))
		return -EAGAIN;
	sqe = get_sqe(ring, &command);
	if (!sqe)
		return -EAGAIN;
	w->arg[0] = ring - w->rings;
	w->arg[1] = vm - w->vms;
	gh_uring_prep_run_resume(sqe, vcpu->fd, 0, 0, ST_ANSWER);
	sqe->addr |= GH_URING_RUN_WAIT_START;
	in_place(ring, sqe, command, ST_RUN);
	command->vm = vm - w->vms;
	command->serial = vm->serial;
	command->vcpu = vcpu->id;
	command->loose = true;
	return submit(w, ring);
}

/* KICK and CANCEL as commands, some of which do not want to hear that all is well. */
int64_t st_ring_control(struct st_worker *w)
{
	struct st_ring *ring = pick_ring(w);
	struct st_command *command;
	struct io_uring_sqe *sqe;
	struct gt_vcpu *vcpu;
	struct st_vm *vm;

	if (!ring)
		return -EAGAIN;
	vcpu = st_pick_vcpu(w, false, &vm);
	sqe = vcpu ? get_sqe(ring, &command) : NULL;
	if (!sqe)
		return -EAGAIN;
	w->arg[0] = ring - w->rings;
	w->arg[1] = vm - w->vms;
	if (st_once_in(&w->random, 2))
		gh_uring_prep_kick(sqe, vcpu->fd);
	else
		gh_uring_prep_cancel(sqe, vcpu->fd);
	if (st_once_in(&w->random, 4)) {
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		sqe->user_data = UD_SKIPPED;
	} else {
		in_place(ring, sqe, command, ST_CONTROL);
		command->loose = ring->flags & IORING_SETUP_SQPOLL || ring->drained ||
				 ring->in_flight > 1;
	}
	return submit(w, ring);
}

/* ---- the end ---------------------------------------------------------------------------- */

/* With whatever is in flight: the kernel cancels it in the background. */
int64_t st_ring_close(struct st_worker *w)
{
	struct st_ring *ring = pick_ring(w);
	unsigned int i;

	if (!ring)
		return -EAGAIN;
	w->arg[0] = ring - w->rings;
	w->arg[1] = ring->in_flight;
	/* An exit whose completion nobody reads leaves an answer open. */
	for (i = 0; i < ST_COMMANDS; i++) {
		if (ring->commands[i].kind == ST_RUN)
			w->vms[ring->commands[i].vm].loose = true;
	}
	io_uring_queue_exit(&ring->ring);
	ring->open = false;
	return 0;
}

/*
 * A command whose descriptor was closed while it ran or waited behind others can
 * park after: only its wake-up or the end of the ring ends it.
 */
static bool reachable(struct st_worker *w, const struct st_ring *ring)
{
	unsigned int i;

	for (i = 0; i < ST_COMMANDS; i++) {
		const struct st_command *c = &ring->commands[i];

		if (c->kind == ST_RUN && (w->vms[c->vm].serial != c->serial ||
					  w->vms[c->vm].vm.vcpus[c->vcpu].fd < 0))
			return false;
	}
	return true;
}

/* All commands of the ring come back when their vCPUs are told to. */
void st_ring_finish(struct st_worker *w, struct st_ring *ring)
{
	uint64_t until = st_now_ns() + st_patience_ns() / 2;
	unsigned int v, i;

	while (ring->in_flight && reachable(w, ring) && st_now_ns() < until) {
		io_uring_submit(&ring->ring);
		for (v = 0; v < ST_VMS; v++) {
			for (i = 0; i < w->vms[v].vm.nr_vcpus; i++) {
				if (w->vms[v].vm.vcpus[i].fd >= 0)
					gt_ioctl(w->vms[v].vm.vcpus[i].fd, GH_VCPU_CANCEL, 0);
			}
		}
		reap(w, ring, 1000);
	}
	if (ring->in_flight && reachable(w, ring))
		stress_fail("%u commands of a ring with flags %#x do not complete",
			    ring->in_flight, ring->flags);
	io_uring_queue_exit(&ring->ring);
	ring->open = false;
}
