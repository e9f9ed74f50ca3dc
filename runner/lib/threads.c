// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What stands in for the ring where io_uring is not allowed: the same commands, those
 * of vCPUs each carried out by a thread that may block in it, all I/O by one thread
 * that waits with poll().
 *
 * A job is a submission queue entry on its way. The runner's thread owns those
 * that are free or not submitted; the others are in a queue under the lock, or
 * belong to the thread that carries them out. There are as many workers as vCPUs, made
 * when places for these are reserved: nothing is allocated later.
 */
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"
#include "threads.h"

/* A worker calls the kernel and little else. */
#define STACK_SIZE	(128U << 10)

/**
 * struct job - one command
 * @cancel: set under the lock; the worker looks at it when the run is over
 */
struct job {
	struct io_uring_sqe sqe;
	struct job *next;
	int res;
	bool cancel;
};

struct job_queue {
	struct job *head;
	struct job *tail;
	unsigned int nr;
};

/* What is known about a vCPU; @job is the run in progress. */
struct thread_vcpu {
	struct gh_vcpu_run *run;
	struct job *job;
};

/**
 * struct gh_threads - workers and their queues
 * @lock: for all but what is said to be the runner's thread's
 * @work: something is in @todo, or @exiting
 * @todo, @done: submitted jobs, finished jobs
 * @jobs, @free, @pending: the runner's thread's: all of them, unused, not submitted
 * @vcpus: by slot, @max_vcpus of them
 * @workers, @nr_workers: the threads, @max_vcpus at the most
 * @io_thread, @io_todo: for I/O, and what it shall take over
 * @io_jobs, @io_polls: its own: what waits, and for what
 * @event_fd: signalled with @done, and to wake the runner
 * @io_fd: signalled with @io_todo and @exiting
 */
struct gh_threads {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job_queue todo;
	struct job_queue done;
	struct job *jobs;
	struct job_queue free;
	struct job_queue pending;
	struct thread_vcpu *vcpus;
	unsigned int max_vcpus;
	pthread_t *workers;
	unsigned int nr_workers;
	bool io_started;
	pthread_t io_thread;
	struct job_queue io_todo;
	struct job **io_jobs;
	struct pollfd *io_polls;
	bool exiting;
	int event_fd;
	int io_fd;
};

static void push(struct job_queue *q, struct job *job)
{
	job->next = NULL;
	if (q->tail)
		q->tail->next = job;
	else
		q->head = job;
	q->tail = job;
	q->nr++;
}

static struct job *pop(struct job_queue *q)
{
	struct job *job = q->head;

	if (!job)
		return NULL;
	q->head = job->next;
	if (!q->head)
		q->tail = NULL;
	q->nr--;
	return job;
}

/* It fails only when the counter is full, and then the reader is awake anyway. */
static void signal_fd(int fd)
{
	const uint64_t one = 1;
	int saved = errno;

	if (write(fd, &one, sizeof(one)) < 0)
		errno = saved;
}

/* ---- workers ------------------------------------------------------------------------ */

/* The exit as the completion of a command on a ring tells it. */
static int exit_result(const struct gh_vcpu_run *run)
{
	switch (run->exit_reason) {
	case GH_VM_EXIT_MMIO:
		return GH_URING_EXIT_MMIO | (run->mmio.is_write ? GH_URING_RES_WRITE : 0) |
		       (int)run->mmio.len << GH_URING_RES_LEN_SHIFT;
	case GH_VM_EXIT_STATUS:
		return GH_URING_EXIT_STATUS;
	default:
		return -EPROTO;
	}
}

static int run_vcpu(struct gh_vcpu_run *run, const struct io_uring_sqe *sqe)
{
	struct gh_uring_run args;

	memcpy(&args, sqe->cmd, sizeof(args));
	if (sqe->addr & GH_URING_RUN_RESUME)
		memcpy(run->mmio.data, &args.resume_data, sizeof(run->mmio.data));
	if (!ioctl(sqe->fd, GH_VCPU_RUN))
		return exit_result(run);
	return errno == EINTR ? GH_URING_EXIT_INTR : -errno;
}

