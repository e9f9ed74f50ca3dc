// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The runner in other event loops: while guests compute and sleep, the loop's own
 * timer fires and its socket is answered. How late the timer is gets printed, and
 * is not judged: it depends on the build machine. That it does not wait for a second batch
 * of guests is what the unit test of this name finds out.
 */
#include <errno.h>
#include <fcntl.h>
#include <gh-runner/testdev-regs.h>
#include <gh-runner/testdev.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../guests/script.h"
#include "adapters.h"

#define SPINNERS	4
#define SLEEPERS	4
#define GUESTS		(SPINNERS + SLEEPERS)
#define TEST_NS		3000000000ULL
#define MIN_SERVED	20
#define LOOKS		256
/*
 * What the timer may be late by on a machine of its own: the default of
 * gh_runner_config::batch_ns, and the tick of the machine's kernel, of 250 Hz.
 */
#define BATCH_US	10000U
#define TICK_US		4000U

TestSuite(adapters, .init = gt_begin, .fini = gt_end, .timeout = 2 * GT_TIMEOUT);

/**
 * struct world - one test
 * @vms: the spinners first
 * @testdevs: of the sleepers
 * @sockets: the loop's end and the client's
 * @answered: of the client thread's requests
 * @looks, @nr_looks: the clock and the batches so far, after each turn of the loop
 * @second: ticks that waited for two batches; also those that became due when the loop had
 *	looked for them already, and the first of the two had not begun
 */
struct world {
	struct gh_runner *runner;
	struct gh_vm *vms[GUESTS];
	struct gh_testdev *testdevs[SLEEPERS];
	unsigned int ended;
	bool stopped;
	uint64_t end_ns;
	unsigned int ticks;
	uint64_t late_sum, late_max;
	int sockets[2];
	unsigned int answered;
	struct look {
		uint64_t ns, batches;
	} looks[LOOKS];
	unsigned int nr_looks;
	unsigned int second;
};

static uint8_t image[GT_RAM_SIZE - 0x8000];

static size_t load_image(const char *name)
{
	const char *dir = getenv("GT_GUESTS");
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s.bin", dir ? dir : "/root/guests", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	memset(image, 0, sizeof(image));
	n = read(fd, image, GS_OFFSET);
	cr_assert_gt(n, 0);
	close(fd);
	return (size_t)n;
}

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
	const struct gh_testdev_config dev = { .param1 = 10, .duration_ms = 1500 };
	unsigned int i;
	size_t size;

	load_image("script");
	memcpy(image + GS_OFFSET, &spin, sizeof(spin));
	for (i = 0; i < SPINNERS; i++)
		w->vms[i] = add_vm(w, "spinner", GS_OFFSET + GS_STRIDE);
	size = load_image("demo");
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

static struct look look(const struct world *w)
{
	struct gh_stats stats;

	gh_runner_stats(w->runner, &stats);
	return (struct look) { gh_now_ns(), stats.batches };
}

/*
 * One batch may be under way when the timer becomes due. It is behind the last look
 * before that, so there is one batch since, and not two.
 */
static bool waited_for_second(const struct world *w, uint64_t due_ns)
{
	unsigned int i, n = w->nr_looks < LOOKS ? w->nr_looks : LOOKS;
	uint64_t batches = look(w).batches;

	for (i = 1; i <= n; i++) {
		const struct look *l = &w->looks[(w->nr_looks - i) % LOOKS];

		if (l->ns <= due_ns)
			return batches - l->batches > 1;
	}
	return n == LOOKS;
}

void tick(struct world *w, uint64_t due_ns)
{
	uint64_t now = gh_now_ns(), late = now > due_ns ? now - due_ns : 0;

	if (!w->stopped)
		w->second += waited_for_second(w, due_ns);
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

	w->looks[w->nr_looks++ % LOOKS] = look(w);
	if (!w->stopped && gh_now_ns() >= w->end_ns) {
		w->stopped = true;
		for (i = 0; i < SPINNERS; i++)
			gh_vm_stop(w->vms[i]);
	}
	return w->ended == GUESTS;
}

/* Asks, waits for the answer, asks again, until the loop hangs up. */
static void *client(void *arg)
{
	struct world *w = arg;
	char c = 'a';

	while (send(w->sockets[1], &c, 1, MSG_NOSIGNAL) == 1 && recv(w->sockets[1], &c, 1, 0) == 1)
		w->answered++;
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
	cr_assert_geq(w->ticks, MIN_SERVED);
	cr_assert_geq(w->answered, MIN_SERVED);
	/* A guest with a thread of its own has no slices. */
	if (gh_runner_backend(w->runner) != GH_BACKEND_THREADS)
		cr_assert_geq(stats.preempted, MIN_SERVED);
	cr_assert_eq(stats.errors, 0U);
	for (i = 0; i < SPINNERS; i++)
		cr_assert_eq(gh_vm_result(w->vms[i])->end, GH_VM_END_STOPPED);
	for (; i < GUESTS; i++) {
		cr_assert_eq(gh_vm_result(w->vms[i])->end, GH_VM_END_OFF);
		gh_testdev_report(w->testdevs[i - SPINNERS], &report);
		cr_assert_eq(report.result, GH_TESTDEV_MATCH);
		cr_assert_eq(report.fails, 0U);
	}
}

static void run(const struct loop *loop, enum gh_backend backend, bool runner_first)
{
	const struct gh_runner_config config = { .backend = backend };
	struct world w = { 0 };
	pthread_t thread;
	unsigned int i;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w.sockets), 0);
	cr_assert_eq(gh_runner_create(&config, &w.runner, NULL), 0);
	add_guests(&w);
	w.end_ns = gh_now_ns() + TEST_NS;
	cr_assert_eq(pthread_create(&thread, NULL, client, &w), 0);
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
