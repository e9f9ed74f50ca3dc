// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-runner run: starts guests, drives the runner, stops what does not stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gh-runner/pl011.h>
#include <gh-runner/testdev-regs.h>

#include "cli.h"

#define NS_PER_SEC	1000000000ULL
#define TICK_NS		(NS_PER_SEC / 5)
/* After --seconds: until the guests are asked, and then until they are stopped. */
#define GRACE_NS	(5 * NS_PER_SEC)
#define STOP_NS		(10 * NS_PER_SEC)

struct image {
	void *data;
	size_t size;
};

/* The whole run in one place, for the timers' callbacks. */
struct run {
	struct fleet fleet;
	struct gh_timer tick;
	struct gh_timer ask;
	struct gh_timer force;
	struct control *control;
	uint64_t last_exits;
	uint64_t last_ns;
	bool asked;
};

/* What the signal handler may touch. */
static struct gh_runner *signal_runner;
static volatile sig_atomic_t signals_seen;

static void on_signal(int sig)
{
	signals_seen++;
	if (signals_seen > 2)
		_exit(128 + sig);
	gh_runner_quit(signal_runner);
}

static int image_open(const char *path, struct image *image)
{
	struct stat st;
	int ret = 0;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISREG(st.st_mode) || !st.st_size)
		ret = -ENOEXEC;
	if (ret)
		goto out;
	image->size = (size_t)st.st_size;
	image->data = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image->data == MAP_FAILED)
		ret = -errno;
out:
	close(fd);
	return ret;
}

static void on_ended(void *opaque, struct gh_vm *vm, const struct gh_vm_result *result)
{
	struct run *run = opaque;
	struct fleet *s = &run->fleet;
	unsigned int i;

	for (i = 0; i < s->nr_guests && s->guests[i].vm != vm; i++)
		;
	if (i == s->nr_guests)
		return;
	console_flush(&s->guests[i].console);
	pthread_mutex_lock(&s->lock);
	s->guests[i].result = *result;
	s->nr_ended++;
	s->end_ns = gh_now_ns();
	pthread_mutex_unlock(&s->lock);
}

static const struct gh_vm_events vm_events = { .ended = on_ended };

static int guest_devices(struct run *run, struct guest *g, const struct guest_option *o)
{
	struct gh_pl011_config uart_config = {
		.output = console_output,
		.opaque = &g->console,
	};
	const struct gh_testdev_config test_config = {
		.vm = (uint64_t)(g - run->fleet.guests),
		.param0 = o->param0,
		.param1 = o->param1,
		.duration_ms = run->fleet.options.set.seconds * 1000,
	};
	struct gh_pl011 *uart;
	int ret;

	ret = gh_testdev_create(&test_config, &g->testdev);
	if (ret)
		return ret;
	ret = gh_vm_add_device(g->vm, GH_BOARD_TESTDEV_BASE, GH_BOARD_TESTDEV_SIZE,
			       &gh_testdev_ops, g->testdev);
	if (ret)
		return ret;
	if (g->serial) {
		uart_config.output = serial_output;
		uart_config.opaque = g->serial;
	}
	/* Without the module for it the guest has to poll, as it may do anyway. */
	if (gh_irq_create(g->vm, &uart_config.line))
		uart_config.line = NULL;
	ret = gh_pl011_create(&uart_config, &uart);
	if (ret)
		return ret;
	ret = gh_vm_add_device(g->vm, GH_BOARD_UART_BASE, GH_BOARD_UART_SIZE, &gh_pl011_ops, uart);
	if (ret) {
		gh_pl011_destroy(uart);
		return ret;
	}
	return g->serial ? serial_connect(g->serial, uart) : 0;
}

static int guest_console(struct run *run, struct guest *g, const struct guest_option *o,
			 unsigned int number, const struct origin *at)
{
	char spec[PATH_MAX];

	if (!o->console || !strcmp(o->console, "stdout"))
		return 0;
	if (o->count > 1 && strcmp(o->console, "pty"))
		snprintf(spec, sizeof(spec), "%s%u", o->console, number);
	else
		snprintf(spec, sizeof(spec), "%s", o->console);
	return serial_open(run->fleet.runner, spec, at, &g->serial);
}

/* Requests name a guest, so no two have one name. */
static int guest_name(struct run *run, struct guest *g, const struct guest_option *o,
		      unsigned int number)
{
	const struct guest *other;
	int len;

	if (o->count > 1)
		len = snprintf(g->name, sizeof(g->name), "%s%u", o->name, number);
	else
		len = snprintf(g->name, sizeof(g->name), "%s", o->name);
	if (!len || len >= (int)sizeof(g->name)) {
		cli_error(&o->at, "name '%s': with its number it must have 1 to %zu bytes", o->name,
			  sizeof(g->name) - 1);
		return -EINVAL;
	}
	for (other = run->fleet.guests; other < g; other++) {
		if (strcmp(other->name, g->name))
			continue;
		cli_error(&o->at, "name '%s': another guest has it; give each its own name",
			  g->name);
		return -EEXIST;
	}
	return 0;
}