/* As on a ring, an offset means nothing to a pipe. */
static ssize_t transfer(const struct io_uring_sqe *sqe)
{
	void *buf = (void *)(uintptr_t)sqe->addr;
	bool at = sqe->off != UINT64_MAX;
	ssize_t n;

	if (sqe->opcode == IORING_OP_READ)
		n = at ? pread(sqe->fd, buf, sqe->len, (off_t)sqe->off) :
			 read(sqe->fd, buf, sqe->len);
	else
		n = at ? pwrite(sqe->fd, buf, sqe->len, (off_t)sqe->off) :
			 write(sqe->fd, buf, sqe->len);
	if (n < 0 && errno == ESPIPE)
		n = sqe->opcode == IORING_OP_READ ? read(sqe->fd, buf, sqe->len) :
						    write(sqe->fd, buf, sqe->len);
	return n < 0 ? -errno : n;
}

/* Under the lock, which also holds for what it finds. */
static struct thread_vcpu *vcpu_of(struct gh_threads *t, const struct io_uring_sqe *sqe)
{
	unsigned int slot = gh_uring_index(sqe->user_data);

	assert(slot < t->max_vcpus && t->vcpus[slot].run);
	return &t->vcpus[slot];
}

static void finish(struct gh_threads *t, struct job *job)
{
	push(&t->done, job);
	if (t->done.nr == 1)
		signal_fd(t->event_fd);
}

static void do_run(struct gh_threads *t, struct job *job)
{
	struct thread_vcpu *v = vcpu_of(t, &job->sqe);
	struct gh_vcpu_run *run = v->run;

	pthread_mutex_unlock(&t->lock);
	job->res = run_vcpu(run, &job->sqe);
	pthread_mutex_lock(&t->lock);
	v->job = NULL;
	if (job->cancel)
		run->immediate_exit = 0;
	if (job->cancel && job->res == GH_URING_EXIT_INTR)
		job->res = -ECANCELED;
	finish(t, job);
}

