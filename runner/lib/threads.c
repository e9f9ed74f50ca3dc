// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What stands in for the ring where io_uring is not allowed: the same commands,
 * each carried out by a thread that may block in it.
 *
 * A job is a submission queue entry on its way. The runner's thread owns those
 * that are free or not submitted; the others are in a queue under the lock, or
 * belong to the worker that carries them out. There are as many workers as jobs
 * that ever blocked at one time.
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

/* What is known about a vCPU's descriptor; @job is the run in progress. */
struct vcpu_fd {
	struct gh_vcpu_run *run;
	struct job *job;
};

/**
 * struct gh_threads - workers and their queues
 * @lock: for all but what is said to be the runner's thread's
 * @work: something is in @todo, or @exiting
 * @todo, @done: submitted jobs, finished jobs
 * @jobs, @free, @pending: the runner's thread's: all of them, unused, not submitted
 * @vcpus, @nr_vcpus: by descriptor
 * @workers, @nr_workers, @busy: the threads, and how many have a job
 * @event_fd: signalled with @done, and to wake the runner
 * @exit_fd: readable when the workers shall end
 */
struct gh_threads {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job_queue todo;
	struct job_queue done;
	struct job *jobs;
	struct job_queue free;
	struct job_queue pending;
	struct vcpu_fd *vcpus;
	int nr_vcpus;
	pthread_t *workers;
	unsigned int nr_workers;
	unsigned int max_workers;
	unsigned int busy;
	bool exiting;
	int event_fd;
	int exit_fd;
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

