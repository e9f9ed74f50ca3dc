/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What a loop under test has to serve besides the guests: a timer and a socket.
 */
#ifndef ADAPTERS_H
#define ADAPTERS_H

#include <gh-runner/gh-runner.h>

#include "gt.h"

#define TICK_NS		20000000ULL

struct world;

/**
 * struct loop - one event loop
 * @run: has tick() called every TICK_NS and echo() when @socket is readable, until
 *	done() says so; the runner is put into the loop before these if @runner_first
 * @fail: of the unit test, optional: runs a loop with @runner, whose ring fails, and a timer
 *	of its own for ten times TICK_NS. Returns the turns of the loop after the error was told
 */
struct loop {
	const char *name;
	void (*run)(struct world *w, struct gh_runner *runner, int socket, bool runner_first);
	unsigned int (*fail)(struct gh_runner *runner);
};

extern const struct loop loop_epoll, loop_uv, loop_glib, loop_sd_event;

/* The timer fired; it had been set for @due_ns. */
void tick(struct world *w, uint64_t due_ns);
/* The socket is readable. */
void echo(struct world *w);
/* After each turn of the loop. */
bool done(struct world *w);

#endif /* ADAPTERS_H */