static void *worker(void *arg)
{
	struct gh_threads *t = arg;
	struct job *job;

	pthread_mutex_lock(&t->lock);
	while (!t->exiting) {
		job = pop(&t->todo);
		if (job)
			do_run(t, job);
		else
			pthread_cond_wait(&t->work, &t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* ---- I/O ------------------------------------------------------------------------------ */

static struct pollfd io_wants(const struct io_uring_sqe *sqe)
{
	short events = (short)sqe->poll32_events;

	if (sqe->opcode == IORING_OP_READ)
		events = POLLIN;
	else if (sqe->opcode == IORING_OP_WRITE)
		events = POLLOUT;
	return (struct pollfd) { .fd = sqe->fd, .events = events };
}

/* Returns false if it has to wait again: the descriptor is of the kind that says so. */
static bool io_carry_out(struct job *job, short revents)
{
	if (revents & POLLNVAL)
		job->res = -EBADF;
	else if (job->sqe.opcode == IORING_OP_POLL_ADD)
		job->res = revents;
	else
		job->res = (int)transfer(&job->sqe);
	return job->res != -EAGAIN;
}

/* Takes over what is new, under the lock. Returns how many wait. */
static unsigned int io_take(struct gh_threads *t, unsigned int nr)
{
	struct job *job;
	uint64_t count;

	/* Empty is as good as drained. */
	if (read(t->io_fd, &count, sizeof(count)) < 0)
		count = 0;
	while ((job = pop(&t->io_todo))) {
		t->io_polls[nr] = io_wants(&job->sqe);
		t->io_jobs[nr++] = job;
	}
	return nr;
}

/* The first place in @io_polls is @io_fd's; jobs follow. */
static void *io_worker(void *arg)
{
	struct gh_threads *t = arg;
	unsigned int nr = 1, i;

	t->io_polls[0] = (struct pollfd) { .fd = t->io_fd, .events = POLLIN };
	pthread_mutex_lock(&t->lock);
	while (!t->exiting) {
		nr = io_take(t, nr);
		pthread_mutex_unlock(&t->lock);
		poll(t->io_polls, nr, -1);
		for (i = 1; i < nr;) {
			struct job *job = t->io_jobs[i];

			if (!t->io_polls[i].revents || !io_carry_out(job, t->io_polls[i].revents)) {
				i++;
				continue;
			}
			nr--;
			t->io_jobs[i] = t->io_jobs[nr];
			t->io_polls[i] = t->io_polls[nr];
			pthread_mutex_lock(&t->lock);
			finish(t, job);
			pthread_mutex_unlock(&t->lock);
		}
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* Signals are for the threads of the program. */
static int start_thread(struct gh_threads *t, pthread_t *thread, void *(*fn)(void *))
{
	pthread_attr_t attr;
	sigset_t all, old;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(thread, &attr, fn, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -ret;
}

/* ---- the runner's thread ------------------------------------------------------------- */

static struct io_uring_sqe *threads_get_sqe(void *ctx)
{
	struct gh_threads *t = ctx;
	struct job *job = pop(&t->free);

	if (!job)
		return NULL;
	memset(job, 0, sizeof(*job));
	push(&t->pending, job);
	return &job->sqe;
}

/*
 * The run may be queued, on its way into the driver, or there: immediate_exit is
 * set before the command is given, so one of the two ends it.
 */
static void cancel_run(struct thread_vcpu *v, int fd)
{
	if (!v->job)
		return;
	v->job->cancel = true;
	v->run->immediate_exit = 1;
	ioctl(fd, GH_VCPU_CANCEL);
}

static void submit_one(struct gh_threads *t, struct job *job)
{
	const struct io_uring_sqe *sqe = &job->sqe;

	switch (sqe->opcode) {
	case IORING_OP_URING_CMD:
		break;
	case IORING_OP_READ:
	case IORING_OP_WRITE:
	case IORING_OP_POLL_ADD:
		push(&t->io_todo, job);
		signal_fd(t->io_fd);
		return;
	default:
		job->res = sqe->opcode == IORING_OP_NOP ? 0 : -EOPNOTSUPP;
		finish(t, job);
		return;
	}
	switch (sqe->cmd_op) {
	case GH_VCPU_RUN:
		vcpu_of(t, sqe)->job = job;
		push(&t->todo, job);
		return;
	case GH_VCPU_CANCEL:
		cancel_run(vcpu_of(t, sqe), sqe->fd);
		break;
	case GH_VCPU_KICK:
		job->res = ioctl(sqe->fd, GH_VCPU_KICK) ? -errno : 0;
		break;
	default:
		job->res = -EOPNOTSUPP;
	}
	finish(t, job);
}

static int wait_done(const struct gh_threads *t, uint64_t timeout_ns)
{
	struct pollfd p = { .fd = t->event_fd, .events = POLLIN };
	uint64_t now = gh_now_ns(), left = timeout_ns > now ? timeout_ns - now : 0;
	const struct timespec ts = {
		.tv_sec = (time_t)(left / 1000000000),
		.tv_nsec = (long)(left % 1000000000),
	};
	int ret = ppoll(&p, 1, timeout_ns == UINT64_MAX ? NULL : &ts, NULL);

	if (ret < 0)
		return -errno;
	return ret ? 0 : -ETIME;
}

static int threads_enter(void *ctx, unsigned int wait_nr, uint64_t timeout_ns)
{
	struct gh_threads *t = ctx;
	struct job *job;
	bool done;

	pthread_mutex_lock(&t->lock);
	while ((job = pop(&t->pending)))
		submit_one(t, job);
	if (t->todo.nr)
		pthread_cond_broadcast(&t->work);
	done = t->done.nr;
	pthread_mutex_unlock(&t->lock);
	return wait_nr && !done ? wait_done(t, timeout_ns) : 0;
}

static int threads_reap(void *ctx, gh_reap_fn *fn, void *arg)
{
	struct gh_threads *t = ctx;
	struct job_queue done;
	struct job *job;
	uint64_t count;
	int n = 0;

	pthread_mutex_lock(&t->lock);
	/* Empty is as good as drained. */
	if (read(t->event_fd, &count, sizeof(count)) < 0)
		count = 0;
	done = t->done;
	t->done = (struct job_queue) { 0 };
	pthread_mutex_unlock(&t->lock);
	for (; (job = pop(&done)); n++) {
		const struct io_uring_cqe cqe = {
			.user_data = job->sqe.user_data,
			.res = job->res,
		};

		fn(arg, &cqe);
		push(&t->free, job);
	}
	return n;
}

static int threads_set_file(void *ctx, unsigned int slot, int fd)
{
	return -EOPNOTSUPP;
}

/* With a worker for each vCPU, none waits for another that may sleep for ever. */
static int threads_reserve(void *ctx, unsigned int nr)
{
	struct gh_threads *t = ctx;
	int ret = 0;

	pthread_mutex_lock(&t->lock);
	assert(nr <= t->max_vcpus);
	while (!ret && t->nr_workers < nr) {
		ret = start_thread(t, &t->workers[t->nr_workers], worker);
		if (!ret)
			t->nr_workers++;
	}
	pthread_mutex_unlock(&t->lock);
	return ret;
}

static void threads_add_vcpu(void *ctx, unsigned int slot, int fd, struct gh_vcpu_run *run)
{
	struct gh_threads *t = ctx;

	pthread_mutex_lock(&t->lock);
	assert(slot < t->max_vcpus && !t->vcpus[slot].run);
	t->vcpus[slot].run = run;
	pthread_mutex_unlock(&t->lock);
}

static void threads_del_vcpu(void *ctx, unsigned int slot)
{
	struct gh_threads *t = ctx;

	pthread_mutex_lock(&t->lock);
	t->vcpus[slot] = (struct thread_vcpu) { 0 };
	pthread_mutex_unlock(&t->lock);
}

const struct gh_port_ops gh_threads_port = {
	.open = gh_port_open,
	.ioctl = gh_port_ioctl,
	.close = gh_port_close,
	.map_run = gh_port_map_run,
	.unmap_run = gh_port_unmap_run,
	.reserve = threads_reserve,
	.add_vcpu = threads_add_vcpu,
	.del_vcpu = threads_del_vcpu,
	.get_sqe = threads_get_sqe,
	.enter = threads_enter,
	.reap = threads_reap,
	.set_file = threads_set_file,
};

/* ---- life ------------------------------------------------------------------------------ */

int gh_threads_create(unsigned int vcpus, unsigned int entries, struct gh_threads **threads)
{
	struct gh_threads *t = calloc(1, sizeof(*t));
	unsigned int i;
	int ret;

	*threads = NULL;
	if (!t)
		return -ENOMEM;
	t->max_vcpus = vcpus;
	t->jobs = calloc(entries, sizeof(*t->jobs));
	t->vcpus = calloc(vcpus, sizeof(*t->vcpus));
	t->workers = calloc(vcpus, sizeof(*t->workers));
	t->io_jobs = calloc(entries + 1, sizeof(*t->io_jobs));
	t->io_polls = calloc(entries + 1, sizeof(*t->io_polls));
	t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->io_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->work, NULL);
	ret = t->event_fd < 0 || t->io_fd < 0 ? -EMFILE : 0;
	if (!t->jobs || !t->vcpus || !t->workers || !t->io_jobs || !t->io_polls)
		ret = -ENOMEM;
	if (!ret)
		ret = start_thread(t, &t->io_thread, io_worker);
	t->io_started = !ret;
	if (ret) {
		gh_threads_destroy(t);
		return ret;
	}
	for (i = 0; i < entries; i++)
		push(&t->free, &t->jobs[i]);
	*threads = t;
	return 0;
}

/* No vCPU runs any more; what I/O still waits is given up. */
void gh_threads_destroy(struct gh_threads *t)
{
	unsigned int i;

	pthread_mutex_lock(&t->lock);
	t->exiting = true;
	pthread_cond_broadcast(&t->work);
	pthread_mutex_unlock(&t->lock);
	if (t->io_started) {
		signal_fd(t->io_fd);
		pthread_join(t->io_thread, NULL);
	}
	for (i = 0; i < t->nr_workers; i++)
		pthread_join(t->workers[i], NULL);
	pthread_cond_destroy(&t->work);
	pthread_mutex_destroy(&t->lock);
	if (t->event_fd >= 0)
		close(t->event_fd);
	if (t->io_fd >= 0)
		close(t->io_fd);
	free(t->vcpus);
	free(t->workers);
	free(t->io_polls);
	free(t->io_jobs);
	free(t->jobs);
	free(t);
}

int gh_threads_fd(const struct gh_threads *t)
{
	return t->event_fd;
}

void gh_threads_wake(const struct gh_threads *t)
{
	signal_fd(t->event_fd);
}
