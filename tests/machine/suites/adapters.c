// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The runner in other event loops: while guests compute and sleep, the loop's own
 * timer fires and its socket is answered. How late the timer is gets printed. It is not
 * judged where the load of the build machine delays the machine's interrupts, too, but it is
 * where time is counted in instructions (GT_COUNTED, the suite adapters_icount, for which
 * run-tests.sh boots another machine).
 */
#include <gh-runner/testdev-regs.h>
#include <gh-runner/testdev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../guests/script.h"
#include "adapters.h"
#include "gt_counted.h"

#ifdef GT_COUNTED
/* Far more than fit into a batch: it shows when one has no end. */
#define SPINNERS	10
#define SLEEPERS	2
#define TEST_NS		500000000ULL
#define COUNTED		true
#else
#define SPINNERS	4
#define SLEEPERS	4
#define TEST_NS		3000000000ULL
#define COUNTED		false
#endif
#define GUESTS		(SPINNERS + SLEEPERS)
#define MIN_SERVED	20
/*
 * What the timer may be late by on a machine of its own: the default of
 * gh_runner_config::batch_ns, and the tick of the machine's kernel, of 250 Hz. Beside that
 * comes what the loop and its callbacks do themselves between two batches.
 */
#define BATCH_US	10000U
#define TICK_US		4000U
#define LOOP_US		1000U

TestSuite(adapters, .init = gt_begin, .fini = gt_end, .timeout = 2 * GT_TIMEOUT);

/**
 * struct world - one test
 * @vms: the spinners first
 * @testdevs: of the sleepers
 * @sockets: the loop's end and the client's
 * @answered: of the client thread's requests
 * @over: when the last two batches were over, the earlier one first
 * @second: ticks that waited for both: they were due before the first was over
 */
struct world {
	struct gh_runner *runner;
	struct gh_vm *vms[GUESTS];
	struct gh_testdev *testdevs[SLEEPERS];
	unsigned int ended;
	atomic_bool stopped;
	uint64_t end_ns;
	unsigned int ticks;
	uint64_t late_sum, late_max;
	int sockets[2];
	unsigned int answered;
	uint64_t over[2];
	unsigned int second;
};

static struct world *world;

static uint8_t image[GT_RAM_SIZE - 0x8000];

static void on_ended(void *opaque, struct gh_vm *vm, const struct gh_vm_result *result)
{
	struct world *w = opaque;

	(void)vm;
	(void)result;
	w->ended++;
}

static const struct gh_vm_events events = { .ended = on_ended };

static struct gh_vm *add_vm(struct world *w, const char *name, size_t image_size)
{
	const struct gh_vm_config config = {
		.name = name,
		.memory_size = GT_RAM_SIZE,
		.vcpus = 1,
		.image = image,
		.image_size = image_size,
		.events = &events,
		.opaque = w,
	};
	struct gh_vm *vm;

	cr_assert_eq(gh_vm_create(w->runner, &config, &vm), 0, "%s",
		     gh_runner_last_error(w->runner)->what);
	return vm;
}

static void add_guests(struct world *w)
{
	const struct gs_op spin = { .op = GS_SPIN };
	const struct gh_testdev_config dev = { .param1 = 10, .duration_ms = TEST_NS / 2000000 };
	unsigned int i;
	size_t size;

	gt_load(image, sizeof(image), "script");
	memcpy(image + GS_OFFSET, &spin, sizeof(spin));
	for (i = 0; i < SPINNERS; i++)
		w->vms[i] = add_vm(w, "spinner", GS_OFFSET + GS_STRIDE);
	memset(image, 0, sizeof(image));
	size = gt_load(image, sizeof(image), "demo");
	for (; i < GUESTS; i++) {
		struct gh_testdev **t = &w->testdevs[i - SPINNERS];

		w->vms[i] = add_vm(w, "sleeper", size);
		cr_assert_eq(gh_testdev_create(&dev, t), 0);
		cr_assert_eq(gh_vm_add_device(w->vms[i], GH_BOARD_TESTDEV_BASE,
					      GH_BOARD_TESTDEV_SIZE, &gh_testdev_ops, *t), 0);
	}
	for (i = 0; i < GUESTS; i++)
		cr_assert_eq(gh_vm_start(w->vms[i]), 0);
}

/*
 * In the place of the library's, for adapters (see the Makefile): guests run in here. A
 * batch that was under way when the timer became due is one, and so is the one that begins
 * when the loop has just looked whether it is due.
 */
int __real_gh_runner_prepare(struct gh_runner *runner);
int __wrap_gh_runner_prepare(struct gh_runner *runner);

int __wrap_gh_runner_prepare(struct gh_runner *runner)
{
	struct gh_stats before, after;
	int ret;

	gh_runner_stats(runner, &before);
	ret = __real_gh_runner_prepare(runner);
	gh_runner_stats(runner, &after);
	if (after.submitted != before.submitted) {
		world->over[0] = world->over[1];
		world->over[1] = gh_now_ns();
	}
	return ret;
}

void tick(struct world *w, uint64_t due_ns)
{
	uint64_t now = gh_now_ns(), late = now > due_ns ? now - due_ns : 0;

	w->second += w->over[0] > due_ns;
	w->ticks++;
	w->late_sum += late;
	if (late > w->late_max)
		w->late_max = late;
}

void echo(struct world *w)
{
	char buf[16];
	ssize_t n = recv(w->sockets[0], buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0)
		cr_assert_eq(send(w->sockets[0], buf, (size_t)n, 0), n);
}