	if (write(fd, &one, sizeof(one)) < 0)
		return;
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

/* Until the descriptor is ready, or the workers shall end. */
static int wait_ready(const struct gh_threads *t, int fd, short events)
{
	struct pollfd p[2] = {
		{ .fd = fd, .events = events },
		{ .fd = t->exit_fd, .events = POLLIN },
	};

	if (poll(p, 2, -1) < 0)
		return -errno;
	return p[1].revents ? -ECANCELED : p[0].revents;
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

static int carry_out(const struct gh_threads *t, const struct io_uring_sqe *sqe)
{
	int ret;

	switch (sqe->opcode) {
	case IORING_OP_NOP:
		return 0;
	case IORING_OP_POLL_ADD:
		return wait_ready(t, sqe->fd, (short)sqe->poll32_events);
	case IORING_OP_READ:
	case IORING_OP_WRITE:
		ret = wait_ready(t, sqe->fd, sqe->opcode == IORING_OP_READ ? POLLIN : POLLOUT);
		return ret < 0 ? ret : (int)transfer(sqe);
	default:
		return -EOPNOTSUPP;
	}
}

static void finish(struct gh_threads *t, struct job *job)
{
	push(&t->done, job);
	if (t->done.nr == 1)
		signal_fd(t->event_fd);
}

static void do_job(struct gh_threads *t, struct job *job)
{
	struct gh_vcpu_run *run = NULL;

	if (job->sqe.opcode == IORING_OP_URING_CMD)
		run = t->vcpus[job->sqe.fd].run;
	pthread_mutex_unlock(&t->lock);
	job->res = run ? run_vcpu(run, &job->sqe) : carry_out(t, &job->sqe);
	pthread_mutex_lock(&t->lock);
	if (run) {
		t->vcpus[job->sqe.fd].job = NULL;
		if (job->cancel)
			run->immediate_exit = 0;
		if (job->cancel && job->res == GH_URING_EXIT_INTR)
			job->res = -ECANCELED;
	}
	finish(t, job);
}

static void *worker(void *arg)
{
	struct gh_threads *t = arg;
	struct job *job;

	pthread_mutex_lock(&t->lock);
	while (!t->exiting) {
		job = pop(&t->todo);
		if (job) {
			t->busy++;
			do_job(t, job);
			t->busy--;
			continue;
		}
		pthread_cond_wait(&t->work, &t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* Signals are for the threads of the program. */
static int add_worker(struct gh_threads *t)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&t->workers[t->nr_workers], &attr, worker, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (!ret)
		t->nr_workers++;
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
static void cancel_run(struct gh_threads *t, int fd)
{
	struct vcpu_fd *v = &t->vcpus[fd];

	if (!v->job)
		return;
	v->job->cancel = true;
	v->run->immediate_exit = 1;
	ioctl(fd, GH_VCPU_CANCEL);
}

static void submit_one(struct gh_threads *t, struct job *job)
{
	const struct io_uring_sqe *sqe = &job->sqe;

	if (sqe->opcode != IORING_OP_URING_CMD) {
		push(&t->todo, job);
		return;
	}
	assert(sqe->fd < t->nr_vcpus && t->vcpus[sqe->fd].run);
	switch (sqe->cmd_op) {
	case GH_VCPU_RUN:
		t->vcpus[sqe->fd].job = job;
		push(&t->todo, job);
		return;
	case GH_VCPU_CANCEL:
		cancel_run(t, sqe->fd);
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
	int ret = 0;

	pthread_mutex_lock(&t->lock);
	while ((job = pop(&t->pending)))
		submit_one(t, job);
	/* A job must not wait for another one that may block for ever. */
	while (!ret && t->busy + t->todo.nr > t->nr_workers && t->nr_workers < t->max_workers)
		ret = add_worker(t);
	pthread_cond_broadcast(&t->work);
	done = t->done.nr;
	pthread_mutex_unlock(&t->lock);
	if (ret || !wait_nr || done)
		return ret;
	return wait_done(t, timeout_ns);
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

static int threads_add_vcpu(void *ctx, int fd, struct gh_vcpu_run *run)
{
	struct gh_threads *t = ctx;
	struct vcpu_fd *vcpus;
	int nr = fd + 1, ret = 0;

	pthread_mutex_lock(&t->lock);
	if (nr > t->nr_vcpus) {
		vcpus = realloc(t->vcpus, (size_t)nr * 2 * sizeof(*vcpus));
		if (vcpus) {
			memset(vcpus + t->nr_vcpus, 0,
			       (size_t)(nr * 2 - t->nr_vcpus) * sizeof(*vcpus));
			t->vcpus = vcpus;
			t->nr_vcpus = nr * 2;
		}
	}
	if (nr <= t->nr_vcpus)
		t->vcpus[fd] = (struct vcpu_fd) { .run = run };
	else
		ret = -ENOMEM;
	pthread_mutex_unlock(&t->lock);
	return ret;
}

const struct gh_port_ops gh_threads_port = {
	.open = gh_port_open,
	.ioctl = gh_port_ioctl,
	.close = gh_port_close,
	.map_run = gh_port_map_run,
	.unmap_run = gh_port_unmap_run,
	.add_vcpu = threads_add_vcpu,
	.get_sqe = threads_get_sqe,
	.enter = threads_enter,
	.reap = threads_reap,
	.set_file = threads_set_file,
};

/* ---- life ------------------------------------------------------------------------------ */

int gh_threads_create(unsigned int entries, struct gh_threads **threads)
{
	struct gh_threads *t = calloc(1, sizeof(*t));
	unsigned int i;

	*threads = NULL;
	if (!t)
		return -ENOMEM;
	t->max_workers = entries;
	t->jobs = calloc(entries, sizeof(*t->jobs));
	t->workers = calloc(entries, sizeof(*t->workers));
	t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->exit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->work, NULL);
	if (!t->jobs || !t->workers || t->event_fd < 0 || t->exit_fd < 0) {
		gh_threads_destroy(t);
		return -ENOMEM;
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
	if (t->exit_fd >= 0)
		signal_fd(t->exit_fd);
	for (i = 0; i < t->nr_workers; i++)
		pthread_join(t->workers[i], NULL);
	pthread_cond_destroy(&t->work);
	pthread_mutex_destroy(&t->lock);
	if (t->event_fd >= 0)
		close(t->event_fd);
	if (t->exit_fd >= 0)
		close(t->exit_fd);
	free(t->vcpus);
	free(t->workers);
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