static int guest_start(struct run *run, struct guest *g, const struct guest_option *o,
		       unsigned int number, const struct image *image)
{
	struct gh_vm_config config = {
		.name = g->name,
		.memory_size = o->memory,
		.vcpus = o->vcpus,
		.image = image->data,
		.image_size = image->size,
		.bootargs = o->bootargs,
		.pinned = o->console && strcmp(o->console, "stdout"),
		.events = &vm_events,
		.opaque = run,
	};
	struct origin at = o->at;
	int ret;

	ret = guest_name(run, g, o, number);
	if (ret)
		return ret;
	at.guest = g->name;
	g->console.screen = &run->fleet.screen;
	g->console.tag = g->name;

	ret = guest_console(run, g, o, number, &at);
	if (ret)
		return ret;
	ret = gh_vm_create(run->fleet.runner, &config, &g->vm);
	if (!ret)
		ret = guest_devices(run, g, o);
	if (!ret)
		ret = gh_vm_start(g->vm);
	if (ret)
		cli_runner_error(&at, gh_runner_last_error(run->fleet.runner));
	return ret;
}

static int option_start(struct run *run, const struct guest_option *o)
{
	struct fleet *s = &run->fleet;
	struct image image = { 0 };
	char text[80];
	unsigned int i;
	int ret;

	ret = image_open(o->image, &image);
	if (ret) {
		cli_error(&o->at, "image '%s': %s%s", o->image,
			  ret == -ENOEXEC ? "not a file, or empty; an ELF file, an arm64 Image or "
			  "a flat binary is needed" : strerror(-ret), cli_path_cure(-ret));
		return ret;
	}
	for (i = 0; i < o->count && !ret; i++) {
		ret = guest_start(run, &s->guests[s->nr_started], o, i, &image);
		if (ret)
			break;
		s->nr_started++;
		snprintf(text, sizeof(text), "starting guests: %u of %u", s->nr_started,
			 s->nr_guests);
		screen_status(&s->screen, gh_now_ns(), text);
	}
	munmap(image.data, image.size);
	return ret;
}

/* ---- while they run ------------------------------------------------------------- */

static void ask_guests(struct run *run)
{
	unsigned int i;

	run->asked = true;
	for (i = 0; i < run->fleet.nr_started; i++)
		gh_testdev_stop(run->fleet.guests[i].testdev);
}

static void on_ask(struct gh_timer *timer)
{
	ask_guests((struct run *)((char *)timer - offsetof(struct run, ask)));
}

static void on_force(struct gh_timer *timer)
{
	struct run *run = (struct run *)((char *)timer - offsetof(struct run, force));

	fleet_stop(&run->fleet, NULL);
}

static void on_tick(struct gh_timer *timer)
{
	struct run *run = (struct run *)((char *)timer - offsetof(struct run, tick));
	struct fleet *s = &run->fleet;
	uint64_t now = gh_now_ns(), exits, rate;
	unsigned int threads = count_threads();
	struct gh_stats t;
	char text[128];

	fleet_stats(s, &t);
	exits = gh_stats_exits(&t);
	rate = (exits - run->last_exits) * NS_PER_SEC / (now - run->last_ns + 1);
	if (threads > s->threads)
		s->threads = threads;
	snprintf(text, sizeof(text), "%u of %u guests, vCPUs: %u runnable, %u parked; "
		 "%" PRIu64 " exits/s", s->nr_guests - fleet_ended(s), s->nr_guests, t.runnable,
		 t.in_flight, rate);
	screen_status(&s->screen, now, text);
	run->last_exits = exits;
	run->last_ns = now;
	timer->deadline_ns = now + TICK_NS;
	gh_timer_arm(s->runner, timer);
}

static int drive(struct run *run)
{
	struct fleet *s = &run->fleet;
	int ret, seen = 0;

	s->start_ns = gh_now_ns();
	s->end_ns = s->start_ns;
	s->threads = count_threads();
	run->last_ns = s->start_ns;
	run->tick = (struct gh_timer) { .fire = on_tick, .deadline_ns = s->start_ns + TICK_NS };
	gh_timer_arm(s->runner, &run->tick);
	if (s->options.set.seconds) {
		uint64_t end = s->start_ns + s->options.set.seconds * NS_PER_SEC + GRACE_NS;

		run->ask = (struct gh_timer) { .fire = on_ask, .deadline_ns = end };
		run->force.deadline_ns = end + STOP_NS;
		gh_timer_arm(s->runner, &run->ask);
		gh_timer_arm(s->runner, &run->force);
	}
	for (;;) {
		ret = gh_runner_run(s->runner);
		if (signals_seen > seen) {
			seen = signals_seen;
			if (run->asked)
				fleet_stop(s, NULL);
			else
				ask_guests(run);
		}
		if (fleet_ended(s) == s->nr_started || (ret && ret != -EINTR))
			break;
	}
	gh_timer_cancel(s->runner, &run->tick);
	gh_timer_cancel(s->runner, &run->ask);
	gh_timer_cancel(s->runner, &run->force);
	fleet_stats(s, &s->stats);
	if (ret && ret != -EINTR)
		cli_runner_error(NULL, gh_runner_last_error(s->runner));
	return ret == -EINTR ? 0 : ret;
}

