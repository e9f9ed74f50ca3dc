// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <criterion/criterion.h>
#include <stdlib.h>

#include "fake.h"

#define FD_GUNYAH	3
#define FD_BOARD	4
#define FD_VM		100
#define FD_VCPU		1000

void fake_init(struct fake *f)
{
	unsigned int i;

	memset(f, 0, sizeof(*f));
	memset(f->files, 0xff, sizeof(f->files));
	for (i = 0; i < FAKE_VCPUS; i++)
		f->vcpus[i].bit = -1;
	f->sq_size = FAKE_SQES;
}

static int fake_open(void *ctx)
{
	struct fake *f = ctx;

	f->open_fds++;
	return FD_GUNYAH;
}

static int fake_close(void *ctx, int fd)
{
	struct fake *f = ctx;

	f->open_fds--;
	if (fd >= FD_VCPU) {
		cr_assert(f->vcpus[fd - FD_VCPU].open, "closed twice");
		cr_assert_not(f->vcpus[fd - FD_VCPU].mapped, "unmap before close");
		cr_assert_not(f->vcpus[fd - FD_VCPU].parked, "a command is in flight");
		f->vcpus[fd - FD_VCPU].open = false;
	}
	return 0;
}

/* The driver's half: the bit, then the state, then the signal. */
static void tell_board(struct fake *f, const struct fake_vcpu *v)
{
	uint64_t *words = (uint64_t *)((char *)f->board + GH_WAKE_BOARD_WORDS);

	words[v->bit / 64] |= 1ULL << v->bit % 64;
	f->signals += f->board->state == GH_BOARD_ARMED;
	f->board->state = GH_BOARD_TOLD;
}

static void set_board(struct fake *f, struct fake_vcpu *v, const struct gh_vcpu_board *arg)
{
	v->bit = arg->fd < 0 ? -1 : (int)arg->bit;
	if (arg->fd < 0) {
		v->left = false;
		return;
	}
	cr_assert_eq(arg->fd, FD_BOARD);
	cr_assert_lt(arg->bit, f->board->nr);
	tell_board(f, v);
}

static int fake_new_board(void *ctx, int fd, unsigned int nr, struct gh_wake_board **board,
			  size_t *size)
{
	struct fake *f = ctx;

	cr_assert(f->vcpus[fd - FD_VCPU].open);
	if (f->no_board)
		return -ENOTTY;
	*size = GH_WAKE_BOARD_WORDS + nr / 8 + 8;
	*board = calloc(1, *size);
	(*board)->nr = nr;
	/* Of two runners that share this driver only one has a board. */
	f->no_board = true;
	f->board = *board;
	f->open_fds++;
	return FD_BOARD;
}

static void fake_del_board(void *ctx, int fd, struct gh_wake_board *board, size_t size)
{
	struct fake *f = ctx;

	cr_assert_eq(fd, FD_BOARD);
	cr_assert_eq(board, f->board);
	free(board);
	f->board = NULL;
	f->no_board = false;
	f->open_fds--;
}

static int fake_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	struct fake *f = ctx;

	errno = ENOTTY;
	if (request == f->fail_ioctl)
		return f->fail_error;
	switch (request) {
	case GH_CREATE_VM:
		cr_assert_eq(fd, FD_GUNYAH);
		f->open_fds++;
		return FD_VM + (int)f->nr_vms++;
	case GH_VM_ADD_FUNCTION:
		if (((struct gh_fn_desc *)arg)->type == GH_FN_IRQFD) {
			f->irqfds++;
			return 0;
		}
		cr_assert_lt(f->nr_vcpus, FAKE_VCPUS);
		f->vcpus[f->nr_vcpus].open = true;
		f->open_fds++;
		return FD_VCPU + (int)f->nr_vcpus++;
	case GH_VM_REMOVE_FUNCTION:
		f->removed++;
		return 0;
	case GH_VCPU_KICK:
		f->kicks++;
		return 0;
	case GH_VCPU_SET_BOARD:
		set_board(f, &f->vcpus[fd - FD_VCPU], arg);
		return 0;
	default:
		return 0;
	}
}