bool done(struct world *w)
{
	unsigned int i;

	if (!w->stopped && gh_now_ns() >= w->end_ns) {
		w->stopped = true;
		for (i = 0; i < SPINNERS; i++)
			gh_vm_stop(w->vms[i]);
	}
	return w->ended == GUESTS;
}

/*
 * Asks, waits for the answer, asks again, until the loop hangs up. In the end it gives the
 * kernel's own threads a chance, without which no VM ends; not before, for whoever wakes up
 * and comes first ends a batch.
 */
static void *client(void *arg)
{
	struct world *w = arg;
	char c = 'a';

	while (send(w->sockets[1], &c, 1, MSG_NOSIGNAL) == 1 &&
	       recv(w->sockets[1], &c, 1, 0) == 1) {
		w->answered++;
		if (COUNTED && w->stopped)
			usleep(1000);
	}
	return NULL;
}

static void check(struct world *w, const char *name)
{
	struct gh_testdev_report report;
	struct gh_stats stats;
	unsigned int i;

	gh_runner_stats(w->runner, &stats);
	printf("%s: timer late by %llu us at most (of a batch, %u, and a tick, %u), %llu us on "
	       "average (%u ticks, %u of them behind a second batch); %u requests answered; "
	       "%llu exits\n", name, (unsigned long long)w->late_max / 1000, BATCH_US, TICK_US,
	       (unsigned long long)w->late_sum / 1000 / (w->ticks ? w->ticks : 1), w->ticks,
	       w->second, w->answered, (unsigned long long)gh_stats_exits(&stats));
	fflush(stdout);
	if (COUNTED) {
		cr_assert_leq(w->late_max, (BATCH_US + TICK_US + LOOP_US) * 1000ULL);
		cr_assert_eq(w->second, 0U);
	}
	cr_assert_geq(w->ticks, MIN_SERVED);
	cr_assert_geq(w->answered, MIN_SERVED);
	/* A guest with a thread of its own has no slices. */
	if (gh_runner_backend(w->runner) != GH_BACKEND_THREADS)
		cr_assert_geq(stats.preempted, MIN_SERVED);
	cr_assert_eq(stats.errors, 0U);
	for (i = 0; i < SPINNERS; i++)
		cr_assert_eq(gh_vm_result(w->vms[i])->end, GH_VM_END_STOPPED);
	for (; i < GUESTS; i++) {
		cr_assert_eq(gh_vm_result(w->vms[i])->end, GH_VM_END_OFF, "%d",
			     gh_vm_result(w->vms[i])->end);
		gh_testdev_report(w->testdevs[i - SPINNERS], &report);
		cr_assert_eq(report.result, GH_TESTDEV_MATCH);
		cr_assert_eq(report.fails, 0U);
	}
}

static void run(const struct loop *loop, enum gh_backend backend, bool runner_first)
{
	const struct gh_runner_config config = { .backend = backend };
	/* Its turn is when it has something to do, as on a CPU of its own. */
	const struct sched_param before_loop = { .sched_priority = GT_ALONE_PRIORITY + 1 };
	struct world w = { 0 };
	pthread_t thread;
	unsigned int i;

	if (COUNTED)
		gt_alone();
	world = &w;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w.sockets), 0);
	cr_assert_eq(gh_runner_create(&config, &w.runner, NULL), 0);
	add_guests(&w);
	w.end_ns = gh_now_ns() + TEST_NS;
	cr_assert_eq(pthread_create(&thread, NULL, client, &w), 0);
	if (COUNTED)
		pthread_setschedparam(thread, SCHED_FIFO, &before_loop);
	loop->run(&w, w.runner, w.sockets[0], runner_first);
	close(w.sockets[0]);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	check(&w, loop->name);
	close(w.sockets[1]);
	for (i = 0; i < GUESTS; i++)
		cr_assert_eq(gh_vm_destroy(w.vms[i]), 0);
	for (i = 0; i < SLEEPERS; i++)
		gh_testdev_destroy(w.testdevs[i]);
	cr_assert_eq(gh_runner_destroy(w.runner), 0);
}

Test(adapters, epoll)
{
	run(&loop_epoll, GH_BACKEND_AUTO, false);
}

Test(adapters, libuv)
{
	run(&loop_uv, GH_BACKEND_AUTO, false);
}

Test(adapters, glib)
{
	run(&loop_glib, GH_BACKEND_AUTO, false);
}

Test(adapters, sd_event)
{
	run(&loop_sd_event, GH_BACKEND_AUTO, false);
}

/* These choose among what is ready by the order in which it came to them. */
Test(adapters, glib_with_the_runner_first)
{
	run(&loop_glib, GH_BACKEND_AUTO, true);
}

Test(adapters, sd_event_with_the_runner_first)
{
	run(&loop_sd_event, GH_BACKEND_AUTO, true);
}

#ifndef GT_COUNTED
/* ---- where there is no ring ------------------------------------------------------------ */

Test(adapters, epoll_with_threads)
{
	run(&loop_epoll, GH_BACKEND_THREADS, false);
}

Test(adapters, libuv_with_threads)
{
	run(&loop_uv, GH_BACKEND_THREADS, false);
}

Test(adapters, glib_with_threads)
{
	run(&loop_glib, GH_BACKEND_THREADS, true);
}

Test(adapters, sd_event_with_threads)
{
	run(&loop_sd_event, GH_BACKEND_THREADS, true);
}
#endif
