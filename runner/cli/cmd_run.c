// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-runner run: starts guests, drives the runner, stops what does not stop.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli.h"

#define NS_PER_SEC	1000000000ULL
#define TICK_NS		(NS_PER_SEC / 5)
/* After --seconds: until the guests are asked, and then until they are stopped. */
#define GRACE_NS	(5 * NS_PER_SEC)
#define STOP_NS		(10 * NS_PER_SEC)
/* At the end: how often it is asked whether all is written, and how long it may take. */
#define FINISH_MS	5
#define FINISH_TRIES	400

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

	pthread_mutex_lock(&s->lock);
	s->start_ns = gh_now_ns();
	s->end_ns = s->start_ns;
	pthread_mutex_unlock(&s->lock);
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
	return ret && ret != -EINTR ? ret : fleet_error(s);
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

/* Who is to survive its terminal has SIGHUP ignored from the start. */
static void catch_signals(struct gh_runner *runner)
{
	struct sigaction sa = { .sa_handler = on_signal }, old;

	signal_runner = runner;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &sa, NULL);
	/* A reader that goes away ends no guest: writing fails, which is looked at. */
	signal(SIGPIPE, SIG_IGN);
}

static int runner_open(struct fleet *s)
{
	struct gh_runner_config config = {
		.slice_ns = (uint32_t)(s->options.set.slice_us * 1000),
		.backend = s->options.set.backend,
	};
	struct gh_error_info error;
	unsigned int i;

	for (i = 0; i < s->options.nr_guests; i++)
		config.max_vcpus += s->options.guests[i].count * s->options.guests[i].vcpus;
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
	return 0;
}

static int fleet_open(struct run *run)
{
	struct fleet *s = &run->fleet;
	unsigned int i;
	int ret;

	for (i = 0; i < s->options.nr_guests; i++)
		s->nr_guests += s->options.guests[i].count;
	s->guests = calloc(s->nr_guests, sizeof(*s->guests));
	if (!s->guests) {
		cli_error(NULL, "out of memory");
		return -ENOMEM;
	}
	raise_limits();
	ret = runner_open(s);
	if (ret)
		return ret;
	if (fleet_describe(s)) {
		cli_error(NULL, "out of memory");
		return -ENOMEM;
	}
	s->start_ns = gh_now_ns();
	catch_signals(s->runner);
	screen_init(&s->screen, s->options.quiet);
	if (s->options.set.control)
		return control_open(s, s->options.set.control, &run->control);
	return 0;
}

struct finish {
	struct fleet *fleet;
	unsigned int left;
};

static int finish_on(struct gh_runner *runner, void *arg)
{
	struct finish *f = arg;
	unsigned int i;

	for (i = 0; i < f->fleet->nr_guests; i++) {
		struct guest *g = &f->fleet->guests[i];

		if (f->fleet->members[g->member].runner != runner)
			continue;
		f->left += !serial_finish(g->serial);
		f->left += !guest_devices_finish(g);
	}
	return 0;
}

/* The VMs are gone; what they had on a ring comes back. A device that hangs is left. */
static void finish_guests(struct fleet *s)
{
	struct pollfd p = { .fd = gh_runner_fd(s->runner), .events = POLLIN };
	unsigned int tries, i;

	for (tries = 0; tries < FINISH_TRIES; tries++) {
		struct finish f = { .fleet = s };

		for (i = 0; i < s->nr_members; i++)
			fleet_call(s, i, finish_on, &f);
		if (!f.left)
			return;
		gh_runner_prepare(s->runner);
		poll(&p, 1, FINISH_MS);
		gh_runner_dispatch(s->runner, 0);
	}
	cli_error(NULL, "a file of a guest is not written or read to the end: its disk does not answer");
}

static void fleet_close(struct run *run)
{
	struct fleet *s = &run->fleet;
	unsigned int i;

	/* A failed start leaves guests that were never driven: take them out first. */
	if (s->nr_members) {
		fleet_stop(s, NULL);
		if (fleet_ended(s) < s->nr_started)
			gh_runner_run(s->runner);
		fleet_destroy(s);
		finish_guests(s);
	}
	control_stop(run->control);
	gh_group_destroy(s->group);
	gh_runner_destroy(s->runner);
	control_close(run->control);
	for (i = 0; s->guests && i < s->nr_guests; i++)
		guest_devices_close(&s->guests[i]);
	free(s->guests);
	free(s->members);
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
		ret = guests_start(s, &s->options.guests[i]);
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
out:
	config_unload(&s->options);
	free(run);
	return status;
}