static int fake_map_run(void *ctx, int fd, size_t *size, struct gh_vcpu_run **run)
{
	struct fake *f = ctx;

	*run = &f->vcpus[fd - FD_VCPU].run;
	*size = 4096;
	f->vcpus[fd - FD_VCPU].mapped = true;
	return 0;
}

static void fake_unmap_run(void *ctx, struct gh_vcpu_run *run, size_t size)
{
	struct fake_vcpu *v = (struct fake_vcpu *)((char *)run - offsetof(struct fake_vcpu, run));

	v->mapped = false;
}

static int fake_set_file(void *ctx, unsigned int slot, int fd)
{
	struct fake *f = ctx;

	if (f->no_files)
		return -EOPNOTSUPP;
	cr_assert_lt(slot, FAKE_VCPUS);
	f->files[slot] = fd;
	return 0;
}

static struct io_uring_sqe *fake_get_sqe(void *ctx)
{
	struct fake *f = ctx;

	return f->nr_sqes < f->sq_size ? &f->sqes[f->nr_sqes++] : NULL;
}

void fake_complete(struct fake *f, uint64_t user_data, int res)
{
	cr_assert_lt(f->nr_cqes, FAKE_CQES);
	f->cqes[f->nr_cqes++] = (struct fake_cqe) { .user_data = user_data, .res = res };
}

static int mmio(struct fake_vcpu *v, const struct fake_step *s)
{
	bool write = s->kind == FAKE_WRITE;

	v->read_pending = !write;
	v->run.exit_reason = GH_VM_EXIT_MMIO;
	v->run.mmio.phys_addr = s->addr;
	v->run.mmio.len = s->len;
	v->run.mmio.is_write = write;
	memset(v->run.mmio.data, 0, 8);
	if (write)
		memcpy(v->run.mmio.data, &s->data, 8);
	return GH_URING_EXIT_MMIO | (write ? GH_URING_RES_WRITE : 0) | (int)s->len << 12;
}

static int status(struct fake_vcpu *v, const struct fake_step *s)
{
	v->run.exit_reason = GH_VM_EXIT_STATUS;
	v->run.status.status = s->kind == FAKE_OFF ? GH_VM_STATUS_EXITED : GH_VM_STATUS_CRASHED;
	v->run.status.exit_info.type = s->kind == FAKE_OFF ? 1 : 5;
	v->run.status.exit_info.reason_size = (uint32_t)s->data;
	memset(v->run.status.exit_info.reason, 0xab, 8);
	return GH_URING_EXIT_STATUS;
}

/* No CQE is posted: the command is parked. */
#define PARKED	0x7fffffff

/* What the driver is told about a run, by a command or in a batch. */
struct run {
	bool resume;
	uint64_t data;
	bool in_batch;
};

/* What the guest gets: the driver takes what belongs to the access. */
static uint64_t answer_of(const struct fake_vcpu *v, uint64_t data)
{
	uint32_t len = v->run.mmio.len;

	return len < 8 ? data & ((1ULL << (8 * len)) - 1) : data;
}

static int run_vcpu(struct fake *f, struct fake_vcpu *v, const struct run *run)
{
	const struct fake_step *s = &v->steps[v->pos];

	cr_assert_not(v->parked, "submitted twice");
	if (s->kind == FAKE_ERROR) {
		v->pos++;
		return (int)s->data;
	}
	cr_assert(run->resume || !run->data, "refused by the driver");
	if (v->read_pending) {
		cr_assert(run->resume, "a read must be answered");
		cr_assert_lt(v->nr_answers, FAKE_STEPS);
		v->answers[v->nr_answers++] = answer_of(v, run->data);
		v->read_pending = false;
	}
	if (run->in_batch && (s->kind == FAKE_END || s->kind == FAKE_PARK)) {
		v->waits++;
		v->left = f->board && v->bit >= 0;
		return GH_URING_EXIT_WAITING;
	}
	v->left = false;
	v->runs++;
	f->order[f->nr_order++ % FAKE_CQES] = (unsigned int)(v - f->vcpus);
	if (s->kind != FAKE_END)
		v->pos++;
	switch (s->kind) {
	case FAKE_END:
	case FAKE_PARK:
		return PARKED;
	case FAKE_READ:
	case FAKE_WRITE:
		return mmio(v, s);
	case FAKE_PREEMPTED:
		return GH_URING_EXIT_PREEMPTED;
	case FAKE_INTR:
		return GH_URING_EXIT_INTR;
	case FAKE_OFF:
	case FAKE_CRASH:
		return status(v, s);
	case FAKE_ERROR:
		break;
	}
	cr_assert_fail("handled above");
	return 0;
}