/* ---- set-up and end --------------------------------------------------------------- */

static void raise_limits(void)
{
	struct rlimit rl;

	/* One descriptor a VM and one a vCPU; without more, fewer guests fit. */
	if (!getrlimit(RLIMIT_NOFILE, &rl) && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static void catch_signals(struct gh_runner *runner)
{
	struct sigaction sa = { .sa_handler = on_signal };

	signal_runner = runner;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

static int fleet_open(struct run *run)
{
	struct fleet *s = &run->fleet;
	struct gh_runner_config config = {
		.slice_ns = (uint32_t)(s->options.set.slice_us * 1000),
		.backend = s->options.set.backend,
	};
	struct gh_error_info error;
	unsigned int i;

	for (i = 0; i < s->options.nr_guests; i++) {
		s->nr_guests += s->options.guests[i].count;
		config.max_vcpus += s->options.guests[i].count * s->options.guests[i].vcpus;
	}
	s->guests = calloc(s->nr_guests, sizeof(*s->guests));
	if (!s->guests) {
		cli_error(NULL, "out of memory");
		return -ENOMEM;
	}
	raise_limits();
	if (gh_runner_create(&config, &s->runner, &error)) {
		cli_runner_error(NULL, &error);
		return error.error;
	}
	if (!config.backend && gh_runner_backend(s->runner) == GH_BACKEND_THREADS)
		cli_error(NULL, "io_uring is not allowed (see kernel.io_uring_disabled): "
			  "a thread runs each vCPU");
	if (s->options.set.cpus > 1) {
		const struct gh_group_config group = {
			.runner = config,
			.own = s->runner,
			.cpus = (unsigned int)s->options.set.cpus,
		};

		if (gh_group_create(&group, &s->group, &error)) {
			cli_runner_error(NULL, &error);
			return error.error;
		}
	}
	catch_signals(s->runner);
	screen_init(&s->screen, s->options.quiet);
	if (s->options.set.control)
		return control_open(s, s->options.set.control, &run->control);
	return 0;
}

static void fleet_close(struct run *run)
{
	struct fleet *s = &run->fleet;
	unsigned int i;

	/* A failed start leaves guests that were never driven: take them out first. */
	if (s->runner)
		fleet_stop(s, NULL);
	if (s->runner && fleet_ended(s) < s->nr_started)
		gh_runner_run(s->runner);
	for (i = 0; s->guests && i < s->nr_guests; i++)
		serial_flush(s->guests[i].serial);
	fleet_destroy(s);
	for (i = 0; s->guests && i < s->nr_guests; i++)
		gh_testdev_destroy(s->guests[i].testdev);
	control_stop(run->control);
	gh_group_destroy(s->group);
	gh_runner_destroy(s->runner);
	control_close(run->control);
	for (i = 0; s->guests && i < s->nr_guests; i++)
		serial_close(s->guests[i].serial);
	free(s->guests);
}

int cmd_run(const char *name, int argc, char **argv)
{
	struct run *run = calloc(1, sizeof(*run));
	struct fleet *s = &run->fleet;
	int status = CLI_USAGE;
	unsigned int i;
	bool done;
	int ret = 0;

	if (!run)
		return CLI_USAGE;
	pthread_mutex_init(&s->lock, NULL);
	run->force.fire = on_force;
	if (!run_options_parse(argc, argv, &s->options, &done))
		goto out;
	if (done) {
		status = CLI_OK;
		goto out;
	}
	if (fleet_open(run))
		goto close;
	for (i = 0; i < s->options.nr_guests && !ret; i++)
		ret = option_start(run, &s->options.guests[i]);
	screen_clear(&s->screen);
	if (ret)
		goto close;
	ret = drive(run);
	screen_clear(&s->screen);
	status = report_print(s, stdout) || ret ? CLI_FAILED : CLI_OK;
	if (s->options.set.json) {
		ret = report_json(s, s->options.set.json);
		if (ret) {
			cli_error(NULL, "json '%s': %s%s", s->options.set.json, strerror(-ret),
				  cli_path_cure(-ret));
			status = CLI_FAILED;
		}
	}
close:
	fleet_close(run);
	fflush(stdout);
out:
	config_unload(&s->options);
	free(run);
	return status;
}