static void run_command(struct fake *f, struct fake_vcpu *v, const struct io_uring_sqe *sqe)
{
	struct gh_uring_run args;
	struct run run;
	int res;

	memcpy(&args, sqe->cmd, sizeof(args));
	run = (struct run) {
		.resume = sqe->addr & GH_URING_RUN_RESUME,
		.data = args.resume_data,
	};
	f->slices[v - f->vcpus] = sqe->len;
	f->deadline_ns = args.deadline_ns;
	res = run_vcpu(f, v, &run);
	if (res != PARKED) {
		fake_complete(f, sqe->user_data, res);
		return;
	}
	v->parked = true;
	v->user_data = sqe->user_data;
}

static int run_batch(struct fake *f, struct gh_run_entry *entries, unsigned int nr)
{
	unsigned int i;

	if (f->no_batch)
		return -ENOTTY;
	if (f->fail_batch)
		return f->fail_batch;
	if (!nr)
		return -EINVAL;
	for (i = 0; i < nr && (!f->skip_after || i < f->skip_after); i++) {
		struct gh_run_entry *e = &entries[i];
		const struct run run = {
			.resume = e->flags & GH_URING_RUN_RESUME,
			.data = e->resume_data,
			.in_batch = true,
		};

		cr_assert(e->fd >= FD_VCPU && f->vcpus[e->fd - FD_VCPU].open);
		f->slices[e->fd - FD_VCPU] = e->slice_ns;
		e->res = run_vcpu(f, &f->vcpus[e->fd - FD_VCPU], &run);
	}
	for (; i < nr; i++)
		f->vcpus[entries[i].fd - FD_VCPU].skipped++;
	return (int)(f->skip_after && f->skip_after < nr ? f->skip_after : nr);
}

static int fake_run_batch(void *ctx, int fd, struct gh_run_entry *entries, unsigned int nr,
			  uint64_t deadline_ns)
{
	struct fake *f = ctx;

	cr_assert(f->vcpus[fd - FD_VCPU].open);
	f->deadline_ns = deadline_ns;
	f->batch_ioctls += nr > 0;
	return run_batch(f, entries, nr);
}

/* The answer is where the driver looks for it. */
static int fake_run_once(void *ctx, int fd, uint64_t deadline_ns)
{
	struct fake *f = ctx;
	struct fake_vcpu *v = &f->vcpus[fd - FD_VCPU];
	struct run run = { .resume = true, .in_batch = true };

	cr_assert(v->open);
	if (f->no_once)
		return -ENOTTY;
	memcpy(&run.data, v->run.mmio.data, sizeof(run.data));
	f->deadline_ns = deadline_ns;
	f->onces++;
	return run_vcpu(f, v, &run);
}

static void batch_command(struct fake *f, const struct io_uring_sqe *sqe)
{
	struct gh_uring_run_batch args;

	memcpy(&args, sqe->cmd, sizeof(args));
	f->deadline_ns = args.deadline_ns;
	f->batches++;
	fake_complete(f, sqe->user_data,
		      run_batch(f, (struct gh_run_entry *)(uintptr_t)sqe->addr, sqe->len));
}

void fake_wake(struct fake *f, unsigned int vcpu)
{
	struct fake_vcpu *v = &f->vcpus[vcpu];

	if (v->left) {
		v->left = false;
		v->pos += v->steps[v->pos].kind == FAKE_PARK;
		tell_board(f, v);
		return;
	}
	cr_assert(v->parked);
	v->parked = false;
	fake_complete(f, v->user_data, GH_URING_EXIT_RUNNABLE);
}

static struct fake_vcpu *target(struct fake *f, const struct io_uring_sqe *sqe)
{
	int fd = sqe->fd;

	if (sqe->flags & IOSQE_FIXED_FILE) {
		cr_assert(fd >= 0 && fd < FAKE_VCPUS);
		fd = f->files[fd];
	}
	cr_assert_geq(fd, FD_VCPU);
	cr_assert(f->vcpus[fd - FD_VCPU].open);
	return &f->vcpus[fd - FD_VCPU];
}

static void submit_one(struct fake *f, const struct io_uring_sqe *sqe, unsigned int *entered)
{
	struct fake_vcpu *v;

	if (sqe->opcode != IORING_OP_URING_CMD) {
		fake_complete(f, sqe->user_data, 77);
		return;
	}
	v = target(f, sqe);
	switch (sqe->cmd_op) {
	case GH_VCPU_RUN:
		if (f->skip_after && *entered >= f->skip_after) {
			v->skipped++;
			fake_complete(f, sqe->user_data,
				      GH_URING_EXIT_PREEMPTED | GH_URING_RES_NOT_ENTERED);
			return;
		}
		(*entered)++;
		run_command(f, v, sqe);
		return;
	case GH_VCPU_RUN_BATCH:
		batch_command(f, sqe);
		return;
	case GH_VCPU_CANCEL:
		f->cancels++;
		if (v->parked)
			fake_complete(f, v->user_data, -ECANCELED);
		v->parked = false;
		fake_complete(f, sqe->user_data, 0);
		return;
	default:
		cr_assert_fail("unexpected command %x", sqe->cmd_op);
	}
}

static int fake_enter(void *ctx, unsigned int wait_nr, uint64_t timeout_ns)
{
	struct fake *f = ctx;
	unsigned int i, entered = 0, nr = f->nr_sqes;
	static struct io_uring_sqe sqes[FAKE_SQES];

	f->enters++;
	memcpy(sqes, f->sqes, nr * sizeof(sqes[0]));
	memset(f->sqes, 0xee, sizeof(f->sqes));
	f->nr_sqes = 0;
	for (i = 0; i < nr; i++)
		submit_one(f, &sqes[i], &entered);
	if (wait_nr && f->board && !f->two_runners)
		cr_assert_eq(f->board->state, GH_BOARD_ARMED, "it would sleep for ever");
	if (wait_nr && !f->nr_cqes && !(f->on_idle && f->on_idle(f))) {
		cr_assert_neq(timeout_ns, UINT64_MAX, "waits for ever");
		return -ETIME;
	}
	return 0;
}

static int fake_reap(void *ctx, gh_reap_fn *fn, void *arg)
{
	struct fake *f = ctx;
	unsigned int i, nr = f->nr_cqes;

	for (i = 0; i < nr; i++) {
		const struct io_uring_cqe cqe = {
			.user_data = f->cqes[i].user_data,
			.res = f->cqes[i].res,
		};

		fn(arg, &cqe);
	}
	cr_assert_eq(f->nr_cqes, nr, "something was submitted while reaping");
	f->nr_cqes = 0;
	return (int)nr;
}

const struct gh_port_ops fake_port = {
	.open = fake_open,
	.ioctl = fake_ioctl,
	.close = fake_close,
	.map_run = fake_map_run,
	.unmap_run = fake_unmap_run,
	.run_batch = fake_run_batch,
	.run_once = fake_run_once,
	.new_board = fake_new_board,
	.del_board = fake_del_board,
	.get_sqe = fake_get_sqe,
	.enter = fake_enter,
	.reap = fake_reap,
	.set_file = fake_set_file,
};
